package inventory

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// overlay notes what each layer does to the files below it, while the layers are applied to a tree.
type overlay struct {
	layer int // the one being applied
	steps []Step
	// lost is what the layer being applied took away, by path.
	lost map[string]*loss
	// first has the first layer of an unbroken run of layers that all wrote the same file, where there was a run.
	first map[string]int
	// before has what stood at a path before it was changed, the oldest first.
	before map[string][]version
	// gone has the layer that removed what is not there any more.
	gone map[string]int
}

type version struct {
	layer int
	file  *layer.File
}

// loss is what a lower layer had at a path, and what this one put there instead; nil for nothing.
type loss struct {
	version
	after *layer.File
}

// overlaid applies all layers. The steps it gives have one for each layer.
func overlaid(indexes []*layer.Index) (*layer.Tree, *overlay) {
	o := &overlay{
		steps: make([]Step, len(indexes)), lost: map[string]*loss{}, first: map[string]int{},
		before: map[string][]version{}, gone: map[string]int{},
	}
	tree := layer.NewTree()
	tree.Watch(o)
	for i, ix := range indexes {
		o.layer = i
		o.steps[i].Layer = i
		for k := range ix.Files {
			o.steps[i].carry(&ix.Files[k])
		}
		tree.Apply(i, ix)
		o.settle()
	}
	return tree, o
}

// carry counts what a layer has, whatever becomes of it.
func (s *Step) carry(f *layer.File) {
	switch f.Type {
	case layer.Regular:
		s.Carried.add(f.Size)
	case layer.Symlink, layer.Hardlink, layer.Special:
		s.Carried.add(0)
	}
}

// Put implements [layer.Watch].
func (o *overlay) Put(at string, f *layer.File, link bool) {
	delete(o.gone, at)
	step := &o.steps[o.layer]
	if l := o.lost[at]; l != nil {
		l.after = f
		step.Changed.add(content(f, link))
		return
	}
	step.Added.add(content(f, link))
}

// content is how many bytes a file brings; a hard link brings none.
func content(f *layer.File, link bool) int64 {
	if link || f.Type != layer.Regular {
		return 0
	}
	return f.Size
}

// Lost implements [layer.Watch].
func (o *overlay) Lost(at string, f *layer.File, from int) {
	if from != o.layer {
		o.lost[at] = &loss{version: version{from, f}}
		return
	}
	// This layer has the path twice, and only the last one counts.
	step := &o.steps[o.layer]
	counted := &step.Added
	if l := o.lost[at]; l != nil && l.after != nil {
		l.after, counted = nil, &step.Changed
	}
	counted.Files--
	counted.Bytes -= content(f, false)
	o.hide(at, version{from, f}, Replaced)
}

// settle ends a layer.
func (o *overlay) settle() {
	for at, l := range o.lost {
		origin := o.origin(at, l.layer)
		delete(o.first, at)
		switch {
		case l.after == nil:
			o.steps[o.layer].Removed.add(content(l.file, false))
			o.gone[at] = o.layer
			o.hide(at, l.version, Deleted)
		case !sameContent(l.file, l.after):
			o.before[at] = append(o.before[at], version{origin, l.file})
			o.hide(at, l.version, Replaced)
		default:
			if l.file.Mode == l.after.Mode {
				o.first[at] = origin
			} else {
				o.before[at] = append(o.before[at], version{origin, l.file})
			}
			o.hide(at, l.version, Rewritten)
		}
	}
	clear(o.lost)
}

// origin gives the first layer that had the file as it is now, of which writer wrote it last.
func (o *overlay) origin(at string, writer int) int {
	if first, ok := o.first[at]; ok {
		return first
	}
	return writer
}

// standingFiles is how many files stand in the end, about.
func (o *overlay) standingFiles() int {
	n := 0
	for i := range o.steps {
		n += o.steps[i].Added.Files - o.steps[i].Removed.Files
	}
	return max(n, 0)
}

// standing gives what stood at a path after a layer had been applied, as far as it was changed since.
func (o *overlay) standing(at string, index int) *layer.File {
	var f *layer.File
	for _, v := range o.before[at] {
		if v.layer <= index {
			f = v.file
		}
	}
	return f
}

func (o *overlay) hide(at string, v version, how Hiding) {
	if v.file.Type == layer.Regular && v.file.Size > 0 {
		s := &o.steps[v.layer]
		s.Hidden = append(s.Hidden, Hidden{Path: at, Entry: v.file, By: o.layer, How: how})
	}
}

func sameContent(a, b *layer.File) bool {
	switch {
	case a == b:
		return true
	case a.Type != b.Type || a.Size != b.Size || a.Link != b.Link:
		return false
	case a.Type != layer.Regular || a.Size == 0:
		return true
	}
	x, y := a.Digests(), b.Digests()
	return x != nil && y != nil && x.SHA256 == y.SHA256
}

// settleHidden drops what can still be seen under another name, and puts the most telling first.
func (o *overlay) settleHidden(tree *layer.Tree) {
	seen := map[*layer.File]bool{}
	for i := range o.steps {
		for _, h := range o.steps[i].Hidden {
			seen[h.Entry] = false
		}
	}
	for e := range tree.Entries() {
		if _, ok := seen[e.File]; ok {
			seen[e.File] = true
		}
	}
	for i := range o.steps {
		hidden := o.steps[i].Hidden
		slices.SortFunc(hidden, compareHidden)
		o.steps[i].Hidden = slices.DeleteFunc(hidden, func(h Hidden) bool {
			again := seen[h.Entry]
			seen[h.Entry] = true // hard links to one file hide it once
			return again
		})
	}
}

// compareHidden puts first what tells of a mistake: what may be a secret, then programs, then what is large.
func compareHidden(a, b Hidden) int {
	rank := func(h Hidden) int {
		switch {
		case h.How == Rewritten:
			return 3
		case looksSecret(h.Path):
			return 0
		case h.Entry.Program:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Entry.Size, a.Entry.Size), strings.Compare(a.Path, b.Path), cmp.Compare(a.By, b.By))
}

// Secret says that the file's name is one under which keys and passwords are usually kept.
func (h *Hidden) Secret() bool { return looksSecret(h.Path) }

func looksSecret(at string) bool {
	dir, base := path.Split("/" + at)
	switch base {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".npmrc", ".netrc", ".pypirc", ".git-credentials", ".pgpass", ".htpasswd",
		"credentials", "credentials.json", "secrets.yml", "secrets.yaml", "secrets.json", ".dockercfg", "kubeconfig":
		return true
	case "config.json":
		return strings.HasSuffix(dir, "/.docker/")
	case "config":
		return strings.HasSuffix(dir, "/.kube/")
	}
	switch path.Ext(base) {
	case ".pem":
		return !strings.Contains(dir, "/certs/") && !strings.Contains(base, "cert")
	case ".key", ".p12", ".pfx", ".jks", ".kdbx":
		return !strings.Contains(dir, "/share/")
	}
	return base == ".env" || strings.HasPrefix(base, ".env.") && !strings.HasSuffix(base, "example") && !strings.HasSuffix(base, "sample")
}
