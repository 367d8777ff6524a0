package layer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// stack applies layers, each given by its entries, and gives what the last one wrote and removed.
func stack(t testing.TB, layers ...[]entry) (tree *Tree, written, removed []string) {
	t.Helper()
	tree = NewTree()
	for i, entries := range layers {
		w, r := tree.Apply(i, mustRead(t, tarOf(t, entries...), all, nil))
		written, removed = nil, r
		for _, e := range w {
			written = append(written, fmt.Sprintf("%s@%d", e.Path, e.Layer))
		}
	}
	return tree, written, removed
}

// show lists a tree, directories with a slash, links with their target and files with their content.
func show(tree *Tree) []string {
	var lines []string
	for e := range tree.Entries() {
		switch e.File.Type {
		case Directory:
			lines = append(lines, e.Path+"/")
		case Symlink:
			lines = append(lines, e.Path+" -> "+e.File.Link)
		default:
			lines = append(lines, e.Path+" "+string(e.File.Content()))
		}
	}
	return lines
}

func TestApply(t *testing.T) {
	type layers [][]entry
	for name, c := range map[string]struct {
		layers           layers
		tree             []string
		written, removed []string // by the last layer
	}{
		"a file is replaced": {
			layers{{file("a", "1")}, {file("a", "2")}}, []string{"a 2"}, []string{"a@1"}, nil,
		},
		"a whiteout": {
			layers{{file("d/a", "1"), file("d/b", "2")}, {file("d/.wh.a", "")}}, []string{"d/", "d/b 2"}, nil, []string{"d/a"},
		},
		"a whiteout of nothing": {
			layers{{file("a", "1")}, {file(".wh.b", ""), file("c/.wh.d", "")}}, []string{"a 1"}, nil, nil,
		},
		"a whiteout of a directory": {
			layers{{file("d/a", "1"), dir("d/e"), file("d/e/b", "2")}, {file(".wh.d", "")}}, nil, nil, []string{"d/a", "d/e/b"},
		},
		"a whiteout spares its own layer, before it and after it": {
			layers{{file("d/old", "1")}, {file("d/before", "2"), file(".wh.d", ""), file("d/after", "3")}},
			[]string{"d/", "d/after 3", "d/before 2"}, []string{"d/after@1", "d/before@1"}, []string{"d/old"},
		},
		"a whiteout of what the same layer writes again": {
			layers{{file("a", "1")}, {file("a", "2"), file(".wh.a", "")}}, []string{"a 2"}, []string{"a@1"}, nil,
		},
		"an opaque directory": {
			layers{{dir("d"), file("d/old", "1"), file("d/e/old", "1"), file("x", "1")}, {file("d/new", "2"), file("d/.wh..wh..opq", ""), file("d/later", "3")}},
			[]string{"d/", "d/later 3", "d/new 2", "x 1"}, []string{"d/later@1", "d/new@1"}, []string{"d/e/old", "d/old"},
		},
		"an opaque directory that is emptied": {
			layers{{file("d/old", "1")}, {dir("d"), file("d/.wh..wh..opq", "")}}, []string{"d/"}, nil, []string{"d/old"},
		},
		"an opaque root": {
			layers{{file("a", "1"), file("d/b", "1")}, {file(".wh..wh..opq", ""), file("d/c", "2")}}, []string{"d/", "d/c 2"}, []string{"d/c@1"}, []string{"a", "d/b"},
		},
		"a directory merges into a directory": {
			layers{{dir("d"), file("d/a", "1")}, {dir("d"), file("d/b", "2")}}, []string{"d/", "d/a 1", "d/b 2"}, []string{"d/b@1"}, nil,
		},
		"a directory replaces a file": {
			layers{{file("d", "1")}, {dir("d"), file("d/a", "2")}}, []string{"d/", "d/a 2"}, []string{"d/a@1"}, []string{"d"},
		},
		"a directory replaces a symbolic link": {
			layers{{file("real/a", "1"), symlink("d", "real")}, {dir("d"), file("d/.wh..wh..opq", ""), file("d/b", "2")}},
			[]string{"d/", "d/b 2", "real/", "real/a 1"}, []string{"d/b@1"}, nil,
		},
		"a file replaces a directory": {
			layers{{file("d/a", "1"), file("d/e/b", "2")}, {file("d", "now a file")}}, []string{"d now a file"}, []string{"d@1"}, []string{"d/a", "d/e/b"},
		},
		"a symbolic link replaces a file": {
			layers{{file("a", "1"), file("b", "2")}, {symlink("a", "b")}}, []string{"a -> b", "b 2"}, nil, []string{"a"},
		},
		"a device replaces a file": {
			layers{{file("a", "1")}, {{name: "a", kind: '6'}}}, []string{"a "}, nil, []string{"a"},
		},
		"of one path in a layer the last entry counts": {
			layers{{file("a", "1"), file("a", "2"), file("x", "1"), dir("x"), file("x/y", "2"), file("x", "3")}}, []string{"a 2", "x 3"}, []string{"a@0", "x@0"}, nil,
		},
		"through a symbolic link of a lower layer": {
			layers{{dir("usr/lib"), symlink("lib", "usr/lib")}, {file("lib/apk/db/installed", "P:musl")}},
			[]string{"lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/apk/", "usr/lib/apk/db/", "usr/lib/apk/db/installed P:musl"}, []string{"usr/lib/apk/db/installed@1"}, nil,
		},
		"a whiteout through a symbolic link": {
			layers{{file("usr/lib/a", "1"), symlink("lib", "usr/lib")}, {file("lib/.wh.a", "")}}, []string{"lib -> usr/lib", "usr/", "usr/lib/"}, nil, []string{"usr/lib/a"},
		},
		"a whiteout of a symbolic link leaves its target": {
			layers{{file("usr/lib/a", "1"), symlink("lib", "usr/lib")}, {file(".wh.lib", "")}}, []string{"usr/", "usr/lib/", "usr/lib/a 1"}, nil, nil,
		},
		"an absolute link stays within the root": {
			layers{{symlink("escape", "/tmp"), file("escape/a", "1"), symlink("up", "../../../../tmp"), file("up/b", "2")}},
			[]string{"escape -> /tmp", "tmp/", "tmp/a 1", "tmp/b 2", "up -> ../../../../tmp"}, []string{"tmp/a@0", "tmp/b@0"}, nil,
		},
		"dots in a link lead to the real parent": {
			layers{{symlink("var/lib/dpkg", "../../real/dpkg"), file("real/dpkg/status", "1"), symlink("d", "real/dpkg/.."), file("d/x", "2")}},
			[]string{"d -> real/dpkg/..", "real/", "real/dpkg/", "real/dpkg/status 1", "real/x 2", "var/", "var/lib/", "var/lib/dpkg -> ../../real/dpkg"},
			[]string{"real/dpkg/status@0", "real/x@0"}, nil,
		},
		"what cannot be followed becomes a directory": {
			layers{{symlink("a", "b"), symlink("b", "a"), symlink("self", "self"), file("f", "1")}, {file("a/x", "2"), file("self/x", "3"), file("f/x", "4")}},
			[]string{"a/", "a/x 2", "b -> a", "f/", "f/x 4", "self/", "self/x 3"}, []string{"a/x@1", "f/x@1", "self/x@1"}, []string{"f"},
		},
		"hard links share": {
			layers{{file("a", "1"), hardlink("d/b", "a")}, {file(".wh.a", ""), hardlink("c", "d/b")}}, []string{"c 1", "d/", "d/b 1"}, []string{"c@1"}, []string{"a"},
		},
		"a hard link prefers its own layer's file": {
			layers{{file("a", "1")}, {file("a", "2"), hardlink("b", "a")}}, []string{"a 2", "b 2"}, []string{"a@1", "b@1"}, nil,
		},
		"a hard link to nothing, to a directory and to itself": {
			layers{{file("a", "1"), dir("d"), hardlink("x", "not/there"), hardlink("a", "d"), hardlink("a", "a")}}, []string{"a 1", "d/"}, []string{"a@0"}, nil,
		},
		"a hard link to a symbolic link": {
			layers{{file("a", "1"), symlink("s", "a"), hardlink("h", "s")}}, []string{"a 1", "h -> a", "s -> a"}, []string{"a@0"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree, written, removed := stack(t, c.layers...)
			diff(t, c.tree, show(tree))
			diff(t, c.written, written)
			diff(t, c.removed, removed)
		})
	}
}

