// Package declared holds an image against the Dockerfile that it is said to be built from.
//
// In go a Dockerfile, of the user's or out of a provenance, the image with all that is known to be aboard and, where there is one, the
// directory that it was built from; out comes [trust.Declared]: each instruction with a verdict, and the differences. The instructions are
// laid beside the image's history and layers, what each layer holds beside what its instructions say: the files of COPY and ADD, the
// packages of install commands with what these need, the files of the other commands that are known; and the config beside what sets it.
//
// Nothing is run, and nothing is guessed: where a text does not tell what an instruction does (a build script), that is said. The history is
// a claim of whoever wrote it, so that what layers hold decides. This package must never find a difference in an honest image.
package declared

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// Input is what is compared.
type Input struct {
	// Dockerfile is what the image is said to be built from, and Name where that is from; both are empty for the one of Build.
	Dockerfile []byte
	Name       string
	// Args are build arguments that are known to have been given, and Target the stage that was built; empty for the last.
	Args   map[string]string
	Target string
	// Build is what the provenance tells; nil where there is none.
	Build *Build

	Image *image.Image
	// Layers are the indexes of the image's layers, read with the digests of files; Inventory and Trace are those of the same indexes.
	Layers    []*layer.Index
	Inventory *inventory.Inventory
	Trace     *inventory.Trace
	// Known are the images that the base is compared with.
	Known []inventory.KnownBase

	// Context is the directory that was built from ([os.Root.FS] keeps links from leading out of it), and ContextName what it is called; nil
	// where it is not at hand. Ignore is the content of the file of ignored names where that is not the context's .dockerignore.
	Context     fs.FS
	ContextName string
	Ignore      []byte
}

// ErrNoDockerfile says that there is nothing to compare an image with.
var ErrNoDockerfile = errors.New("no Dockerfile is known: name one with --declared=FILE, or build with provenance of mode=max, which carries it")

// Compare holds an image against its Dockerfile. It is an error where the Dockerfile or the build context cannot be read, where there is no
// Dockerfile ([ErrNoDockerfile]), or where the image has no layers.
func Compare(in Input) (*trust.Declared, error) {
	result := &trust.Declared{Dockerfile: in.Name, Context: in.ContextName}
	source := in.Dockerfile
	if source == nil && in.Build != nil && in.Build.Dockerfile != nil {
		source, result.Dockerfile, result.Attested = in.Build.Dockerfile, "provenance", in.Build.Attested
	}
	switch {
	case source == nil:
		return nil, ErrNoDockerfile
	case len(in.Layers) == 0 || in.Image.Root != nil:
		return nil, errors.New("the image has no layers: a Dockerfile's instructions cannot be told apart in a directory")
	}
	m, err := newModel(in, source, result)
	if err != nil {
		return nil, err
	}
	m.layBeside()
	m.apply()
	m.group()
	if m.baseTree == nil && m.baseLayers >= 0 {
		m.baseTree = m.treeOf(m.baseLayers)
	}
	m.compareHistory()
	m.judgeBase()
	m.judgeLayers()
	m.withoutLayer()
	m.notMade()
	m.overLocks()
	m.compareConfig()
	m.finish()
	return m.result, nil
}

// newModel reads the Dockerfile and chooses the stage that was built.
func newModel(in Input, source []byte, result *trust.Declared) (*model, error) {
	if b := in.Build; b != nil && in.Dockerfile != nil && b.Dockerfile != nil && string(b.Dockerfile) != string(in.Dockerfile) {
		result.Notes = append(result.Notes, "the Dockerfile is not the one that the provenance carries: what the provenance tells of the build was not used")
		in.Build = nil
	}
	m := &model{Input: in, stages: map[int]*stageFiles{}, effects: map[*command]*effects{}, outcomes: map[*command]*outcome{}, result: result, made: map[int]made{}}
	m.history, m.fits = historyOf(in.Image)
	if in.Context != nil {
		var err error
		if m.buildContext, err = openContext(in.Context, in.Ignore); err != nil {
			return nil, err
		}
	}
	return m, m.choose(source)
}

