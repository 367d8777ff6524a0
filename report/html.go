package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/match"
)

//go:embed html.tmpl
var htmlTemplate string

//go:embed html.css
var htmlStyle string

//go:embed html.js
var htmlScript string

// HTML writes the report as one page that needs nothing else: it opens from a disk and without a network. Its charts are SVG, its
// script only filters the table. A browser runs that script and no other, whatever stands in the report.
func HTML(w io.Writer, r *Report) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"clean": Clean, "short": short, "plural": plural, "number": number, "closes": closes, "gain": gain,
		"because": because, "page": pageOf, "evidence": evidenceLines,
		"change": func(f match.Finding) string { return change(r, []match.Finding{f}) },
		"why":    func(f match.Finding) string { return strings.Join(reasons(f), ", ") },
		"spot":   func(b image.BlindSpot) string { return spot(b, r.Image.Layers) },
		"list":   func(words []string) string { return strings.Join(words, ", ") },
		"lines":  func(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") },
	}).Parse(htmlTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, newPage(r))
}

// page is what the template shows.
type page struct {
	*Report
	Policy           string // what the browser may load and run: no more than is written in the page
	Style            template.CSS
	Script           template.JS
	Findings         []match.Finding // that stand, the first to look at in front
	Quieted          []match.Finding
	Priorities       []bar
	Sources, Brought []bar
	Gauge            gauge
	Unmet, Met       []assess.GoalResult
	Next, Later      []assess.Step
	LaterFrom        int // the number of the first of Later
	Aboard, Found    string
	Searched         string // by which engines
	// Malware has the packages that are malware, too. Hardening is what matters, Usual what most images do.
	Malware, Secrets, Hardening, Usual, Silenced []thing
	Unknown                                      string
}

func newPage(r *Report) *page {
	p := &page{Report: r, Findings: sorted(match.Standing(r.Findings)), Aboard: aboard(r), Found: strings.ReplaceAll(found(&screen{}, r), "   ", "; "), Unknown: unknown(r),
		Style: template.CSS(htmlStyle), Script: template.JS(htmlScript)}
	p.Policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", hashOf(htmlStyle), hashOf(htmlScript))
	for _, f := range sorted(r.Findings) {
		if f.Quieted != nil {
			p.Quieted = append(p.Quieted, f)
		}
	}
	p.contraband(r)
	a := r.Assessment
	if a == nil {
		return p
	}
	p.Priorities = priorityBars(p.Findings)
	p.Gauge = newGauge(a.Score, a.Goal)
	p.Sources, p.Brought = costBars(r)
	p.Next, _ = head(a.Steps, shownSteps, false)
	p.Later, p.LaterFrom = a.Steps[len(p.Next):], len(p.Next)+1
	for _, g := range a.Goals {
		if g.Verdict == assess.Pass {
			p.Met = append(p.Met, g)
		} else {
			p.Unmet = append(p.Unmet, g)
		}
	}
	slices.SortStableFunc(p.Unmet, func(a, b assess.GoalResult) int { return strings.Compare(string(a.Verdict), string(b.Verdict)) }) // fail, unknown
	return p
}

// thing is [contraband] as the template sees it.
type thing struct {
	Severity, ID, Title, Where, From string
	// More are lines that open on a click.
	More    []string
	Quieted *match.Quieted
}

func things(list []contraband) []thing {
	out := make([]thing, 0, len(list))
	for i := range list {
		c := &list[i]
		out = append(out, thing{Severity: Clean(string(c.severity)), ID: c.id, Title: cmp.Or(c.title, c.rule), Where: c.where, From: c.from(), Quieted: c.quieted,
			More: slices.Concat(nonEmpty(c.shown, c.why, c.mend), c.facts)})
	}
	return out
}

// contraband puts what should not be aboard where it is shown.
func (p *page) contraband(r *Report) {
	p.Searched = searched(r)
	p.Malware, p.Secrets = things(slices.Concat(maliciousPackages(r), standing(malwareOf(r), true))), things(standing(secretsOf(r), true))
	for _, c := range contrabandOf(r) {
		if c.quieted != nil {
			p.Silenced = append(p.Silenced, things([]contraband{c})...)
		}
	}
	hardening := standing(hardeningOf(r), true)
	p.Hardening = things(standing(hardening, false))
	p.Usual = things(slices.DeleteFunc(hardening, func(c contraband) bool { return !c.usual }))
}

// hashOf names a script or a style as a Content-Security-Policy does: https://www.w3.org/TR/CSP3/#grammardef-hash-source
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// shownPaths is how many places of one finding are listed.
const shownPaths = 5

// evidenceLines say why a finding was made, where it is, and what else is known of it.
func evidenceLines(f match.Finding) []string {
	e := f.Evidence
	lines := []string{strings.TrimSpace(e.Advisory+" "+e.Feed) + ": " + e.Compared}
	lines = append(lines, e.Facts...)
	if len(f.Aliases) > 0 {
		lines = append(lines, "also "+strings.Join(f.Aliases, ", "))
	}
	if f.Layer != nil {
		lines = append(lines, layerName(&f))
	}
	paths, more := head(f.Paths, shownPaths, false)
	for _, path := range paths {
		lines = append(lines, "/"+path)
	}
	if more > 0 {
		lines = append(lines, "and "+plural(more, "place")+" more")
	}
	if f.KEV != nil {
		lines = append(lines, "known to be exploited since "+f.KEV.Added)
	}
	for _, c := range f.CVSS {
		lines = append(lines, fmt.Sprintf("CVSS %.1f %s by %s", c.Score, c.Vector, c.Source))
	}
	if c := f.Environmental; c != nil {
		lines = append(lines, fmt.Sprintf("CVSS %.1f %s here", c.Score, c.Vector))
	}
	for _, l := range f.Lowered {
		lines = append(lines, "lowered by "+l.By+": "+l.Reason)
	}
	for _, s := range f.Statements {
		words := nonEmpty(s.Author, string(s.Status), s.Justification, s.Impact, s.Action, s.Note)
		lines = append(lines, "stated in "+s.Source+": "+strings.Join(words, ": "))
	}
	return lines
}
