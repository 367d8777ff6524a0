package match

import (
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// generic is a package that no package manager declares.
func generic(name, version, cpe string) inventory.Package {
	p := inventory.Package{Type: "generic", Name: name, Version: version, PURL: "pkg:generic/" + name + "@" + version, Recognised: true}
	if cpe != "" {
		p.CPE = "cpe:2.3:a:" + cpe + ":" + version + ":*:*:*:*:*:*:*"
	}
	return p
}

func nvdRecord(id string, a advisory.Affected) advisory.Record {
	return advisory.Record{ID: id, Feed: advisory.FeedNVD, Affected: []advisory.Affected{in("CPE", a)}}
}

// programAdvisories is what two feeds know of a few programs.
var programAdvisories = known{
	covers: []string{"CPE", "Bitnami"},
	records: map[string][]advisory.Record{
		"CPE/nodejs:node.js": {
			nvdRecord("CVE-2026-0001", span(since("18.0.0"), until("18.2.0"))),
			nvdRecord("CVE-2026-0002", span(since("0"), until("18.2.0"))),
			nvdRecord("CVE-2026-0004", span(since(">18.1.0"), until("18.2.0"))),
		},
		"Bitnami/node": {
			{ID: "BIT-node-2026-0001", Aliases: []string{"CVE-2026-0001"}, Affected: []advisory.Affected{in("Bitnami", span(since("18.0.0"), until("18.2.0")))}},
			{ID: "BIT-node-2026-0002", Aliases: []string{"CVE-2026-0002"}, Affected: []advisory.Affected{in("Bitnami", span(since("0"), until("16.2.0")))}},
			{ID: "BIT-node-2026-0003", Aliases: []string{"CVE-2026-0003"}, Affected: []advisory.Affected{in("Bitnami", span(since("0"), until("18.2.0")))}},
		},
		"CPE/f5:nginx":    {nvdRecord("CVE-2026-0005", span(since("0"), until("1.20.1")))},
		"CPE/nginx:nginx": {nvdRecord("CVE-2026-0005", span(since("0.6.18"), until("1.20.1")))},
		"CPE/openbsd:openssh": {
			nvdRecord("CVE-2026-0006", advisory.Affected{Ranges: events(since("0"), until("9.3")), Versions: []string{"9.3", "9.3:p1"}}),
		},
		"CPE/oracle:openjdk": {
			nvdRecord("CVE-2026-0007", lists("8:update372")),
			nvdRecord("CVE-2026-0008", spans(events(since("1.8"), until("1.8.0_381"))...)),
			nvdRecord("CVE-2026-0009", spans(events(since("1.9"), until("7"))...)),
			nvdRecord("CVE-2026-0010", lists("1.8.0:update_371")),
		},
		"Bitnami/java":      {{ID: "BIT-java-2026-0011", Aliases: []string{"CVE-2026-0011"}, Affected: []advisory.Affected{in("Bitnami", span(since("0"), until("1.8.0"), since("1.9.0"), until("8.0.381")))}}},
		"CPE/acme:tool":     {nvdRecord("CVE-2026-0012", span(since("0"), until("2.0")))},
		"CPE/python:python": {nvdRecord("CVE-2026-0013", span(since("0"), until("3.11.2")))},
	},
}

func TestPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		pkg   inventory.Package
		found []string
		blind bool
	}{
		"two feeds":               {generic("node", "18.1.0", "nodejs:node.js"), []string{"CVE-2026-0001 BIT-node-2026-0001", "CVE-2026-0002 CVE-2026-0002", "CVE-2026-0003 BIT-node-2026-0003"}, false},
		"right after a version":   {generic("node", "18.1.1", "nodejs:node.js"), []string{"CVE-2026-0001 BIT-node-2026-0001", "CVE-2026-0002 CVE-2026-0002", "CVE-2026-0003 BIT-node-2026-0003", "CVE-2026-0004 CVE-2026-0004"}, false},
		"fixed":                   {generic("node", "18.2.0", "nodejs:node.js"), nil, false},
		"two names":               {generic("nginx", "1.18.0", "f5:nginx"), []string{"CVE-2026-0005 CVE-2026-0005"}, false},
		"another name":            {generic("nginx", "1.18.0", "nginx:nginx"), []string{"CVE-2026-0005 CVE-2026-0005"}, false},
		"listed, written apart":   {generic("openssh", "9.3p1", "openbsd:openssh"), []string{"CVE-2026-0006 CVE-2026-0006"}, false},
		"listed no more":          {generic("openssh", "9.3p2", "openbsd:openssh"), nil, false},
		"Java 8":                  {generic("openjdk", "1.8.0_372", "oracle:openjdk"), []string{"CVE-2026-0007 CVE-2026-0007", "CVE-2026-0008 CVE-2026-0008", "CVE-2026-0011 BIT-java-2026-0011"}, false},
		"Java 17":                 {generic("openjdk", "17.0.7", "oracle:openjdk"), nil, false},
		"of no table":             {generic("tool", "1.0", "acme:tool"), []string{"CVE-2026-0012 CVE-2026-0012"}, false},
		"no feed names it":        {generic("other", "1.0", "acme:other"), nil, true},
		"no name":                 {generic("tool", "1.0", ""), nil, true},
		"built from what is next": {generic("python", "3.11.1+", "python:python"), []string{"CVE-2026-0013 CVE-2026-0013"}, false},
		"no version":              {generic("tool", "", "acme:tool"), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			findings, spots, err := Match(&inventory.Inventory{Packages: []inventory.Package{c.pkg}}, programAdvisories, nil)
			if err != nil {
				t.Fatal(err)
			}
			var found []string
			for _, f := range findings {
				found = append(found, f.ID+" "+f.Evidence.Advisory)
				if !slices.Contains(f.Evidence.Facts, "matched by product, not by a package manager") {
					t.Errorf("%s: facts %q do not say how it was matched", f.ID, f.Evidence.Facts)
				}
			}
			if diff := gocmp.Diff(c.found, found); diff != "" {
				t.Error(diff)
			}
			if (len(spots) > 0) != c.blind {
				t.Errorf("blind spots: %v", spots)
			}
		})
	}
}

