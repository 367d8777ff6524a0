package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/secret"
	"tidewaiter/vex"
)

// Contraband is what one rule of malware, secrets or hardening found, in an [Explanation]: of the lists, the one of its kind.
type Contraband struct {
	Malware   []malware.Hit       `json:"malware,omitempty"`
	Secrets   []secret.Secret     `json:"secrets,omitempty"`
	Hardening []hardening.Finding `json:"hardening,omitempty"`
	// Check is what is known of a check of the construction, whatever it found.
	Check *hardening.Check `json:"check,omitempty"`
	// Engines are those that looked for malware.
	Engines []malware.Engine `json:"engines,omitempty"`
	// Detectors is the version of those that looked for secrets.
	Detectors string `json:"detectors,omitempty"`

	list []contraband
}

// NewContrabandExplanation says why a rule of malware, secrets or hardening ("malware:reverse-shell") speaks of an image, or that it does
// not. Rules are told apart by their case only where the image has both. The error says that no such check is known.
func NewContrabandExplanation(r *Report, id string) (*Explanation, error) {
	kind, rule := vex.ContrabandOf(id)
	id = string(kind) + ":" + rule
	e := &Explanation{SchemaVersion: SchemaVersion, Tool: r.Tool, Image: r.Image, Contraband: &Contraband{}}
	e.Findings, e.Considered, e.Absent, e.BlindSpots = notNil(e.Findings), notNil(e.Considered), notNil(e.Absent), []image.BlindSpot{}
	all := contrabandOf(r)
	same := func(other string) bool { return id == other }
	if !slices.ContainsFunc(all, func(c contraband) bool { return c.id == id }) {
		same = func(other string) bool { return strings.EqualFold(id, other) }
	}
	e.list = slices.DeleteFunc(all, func(c contraband) bool { return !same(c.id) })
	if len(e.list) > 0 {
		id = e.list[0].id
	}
	e.ID = id
	e.take(r, kind, id)
	switch {
	case e.Check != nil:
		e.Title = e.Check.Title
	case kind == vex.Hardening:
		return nil, fmt.Errorf("no check is called %q: they are %s", rule, strings.Join(checkNames(), ", "))
	case len(e.list) > 0:
		e.Title = e.list[0].title
	}
	for _, b := range r.BlindSpots {
		if hides(kind, &b) {
			e.BlindSpots = append(e.BlindSpots, b)
		}
	}
	e.answer(r, kind, rule)
	return e, nil
}

func checkNames() []string {
	var names []string
	for _, c := range hardening.Checks() {
		names = append(names, c.Name)
	}
	return names
}

// take puts in what was found, as it stands in the report, and by whom.
func (e *Explanation) take(r *Report, kind vex.Contraband, id string) {
	switch {
	case kind == vex.Malware && r.Malware != nil:
		e.Engines = r.Malware.Engines
		e.Malware = slices.DeleteFunc(slices.Clone(r.Malware.Hits), func(h malware.Hit) bool { return h.ID != id })
	case kind == vex.Secret && r.Secrets != nil:
		e.Detectors = r.Secrets.Detectors
		e.Secrets = slices.DeleteFunc(slices.Clone(r.Secrets.Found), func(s secret.Secret) bool { return s.ID != id })
	case kind == vex.Hardening:
		for _, c := range hardening.Checks() {
			if strings.EqualFold(string(kind)+":"+c.Name, id) {
				e.Check, e.ID = &c, string(kind)+":"+c.Name
			}
		}
		if r.Hardening != nil {
			e.Hardening = slices.DeleteFunc(slices.Clone(r.Hardening.Findings), func(f hardening.Finding) bool { return f.ID != id })
		}
	}
}

// hides says whether a blind spot keeps something of a kind from being found.
func hides(kind vex.Contraband, b *image.BlindSpot) bool {
	return b.Kind == image.UnreadableLayer || b.Kind == image.LimitReached || assess.Unsearched(kind, b)
}

