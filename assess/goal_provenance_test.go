package assess_test

import (
	"strings"
	"testing"
	"time"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/trust"
)

// built is a provenance that is all that one can ask for.
func built(change ...func(p *trust.Provenance)) func(s *assess.Subject) {
	p := &trust.Provenance{
		PredicateType: "https://slsa.dev/provenance/v1", Attested: trust.Verified, Signer: "release",
		SignedBy: &trust.Signer{Name: "release", Identity: "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com"},
		Builder:  "https://github.com/acme/shop/actions/runs/42", Source: &trust.BuildSource{URI: "https://github.com/acme/shop", Commit: "9f3c1e2a"},
		Finished: today.Add(-3 * day), Mode: "max",
		Inputs: []trust.Input{
			{Kind: "git", Name: "https://github.com/acme/shop", Pin: trust.Pinned},
			{Kind: "image", Name: "debian:12@sha256:aa", Pin: trust.PinnedVerified, DockerfileLine: 2},
			{Kind: "tool", Name: "docker/buildkit-syft-scanner:stable-1", Pin: trust.Floating},
		},
		Claims: []trust.Claim{{Name: "builder", Standing: trust.Proven}, {Name: "source", Standing: trust.Proven}},
	}
	for _, c := range change {
		c(p)
	}
	return func(s *assess.Subject) { s.Provenance = p }
}

func attested(status trust.Status) func(p *trust.Provenance) {
	return func(p *trust.Provenance) {
		p.Attested = status
		if status != trust.Verified {
			p.Signer, p.SignedBy = "", nil
			for i := range p.Claims {
				p.Claims[i].Standing = trust.Claimed
			}
		}
	}
}

func input(kind, name string, pin trust.Pin) func(p *trust.Provenance) {
	return func(p *trust.Provenance) {
		p.Inputs = append(p.Inputs, trust.Input{Kind: kind, Name: name, Pin: pin, DockerfileLine: 7})
	}
}

