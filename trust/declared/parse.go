package declared

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Bounds on a Dockerfile, far above those that people write.
const (
	maxSize         = 1 << 20 // bytes
	maxInstructions = 2000
	// maxWord bounds the bytes of a word once its variables are put in: arguments may be made of arguments.
	maxWord = 64 << 10
)

// file is a Dockerfile: its stages, and the arguments that stand before the first of them.
type file struct {
	stages  []*stage
	globals []*command
	escape  rune
}

// stage is what stands between one FROM and the next.
type stage struct {
	index int
	from  *command
	// image is what the stage begins with, its variables put in, and name what the stage is called; empty where it is not.
	image, name string
	// unsure says that an argument of the image's name may have had another value.
	unsure bool
	// parent is the earlier stage that image names; -1 where it is an image.
	parent   int
	commands []*command
}

// command is one instruction.
type command struct {
	// kind is the keyword in upper case.
	kind string
	line int
	// words are what follows the keyword and the flags; json says that they were written as a list.
	words []string
	json  bool
	flags []string
	// rest is what follows the keyword, as it stands there, its lines joined.
	rest     string
	heredocs []parser.Heredoc
	// trigger is what ONBUILD keeps for later.
	trigger *command
	stage   int
	// context is what the instructions before it leave; set by evaluation.
	context scope
	// sources and dest are those of COPY and ADD, with their variables put in; unsure says that one of them may have another value.
	sources []string
	dest    string
	unsure  bool
	inline  []inlineFile
}

// inlineFile is a here-document of COPY.
type inlineFile struct {
	name, content string
	unsure        bool
}

// text is the instruction on one line, as screens show it.
func (c *command) text() string {
	text := c.kind + " " + strings.Join(strings.Fields(c.rest), " ")
	if len(c.heredocs) > 0 && c.kind == "RUN" {
		text += " " + strings.Join(strings.Fields(c.heredocs[0].Content), " ")
	}
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strings.TrimSpace(text)
}

// flag gives a flag's value; the last one counts.
func (c *command) flag(name string) (value string, ok bool) {
	for _, f := range c.flags {
		if n, v, _ := strings.Cut(strings.TrimPrefix(f, "--"), "="); strings.EqualFold(n, name) {
			value, ok = v, true
		}
	}
	return value, ok
}

// isSet says whether a flag that is a switch is on.
func (c *command) isSet(name string) bool {
	value, ok := c.flag(name)
	return ok && !strings.EqualFold(value, "false")
}

// all gives the values of a flag that may repeat.
func (c *command) all(name string) []string {
	var values []string
	for _, f := range c.flags {
		if n, v, _ := strings.Cut(strings.TrimPrefix(f, "--"), "="); strings.EqualFold(n, name) {
			values = append(values, v)
		}
	}
	return values
}

// makesFiles says whether the instruction is one that may change the file system.
func (c *command) makesFiles() bool {
	switch c.kind {
	case "RUN", "COPY", "ADD", "WORKDIR":
		return true
	}
	return false
}

// parse reads a Dockerfile. What FROM names is not yet known: see evaluation.
func parse(source []byte) (*file, error) {
	if len(source) > maxSize {
		return nil, fmt.Errorf("the Dockerfile has %d bytes; those of more than %d are not read", len(source), maxSize)
	}
	// No path and no command has these bytes, and unknown is one of them.
	source = bytes.ToValidUTF8(bytes.ReplaceAll(source, []byte(unknown), []byte("\uFFFD")), []byte("\uFFFD"))
	result, err := parser.Parse(bytes.NewReader(source))
	if err != nil {
		return nil, fmt.Errorf("the Dockerfile cannot be read: %w", err)
	}
	if len(result.AST.Children) > maxInstructions {
		return nil, fmt.Errorf("the Dockerfile has more than %d instructions, which is not read", maxInstructions)
	}
	f := &file{escape: result.EscapeToken}
	for _, n := range result.AST.Children {
		c := newCommand(n)
		switch {
		case c.kind == "FROM":
			f.stages = append(f.stages, &stage{index: len(f.stages), from: c, parent: -1})
		case len(f.stages) > 0:
			s := f.stages[len(f.stages)-1]
			c.stage = s.index
			s.commands = append(s.commands, c)
		case c.kind == "ARG":
			f.globals = append(f.globals, c)
		}
	}
	if len(f.stages) == 0 {
		return nil, errors.New("the Dockerfile has no FROM")
	}
	return f, nil
}

func newCommand(n *parser.Node) *command {
	c := &command{kind: strings.ToUpper(n.Value), line: n.StartLine, json: n.Attributes["json"], flags: n.Flags, heredocs: n.Heredocs}
	line := strings.TrimSpace(n.Original)
	c.rest = strings.TrimSpace(line[min(len(n.Value), len(line)):])
	if c.kind == "ONBUILD" && n.Next != nil && len(n.Next.Children) > 0 {
		c.trigger = newCommand(n.Next.Children[0])
		c.trigger.line, c.trigger.heredocs = c.line, n.Heredocs
		return c
	}
	for a := n.Next; a != nil; a = a.Next {
		c.words = append(c.words, a.Value)
	}
	return c
}

// afterFlags is what follows the keyword and its flags.
func (c *command) afterFlags() string {
	rest := c.rest
	for strings.HasPrefix(rest, "--") {
		end := strings.IndexAny(rest, " \t\n")
		if end < 0 {
			return ""
		}
		rest = strings.TrimSpace(rest[end:])
	}
	return rest
}

// script is what RUN gives to the shell, or the words of a program to run without one joined by spaces. Where it is a
// here-document, that is the script, as long as it does not name another program to run it.
func (c *command) script() string {
	rest := c.afterFlags()
	if c.json {
		return strings.Join(c.words, " ")
	}
	if len(c.heredocs) == 0 {
		return rest
	}
	if c.isHeredocAlone() {
		return chomped(c.heredocs[0])
	}
	var b strings.Builder
	b.WriteString(rest)
	for _, h := range c.heredocs {
		b.WriteString("\n" + h.Content + h.Name)
	}
	b.WriteString("\n")
	return b.String()
}

func (c *command) isHeredocAlone() bool {
	rest := c.afterFlags()
	return len(c.heredocs) == 1 && strings.HasPrefix(rest, "<<") && !strings.ContainsAny(rest, " \t")
}

func chomped(h parser.Heredoc) string {
	if h.Chomp {
		return parser.ChompHeredocContent(h.Content)
	}
	return h.Content
}
