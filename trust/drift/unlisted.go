package drift

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// unlisted judges what is aboard and not in the document: a difference, unless its maker does not look for such packages.
func (c *comparison) unlisted() {
	notes := map[string][]string{} // reason -> packages
	for i := range c.present {
		p := &c.present[i]
		if p.matched || p.told {
			continue
		}
		reason, vouched := c.whyUnlisted(p.Package)
		switch {
		case reason == "":
			c.differ(c.placedPackage(trust.Difference{
				Kind: trust.NotAttested, Package: p.PURL, Actual: p.Version,
				Why: fmt.Sprintf("%s %s is aboard, and the SBOM does not list it", p.Name, p.Version),
			}, p.Package), p.Package)
			continue
		case !vouched:
			c.drift.Uncompared++
		}
		notes[reason] = append(notes[reason], strings.TrimSpace(p.Name+" "+p.Version))
	}
	for _, reason := range slices.Sorted(maps.Keys(notes)) {
		c.note("%s aboard that the SBOM does not list: %s: %s", packages(len(notes[reason])), reason, some(notes[reason]))
	}
}

// whyUnlisted says why a package that is aboard may not be in the document without that being a difference; empty: there is no
// such reason. vouched says that nothing is left open by it.
func (c *comparison) whyUnlisted(p *inventory.Package) (reason string, vouched bool) {
	switch {
	case p.Owner != "" && c.vouched[p.Owner]:
		return "part of a distribution's package that the SBOM lists", true
	case c.ours() && c.doc.Tool.Version == c.aboard.Release:
		return "", false
	case p.Locked:
		return "only named by a lock file, which not every tool reads", true
	case p.Claimed:
		return "only named by an SBOM inside the image, which not every tool reads", true
	case p.Recognised:
		return "programs recognised by their content, of which each tool recognises others", true
	case p.Project && (p.Version == "" || p.Unpublished || !c.looksFor(kindOf(p))):
		return "the application itself", true
	case p.Main && unreleased(p):
		return "built from a working directory, so that there is no version to list", true
	case c.looksFor(kindOf(p)):
		return "", false
	}
	return fmt.Sprintf("not compared, for the SBOM lists nothing of the kind (%s), and its maker may not look for it", kindName(p)), false
}

func kindName(p *inventory.Package) string {
	name := p.Type
	if kindOf(p).nested {
		name += " inside archives"
	}
	return name
}

// ours says whether this program made the document.
func (c *comparison) ours() bool { return strings.EqualFold(c.doc.Tool.Name, "tidewaiter") }

func packages(n int) string { return count(n, "package", "packages") }

// some names the first of a list.
func some(names []string) string {
	const most = 3
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
