package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/match"
)

// ruleOf describes one problem by the findings that have it, the first to look at in front.
func ruleOf(findings []match.Finding) sarifRule {
	f := &findings[0]
	title := Clean(cmp.Or(f.Title, f.ID))
	text := title
	if !strings.Contains(text, f.ID) {
		text = f.ID + ": " + title
	}
	rule := sarifRule{
		ID: f.ID, Name: "VulnerablePackage", ShortDescription: &sarifText{Text: text}, FullDescription: &sarifText{Text: title},
		HelpURI:       pageOf(f.ID),
		Help:          &sarifText{Text: helpText(findings), Markdown: helpMarkdown(findings)},
		Configuration: &sarifConfiguration{Level: sarifLevel(f)},
		Properties:    map[string]any{"tags": tags(f), "precision": precision(findings)},
	}
	switch {
	case f.Malicious:
		rule.Name = "MaliciousPackage"
	case f.Kind == match.KindEndOfLife:
		rule.Name = "EndOfLife"
	}
	worst := -1.0
	for i := range findings {
		if points, ok := score(&findings[i]); ok {
			worst = max(worst, points)
		}
	}
	if worst >= 0 {
		rule.Properties["security-severity"] = strconv.FormatFloat(worst, 'f', 1, 64)
	}
	return rule
}

// tags has "security" first: GitHub shows the severity of what bears it alone.
func tags(f *match.Finding) []string {
	list := []string{"security"}
	switch {
	case f.Malicious:
		list = append(list, "malicious")
	case f.Kind != "":
		list = append(list, string(f.Kind))
	default:
		list = append(list, "vulnerability")
	}
	if f.KEV != nil {
		list = append(list, "exploited")
	}
	return append(list, string(f.Severity))
}

// precision is that of the least certain of a rule's findings.
func precision(findings []match.Finding) string {
	word := "very-high"
	for _, f := range findings {
		switch {
		case f.Lowered != nil || f.Of.Claimed:
			return "medium"
		case f.Of.Recognised || f.Of.Locked:
			word = "high"
		}
	}
	return word
}

func helpText(findings []match.Finding) string {
	var lines []string
	for i := range findings {
		f := &findings[i]
		line := Clean(f.Of.Name + " " + f.Of.Version)
		if place := f.Of.Place(); place != "" {
			line += " at " + Clean(place)
		}
		lines = append(lines, line+": "+nextStep(*f))
	}
	return strings.Join(slices.Compact(lines), "\n")
}

// shownPackages bounds the table of a rule's packages: a viewer shows it beside the code.
const shownPackages = 20

func helpMarkdown(findings []match.Finding) string {
	f := &findings[0]
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**", mark(f.ID))
	if f.Title != "" {
		fmt.Fprintf(&b, " %s", mark(f.Title))
	}
	b.WriteString("\n\n| Package | Version | Fixed in | Where |\n|---|---|---|---|\n")
	list, more := head(findings, shownPackages, false)
	for i := range list {
		f := &list[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", mark(f.Of.Name), mark(f.Of.Version), cmp.Or(mark(strings.Join(f.Fixed, ", ")), "no fix yet"), mark(f.Of.Place()))
	}
	if more > 0 {
		fmt.Fprintf(&b, "\nand %s more\n", number(more))
	}
	fmt.Fprintf(&b, "\nSeverity %s", f.Severity)
	if f.SeveritySource != "" {
		fmt.Fprintf(&b, " by %s", mark(f.SeveritySource))
	}
	for _, c := range f.CVSS {
		fmt.Fprintf(&b, "; CVSS %.1f %s", c.Score, mark(c.Vector))
	}
	if f.KEV != nil {
		fmt.Fprintf(&b, "; exploited in the wild, in CISA's catalog since %s", mark(f.KEV.Added))
	}
	if f.EPSS != nil {
		fmt.Fprintf(&b, "; EPSS %.1f%% on %s", f.EPSS.Score*100, mark(f.EPSS.Date))
	}
	b.WriteString(".\n")
	if page := pageOf(f.ID); page != "" {
		fmt.Fprintf(&b, "\n[%s](%s)\n", strings.Trim(mark(f.ID), "`"), page)
	}
	return b.String()
}
