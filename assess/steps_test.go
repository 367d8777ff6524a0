package assess_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
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
	want := []string{"upgrade k 1.0.0 -> 2.0.0", "upgrade many 1.0.0 -> 1.0.1", "upgrade patch 1.0.0 -> 1.0.1", "upgrade major 1.0.0 -> 2.0.0"}
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

// What nothing else ends and what cannot wait is decided about, after all else.
func TestAnExceptionComesLast(t *testing.T) {
	open := found(npm("a", "1.0.0"), "CVE-1", match.Critical)
	open.KEV = &advisory.KEV{}
	findings := []match.Finding{open, found(npm("b", "1.0.0"), "CVE-2", match.Low, "1.0.1"), found(npm("c", "1.0.0"), "CVE-3", match.Low)}
	a := assess.Assess(&assess.Subject{Findings: findings}, assess.Environment{Exposure: assess.Open, Impact: assess.HighImpact}, assess.Options{})
	last := a.Steps[len(a.Steps)-1]
	if last.Kind != assess.Except || !slices.Equal(last.Closes, []string{"CVE-1"}) || last.Edit != nil {
		t.Errorf("%+v", a.Steps)
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
