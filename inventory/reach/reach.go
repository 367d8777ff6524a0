// Package reach works out which programs and libraries of an image the process that it starts can come to.
//
// In go the command line of the image's config, the assembled file system, and what was kept of each program and script
// when its layer was read; out comes, for each file that is reached, through which other. It follows what can be seen
// without running anything: loaders, needed libraries, scripts' interpreters and words, and the libraries, directories and
// programs that a program's own constants name. Where it cannot tell, it takes more to be reached rather than less; where it
// does not know what is started, it says so and nothing else.
//
// An interpreted application can start any program and load any library under a name that stands only in its own text,
// which is not looked into. What is not reached is therefore less likely to matter; it is no proof. This package never runs
// anything and never reads a file of the host.
package reach

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// Input is what [Find] goes by.
type Input struct {
	Tree    *layer.Tree
	Process *image.Process
	// Programs are the files of the tree that have facts; others may be among them.
	Programs []layer.Entry
	// Packages are those of the distribution.
	Packages []Package
}

// Package is a package of the distribution.
type Package struct {
	// Files are the real paths of its programs, libraries and scripts, without leading slash.
	Files []string
	// Asked says that the image's build asked for the package by name: whoever did so means to use it.
	Asked bool
}

// Result is what is reached.
type Result struct {
	// Unknown says why nothing is known; empty where Reached may be asked.
	Unknown string
	// Entrypoint is the file that is started, with a leading slash.
	Entrypoint string
	steps      map[string]step
}

// step is how a file was reached.
type step struct {
	by  string // the file that led to it; empty for the first
	how string // empty where it is linked, interprets or is named
}

// Chain gives the files through which one is reached, the entrypoint first and the file itself last, with leading slashes.
// What is less sure than a link is said in brackets.
func (r *Result) Chain(file string) []string {
	var chain []string
	for file != "" && len(chain) < 100 {
		s, ok := r.steps[file]
		if !ok {
			break
		}
		link := "/" + file
		if s.how != "" {
			link += " (" + s.how + ")"
		}
		chain, file = append(chain, link), s.by
	}
	slices.Reverse(chain)
	return chain
}

// program is a file with facts.
type program struct {
	path   string
	facts  []byte
	owners []int  // indexes in Input.Packages
	links  *Links // nil until asked for
	// ownDirs are those of DT_RPATH and DT_RUNPATH; nil until asked for.
	ownDirs []string
}

func (p *program) isELF() bool    { return bytes.HasPrefix(p.facts, []byte(ELFKind)) }
func (p *program) isScript() bool { return bytes.HasPrefix(p.facts, []byte(scriptKind)) }

// Links gives what the file is linked with.
func (p *program) Links() *Links {
	if p.links == nil {
		l := parseLinks(p.facts)
		p.links = &l
	}
	return p.links
}

// finder is the state of one Find.
type finder struct {
	Input
	env      map[string]string
	dirs     []string // of PATH, by their real paths
	loader   loader
	programs map[string]*program
	byPath   []*program // all, sorted by path
	byBase   []*program // the ELF files, sorted by base name and path
	steps    map[string]step
	queue    []*program
	// entrypoint is the real path of what is started.
	entrypoint string
	// interpreter is the first one that was reached; empty for none.
	interpreter string
	everything  bool
	unclear     string          // why what a program that was reached loads is not known
	packages    map[int]bool    // of which the rest was visited
	done        map[string]bool // names and words that were followed, each with what it was taken for
	left        int             // of maxWork
}

// maxWork bounds the files that are looked up or compared for one image, about a microsecond each. Real images take under a
// tenth of it.
const maxWork = 5_000_000

// Find follows the image's command line.
func Find(in Input) *Result {
	f := &finder{
		Input: in, env: map[string]string{}, programs: map[string]*program{}, steps: map[string]step{},
		packages: map[int]bool{}, done: map[string]bool{}, left: maxWork,
	}
	if in.Process == nil {
		return &Result{Unknown: "the image has no config that says what it starts"}
	}
	f.index()
	f.environment()
	if why := f.start(); why != "" {
		return &Result{Unknown: why}
	}
	f.follow()
	f.asked()
	f.follow()
	if f.interpreter != "" {
		f.orphans()
		f.follow()
	}
	if f.unclear != "" {
		return &Result{Unknown: f.unclear}
	}
	if f.left < 0 {
		return &Result{Unknown: "what the image starts names too many files to follow them all"}
	}
	return &Result{Entrypoint: "/" + f.entrypoint, steps: f.steps}
}

