package inventory

import (
	"path"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// setOwners names, for each language package whose metadata a distribution's package installed, that package.
func setOwners(tree *layer.Tree, found []Package) {
	byPath := map[string][]int{} // real path of the metadata -> packages
	bases := map[string]bool{}
	for i := range found {
		if p := &found[i]; !p.OfDistribution() {
			file, _, _ := strings.Cut(p.Paths[0], "!/")
			byPath[file] = append(byPath[file], i)
			bases[path.Base(file)] = true
		}
	}
	if len(byPath) == 0 {
		return
	}
	dirs := realDirs{tree: tree, known: map[string]string{}}
	for i := range found {
		p := &found[i]
		if !p.OfDistribution() || p.PURL == "" {
			continue
		}
		root := databaseRoot(p.Paths[0])
		for _, f := range p.Files {
			if !bases[path.Base(f.Path)] {
				continue
			}
			for _, n := range byPath[dirs.real(path.Join(root, f.Path))] {
				if found[n].Owner == "" {
					found[n].Owner = p.PURL
				}
			}
		}
	}
}

// dropExplained leaves out what was recognised in files of a distribution's packages: their own database says what
// they are, and by which version the distribution means it.
func dropExplained(found []Package) []Package {
	return slices.DeleteFunc(found, func(p Package) bool { return p.Recognised && p.Owner != "" })
}

// CountPackages counts packages, each once: what a distribution's package installed is that package under another name.
func CountPackages(packages []Package) int {
	n := 0
	for i := range packages {
		if packages[i].Owner == "" {
			n++
		}
	}
	return n
}

// nameIdentities lists, at each package of a distribution, those that it installed.
func nameIdentities(packages []Package) {
	byPURL := make(map[string]*Package)
	for i := range packages {
		if p := &packages[i]; p.OfDistribution() {
			byPURL[p.PURL] = p
		}
	}
	for i := range packages {
		if owner := byPURL[packages[i].Owner]; owner != nil {
			owner.Identities = append(owner.Identities, packages[i].PURL)
		}
	}
}

// realDirs gives the real places of files: a database may say lib/x where the tree has usr/lib/x.
type realDirs struct {
	tree  *layer.Tree
	known map[string]string
}

func (r *realDirs) real(file string) string {
	dir, base := path.Split(file)
	there, ok := r.known[dir]
	if !ok {
		there = strings.TrimSuffix(dir, "/")
		if e, found := r.tree.Lookup(there); found {
			there = e.Path
		}
		r.known[dir] = there
	}
	return path.Join(there, base)
}