// choose reads the Dockerfile for the stage that was built: the one that is named, or else the last, unless another fits the history much
// better and the last not at all.
func (m *model) choose(source []byte) error {
	f, err := parse(source)
	if err != nil {
		return err
	}
	target, named := len(f.stages)-1, m.Target
	if named == "" && m.Build != nil {
		named = m.Build.Target
	}
	if named != "" {
		i := slices.IndexFunc(f.stages, func(s *stage) bool {
			w := s.from.words
			return len(w) == 3 && strings.EqualFold(w[2], named)
		})
		if i < 0 {
			return fmt.Errorf("the Dockerfile has no stage %q", named)
		}
		target = i
	} else if len(f.stages) > 1 && len(f.stages) <= 50 {
		if best, score := m.bestStage(source, target); best != target && score > 0 {
			target = best
			m.say(fmt.Sprintf("the image seems to be built of the stage at line %d, not of the last one", f.stages[best].from.line))
		}
	}
	m.use(f, target)
	return nil
}

// bestStage looks for the stage whose instructions fit the history, where the last one's do not.
func (m *model) bestStage(source []byte, last int) (best int, score float64) {
	best = last
	for target := last; target >= 0; target-- {
		f, err := parse(source)
		if err != nil {
			return last, 0
		}
		trial := &model{Input: m.Input, history: m.history, fits: m.fits, made: map[int]made{}, stages: map[int]*stageFiles{}, outcomes: map[*command]*outcome{}, effects: map[*command]*effects{}, result: &trust.Declared{}}
		trial.use(f, target)
		steps, s := align(len(trial.chain), len(trial.history), func(i, j int) float64 { return likeness(trial.chain[i], &trial.history[j], f.escape) })
		fits := 0
		for _, step := range steps {
			if step >= 0 {
				fits++
			}
		}
		if target == last && 2*fits >= len(trial.chain) {
			return last, s
		}
		if s > score+0.5 {
			best, score = target, s
		}
	}
	return best, score
}

// use evaluates the Dockerfile for a stage.
func (m *model) use(f *file, target int) {
	args := &arguments{given: map[string]string{}, told: map[string]string{}, platform: m.Image.Platform}
	if m.Build != nil {
		args.complete = len(m.Build.steps) > 0
		for k, v := range m.Build.Args {
			args.given[k] = v
		}
	}
	for k, v := range m.Args {
		args.given[k] = v
	}
	for _, e := range m.history {
		if e.kind != "ARG" {
			continue
		}
		for _, word := range strings.Fields(e.text) {
			if name, v, ok := strings.Cut(word, "="); ok {
				args.told[name] = v
			}
		}
	}
	inherited := m.inherited(f)
	f.evaluate(args, target, inherited)
	m.file, m.target = f, target
	m.chain, m.root = f.chain(target)
	if m.Build != nil {
		m.made = m.Build.layersMade(m.Image)
	}
	m.findBase()
	m.addTriggers(args, inherited)
}

// addTriggers puts what the known base's ONBUILD says before the Dockerfile's own instructions. It counts as of the line of FROM.
func (m *model) addTriggers(args *arguments, inherited func(string) (value, bool)) {
	k := m.knownBase()
	if k == nil || len(k.Process.OnBuild) == 0 {
		return
	}
	f, err := parse([]byte("FROM scratch\n" + strings.Join(k.Process.OnBuild, "\n")))
	if err != nil {
		return
	}
	at := scope{workdir: path.Join("/", k.Process.WorkingDir), user: k.Process.User, shell: k.Process.Shell, others: inherited}
	for _, c := range f.stages[0].commands {
		c.line, c.stage, c.context = m.root.from.line, m.root.index, at
		f.apply(c, &at, args, &scope{})
	}
	m.chain = append(f.stages[0].commands, m.chain...)
}

