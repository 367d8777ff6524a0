package report_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/match"
	"tidewaiter/report"
)

// explanations are one of each answer.
func explanations() map[string]*report.Explanation {
	r := shop()
	lodash := slices.DeleteFunc(slices.Clone(r.Findings), func(f match.Finding) bool { return f.ID != "CVE-2021-23337" })
	f := &lodash[0]
	f.SeveritySource = "GitHub"
	f.CVSS = []match.CVSS{{Vector: "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H", Score: 7.2, Source: "GHSA-35jh-r3h4-6jhm"}}
	f.Evidence = match.Evidence{Advisory: "GHSA-35jh-r3h4-6jhm", Feed: "osv/npm", Range: "<4.17.21", Compared: "lodash 4.17.15 < 4.17.21 (semver order)"}
	f.Lowered = []match.Lowered{{By: "disputed", Reason: "somebody denies it"}}
	f.Published, f.FixPublished, f.Overdue = "2021-05-06", "2021-02-15", true
	f.Exploit, f.SSVC = true, &match.SSVC{Automatable: "yes", TechnicalImpact: "total"}
	quieted := *f
	quieted.Quieted = &match.Quieted{By: "outside-known-range", Reason: "it is outside", Until: "2027-01-01"}
	spared := match.Considered{Name: "openssl", Version: "3.0.17-1~deb12u2", Ecosystem: "Debian:12", Packages: []string{r.Packages[0].PURL}, Of: &r.Packages[0],
		Rulings: []match.Ruling{{Advisory: "DEBIAN-CVE-2024-5535", Feed: "osv/Debian", Outcome: match.Spares, Reason: "openssl 3.0.17-1~deb12u2 >= 3.0.14-1, the fix (dpkg order)"}}}
	const title = "Command Injection in lodash\x1b[2J"
	all := map[string]*report.Explanation{
		"affected": report.NewExplanation(r, &match.Explanation{ID: "CVE-2021-23337", Aliases: []string{"GHSA-35jh-r3h4-6jhm"}, Title: title, Answer: match.IsAffected,
			Because: "lodash 4.17.15 is affected", Findings: []match.Finding{*f, quieted}, Considered: []match.Considered{spared}}),
		"quieted": report.NewExplanation(r, &match.Explanation{ID: "CVE-2021-23337", Title: title, Answer: match.IsQuieted,
			Because: "lodash 4.17.15 is affected, but outside-known-range quiets that", Findings: []match.Finding{quieted}}),
		"not-affected": report.NewExplanation(r, &match.Explanation{ID: "CVE-2024-5535", MendedBy: []string{"ALSA-2024:7848", "DSA-1-1", "DSA-2-1", "DSA-3-1", "DSA-4-1"},
			Answer: match.NotAffected, Because: "the one package aboard that it names is not affected", Considered: []match.Considered{spared},
			Absent: []advisory.PackageName{{Ecosystem: "AlmaLinux", Name: "mysql"}, {Ecosystem: "AlmaLinux", Name: "openssl"}, {Ecosystem: "AlmaLinux", Name: "openssl-devel"},
				{Ecosystem: "AlmaLinux", Name: "openssl-libs"}, {Ecosystem: "npm", Name: "openssl"}}}),
		"unknown": report.NewExplanation(r, &match.Explanation{ID: "CVE-2024-5535", Answer: match.CannotSay, Because: "not a database",
			BlindSpots: []image.BlindSpot{{Kind: image.UnreadableFile, Message: "not a database"}, {Kind: image.StaleFeed, Message: "advisory data older than 7 days"}}}),
	}
	env := assess.Environment{Name: "pay\x1b[2J", Exposure: assess.Controlled, Impact: assess.HighImpact, Confidentiality: assess.HighNeed, Controls: []assess.Control{"waf"}}
	for _, e := range all {
		e.Judge(env, assess.Options{Now: time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC)})
	}
	return all
}

func TestExplanations(t *testing.T) {
	for name, e := range explanations() {
		var doc, all bytes.Buffer
		if err := e.JSON(&doc); err != nil {
			t.Fatal(err)
		}
		if err := validateAs(doc.Bytes(), "https://tidewaiter.dev/schema/explain-1.json"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var text bytes.Buffer
		if err := e.Text(&text, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := e.Text(&all, report.TextOptions{All: true, Color: true, Width: 60}); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(all.Bytes(), []byte("\x1b[2J")) {
			t.Errorf("%s: a control sequence of the advisory reaches the terminal", name)
		}
		golden(t, "explain-"+name+".txt", text.Bytes())
	}
}
