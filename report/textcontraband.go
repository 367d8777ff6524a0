package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/hardening"
	"tidewaiter/malware"
)

// What the first screen shows of each kind: rules, each with the first of its places.
const (
	shownMalware     = 8
	shownSecretRules = 5
)

// What to do about what should not be aboard.
const (
	removeIt   = "remove it, and change every secret in its reach"
	changeThem = "change each one, and build without it"
)

// unwanted writes what should not be aboard, before all else: malware together with the packages that are malicious, then secrets.
func unwanted(s *screen, r *Report, all bool) {
	packages, hits := maliciousPackages(r), standing(malwareOf(r), true)
	if len(packages)+len(hits) > 0 {
		s.section("Malware", removeIt)
		s.contraband(packages, hits, shownMalware, all)
	}
	if found := standing(secretsOf(r), true); len(found) > 0 {
		s.section("Secrets", changeThem)
		s.contraband(nil, found, shownSecretRules, all)
	}
}

// contraband writes a line for each package, and one for each rule with the first of its places; where all is asked for one for each place, and
// what is known of it.
func (s *screen) contraband(packages, list []contraband, most int, all bool) {
	groups := grouped(packages, func(c *contraband) string { return c.id + c.where })
	shown, rest := head(grouped(list, func(c *contraband) string { return c.id }), max(most-len(packages), most/2), false)
	if all {
		shown, rest = nil, 0
	}
	var rows [][]string
	for _, g := range append(groups, shown...) {
		c, where := &g[0], truncate(g[0].where, s.width*2/5)
		if n := len(g) - 1; n > 0 {
			where += fmt.Sprintf(" +%d", n)
		}
		rows = append(rows, []string{s.severity(c.severity, string(c.severity)), Clean(c.id), Clean(where), Clean(c.briefly())})
	}
	s.table(rows, 3, 2, 1)
	s.more(rest, "rule")
	if !all {
		return
	}
	for i := range list {
		again := i > 0 && list[i-1].id == list[i].id && list[i-1].why == list[i].why && list[i-1].mend == list[i].mend
		s.whole(&list[i], !again)
	}
}

// whole writes all that is known of one thing; why it matters and what to do only where that was not just said.
func (s *screen) whole(c *contraband, reasons bool) {
	s.line("    ", s.severity(c.severity, string(c.severity)), "  ", Clean(c.id), "  ", Clean(c.where))
	const under = "      "
	title := cmp.Or(c.title, c.rule)
	if c.shown != "" {
		title += ": " + c.shown
	}
	lines := []string{title, strings.Join(slices.Concat(nonEmpty(c.from()), c.facts), "; ")}
	if reasons {
		lines = append(lines, c.why)
		if c.mend != "" {
			lines = append(lines, "do: "+c.mend)
		}
	}
	for _, text := range nonEmpty(lines...) {
		s.wrapped(under, Clean(text))
	}
}

// hardened writes what about the image's construction is dangerous: one line that names the checks, what most images do among them only as a
// count.
func hardened(s *screen, r *Report, all bool) {
	if r.Hardening == nil {
		return
	}
	list, unchecked := hardeningOf(r), r.Hardening.Unchecked
	asked := standing(list, false)
	usual := len(standing(list, true)) - len(asked)
	switch {
	case len(asked)+usual+len(unchecked) == 0:
		return
	case all:
		s.section("Hardening", plural(len(asked)+usual, "finding")+", "+number(usual)+" of them usual")
		s.contraband(nil, asked, 0, true)
		s.usual(slices.DeleteFunc(slices.Clone(list), func(c contraband) bool { return !c.usual || c.quieted != nil }))
		for _, u := range unchecked {
			s.wrapped("    not checked: "+Clean(u.Check)+"  ", Clean(u.Reason))
		}
		return
	}
	var parts []string
	for _, g := range grouped(asked, func(c *contraband) string { return c.rule }) {
		name := Clean(g[0].rule)
		if len(g) > 1 {
			name += fmt.Sprintf(" (%d)", len(g))
		}
		parts = append(parts, name)
	}
	if len(asked) == 0 {
		parts = append(parts, "nothing unusual")
	}
	if usual > 0 {
		parts = append(parts, plural(usual, "usual finding"))
	}
	if n := unmade(unchecked); n > 0 {
		parts = append(parts, plural(n, "check")+" not made")
	}
	s.line()
	s.wrapped("  "+s.bold("Hardening")+"  ", strings.Join(parts, ", ")+": --all lists them")
}

