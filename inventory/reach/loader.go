package reach

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// loader knows where the dynamic loaders of glibc and musl look for libraries: ld.so(8), and ld-musl-*.path of musl.
type loader struct {
	tree *layer.Tree
	// system are the directories searched for every program, relative to the root; inherited those that what is reached
	// has in DT_RPATH, which counts for the libraries that it loads, and for theirs.
	system, inherited []string
}

// The bounds of reading the loader's configuration, and what one file says itself.
const (
	maxLoaderDirs   = 1024
	maxOwnDirs      = 64
	maxLoaderConfig = 1 << 20 // bytes of one file
)

func newLoader(tree *layer.Tree, libraryPath string) loader {
	l := loader{tree: tree}
	for dir := range strings.FieldsFuncSeq(libraryPath, func(c rune) bool { return c == ':' || c == ';' }) {
		l.add(dir)
	}
	l.configuration("etc/ld.so.conf", 0)
	for _, name := range l.list("etc") {
		if strings.HasPrefix(name, "ld-musl-") && strings.HasSuffix(name, ".path") {
			for dir := range strings.FieldsFuncSeq(l.read("etc/"+name), func(c rune) bool { return c == ':' || c == '\n' }) {
				l.add(dir)
			}
		}
	}
	for _, dir := range []string{"usr/local/lib", "lib", "usr/lib"} {
		for _, name := range l.list(dir) {
			if strings.Contains(name, "-linux-") { // of one architecture: x86_64-linux-gnu
				l.add(dir + "/" + name)
			}
		}
	}
	for _, dir := range []string{"usr/local/lib", "usr/local/lib64", "lib64", "usr/lib64", "lib", "usr/lib", "lib32", "usr/lib32"} {
		l.add(dir)
	}
	return l
}

// add notes a directory of the system by its real path, and those that it has for better processors.
func (l *loader) add(dir string) {
	e, ok := l.tree.Lookup(strings.TrimPrefix(path.Clean("/"+strings.TrimSpace(dir)), "/"))
	if !ok || e.File.Type != layer.Directory || slices.Contains(l.system, e.Path) || len(l.system) >= maxLoaderDirs {
		return
	}
	l.system = append(l.system, e.Path)
	for _, name := range l.list(e.Path + "/glibc-hwcaps") {
		l.system = append(l.system, e.Path+"/glibc-hwcaps/"+name)
	}
}

// list gives the names in a directory.
func (l *loader) list(dir string) []string {
	entries, err := l.tree.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// read gives a captured file; empty where there is none.
func (l *loader) read(file string) string {
	e, ok := l.tree.Lookup(file)
	if !ok {
		return ""
	}
	return string(e.File.Content()[:min(len(e.File.Content()), maxLoaderConfig)])
}

// configuration reads a file as ld.so.conf: a directory on each line, and "include" with a pattern.
func (l *loader) configuration(file string, depth int) {
	if depth > 4 {
		return
	}
	for line := range bytes.Lines([]byte(l.read(file))) {
		text, _, _ := strings.Cut(string(line), "#")
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
		case words[0] != "include":
			l.add(words[0])
		case len(words) > 1:
			pattern := words[1]
			if !strings.HasPrefix(pattern, "/") {
				pattern = "/" + path.Join(path.Dir(file), pattern)
			}
			dir, base := path.Split(strings.TrimPrefix(pattern, "/"))
			for _, name := range l.list(path.Clean(dir)) {
				if ok, _ := path.Match(base, name); ok {
					l.configuration(dir+name, depth+1)
				}
			}
		}
	}
}

// inherit notes the DT_RPATH of a program.
func (l *loader) inherit(program, list string) {
	for _, dir := range expand(program, list) {
		if !slices.Contains(l.inherited, dir) && len(l.inherited) < maxLoaderDirs {
			l.inherited = append(l.inherited, dir)
		}
	}
}

// dirs gives the directories that the file itself names.
func (p *program) dirs() []string {
	if p.ownDirs == nil {
		p.ownDirs = append(expand(p.path, p.Links().RPath), expand(p.path, p.Links().RunPath)...)
	}
	return p.ownDirs
}

// own gives the file that the program's own directories have for a library, which goes before all others.
func (p *program) own(name string, fits func(file string) bool) (string, bool) {
	if strings.Contains(name, "/") {
		file := strings.TrimPrefix(path.Clean("/"+name), "/")
		return file, fits(file)
	}
	for _, dir := range p.dirs() {
		if file := path.Join(dir, name); fits(file) {
			return file, true
		}
	}
	return "", false
}

// search gives the files that a loader might take for a library. The directories have an order, but the cache of ld.so
// need not follow it, so that all count.
func (l *loader) search(name string, fits func(file string) bool) []string {
	var found []string
	for _, dirs := range [][]string{l.inherited, l.system} {
		for _, dir := range dirs {
			if file := path.Join(dir, name); fits(file) {
				found = append(found, file)
			}
		}
	}
	return found
}

// expand gives the directories of a DT_RPATH or DT_RUNPATH of a file, relative to the root.
func expand(file, list string) []string {
	if list == "" {
		return nil
	}
	var dirs []string
	for dir := range strings.SplitSeq(list, ":") {
		for _, lib := range []string{"lib", "lib64"} {
			names := strings.NewReplacer("$ORIGIN", "/"+path.Dir(file), "${ORIGIN}", "/"+path.Dir(file), "$LIB", lib, "${LIB}", lib)
			d := strings.TrimPrefix(path.Clean("/"+names.Replace(dir)), "/")
			if d != "" && dir != "" && len(dirs) < maxOwnDirs && !slices.Contains(dirs, d) {
				dirs = append(dirs, d)
			}
		}
	}
	return dirs
}
