package assess_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/trust"
)

func builtIn(name string) assess.Environment {
	list := assess.BuiltIn()
	return list[slices.IndexFunc(list, func(e assess.Environment) bool { return e.Name == name })]
}

func TestAnImageIsBoundToEnvironments(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	staging := trust.Binding{Status: trust.Verified, Signer: "security", Environments: []string{"staging"}, Reason: "not reviewed yet"}
	with := func(b trust.Binding, change func(b *trust.Binding)) trust.Binding {
		change(&b)
		return b
	}
	internal := trust.Binding{Status: trust.Verified, Signer: "security", Exposure: "controlled"}
	for _, c := range []struct {
		name     string
		bindings []trust.Binding
		env      string
		want     assess.Verdict // empty: there is no such goal
		reason   string
	}{
		{"without bindings", nil, "production", "", ""},
		{"bound to another", []trust.Binding{staging}, "production", assess.Fail, "security has bound it to staging (not reviewed yet)"},
		{"bound to this one", []trust.Binding{staging}, "staging", assess.Pass, "and this is one"},
		{"internal only, in the open", []trust.Binding{internal}, "production", assess.Fail, "controlled exposure at most"},
		{"internal only, inside", []trust.Binding{internal}, "staging", assess.Pass, ""},
		{"the stricter one counts", []trust.Binding{staging, with(internal, func(b *trust.Binding) { b.Exposure = "small" })}, "staging", assess.Fail, "small exposure at most"},
		{"it has ended", []trust.Binding{with(staging, func(b *trust.Binding) { b.Until = "2026-11-02" })}, "production", assess.Pass, "no binding that holds"},
		{"it ends tomorrow", []trust.Binding{with(staging, func(b *trust.Binding) { b.Until = "2026-11-03" })}, "production", assess.Fail, "until 2026-11-03"},
		{"a stranger's", []trust.Binding{with(staging, func(b *trust.Binding) { b.Status = trust.Stranger })}, "production", assess.Pass, "left aside: 1 binding to staging, signed by a stranger"},
		{"nobody's", []trust.Binding{with(staging, func(b *trust.Binding) { b.Status = trust.Unsigned })}, "production", assess.Pass, "unsigned"},
		{"a broken one", []trust.Binding{{Status: trust.Broken, Why: "it was edited"}}, "production", assess.Unknown, "what it demanded is not known: it was edited"},
		{"one that says no beside a broken one", []trust.Binding{{Status: trust.Broken}, staging}, "production", assess.Fail, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := shop(func(s *assess.Subject) { s.Bindings = c.bindings })
			goals, _ := assess.Judge(s, builtIn(c.env), assess.Options{Now: now})
			var got assess.GoalResult
			for _, g := range goals {
				if g.Name == assess.BindingGoal {
					got = g
				}
			}
			if got.Verdict != c.want || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("%q, not %q: %s", got.Verdict, c.want, got.Reason)
			}
		})
	}
}

// What could not be read may be a binding.
func TestAnUnreadPaperMayBeABinding(t *testing.T) {
	s := shop(func(s *assess.Subject) {
		s.Attestations = assess.NewAttestations(nil)
		s.BlindSpots = append(s.BlindSpots, image.BlindSpot{Kind: image.UnreadablePaper})
	})
	if got, ok := assess.Bound(s, builtIn("production"), time.Time{}); !ok || got.Verdict != assess.Unknown {
		t.Errorf("%v %+v", ok, got)
	}
	s = shop(func(s *assess.Subject) {
		s.Attestations = assess.NewAttestations([]trust.Attestation{{Kind: trust.OfStatement, Status: trust.Broken}})
	})
	if got, ok := assess.Bound(s, builtIn("production"), time.Time{}); !ok || got.Verdict != assess.Unknown {
		t.Errorf("%v %+v", ok, got)
	}
}

func TestAttestationsThatAreVerified(t *testing.T) {
	of := func(predicate string, status trust.Status, name, identity string) trust.Attestation {
		return trust.Attestation{Kind: trust.OfStatement, PredicateType: predicate, Status: status, Signer: &trust.Signer{Name: name, Identity: identity}}
	}
	got := assess.NewAttestations([]trust.Attestation{
		of("b", trust.Verified, "ci", "ci@acme.example"), of("a", trust.Verified, "ci", ""), of("a", trust.Verified, "ci", ""), of("c", trust.Stranger, "", "eve@example.com")})
	want := []assess.VerifiedAttestation{{Predicate: "a", Identity: "ci"}, {Predicate: "b", Identity: "ci"}, {Predicate: "b", Identity: "ci@acme.example"}}
	if len(got.Verified) != len(want) {
		t.Fatalf("%+v", got.Verified)
	}
	for i := range want {
		if got.Verified[i] != want[i] {
			t.Errorf("%+v, not %+v", got.Verified[i], want[i])
		}
	}
}
