package layer

import (
	"hash/maphash"
	"iter"
	"slices"
	"strings"
)

// nodes are the files of a [Tree]. An image can have millions: they lie in blocks and know each other by number,
// and one table for the whole tree finds a directory's child by its name. A node that was removed stays, to be used
// again when a file of the same name comes back.
type nodes struct {
	blocks [][]node
	count  nodeID   // how many there are, the root included
	table  []nodeID // open addressing; absent where nothing is; a power of two long
	seed   maphash.Seed
}

// nodeID is the number of a node.
type nodeID uint32

const (
	root   nodeID = 0
	absent        = root // where a child is meant: the root is absent's
)

// node is a file in its directory.
type node struct {
	name   string
	file   *File // nil for a directory that has no entry of its own
	parent nodeID
	child  nodeID // the first in a list of children, in no order
	next   nodeID // in the list of the parent's children
	layer  int32  // or removed, or unlisted
}

// In place of a node's layer.
const (
	removed  = -1 // the node is not there any more
	unlisted = -2 // nor is it in its parent's list of children
)

const blockSize = 1 << 10 // nodes

func newNodes() nodes {
	return nodes{blocks: [][]node{make([]node, 1, blockSize)}, count: 1, table: make([]nodeID, 16), seed: maphash.MakeSeed()}
}

func (t *nodes) node(id nodeID) *node { return &t.blocks[id/blockSize][id%blockSize] }

func (n *node) isDir() bool { return n.file == nil || n.file.Type == Directory }

func (n *node) isSymlink() bool { return n.file != nil && n.file.Type == Symlink }

// kept reports whether a node has content or facts.
func (n *node) kept() bool {
	return n.file != nil && n.file.Body != nil && (n.file.Body.Content != nil || n.file.Body.Facts != nil)
}

// reserve makes room in the table for so many more nodes.
func (t *nodes) reserve(more int) {
	size := len(t.table)
	for size/4*3 < int(t.count)+more {
		size *= 2
	}
	if size == len(t.table) {
		return
	}
	t.table = make([]nodeID, size)
	for id := root + 1; id < t.count; id++ {
		n := t.node(id)
		t.table[t.place(n.parent, n.name)] = id
	}
}

// place finds where in the table a child is, or an empty place where it would be.
func (t *nodes) place(dir nodeID, name string) int {
	const golden = 0x9e3779b97f4a7c15 // spreads the numbers of directories over all bits
	h := maphash.String(t.seed, name) ^ uint64(dir)*golden
	mask := len(t.table) - 1
	for at := int(h^h>>32) & mask; ; at = (at + 1) & mask {
		id := t.table[at]
		if id == absent {
			return at
		}
		if n := t.node(id); n.parent == dir && n.name == name {
			return at
		}
	}
}

// child finds a file in a directory.
func (t *nodes) child(dir nodeID, name string) nodeID {
	id := t.table[t.place(dir, name)]
	if id == absent || t.node(id).layer < 0 {
		return absent
	}
	return id
}

// add makes a file, of which there is none yet, in a directory. It has no layer yet.
func (t *nodes) add(dir nodeID, name string) nodeID {
	t.reserve(1)
	at := t.place(dir, name)
	id := t.table[at]
	if id == absent {
		id = t.count
		t.count++
		t.table[at] = id
		last := len(t.blocks) - 1
		if len(t.blocks[last]) == blockSize {
			t.blocks = append(t.blocks, make([]node, 0, blockSize))
			last++
		}
		t.blocks[last] = append(t.blocks[last], node{name: name, parent: dir, layer: unlisted})
	}
	if n := t.node(id); n.layer == unlisted {
		n.next, t.node(dir).child = t.node(dir).child, id
	}
	t.node(id).layer = 0
	return id
}

// remove takes a node, whose children are all removed, out of its directory.
func (t *nodes) remove(id nodeID) {
	t.dropRemoved(id)
	n := t.node(id)
	n.file, n.layer = nil, removed
}

// dropRemoved takes the removed children out of a directory's list.
func (t *nodes) dropRemoved(dir nodeID) {
	link := &t.node(dir).child
	for *link != absent {
		n := t.node(*link)
		if n.layer != removed {
			link = &n.next
			continue
		}
		n.layer = unlisted
		*link, n.next = n.next, absent
	}
}

// children gives the files in a directory, in no order. They may be removed meanwhile.
func (t *nodes) children(dir nodeID) iter.Seq[nodeID] {
	return func(yield func(nodeID) bool) {
		for id := t.node(dir).child; id != absent; id = t.node(id).next {
			if t.node(id).layer >= 0 && !yield(id) {
				return
			}
		}
	}
}

// empty reports whether a directory has no children.
func (t *nodes) empty(dir nodeID) bool {
	for range t.children(dir) {
		return false
	}
	return true
}

// path gives where a node is, without a new string where its layer's own path is the same.
func (t *nodes) path(id nodeID) string {
	var way [32]string
	names, length := way[:0], -1
	for at := id; at != root; at = t.node(at).parent {
		name := t.node(at).name
		names, length = append(names, name), length+1+len(name)
	}
	if f := t.node(id).file; f != nil && len(f.Path) == length && endsIn(f.Path, names) {
		return f.Path
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}

// endsIn reports whether a path is made of these names, the last one first.
func endsIn(path string, names []string) bool {
	for _, name := range names {
		before, ok := strings.CutSuffix(path, name)
		if !ok {
			return false
		}
		path = strings.TrimSuffix(before, "/")
	}
	return path == ""
}
