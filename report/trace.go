package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// Trace is the report of an image's files and of what each instruction did, in the shape of the JSON contract.
type Trace struct {
	*Report
	// Findings hides the report's: nothing was matched, and an empty list would say that nothing was found.
	Findings     []match.Finding `json:"findings,omitempty"`
	Instructions []Instruction   `json:"instructions"`
	Files        Files           `json:"files"`

	trace *inventory.Trace
}

// Instruction is one step of the build.
type Instruction struct {
	// Layer is absent where the instruction made none.
	Layer          *int   `json:"layer,omitempty"`
	Instruction    string `json:"instruction,omitempty"`
	DockerfileLine int    `json:"dockerfileLine,omitempty"`
	*Effect
}

// Effect is what a layer did. Bytes are of content, uncompressed.
type Effect struct {
	// Carried is all the content that the layer has, whatever became of it.
	Carried  inventory.Count           `json:"carried"`
	Added    inventory.Count           `json:"added"`
	Changed  inventory.Count           `json:"changed"`
	Removed  inventory.Count           `json:"removed"`
	Packages []inventory.PackageChange `json:"packages,omitempty"`
	// Programs are those that no package owns, and those that got another user's rights with this layer.
	Programs []Program `json:"programs,omitempty"`
	// Modified and Placed are paths; Files has more of each.
	Modified []string `json:"modified,omitempty"`
	Placed   []string `json:"placed,omitempty"`
	// Hidden is content of this layer that a later one hides, and that the image still ships.
	Hidden      []Hidden        `json:"hidden,omitempty"`
	HiddenTotal inventory.Count `json:"hiddenTotal"`
}

// Program is a file that can be run.
type Program struct {
	Path    string `json:"path"`
	Setuid  bool   `json:"setuid,omitempty"`
	Package string `json:"package,omitempty"` // purl of the owner
	// Known is the purl of what the program was recognised as.
	Known string `json:"known,omitempty"`
	// Orphan marks bytecode without its source.
	Orphan bool `json:"orphan,omitempty"`
}

// Hidden is a file that one layer has and a later one hides.
type Hidden struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Digest string `json:"digest,omitempty"`
	// By is the layer that hides it; How is deleted, replaced or rewritten (with the same content).
	By  int              `json:"by"`
	How inventory.Hiding `json:"how"`
	// Secret says that keys and passwords are usually kept under such a name.
	Secret bool `json:"secret,omitempty"`
}

// Files accounts for the final file system. Each file that is no directory is counted in one of four classes.
type Files struct {
	Total       int                 `json:"total"`
	Directories int                 `json:"directories"`
	Owned       int                 `json:"owned"`
	Verified    int                 `json:"verified"`
	Modified    []ModifiedFile      `json:"modified"`
	Placed      []assess.PlacedFile `json:"placed"`
	Generated   int                 `json:"generated"`
	Rules       []GeneratedRule     `json:"rules"`
	Missing     []MissingFile       `json:"missing"`
	// Paths, with every file, are written by [TraceJSON], one to a line.
}

// ModifiedFile is a file that is not any more what its package installed.
type ModifiedFile struct {
	Path     string           `json:"path"`
	Layer    int              `json:"layer"`
	Origin   inventory.Origin `json:"origin,omitempty"`
	Package  string           `json:"package"`
	Config   bool             `json:"config,omitempty"`
	Recorded string           `json:"recorded,omitempty"`
	// Actual is absent where the file is no regular one any more.
	Actual string `json:"actual,omitempty"`
	// Type is what the file is, where that is what changed.
	Type string `json:"type,omitempty"`
}

// GeneratedRule is a rule that knows generated files, and how many it knew.
type GeneratedRule struct {
	Rule  string `json:"rule"`
	Files int    `json:"files"`
}

// MissingFile is a file that a package installed and that is not there.
type MissingFile struct {
	Path    string `json:"path"`
	Package string `json:"package"`
	// Layer is the one that removed it; absent where no layer ever had it.
	Layer *int `json:"layer,omitempty"`
}

// FilePath is one file of the list of all.
type FilePath struct {
	Path   string           `json:"path"`
	Class  inventory.Class  `json:"class"`
	Layer  int              `json:"layer"`
	Origin inventory.Origin `json:"origin,omitempty"`
	Owner  string           `json:"owner,omitempty"`
	Rule   string           `json:"rule,omitempty"`
	Type   string           `json:"type,omitempty"` // absent for a regular file
	Size   int64            `json:"size"`
	Mode   string           `json:"mode"` // octal
	Link   string           `json:"link,omitempty"`
	Digest string           `json:"digest,omitempty"`
}

