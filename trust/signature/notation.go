package signature

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	notation "github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"
	"github.com/notaryproject/tspclient-go"
	"github.com/sigstore/sigstore-go/pkg/root"

	"tidewaiter/trust"
)

// notationSignature is a signature of the Notary Project
// (https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md). Its message is wrapped in its own way, so that
// its library says whether it fits the certificate that came with it.
type notationSignature struct {
	// unfit says why it does not; nil where it does.
	unfit     error
	signature []byte
	// stamp is an RFC 3161 timestamp of the signature; nil where there is none.
	stamp  []byte
	expiry time.Time
}

// isNotation says whether a media type is one of the two forms.
func isNotation(mediaType string) bool {
	return mediaType == jws.MediaTypeEnvelope || mediaType == cose.MediaTypeEnvelope
}

func (p *paper) readNotation(raw []byte) error {
	p.kind = trust.OfSignature
	envelope, err := notation.ParseEnvelope(p.found.MediaType, raw)
	if err != nil {
		return fmt.Errorf("not a valid Notation signature: %w", err)
	}
	content, err := envelope.Content()
	if err != nil {
		return fmt.Errorf("not a valid Notation signature: %w", err)
	}
	var payload struct {
		Target struct {
			Digest string `json:"digest"`
		} `json:"targetArtifact"`
	}
	if err := json.Unmarshal(content.Payload.Content, &payload); err != nil {
		return fmt.Errorf("what was signed is not valid: %w", err)
	}
	info := content.SignerInfo
	for _, a := range info.SignedAttributes.ExtendedAttributes {
		if a.Critical {
			return fmt.Errorf("it asks for a Notation plugin (%v), which is not here", a.Key)
		}
	}
	if len(info.CertificateChain) == 0 {
		return errors.New("no certificate came with it")
	}
	_, unfit := envelope.Verify()
	p.subjects = []string{payload.Target.Digest}
	p.certificates = info.CertificateChain[:min(len(info.CertificateChain), maxChain)]
	p.marks = []mark{{signature: info.Signature}}
	p.notation = &notationSignature{unfit, info.Signature, info.UnsignedAttributes.TimestampSignature, info.SignedAttributes.Expiry}
	return nil
}

// fits says whether a key, which must be that of the certificate, made the signature.
func (n *notationSignature) fits(k *PublicKey, leaf *x509.Certificate) bool {
	key, err := newPublicKey("", leaf.PublicKey)
	return n.unfit == nil && err == nil && key.fingerprint() == k.fingerprint()
}

// proven is when one of the trusted timestamp authorities saw the signature; zero where none did.
func (n *notationSignature) proven(roots []*sigstoreRoot) time.Time {
	token, err := tspclient.ParseSignedToken(n.stamp)
	if err != nil {
		return time.Time{}
	}
	info, err := token.Info()
	if err != nil {
		return time.Time{}
	}
	at, err := info.Validate(n.signature)
	if err != nil {
		return time.Time{}
	}
	for _, r := range roots {
		for _, a := range r.TimestampingAuthorities() {
			if authority, ok := a.(*root.SigstoreTimestampingAuthority); ok && stamped(token, authority, at.Value) {
				return at.Value.UTC()
			}
		}
	}
	return time.Time{}
}

// stamped says whether an authority made a timestamp.
func stamped(token *tspclient.SignedToken, a *root.SigstoreTimestampingAuthority, at time.Time) bool {
	if at.Before(a.ValidityPeriodStart) || !a.ValidityPeriodEnd.IsZero() && at.After(a.ValidityPeriodEnd) {
		return false
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Root)
	_, err := token.Verify(context.Background(), x509.VerifyOptions{Roots: roots, CurrentTime: at})
	return err == nil
}
