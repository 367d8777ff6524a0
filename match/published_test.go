package match

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// A problem is known from the first record's day; a fix from the day of the distribution's advisory, else of the first record that names one.
func TestWhenAProblemBecameKnown(t *testing.T) {
	on := func(year int) time.Time { return time.Date(year, 3, 1, 23, 59, 0, 0, time.FixedZone("behind", -3600)) }
	open, mended := []advisory.Affected{in("Debian:12", span(since("0")))}, []advisory.Affected{in("Debian:12", span(since("0"), until("2")))}
	cve := func(year int, affected []advisory.Affected) advisory.Record {
		return advisory.Record{ID: "DEBIAN-CVE-2020-1", Aliases: []string{"CVE-2020-1"}, Published: on(year), Affected: affected}
	}
	dsa := advisory.Record{ID: "DSA-1-1", Aliases: []string{"CVE-2020-1"}, Published: on(2024), Affected: mended,
		References: []advisory.Reference{{Type: "EVIDENCE", URL: "https://example.org/how"}}}
	for _, tt := range []struct {
		name           string
		records        []advisory.Record
		published, fix string
		exploit        bool
	}{
		{"no fix", []advisory.Record{cve(2020, open)}, "2020-03-02", "", false},
		{"known and fixed at once, as far as is told", []advisory.Record{cve(2020, mended)}, "2020-03-02", "2020-03-02", false},
		{"the advisory has the day of the fix", []advisory.Record{cve(2020, mended), dsa}, "2020-03-02", "2024-03-02", true},
		{"no day", []advisory.Record{{ID: "DEBIAN-CVE-2020-1", Affected: mended}}, "", "", false},
	} {
		adv := known{covers: []string{"Debian:12"}, records: map[string][]advisory.Record{"Debian/x": tt.records}}
		findings, _ := match(t, adv, inventory.Package{Type: "deb", Name: "x", Version: "1", Ecosystem: "Debian:12"})
		if len(findings) != 1 {
			t.Fatalf("%s: %v", tt.name, lines(findings))
		}
		if f := findings[0]; f.Published != tt.published || f.FixPublished != tt.fix || f.Exploit != tt.exploit {
			t.Errorf("%s: known %q, fixed %q, exploit %t", tt.name, f.Published, f.FixPublished, f.Exploit)
		}
	}
}

// Of several CVEs each of CISA's points is the gravest of them; what is none of CISA's words is nothing.
func TestTheDecisionPointsOfSeveralCVEs(t *testing.T) {
	adv := known{covers: []string{"npm"},
		records: map[string][]advisory.Record{"npm/x": {{ID: "GHSA-1", Aliases: []string{"CVE-1-1", "CVE-1-2", "CVE-1-3"}, Affected: []advisory.Affected{in("npm", span(since("0")))}}}},
		cves: map[string]advisory.CVE{
			"CVE-1-1": {Exploitation: "poc", Automatable: "No", TechnicalImpact: "Total"},
			"CVE-1-2": {Exploitation: "none", Automatable: "yes", TechnicalImpact: "partial"},
			"CVE-1-3": {Exploitation: "certain", Automatable: "maybe"},
		}}
	findings, _ := match(t, adv, inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm"})
	if d := gocmp.Diff(&SSVC{Exploitation: "poc", Automatable: "yes", TechnicalImpact: "total"}, findings[0].SSVC); d != "" {
		t.Error(d)
	}
	adv.cves = map[string]advisory.CVE{"CVE-1-3": {Exploitation: "certain"}}
	if findings, _ = match(t, adv, inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm"}); findings[0].SSVC != nil {
		t.Errorf("%+v", findings[0].SSVC)
	}
}
