package inventory

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// NewTrace accounts for every file of an image: who installed it, or which instruction wrote it. The indexes must have been
// read with digests ([layer.Options]): without them no file is found modified. The inventory is that of the same indexes.
//
// What is installed is told from the package databases of the final file system. A package without a list of files (npm,
// RubyGems) owns its directory, with all that is as old as the file that names the package: what a later layer
// changed there is modified, and what it added is placed.
func NewTrace(im *image.Image, indexes []*layer.Index, inv *Inventory) *Trace {
	tree, o := overlaid(indexes)
	o.settleHidden(tree)
	a := &accounting{
		tree: tree, overlay: o, packages: inv.Packages, claims: newFileClaims(tree, inv.Packages), known: map[string]int{},
		rules: newGeneratedRules(tree, inv.Packages), installed: map[string]int{},
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Recognised {
			for _, at := range p.Paths {
				a.known[at] = i
			}
		}
	}
	t := a.account()
	t.BlindSpots = unlisted(inv.Packages)
	o.countPackages(inv)
	o.sortFiles(t)
	t.Steps = o.inOrder(im)
	return t
}

// unlisted says so where dpkg's database names packages without the lists of their files: somebody took those away to save
// space. Files of those packages then count as placed.
func unlisted(packages []Package) []image.BlindSpot {
	count := map[string]int{} // by database
	for i := range packages {
		p := &packages[i]
		if p.Type == "deb" && !p.Claimed && !slices.ContainsFunc(p.Files, func(f OwnedFile) bool { return !f.Config }) {
			count[p.Paths[0]]++
		}
	}
	var spots []image.BlindSpot
	for _, at := range slices.Sorted(maps.Keys(count)) {
		spots = append(spots, image.BlindSpot{Kind: image.UnreadableFile, Where: at,
			Message: fmt.Sprintf("the lists of files of %d packages are not there: what those installed counts as placed, and is not verified", count[at])})
	}
	return spots
}

// accounting is the state of one NewTrace.
type accounting struct {
	tree     *layer.Tree
	overlay  *overlay
	packages []Package
	claims   *fileClaims
	rules    *generatedRules
	known    map[string]int // recognised packages by path
	// installed has the layer of the metadata file of each home.
	installed map[string]int
}

// account goes through the tree and the claims side by side: both are sorted by path.
func (a *accounting) account() *Trace {
	t := &Trace{Files: make([]File, 0, a.overlay.standingFiles())}
	claims := a.claims.list
	for e := range a.tree.Entries() {
		for len(claims) > 0 && claims[0].path < e.Path {
			claims = a.miss(t, claims)
		}
		mine := claims
		for len(claims) > 0 && claims[0].path == e.Path {
			claims = claims[1:]
		}
		mine = mine[:len(mine)-len(claims)]
		if e.File.Type == layer.Directory {
			t.Directories++
			if e.File.Mode&0o002 != 0 && e.File.Mode&fs.ModeSticky == 0 {
				t.Writable = append(t.Writable, File{Path: e.Path, Layer: e.Layer, Entry: e.File, Owner: -1, Known: -1})
			}
			t.supplanted(e, mine)
			continue
		}
		f := File{Path: e.Path, Layer: a.overlay.origin(e.Path, e.Layer), Entry: e.File, Owner: -1, Known: -1}
		if f.Verified = a.classify(&f, mine); f.Verified {
			t.Verified++
		}
		t.Files = append(t.Files, f)
	}
	for len(claims) > 0 {
		claims = a.miss(t, claims)
	}
	return t
}

// supplanted notes a directory that stands where a package installed a file: one that has a checksum.
func (t *Trace) supplanted(e layer.Entry, claims []fileClaim) {
	if len(claims) > 0 && claims[0].digest != "" && !claims[0].optional {
		t.Missing = append(t.Missing, Missing{Path: e.Path, Owner: int(claims[0].pkg), Layer: e.Layer})
	}
}

