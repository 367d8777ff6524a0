package advisory

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSecDB reads security databases in the form of Alpine's and Wolfi's, made up for this test.
func TestSecDB(t *testing.T) {
	day := time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC)
	path, info := build(t, fstest.MapFS{
		"secdb/alpine-v3.20-main.json": {ModTime: day, Data: []byte(`{"distroversion": "v3.20", "reponame": "main",
			"urlprefix": "https://dl-cdn.alpinelinux.org/alpine", "packages": [
			{"pkg": {"name": "made-up", "secfixes": {"1.2.3-r0": ["CVE-2026-1000 XSA-1"], "0": ["CVE-2026-2000"], "1": ["", "<b>"], "": ["CVE-2026-3000"]}}}, {"pkg": {}}]}`)},
		"secdb/alpine-v3.21-main.json": {ModTime: day.AddDate(0, 0, 1), Data: []byte(`{"distroversion": "v3.21",
			"packages": [{"pkg": {"name": "made-up", "secfixes": {"1.2.3-r1": ["CVE-2026-1000"]}}}]}`)},
		"secdb/wolfi.json": {ModTime: day, Data: []byte(`{"reponame": "os", "urlprefix": "https://packages.wolfi.dev",
			"packages": [{"pkg": {"name": "made-up", "secfixes": {"3.0-r0": ["GHSA-aaaa-bbbb-cccc", "CVE-2026-1000"]}}}]}`)},
		"osv/Alpine/all.zip": {Data: zipped(t, "ALPINE-CVE-2026-1000.json", `{"id": "ALPINE-CVE-2026-1000", "upstream": ["CVE-2026-1000"], "affected": [
			{"package": {"ecosystem": "Alpine:v3.19", "name": "made-up"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1-r0"}]}]},
			{"package": {"ecosystem": "Alpine:v3.20", "name": "made-up"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}`)},
	})
	var feeds []string
	for _, f := range info.Feeds {
		feeds = append(feeds, strings.Join([]string{f.Name, f.Date}, " "))
		if f.Name == "secdb/Alpine" && (f.Records != 3 || f.Skipped != 3 || f.Unnamed != 1) {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff([]string{"osv/Alpine 2026-08-22", "secdb/Alpine 2026-08-20", "secdb/Wolfi 2026-08-20"}, feeds); diff != "" {
		t.Errorf("feeds (-want +got):\n%s", diff)
	}
	db := open(t, path)
	for ecosystem, want := range map[string][]string{
		"Alpine": {
			"ALPINE-CVE-2026-1000 osv/Alpine Alpine:v3.19<1-r0",
			"ALPINE-CVE-2026-1000 secdb/Alpine Alpine:v3.20<1.2.3-r0 Alpine:v3.21<1.2.3-r1",
			"ALPINE-CVE-2026-2000 secdb/Alpine Alpine:v3.20<0",
		},
		"Wolfi": {"GHSA-aaaa-bbbb-cccc secdb/Wolfi Wolfi<3.0-r0", "WOLFI-CVE-2026-1000 secdb/Wolfi Wolfi<3.0-r0"},
	} {
		records, err := db.Records(ecosystem, "made-up")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range records {
			line := r.ID + " " + r.Feed
			for _, a := range r.Affected {
				line += " " + a.Ecosystem + "<" + a.Ranges[0].Events[1].Fixed
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ecosystem, diff)
		}
		if !db.Covers(ecosystem) {
			t.Errorf("%s is not covered", ecosystem)
		}
	}
	p, err := db.Problem("xsa-1")
	want := Problem{
		IDs:      []string{"ALPINE-CVE-2026-1000", "CVE-2026-1000", "WOLFI-CVE-2026-1000", "XSA-1"},
		Packages: []PackageName{{"Alpine", "made-up"}, {"Wolfi", "made-up"}},
	}
	if diff := cmp.Diff(want, p); diff != "" || err != nil {
		t.Errorf("problem, %v (-want +got):\n%s", err, diff)
	}
}
