package match

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// Whatever records call each other, two of them are in one finding exactly where a chain of aliases joins them, no id is in two findings,
// related ids join nothing, and the order of the records says nothing.
func TestAliasGraphs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		records, edges := randomRecords(rng)
		first := idsOfFindings(t, records)
		rng.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		if again := idsOfFindings(t, records); !slices.Equal(first, again) {
			t.Fatalf("the order of records matters:\n%v\n%v", first, again)
		}
		var want []string
		for _, component := range components(records, edges) {
			want = append(want, strings.Join(component, " "))
		}
		slices.Sort(want)
		if !slices.Equal(first, want) {
			t.Fatalf("%+v\ngot  %v\nwant %v", records, first, want)
		}
	}
}

// randomRecords makes records that all affect one package, and the ids that their aliases tie.
func randomRecords(rng *rand.Rand) (records []advisory.Record, edges [][2]string) {
	id := func() string {
		return []string{"CVE-2024-%d", "GHSA-%d", "PYSEC-2024-%d", "RUSTSEC-2024-%d", "GO-2024-%d"}[rng.IntN(5)]
	}
	for n := range 2 + rng.IntN(6) {
		r := advisory.Record{ID: fmt.Sprintf(id(), n), Affected: []advisory.Affected{in("npm", span(since("0")))}}
		for range rng.IntN(3) {
			alias := fmt.Sprintf(id(), rng.IntN(8))
			r.Aliases = append(r.Aliases, alias)
			edges = append(edges, [2]string{r.ID, alias})
		}
		if rng.IntN(2) == 0 {
			r.Related = []string{fmt.Sprintf(id(), rng.IntN(8))}
		}
		records = append(records, r)
	}
	return records, edges
}

// components finds what is joined by walking from each record, as slowly and plainly as can be.
func components(records []advisory.Record, edges [][2]string) [][]string {
	var out [][]string
	done := map[string]bool{}
	for _, r := range records {
		if done[r.ID] {
			continue
		}
		component := map[string]bool{r.ID: true}
		for grew := true; grew; {
			grew = false
			for _, e := range edges {
				if component[e[0]] != component[e[1]] {
					component[e[0]], component[e[1]], grew = true, true, true
				}
			}
		}
		for id := range component {
			done[id] = true
		}
		out = append(out, slices.Sorted(maps.Keys(component)))
	}
	return out
}

// idsOfFindings gives all names of each finding, sorted, and checks the name that it goes by.
func idsOfFindings(t *testing.T, records []advisory.Record) []string {
	t.Helper()
	adv := known{covers: []string{"npm"}, records: map[string][]advisory.Record{"npm/x": records}}
	findings, _ := match(t, adv, inventory.Package{Type: "npm", Name: "x", Version: "1.0.0", Ecosystem: "npm"})
	var out []string
	for _, f := range findings {
		all := names(&f)
		if slices.ContainsFunc(all, func(id string) bool { return strings.HasPrefix(id, "CVE-") }) != strings.HasPrefix(f.ID, "CVE-") {
			t.Fatalf("%s of %v", f.ID, all)
		}
		slices.Sort(all)
		out = append(out, strings.Join(all, " "))
	}
	slices.Sort(out)
	return out
}