// miss notes a file that is not there, and gives the claims on other paths.
func (a *accounting) miss(t *Trace, claims []fileClaim) []fileClaim {
	first := claims[0]
	for len(claims) > 0 && claims[0].path == first.path {
		claims = claims[1:]
	}
	if first.optional {
		return claims
	}
	m := Missing{Path: first.path, Owner: int(first.pkg), Layer: -1}
	if by, ok := a.overlay.gone[first.path]; ok {
		m.Layer = by
	}
	t.Missing = append(t.Missing, m)
	return claims
}

// classify finds a file's class, and says whether its content was compared and is what was installed.
func (a *accounting) classify(f *File, claims []fileClaim) (verified bool) {
	f.Class = Placed
	switch {
	case len(claims) > 0 && claims[0].rank != isPackage:
		return a.listed(f, claims)
	case len(claims) > 0 && f.Program():
		if a.atHome(f) {
			return false
		}
		// It says what it is made of, and that is no installer's word.
		if i, ok := a.known[f.Path]; ok {
			f.Known = i
		} else {
			f.Known = a.mainPackage(f.Path, claims)
		}
		return false
	case len(claims) > 0:
		f.Class, f.Owner = Owned, a.mainPackage(f.Path, claims)
		return false
	case a.atHome(f), a.linked(f), a.bytecode(f):
		return false
	}
	if rule, owner, ok := a.rules.find(f); ok {
		f.Class, f.Rule, f.Owner = Generated, rule, owner
		return false
	}
	if i, ok := a.known[f.Path]; ok {
		f.Known = i
	}
	return false
}

// listed judges a file that is in a package's list. Where several packages list it (dpkg: the same package for two
// architectures), it is of the one that it matches.
func (a *accounting) listed(f *File, claims []fileClaim) (verified bool) {
	f.Class, f.Owner, f.Config = Owned, int(claims[0].pkg), claims[0].config
	for i := range claims {
		c := &claims[i]
		if c.rank != claims[0].rank {
			break
		}
		same, known := c.compare(f.Entry)
		if same {
			f.Class, f.Owner, f.Config, f.Recorded = Owned, int(c.pkg), c.config, ""
			return true
		}
		if known {
			f.Class, f.Owner, f.Config, f.Recorded = Modified, int(c.pkg), c.config, c.digest
		}
	}
	if f.Class == Owned && !claims[0].ghost && path.Ext(f.Path) != ".pyc" {
		a.heldAgainstInstalled(f)
	}
	return false
}

// heldAgainstInstalled judges a file that its package's database has no checksum of, such as a symbolic link: by what stood
// there when the package had been installed.
func (a *accounting) heldAgainstInstalled(f *File) {
	since := a.packages[f.Owner].Layer
	if since == nil || f.Layer <= *since {
		return
	}
	if was := a.overlay.standing(f.Path, *since); was != nil && !sameContent(was, f.Entry) {
		f.Class, f.Recorded = Modified, digestOf(was, "sha256")
	}
}

// mainPackage chooses, of the packages that are all in one file, the one that the file is called after.
func (a *accounting) mainPackage(at string, claims []fileClaim) int {
	base := path.Base(at)
	best, most := int(claims[0].pkg), -1
	for _, c := range claims {
		p := &a.packages[c.pkg]
		score := 0
		if name := p.Name[strings.LastIndexAny(p.Name, "/:")+1:]; strings.HasPrefix(base, name) {
			score = 1 + len(name)
		} else if p.Type == "golang" && (p.Version == "" || p.Version == "(devel)") {
			score = 1 // what was built, and not a module that was fetched
		} else if p.Name == "stdlib" {
			score = -1
		}
		if score > most {
			best, most = int(c.pkg), score
		}
	}
	return best
}

