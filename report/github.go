package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// shownAnnotations is how many of each kind GitHub shows of one step:
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
const shownAnnotations = 10

// GitHub writes annotations of a GitHub Actions workflow: the goals that are not met, the blind spots, a notice that counts
// the quieted, the steps with what they close, and the packages whose findings no step closes; all at the line of the Dockerfile, where
// it is known. Of each kind it writes no more than GitHub shows, what matters most in front, and says how many are left. o.All writes
// all, the quieted too.
func GitHub(w io.Writer, r *Report, o Options) error {
	g := annotations{report: r, dockerfile: cmp.Or(o.Dockerfile, "Dockerfile")}
	g.goals()
	if r.Data == nil {
		g.add(annotation{kind: "warning", title: "Nothing was matched", message: "There is no advisory data: make it with tidewaiter db update"})
	}
	findings := inOrder(r)
	g.blindSpots(o.All)
	g.quieted(findings, o.All)
	g.contraband()
	for _, group := range byUpgrade(g.steps(match.Standing(findings))) {
		g.packages(group)
	}
	b := bufio.NewWriter(w)
	for _, a := range g.shown(o.All) {
		fmt.Fprintln(b, a)
	}
	return b.Flush()
}

// annotation is one workflow command.
type annotation struct {
	kind, file, title, message string
	line                       int
}

// String writes the command. Nothing in it can end the line or begin another command.
func (a annotation) String() string {
	var fields []string
	if a.line > 0 {
		fields = append(fields, "file="+escapeProperty(a.file), fmt.Sprintf("line=%d", a.line))
	}
	fields = append(fields, "title="+escapeProperty(a.title))
	return "::" + a.kind + " " + strings.Join(fields, ",") + "::" + escapeData(a.message)
}

// escapeData and escapeProperty write as the runner reads: https://github.com/actions/toolkit, packages/core/src/command.ts.
func escapeData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func escapeProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(text))
}

type annotations struct {
	report     *Report
	dockerfile string
	list       []annotation
}

func (g *annotations) add(a annotation) { g.list = append(g.list, a) }

func (g *annotations) goals() {
	if g.report.Assessment == nil {
		return
	}
	for _, goal := range g.report.Assessment.Goals {
		a := annotation{kind: "error", file: g.dockerfile, line: lineOfImage(g.report), title: fmt.Sprintf("Goal %s of %s is not met", Clean(goal.Name), Clean(environmentOf(g.report)))}
		switch goal.Verdict {
		case assess.Pass:
			continue
		case assess.Unknown:
			a.kind, a.title = "warning", fmt.Sprintf("Goal %s of %s is unknown", Clean(goal.Name), Clean(environmentOf(g.report)))
		}
		a.message = Clean(goal.Reason)
		if goal.Step != "" {
			a.message += "\n" + Clean(goal.Step)
		}
		g.add(a)
	}
}

// steps writes each step that closes something no earlier one does, and gives the findings that are left.
func (g *annotations) steps(findings []match.Finding) []match.Finding {
	if g.report.Assessment == nil {
		return findings
	}
	for i := range g.report.Assessment.Steps {
		step := &g.report.Assessment.Steps[i]
		var closed, left []match.Finding
		for _, f := range findings {
			if step.Kind != assess.Except && slices.Contains(step.Closes, f.ID) && (len(step.Packages) == 0 || slices.Contains(step.Packages, f.Package)) {
				closed = append(closed, f)
			} else {
				left = append(left, f)
			}
		}
		if len(closed) > 0 {
			g.step(step, closed)
			findings = left
		}
	}
	return findings
}

func (g *annotations) step(step *assess.Step, closed []match.Finding) {
	a := annotation{kind: annotationKind(&closed[0]), title: Clean(step.Title), file: g.dockerfile, line: lineOf(g.report, &closed[0])}
	if e := step.Edit; e != nil && e.Line > 0 {
		a.file, a.line = strings.TrimPrefix(path.Clean(e.File), "/"), e.Line
	}
	lines := []string{closes(*step)}
	for _, line := range []string{step.Where, step.Note, step.Command} {
		if line != "" {
			lines = append(lines, Clean(line))
		}
	}
	a.message = strings.Join(append(lines, problemLines(closed)...), "\n")
	g.add(a)
}

// byUpgrade puts the findings together that one upgrade would end: those of a package, and of a distribution those of a source package
// that one layer brought.
func byUpgrade(findings []match.Finding) [][]match.Finding {
	return grouped(findings, func(f *match.Finding) string {
		if f.Of.OfDistribution() && f.Of.Source != nil && f.Layer != nil {
			return fmt.Sprintf("%s\x00%s\x00%d", f.Of.Type, f.Of.Source.Name, *f.Layer)
		}
		return f.Package
	})
}

