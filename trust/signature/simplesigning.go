package signature

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// What cosign signed a manifest with before it wrote bundles, and still can: a document that names the manifest's digest,
// whose signature stands in an annotation
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
const (
	simpleSigningType      = "application/vnd.dev.cosign.simplesigning.v1+json"
	simpleSignatureKey     = "dev.cosignproject.cosign/signature"
	simpleSigningStatement = "cosign container image signature"
)

// simpleSigning is that document.
type simpleSigning struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]any `json:"optional"`
}

// signSimply makes the document for a manifest in a repository, and its signature in base64.
func (k *PrivateKey) signSimply(repository, manifest string) (document []byte, signature string, err error) {
	var s simpleSigning
	s.Critical.Identity.Reference = repository
	s.Critical.Image.Digest = manifest
	s.Critical.Type = simpleSigningStatement
	if document, err = json.Marshal(s); err != nil {
		return nil, "", err
	}
	raw, err := k.Sign(document)
	if err != nil {
		return nil, "", err
	}
	return document, base64.StdEncoding.EncodeToString(raw), nil
}

// verifySimply gives the key that signed such a document, and the digest of the manifest that it is for. In which repository that
// lay is not asked: a manifest is what it is wherever it is copied to.
func (keys Keys) verifySimply(document []byte, signature string) (manifest string, by *PublicKey, err error) {
	raw, err := decodeBase64(signature)
	if err != nil {
		return "", nil, fmt.Errorf("the signature is not valid base64: %w", err)
	}
	if by, err = keys.Verify(document, raw); err != nil {
		return "", nil, err
	}
	manifest, err = parseSimply(document)
	return manifest, by, err
}

// parseSimply gives the digest of the manifest that such a document is for. Nothing is verified.
func parseSimply(document []byte) (manifest string, err error) {
	var s simpleSigning
	if err := json.Unmarshal(document, &s); err != nil {
		return "", fmt.Errorf("what was signed is not valid: %w", err)
	}
	if s.Critical.Type != simpleSigningStatement {
		return "", fmt.Errorf("what was signed is %q, not a signature of a manifest", s.Critical.Type)
	}
	return s.Critical.Image.Digest, nil
}
