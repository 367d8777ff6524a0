package assess_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

var lateAugust = time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)

// withPackages is a subject with packages, written as name@version (npm) or deb:name@version.
func withPackages(revision string, packages ...string) *assess.Subject {
	s := &assess.Subject{Data: &assess.Data{Revision: revision, Feeds: []advisory.Feed{{Name: "osv/npm", Date: "2026-08-01"}}}, Image: assess.Image{Reference: "shop"}}
	for _, text := range packages {
		p := inventory.Package{Type: "npm", Ecosystem: "npm"}
		name, version, _ := strings.Cut(text, "@")
		if rest, ok := strings.CutPrefix(name, "deb:"); ok {
			p.Type, p.Ecosystem, name = "deb", "Debian:12", rest
			if binary, source, ok := strings.Cut(rest, "<"); ok {
				name, p.Source = binary, &inventory.Source{Name: source, Version: version}
			}
		}
		version, at, _ := strings.Cut(version, " ")
		p.Name, p.Version, p.PURL = name, version, "pkg:"+p.Type+"/"+name+"@"+version
		if at != "" {
			p.Paths = strings.Fields(at)
		}
		s.Packages = append(s.Packages, p)
	}
	return s
}

// finds adds a finding of the subject's package of that place in its list.
func finds(s *assess.Subject, of int, id string, edit ...func(*match.Finding)) *assess.Subject {
	p := &s.Packages[of]
	f := match.Finding{ID: id, Package: p.PURL, Severity: match.High, Status: "affected", Of: p, Paths: p.Paths, Fixed: []string{"9"}, Published: "2026-01-01"}
	for _, e := range edit {
		e(&f)
	}
	s.Findings = append(s.Findings, f)
	return s
}

func quietedBy(by string) func(*match.Finding) {
	return func(f *match.Finding) { f.Quieted = &match.Quieted{By: by, Reason: "so"} }
}

func loweredBy(by string) func(*match.Finding) {
	return func(f *match.Finding) { f.Lowered = append(f.Lowered, match.Lowered{By: by, Reason: "so"}) }
}

func alsoCalled(aliases ...string) func(*match.Finding) {
	return func(f *match.Finding) { f.Aliases = aliases }
}

func unaskedOf(rules ...string) func(*match.Finding) {
	return func(f *match.Finding) { f.Unasked = rules }
}

func inKEV(f *match.Finding) {
	f.KEV = &advisory.KEV{Added: "2026-08-20", Due: "2026-09-10"}
}

func ratedAs(l match.Level) func(*match.Finding) { return func(f *match.Finding) { f.Severity = l } }

func comparing(stages ...*assess.Subject) *assess.Comparison {
	causes := []assess.Cause{"", assess.ByAdvisories, assess.ByRules, assess.ByImage}
	if len(stages) == 2 {
		causes = []assess.Cause{"", assess.ByImage}
	}
	d := assess.Differing{Environment: assess.BuiltIn()[0], Options: assess.Options{Now: lateAugust}}
	for i, s := range stages {
		d.Stages = append(d.Stages, assess.Stage{Cause: causes[i], Subject: s})
	}
	return assess.Compare(d)
}

// toldOf says a comparison's changes in a line each.
func toldOf(c *assess.Comparison) []string {
	var lines []string
	for _, f := range c.Findings {
		lines = append(lines, fmt.Sprintf("%s: %s %s %s %s->%s", f.Cause, f.Change, f.ID, f.Name, f.From.State, f.To.State))
	}
	return lines
}

// Whatever a finding is at the four stages, it changed where its two ends differ, and the one cause is the last stage at which it became
// what it is in the end.
func TestEveryChangeHasExactlyOneCause(t *testing.T) {
	ways := []assess.Standing{assess.Absent, assess.Stands, assess.Lowered, assess.Quiet}
	causes := []assess.Cause{"", assess.ByAdvisories, assess.ByRules, assess.ByImage}
	for n := range 256 {
		var at [4]assess.Standing
		var stages []*assess.Subject
		for i := range at {
			at[i] = ways[n>>(2*i)&3]
			s := withPackages("r", "a@1")
			switch at[i] {
			case assess.Stands:
				finds(s, 0, "CVE-1")
			case assess.Lowered:
				finds(s, 0, "CVE-1", loweredBy("x"))
			case assess.Quiet:
				finds(s, 0, "CVE-1", quietedBy("x"))
			}
			stages = append(stages, s)
		}
		got := comparing(stages...).Findings
		if at[0] == at[3] {
			if len(got) != 0 {
				t.Errorf("%v: changed: %v", at, got)
			}
			continue
		}
		last := 0
		for i := 1; i < 4; i++ {
			if at[i] == at[3] && at[i-1] != at[3] {
				last = i
			}
		}
		if len(got) != 1 || got[0].Cause != causes[last] || got[0].From.State != at[0] || got[0].To.State != at[3] {
			t.Errorf("%v: %+v; the cause is %s", at, got, causes[last])
		}
	}
}

