package declared

import (
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
)

// entry is a step of an image's history, in a form that can be compared.
type entry struct {
	kind, text string
	// layer is the index of the one that the step made; -1 where it made none.
	layer int
}

// maxTokens bounds how many words of a step are compared.
const maxTokens = 200

// newEntry reads "RUN make" or "COPY . /app".
func newEntry(h image.History) entry {
	kind, rest, _ := strings.Cut(strings.TrimSpace(h.Instruction), " ")
	return entry{strings.ToUpper(kind), strings.TrimSpace(rest), h.Layer}
}

// historyOf gives an image's history. fits is false where it does not tell which step made which layer.
func historyOf(im *image.Image) (entries []entry, fits bool) {
	made := 0
	for _, h := range im.History {
		if h.Layer >= 0 {
			made++
		}
		entries = append(entries, newEntry(h))
	}
	return entries, made == len(im.Layers)
}

// text is the entry as the history has it.
func (e *entry) String() string { return strings.TrimSpace(e.kind + " " + e.text) }

// terse says that a COPY or ADD tells no more than a digest and where it went: "file:1234.. in /app/".
func (e *entry) terse() bool {
	words := strings.Fields(e.text)
	return len(words) >= 3 && words[len(words)-2] == "in"
}

// tokens are the words of a step that can be compared.
func tokens(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\"'[]{},=", r) })
	return words[:min(len(words), maxTokens)]
}

// written is what a builder may write into the history for an instruction: as it stands there, and with its variables put in.
func (c *command) written(escape rune) []string {
	switch c.kind {
	case "RUN":
		if c.isHeredocAlone() && strings.HasPrefix(c.heredocs[0].Content, "#!") {
			return []string{c.script(), "/dev/pipes/" + c.heredocs[0].Name}
		}
		return []string{c.script()}
	case "COPY", "ADD":
		words := slices.Clone(c.sources)
		for _, f := range c.inline {
			words = append(words, "<<"+f.name)
		}
		return []string{strings.Join(append(words, c.dest), " "), strings.Join(c.words, " ")}
	case "WORKDIR":
		return []string{workdirAfter(c, escape), c.rest}
	case "ENV", "LABEL", "ARG":
		expanded := make([]string, 0, len(c.words))
		for _, w := range c.words {
			if w != "=" {
				expanded = append(expanded, c.context.expand(w, escape).text)
			}
		}
		return []string{strings.Join(expanded, " "), c.rest}
	case "CMD", "ENTRYPOINT":
		return []string{c.afterFlags(), strings.Join(commandLine(c), " ")}
	}
	return []string{c.context.expand(c.afterFlags(), escape).text, c.afterFlags()}
}

func workdirAfter(c *command, escape rune) string {
	dir := c.context.expand(strings.Join(c.words, " "), escape).text
	if !path.IsAbs(dir) {
		dir = path.Join("/", c.context.workdir, dir)
	}
	return path.Clean(dir)
}

// likeness says how well an entry of the history fits an instruction: 0 not at all, 1 fully, and what is less than half alike not at all.
func likeness(c *command, e *entry, escape rune) float64 {
	if c.kind != e.kind {
		return 0
	}
	best := 0.0
	for _, text := range c.written(escape) {
		best = max(best, sameText(text, e))
	}
	if c.kind == "COPY" || c.kind == "ADD" {
		best = max(best, sameDest(c, e))
	}
	if c.kind == "ARG" && len(c.words) > 0 {
		name, _, _ := strings.Cut(c.words[0], "=")
		if other, _, _ := strings.Cut(e.text, "="); other == name {
			best = 1
		}
	}
	if best < 0.5 {
		return 0
	}
	return best
}

// sameText compares the words; one with an unknown part or a variable may stand for any, at three quarters.
func sameText(text string, e *entry) float64 {
	told := withoutFlags(e.text)
	if strings.Join(strings.Fields(text), " ") == told {
		return 1
	}
	if e.kind == "RUN" && isWithShell(strings.Join(strings.Fields(text), " "), told) {
		return 1
	}
	a, b := tokens(text), tokens(told)
	if len(a)+len(b) == 0 {
		return 0
	}
	count := map[string]int{}
	for _, w := range b {
		count[w]++
	}
	common, wild := 0, 0
	for _, w := range a {
		switch {
		case count[w] > 0:
			count[w]--
			common++
		case strings.Contains(w, unknown) || strings.Contains(w, "$"):
			wild++
		}
	}
	wild = min(wild, len(b)-common)
	alike := 2 * (float64(common) + 0.75*float64(wild)) / float64(len(a)+len(b))
	return min(alike, 0.99)
}

