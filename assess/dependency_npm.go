package assess

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// nodeModules are the packages of npm and its like, by the directories that they are installed in.
type nodeModules struct {
	d  *dependencies
	at map[string]*installed
	// stores are pnpm's: node_modules/.pnpm -> name -> the copies in it. The links that lead there are not followed.
	stores map[string]map[string][]*installed
	// projects are the directories above node_modules, with the names of what is in it.
	projects map[string]map[string]bool
}

// addNPM adds the packages in node_modules. Those that a distribution put elsewhere are its own.
func (d *dependencies) addNPM(packages []*inventory.Package, own, aboard []*inventory.Manifest) *nodeModules {
	m := &nodeModules{d: d, at: map[string]*installed{}, stores: map[string]map[string][]*installed{}, projects: map[string]map[string]bool{}}
	for _, p := range packages {
		for _, file := range p.Paths {
			m.add(p, file)
		}
	}
	placed := m.place(own, aboard)
	vendors := map[string]*installed{}
	for _, dir := range sortedDirs(m.at) {
		m.link(m.at[dir], dir)
		if holder := m.vendor(dir, vendors); holder != nil {
			vendors[dir] = holder
			m.at[dir].by = append(m.at[dir].by, need{from: holder, within: true})
		}
	}
	for _, dir := range sortedDirs(placed) {
		declare(placed[dir], func(r inventory.Requirement) []*installed { return m.resolve(dir, r) })
	}
	m.settle(placed)
	return m
}

