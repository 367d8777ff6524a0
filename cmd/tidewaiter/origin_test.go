package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
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
	known := &inventory.Inventory{Base: &inventory.Base{Layers: 1}}
	for _, tt := range []struct {
		o        scanOptions
		inv      *inventory.Inventory
		standing string
		spots    int
	}{
		{scanOptions{}, known, "of base, of app", 0},
		{scanOptions{onlyBase: true}, known, "of base", 0},
		{scanOptions{ignoreBase: true}, known, "of app", 0},
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
