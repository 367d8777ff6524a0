package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/version"
)

// finding writes down one problem of the packages that have one purl.
func (m *matcher) finding(same []*inventory.Package, p *problem) (Finding, error) {
	slices.SortFunc(p.hits, compareHits)
	pkg := same[0]
	f := Finding{
		hits: p.hits, same: same,
		ID: p.id(), Package: pkg.PURL, Title: title(p.hits), Status: "affected", Of: pkg,
		Origin: brought(same), Layer: pkg.Layer, Instruction: pkg.Instruction, Paths: paths(same),
		Fixed: fixes(pkg, p.hits), Evidence: evidence(p),
		Malicious: slices.ContainsFunc(p.hits, func(h hit) bool { return isMalicious(h.record) }),
	}
	for id := range p.ids {
		if id != f.ID {
			f.Aliases = append(f.Aliases, id)
		}
	}
	slices.SortFunc(f.Aliases, advisory.CompareIDs)
	f.Published, f.FixPublished, f.Exploit = published(p.hits)
	known, err := m.known(&f)
	if err != nil {
		return Finding{}, err
	}
	own, repeated := vectors(p.hits)
	others := slices.Concat(repeated, cveVectors(known))
	f.Severity, f.SeveritySource = level(p.hits, own, others)
	f.CVSS = slices.Concat(own, others)
	slices.SortFunc(f.CVSS, compareCVSS)
	f.CVSS = slices.Compact(f.CVSS)
	return f, nil
}

// brought says who brought the packages. Of several it is known only where it is known of each.
func brought(same []*inventory.Package) inventory.Origin {
	by := same[0].Origin
	for _, p := range same[1:] {
		switch {
		case p.Origin == "":
			return ""
		case by != "" && p.Origin != by:
			by = inventory.OfBoth
		}
	}
	return by
}

// published gives the days on which a problem and a fix for it became known, and whether an exploit is published. The day of an advisory
// that a distribution gives out with its packages is the day of its fix; the entries for CVEs stand from the day of the CVE, and the fix
// comes into them later.
func published(hits []hit) (problem, fix string, exploit bool) {
	released := ""
	for _, h := range hits {
		exploit = exploit || len(h.record.References) > 0 // none but those to exploits are kept
		if h.record.Published.IsZero() {
			continue
		}
		day := h.record.Published.UTC().Format(time.DateOnly)
		problem = earlier(problem, day)
		switch {
		case len(h.verdict.fixed) == 0:
		case mendsSeveral(h.record.ID):
			released = earlier(released, day)
		default:
			fix = earlier(fix, day)
		}
	}
	return problem, cmp.Or(released, fix), exploit
}

// earlier gives the earlier of two days, where one may not be known.
func earlier(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// known adds what is known of a finding's CVEs, and gives their CVSS vectors. Of several CVEs the first
// that is known to be exploited counts, the likeliest to be, and the gravest of CISA's decisions.
func (m *matcher) known(f *Finding) ([]advisory.CVSS, error) {
	var scores []advisory.CVSS
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		if !strings.HasPrefix(id, "CVE-") {
			continue
		}
		cve, ok := m.cves[id]
		if !ok {
			var err error
			if cve, err = m.adv.CVE(id); err != nil {
				return nil, fmt.Errorf("what is known of %s: %w", id, err)
			}
			m.cves[id] = cve
		}
		if f.KEV == nil {
			f.KEV = cve.KEV
		}
		if cve.EPSS != nil && (f.EPSS == nil || cve.EPSS.Score > f.EPSS.Score) {
			f.EPSS = cve.EPSS
		}
		f.SSVC = graver(f.SSVC, cve)
		scores = append(scores, cve.CVSS...)
	}
	return scores, nil
}

// graver adds CISA's decision points of one more CVE: of each point the graver value counts.
func graver(had *SSVC, cve advisory.CVE) *SSVC {
	var all SSVC
	if had != nil {
		all = *had
	}
	pick := func(old, value string, order ...string) string {
		if slices.Index(order, value) > slices.Index(order, old) {
			return value
		}
		return old
	}
	all = SSVC{
		Exploitation:    pick(all.Exploitation, strings.ToLower(cve.Exploitation), "none", "poc", "active"),
		Automatable:     pick(all.Automatable, strings.ToLower(cve.Automatable), "no", "yes"),
		TechnicalImpact: pick(all.TechnicalImpact, strings.ToLower(cve.TechnicalImpact), "partial", "total"),
	}
	if all == (SSVC{}) {
		return nil
	}
	return &all
}

// title is the first summary, by authority; that of an advisory on several problems only where there is no other.
func title(hits []hit) string {
	second := ""
	for _, h := range hits {
		summary := strings.Join(strings.Fields(h.record.Summary), " ")
		if summary != "" && len(advisory.CVEsOf(h.record)) < 2 {
			return summary
		}
		second = cmp.Or(second, summary)
	}
	return second
}

// paths gives where the packages were found, each once, in the inventory's order.
func paths(same []*inventory.Package) []string {
	var out []string
	for _, p := range same {
		for _, path := range p.Paths {
			if !slices.Contains(out, path) {
				out = append(out, path)
			}
		}
	}
	return out
}

// fixes gives the versions that end the problem, by every record that knows one, the lowest first. OSV leaves out the v
// of Go's module versions, without which no go command takes them.
func fixes(pkg *inventory.Package, hits []hit) []string {
	ecosystem := hits[0].subject.ecosystem
	compare := func(a, b string) int {
		c, err := version.Compare(ecosystem, a, b)
		if err != nil {
			return strings.Compare(a, b)
		}
		return c
	}
	var out []string
	for _, h := range hits {
		out = append(out, h.verdict.fixed...)
	}
	slices.Sort(out)
	slices.SortStableFunc(out, compare)
	out = slices.CompactFunc(out, func(a, b string) bool { return a == b || compare(a, b) == 0 })
	return asWritten(pkg, out)
}

// asWritten puts the v before Go's module versions.
func asWritten(pkg *inventory.Package, versions []string) []string {
	if pkg.Type == "golang" && strings.HasPrefix(pkg.Version, "v") {
		for i, v := range versions {
			versions[i] = "v" + strings.TrimPrefix(v, "v")
		}
	}
	return versions
}

// evidence is what the most authoritative record says, and what else bears on it.
func evidence(p *problem) Evidence {
	h := p.hits[0]
	e := Evidence{Advisory: h.record.ID, Feed: h.record.Feed, Range: h.verdict.span, Compared: h.verdict.compared}
	if s := h.subject; s.bySource {
		e.Facts = append(e.Facts, strings.TrimSpace("source package "+s.name+" "+s.text))
	}
	if h.subject.byProduct() {
		e.Facts = append(e.Facts, "matched by product, not by a package manager")
	}
	if h.entry.Urgency != "" && h.entry.Urgency != "not yet assigned" {
		e.Facts = append(e.Facts, "urgency: "+h.entry.Urgency)
	}
	e.Facts = append(e.Facts, distributionFacts(h)...)
	if h.entry.Informational != "" {
		e.Facts = append(e.Facts, "informational: "+h.entry.Informational)
	}
	for id := range p.ids {
		for _, record := range p.acquit[id] {
			e.Facts = append(e.Facts, record+" does not hold this version to be affected")
		}
	}
	slices.Sort(e.Facts)
	e.Facts = slices.Compact(e.Facts)
	return e
}
