package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/match"
	"tidewaiter/vex"
)

// goal is one that an environment can set.
type goal struct {
	name string
	// set says whether the environment sets it.
	set func(g *Goals) bool
	// judge gives how it came out, blind spots apart.
	judge func(j *judging) outcome
	// sight is what must have been seen for the goal to be met: a blind spot that bears on it makes the verdict unknown.
	sight sight
	// strict says that no baseline excuses it.
	strict bool
	// of are the kinds of contraband that it looks for besides.
	of []vex.Contraband
}

// sight is what a goal looks at. A blind spot hides some of it.
type sight int

const (
	// ofConfig: the image's configuration and name, which nothing hides.
	ofConfig sight = iota
	// ofContent: what is aboard.
	ofContent
	// ofKnown: what is aboard, and what the feeds say of it.
	ofKnown
	// ofReported: that, and what is still reported of a distribution.
	ofReported
)

// hides says whether a blind spot keeps something of it from being seen.
func (s sight) hides(b *image.BlindSpot) bool {
	switch b.Kind {
	case image.UnreadableFile, image.NoDatabase, image.UnreadableLayer, image.LimitReached:
		return s >= ofContent
	case image.NoFeed, image.StaleFeed, image.Unjudged:
		return s >= ofKnown
	case image.EndOfLife:
		return s >= ofReported
	}
	return false
}

// goals are those that can be set, in the order of [Goals].
func goals() []goal {
	return []goal{
		{name: "malicious", set: func(g *Goals) bool { return g.Malicious != nil }, judge: malicious, sight: ofKnown, strict: true, of: []vex.Contraband{vex.Malware}},
		{name: "exploited", set: func(g *Goals) bool { return g.Exploited != nil }, judge: exploited, sight: ofReported},
		{name: "high-profile", set: func(g *Goals) bool { return g.HighProfile != nil }, judge: highProfile, sight: ofReported},
		{name: "priority", set: func(g *Goals) bool { return g.Priority != nil }, judge: ofPriority, sight: ofReported},
		{name: "overdue", set: func(g *Goals) bool { return g.Overdue != nil }, judge: overdue, sight: ofReported},
		{name: "fixable", set: func(g *Goals) bool { return g.Fixable != nil }, judge: fixableGoal, sight: ofReported},
		{name: "end-of-life", set: func(g *Goals) bool { return g.EndOfLife != nil }, judge: endOfLife, sight: ofContent},
		{name: "base", set: func(g *Goals) bool { return g.Base != nil }, judge: baseGoal, sight: ofConfig},
		{name: "licenses", set: func(g *Goals) bool { return g.Licenses != nil }, judge: licenses, sight: ofContent},
		{name: "non-root", set: func(g *Goals) bool { return g.NonRoot != nil }, judge: nonRoot, sight: ofConfig},
		{name: "executables", set: func(g *Goals) bool { return g.Executables != nil }, judge: executables, sight: ofContent},
		{name: "secrets", set: func(g *Goals) bool { return g.Secrets != nil }, judge: secrets, sight: ofContent, of: []vex.Contraband{vex.Secret}},
		{name: "attestations", set: func(g *Goals) bool { return len(g.Attestations) > 0 }, judge: attestations, sight: ofConfig},
		{name: "provenance", set: func(g *Goals) bool { return g.Provenance != nil }, judge: provenance, sight: ofConfig},
		{name: "data-age", set: func(g *Goals) bool { return g.DataAge != nil }, judge: dataAge, sight: ofConfig, strict: true},
	}
}

// judging is one subject held against the goals of one environment.
type judging struct {
	subject *Subject
	env     Environment
	options Options
	// standing are the findings that nothing quiets, those to look at first in front.
	standing []*match.Finding
	// baseline has what does not count because it is there already; nil where all counts.
	baseline *Baseline
	// plain are the results without the baseline, by which the score goes; nil where these are they.
	plain []GoalResult
}

// outcome is how a goal came out, before blind spots and a baseline are looked at.
type outcome struct {
	verdict Verdict
	// offenders are what stands in the way, the worst first.
	offenders []offender
	// describe gives the reason, which the worst offenders are put behind, and the step, for those offenders that count.
	describe func(counting []offender) (reason, step string)
}