// TestProgramsOfOthers holds that whoever else answers for a package is heard alone.
func TestProgramsOfOthers(t *testing.T) {
	owned, rpm, npm := generic("tool", "1.0", "acme:tool"), generic("tool", "1.0", "acme:tool"), generic("tool", "1.0", "acme:tool")
	owned.Owner, rpm.Type, npm.Ecosystem = "pkg:deb/debian/tool@1.0-1", "rpm", "npm"
	for _, p := range []inventory.Package{owned, rpm, npm} {
		findings, _, err := Match(&inventory.Inventory{Packages: []inventory.Package{p}}, programAdvisories, nil)
		if err != nil || len(findings) > 0 {
			t.Errorf("%+v: %v, %v", p, findings, err)
		}
	}
}

func TestProgramEvidence(t *testing.T) {
	inv := &inventory.Inventory{Packages: []inventory.Package{generic("node", "18.1.1", "nodejs:node.js")}}
	findings, _, err := Match(inv, programAdvisories, nil)
	if err != nil || len(findings) != 4 {
		t.Fatal(findings, err)
	}
	const matched = "matched by product, not by a package manager"
	for i, want := range map[int]Evidence{
		0: {Advisory: "BIT-node-2026-0001", Range: ">=18.0.0 <18.2.0", Compared: "node 18.1.1 >= 18.0.0 and < 18.2.0 (bitnami order)", Facts: []string{matched}},
		1: {Advisory: "CVE-2026-0002", Feed: "nvd", Range: "<18.2.0", Compared: "nodejs:node.js 18.1.1 < 18.2.0 (cpe order)",
			Facts: []string{"BIT-node-2026-0002 does not hold this version to be affected", matched}},
		3: {Advisory: "CVE-2026-0004", Feed: "nvd", Range: ">18.1.0 <18.2.0", Compared: "nodejs:node.js 18.1.1 > 18.1.0 and < 18.2.0 (cpe order)", Facts: []string{matched}},
	} {
		if diff := gocmp.Diff(want, findings[i].Evidence); diff != "" {
			t.Error(diff)
		}
	}
	s := productSubject(&inventory.Package{}, "CPE", "nodejs:node.js", "18.1.0")
	r := &programAdvisories.records["CPE/nodejs:node.js"][2]
	want := Ruling{Advisory: "CVE-2026-0004", Feed: "nvd", Outcome: Spares, Reason: "nodejs:node.js 18.1.0 <= 18.1.0, after which the problem came in (cpe order)"}
	if diff := gocmp.Diff(want, s.ruling(r)); diff != "" {
		t.Error(diff)
	}
}

// TestProgramNames holds that no name is of two programs.
func TestProgramNames(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range programs() {
		for _, name := range append(strings.Fields(p.cpes), p.bitnami) {
			if seen[name] {
				t.Errorf("%s is of two programs", name)
			}
			seen[name] = name != ""
		}
	}
}

func TestStalePrograms(t *testing.T) {
	inv := &inventory.Inventory{Packages: []inventory.Package{generic("tool", "1.0", "acme:tool")}}
	info := advisory.Info{Feeds: []advisory.Feed{{Name: "nvd", Date: "2026-01-01"}, {Name: "osv/npm", Date: "2026-01-01"}}}
	spots := Stale(inv, info, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), 7*24*time.Hour)
	want := []image.BlindSpot{{Kind: image.StaleFeed, Message: "advisory data older than 7 days: nvd (2026-01-01): run tidewaiter db update"}}
	if diff := gocmp.Diff(want, spots); diff != "" {
		t.Error(diff)
	}
}