// NewTrace puts a trace together with the report of the same image.
func NewTrace(r *Report, t *inventory.Trace) *Trace {
	with := *r
	with.BlindSpots = notNil(image.SortBlindSpots(slices.Concat(r.BlindSpots, t.BlindSpots)))
	out := &Trace{Report: &with, trace: t, Files: Files{
		Total: len(t.Files), Directories: t.Directories, Owned: t.Count(inventory.Owned), Verified: t.Verified,
		Modified: []ModifiedFile{}, Placed: assess.NewFiles(&with.Subject, t).Placed, Generated: t.Count(inventory.Generated),
		Rules: generatedRules(t), Missing: []MissingFile{},
	}}
	for i := range t.Files {
		if f := &t.Files[i]; f.Class == inventory.Modified {
			out.Files.Modified = append(out.Files.Modified, out.modified(f))
		}
	}
	for _, m := range t.Missing {
		missing := MissingFile{Path: m.Path, Package: out.purl(m.Owner)}
		if m.Layer >= 0 {
			missing.Layer = &m.Layer
		}
		out.Files.Missing = append(out.Files.Missing, missing)
	}
	for i := range t.Steps {
		out.Instructions = append(out.Instructions, out.instruction(&t.Steps[i]))
	}
	out.Instructions = notNil(out.Instructions)
	return out
}

func generatedRules(t *inventory.Trace) []GeneratedRule {
	count := map[string]int{}
	for i := range t.Files {
		if t.Files[i].Class == inventory.Generated {
			count[t.Files[i].Rule]++
		}
	}
	rules := []GeneratedRule{}
	for _, g := range byCount(count) {
		rules = append(rules, GeneratedRule{g, count[g]})
	}
	return rules
}

// purl names a package of the inventory; empty for none.
func (t *Trace) purl(i int) string {
	if i < 0 {
		return ""
	}
	return t.Packages[i].PURL
}

func (t *Trace) modified(f *inventory.File) ModifiedFile {
	m := ModifiedFile{Path: f.Path, Layer: f.Layer, Origin: t.Image.Base.Origin(f.Layer), Package: t.purl(f.Owner), Config: f.Config, Recorded: f.Recorded, Actual: f.Actual()}
	if f.Entry.Type != layer.Regular {
		m.Type = typeName(f.Entry.Type)
	}
	return m
}

func (t *Trace) instruction(s *inventory.Step) Instruction {
	in := Instruction{Instruction: s.Instruction, DockerfileLine: s.DockerfileLine}
	if s.Layer < 0 {
		return in
	}
	in.Layer = &s.Layer
	e := &Effect{Carried: s.Carried, Added: s.Added, Changed: s.Changed, Removed: s.Removed, Packages: s.Packages}
	for _, i := range s.Programs {
		f := &t.trace.Files[i]
		e.Programs = append(e.Programs, Program{Path: f.Path, Setuid: f.Setuid(), Package: t.purl(f.Owner), Known: t.purl(f.Known), Orphan: f.Orphan})
	}
	for _, i := range s.Modified {
		e.Modified = append(e.Modified, t.trace.Files[i].Path)
	}
	for _, i := range s.Placed {
		e.Placed = append(e.Placed, t.trace.Files[i].Path)
	}
	for i := range s.Hidden {
		h := &s.Hidden[i]
		e.HiddenTotal.Files++
		e.HiddenTotal.Bytes += h.Entry.Size
		e.Hidden = append(e.Hidden, Hidden{Path: h.Path, Size: h.Entry.Size, Digest: h.Digest(), By: h.By, How: h.How, Secret: h.Secret()})
	}
	in.Effect = e
	return in
}

// path describes one file for the list of all.
func (t *Trace) path(f *inventory.File) FilePath {
	p := FilePath{Path: f.Path, Class: f.Class, Layer: f.Layer, Origin: t.Image.Base.Origin(f.Layer), Owner: t.purl(f.Owner), Rule: f.Rule, Mode: octal(f), Digest: f.Digest()}
	if f.Entry.Type == layer.Regular {
		p.Size = f.Entry.Size
	} else {
		p.Type, p.Link = typeName(f.Entry.Type), f.Entry.Link
	}
	return p
}

func typeName(t layer.Type) string {
	switch t {
	case layer.Symlink:
		return "symlink"
	case layer.Special:
		return "special"
	}
	return "file"
}

// octal writes a mode as chmod takes it.
func octal(f *inventory.File) string { return fmt.Sprintf("%04o", f.PosixMode()) }

// TraceJSON writes the trace as the contract says. The list of all files, which may be long, is written one file to a
// line and never held as a whole.
func TraceJSON(w io.Writer, t *Trace) error {
	var head bytes.Buffer
	e := json.NewEncoder(&head)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(t); err != nil {
		return err
	}
	// Files is the last field, so the document ends with the end of files: the list goes in front of that.
	const end = "\n  }\n}\n"
	front, ok := bytes.CutSuffix(head.Bytes(), []byte(end))
	if !ok {
		return fmt.Errorf("the trace's JSON does not end as it should")
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s,\n    \"paths\": [", front)
	var line bytes.Buffer
	separator := ""
	lines := json.NewEncoder(&line)
	lines.SetEscapeHTML(false)
	for i := range t.trace.Files {
		line.Reset()
		if err := lines.Encode(t.path(&t.trace.Files[i])); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n      %s", separator, bytes.TrimSuffix(line.Bytes(), []byte("\n")))
		separator = ","
	}
	if len(t.trace.Files) > 0 {
		fmt.Fprint(out, "\n    ")
	}
	fmt.Fprint(out, "]", end)
	return out.Flush() // with the first error of any write
}
