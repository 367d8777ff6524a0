package layer

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Tree is the file system that stacked layers make, as a container would see it. It implements [fs.FS] and
// its extensions. Once no more layers are applied it may be used from several goroutines.
type Tree struct {
	nodes
	top   *Index // the layer applied last
	watch Watch  // nil where nobody wants to know

	// The directory in which the last entry was put: the entries of a layer mostly follow their siblings.
	// Forgotten whenever something is removed, which may have been a link on the way there.
	lastPath  string
	last      nodeID
	lastKnown bool
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

// NewTree gives a tree with no layers.
func NewTree() *Tree { return &Tree{nodes: newNodes()} }

func (t *Tree) entry(id nodeID, at string) Entry {
	n := t.node(id)
	f := n.file
	if f == nil {
		f = &File{Path: at, Type: Directory, Mode: 0o755}
	}
	return Entry{Path: at, Layer: int(n.layer), File: f}
}

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
	t.reserve(len(ix.Files))
	a := &application{tree: t, layer: int32(index), own: make(map[nodeID]bool)}
	for i := range ix.Files {
		a.file(&ix.Files[i])
	}
	return a.result()
}

func (t *Tree) forget() { t.lastKnown = false }

// application is a layer on its way into a tree.
type application struct {
	tree    *Tree
	layer   int32
	written []nodeID // of files with content or facts; may repeat, may be gone again
	removed []nodeID
	// own are directories known to hold nothing of lower layers, so that each is searched only once.
	own map[nodeID]bool
}

func (a *application) file(f *File) {
	if f.Type == Opaque {
		if at, ok := a.tree.find(f.Path, true); ok && a.tree.node(at).isDir() {
			a.removeBelow(at)
		}
		return
	}
	parent, name := path.Split(f.Path)
	parent = strings.TrimSuffix(parent, "/")
	if f.Type == Whiteout {
		if dir, ok := a.tree.find(parent, true); ok {
			a.removeLower(a.tree.child(dir, name))
		}
		return
	}
	link := f.Type == Hardlink
	if link {
		target, ok := a.tree.find(f.Link, false)
		if !ok || a.tree.node(target).isDir() {
			return
		}
		f = a.tree.node(target).file
	}
	id := a.put(a.directory(parent), name, f)
	if w := a.tree.watch; w != nil && f.Type != Directory {
		w.Put(a.tree.path(id), f, link)
	}
}

// directory finds a directory, or makes it. What is no directory on the way is replaced by one, and so is a
// symbolic link that cannot be followed: a runtime would refuse such a layer, and none of it shall be hidden.
func (a *application) directory(parent string) nodeID {
	t := a.tree
	if t.lastKnown && t.lastPath == parent {
		return t.last
	}
	at, ok := t.walk(parent, step{followLast: true, make: a})
	if !ok {
		at, _ = t.walk(parent, step{followNone: true, make: a})
	}
	t.lastPath, t.last, t.lastKnown = parent, at, true
	return at
}

// put makes f the file of that name in a directory. Directories merge; anything else replaces all that was there.
func (a *application) put(dir nodeID, name string, f *File) nodeID {
	t := a.tree
	id := t.child(dir, name)
	if id != absent && (f.Type != Directory || !t.node(id).isDir()) {
		a.gone(id)
		t.forget()
		id = absent
	}
	if id == absent {
		id = t.add(dir, name)
	}
	n := t.node(id)
	n.file, n.layer = f, a.layer
	if n.kept() {
		a.written = append(a.written, id)
	}
	return id
}

// gone removes a node with all that is below it, and notes what is lost, unless this layer itself had written it.
func (a *application) gone(id nodeID) {
	n := a.tree.node(id)
	if n.kept() && n.layer != a.layer {
		a.removed = append(a.removed, id)
	}
	if w := a.tree.watch; w != nil && !n.isDir() {
		w.Lost(a.tree.path(id), n.file, int(n.layer))
	}
	for child := range a.tree.children(id) {
		a.gone(child)
	}
	a.tree.remove(id)
}

// removeLower removes what lower layers have at a node. A directory stays if this layer has written it, or
// anything in it.
func (a *application) removeLower(id nodeID) {
	if id == absent {
		return
	}
	a.removeBelow(id)
	if a.tree.node(id).layer != a.layer && a.tree.empty(id) {
		a.gone(id)
		a.tree.forget()
	}
}

func (a *application) removeBelow(dir nodeID) {
	if a.own[dir] {
		return
	}
	a.own[dir] = true
	for child := range a.tree.children(dir) {
		a.removeLower(child)
	}
	a.tree.dropRemoved(dir)
}

// result holds what was written and removed against what now stands in the tree.
func (a *application) result() (written []Entry, removed []string) {
	t := a.tree
	slices.Sort(a.written)
	for _, id := range slices.Compact(a.written) {
		if n := t.node(id); n.layer == a.layer && n.kept() {
			written = append(written, t.entry(id, t.path(id)))
		}
	}
	slices.SortFunc(written, func(a, b Entry) int { return cmp.Compare(a.Path, b.Path) })
	slices.Sort(a.removed)
	for _, id := range slices.Compact(a.removed) {
		if !t.node(id).kept() {
			removed = append(removed, t.path(id))
		}
	}
	slices.Sort(removed)
	return written, removed
}
