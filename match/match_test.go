package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/version"
)

// known is a set of advisories in memory.
type known struct {
	records map[string][]advisory.Record // by "ecosystem/name"
	cves    map[string]advisory.CVE
	covers  []string
}

func (k known) Records(ecosystem, name string) ([]advisory.Record, error) {
	return k.records[ecosystem+"/"+name], nil
}
func (k known) CVE(id string) (advisory.CVE, error) { return k.cves[id], nil }
func (k known) Covers(ecosystem string) bool        { return slices.Contains(k.covers, ecosystem) }
func events(e ...advisory.Event) []advisory.Range {
	return []advisory.Range{{Type: "ECOSYSTEM", Events: e}}
}
func since(v string) advisory.Event               { return advisory.Event{Introduced: v} }
func until(v string) advisory.Event               { return advisory.Event{Fixed: v} }
func through(v string) advisory.Event             { return advisory.Event{LastAffected: v} }
func below(v string) advisory.Event               { return advisory.Event{Limit: v} }
func lists(v ...string) advisory.Affected         { return advisory.Affected{Versions: v} }
func spans(r ...advisory.Range) advisory.Affected { return advisory.Affected{Ranges: r} }
func span(e ...advisory.Event) advisory.Affected  { return spans(events(e...)...) }
func in(e string, a advisory.Affected) advisory.Affected {
	a.Ecosystem = e
	return a
}

func TestJudge(t *testing.T) {
	git := advisory.Range{Type: "GIT", Repo: "https://example.org/x", Events: []advisory.Event{since("0"), until("abc")}}
	tests := []struct {
		name, version string
		entry         advisory.Affected
		span          string // empty: not affected
		fixed         []string
	}{
		{"before the fix", "1.0.0", span(since("0"), until("1.2.3")), "<1.2.3", []string{"1.2.3"}},
		{"the fix", "1.2.3", span(since("0"), until("1.2.3")), "", nil},
		{"a pre-release of the fix", "1.2.3-rc.1", span(since("0"), until("1.2.3")), "<1.2.3", []string{"1.2.3"}},
		{"before the introduction", "0.9.0", span(since("1.0.0"), until("1.2.3")), "", nil},
		{"the introduction", "1.0.0", span(since("1.0.0"), until("1.2.3")), ">=1.0.0 <1.2.3", []string{"1.2.3"}},
		{"between two spans", "1.5.0", span(since("1.0.0"), until("1.2.3"), since("2.0.0"), until("2.1.0")), "", nil},
		{"the second span", "2.0.5", span(since("1.0.0"), until("1.2.3"), since("2.0.0"), until("2.1.0")), ">=2.0.0 <2.1.0", []string{"2.1.0"}},
		{"events not sorted", "2.0.5", span(until("2.1.0"), since("2.0.0"), until("1.2.3"), since("1.0.0")), ">=2.0.0 <2.1.0", []string{"2.1.0"}},
		{"not sorted, between", "1.5.0", span(until("2.1.0"), since("2.0.0"), until("1.2.3"), since("0")), "", nil},
		{"no fix", "9.0.0", span(since("1.0.0")), ">=1.0.0", nil},
		{"every version", "9.0.0", span(since("0")), "every version", nil},
		{"the last affected", "1.5.0", span(since("0"), through("1.5.0")), "<=1.5.0", nil},
		{"after the last affected", "1.5.1", span(since("0"), through("1.5.0")), "", nil},
		{"never affected", "1.0.0", span(since("0"), until("0")), "", nil},
		{"under the limit", "1.0.0", span(since("0"), below("2.0.0")), "every version", nil},
		{"at the limit", "2.0.0", span(since("0"), below("2.0.0")), "", nil},
		{"no limit", "2.0.0", span(since("0"), below("*")), "every version", nil},
		{"under one of two limits", "2.0.0", span(since("0"), below("1.0.0"), below("3.0.0")), "every version", nil},
		{"listed", "1.0.0", lists("0.9.0", "1.0.0"), "version listed", nil},
		{"listed otherwise", "1.0.0", lists("v1.0"), "version listed", nil},
		{"listed otherwise beside commits", "1.0.0", advisory.Affected{Ranges: []advisory.Range{git}, Versions: []string{"1.0"}}, "version listed", nil},
		{"not listed", "1.0.1", lists("0.9.0", "1.0.0"), "", nil},
		{"listed beside a range", "3.0.0", advisory.Affected{Ranges: events(since("0"), until("1.0.0")), Versions: []string{"3.0.0"}}, "version listed", nil},
		{"two ranges", "1.0.0", spans(events(since("5.0.0"))[0], events(since("0"), until("1.1.0"))[0]), "<1.1.0", []string{"1.1.0"}},
		{"two ranges that hold it", "1.0.0", spans(events(since("0"), until("1.2.0"))[0], events(since("0"), until("1.1.0"))[0]), "<1.2.0", []string{"1.2.0", "1.1.0"}},
		{"commits beside versions", "1.0.0", advisory.Affected{Ranges: []advisory.Range{git}, Versions: []string{"1.0.0"}}, "version listed", nil},
		{"commits beside other versions", "1.0.0", advisory.Affected{Ranges: []advisory.Range{git}, Versions: []string{"2.0.0"}}, "", nil},
		{"nothing said", "1.0.0", advisory.Affected{}, "", nil},
		{"fixed and introduced again at once", "2.0.0", span(since("0"), until("2.0.0"), since("2.0.0"), until("3.0.0")), ">=2.0.0 <3.0.0", []string{"3.0.0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSubject(&inventory.Package{Ecosystem: "npm"}, "x", tt.version)
			got, err := s.judge(&tt.entry)
			if err != nil || got.span != tt.span || got.affected != (tt.span != "") || !slices.Equal(got.fixed, tt.fixed) {
				t.Errorf("got %+v, %v; want %q %v", got, err, tt.span, tt.fixed)
			}
		})
	}
}

