package match

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path"
	"path/filepath"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// testDB imports the records of testdata as their feeds would bring them.
func testDB(t *testing.T) *advisory.DB {
	t.Helper()
	feeds := fstest.MapFS{}
	dirs, err := filepath.Glob(filepath.Join("testdata", "osv", "*"))
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		if err := w.AddFS(os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		feeds[path.Join("osv", filepath.Base(dir), "all.zip")] = &fstest.MapFile{Data: buf.Bytes()}
	}
	file := filepath.Join(t.TempDir(), "advisories")
	if _, err := advisory.Import(context.Background(), feeds, file, advisory.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	db, err := advisory.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestRecords(t *testing.T) {
	inv := &inventory.Inventory{}
	for _, p := range [][3]string{
		{"Go", "github.com/go-viper/mapstructure/v2", "v2.3.0"}, {"Go", "github.com/go-viper/mapstructure/v2", "v2.4.0"},
		{"Go", "github.com/go-viper/mapstructure", "v1.6.0"},
		{"Go", "stdlib", "1.21rc3"}, {"Go", "stdlib", "1.21rc4"}, {"Go", "stdlib", "1.20.6"}, {"Go", "stdlib", "1.19.12"},
		{"crates.io", "matrix-sdk-sqlite", "0.12.0"}, {"crates.io", "libusb", "0.3.0"}, {"crates.io", "spin", "0.0.0-0"},
		{"npm", "lodash", "4.17.4"}, {"npm", "lodash", "4.17.12"},
	} {
		inv.Packages = append(inv.Packages, inventory.Package{PURL: p[1] + "@" + p[2], Ecosystem: p[0], Name: p[1], Version: p[2]})
	}
	findings, spots, err := Match(inv, testDB(t), nil)
	if err != nil || len(spots) > 0 {
		t.Fatal(spots, err)
	}
	want := []string{
		"CVE-2025-11065 [GHSA-2464-8j7c-4cjm GO-2025-3900] github.com/go-viper/mapstructure/v2@v2.3.0 medium [2.4.0] GO-2025-3900",
		"GHSA-2464-8j7c-4cjm [GO-2025-3900] github.com/go-viper/mapstructure@v1.6.0 unknown [] GO-2025-3900",
		"RUSTSEC-2016-0004 [] libusb@0.3.0 negligible [0.3.1-0] RUSTSEC-2016-0004",
		"CVE-2019-10744 [GHSA-jf85-cpcp-j695] lodash@4.17.4 critical [4.17.12] GHSA-jf85-cpcp-j695",
		"CVE-2025-53549 [GHSA-275g-g844-73jh RUSTSEC-2025-0043] matrix-sdk-sqlite@0.12.0 medium [0.13.0] RUSTSEC-2025-0043",
		"CVE-2023-29409 [GO-2023-1987] stdlib@1.20.6 unknown [1.20.7] GO-2023-1987",
		"CVE-2023-29409 [GO-2023-1987] stdlib@1.21rc3 unknown [1.21.0-rc.4] GO-2023-1987",
	}
	if diff := gocmp.Diff(want, lines(findings)); diff != "" {
		t.Error(diff)
	}
}
