package assess

import (
	"slices"
	"strings"

	"tidewaiter/trust"
)

// Attestations are those of an image.
type Attestations struct {
	// Verified are those that are there, and were signed by somebody who is trusted to.
	Verified []VerifiedAttestation `json:"verified"`
	// Found are all, whatever came of their signatures.
	Found []trust.Attestation `json:"found,omitempty"`
}

// VerifiedAttestation is one that is there, and was signed by who it says.
type VerifiedAttestation struct {
	// Predicate is the URI of the predicate's type; "signature" for a signature of the image itself.
	Predicate string `json:"predicate"`
	Identity  string `json:"identity"`
}

// SignaturePredicate stands for a signature of the image itself where predicate types are named.
const SignaturePredicate = "signature"

func predicateOf(a *trust.Attestation) string {
	if a.Kind == trust.OfSignature {
		return SignaturePredicate
	}
	return a.PredicateType
}

// attestations looks for each one that is demanded, and says of one that does not do what is wrong with it.
func attestations(j *judging) outcome {
	have := j.subject.Attestations
	if have == nil {
		return cannotTell("no attestations were looked for: nobody is named whose signatures are trusted", "name whom you trust: --key, or trust in tidewaiter.yaml", "no attestations looked for")
	}
	var missing []offender
	for _, want := range j.env.Goals.Attestations {
		if !have.meet(&want) {
			missing = append(missing, offender{key: want.Predicate, shown: want.Predicate + have.instead(&want)})
		}
	}
	if len(missing) == 0 {
		return met("each attestation is there and verified")
	}
	return outcome{Fail, missing, constant("no verified attestation by one of the identities",
		"attest it in the build, sign it as one of the identities, and name whom you trust under trust in tidewaiter.yaml")}
}

// meet says whether what is demanded is there.
func (a *Attestations) meet(want *Attestation) bool {
	identities := patterns(want.Identities)
	return slices.ContainsFunc(a.Verified, func(v VerifiedAttestation) bool {
		return isPredicate(v.Predicate, want.Predicate) && identities.match(v.Identity)
	}) || slices.ContainsFunc(a.Found, func(f trust.Attestation) bool {
		return f.Status == trust.Verified && isPredicate(predicateOf(&f), want.Predicate) && identities.matchSigner(f.Signer)
	})
}

// instead says what there is in the place of what is demanded; empty where there is nothing.
func (a *Attestations) instead(want *Attestation) string {
	var found []string
	for i := range a.Found {
		f := &a.Found[i]
		if !isPredicate(predicateOf(f), want.Predicate) {
			continue
		}
		switch f.Status {
		case trust.Verified:
			found = append(found, "one is signed by "+f.Signer.Label())
		case trust.Stranger:
			found = append(found, "one is signed by a stranger, "+f.Signer.Label())
		case trust.Broken:
			found = append(found, "one is broken: "+f.Why)
		default:
			found = append(found, "one is unsigned")
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	if len(found) == 0 {
		return ""
	}
	return " (" + strings.Join(found, "; ") + ")"
}

// matchSigner says whether a pattern fits a signer by any of his names.
func (p patterns) matchSigner(s *trust.Signer) bool {
	return s != nil && (s.Name != "" && p.match(s.Name) || s.Identity != "" && p.match(s.Identity) || s.Key != "" && p.match(s.Key) || p.match(s.Label()))
}

// isPredicate says whether a predicate type is the one that is demanded, by its URI or by cosign's short name.
func isPredicate(uri, want string) bool {
	names := map[string]string{
		"slsaprovenance": "https://slsa.dev/provenance", "slsaprovenance02": "https://slsa.dev/provenance/v0.2", "slsaprovenance1": "https://slsa.dev/provenance/v1",
		"spdx": "https://spdx.dev/Document", "spdxjson": "https://spdx.dev/Document", "cyclonedx": "https://cyclonedx.org/bom",
		"link": "https://in-toto.io/Link", "vuln": "https://cosign.sigstore.dev/attestation/vuln", "openvex": "https://openvex.dev/ns",
	}
	if full, ok := names[want]; ok {
		want = full
	}
	return uri == want || strings.HasPrefix(uri, want+"/")
}
