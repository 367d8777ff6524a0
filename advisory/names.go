package advisory

import (
	"cmp"
	"slices"
	"strings"
)

// Names gives the problems of which a record speaks, each as the ids that are names of it. Mostly there is one, and the
// record's id, aliases and upstream are its names. An erratum, or a distribution's advisory, that mends several CVEs at once
// speaks of as many problems: it is a name of none of them, and does not make them one.
func Names(r *Record) [][]string {
	cves := CVEsOf(r)
	if len(cves) > 1 && (len(r.Upstream) > 0 || slices.ContainsFunc(r.Affected, func(a Affected) bool { return IsDistribution(a.Ecosystem) })) {
		sets := make([][]string, len(cves))
		for i, cve := range cves {
			sets[i] = []string{cve}
		}
		return sets
	}
	return [][]string{slices.Concat([]string{r.ID}, r.Aliases, r.Upstream, cves)}
}

// CVEsOf gives the CVEs that a record is about, sorted. Distributions name them as aliases, as upstream, or, in errata, as
// related; "DEBIAN-CVE-2023-0001" is Debian's entry for that CVE.
func CVEsOf(r *Record) []string {
	ids := slices.Concat([]string{r.ID}, r.Aliases, r.Upstream)
	if IsErratum(r.ID) {
		ids = append(ids, r.Related...)
	}
	var cves []string
	for _, id := range ids {
		if cve := CVEOf(id); cve != "" {
			cves = append(cves, cve)
		}
	}
	slices.SortFunc(cves, CompareIDs)
	return slices.Compact(cves)
}

// CVEOf gives the CVE that an id is, or is a distribution's entry for; empty for any other id.
func CVEOf(id string) string {
	for _, prefix := range []string{"", "DEBIAN-", "UBUNTU-", "ALPINE-", "WOLFI-", "CHAINGUARD-", "BELL-"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok && strings.HasPrefix(rest, "CVE-") {
			return rest
		}
	}
	return ""
}

// IsErratum says whether an id is that of an erratum of an rpm distribution.
func IsErratum(id string) bool {
	return slices.ContainsFunc([]string{
		"ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-", "RHSA-", "RHBA-", "RHEA-", "ELSA-", "ELBA-", "ELEA-",
		"SUSE-", "openSUSE-",
	}, func(prefix string) bool { return strings.HasPrefix(id, prefix) })
}

// IsDistribution says whether the packages of an ecosystem, with or without its release, are a distribution's. Its advisories
// may speak of several problems at once, and its own word goes before everybody else's.
func IsDistribution(ecosystem string) bool {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "Debian", "Ubuntu", "Echo", "Alpine", "Alpaquita", "BellSoft Hardened Containers", "Wolfi", "Chainguard", "MinimOS",
		"CleanStart", "Docker Hardened Images", "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "openEuler",
		"Mageia", "Photon OS", "Azure Linux", "Amazon Linux", "Oracle Linux", "Fedora", "CentOS", "Root", "TuxCare":
		return true
	}
	return false
}

// CompareIDs orders ids so that CVE-2019-9 comes before CVE-2019-10000.
func CompareIDs(a, b string) int {
	if strings.HasPrefix(a, "CVE-") && strings.HasPrefix(b, "CVE-") && a[:min(9, len(a))] == b[:min(9, len(b))] {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}
