package secret

import (
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// PackageOwned is the rule that quiets what a published package brought as it is: a key in its tests or examples is everybody's already.
const PackageOwned = "package-owned"

// owners gives for each noted file the published package that brought it as it is; -1: none. What a later layer hides was brought by the
// package whose next version, or whose copy by the same path, is there now.
func (j *judging) owners(noted []inventory.Noted) []int {
	out := make([]int, len(noted))
	standing := map[string]int{} // by path
	for i := range noted {
		n := &noted[i]
		out[i] = -1
		if n.Hidden == nil && n.Package >= 0 && n.Class != inventory.Modified && published(&j.inv.Packages[n.Package], n.Path) {
			out[i] = n.Package
		}
		if n.Hidden == nil {
			standing[n.Path] = out[i]
		}
	}
	for i := range noted {
		if n := &noted[i]; n.Hidden != nil && n.Hidden.How == inventory.Replaced {
			if pkg, ok := standing[n.Path]; ok {
				out[i] = pkg
			}
		}
	}
	return out
}

// published says whether a package that a file belongs to is one that everybody can get: a distribution's, or one that a package manager
// installed from a registry. The application's own, which lies where no package manager installs, is not.
func published(p *inventory.Package, at string) bool {
	switch {
	case p.OfDistribution():
		return true
	case p.Project, p.Unpublished, p.Main, p.Claimed:
		return false
	}
	switch p.Type {
	case "npm":
		return strings.Contains("/"+at, "/node_modules/")
	case "pypi":
		return strings.Contains("/"+at, "/site-packages/") || strings.Contains("/"+at, "/dist-packages/")
	case "gem":
		return strings.Contains("/"+at, "/gems/")
	}
	return false
}

func quietPackage(p *inventory.Package, at *inventory.Place) *match.Quieted {
	name := p.Name + " " + p.Version
	if at.Verified {
		return &match.Quieted{By: PackageOwned, Reason: "it is a part of " + name + " as published, by the checksum in the package database: it is no secret"}
	}
	return &match.Quieted{By: PackageOwned, Reason: "it came with " + name + " and was not changed since: what everybody can get is no secret"}
}
