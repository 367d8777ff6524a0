package advisory

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestImportSmallFeeds(t *testing.T) {
	path, info := build(t, smallFeeds(t))
	want := []Feed{
		{Name: "osv/Debian", Date: "2026-11-19", Records: 1, Source: "test/osv/Debian/all.zip"},
		{Name: "osv/Linux", Date: "2026-08-22", Records: 1, Unnamed: 1, Source: "test/osv/Linux/all.zip"},
		{Name: "osv/PyPI", Date: "2026-08-22", Records: 1, Skipped: 1, Source: "test/osv/PyPI/all.zip"},
		{Name: "osv/RubyGems", Date: "2026-08-22", Records: 1, Source: "test/osv/RubyGems/all.zip"},
		{Name: "osv/npm", Date: "2026-08-22", Records: 1, Skipped: 1, Source: "test/osv/npm/all.zip"},
		{Name: "kev", Date: "2026-01-29", Records: 1, Source: "test/kev/known_exploited_vulnerabilities.json"},
		{Name: "epss", Date: "2026-08-16", Records: 1, Skipped: 2, Source: "test/epss/epss_scores-2026-08-16.csv.gz"},
		{Name: "cve", Date: "2024-08-01", Records: 1, Skipped: 1, Source: "test/cve/cve.jsonl.gz"},
		{Name: "eol", Date: "2026-08-22", Records: 1, Skipped: 1, Source: "test/eol/products.zip"},
	}
	if diff := cmp.Diff(want, info.Feeds); diff != "" {
		t.Errorf("feeds (-want +got):\n%s", diff)
	}
	db := open(t, path)
	if diff := cmp.Diff(info, db.Info()); diff != "" {
		t.Errorf("info of the open file (-want +got):\n%s", diff)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the file: %v, %v", entries, err)
	}
}

