package trust

import (
	"time"
)

// Status is how the signature of an attestation came out.
type Status string

// The statuses, the best first.
const (
	// Verified: who may sign such a thing for this image did, and it is about this image.
	Verified Status = "verified"
	// Stranger: somebody signed it, and it is nobody who is trusted to.
	Stranger Status = "stranger"
	// Unsigned: nobody signed it. Whoever could write the image could write it, too.
	Unsigned Status = "unsigned"
	// Broken: it is not what was signed, is about another image, or cannot be read.
	Broken Status = "broken"
)

// Words are how the status is said to people.
func (s Status) Words() string {
	if s == Stranger {
		return "signed by a stranger"
	}
	return string(s)
}

// Kind is what sort of paper an attestation is.
type Kind string

// The kinds.
const (
	// OfStatement is an in-toto statement: it says something, its predicate, about the image.
	OfStatement Kind = "statement"
	// OfSignature vouches for the image and says nothing else.
	OfSignature Kind = "signature"
	// OfDocument is a document that was attached as it is, such as an SBOM without a statement around it.
	OfDocument Kind = "document"
)

// Attestation is one paper that was found with an image, and whether it can be believed.
type Attestation struct {
	Kind Kind `json:"kind"`
	// Form is how it is written: in-toto, dsse, sigstore-bundle, simple-signing, notation, spdx, cyclonedx, ...
	Form string `json:"form"`
	// PredicateType is the URI of what a statement says; of a signature and a document it is empty.
	PredicateType string `json:"predicateType,omitempty"`
	Status        Status `json:"status"`
	// Why says in a plain sentence how the status came about.
	Why string `json:"why"`
	// Signer is who signed it, as far as the signature tells; nil where nobody did.
	Signer *Signer `json:"signer,omitempty"`
	// Subjects are the digests that it says it is about.
	Subjects []string `json:"subjects,omitempty"`
	Found    Found    `json:"found"`

	// Statement is what was read of it; nil where it is no statement, or cannot be read. Only Status says whether it may be believed.
	Statement *Statement `json:"-"`
	// Document is the content of a document.
	Document []byte `json:"-"`
}

// Untold says whether nobody can tell what it states: it is broken, and nothing says of what type it is.
func (a *Attestation) Untold() bool {
	return a.Kind == OfStatement && a.Status == Broken && a.PredicateType == ""
}

// Signer is who signed something.
type Signer struct {
	// Name is what the user calls a trusted signer; empty for a stranger.
	Name string `json:"name,omitempty"`
	// Key is the SHA-256 of the public key in PKIX form, sha256:HEX; for a certificate, of its key.
	Key string `json:"key,omitempty"`
	// Identity is the subject's alternative name (mail, URI) of the certificate, Issuer who said that it is: an OIDC issuer, or the name of
	// the authority. Both are empty for a plain key.
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	// SignedAt is when a transparency log or a timestamp authority saw the signature; zero where neither vouches for a time.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// LogIndex is the place in the transparency log, where the signature is proven to be in one.
	LogIndex *int64 `json:"logIndex,omitempty"`
}

// Label names the signer to people: by the user's own name, else by what the certificate says, else by the key.
func (s *Signer) Label() string {
	switch {
	case s == nil:
		return ""
	case s.Name != "":
		return s.Name
	case s.Identity != "":
		return s.Identity
	case len(s.Key) > len("sha256:")+12:
		return "key " + s.Key[:len("sha256:")+12]
	}
	return "an unknown key"
}

// Found is where an attestation was.
type Found struct {
	// How it is tied to the image: index (an entry that BuildKit puts beside the image), referrer, referrers-tag (the fallback of
	// registries without a list), cosign-tag, layout.
	How string `json:"how"`
	// Tag is the tag that it lies under; empty where it has none.
	Tag string `json:"tag,omitempty"`
	// AttachedTo is the digest of the image's manifest, or of its index, to which it is tied.
	AttachedTo string `json:"attachedTo"`
	// Manifest and Blob are the digests of the manifest that holds it and of the document itself.
	Manifest  string `json:"manifest,omitempty"`
	Blob      string `json:"blob,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
}
