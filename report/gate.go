package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"tidewaiter/assess"
)

// GateText writes what an environment's goals say to an image: a line for each, those that are not met first, with what to do about it.
// unknown is what the environment takes an unknown verdict for.
func GateText(w io.Writer, r *Report, unknown assess.UnknownMeans, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	s.line(strings.Join(nonEmpty(s.bold(Clean(r.Image.Reference)), short(cmp.Or(r.Image.Digest, r.Image.ID)), Clean(r.Image.Platform)), "  "))
	a := r.Assessment
	where := Clean(a.Environment)
	if a.Exposure != "" {
		where += ", " + string(a.Exposure) + " exposure"
	}
	s.wrapped("  "+s.verdict(a.Verdict)+"  ", fmt.Sprintf("%s   %s", where, gateSummary(a)))
	if a.Verdict == assess.Unknown && unknown == assess.UnknownPasses {
		s.line("  it passes: the environment lets pass what is unknown")
	}
	if a.Baseline != "" {
		s.wrapped("  ", "compared with "+Clean(a.Baseline)+": what it has too does not count")
	}
	s.line()
	s.goals(a.Goals, o.All)
	if gateNames(a.Goals, assess.Unknown) != "" {
		blindSpots(s, r, o.All)
	}
	return b.Flush()
}

// goals writes them, those that are not met first.
func (s *screen) goals(goals []assess.GoalResult, all bool) {
	sorted := slices.Clone(goals)
	order := []assess.Verdict{assess.Fail, assess.Unknown, assess.Pass}
	slices.SortStableFunc(sorted, func(a, b assess.GoalResult) int {
		return slices.Index(order, a.Verdict) - slices.Index(order, b.Verdict)
	})
	if !all {
		sorted = foldMet(sorted)
	}
	name := 0
	for _, g := range sorted {
		name = max(name, visible(Clean(g.Name)))
	}
	step := ""
	for _, g := range sorted {
		again := g.Step == step
		step = g.Step
		if again { // one step may mend several
			g.Step = ""
		}
		s.goal(g, name, all)
	}
}

// foldMet makes one line of the checks of hardening that are met: an environment that asks for all of them has some thirty.
func foldMet(goals []assess.GoalResult) []assess.GoalResult {
	met := func(g assess.GoalResult) bool {
		return g.Verdict == assess.Pass && strings.HasPrefix(g.Name, "hardening/")
	}
	first := slices.IndexFunc(goals, met)
	if first < 0 {
		return goals
	}
	rest := slices.DeleteFunc(slices.Clone(goals), met)
	n := len(goals) - len(rest)
	if n < 2 {
		return goals
	}
	return slices.Insert(rest, first, assess.GoalResult{Name: "hardening", Verdict: assess.Pass,
		Reason: number(n) + " checks have found nothing: --all lists them"})
}

// goal writes a goal's line, what to do next under it, and with all what stands in the way where the reason does not name it.
func (s *screen) goal(g assess.GoalResult, width int, all bool) {
	const (
		word  = len("not met")
		named = 3 // of what stands in the way, in the reason
	)
	label := s.met(g.Verdict)
	indent := strings.Repeat(" ", 2+word+2+width+2)
	label += strings.Repeat(" ", word-visible(label))
	s.wrapped("  "+label+"  "+Clean(g.Name)+strings.Repeat(" ", width-visible(Clean(g.Name))+2), Clean(g.Reason))
	if g.Step != "" {
		s.wrapped(indent+"-> ", Clean(g.Step))
	}
	if all && g.Verdict != assess.Pass && len(g.Offenders) > named {
		for _, at := range g.Offenders {
			s.wrapped(indent+"   ", Clean(at))
		}
	}
}

// met says how a goal came out, in words that do not need a colour.
func (s *screen) met(v assess.Verdict) string {
	switch v {
	case assess.Pass:
		return s.paint(ansiFaint, "met")
	case assess.Fail:
		return s.red("not met")
	}
	return s.paint(ansiYellow, "unknown")
}

func (s *screen) verdict(v assess.Verdict) string {
	switch v {
	case assess.Pass:
		return s.bold("pass")
	case assess.Fail:
		return s.red("fail")
	}
	return s.paint(ansiYellow, "unknown")
}

// gateSummary counts the goals by how they came out.
func gateSummary(a *assess.Assessment) string {
	count := map[assess.Verdict]int{}
	for _, g := range a.Goals {
		count[g.Verdict]++
	}
	var parts []string
	for _, v := range []struct {
		verdict assess.Verdict
		word    string
	}{{assess.Fail, "not met"}, {assess.Unknown, "unknown"}, {assess.Pass, "met"}} {
		if n := count[v.verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v.word))
		}
	}
	return "goals: " + strings.Join(parts, ", ")
}