// atHome judges a file in a directory that a package fills. A digest that differs is then that of the layer which
// installed the package.
func (a *accounting) atHome(f *File) bool {
	h, ok := a.claims.homeOf(f.Path)
	if !ok {
		return false
	}
	since, ok := a.installed[h.metadata]
	if !ok {
		if e, found := a.tree.Lookup(h.metadata); found {
			since = a.overlay.origin(e.Path, e.Layer)
		}
		a.installed[h.metadata] = since
	}
	if f.Layer <= since {
		f.Class, f.Owner = Owned, h.pkg
		return true
	}
	was := a.overlay.standing(f.Path, since)
	switch {
	case was == nil:
		return false // it was put there later
	case sameContent(was, f.Entry):
		f.Class = Owned
	default:
		f.Class, f.Recorded = Modified, digestOf(was, "sha256")
	}
	f.Owner = h.pkg
	return true
}

// linked gives a symbolic link that a package manager made to the package that it leads to: an alternative, a command of
// an npm package, a linked package directory.
func (a *accounting) linked(f *File) bool {
	if f.Entry.Type != layer.Symlink {
		return false
	}
	at, alternative := f.Path, false
	for range 4 {
		alternative = alternative || strings.HasPrefix(at, "etc/alternatives/")
		info, err := a.tree.Lstat(at)
		if err != nil || info.Sys() == nil || info.Sys().(*layer.File).Type != layer.Symlink {
			break
		}
		link := info.Sys().(*layer.File).Link
		if !strings.HasPrefix(link, "/") {
			link = path.Join(path.Dir("/"+at), link)
		}
		dirs := realDirs{tree: a.tree, known: map[string]string{}}
		at = dirs.real(strings.TrimPrefix(path.Clean(link), "/"))
	}
	owner := -1
	if alternative || a.claims.noLinks {
		if claims := a.claims.of(at); claims != nil {
			owner = int(claims[0].pkg)
		}
	} else if strings.Contains(at, "node_modules/") {
		if h, ok := a.claims.homeOf(at + "/."); ok {
			owner = h.pkg
		}
	}
	if owner < 0 {
		return false
	}
	f.Class, f.Owner = Owned, owner
	return true
}

// bytecode judges what Python compiled: with its source beside it, it belongs to the source's package.
func (a *accounting) bytecode(f *File) bool {
	source, ok := pythonSource(f.Path)
	if !ok || f.Entry.Type != layer.Regular || f.Entry.Program {
		return false
	}
	e, ok := a.tree.Lookup(source)
	if !ok || e.File.Type != layer.Regular {
		f.Orphan = true
		return false
	}
	f.Class, f.Rule = Generated, "python-bytecode"
	if claims := a.claims.of(e.Path); claims != nil {
		f.Owner = int(claims[0].pkg)
	} else if h, ok := a.claims.homeOf(e.Path); ok {
		f.Owner = h.pkg
	}
	return true
}

// pythonSource gives the source that bytecode was compiled from: a.py for __pycache__/a.cpython-311.pyc (PEP 3147), and
// for a.pyc beside it (Python 2).
func pythonSource(at string) (string, bool) {
	dir, base := path.Split(at)
	name, ok := strings.CutSuffix(base, ".pyc")
	if !ok {
		return "", false
	}
	if parent, ok := strings.CutSuffix(dir, "__pycache__/"); ok {
		dir = parent
		name, _, _ = strings.Cut(name, ".")
	}
	return dir + name + ".py", true
}

// isScriptSource tells source files of scripts by their name: they often start with "#!" and are not run as programs.
func isScriptSource(at string) bool {
	switch path.Ext(at) {
	case ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".pm", ".sh", ".bash", ".php", ".tcl", ".awk", ".lua", ".t", ".in", ".html", ".txt", ".md":
		return true
	}
	return false
}

