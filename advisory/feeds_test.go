package advisory

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"
)

// now is the time at which the tests' imports happen.
func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

const lodash = `{
	"id": "GHSA-jf85-cpcp-j695", "aliases": ["CVE-2019-10744"], "summary": "Prototype Pollution in lodash",
	"published": "2019-07-10T19:45:23Z", "modified": "2025-09-29T21:12:31.123456Z",
	"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"}],
	"database_specific": {"severity": "CRITICAL", "cwe_ids": ["CWE-1321"]},
	"references": [
		{"type": "ADVISORY", "url": "https://nvd.nist.gov/vuln/detail/CVE-2019-10744"},
		{"type": "WEB", "url": "https://www.exploit-db.com/exploits/1"}],
	"affected": [
		{"package": {"ecosystem": "npm", "name": "lodash"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "4.17.12"}]}]},
		{"package": {"ecosystem": "RubyGems", "name": "lodash-rails"}, "versions": ["1.0.0", "1.1.0"]}]}`

const openssl = `{
	"id": "DEBIAN-CVE-2024-5535", "upstream": ["CVE-2024-5535"], "details": "A first sentence. A second one.",
	"modified": "2026-11-19T21:02:23Z", "withdrawn": "2026-11-20T00:00:00Z",
	"affected": [
		{"package": {"ecosystem": "Debian:12", "name": "openssl"}, "ecosystem_specific": {"urgency": "unimportant", "other": [1, "x"]},
		 "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0", "fixed": "3.0.15-1~deb12u1"}]}]},
		{"package": {"ecosystem": "Debian:13", "name": "openssl"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}`

const future = `{"id": "PYSEC-1", "modified": "2027-07-09T15:54:00Z", "affected": [{"package": {"ecosystem": "PyPI", "name": "My_Pkg..x"}, "versions": ["1"]}]}`

const noPackage = `{"id": "LINUX-1", "modified": "2026-01-01T00:00:00Z", "affected": [{"ranges": [{"type": "GIT", "repo": "https://git.example.org/linux", "events": [{"introduced": "0"}]}]}]}`

const catalog = `{"catalogVersion": "2026.01.29", "dateReleased": "2026-01-29T20:24:37.0959Z", "vulnerabilities": [
	{"cveID": "CVE-2019-10744", "dateAdded": "2026-01-01", "dueDate": "2026-01-22", "knownRansomwareCampaignUse": "Known"}]}`

const scores = "#model_version:v2026.03.14,score_date:2026-08-16T00:00:00+0000\ncve,epss,percentile\n" +
	"CVE-2019-10744,0.033510000,0.876500000\nCVE-2019-0001,2,0\nnot a row\n"

const cveLines = `{"id":"CVE-2019-10744","modified":"2024-08-01T18:53:34.621Z","cvss":[{"source":"cna","version":"3.1","vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H","score":9.1}],"ssvc":{"Exploitation":"poc","Automatable":"yes","Technical Impact":"total"}}
not JSON
`

const debianPage = "---\ntitle: Debian\nreleases:\n  - releaseCycle: \"13\"\n    codename: Trixie\n    eol: 2028-08-09 # planned\n    eoes: 2030-06-30\n    latest: '13.6'\n" +
	"  - releaseCycle: \"1\"\n    eol: true\n    eoes: false\n---\n\n> text\n"

// zipped makes an archive of names and contents by turns.
func zipped(t testing.TB, namesAndContents ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(namesAndContents); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{
			Name: namesAndContents[i], Method: zip.Deflate, Modified: time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(namesAndContents[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// smallFeeds has something of every kind, good and bad.
func smallFeeds(t testing.TB) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for name, data := range map[string][]byte{
		"osv/npm/all.zip":                                 zipped(t, "GHSA-jf85-cpcp-j695.json", lodash, "broken.json", `{"id": `, "README.md", "not a record"),
		"osv/RubyGems/all.zip":                            zipped(t, "GHSA-jf85-cpcp-j695.json", lodash),
		"osv/Debian/all.zip":                              zipped(t, "DEBIAN-CVE-2024-5535.json", openssl),
		"osv/PyPI/all.zip":                                zipped(t, "PYSEC-1.json", future, "no-date.json", `{"id": "PYSEC-2", "withdrawn": "yesterday"}`),
		"osv/Linux/all.zip":                               zipped(t, "LINUX-1.json", noPackage),
		"kev/known_exploited_vulnerabilities.json":        []byte(catalog),
		"kev/known_exploited_vulnerabilities-2025.json":   []byte(`{"dateReleased": "2025-01-01T00:00:00Z", "vulnerabilities": []}`),
		"kev/known_exploited_vulnerabilities_schema.json": []byte(`{"type": "object"}`),
		"epss/epss_scores-2026-08-16.csv.gz":              gzipped(t, scores),
		"epss/epss_scores-2025-08-16.csv":                 []byte("#score_date:2025-08-16\ncve,epss,percentile\nCVE-2019-10744,0.9,0.9\n"),
		"cve/cve.jsonl.gz":                                gzipped(t, cveLines),
		"eol/products.zip":                                zipped(t, "LICENSE", "MIT", "products/debian.md", debianPage, "products/bad.md", "no head"),
		"retirejs/repository.json":                        []byte("{}"),
	} {
		files[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	return files
}

// build imports feeds into a new file.
func build(t testing.TB, feeds fs.FS) (path string, info Info) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "advisories.db")
	info, err := Import(context.Background(), feeds, path, ImportOptions{Now: now(), Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return path, info
}

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
