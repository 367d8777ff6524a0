package layer

import (
	"iter"
	"slices"
	"strings"
)

// Entries gives every entry, sorted by path, byte by byte. The root is not one.
func (t *Tree) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) { t.each(root, yield) }
}

// each yields what is below a directory. It is false when yield wants no more.
func (t *Tree) each(dir nodeID, yield func(Entry) bool) bool {
	type key struct {
		name string
		id   nodeID
	}
	// What is in a directory sorts by the directory's name and a slash, and other files may come between
	// it and the directory itself: a, a.b, a/c.
	var keys []key
	for id := range t.children(dir) {
		name := t.node(id).name
		keys = append(keys, key{name, id})
		if !t.empty(id) {
			keys = append(keys, key{name + "/", id})
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return strings.Compare(a.name, b.name) })
	for _, k := range keys {
		if strings.HasSuffix(k.name, "/") {
			if !t.each(k.id, yield) {
				return false
			}
		} else if !yield(t.entry(k.id, t.path(k.id))) {
			return false
		}
	}
	return true
}

// Watch is told what layers do to a [Tree] as they are applied, directories aside. A file that takes the place of another
// is told of as Lost and then as Put.
type Watch interface {
	// Put tells that the layer being applied put f at a path. link says that f is another entry's file, to which this
	// is a hard link.
	Put(path string, f *File, link bool)
	// Lost tells that f, which layer had put at a path, does not stand there any more. The layer may be the one being
	// applied, where that one has the path twice.
	Lost(path string, f *File, layer int)
}

// Watch has w told of the layers that are applied from now on.
func (t *Tree) Watch(w Watch) { t.watch = w }
