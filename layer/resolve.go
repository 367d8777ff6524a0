package layer

import (
	"strings"
)

// The bounds of one walk through a tree: how many symbolic links it follows (as Linux does), how many names
// their targets have together, and the length of the real path that it comes to.
const (
	maxLinks     = 40
	maxLinkNames = 256
	maxReal      = 16 << 10
)

// step says how a walk goes on at each name.
type step struct {
	followLast bool         // follow a symbolic link at the end, too
	followNone bool         // take symbolic links for files
	make       *application // makes the directories that are missing; nil makes none
}

// find finds what stands at a path.
func (t *Tree) find(name string, followLast bool) (place, bool) {
	return t.walk(name, step{followLast: followLast})
}

// walk follows a path, and the symbolic links on it, from the root and never out of it. Names of the path
// and of links' targets may be "..", which leads to the real parent, as in a chroot.
func (t *Tree) walk(name string, s step) (place, bool) {
	var room [24]place
	way := append(room[:0], place{node: t.root})
	links, linkNames := 0, 0
	for rest := name; rest != ""; {
		part, tail, _ := strings.Cut(rest, "/")
		dir := way[len(way)-1]
		switch part {
		case "..":
			way = way[:max(1, len(way)-1)]
			fallthrough
		case "", ".":
			rest = tail
			continue
		}
		n := dir.node.children[part]
		if n != nil && n.isSymlink() && !s.followNone && (tail != "" || s.followLast) {
			links++
			linkNames += 1 + strings.Count(n.file.Link, "/")
			if links > maxLinks || linkNames > maxLinkNames {
				return place{}, false
			}
			if strings.HasPrefix(n.file.Link, "/") {
				way = way[:1]
			}
			rest = n.file.Link + "/" + tail
			continue
		}
		at := place{n, ""}
		if links == 0 {
			at.path = name[:len(name)-len(rest)+len(part)] // the path so far is the real one
		} else {
			at.path = join(dir.path, part)
		}
		if len(at.path) > maxReal {
			return place{}, false
		}
		if s.make != nil && (n == nil || !n.isDir()) {
			at.node = s.make.directoryAt(dir, part, at)
		} else if n == nil || tail != "" && !n.isDir() {
			return place{}, false
		}
		way = append(way, at)
		rest = tail
	}
	return way[len(way)-1], true
}

// directoryAt makes a directory that has no entry, in place of what is at that name.
func (a *application) directoryAt(dir place, name string, at place) *node {
	if at.node != nil {
		a.gone(at)
		a.tree.forget()
	}
	n := &node{layer: a.layer}
	dir.add(name, n)
	return n
}

// Lookup finds what stands at a path, following symbolic links inside the tree and never out of it.
func (t *Tree) Lookup(path string) (Entry, bool) {
	at, ok := t.find(path, true)
	if !ok || at.path == "" {
		return Entry{}, false
	}
	return at.node.entry(at.path), true
}
