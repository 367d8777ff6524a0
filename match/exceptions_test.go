package match

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewaiter/advisory"
	"tidewaiter/vex"
)

var november = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// accepted is an exception that holds: a risk that Ann accepts until the end of January.
func accepted(change func(*vex.Exception)) vex.Exception {
	e := vex.Exception{
		Vulnerabilities: []string{"CVE-2024-1"}, Product: vex.Product{{Names: []string{"pkg:npm/lodash"}}}, Status: vex.Affected,
		Owner: "Ann", Reason: "templates come from us alone", End: vex.End{Day: "2027-01-31"}, Time: november.AddDate(0, 0, -1), File: ".openvex/a.json",
	}
	if change != nil {
		change(&e)
	}
	return e
}

// Where an exception holds, and why it does not elsewhere.
func TestExceptions(t *testing.T) {
	const stands = "" // what quiets it
	production := vex.Demands{Environment: "production"}
	for name, c := range map[string]struct {
		change  func(*vex.Exception)
		finding func(*Finding)
		demands vex.Demands
		by      string
		until   string
		why     string // of the unused statement; empty where none is told
		lapse   vex.Lapse
	}{
		"a risk that is accepted":        {by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"the version named":              {change: func(e *vex.Exception) { e.Product[0].Names[0] += "@4.17.4" }, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"every package":                  {change: func(e *vex.Exception) { e.Product = nil }, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"another version":                {change: func(e *vex.Exception) { e.Product[0].Names[0] += "@4.17.5" }},
		"another package":                {change: func(e *vex.Exception) { e.Product[0].Names[0] = "pkg:npm/shop" }, finding: func(f *Finding) { f.Paths = []string{"x"} }, why: "the finding is in another package"},
		"another finding":                {change: func(e *vex.Exception) { e.Vulnerabilities[0] = "CVE-2024-2" }, why: "no such finding"},
		"by an alias":                    {change: func(e *vex.Exception) { e.Vulnerabilities[0] = "ghsa-x" }, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"this image":                     {change: func(e *vex.Exception) { e.Image = "ghcr.io/acme/*" }, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"another image":                  {change: func(e *vex.Exception) { e.Image = "ghcr.io/other/*" }},
		"this environment":               {change: func(e *vex.Exception) { e.Environments = []string{"production"} }, demands: production, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"another environment":            {change: func(e *vex.Exception) { e.Environments = []string{"staging"} }, demands: production},
		"its last day":                   {change: func(e *vex.Exception) { e.End.Day = "2026-11-03" }, by: "exception: Ann (.openvex/a.json)", until: "2026-11-03"},
		"the day of its end":             {change: func(e *vex.Exception) { e.End.Day = "2026-11-02" }, why: "expired on 2026-11-02", lapse: vex.Expired},
		"until there is a fix":           {change: func(e *vex.Exception) { e.End = vex.End{Fix: true} }, by: "exception: Ann (.openvex/a.json)"},
		"and there is one":               {change: func(e *vex.Exception) { e.End.Fix = true }, finding: func(f *Finding) { f.Fixed = []string{"5.0.0"} }, why: "it held until there is a fix, which is 5.0.0", lapse: vex.FixExists},
		"no approver":                    {demands: vex.Demands{Environment: "production", Approver: true}, why: "production demands an approver, and it has none", lapse: vex.Unapproved},
		"the owner approved":             {change: func(e *vex.Exception) { e.Approver = "ann" }, demands: vex.Demands{Environment: "production", Approver: true}, why: "production demands an approver, and the owner is none", lapse: vex.Unapproved},
		"approved":                       {change: func(e *vex.Exception) { e.Approver = "Bob" }, demands: vex.Demands{Approver: true}, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"for too long":                   {demands: vex.Demands{Environment: "production", Longest: 30 * 24 * time.Hour}, why: "production allows 30 days, and it ends 91 days after it was made", lapse: vex.TooLong},
		"made in the future":             {change: func(e *vex.Exception) { e.Time = november.AddDate(1, 0, 0) }, demands: vex.Demands{Environment: "production", Longest: 30 * 24 * time.Hour}, why: "production allows 30 days, and it ends 90 days after it was made", lapse: vex.TooLong},
		"no day where one is demanded":   {change: func(e *vex.Exception) { e.End = vex.End{Fix: true} }, demands: vex.Demands{Environment: "production", Longest: 48 * time.Hour}, why: "production demands an end within 2 days, and it has no day", lapse: vex.TooLong},
		"not long":                       {demands: vex.Demands{Longest: 92 * 24 * time.Hour}, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"incomplete":                     {change: func(e *vex.Exception) { e.Wrong = "it has no owner" }, why: "it has no owner", lapse: vex.Incomplete},
		"malware":                        {finding: func(f *Finding) { f.Malicious = true }, why: "malware is not quieted by exceptions"},
		"known to be exploited":          {finding: func(f *Finding) { f.KEV = &advisory.KEV{} }, by: "exception: Ann (.openvex/a.json)", until: "2027-01-31"},
		"quieted by a rule":              {finding: func(f *Finding) { f.Quieted = &Quieted{By: "no-code"} }, by: "no-code", why: "the finding is quieted without it: no-code"},
		"expired, and quieted by a rule": {change: func(e *vex.Exception) { e.End.Day = "2026-01-01" }, finding: func(f *Finding) { f.Quieted = &Quieted{By: "no-code"} }, by: "no-code", why: "expired on 2026-01-01", lapse: vex.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			a, inv := stated()
			findings := []Finding{findingOf(inv, "lodash", "CVE-2024-1", "GHSA-X")}
			if c.finding != nil {
				c.finding(&findings[0])
			}
			unused := a.State(findings, nil, Exceptions{List: []vex.Exception{accepted(c.change)}, Demands: c.demands, Now: november})
			var q Quieted
			if findings[0].Quieted != nil {
				q = *findings[0].Quieted
			}
			if q.By != c.by || q.Until != c.until {
				t.Errorf("quieted: %+v, want by %q until %q", q, c.by, c.until)
			}
			var told UnusedStatement
			if len(unused) > 0 {
				told = unused[0]
			}
			if len(unused) > 1 || told.Why != c.why || told.Exception != c.lapse || told.Stands != (c.lapse != "" && c.by == stands) {
				t.Errorf("unused: %+v, want %q", unused, c.why)
			}
		})
	}
}

// The user's word goes before all others', whatever these say.
func TestAnExceptionGoesBeforeStatements(t *testing.T) {
	a, inv := stated()
	findings := []Finding{findingOf(inv, "lodash", "CVE-2024-1")}
	newer := notAffected("CVE-2024-1", product(imageDigest, "pkg:npm/lodash@4.17.4"))
	newer.Status, newer.Time = vex.Affected, november
	own := Exceptions{Now: november, List: []vex.Exception{
		accepted(func(e *vex.Exception) { e.End.Day, e.File = "2026-12-01", "shorter.json" }),
		accepted(func(e *vex.Exception) { e.File = "longer.json" }),
		accepted(func(e *vex.Exception) { e.End.Day, e.File = "2026-10-01", "past.json" }),
	}}
	unused := a.State(findings, []vex.Statement{newer}, own)
	want := &Quieted{By: "exception: Ann (longer.json)", Reason: "risk accepted: templates come from us alone", Until: "2027-01-31"}
	if d := cmp.Diff(want, findings[0].Quieted); d != "" {
		t.Error(d)
	}
	var why []string
	for _, u := range unused {
		why = append(why, u.Source+": "+u.Why)
	}
	if d := cmp.Diff([]string{"a.json: overruled by Ann (longer.json): affected", "past.json: expired on 2026-10-01", "shorter.json: longer.json says the same for longer"}, why); d != "" {
		t.Error(d)
	}
	if n := CountExceptions(findings, unused); n.Quieted != 1 || n.String() != "" {
		t.Errorf("count %+v", n)
	}
	if stands := Unexcepted(findings); stands[0].Quieted != nil || findings[0].Quieted == nil {
		t.Error("without exceptions it stands, and the report stays as it is")
	}
}

// An advisory on several CVEs is quieted where each of them is answered for, until the first answer ends.
func TestExceptionsForEachCVE(t *testing.T) {
	state := func(list ...vex.Exception) (Finding, []UnusedStatement) {
		a, inv := stated()
		findings := []Finding{findingOf(inv, "lodash", "DSA-1", "CVE-2024-1", "CVE-2024-2")}
		findings[0].hits = []hit{{record: &advisory.Record{ID: "DSA-1", Upstream: []string{"CVE-2024-1", "CVE-2024-2"}}}}
		unused := a.State(findings, nil, Exceptions{List: list, Now: november})
		return findings[0], unused
	}
	second := accepted(func(e *vex.Exception) { e.Vulnerabilities, e.End.Day = []string{"CVE-2024-2"}, "2026-12-24" })
	both, _ := state(accepted(nil), second)
	if both.Quieted == nil || both.Quieted.Until != "2026-12-24" {
		t.Errorf("both: %+v", both.Quieted)
	}
	one, unused := state(accepted(nil))
	if one.Quieted != nil || len(unused) != 1 || unused[0].Why != "it speaks of CVE-2024-1, and CVE-2024-2 stands" {
		t.Errorf("one: %+v, %+v", one.Quieted, unused)
	}
}

// One that ends with a fix may end for one package and hold for another: what stands again is told.
func TestAFixForOneOfTwoPackages(t *testing.T) {
	a, inv := stated()
	findings := []Finding{findingOf(inv, "libssl3", "CVE-2024-1"), findingOf(inv, "lodash", "CVE-2024-1")}
	findings[1].Fixed = []string{"5.0.0"}
	unused := a.State(findings, nil, Exceptions{Now: november, List: []vex.Exception{accepted(func(e *vex.Exception) { e.Product, e.End.Fix = nil, true })}})
	want := []UnusedStatement{{Vulnerability: "CVE-2024-1", Product: "every package in every image", Status: vex.Affected, Author: "Ann",
		Source: ".openvex/a.json", Why: "it held until there is a fix, which is 5.0.0", Exception: vex.FixExists, Stands: true}}
	if d := cmp.Diff(want, unused, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if findings[0].Quieted == nil || findings[1].Quieted != nil {
		t.Errorf("%+v, %+v", findings[0].Quieted, findings[1].Quieted)
	}
	if n := CountExceptions(findings, unused); n.Quieted != 1 || n.String() != "1 ended by a fix" {
		t.Errorf("count %+v: %s", n, n)
	}
	if !strings.HasSuffix(findings[0].Quieted.Reason, "(until there is a fix)") {
		t.Error(findings[0].Quieted.Reason)
	}
}
