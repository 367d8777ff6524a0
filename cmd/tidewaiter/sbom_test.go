package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/sbom"
)

// What sbom writes is matched as the image itself is: the same is aboard and found, byte for byte. How the image is run, its labels
// and its manifests, which goals and steps go by, no document says.
func TestDocumentsAreJudgedAsTheirImage(t *testing.T) {
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	file := filepath.Join(t.TempDir(), "advisories.db")
	if _, err := advisory.Import(t.Context(), os.DirFS(filepath.Join("sample", "feeds")), file, advisory.ImportOptions{Now: now}); err != nil {
		t.Fatal(err)
	}
	refs := []string{"oci-archive:" + filepath.Join("sample", "shop.tar")}
	for _, name := range []string{"alpine-3.18-db", "rpm-rocky9", "rpm-sle15", "go-app"} {
		dir := filepath.Join("..", "..", "..", "shared", "images", "oci", name)
		if _, err := os.Stat(dir); err == nil {
			refs = append(refs, "oci:"+dir)
		}
	}
	db, err := advisory.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	judged := func(o scanOptions, a *aboard) []byte {
		t.Helper()
		r, err := o.judge(a, db, now)
		if err != nil {
			t.Fatal(err)
		}
		r.Image.Labels, r.Image.Config, r.Assessment = nil, nil, nil
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	s := streams{err: &bytes.Buffer{}, now: func() time.Time { return now }}
	var o scanOptions
	o.limits = newLimits()
	// What is in the files of an image no document says.
	o.rules = rules{"not-reached": match.Off, "go-symbols": match.Off, "no-code": match.Off, "docs-tests-static": match.Off}
	for _, ref := range refs {
		im, err := o.open(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		defer im.Close()
		a, err := o.read(t.Context(), s, im, false)
		if err != nil {
			t.Fatal(err)
		}
		want := judged(o, a)
		for _, format := range append(sbom.Formats(), "json") {
			var b bytes.Buffer
			forms := sbomForms(sbom.New(sbom.Tool{Name: "tidewaiter", Version: release}, a.image, a.layers, a.inventory))
			if err := forms[format](&b, report.TextOptions{}); err != nil {
				t.Fatal(err)
			}
			d, err := sbom.Read(&b)
			if err != nil {
				t.Fatal(err)
			}
			got := judged(o, &aboard{image: d.Image, inventory: d.Inventory})
			if !bytes.Equal(want, got) {
				t.Errorf("%s as %s: %s", ref, format, cmp.Diff(string(want), string(got)))
			}
		}
	}
}
