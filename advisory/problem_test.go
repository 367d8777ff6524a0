package advisory

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestProblem holds that all names of a problem lead to it, and that an erratum ties no strangers together.
func TestProblem(t *testing.T) {
	path, _ := build(t, fstest.MapFS{
		"osv/npm/all.zip": {Data: zipped(t, "GHSA-aaaa-bbbb-cccc.json",
			`{"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2024-1000", ""], "withdrawn": "2025-01-01T00:00:00Z", "affected": [
				{"package": {"ecosystem": "npm", "name": "left"}}, {"package": {"ecosystem": "npm", "name": "left"}},
				{"package": {"ecosystem": "PyPI", "name": "Left_pad"}}]}`)},
		"osv/PyPI/all.zip": {Data: zipped(t, "PYSEC-2024-1.json",
			`{"id": "PYSEC-2024-1", "aliases": ["GHSA-aaaa-bbbb-cccc"], "affected": [{"package": {"ecosystem": "PyPI", "name": "left-pad"}}]}`)},
		"osv/Debian/all.zip": {Data: zipped(t,
			"DEBIAN-CVE-2024-1000.json", `{"id": "DEBIAN-CVE-2024-1000", "upstream": ["CVE-2024-1000"],
				"affected": [{"package": {"ecosystem": "Debian:12", "name": "node-left"}}]}`,
			"DSA-1-1.json", `{"id": "DSA-1-1", "upstream": ["CVE-2024-1000", "CVE-2024-2000"],
				"affected": [{"package": {"ecosystem": "Debian:11", "name": "left-source"}}]}`)},
		"osv/AlmaLinux/all.zip": {Data: zipped(t, "ALSA-2024:1.json", `{"id": "ALSA-2024:1", "related": ["CVE-2024-2000", "CVE-2024-3000"],
				"affected": [{"package": {"ecosystem": "AlmaLinux:9", "name": "right"}}]}`)},
		"osv/Linux/all.zip": {Data: zipped(t, "CVE-2024-4000.json", `{"id": "CVE-2024-4000", "aliases": ["A-1"], "affected": [{"package": {}}]}`)},
	})
	db := open(t, path)
	first := Problem{
		IDs: []string{"CVE-2024-1000", "DEBIAN-CVE-2024-1000", "DSA-1-1", "GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"},
		Packages: []PackageName{
			{"Debian", "left-source"}, {"Debian", "node-left"}, {"PyPI", "left-pad"}, {"npm", "left"},
		},
	}
	for id, want := range map[string]Problem{
		"CVE-2024-1000": first, "cve-2024-1000": first, "ghsa-AAAA-bbbb-cccc": first, "PYSEC-2024-1": first, "debian-cve-2024-1000": first,
		"CVE-2024-2000": {
			IDs:      []string{"ALSA-2024:1", "CVE-2024-2000", "DSA-1-1"},
			Packages: []PackageName{{"AlmaLinux", "right"}, {"Debian", "left-source"}},
		},
		"dsa-1-1": {
			IDs: []string{"DSA-1-1"}, Mends: []string{"CVE-2024-1000", "CVE-2024-2000"},
			Packages: []PackageName{{"Debian", "left-source"}},
		},
		"a-1":           {IDs: []string{"A-1", "CVE-2024-4000"}},
		"CVE-2024-5000": {},
		"":              {},
	} {
		got, err := db.Problem(id)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Problem(%q), %v (-want +got):\n%s", id, err, diff)
		}
	}
}

func TestDisputed(t *testing.T) {
	for text, want := range map[string]bool{
		"** DISPUTED ** core.py in Mitogen before 0.2.8":                               true,
		"**DISPUTED**A failure in the":                                                 true,
		"A flaw. NOTE: this is disputed by a third party because the":                  true,
		"NOTE: the CVE ID assignment is disputed because the vendor's documentation":   true,
		"A flaw. NOTE: the vendor disputes this":                                       true,
		"This has been disputed by third parties who assert that":                      true,
		"Note: This vulnerability is [disputed by Umbraco](https://github.com/g":       true,
		"The severity impact of the slow printing of URLs has been disputed. This":     false,
		"NOTE: fixed in 1.2. The dispute resolution page has XSS":                      false,
		"SQL injection in the disputed-payments page":                                  false,
		"NOTE: This vulnerability exists because of CVE-2017-1. Undisputed is a brand": false,
		"": false,
	} {
		if got := isDisputed(text); got != want {
			t.Errorf("isDisputed(%q) = %v, want %v", text, got, want)
		}
	}
	if !disputedTag([]byte(`{"tags": 7, "isDisputed": true}`)) || !disputedTag([]byte(`{"tags": ["disputed"]}`)) || disputedTag([]byte(`[]`)) || disputedTag(nil) {
		t.Error("tags")
	}
}