// isWithShell says whether told is a command with a shell in front of it, and perhaps arguments of the build before that:
// "|1 A=b /bin/bash -o pipefail -c make" for "make".
func isWithShell(command, told string) bool {
	shell, ok := strings.CutSuffix(told, " "+command)
	if !ok || command == "" {
		return false
	}
	last := shell[strings.LastIndexByte(shell, ' ')+1:]
	return strings.EqualFold(last, "-Command") || strings.EqualFold(last, "/c") || strings.HasPrefix(last, "-") && strings.HasSuffix(last, "c")
}

// withoutFlags leaves out what a builder may tell or not.
func withoutFlags(text string) string {
	words := strings.Fields(text)
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

// sameDest compares where a COPY or ADD puts things, which is all that some builders tell of it.
func sameDest(c *command, e *entry) float64 {
	if !e.terse() {
		return 0
	}
	words := strings.Fields(e.text)
	dest := words[len(words)-1]
	switch {
	case path.Clean(dest) == path.Clean(c.dest):
		return 0.9
	case strings.Contains(c.dest, unknown), c.dest == ".", !path.IsAbs(c.dest) && strings.HasSuffix(path.Clean(dest), "/"+path.Clean(c.dest)),
		path.Clean(dest) == path.Join("/", c.context.workdir, c.dest):
		return 0.7
	}
	return 0
}

// saysOther says whether the history tells clearly of another instruction than the Dockerfile has: for RUN the whole text counts, for COPY
// and ADD the words, where it tells them.
func saysOther(c *command, e *entry, escape rune) bool {
	switch c.kind {
	case "RUN":
		if len(c.heredocs) > 0 { // each builder tells those in its own way
			return likeness(c, e, escape) == 0 && !strings.Contains(e.text, "<<") && !strings.Contains(e.text, "/dev/pipes/")
		}
	case "COPY", "ADD":
		if e.terse() || c.unsure {
			return false
		}
	default:
		return false // what they do stands in the config, which is compared
	}
	for _, text := range c.written(escape) {
		if sameText(text, e) == 1 || strings.Contains(text, unknown) {
			return false
		}
	}
	return true
}

// The costs of what is left over when instructions and history are laid side by side, against 1 for a full fit.
const (
	costBetween     = 0.15 // a step that no instruction made, between two that instructions made
	costAfter       = 0.02 // the same after the last: builders add labels there
	costInstruction = 0.1
)

// maxCells bounds the pairs of instruction and step that are weighed.
const maxCells = 4 << 20

// weigh says how well the i-th instruction fits the j-th step; 0 not at all.
type weigh func(i, j int) float64

// align is the best of all ways to lay n instructions beside m steps in their order: a dynamic programme over what is left of both, from
// their ends. For each instruction it gives its step, or -1. The steps before first are the base's: what stands before the first that
// fits costs nothing.
func align(n, m int, fits weigh) (steps []int, score float64) {
	steps = slices.Repeat([]int{-1}, n)
	if n == 0 || m == 0 || (n+1)*(m+1) > maxCells {
		return steps, 0
	}
	width := m + 1
	cells := make([]float64, (n+1)*width)
	weights := make([]float64, n*m)
	for j := m - 1; j >= 0; j-- {
		cells[n*width+j] = cells[n*width+j+1] - costAfter
	}
	for i := n - 1; i >= 0; i-- {
		cells[i*width+m] = cells[(i+1)*width+m] - costInstruction
		for j := m - 1; j >= 0; j-- {
			v := max(cells[(i+1)*width+j]-costInstruction, cells[i*width+j+1]-costBetween)
			w := fits(i, j)
			if weights[i*m+j] = w; w > 0 {
				v = max(v, cells[(i+1)*width+j+1]+w)
			}
			cells[i*width+j] = v
		}
	}
	start := 0
	for j := range width { // of equal beginnings the last: what comes before is the base's
		if cells[j] >= cells[start] {
			start = j
		}
	}
	for i, j := 0, start; i < n && j < m; {
		switch v := cells[i*width+j]; {
		case weights[i*m+j] > 0 && v == cells[(i+1)*width+j+1]+weights[i*m+j]:
			steps[i] = j
			i, j = i+1, j+1
		case v == cells[(i+1)*width+j]-costInstruction:
			i++
		default:
			j++
		}
	}
	return steps, cells[start]
}
