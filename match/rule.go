package match

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// Rule is a fact about a finding that says that it is unlikely to matter, with the evidence for it. No rule is ever
// applied to malware or to what is known to be exploited.
type Rule struct {
	// Name is how users switch it: "go-symbols".
	Name string
	// Effect is what it does unless the user says otherwise.
	Effect Effect
	// About is one sentence for the user: what the rule knows, and why it may be believed.
	About string
	// Looks says that the rule looks into the image, of which a stored report does not keep enough to ask it again.
	Looks bool
	// holds gives the reason why the rule applies to a finding; empty where it does not.
	holds func(f *Finding, c *ruleContext) string
}

// Effect is what a rule does to a finding.
type Effect string

// The effects of rules.
const (
	Off   Effect = "off"
	Lower Effect = "lower" // the finding stands, further down
	Quiet Effect = "quiet" // the finding asks for nothing
)

// ruleContext is what rules may ask besides the finding itself.
type ruleContext struct {
	matcher *matcher
	// told has, by purl of a package that no other owns, the ids of its findings.
	told map[string][]string
	// contents remembers what packages hold: looking is what costs most of all that rules do.
	contents map[*inventory.Package]inventory.Contents
	// earlier are the answers of rules that cannot be asked again; nil where all can.
	earlier *answered
}

func newRuleContext(m *matcher) *ruleContext {
	return &ruleContext{matcher: m, told: map[string][]string{}, contents: map[*inventory.Package]inventory.Contents{}}
}

// Rules gives all rules, in the order in which they are asked. Of several that would quiet a finding the first is named.
func Rules() []Rule {
	return []Rule{distributionOwns, goSymbols, goNotImportable, outsideKnownRange, distributionSilent, distributionUnimportant, disputed,
		noCode, documentationOnly, notReached}
}

// Settings are the effects that a user gives to rules, by name, in place of their own.
type Settings map[string]Effect

// Set reads "NAME=EFFECT"; NAME alone switches the rule off. The error names the rules that there are.
func (s Settings) Set(text string) error {
	name, effect, given := strings.Cut(text, "=")
	if !given {
		effect = string(Off)
	}
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	if !slices.Contains(names, name) {
		return fmt.Errorf("no rule %q: there are %s", name, strings.Join(names, ", "))
	}
	if !slices.Contains([]Effect{Off, Lower, Quiet}, Effect(effect)) {
		return fmt.Errorf("rule %s cannot be %q: off, lower or quiet", name, effect)
	}
	s[name] = Effect(effect)
	return nil
}

// effect is what a rule does.
func (s Settings) effect(r Rule) Effect {
	if effect, set := s[r.Name]; set {
		return effect
	}
	return r.Effect
}

// apply holds the rules against the findings, in place.
func (m *matcher) apply(findings []Finding, settings Settings, e *answered) {
	c := newRuleContext(m)
	c.earlier = e
	for i := range findings {
		if f := &findings[i]; m.owners[f.Package] != nil {
			c.told[f.Package] = append(c.told[f.Package], names(f)...)
		}
	}
	for _, rule := range Rules() {
		effect := settings.effect(rule)
		if effect == Off {
			continue
		}
		for i := range findings {
			f := &findings[i]
			if f.Malicious || f.KEV != nil || f.Quieted != nil {
				continue
			}
			reason := c.ask(rule, f)
			switch {
			case reason == "":
			case effect == Quiet:
				f.Quieted = &Quieted{By: rule.Name, Reason: reason}
			default:
				f.Lowered = append(f.Lowered, Lowered{By: rule.Name, Reason: reason})
			}
		}
	}
}

// ask gives the reason why a rule applies to a finding. One that looks into the image answers as it did when that was read; where it
// was not asked then, the finding notes that its answer goes by names alone.
func (c *ruleContext) ask(rule Rule, f *Finding) string {
	if c.earlier == nil || !rule.Looks {
		return rule.holds(f, c)
	}
	reason, asked := c.earlier.answer(rule, f)
	if asked {
		return reason
	}
	f.Unasked = append(f.Unasked, rule.Name)
	return rule.holds(f, c)
}

// names gives all ids of a finding.
func names(f *Finding) []string { return append([]string{f.ID}, f.Aliases...) }

// contentsOf says what a package holds.
func (c *ruleContext) contentsOf(p *inventory.Package) inventory.Contents {
	have, known := c.contents[p]
	if !known {
		have = c.matcher.inv.Contents(p)
		c.contents[p] = have
	}
	return have
}

// owner gives the distribution's package that installed this one, where the distribution answers for it.
func (c *ruleContext) owner(p *inventory.Package) *inventory.Package { return c.matcher.answers(p) }
