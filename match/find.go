package match

import (
	"cmp"
	"fmt"
	"slices"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// Match holds every package of an inventory against what advisories say of it. There is one finding for each
// problem of each purl, sorted by purl and id. The blind spots say which packages could not be judged, one for
// each cause. Rules quiet or lower findings as settings say. The error is that of the advisories; there is then no result.
func Match(inv *inventory.Inventory, adv Advisories, settings Settings) ([]Finding, []image.BlindSpot, error) {
	return matchAll(inv, adv, settings, nil)
}

func matchAll(inv *inventory.Inventory, adv Advisories, settings Settings, e *answered) ([]Finding, []image.BlindSpot, error) {
	m := newMatcher(inv, adv)
	var findings []Finding
	for _, same := range byPURL(inv.Packages) {
		found, err := m.packageFindings(same)
		if err != nil {
			return nil, nil, err
		}
		findings = append(findings, found...)
	}
	m.apply(findings, settings, e)
	SortFindings(findings)
	return findings, m.tally.blindSpots(), nil
}

// SortFindings sorts findings by purl and id.
func SortFindings(findings []Finding) {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), advisory.CompareIDs(a.ID, b.ID))
	})
}

// byPURL puts together the packages that have one purl: an inventory of an image has each once, that of an SBOM need not. The first of each is
// the one that a finding is about, an installed one before one that only a lock file names, and one
// that nobody vouches for before one that the distribution owns.
func byPURL(packages []inventory.Package) [][]*inventory.Package {
	index := map[string]int{}
	var groups [][]*inventory.Package
	for i := range packages {
		p := &packages[i]
		key := cmp.Or(p.PURL, p.Type+" "+p.Name+" "+p.Version)
		at, ok := index[key]
		if !ok {
			at = len(groups)
			index[key] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], p)
	}
	for _, g := range groups {
		slices.SortStableFunc(g, func(a, b *inventory.Package) int {
			return cmp.Or(compareBools(a.Locked, b.Locked), compareBools(a.Owner != "", b.Owner != ""))
		})
	}
	return groups
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// matcher holds what one run of Match gathers.
type matcher struct {
	inv    *inventory.Inventory
	adv    Advisories
	tally  *tally
	cves   map[string]advisory.CVE
	owners map[string]*inventory.Package // by purl, those that no other package owns
	// projects are those that a program of the inventory is of, as [goProject] names them.
	projects map[string]bool
	// spared has, by purl of a package that installed others, the records that speak of it and do not hold it to be affected.
	spared map[string][]spared
}

// spared is a record that holds a version not to be affected.
type spared struct {
	subject *subject
	record  *advisory.Record
}

func newMatcher(inv *inventory.Inventory, adv Advisories) *matcher {
	m := &matcher{inv: inv, adv: adv, tally: newTally(), cves: map[string]advisory.CVE{}, owners: map[string]*inventory.Package{},
		projects: map[string]bool{}, spared: map[string][]spared{}}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Owner == "" {
			m.owners[p.PURL] = p
		} else {
			m.spared[p.Owner] = nil
		}
		if p.Main {
			m.projects[goProject(p.Name)] = true
		}
	}
	return m
}

// packageFindings judges the packages that have one purl, by the first of them.
func (m *matcher) packageFindings(same []*inventory.Package) ([]Finding, error) {
	p := same[0]
	if p.Unpublished {
		return nil, nil
	}
	var hits []hit
	var acquit []*advisory.Record                       // those that say this version is not affected
	var silent []spared                                 // the same, with the name of the package that they speak of
	heard := p.Ecosystem != "" && m.covers(p.Ecosystem) // a program is, where a feed names it
	for _, s := range subjects(p) {
		if s.base == "" || !m.covers(s.ecosystem) {
			continue
		}
		records, err := m.adv.Records(s.base, s.name)
		if err != nil {
			return nil, fmt.Errorf("advisories for %s %s: %w", s.ecosystem, s.name, err)
		}
		heard = heard || len(records) > 0
		for i := range records {
			r := &records[i]
			if setAside(r) != "" {
				continue
			}
			found, spoke := m.hold(s, r)
			if found != nil {
				hits = append(hits, *found)
			} else if spoke {
				acquit = append(acquit, r)
				silent = append(silent, spared{s, r})
				if _, installs := m.spared[p.PURL]; installs {
					m.spared[p.PURL] = append(m.spared[p.PURL], spared{s, r})
				}
			}
		}
	}
	if !heard && p.Owner == "" { // what a package installed is that package, which is counted itself
		m.tally.uncover(p, len(same))
	}
	var findings []Finding
	for _, problem := range problems(hits, acquit) {
		f, err := m.finding(same, problem)
		if err != nil {
			return nil, err
		}
		f.silent = silent
		findings = append(findings, f)
	}
	return findings, nil
}

func (m *matcher) covers(ecosystem string) bool {
	return m.adv.Covers(ecosystem) || m.adv.Covers(coverage(ecosystem))
}

// hold holds one record against a subject. Without a hit, spoke says whether the record judged this package and
// found this version not affected.
func (m *matcher) hold(s *subject, r *advisory.Record) (found *hit, spoke bool) {
	var failed error
	for _, entry := range s.entries(r) {
		v, err := s.judge(entry)
		if err != nil {
			failed = err
			continue
		}
		spoke = true
		if !v.affected {
			continue
		}
		if found == nil {
			found = &hit{record: r, entry: entry, subject: s, verdict: v}
		} else {
			found.verdict.fixed = append(found.verdict.fixed, v.fixed...)
		}
	}
	if found == nil && failed != nil {
		m.tally.note(s, r, failed)
	}
	return found, spoke
}
