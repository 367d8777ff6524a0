package report

import (
	"bufio"
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
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
	m.line("<!-- tidewaiter: " + html.EscapeString(Clean(cut(repositoryOf(r.Image.Reference)+" "+environmentOf(r), longestCell))) + " -->")
	m.line(headline(r))
	m.line("")
	m.line(counts(r))
	for i, st := range firstSteps(r) {
		m.line(fmt.Sprintf("%d. %s", i+1, stepLine(st)))
	}
	m.line("")
	var act, rest [][]match.Finding
	for _, p := range byID(match.Standing(r.Findings)) {
		switch {
		case p[0].Malicious: // is with the malware
		case assess.ToAct(&p[0]):
			act = append(act, p)
		default:
			rest = append(rest, p)
		}
	}
	m.goals(r)
	m.contraband("Malware", slices.Concat(maliciousPackages(r), standing(malwareOf(r), true)))
	m.contraband("Secrets", standing(secretsOf(r), true))
	m.problems(r, "To act on", act)
	m.contraband("Hardening", standing(hardeningOf(r), false))
	m.blindSpots(r)
	m.quieted(r)
	m.last = true
	m.problems(r, "Everything else that stands", rest)
	return b.Flush()
}

type markdown struct {
	w    *bufio.Writer
	left int  // characters
	last bool // of the lists: it may take all that is left, each of the others half of it
}

func (m *markdown) line(text string) bool {
	n := utf8.RuneCountInString(text) + 1
	if n > m.left {
		return false
	}
	m.left -= n
	fmt.Fprintln(m.w, text)
	return true
}

// folded writes a table that opens on a click. Rows that find no room are counted.
func (m *markdown) folded(title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	const frame = 200 // of what stands around the rows
	spare := 0
	if !m.last {
		spare = m.left / 2
	}
	if m.left < frame+len(title) {
		fmt.Fprintf(m.w, "\n%s: %s left out, see the JSON report\n", title, plural(len(rows), "row"))
		return
	}
	m.line("<details><summary>" + title + ": " + number(len(rows)) + "</summary>\n")
	m.line("| " + strings.Join(head, " | ") + " |")
	m.line("|" + strings.Repeat(" --- |", len(head)))
	for i, row := range rows {
		if text := "| " + strings.Join(row, " | ") + " |"; utf8.RuneCountInString(text)+frame > m.left-spare || !m.line(text) {
			m.line(fmt.Sprintf("\nand %s more, for which there is no room here: see the JSON report", plural(len(rows)-i, "row")))
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
	return "`" + strings.NewReplacer("`", "'", `\|`, `\ \|`, "|", `\|`).Replace(Clean(text)) + "`" // a bar would end a table's cell
}

// cell is [mark] for what stands in one cell or line, cut where it is longer than anybody reads there.
func cell(text string) string { return mark(cut(text, longestCell)) }

const longestCell = 160 // characters

// word writes one word of ours as it is; in a stored report it may be anything.
func word(text string) string {
	if strings.Trim(text, "ABCDEFabcdefghijklmnopqrstuvwxyz-") != "" {
		return cell(text)
	}
	return text
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
	line := "**" + cell(r.Image.Reference)
	a := r.Assessment
	if a == nil {
		return line + ": nothing was matched, there is no advisory file**"
	}
	line += fmt.Sprintf(" in %s: score %.1f %s", cell(a.Environment), a.Score, word(a.Grade))
	if a.Goal > a.Score {
		line += fmt.Sprintf(", goal %.0f", a.Goal)
	}
	line += "**"
	goals := slices.Clone(a.Goals)
	for i := range goals {
		goals[i].Name = cell(goals[i].Name)
	}
	if text := gate(&screen{}, goals); len(text) > 2000 { // a line that nobody would read
		line += "; " + plural(len(goals), "goal") + ", not all met"
	} else if text != "" {
		line += "; " + text
	}
	return line
}

func counts(r *Report) string {
	var line string
	switch {
	case r.Assessment == nil:
		return unknown(r)
	case len(match.Standing(r.Findings)) == 0:
		line = found(&screen{}, r)
	default:
		t := r.Assessment.Tally
		line = fmt.Sprintf("%s to act on, %s scheduled, %s deferred", number(t.ToAct), number(t.Scheduled), number(t.Deferred))
		if t.Quieted > 0 {
			line += ", " + number(t.Quieted) + " quieted"
		}
		if t.Overdue > 0 {
			line += "; " + number(t.Overdue) + " overdue"
		}
	}
	if text := urgent(r); text != "" {
		line += "; **" + text + "**"
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
	line := cell(st.Title) + " " + closes(st)
	if g := gain(st); g != "" {
		line += ", score " + g
	}
	if st.Where != "" {
		line += ", " + mark(truncate(Clean(st.Where), 60))
	}
	return line
}

func (m *markdown) goals(r *Report) {
	if r.Assessment == nil {
		return
	}
	var rows [][]string
	for _, g := range r.Assessment.Goals {
		rows = append(rows, []string{word(string(g.Verdict)), cell(g.Name), cell(g.Reason), cell(g.Step)})
	}
	m.folded("Goals", []string{"", "goal", "why", "next"}, rows)
}

// problems lists each problem once, however many packages have it.
func (m *markdown) problems(r *Report, title string, problems [][]match.Finding) {
	var rows [][]string
	for _, p := range problems {
		f := p[0]
		name := cell(f.Of.Name)
		if len(p) > 1 {
			name += fmt.Sprintf(" +%d", len(p)-1)
		}
		rows = append(rows, []string{word(string(f.Priority)), word(string(f.Severity)), cell(f.ID), name, cell(change(r, []match.Finding{f})), cell(cmp.Or(strings.Join(reasons(f), ", "), whereabouts(f)))})
	}
	m.folded(title, []string{"priority", "severity", "id", "package", "version", "why, or where"}, rows)
}

// contraband lists what else should not be aboard.
func (m *markdown) contraband(title string, list []contraband) {
	var rows [][]string
	for i := range list {
		c := &list[i]
		rows = append(rows, []string{word(string(c.severity)), cell(c.id), cell(cmp.Or(c.title, c.rule)), cell(c.where), cell(c.from()), cell(c.mend)})
	}
	m.folded(title, []string{"severity", "rule", "what", "where", "from", "do"}, rows)
}

func (m *markdown) quieted(r *Report) {
	var rows [][]string
	for _, f := range sorted(r.Findings) {
		if f.Quieted != nil {
			rows = append(rows, []string{cell(f.ID), cell(f.Of.Name), cell(f.Quieted.By), cell(f.Quieted.Reason), cell(f.Quieted.Until)})
		}
	}
	for _, c := range contrabandOf(r) {
		if q := c.quieted; q != nil {
			rows = append(rows, []string{cell(c.id), cell(c.where), cell(q.By), cell(q.Reason), cell(q.Until)})
		}
	}
	m.folded("Quieted", []string{"id", "package or place", "by", "why", "until"}, rows)
}

func (m *markdown) blindSpots(r *Report) {
	var rows [][]string
	for _, b := range r.BlindSpots {
		rows = append(rows, []string{cell(spot(b, r.Image.Layers))})
	}
	m.folded("Blind spots", []string{"what could not be read or judged"}, rows)
}
