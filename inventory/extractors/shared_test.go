package extractors_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
)

// images are the real images that stand beside a checkout, or those that IMAGES names.
func images(t testing.TB) string {
	dir := os.Getenv("IMAGES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "images")
	}
	if _, err := os.Stat(filepath.Join(dir, "oci")); err != nil {
		t.Skip("no shared images beside the checkout")
	}
	return dir
}

// assemble gives the inventory of an image in an OCI layout.
func assemble(t testing.TB, dir, platform string) *inventory.Inventory {
	t.Helper()
	all := extractors.Default(inventory.DefaultLimits())
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{Platform: platform})
	if err != nil {
		t.Fatal(err)
	}
	indexes, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, indexes, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	again, err := inventory.Assemble(t.Context(), im, indexes, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	// What is worked out when it is asked for cannot be compared; that it is the same, other tests say.
	first, second := *inv, *again
	first.Reach, second.Reach = nil, nil
	if !reflect.DeepEqual(first, second) {
		t.Errorf("assembling twice gives two inventories: %s", cmp.Diff(inv, again))
	}
	return inv
}

// lines gives one line for each package of a type, sorted, each once, as the truth lists have them.
func lines(inv *inventory.Inventory, purlType string, line func(p *inventory.Package) string) []string {
	var all []string
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Type == purlType {
			all = append(all, line(p))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func nameVersion(p *inventory.Package) string { return p.Name + "\t" + p.Version }

func withSource(p *inventory.Package) string {
	return strings.Join([]string{p.Name, p.Version, p.Arch, p.Source.Name, p.Source.Version}, "\t")
}

// TestTruth holds what is found against what the distribution's own tool lists: all of it, and nothing else.
func TestTruth(t *testing.T) {
	dir := images(t)
	for _, kind := range []struct {
		suffix, purlType string
		line             func(p *inventory.Package) string
	}{
		{".deb.txt", "deb", nameVersion}, {".deb-source.txt", "deb", withSource},
		{".apk.txt", "apk", nameVersion}, {".rpm.txt", "rpm", nameVersion},
	} {
		truths, err := filepath.Glob(filepath.Join(dir, "truth", "*"+kind.suffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, truth := range truths {
			name := strings.TrimSuffix(filepath.Base(truth), kind.suffix)
			t.Run(name+kind.suffix, func(t *testing.T) {
				image, platform := name, ""
				if arch, ok := strings.CutPrefix(name, "multiarch-"); ok {
					image, platform = "multiarch", "linux/"+arch
				}
				layout := filepath.Join(dir, "oci", image)
				if _, err := os.Stat(layout); err != nil {
					t.Skip("the image is not there")
				}
				want, err := os.ReadFile(truth)
				if err != nil {
					t.Fatal(err)
				}
				inv := assemble(t, layout, platform)
				got := lines(inv, kind.purlType, kind.line)
				if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), got); diff != "" {
					t.Errorf("not what the distribution's tool lists (-want +got):\n%s", diff)
				}
				for _, s := range inv.BlindSpots {
					t.Logf("blind spot: %s: %s", s.Where, s.Message)
				}
			})
		}
	}
}

// TestHostile holds what is found on hostile images against what their makers say is in them.
func TestHostile(t *testing.T) {
	dir := images(t)
	base := []string{"curl", "openssl", "zlib1g"}
	tests := []struct {
		image, purlType string
		want            []string
		blindSpots      int
	}{
		{"evil-corrupt-dpkg", "deb", []string{"after", "curl", "openssl", "zlib1g"}, 1},
		{"evil-corrupt-apk", "apk", []string{"musl", "zlib"}, 1},
		{"evil-corrupt-rpmdb", "rpm", nil, 4},
		{"evil-deleted-dpkg", "deb", nil, 1},
		{"evil-package-removed", "deb", []string{"jq", "openssl", "zlib1g"}, 0},
		{"evil-usrmerge-symlink-dir", "deb", base, 0},
		{"evil-usrmerge-symlink-dir", "apk", []string{"musl"}, 0},
		{"evil-whiteouts", "deb", base, 0},
		{"evil-whiteout-edge", "deb", base, 0},
		{"evil-duplicates", "deb", base, 0},
		{"evil-devices", "deb", base, 0},
		{"evil-many-layers", "deb", base, 0},
	}
	for _, tt := range tests {
		t.Run(tt.image, func(t *testing.T) {
			inv := assemble(t, filepath.Join(dir, "oci", tt.image), "")
			got := lines(inv, tt.purlType, func(p *inventory.Package) string { return p.Name })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if len(inv.BlindSpots) != tt.blindSpots {
				t.Errorf("%d blind spots: %+v", len(inv.BlindSpots), inv.BlindSpots)
			}
		})
	}
}

// TestAttributionInLog looks at packages that a second layer brought, in the write-ahead log alone.
func TestAttributionInLog(t *testing.T) {
	for _, name := range []string{"rpm-rocky9", "rpm-rocky9-wal"} {
		layers := map[int]int{}
		for _, p := range assemble(t, filepath.Join(images(t), "oci", name), "").Packages {
			layers[*p.Layer]++
		}
		if diff := cmp.Diff(map[int]int{0: 31, 1: 5}, layers); diff != "" {
			t.Errorf("%s: packages by layer: %s", name, diff)
		}
	}
}

func BenchmarkAssemble(b *testing.B) {
	all := extractors.Default(inventory.DefaultLimits())
	for _, name := range []string{"debian-base-bookworm-slim", "rpm-centos8-modules", "node-app-root", "big-app"} {
		layout := filepath.Join(images(b), "oci", name)
		if _, err := os.Stat(layout); err != nil {
			continue
		}
		b.Run(name, func(b *testing.B) {
			im, err := image.Open(b.Context(), "oci:"+layout, image.Options{})
			if err != nil {
				b.Fatal(err)
			}
			indexes, err := layer.Read(b.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits()})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := inventory.Assemble(b.Context(), im, indexes, all, inventory.DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
