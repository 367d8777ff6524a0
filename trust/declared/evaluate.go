package declared

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"tidewaiter/image"
)

// unknown stands in a text for what cannot be told: the value of a variable that only the build knew. Nothing that a Dockerfile holds is
// it, for it is no character that a path or a command may have.
const unknown = "\x00"

// certain keeps what an image says of itself from standing for what is not known: that would fit anything.
func certain(text string) string { return strings.ReplaceAll(text, unknown, "\uFFFD") }

// defaultPath is what builders set as PATH where the base sets none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// scope is what holds where an instruction stands.
type scope struct {
	// vars are the variables of the environment and the arguments, env the names of the former. They are never changed, only replaced.
	vars    map[string]value
	env     map[string]bool
	workdir string
	shell   []string
	user    string
	// others is the value of variables that are not among vars.
	others func(name string) (value, bool)
}

// value is what a variable stands for; unsure says that the build may have been given another one.
type value struct {
	text   string
	unsure bool
}

func (s *scope) get(name string) (value, bool) {
	if v, ok := s.vars[name]; ok {
		return v, true
	}
	if s.others == nil {
		return value{}, false
	}
	return s.others(name)
}

func (s *scope) set(name string, v value) {
	s.vars = maps.Clone(s.vars)
	if s.vars == nil {
		s.vars = map[string]value{}
	}
	if len(v.text) > maxWord {
		v = value{unknown, true}
	}
	s.vars[name] = v
}

// getter gives a scope to BuildKit's lexer, and notes whether what was asked for is sure. With wild, what is not sure is unknown.
type getter struct {
	scope        *scope
	unsure, wild bool
}

// Get implements [shell.EnvGetter].
func (g *getter) Get(name string) (string, bool) {
	v, ok := g.scope.get(name)
	if g.unsure = g.unsure || v.unsure; g.wild && v.unsure {
		return unknown, true
	}
	return v.text, ok
}

// Keys implements [shell.EnvGetter].
func (g *getter) Keys() []string { return slices.Sorted(maps.Keys(g.scope.vars)) }

// expand puts the variables into a word and takes off its quotes.
func (s *scope) expand(word string, escape rune) value {
	g := &getter{scope: s}
	text, _, err := shell.NewLex(escape).ProcessWord(word, g)
	if err != nil || len(text) > maxWord {
		return value{unknown, true}
	}
	return value{text, g.unsure}
}

// pattern is expand with unknown in place of what is not sure.
func (s *scope) pattern(word string, escape rune) string {
	text, _, err := shell.NewLex(escape).ProcessWord(word, &getter{scope: s, wild: true})
	if err != nil || len(text) > maxWord {
		return unknown
	}
	return text
}

// expandInline puts the variables into a here-document, whose quotes are its own.
func (s *scope) expandInline(text string) value {
	g := &getter{scope: s}
	lex := shell.NewLex('\\')
	lex.SkipProcessQuotes = true
	expanded, _, err := lex.ProcessWord(text, g)
	if err != nil {
		return value{unknown, true}
	}
	return value{expanded, g.unsure}
}

// arguments are what is known of the build's arguments.
type arguments struct {
	// given were given to the build; complete says that no others were.
	given    map[string]string
	complete bool
	// told are those of which the image's history tells the value.
	told     map[string]string
	platform image.Platform
}

// of gives the value of an argument that was declared with a default or without one.
func (a *arguments) of(name string, fallback value, has bool) (value, bool) {
	if v, ok := a.given[name]; ok {
		return value{text: certain(v)}, true
	}
	if v, ok := a.told[name]; ok {
		return value{text: certain(v)}, true
	}
	if v, ok := a.predefined(name); ok {
		return v, true
	}
	switch {
	case has:
		return value{fallback.text, fallback.unsure || !a.complete}, true
	case a.complete:
		return value{}, false
	}
	return value{unknown, true}, true
}

// predefined gives the arguments that BuildKit sets by itself.
func (a *arguments) predefined(name string) (value, bool) {
	p := a.platform
	switch name {
	case "TARGETPLATFORM":
		return value{text: p.String()}, true
	case "TARGETOS":
		return value{text: p.OS}, true
	case "TARGETARCH":
		return value{text: p.Architecture}, true
	case "TARGETVARIANT":
		return value{text: p.Variant}, true
	case "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "TARGETSTAGE":
		return value{unknown, true}, true
	}
	return value{}, false
}

// evaluate works out what the instructions of all stages mean: which image each stage begins with, and each instruction's words with the
// variables put in. inherited is what the variables of the stage's base image are, where the stage is the one that was built.
func (f *file) evaluate(args *arguments, target int, inherited func(name string) (value, bool)) {
	globals := scope{}
	for _, c := range f.globals {
		for _, word := range c.words {
			name, fallback, has := strings.Cut(word, "=")
			if v, ok := args.of(name, globals.expand(fallback, f.escape), has); ok {
				globals.set(name, v)
			}
		}
	}
	for _, name := range []string{"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"} {
		if v, ok := args.predefined(name); ok {
			globals.set(name, v)
		}
	}
	named := map[string]int{}
	ends := make([]scope, len(f.stages))
	built := f.family(target, &globals)
	for i, s := range f.stages {
		f.begin(s, &globals, named)
		at := scope{workdir: "/", others: anyValue}
		if built[i] {
			at.others = inherited
		}
		if s.parent >= 0 {
			at = ends[s.parent]
			at.withoutArguments()
		}
		for _, c := range s.commands {
			c.context = at
			f.apply(c, &at, args, &globals)
		}
		ends[i] = at
	}
}