func TestLookups(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	db := open(t, path)
	modified := time.Date(2025, 9, 29, 21, 12, 31, 123456000, time.UTC)
	inRubyGems := Record{
		ID: "GHSA-jf85-cpcp-j695", Aliases: []string{"CVE-2019-10744"}, Summary: "Prototype Pollution in lodash",
		Published: time.Date(2019, 7, 10, 19, 45, 23, 0, time.UTC), Modified: modified, Rating: "CRITICAL",
		Severity:   []Severity{{Type: "CVSS_V3", Score: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"}},
		References: []Reference{{Type: "WEB", URL: "https://www.exploit-db.com/exploits/1"}},
		Affected:   []Affected{{Ecosystem: "RubyGems", Versions: []string{"1.0.0", "1.1.0"}}},
		Feed:       "osv/RubyGems", // not osv/npm, which has the same record
	}
	inDebian := Record{
		ID: "DEBIAN-CVE-2024-5535", Upstream: []string{"CVE-2024-5535"}, Summary: "A first sentence.",
		Modified: time.Date(2026, 11, 19, 21, 2, 23, 0, time.UTC), Withdrawn: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		Affected: []Affected{
			{
				Ecosystem: "Debian:12", Urgency: "unimportant", Specific: map[string]any{"other": []any{1.0, "x"}},
				Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: "3.0.15-1~deb12u1"}}}},
			},
			{Ecosystem: "Debian:13", Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}}}}},
		},
		Feed: "osv/Debian",
	}
	for _, c := range []struct {
		ecosystem, name string
		want            []Record
	}{
		{"RubyGems", "lodash-rails", []Record{inRubyGems}},
		{"Debian:12", "openssl", []Record{inDebian}},
		{"Debian", "openssl", []Record{inDebian}},
		{"npm", "lodash-rails", nil},
		{"npm", "", nil},
	} {
		got, err := db.Records(c.ecosystem, c.name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("Records(%q, %q) (-want +got):\n%s", c.ecosystem, c.name, diff)
		}
	}
	if r, err := db.Records("PyPI", "my-PKG.X"); err != nil || len(r) != 1 {
		t.Errorf("another spelling of a PyPI name: %v, %v", r, err)
	}

	wantCVE := CVE{
		KEV:          &KEV{Added: "2026-01-01", Due: "2026-01-22", Ransomware: true},
		EPSS:         &EPSS{Score: 0.03351, Percentile: 0.8765, Date: "2026-08-16"},
		CVSS:         []CVSS{{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H", Source: "cna"}},
		Exploitation: "poc", Automatable: "yes", TechnicalImpact: "total",
	}
	gotCVE, err := db.CVE("cve-2019-10744")
	if diff := cmp.Diff(wantCVE, gotCVE); diff != "" || err != nil {
		t.Errorf("CVE, %v (-want +got):\n%s", err, diff)
	}
	if c, err := db.CVE("CVE-1999-0001"); err != nil || c.KEV != nil || c.EPSS != nil || c.CVSS != nil {
		t.Errorf("an unknown CVE: %v, %v", c, err)
	}

	wantCycles := []Cycle{
		{Product: "debian", Title: "Debian", Cycle: "13", Name: "Trixie", EOL: "2028-08-09", Extended: "2030-06-30", Latest: "13.6"},
		{Product: "debian", Title: "Debian", Cycle: "1", Ended: true},
	}
	gotCycles, err := db.Cycles("debian")
	if diff := cmp.Diff(wantCycles, gotCycles); diff != "" || err != nil {
		t.Errorf("cycles, %v (-want +got):\n%s", err, diff)
	}

	for ecosystem, want := range map[string]bool{
		"Debian:12": true, "Debian": true, "debian:13": true, "Debian:11": false, "npm": true, "RubyGems": true, "Alpine:v3.18": false,
		"Linux": false, "": false,
	} {
		if got := db.Covers(ecosystem); got != want {
			t.Errorf("Covers(%q) = %v, want %v", ecosystem, got, want)
		}
	}
}

func TestImportTwiceIsTheSame(t *testing.T) {
	one, infoOne := build(t, smallFeeds(t))
	two, infoTwo := build(t, smallFeeds(t))
	if infoOne.Revision != infoTwo.Revision || !strings.HasPrefix(infoOne.Revision, "sha256:") {
		t.Errorf("revisions %q and %q", infoOne.Revision, infoTwo.Revision)
	}
	a, errA := os.ReadFile(one)
	b, errB := os.ReadFile(two)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("the files differ (%v, %v)", errA, errB)
	}
	other := smallFeeds(t)
	delete(other, "kev/known_exploited_vulnerabilities.json")
	if _, info := build(t, other); info.Revision == infoOne.Revision {
		t.Error("another content has the same revision")
	}
}