func sortedDirs[V any](m map[string]V) []string {
	dirs := make([]string, 0, len(m))
	for dir := range m {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

func (m *nodeModules) add(p *inventory.Package, file string) {
	dir := path.Dir(file)
	project, rest, ok := cutProject(dir)
	if p.Project {
		return
	}
	if !ok || path.Base(file) != "package.json" { // a lock file, or an archive in a cache
		m.d.add(&installed{pkg: p, place: file, project: path.Dir(file), lock: lockName(p)})
		return
	}
	c := m.d.add(&installed{pkg: p, place: file, project: project, lock: lockName(p)})
	m.at[dir] = c
	if m.projects[project] == nil {
		m.projects[project] = map[string]bool{}
	}
	if !strings.Contains(rest, "node_modules/") {
		m.projects[project][rest] = true
	}
	if store, inner, ok := strings.Cut(dir, "node_modules/.pnpm/"); ok {
		store += "node_modules/.pnpm"
		if m.stores[store] == nil {
			m.stores[store] = map[string][]*installed{}
		}
		name := inner[strings.LastIndex(inner, "node_modules/")+len("node_modules/"):]
		m.stores[store][name] = append(m.stores[store][name], c)
		m.projects[project][name] = true
	}
}

// lockName is the lock file that names the package.
func lockName(p *inventory.Package) string {
	switch {
	case len(p.LockFiles) > 0:
		return path.Base(p.LockFiles[0])
	case p.Locked:
		return path.Base(p.Paths[0])
	}
	return ""
}

// cutProject splits the directory of a package at the outermost node_modules.
func cutProject(dir string) (project, rest string, ok bool) {
	before, rest, ok := strings.Cut("/"+dir, "/node_modules/")
	return strings.TrimPrefix(before, "/"), rest, ok
}

// place gives the manifest of each directory of the image: that aboard, or the user's own for the same project.
func (m *nodeModules) place(own, aboard []*inventory.Manifest) map[string]*inventory.Manifest {
	placed := map[string]*inventory.Manifest{}
	for _, a := range aboard {
		if dir := strings.TrimPrefix(path.Dir(a.File), "/"); m.answers(dir, a) > 0 {
			placed[dir] = a
		}
	}
	for _, o := range own {
		best, most := "", 0
		candidates := slices.Concat(sortedDirs(m.projects), sortedDirs(placed))
		for _, dir := range candidates {
			n := 2 * m.answers(dir, o)
			if a := placed[dir]; n > 0 && a != nil && a.Project != "" && a.Project == o.Project {
				n++
			}
			if n > most {
				best, most = dir, n
			}
		}
		if most > len(o.Requires) { // at least half of what it asks for is there
			placed[best] = o
		}
	}
	return placed
}

// answers counts the requirements of a manifest that something installed answers, were it in a directory. What is for development
// alone is most often left out.
func (m *nodeModules) answers(dir string, manifest *inventory.Manifest) int {
	n := 0
	for i := range manifest.Requires {
		if r := manifest.Requires[i].Requirement; r.Kind == inventory.Development || len(m.resolve(dir, r)) > 0 {
			n++
		}
	}
	if !slices.ContainsFunc(manifest.Requires, func(r inventory.Declaration) bool { return len(m.resolve(dir, r.Requirement)) > 0 }) {
		return 0
	}
	return n
}

// link notes what a copy needs.
func (m *nodeModules) link(c *installed, dir string) {
	for _, r := range requirements(c.pkg) {
		for _, found := range m.resolve(dir, r) {
			if found != c {
				found.by = append(found.by, need{Requirement: r, from: c})
			}
		}
	}
}

// vendor gives the package that ships the one in a directory in a tree of its own, as Bower does in bower/lib/node_modules; nil for what npm
// put in its place. vendors has what is known of the directories above.
func (m *nodeModules) vendor(dir string, vendors map[string]*installed) *installed {
	of := strings.TrimSuffix(dir[:strings.LastIndex("/"+dir, "/node_modules/")], "/")
	if m.at[of] != nil {
		return vendors[of]
	}
	for _, up := range above(of) {
		if c := m.at[up]; c != nil {
			return c
		}
	}
	return nil
}

// resolve finds what a requirement of a package or a project in a directory gets: the nearest up the tree, as Node.js has it
// (https://nodejs.org/api/modules.html#loading-from-node_modules-folders).
func (m *nodeModules) resolve(dir string, r inventory.Requirement) []*installed {
	for _, up := range above(dir) {
		if path.Base(up) == "node_modules" {
			continue
		}
		if c := m.at[path.Join(up, "node_modules", r.Name)]; c != nil {
			return []*installed{c}
		}
	}
	if len(m.stores) == 0 {
		return nil
	}
	var fit []*installed
	for _, c := range m.stored(dir)[r.Name] {
		if m.d.answers(r, c.pkg) {
			fit = append(fit, c)
		}
	}
	return fit
}

// stored gives pnpm's store for a directory.
func (m *nodeModules) stored(dir string) map[string][]*installed {
	for _, up := range above(dir) {
		if path.Base(up) == ".pnpm" && m.stores[up] != nil {
			return m.stores[up]
		}
		if s := m.stores[path.Join(up, "node_modules/.pnpm")]; s != nil {
			return s
		}
	}
	return nil
}

// settle says of each copy which project it is of. What lies in a directory called lib, and has no manifest, was installed for all of the
// system: each of those packages is a tool that brings the rest with it.
func (m *nodeModules) settle(placed map[string]*inventory.Manifest) {
	for _, dir := range sortedDirs(m.at) {
		c := m.at[dir]
		for _, up := range above(path.Dir(dir)) {
			if p := placed[up]; p != nil {
				c.manifests = append(c.manifests, p)
				c.lock = cmp.Or(p.Lock, c.lock)
			}
		}
		if len(c.manifests) > 0 || path.Base(c.project) != "lib" {
			continue
		}
		_, rest, _ := cutProject(dir)
		top, _, nested := strings.Cut(rest, "/node_modules/")
		c.tool = m.at[path.Join(c.project, "node_modules", top)]
		if !nested || c.tool == nil {
			c.tool = c
		}
	}
}

// holding gives the innermost copy in whose directory a file lies; nil for none.
func (m *nodeModules) holding(file string) *installed {
	if !strings.Contains(file, "node_modules/") {
		return nil
	}
	for _, up := range above(path.Dir(file)) {
		if c := m.at[up]; c != nil {
			return c
		}
	}
	return nil
}
