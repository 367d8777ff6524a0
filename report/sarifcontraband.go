package report

import (
	"cmp"
	"strconv"
	"strings"

	"tidewaiter/vex"
)

// contraband gives a result for each thing aboard that should not be. A rule speaks of all things of its kind.
func (s *sarif) contraband(list []contraband) []sarifResult {
	names := contrabandNames(list)
	out := make([]sarifResult, 0, len(list))
	for i := range list {
		c := &list[i]
		text := c.sentence() + "."
		if c.mend != "" {
			text += " Do: " + Clean(c.mend)
		}
		result := sarifResult{
			RuleID: c.id, RuleIndex: s.rule(contrabandRule(c)), Level: c.level(), Rank: contrabandRank(c), Message: messageOf(text),
			Locations: []sarifLocation{{
				Physical: s.physical(c.line(s.report), c.Path),
				Logical:  []sarifLogical{{Name: cmp.Or(Clean(c.where), c.id), FullyQualifiedName: cmp.Or(Clean(c.where), c.id), Kind: "resource"}},
			}},
			Fingerprints: marks(names[i]), Suppressions: []sarifSuppression{}, Properties: contrabandProperties(c),
		}
		if c.quieted != nil {
			result.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: because(c.quieted)}}
		}
		out = append(out, result)
	}
	return out
}

func contrabandRule(c *contraband) sarifRule {
	title := Clean(cmp.Or(c.title, c.rule))
	if c.kind == vex.Hardening { // a finding's title has its subject
		title = Clean(c.rule)
	}
	rule := sarifRule{
		ID: c.id, Name: strings.ToUpper(string(c.kind[:1])) + string(c.kind[1:]), ShortDescription: &sarifText{Text: title}, FullDescription: &sarifText{Text: Clean(cmp.Or(c.why, title))},
		Help:          &sarifText{Text: Clean(strings.Join(nonEmpty(c.why, c.mend), "\n")), Markdown: strings.Join(nonEmpty(mark(c.why), mark(c.mend)), "\n\n")},
		Configuration: &sarifConfiguration{Level: c.level()},
		Properties:    map[string]any{"tags": []string{"security", string(c.kind), string(c.severity)}, "precision": "high"},
	}
	if rule.Help.Text == "" {
		rule.Help = &sarifText{Text: title, Markdown: mark(title)}
	}
	if points, ok := c.score(); ok {
		rule.Properties["security-severity"] = strconv.FormatFloat(points, 'f', 1, 64)
	}
	return rule
}

// contrabandRank puts malware and secrets before all findings of their severity.
func contrabandRank(c *contraband) float64 {
	points, _ := c.score()
	if c.grave() {
		return 90 + points
	}
	return 5 * points
}

func contrabandProperties(c *contraband) map[string]any {
	p := map[string]any{"severity": c.severity}
	set := func(name string, value any, there bool) {
		if there {
			p[name] = value
		}
	}
	set("path", c.Path, c.Path != "")
	set("evidence", c.shown, c.shown != "")
	set("origin", c.Origin, c.Origin != "")
	set("layer", c.Layer, c.Layer != nil)
	set("instruction", c.Instruction, c.Instruction != "")
	set("hidden", c.Hidden, c.Hidden != nil)
	set("quieted", c.quieted, c.quieted != nil)
	return p
}
