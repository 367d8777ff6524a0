package signature

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// Signer signs a payload and gives it as a sigstore bundle, with all that it takes to verify it but what the verifier must bring
// along: the public key, or the roots of the certificate, the timestamp and the log.
type Signer interface {
	SignBundle(ctx context.Context, payloadType string, payload []byte) ([]byte, error)
}

// SignBundle is [Signer] for a plain key. It asks nobody, and the same key and payload give the same bytes.
func (k *PrivateKey) SignBundle(_ context.Context, payloadType string, payload []byte) ([]byte, error) {
	envelope, err := k.SignEnvelope(payloadType, payload)
	if err != nil {
		return nil, err
	}
	return newBundle(envelope, k.Public())
}

// NewStatement makes the statement that a predicate is true of an image: of all manifests that are given, which stand for the same
// image. repository names it; it may be empty.
func NewStatement(repository string, subjects []image.Blob, predicateType string, predicate any) ([]byte, error) {
	raw, err := json.Marshal(predicate)
	if err != nil {
		return nil, fmt.Errorf("predicate: %w", err)
	}
	s := trust.Statement{Type: trust.StatementV1, PredicateType: predicateType, Predicate: raw}
	for _, b := range subjects {
		algorithm, hex, _ := strings.Cut(b.Digest, ":")
		s.Subject = append(s.Subject, trust.Subject{Name: repository, Digest: map[string]string{algorithm: hex}})
	}
	return json.Marshal(s)
}

// NewReferrers gives what attaches a bundle with a statement to each of the subjects, as cosign does it.
func NewReferrers(bundle []byte, predicateType string, subjects []image.Blob) []*image.Draft {
	var list []*image.Draft
	for _, b := range subjects {
		list = append(list, &image.Draft{
			Type:        bundleType,
			Annotations: map[string]string{bundleContentKey: "dsse-envelope", bundlePredicateKey: predicateType},
			Blobs:       []image.Content{image.NewDocument(bundleType, bundle, nil)},
			Subject:     &b,
		})
	}
	return list
}
