package drift

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// absent judges what the document lists and is not aboard: a difference, unless it is of a kind that this program does not find.
func (c *comparison) absent() {
	notes := map[string][]string{}
	for i := range c.attested {
		a := &c.attested[i]
		if a.matched || a.told {
			continue
		}
		if reason := c.whyAbsent(a.Package); reason != "" {
			notes[reason] = append(notes[reason], strings.TrimSpace(a.Name+" "+a.Version))
			continue
		}
		c.differ(c.placed(trust.Difference{
			Kind: trust.NotPresent, Package: a.PURL, Attested: a.Version,
			Why: fmt.Sprintf("the SBOM lists %s %s, and it is not aboard", a.Name, a.Version),
		}, first(a.Paths), c.removedBy(a.Package)), a.Package)
	}
	for _, reason := range slices.Sorted(maps.Keys(notes)) {
		c.note("%s of the SBOM: %s: %s", packages(len(notes[reason])), reason, some(notes[reason]))
	}
}

// whyAbsent says why a package of the document may not be found aboard without that being a difference; empty: there is no such
// reason.
func (c *comparison) whyAbsent(a *inventory.Package) string {
	at, file := c.standing(a)
	switch {
	case a.Type == "rpm" && a.Name == "gpg-pubkey":
		return "keys in the rpm database, which are no packages"
	case a.Version == "" || strings.EqualFold(a.Version, "unknown"):
		return "listed without a version, and not found by name alone"
	case at != "" && file == nil:
		return "" // it says where it was found, and there is nothing now
	case file != nil && !a.OfDistribution():
		return c.whyUnread(a, at, file)
	case !finds(a.Type):
		return "of a kind that this program does not look for"
	case c.onlyLocked(a):
		return notInstalled
	}
	return ""
}

// whyUnread says why a package that the document found in a file which is there is not read from it.
func (c *comparison) whyUnread(a *inventory.Package, at string, file *inventory.File) string {
	owner := c.ownerPackage(file)
	switch {
	case owner != nil && owner.OfDistribution() && c.vouched[owner.PURL]:
		return "seen in files of a distribution's packages, which the SBOM lists, too"
	case isLockFile(at):
		if c.onlyLocked(a) {
			return notInstalled
		}
		return ""
	case a.Type == "maven" && c.unchanged(a, at, file):
		return "jars that are the same, byte by byte, and that this program names otherwise"
	case c.reads[origin{a.Type, file.Path}]:
		return "" // what else the file names is known
	}
	return "of files that are there, and in which this program sees no package"
}

// origin is a file that packages of a type are read from.
type origin struct{ purlType, path string }

// standing gives the first place where the document says that it found a package, and the file there; nil where none of the
// places has one. No place: the document does not say. Of what lies in an archive it gives the archive, which some tools
// divide from the rest by a mark and some by a slash.
func (c *comparison) standing(a *inventory.Package) (at string, file *inventory.File) {
	for _, place := range a.Paths {
		for _, mark := range []string{"!/", ":"} {
			at, _, _ = strings.Cut(place, mark)
			if file, _ = c.files.walk(at); file != nil {
				return at, file
			}
		}
	}
	return at, nil
}

// unchanged says whether a package's file is, by its digest, the one that the document was made of.
func (c *comparison) unchanged(a *inventory.Package, at string, file *inventory.File) bool {
	digests := a.Digests
	if n, ok := c.listed(at); ok {
		digests = c.doc.Files[n].Digests
	}
	attested, actual := compareDigests(digests, file.Entry)
	return attested != "" && actual == ""
}

// finds says whether the inventory finds packages of a type wherever they are installed.
func finds(purlType string) bool {
	switch purlType {
	case "deb", "apk", "rpm", "npm", "pypi", "golang", "maven", "gem", "cargo", "composer", "nuget", "cran":
		return true
	}
	return false
}

// removedBy gives the layer that took a package away; -1 where none is known.
func (c *comparison) removedBy(a *inventory.Package) int {
	if c.removed == nil {
		c.removed = map[release]int{}
		for i := range c.aboard.Inventory.Changes {
			if ch := &c.aboard.Inventory.Changes[i]; ch.Removed {
				c.removed[release{ch.Type, ch.Name, ch.Version}] = ch.Layer
			}
		}
	}
	if layer, ok := c.removed[release{a.Type, a.Name, a.Version}]; ok {
		return layer
	}
	return -1
}

// release is a package in one version.
type release struct{ purlType, name, version string }
