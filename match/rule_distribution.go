package match

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// distributionUnimportant lowers what the distribution itself holds to be hardly a problem. It dismisses nothing: people who
// hold such findings against the packages mostly find them true.
var distributionUnimportant = Rule{
	Name: "distribution-unimportant", Effect: Lower,
	About: "the distribution that built the package calls the problem unimportant (Debian) or negligible (Ubuntu)",
	holds: func(f *Finding, _ *ruleContext) string {
		for _, h := range f.hits {
			if word := distributionsWord(h); word != "" {
				return fmt.Sprintf("%s calls it %s in %s", h.subject.ecosystem, word, h.subject.name)
			}
		}
		return ""
	},
}

// distributionsWord gives the word with which a distribution calls a problem hardly one; empty where it uses another, or none.
// Debian's: https://security-team.debian.org/security_tracker.html#severity-levels; Ubuntu's: https://ubuntu.com/security/cves/about.
func distributionsWord(h hit) string {
	switch h.subject.base {
	case "Debian":
		if strings.EqualFold(h.entry.Urgency, "unimportant") {
			return "unimportant"
		}
	case "Ubuntu":
		for _, s := range slices.Concat(h.entry.Severity, h.record.Severity) {
			if s.Type == "Ubuntu" && strings.EqualFold(s.Score, "negligible") {
				return "negligible"
			}
		}
	}
	return ""
}

// disputed lowers what somebody denies to be a vulnerability at all.
var disputed = Rule{
	Name: "disputed", Effect: Lower,
	About: "the CVE is marked as disputed: somebody, mostly the vendor, denies that it is a vulnerability",
	holds: func(f *Finding, c *ruleContext) string {
		for _, h := range f.hits {
			if h.record.Disputed {
				return h.record.ID + " notes that it is disputed"
			}
		}
		for _, id := range names(f) {
			if c.matcher.cves[id].Disputed {
				return "the record of " + id + " notes that it is disputed"
			}
		}
		return ""
	},
}

// answers gives the distribution's package that installed this one, where the distribution's advisories are at hand;
// else nil. A distribution mends such packages without changing their version, so its word goes before the language's. Where
// another vendor may have built the package that installed it, the language's advisories stand as well.
func (m *matcher) answers(p *inventory.Package) *inventory.Package {
	owner := m.owners[p.Owner]
	if p.Owner == "" || owner == nil || !owner.SurelyBuilt() || !m.covers(owner.Ecosystem) {
		return nil
	}
	return owner
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