// index sorts the programs that stand in the tree.
func (f *finder) index() {
	for _, e := range f.Programs {
		now, ok := f.Tree.Lookup(e.Path)
		if !ok || now.Path != e.Path || now.File != e.File || f.programs[e.Path] != nil {
			continue
		}
		p := &program{path: e.Path, facts: e.File.Facts()}
		switch {
		case p.isELF():
			f.byBase = append(f.byBase, p)
		case !p.isScript():
			continue
		}
		f.programs[e.Path] = p
		f.byPath = append(f.byPath, p)
	}
	slices.SortFunc(f.byPath, func(a, b *program) int { return strings.Compare(a.path, b.path) })
	slices.SortFunc(f.byBase, func(a, b *program) int {
		return cmp.Or(strings.Compare(path.Base(a.path), path.Base(b.path)), strings.Compare(a.path, b.path))
	})
	for i, pkg := range f.Packages {
		for _, file := range pkg.Files {
			if p := f.programs[file]; p != nil {
				p.owners = append(p.owners, i)
			}
		}
	}
}

// first says whether this is the first time that something is followed, and counts the work of doing so.
func (f *finder) first(what, name string, work int) bool {
	key := what + name
	if f.done[key] || f.left < 0 {
		return false
	}
	f.done[key] = true
	f.left -= 1 + work
	return true
}

// environment reads the variables of the image's config.
func (f *finder) environment() {
	for _, v := range f.Process.Env {
		name, value, _ := strings.Cut(v, "=")
		f.env[name] = value
	}
	// What a runtime sets where the image does not: https://github.com/moby/moby/blob/master/oci/defaults.go.
	list := cmp.Or(f.env["PATH"], "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	for dir := range strings.SplitSeq(list, ":") {
		if e, ok := f.Tree.Lookup(f.absolute(dir)); ok {
			f.dirs = append(f.dirs, e.Path)
		}
	}
	f.loader = newLoader(f.Tree, f.env["LD_LIBRARY_PATH"])
}

// absolute gives a path relative to the root; one that is relative is of the working directory.
func (f *finder) absolute(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = path.Join("/", f.Process.WorkingDir, name)
	}
	return strings.TrimPrefix(path.Clean(name), "/")
}

// visit notes a file that stands at a path, following links, as reached. It says whether there is one.
func (f *finder) visit(name, by, how string) bool {
	e, ok := f.Tree.Lookup(name)
	if !ok || e.File.Type != layer.Regular {
		return false
	}
	p := f.programs[e.Path]
	if p == nil && !e.File.Program {
		return false
	}
	if _, seen := f.steps[e.Path]; !seen {
		f.steps[e.Path] = step{by, how}
		if p != nil {
			f.queue = append(f.queue, p)
		}
	}
	f.called(path.Base(name), e.Path)
	return true
}

// follow goes through all that is reached until there is nothing new.
func (f *finder) follow() {
	for len(f.queue) > 0 && f.left >= 0 {
		p := f.queue[0]
		f.queue = f.queue[1:]
		if p.isELF() {
			f.linked(p)
		} else {
			f.script(p, parseScript(p.facts))
		}
		for _, i := range p.owners {
			f.plugins(i, p.path)
		}
	}
}

// linked follows an ELF file.
func (f *finder) linked(p *program) {
	l := p.Links()
	switch {
	case l.Packed:
		f.unclear = cmp.Or(f.unclear, fmt.Sprintf("/%s is packed, so that what it loads cannot be seen", clip(p.path)))
	case l.More:
		f.unclear = cmp.Or(f.unclear, fmt.Sprintf("/%s names too many files to know all that it may load", clip(p.path)))
	}
	if l.Interp != "" {
		f.visit(strings.TrimPrefix(l.Interp, "/"), p.path, "")
	}
	if l.RPath != "" {
		f.loader.inherit(p.path, l.RPath)
	}
	for _, name := range l.Needed {
		f.library(p, name)
	}
	for _, name := range l.Names {
		f.named(p, name)
	}
	if dir := path.Dir(p.path); l.isLibrary() && !f.isCommon(dir) {
		f.neighbours(dir, p.path)
	}
	if l.Soname == "libc.so.6" { // getaddrinfo and its kin load what nsswitch.conf(5) names
		f.libraries("libnss_", true, p.path, "name service")
	}
}

// library visits what a loader would take for a needed library. Where no directory that is searched has it, whoever starts
// the program tells the loader of another one, so that any file of the name will do.
func (f *finder) library(p *program, name string) {
	machine := p.Links().Machine
	fits := func(file string) bool {
		e, ok := f.Tree.Lookup(file)
		if !ok {
			return false
		}
		q := f.programs[e.Path]
		return q == nil || q.Links().Machine == machine
	}
	file, own := p.own(name, fits)
	f.left -= len(p.dirs())
	if own {
		f.visit(file, p.path, "")
	}
	// LD_LIBRARY_PATH goes before DT_RUNPATH.
	decided := own && f.env["LD_LIBRARY_PATH"] == "" || strings.Contains(name, "/")
	if decided || !f.first(fmt.Sprintf("library %d %d ", machine, len(f.loader.inherited)), name, len(f.loader.system)+len(f.loader.inherited)) {
		return
	}
	found := f.loader.search(name, fits)
	for _, file := range found {
		f.visit(file, p.path, "")
	}
	if len(found) == 0 && !own {
		for q := range f.based(name, false) {
			if q.Links().Machine == machine {
				f.visit(q.path, p.path, "")
			}
		}
	}
}