func TestApplyKeepsTheLayer(t *testing.T) {
	tree, _, _ := stack(t, []entry{file("a", "1"), dir("d")}, []entry{file("b", "2")}, []entry{dir("d"), file("d/c", "3")})
	for path, want := range map[string]int{"a": 0, "b": 1, "d": 2, "d/c": 2} {
		if e, ok := tree.Lookup(path); !ok || e.Layer != want {
			t.Errorf("%s: layer %d, %v", path, e.Layer, ok)
		}
	}
}

func TestRepeatedLayerChangesNothing(t *testing.T) {
	ix := mustRead(t, tarOf(t, file("a", "1")), all, nil)
	tree := NewTree()
	tree.Apply(0, ix)
	if written, removed := tree.Apply(1, ix); written != nil || removed != nil {
		t.Errorf("wrote %v, removed %v", written, removed)
	}
	if e, _ := tree.Lookup("a"); e.Layer != 0 {
		t.Errorf("a is of layer %d", e.Layer)
	}
}

func TestLookup(t *testing.T) {
	entries := []entry{
		file("usr/lib/os-release", "ID=x"), symlink("etc/os-release", "../usr/lib/os-release"), symlink("lib", "/usr/lib"), symlink("top", "lib/"),
		symlink("loop/a", "b"), symlink("loop/b", "a"), symlink("dir/loop", "../dir"), file("dir/f", "1"), symlink("gone", "nowhere"), symlink("out", "../../../../usr/lib/os-release"),
		symlink("through", "usr/lib/os-release/../os-release"),
	}
	for k := range 300 {
		entries = append(entries, symlink(fmt.Sprintf("chain/%d", k), fmt.Sprint(k+1)))
	}
	tree, _, _ := stack(t, append(entries, file("chain/300", "end")))
	for path, want := range map[string]string{
		"etc/os-release": "usr/lib/os-release", "lib/os-release": "usr/lib/os-release", "top/os-release": "usr/lib/os-release", "lib": "usr/lib", "out": "usr/lib/os-release",
		"dir/loop/loop/loop/f": "dir/f", "chain/270": "chain/300", "chain/100": "", "loop/a": "", "gone": "", "absent": "", "dir/f/x": "", "through": "", ".": "", "usr/": "usr",
	} {
		if e, _ := tree.Lookup(path); e.Path != want {
			t.Errorf("%s: at %q, not %q", path, e.Path, want)
		}
	}
}

