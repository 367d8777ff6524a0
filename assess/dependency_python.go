package assess

import (
	"path"
	"strings"

	"tidewaiter/inventory"
)

// addPython adds the packages of each site-packages directory. One directory is one environment, in which there is one copy of each.
func (d *dependencies) addPython(packages []*inventory.Package, own, aboard []*inventory.Manifest) {
	sites := map[string]map[string]*installed{}
	for _, p := range packages {
		for _, file := range p.Paths {
			site := siteOf(file)
			if sites[site] == nil {
				sites[site] = map[string]*installed{}
			}
			if sites[site][p.Name] == nil {
				sites[site][p.Name] = d.add(&installed{pkg: p, place: file, project: site, lock: lockName(p)})
			}
		}
	}
	for _, site := range sortedDirs(sites) {
		for _, name := range sortedDirs(sites[site]) {
			c := sites[site][name]
			for _, r := range requirements(c.pkg) {
				if found := sites[site][r.Name]; found != nil && found != c && r.Kind != inventory.Optional {
					found.by = append(found.by, need{Requirement: r, from: c})
				}
			}
		}
	}
	declared := map[string]bool{}
	for _, m := range own {
		if site := d.site(sites, m); site != "" {
			d.declarePython(sites[site], m)
			declared[site] = true
		}
	}
	for _, m := range aboard {
		if site := d.site(sites, m); site != "" && !declared[site] {
			d.declarePython(sites[site], m)
		}
	}
}

// siteOf is the directory that a package's metadata lies in.
func siteOf(file string) string {
	for _, up := range above(path.Dir(file)) {
		if base := path.Base(up); base == "site-packages" || base == "dist-packages" {
			return up
		}
	}
	dir := path.Dir(file)
	if strings.HasSuffix(dir, ".dist-info") || strings.HasSuffix(dir, ".egg-info") {
		return path.Dir(dir)
	}
	return dir
}

// site gives the environment that a manifest is for: the one with most of what it asks for, in versions that it takes, of which a
// distribution brought nothing.
func (d *dependencies) site(sites map[string]map[string]*installed, m *inventory.Manifest) string {
	best, most := "", 0
	for _, site := range sortedDirs(sites) {
		n := 0
		for i := range m.Requires {
			if c := sites[site][m.Requires[i].Name]; c != nil && c.pkg.Owner == "" && d.answers(m.Requires[i].Requirement, c.pkg) {
				n++
			}
		}
		if n > most {
			best, most = site, n
		}
	}
	return best
}

func (d *dependencies) declarePython(site map[string]*installed, m *inventory.Manifest) {
	declare(m, func(r inventory.Requirement) []*installed {
		if c := site[r.Name]; c != nil && d.answers(r, c.pkg) {
			return []*installed{c}
		}
		return nil
	})
	for _, c := range site {
		c.manifests = append(c.manifests, m)
		if m.Lock != "" {
			c.lock = m.Lock
		}
	}
}
