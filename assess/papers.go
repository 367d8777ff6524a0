package assess

import (
	"cmp"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// NewAttestations gives an image's papers, and of them the verified statements and signatures, each under the names that the user and the
// certificate have for who signed it. It is never nil: they were looked at.
func NewAttestations(papers []trust.Attestation) *Attestations {
	out := &Attestations{Verified: []VerifiedAttestation{}, Found: papers}
	for _, p := range papers {
		if p.Kind == trust.OfDocument || p.Status != trust.Verified || p.Signer == nil {
			continue
		}
		for _, identity := range []string{p.Signer.Name, p.Signer.Identity} {
			if identity != "" {
				out.Verified = append(out.Verified, VerifiedAttestation{predicateOf(&p), identity})
			}
		}
	}
	slices.SortFunc(out.Verified, func(a, b VerifiedAttestation) int {
		return cmp.Or(cmp.Compare(a.Predicate, b.Predicate), cmp.Compare(a.Identity, b.Identity))
	})
	out.Verified = slices.Compact(out.Verified)
	return out
}

// unreadPapers says whether something is attached to the image that was looked for and could not be read, so that it may say anything.
func (s *Subject) unreadPapers() bool {
	return s.Attestations != nil && (slices.ContainsFunc(s.Attestations.Found, func(a trust.Attestation) bool { return a.Untold() }) ||
		slices.ContainsFunc(s.BlindSpots, func(b image.BlindSpot) bool {
			// Whoever attaches more than is read could hide a paper behind the rest.
			return b.Kind == image.UnreadablePaper || b.Kind == image.LimitReached && strings.HasPrefix(b.Where, "attestation")
		}))
}
