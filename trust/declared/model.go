package declared

import (
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// model is the state of one Compare: the Dockerfile laid beside the image.
type model struct {
	Input
	file   *file
	target int
	// chain are the instructions that the image should have been built by, root the stage whose FROM names the base.
	chain []*command
	root  *stage
	// baseLayers is how many of the lowest layers are the base's; -1 where that is not known.
	baseLayers int
	// history are the steps that the image tells of, stepOf the step of each instruction of the chain; -1 where it has none.
	history []entry
	fits    bool
	stepOf  []int
	// groups are, for each layer, the instructions that it is explained by; nil for those of the base.
	groups []*group
	// made is what the provenance tells of layers.
	made map[int]made

	tree         *layer.Tree     // the image
	baseTree     *layer.Tree     // its lowest layers, where their number is known; else nil
	deltas       [][]delta       // by layer
	written      map[string]bool // see everWritten
	buildContext *buildContext
	stages       map[int]*stageFiles
	effects      map[*command]*effects
	outcomes     map[*command]*outcome
	result       *trust.Declared
}

// group are the instructions that a layer is explained by: the one that made it, and those before it that have no layer of their own.
type group struct {
	commands []*command
	// squashed says that the layer is that of several instructions, none says that it is that of no instruction.
	squashed, none bool
	// withBase says that the base's files are in the layer, too.
	withBase bool
}

// outcome is what came out for one instruction.
type outcome struct {
	layer           int // -1 for none
	files, packages int
	differs, untold bool
	notes           []string
}

func (o *outcome) note(text string) {
	if text != "" && !slices.Contains(o.notes, text) && len(o.notes) < 8 {
		o.notes = append(o.notes, text)
	}
}

// delta is one file that a layer wrote.
type delta struct {
	path string // where it really is
	// file is what it wrote; before what stood there, nil for nothing.
	file, before *layer.File
	// gone says that the layer took away what stood there.
	gone bool
}

// apply overlays the layers and notes what each wrote.
func (m *model) apply() {
	m.tree = layer.NewTree()
	m.deltas = make([][]delta, len(m.Layers))
	for i, ix := range m.Layers {
		before := map[string]*layer.File{}
		for k := range ix.Files {
			f := &ix.Files[k]
			if f.Type == layer.Directory || f.Type == layer.Opaque {
				continue
			}
			at := m.real(f.Path)
			before[f.Path] = m.lstat(at)
		}
		m.tree.Apply(i, ix)
		seen := map[string]bool{}
		for k := len(ix.Files) - 1; k >= 0; k-- { // of a path that comes twice, the last one counts
			f := &ix.Files[k]
			if f.Type == layer.Directory || f.Type == layer.Opaque || seen[f.Path] {
				continue
			}
			seen[f.Path] = true
			at := m.real(f.Path)
			d := delta{path: at, file: f, before: before[f.Path], gone: f.Type == layer.Whiteout}
			if now := m.lstat(at); now != nil && !d.gone {
				d.file = now // what a hard link is a link to
			}
			m.deltas[i] = append(m.deltas[i], d)
		}
		slices.SortFunc(m.deltas[i], func(a, b delta) int { return strings.Compare(a.path, b.path) })
	}
}

// treeOf overlays the lowest n layers.
func (m *model) treeOf(n int) *layer.Tree {
	t := layer.NewTree()
	for i, ix := range m.Layers[:n] {
		t.Apply(i, ix)
	}
	return t
}

// real puts a path where it really is.
func (m *model) real(at string) string {
	dir, base := path.Split(at)
	if dir == "" || strings.Contains(dir, unknown) {
		return at
	}
	if e, ok := m.tree.Lookup(strings.TrimSuffix(dir, "/")); ok {
		return path.Join(e.Path, base)
	}
	return at
}

// realDir is real for a directory, which may be a link itself.
func (m *model) realDir(at string) string {
	if e, ok := m.tree.Lookup(at); ok && at != "" && !strings.Contains(at, unknown) {
		return e.Path
	}
	return m.real(at)
}

// lstat gives what stands at a path in the tree as it is now; nil for nothing.
func (m *model) lstat(at string) *layer.File {
	info, err := m.tree.Lstat(at)
	if err != nil {
		return nil
	}
	f, _ := info.Sys().(*layer.File)
	return f
}

func (m *model) isDir(at string) bool {
	at = strings.Trim(path.Clean(at), "/")
	if strings.Contains(at, unknown) {
		return false
	}
	info, err := m.tree.Stat(cleanRoot(at))
	return err == nil && info.IsDir()
}

func cleanRoot(at string) string {
	if at == "" {
		return "."
	}
	return at
}

// look answers what the reader of scripts asks.
func (m *model) look() lookup {
	return lookup{
		isDir:  m.isDir,
		exists: func(at string) bool { return m.lstat(m.real(strings.Trim(path.Clean(at), "/"))) != nil },
		files: func(pattern string) []string {
			var found []string
			for _, list := range m.deltas {
				for _, d := range list {
					if !d.gone && matches(pattern, d.path) && len(found) < maxWords && !slices.Contains(found, "/"+d.path) {
						found = append(found, "/"+d.path)
					}
				}
			}
			return found
		},
		scripted: m.scripted,
	}
}

// scripted says whether a package.json has scripts that npm runs when it installs. Of one that is not aboard it is not known.
func (m *model) scripted(at string) bool {
	for _, manifest := range m.Inventory.Manifests {
		if manifest.File != path.Clean(at) {
			continue
		}
		return slices.ContainsFunc(manifest.Lines, func(line string) bool {
			for _, name := range []string{`"preinstall"`, `"install"`, `"postinstall"`, `"prepare"`, `"prepublish"`} {
				if strings.Contains(line, name) {
					return true
				}
			}
			return false
		})
	}
	return false
}

// effectsOf reads a RUN once. Its places are put where they really are.
func (m *model) effectsOf(c *command) *effects {
	if e := m.effects[c]; e != nil {
		return e
	}
	e := effectsOf(c, m.look())
	for _, list := range [][]place{e.places, e.modes} {
		for i, p := range list {
			if p.tree {
				list[i].path = m.realDir(p.path)
			} else {
				list[i].path = m.real(p.path)
			}
		}
	}
	m.effects[c] = e
	return e
}

// standingFile gives the account of a file that a layer wrote and that stands in the end; nil for one that does not.
func (m *model) standingFile(index int, d *delta) *inventory.File {
	i, ok := slices.BinarySearchFunc(m.Trace.Files, d.path, func(f inventory.File, at string) int { return strings.Compare(f.Path, at) })
	if !ok || m.Trace.Files[i].Entry != d.file || m.Trace.Files[i].Layer > index {
		return nil
	}
	return &m.Trace.Files[i]
}

func (m *model) outcome(c *command) *outcome {
	if m.outcomes[c] == nil {
		m.outcomes[c] = &outcome{layer: -1}
	}
	return m.outcomes[c]
}

// differ notes a difference of an instruction, or with nil of none.
func (m *model) differ(c *command, index int, u trust.Undeclared) {
	if index >= 0 {
		u.Layer = &index
		if index < len(m.Image.Layers) {
			u.Instruction = m.Image.Layers[index].Instruction
		}
	}
	if c != nil {
		u.Line, u.Instruction = c.line, c.text()
		m.outcome(c).differs = true
	}
	m.result.Differences = append(m.result.Differences, u)
}

func (m *model) say(note string) {
	if !slices.Contains(m.result.Notes, note) {
		m.result.Notes = append(m.result.Notes, note)
	}
}
