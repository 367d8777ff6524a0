package assess

import (
	"slices"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/vex"
)

// Assessment is what the findings mean in one environment.
type Assessment struct {
	Environment string   `json:"environment,omitempty"`
	Exposure    Exposure `json:"exposure,omitempty"`
	// Score is 0 to 100, Grade its letter: see [Score]. Goal is the score that the environment wants.
	Score float64 `json:"score"`
	Grade string  `json:"grade,omitempty"`
	Goal  float64 `json:"goal,omitempty"`
	Tally Tally   `json:"tally"`
	// Running is what runs in the environment now; nil where that was not recorded.
	Running *Running `json:"running,omitempty"`
	// Costs are what the score is made of, the dearest first.
	Costs   []Cost       `json:"costs,omitempty"`
	Verdict Verdict      `json:"verdict,omitempty"`
	Goals   []GoalResult `json:"goals,omitempty"`
	// Baseline is the reference of the image that the goals were compared with; empty where there was none.
	Baseline string `json:"baseline,omitempty"`
	// Steps are the changes that close findings, the one to make first in front.
	Steps []Step `json:"steps"`
	// Bases are the images that it might be built on, the base of now first: see [BaseComparison].
	Bases []BaseComparison `json:"bases,omitempty"`
}

// Tally counts problems, each once however many packages have it, by what is to be done about them; files held to be malware, and secrets, among them.
type Tally struct {
	// ToAct are the immediate and the out-of-cycle, malware, and secrets of high severity.
	ToAct     int `json:"toAct"`
	Scheduled int `json:"scheduled"`
	Deferred  int `json:"deferred"`
	Quieted   int `json:"quieted"`
	// Overdue are those of them, the quieted apart, that should have been fixed by now.
	Overdue int `json:"overdue"`
}

// ToAct says whether a finding asks for somebody to do something outside of the usual schedule.
func ToAct(f *match.Finding) bool {
	return f.Quieted == nil && (f.Malicious || f.Priority == match.Immediate || f.Priority == match.OutOfCycle)
}

func tally(findings []match.Finding) Tally {
	var t Tally
	seen, late := map[string]bool{}, map[string]bool{}
	count := func(n *int, of func(f *match.Finding) bool) {
		for i := range findings {
			if f := &findings[i]; !seen[f.ID] && of(f) {
				seen[f.ID] = true
				*n++
			}
		}
	}
	count(&t.ToAct, ToAct)
	count(&t.Scheduled, func(f *match.Finding) bool { return f.Quieted == nil && f.Priority == match.Scheduled })
	count(&t.Deferred, func(f *match.Finding) bool { return f.Quieted == nil })
	count(&t.Quieted, func(*match.Finding) bool { return true })
	for _, f := range findings {
		if f.Quieted == nil && f.Overdue && !late[f.ID] {
			late[f.ID] = true
			t.Overdue++
		}
	}
	return t
}

// addContraband counts malware and secrets: what stands once for each place, what exceptions quiet each.
func (t *Tally) addContraband(s *Subject) {
	for _, c := range standingContraband(s, vex.Malware, vex.Secret) {
		switch {
		case c.grave():
			t.ToAct++
		case c.severity.Rank() <= match.Unknown.Rank():
			t.Scheduled++
		default:
			t.Deferred++
		}
	}
	for _, c := range s.contraband() {
		if (*c.quieted).Excepted() {
			t.Quieted++
		}
	}
}

// Options are what an assessment needs besides the image and the environment.
type Options struct {
	// Now is the time at which things are overdue.
	Now time.Time
	// Since has the days (YYYY-MM-DD) on which deployments first showed a finding here with a version that ends it. What is not in it counts from
	// its publication.
	Since map[FindingKey]string
	// Bases are the images that the subject might be built on, its own base as it is now among them.
	Bases []BaseCandidate
	// Needs are the packages of the distribution, by purl, that files need which no package owns, with the paths of these, sorted: see
	// [inventory.Reach.Needs].
	Needs map[string][]string
	// Dockerfile is what the image was built from; nil where that is not known.
	Dockerfile *Dockerfile
	// Baseline is what a gate compares the image with: goals then fail only for what it has not got. Nil: for everything.
	Baseline *Baseline
	// Bindings keep images from being exposed further than they are meant to be.
	Bindings []Binding
	// Manifests are the user's own, of the sources that the image was built from: they come before those aboard.
	Manifests []inventory.Manifest
}

// Assess says what is wrong with an image means in an environment. It writes priority, due day and environmental score into the
// subject's findings.
func Assess(s *Subject, env Environment, o Options) *Assessment {
	a := weigh(s, env, o)
	goals := a.Goals
	a.Steps, a.Bases = Steps(s, env, goals, o)
	if o.Baseline != nil { // it excuses goals, and neither the score nor the steps
		a.Goals = judgeAgainst(s, env, o, goals)
		a.Verdict, a.Baseline = overall(a.Goals), o.Baseline.Name
	}
	pointToSteps(a.Goals, a.Steps)
	return a
}

// weigh assesses without looking for steps.
func weigh(s *Subject, env Environment, o Options) *Assessment {
	decide(s, env, o)
	goals := judgeGoals(s, env, o)
	a := &Assessment{Environment: env.Name, Exposure: env.Exposure, Goal: env.Target, Goals: goals, Verdict: overall(goals)}
	a.Tally = tally(s.Findings)
	a.Tally.addContraband(s)
	a.Costs = costs(s, standingFirst(s.Findings), goals, o.Now)
	a.Score = Score(a.Costs)
	a.Grade = Grade(a.Score)
	return a
}

// Judge says whether an image meets an environment's goals, and nothing else. It writes into the subject's findings what [Assess] does.
func Judge(s *Subject, env Environment, o Options) ([]GoalResult, Verdict) {
	decide(s, env, o)
	goals := judgeGoals(s, env, o)
	return goals, overall(goals)
}

// decide writes into the findings what they mean in the environment.
func decide(s *Subject, env Environment, o Options) {
	for i := range s.Findings {
		decideOne(&s.Findings[i], env, o)
	}
}

func decideOne(f *match.Finding, env Environment, o Options) {
	d := Decide(f, env, o)
	f.Priority, f.Due, f.Environmental = d.Priority, d.Due, d.Environmental
	f.Overdue = Overdue(f, o.Now)
}

// overall is the verdict of all goals together: what is not met decides, then what is unknown.
func overall(goals []GoalResult) Verdict {
	has := func(v Verdict) bool {
		return slices.ContainsFunc(goals, func(g GoalResult) bool { return g.Verdict == v })
	}
	switch {
	case has(Fail):
		return Fail
	case has(Unknown):
		return Unknown
	}
	return Pass
}
