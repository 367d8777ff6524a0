package inventory

import (
	"path"
	"slices"
	"strings"
	"sync"

	"tidewaiter/image"
	"tidewaiter/inventory/reach"
	"tidewaiter/layer"
)

// Reach says which programs and libraries the process that an image starts can come to, as far as that can be told without
// running it: see package inventory/reach. It is worked out when it is first asked for.
type Reach struct {
	tree   *layer.Tree
	result func() reached
}

type reached struct {
	*reach.Result
	// programs are the programs, libraries and scripts of each package of the distribution; code has those of all that are
	// machine code.
	programs map[*Package][]string
	code     map[string]bool
	// kept are the files that reach knows something of.
	kept []layer.Entry
}

// reachRules keep what tells who starts and loads what.
func reachRules() []Rule {
	return []Rule{
		{Magic: "#!", Distil: reach.DistilScript, CaptureOnly: true},
		{Suffix: ".sh", Distil: reach.DistilScript, CaptureOnly: true},
		{Suffix: "etc/ld.so.conf", CaptureOnly: true},
		{Suffix: "etc/ld.so.preload", CaptureOnly: true},
		{Suffix: ".conf", Dir: "etc/ld.so.conf.d", CaptureOnly: true},
		{Suffix: ".path", Dir: "etc", CaptureOnly: true}, // musl's ld-musl-x86_64.path
	}
}

// newReach gives the reach of an image with these packages. kept are all files that layers kept something of.
func newReach(im *image.Image, tree *layer.Tree, kept []layer.Entry, packages []Package) *Reach {
	return &Reach{tree: tree, result: sync.OnceValue(func() reached {
		r := reached{code: map[string]bool{}}
		for _, e := range kept {
			if reach.IsMachineCode(e.File.Facts()) {
				r.code[e.Path] = true
			}
			if reach.Knows(e.File.Facts()) {
				r.kept = append(r.kept, e)
			}
		}
		r.programs = programsOf(tree, kept, packages)
		in := reach.Input{Tree: tree, Process: im.Process, Programs: kept}
		asked := r.askedFor(im.History, packages)
		for i := range packages {
			if files := r.programs[&packages[i]]; files != nil {
				in.Packages = append(in.Packages, reach.Package{Files: files, Asked: asked[packages[i].Name]})
			}
		}
		r.Result = reach.Find(in)
		return r
	})}
}

// programsOf gives, for each package of the distribution that has any, the real paths of its files that reach knows.
func programsOf(tree *layer.Tree, kept []layer.Entry, packages []Package) map[*Package][]string {
	known, bases := make(map[string]bool, len(kept)), make(map[string]bool, len(kept))
	for _, e := range kept {
		if reach.Knows(e.File.Facts()) {
			known[e.Path], bases[path.Base(e.Path)] = true, true
		}
	}
	dirs := realDirs{tree: tree, known: map[string]string{}}
	programs := map[*Package][]string{}
	for i := range packages {
		p := &packages[i]
		if !p.OfDistribution() || p.Claimed {
			continue
		}
		root := databaseRoot(p.Paths[0])
		for _, f := range p.Files {
			if !bases[f.Path[strings.LastIndexByte(f.Path, '/')+1:]] {
				continue
			}
			if at := dirs.real(path.Join(root, f.Path)); known[at] {
				programs[p] = append(programs[p], at)
			}
		}
	}
	return programs
}

// askedFor gives the names of the packages that instructions install, and for one without programs (a metapackage) of
// those that it depends on. Other words of the instructions are among them.
func (r *reached) askedFor(history []image.History, packages []Package) map[string]bool {
	asked := map[string]bool{}
	var ask func(name string)
	byName := map[string]*Package{}
	ask = func(name string) {
		if asked[name] {
			return
		}
		asked[name] = true
		if p := byName[name]; p != nil && r.programs[p] == nil {
			for _, need := range p.Depends {
				ask(need)
			}
		}
	}
	for i := range packages {
		if p := &packages[i]; p.OfDistribution() {
			byName[p.Name] = p
		}
	}
	for _, h := range history {
		// After a name may stand a version, an architecture or a repository; before one, the argument that holds it.
		words := strings.FieldsFunc(h.Instruction, func(c rune) bool { return c <= ' ' || strings.ContainsRune(`;&|"'\()<>=~:@`, c) })
		if !slices.Contains(words, "install") && !slices.Contains(words, "add") && !slices.Contains(words, "in") {
			continue
		}
		for _, w := range words {
			ask(w)
		}
	}
	return asked
}

// Unknown says why nothing is known of what is reached; empty where it is known.
func (r *Reach) Unknown() string {
	if r == nil {
		return "there is no file system to look into"
	}
	return r.result().Unknown
}

// Entrypoint is the file that the image starts, with a leading slash; empty where that is not known.
func (r *Reach) Entrypoint() string {
	if r == nil {
		return ""
	}
	return r.result().Entrypoint
}

// Package gives what is known of a distribution's package, one of those of the inventory: the real paths of its programs and
// libraries in machine code, sorted, and through which of its files it is reached; empty where through none. Scripts count
// for reaching it, but a package that has nothing else is not known: who loads it stands in programs that are not read.
func (r *Reach) Package(p *Package) (programs []string, through string) {
	if r == nil {
		return nil, ""
	}
	result := r.result()
	shortest := 0
	for _, file := range slices.Sorted(slices.Values(result.programs[p])) {
		if result.code[file] {
			programs = append(programs, file)
		}
		if n := len(result.Chain(file)); n > 0 && (shortest == 0 || n < shortest) {
			shortest, through = n, file
		}
	}
	return programs, through
}