// offender is one thing that stands in the way of a goal.
type offender struct {
	key     string         // names it without its version; empty for what no baseline excuses
	shown   string         // empty where the reason names it
	finding *match.Finding // nil for what is no finding
	id      string         // of what is none and has an id all the same
}

func constant(reason, step string) func([]offender) (string, string) {
	return func([]offender) (string, string) { return reason, step }
}

func met(reason string) outcome { return outcome{verdict: Pass, describe: constant(reason, "")} }

// failed is the outcome of a goal that one thing stands in the way of, called key.
func failed(reason, step, key string) outcome {
	return outcome{Fail, []offender{{key: key}}, constant(reason, step)}
}

// cannotTell is the outcome where one thing is not known, called key.
func cannotTell(reason, step, key string) outcome {
	return outcome{Unknown, []offender{{key: key}}, constant(reason, step)}
}

// judgeGoals holds a subject against the goals of an environment: whether it may be exposed so far, and then those that are set, in the
// order of [Goals].
func judgeGoals(s *Subject, env Environment, o Options) []GoalResult {
	return newJudging(s, env, o).all()
}

// judgeAgainst does so, excuses what the options' baseline has as well, and asks besides whether anything got worse; plain are the results
// without it.
func judgeAgainst(s *Subject, env Environment, o Options, plain []GoalResult) []GoalResult {
	j := newJudging(s, env, o)
	j.baseline, j.plain = o.Baseline, plain
	return j.all()
}

func newJudging(s *Subject, env Environment, o Options) *judging {
	return &judging{subject: s, env: env, options: o, standing: standingFirst(s.Findings)}
}

func (j *judging) all() []GoalResult {
	results := []GoalResult{Admits(j.subject, j.options.Bindings, j.env)}
	if bound, ok := Bound(j.subject, j.env, j.options.Now); ok {
		results = append(results, bound)
	}
	for _, g := range goals() {
		if g.set(&j.env.Goals) {
			results = append(results, j.result(&g, g.judge(j)))
		}
	}
	results = append(results, j.hardening()...)
	if j.baseline != nil {
		results = append(results, j.result(&goal{name: "regression", sight: ofReported, strict: true}, j.regression()))
	}
	custom := j.custom()
	if j.env.Goals.Score != nil {
		plain := j.plain
		if plain == nil {
			plain = slices.Concat(results, custom)
		}
		results = append(results, j.score(plain))
	}
	return append(results, custom...)
}

// result is an outcome in the words of a report. What stands in the way decides; where nothing does, what could not be seen.
func (j *judging) result(g *goal, o outcome) GoalResult {
	without := o.verdict
	if j.baseline != nil && !g.strict {
		o = j.baseline.excuse(g.name, o)
	}
	if hidden := j.hidden(g); o.verdict == Pass && len(hidden) > 0 {
		if without == Pass {
			without = Unknown
		}
		o = j.withBlindSpots(o, hidden)
	}
	r := o.written(g.name)
	if j.baseline != nil && without != r.Verdict {
		r.WithoutBaseline = without
	}
	return r
}

// withBlindSpots makes unknown what is met only as far as can be seen, unless the baseline has the same blind spots.
func (j *judging) withBlindSpots(o outcome, hidden []*image.BlindSpot) outcome {
	reason, _ := o.describe(o.offenders)
	if j.baseline != nil {
		if hidden = j.baseline.unshared(hidden); len(hidden) == 0 {
			o.describe = constant(reason+" as far as can be seen, which is as far as in the baseline", "")
			return o
		}
	}
	unknown := outcome{verdict: Unknown, describe: constant(reason+" as far as can be seen: "+blindness(hidden), sightStep(hidden))}
	for _, b := range hidden {
		unknown.offenders = append(unknown.offenders, offender{key: blindKey(b)})
	}
	return unknown
}

