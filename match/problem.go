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
	// acquit has, by id, the records that say of this version that it is not affected.
	acquit map[string][]string
}

// problems gathers the records that affect a package into problems, in no order. Records that share an id or an alias, in
// however many steps, speak of one problem. An advisory that fixes several CVEs at once speaks of as many
// problems: it joins each of them and makes none of them one.
//
// acquit are the records that name the package and say that this version is not affected.
func problems(hits []hit, acquit []*advisory.Record) []*problem {
	if len(hits) == 0 {
		return nil
	}
	names := aliases{}
	named := make([][]string, len(hits))
	for i, h := range hits {
		for _, set := range advisory.Names(h.record) {
			names.join(set)
			named[i] = append(named[i], set[0])
		}
	}
	byName := map[string]*problem{}
	for i, h := range hits {
		for _, id := range named[i] {
			root := names.root(id)
			if byName[root] == nil {
				byName[root] = &problem{ids: map[string]bool{}, acquit: map[string][]string{}}
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
	for _, r := range acquit {
		for _, id := range slices.Concat(append(advisory.Names(r), []string{r.ID})...) {
			if names[id] != "" {
				byName[names.root(id)].clear(id, r)
			}
		}
	}
	return slices.Collect(maps.Values(byName))
}

// setAside says why a record is held against nothing; empty for one that counts.
func setAside(r *advisory.Record) string {
	switch {
	case !r.Withdrawn.IsZero():
		return "withdrawn"
	case noVulnerability(r):
		return "an update that mends no vulnerability"
	}
	return ""
}

// noVulnerability says that a record is an update with nothing wrong behind it: an erratum that mends bugs or adds
// features, or an advisory that names no CVE and does not speak of security (new time zones, say).
func noVulnerability(r *advisory.Record) bool {
	switch {
	case hasPrefix(r.ID, "ALBA-", "ALEA-", "RLBA-", "RLEA-", "RHBA-", "RHEA-", "ELBA-", "ELEA-", "SUSE-RU-", "SUSE-OU-", "SUSE-FU-"):
		return len(advisory.CVEsOf(r)) == 0
	case hasPrefix(r.ID, "DSA-", "DLA-", "USN-"):
		summary := strings.ToLower(r.Summary)
		security := summary == "" || strings.Contains(summary, "security") || strings.Contains(summary, "vulnerabilit")
		return !security && len(advisory.CVEsOf(r)) == 0
	}
	return false
}

func hasPrefix(id string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

// isMalicious says whether a record reports malware rather than a mistake. Before there were databases of malware, GitHub and the Node.js working
// group kept it among the vulnerabilities, under these titles.
func isMalicious(r *advisory.Record) bool {
	return hasPrefix(r.ID, "MAL-", "LWA-") || hasPrefix(r.Summary, "Malicious Package", "Embedded Malicious Code", "Embedded malware")
}

// authority says whose word on a package goes first, the lowest number before the others:
// malware reports, which are about this very package; the distribution's entry for the CVE; the distribution's
// advisory; the database that the language's own people keep; GitHub's; any other.
func authority(r *advisory.Record) int {
	switch {
	case isMalicious(r):
		return 0
	case r.Feed == advisory.FeedNVD: // names programs only, and its ranges are wide
		return 5
	case advisory.CVEOf(r.ID) != "":
		return 1
	case hasPrefix(r.ID, "DSA-", "DLA-", "USN-", "LSN-", "CGA-") || advisory.IsErratum(r.ID):
		return 2
	case hasPrefix(r.ID, "GO-", "PYSEC-", "RUSTSEC-", "HSEC-", "RSEC-", "EEF-", "DRUPAL-", "BIT-"):
		return 3
	case strings.HasPrefix(r.ID, "GHSA-"):
		return 4
	}
	return 5
}

// id is the name that a problem goes by: a CVE, else the lowest GHSA, else the most authoritative record's own. Of several
// CVEs it is one that a record of its own says affects this version, before one of which nothing is said, before one that a record
// says is not there; of several such the lowest.
func (p *problem) id() string {
	best := slices.MinFunc(p.hits, compareHits).record
	rank := func(id string) int {
		switch {
		case strings.HasPrefix(id, "CVE-") && p.charged(id):
			return 0
		case strings.HasPrefix(id, "CVE-") && len(p.acquit[id]) == 0:
			return 1
		case strings.HasPrefix(id, "CVE-"):
			return 2
		case strings.HasPrefix(id, "GHSA-"):
			return 3
		case id == best.ID:
			return 4
		}
		return 5
	}
	return slices.MinFunc(slices.Collect(maps.Keys(p.ids)), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), advisory.CompareIDs(a, b))
	})
}

// charged says whether a record that affects the package is about this CVE and no other.
func (p *problem) charged(cve string) bool {
	return slices.ContainsFunc(p.hits, func(h hit) bool {
		cves := advisory.CVEsOf(h.record)
		return len(cves) == 1 && cves[0] == cve
	})
}

// clear notes that a record acquits this version of an id. One that affects it by another of the package's names does not.
func (p *problem) clear(id string, r *advisory.Record) {
	if !slices.ContainsFunc(p.hits, func(h hit) bool { return h.record.ID == r.ID }) && !slices.Contains(p.acquit[id], r.ID) {
		p.acquit[id] = append(p.acquit[id], r.ID)
	}
}

// compareHits puts the record whose word goes first before the others.
func compareHits(a, b hit) int {
	return cmp.Or(cmp.Compare(authority(a.record), authority(b.record)), advisory.CompareIDs(a.record.ID, b.record.ID))
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