func TestCauses(t *testing.T) {
	const old, now = "old", "new"
	for _, c := range []struct {
		name   string
		stages []*assess.Subject
		want   []string
	}{
		{"an upgrade that does not help changes nothing",
			[]*assess.Subject{finds(withPackages(old, "lodash@4.17.4"), 0, "CVE-1"), finds(withPackages(now, "lodash@4.17.4"), 0, "CVE-1"), finds(withPackages(now, "lodash@4.17.4"), 0, "CVE-1"),
				finds(withPackages(now, "lodash@4.17.21"), 0, "CVE-1")}, nil},
		{"what is published later about both versions is no doing of the image",
			[]*assess.Subject{withPackages(old, "lodash@4.17.4"), finds(withPackages(now, "lodash@4.17.4"), 0, "CVE-2"), finds(withPackages(now, "lodash@4.17.4"), 0, "CVE-2"),
				finds(withPackages(now, "lodash@4.17.21"), 0, "CVE-2")},
			[]string{"advisories: new CVE-2 lodash absent->standing"}},
		{"what is published later and ended by the image at once was in neither",
			[]*assess.Subject{withPackages(old, "lodash@4.17.4"), finds(withPackages(now, "lodash@4.17.4"), 0, "CVE-2"), finds(withPackages(now, "lodash@4.17.4"), 0, "CVE-2"), withPackages(now, "lodash@4.17.21")}, nil},
		{"an advisory that got its CVE later is the same one",
			[]*assess.Subject{finds(withPackages(old, "a@1"), 0, "GHSA-1"), finds(withPackages(now, "a@1"), 0, "CVE-3", alsoCalled("GHSA-1")), finds(withPackages(now, "a@1"), 0, "CVE-3", alsoCalled("GHSA-1")),
				finds(withPackages(now, "a@2"), 0, "CVE-3", alsoCalled("GHSA-1"))}, nil},
		{"and is ended under its new name",
			[]*assess.Subject{finds(withPackages(old, "a@1"), 0, "GHSA-1"), finds(withPackages(now, "a@1"), 0, "CVE-3", alsoCalled("GHSA-1")), finds(withPackages(now, "a@1"), 0, "CVE-3", alsoCalled("GHSA-1")), withPackages(now, "a@2")},
			[]string{"image: closed CVE-3 a standing->absent"}},
		{"two advisories that name each other and are both there are two",
			[]*assess.Subject{finds(finds(withPackages(now, "a@1"), 0, "CVE-1", alsoCalled("CVE-2")), 0, "CVE-2"), finds(withPackages(now, "a@2"), 0, "CVE-2")},
			[]string{"image: closed CVE-1 a standing->absent"}},
		{"a source package is one, whatever its binary packages are called",
			[]*assess.Subject{finds(withPackages(now, "deb:libperl5.32<perl@5.32"), 0, "CVE-1"), finds(withPackages(now, "deb:libperl5.36<perl@5.36"), 0, "CVE-1")}, nil},
		{"one of two copies is upgraded",
			[]*assess.Subject{finds(withPackages(now, "a@1 app/a/package.json lib/a/package.json"), 0, "CVE-1"), finds(withPackages(now, "a@1 lib/a/package.json", "a@2 app/a/package.json"), 0, "CVE-1")},
			[]string{"image: closed CVE-1 a standing->absent"}},
		{"an exception is added",
			[]*assess.Subject{finds(withPackages(now, "a@1"), 0, "CVE-1"), finds(withPackages(now, "a@1"), 0, "CVE-1"), finds(withPackages(now, "a@1"), 0, "CVE-1", quietedBy("exception: x")),
				finds(withPackages(now, "a@2"), 0, "CVE-1", quietedBy("exception: x"))},
			[]string{"rules: quieted CVE-1 a standing->quieted"}},
		{"it is known to be exploited now",
			[]*assess.Subject{finds(withPackages(old, "a@1"), 0, "CVE-1"), finds(withPackages(now, "a@1"), 0, "CVE-1", inKEV), finds(withPackages(now, "a@1"), 0, "CVE-1", inKEV), finds(withPackages(now, "a@2"), 0, "CVE-1", inKEV)},
			[]string{"advisories: exploited CVE-1 a standing->standing"}},
		{"a rule that could not look into the image makes nothing up: what is new stands lowered",
			[]*assess.Subject{withPackages(old, "deb:a@1"), finds(withPackages(now, "deb:a@1"), 0, "CVE-1", unaskedOf("not-reached")), finds(withPackages(now, "deb:a@1"), 0, "CVE-1", unaskedOf("not-reached")),
				finds(withPackages(now, "deb:a@1"), 0, "CVE-1", loweredBy("not-reached"))},
			[]string{"advisories: new CVE-1 a absent->lowered"}},
		{"an SBOM cannot be looked into: nothing is raised",
			[]*assess.Subject{finds(withPackages(now, "deb:a@1"), 0, "CVE-1", loweredBy("not-reached")), finds(withPackages(now, "deb:a@1"), 0, "CVE-1", unaskedOf("not-reached"))}, nil},
		{"the end of one finding and the start of another",
			[]*assess.Subject{finds(withPackages(now, "a@1"), 0, "CVE-1"), finds(withPackages(now, "a@2"), 0, "CVE-2", ratedAs(match.Low))},
			[]string{"image: new CVE-2 a absent->standing", "image: closed CVE-1 a standing->absent"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, toldOf(comparing(c.stages...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Where the stages between the two cannot be told, the cause is what the two themselves say.
func TestInferredCauses(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b *assess.Subject
		want []string
	}{
		{"another version", finds(withPackages("old", "a@1"), 0, "CVE-1"), withPackages("new", "a@2"), []string{"image: closed CVE-1 a standing->absent"}},
		{"the same version, more known", withPackages("old", "a@1"), finds(withPackages("new", "a@1"), 0, "CVE-1"), []string{"advisories: new CVE-1 a absent->standing"}},
		{"another version, and published since", withPackages("old", "a@1"), finds(withPackages("new", "a@2"), 0, "CVE-1", func(f *match.Finding) { f.Published = "2026-08-15" }),
			[]string{"advisories: new CVE-1 a absent->standing"}},
		{"another version, exploited since", finds(withPackages("old", "a@1"), 0, "CVE-1"), finds(withPackages("new", "a@2"), 0, "CVE-1", inKEV), []string{"advisories: exploited CVE-1 a standing->standing"}},
		{"an exception", finds(withPackages("old", "a@1"), 0, "CVE-1"), finds(withPackages("new", "a@2"), 0, "CVE-1", quietedBy("exception: x")), []string{"rules: quieted CVE-1 a standing->quieted"}},
		{"a rule that looked into another image", finds(withPackages("old", "deb:a@1"), 0, "CVE-1"), finds(withPackages("new", "deb:a@1"), 0, "CVE-1", loweredBy("not-reached")),
			[]string{"image: lowered CVE-1 a standing->lowered"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := assess.Compare(assess.Differing{Environment: assess.BuiltIn()[0], Options: assess.Options{Now: lateAugust}, Inferred: "the advisories are not at hand",
				Stages: []assess.Stage{{Subject: c.a}, {Cause: assess.ByImage, Subject: c.b}}})
			if diff := cmp.Diff(c.want, toldOf(got)); diff != "" {
				t.Error(diff)
			}
			if got.Score != nil {
				t.Error("the score is taken apart by causes that nobody knows:", got.Score)
			}
		})
	}
}

// The parts of the score add up to its difference, and each cause has its own.
func TestTheScoreIsTakenApartByCause(t *testing.T) {
	a := finds(withPackages("old", "a@1", "b@1"), 0, "CVE-1")
	known := finds(finds(withPackages("new", "a@1", "b@1"), 0, "CVE-1"), 1, "CVE-2")
	ruled := finds(finds(withPackages("new", "a@1", "b@1"), 0, "CVE-1"), 1, "CVE-2", quietedBy("exception: x"))
	b := finds(withPackages("new", "a@2", "b@1"), 1, "CVE-2", quietedBy("exception: x"))
	c := comparing(a, known, ruled, b)
	sum := 0.0
	for _, p := range c.Score {
		sum += p.Points
		if better := p.Points > 0; better != (p.Cause != assess.ByAdvisories) {
			t.Errorf("%s made %+.3f of it", p.Cause, p.Points)
		}
	}
	if diff := *c.To.Score - *c.From.Score; len(c.Score) != 3 || sum-diff > 0.01 || diff-sum > 0.01 {
		t.Errorf("%v add up to %.3f, not to %.3f", c.Score, sum, diff)
	}
}

func TestHeadline(t *testing.T) {
	blind := withPackages("r", "a@2")
	blind.BlindSpots = []image.BlindSpot{{Kind: image.NoFeed, Message: "no feed"}}
	unmatched := withPackages("r", "a@1")
	unmatched.Data = nil
	for _, c := range []struct {
		outcome assess.Outcome
		a, b    *assess.Subject
		has     []string
	}{
		{assess.Better, finds(withPackages("r", "a@1"), 0, "CVE-1"), withPackages("r", "a@2"), []string{"Better: score ", "1 problem closed by the image"}},
		{assess.Worse, withPackages("r", "a@1"), finds(withPackages("r", "a@2"), 0, "CVE-1"), []string{"Worse: score ", "1 new problem brought by the image"}},
		{assess.Same, withPackages("r", "a@1"), withPackages("r", "a@2"), []string{"No better and no worse: nothing that was found changed."}},
		{assess.Worse, withPackages("r", "a@1"), blind, []string{"not known any more", "1 new blind spot"}},
		{assess.Unclear, unmatched, withPackages("r", "a@1"), []string{"without advisories"}},
		{assess.Mixed, finds(finds(finds(withPackages("r", "a@1", "b@1"), 0, "CVE-1", inKEV), 0, "CVE-2", inKEV), 0, "CVE-3", inKEV), finds(withPackages("r", "a@2", "b@1"), 1, "CVE-4", inKEV),
			[]string{"Better in part: score", "3 problems closed by the image", "1 of the new problems exploited or malicious"}},
	} {
		got := comparing(c.a, c.b)
		if got.Outcome != c.outcome || slices.ContainsFunc(c.has, func(part string) bool { return !strings.Contains(got.Headline, part) }) {
			t.Errorf("%s: %q; want %s with %q", got.Outcome, got.Headline, c.outcome, c.has)
		}
	}
}

// A step is held against what the image's own change closed: what advisories withdrew or exceptions quieted is not its doing.
func TestStepsAreHeldAgainstWhatWasMeasured(t *testing.T) {
	both := func(revision string) *assess.Subject {
		return finds(finds(finds(withPackages(revision, "a@1", "b@1"), 0, "CVE-1"), 0, "CVE-2"), 1, "CVE-3")
	}
	withdrawn := finds(finds(withPackages("new", "a@1", "b@1"), 0, "CVE-1"), 0, "CVE-2")
	after := finds(withPackages("new", "a@2", "b@1"), 0, "CVE-2")
	d := assess.Differing{Environment: assess.BuiltIn()[0], Options: assess.Options{Now: lateAugust}, Stages: []assess.Stage{
		{Subject: both("old")}, {Cause: assess.ByAdvisories, Subject: withdrawn}, {Cause: assess.ByRules, Subject: withdrawn}, {Cause: assess.ByImage, Subject: after},
	}, Predicted: []assess.Step{
		{Title: "upgrade a", Closes: []string{"CVE-1", "CVE-2"}, Packages: []string{"pkg:npm/a@1"}, Gain: 3},
		{Title: "upgrade a by little", Closes: []string{"CVE-1"}, Packages: []string{"pkg:npm/a@1"}, Gain: 2},
		{Title: "upgrade a in vain", Closes: []string{"CVE-2"}, Packages: []string{"pkg:npm/a@1"}, Gain: 1},
		{Title: "upgrade b", Closes: []string{"CVE-3"}, Packages: []string{"pkg:npm/b@1"}, Gain: 1},
	}}
	got := assess.Compare(d).Steps
	var lines []string
	for _, s := range got {
		lines = append(lines, fmt.Sprintf("%s: %s, %d of %d, left %v", s.Title, s.Status, s.Closed, s.Closes, s.Left))
	}
	want := []string{"upgrade a: partly, 1 of 2, left [CVE-2]", "upgrade a by little: done, 1 of 1, left []", "upgrade a in vain: not-done, 0 of 1, left [CVE-2]", "upgrade b: overtaken, 0 of 1, left []"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if got[0].Gained <= 0 || got[0].Gained != got[1].Gained || got[2].Gained != 0 {
		t.Errorf("gained: %v, %v, %v", got[0].Gained, got[1].Gained, got[2].Gained)
	}
}

func TestPackagesAndConfiguration(t *testing.T) {
	a, b := withPackages("r", "up@1.9.0", "down@2.0.0", "gone@1", "same@1", "two@1", "two@2"), withPackages("r", "up@1.10.0", "down@1.0.0", "new@1", "same@1", "two@2", "two@3")
	a.Packages[0].Licenses, b.Packages[0].Licenses = []string{"MIT"}, []string{"AGPL-3.0-only"}
	a.Image.Config = &assess.Config{Env: []string{"PASSWORD=(not shown)", "A=1", "OLD=1"}}
	b.Image.Config = &assess.Config{User: "65532", Env: []string{"PASSWORD=(not shown)", "A=2"}}
	a.Image.Base, b.Image.Base = &inventory.Base{Reference: "debian:11", Digest: "sha256:1"}, &inventory.Base{Reference: "debian:12", Digest: "sha256:2"}
	c := comparing(a, b)
	wantPackages := []assess.PackageChange{
		{Change: assess.Downgraded, Type: "npm", Name: "down", From: []string{"2.0.0"}, To: []string{"1.0.0"}},
		{Change: assess.Removed, Type: "npm", Name: "gone", From: []string{"1"}},
		{Change: assess.Added, Type: "npm", Name: "new", To: []string{"1"}},
		{Change: assess.Upgraded, Type: "npm", Name: "two", From: []string{"1"}, To: []string{"3"}},
		{Change: assess.Upgraded, Type: "npm", Name: "up", From: []string{"1.9.0"}, To: []string{"1.10.0"}},
	}
	if diff := cmp.Diff(wantPackages, c.Packages); diff != "" {
		t.Error(diff)
	}
	wantLicenses := []assess.LicenseChange{{Change: assess.Added, License: "AGPL-3.0-only", Packages: []string{"up"}}, {Change: assess.Removed, License: "MIT", Packages: []string{"up"}}}
	if diff := cmp.Diff(wantLicenses, c.Licenses); diff != "" {
		t.Error(diff)
	}
	wantConfiguration := []assess.ConfigurationChange{
		{What: "base", Change: assess.Changed, From: "debian:11@sha256:1", To: "debian:12@sha256:2"},
		{What: "user", Change: assess.Changed, From: "root (none is set)", To: "65532"},
		{What: "variable", Name: "A", Change: assess.Changed},
		{What: "variable", Name: "OLD", Change: assess.Removed},
	}
	if diff := cmp.Diff(wantConfiguration, c.Configuration); diff != "" {
		t.Error(diff)
	}
}

// Days count from the first deployment that shows that a problem, or its fix, became known while the package was there. What was known when the
// first was recorded counts from its publication, and so does what a new version brings.
func TestFirstSeen(t *testing.T) {
	day := func(month time.Month) time.Time { return time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC) }
	matched := func(s *assess.Subject) *assess.Subject {
		s.Data = &assess.Data{}
		return s
	}
	unfixed := func(f *match.Finding) { f.Fixed = nil }
	var earlier []assess.Earlier
	record := func(month time.Month, s *assess.Subject) []assess.Since {
		d := &assess.Deployment{Since: assess.FirstSeen(s.Findings, day(month), earlier)}
		earlier = append([]assess.Earlier{{Deployment: d, Subject: matched(s)}}, earlier...)
		return d.Since
	}
	since := func(id, day string) assess.Since { return assess.Since{ID: id, Type: "npm", Name: "a", Day: day} }
	for _, tt := range []struct {
		month   time.Month
		subject *assess.Subject
		want    []assess.Since
	}{
		{5, finds(finds(withPackages("r", "a@1"), 0, "CVE-1"), 0, "CVE-2", unfixed), nil},
		{6, finds(finds(finds(withPackages("r", "a@1"), 0, "CVE-1"), 0, "CVE-2"), 0, "GHSA-3"), []assess.Since{since("CVE-2", "2026-06-01"), since("GHSA-3", "2026-06-01")}},
		{7, finds(finds(finds(withPackages("r", "a@2"), 0, "CVE-2"), 0, "CVE-3", alsoCalled("GHSA-3")), 0, "CVE-4"), []assess.Since{since("CVE-2", "2026-06-01"), since("CVE-3", "2026-06-01")}},
	} {
		if diff := cmp.Diff(tt.want, record(tt.month, tt.subject)); diff != "" {
			t.Errorf("%s: %s", tt.month, diff)
		}
	}
}
