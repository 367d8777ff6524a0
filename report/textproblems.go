package report

import (
	"cmp"
	"fmt"
	"slices"

	"tidewaiter/assess"
	"tidewaiter/match"
)

func findings(s *screen, r *Report, all bool) {
	var plain []match.Finding
	room := shownProblems
	for _, f := range match.Standing(r.Findings) {
		switch {
		case f.Malicious: // has its place above, which takes its lines from this one
			room = max(room-3, 2)
		case f.Lowered == nil:
			plain = append(plain, f)
		}
	}
	if len(plain) == 0 {
		return
	}
	if all {
		s.section("Problems", "")
		s.problems(r, byID(plain))
		return
	}
	var act []match.Finding
	for _, f := range plain {
		if assess.ToAct(&f) || f.KEV != nil {
			act = append(act, f)
		}
	}
	title, asked := "To act on", act
	if len(act) == 0 {
		title, asked = "Look at first", plain
	}
	things := byThing(asked)
	// What is exploited is never folded away.
	never := 0
	for never < len(things) && things[never][0].KEV != nil {
		never++
	}
	list, more := head(things, max(room, never), false)
	note := plural(len(byID(asked)), "problem")
	if more > 0 {
		note += " in " + plural(len(things), "package")
	}
	s.section(title, note)
	s.things(r, list)
	if n := len(byID(plain)) - shownOf(list); n > 0 {
		s.more(n, "problem")
	}
}

// byThing puts together the findings that one upgrade ends: those of a language's package at one version, and those of all packages that a
// distribution builds from one source.
func byThing(findings []match.Finding) [][]match.Finding {
	return grouped(sorted(findings), func(f *match.Finding) string {
		if f.Of.OfDistribution() && f.Of.Source != nil {
			return f.Of.Type + " " + f.Of.Source.Name
		}
		return f.Of.Type + " " + f.Of.Name + " " + f.Of.Version
	})
}

// shownOf counts the problems of a list of things.
func shownOf(things [][]match.Finding) int {
	return len(byID(slices.Concat(things...)))
}

// things writes a line for each thing to upgrade, with the worst of its problems.
func (s *screen) things(r *Report, list [][]match.Finding) {
	rows := make([][]string, 0, len(list))
	for _, findings := range list {
		f := findings[0]
		id, name := f.ID, f.Of.Name
		if n := len(byID(findings)) - 1; n > 0 {
			id += fmt.Sprintf(" +%d", n)
		}
		if f.Of.OfDistribution() && f.Of.Source != nil {
			name = f.Of.Source.Name
		}
		rows = append(rows, []string{s.severity(f.Severity, string(f.Severity)), Clean(id), Clean(name), Clean(change(r, findings)), s.why(f)})
	}
	s.table(rows, 2, 3, 4, 1)
}

// problems writes a line for each problem.
func (s *screen) problems(r *Report, list [][]match.Finding) {
	rows := make([][]string, 0, len(list))
	for _, p := range list {
		f := p[0]
		name := f.Of.Name
		if len(p) > 1 {
			name += fmt.Sprintf(" +%d", len(p)-1)
		}
		rows = append(rows, []string{s.severity(f.Severity, string(f.Severity)), Clean(f.ID), Clean(name), Clean(change(r, p[:1])), s.why(f)})
	}
	s.table(rows, 2, 3, 4, 1)
}

func sorted(findings []match.Finding) []match.Finding {
	list := slices.Clone(findings)
	assess.Sort(list)
	return list
}

// change says from which version to which a package has to go to end all of some findings, of which the first is the worst: as the first of the
// steps does that ends them, or else to the lowest.
func change(r *Report, findings []match.Finding) string {
	f, to := findings[0], ""
	same := slices.DeleteFunc(slices.Clone(findings), func(other match.Finding) bool { return other.Of.Version != f.Of.Version })
	if len(f.Fixed) > 0 {
		to = cmp.Or(stepTo(r, same), assess.Target(same))
	}
	switch {
	case to != "":
		return f.Of.Version + " -> " + to
	case len(f.Fixed) > 0 && f.Of.Owner == "": // before a release
		return f.Of.Version + " -> " + f.Fixed[0]
	case f.Kind == match.KindEndOfLife:
		return f.Of.Version + ", not supported"
	}
	return f.Of.Version + ", no fix yet"
}

// stepTo is the version to which the first of the steps that end findings moves their package; empty where none decides it.
func stepTo(r *Report, findings []match.Finding) string {
	if r.Assessment == nil {
		return ""
	}
	for i := range r.Assessment.Steps {
		st := &r.Assessment.Steps[i]
		to := st.To[findings[0].Package]
		if to != "" && !slices.ContainsFunc(findings, func(f match.Finding) bool {
			return st.To[f.Package] != to || !slices.Contains(st.Closes, f.ID)
		}) {
			return to
		}
	}
	return ""
}

// byID puts together the findings of one problem, the worst problem first: a library's five binary packages have one
// problem and not five.
func byID(findings []match.Finding) [][]match.Finding {
	return grouped(sorted(findings), func(f *match.Finding) string { return f.ID })
}

// why says what makes a finding urgent, as much of it as finds room; where nothing does, where it is.
func (s *screen) why(f match.Finding) string {
	room := max(24, s.width-76)
	if parts := reasons(f); len(parts) > 0 {
		line := parts[0]
		for _, part := range parts[1:] {
			if visible(line)+2+visible(part) > room {
				break
			}
			line += ", " + part
		}
		return line
	}
	return truncate(whereabouts(f), room) // of a path the end is enough
}

// whereabouts is where a finding is.
func whereabouts(f match.Finding) string {
	// That a distribution's database names the package says nothing new; which layer brought it does.
	if f.Of.OfDistribution() && f.Layer != nil {
		return fmt.Sprintf("layer %d", *f.Layer)
	}
	return Clean(f.Of.Place())
}