// FuzzJudgeRange holds judgeRange against the algorithm of the OSV schema, written as it stands there.
func FuzzJudgeRange(f *testing.F) {
	f.Add([]byte{0, 0, 1, 5}, byte(3))
	f.Add([]byte{1, 5, 0, 0, 2, 7, 3, 9}, byte(8))
	f.Fuzz(func(t *testing.T, code []byte, at byte) {
		var list []advisory.Event
		seen := map[byte]bool{}
		for ; len(code) > 1 && len(list) < 12; code = code[2:] {
			if seen[code[1]] {
				continue // two events at one version have no order of their own
			}
			seen[code[1]] = true
			list = append(list, []func(string) advisory.Event{since, until, through, below}[code[0]%4](fmt.Sprint(code[1])))
		}
		s := newSubject(&inventory.Package{Ecosystem: "npm"}, "x", fmt.Sprint(at))
		got, err := s.judgeRange(list)
		if err != nil {
			t.Fatal(err)
		}
		if want := literally(t, list, fmt.Sprint(at)); got.affected != want {
			t.Fatalf("%v at %d: got %v, want %v", list, at, got.affected, want)
		}
	})
}

// literally is IncludedInRanges of https://ossf.github.io/osv-schema/#evaluation.
func literally(t *testing.T, list []advisory.Event, v string) bool {
	compare := func(a, b string) int {
		c, err := version.Compare("npm", a, b)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	limited, before := false, false
	for _, e := range list {
		if e.Limit != "" {
			limited, before = true, before || compare(v, e.Limit) < 0
		}
	}
	if limited && !before {
		return false
	}
	text := func(e advisory.Event) string { return cmp.Or(e.Introduced, e.Fixed, e.LastAffected, e.Limit) }
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b advisory.Event) int { return compare(text(a), text(b)) })
	vulnerable := false
	for _, e := range sorted {
		switch {
		case e.Introduced != "" && compare(v, e.Introduced) >= 0:
			vulnerable = true
		case e.Fixed != "" && compare(v, e.Fixed) >= 0:
			vulnerable = false
		case e.LastAffected != "" && compare(v, e.LastAffected) > 0:
			vulnerable = false
		}
	}
	return vulnerable
}

