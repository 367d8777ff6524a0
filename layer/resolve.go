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
func (t *Tree) find(name string, followLast bool) (nodeID, bool) {
	return t.walk(name, step{followLast: followLast})
}

// walk follows a path, and the symbolic links on it, from the root and never out of it. Names of the path
// and of links' targets may be "..", which leads to the real parent, as in a chroot.
func (t *Tree) walk(name string, s step) (nodeID, bool) {
	at, length := root, 0 // of the real path
	links, linkNames := 0, 0
	for rest := name; rest != ""; {
		part, tail, _ := strings.Cut(rest, "/")
		switch part {
		case "..":
			if at != root {
				length -= 1 + len(t.node(at).name)
				at = t.node(at).parent
			}
			fallthrough
		case "", ".":
			rest = tail
			continue
		}
		id := t.child(at, part)
		isDir := id != absent && t.node(id).isDir()
		if id != absent && t.node(id).isSymlink() && !s.followNone && (tail != "" || s.followLast) {
			link := t.node(id).file.Link
			links++
			linkNames += 1 + strings.Count(link, "/")
			if links > maxLinks || linkNames > maxLinkNames {
				return absent, false
			}
			if strings.HasPrefix(link, "/") {
				at, length = root, 0
			}
			rest = link + "/" + tail
			continue
		}
		if length += 1 + len(part); length > maxReal {
			return absent, false
		}
		if s.make != nil && !isDir {
			id = s.make.replace(at, part, id)
		} else if id == absent || tail != "" && !isDir {
			return absent, false
		}
		at, rest = id, tail
	}
	return at, true
}

// replace makes a directory that has no entry, in place of what is at that name.
func (a *application) replace(dir nodeID, name string, id nodeID) nodeID {
	if id != absent {
		a.gone(id)
		a.tree.forget()
	}
	id = a.tree.add(dir, strings.Clone(name)) // name may be a small part of a long link
	a.tree.node(id).layer = a.layer
	return id
}

// Lookup finds what stands at a path, following symbolic links inside the tree and never out of it.
func (t *Tree) Lookup(path string) (Entry, bool) {
	at, ok := t.find(path, true)
	if !ok || at == root {
		return Entry{}, false
	}
	return t.entry(at, t.path(at)), true
}
