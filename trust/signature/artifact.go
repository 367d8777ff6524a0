package signature

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// signedPredicate is the predicate type of a statement that does no more than sign its subject, as cosign writes it. Any other
// statement is about its subject, and may say that it is bad.
const signedPredicate = "https://sigstore.dev/cosign/sign/v1"

// The annotations of a manifest that holds a bundle, as cosign writes them.
const (
	bundleContentKey   = "dev.sigstore.bundle.content"
	bundlePredicateKey = "dev.sigstore.bundle.predicateType"
)

// imageConfigType is the config's media type of what cosign keeps under a tag.
const imageConfigType = "application/vnd.oci.image.config.v1+json"

// The annotations that cosign looks for in a layout: cosign verify --local-image.
const (
	layoutKindKey   = "kind"
	layoutImage     = "dev.cosignproject.cosign/image"
	layoutSignature = "dev.cosignproject.cosign/sigs"
)

// SignArtifact gives what is to be attached to an artifact so that it is signed by a key: a sigstore bundle, which cosign 3
// looks for, and a simple signature under a tag, which every cosign knows. In a layout the artifact is marked as what was
// signed. repository is where the artifact will lie; it may be empty.
func SignArtifact(k *PrivateKey, repository string, artifact *image.Draft) ([]*image.Draft, error) {
	_, root, err := artifact.Manifest()
	if err != nil {
		return nil, err
	}
	bundled, err := signBundled(k, root)
	if err != nil {
		return nil, err
	}
	tagged, err := signTagged(k, repository, root)
	if err != nil {
		return nil, err
	}
	artifact.LayoutAnnotations = map[string]string{layoutKindKey: layoutImage}
	return []*image.Draft{bundled, tagged}, nil
}

func signBundled(k *PrivateKey, root image.Blob) (*image.Draft, error) {
	algorithm, hex, _ := strings.Cut(root.Digest, ":")
	statement, err := json.Marshal(trust.Statement{
		Type: trust.StatementV1, Subject: []trust.Subject{{Digest: map[string]string{algorithm: hex}}},
		PredicateType: signedPredicate, Predicate: json.RawMessage("{}"),
	})
	if err != nil {
		return nil, err
	}
	envelope, err := k.SignEnvelope(trust.StatementType, statement)
	if err != nil {
		return nil, err
	}
	raw, err := newBundle(envelope, k.Public())
	if err != nil {
		return nil, err
	}
	return &image.Draft{
		Type:        bundleType,
		Annotations: map[string]string{bundleContentKey: "dsse-envelope", bundlePredicateKey: signedPredicate},
		Blobs:       []image.Content{image.NewDocument(bundleType, raw, nil)},
		Subject:     &root,
	}, nil
}

func signTagged(k *PrivateKey, repository string, root image.Blob) (*image.Draft, error) {
	document, signature, err := k.signSimply(repository, root.Digest)
	if err != nil {
		return nil, err
	}
	blob := image.NewDocument(simpleSigningType, document, map[string]string{simpleSignatureKey: signature})
	config, err := json.Marshal(map[string]any{
		"architecture": "", "os": "", "config": struct{}{},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{blob.Digest}},
	})
	if err != nil {
		return nil, err
	}
	content := image.NewDocument(imageConfigType, config, nil)
	return &image.Draft{
		Config:            &content,
		Blobs:             []image.Content{blob},
		LayoutAnnotations: map[string]string{layoutKindKey: layoutSignature},
		Tag:               strings.Replace(root.Digest, ":", "-", 1) + ".sig",
	}, nil
}

// UnsignedError says that no signature by a trusted key was found.
type UnsignedError struct {
	// Seen counts the signatures that were there.
	Seen int
	// Other is the digest of another manifest that a trusted key's signature was for; empty where there was none.
	Other string
	keys  Keys
}

func (e *UnsignedError) Error() string {
	switch {
	case e.Other != "":
		return "its signature is for another manifest, " + e.Other + ": it was copied from there, or what it signed was replaced"
	case e.Seen == 0:
		return "it is not signed"
	case len(e.keys) == 1:
		return fmt.Sprintf("it is signed, but not with the key %s", e.keys[0].Name)
	}
	return fmt.Sprintf("it is signed, but with none of the %d keys that were named", len(e.keys))
}

// VerifyArtifact gives the key that signed an artifact, as [SignArtifact] or cosign do it. The error is an [UnsignedError]
// where none of the keys did; any other says that something could not be read.
func (keys Keys) VerifyArtifact(ctx context.Context, a *image.Artifact) (*PublicKey, error) {
	attached, spots, err := a.Attachments(ctx)
	if err != nil {
		return nil, err
	}
	unsigned := &UnsignedError{keys: keys}
	var unread error
	if len(spots) > 0 {
		unread = errors.New(spots[0].Where + ": " + spots[0].Message)
	}
	for _, d := range attached {
		for _, b := range d.Blobs[:min(len(d.Blobs), maxSignatures)] {
			signed, by, err := keys.verifyBlob(ctx, d, b)
			switch {
			case err == nil && slices.Contains(signed, a.Digest):
				return by, nil
			case errors.Is(err, errNoSignature):
				continue
			case err == nil:
				unsigned.Other = signed[0]
			case !errors.Is(err, ErrSignature):
				unread = err
			}
			unsigned.Seen++
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if unread != nil && unsigned.Other == "" {
		return nil, fmt.Errorf("no signature by a named key was found, and one could not be read: %w", unread)
	}
	return nil, unsigned
}

// errNoSignature says that a blob is something else.
var errNoSignature = errors.New("not a signature")

// verifyBlob gives the digests of the manifests that a blob is a signature of, at least one, and the key.
func (keys Keys) verifyBlob(ctx context.Context, a *image.Artifact, b image.Blob) (signed []string, by *PublicKey, err error) {
	simple := b.MediaType == simpleSigningType
	if !simple && !IsBundleType(b.MediaType) {
		return nil, nil, errNoSignature
	}
	raw, err := a.Document(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	if simple {
		manifest, by, err := keys.verifySimply(raw, b.Annotations[simpleSignatureKey])
		return []string{manifest}, by, err
	}
	envelope, err := ParseBundle(raw)
	if err != nil {
		return nil, nil, err
	}
	s, by, err := keys.VerifyStatement(envelope)
	if err != nil {
		return nil, nil, err
	}
	if s.PredicateType != signedPredicate {
		return nil, nil, errNoSignature
	}
	for _, subject := range s.Subject {
		signed = append(signed, "sha256:"+strings.ToLower(subject.Digest["sha256"]))
	}
	if signed == nil {
		return nil, nil, errors.New("what was signed names no manifest")
	}
	return signed, by, nil
}