// TestNewestWins holds that of two versions of a record the later is kept, whatever feed it comes from.
func TestNewestWins(t *testing.T) {
	old := `{"id": "X-1", "modified": "2025-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1"]}]}`
	fresh := strings.NewReplacer("2025-", "2026-", `"1"`, `"2"`).Replace(old)
	path, _ := build(t, fstest.MapFS{
		"osv/npm/all.zip":   {Data: zipped(t, "X-1.json", old)},
		"osv/Maven/all.zip": {Data: zipped(t, "X-1.json", fresh)},
	})
	got, err := open(t, path).Records("npm", "a")
	if err != nil || len(got) != 1 || got[0].Feed != "osv/Maven" || got[0].Affected[0].Versions[0] != "2" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestCovers holds that an ecosystem is covered by its own feed alone, and that the front of a release will do.
func TestCovers(t *testing.T) {
	path, _ := build(t, fstest.MapFS{
		"osv/Go/all.zip": {Data: zipped(t, "X-1.json", `{"id": "X-1", "affected": [
			{"package": {"ecosystem": "Go", "name": "a"}}, {"package": {"ecosystem": "npm", "name": "a"}}]}`)},
		"osv/Red Hat/all.zip": {Data: zipped(t, "X-2.json", `{"id": "X-2", "affected": [
			{"package": {"ecosystem": "Red Hat:enterprise_linux:9::appstream", "name": "a"}}]}`)},
	})
	db := open(t, path)
	for ecosystem, want := range map[string]bool{
		"Go": true, "npm": false, "Red Hat": true, "Red Hat:enterprise_linux:9": true, "Red Hat:enterprise_linux:9::appstream": true,
		"Red Hat:enterprise_linux:8": false, "Red Hat:enterprise_linux:90": false,
	} {
		if got := db.Covers(ecosystem); got != want {
			t.Errorf("Covers(%q) = %v, want %v", ecosystem, got, want)
		}
	}
	if r, err := db.Records("npm", "a"); err != nil || len(r) != 1 {
		t.Errorf("a record of another feed: %v, %v", r, err)
	}
}

func TestFailedImportLeavesTheOldFile(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	corrupt := zipped(t, "a.json", lodash)
	corrupt[60] ^= 0xff // within the record's compressed bytes
	for name, c := range map[string]struct {
		ctx   context.Context
		feeds fstest.MapFS
		want  string
	}{
		"no feeds":      {context.Background(), fstest.MapFS{"README.md": {}}, "expected any of osv/<Ecosystem>/all.zip"},
		"not a zip":     {context.Background(), fstest.MapFS{"osv/npm/all.zip": {Data: []byte("<html>")}}, "osv/npm/all.zip: zip: not a valid zip file"},
		"corrupt zip":   {context.Background(), fstest.MapFS{"osv/npm/all.zip": {Data: corrupt}}, `osv/npm/all.zip: "a.json": `},
		"not gzip":      {context.Background(), fstest.MapFS{"epss/a.csv.gz": {Data: []byte("<html>")}}, "epss/a.csv.gz: "},
		"cut gzip":      {context.Background(), fstest.MapFS{"cve/a.jsonl.gz": {Data: gzipped(t, cveLines)[:40]}}, "cve/a.jsonl.gz: unexpected EOF"},
		"not a catalog": {context.Background(), fstest.MapFS{"kev/a.json": {Data: []byte("{}")}}, "kev/a.json: not a catalog"},
		"not scores":    {context.Background(), fstest.MapFS{"epss/a.csv": {Data: []byte("a,b\n1,2\n")}}, "epss/a.csv: no columns"},
		"interrupted":   {ended, smallFeeds(t), context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "advisories.db")
			if err := os.WriteFile(out, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Import(c.ctx, c.feeds, out, ImportOptions{Now: now()})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, c.want)
			}
			if old, err := os.ReadFile(out); err != nil || string(old) != "old" {
				t.Errorf("the old file now holds %q, %v", old, err)
			}
			if entries, err := os.ReadDir(filepath.Dir(out)); err != nil || len(entries) != 1 {
				t.Errorf("litter: %v, %v", entries, err)
			}
		})
	}
}

// TestKilledImport kills a process in the middle of an import: the next import cleans up after it.
func TestKilledImport(t *testing.T) {
	const asChild = "TIDEWAITER_TEST_KILLED_IMPORT"
	if out := os.Getenv(asChild); out != "" {
		_, err := Import(context.Background(), smallFeeds(t), out, ImportOptions{Progress: func(done, total int64) {
			if done >= total/2 {
				p, _ := os.FindProcess(os.Getpid())
				_ = p.Kill()
				select {}
			}
		}})
		t.Fatal("not killed", err)
	}
	path, info := build(t, smallFeeds(t))
	child := exec.Command(os.Args[0], "-test.run=^TestKilledImport$")
	child.Env = append(os.Environ(), asChild+"="+path)
	if err := child.Run(); err == nil {
		t.Fatal("the child was not killed")
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 2 {
		t.Fatalf("expected what the dead run left: %v, %v", entries, err)
	}
	if got := open(t, path).Info(); got.Revision != info.Revision {
		t.Errorf("the old file changed")
	}
	if _, err := Import(context.Background(), smallFeeds(t), path, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("still there: %v, %v", entries, err)
	}
}

func TestConcurrentImports(t *testing.T) {
	path, info := build(t, smallFeeds(t))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := Import(context.Background(), smallFeeds(t), path, ImportOptions{Now: now(), Source: "test"}); err != nil {
				t.Error(err)
			}
			if got, err := Open(path); err != nil {
				t.Error(err)
			} else {
				err = errors.Join(err, got.Close())
				if got.Info().Revision != info.Revision || err != nil {
					t.Errorf("revision %q, %v", got.Info().Revision, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestImportThroughALink(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, err := Import(context.Background(), smallFeeds(t), link, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Lstat(link); err != nil || stat.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", stat, err)
	}
}