// Of several CVEs a finding takes the one that a record of its own finds here, and none that one says is fixed.
func TestTheNameOfAProblem(t *testing.T) {
	affected := []advisory.Affected{in("Go", span(since("0"), until("2.0.0")))}
	mended := []advisory.Affected{in("Go", span(since("0"), until("0.5.0")))}
	both := []string{"CVE-2024-1", "CVE-2024-2", "CVE-2024-3"}
	for _, tt := range []struct {
		name    string
		records []advisory.Record
		want    string
	}{
		{"the lowest", []advisory.Record{{ID: "GO-1", Aliases: both, Affected: affected}}, "CVE-2024-1"},
		{"one has a record of its own", []advisory.Record{{ID: "GO-1", Aliases: both, Affected: affected},
			{ID: "GHSA-1", Aliases: []string{"CVE-2024-2"}, Affected: affected}}, "CVE-2024-2"},
		{"one is mended", []advisory.Record{{ID: "GO-1", Aliases: both, Affected: affected},
			{ID: "GHSA-1", Aliases: []string{"CVE-2024-1"}, Affected: mended}}, "CVE-2024-2"},
		{"all are mended, says each", []advisory.Record{{ID: "GO-1", Aliases: []string{"CVE-2024-1"}, Affected: affected},
			{ID: "GHSA-1", Aliases: []string{"CVE-2024-1"}, Affected: mended}}, "CVE-2024-1"},
	} {
		adv := known{covers: []string{"Go"}, records: map[string][]advisory.Record{"Go/x": tt.records}}
		findings, _ := match(t, adv, inventory.Package{Type: "golang", Name: "x", Version: "v1.0.0", Ecosystem: "Go"})
		if len(findings) != 1 || findings[0].ID != tt.want {
			t.Errorf("%s: %v", tt.name, lines(findings))
		}
	}
}

// The distribution's word goes before the ecosystem's, and that before what others gave the CVE; each is named.
func TestWhoSetsTheSeverity(t *testing.T) {
	score := func(vector string) []advisory.Severity { return []advisory.Severity{{Type: "CVSS_V3", Score: vector}} }
	const low, high = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	npm, debian := []advisory.Affected{in("npm", span(since("0")))}, []advisory.Affected{in("Debian:12", span(since("0")))}
	urgent := []advisory.Affected{in("Debian:12", span(since("0")))}
	urgent[0].Urgency = "low"
	cves := map[string]advisory.CVE{"CVE-1-1": {CVSS: []advisory.CVSS{{Vector: high, Source: "nvd"}}}}
	for _, tt := range []struct {
		name      string
		ecosystem string
		records   []advisory.Record
		cves      map[string]advisory.CVE
		want      string
	}{
		{"the distribution", "Debian:12", []advisory.Record{{ID: "DEBIAN-CVE-1-1", Severity: score(high), Affected: urgent}}, cves, "low Debian"},
		{"a copy of the CVE's", "Debian:12", []advisory.Record{{ID: "DEBIAN-CVE-1-1", Severity: score(low), Affected: debian}}, nil, "low CVE"},
		{"others", "Debian:12", []advisory.Record{{ID: "DEBIAN-CVE-1-1", Affected: debian}}, cves, "critical NVD"},
		{"the ecosystem's word", "npm", []advisory.Record{{ID: "GHSA-1", Aliases: []string{"CVE-1-1"}, Rating: "MODERATE", Severity: score(low), Affected: npm}}, cves, "medium GitHub"},
		{"its language's people first", "npm", []advisory.Record{{ID: "GHSA-1", Aliases: []string{"CVE-1-1"}, Rating: "MODERATE", Affected: npm},
			{ID: "PYSEC-1", Aliases: []string{"CVE-1-1"}, Rating: "HIGH", Affected: npm}}, cves, "high PyPA"},
		{"the ecosystem's score", "npm", []advisory.Record{{ID: "RUSTSEC-1", Aliases: []string{"CVE-1-1"}, Severity: score(low), Affected: npm}}, cves, "low RustSec"},
		{"malware", "npm", []advisory.Record{{ID: "MAL-1", Severity: score(low), Affected: npm}}, nil, "critical OpenSSF"},
		{"nobody", "npm", []advisory.Record{{ID: "GHSA-1", Affected: npm}}, nil, "unknown "},
	} {
		base, _, _ := strings.Cut(tt.ecosystem, ":")
		adv := known{covers: []string{tt.ecosystem}, cves: tt.cves, records: map[string][]advisory.Record{base + "/x": tt.records}}
		findings, _ := match(t, adv, inventory.Package{Type: "x", Name: "x", Version: "1.0.0", Ecosystem: tt.ecosystem})
		if len(findings) != 1 || string(findings[0].Severity)+" "+findings[0].SeveritySource != tt.want {
			t.Errorf("%s: %s %s", tt.name, findings[0].Severity, findings[0].SeveritySource)
		}
	}
}
