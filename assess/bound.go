package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/trust"
)

// BindingGoal is the name of the goal that [Bound] judges.
const BindingGoal = "binding"

// AlwaysAsked says whether a goal is one that no environment sets: where the image may run, for which reason ever.
func AlwaysAsked(goal string) bool { return goal == ExposureGoal || goal == BindingGoal }

// Bound says whether an image may run in an environment by the signed bindings that are attached to it: all of those that hold must allow it,
// so that the strictest counts. Only those of trusted signers do; one that is not what was signed, or cannot be read, could say anything, so
// that with it nothing is known. ok is false where the image has no binding. Exceptions and baselines are none of its business.
func Bound(s *Subject, env Environment, now time.Time) (r GoalResult, ok bool) {
	if len(s.Bindings) == 0 && !s.unreadPapers() {
		return GoalResult{}, false
	}
	var holding, broken, ignored []*trust.Binding
	for i := range s.Bindings {
		switch b := &s.Bindings[i]; {
		case b.Status == trust.Broken:
			broken = append(broken, b)
		case b.Status != trust.Verified:
			ignored = append(ignored, b)
		case b.Until != "" && b.Until <= now.UTC().Format(time.DateOnly):
		default:
			holding = append(holding, b)
		}
	}
	r = GoalResult{Name: BindingGoal, Verdict: Pass, Reason: boundTo(holding, env)}
	against := slices.IndexFunc(holding, func(b *trust.Binding) bool { return !allowsIn(b, env) })
	switch {
	case against >= 0:
		b := holding[against]
		r.Verdict, r.Reason = Fail, fmt.Sprintf("%s has bound it to %s%s", b.Signer, bounds(b), because(b.Reason))
		r.Step = "deploy it there, or have " + b.Signer + " bind it anew and remove this binding"
	case len(broken) > 0:
		r.Verdict, r.Reason = Unknown, "a binding is broken, so what it demanded is not known: "+broken[0].Why
		r.Step = "find out who changed it: tidewaiter attest list IMAGE"
	case s.unreadPapers():
		r.Verdict, r.Reason = Unknown, "not all that is attached could be read, so whether it is bound is not known"
		r.Step = "see the blind spots"
	}
	if n := len(ignored); n > 0 {
		r.Reason += fmt.Sprintf("; left aside: %s to %s, %s", count(n, "binding"), bounds(ignored[0]), ignored[0].Status.Words())
	}
	return r, true
}

func boundTo(holding []*trust.Binding, env Environment) string {
	if len(holding) == 0 {
		return "no binding that holds keeps it from " + env.Name
	}
	b := holding[len(holding)-1]
	return fmt.Sprintf("%s has bound it to %s, and this is one", b.Signer, bounds(b))
}

// allowsIn says whether a binding lets an image run in an environment.
func allowsIn(b *trust.Binding, env Environment) bool {
	named := len(b.Environments) == 0 || slices.Contains(b.Environments, env.Name)
	return named && (b.Exposure == "" || allows(Exposure(b.Exposure), cmp.Or(env.Exposure, Small)))
}

// bounds says to what an image is bound.
func bounds(b *trust.Binding) string {
	var parts []string
	if len(b.Environments) > 0 {
		parts = append(parts, strings.Join(b.Environments, ", "))
	}
	if b.Exposure != "" {
		parts = append(parts, b.Exposure+" exposure at most")
	}
	text := cmp.Or(strings.Join(parts, ", "), "something that cannot be read")
	if b.Until != "" {
		text += " until " + b.Until
	}
	return text
}

// Admitted says whether an image may run in an environment whatever is aboard: where it is meant to run, and besides what another goal says.
func Admitted(s *Subject, bindings []Binding, env Environment, now time.Time, other GoalResult) ([]GoalResult, Verdict) {
	goals := []GoalResult{Admits(s, bindings, env)}
	if bound, ok := Bound(s, env, now); ok {
		goals = append(goals, bound)
	}
	goals = append(goals, other)
	return goals, overall(goals)
}
