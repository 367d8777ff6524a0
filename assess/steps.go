package assess

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"tidewaiter/match"
	"tidewaiter/vex"
)

// Step is one change that a developer can make, with all that it closes.
type Step struct {
	// Title says what to do: "upgrade lodash 4.17.4 -> 4.17.21".
	Title string `json:"title"`
	// Where is the file, or the layer and its instruction, that the change is made for.
	Where string `json:"where,omitempty"`
	// Closes are the ids of the findings that the step ends, and of malware and secrets, sorted, each once.
	Closes []string `json:"closes"`
	// Packages are the purls of the packages in which it ends them, sorted.
	Packages []string `json:"packages,omitempty"`
	// To has the versions that packages move to, by purl, as far as the step decides them.
	To map[string]string `json:"to,omitempty"`
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
	// Remain is how many of Closes other packages of the image have too, in which the step does not end them.
	Remain int `json:"remain,omitempty"`
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
	plans = append(plans, contrabandPlans(s)...)
	plans = append(plans, basePlans(s, env, o)...)
	plans = append(plans, distributionPlans(s, o, plans)...)
	plans = append(plans, languagePlans(s, o)...)
	plans = append(plans, releasePlans(s, plans)...)
	plans = append(plans, userPlans(s, goals, o)...)
	for i := range plans {
		e.judge(&plans[i])
	}
	bases := compareBases(s, plans, o)
	plans = pick(s, plans)
	last := exceptionPlans(s, env, plans, o)
	for i := range last {
		e.judge(&last[i])
	}
	plans = append(plans, last...)
	slices.SortStableFunc(plans, comparePlans(s))
	noteCopies(s, plans)
	steps := make([]Step, 0, len(plans))
	for _, p := range plans {
		steps = append(steps, p.Step)
	}
	return steps, bases
}

// pick puts plans in order and leaves out those that add nothing: a move of the base that brings as much harm as good, and a plan all of
// whose findings others end that come before it and cost no more.
func pick(s *Subject, plans []plan) []plan {
	plans = slices.DeleteFunc(plans, func(p plan) bool { return len(p.Closes) == 0 && p.ofFindings() || p.base != nil && p.Gain <= 0 })
	plans = pickBases(plans)
	slices.SortStableFunc(plans, comparePlans(s))
	cheapest := map[int]float64{} // by finding, the effort of the plans so far that end it
	for n := range plans {
		p := &plans[n]
		p.adds = make([]int, 0, len(p.ends))
		for _, i := range p.ends {
			if effort, ended := cheapest[i]; p.closes(&s.Findings[i]) && (!ended || effort > p.effort()) {
				p.adds, cheapest[i] = append(p.adds, i), p.effort()
			}
		}
	}
	plans = slices.DeleteFunc(plans, func(p plan) bool { return len(p.adds) == 0 && p.ofFindings() })
	slices.SortStableFunc(plans, comparePlans(s)) // now by what each adds
	return plans
}

// comparePlans orders plans as a wise colleague would: malware first, then what ends something that is exploited or cannot wait, then what
// gives most for its effort. Where there is a fix it comes before an exception.
func comparePlans(s *Subject) func(a, b plan) int {
	return func(a, b plan) int {
		return cmp.Or(
			cmp.Compare(a.urgency(s), b.urgency(s)),
			first(a.Kind != Except, b.Kind != Except),
			-cmp.Compare(a.worth(s), b.worth(s)),
			-cmp.Compare(len(a.Closes), len(b.Closes)),
			cmp.Compare(a.Title, b.Title), cmp.Compare(a.Where, b.Where),
		)
	}
}

// The urgencies of plans, the most urgent first.
const (
	endsMalware = iota
	endsExploited
	endsImmediate
	canWait
	decidedLast // an exception for what can wait a little
)

func (p *plan) urgency(s *Subject) int {
	urgency := canWait
	if p.Kind == Except {
		urgency = decidedLast
	}
	for i := range p.clears {
		switch c := &p.clears[i]; {
		case c.kind == vex.Malware && c.grave():
			return endsMalware
		case c.grave():
			urgency = endsImmediate
		}
	}
	for _, i := range p.counting() {
		switch f := &s.Findings[i]; {
		case !p.closes(f):
		case f.Malicious:
			return endsMalware
		case f.KEV != nil:
			urgency = min(urgency, endsExploited)
		case f.Priority == match.Immediate:
			urgency = min(urgency, endsImmediate)
		}
	}
	return urgency
}

// counting are the findings that count for a plan's place: those that it ends, or, once the others are known, that it adds to what they end.
func (p *plan) counting() []int {
	if p.adds != nil {
		return p.adds
	}
	return p.ends
}

// worth is the gain for the effort, as far as the plan adds something. Where something must be done outside of the usual schedule, effort counts
// less: there is no way round it.
func (p *plan) worth(s *Subject) float64 {
	effort, all, adds := p.effort(), 0, 0
	for _, i := range p.ends {
		if p.closes(&s.Findings[i]) {
			all++
		}
	}
	must := false
	for _, i := range p.counting() {
		if f := &s.Findings[i]; p.closes(f) {
			adds++
			must = must || ToAct(f)
		}
	}
	if must {
		effort = math.Sqrt(effort)
	}
	if all == 0 {
		return p.Gain / effort
	}
	return p.Gain * float64(adds) / float64(all) / effort
}

// effort weighs what a plan asks of the developer. The weights are ours: a patch release asks for little more than a build, a minor release for
// its tests, and a major release for code. A lost package counts as much as a major version.
func (p *plan) effort() float64 {
	weights := map[string]float64{Patch: 1.2, Minor: 2, Major: 7}
	effort := weights[p.Cost.Change]
	if len(p.Loses) > 0 {
		effort += weights[Major]
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
