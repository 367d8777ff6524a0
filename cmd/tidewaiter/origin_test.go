package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
	"tidewaiter/report"
)

// onShop is an image that was built on the shop image, which is therefore its base.
func onShop(t *testing.T) (base, app string) {
	t.Helper()
	of := func(layers ...[]byte) string {
		return "oci:" + imagetest.Build(t, imagetest.Spec{Platform: "linux/amd64", Layers: layers}).Layout(t, "1")
	}
	lower := imagetest.Tar(t, imagetest.File{Name: "etc/os-release", Content: osRelease}, imagetest.File{Name: "var/lib/dpkg/status", Content: status})
	upper := imagetest.Tar(t, imagetest.File{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.15"}`})
	return of(lower), of(lower, upper)
}

func parsed(t *testing.T, args ...string) *report.Report {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal(scanned(t, args...), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func origins(r *report.Report) string {
	var list []string
	for _, p := range r.Packages {
		list = append(list, p.Name+" "+string(p.Origin))
	}
	return strings.Join(list, ", ")
}

// Nothing is guessed of a base; once it is known, by being added or learned, every package says whose it is.
func TestWhatTheBaseBrought(t *testing.T) {
	base, app := onShop(t)
	for name, learn := range map[string][]string{
		"added":   {"base", "add", base},
		"learned": {"scan", "--learn-base", base},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			r := parsed(t, app)
			if r.Image.Base != nil || origins(r) != "libexpat1 , zlib1g , lodash " {
				t.Errorf("a base was guessed: %+v, %s", r.Image.Base, origins(r))
			}
			var out, errs bytes.Buffer
			if code := run(t.Context(), learn, streams{out: &out, err: &errs, now: time.Now}); code != exitDone {
				t.Fatalf("%v: exit code %d: %s", learn, code, errs.String())
			}
			r = parsed(t, app)
			if b := r.Image.Base; b == nil || b.Layers != 1 || b.Evidence != inventory.FromChain || b.Sure != inventory.Exact {
				t.Errorf("%+v", b)
			}
			if got := origins(r); got != "libexpat1 base, zlib1g base, lodash app" {
				t.Error(got)
			}
			if r := parsed(t, base); r.Image.Base != nil {
				t.Errorf("an image is its own base: %+v", r.Image.Base)
			}
		})
	}
}

func TestOneOriginAlone(t *testing.T) {
	known := &inventory.Inventory{Base: &inventory.Base{Layers: 1, Sure: inventory.Exact}}
	claimed := &inventory.Inventory{Base: &inventory.Base{Layers: 1, Sure: inventory.Claimed, Evidence: inventory.FromProvenance}}
	for _, tt := range []struct {
		o        scanOptions
		inv      *inventory.Inventory
		standing string
		spots    int
	}{
		{scanOptions{}, known, "of base, of app", 0},
		{scanOptions{onlyBase: true}, known, "of base", 0},
		{scanOptions{ignoreBase: true}, known, "of app", 0},
		{scanOptions{ignoreBase: true}, claimed, "of app", 1}, // an image may claim anything
		// Where it is not known what is the base's, everything stands, and it is said.
		{scanOptions{onlyBase: true}, &inventory.Inventory{}, "of base, of app", 1},
		{scanOptions{ignoreBase: true}, &inventory.Inventory{Base: &inventory.Base{}}, "of base, of app", 1},
	} {
		findings := []match.Finding{{ID: "of base", Origin: inventory.OfBase}, {ID: "of app", Origin: inventory.OfApp}}
		spots := tt.o.quietOrigin(tt.inv, findings)
		var standing []string
		for _, f := range match.Standing(findings) {
			standing = append(standing, f.ID)
		}
		if got := strings.Join(standing, ", "); got != tt.standing || len(spots) != tt.spots {
			t.Errorf("%+v: %s stand, blind spots %v", tt.o, got, spots)
		}
	}
}

// A package of which the base and the application each brought a copy is not hidden with the base's.
func TestWhatBothBrought(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	lodash := func(dir string) []byte {
		return imagetest.Tar(t, imagetest.File{Name: dir + "/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.15"}`})
	}
	of := func(layers ...[]byte) string {
		return "oci:" + imagetest.Build(t, imagetest.Spec{Platform: "linux/amd64", Layers: layers}).Layout(t, "1")
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"base", "add", "--platform", "all", of(lodash("usr/lib"))}, streams{out: &out, err: &errs, now: time.Now}); code != exitDone {
		t.Fatal(errs.String())
	}
	r := parsed(t, of(lodash("usr/lib"), lodash("app")))
	if got := origins(r); got != "lodash both" {
		t.Error(got)
	}
	findings := []match.Finding{{ID: "CVE-1", Of: &r.Packages[0], Origin: r.Packages[0].Origin}}
	for _, o := range []scanOptions{{ignoreBase: true}, {onlyBase: true}} {
		if o.quietOrigin(&inventory.Inventory{Base: r.Image.Base}, findings); findings[0].Quieted != nil {
			t.Errorf("%+v", findings[0].Quieted)
		}
	}
}

// A layer that was read by its table of contents proves no digest: the image is not learned, and the scan goes on.
func TestLearnsOnlyWhatIsProven(t *testing.T) {
	var errs bytes.Buffer
	a := &aboard{
		image:  &image.Image{Layers: []image.Layer{{DiffID: "sha256:" + strings.Repeat("a", 64)}}},
		layers: []*layer.Index{{TOC: true}},
	}
	o := scanOptions{imageOptions: imageOptions{bases: filepath.Join(t.TempDir(), "bases")}}
	if err := o.learn(streams{err: &errs}, a, "app:1"); err != nil || !strings.Contains(errs.String(), "--full-read") {
		t.Errorf("%v, %q", err, errs.String())
	}
	if _, err := os.Stat(o.bases); err == nil {
		t.Error("what nothing proves was learned")
	}
}
