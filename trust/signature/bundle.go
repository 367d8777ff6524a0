package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// bundleType is the media type of the sigstore bundles that are written; those that are read begin with bundlePrefix
// (https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto).
const (
	bundleType   = "application/vnd.dev.sigstore.bundle.v0.3+json"
	bundlePrefix = "application/vnd.dev.sigstore.bundle"
)

// IsBundleType says whether a blob of a media type is a sigstore bundle.
func IsBundleType(mediaType string) bool { return strings.HasPrefix(mediaType, bundlePrefix) }

// bundle is a sigstore bundle, as much of it as a public key needs. What it says of certificates and of transparency logs is
// not looked at: whoever holds the key vouches.
type bundle struct {
	MediaType            string `json:"mediaType"`
	VerificationMaterial struct {
		PublicKey *publicKeyHint `json:"publicKey,omitempty"`
	} `json:"verificationMaterial"`
	DSSEEnvelope     *Envelope         `json:"dsseEnvelope,omitempty"`
	MessageSignature *messageSignature `json:"messageSignature,omitempty"`
}

// messageSignature is a signature of something that is not in the bundle.
type messageSignature struct {
	MessageDigest struct {
		Algorithm string `json:"algorithm"`
		Digest    []byte `json:"digest"`
	} `json:"messageDigest"`
	Signature []byte `json:"signature"`
}

type publicKeyHint struct {
	Hint string `json:"hint"`
}

// ParseBundle gives the DSSE envelope of a sigstore bundle. Nothing is verified.
func ParseBundle(raw []byte) (*Envelope, error) {
	b, err := readBundle(raw)
	if err != nil {
		return nil, err
	}
	if b.DSSEEnvelope == nil {
		return nil, errors.New("the sigstore bundle holds no DSSE envelope")
	}
	return b.DSSEEnvelope, nil
}

// readBundle reads a bundle, which holds either an envelope or a signature.
func readBundle(raw []byte) (*bundle, error) {
	var b bundle
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("not a valid sigstore bundle: %w", err)
	}
	switch {
	case !IsBundleType(b.MediaType):
		return nil, fmt.Errorf("not a sigstore bundle: its media type is %q", b.MediaType)
	case (b.DSSEEnvelope == nil) == (b.MessageSignature == nil):
		return nil, errors.New("the sigstore bundle holds no signature, or two")
	}
	return &b, nil
}

// newBundle puts an envelope that a key signed into a sigstore bundle.
func newBundle(e *Envelope, by *PublicKey) ([]byte, error) {
	b := bundle{MediaType: bundleType, DSSEEnvelope: e}
	b.VerificationMaterial.PublicKey = &publicKeyHint{by.Hint()}
	return json.Marshal(b)
}
