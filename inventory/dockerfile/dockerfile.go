// Package dockerfile finds the lines of a Dockerfile that made the steps of an image's history.
//
// In go a Dockerfile and the history as an image's config tells it; out comes, for each step, the line of the
// instruction that it was made by. Only what can be recognised gets a line: a wrong one is worse than none.
//
// This package must never build or run anything, and never look at a file: it is given the Dockerfile's bytes.
package dockerfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Bounds on a Dockerfile, far above those that people write.
const (
	maxSize         = 1 << 20 // bytes
	maxInstructions = 2000
	// maxExpanded bounds the bytes that the variables of one word stand for: arguments may be made of arguments.
	maxExpanded = 4 << 10
)

// File is a Dockerfile, in its stages.
type File struct {
	stages []stage
}

// stage is what stands between one FROM and the next.
type stage struct {
	// base is what the stage begins with, its variables put in; line is that of its FROM.
	base string
	line int
	// parent is the earlier stage that base names; -1 where it is an image.
	parent       int
	instructions []instruction
}

// instruction is one that leaves a step in the history.
type instruction struct {
	line int
	step
	node *parser.Node
}

// Parse reads a Dockerfile. args are the build arguments that were given to the build; they matter where a FROM names
// one.
func Parse(source []byte, args map[string]string) (*File, error) {
	r, err := parse(source, args)
	if err != nil {
		return nil, err
	}
	return &File{r.stages}, nil
}

// parse reads a Dockerfile into its stages.
func parse(source []byte, args map[string]string) (*reader, error) {
	if len(source) > maxSize {
		return nil, fmt.Errorf("the Dockerfile has %d bytes; those of more than %d are not read", len(source), maxSize)
	}
	result, err := parser.Parse(bytes.NewReader(source))
	if err != nil {
		return nil, fmt.Errorf("the Dockerfile cannot be read: %w", err)
	}
	if len(result.AST.Children) > maxInstructions {
		return nil, fmt.Errorf("the Dockerfile has more than %d instructions, which is not read", maxInstructions)
	}
	r := &reader{args: args, globals: map[string]string{}, named: map[string]int{}}
	for _, n := range result.AST.Children {
		r.read(n)
	}
	if len(r.stages) == 0 {
		return nil, errors.New("the Dockerfile has no FROM")
	}
	return r, nil
}

// reader gathers the stages of a Dockerfile.
type reader struct {
	stages []stage
	// args are given to the build, globals are those declared before the first FROM.
	args, globals map[string]string
	named         map[string]int
}

func (r *reader) read(n *parser.Node) {
	switch kind := strings.ToUpper(n.Value); {
	case kind == "FROM":
		r.from(n)
	case len(r.stages) == 0:
		if kind == "ARG" {
			r.global(n)
		}
	case kind != "ONBUILD": // it works in other builds than this one
		s := &r.stages[len(r.stages)-1]
		s.instructions = append(s.instructions, instruction{n.StartLine, newStep(kind, text(n)), n})
	}
}

// global notes the arguments that a FROM may name.
func (r *reader) global(n *parser.Node) {
	for a := n.Next; a != nil; a = a.Next {
		name, value, _ := strings.Cut(a.Value, "=")
		value = r.expand(unquoted(value))
		if given, ok := r.args[name]; ok {
			value = given
		}
		r.globals[name] = value
	}
}

// from begins a stage: FROM base [AS name].
func (r *reader) from(n *parser.Node) {
	var words []string
	for a := n.Next; a != nil; a = a.Next {
		words = append(words, a.Value)
	}
	s := stage{line: n.StartLine, parent: -1}
	if len(words) > 0 {
		s.base = r.expand(unquoted(words[0]))
	}
	if earlier, ok := r.named[strings.ToLower(s.base)]; ok {
		s.parent = earlier
	}
	if len(words) == 3 && strings.EqualFold(words[1], "AS") {
		r.named[strings.ToLower(words[2])] = len(r.stages)
	}
	r.stages = append(r.stages, s)
}

// expand puts the global arguments into a word.
func (r *reader) expand(word string) string {
	return expand(word, func(name string) string { return r.globals[name] })
}

// expand puts the values of variables into a word; it is empty where they are too long to be a name.
func expand(word string, lookup func(name string) string) string {
	left := maxExpanded
	expanded := os.Expand(word, func(variable string) string {
		value := substitute(variable, lookup)
		if left -= len(value); left < 0 {
			return ""
		}
		return value
	})
	if left < 0 {
		return ""
	}
	return expanded
}

// substitute is what a variable stands for: NAME, NAME:-default or NAME:+other.
func substitute(variable string, lookup func(name string) string) string {
	if name, fallback, ok := strings.Cut(variable, ":-"); ok {
		return cmp.Or(lookup(name), fallback)
	}
	if name, other, ok := strings.Cut(variable, ":+"); ok {
		if lookup(name) == "" {
			return ""
		}
		return other
	}
	return lookup(variable)
}

// text is what follows an instruction's keyword and flags, as the history would tell it.
func text(n *parser.Node) string {
	if len(n.Heredocs) > 0 {
		return heredocText(n)
	}
	if n.Attributes["json"] {
		var words []string
		for a := n.Next; a != nil; a = a.Next {
			words = append(words, a.Value)
		}
		return strings.Join(words, " ")
	}
	return original(n)
}

// original is the line after its keyword; newStep takes the flags off.
func original(n *parser.Node) string {
	line := strings.TrimSpace(n.Original)
	return line[min(len(n.Value), len(line)):]
}

// heredocText tells a here-document as BuildKit does: a command that is nothing but a here-document is its content, or
// the name of a file where the content says by which program it wants to be run.
func heredocText(n *parser.Node) string {
	line := strings.TrimSpace(original(n))
	for strings.HasPrefix(line, "--") {
		_, rest, _ := strings.Cut(line, " ")
		line = strings.TrimSpace(rest)
	}
	first := n.Heredocs[0]
	if !strings.EqualFold(n.Value, "RUN") {
		return line
	}
	if len(n.Heredocs) == 1 && strings.HasPrefix(line, "<<") && !strings.ContainsAny(line, " \t") {
		if strings.HasPrefix(first.Content, "#!") {
			return "/dev/pipes/" + first.Name
		}
		return first.Content
	}
	var b strings.Builder
	b.WriteString(line)
	for _, h := range n.Heredocs {
		b.WriteString("\n" + h.Content + h.Name)
	}
	return b.String()
}
