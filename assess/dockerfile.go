package assess

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Dockerfile is a Dockerfile that was read, and of which single instructions can be edited. An edit changes one line of one instruction;
// comments, continued lines and all else stay as they are, byte for byte. Nil knows nothing and edits nothing.
type Dockerfile struct {
	name string
	// lines are those of the file, each with its line break.
	lines        []string
	instructions []instruction
	stages       []buildStage
	args         map[string]string
}

// instruction is one instruction of a Dockerfile, at lines start to end, from 1.
type instruction struct {
	*parser.Node
	kind  string // "RUN"
	start int
	end   int
}

// buildStage is what stands between one FROM and the next.
type buildStage struct {
	from int // the FROM, as an index of instructions
	// base is the word that the FROM names, as it is written, and named its name; parent is the earlier stage that base means, -1 for an image.
	base, named string
	parent      int
}

// Bounds on a Dockerfile, far above those that people write.
const (
	maxDockerfile   = 1 << 20 // bytes
	maxInstructions = 2000
)

// ParseDockerfile reads a Dockerfile. name is what its user calls it; args are the build arguments that were given to the build, as far as
// they are known: what they set, no edit changes.
func ParseDockerfile(name string, source []byte, args map[string]string) (*Dockerfile, error) {
	if len(source) > maxDockerfile {
		return nil, fmt.Errorf("%s has %d bytes; a Dockerfile of more than %d is not read", name, len(source), maxDockerfile)
	}
	result, err := parser.Parse(bytes.NewReader(source))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as a Dockerfile: %w", name, err)
	}
	if len(result.AST.Children) > maxInstructions {
		return nil, fmt.Errorf("%s has more than %d instructions, which is not read", name, maxInstructions)
	}
	d := &Dockerfile{name: name, lines: strings.SplitAfter(string(source), "\n"), args: args}
	for _, n := range result.AST.Children {
		d.instructions = append(d.instructions, instruction{Node: n, kind: strings.ToUpper(n.Value), start: n.StartLine, end: n.EndLine})
	}
	d.findStages()
	if len(d.stages) == 0 {
		return nil, fmt.Errorf("%s has no FROM", name)
	}
	return d, nil
}

func (d *Dockerfile) findStages() {
	named := map[string]int{}
	for i, in := range d.instructions {
		if in.kind != "FROM" || in.Next == nil {
			continue
		}
		words := in.words()
		s := buildStage{from: i, base: words[0], parent: -1}
		if earlier, ok := named[strings.ToLower(d.expand(words[0]))]; ok {
			s.parent = earlier
		}
		if len(words) == 3 && strings.EqualFold(words[1], "AS") {
			s.named = words[2]
			named[strings.ToLower(s.named)] = len(d.stages)
		}
		d.stages = append(d.stages, s)
	}
}

// words are what follows an instruction's keyword and flags.
func (in *instruction) words() []string {
	var words []string
	for n := in.Next; n != nil; n = n.Next {
		words = append(words, n.Value)
	}
	return words
}

// target gives the stages that the image is built by, the one that names an image first. from is the line of that FROM, where it is known;
// else the last stage is taken to be the image's.
func (d *Dockerfile) target(from int) []int {
	for last := len(d.stages) - 1; last >= 0; last-- {
		var chain []int
		for s := last; s >= 0; s = d.stages[s].parent {
			chain = append(chain, s)
		}
		slices.Reverse(chain)
		if from == 0 || d.instructions[d.stages[chain[0]].from].start == from {
			return chain
		}
	}
	return nil
}

// runs gives the RUN instructions of some stages in shell form, as indexes of instructions.
func (d *Dockerfile) runs(stages []int) []int {
	var list []int
	for _, s := range stages {
		for i := d.stages[s].from + 1; i < len(d.instructions) && d.instructions[i].kind != "FROM"; i++ {
			if in := &d.instructions[i]; in.kind == "RUN" && !in.Attributes["json"] {
				list = append(list, i)
			}
		}
	}
	return list
}

// globalArg is an ARG before the first FROM, with its default.
type globalArg struct {
	instruction  int
	value        string
	hasDefault   bool
	given, twice bool
}

func (d *Dockerfile) globalArg(name string) (globalArg, bool) {
	var found globalArg
	ok := false
	for i := range d.instructions {
		in := &d.instructions[i]
		if in.kind == "FROM" {
			break
		}
		if in.kind != "ARG" {
			continue
		}
		for _, word := range in.words() {
			if n, value, set := strings.Cut(word, "="); n == name {
				found = globalArg{instruction: i, value: strings.Trim(value, `"'`), hasDefault: set, twice: ok}
				ok = true
			}
		}
	}
	_, found.given = d.args[name]
	return found, ok
}

// expand puts the defaults of arguments, or what was given for them, into a word of a FROM. Arguments may be made of arguments: a few levels
// are followed.
func (d *Dockerfile) expand(word string) string {
	for range 4 {
		if !strings.Contains(word, "$") || len(word) > 1<<12 {
			break
		}
		word = os.Expand(word, func(variable string) string {
			name, fallback, _ := strings.Cut(variable, ":-")
			if given, ok := d.args[name]; ok {
				return given
			}
			if a, ok := d.globalArg(name); ok && a.value != "" {
				return a.value
			}
			return fallback
		})
	}
	return strings.Trim(word, `"'`)
}

// Base is the image that the Dockerfile's image is built on, arguments put in, and the line of its FROM. fromLine is that line where it is
// known, 0 otherwise. The name is empty where an argument that nobody set has it.
func (d *Dockerfile) Base(fromLine int) (name string, line int) {
	if d == nil {
		return "", 0
	}
	chain := d.target(fromLine)
	if len(chain) == 0 {
		return "", 0
	}
	s := d.stages[chain[0]]
	return d.expand(s.base), d.instructions[s.from].start
}

// nameOr is what the file is called; name where none is known.
func (d *Dockerfile) nameOr(name string) string {
	if d == nil {
		return name
	}
	return d.name
}

// errNoDockerfile is what edits of no Dockerfile end with.
var errNoDockerfile = errors.New("no Dockerfile is known")

// Apply makes the edit in a file's content. It is an error where the line is no longer what it was.
func (e *Edit) Apply(source []byte) ([]byte, error) {
	lines := strings.SplitAfter(string(source), "\n")
	if e.Line < 1 || e.Line > len(lines) {
		return nil, fmt.Errorf("%s has no line %d: it has changed since it was read", e.File, e.Line)
	}
	old := lines[e.Line-1]
	text, ending := cutEnding(old)
	if text != e.Old {
		return nil, fmt.Errorf("%s:%d is no longer what it was when it was read", e.File, e.Line)
	}
	lines[e.Line-1] = e.New + ending
	return []byte(strings.Join(lines, "")), nil
}

func cutEnding(line string) (text, ending string) {
	text = strings.TrimRight(line, "\r\n")
	return text, line[len(text):]
}

// place is where the edit is made, as people write it.
func (e *Edit) place() string { return fmt.Sprintf("%s:%d", e.File, e.Line) }
