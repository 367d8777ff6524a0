package approval_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/trust"
	"tidewaiter/trust/approval"
	"tidewaiter/vex"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func at(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

// summary makes that of a gate that was passed.
func summary(change func(f *approval.Facts)) *approval.Summary {
	f := approval.Facts{Tool: "1.2", Time: at("2026-11-01"), Digest: digest, Report: "sha256:bb",
		Decision: approval.Decision{Environment: "production", Policy: json.RawMessage(`{"environment": {"goals": {"malicious": {}}}, "rules": {}}`), Data: "sha256:cc",
			Image:  approval.Named{Reference: "reg.example/acme/shop:1", Repository: "reg.example/acme/shop", Platform: "linux/amd64"},
			Inputs: []approval.Input{approval.NewInput(approval.VEX, "b.json", "sha256:02"), approval.NewInput(approval.Advisories, "advisories.db", "sha256:01")},
			Goals:  []approval.Goal{{Name: "malicious", Verdict: "pass"}}}}
	if change != nil {
		change(&f)
	}
	return approval.New(f)
}

// paper is an attestation of a predicate that the signature was verified of.
func paper(t *testing.T, predicate any, change func(a *trust.Attestation)) trust.Attestation {
	t.Helper()
	raw, err := json.Marshal(predicate)
	if err != nil {
		t.Fatal(err)
	}
	a := trust.Attestation{Kind: trust.OfStatement, PredicateType: trust.VerificationSummaryV1, Status: trust.Verified, Why: "signed with the key security",
		Signer: &trust.Signer{Name: "security"}, Found: trust.Found{Blob: approval.DigestOf(raw)}, Statement: &trust.Statement{Predicate: raw}}
	if change != nil {
		change(&a)
	}
	return a
}

func wanted() approval.Wanted {
	return approval.Wanted{Environment: "production", Policy: json.RawMessage(`{"rules":{},"environment":{"goals":{"malicious":{}}}}`), Now: at("2026-11-02"),
		Like: vex.Glob, Repository: func(name string) bool { return name == "" || name == "reg.example/acme/shop" }}
}

func TestASummaryIsWrittenAsTheSpecificationHasIt(t *testing.T) {
	s := summary(func(f *approval.Facts) {
		f.Attestations = []approval.Resource{{Name: "https://slsa.dev/provenance/v1", Digest: map[string]string{"sha256": "dd"}}}
		f.PolicyFile, f.PolicyFileDigest = "tidewaiter.yaml", "sha256:ee"
	})
	raw, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"id": "https://tidewaiter.dev/gate"`, `"timeVerified": "2026-11-01T12:00:00Z"`, `"verificationResult": "PASSED"`,
		`"resourceUri": "pkg:oci/shop@sha256:aaaa`, `repository_url=reg.example%2Facme%2Fshop"`, `"uri": "tidewaiter.yaml"`,
		`"https://tidewaiter.dev/approval/v1": {`, `"SLSA_BUILD_LEVEL_UNEVALUATED"`, `"name": "https://slsa.dev/provenance/v1"`,
	} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
	again, err := approval.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	again.Decision.Policy, s.Decision.Policy = nil, nil
	if diff := cmp.Diff(s, again); diff != "" {
		t.Error(diff)
	}
	if s.Decision.Inputs[0].Kind != approval.Advisories {
		t.Errorf("inputs are not in order: %v", s.Decision.Inputs)
	}
}

func TestAnApprovalCounts(t *testing.T) {
	for _, c := range []struct {
		name    string
		summary func(f *approval.Facts)
		paper   func(a *trust.Attestation)
		wanted  func(w *approval.Wanted)
		refused string // empty: it counts
	}{
		{name: "all is as it should be"},
		{name: "signed by a stranger", paper: func(a *trust.Attestation) { a.Status, a.Why = trust.Stranger, "another key" }, refused: "signed by a stranger: another key"},
		{name: "its signature was stripped", paper: func(a *trust.Attestation) { a.Status, a.Why = trust.Unsigned, "nobody signed it" }, refused: "unsigned: nobody signed it"},
		{name: "it was edited", paper: func(a *trust.Attestation) { a.Status, a.Why = trust.Broken, "it is not what was signed" }, refused: "broken: it is not what was signed"},
		{name: "for another environment", wanted: func(w *approval.Wanted) { w.Environment = "staging" }, refused: "it is for production, not for staging"},
		{name: "another policy", wanted: func(w *approval.Wanted) {
			w.Policy = json.RawMessage(`{"environment":{"goals":{"non-root":{}}},"rules":{}}`)
		},
			refused: "another policy than that of now: environment.goals.malicious, environment.goals.non-root"},
		{name: "another policy, and any will do", wanted: func(w *approval.Wanted) { w.Policy = nil }},
		{name: "too old", wanted: func(w *approval.Wanted) { w.MaxAge = 12 * time.Hour }, refused: "it is of 2026-11-01 12:00: older than 12h0m0s"},
		{name: "not too old", wanted: func(w *approval.Wanted) { w.MaxAge = 24 * time.Hour }},
		{name: "of the future", summary: func(f *approval.Facts) { f.Time = at("2026-12-01") }, refused: "yet to come"},
		{name: "of another repository", summary: func(f *approval.Facts) { f.Image.Repository = "reg.example/acme/tea" }, refused: "it is for the image in reg.example/acme/tea"},
		{name: "made before the image had a repository", summary: func(f *approval.Facts) { f.Image.Repository = "" }},
		{name: "another verifier", summary: func(f *approval.Facts) { f.Verifier = "https://acme.example/gate" }, refused: "which --approval-verifier does not name"},
		{name: "another verifier that is named", summary: func(f *approval.Facts) { f.Verifier = "https://acme.example/gate" },
			wanted: func(w *approval.Wanted) { w.Verifiers = []string{"https://acme.example/*"} }},
		{name: "its blob was swapped", paper: func(a *trust.Attestation) {
			a.Status, a.Why, a.PredicateType, a.Signer, a.Statement = trust.Broken, "it cannot be read: content does not match its digest", "", nil, nil
		}, refused: "broken: it cannot be read"},
		{name: "nothing can be read", paper: func(a *trust.Attestation) { a.Statement.Predicate = json.RawMessage(`[]`) }, refused: "not a valid verification summary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := wanted()
			if c.wanted != nil {
				c.wanted(&w)
			}
			found := approval.Find([]trust.Attestation{paper(t, summary(c.summary), c.paper)}, w)
			if c.refused == "" {
				if found.Verdict != trust.Pass || found.By == nil || found.By.Signer != "security" {
					t.Errorf("it does not count: %+v", found)
				}
				return
			}
			if found.Verdict != trust.Unknown || found.By != nil || len(found.Others) != 1 || !strings.Contains(found.Others[0].Refused, c.refused) {
				t.Errorf("%s: %+v", c.refused, found)
			}
		})
	}
}

func TestTheNewestDecides(t *testing.T) {
	of := func(day, result string) trust.Attestation {
		s := summary(func(f *approval.Facts) { f.Time = at(day) })
		s.Result = result
		return paper(t, s, nil)
	}
	stranger := of("2026-11-02", approval.Failed)
	stranger.Status = trust.Stranger
	for _, c := range []struct {
		name string
		list []trust.Attestation
		want trust.CheckVerdict
		on   string
	}{
		{"two that passed", []trust.Attestation{of("2026-10-01", approval.Passed), of("2026-10-20", approval.Passed)}, trust.Pass, "2026-10-20"},
		{"it passed and then failed", []trust.Attestation{of("2026-10-01", approval.Passed), of("2026-10-20", approval.Failed)}, trust.Fail, "2026-10-20"},
		{"it failed and then passed", []trust.Attestation{of("2026-10-20", approval.Passed), of("2026-10-01", approval.Failed)}, trust.Pass, "2026-10-20"},
		{"both at once", []trust.Attestation{of("2026-10-20", approval.Passed), of("2026-10-20", approval.Failed)}, trust.Fail, "2026-10-20"},
		{"a stranger says no", []trust.Attestation{of("2026-10-01", approval.Passed), stranger}, trust.Pass, "2026-10-01"},
		{"there is none", nil, trust.Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := approval.Find(c.list, wanted())
			on := ""
			if found.By != nil {
				on = found.By.Time.Format(time.DateOnly)
			}
			if found.Verdict != c.want || on != c.on || found.Reason == "" {
				t.Errorf("%s by that of %q, not %s by that of %q: %s", found.Verdict, on, c.want, c.on, found.Reason)
			}
		})
	}
}

// One document that is attached to the image and to its index is one approval.
func TestOneDocumentIsOneApproval(t *testing.T) {
	p := paper(t, summary(nil), nil)
	if found := approval.Find([]trust.Attestation{p, p}, wanted()); len(found.Others) != 0 {
		t.Errorf("%+v", found.Others)
	}
}

// Another program's summary says no environment: it counts for the policy that the user names.
func TestAnotherProgramsSummary(t *testing.T) {
	foreign := map[string]any{"verifier": map[string]any{"id": "https://example.com/publication_verifier"}, "timeVerified": "2026-11-01T00:00:00Z",
		"resourceUri": "https://reg.example/acme/shop@" + digest, "policy": map[string]any{"uri": "https://example.com/prod.policy", "digest": map[string]string{"sha256": "1234"}},
		"verificationResult": "PASSED", "verifiedLevels": []string{"SLSA_BUILD_LEVEL_3"}}
	for _, c := range []struct {
		verifier, policy, refused string
	}{
		{"", "", "the verifier https://example.com/publication_verifier"},
		{"https://example.com/publication_verifier", "", "--approval-policy does not name its policy https://example.com/prod.policy sha256:1234"},
		{"https://example.com/publication_verifier", "https://example.com/*", ""},
		{"https://example.com/publication_verifier", "https://example.com/prod.policy@sha256:1234", ""},
		{"https://example.com/publication_verifier", "https://example.com/prod.policy@sha256:9999", "--approval-policy does not name"},
	} {
		w := wanted()
		if c.verifier != "" {
			w.Verifiers = []string{c.verifier}
		}
		if c.policy != "" {
			w.Policies = []string{c.policy}
		}
		found := approval.Find([]trust.Attestation{paper(t, foreign, nil)}, w)
		if c.refused == "" && found.Verdict != trust.Pass {
			t.Errorf("%+v: %+v", c, found)
		}
		if c.refused != "" && (found.Verdict != trust.Unknown || !strings.Contains(found.Reason, c.refused)) {
			t.Errorf("%+v: %+v", c, found)
		}
	}
}

func TestADecisionTakenAgain(t *testing.T) {
	s := summary(nil)
	same := func() approval.AtHand {
		return approval.AtHand{Digest: digest, Tool: "1.2", Policy: s.Decision.Policy, Inputs: slices.Clone(s.Decision.Inputs), Result: approval.Passed, Report: "sha256:bb"}
	}
	for _, c := range []struct {
		name   string
		change func(now *approval.AtHand)
		paper  func(a *trust.Attestation)
		want   trust.CheckVerdict
		reason string
	}{
		{name: "nothing has changed", want: trust.Pass, reason: "comes out again, and its report to the byte"},
		{name: "an input has another name", change: func(n *approval.AtHand) { n.Inputs[1].Name = "elsewhere/b.json" }, want: trust.Pass, reason: "to the byte"},
		{name: "it was never passed", change: func(n *approval.AtHand) { n.Result, n.Report = approval.Failed, "sha256:ff" }, want: trust.Fail, reason: "was PASSED, and by the same inputs it is FAILED"},
		{name: "another report", change: func(n *approval.AtHand) { n.Report = "sha256:ff" }, want: trust.Unknown, reason: "its report does not"},
		{name: "another advisory file", change: func(n *approval.AtHand) {
			n.Inputs[0] = approval.NewInput(approval.Advisories, "advisories.db", "sha256:09")
			n.Result, n.Report = approval.Failed, "sha256:ff"
		}, want: trust.Unknown, reason: "other than recorded: advisories; by what is at hand it is FAILED"},
		{name: "an input is missing", change: func(n *approval.AtHand) { n.Inputs, n.Report = n.Inputs[:1], "sha256:ff" }, want: trust.Unknown, reason: "other than recorded: vex"},
		{name: "another policy", change: func(n *approval.AtHand) { n.Policy, n.Report = []byte(`{"rules":{"x":"off"}}`), "sha256:ff" }, want: trust.Unknown, reason: "other than recorded: policy"},
		{name: "another program", change: func(n *approval.AtHand) { n.Tool = "1.3" }, want: trust.Pass, reason: "though other than recorded: tool"},
		{name: "nothing could be judged", change: func(n *approval.AtHand) { *n = approval.AtHand{Why: "no advisory file"} }, want: trust.Unknown, reason: "could not be taken again: no advisory file"},
		{name: "a stranger's", paper: func(a *trust.Attestation) { a.Status = trust.Stranger }, want: trust.Unknown, reason: "signed by a stranger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := same()
			if c.change != nil {
				c.change(&now)
			}
			p := paper(t, s, c.paper)
			check := approval.CheckOf(approval.NewReplay(&p, s, now))
			if check.Verdict != c.want || !strings.Contains(check.Reason, c.reason) {
				t.Errorf("%s, not %s (%s): %s", check.Verdict, c.want, c.reason, check.Reason)
			}
		})
	}
	if c := approval.CheckOf(nil); c.Verdict != trust.Unknown {
		t.Errorf("an image without approvals: %+v", c)
	}
}

func TestTheNewestTrustedIsTakenAgain(t *testing.T) {
	old, young := paper(t, summary(nil), nil), paper(t, summary(func(f *approval.Facts) { f.Time = at("2026-11-02") }), nil)
	strangers := paper(t, summary(func(f *approval.Facts) { f.Time = at("2026-11-03") }), func(a *trust.Attestation) { a.Status = trust.Stranger })
	a, s := approval.Newest([]trust.Attestation{old, strangers, young}, "production")
	if a == nil || !s.TimeVerified.Equal(at("2026-11-02")) {
		t.Errorf("%+v", s)
	}
	if a, _ := approval.Newest([]trust.Attestation{old}, "staging"); a != nil {
		t.Error("an approval for another environment was taken")
	}
}

func TestBindings(t *testing.T) {
	list := []trust.Attestation{
		paper(t, approval.Binding{Environments: []string{"staging", "edge", "staging"}, Reason: "internal", Time: at("2026-11-01"), Until: "2027-01-01"}, nil),
		paper(t, approval.Binding{Exposure: "wide", Reason: "internal", Time: at("2026-11-02")}, nil),
		paper(t, approval.Binding{Exposure: "small", Reason: "internal", Time: at("2026-11-03")}, func(a *trust.Attestation) { a.Status, a.Signer = trust.Unsigned, nil }),
		paper(t, summary(nil), nil),
	}
	for i := range list[:3] {
		list[i].PredicateType = trust.BindingV1
	}
	got := approval.Bindings(list, []string{"small", "controlled", "open"})
	for i := range got {
		got[i].Attestation = ""
	}
	want := []trust.Binding{
		{Status: trust.Broken, Why: `it cannot be understood: its exposure "wide" is none of small, controlled, open`, Signer: "security"},
		{Status: trust.Verified, Why: "signed with the key security", Signer: "security", Environments: []string{"edge", "staging"}, Reason: "internal", Time: at("2026-11-01"), Until: "2027-01-01"},
		{Status: trust.Unsigned, Why: "signed with the key security", Exposure: "small", Reason: "internal", Time: at("2026-11-03")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	raw, _ := json.Marshal(summary(nil))
	f.Add(raw, []byte(`{"a": {"b": 1}}`))
	f.Fuzz(func(t *testing.T, predicate, policy []byte) {
		a := trust.Attestation{PredicateType: trust.VerificationSummaryV1, Status: trust.Verified, Signer: &trust.Signer{Name: "x"}, Statement: &trust.Statement{Predicate: predicate}}
		w := wanted()
		w.Policy = policy
		approval.Find([]trust.Attestation{a}, w)
		if p, s := approval.Newest([]trust.Attestation{a}, ""); p != nil {
			approval.CheckOf(approval.NewReplay(p, s, approval.AtHand{Policy: policy}))
		}
		a.PredicateType = trust.BindingV1
		approval.Bindings([]trust.Attestation{a}, nil)
	})
}
