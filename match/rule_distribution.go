package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/advisory"
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

// distributionOwns quiets what a language's advisories say of packages that a distribution answers for, where it does answer.
var distributionOwns = Rule{
	Name: "distribution-owns", Effect: Quiet,
	About: "a package of a language that a distribution's package installed: the distribution mends such packages without changing their version, " +
		"and its own advisories say that this problem is mended there, or report it there",
	holds: func(f *Finding, c *ruleContext) string {
		said, _ := c.answer(f)
		return said
	},
}

// distributionSilent lowers what it does not answer for. It is no proof that the distribution mended the problem: a feed may have
// none of the problems that nobody mended yet.
var distributionSilent = Rule{
	Name: "distribution-silent", Effect: Lower,
	About: "a package of a language that a distribution's package installed, of which the distribution's advisories do not say whether it has this problem: " +
		"the distribution may have mended it without changing its version",
	holds: func(f *Finding, c *ruleContext) string {
		_, silent := c.answer(f)
		return silent
	},
}

// answer gives what the distribution that installed a package says of a finding, or that it says nothing; both are empty where
// no distribution answers for the package.
func (c *ruleContext) answer(f *Finding) (said, silent string) {
	owner := c.owner(f.Of)
	if owner == nil {
		return "", ""
	}
	installed := fmt.Sprintf("%s installed it as %s %s", owner.Ecosystem, owner.Name, owner.Version)
	if slices.ContainsFunc(names(f), func(id string) bool { return slices.Contains(c.told[owner.PURL], id) }) {
		return installed + ", where this problem is reported", ""
	}
	if why := c.mended(f, owner); why != "" {
		return installed + ", where it does not have this problem: " + why, ""
	}
	return "", installed + ", and does not say whether it has this problem there"
}

// mended says why a distribution's own records acquit a package of all CVEs of a finding; empty where they do not.
func (c *ruleContext) mended(f *Finding, owner *inventory.Package) string {
	reason := ""
	for _, id := range names(f) {
		if !strings.HasPrefix(id, "CVE-") {
			continue
		}
		why := ""
		for _, s := range c.matcher.spared[owner.PURL] {
			if slices.Contains(advisory.CVEsOf(s.record), id) {
				if r := s.subject.ruling(s.record); r.Outcome == Spares {
					why = "by " + r.Advisory + " " + r.Reason
					break
				}
			}
		}
		if why == "" {
			return ""
		}
		reason = cmp.Or(reason, why)
	}
	return reason
}