// anyValue holds for the variables of an image that nothing tells of.
func anyValue(name string) (value, bool) {
	switch name {
	case "PATH":
		return value{defaultPath, true}, true
	case "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "FTP_PROXY", "ftp_proxy", "ALL_PROXY", "all_proxy":
		return value{}, false
	}
	return value{unknown, true}, true
}

// withoutArguments leaves out the arguments: they end with their stage.
func (s *scope) withoutArguments() {
	s.vars = maps.Clone(s.vars)
	maps.DeleteFunc(s.vars, func(name string, _ value) bool { return !s.env[name] })
}

// begin reads FROM image [AS name].
func (f *file) begin(s *stage, globals *scope, named map[string]int) {
	if len(s.from.words) > 0 {
		v := globals.expand(s.from.words[0], f.escape)
		s.image, s.unsure = v.text, v.unsure
	}
	if earlier, ok := named[strings.ToLower(s.image)]; ok {
		s.parent = earlier
	}
	if w := s.from.words; len(w) == 3 && strings.EqualFold(w[1], "AS") {
		s.name = strings.ToLower(w[2])
		named[s.name] = s.index
	}
}

// family gives the stages that a stage begins with, itself included.
func (f *file) family(target int, globals *scope) map[int]bool {
	named := map[string]int{}
	for _, s := range f.stages {
		f.begin(s, globals, named)
	}
	members := map[int]bool{}
	for s := target; s >= 0; s = f.stages[s].parent {
		members[s] = true
	}
	for _, s := range f.stages {
		s.parent = -1 // evaluation reads them again, in order
	}
	return members
}

// apply works out one instruction, and what holds after it.
func (f *file) apply(c *command, at *scope, args *arguments, globals *scope) {
	switch c.kind {
	case "ARG":
		for _, word := range c.words {
			name, fallback, has := strings.Cut(word, "=")
			if at.env[name] {
				continue // the environment goes before
			}
			v := at.expand(fallback, f.escape)
			if g, ok := globals.vars[name]; ok && !has {
				v, has = g, true
			}
			if set, ok := args.of(name, v, has); ok {
				at.set(name, set)
			}
		}
	case "ENV":
		before := *at // all values of one instruction are worked out before it
		for i := 0; i+1 < len(c.words); i += 3 {
			name := before.expand(c.words[i], f.escape).text
			at.set(name, before.expand(c.words[i+1], f.escape))
			at.env = maps.Clone(at.env)
			if at.env == nil {
				at.env = map[string]bool{}
			}
			at.env[name] = true
		}
	case "WORKDIR":
		dir := at.expand(strings.Join(c.words, " "), f.escape)
		at.workdir = path.Join("/", dir.text)
		if !strings.HasPrefix(dir.text, "/") && !strings.HasPrefix(dir.text, unknown) {
			at.workdir = path.Join("/", c.context.workdir, dir.text)
		}
		c.unsure = dir.unsure
	case "USER":
		at.user = at.expand(strings.Join(c.words, " "), f.escape).text
	case "SHELL":
		at.shell = c.words
	case "COPY", "ADD":
		f.applyCopy(c, at)
	case "ONBUILD":
		if c.trigger != nil {
			c.trigger.context = *at
			f.applyCopy(c.trigger, at)
		}
	}
}

// applyCopy reads the sources and the destination of COPY and ADD.
func (f *file) applyCopy(c *command, at *scope) {
	if c.kind != "COPY" && c.kind != "ADD" {
		return
	}
	for i, word := range c.words {
		v := at.expand(word, f.escape)
		c.unsure = c.unsure || v.unsure
		h := parser.MustParseHeredoc(word)
		switch {
		case i == len(c.words)-1:
			c.dest = v.text
		case h != nil && len(c.heredocs) > 0:
			for _, doc := range c.heredocs {
				if doc.Name != h.Name {
					continue
				}
				content := value{text: chomped(doc)}
				if doc.Expand {
					content = at.expandInline(content.text)
				}
				c.inline = append(c.inline, inlineFile{doc.Name, content.text, content.unsure})
				break
			}
		default:
			c.sources = append(c.sources, v.text)
		}
	}
}

// chain gives the instructions that the image of a stage is built by, those of the stages that it begins with included, and the stage
// whose FROM names an image.
func (f *file) chain(target int) (commands []*command, root *stage) {
	var stages []*stage
	for s := target; s >= 0; s = f.stages[s].parent {
		root = f.stages[s]
		stages = append(stages, root)
	}
	for i, s := range slices.Backward(stages) {
		if i+1 < len(stages) { // what an earlier stage left for those who build on it
			for _, c := range stages[i+1].commands {
				if c.kind == "ONBUILD" && c.trigger != nil {
					commands = append(commands, c.trigger)
				}
			}
		}
		commands = append(commands, s.commands...)
	}
	return commands, root
}

// stageNamed gives the stage that COPY --from or RUN --mount=from names; nil where it names an image.
func (f *file) stageNamed(name string, before int) *stage {
	for i := min(before, len(f.stages)) - 1; i >= 0; i-- {
		if s := f.stages[i]; s.name != "" && strings.EqualFold(s.name, name) {
			return s
		}
	}
	n := 0
	for _, r := range name {
		if r < '0' || r > '9' || n > maxInstructions {
			return nil
		}
		n = 10*n + int(r-'0')
	}
	if name == "" || n >= before || n >= len(f.stages) {
		return nil
	}
	return f.stages[n]
}
