package layer

import (
	"fmt"
	"testing"
)

// watched writes down what a tree tells.
type watched struct{ lines []string }

func (w *watched) Put(path string, f *File, link bool) {
	w.lines = append(w.lines, fmt.Sprintf("put %s %s %v", path, f.Path, link))
}

func (w *watched) Lost(path string, f *File, layer int) {
	w.lines = append(w.lines, fmt.Sprintf("lost %s %s %d", path, f.Path, layer))
}

func TestWatch(t *testing.T) {
	w := &watched{}
	tree := NewTree()
	tree.Watch(w)
	f := func(path string) File { return File{Path: path} }
	for i, files := range [][]File{
		{{Path: "lib", Type: Symlink, Link: "usr/lib"}, f("lib/a"), {Path: "hard", Type: Hardlink, Link: "lib/a"}, {Path: "dir", Type: Directory}, f("dir/x"), f("b")},
		{f("usr/lib/a"), f("twice"), f("twice"), {Path: "dir", Type: Whiteout}, f("b"), {Path: "b", Type: Whiteout}, {Path: "absent", Type: Hardlink, Link: "nowhere"}},
	} {
		tree.Apply(i, &Index{Files: files})
	}
	diff(t, []string{
		"put lib lib false", "put usr/lib/a lib/a false", "put hard lib/a true", "put dir/x dir/x false", "put b b false",
		"lost usr/lib/a lib/a 0", "put usr/lib/a usr/lib/a false", "put twice twice false", "lost twice twice 1", "put twice twice false",
		"lost dir/x dir/x 0", "lost b b 0", "put b b false",
	}, w.lines)
}