// inherited tells the variables that the final stage has from its base. One that the Dockerfile does not set is what it is in the image;
// of one that it sets, the history tells what it was before.
func (m *model) inherited(f *file) func(string) (value, bool) {
	sets := map[string]int{}
	for _, s := range f.stages {
		for _, c := range s.commands {
			if c.kind == "ENV" {
				for i := 0; i+1 < len(c.words); i += 3 {
					sets[c.words[i]]++
				}
			}
		}
	}
	told := map[string][]string{}
	for _, e := range m.history {
		if e.kind == "ENV" {
			for name, text := range pairs(e.text) {
				told[name] = append(told[name], certain(text))
			}
		}
	}
	actual := actualSettings(m.Image)
	return func(name string) (value, bool) {
		if sets[name] == 0 {
			s, ok := actual["ENV "+name]
			return value{text: certain(s.text)}, ok
		}
		if before := len(told[name]) - sets[name]; before > 0 {
			return value{told[name][before-1], true}, true
		}
		if name == "PATH" {
			return value{defaultPath, true}, true
		}
		return value{"", true}, false
	}
}

// finish puts the result together.
func (m *model) finish() {
	r := m.result
	r.Instructions = append(r.Instructions, m.instruction(m.root.from))
	for _, c := range m.chain {
		if c.kind != "ARG" && c.kind != "MAINTAINER" {
			r.Instructions = append(r.Instructions, m.instruction(c))
		}
	}
	slices.SortStableFunc(r.Differences, compareDifferences)
	r.Differences = slices.CompactFunc(r.Differences, func(a, b trust.Undeclared) bool {
		return a.Kind == b.Kind && a.Subject == b.Subject && a.Line == b.Line && sameLayer(a, b)
	})
	if r.Differences == nil {
		r.Differences = []trust.Undeclared{}
	}
	slices.Sort(r.Notes)
	r.Notes = slices.Compact(r.Notes)
}

func (m *model) instruction(c *command) trust.DeclaredInstruction {
	o := m.outcome(c)
	i := trust.DeclaredInstruction{Line: c.line, Text: c.text(), Verdict: trust.AsDeclared, Packages: o.packages, Files: o.files, Note: strings.Join(o.notes, "; ")}
	if o.layer >= 0 {
		i.Layer = &o.layer
	}
	switch {
	case o.differs:
		i.Verdict = trust.Differs
	case o.untold:
		i.Verdict = trust.Untold
	}
	return i
}

func sameLayer(a, b trust.Undeclared) bool {
	return (a.Layer == nil) == (b.Layer == nil) && (a.Layer == nil || *a.Layer == *b.Layer)
}

// compareDifferences orders by layer, those of none last, then by line, kind and subject; of two that are the same, the one that tells more
// comes first.
func compareDifferences(a, b trust.Undeclared) int {
	layerOf := func(u trust.Undeclared) int {
		switch {
		case u.Layer != nil:
			return *u.Layer
		case u.Kind == trust.OtherBase:
			return -1
		}
		return 1 << 30
	}
	kind := func(u trust.Undeclared) int {
		return slices.Index([]trust.UndeclaredKind{trust.OtherBase, trust.LayerWithout, trust.InstructionWithout, trust.OtherInstruction, trust.UndeclaredPackage, trust.OtherCopy, trust.UnexplainedFile, trust.OtherConfig}, u.Kind)
	}
	if n := layerOf(a) - layerOf(b); n != 0 {
		return n
	}
	if n := a.Line - b.Line; n != 0 {
		return n
	}
	if n := kind(a) - kind(b); n != 0 {
		return n
	}
	if n := strings.Compare(a.Subject, b.Subject); n != 0 {
		return n
	}
	return strings.Compare(b.Declared, a.Declared)
}