func TestTheProvenanceGoal(t *testing.T) {
	unlooked := func(s *assess.Subject) { s.Attestations = nil }
	for _, tt := range []struct {
		name  string
		goal  assess.ProvenanceGoal
		image *assess.Subject
		want  assess.Verdict
		says  string
	}{
		{"verified", assess.ProvenanceGoal{}, shop(built()), assess.Pass, "built by github-actions from acme/shop@9f3c1e2 (verified)"},
		{"none", assess.ProvenanceGoal{}, shop(), assess.Fail, "nothing says who built the image"},
		{"none, and none was looked for", assess.ProvenanceGoal{}, shop(unlooked), assess.Unknown, "--key"},
		{"none, and a paper that cannot be read", assess.ProvenanceGoal{}, shop(blind(image.UnreadablePaper)), assess.Unknown, "cannot be read"},
		{"broken", assess.ProvenanceGoal{}, shop(built(func(p *trust.Provenance) {
			*p = trust.Provenance{Attested: trust.Broken, Notes: []string{"the provenance was changed"}}
		})), assess.Fail, "the provenance was changed"},
		{"unsigned", assess.ProvenanceGoal{}, shop(built(attested(trust.Unsigned))), assess.Unknown, "nobody signed the provenance"},
		{"signed by a stranger", assess.ProvenanceGoal{}, shop(built(attested(trust.Stranger), func(p *trust.Provenance) { p.Signer = "key sha256:1234" })), assess.Unknown, "by a stranger, key sha256:1234"},
		{"unsigned, where its word is taken", assess.ProvenanceGoal{Unverified: "pass", Sources: []string{"github.com/acme/*"}}, shop(built(attested(trust.Unsigned))), assess.Pass, "(claimed)"},
		{"unsigned, where that fails", assess.ProvenanceGoal{Unverified: "fail"}, shop(built(attested(trust.Unsigned))), assess.Fail, "nobody signed"},
		{"unsigned, and not allowed by its own word", assess.ProvenanceGoal{Sources: []string{"github.com/other/*"}}, shop(built(attested(trust.Unsigned))), assess.Fail, "the source https://github.com/acme/shop is not"},
		{"not true of the image", assess.ProvenanceGoal{Unverified: "pass"}, shop(built(func(p *trust.Provenance) {
			p.Claims = append(p.Claims, trust.Claim{Name: "platform", Value: "linux/arm64", Standing: trust.Refuted, Why: "the image is for linux/amd64"})
		})), assess.Fail, "platform linux/arm64: the image is for linux/amd64"},

		{"an allowed builder", assess.ProvenanceGoal{Builders: []string{"https://github.com/acme/*"}}, shop(built()), assess.Pass, ""},
		{"another builder", assess.ProvenanceGoal{Builders: []string{"https://gitlab.com/*"}}, shop(built()), assess.Fail, "is not one of those allowed"},
		{"no builder", assess.ProvenanceGoal{Builders: []string{"*"}}, shop(built(func(p *trust.Provenance) { p.Builder = "" })), assess.Fail, "builder-id"},
		{"an allowed source", assess.ProvenanceGoal{Sources: []string{"https://github.com/acme/shop"}}, shop(built()), assess.Pass, ""},
		{"an allowed source, by its short name", assess.ProvenanceGoal{Sources: []string{"github.com/acme/*"}}, shop(built()), assess.Pass, ""},
		{"another source", assess.ProvenanceGoal{Sources: []string{"github.com/acme/other"}}, shop(built()), assess.Fail, "build from one of"},
		{"no source", assess.ProvenanceGoal{Sources: []string{"*"}}, shop(built(func(p *trust.Provenance) { p.Source = nil })), assess.Fail, "names no source"},
		{"a source that the builder did not look at", assess.ProvenanceGoal{Sources: []string{"github.com/acme/*"}}, shop(built(func(p *trust.Provenance) {
			p.Claims[1] = trust.Claim{Name: "source", Standing: trust.Claimed, Why: "whoever started the build said so"}
		})), assess.Unknown, "only claimed: whoever started"},
		{"an allowed signer, by name", assess.ProvenanceGoal{Signers: []string{"release"}}, shop(built()), assess.Pass, ""},
		{"an allowed signer, by identity", assess.ProvenanceGoal{Signers: []string{"https://github.com/acme/*"}}, shop(built()), assess.Pass, ""},
		{"another signer", assess.ProvenanceGoal{Signers: []string{"build"}}, shop(built()), assess.Fail, "signed by release"},
		{"no signer, where one is demanded and the word is taken", assess.ProvenanceGoal{Signers: []string{"release"}, Unverified: "pass"}, shop(built(attested(trust.Unsigned))), assess.Unknown, "none of the allowed signers"},

		{"the steps of the build", assess.ProvenanceGoal{Mode: "max"}, shop(built()), assess.Pass, ""},
		{"no steps of the build", assess.ProvenanceGoal{Mode: "max"}, shop(built(func(p *trust.Provenance) { p.Mode = "min" })), assess.Fail, "mode=max"},
		{"pinned", assess.ProvenanceGoal{Inputs: "pinned"}, shop(built()), assess.Pass, ""},
		{"a tag", assess.ProvenanceGoal{Inputs: "pinned"}, shop(built(input("image", "node:18", trust.Floating), input("network", "RUN make", trust.PinUnknown))), assess.Fail, "1 input not pinned: node:18 (Dockerfile:7)"},
		{"a floating frontend", assess.ProvenanceGoal{Inputs: "pinned"}, shop(built(input("tool", "docker/dockerfile:1", trust.Floating))), assess.Fail, "docker/dockerfile:1"},
		{"the network", assess.ProvenanceGoal{Inputs: "pinned"}, shop(built(input("network", "RUN make", trust.PinUnknown))), assess.Unknown, "RUN make (Dockerfile:7)"},
		{"the network, which is allowed", assess.ProvenanceGoal{Inputs: "pinned", Allow: []string{"network"}}, shop(built(input("network", "RUN make", trust.PinUnknown))), assess.Pass, ""},
		{"a tag that is allowed", assess.ProvenanceGoal{Inputs: "pinned", Allow: []string{"node:*"}}, shop(built(input("image", "node:18", trust.Floating))), assess.Pass, ""},
		{"pinned by another provenance, which nobody signed", assess.ProvenanceGoal{Inputs: "pinned"}, shop(built(func(p *trust.Provenance) { p.InputsAttested = trust.Unsigned })), assess.Unknown, "only claimed by another provenance, unsigned"},
		{"steps by another provenance, whose word is taken", assess.ProvenanceGoal{Mode: "max", Unverified: "pass"}, shop(built(func(p *trust.Provenance) { p.InputsAttested = trust.Unsigned })), assess.Pass, ""},
		{"steps by a stranger's, where that fails", assess.ProvenanceGoal{Mode: "max", Unverified: "fail"}, shop(built(func(p *trust.Provenance) { p.InputsAttested = trust.Stranger })), assess.Fail, "signed by a stranger"},
		{"no inputs", assess.ProvenanceGoal{Inputs: "pinned"}, shop(built(func(p *trust.Provenance) { p.Inputs = nil })), assess.Unknown, "lists no inputs"},

		{"young", assess.ProvenanceGoal{MaxAge: 3 * day}, shop(built()), assess.Pass, ""},
		{"old", assess.ProvenanceGoal{MaxAge: 2 * day}, shop(built()), assess.Fail, "it was built 3 days ago, over 2 days"},
		{"of no known age", assess.ProvenanceGoal{MaxAge: 2 * day}, shop(built(func(p *trust.Provenance) { p.Finished = time.Time{} })), assess.Unknown, "names no time"},
		{"signed long ago", assess.ProvenanceGoal{MaxAge: 2 * day}, shop(built(func(p *trust.Provenance) { p.Finished, p.SignedBy.SignedAt = time.Time{}, today.Add(-9*day) })), assess.Fail, "it was signed 9 days ago"},
		{"of tomorrow", assess.ProvenanceGoal{MaxAge: 2 * day}, shop(built(func(p *trust.Provenance) { p.Finished = today.Add(9 * day) })), assess.Fail, "in the future"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := judged(t, "provenance", assess.Goals{Provenance: &tt.goal}, tt.image, assess.Options{})
			if r.Verdict != tt.want || !strings.Contains(r.Reason+"\n"+r.Step, tt.says) {
				t.Errorf("%+v, want %s, saying %q", r, tt.want, tt.says)
			}
		})
	}
}

