package advisory

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sharedFeeds are the real feeds that lie beside the checkout.
func sharedFeeds(t testing.TB) fs.FS {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "feeds")
	if _, err := os.Stat(filepath.Join(dir, "osv")); err != nil {
		t.Skip("skipped: there are no real feeds at ", dir)
	}
	if testing.Short() {
		t.Skip("skipped: importing the real feeds takes a while")
	}
	return os.DirFS(dir)
}

func TestSharedFeeds(t *testing.T) {
	path, info := build(t, sharedFeeds(t))
	records := 0
	for _, f := range info.Feeds {
		if f.Skipped > 0 {
			t.Errorf("%s: %d records were not read", f.Name, f.Skipped)
		}
		if f.Date == "" || f.Date > "2026-11-22" {
			t.Errorf("%s: date %q", f.Name, f.Date)
		}
		if strings.HasPrefix(f.Name, "osv/") {
			records += f.Records
		}
	}
	if records != 94033 { // as SOURCES.md counts them
		t.Errorf("%d records", records)
	}
	db := open(t, path)
	for _, c := range []struct{ ecosystem, name, id string }{
		{"Debian:12", "openssl", "DEBIAN-CVE-2024-5535"},
		{"npm", "lodash", "GHSA-jf85-cpcp-j695"},
		{"PyPI", "Django", "PYSEC-2022-1"},
		{"Go", "golang.org/x/crypto", "GO-2024-3321"},
		{"Maven", "org.apache.logging.log4j:log4j-core", "GHSA-jfh8-c2jp-5v3q"},
		{"crates.io", "trust-dns-server", "RUSTSEC-2020-0001"},
		{"Ubuntu:22.04:LTS", "curl", "UBUNTU-CVE-2025-0167"},
		{"Packagist:https://packages.drupal.org/8", "drupal/core", "DRUPAL-CORE-2018-002"},
	} {
		r, err := db.Records(c.ecosystem, c.name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(r, func(r Record) bool { return r.ID == c.id }) {
			t.Errorf("%s %s: %s is not among %d records", c.ecosystem, c.name, c.id, len(r))
		}
		if !slices.IsSortedFunc(r, func(a, b Record) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("%s %s: not sorted", c.ecosystem, c.name)
		}
	}
	if c, err := db.CVE("CVE-2021-44228"); err != nil || c.KEV == nil || !c.KEV.Ransomware || c.EPSS == nil || c.EPSS.Score < 0.9 {
		t.Errorf("Log4Shell: %+v, %v", c, err)
	}
	if c, err := db.Cycles("debian"); err != nil || len(c) < 10 || c[0].EOL == "" {
		t.Errorf("Debian: %v, %v", c, err)
	}
	for _, e := range []string{"Debian:12", "Alpine:v3.18", "Rocky Linux:9", "Ubuntu:22.04:LTS", "npm", "Kubernetes"} {
		if !db.Covers(e) {
			t.Errorf("%s is not covered", e)
		}
	}
	if db.Covers("Debian:99") {
		t.Error("Debian:99 is covered")
	}
}

// packageNames gives names of one ecosystem's packages that records name, in a fixed order without meaning.
func packageNames(t testing.TB, db *DB, ecosystem string) []string {
	t.Helper()
	var names []string
	for e, err := range db.entries(tablePackages) {
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := strings.CutPrefix(e.key, ecosystem+":"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	return names
}

func BenchmarkOpen(b *testing.B) {
	path, _ := build(b, sharedFeeds(b))
	for b.Loop() {
		db, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecords500 asks for 500 packages, all of which have records, as one image might.
func BenchmarkRecords500(b *testing.B) {
	path, _ := build(b, sharedFeeds(b))
	db := open(b, path)
	for _, ecosystem := range []string{"debian", "ubuntu", "npm", "pypi", "go", "almalinux"} {
		names := packageNames(b, db, ecosystem)
		b.Run(ecosystem, func(b *testing.B) {
			records := 0
			for b.Loop() {
				records = 0
				for i := range 500 {
					r, err := db.Records(ecosystem, names[i%len(names)])
					if err != nil {
						b.Fatal(err)
					}
					records += len(r)
				}
			}
			b.ReportMetric(float64(records), "records")
		})
	}
}

func BenchmarkImport(b *testing.B) {
	feeds := sharedFeeds(b)
	for b.Loop() {
		build(b, feeds)
	}
}
