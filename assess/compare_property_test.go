package assess_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// key names a finding in the images of these tests, in which each package is there once.
type key struct{ id, name string }

// shown is all of a finding that a comparison looks at.
type shown struct {
	state     assess.Standing
	exploited bool
	priority  match.Priority
	severity  match.Level
	fixable   bool
}

func shownOf(s *assess.Subject, env assess.Environment, o assess.Options) map[key]shown {
	out := map[key]shown{}
	for i := range s.Findings {
		f := &s.Findings[i]
		is := shown{assess.Stands, f.KEV != nil, assess.Decide(f, env, o).Priority, f.Severity, len(f.Fixed) > 0}
		switch {
		case f.Quieted != nil:
			is.state = assess.Quiet
		case len(f.Lowered) > 0:
			is.state = assess.Lowered
		}
		out[key{f.ID, f.Of.Name}] = is
	}
	return out
}

// otherwise is a subject of which some findings are gone, some are new, and some are changed.
func otherwise(r *rand.Rand, s *assess.Subject, change func(f *match.Finding)) *assess.Subject {
	out := leaving(s, func(*match.Finding) bool { return change == nil && r.IntN(5) == 0 })
	had := map[key]bool{}
	for i := range s.Findings {
		had[key{s.Findings[i].ID, s.Findings[i].Of.Name}] = true
	}
	for i := range out.Findings {
		if change != nil && r.IntN(4) == 0 {
			change(&out.Findings[i])
		}
	}
	for range len(s.Findings) / 5 {
		f := anyFinding(r, s.Packages, 2*len(s.Findings))
		if at := (key{f.ID, f.Of.Name}); change == nil && !had[at] {
			had[at] = true
			out.Findings = append(out.Findings, f)
		}
	}
	match.SortFindings(out.Findings)
	return out
}

// otherVersions is a subject with some packages gone and some in another version, with other findings.
func otherVersions(r *rand.Rand, s *assess.Subject) *assess.Subject {
	out := otherwise(r, s, nil)
	out.Packages = slices.Clone(s.Packages)
	gone := map[string]bool{}
	at := map[string]*inventory.Package{}
	for i := range out.Packages {
		p := &out.Packages[i]
		if r.IntN(3) == 0 {
			p.Version = "1.5.0"
			p.PURL = "pkg:" + p.Type + "/" + p.Name + "@" + p.Version
		}
		gone[p.Name], at[p.Name] = r.IntN(6) == 0, p
	}
	out.Findings = slices.DeleteFunc(out.Findings, func(f match.Finding) bool { return gone[f.Of.Name] })
	for i := range out.Findings {
		f := &out.Findings[i]
		f.Of = at[f.Of.Name]
		f.Package = f.Of.PURL
	}
	return out
}

// anyDiffering makes up two images with the stages between them.
func anyDiffering(r *rand.Rand, findings int) assess.Differing {
	first := anySubject(r, findings)
	for i := range first.Packages {
		first.Packages[i].Source, first.Packages[i].Paths = nil, nil
	}
	advised := otherwise(r, first, nil)
	advised = otherwise(r, advised, func(f *match.Finding) {
		other := anyFinding(r, first.Packages, 2*findings)
		f.Severity, f.Fixed, f.SSVC, f.KEV = other.Severity, other.Fixed, other.SSVC, other.KEV
	})
	ruled := otherwise(r, advised, func(f *match.Finding) {
		other := anyFinding(r, first.Packages, 2*findings)
		f.Quieted, f.Lowered = other.Quieted, other.Lowered
	})
	return assess.Differing{
		Stages: []assess.Stage{{Subject: first}, {Cause: assess.ByAdvisories, Subject: advised}, {Cause: assess.ByRules, Subject: ruled},
			{Cause: assess.ByImage, Subject: otherVersions(r, ruled)}},
		Environment: assess.BuiltIn()[0], Options: assess.Options{Now: lateAugust},
	}
}

func TestEachDifferenceHasOneCause(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	causes := map[assess.Cause]int{}
	for range 200 {
		d := anyDiffering(r, 1+r.IntN(60))
		var at []map[key]shown
		for _, s := range d.Stages {
			at = append(at, shownOf(s.Subject, d.Environment, d.Options))
		}
		first, last := at[0], at[len(at)-1]
		told := map[key]bool{}
		for _, c := range assess.Compare(d).Findings {
			k := key{c.ID, c.Name}
			if told[k] {
				t.Errorf("%v is told twice", k)
			}
			told[k] = true
			causes[c.Cause]++
			if first[k] == last[k] {
				t.Errorf("%v did not change: %+v", k, c)
			}
			changed := func(i int) bool { return d.Stages[i].Cause == c.Cause && at[i][k] != at[i-1][k] }
			if !changed(1) && !changed(2) && !changed(3) {
				t.Errorf("%v: %s changed nothing", k, c.Cause)
			}
		}
		for _, all := range at {
			for k := range all {
				if first[k] != last[k] && !told[k] {
					t.Errorf("%v changed from %+v to %+v and is not told", k, first[k], last[k])
				}
			}
		}
	}
	if len(causes) != 3 {
		t.Errorf("not every cause was tried: %v", causes)
	}
}

// Ten times the findings take about ten times as long, and not a hundred times.
func TestComparisonsOfManyFindings(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 5))
	took := func(findings int) time.Duration {
		d := anyDiffering(r, findings)
		least := time.Hour
		for range 3 {
			start := time.Now()
			assess.Compare(d)
			least = min(least, time.Since(start))
		}
		return least
	}
	few, many := took(500), took(5000)
	if many > 40*few {
		t.Error(fmt.Sprint("500 findings: ", few, ", 5,000: ", many))
	}
}
