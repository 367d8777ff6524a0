package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/version"
)

// Match holds every package of an inventory against what advisories say of it. There is one finding for each
// problem of each purl, sorted by purl and id. The blind spots say which packages could not be judged, one for
// each cause. Rules quiet or lower findings as settings say. The error is that of the advisories; there is then no result.
func Match(inv *inventory.Inventory, adv Advisories, settings Settings) ([]Finding, []image.BlindSpot, error) {
	m := matcher{adv: adv, tally: newTally(), cves: map[string]advisory.CVE{}, owners: map[string]*inventory.Package{}}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Owner == "" {
			m.owners[p.PURL] = p
		}
	}
	var findings []Finding
	for _, same := range byPURL(inv.Packages) {
		found, err := m.packageFindings(same)
		if err != nil {
			return nil, nil, err
		}
		findings = append(findings, found...)
	}
	m.apply(findings, settings)
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), compareIDs(a.ID, b.ID))
	})
	return findings, m.tally.blindSpots(), nil
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
	adv    Advisories
	tally  *tally
	cves   map[string]advisory.CVE
	owners map[string]*inventory.Package // by purl, those that no other package owns
}

// packageFindings judges the packages that have one purl, by the first of them.
func (m *matcher) packageFindings(same []*inventory.Package) ([]Finding, error) {
	p := same[0]
	if p.Unpublished {
		return nil, nil
	}
	if p.Ecosystem == "" || !m.covers(p.Ecosystem) {
		if p.Owner == "" { // what a package installed is that package, which is counted itself
			m.tally.uncovered[origin(p)] += len(same)
		}
		return nil, nil
	}
	var hits []hit
	acquit := map[string][]string{} // by id of a problem: the records that say this version is not affected
	for _, s := range subjects(p) {
		records, err := m.adv.Records(s.base, s.name)
		if err != nil {
			return nil, fmt.Errorf("advisories for %s %s: %w", s.ecosystem, s.name, err)
		}
		for i := range records {
			r := &records[i]
			if !r.Withdrawn.IsZero() || noVulnerability(r) {
				continue
			}
			found, spoke := m.hold(s, r)
			if found != nil {
				hits = append(hits, *found)
			} else if spoke {
				for _, id := range slices.Concat([]string{r.ID}, r.Aliases, cvesOf(r)) {
					acquit[id] = append(acquit[id], r.ID)
				}
			}
		}
	}
	var findings []Finding
	for _, problem := range problems(hits) {
		f, err := m.finding(same, problem, acquit)
		if err != nil {
			return nil, err
		}
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

// entries gives the entries of a record that speak of the subject's release and module.
func (s *subject) entries(r *advisory.Record) []*advisory.Affected {
	var entries []*advisory.Affected
	for i := range r.Affected {
		if entry := &r.Affected[i]; s.fits(entry.Ecosystem) && s.sameModule(r, entry) {
			entries = append(entries, entry)
		}
	}
	if len(entries) > 1 && isErratum(r.ID) {
		return []*advisory.Affected{slices.MinFunc(entries, s.compareFirstFix)}
	}
	return entries
}

// compareFirstFix orders the entries of an erratum by the build that fixes. Where an erratum names one
// package more than once the entries are builds of one fix for several minor releases, and any of them will do.
func (s *subject) compareFirstFix(a, b *advisory.Affected) int {
	c, err := version.Compare(s.ecosystem, lastFix(a), lastFix(b))
	if err != nil {
		return strings.Compare(lastFix(a), lastFix(b))
	}
	return c
}

func lastFix(entry *advisory.Affected) string {
	fix := ""
	for _, r := range entry.Ranges {
		for _, e := range r.Events {
			fix = cmp.Or(e.Fixed, fix)
		}
	}
	return fix
}

// sameModule keeps the builds of rpm modules and ordinary packages apart: a modular build's version says nothing of an
// ordinary one's. Of two streams of one module the erratum's summary ("nodejs:18 security update") tells the
// stream; an erratum that does not name it is held against all streams.
func (s *subject) sameModule(r *advisory.Record, entry *advisory.Affected) bool {
	fix := lastFix(entry)
	if fix == "" || s.version.Scheme() != "rpm" {
		return true
	}
	modular := s.pkg.Modularity != "" || strings.Contains(s.pkg.Version, ".module")
	if strings.Contains(fix, ".module") != modular {
		return false
	}
	label := strings.SplitN(s.pkg.Modularity, ":", 3)
	if !modular || len(label) < 2 {
		return true
	}
	for word := range strings.FieldsSeq(r.Summary) {
		if name, stream, ok := strings.Cut(strings.Trim(word, ",.;()"), ":"); ok && name == label[0] && stream != "" {
			return stream == label[1]
		}
	}
	return true
}
