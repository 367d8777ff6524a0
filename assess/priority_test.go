package assess_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/match"
)

const (
	deployerTable  = "deployer_patch_application_priority_1_0_0.csv"
	timelinesTable = "cisa_bod_26_04_1_0_0.csv"
)

var someDay = assess.Options{Now: time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)}

// rows reads a published decision table, without its heading.
func rows(t *testing.T, file string, want int) [][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("ssvc", file))
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != want+1 {
		t.Fatalf("%s has %d rows, want %d", file, len(all)-1, want)
	}
	return all[1:]
}

func TestTheTablesAreThePublishedOnes(t *testing.T) {
	for _, file := range []string{deployerTable, timelinesTable, "LICENSE"} {
		published, err := os.ReadFile(filepath.Join("../../shared/ssvc", file))
		if os.IsNotExist(err) {
			t.Skip("the shared data is not here")
		}
		ours, err2 := os.ReadFile(filepath.Join("ssvc", file))
		if err != nil || err2 != nil || !bytes.Equal(published, ours) {
			t.Errorf("%s is not the one that was published: %v, %v", file, err, err2)
		}
	}
}

func flaw(id string, fixed ...string) match.Finding {
	f := found(npm("a", "1.0.0"), id, match.High, fixed...)
	f.Published = "2026-01-01"
	f.FixPublished = "2026-01-01"
	return f
}

func TestEachRowOfTheDeployersTable(t *testing.T) {
	for _, row := range rows(t, deployerTable, 72) {
		f := flaw("CVE-1")
		f.SSVC = &match.SSVC{Exploitation: strings.TrimPrefix(row[1], "public "), Automatable: row[3]}
		d := assess.Decide(&f, assess.Environment{Name: "e", Exposure: assess.Exposure(row[2]), Impact: assess.Impact(row[4])}, someDay)
		if string(d.Priority) != row[5] || d.Row == nil || strconv.Itoa(d.Row.Number) != row[0] {
			t.Errorf("%v: %s by %+v", row, d.Priority, d.Row)
		}
		for i, c := range d.Row.Columns {
			if c.Value != row[i+1] || d.Inputs[i].Value != row[i+1] {
				t.Errorf("%v: column %+v, input %+v", row, c, d.Inputs[i])
			}
		}
	}
}

func TestEachRowOfTheTimelines(t *testing.T) {
	days := map[string]string{"3 days": "2026-01-04", "3 days & forensic investigation": "2026-01-04", "14 days": "2026-01-15", "60 days": "2026-03-02",
		"fix on system upgrade": ""}
	for _, row := range rows(t, timelinesTable, 16) {
		f := flaw("CVE-1", "2.0.0")
		f.SSVC = &match.SSVC{Automatable: row[3], TechnicalImpact: row[4]}
		if row[1] == "yes" {
			f.KEV = &advisory.KEV{Added: f.Published}
		}
		env := assess.Environment{Name: "e", Exposure: assess.Controlled, Impact: assess.VeryHighImpact} // where nothing is deferred
		if row[2] == "yes" {
			env.Exposure = assess.Open
		}
		d := assess.Decide(&f, env, someDay)
		want, known := days[row[5]]
		if !known || d.Due != want || d.Term.Row == nil || strconv.Itoa(d.Term.Row.Number) != row[0] || d.Term.Row.Outcome != row[5] {
			t.Errorf("%v: %q by %+v", row, d.Due, d.Term.Row)
		}
	}
}

const (
	worst = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	local = "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:L/I:H/A:H"
)