// answer decides on the answer, and says it in a sentence.
func (e *Explanation) answer(r *Report, kind vex.Contraband, rule string) {
	stands := slices.DeleteFunc(slices.Clone(e.list), func(c contraband) bool { return c.quieted != nil })
	unchecked := ""
	if r.Hardening != nil {
		for _, u := range r.Hardening.Unchecked {
			if kind == vex.Hardening && strings.EqualFold(u.Check, rule) {
				unchecked = u.Reason
			}
		}
	}
	switch {
	case len(stands) > 0:
		e.Answer, e.Because = match.IsAffected, foundIn(stands)
	case len(e.list) > 0:
		e.Answer, e.Because = match.IsQuieted, foundIn(e.list)+", but "+e.list[0].quieted.By+" quiets that"
	case !r.Searched(kind):
		e.Answer, e.Because = match.CannotSay, "nobody looked for it: "+map[vex.Contraband]string{vex.Malware: "malware", vex.Secret: "secret", vex.Hardening: "misconfig"}[kind]+" is not among --scanners"
	case unchecked != "":
		e.Answer, e.Because = match.CannotSay, "it could not be checked: "+unchecked
	case len(e.BlindSpots) > 0:
		e.Answer, e.Because = match.CannotSay, spotLine(r, e.BlindSpots[0])
	case kind == vex.Hardening:
		e.Answer, e.Because = match.NotAffected, "the image meets the check"
	default:
		e.Answer, e.Because = match.NotAffected, "nothing aboard meets a rule of that name"
	}
}

// foundIn says in a sentence where something was found.
func foundIn(list []contraband) string {
	c := &list[0]
	text := "it is in " + c.where
	if c.kind == vex.Hardening {
		text = c.headline()
	}
	if n := len(list) - 1; n > 0 {
		text += ", and in " + plural(n, "other place")
	}
	return text
}

// contraband tells what was found: the first place whole, the others in a line each; where all is asked for all of them whole.
func (x *explaining) contraband() {
	list := x.e.list
	for i := range list {
		if i > 0 && !x.all {
			break
		}
		x.place(&list[i])
	}
	if c := x.e.Check; c != nil {
		if len(list) == 0 {
			x.line()
			x.entry("asks for", c.Mend)
			x.entry("why", c.Why)
		}
		x.entry("source", cmp.Or(c.Source, "practice"))
	}
	if len(list) > 1 && !x.all {
		x.section("Found too", "")
		shown, more := head(list[1:], shownOthers, false)
		rows := make([][]string, 0, len(shown))
		for i := range shown {
			c := &shown[i]
			state := ""
			if c.quieted != nil {
				state = "quieted by " + Clean(c.quieted.By)
			}
			rows = append(rows, []string{x.severity(c.severity, string(c.severity)), Clean(c.where), Clean(c.briefly()), state})
		}
		x.table(rows, 2, 1)
		x.more(more, "place")
	}
	if line := searchedBy(x.e.Engines, x.e.Detectors); line != "" {
		x.line()
		x.entry("searched", line)
	}
}

// place tells one thing whole.
func (x *explaining) place(c *contraband) {
	x.line()
	x.entry("where", cmp.Or(c.where, "the image's configuration"))
	if c.Path != "" {
		x.entry("file", x.whose(c))
	}
	if c.Layer != nil || c.Instruction != "" {
		x.entry("from", x.from(&inventory.Package{Layer: c.Layer, Instruction: c.Instruction, Origin: c.Origin}))
	}
	if h := c.Hidden; h != nil {
		x.entry("hidden", fmt.Sprintf("%s in layer %d, but everyone who has the image can read it   %s", h.How, h.Layer, truncate(instructionText(h.Instruction), 40)))
	}
	if c.shown != "" {
		x.entry("evidence", c.shown)
	}
	for i, fact := range c.facts {
		x.entry(map[bool]string{true: "known"}[i == 0], fact)
	}
	x.entry("severity", string(c.severity))
	if c.usual {
		x.entry("usual", "most images have it: it asks for nothing unless an environment makes a goal of it")
	}
	if c.why != "" {
		x.entry("why", c.why)
	}
	if c.mend != "" {
		x.entry("do", c.mend)
	}
	if q := c.quieted; q != nil {
		x.entry("quieted", "by "+because(q))
	}
}

// whose says who answers for a file.
func (x *explaining) whose(c *contraband) string {
	switch {
	case c.Owner != "" && c.Class == inventory.Modified:
		return "of " + packageName(c.Owner) + ", and not any more what that installed"
	case c.Owner != "" && c.Verified:
		return "of " + packageName(c.Owner) + ", and as that installed it"
	case c.Owner != "":
		return "of " + packageName(c.Owner)
	case c.Class == inventory.Generated:
		return "made from what is aboard"
	}
	return "no package owns it"
}
