package match

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tidewaiter/advisory"
)

// hit is a record that affects a package.
type hit struct {
	record  *advisory.Record
	entry   *advisory.Affected
	subject *subject
	verdict verdict
}

// problem is one thing wrong with one package: the ids that are names of it, and the records that say so.
type problem struct {
	ids  map[string]bool
	hits []hit
}

// problems gathers the records that affect a package into problems, in no order. Records that share an id or an alias, in
// however many steps, speak of one problem. An advisory that fixes several CVEs at once speaks of as many
// problems: it joins each of them and makes none of them one.
func problems(hits []hit) []*problem {
	names := aliases{}
	named := make([][]string, len(hits))
	for i, h := range hits {
		for _, set := range problemsOf(h.record, isDistribution(h.subject.base)) {
			names.join(set)
			named[i] = append(named[i], set[0])
		}
	}
	byName := map[string]*problem{}
	for i, h := range hits {
		for _, id := range named[i] {
			root := names.root(id)
			if byName[root] == nil {
				byName[root] = &problem{ids: map[string]bool{}}
			}
			p := byName[root]
			p.ids[h.record.ID] = true
			if !slices.ContainsFunc(p.hits, func(other hit) bool { return other.record.ID == h.record.ID }) {
				p.hits = append(p.hits, h)
			}
		}
	}
	for id := range names {
		byName[names.root(id)].ids[id] = true
	}
	return slices.Collect(maps.Values(byName))
}

// problemsOf gives the problems of which a record speaks, each as the ids that are names of it.
func problemsOf(r *advisory.Record, distribution bool) [][]string {
	cves := cvesOf(r)
	if len(cves) > 1 && (distribution || len(r.Upstream) > 0) {
		sets := make([][]string, len(cves))
		for i, cve := range cves {
			sets[i] = []string{cve}
		}
		return sets
	}
	return [][]string{slices.Concat([]string{r.ID}, r.Aliases, r.Upstream, cves)}
}

// cvesOf gives the CVEs that a record is about, sorted. Distributions name them as aliases, as upstream, or, in
// errata, as related; "DEBIAN-CVE-2023-0001" is Debian's entry for that CVE.
func cvesOf(r *advisory.Record) []string {
	ids := slices.Concat([]string{r.ID}, r.Aliases, r.Upstream)
	if isErratum(r.ID) {
		ids = append(ids, r.Related...)
	}
	var cves []string
	for _, id := range ids {
		if cve := cveOf(id); cve != "" {
			cves = append(cves, cve)
		}
	}
	slices.SortFunc(cves, compareIDs)
	return slices.Compact(cves)
}

// cveOf gives the CVE that an id is, or is a distribution's entry for; empty for any other id.
func cveOf(id string) string {
	for _, prefix := range []string{"", "DEBIAN-", "UBUNTU-", "ALPINE-"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok && strings.HasPrefix(rest, "CVE-") {
			return rest
		}
	}
	return ""
}

// isErratum says whether an id is that of an erratum of an rpm distribution.
func isErratum(id string) bool {
	return hasPrefix(id, "ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "RHSA-", "RHBA-", "RHEA-",
		"ELSA-", "ELBA-", "ELEA-", "SUSE-", "openSUSE-")
}

// noVulnerability says that a record is an update with nothing wrong behind it: an erratum that mends bugs or adds
// features, or an advisory that names no CVE and does not speak of security (new time zones, say).
func noVulnerability(r *advisory.Record) bool {
	switch {
	case hasPrefix(r.ID, "ALBA-", "ALEA-", "RLBA-", "RLEA-", "RHBA-", "RHEA-", "ELBA-", "ELEA-", "SUSE-RU-", "SUSE-OU-", "SUSE-FU-"):
		return len(cvesOf(r)) == 0
	case hasPrefix(r.ID, "DSA-", "DLA-", "USN-"):
		summary := strings.ToLower(r.Summary)
		security := summary == "" || strings.Contains(summary, "security") || strings.Contains(summary, "vulnerabilit")
		return !security && len(cvesOf(r)) == 0
	}
	return false
}

func hasPrefix(id string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

// isMalicious says whether a record reports malware rather than a mistake.
func isMalicious(r *advisory.Record) bool { return hasPrefix(r.ID, "MAL-", "LWA-") }

// authority says whose word on a package goes first, the lowest number before the others:
// malware reports, which are about this very package; the distribution's entry for the CVE; the distribution's
// advisory; the database that the language's own people keep; GitHub's; any other.
func authority(r *advisory.Record) int {
	switch {
	case isMalicious(r):
		return 0
	case cveOf(r.ID) != "":
		return 1
	case hasPrefix(r.ID, "DSA-", "DLA-", "USN-", "LSN-", "CGA-") || isErratum(r.ID):
		return 2
	case hasPrefix(r.ID, "GO-", "PYSEC-", "RUSTSEC-", "HSEC-", "RSEC-", "EEF-", "DRUPAL-", "BIT-"):
		return 3
	case strings.HasPrefix(r.ID, "GHSA-"):
		return 4
	}
	return 5
}

// id is the name that a problem goes by: the lowest CVE, else the lowest GHSA, else the most authoritative record's.
func (p *problem) id() string {
	best := p.hits[0].record
	for _, h := range p.hits[1:] {
		if c := cmp.Or(cmp.Compare(authority(h.record), authority(best)), compareIDs(h.record.ID, best.ID)); c < 0 {
			best = h.record
		}
	}
	name, rank := best.ID, 2
	for id := range p.ids {
		r := 2
		if strings.HasPrefix(id, "CVE-") {
			r = 0
		} else if strings.HasPrefix(id, "GHSA-") {
			r = 1
		}
		if r < rank || r == rank && r < 2 && compareIDs(id, name) < 0 {
			name, rank = id, r
		}
	}
	return name
}

// compareIDs orders ids so that CVE-2019-9 comes before CVE-2019-10000.
func compareIDs(a, b string) int {
	if strings.HasPrefix(a, "CVE-") && strings.HasPrefix(b, "CVE-") && a[:min(9, len(a))] == b[:min(9, len(b))] {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}

// aliases is a union-find over ids: each maps to another name of the same problem, the root to itself.
type aliases map[string]string

func (a aliases) root(id string) string {
	for a[id] != id {
		a[id] = a[a[id]]
		id = a[id]
	}
	return id
}

func (a aliases) join(ids []string) {
	for _, id := range ids {
		if id == "" {
			continue // a malformed alias must not tie strangers together
		}
		if a[id] == "" {
			a[id] = id
		}
		a[a.root(id)] = a.root(ids[0])
	}
}
