package assess_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// anyFinding makes up a finding of one of the subject's packages: few problems and few packages, so that many findings share them.
func anyFinding(r *rand.Rand, packages []inventory.Package, problems int) match.Finding {
	one := func(n int) bool { return r.IntN(n) == 0 }
	p := &packages[r.IntN(len(packages))]
	n := r.IntN(problems)
	f := match.Finding{ID: fmt.Sprintf("CVE-2024-%04d", n), Package: p.PURL, Of: p, Paths: p.Paths, Published: fmt.Sprintf("2026-%02d-01", 1+r.IntN(9))}
	f.Severity = []match.Level{match.Critical, match.High, match.Medium, match.Unknown, match.Low, match.Negligible}[r.IntN(6)]
	if !one(3) {
		f.Fixed = []string{fmt.Sprintf("%d.0.0", 2+r.IntN(3))}
	}
	if one(2) {
		f.SSVC = &match.SSVC{Exploitation: []string{"none", "poc", "active"}[r.IntN(3)], Automatable: []string{"yes", "no"}[r.IntN(2)]}
	}
	if n%9 == 0 {
		f.KEV = &advisory.KEV{Added: "2026-05-01"}
	}
	if f.Malicious = n%31 == 0; one(5) && f.KEV == nil && !f.Malicious {
		f.Lowered = []match.Lowered{{By: "not-reached", Reason: "so"}}
	}
	if one(12) {
		f.Quieted = &match.Quieted{By: "a-rule", Reason: "so"}
	}
	return f
}

// anySubject makes up a subject with so many findings, each of another problem or of another package.
func anySubject(r *rand.Rand, findings int) *assess.Subject {
	s := &assess.Subject{Data: &assess.Data{Revision: "1", Feeds: []advisory.Feed{{Name: "kev"}, {Name: "eol"}, {Name: "osv/npm", Date: "2026-08-20"}}}}
	for i := range 2 + findings/20 {
		p := inventory.Package{Type: "npm", Ecosystem: "npm", Name: fmt.Sprintf("p%d", i), Version: "1.0.0"}
		if i%3 == 0 {
			p.Type, p.Ecosystem, p.Source = "deb", "Debian:12", &inventory.Source{Name: fmt.Sprintf("s%d", i/2)}
		}
		p.PURL, p.Paths = "pkg:"+p.Type+"/"+p.Name+"@"+p.Version, []string{"app/" + p.Name}
		s.Packages = append(s.Packages, p)
	}
	seen := map[string]bool{}
	for len(s.Findings) < findings {
		f := anyFinding(r, s.Packages, 2*findings)
		if key := f.ID + f.Package; !seen[key] {
			seen[key] = true
			s.Findings = append(s.Findings, f)
		}
	}
	match.SortFindings(s.Findings)
	return s
}

// leaving is a subject without the findings of which something holds, judged anew.
func leaving(s *assess.Subject, gone func(f *match.Finding) bool) *assess.Subject {
	out := *s
	out.Findings = slices.DeleteFunc(slices.Clone(s.Findings), func(f match.Finding) bool { return gone(&f) })
	return &out
}

func scoreIn(t *testing.T, s *assess.Subject, env assess.Environment) float64 {
	t.Helper()
	raw, err := json.Marshal(assess.Weigh(s, env, assess.Options{Now: lateAugust}).Score)
	if err != nil {
		t.Fatal(err)
	}
	var score float64
	if err := json.Unmarshal(raw, &score); err != nil {
		t.Fatal(err)
	}
	return score
}

// Whatever else is wrong: what stands takes from the score, and what is fixed gives back, in a report as well.
func TestEveryFindingShowsInTheScore(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for _, env := range assess.BuiltIn() {
		for range 40 {
			s := anySubject(r, 1+r.IntN(40))
			all := scoreIn(t, s, env)
			for i := range s.Findings {
				f := &s.Findings[i]
				fewer := scoreIn(t, leaving(s, func(g *match.Finding) bool { return g.ID == f.ID && g.Package == f.Package }), env)
				if quiet := f.Quieted != nil; quiet && fewer != all || !quiet && fewer <= all {
					t.Fatalf("%s: %v with %+v, %v without", env.Name, all, *f, fewer)
				}
			}
		}
	}
}

func TestEveryFindingOfTenThousandShows(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 5))
	s := anySubject(r, 10_000)
	env := assess.BuiltIn()[0]
	all := scoreIn(t, s, env)
	for range 5 {
		i := r.IntN(len(s.Findings))
		f := &s.Findings[i]
		fewer := scoreIn(t, leaving(s, func(g *match.Finding) bool { return g == f || g.ID == f.ID && g.Package == f.Package }), env)
		if f.Quieted == nil && fewer <= all {
			t.Fatalf("%v with %+v, %v without", all, *f, fewer)
		}
	}
}

func TestCostsAddUpToTheScore(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 100 {
		s := anySubject(r, r.IntN(200))
		a := assess.Assess(s, assess.BuiltIn()[0], assess.Options{Now: lateAugust})
		raw, _ := json.Marshal(a)
		var stored assess.Assessment
		if err := json.Unmarshal(raw, &stored); err != nil {
			t.Fatal(err)
		}
		if got := assess.Score(stored.Costs); got != stored.Score {
			t.Errorf("costs make %v, the score is %v", got, stored.Score)
		}
	}
}

// The promise of a step is what is measured once it was made.
func TestGainIsWhatRemovalGives(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	tried := 0
	for range 60 {
		s := anySubject(r, 1+r.IntN(60))
		env := assess.BuiltIn()[r.IntN(3)]
		a := assess.Assess(s, env, assess.Options{Now: lateAugust})
		for _, step := range a.Steps {
			if step.Kind == assess.Except {
				continue
			}
			left := leaving(s, func(f *match.Finding) bool {
				ends := len(f.Fixed) > 0 || step.Kind == assess.Remove // another package may have the problem and no fix
				return ends && slices.Contains(step.Closes, f.ID) && slices.Contains(step.Packages, f.Package)
			})
			if step.Kind == assess.Remove {
				left.Packages = slices.DeleteFunc(slices.Clone(s.Packages), func(p inventory.Package) bool { return slices.Contains(step.Packages, p.PURL) })
			}
			tried++
			if gain := scoreIn(t, left, env) - a.Score; gain-step.Gain > 1e-6 || step.Gain-gain > 1e-6 {
				t.Errorf("%s: %s promises %v and gives %v", env.Name, step.Title, step.Gain, gain)
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d steps were tried", tried)
	}
}

// A day by which something is due is a day on which it can still be done.
func TestOverdueBeginsTheDayAfter(t *testing.T) {
	berlin := time.FixedZone("CEST", 2*60*60)
	f := &match.Finding{Due: "2026-08-22"}
	for _, tt := range []struct {
		now  time.Time
		want bool
	}{
		{time.Date(2026, 8, 21, 23, 59, 59, 0, time.UTC), false},
		{time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC), false},
		{time.Date(2026, 8, 22, 23, 59, 59, 999, time.UTC), false},
		{time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC), true},
		{time.Date(2026, 8, 23, 1, 0, 0, 0, berlin), false}, // days are UTC's, wherever the program runs
		{time.Date(2026, 8, 23, 2, 0, 0, 0, berlin), true},
	} {
		if got := assess.Overdue(f, tt.now); got != tt.want {
			t.Errorf("at %v: %v", tt.now, got)
		}
	}
	if assess.Overdue(&match.Finding{}, lateAugust) {
		t.Error("what has no due day is overdue")
	}
}