func TestFits(t *testing.T) {
	tests := []struct {
		pkg, entry string
		want       bool
	}{
		{"Debian:12", "Debian:12", true}, {"Debian:12", "Debian:11", false}, {"Debian:12", "Debian", true}, {"Debian", "Debian:12", false},
		{"Debian:12", "Ubuntu:12", false}, {"Debian:1", "Debian:12", false},
		{"Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS", true}, {"Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS", true},
		{"Ubuntu:22.04:LTS", "Ubuntu:Pro:20.04:LTS", false}, {"Ubuntu:22.04:LTS", "Ubuntu:Pro:FIPS:22.04:LTS", false}, {"Ubuntu:Pro:22.04:LTS", "Ubuntu:22.04:LTS", false},
		{"CentOS:7", "Red Hat:enterprise_linux:7::server", true}, {"CentOS:Stream 9", "Red Hat:enterprise_linux:9::appstream", false},
		{"Amazon Linux:2023", "Amazon Linux:2023", true}, {"Root:Alpine:3.18", "Root:Alpine:3.18", true}, {"Root:Alpine:3.18", "Root:Debian:12", false},
		{"Alpine:v3.18", "Alpine:v3.18", true}, {"Alpine:v3.1", "Alpine:v3.18", false},
		{"AlmaLinux:9", "AlmaLinux:9", true}, {"AlmaLinux:9.4", "AlmaLinux:9", true}, {"Rocky Linux:8", "Rocky Linux:9", false},
		{"Packagist", "Packagist:https://packages.drupal.org/8", true}, {"Maven", "Maven:https://maven.google.com", true},
		{"Red Hat:enterprise_linux:9", "Red Hat:enterprise_linux:9::appstream", true},
		{"Red Hat:enterprise_linux:9", "Red Hat:enterprise_linux:90::appstream", false},
		{"Red Hat:enterprise_linux:9", "Red Hat:rhel_eus:9.2::appstream", false},
		{"SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Module for Basesystem 15 SP5", true},
		{"SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Module for Basesystem 15 SP4", false},
		{"SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Server 15 SP5-LTSS", false},
		{"Kubernetes", "kubernetes", true}, {"npm", "npm", true}, {"npm", "PyPI", false},
	}
	for _, tt := range tests {
		if got := newSubject(&inventory.Package{Ecosystem: tt.pkg}, "x", "1").fits(tt.entry); got != tt.want {
			t.Errorf("%s for a package of %s: got %v", tt.entry, tt.pkg, got)
		}
	}
}

func match(t *testing.T, adv known, packages ...inventory.Package) ([]Finding, []image.BlindSpot) {
	t.Helper()
	for i := range packages {
		p := &packages[i]
		p.PURL = cmp.Or(p.PURL, fmt.Sprintf("pkg:%s/%s@%s", p.Type, p.Name, p.Version))
	}
	findings, spots, err := Match(&inventory.Inventory{Packages: packages}, adv, nil)
	if err != nil {
		t.Fatal(err)
	}
	return findings, spots
}

// lines puts findings on a line each: id, aliases, package, severity, fixes, advisory.
func lines(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %v %s %s %v %s", f.ID, f.Aliases, f.Package, f.Severity, f.Fixed, f.Evidence.Advisory))
	}
	return out
}