func TestTheAttestationsGoalNamesWhatIsThereInstead(t *testing.T) {
	paper := func(status trust.Status, signer *trust.Signer) trust.Attestation {
		return trust.Attestation{Kind: trust.OfStatement, PredicateType: "https://spdx.dev/Document", Status: status, Why: "its payload was changed", Signer: signer}
	}
	ci := &trust.Signer{Name: "ci", Identity: "https://github.com/acme/shop/ci.yml"}
	for name, tt := range map[string]struct {
		found []trust.Attestation
		want  assess.Verdict
		says  string
	}{
		"nothing":           {nil, assess.Fail, "no verified attestation by one of the identities: spdxjson"},
		"by name":           {[]trust.Attestation{paper(trust.Verified, &trust.Signer{Name: "release"})}, assess.Pass, ""},
		"by key":            {[]trust.Attestation{paper(trust.Verified, &trust.Signer{Name: "keys/a.pub", Key: "sha256:aa"})}, assess.Pass, ""},
		"another's":         {[]trust.Attestation{paper(trust.Verified, ci)}, assess.Fail, "one is signed by ci"},
		"a stranger's":      {[]trust.Attestation{paper(trust.Stranger, &trust.Signer{Identity: "release"})}, assess.Fail, "signed by a stranger, release"},
		"broken":            {[]trust.Attestation{paper(trust.Broken, nil), paper(trust.Unsigned, nil)}, assess.Fail, "spdxjson (one is broken: its payload was changed; one is unsigned)"},
		"a signature alone": {[]trust.Attestation{{Kind: trust.OfSignature, Status: trust.Verified, Signer: &trust.Signer{Name: "release"}}}, assess.Fail, ""},
	} {
		t.Run(name, func(t *testing.T) {
			goals := assess.Goals{Attestations: []assess.Attestation{{Predicate: "spdxjson", Identities: []string{"release", "sha256:aa"}}}}
			s := shop(func(s *assess.Subject) { s.Attestations = assess.NewAttestations(tt.found) })
			if r := judged(t, "attestations", goals, s, assess.Options{}); r.Verdict != tt.want || !strings.Contains(r.Reason, tt.says) {
				t.Errorf("%+v, want %s, saying %q", r, tt.want, tt.says)
			}
		})
	}
	signed := shop(func(s *assess.Subject) {
		s.Attestations = assess.NewAttestations([]trust.Attestation{{Kind: trust.OfSignature, Status: trust.Verified, Signer: ci}})
	})
	goals := assess.Goals{Attestations: []assess.Attestation{{Predicate: "signature", Identities: []string{"https://github.com/acme/*"}}}}
	if r := judged(t, "attestations", goals, signed, assess.Options{}); r.Verdict != assess.Pass {
		t.Errorf("a signature of the image: %+v", r)
	}
}
