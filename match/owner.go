package match

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// answers gives the distribution's package that installed this one, where the distribution's advisories are at hand;
// else nil. A distribution mends such packages without changing their version, so its word goes before the language's.
func (m *matcher) answers(p *inventory.Package) *inventory.Package {
	owner := m.owners[p.Owner]
	if p.Owner == "" || owner == nil || owner.Ecosystem == "" || !m.covers(owner.Ecosystem) || isForeign(owner) {
		return nil
	}
	return owner
}

// isForeign says whether another vendor built a Debian package: the distribution then knows nothing of what is in it. Its
// own packages with modules of a language in them are all but all maintained by its teams, under its addresses; where a
// maintainer has another one, the language's advisories stand as well.
func isForeign(p *inventory.Package) bool {
	if p.Type != "deb" || p.Supplier == "" {
		return false
	}
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSuffix(p.Supplier, ">")), "@")
	return !slices.ContainsFunc([]string{"debian.org", "debian.net", "ubuntu.com"}, func(own string) bool {
		return domain == own || strings.HasSuffix(domain, "."+own)
	})
}

// distributionOwns quiets what a language's advisories say of packages that a distribution answers for.
var distributionOwns = Rule{
	Name: "distribution-owns", Effect: Quiet,
	About: "a package of a language that a distribution's package installed: the distribution mends such packages without changing their version, and its own advisories speak for it",
	holds: func(f *Finding, c *ruleContext) string {
		owner := c.owner(f.Of)
		switch {
		case owner == nil:
			return ""
		case slices.ContainsFunc(names(f), func(id string) bool { return slices.Contains(c.told[owner.PURL], id) }):
			return fmt.Sprintf("%s installed it as %s %s, where this problem is reported", owner.Ecosystem, owner.Name, owner.Version)
		}
		return fmt.Sprintf("%s installed it as %s %s, and does not report this problem there", owner.Ecosystem, owner.Name, owner.Version)
	},
}
