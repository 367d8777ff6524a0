package assess_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

var elsewhere = assess.Environment{Exposure: assess.Controlled, Impact: assess.MediumImpact}

// What is exploited comes before what merely gains more, and both before what asks for a major version.
func TestTheOrderOfAWiseColleague(t *testing.T) {
	exploited := found(npm("k", "1.0.0"), "CVE-5", match.Low, "2.0.0")
	exploited.KEV = &advisory.KEV{}
	var findings []match.Finding
	for i := range 4 {
		findings = append(findings, found(npm("many", "1.0.0"), fmt.Sprintf("CVE-1%d", i), match.High, "1.0.1"))
	}
	findings = append(findings, exploited, found(npm("major", "1.0.0"), "CVE-6", match.High, "2.0.0"), found(npm("patch", "1.0.0"), "CVE-7", match.High, "1.0.1"))
	a := assess.Assess(&assess.Subject{Findings: findings}, elsewhere, assess.Options{})
	var got []string
	for _, st := range a.Steps {
		got = append(got, st.Title)
	}
	want := []string{"bump k 1.0.0 -> 2.0.0", "bump many 1.0.0 -> 1.0.1", "bump patch 1.0.0 -> 1.0.1", "bump major 1.0.0 -> 2.0.0"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A step's gain is what the next assessment measures once the step was made.
func TestTheGainIsWhatIsMeasured(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	all := func() []match.Finding {
		var list []match.Finding
		for i := range 40 {
			p := npm(fmt.Sprintf("p%d", i%7), "1.0.0")
			list = append(list, found(p, fmt.Sprintf("CVE-%d", i%23), []match.Level{match.Low, match.High, match.Critical}[i%3], "1.0.1"))
		}
		return list
	}
	o := assess.Options{Now: now}
	before := assess.Assess(&assess.Subject{Findings: all()}, elsewhere, o)
	if len(before.Steps) == 0 {
		t.Fatal("no steps")
	}
	for _, st := range before.Steps {
		left := slices.DeleteFunc(all(), func(f match.Finding) bool { return slices.Contains(st.Packages, f.Package) })
		after := assess.Assess(&assess.Subject{Findings: left}, elsewhere, o)
		if got := after.Score - before.Score; got-st.Gain > 0.0011 || st.Gain-got > 0.0011 {
			t.Errorf("%s: %+.3f was said, %+.3f measured", st.Title, st.Gain, got)
		}
	}
}

// What nothing else ends and what cannot wait is decided about: first where it is exploited, else after all that has a fix.
func TestWhatHasNoFixIsDecidedAbout(t *testing.T) {
	everywhere := assess.Environment{Name: "production", Exposure: assess.Open, Impact: assess.HighImpact, Exceptions: assess.ExceptionRules{Approver: true}}
	open := found(npm("a", "1.0.0"), "CVE-1", match.Critical)
	for _, exploited := range []bool{true, false} {
		f := open
		f.EPSS = &advisory.EPSS{Score: 0.9}
		if exploited {
			f.KEV = &advisory.KEV{}
		}
		findings := []match.Finding{f, found(npm("b", "1.0.0"), "CVE-2", match.Low, "1.0.1"), found(npm("c", "1.0.0"), "CVE-3", match.Low)}
		s := &assess.Subject{Findings: findings, Image: assess.Image{Repository: "ghcr.io/acme/shop"}}
		steps := assess.Assess(s, everywhere, assess.Options{Now: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}).Steps
		if len(steps) != 2 {
			t.Fatalf("%+v", steps)
		}
		st := steps[0]
		if !exploited {
			st = steps[1]
		}
		if st.Kind != assess.Except || st.Title != "remove a or except CVE-1: no fix" || !slices.Equal(st.Closes, []string{"CVE-1"}) {
			t.Errorf("exploited %v: %+v", exploited, steps)
		}
		want := `tidewaiter except add CVE-1 --package pkg:npm/a --image ghcr.io/acme/shop --env production --owner WHO --approver WHO --reason "WHY" --until "2026-12-02 or fix"`
		if st.Command != want {
			t.Error(st.Command)
		}
	}
}

// A step for one of several copies tells of the others.
func TestAStepTellsOfOtherCopies(t *testing.T) {
	one, other := npm("a", "1.0.0"), npm("a", "1.1.0")
	var got []string
	a := assess.Assess(&assess.Subject{Findings: []match.Finding{found(one, "CVE-1", match.High, "1.2.0"), found(one, "CVE-2", match.High, "1.2.0"),
		found(other, "CVE-1", match.High, "1.2.0")}}, elsewhere, assess.Options{})
	for _, st := range a.Steps {
		got = append(got, fmt.Sprintf("%s: %d, %s", st.Title, st.Remain, st.Note))
	}
	want := []string{"bump a 1.0.0 -> 1.2.0: 1, 1 of the 2 stay elsewhere in the image, as in a 1.1.0 (/app/node_modules/a)",
		"bump a 1.1.0 -> 1.2.0: 1, it stays elsewhere in the image, as in a 1.0.0 (/app/node_modules/a)"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Nobody builds on what has no support: that is a step also where nothing is known to move to.
func TestAnEndedDistributionIsLeft(t *testing.T) {
	for _, tt := range []struct {
		fixed []string
		want  string
	}{{[]string{"3.22", "3.24"}, "move from alpine 3.18 to 3.24"}, {nil, "move from alpine 3.18 to a system that is supported"}} {
		ended := found(&inventory.Package{PURL: "pkg:generic/alpine@3.18", Type: "generic", Name: "alpine", Version: "3.18"}, "EOL-alpine-linux-3.18", match.High, tt.fixed...)
		ended.Kind = match.KindEndOfLife
		s := &assess.Subject{Findings: []match.Finding{ended}, Image: assess.Image{OS: &inventory.OS{ID: "alpine", VersionID: "3.18"}}}
		steps := assess.Assess(s, elsewhere, assess.Options{}).Steps
		if len(steps) != 1 || steps[0].Title != tt.want || steps[0].Kind != assess.MoveBase || steps[0].Gain <= 0 {
			t.Errorf("%+v", steps)
		}
	}
}

// Sixty steps over a thousand findings are judged in a moment.
func BenchmarkSteps(b *testing.B) {
	var findings []match.Finding
	for i := range 1000 {
		findings = append(findings, found(npm(fmt.Sprintf("p%d", i%60), "1.0.0"), fmt.Sprintf("CVE-%d", i), match.High, "1.0.1"))
	}
	s := &assess.Subject{Findings: findings}
	assess.Assess(s, elsewhere, assess.Options{})
	for b.Loop() {
		assess.Steps(s, elsewhere, nil, assess.Options{})
	}
}
