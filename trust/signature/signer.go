package signature

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tidewaiter/trust"
	"tidewaiter/vex"
)

// signer is somebody whom the user trusts: the holder of a key, or of an identity in certificates.
type signer struct {
	name               string
	images, predicates []string
	// key is nil for an identity.
	key              *PublicKey
	identity, issuer string
	// authority are the roots of the user's own authority; nil: the certificates are sigstore's.
	authority *authority
}

func newSigner(r trust.Rule, readFile func(string) ([]byte, error)) (*signer, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	s := &signer{images: r.Images, identity: r.Identity, issuer: r.Issuer}
	for _, p := range r.Predicates {
		s.predicates = append(s.predicates, PredicateTypes(p)...)
	}
	switch {
	case r.Key != "":
		text, err := readFile(r.Key)
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		s.name = cmp.Or(r.Name, filepath.Base(r.Key))
		s.key, err = ReadPublicKey(s.name, text)
		return s, err
	case r.Authority != "":
		text, err := readFile(r.Authority)
		if err != nil {
			return nil, fmt.Errorf("authority: %w", err)
		}
		s.name = r.Name
		s.authority, err = readAuthority(text)
		return s, err
	}
	s.name = r.Name
	return s, nil
}

// may says whether the signer is trusted with a paper of an image.
func (s *signer) may(p *paper, about *vex.Image) bool {
	image := func(pattern string) bool { return about.Like(pattern) }
	if len(s.images) > 0 && !slices.ContainsFunc(s.images, image) {
		return false
	}
	said := p.says()
	return len(s.predicates) == 0 || slices.ContainsFunc(s.predicates, func(pattern string) bool { return isPredicate(pattern, said) })
}

// refuses says what the signer is not trusted with: where it is not the paper, it is the image.
func (s *signer) refuses(p *paper, about *vex.Image) string {
	all := *s
	if all.predicates = nil; all.may(p, about) {
		return "with " + p.what() + " of this image"
	}
	where := ""
	if about.Repository == "" {
		where = ", which was not fetched from a repository"
	}
	return "for this image" + where + ", but for " + strings.Join(s.images, ", ")
}

// says gives what a paper says, in the words of rules.
func (p *paper) says() string {
	switch p.kind {
	case trust.OfSignature:
		return SignaturePredicate
	case trust.OfDocument:
		return PredicateTypes(p.form)[0] // forms of documents are called as cosign calls their types
	}
	return p.predicateType
}

// SignaturePredicate is how rules call signatures of an image that say nothing else.
const SignaturePredicate = "signature"

// PredicateTypes gives the predicate types that a name means: one of cosign's short names, or a URI itself
// (https://github.com/sigstore/cosign/blob/main/pkg/cosign/attestation/attestation.go).
func PredicateTypes(name string) []string {
	switch name {
	case "slsaprovenance":
		return []string{"https://slsa.dev/provenance"}
	case "slsaprovenance02":
		return []string{"https://slsa.dev/provenance/v0.2"}
	case "slsaprovenance1":
		return []string{"https://slsa.dev/provenance/v1"}
	case "spdx", "spdxjson":
		return []string{"https://spdx.dev/Document"}
	case "cyclonedx":
		return []string{"https://cyclonedx.org/bom"}
	case "vuln":
		return []string{"https://cosign.sigstore.dev/attestation/vuln", "https://in-toto.io/attestation/vulns"}
	case "openvex":
		return []string{"https://openvex.dev/ns"}
	case "link":
		return []string{"https://in-toto.io/Link", "https://in-toto.io/attestation/link"}
	case "custom":
		return []string{"https://cosign.sigstore.dev/attestation/v1"}
	}
	return []string{name}
}

// isPredicate says whether a predicate type is the one that a pattern means, or a version of it.
func isPredicate(pattern, predicateType string) bool {
	rest, ok := strings.CutPrefix(predicateType, strings.TrimSuffix(pattern, "/"))
	return ok && (rest == "" || rest[0] == '/') || vex.Glob(pattern, predicateType)
}
