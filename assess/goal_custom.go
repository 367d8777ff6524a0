package assess

import (
	"slices"
	"strings"
	"sync"

	"tidewaiter/assess/expression"
	"tidewaiter/vex"
)

// conditions is the language of custom goals. Its variables are the parts of the JSON contract.
var conditions = sync.OnceValues(func() (*expression.Language, error) {
	return expression.New(goalVariables(&judging{subject: &Subject{}}))
})

// goalVariables are what a custom goal may look at.
func goalVariables(j *judging) map[string]any {
	s := j.subject
	return map[string]any{
		"image": &s.Image, "config": s.Image.Config, "data": s.Data, "files": s.Files, "environment": &j.env, "now": j.options.Now,
		"packages": s.Packages, "findings": s.Findings, "blindSpots": s.BlindSpots,
		"malware": s.Malware, "secrets": s.Secrets, "hardening": s.Hardening,
	}
}

// CheckExpression checks the condition of a custom goal: its grammar, names and types. The error names the place.
func CheckExpression(expr string) error {
	language, err := conditions()
	if err != nil {
		return err
	}
	_, err = language.Compile(expr)
	return err
}

// custom judges the goals of the user's own.
func (j *judging) custom() []GoalResult {
	var results []GoalResult
	for i := range j.env.Goals.Custom {
		results = append(results, j.condition(&j.env.Goals.Custom[i]))
	}
	return results
}

// condition judges one. Blind spots bear on it as far as it looks at what they hide, unless it looks at them itself.
func (j *judging) condition(c *Custom) GoalResult {
	language, err := conditions()
	var e *expression.Expression
	if err == nil {
		e, err = language.Compile(c.Expression)
	}
	if err != nil {
		return j.result(&goal{name: c.Name}, cannotTell("the expression is wrong: "+err.Error(), "mend it in the configuration", ""))
	}
	holds, err := e.Holds(goalVariables(j))
	o := met("the condition holds")
	switch {
	case err != nil:
		o = cannotTell("the expression has no answer: "+err.Error(), "look at the expression in the configuration", "no answer")
	case j.subject.Data == nil && e.Uses("findings"):
		o = unmatched()
	case !holds:
		o = failed("the condition does not hold: "+strings.Join(strings.Fields(c.Expression), " "), c.Message, "the condition does not hold")
	}
	needs := ofConfig
	switch {
	case e.Uses("blindSpots"):
	case e.Uses("findings"):
		needs = ofReported
	case e.Uses("packages"), e.Uses("files"), e.Uses("malware"), e.Uses("secrets"), e.Uses("hardening"):
		needs = ofContent
	}
	g := &goal{name: c.Name, sight: needs}
	for variable, kind := range map[string]vex.Contraband{"malware": vex.Malware, "secrets": vex.Secret, "hardening": vex.Hardening} {
		if e.Uses(variable) && !e.Uses("blindSpots") {
			g.of = append(g.of, kind)
		}
	}
	return j.result(g, o)
}

// NeedFiles says whether a goal looks at the image's files, which are not traced otherwise.
func (g *Goals) NeedFiles() bool {
	if g.Executables != nil {
		return true
	}
	language, err := conditions()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(g.Custom, func(c Custom) bool {
		e, err := language.Compile(c.Expression)
		return err == nil && e.Uses("files")
	})
}
