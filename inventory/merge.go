package inventory

import (
	"cmp"
	"slices"
)

// merge makes one package of those with the same purl, as [Assemble] says, and sorts as [Inventory] says.
func merge(found []Package) []Package {
	slices.SortStableFunc(found, func(a, b Package) int {
		return cmp.Or(comparePackages(&a, &b), cmp.Compare(a.PURL, b.PURL), cmp.Compare(layerOf(&a), layerOf(&b)),
			cmp.Compare(a.Paths[0], b.Paths[0]), cmp.Compare(a.Extractor, b.Extractor))
	})
	var merged []Package
	for i := 0; i < len(found); {
		p := found[i]
		p.Paths, p.LockFiles = slices.Clone(p.Paths), slices.Clone(p.LockFiles)
		for i++; i < len(found) && samePackage(&p, &found[i]); i++ {
			p.add(&found[i])
		}
		first := p.Paths[0]
		slices.Sort(p.Paths)
		p.Paths = slices.DeleteFunc(slices.Compact(p.Paths), func(s string) bool { return s == first })
		p.Paths = slices.Insert(p.Paths, 0, first)
		slices.Sort(p.LockFiles)
		p.LockFiles = slices.Compact(p.LockFiles)
		merged = append(merged, p)
	}
	slices.SortFunc(merged, func(a, b Package) int {
		return cmp.Or(comparePackages(&a, &b), cmp.Compare(a.Paths[0], b.Paths[0]), cmp.Compare(a.PURL, b.PURL))
	})
	return merged
}

func comparePackages(a, b *Package) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Arch, b.Arch))
}

func samePackage(a, b *Package) bool { return comparePackages(a, b) == 0 && a.PURL == b.PURL }

func layerOf(p *Package) int {
	if p.Layer == nil {
		return -1
	}
	return *p.Layer
}

// add takes over what another copy of the package proves. Of facts that there can be only one of, those of
// the first copy stay: it is the one of the lowest layer.
func (p *Package) add(q *Package) {
	if layerOf(q) > layerOf(p) { // copies come in the order of their layers
		p.LastLayer = q.Layer
	}
	p.Paths = append(p.Paths, q.Paths...)
	p.LockFiles = append(p.LockFiles, q.LockFiles...)
	if q.Owner == "" {
		p.Owner = "" // nobody answers for that copy
	}
	p.Locked = p.Locked && q.Locked
	p.Claimed = p.Claimed && q.Claimed
	p.Main = p.Main || q.Main
	p.Functions = p.Functions.and(q.Functions)
	if p.Recognised && !q.Recognised {
		p.Recognised, p.Extractor = false, q.Extractor
	}
	p.Evidence = append(slices.Clip(p.Evidence), q.Evidence...)
	p.CPE = cmp.Or(p.CPE, q.CPE)
	p.Unpublished = p.Unpublished && q.Unpublished
	p.Modularity = cmp.Or(p.Modularity, q.Modularity)
	if p.Source == nil {
		p.Source = q.Source
	}
	p.Supplier, p.Vendor = cmp.Or(p.Supplier, q.Supplier), cmp.Or(p.Vendor, q.Vendor)
	if len(p.Licenses) == 0 {
		p.Licenses, p.LicenseSource = q.Licenses, q.LicenseSource
	}
	if len(p.Depends) == 0 {
		p.Depends = q.Depends
	}
	if len(p.Choices)+len(p.Recommends)+len(p.Provides) == 0 {
		p.Choices, p.Recommends, p.Provides = q.Choices, q.Recommends, q.Provides
	}
	if len(p.Requires) == 0 {
		p.Requires = q.Requires
	}
	p.Requested = p.Requested || q.Requested
	if len(p.Files) == 0 || !p.OfDistribution() { // each copy of a language's package has a list of its own
		p.Files = slices.Concat(p.Files, q.Files)
	}
}
