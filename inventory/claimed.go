package inventory

import "slices"

// settleClaims takes out what only an SBOM document of the image names. A package that is really found too is one
// package: the document becomes more evidence for it, and gives its licences where nothing else does. The documents prove
// no installed tree, so the rest must not be seen by settleLocks: it is given back apart.
func settleClaims(found []Package) (proven, claimed []Package) {
	first := map[identity]int{} // of the proven ones
	for _, p := range found {
		if p.Claimed {
			claimed = append(claimed, p)
			continue
		}
		id := identity{p.Type, p.Name, p.Version, ""}
		if _, ok := first[id]; !ok {
			first[id] = len(proven)
		}
		proven = append(proven, p)
	}
	claimed = slices.DeleteFunc(claimed, func(c Package) bool {
		i, ok := first[identity{c.Type, c.Name, c.Version, ""}]
		if !ok {
			return false
		}
		p := &proven[i]
		p.Paths = slices.Concat(p.Paths, c.Paths)
		if len(p.Licenses) == 0 && len(c.Licenses) > 0 {
			p.Licenses, p.LicenseSource = c.Licenses, c.Paths[0]
		}
		return true
	})
	return proven, claimed
}
