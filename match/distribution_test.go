package match

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// told writes each finding with its fixes and facts.
func told(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		line := f.ID
		if f.Fixed != nil {
			line += " fixed " + strings.Join(f.Fixed, " ")
		}
		for _, fact := range f.Evidence.Facts {
			line += "; " + fact
		}
		for _, l := range f.Lowered {
			line += "; lowered: " + l.Reason
		}
		out = append(out, line)
	}
	return out
}

// The records have the shape of UBUNTU-CVE-2023-2650, USN-6188-1 and LSN-0099-1, as Canonical publishes them
// (https://github.com/canonical/ubuntu-security-notices, CC-BY-SA 4.0), with versions made for the test.
func TestUbuntuServices(t *testing.T) {
	entry := func(service, fix string) advisory.Affected {
		e := in("Ubuntu:"+service, span(since("0")))
		if fix != "" {
			e = in("Ubuntu:"+service, span(since("0"), until(fix)))
		}
		return e
	}
	livepatch := entry("Pro:22.04:LTS", "99.1")
	livepatch.Specific = map[string]any{"module_version": "99", "module_name_regex": "lkp_Ubuntu_5_15_0"}
	negligible := advisory.Record{ID: "UBUNTU-CVE-2024-6", Upstream: []string{"CVE-2024-6"},
		Severity: []advisory.Severity{{Type: "Ubuntu", Score: "negligible"}}, Affected: []advisory.Affected{entry("22.04:LTS", "")}}
	adv := known{covers: []string{"Ubuntu:22.04:LTS"}, records: map[string][]advisory.Record{"Ubuntu/openssl": {
		{ID: "UBUNTU-CVE-2024-1", Upstream: []string{"CVE-2024-1"}, Affected: []advisory.Affected{
			entry("Pro:FIPS-updates:22.04:LTS", "3.0.2-0ubuntu1.10+Fips1"), entry("22.04:LTS", "3.0.2-0ubuntu1.10")}},
		{ID: "UBUNTU-CVE-2024-2", Upstream: []string{"CVE-2024-2"}, Affected: []advisory.Affected{
			entry("Pro:22.04:LTS", "3.0.2-0ubuntu1.9+esm2"), entry("22.04:LTS", "")}},
		{ID: "UBUNTU-CVE-2024-3", Upstream: []string{"CVE-2024-3"}, Affected: []advisory.Affected{entry("Pro:22.04:LTS", "3.0.2-0ubuntu1.9+esm1")}},
		{ID: "UBUNTU-CVE-2024-4", Upstream: []string{"CVE-2024-4"}, Affected: []advisory.Affected{entry("Pro:20.04:LTS", "9"), entry("Pro:FIPS:22.04:LTS", "9")}},
		{ID: "LSN-0099-1", Related: []string{"CVE-2024-5"}, Affected: []advisory.Affected{livepatch}},
		negligible,
	}}}
	lowered := "CVE-2024-6; lowered: Ubuntu:22.04:LTS calls it negligible in openssl"
	for _, tt := range []struct {
		name, version string
		want          []string
	}{
		{"without Pro", "3.0.2-0ubuntu1.9", []string{"CVE-2024-1 fixed 3.0.2-0ubuntu1.10", "CVE-2024-2; 3.0.2-0ubuntu1.9+esm2 fixes it with Ubuntu Pro",
			"CVE-2024-3 fixed 3.0.2-0ubuntu1.9+esm1; the fix is part of Ubuntu Pro", lowered}},
		{"with Pro", "3.0.2-0ubuntu1.9+esm1", []string{"CVE-2024-1 fixed 3.0.2-0ubuntu1.10", "CVE-2024-2 fixed 3.0.2-0ubuntu1.9+esm2", lowered}},
		{"with Pro, all fixed", "3.0.2-0ubuntu1.10+esm1", []string{lowered}},
		{"the certified build", "3.0.2-0ubuntu1.9+Fips1", []string{"CVE-2024-1 fixed 3.0.2-0ubuntu1.10+Fips1",
			"CVE-2024-2; 3.0.2-0ubuntu1.9+esm2 fixes it with Ubuntu Pro", "CVE-2024-3 fixed 3.0.2-0ubuntu1.9+esm1; the fix is part of Ubuntu Pro",
			"CVE-2024-4 fixed 9", lowered}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			findings, _ := match(t, adv, inventory.Package{Type: "deb", Name: "openssl", Version: tt.version, Ecosystem: "Ubuntu:22.04:LTS"})
			if diff := gocmp.Diff(tt.want, told(findings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The states are those that Debian's tracker has, in the form in which OSV exports them (osv.dev's vulnfeeds/cmd/debian):
// "open" and "undetermined" are ranges without an end, "not affected" is left out.
func TestDebianStates(t *testing.T) {
	entry := func(release, urgency string, events ...advisory.Event) advisory.Affected {
		e := in("Debian:"+release, span(events...))
		e.Urgency = urgency
		return e
	}
	record := func(id string, affected ...advisory.Affected) advisory.Record {
		return advisory.Record{ID: "DEBIAN-" + id, Upstream: []string{id}, Affected: affected}
	}
	denied := record("CVE-2024-5", entry("12", "not yet assigned", since("0")))
	denied.Disputed = true
	adv := known{covers: []string{"Debian:11", "Debian:12"}, records: map[string][]advisory.Record{"Debian/dnsdist": {
		record("CVE-2023-44487", entry("11", "not yet assigned", since("0")), entry("12", "end-of-life", since("0")), entry("13", "not yet assigned", since("0"), until("1.8.2-2"))),
		record("CVE-2024-1", entry("12", "unimportant", since("0"))),
		record("CVE-2024-2", entry("12", "unimportant", since("0"), until("1.7.3-2"))),
		record("CVE-2024-3", entry("11", "not yet assigned", since("0"))),
		record("CVE-2024-4", entry("12", "not yet assigned", since("0"), until("0"))),
		denied,
	}}, cves: map[string]advisory.CVE{"CVE-2024-3": {Disputed: true}}}
	for _, tt := range []struct {
		ecosystem, version string
		source             *inventory.Source
		want               []string
	}{
		{"Debian:12", "1.7.3-2", nil, []string{
			"CVE-2023-44487; Debian:12 no longer has security support for dnsdist; urgency: end-of-life",
			"CVE-2024-1; urgency: unimportant; lowered: Debian:12 calls it unimportant in dnsdist",
			"CVE-2024-5; lowered: DEBIAN-CVE-2024-5 notes that it is disputed"}},
		{"Debian:11", "1.5.1-3+b2", nil, []string{"CVE-2023-44487", "CVE-2024-3; lowered: the record of CVE-2024-3 notes that it is disputed"}},
		{"Debian:12", "1.7.3-1+b4", &inventory.Source{Name: "dnsdist"}, []string{
			"CVE-2023-44487; Debian:12 no longer has security support for dnsdist; urgency: end-of-life",
			"CVE-2024-1; urgency: unimportant; lowered: Debian:12 calls it unimportant in dnsdist",
			"CVE-2024-2 fixed 1.7.3-2; urgency: unimportant; lowered: Debian:12 calls it unimportant in dnsdist",
			"CVE-2024-5; lowered: DEBIAN-CVE-2024-5 notes that it is disputed"}},
	} {
		findings, _ := match(t, adv, inventory.Package{Type: "deb", Name: "dnsdist", Version: tt.version, Ecosystem: tt.ecosystem, Source: tt.source})
		if diff := gocmp.Diff(tt.want, told(findings)); diff != "" {
			t.Errorf("%s %s: %s", tt.ecosystem, tt.version, diff)
		}
	}
}

func TestSourceVersion(t *testing.T) {
	for _, tt := range []struct {
		kind, version, source, want string
	}{
		{"deb", "8.32-4+b1", "", "8.32-4"}, {"deb", "8.32-4+b1", "8.32-4+b1", "8.32-4"}, {"deb", "1:1.2-3", "1.2-3", "1.2-3"},
		{"deb", "2.36-9+deb12u10", "", "2.36-9+deb12u10"}, {"deb", "1-1+deb12u1+b12", "", "1-1+deb12u1"},
		{"rpm", "1:3.0.7-27.el9", "3.0.7-27.el9", "1:3.0.7-27.el9"}, {"rpm", "3.0.7-27.el9", "", "3.0.7-27.el9"}, {"apk", "1-r0", "", "1-r0"},
	} {
		p := &inventory.Package{Type: tt.kind, Version: tt.version, Source: &inventory.Source{Name: "x", Version: tt.source}}
		if got := sourceVersion(p); got != tt.want {
			t.Errorf("%s %s of %q: %s, want %s", tt.kind, tt.version, tt.source, got, tt.want)
		}
	}
}

// The fixes are those that AlmaLinux's errata ALSA-2026:30851, ALSA-2021:4517, ALSA-2026:25919 and ALSA-2022:0129 list for
// one package each (https://github.com/AlmaLinux/osv-database, MIT).
func TestNearestBuild(t *testing.T) {
	perl := []string{"2:1.60-1.module_el8.6.0+2766+8bf0b7ce", "2:1.60-1.module_el8.6.0+3181+91434291"}
	vim := []string{"2:8.0.1763-16.el8", "2:8.0.1763-16.el8_5.13"}
	mecab := []string{"0.996-2.module_el8.10.0+3965+b415b607", "0.996-2.module_el8.6.0+3340+d764b636"}
	minors := []string{"1.0-5.module+el8.4.0+10+a", "1.0-7.module+el8.6.0+20+b"}
	for _, tt := range []struct {
		installed string
		fixes     []string
		affected  bool
	}{
		{"2:1.60-1.module_el8.6.0+2766+8bf0b7ce", perl, false},
		{"2:1.58-1.module_el8.6.0+2766+8bf0b7ce", perl, true},
		{"0.996-2.module_el8.10.0+3900+b415b607", mecab, false}, // the same source, built again
		{"0.996-1.module_el8.10.0+3900+b415b607", mecab, true},
		{"2:8.0.1763-16.el8_5.12", vim, true},
		{"2:8.0.1763-16.el8_5.13", vim, false},
		{"2:8.0.1763-16.el8", vim, false},
		{"2:8.0.1763-15.el8", vim, true},
		{"1.0-6.module+el8.6.0+15+c", minors, true},
		{"1.0-6.module+el8.4.0+15+c", minors, false},
		{"1.0-6.module+el8.5.0+15+c", minors, false},
	} {
		r := advisory.Record{ID: "ALSA-1"}
		for _, fix := range tt.fixes {
			r.Affected = append(r.Affected, in("AlmaLinux:8", span(since("0"), until(fix))))
		}
		adv := known{covers: []string{"AlmaLinux:8"}, records: map[string][]advisory.Record{"AlmaLinux/x": {r}}}
		findings, _ := match(t, adv, inventory.Package{Type: "rpm", Name: "x", Version: tt.installed, Ecosystem: "AlmaLinux:8"})
		if (findings != nil) != tt.affected {
			t.Errorf("%s of %v: affected %v, want %v", tt.installed, tt.fixes, findings != nil, tt.affected)
		}
	}
}

// A package that is known from a purl alone has no module label.
func TestStreamsWithoutLabel(t *testing.T) {
	record := func(id, summary, fix string) advisory.Record {
		return advisory.Record{ID: id, Summary: summary, Affected: []advisory.Affected{in("Rocky Linux:8", span(since("0"), until(fix)))}}
	}
	adv := known{covers: []string{"Rocky Linux:8"}, records: map[string][]advisory.Record{"Rocky Linux/nodejs": {
		record("RLSA-16", "Important: nodejs:16 security update", "1:16.20.2-3.module+el8.9.0+1+a"),
		record("RLSA-18", "Important: nodejs:18 security update", "1:18.19.0-1.module+el8.9.0+1+a"),
		record("RLSA-1", "Important: nodejs:1 security update", "1:18.19.0-2.module+el8.9.0+1+a"),
		record("RLSA-rhel", "Important: container-tools:rhel8 security update", "1:18.19.0-2.module+el8.9.0+1+a"),
	}}}
	findings, _ := match(t, adv, inventory.Package{Type: "rpm", Name: "nodejs", Version: "1:16.20.1-1.module+el8.8.0+1+a", Ecosystem: "Rocky Linux:8"})
	if diff := gocmp.Diff([]string{"RLSA-1 fixed 1:18.19.0-2.module+el8.9.0+1+a", "RLSA-16 fixed 1:16.20.2-3.module+el8.9.0+1+a",
		"RLSA-rhel fixed 1:18.19.0-2.module+el8.9.0+1+a"}, told(findings)); diff != "" {
		t.Error(diff)
	}
}

func TestOtherFeeds(t *testing.T) {
	entry := func(ecosystem, fix string) advisory.Affected { return in(ecosystem, span(since("0"), until(fix))) }
	adv := known{
		covers: []string{"Red Hat:enterprise_linux:7", "Amazon Linux:2023", "Alpine:v3.18", "Wolfi", "Root:Debian:12"},
		records: map[string][]advisory.Record{
			"Red Hat/openssl-libs":   {{ID: "RHSA-1", Affected: []advisory.Affected{entry("Red Hat:enterprise_linux:7::server", "1:1.0.2k-26.el7_9")}}},
			"Amazon Linux/curl":      {{ID: "ALAS2023-1", Affected: []advisory.Affected{entry("Amazon Linux:2023", "8.3.0-1.amzn2023.0.3")}}},
			"Alpine/curl":            {{ID: "ALPINE-CVE-2024-1", Affected: []advisory.Affected{entry("Alpine:v3.18", "0")}}, {ID: "ALPINE-CVE-2024-2", Affected: []advisory.Affected{entry("Alpine:v3.18", "8.9.0-r0"), entry("Alpine:v3.19", "9")}}},
			"Wolfi/curl":             {{ID: "CGA-1", Affected: []advisory.Affected{entry("Wolfi", "0")}}, {ID: "CGA-2", Affected: []advisory.Affected{entry("Wolfi", "8.9.0-r0"), entry("Chainguard", "9-r0")}}},
			"Root/rootio-openssl":    {{ID: "ROOT-OS-1", Affected: []advisory.Affected{entry("Root:Debian:12", "3.0.15-1~deb12u1.root.io.2"), entry("Root:Debian:11", "9")}}},
			"Debian/rootio-openssl":  {{ID: "DEBIAN-CVE-1", Affected: []advisory.Affected{entry("Debian:12", "9")}}},
			"Amazon Linux/curl-libs": nil,
		}}
	findings, spots := match(t, adv,
		inventory.Package{Type: "rpm", Name: "openssl-libs", Version: "1:1.0.2k-25.el7_9", Ecosystem: "CentOS:7"},
		inventory.Package{Type: "rpm", Name: "curl", Version: "8.3.0-1.amzn2023.0.2", Ecosystem: "Amazon Linux:2023"},
		inventory.Package{Type: "apk", Name: "libcurl", Version: "8.8.0-r0", Ecosystem: "Alpine:v3.18", Source: &inventory.Source{Name: "curl", Version: "8.8.0-r0"}},
		inventory.Package{Type: "apk", Name: "curl", Version: "8.8.0-r0", Ecosystem: "Wolfi"},
		inventory.Package{Type: "deb", Name: "rootio-openssl", Version: "3.0.15-1~deb12u1.root.io.1", Ecosystem: "Root:Debian:12"},
		inventory.Package{Type: "deb", Name: "docker-ce", Version: "5:24.0.7-1~debian.12~bookworm", Vendor: "Docker"},
		inventory.Package{Type: "rpm", Name: "curl", Version: "1-1.amzn2", Ecosystem: "Amazon Linux:2"})
	want := []string{"ALAS2023-1", "ALPINE-CVE-2024-2", "CGA-2", "RHSA-1", "ROOT-OS-1"}
	var got []string
	for _, f := range findings {
		got = append(got, f.Evidence.Advisory)
	}
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var blind []string
	for _, s := range spots {
		blind = append(blind, s.Message)
	}
	if diff := gocmp.Diff([]string{"no advisory feed for Amazon Linux:2: 1 package was not judged",
		"no advisory feed for packages of Docker (deb): 1 package was not judged: docker-ce"}, blind); diff != "" {
		t.Error(diff)
	}
}
