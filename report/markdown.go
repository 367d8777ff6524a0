package report

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// maxMarkdown is how long a comment may be on GitHub, in characters: https://github.com/orgs/community/discussions/27190
const maxMarkdown = 65536

// Markdown writes the report as a comment on a pull request: at most five lines that everybody reads, and the rest folded. Its first
// line is a comment that is not shown, the same for every report on one repository in one environment: who posts it finds the last
// one by it, and edits that. What is too long for a comment is cut, and says so.
func Markdown(w io.Writer, r *Report) error {
	b := bufio.NewWriter(w)
	m := &markdown{w: b, left: maxMarkdown - 1000} // what cuts a list short needs room, too
	m.line("<!-- tidewaiter: " + strings.ReplaceAll(html.EscapeString(Clean(repositoryOf(r.Image.Reference)+" "+environmentOf(r))), "--", "- -") + " -->")
	m.line(headline(r))
	m.line("")
	m.line(counts(r))
	for i, st := range firstSteps(r) {
		m.line(fmt.Sprintf("%d. %s", i+1, stepLine(st)))
	}
	m.line("")
	m.goals(r)
	m.findings("To act on", r, func(f *match.Finding) bool { return assess.ToAct(f) })
	m.findings("Everything else that stands", r, func(f *match.Finding) bool { return f.Quieted == nil && !assess.ToAct(f) })
	m.quieted(r)
	m.blindSpots(r)
	return b.Flush()
}

type markdown struct {
	w    *bufio.Writer
	left int // characters
}

func (m *markdown) line(text string) bool {
	n := utf8.RuneCountInString(text) + 1
	if n > m.left {
		return false
	}
	m.left -= n
	m.w.WriteString(text + "\n")
	return true
}

// folded writes a table that opens on a click. Rows that find no room are counted.
func (m *markdown) folded(title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	const frame = 200 // of what stands around the rows
	if m.left < frame+len(title) {
		m.w.WriteString(fmt.Sprintf("\n%s: %s left out, see the JSON report\n", title, plural(len(rows), "row")))
		return
	}
	m.line("<details><summary>" + title + ": " + number(len(rows)) + "</summary>\n")
	m.line("| " + strings.Join(head, " | ") + " |")
	m.line("|" + strings.Repeat(" --- |", len(head)))
	for i, row := range rows {
		if text := "| " + strings.Join(row, " | ") + " |"; utf8.RuneCountInString(text)+frame > m.left || !m.line(text) {
			m.line(fmt.Sprintf("\nand %s, which find no room here: see the JSON report", plural(len(rows)-i, "row")))
			break
		}
	}
	m.line("\n</details>\n")
}

// mark writes text out of an image so that it is no markup, no link, and calls nobody.
func mark(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ReplaceAll(Clean(text), "`", "'")
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

func repositoryOf(reference string) string {
	name, _, _ := strings.Cut(reference, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	return name
}

func environmentOf(r *Report) string {
	if r.Assessment == nil {
		return ""
	}
	return r.Assessment.Environment
}

func headline(r *Report) string {
	line := "**" + mark(r.Image.Reference)
	a := r.Assessment
	if a == nil {
		return line + ": nothing was matched, there is no advisory file**"
	}
	line += fmt.Sprintf(" in %s: score %.1f %s", mark(a.Environment), a.Score, a.Grade)
	if a.Goal > a.Score {
		line += fmt.Sprintf(" of the %.0f that are the goal", a.Goal)
	}
	line += "**"
	if text := gate(&screen{}, a.Goals); text != "" {
		line += "; " + text
	}
	return line
}

func counts(r *Report) string {
	if r.Assessment == nil {
		return unknown(r)
	}
	t := r.Assessment.Tally
	line := fmt.Sprintf("%s to act on, %s scheduled, %s deferred, %s quieted", number(t.ToAct), number(t.Scheduled), number(t.Deferred), number(t.Quieted))
	if t.Overdue > 0 {
		line += "; " + number(t.Overdue) + " overdue"
	}
	if len(r.BlindSpots) > 0 {
		line += "; " + unknown(r)
	}
	return line
}

func firstSteps(r *Report) []assess.Step {
	if r.Assessment == nil {
		return nil
	}
	list, _ := head(r.Assessment.Steps, shownSteps, false)
	return list
}

func stepLine(st assess.Step) string {
	line := mark(st.Title) + " " + closes(st)
	if st.Where != "" {
		line += ", " + mark(st.Where)
	}
	if g := gain(st); g != "" {
		line += ", " + g
	}
	return line
}

func (m *markdown) goals(r *Report) {
	if r.Assessment == nil {
		return
	}
	var rows [][]string
	for _, g := range r.Assessment.Goals {
		rows = append(rows, []string{string(g.Verdict), mark(g.Name), mark(g.Reason), mark(g.Step)})
	}
	m.folded("Goals", []string{"", "goal", "why", "next"}, rows)
}

func (m *markdown) findings(title string, r *Report, of func(f *match.Finding) bool) {
	var rows [][]string
	for _, f := range sorted(r.Findings) {
		if of(&f) {
			rows = append(rows, []string{string(f.Priority), string(f.Severity), mark(f.ID), mark(f.Of.Name), mark(change(f)), mark(why(f))})
		}
	}
	m.folded(title, []string{"priority", "severity", "id", "package", "version", ""}, rows)
}

func (m *markdown) quieted(r *Report) {
	var rows [][]string
	for _, f := range sorted(r.Findings) {
		if f.Quieted != nil {
			rows = append(rows, []string{mark(f.ID), mark(f.Of.Name), mark(f.Quieted.By), mark(f.Quieted.Reason), f.Quieted.Until})
		}
	}
	m.folded("Quieted", []string{"id", "package", "by", "why", "until"}, rows)
}

func (m *markdown) blindSpots(r *Report) {
	var rows [][]string
	for _, b := range r.BlindSpots {
		rows = append(rows, []string{mark(spot(b, r.Image.Layers))})
	}
	m.folded("Blind spots", []string{"what could not be read or judged"}, rows)
}
