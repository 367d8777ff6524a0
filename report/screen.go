package report

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tidewaiter/match"
)

// screen writes aligned lines of at most width columns. Errors are the writer's: a bufio.Writer keeps the first.
type screen struct {
	w     io.Writer
	width int
	color bool
	steps string // see [TextOptions]
}

func newScreen(w io.Writer, o TextOptions) *screen {
	return &screen{w: w, width: cmp.Or(o.Width, 100), color: o.Color, steps: o.Steps}
}

const (
	ansiReset  = "\x1b[0m"
	ansiBold   = "\x1b[1m"
	ansiRed    = "\x1b[31m"
	ansiYellow = "\x1b[33m"
	ansiFaint  = "\x1b[2m"
)

func (s *screen) paint(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return code + text + ansiReset
}

func (s *screen) bold(text string) string { return s.paint(ansiBold, text) }
func (s *screen) red(text string) string  { return s.paint(ansiRed, text) }

// severity colours by gravity; the word itself always stands there, for those who do not see the colour.
func (s *screen) severity(l match.Level, text string) string {
	switch l {
	case match.Critical:
		return s.paint(ansiBold+ansiRed, text)
	case match.High:
		return s.paint(ansiRed, text)
	case match.Medium, match.Unknown:
		return s.paint(ansiYellow, text)
	}
	return s.paint(ansiFaint, text)
}

func (s *screen) line(parts ...string) {
	fmt.Fprintln(s.w, strings.TrimRight(strings.Join(parts, ""), " "))
}

// fact writes a line of the header: a word and what is known under it.
func (s *screen) fact(word, text string) {
	const column = 9
	s.wrapped("  "+word+strings.Repeat(" ", column-len(word)), text)
}

func (s *screen) section(title, note string) {
	s.line()
	if note != "" {
		note = s.paint(ansiFaint, "  "+note)
	}
	s.line("  ", s.bold(title), note)
}

// more says how many of a list are not shown, and how to see them.
func (s *screen) more(n int, word string) {
	if n > 0 {
		s.line("    ", s.paint(ansiFaint, fmt.Sprintf("and %s more: --all lists them", plural(n, word))))
	}
}

// table writes rows in aligned columns. Where the rows are wider than the screen, columns give way in the order that
// yield names, each down to least; what is cut has an ellipsis.
func (s *screen) table(rows [][]string, yield ...int) {
	const (
		indent = "    "
		gap    = 2
		least  = 12
	)
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], visible(cell))
		}
	}
	over := len(indent) + gap*(len(widths)-1) - s.width
	for _, w := range widths {
		over += w
	}
	for _, i := range yield {
		give := min(max(over, 0), max(widths[i]-least, 0))
		widths[i] -= give
		over -= give
	}
	for _, row := range rows {
		var b strings.Builder
		b.WriteString(indent)
		for i, cell := range row {
			cell = truncate(cell, widths[i])
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-visible(cell)+gap))
		}
		s.line(b.String())
	}
}

// wrapped writes text after a prefix, broken between words; further lines stand under the first.
func (s *screen) wrapped(prefix, text string) {
	column := visible(prefix)
	line, used := prefix, column
	for i, word := range strings.SplitAfter(text, " ") {
		n := visible(word)
		if i > 0 && used+visible(strings.TrimRight(word, " ")) > s.width {
			s.line(line)
			line, used = strings.Repeat(" ", column+2), column+2
		}
		line += word
		used += n
	}
	s.line(line)
}

// visible counts the columns that a text takes, colours aside.
func visible(text string) int {
	n, escape := 0, false
	for _, r := range text {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			n++
		}
	}
	return n
}

// truncate cuts a text to n columns: at its front where its end tells more, as that of a path, of a package's long name and of a
// change of versions does, anything else at its end. A coloured text is a severity word, short by nature, and is left whole.
func truncate(text string, n int) string {
	if visible(text) <= n || strings.ContainsRune(text, '\x1b') || n < 1 {
		return text
	}
	if w := strings.Fields(text); len(w) == 5 && w[3] == "->" && n > len(w[0])+2 { // upgrade NAME OLD -> NEW: NEW counts, and the end of NAME
		short := w[1] + " -> " + w[4]
		if visible(short) >= n-len(w[0]) {
			short = truncate("/"+short, n-len(w[0])-1)
		}
		return w[0] + " " + short
	}
	runes := []rune(text)
	if runes[0] == '/' || strings.Contains(text, " -> ") || !strings.Contains(text, " ") && strings.ContainsAny(text, "/:") {
		return "…" + string(runes[len(runes)-n+1:])
	}
	return string(runes[:n-1]) + "…"
}

// Clean makes text that came out of an image safe to show: control characters, which a terminal would obey, and
// the marks that turn the direction of writing become visible escapes.
func Clean(text string) string {
	safe := func(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
	if strings.IndexFunc(text, func(r rune) bool { return !safe(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if safe(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// plural writes a count with its noun.
func plural(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return number(n) + " " + noun
}

// number writes a count with its thousands apart.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