// sortFiles gives each step the files that came with it.
func (o *overlay) sortFiles(t *Trace) {
	for i := range t.Files {
		f := &t.Files[i]
		s := &o.steps[f.Layer]
		switch f.Class {
		case Modified:
			s.Modified = append(s.Modified, i)
		case Placed:
			s.Placed = append(s.Placed, i)
		}
		if f.Class == Placed && f.Program() || f.Setuid() && o.becameSetuid(f) {
			s.Programs = append(s.Programs, i)
		}
	}
	// Scripts of a runtime's library are many, and tell little.
	script := func(i int) int {
		if f := &t.Files[i]; isScriptSource(f.Path) && !f.Setuid() {
			return 1
		}
		return 0
	}
	for i := range o.steps {
		slices.SortStableFunc(o.steps[i].Programs, func(a, b int) int { return cmp.Compare(script(a), script(b)) })
	}
}

// becameSetuid says whether a program was there before without these rights.
func (o *overlay) becameSetuid(f *File) bool {
	before := o.before[f.Path]
	if len(before) == 0 {
		return false
	}
	was := File{Entry: before[len(before)-1].file}
	return !was.Setuid()
}

// inOrder gives the steps of the image's history, with what their layers did.
func (o *overlay) inOrder(im *image.Image) []Step {
	for i := range o.steps {
		if i < len(im.Layers) {
			o.steps[i].Instruction, o.steps[i].DockerfileLine = im.Layers[i].Instruction, im.Layers[i].DockerfileLine
		}
	}
	fits := 0
	for _, h := range im.History {
		if h.Layer >= 0 {
			fits++
		}
	}
	if fits != len(o.steps) {
		return o.steps
	}
	steps := make([]Step, 0, len(im.History))
	for _, h := range im.History {
		if h.Layer >= 0 {
			s := o.steps[h.Layer]
			s.DockerfileLine = h.DockerfileLine
			steps = append(steps, s)
		} else {
			steps = append(steps, Step{Layer: -1, Instruction: h.Instruction, DockerfileLine: h.DockerfileLine})
		}
	}
	return steps
}

// countPackages gives each step what it did to packages. A version that only moved to another place is no change.
func (o *overlay) countPackages(inv *Inventory) {
	changes := inv.Changes
	type subject struct {
		layer            int
		kind, name, arch string
	}
	for len(changes) > 0 {
		key := func(c Change) subject { return subject{c.Layer, c.Type, c.Name, c.Arch} }
		// The changes are sorted by layer, type and name, so those of one package stand together but for their architecture.
		n := 0
		for n < len(changes) && changes[n].Layer == changes[0].Layer && changes[n].Type == changes[0].Type && changes[n].Name == changes[0].Name {
			n++
		}
		bySubject := map[subject][]Change{}
		for _, c := range changes[:n] {
			bySubject[key(c)] = append(bySubject[key(c)], c)
		}
		if changes[0].Layer < len(o.steps) {
			s := &o.steps[changes[0].Layer]
			for _, list := range bySubject {
				s.Packages = append(s.Packages, packageChanges(list)...)
			}
		}
		changes = changes[n:]
	}
	for i := range o.steps {
		slices.SortFunc(o.steps[i].Packages, func(a, b PackageChange) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch),
				cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
		})
	}
}

// packageChanges makes of one layer's changes to one package what they mean together.
func packageChanges(list []Change) []PackageChange {
	brought, removed := map[string]Change{}, map[string]Change{}
	for _, c := range list {
		if c.Removed {
			removed[c.Version] = c
		} else if _, ok := brought[c.Version]; !ok {
			brought[c.Version] = c
		}
	}
	for v := range brought {
		if _, both := removed[v]; both {
			delete(brought, v)
			delete(removed, v)
		}
	}
	change := func(c Change, from, to string) PackageChange {
		return PackageChange{Type: c.Type, Name: c.Name, Arch: c.Arch, From: from, To: to, Path: c.Path, Owner: c.Owner}
	}
	var out []PackageChange
	if len(brought) == 1 && len(removed) == 1 {
		for to, c := range brought {
			for from := range removed {
				return append(out, change(c, from, to))
			}
		}
	}
	for v, c := range brought {
		out = append(out, change(c, "", v))
	}
	for v, c := range removed {
		out = append(out, change(c, v, ""))
	}
	return out
}