func TestWhereTheInputsComeFrom(t *testing.T) {
	open := assess.Environment{Name: "production", Exposure: assess.Open, Impact: assess.HighImpact}
	for _, tc := range []struct {
		name, input string
		finding     match.Finding
		want, from  string
	}{
		{"KEV", "exploitation", match.Finding{KEV: &advisory.KEV{Added: "2021-12-10"}}, "active", "CISA KEV, added 2021-12-10"},
		{"CISA's word", "exploitation", match.Finding{SSVC: &match.SSVC{Exploitation: "active"}}, "active", "CISA Vulnrichment"},
		{"all that say so are named", "exploitation", match.Finding{SSVC: &match.SSVC{Exploitation: "poc"}, Exploit: true, EPSS: &advisory.EPSS{Score: 0.94}},
			"public poc", "CISA Vulnrichment; an exploit that an advisory refers to; EPSS 0.94 >= 0.1"},
		{"EPSS goes before CISA's none", "exploitation", match.Finding{SSVC: &match.SSVC{Exploitation: "none"}, EPSS: &advisory.EPSS{Score: 0.1}}, "public poc", "EPSS 0.1 >= 0.1"},
		{"a low EPSS score", "exploitation", match.Finding{EPSS: &advisory.EPSS{Score: 0.09999}}, "none", "no exploit known; EPSS 0.09999 < 0.1"},
		{"nothing known", "exploitation", match.Finding{}, "none", "no exploit known, and no EPSS score"},
		{"malware", "exploitation", match.Finding{Malicious: true}, "active", "the package is itself the attack"},
		{"an end of support", "exploitation", match.Finding{Kind: match.KindEndOfLife}, "none", "no flaw is known, but the next will not be mended"},

		{"the environment's", "system exposure", match.Finding{}, "open", "environment production"},
		{"what a rule lowers", "system exposure", match.Finding{Lowered: []match.Lowered{{By: "not-reached"}}}, "small", "lowered by not-reached"},
		{"nothing lowers KEV", "system exposure", match.Finding{KEV: &advisory.KEV{}, Lowered: []match.Lowered{{By: "not-reached"}}}, "open", "environment production"},
		{"nothing lowers malware", "system exposure", match.Finding{Malicious: true, Lowered: []match.Lowered{{By: "not-reached"}}}, "open", "it reaches out by itself"},

		{"the environment's", "human impact", match.Finding{}, "high", "environment production"},
		{"what a rule lowers", "human impact", match.Finding{Lowered: []match.Lowered{{By: "not-reached"}}}, "low", "lowered by not-reached"},
		{"nothing lowers KEV", "human impact", match.Finding{KEV: &advisory.KEV{}, Lowered: []match.Lowered{{By: "not-reached"}}}, "high", "environment production"},

		{"CISA's before the vector", "automatable", match.Finding{SSVC: &match.SSVC{Automatable: "no"}, CVSS: []match.CVSS{{Vector: worst}}}, "no", "CISA Vulnrichment"},
		{"all four metrics", "automatable", match.Finding{CVSS: []match.CVSS{{Vector: worst, Source: "nvd"}}}, "yes", "CVSS AV:N/AC:L/PR:N/UI:N of nvd"},
		{"one that is not", "automatable", match.Finding{CVSS: []match.CVSS{{Vector: local, Source: "nvd"}}}, "no", "CVSS AV:L/AC:L/PR:N/UI:N of nvd"},
		{"version 4 has a fifth", "automatable", match.Finding{CVSS: []match.CVSS{{Vector: "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Source: "g"}}},
			"no", "CVSS AV:N/AC:L/AT:P/PR:N/UI:N of g"},
		{"the supplier's word", "automatable", match.Finding{CVSS: []match.CVSS{{Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/AU:N", Source: "g"}}},
			"no", "CVSS metric AU of g"},
		{"version 2", "automatable", match.Finding{CVSS: []match.CVSS{{Vector: "AV:N/AC:L/Au:N/C:C/I:C/A:C", Source: "nvd"}}}, "yes", "CVSS AV:N/AC:L/Au:N of nvd"},
		{"no vector", "automatable", match.Finding{}, "yes", "no CVSS vector says: the cautious choice"},
		{"a vector that is none", "automatable", match.Finding{CVSS: []match.CVSS{{Vector: "CVSS:3.1/AV:Z"}}}, "yes", "no CVSS vector says: the cautious choice"},

		{"CISA's", "technical impact", match.Finding{SSVC: &match.SSVC{TechnicalImpact: "partial"}, CVSS: []match.CVSS{{Vector: worst}}}, "partial", "CISA Vulnrichment"},
		{"both high", "technical impact", match.Finding{CVSS: []match.CVSS{{Vector: worst, Source: "nvd"}}}, "total", "CVSS C:H/I:H of nvd"},
		{"one low", "technical impact", match.Finding{CVSS: []match.CVSS{{Vector: local, Source: "nvd"}}}, "partial", "CVSS C:L/I:H of nvd"},
		{"version 2's complete", "technical impact", match.Finding{CVSS: []match.CVSS{{Vector: "AV:N/AC:L/Au:N/C:C/I:C/A:N", Source: "nvd"}}}, "total", "CVSS C:C/I:C of nvd"},
		{"a word", "technical impact", match.Finding{Severity: match.Medium}, "partial", "severity medium, and no CVSS vector"},
		{"no word", "technical impact", match.Finding{Severity: match.Unknown}, "total", "severity unknown, and no CVSS vector: the cautious choice"},
	} {
		t.Run(tc.input+"/"+tc.name, func(t *testing.T) {
			d := assess.Decide(&tc.finding, open, someDay)
			i := slices.IndexFunc(d.Inputs, func(in assess.Input) bool { return in.Name == tc.input })
			if diff := cmp.Diff(assess.Input{Name: tc.input, Value: tc.want, Source: tc.from}, d.Inputs[i]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The vector that counts is that of who set the severity, also where another's is graver.
func TestTheVectorThatTheSeverityRestsOn(t *testing.T) {
	f := flaw("CVE-1")
	f.CVSS = []match.CVSS{{Vector: worst, Score: 9.8, Source: "nvd"}, {Vector: local, Score: 7.9, Source: "GHSA-1"}}
	f.SeveritySource = "GitHub"
	if d := assess.Decide(&f, assess.Environment{}, someDay); d.Base.Source != "GHSA-1" {
		t.Errorf("%+v", d.Base)
	}
	f.SeveritySource = "Debian"
	if d := assess.Decide(&f, assess.Environment{}, someDay); d.Base.Source != "nvd" {
		t.Errorf("%+v", d.Base)
	}
}

// What an environment does not say is taken for the worst.
func TestAnEnvironmentThatSaysNothing(t *testing.T) {
	f := flaw("CVE-1")
	f.KEV = &advisory.KEV{Added: "2026-01-01"}
	d := assess.Decide(&f, assess.Environment{}, someDay)
	if d.Priority != match.Immediate || d.Inputs[1].Value != "open" || d.Inputs[3].Value != "very high" {
		t.Errorf("%s %+v", d.Priority, d.Inputs)
	}
}

func TestMalwareIsImmediateEverywhere(t *testing.T) {
	f := flaw("MAL-1")
	f.Malicious = true
	d := assess.Decide(&f, assess.Environment{Name: "development", Exposure: assess.Small, Impact: assess.LowImpact}, someDay)
	if d.Priority != match.Immediate || d.Due != "2026-01-01" || d.Row != nil {
		t.Errorf("%+v", d)
	}
}

func TestDueDays(t *testing.T) {
	exposed := assess.Environment{Name: "production", Exposure: assess.Open, Impact: assess.HighImpact}
	inside := assess.Environment{Name: "inside", Exposure: assess.Controlled, Impact: assess.HighImpact}
	harmless := assess.Environment{Name: "development", Exposure: assess.Small, Impact: assess.LowImpact}
	own := exposed
	own.Deadlines = assess.Deadlines{match.OutOfCycle: 7 * 24 * time.Hour, match.Immediate: 36 * time.Hour}
	ssvc := func(automatable, impact string) func(f *match.Finding) {
		return func(f *match.Finding) { f.SSVC = &match.SSVC{Automatable: automatable, TechnicalImpact: impact} }
	}
	kev := func(added string) func(f *match.Finding) {
		return func(f *match.Finding) { f.KEV = &advisory.KEV{Added: added} }
	}
	for _, tc := range []struct {
		name string
		env  assess.Environment
		make []func(f *match.Finding)
		want string
		note string // what the term says among other things
	}{
		{"from the day that it was published", exposed, []func(*match.Finding){ssvc("yes", "partial")}, "2026-01-15", "published"},
		{"from the day of the fix, where that came later", exposed, []func(*match.Finding){ssvc("yes", "partial"),
			func(f *match.Finding) { f.FixPublished = "2026-02-01" }}, "2026-02-15", "first known to be fixed"},
		{"from the day that history knows", exposed, []func(*match.Finding){ssvc("yes", "partial"), func(f *match.Finding) { f.ID = "CVE-SEEN" }}, "2026-03-15", "first seen here with a fix"},
		{"nothing to fix it with", exposed, []func(*match.Finding){ssvc("yes", "total"), func(f *match.Finding) { f.Fixed = nil }}, "", "the clock starts when one does"},
		{"with the next upgrade", inside, []func(*match.Finding){ssvc("no", "total")}, "", "it goes with the next upgrade"},
		{"deferred, though the timelines give days", harmless, []func(*match.Finding){ssvc("yes", "total")}, "", "deferred"},
		{"KEV, from when it was added", inside, []func(*match.Finding){ssvc("no", "partial"), kev("2026-05-01")}, "2026-05-15", "added to CISA's KEV"},
		{"KEV, where it came too late to matter", exposed, []func(*match.Finding){ssvc("yes", "total"), kev("2026-05-01")}, "2026-01-04",
			"being in KEV asks for 2026-05-04 (row 15: 3 days & forensic investigation)"},
		{"KEV, added before the advisory", exposed, []func(*match.Finding){ssvc("yes", "total"), kev("2025-12-01")}, "2026-01-04", "published"},
		{"KEV, seen here later still", exposed, []func(*match.Finding){ssvc("yes", "total"), kev("2025-12-01"), func(f *match.Finding) { f.ID = "CVE-SEEN" }}, "2026-03-04", "first seen here"},
		{"own deadlines", own, []func(*match.Finding){ssvc("yes", "partial"), func(f *match.Finding) { f.Exploit = true }}, "2026-01-08", "own deadline for out-of-cycle: 7 days"},
		{"own deadlines, none for the priority", own, []func(*match.Finding){ssvc("yes", "partial")}, "", "it goes with the next upgrade"},
		{"own deadlines, parts of days are whole ones", own, []func(*match.Finding){ssvc("yes", "partial"), kev("2026-05-01")}, "2026-05-03", "own deadline for immediate: 2 days"},
		{"no record says when: the CVE's year", exposed, []func(*match.Finding){ssvc("yes", "partial"), func(f *match.Finding) { f.ID, f.Published, f.FixPublished = "CVE-2024-1", "", "" }},
			"2025-01-14", "the end of the CVE's year"},
		{"no record says when: today", exposed, []func(*match.Finding){ssvc("yes", "partial"), func(f *match.Finding) { f.ID, f.Published, f.FixPublished = "GHSA-1", "", "" }},
			"2026-09-05", "today"},
		{"no day at all is none", exposed, []func(*match.Finding){ssvc("yes", "partial"), func(f *match.Finding) { f.Published, f.FixPublished, f.ID = "soon", "later", "CVE-x-1" }},
			"2026-09-05", "today"},
		{"the end of support", exposed, []func(*match.Finding){func(f *match.Finding) { f.Kind, f.FixPublished = match.KindEndOfLife, "" }}, "2026-03-02", "support ended"},
		{"the end of support, inside", inside, []func(*match.Finding){func(f *match.Finding) { f.Kind, f.FixPublished = match.KindEndOfLife, "" }}, "", "next upgrade"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := flaw("CVE-1", "2.0.0")
			for _, change := range tc.make {
				change(&f)
			}
			o := someDay
			o.Since = map[assess.FindingKey]string{{ID: "CVE-SEEN", Type: "npm", Name: "a"}: "2026-03-01"}
			d := assess.Decide(&f, tc.env, o)
			if said := d.Term.Because + "; " + d.Term.Note; d.Due != tc.want || !strings.Contains(said, tc.note) {
				t.Errorf("due %q: %s; want %q: %s", d.Due, said, tc.want, tc.note)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	env := assess.BuiltIn()[0]
	env.Exposure = assess.Controlled
	env.Controls = []assess.Control{"waf", "non-root"}
	f := flaw("CVE-2026-1", "2.0.0")
	f.EPSS = &advisory.EPSS{Score: 0.01}
	f.CVSS = []match.CVSS{{Vector: worst, Score: 9.8, Source: "nvd"}}
	b.ReportAllocs()
	for b.Loop() {
		assess.Decide(&f, env, someDay)
	}
}
