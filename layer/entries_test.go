package layer

import (
	"iter"
	"slices"
	"strings"
)

// Entries gives every entry, sorted by path, byte by byte. The root is not one.
func (t *Tree) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) { t.root.each("", yield) }
}

// each yields what is below a directory. It is false when yield wants no more.
func (n *node) each(dir string, yield func(Entry) bool) bool {
	// What is in a directory sorts by the directory's name and a slash, and other files may come between
	// it and the directory itself: a, a.b, a/c.
	keys := make([]string, 0, len(n.children))
	for name, child := range n.children {
		keys = append(keys, name)
		if len(child.children) > 0 {
			keys = append(keys, name+"/")
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		name, below := strings.CutSuffix(key, "/")
		child := n.children[name]
		at := child.realPath(dir, name)
		if below && !child.each(at, yield) || !below && !yield(child.entry(at)) {
			return false
		}
	}
	return true
}

// realPath is join(dir, name), without a new string where the layer's own path is the same.
func (n *node) realPath(dir, name string) string {
	if n.file != nil && dir != "" {
		if p := n.file.Path; len(p) == len(dir)+1+len(name) && p[:len(dir)] == dir && p[len(dir)] == '/' && p[len(dir)+1:] == name {
			return p
		}
	}
	return join(dir, name)
}
