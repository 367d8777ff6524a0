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
		s.line("  there is no step to make: nothing that is known against it has a fix, and nothing of it cannot wait")
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
	switch st.Kind {
	case assess.Except:
		return ""
	case assess.Remove:
		what = "to do without it"
	}
	if st.Cost.Packages == 0 {
		return what
	}
	return what + ", " + plural(st.Cost.Packages, "package")
}

// showEdit shows an edit as a small diff: the lines that differ, and of long ones the part that does.
func showEdit(s *screen, e *assess.Edit) {
	if e == nil {
		return
	}
	word := "change"
	const margin = 15 // columns before the text
	show := func(mark, code, text string) {
		s.line(fmt.Sprintf("     %-8s", word), s.paint(code, mark+" "+text))
		word = ""
	}
	for _, d := range diffLines(e.Old, e.New) {
		if len(d.old) == 1 && len(d.new) == 1 {
			d.old[0], d.new[0] = whereTheyDiffer(d.old[0], d.new[0], s.width-margin)
		}
		for _, line := range d.old {
			show("-", ansiRed, truncate(line, s.width-margin))
		}
		for _, line := range d.new {
			show("+", ansiBold, truncate(line, s.width-margin))
		}
	}
}

// difference is a run of lines that takes the place of another.
type difference struct{ old, new []string }

// diffLines compares texts by line. Lines that both have follow each other the same in an edit, so that the next line in common is the one to
// go on with.
func diffLines(before, after string) []difference {
	lines := func(text string) []string {
		if text == "" {
			return nil
		}
		list := strings.Split(text, "\n")
		for i, line := range list {
			list[i] = Clean(strings.TrimRight(line, "\r"))
		}
		return list
	}
	a, b := lines(before), lines(after)
	var out []difference
	for len(a) > 0 || len(b) > 0 {
		if len(a) > 0 && len(b) > 0 && a[0] == b[0] {
			a, b = a[1:], b[1:]
			continue
		}
		m, n := nextCommon(a, b)
		out = append(out, difference{a[:m], b[:n]})
		a, b = a[m:], b[n:]
	}
	return out
}

// nextCommon gives how many lines come before the nearest one that two texts have in common; all of them where there is none.
func nextCommon(a, b []string) (m, n int) {
	const farthest = 200 // lines: edits are small
	for sum := 1; sum < min(len(a)+len(b), farthest); sum++ {
		for m := max(0, sum-len(b)+1); m <= min(sum, len(a)-1); m++ {
			if a[m] == b[sum-m] {
				return m, sum - m
			}
		}
	}
	return len(a), len(b)
}

// whereTheyDiffer cuts of two lines, where one is longer than n columns, what is the same in both, apart from a few words around.
func whereTheyDiffer(a, b string, n int) (string, string) {
	x, y := []rune(a), []rune(b)
	if max(len(x), len(y)) <= n {
		return a, b
	}
	const around = 25
	front, back := 0, 0
	for front < min(len(x), len(y)) && x[front] == y[front] {
		front++
	}
	for back < min(len(x), len(y))-front && x[len(x)-1-back] == y[len(y)-1-back] {
		back++
	}
	from, keep := max(front-around, 0), max(back-around, 0)
	cut := func(line []rune) string {
		text := string(line[from : len(line)-keep])
		if from > 0 {
			text = "…" + text
		}
		if keep > 0 {
			text += "…"
		}
		return text
	}
	return cut(x), cut(y)
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