// packages writes findings that no step closes. Where nothing mends them and nothing is to be acted on, it is a notice.
func (g *annotations) packages(findings []match.Finding) {
	f := &findings[0]
	a := annotation{kind: annotationKind(f), file: g.dockerfile, line: lineOf(g.report, f)}
	if a.kind == "warning" && fixOfAll(findings) == "" {
		a.kind = "notice"
	}
	a.title = Clean(f.Of.Name+" "+f.Of.Version) + ": " + Clean(f.ID)
	if n := len(byID(findings)); n > 1 {
		a.title = Clean(f.Of.Name+" "+f.Of.Version) + ": " + plural(n, "problem")
	}
	lines := append([]string{nextStep(findings...)}, problemLines(findings)...)
	if a.line == 0 && f.Of.Place() != "" {
		lines = append(lines, "in "+Clean(f.Of.Place()))
	}
	a.message = strings.Join(lines, "\n")
	g.add(a)
}

// annotationKind is GitHub's word for how grave a finding is.
func annotationKind(f *match.Finding) string {
	if level := sarifLevel(f); level != "note" {
		return level
	}
	return "notice"
}

// namedProblems is how many problems one annotation names.
const namedProblems = 5

// problemLines has a line for each of the first problems, and counts the rest.
func problemLines(findings []match.Finding) []string {
	var lines []string
	list, more := head(byID(findings), namedProblems, false)
	for _, p := range list {
		lines = append(lines, problemLine(&p[0]))
	}
	if more > 0 {
		lines = append(lines, "and "+number(more)+" more")
	}
	return lines
}

func (g *annotations) blindSpots(all bool) {
	if len(g.report.BlindSpots) == 0 {
		return
	}
	list, more := head(g.report.BlindSpots, shownBlindSpots, all)
	var lines []string
	for _, b := range list {
		lines = append(lines, spotLine(g.report, b))
	}
	if more > 0 {
		lines = append(lines, "and "+number(more)+" more")
	}
	g.add(annotation{kind: "warning", title: plural(len(g.report.BlindSpots), "blind spot") + ": not all could be read or judged", message: strings.Join(lines, "\n")})
}

func (g *annotations) quieted(findings []match.Finding, all bool) {
	var lines []string
	for i := range findings {
		if f := &findings[i]; f.Quieted != nil {
			lines = append(lines, headlineOf(f)+": quieted by "+because(f.Quieted))
		}
	}
	for _, c := range contrabandOf(g.report) {
		if c.quieted != nil {
			lines = append(lines, Clean(c.id)+": "+c.headline()+": quieted by "+because(c.quieted))
		}
	}
	if len(lines) == 0 {
		return
	}
	a := annotation{kind: "notice", title: plural(len(lines), "finding") + " quieted", message: "--all lists them, each with who says so, why, and until when"}
	if all {
		a.message = strings.Join(lines, "\n")
	}
	g.add(a)
}

// contraband writes an annotation for each rule and the layer that brought what it means.
func (g *annotations) contraband() {
	list := standing(told(g.report, false), false)
	for _, group := range grouped(list, func(c *contraband) string { return fmt.Sprint(c.id, "\x00", c.line(g.report), "\x00", c.briefly()) }) {
		c := &group[0]
		a := annotation{kind: strings.Replace(c.level(), "note", "notice", 1), file: g.dockerfile, line: c.line(g.report), title: Clean(c.id) + ": " + c.headline()}
		if n := len(group) - 1; n > 0 {
			a.title += ", and in " + plural(n, "other place")
		}
		lines := nonEmpty(Clean(c.mend), Clean(c.why), Clean(c.from()))
		shown, more := head(group, namedProblems, false)
		for i := range shown {
			lines = append(lines, Clean(strings.Join(nonEmpty(shown[i].where, shown[i].shown), ": ")))
		}
		if more > 0 {
			lines = append(lines, "and "+number(more)+" more")
		}
		a.message = strings.Join(nonEmpty(lines...), "\n")
		g.add(a)
	}
}

// shown gives the annotations by kind, errors in front, and of each kind no more than GitHub shows.
func (g *annotations) shown(all bool) []annotation {
	var out []annotation
	for _, kind := range []string{"error", "warning", "notice"} {
		var list []annotation
		for _, a := range g.list {
			if a.kind == kind {
				list = append(list, a)
			}
		}
		if left := len(list) - (shownAnnotations - 1); !all && left > 1 {
			list = append(list[:shownAnnotations-1], annotation{kind: kind, title: "and " + number(left) + " more", message: "tidewaiter scan --format github --all writes all of them"})
		}
		out = append(out, list...)
	}
	return out
}
