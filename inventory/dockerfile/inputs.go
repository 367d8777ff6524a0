package dockerfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// InputKind is what a Dockerfile asks for.
type InputKind string

// The kinds of inputs.
const (
	// FromImage is an image that a stage begins with, or that files are copied or mounted from.
	FromImage InputKind = "image"
	// FromGit and FromHTTP are what ADD fetches.
	FromGit  InputKind = "git"
	FromHTTP InputKind = "http"
	// FromFrontend is the image of the program that reads the Dockerfile itself.
	FromFrontend InputKind = "frontend"
	// FromRun is a RUN instruction that is allowed the network: what it fetches only its command knows.
	FromRun InputKind = "run"
)

// Input is one thing that a Dockerfile asks for.
type Input struct {
	Kind InputKind
	// Name is how it is asked for, with variables put in: a reference, a URL, or a RUN's command.
	Name string
	// Checksum is what ADD demands of what it fetches; empty where it demands nothing.
	Checksum string
	Line     int
}

// Inputs gives what the build of a stage asks for, by that stage and those that it needs, in the order of the file. target is the stage's
// name or number; empty for the last one.
func Inputs(source []byte, args map[string]string, target string) ([]Input, error) {
	r, err := parse(source, args)
	if err != nil {
		return nil, err
	}
	last := len(r.stages) - 1
	if target != "" {
		if last = r.stageCalled(target, len(r.stages)); last < 0 {
			return nil, fmt.Errorf("the Dockerfile has no stage %q", target)
		}
	}
	var inputs []Input
	if reference, _, lines, ok := parser.DetectSyntax(source); ok && len(lines) > 0 {
		reference, _, _ = strings.Cut(reference, " ")
		inputs = append(inputs, Input{Kind: FromFrontend, Name: reference, Line: lines[0].Start.Line})
	}
	needed := map[int]bool{last: true}
	var byStage [][]Input // the last stage first: a stage needs only those before it
	for i := last; i >= 0; i-- {
		if needed[i] {
			byStage = append(byStage, r.stageInputs(i, needed))
		}
	}
	slices.Reverse(byStage)
	return slices.Concat(inputs, slices.Concat(byStage...)), nil
}

// stageInputs gives what one stage asks for, and notes the stages that it needs.
func (r *reader) stageInputs(i int, needed map[int]bool) []Input {
	s := &r.stages[i]
	own := &stageInputs{reader: r, stage: i, needed: needed, values: map[string]string{}}
	if s.parent >= 0 {
		needed[s.parent] = true
	} else {
		own.image(s.base, s.line)
	}
	for _, in := range s.instructions {
		own.read(in)
	}
	return own.inputs
}

// stageInputs gathers what one stage asks for.
type stageInputs struct {
	*reader
	stage  int
	needed map[int]bool
	// values are those of the variables that the stage has set so far.
	values map[string]string
	inputs []Input
}

func (s *stageInputs) read(in instruction) {
	switch in.kind {
	case "ARG":
		s.arguments(in.node)
	case "ENV":
		for a := in.node.Next; a != nil && a.Next != nil && a.Next.Next != nil; a = a.Next.Next.Next { // name, value, separator
			s.values[a.Value] = s.expand(unquoted(a.Next.Value))
		}
	case "COPY":
		s.from(flag(in.node, "from"), in.line)
	case "ADD":
		s.added(in)
	case "RUN":
		s.run(in)
	}
}

// arguments notes the arguments that the stage may use.
func (s *stageInputs) arguments(n *parser.Node) {
	for a := n.Next; a != nil; a = a.Next {
		name, value, has := strings.Cut(a.Value, "=")
		value = s.expand(unquoted(value))
		if given, ok := s.args[name]; ok {
			value = given
		} else if !has {
			value = s.globals[name]
		}
		s.values[name] = value
	}
}

// from notes what files are copied or mounted from: an earlier stage, or an image.
func (s *stageInputs) from(name string, line int) {
	if name == "" {
		return
	}
	if earlier := s.stageCalled(name, s.stage); earlier >= 0 {
		s.needed[earlier] = true
		return
	}
	s.image(s.expand(name), line)
}

func (s *stageInputs) image(reference string, line int) {
	if reference != "" && reference != "scratch" {
		s.inputs = append(s.inputs, Input{Kind: FromImage, Name: reference, Line: line})
	}
}

// added notes what an ADD fetches.
func (s *stageInputs) added(in instruction) {
	for a := in.node.Next; a != nil && a.Next != nil; a = a.Next { // the last word is where it goes
		source := s.expand(unquoted(a.Value))
		switch {
		case isGit(source):
			s.inputs = append(s.inputs, Input{FromGit, source, s.expand(flag(in.node, "checksum")), in.line})
		case strings.HasPrefix(source, "http://"), strings.HasPrefix(source, "https://"):
			s.inputs = append(s.inputs, Input{FromHTTP, source, s.expand(flag(in.node, "checksum")), in.line})
		}
	}
}

// isGit says whether ADD clones a source (https://docs.docker.com/reference/dockerfile/#add).
func isGit(source string) bool {
	repository, _, _ := strings.Cut(source, "#")
	repository, _, _ = strings.Cut(repository, "?")
	switch {
	case strings.HasPrefix(source, "git@"), strings.HasPrefix(source, "git://"), strings.HasPrefix(source, "ssh://"):
		return true
	}
	return strings.HasPrefix(source, "http") && strings.Contains(source, "://") && strings.HasSuffix(repository, ".git")
}

func (s *stageInputs) run(in instruction) {
	for _, f := range in.node.Flags {
		if mount, ok := strings.CutPrefix(f, "--mount="); ok {
			for option := range strings.SplitSeq(mount, ",") {
				if name, ok := strings.CutPrefix(option, "from="); ok {
					s.from(name, in.line)
				}
			}
		}
	}
	if s.expand(flag(in.node, "network")) != "none" {
		s.inputs = append(s.inputs, Input{Kind: FromRun, Name: in.text, Line: in.line})
	}
}

// expand puts the stage's variables into a word.
func (s *stageInputs) expand(word string) string {
	return expand(word, func(name string) string {
		if value, ok := s.values[name]; ok {
			return value
		}
		return s.args[name] // those that need no ARG, such as TARGETARCH, where they are known
	})
}

// flag gives the value of one of an instruction's flags; empty where it has none.
func flag(n *parser.Node, name string) string {
	for _, f := range n.Flags {
		if value, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return unquoted(value)
		}
	}
	return ""
}

func unquoted(word string) string { return strings.Trim(word, `"'`) }

// stageCalled gives the stage before another one that a name or a number means; -1 where none does.
func (r *reader) stageCalled(name string, before int) int {
	if i, ok := r.named[strings.ToLower(name)]; ok && i < before {
		return i
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < before {
		return i
	}
	return -1
}