func TestAliases(t *testing.T) {
	affected := []advisory.Affected{in("npm", span(since("0"), until("2.0.0")))}
	notAffected := []advisory.Affected{in("npm", span(since("0"), until("0.5.0")))}
	adv := known{covers: []string{"npm"}, records: map[string][]advisory.Record{"npm/x": {
		{ID: "NSWG-ECO-1", Aliases: []string{"CVE-2020-2"}, Affected: []advisory.Affected{in("npm", span(since("0"), until("1.5.0")))}},
		{ID: "GHSA-aaaa", Aliases: []string{"CVE-2020-2"}, Rating: "MODERATE", Summary: "one", Affected: affected},
		{ID: "GHSA-bbbb", Aliases: []string{"CVE-2020-11", "CVE-2020-9", "GHSA-eeee"}, Affected: affected},
		{ID: "GHSA-cccc", Related: []string{"CVE-2020-2"}, Affected: affected},
		{ID: "GHSA-dddd", Aliases: []string{"CVE-2020-2"}, Withdrawn: time.Unix(1, 0), Affected: affected},
		{ID: "GHSA-eeee", Aliases: []string{"CVE-2020-9"}, Affected: notAffected},
		{ID: "MAL-2024-1", Affected: []advisory.Affected{in("npm", lists("1.0.0"))}},
		{ID: "MAL-2024-2", Affected: []advisory.Affected{in("npm", lists("1.0.1"))}},
		{ID: "NSWG-ECO-9", Summary: "Malicious Package", Affected: []advisory.Affected{in("npm", lists("1.0.0"))}},
	}}}
	findings, spots := match(t, adv, inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm"})
	want := []string{
		"CVE-2020-2 [GHSA-aaaa NSWG-ECO-1] pkg:npm/x@1.0.0 medium [1.5.0 2.0.0] GHSA-aaaa",
		// GHSA-eeee says that CVE-2020-9 is not in this version.
		"CVE-2020-11 [CVE-2020-9 GHSA-bbbb GHSA-eeee] pkg:npm/x@1.0.0 unknown [2.0.0] GHSA-bbbb",
		"GHSA-cccc [] pkg:npm/x@1.0.0 unknown [2.0.0] GHSA-cccc",
		"MAL-2024-1 [] pkg:npm/x@1.0.0 critical [] MAL-2024-1",
		"NSWG-ECO-9 [] pkg:npm/x@1.0.0 critical [] NSWG-ECO-9",
	}
	if diff := gocmp.Diff(want, lines(findings)); diff != "" {
		t.Error(diff)
	}
	if len(spots) > 0 {
		t.Error(spots)
	}
	if f := findings[1].Evidence.Facts; !slices.Equal(f, []string{"GHSA-eeee does not hold this version to be affected"}) {
		t.Error(f)
	}
	if !findings[3].Malicious || !findings[4].Malicious || findings[0].Malicious || findings[0].Title != "one" || findings[0].Status != "affected" {
		t.Errorf("%+v", findings)
	}
}

func TestDistributions(t *testing.T) {
	old := span(since("0"), until("3.0.15-1"))
	unimportant := in("Debian:12", span(since("0")))
	unimportant.Urgency = "unimportant"
	pro := in("Ubuntu:Pro:22.04:LTS", span(since("0"), until("3.0.15-1+esm1")))
	adv := known{covers: []string{"Debian:12", "Ubuntu:22.04:LTS"}, records: map[string][]advisory.Record{
		"Debian/openssl": {
			{ID: "DEBIAN-CVE-2024-1", Upstream: []string{"CVE-2024-1"}, Affected: []advisory.Affected{in("Debian:11", old), in("Debian:12", old)}, Feed: "osv/Debian"},
			{ID: "DEBIAN-CVE-2024-3", Upstream: []string{"CVE-2024-3"}, Affected: []advisory.Affected{unimportant}},
			{ID: "DEBIAN-CVE-2024-4", Upstream: []string{"CVE-2024-4"}, Affected: []advisory.Affected{in("Debian:11", old)}},
			{ID: "DSA-1-1", Summary: "openssl - security update", Upstream: []string{"CVE-2024-1", "CVE-2024-2"}, Affected: []advisory.Affected{in("Debian:12", old)}},
			{ID: "DSA-2-1", Summary: "openssl - security update", Affected: []advisory.Affected{in("Debian:12", old)}},
			{ID: "DSA-3-1", Summary: "openssl - regression update", Affected: []advisory.Affected{in("Debian:12", old)}},
		},
		"Ubuntu/openssl": {
			{ID: "UBUNTU-CVE-2024-1", Upstream: []string{"CVE-2024-1"}, Severity: []advisory.Severity{{Type: "Ubuntu", Score: "low"}},
				Affected: []advisory.Affected{pro, in("Ubuntu:22.04:LTS", span(since("0")))}},
			{ID: "UBUNTU-CVE-2024-2", Upstream: []string{"CVE-2024-2"}, Affected: []advisory.Affected{pro}},
			{ID: "USN-1-1", Upstream: []string{"CVE-2024-1", "UBUNTU-CVE-2024-1"}, Affected: []advisory.Affected{in("Ubuntu:22.04:LTS", old)}},
		},
	}}
	source := &inventory.Source{Name: "openssl", Version: "3.0.11-1"}
	findings, _ := match(t, adv,
		inventory.Package{Type: "deb", Name: "libssl3", Version: "3.0.11-1+b1", Ecosystem: "Debian:12", Source: source},
		inventory.Package{Type: "deb", Name: "openssl", Version: "3.0.11-1", Ecosystem: "Ubuntu:22.04:LTS"})
	want := []string{
		"CVE-2024-1 [DEBIAN-CVE-2024-1 DSA-1-1] pkg:deb/libssl3@3.0.11-1+b1 unknown [3.0.15-1] DEBIAN-CVE-2024-1",
		"CVE-2024-2 [DSA-1-1] pkg:deb/libssl3@3.0.11-1+b1 unknown [3.0.15-1] DSA-1-1",
		"CVE-2024-3 [DEBIAN-CVE-2024-3] pkg:deb/libssl3@3.0.11-1+b1 negligible [] DEBIAN-CVE-2024-3",
		"DSA-2-1 [] pkg:deb/libssl3@3.0.11-1+b1 unknown [3.0.15-1] DSA-2-1",
		"CVE-2024-1 [UBUNTU-CVE-2024-1 USN-1-1] pkg:deb/openssl@3.0.11-1 low [3.0.15-1] UBUNTU-CVE-2024-1",
		"CVE-2024-2 [UBUNTU-CVE-2024-2] pkg:deb/openssl@3.0.11-1 unknown [3.0.15-1+esm1] UBUNTU-CVE-2024-2",
	}
	if diff := gocmp.Diff(want, lines(findings)); diff != "" {
		t.Error(diff)
	}
	wantEvidence := Evidence{Advisory: "DEBIAN-CVE-2024-1", Feed: "osv/Debian", Range: "<3.0.15-1",
		Compared: "openssl 3.0.11-1 < 3.0.15-1 (dpkg order)", Facts: []string{"source package openssl 3.0.11-1"}}
	if diff := gocmp.Diff(wantEvidence, findings[0].Evidence); diff != "" {
		t.Error(diff)
	}
}

func TestRebuildErrata(t *testing.T) {
	fix := func(v string) advisory.Affected { return in("AlmaLinux:8", span(since("0"), until(v))) }
	adv := known{covers: []string{"AlmaLinux:8"}, records: map[string][]advisory.Record{"AlmaLinux/nodejs": {
		{ID: "ALSA-1", Summary: "Important: nodejs:14 security update", Related: []string{"CVE-2021-1", "CVE-2021-2"},
			Affected: []advisory.Affected{fix("1:14.18.2-2.module_el8.5.0+1+a"), fix("1:14.18.2-2.module_el8.4.0+1+a")}},
		{ID: "ALSA-2", Summary: "Moderate: nodejs:16 security update", Related: []string{"CVE-2021-3"},
			Affected: []advisory.Affected{fix("1:16.1.0-1.module_el8.5.0+1+a")}},
		{ID: "ALSA-3", Summary: "Low: nodejs security update", Related: []string{"CVE-2021-4"}, Affected: []advisory.Affected{fix("1:20.0.0-1.el8")}},
		{ID: "ALBA-4", Summary: "nodejs:14 bug fix update", Affected: []advisory.Affected{fix("1:15.0.0-1.module_el8.5.0+1+a")}},
	}}}
	pkg := func(v, module string) inventory.Package {
		return inventory.Package{Type: "rpm", Name: "nodejs", Version: v, Ecosystem: "AlmaLinux:8", Modularity: module}
	}
	tests := []struct {
		name string
		pkg  inventory.Package
		want []string
	}{
		{"the stream of the erratum", pkg("1:14.17.0-1.module_el8.4.0+1+a", "nodejs:14:8040:a"), []string{"CVE-2021-1 high", "CVE-2021-2 high"}},
		{"fixed by either build", pkg("1:14.18.2-2.module_el8.4.0+1+a", "nodejs:14:8040:a"), nil},
		{"another stream", pkg("1:16.0.0-1.module_el8.4.0+1+a", "nodejs:16:8040:a"), []string{"CVE-2021-3 medium"}},
		{"of no module", pkg("1:10.0.0-1.el8", ""), []string{"CVE-2021-4 low"}},
	}
	for _, tt := range tests {
		var got []string
		findings, _ := match(t, adv, tt.pkg)
		for _, f := range findings {
			got = append(got, f.ID+" "+string(f.Severity))
		}
		if diff := gocmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestBlindSpots(t *testing.T) {
	git := advisory.Affected{Ecosystem: "npm", Ranges: []advisory.Range{{Type: "GIT", Events: []advisory.Event{since("0")}}}}
	fixed := in("npm", span(since("0"), until("1.0.0")))
	adv := known{covers: []string{"npm", "Alpine", "Debian:12"}, records: map[string][]advisory.Record{
		"npm/x":          {{ID: "GHSA-a", Affected: []advisory.Affected{git}}, {ID: "GHSA-b", Affected: []advisory.Affected{fixed}}},
		"npm/y":          {{ID: "GHSA-c", Affected: []advisory.Affected{in("npm", span(since("0"), until("not one")))}}},
		"npm/z":          {{ID: "MAL-1", Affected: []advisory.Affected{in("npm", span(since("0")))}}},
		"npm/owned":      {{ID: "GHSA-d", Affected: []advisory.Affected{fixed}}, {ID: "MAL-2", Affected: []advisory.Affected{in("npm", lists("0.1.0"))}}},
		"npm/half-owned": {{ID: "GHSA-d", Affected: []advisory.Affected{fixed}}},
	}}
	npm := func(name, version, owner string) inventory.Package {
		return inventory.Package{Type: "npm", Name: name, Version: version, Ecosystem: "npm", Owner: owner}
	}
	findings, spots := match(t, adv,
		npm("x", "latest", ""), npm("x", "2.0.0", ""), npm("y", "1.0.0", ""), npm("z", "latest", ""),
		npm("owned", "0.1.0", "pkg:deb/node@1"), npm("half-owned", "0.1.0", "pkg:apk/node@1"),
		inventory.Package{Type: "deb", Name: "node", Version: "1", PURL: "pkg:deb/node@1", Ecosystem: "Debian:12"},
		inventory.Package{Type: "apk", Name: "node", Version: "1", PURL: "pkg:apk/node@1", Ecosystem: "Alpine:v3.2"},
		inventory.Package{Type: "rpm", Name: "a", Version: "1", PURL: "pkg:rpm/azl/a@1?distro=azurelinux-3.0"},
		inventory.Package{Type: "generic", Name: "a", Version: "1"})
	want := []image.BlindSpot{
		{Kind: image.NoFeed, Where: "Alpine:v3.2", Packages: 1, Message: "no advisory feed for Alpine:v3.2: 1 package was not judged"},
		{Kind: image.NoFeed, Where: "azurelinux-3.0", Packages: 1, Message: "no advisory feed for azurelinux-3.0: 1 package was not judged"},
		{Kind: image.NoFeed, Where: "packages of no known ecosystem", Packages: 1, Message: "no advisory feed for packages of no known ecosystem: 1 package was not judged: a"},
		{Kind: image.Unjudged, Where: "npm", Message: "npm: 1 advisory names only git commits and could not be judged: GHSA-a"},
		{Kind: image.Unjudged, Where: "npm", Message: `npm: 2 versions could not be compared: GHSA-c of y, x "latest"`},
	}
	if diff := gocmp.Diff(want, spots); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, f := range findings {
		if f.Quieted == nil {
			got = append(got, f.ID+" "+f.Of.Name)
		}
	}
	if diff := gocmp.Diff([]string{"GHSA-d half-owned", "GHSA-d owned", "MAL-2 owned", "MAL-1 z"}, got); diff != "" {
		t.Error(diff)
	}
}

// What the distribution installs, the distribution answers for: a language's advisories are then listed, but quieted. Where it
// does not say whether the problem is there, they stand.
func TestTheDistributionAnswersForWhatItInstalled(t *testing.T) {
	all := span(since("0"))
	adv := known{covers: []string{"PyPI", "Debian:12"}, records: map[string][]advisory.Record{
		"PyPI/requests": {
			{ID: "GHSA-mended", Aliases: []string{"CVE-2023-1"}, Affected: []advisory.Affected{in("PyPI", all)}},
			{ID: "GHSA-silent", Aliases: []string{"CVE-2023-6"}, Affected: []advisory.Affected{in("PyPI", all)}},
			{ID: "GHSA-no-cve", Affected: []advisory.Affected{in("PyPI", all)}},
			{ID: "GHSA-shared", Aliases: []string{"CVE-2023-2"}, Affected: []advisory.Affected{in("PyPI", all)}},
			{ID: "GHSA-exploited", Aliases: []string{"CVE-2023-3"}, Affected: []advisory.Affected{in("PyPI", all)}},
			{ID: "GHSA-both", Aliases: []string{"CVE-2023-4"}, Affected: []advisory.Affected{in("PyPI", all)}},
			{ID: "MAL-2023-5", Affected: []advisory.Affected{in("PyPI", all)}},
		},
		"Debian/requests": {
			{ID: "DEBIAN-CVE-2023-1", Affected: []advisory.Affected{in("Debian:12", span(since("0"), advisory.Event{Fixed: "2.28.0"}))}},
			{ID: "DEBIAN-CVE-2023-6", Affected: []advisory.Affected{in("Debian:13", all)}},
			{ID: "DEBIAN-CVE-2023-2", Affected: []advisory.Affected{in("Debian:12", all)}},
			{ID: "DEBIAN-CVE-2023-4", Affected: []advisory.Affected{in("Debian:12", all)}},
		},
	}, cves: map[string]advisory.CVE{
		"CVE-2023-3": {KEV: &advisory.KEV{Added: "2023-01-01"}},
		"CVE-2023-4": {KEV: &advisory.KEV{Added: "2023-01-01"}},
	}}
	deb := inventory.Package{Type: "deb", Name: "python3-requests", Version: "2.28.1", PURL: "pkg:deb/debian/python3-requests@2.28.1",
		Ecosystem: "Debian:12", Source: &inventory.Source{Name: "requests"}}
	findings, _ := match(t, adv, deb,
		inventory.Package{Type: "pypi", Name: "requests", Version: "2.28.1", PURL: "pkg:pypi/requests@2.28.1", Ecosystem: "PyPI", Owner: deb.PURL})
	got := map[string]string{}
	for _, f := range findings {
		got[f.ID+" "+f.Of.Type] = "stands"
		for _, l := range f.Lowered {
			got[f.ID+" "+f.Of.Type] = "lowered: " + l.Reason
		}
		if f.Quieted != nil {
			got[f.ID+" "+f.Of.Type] = f.Quieted.Reason
		}
	}
	silent := "lowered: Debian:12 installed it as python3-requests 2.28.1, and does not say whether it has this problem there"
	want := map[string]string{
		"GHSA-no-cve pypi": silent,
		"CVE-2023-6 pypi":  silent,
		"CVE-2023-1 pypi":  "Debian:12 installed it as python3-requests 2.28.1, where it does not have this problem: by DEBIAN-CVE-2023-1 requests 2.28.1 >= 2.28.0, the fix (dpkg order)",
		"CVE-2023-2 deb":   "stands",
		"CVE-2023-2 pypi":  "Debian:12 installed it as python3-requests 2.28.1, where this problem is reported",
		"CVE-2023-3 pypi":  "stands", // known to be exploited, and the distribution says nothing of it
		"CVE-2023-4 deb":   "stands",
		"CVE-2023-4 pypi":  "stands",
		"MAL-2023-5 pypi":  "stands",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Another vendor's package on the distribution is not the distribution's to answer for.
func TestTheDistributionDoesNotAnswerForOthers(t *testing.T) {
	adv := known{covers: []string{"npm", "Debian:12"}, records: map[string][]advisory.Record{
		"npm/tar":       {{ID: "GHSA-tar", Aliases: []string{"CVE-2023-1"}, Affected: []advisory.Affected{in("npm", span(since("0")))}}},
		"Debian/nodejs": {{ID: "DEBIAN-CVE-2023-1", Affected: []advisory.Affected{in("Debian:12", span(since("0"), until("17")))}}}}}
	for maintainer, quieted := range map[string]bool{
		"Debian Javascript Maintainers <pkg-javascript-devel@lists.alioth.debian.org>": true,
		"Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>":                    true,
		"Jane <jane@debian.org>":         true,
		"":                               true, // the database does not say
		"Nodes <deb@nodesource.example>": false,
		"Evil <x@notdebian.org>":         false,
		"no address at all":              false,
		"Two <a@b.example>, Debian <c@d@debian.org": false,
	} {
		deb := inventory.Package{Type: "deb", Name: "nodejs", Version: "18", PURL: "pkg:deb/debian/nodejs@18", Ecosystem: "Debian:12", Supplier: maintainer}
		findings, _ := match(t, adv, deb,
			inventory.Package{Type: "npm", Name: "tar", Version: "6.0.0", PURL: "pkg:npm/tar@6.0.0", Ecosystem: "npm", Owner: deb.PURL})
		if len(findings) != 1 || (findings[0].Quieted != nil) != quieted {
			t.Errorf("%q: %+v", maintainer, findings)
		}
	}
}

func TestOneFindingForEachPURL(t *testing.T) {
	adv := known{covers: []string{"npm"}, records: map[string][]advisory.Record{
		"npm/x": {{ID: "GHSA-a", Aliases: []string{"CVE-2020-1", "CVE-2020-2"}, Affected: []advisory.Affected{in("npm", span(since("0")))},
			Severity: []advisory.Severity{{Type: "CVSS_V3", Score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, {Type: "CVSS_V3", Score: "CVSS:3.1/nonsense"}}}}},
		cves: map[string]advisory.CVE{
			"CVE-2020-1": {EPSS: &advisory.EPSS{Score: 0.1}, CVSS: []advisory.CVSS{{Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Source: "nvd"}}},
			"CVE-2020-2": {EPSS: &advisory.EPSS{Score: 0.7}, KEV: &advisory.KEV{Added: "2021-01-01"}},
		}}
	findings, _ := match(t, adv,
		inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm", Locked: true, Paths: []string{"package-lock.json"}},
		inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm", Paths: []string{"a/package.json"}},
		inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm", Paths: []string{"b/package.json"}})
	if len(findings) != 1 {
		t.Fatal(findings)
	}
	f := findings[0]
	if f.Of.Locked || !slices.Equal(f.Paths, []string{"a/package.json", "b/package.json", "package-lock.json"}) {
		t.Errorf("%+v", f)
	}
	if f.EPSS.Score != 0.7 || f.KEV == nil || f.Severity != Critical {
		t.Errorf("%+v", f)
	}
	want := []CVSS{
		{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8, Source: "GHSA-a"},
		{Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Score: 7.5, Source: "nvd"},
	}
	if diff := gocmp.Diff(want, f.CVSS); diff != "" {
		t.Error(diff)
	}
}

// Only the feeds that an image needs can be too old for it.
func TestStale(t *testing.T) {
	info := advisory.Info{Feeds: []advisory.Feed{{Name: "osv/Debian", Date: "2026-08-01"}, {Name: "osv/Go", Date: "2026-01-01"},
		{Name: "osv/PyPI"}, {Name: "osv/npm", Date: "2026-08-22"}, {Name: "kev", Date: "2026-01-01"}}}
	inv := func(ecosystems ...string) *inventory.Inventory {
		inv := &inventory.Inventory{}
		for _, e := range ecosystems {
			inv.Packages = append(inv.Packages, inventory.Package{Ecosystem: e})
		}
		return inv
	}
	week, now := 7*24*time.Hour, time.Date(2026, 8, 29, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		inv  *inventory.Inventory
		now  time.Time
		want string
	}{
		{inv("npm"), now, ""},
		{inv("npm"), now.Add(time.Minute), "npm (2026-08-22)"},
		{inv("npm"), now.Add(99 * week), "npm (2026-08-22)"},
		{inv("npm", "Debian:12", "PyPI"), now, "Debian (2026-08-01), PyPI (of no known date)"},
		{inv(), now, ""},
	} {
		var want []image.BlindSpot
		if tc.want != "" {
			want = []image.BlindSpot{{Kind: image.StaleFeed, Message: "advisory data older than 7 days: " + tc.want + ": run tidewaiter db update"}}
		}
		if diff := gocmp.Diff(want, Stale(tc.inv, info, tc.now, week)); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzVectors(f *testing.F) {
	f.Add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")
	f.Add("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
	f.Add("(AV:N/AC:L/Au:N/C:P/I:P/A:P)")
	f.Fuzz(func(t *testing.T, vector string) {
		if score, ok := baseScore(vector); ok && (score < 0 || score > 10) {
			t.Errorf("%q: %v", vector, score)
		}
	})
}

// BenchmarkMatch holds an image of 500 packages against 30 records for each, a few of which match.
func BenchmarkMatch(b *testing.B) {
	for _, ecosystem := range []string{"Debian:12", "npm", "AlmaLinux:9", "Alpine:v3.18", "PyPI", "Maven"} {
		base, _, _ := strings.Cut(ecosystem, ":")
		adv := known{covers: []string{ecosystem}, records: map[string][]advisory.Record{}}
		inv := &inventory.Inventory{}
		for i := range 500 {
			name := fmt.Sprintf("package-%d", i)
			inv.Packages = append(inv.Packages, inventory.Package{PURL: "pkg:x/" + name, Name: name, Version: "5.0.11", Ecosystem: ecosystem})
			for j := range 30 {
				adv.records[base+"/"+name] = append(adv.records[base+"/"+name], advisory.Record{ID: fmt.Sprintf("CVE-2024-%d", j),
					Affected: []advisory.Affected{in(ecosystem, span(since("0"), until(fmt.Sprintf("5.0.%d", j%13))))}})
			}
		}
		b.Run(ecosystem, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Match(inv, adv, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
