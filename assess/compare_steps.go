package assess

import (
	"slices"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/vex"
)

// StepOutcome is a step that was proposed for the first image, and what became of it in the second.
type StepOutcome struct {
	Title  string     `json:"title"`
	Where  string     `json:"where,omitempty"`
	Kind   StepKind   `json:"kind,omitempty"`
	Status StepStatus `json:"status"`
	// Closes is how many problems it was to close; Closed how many of them the image's change did close, and Left those that stand. What is in neither
	// was overtaken: advisories, rules or exceptions ended it.
	Closes int      `json:"closes"`
	Closed int      `json:"closed"`
	Left   []string `json:"left,omitempty"`
	// Gain is how far the score was to go up; Gained how far it goes up by what was closed, by the advisories and rules of the second.
	Gain   float64 `json:"gain"`
	Gained float64 `json:"gained"`
}

// maxPredicted bounds the steps that are measured: those to take first.
const maxPredicted = 50

// StepStatus is what became of a step.
type StepStatus string

// What becomes of steps.
const (
	Done      StepStatus = "done"
	Partly    StepStatus = "partly"
	NotDone   StepStatus = "not-done"
	Overtaken StepStatus = "overtaken" // nothing of what it was to close stood any more
)

// stepOutcomes holds the steps that were proposed against what the image's own change closed.
func stepOutcomes(d Differing, stages []Stage, c *chain) []StepOutcome {
	outcomes := []StepOutcome{}
	image := slices.IndexFunc(stages, func(s Stage) bool { return s.Cause == ByImage })
	if image < 1 || stages[image-1].Assessment == nil {
		return outcomes
	}
	before, after := &stages[image-1], &stages[image]
	e := newEffects(before.Subject, d.Environment, before.Assessment.Goals, d.Options)
	indexes := map[*match.Finding]int{}
	for i := range before.Subject.Findings {
		indexes[&before.Subject.Findings[i]] = i
	}
	for i := range firstOf(d.Predicted, maxPredicted) {
		step := &d.Predicted[i]
		if len(step.Closes) == 0 {
			continue
		}
		closed, left, ends := c.fate(step, image)
		o := StepOutcome{Title: step.Title, Where: step.Where, Kind: step.Kind, Closes: len(step.Closes), Closed: len(closed), Left: left, Gain: step.Gain}
		p := &plan{}
		for _, f := range ends {
			p.ends = append(p.ends, indexes[f])
		}
		cleared, kept := fateOfContraband(step, before.Subject, after.Subject)
		p.clears, left = cleared, append(left, kept...)
		o.Closed, o.Left = o.Closed+len(idsOf(cleared)), left
		if step.Kind == RefreshBase || step.Kind == MoveBase {
			p = rebased(before.Subject, after.Subject)
		}
		o.Gained = roundScore(e.after(p) - e.score)
		switch {
		case o.Closed > 0 && len(left) == 0:
			o.Status = Done
		case o.Closed > 0:
			o.Status = Partly
		case len(left) > 0:
			o.Status, o.Gained = NotDone, 0
		default:
			o.Status = Overtaken
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// fate says which problems of a step the image's change closed, with the findings that were, and which stand.
func (c *chain) fate(step *Step, image int) (closed, left []string, ends []*match.Finding) {
	stood, stands := map[string]bool{}, map[string]bool{}
	closes, packages := lookup(step.Closes), lookup(step.Packages)
	kept := map[*match.Finding]bool{}
	for p, was := range c.at[0] {
		f := was[0]
		if !closes[f.ID] || f.Quieted != nil || len(packages) > 0 && !packages[f.Package] {
			continue
		}
		before := c.at[image-1][p]
		if len(before) == 0 || before[0].Quieted != nil {
			continue
		}
		stood[f.ID] = true
		if after := c.at[image][p]; len(after) > 0 && after[0].Quieted == nil {
			stands[f.ID] = true
			for _, f := range before {
				kept[f] = true
			}
		} else {
			ends = append(ends, before...)
		}
	}
	ends = slices.DeleteFunc(ends, func(f *match.Finding) bool { return kept[f] }) // one copy of the package is gone, another is not
	for id := range stood {
		if stands[id] {
			left = append(left, id)
		} else {
			closed = append(closed, id)
		}
	}
	slices.SortFunc(left, advisory.CompareIDs)
	return closed, left, ends
}

// fateOfContraband says what of the malware or the secrets of a step the image's change took out, and the ids of what stands.
func fateOfContraband(step *Step, before, after *Subject) (cleared []contraband, left []string) {
	closes := lookup(step.Closes)
	stands := map[string]bool{}
	for _, c := range standingContraband(after, vex.Malware, vex.Secret) {
		stands[c.key()] = true
	}
	for _, c := range standingContraband(before, vex.Malware, vex.Secret) {
		switch {
		case !closes[c.id] || before.bringing(&c.Place) != step.Where:
		case !stands[c.key()]:
			cleared = append(cleared, c)
		case !slices.Contains(left, c.id):
			left = append(left, c.id)
		}
	}
	return slices.DeleteFunc(cleared, func(c contraband) bool { return slices.Contains(left, c.id) }), left
}

func idsOf(list []contraband) map[string]bool {
	ids := map[string]bool{}
	for _, c := range list {
		ids[c.id] = true
	}
	return ids
}

func lookup(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, text := range list {
		set[text] = true
	}
	return set
}

// rebased is what the move from one image's base to the other's really did: what a move of the base ends is gone, and what it ends in the second
// is there.
func rebased(from, to *Subject) *plan {
	p := &plan{}
	if from.Image.Base == nil || to.Image.Base == nil {
		return p
	}
	c := &BaseCandidate{Reference: to.Image.Base.Reference, Digest: to.Image.Base.Digest}
	if to.Image.OS != nil {
		c.OS = *to.Image.OS
	}
	for _, q := range to.Packages {
		if q.Origin == inventory.OfBase {
			c.Packages = append(c.Packages, q)
		}
	}
	p.base = c
	release := from.Image.OS != nil && from.Image.OS.ID == c.OS.ID && from.Image.OS.Ecosystem() == c.OS.Ecosystem()
	moved := func(s *Subject) []int {
		m := mover{subject: s, to: c, release: release}
		return standing(s, m.ends)
	}
	p.ends, p.brings = moved(from), to.found(moved(to))
	return p
}