// written puts an outcome into the words of a report.
func (o outcome) written(name string) GoalResult {
	r := GoalResult{Name: name, Verdict: o.verdict}
	reason, step := o.describe(o.offenders)
	if named := worst(o.offenders); named != "" && o.verdict != Pass {
		reason += ": " + named
	}
	r.Reason, r.Step = oneLine(reason), oneLine(step)
	for _, at := range o.offenders {
		if at.key != "" {
			r.Offenders = append(r.Offenders, at.key)
		}
		if at.finding != nil {
			r.Findings = append(r.Findings, at.finding.ID)
		}
		if at.id != "" {
			r.Findings = append(r.Findings, at.id)
		}
	}
	slices.Sort(r.Offenders)
	r.Offenders = slices.Compact(r.Offenders)
	slices.SortFunc(r.Findings, advisory.CompareIDs)
	r.Findings = slices.Compact(r.Findings)
	return r
}

// oneLine keeps what comes out of an image from breaking a line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// pointToSteps says for each goal that findings stand in the way of which of an assessment's steps is the first to close some of them: it
// knows who brings the package, and what else goes with it.
func pointToSteps(goals []GoalResult, steps []Step) {
	for i := range goals {
		g := &goals[i]
		if g.Verdict != Fail || len(g.Findings) == 0 {
			continue
		}
		inTheWay := map[string]bool{}
		for _, id := range g.Findings {
			inTheWay[id] = true
		}
		for _, st := range steps {
			closed := 0
			for _, id := range st.Closes {
				if inTheWay[id] {
					closed++
				}
			}
			if closed > 0 {
				g.Step = st.asNext(closed, len(g.Findings))
				break
			}
		}
	}
}

// asNext writes the step as the next one to take for a goal, of whose findings it closes some.
func (s *Step) asNext(closed, of int) string {
	text := s.Title
	if s.Where != "" {
		text += " (" + s.Where + ")"
	}
	if closed < of {
		text += fmt.Sprintf("; that closes %d of %d, and tidewaiter advise has the other steps", closed, of)
	}
	return text
}

// hidden are the blind spots that bear on what a goal looks at.
func (j *judging) hidden(g *goal) []*image.BlindSpot {
	var list []*image.BlindSpot
	for i := range j.subject.BlindSpots {
		if b := &j.subject.BlindSpots[i]; g.sight.hides(b) || slices.ContainsFunc(g.of, func(kind vex.Contraband) bool { return Unsearched(kind, b) }) {
			list = append(list, b)
		}
	}
	return list
}

// blindness says in a few words what could not be seen.
func blindness(spots []*image.BlindSpot) string {
	const longest = 160 // characters
	text := cmp.Or(spots[0].Message, string(spots[0].Kind))
	if spots[0].Where != "" && !strings.Contains(text, spots[0].Where) {
		text = spots[0].Where + ": " + text
	}
	if letters := []rune(text); len(letters) > longest {
		text = string(letters[:longest]) + "..."
	}
	if n := len(spots) - 1; n > 0 {
		text += fmt.Sprintf("; and %s more", count(n, "blind spot"))
	}
	return text
}

// blindKey names a blind spot so that the same one of another image is known.
func blindKey(b *image.BlindSpot) string {
	return strings.TrimSpace("blind spot: " + string(b.Kind) + " " + b.Where)
}

// sightStep is what to do about blind spots.
func sightStep(spots []*image.BlindSpot) string {
	for _, b := range spots {
		switch b.Kind {
		case image.StaleFeed:
			return "tidewaiter db update"
		case image.EndOfLife:
			return "move to a supported release of the distribution"
		}
	}
	return "look at the blind spots: tidewaiter scan --all shows them"
}

// worst names the first few offenders, each once; empty where the reason names them.
func worst(list []offender) string {
	const named = 3
	var shown []string
	seen := map[string]bool{}
	for _, o := range list {
		if o.shown != "" && !seen[o.shown] {
			seen[o.shown] = true
			shown = append(shown, o.shown)
		}
	}
	if len(shown) > named+1 { // "and 1 more" says less than its name
		return fmt.Sprintf("%s and %d more", strings.Join(shown[:named], ", "), len(shown)-named)
	}
	return strings.Join(shown, ", ")
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
