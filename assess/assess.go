package assess

import (
	"slices"
	"time"

	"tidewaiter/match"
)

// Assessment is what the findings mean in one environment.
type Assessment struct {
	Environment string   `json:"environment,omitempty"`
	Exposure    Exposure `json:"exposure,omitempty"`
	// Score is 0 to 100, Grade its letter: see [Score]. Goal is the score that the environment wants.
	Score float64 `json:"score"`
	Grade string  `json:"grade,omitempty"`
	Goal  float64 `json:"goal,omitempty"`
	// Costs are what the score is made of, the dearest first.
	Costs   []Cost       `json:"costs,omitempty"`
	Verdict Verdict      `json:"verdict,omitempty"`
	Goals   []GoalResult `json:"goals,omitempty"`
	// Steps are the changes that close findings, the one to make first in front.
	Steps []Step `json:"steps"`
}

// Options are what an assessment needs besides the image and the environment.
type Options struct {
	// Now is the time at which things are overdue.
	Now time.Time
}

// Assess says what is wrong with an image means in an environment. It writes priority, due day and environmental score into the
// subject's findings.
func Assess(s *Subject, env Environment, o Options) *Assessment {
	for i := range s.Findings {
		f := &s.Findings[i]
		d := Decide(f, env, o)
		f.Priority, f.Due, f.Environmental = d.Priority, d.Due, d.Environmental
	}
	goals := judgeGoals(s, env, o)
	a := &Assessment{Environment: env.Name, Exposure: env.Exposure, Goal: env.Target, Goals: goals, Verdict: overall(goals)}
	a.Costs = costs(s.Findings, goals, o.Now)
	a.Score = Score(a.Costs)
	a.Grade = Grade(a.Score)
	a.Steps = notNil(Steps(match.Standing(s.Findings)))
	return a
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
