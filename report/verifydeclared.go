package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/trust"
)

// shownDeclared is how many differences of one instruction are shown, unless all is asked for.
const shownDeclared = 6

// declaredPart writes how the image compares with its Dockerfile: a line for each instruction with its verdict, and under it what differs;
// then what belongs to no instruction. Instructions that are as declared are only counted, unless all is asked for.
func (s *screen) declaredPart(d *trust.Declared, all bool) {
	s.section("Declared against actual", declaredNote(d))
	column := declaredColumn(d)
	asDeclared := 0
	for i := range d.Instructions {
		in := &d.Instructions[i]
		if in.Verdict == trust.AsDeclared && !all {
			asDeclared++
			continue
		}
		s.declaredInstruction(in, column)
		s.undeclared(d.Differences, func(u *trust.Undeclared) bool { return u.Line > 0 && u.Line == in.Line && u.Instruction == in.Text }, all)
	}
	ofNone := func(u *trust.Undeclared) bool { return !hasInstruction(d, u) }
	if slices.ContainsFunc(d.Differences, func(u trust.Undeclared) bool { return ofNone(&u) }) {
		s.line("    ", "of no instruction")
		s.undeclared(d.Differences, ofNone, all)
	}
	if asDeclared > 0 {
		s.line("    ", plural(asDeclared, "instruction"), " as declared", s.paint(ansiFaint, "  (--all lists them)"))
	}
	for _, n := range d.Notes {
		s.wrapped("    ", s.paint(ansiFaint, "note: ")+Clean(n))
	}
}

// declaredNote says what was compared with what.
func declaredNote(d *trust.Declared) string {
	note := Clean(d.Dockerfile)
	if d.Attested != "" {
		note = "the Dockerfile of the provenance, which is " + d.Attested.Words()
	}
	if d.Context != "" {
		note += ", context " + Clean(d.Context)
	}
	return note
}

// declaredColumn is the width of the longest line number.
func declaredColumn(d *trust.Declared) int {
	width := 0
	for i := range d.Instructions {
		width = max(width, len(fmt.Sprint(d.Instructions[i].Line)))
	}
	return width
}

// hasInstruction says whether a difference is shown with an instruction.
func hasInstruction(d *trust.Declared, u *trust.Undeclared) bool {
	return slices.ContainsFunc(d.Instructions, func(in trust.DeclaredInstruction) bool {
		return u.Line > 0 && in.Line == u.Line && in.Text == u.Instruction
	})
}

// declaredInstruction writes one instruction: its line, how it came out, what it brought, and what the verdict rests on.
func (s *screen) declaredInstruction(in *trust.DeclaredInstruction, column int) {
	verdict := fmt.Sprintf("%-14s", in.Verdict)
	switch in.Verdict {
	case trust.Differs:
		verdict = s.red(verdict)
	case trust.Untold:
		verdict = s.paint(ansiYellow, verdict)
	}
	head := fmt.Sprintf("    %*d  ", column, in.Line) + verdict + "  "
	text := Clean(in.Text)
	if brought := declaredBrought(in); brought != "" {
		text = truncate(text, max(s.width-visible(head)-len(brought)-2, 20)) + s.paint(ansiFaint, "  "+brought)
	} else {
		text = truncate(text, max(s.width-visible(head), 20))
	}
	s.line(head, text)
	if in.Note != "" {
		s.wrapped(strings.Repeat(" ", visible(head)), s.paint(ansiFaint, Clean(in.Note)))
	}
}

// declaredBrought counts what an instruction brought.
func declaredBrought(in *trust.DeclaredInstruction) string {
	var parts []string
	if in.Packages > 0 {
		parts = append(parts, plural(in.Packages, "package"))
	}
	if in.Files > 0 {
		parts = append(parts, plural(in.Files, "file"))
	}
	return strings.Join(parts, ", ")
}

// undeclared writes the differences that are chosen.
func (s *screen) undeclared(list []trust.Undeclared, chosen func(*trust.Undeclared) bool, all bool) {
	shown, more := 0, 0
	for i := range list {
		u := &list[i]
		switch {
		case !chosen(u):
		case shown == shownDeclared && !all:
			more++
		default:
			shown++
			s.undeclaredThing(u)
		}
	}
	s.more(more, "difference")
}

// undeclaredThing writes one difference: what, both sides, and why.
func (s *screen) undeclaredThing(u *trust.Undeclared) {
	what := fmt.Sprintf("%-11s ", u.Kind) + s.red(Clean(u.Subject))
	if u.Layer != nil && u.Line == 0 && u.Kind != trust.LayerWithout {
		what += s.paint(ansiFaint, fmt.Sprintf("  layer %d", *u.Layer))
	}
	s.wrapped("      ! ", what)
	if sides := declaredSides(u); sides != "" {
		s.wrapped("                    ", sides)
	}
	s.wrapped("                    ", Clean(u.Why))
}

// declaredSides writes what was declared and what there is, digests in short.
func declaredSides(u *trust.Undeclared) string {
	side := func(text string) string {
		if strings.HasPrefix(text, "sha256:") {
			return short(text)
		}
		return Clean(text)
	}
	switch {
	case u.Declared == "" && u.Actual == "", u.Kind == trust.InstructionWithout: // the instruction stands above
		return ""
	case u.Declared == "":
		return "actual " + side(u.Actual)
	case u.Actual == "":
		return "declared " + side(u.Declared)
	}
	return "declared " + side(u.Declared) + ", actual " + cmp.Or(side(u.Actual), "nothing")
}
