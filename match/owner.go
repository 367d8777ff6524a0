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

// letOwnersAnswer quiets what a language's advisories say of packages that a distribution answers for. Malware is never
// quieted, and what is known to be exploited only where the distribution speaks of it as well.
func (m *matcher) letOwnersAnswer(findings []Finding) {
	told := map[string][]string{} // by purl of a package that answers: the ids of its findings
	for i := range findings {
		if f := &findings[i]; m.owners[f.Package] != nil {
			told[f.Package] = append(told[f.Package], names(f)...)
		}
	}
	for i := range findings {
		f := &findings[i]
		owner := m.answers(f.Of)
		if owner == nil || f.Malicious {
			continue
		}
		also := slices.ContainsFunc(names(f), func(id string) bool { return slices.Contains(told[owner.PURL], id) })
		if f.KEV != nil && !also {
			continue
		}
		reason := fmt.Sprintf("%s installed it as %s %s, and does not report this problem there", owner.Ecosystem, owner.Name, owner.Version)
		if also {
			reason = fmt.Sprintf("%s installed it as %s %s, where this problem is reported", owner.Ecosystem, owner.Name, owner.Version)
		}
		f.Quieted = &Quieted{By: "distribution", Reason: reason}
	}
}

// names gives all ids of a finding.
func names(f *Finding) []string { return append([]string{f.ID}, f.Aliases...) }
