package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// assessed says what the image is worth in its environment, how far it is from the goal, and what would stand in a gate's way.
func assessed(s *screen, r *Report) {
	a := r.Assessment
	line := fmt.Sprintf("score %.1f %s", a.Score, a.Grade)
	switch {
	case a.Goal > a.Score:
		line += fmt.Sprintf(" -> goal %.0f", a.Goal)
	case a.Goal > 0:
		line += fmt.Sprintf(", goal %.0f is met", a.Goal)
	}
	var parts []string
	t := a.Tally
	if t.ToAct > 0 {
		parts = append(parts, s.red(number(t.ToAct)+" to act on"))
	}
	if t.Scheduled > 0 {
		parts = append(parts, number(t.Scheduled)+" scheduled")
	}
	if n := t.Deferred + t.Quieted; n > 0 {
		parts = append(parts, number(n)+" deferred or quieted (--all)")
	}
	if len(parts) > 0 {
		line += "   " + strings.Join(parts, ", ")
	}
	s.line()
	s.wrapped("  "+s.bold(Clean(a.Environment))+"  ", line)
	under := "  " + strings.Repeat(" ", visible(Clean(a.Environment))) + "  "
	for _, line := range []string{gate(s, a.Goals), running(a), exceptions(s, r)} {
		if line != "" {
			s.wrapped(under, line)
		}
	}
}

// running says what runs in the environment now, and how that compares; empty where it was not recorded.
func running(a *assess.Assessment) string {
	now := a.Running
	if now == nil {
		return ""
	}
	line := "runs now: " + Clean(now.Reference)
	if now.Grade != "" {
		line += fmt.Sprintf(", score %.1f %s", now.Score, now.Grade)
	}
	return line + ", since " + now.Since.UTC().Format(time.DateOnly)
}

// exceptions says which exceptions do not hold any more, and how many hide what is exploited.
func exceptions(s *screen, r *Report) string {
	n := match.CountExceptions(r.Findings, r.UnusedStatements)
	var parts []string
	if n.Exploited > 0 {
		parts = append(parts, number(n.Exploited)+" hide what is exploited")
	}
	if len(n.Lapsed) > 0 {
		parts = append(parts, n.String())
	}
	if len(parts) == 0 {
		return ""
	}
	return s.red("exceptions: " + strings.Join(parts, ", "))
}

// gate names the goals that are not met, and those of which it is not known.
func gate(s *screen, goals []assess.GoalResult) string {
	if len(goals) == 0 {
		return ""
	}
	names := map[assess.Verdict][]string{}
	for _, g := range goals {
		names[g.Verdict] = append(names[g.Verdict], Clean(g.Name))
	}
	var parts []string
	if list := names[assess.Fail]; len(list) > 0 {
		parts = append(parts, s.red("not met: "+strings.Join(list, ", ")))
	}
	if list := names[assess.Unknown]; len(list) > 0 {
		parts = append(parts, "unknown: "+strings.Join(list, ", "))
	}
	if len(parts) == 0 {
		return "all " + plural(len(goals), "goal") + " met"
	}
	return fmt.Sprintf("%d of %s met; %s", len(names[assess.Pass]), plural(len(goals), "goal"), strings.Join(parts, "; "))
}

func steps(s *screen, r *Report, all bool) {
	if r.Assessment == nil {
		return
	}
	if len(r.Assessment.Steps) == 0 {
		files, secrets := graveContraband(r)
		if files+secrets == 0 && slices.ContainsFunc(r.Findings, func(f match.Finding) bool { return f.Quieted == nil && f.Lowered == nil }) {
			s.section("Do next", "nothing: what is known has no fix yet, and can wait")
		}
		return
	}
	list, more := head(r.Assessment.Steps, nextSteps(r), all)
	s.section("Do next", "")
	rows := make([][]string, 0, len(list))
	for i, st := range list {
		rows = append(rows, []string{fmt.Sprint(i + 1), Clean(st.Title), closes(st), gain(st), Clean(st.Where)})
	}
	s.table(rows, 4, 1)
	if more > 0 {
		s.line("    ", s.paint(ansiFaint, "and "+number(more)+" more: "+cmp.Or(s.steps, "tidewaiter advise "+Clean(r.Image.Reference))))
	}
}

// nextSteps is how many steps are shown first: the usual few; more where it takes them for all that is exploited, and up to the most for all that
// is immediate.
func nextSteps(r *Report) int {
	asks := map[string]bool{} // whether it is exploited
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Quieted == nil && (f.KEV != nil || f.Malicious || f.Priority == match.Immediate) {
			asks[f.ID] = asks[f.ID] || f.KEV != nil || f.Malicious
		}
	}
	n := shownSteps
	for i, st := range r.Assessment.Steps {
		for _, id := range st.Closes {
			exploited, asked := asks[id]
			delete(asks, id)
			if exploited || asked && i < mostSteps {
				n = max(n, i+1)
			}
		}
	}
	return n
}

// gain says how far a step brings the score; a step that closes something is never shown without effect.
func gain(st assess.Step) string {
	switch g := math.Abs(st.Gain); {
	case g >= 0.095:
		return fmt.Sprintf("%+.1f", st.Gain)
	case g >= 0.005:
		return fmt.Sprintf("%+.2f", st.Gain)
	case len(st.Closes) > 0 && st.Gain >= 0:
		return "<0.01"
	}
	return ""
}

func closes(st assess.Step) string {
	if len(st.Closes) == 0 {
		return ""
	}
	if !slices.ContainsFunc(st.Closes, func(id string) bool { return !strings.HasPrefix(id, "EOL-") }) {
		return "supported again"
	}
	line := "closes " + number(len(st.Closes))
	if st.Remain == len(st.Closes) {
		line += " in one of its copies"
	}
	switch {
	case st.Exploited == 1 && len(st.Closes) == 1:
		line += ", exploited"
	case st.Exploited > 0:
		line += fmt.Sprintf(", %d exploited", st.Exploited)
	}
	return line
}

// reasons are what makes a finding urgent.
func reasons(f match.Finding) []string {
	var parts []string
	switch {
	case f.Overdue:
		parts = append(parts, "overdue")
	case f.Due != "" && assess.ToAct(&f):
		parts = append(parts, "due "+f.Due)
	}
	if f.KEV != nil {
		parts = append(parts, "exploited")
	}
	if f.EPSS != nil && f.EPSS.Score >= 0.01 {
		parts = append(parts, fmt.Sprintf("EPSS %.0f%%", min(f.EPSS.Score*100, 99))) // nothing is certain
	}
	return parts
}
