package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/report"
)

// A record is read back as it was written; one that is damaged, or that unpacks to more than is read, is an error of one line and nothing else.
func TestRecordsAreReadBack(t *testing.T) {
	dir := t.TempDir()
	packages := []inventory.Package{{PURL: "pkg:npm/a@1", Type: "npm", Name: "a", Version: "1", Extractor: "npm"}}
	findings := []match.Finding{{ID: "CVE-1", Package: "pkg:npm/a@1", Severity: match.High, Status: "affected"}}
	for i, day := range []int{1, 3, 2} {
		r := report.New(report.Tool{Name: "tidewaiter"}, &assess.Subject{Image: assess.Image{Reference: "shop:" + string(rune('1'+i))}, Packages: packages, Findings: findings}, nil)
		r.Deployment = &assess.Deployment{Time: time.Date(2026, 10, day, 0, 0, 0, 0, time.UTC), Environment: "production", Repository: "registry.example.test/acme/shop"}
		if _, _, err := writeRecord(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	bomb := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		return b.Bytes()
	}
	for name, content := range map[string][]byte{
		"2026-11-01T000000Z-a" + recordSuffix: []byte("no gzip"),
		"2026-11-02T000000Z-a" + recordSuffix: bomb("{\n"),
		"2026-11-03T000000Z-a" + recordSuffix: bomb(`{"schemaVersion": 1, "packages": [], "findings": []}`),
		"2026-11-04T000000Z-a" + recordSuffix: bomb(strings.Repeat(" ", maxUnpacked+1) + "{}"),
		"notes.txt":                           []byte("not a record"),
	} {
		if err := os.WriteFile(filepath.Join(dir, "production", name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := deploymentOptions{deployments: dir}
	last, damaged, err := o.lastRecord("production", "shop")
	if err != nil || last == nil || last.Image.Reference != "shop:2" || last.Findings[0].Of.Name != "a" {
		t.Errorf("the last is %+v, %v", last, err)
	}
	if len(damaged) != 4 {
		t.Errorf("damaged: %v", damaged)
	}
	for _, d := range damaged {
		if !strings.Contains(d.Error(), "left out") || strings.Contains(d.Error(), "\n") {
			t.Errorf("%q", d)
		}
	}
	if _, _, err := o.lastRecord("../production", "shop"); err == nil {
		t.Error("a path is no environment")
	}
}

func TestSameRepository(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"shop", "shop", true}, {"acme/shop", "registry.example.test/acme/shop", true}, {"shop", "index.docker.io/library/shop", true},
		{"shop", "acme/bookshop", false}, {"acme/shop", "other/shop", false}, {"", "shop", false}, {"", "", false},
	} {
		if sameRepository(c.a, c.b) != c.same || sameRepository(c.b, c.a) != c.same {
			t.Errorf("%q and %q: not %v", c.a, c.b, c.same)
		}
	}
}
