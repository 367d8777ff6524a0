package sbom

import "tidewaiter/inventory"

// depends resolves, for each package, the names of what it needs to packages of the same inventory and type. Of several
// of one name the one of the same architecture is meant, else the first.
func depends(packages []inventory.Package) [][]int {
	type named struct{ purlType, name string }
	byName := map[named][]int{}
	for i := range packages {
		p := &packages[i]
		byName[named{p.Type, p.Name}] = append(byName[named{p.Type, p.Name}], i)
	}
	needs := make([][]int, len(packages))
	for i := range packages {
		p := &packages[i]
		seen := map[int]bool{i: true}
		for _, name := range p.Depends {
			candidates := byName[named{p.Type, name}]
			if len(candidates) == 0 {
				continue
			}
			found := candidates[0]
			for _, c := range candidates {
				if packages[c].Arch == p.Arch {
					found = c
					break
				}
			}
			if !seen[found] {
				seen[found] = true
				needs[i] = append(needs[i], found)
			}
		}
	}
	return needs
}

// relations are what a document says of its packages by their identifiers in it.
type relations struct {
	byID   map[string]int      // identifier -> place in the inventory
	needs  map[string][]string // of a package: those that it needs
	owners map[string]string   // of a package: the one that installed it
	// holders has, of a file, the package that it is part of.
	holders map[string]string
}

// hold notes that one thing contains another, where it is a package: that an image contains all says nothing.
func (r *relations) hold(holder, held string) {
	if _, ok := r.byID[holder]; ok {
		r.holders[held] = holder
	}
}

func newRelations() *relations {
	return &relations{byID: map[string]int{}, needs: map[string][]string{}, owners: map[string]string{}, holders: map[string]string{}}
}

// need notes that one package needs another.
func (r *relations) need(from, to string) { r.needs[from] = append(r.needs[from], to) }

// settle gives each package the names of those it needs, and its owner.
func (r *relations) settle(packages []inventory.Package) {
	for id, wanted := range r.needs {
		i, ok := r.byID[id]
		if !ok {
			continue
		}
		seen := map[string]bool{}
		for _, w := range wanted {
			if n, ok := r.byID[w]; ok && n != i && packages[n].Type == packages[i].Type && !seen[packages[n].Name] {
				seen[packages[n].Name] = true
				packages[i].Depends = append(packages[i].Depends, packages[n].Name)
			}
		}
	}
	for id, owner := range r.owners {
		i, ok := r.byID[id]
		n, found := r.byID[owner]
		if ok && found && packages[i].Owner == "" && packages[n].OfDistribution() && !packages[i].OfDistribution() {
			packages[i].Owner = packages[n].PURL
		}
	}
}
