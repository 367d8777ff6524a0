package assess

import (
	"cmp"
	"slices"
	"strings"

	"tidewaiter/match"
)

// Step is one change that a developer can make, with all that it closes.
type Step struct {
	// Title says what to do: "upgrade lodash 4.17.4 -> 4.17.21".
	Title string `json:"title"`
	// Where is the file, or the layer and its instruction, that the change is made for.
	Where string `json:"where,omitempty"`
	// Closes are the ids of the findings that the step ends, sorted, each once.
	Closes []string `json:"closes"`
	// Packages are the purls of the packages in which it ends them, sorted.
	Packages []string `json:"packages,omitempty"`
	// Exploited is how many of them are in CISA's catalog of known exploited vulnerabilities.
	Exploited int `json:"exploited,omitempty"`
	// Opens are the ids of the findings that the step would bring; a newer base image may have problems of its own.
	Opens []string `json:"opens,omitempty"`
	Kind  StepKind `json:"kind,omitempty"`
	// Gain is how far the score goes up by this step alone.
	Gain float64  `json:"gain,omitempty"`
	Cost StepCost `json:"cost,omitzero"`
	// Edit is the line to change; nil where no one line does it, or where the file is not known.
	Edit *Edit `json:"edit,omitempty"`
	// Command does the change; empty where the edit is all.
	Command string `json:"command,omitempty"`
	// Loses are what the image uses and would miss afterwards.
	Loses []string `json:"loses,omitempty"`
	// Note is what else the developer should know, in one sentence.
	Note string `json:"note,omitempty"`
}

// StepKind is what sort of change a step is.
type StepKind string

// The kinds of steps.
const (
	RefreshBase StepKind = "refresh-base" // a newer build of the same tag
	MoveBase    StepKind = "move-base"    // another tag of the same repository
	Upgrade     StepKind = "upgrade"      // packages of the distribution, in the instruction that installs them
	Bump        StepKind = "bump"         // a direct dependency in its manifest
	Rebuild     StepKind = "rebuild"      // with a newer toolchain
	Remove      StepKind = "remove"       // what is not used, and what is malicious
	Configure   StepKind = "configure"    // how a container of the image is run
	Except      StepKind = "except"       // an exception, where nothing else is left
)

// StepCost is what a step asks of the developer.
type StepCost struct {
	// Change is how far versions move: patch, minor, major; absent where the image is only built again.
	Change string `json:"change,omitempty"`
	// Packages is how many packages move.
	Packages int `json:"packages,omitempty"`
}

// Edit is a change of one place in one file.
type Edit struct {
	// File is the Dockerfile or manifest, as the user named it; Line its line, from 1; 0 where it is not known.
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	// Old and New are the text before and after, whole lines.
	Old string `json:"old"`
	New string `json:"new"`
}

// Steps gives the changes that a developer can make, the one to make first in front: see docs/steps.md. The subject's findings have been
// assessed, and goals are how its goals came out. The candidates for the base are compared on the way.
func Steps(s *Subject, env Environment, goals []GoalResult, o Options) ([]Step, []BaseComparison) {
	e := newEffects(s, env, goals, o)
	var plans []plan
	plans = append(plans, malwarePlans(s)...)
	plans = append(plans, basePlans(s, env, o)...)
	plans = append(plans, distributionPlans(s, o, plans)...)
	plans = append(plans, languagePlans(s, o)...)
	plans = append(plans, userPlans(s, goals, o)...)
	for i := range plans {
		e.judge(&plans[i])
	}
	bases := compareBases(s, plans, o)
	plans = pick(s, plans)
	last := exceptionPlans(s, plans)
	for i := range last {
		e.judge(&last[i])
	}
	slices.SortStableFunc(last, comparePlans(s))
	steps := make([]Step, 0, len(plans)+len(last))
	for _, p := range slices.Concat(plans, last) {
		steps = append(steps, p.Step)
	}
	return steps, bases
}

// pick puts plans in order and leaves out those that add nothing: a move of the base that brings as much harm as good, and a plan all of
// whose findings others end that come before it and cost no more.
func pick(s *Subject, plans []plan) []plan {
	plans = slices.DeleteFunc(plans, func(p plan) bool { return len(p.Closes) == 0 && p.user == "" || p.base != nil && p.Gain <= 0 })
	plans = pickBases(plans)
	slices.SortStableFunc(plans, comparePlans(s))
	cheapest := map[int]float64{} // by finding, the effort of the plans so far that end it
	return slices.DeleteFunc(plans, func(p plan) bool {
		news := p.user != ""
		for _, i := range p.ends {
			if effort, ended := cheapest[i]; p.closes(&s.Findings[i]) && (!ended || effort > p.effort()) {
				news, cheapest[i] = true, p.effort()
			}
		}
		return !news
	})
}

// comparePlans orders plans as a wise colleague would: malware first, then what ends something that is exploited or cannot wait, then what
// gives most for its effort.
func comparePlans(s *Subject) func(a, b plan) int {
	return func(a, b plan) int {
		return cmp.Or(
			cmp.Compare(a.urgency(s), b.urgency(s)),
			-cmp.Compare(a.worth(), b.worth()),
			-cmp.Compare(len(a.Closes), len(b.Closes)),
			cmp.Compare(a.Title, b.Title), cmp.Compare(a.Where, b.Where),
		)
	}
}

// urgency is 0 for malware, 1 for what is exploited or of the highest priority, 2 for all else.
func (p *plan) urgency(s *Subject) int {
	urgency := 2
	for _, i := range p.ends {
		switch f := &s.Findings[i]; {
		case !p.closes(f):
		case f.Malicious:
			return 0
		case f.KEV != nil || f.Priority == match.Immediate:
			urgency = 1
		}
	}
	return urgency
}

// worth is the gain for the effort. A lost package counts as much as a major version.
func (p *plan) worth() float64 { return p.Gain / p.effort() }

// effort weighs what a plan asks of the developer. The weights are ours: the tests to run, and the code to change, grow two- or
// threefold from each to the next.
func (p *plan) effort() float64 {
	effort := map[string]float64{Patch: 1.5, Minor: 3, Major: 10}[p.Cost.Change]
	if len(p.Loses) > 0 {
		effort += 10
	}
	return max(effort, 1)
}

// The changes of version that a step asks for.
const (
	Rebuilt = ""      // the image is only built again
	Patch   = "patch" // fixes alone
	Minor   = "minor"
	Major   = "major"
)

// changeBetween says how far two versions lie apart: by the first of their numbers that differs. Below 1 the second number is the one that
// tells of what breaks (https://semver.org, item 4).
func changeBetween(from, to string) string {
	a, b := numbers(from), numbers(to)
	for i := range max(len(a), len(b)) {
		if at(a, i) == at(b, i) {
			continue
		}
		if i == 0 || i == 1 && at(a, 0) == "0" {
			return Major
		}
		if i == 1 {
			return Minor
		}
		return Patch
	}
	return Patch
}

// numbers are the first numbers of a version, without leading zeros.
func numbers(v string) []string {
	_, afterEpoch, ok := strings.Cut(v, ":")
	if ok {
		v = afterEpoch
	}
	list := strings.FieldsFunc(v, func(c rune) bool { return c < '0' || c > '9' })
	for i, n := range list {
		list[i] = cmp.Or(strings.TrimLeft(n, "0"), "0")
	}
	return list[:min(len(list), 4)]
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "0"
}
