package hardening

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// writable are the files and directories below one place, of one layer, that everybody can write: chmod -R makes thousands at once.
type writable struct {
	path  string
	layer int
	// top is set where the place itself is a directory that everybody can write, or the only file.
	top                   *inventory.File
	files, dirs, programs int
}

func worldWritable(j *judging) {
	open := map[string]bool{}
	directories := j.writableDirectories()
	for i := range directories {
		open[directories[i].Path] = true
	}
	groups := map[string]*writable{}
	for i := range directories {
		d := &directories[i]
		g := group(groups, topmost(open, d.Path), d.Layer)
		if g.dirs++; g.path == d.Path {
			g.top = d
		}
	}
	j.files(func(f *inventory.File) {
		if !isRegular(f) || f.Entry.Mode&0o002 == 0 || isAccountFile(f.Path) || isRootFile(f.Path) { // those have a check of their own
			return
		}
		at := topmost(open, f.Path)
		if at == "" {
			at = path.Dir(f.Path)
		}
		g := group(groups, at, f.Layer)
		g.files++
		if f.Program() {
			g.programs++
		}
		if g.files+g.dirs == 1 {
			g.top = f
		} else if g.top != nil && g.top.Path != g.path {
			g.top = nil
		}
	})
	list := make([]*writable, 0, len(groups))
	for _, g := range groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *writable) int { return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.layer, b.layer)) })
	for _, g := range list {
		j.foundWritable(g)
	}
}

// writableDirectories gives them with the first layer of an unbroken run that had them so: layers repeat the entries of directories in which
// they write.
func (j *judging) writableDirectories() []inventory.File {
	list := slices.Clone(j.Trace.Writable)
	if len(list) == 0 {
		return nil
	}
	first := make(map[string]int, len(list)) // -1: not so up to now
	for i := range list {
		first[list[i].Path] = -1
	}
	for i, ix := range j.Layers {
		for k := range ix.Files {
			f := &ix.Files[k]
			switch was, ok := first[f.Path]; {
			case !ok || f.Type != layer.Directory:
			case f.Mode&0o002 == 0 || f.Mode&fs.ModeSticky != 0:
				first[f.Path] = -1
			case was < 0:
				first[f.Path] = i
			}
		}
	}
	for i := range list {
		if at := first[list[i].Path]; at >= 0 { // it may be known by another path, through a link
			list[i].Layer = min(list[i].Layer, at)
		}
	}
	return list
}

func group(groups map[string]*writable, at string, index int) *writable {
	key := fmt.Sprintf("%d %s", index, at)
	if groups[key] == nil {
		groups[key] = &writable{path: at, layer: index}
	}
	return groups[key]
}

// topmost gives the highest directory at or above a path that is in a set; empty where none is.
func topmost(open map[string]bool, at string) string {
	for i := range len(at) {
		if at[i] == '/' && open[at[:i]] {
			return at[:i]
		}
	}
	if open[at] {
		return at
	}
	return ""
}

// foundWritable notes one group. What programs are run from, or read as they start, is worse than data.
func (j *judging) foundWritable(g *writable) {
	at := inventory.File{Path: g.path, Layer: g.layer, Owner: -1}
	if g.top != nil {
		at = *g.top
	}
	f := Finding{Place: j.place(&at), Mend: "RUN chmod -R o-w /" + at.Path}
	switch {
	case g.top != nil && g.files+g.dirs == 1:
		f.Title = fmt.Sprintf("everybody can write /%s, mode %04o", at.Path, at.PosixMode())
	case g.top != nil:
		f.Title = fmt.Sprintf("everybody can write /%s and %s below it", at.Path, counted(g.files, g.dirs-1))
	default:
		f.Title = fmt.Sprintf("everybody can write %s in /%s", counted(g.files, g.dirs), at.Path)
	}
	if g.programs > 0 || isSystem(at.Path) {
		f.Severity = medium
	}
	j.found(f)
}

// isSystem says whether programs or settings of the system lie below a directory.
func isSystem(at string) bool {
	first, rest, _ := strings.Cut(at, "/")
	switch first {
	case "bin", "sbin", "lib", "lib64", "etc", "boot":
		return true
	case "usr":
		second, _, _ := strings.Cut(rest, "/")
		return second != "share" && second != "src"
	}
	return isBin(at + "/x")
}

// counted writes numbers of files and directories.
func counted(files, dirs int) string {
	var parts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{{files, "file", "files"}, {dirs, "directory", "directories"}} {
		switch {
		case c.n == 1:
			parts = append(parts, "1 "+c.one)
		case c.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	return strings.Join(parts, " and ")
}
