package assess

import (
	"slices"

	"tidewaiter/inventory"
)

// addGo adds the modules of Go executables. A module's version is the highest that anything asks for, so that the main module
// can ask for a higher one whatever brought it (https://go.dev/ref/mod#minimal-version-selection).
func (d *dependencies) addGo(packages []*inventory.Package, manifests []*inventory.Manifest, node *nodeModules) {
	mains := map[string]*inventory.Package{}
	for _, p := range packages {
		if p.Main {
			for _, file := range p.Paths {
				mains[file] = p
			}
		}
	}
	for _, p := range packages {
		for _, file := range p.Paths {
			c := d.add(&installed{pkg: p, place: file, project: file, main: mains[file], application: mains[file] == p})
			if holder := node.holding(file); holder != nil { // the executable came in a package of npm
				c.by = append(c.by, need{from: holder, within: true})
				continue
			}
			c.declareGo(manifests)
		}
	}
}

// declareGo finds what the go.mod of the executable's main module asks for.
func (c *installed) declareGo(manifests []*inventory.Manifest) {
	i := slices.IndexFunc(manifests, func(m *inventory.Manifest) bool { return c.main != nil && m.Project == c.main.Name })
	if i < 0 {
		return
	}
	m := manifests[i]
	c.manifests = append(c.manifests, m)
	for n := range m.Requires {
		if m.Requires[n].Name == c.pkg.Name {
			c.by = append(c.by, need{Requirement: m.Requires[n].Requirement, manifest: m, declared: &m.Requires[n]})
		}
	}
}