// usual writes a line for each check that finds what most images have, with its places.
func (s *screen) usual(list []contraband) {
	for _, g := range grouped(list, func(c *contraband) string { return c.id }) {
		places := make([]string, 0, len(g))
		for _, c := range g {
			places = append(places, cmp.Or(c.where, c.title, c.rule))
		}
		if c := &g[0]; len(g) == 1 && c.where != "" && c.title != "" {
			places[0] += ": " + c.title
		}
		s.wrapped("    "+s.severity(g[0].severity, string(g[0].severity))+"  "+Clean(g[0].id)+"  ", Clean(strings.Join(places, ", ")))
	}
}

// unmade counts the checks that could not be made, but for how the base was asked for: that is in the Dockerfile alone, which few images bring.
func unmade(list []hardening.Unchecked) int {
	n := 0
	for _, u := range list {
		if !strings.HasPrefix(u.Check, "base-") {
			n++
		}
	}
	return n
}

// silenced writes what is quieted, with who says so and why.
func (s *screen) silenced(list []contraband) {
	for _, c := range list {
		s.wrapped("    "+s.severity(c.severity, string(c.severity))+"  "+Clean(c.id)+"  ", Clean(c.where))
		s.wrapped("      ", because(c.quieted))
	}
}

// searched says who looked for malware and secrets, and by what; empty where nobody did.
func searched(r *Report) string {
	var engines []malware.Engine
	detectors := ""
	if r.Malware != nil {
		engines = r.Malware.Engines
	}
	if r.Secrets != nil {
		detectors = r.Secrets.Detectors
	}
	return searchedBy(engines, detectors)
}

func searchedBy(engines []malware.Engine, detectors string) string {
	var parts []string
	for _, e := range engines {
		parts = append(parts, engineLine(e))
	}
	if detectors != "" {
		parts = append(parts, "secrets by "+detectors)
	}
	return strings.Join(parts, "; ")
}

// othersSearched says whether more than the built-in engine looked for malware.
func othersSearched(r *Report) bool {
	return r.Malware != nil && slices.ContainsFunc(r.Malware.Engines, func(e malware.Engine) bool { return e.Name != malware.Builtin })
}

func engineLine(e malware.Engine) string {
	line := strings.TrimSpace(e.Name + " " + e.Version)
	var rules []string
	for _, set := range e.Rules {
		words := nonEmpty(set.Name, set.Version)
		if set.Date != "" {
			words = append(words, "of "+set.Date)
		}
		if set.Count > 0 {
			words = append(words, "with "+plural(set.Count, "rule"))
		}
		rules = append(rules, strings.Join(words, " "))
	}
	if len(rules) > 0 {
		line += " (" + strings.Join(rules, ", ") + ")"
	}
	if e.Unsearched > 0 {
		line += ", " + plural(e.Unsearched, "file") + " not looked at"
	}
	return line
}

// contraband names what the instruction brought that should not be aboard, where it was looked for.
func (tr *tracer) contraband(layer int) {
	var list []contraband
	for _, c := range standing(slices.Concat(malwareOf(tr.t.Report), secretsOf(tr.t.Report)), false) {
		if c.Layer != nil && *c.Layer == layer {
			list = append(list, c)
		}
	}
	shown, more := head(list, shownSecrets, tr.all)
	for i := range shown {
		c := &shown[i]
		line := Clean(c.where) + "  " + Clean(c.id)
		if c.Hidden != nil {
			line += fmt.Sprintf(", %s in layer %d, still in the image", c.Hidden.How, c.Hidden.Layer)
		}
		tr.item("!", line, ansiRed)
	}
	if more > 0 {
		tr.item(" ", fmt.Sprintf("and %s more of malware and secrets", number(more)), ansiFaint)
	}
}

// contraband writes what of malware, secrets and the construction only one of the two has.
func (x *comparing) contraband() {
	word := map[assess.ChangeKind]string{assess.Opened: "new", assess.Unhushed: "not quieted any more", assess.Closed: "gone", assess.Hushed: "quieted"}
	kinds := []assess.ChangeKind{assess.Opened, assess.Unhushed, assess.Closed, assess.Hushed}
	count := map[assess.ChangeKind]int{}
	for _, c := range x.c.Contraband {
		count[c.Change]++
	}
	var parts []string
	for _, k := range kinds {
		if count[k] > 0 {
			parts = append(parts, number(count[k])+" "+word[k])
		}
	}
	if len(parts) == 0 {
		return
	}
	x.section("Malware, secrets, hardening", strings.Join(parts, ", "))
	list, more := head(x.c.Contraband, shownChanges, x.all)
	rows := make([][]string, 0, len(list))
	for _, c := range list {
		at := contraband{Place: c.Place}
		rows = append(rows, []string{word[c.Change], x.severity(c.Severity, string(c.Severity)), Clean(c.ID), Clean(cmp.Or(placed(c.Path, "", 0), c.Subject)), Clean(at.briefly())})
	}
	x.table(rows, 4, 3, 2)
	x.more(more, "thing")
}