func TestEntriesAreSorted(t *testing.T) {
	tree, _, _ := stack(t, []entry{file("a/c", ""), file("a.b", ""), file("a-b/x", ""), file("a/b/c", ""), file("a/b.c", ""), file("ab", "")})
	var paths []string
	for e := range tree.Entries() {
		paths = append(paths, e.Path)
	}
	if !slices.IsSorted(paths) || len(paths) != 9 {
		t.Errorf("got %q", paths)
	}
	for e := range tree.Entries() {
		diff(t, "a", e.Path)
		break
	}
}

func TestTreeIsAFileSystem(t *testing.T) {
	tree, _, _ := stack(t,
		[]entry{file("etc/passwd", "root"), symlink("etc/link", "passwd"), file("empty", ""), dir("void"), symlink("lib", "usr/lib")},
		[]entry{file("lib/a/b.txt", strings.Repeat("b", 5000)), hardlink("usr/hard", "etc/passwd"), {name: "x.sh", text: "#!", mode: 0o4755}},
	)
	if err := fstest.TestFS(tree, "etc/passwd", "etc/link", "empty", "void", "usr/lib/a/b.txt", "usr/hard", "x.sh"); err != nil {
		t.Error(err)
	}
	f, err := tree.Open("lib/a/b.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, ok := f.(interface {
		io.ReaderAt
		io.Seeker
	}); !ok {
		t.Error("an open file has no ReadAt or Seek")
	}
	info, err := tree.Lstat("etc/link")
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("lstat: %v, %v", info, err)
	}
	if _, err := tree.ReadLink("etc/passwd"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("readlink of a file: %v", err)
	}
}

func TestNotCaptured(t *testing.T) {
	tree := NewTree()
	tree.Apply(0, mustRead(t, tarOf(t, file("a", "1"), file("empty", ""), entry{name: "fifo", kind: '6'}), none, nil))
	for _, name := range []string{"a", "fifo"} {
		_, openErr := tree.Open(name)
		_, readErr := tree.ReadFile(name)
		for _, err := range []error{openErr, readErr} {
			var at *fs.PathError
			if !errors.Is(err, ErrNotCaptured) || !errors.As(err, &at) || at.Path != name {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if b, err := tree.ReadFile("empty"); err != nil || len(b) != 0 {
		t.Errorf("empty: %q, %v", b, err)
	}
	if _, err := tree.Open("absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := tree.Open("../a"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("../a: %v", err)
	}
}

// Trees that hostile layers could make large or slow.
func TestHostileTrees(t *testing.T) {
	var marks []entry
	for i := range 2000 {
		marks = append(marks, file(fmt.Sprintf("d/%d", i), ""))
	}
	for range 2000 {
		marks = append(marks, file("d/.wh..wh..opq", ""), file(".wh.d", ""))
	}
	tree, _, _ := stack(t, []entry{file("d/old", "")}, marks)
	if list, _ := tree.ReadDir("d"); len(list) != 2000 {
		t.Errorf("%d files stand", len(list))
	}

	// Each link leads deeper than the one before.
	deep := []entry{dir("l0")}
	down := strings.Repeat("/downwards", 100)
	for i := range 100 {
		deep = append(deep, file(fmt.Sprintf("l%d%s/f", i, down), ""), symlink(fmt.Sprintf("l%d", i+1), fmt.Sprintf("l%d%s", i, down)))
	}
	tree, _, _ = stack(t, deep)
	for e := range tree.Entries() {
		if len(e.Path) > maxReal {
			t.Fatalf("a path of %d bytes", len(e.Path))
		}
	}
}

// at gives the node that really stands at a path; nil where there is none.
func (t *Tree) at(path string) *node {
	if id, ok := t.find(path, false); ok && id != root && t.path(id) == path {
		return t.node(id)
	}
	return nil
}
