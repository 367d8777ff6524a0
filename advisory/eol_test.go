package advisory

import (
	"archive/zip"
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// What identifies products comes from their pages; what only registries of images and distributions call them is left out.
func TestProducts(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create("endoflife.date-master/products/angular.md")
	if err != nil {
		t.Fatal(err)
	}
	page := `---
title: Angular
identifiers:
  - purl: pkg:npm/%40angular/core # purl are url-encoded
  - purl: pkg:generic/angular@1?arch=any
  - purl: pkg:docker/library/angular
  - purl: pkg:deb/ubuntu/angular
  - purl: pkg:npm/%zz
  - cpe: cpe:2.3:a:angular:angular
  - cpe: cpe:/a:google:angular:1
  - cpe: cpe:2.3:o:angular:os
  - repology: angular
releases:
  - releaseCycle: "22"
    eol: false
    latest: "22.1.3"
---
# text
`
	if _, err := f.Write([]byte(page)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "advisories")
	if _, err := Import(context.Background(), fstest.MapFS{"eol/products.zip": {Data: buf.Bytes()}}, file, ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	db, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	products, err := db.Products()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"pkg:npm/@angular/core": "angular", "pkg:generic/angular": "angular", "cpe:angular:angular": "angular", "cpe:google:angular": "angular"}
	if diff := cmp.Diff(want, products); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ purl, cpe, want string }{
		{"pkg:npm/%40angular/core@12.2.17", "", "angular"}, {"pkg:npm/@angular/core@12.2.17?x=y", "", "angular"}, {"pkg:npm/core@1", "", ""},
		{"pkg:generic/ng@1", "cpe:2.3:a:angular:angular:1.0:*:*:*:*:*:*:*", "angular"}, {"", "", ""}, {"pkg:npm/", "cpe:2.3:a:angular", ""},
	} {
		if got := Product(products, c.purl, c.cpe); got != c.want {
			t.Errorf("%s %s: %q", c.purl, c.cpe, got)
		}
	}
	cycles, err := db.Cycles("angular")
	if diff := cmp.Diff([]Cycle{{Product: "angular", Title: "Angular", Cycle: "22", Latest: "22.1.3"}}, cycles); err != nil || diff != "" {
		t.Error(diff, err)
	}
}
