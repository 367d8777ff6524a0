package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// shownIDs is how many of a step's problems are named.
const shownIDs = 8

// Advice writes all steps of a report in full; number picks one of them, from 1, and 0 takes all.
func Advice(w io.Writer, r *Report, number int, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	s.line(s.bold(Clean(r.Image.Reference)), "  ", short(cmp.Or(r.Image.Digest, r.Image.ID)), "  ", Clean(r.Image.Platform))
	if r.Image.Base != nil {
		s.fact("base", Clean(base(r)))
	}
	a := r.Assessment
	assessed(s, r)
	if len(a.Steps) == 0 {
		s.line()
		s.line("  there is no step to make: nothing that is known has a fix")
	}
	for i := range a.Steps {
		if number == 0 || number == i+1 {
			adviseStep(s, i+1, &a.Steps[i], o.All || number > 0)
		}
	}
	if number == 0 {
		compared(s, r)
	}
	return b.Flush()
}

func adviseStep(s *screen, number int, st *assess.Step, all bool) {
	s.line()
	title := s.bold(Clean(st.Title))
	if g := gain(*st); g != "" {
		title += "   " + g
	}
	s.wrapped(fmt.Sprintf("%3d  ", number), title)
	detail := func(word, text string) {
		if text != "" {
			s.wrapped(fmt.Sprintf("     %-8s", word), Clean(text))
		}
	}
	detail("where", st.Where)
	if len(st.Closes) > 0 {
		detail("closes", listed(st.Closes, all))
	}
	if st.Exploited > 0 {
		s.wrapped("             ", s.red(fmt.Sprintf("%d of them exploited in the wild", st.Exploited)))
	}
	if len(st.Opens) > 0 {
		detail("opens", listed(st.Opens, all))
	}
	detail("cost", cost(st))
	if len(st.Loses) > 0 {
		detail("loses", strings.Join(st.Loses, "; "))
	}
	showEdit(s, st.Edit)
	detail("run", st.Command)
	detail("note", st.Note)
}

// listed names ids, the first of them where there are many.
func listed(ids []string, all bool) string {
	list, more := head(ids, shownIDs, all)
	line := fmt.Sprintf("%d: %s", len(ids), strings.Join(list, ", "))
	if more > 0 {
		line += fmt.Sprintf(" and %d more (--all)", more)
	}
	return line
}

// cost says what a step asks of the developer.
func cost(st *assess.Step) string {
	what := map[string]string{assess.Rebuilt: "only to build again", assess.Patch: "a patch release", assess.Minor: "a minor release", assess.Major: "a major release"}[st.Cost.Change]
	switch {
	case st.Kind == assess.Except:
		return ""
	case st.Kind == assess.Remove:
		what = "to do without it"
	}
	if st.Cost.Packages == 0 {
		return what
	}
	return what + ", " + plural(st.Cost.Packages, "package")
}

// showEdit shows an edit as a small diff.
func showEdit(s *screen, e *assess.Edit) {
	if e == nil {
		return
	}
	word := "change"
	show := func(mark, code, text string) {
		for _, line := range strings.Split(text, "\n") {
			s.line(fmt.Sprintf("     %-8s", word), s.paint(code, mark+" "+Clean(strings.TrimRight(line, "\r"))))
			word = ""
		}
	}
	if e.Old != "" {
		show("-", ansiRed, e.Old)
	}
	show("+", ansiBold, e.New)
}

// Change tells in a few lines what was changed in a file.
func Change(w io.Writer, st *assess.Step, file string) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, TextOptions{})
	s.line("changed ", Clean(fmt.Sprintf("%s:%d", file, st.Edit.Line)), ": ", Clean(st.Title))
	showEdit(s, st.Edit)
	if st.Command != "" {
		s.line("     run     ", Clean(st.Command))
	}
	return b.Flush()
}

// compared lays the base of now beside the others.
func compared(s *screen, r *Report) {
	list := r.Assessment.Bases
	if len(list) == 0 {
		s.line()
		switch b := r.Image.Base; {
		case b == nil || b.Reference == "":
			s.wrapped("  ", "no base is compared, since nothing says what the image was built on: tidewaiter base add makes a base known")
		case b.Layers == 0:
			s.wrapped("  ", "no base is compared, since which layers are the base's is not known: tidewaiter base add "+Clean(b.Reference)+" makes it known")
		default:
			s.wrapped("  ", "no other base is known to compare with: tidewaiter base add makes one known")
		}
		return
	}
	repository, _ := assess.BaseTag(list[0].Reference)
	s.section("Bases compared", Clean(repository)+": problems of the base alone; the score is the whole image's")
	rows := make([][]string, 0, len(list))
	for _, b := range list {
		problems, gain := "not known: tidewaiter base add it again", ""
		if b.Packages > 0 {
			problems = letters(b.Problems)
			gain = fmt.Sprintf("%+.1f", b.Gain)
		}
		if b.Current {
			gain = "now"
		}
		created := ""
		if !b.Created.IsZero() {
			created = b.Created.UTC().Format(time.DateOnly)
		}
		size := ""
		if b.Size > 0 {
			size = fmt.Sprintf("%.1f MB", float64(b.Size)/1e6)
		}
		lost := ""
		if len(b.Loses) > 0 {
			lost = "loses " + Clean(strings.Join(b.Loses, "; "))
		}
		_, tag := assess.BaseTag(b.Reference)
		rows = append(rows, []string{Clean(tag), short(b.Digest), created, size, plural(b.Packages, "package"), problems, gain, lost})
	}
	s.table(rows, 7, 0, 1)
}

// letters counts problems by severity as people who are used to it read it at a glance: 2C 5H 10M 3L.
func letters(count map[match.Level]int) string {
	var parts []string
	for _, l := range []struct {
		level  match.Level
		letter string
	}{{match.Critical, "C"}, {match.High, "H"}, {match.Medium, "M"}, {match.Low, "L"}, {match.Negligible, "N"}, {match.Unknown, "?"}} {
		if n := count[l.level]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, l.letter))
		}
	}
	if len(parts) == 0 {
		return "nothing known"
	}
	return strings.Join(parts, " ")
}
