package layer

import (
	"path"
	"slices"
	"strings"
)

// Tree is the file system that stacked layers make, as a container would see it. It implements [fs.FS] and
// its extensions. Once no more layers are applied it may be used from several goroutines.
type Tree struct {
	root *node
	top  *Index // the layer applied last

	// The directory in which the last entry was put: the entries of a layer mostly follow their siblings.
	// Forgotten whenever something is removed, which may have been a link on the way there.
	lastPath string
	last     place
}

// Entry is one file of a [Tree].
type Entry struct {
	// Path is where the file really is: no directory of it is a symbolic link.
	Path string
	// Layer is the index of the layer that wrote the file.
	Layer int
	// File is the layer's entry; for a hard link, that of the file it is a link to. A directory that no
	// layer has an entry for is shown with mode 0755, and as of the layer that first put a file in it.
	File *File
}

// node is a file of the tree. Its name is its key in its directory.
type node struct {
	file     *File // nil for a directory that has no entry of its own
	children map[string]*node
	layer    int32
}

func (n *node) isDir() bool { return n.file == nil || n.file.Type == Directory }

func (n *node) isSymlink() bool { return n.file != nil && n.file.Type == Symlink }

// kept reports whether a node, which may be nil, has content or facts.
func (n *node) kept() bool {
	return n != nil && n.file != nil && (n.file.Content != nil || n.file.Facts != nil)
}

func (n *node) entry(at string) Entry {
	f := n.file
	if f == nil {
		f = &File{Path: at, Type: Directory, Mode: 0o755}
	}
	return Entry{Path: at, Layer: int(n.layer), File: f}
}

// place is a node together with its real path.
type place struct {
	node *node
	path string // "" for the root
}

// NewTree gives a tree with no layers.
func NewTree() *Tree { return &Tree{root: &node{}} }

// Apply puts a layer on top of the tree, the way a container runtime unpacks it: entry by entry, each put
// where its directory really is. A whiteout or opaque mark removes what lower layers wrote and never what
// this layer did, whatever their order. A hard link to a file that is not there is left out.
//
// It returns the entries with content or facts that this layer wrote, sorted by path, and the sorted paths
// of those that it removed or replaced by something without either. A layer applied twice in a row changes nothing.
func (t *Tree) Apply(index int, ix *Index) (written []Entry, removed []string) {
	if ix == t.top {
		return nil, nil
	}
	t.top = ix
	t.forget()
	a := &application{tree: t, layer: int32(index), own: make(map[*node]bool)}
	for i := range ix.Files {
		a.file(&ix.Files[i])
	}
	return a.result()
}

func (t *Tree) forget() { t.lastPath, t.last = "", place{} }

// application is a layer on its way into a tree.
type application struct {
	tree    *Tree
	layer   int32
	written []string // real paths of files with content or facts; may repeat, may be gone again
	removed []string
	// own are directories known to hold nothing of lower layers, so that each is searched only once.
	own map[*node]bool
}

func (a *application) file(f *File) {
	if f.Type == Opaque {
		if at, ok := a.tree.find(f.Path, true); ok && at.node.isDir() {
			a.removeBelow(at)
		}
		return
	}
	parent, name := path.Split(f.Path)
	parent = strings.TrimSuffix(parent, "/")
	if f.Type == Whiteout {
		if dir, ok := a.tree.find(parent, true); ok {
			a.removeLower(dir, name)
		}
		return
	}
	if f.Type == Hardlink {
		target, ok := a.tree.find(f.Link, false)
		if !ok || target.node.isDir() {
			return
		}
		f = target.node.file
	}
	a.put(a.directory(parent), name, f)
}

// directory finds a directory, or makes it. What is no directory on the way is replaced by one, and so is a
// symbolic link that cannot be followed: a runtime would refuse such a layer, and none of it shall be hidden.
func (a *application) directory(parent string) place {
	t := a.tree
	if t.last.node != nil && t.lastPath == parent {
		return t.last
	}
	at, ok := t.walk(parent, step{followLast: true, make: a})
	if !ok {
		at, _ = t.walk(parent, step{followNone: true, make: a})
	}
	t.lastPath, t.last = parent, at
	return at
}

// put makes f the file of that name in a directory. Directories merge; anything else replaces all that was there.
func (a *application) put(dir place, name string, f *File) {
	at := join(dir.path, name)
	n := dir.node.children[name]
	if n != nil && (f.Type != Directory || !n.isDir()) {
		a.gone(place{n, at})
		a.tree.forget()
		n = nil
	}
	if n == nil {
		n = &node{}
		dir.add(name, n)
	}
	n.file, n.layer = f, a.layer
	if n.kept() {
		a.written = append(a.written, at)
	}
}

func (p place) add(name string, n *node) {
	if p.node.children == nil {
		p.node.children = make(map[string]*node)
	}
	p.node.children[name] = n
}

// gone notes what is lost with a node, unless this layer itself had written it.
func (a *application) gone(at place) {
	if at.node.kept() && at.node.layer != a.layer {
		a.removed = append(a.removed, at.path)
	}
	for name, child := range at.node.children {
		a.gone(place{child, join(at.path, name)})
	}
}

// removeLower removes what lower layers have under a name. A directory stays if this layer has written it,
// or anything in it.
func (a *application) removeLower(dir place, name string) {
	n := dir.node.children[name]
	if n == nil {
		return
	}
	at := place{n, join(dir.path, name)}
	a.removeBelow(at)
	if n.layer != a.layer && len(n.children) == 0 {
		a.gone(at)
		delete(dir.node.children, name)
		a.tree.forget()
	}
}

func (a *application) removeBelow(dir place) {
	if a.own[dir.node] {
		return
	}
	for name := range dir.node.children {
		a.removeLower(dir, name)
	}
	if len(dir.node.children) > 0 {
		a.own[dir.node] = true
	}
}

// result holds what was written and removed against what now stands in the tree.
func (a *application) result() (written []Entry, removed []string) {
	slices.Sort(a.written)
	for _, at := range slices.Compact(a.written) {
		if n := a.tree.at(at); n.kept() && n.layer == a.layer {
			written = append(written, n.entry(at))
		}
	}
	slices.Sort(a.removed)
	for _, at := range slices.Compact(a.removed) {
		if !a.tree.at(at).kept() {
			removed = append(removed, at)
		}
	}
	return written, removed
}

// at gives the node that really stands at a path; nil where there is none.
func (t *Tree) at(path string) *node {
	if p, ok := t.find(path, false); ok && p.path == path {
		return p.node
	}
	return nil
}

// join is path.Join for what is clean already.
func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}
