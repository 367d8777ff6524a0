package provenance

import (
	"strings"

	"github.com/package-url/packageurl-go"

	"tidewaiter/trust"
)

// subjectPlatforms are those that the names of the subject with a digest tell: pkg:docker/name@tag?platform=linux%2Famd64.
func (d *document) subjectPlatforms(digest string) []string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	var list []string
	for _, s := range d.attestation.Statement.Subject {
		if hex == "" || !strings.EqualFold(s.Digest[algorithm], hex) {
			continue
		}
		if purl, err := packageurl.FromString(s.Name); err == nil && purl.Qualifiers.Map()["platform"] != "" {
			list = append(list, purl.Qualifiers.Map()["platform"])
		}
	}
	return list
}

// samePlatform says whether two platforms are one; arm64 is of the variant v8, which may be left out.
func samePlatform(a, b string) bool {
	normal := func(p string) string {
		p = strings.TrimSuffix(strings.ToLower(p), "/")
		if p == "linux/arm64" {
			p += "/v8"
		}
		return p
	}
	return normal(a) == normal(b)
}

func (d *document) reproducibleClaim() trust.Claim {
	c := trust.Claim{Name: "reproducible", Standing: trust.Absent, Why: "nothing says that another build gives the same bytes"}
	if d.reproducible() {
		c.Standing, c.Why = trust.Claimed, "the builder says that another build gives the same bytes; nobody tried it here"
	}
	return c
}

// hosted are the issuers of the identities that build platforms give their own runs.
func hosted(issuer string) bool {
	switch strings.TrimSuffix(issuer, "/") {
	case "https://token.actions.githubusercontent.com", "https://gitlab.com", "https://agent.buildkite.com", "https://oidc.codefresh.io":
		return true
	}
	return false
}

// slsaGenerator begins the identities of the reusable workflows whose own documentation claims level 3.
const slsaGenerator = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/"

// levelClaim says which of the SLSA build levels the facts reach (https://slsa.dev/spec/v1.1/levels). How well the builder keeps builds
// apart from each other and from its keys, which level 3 asks, no document can show.
func levelClaim(p *trust.Provenance) trust.Claim {
	c := trust.Claim{Name: "SLSA level", Value: "Build L1", Standing: trust.Claimed, Why: "there is a provenance; level 2 needs it signed by a trusted builder"}
	if p.Attested != trust.Verified {
		return c
	}
	c.Standing, c.Why = trust.Proven, "the provenance is signed; level 2 needs that the build platform itself signed it, which the signature does not tell"
	switch by := p.SignedBy; {
	case by == nil || !hosted(by.Issuer):
	case strings.HasPrefix(by.Identity, slsaGenerator) && strings.HasPrefix(p.Builder, slsaGenerator):
		c.Value, c.Standing, c.Why = "Build L3", trust.Claimed, "signed by a builder whose makers claim level 3; what is shown here is level 2"
	default:
		c.Value, c.Why = "Build L2", "signed with the identity that "+by.Issuer+" gave the run; level 3 is for its builder to show"
	}
	return c
}
