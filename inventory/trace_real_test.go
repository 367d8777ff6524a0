package inventory_test

import (
	"crypto/md5"  //nolint:gosec // what dpkg's database has
	"crypto/sha1" //nolint:gosec // what apk's database has
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
)

// planted reads a real image with the digest of every file, and puts layers on top of it.
func planted(t *testing.T, name string, above ...[]layer.File) (*image.Image, []*layer.Index, *inventory.Inventory) {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "images", "oci", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the test image %s: %v", name, err)
	}
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	all := extractors.Default(inventory.DefaultLimits())
	indexes, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits(), Digests: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range above {
		i := len(im.Layers)
		im.Layers = append(im.Layers, image.Layer{Index: i, Instruction: fmt.Sprintf("RUN %d", i)})
		im.History = append(im.History, image.History{Layer: i, Instruction: fmt.Sprintf("RUN %d", i)})
		indexes = append(indexes, &layer.Index{Files: files})
	}
	inv, err := inventory.Assemble(t.Context(), im, indexes, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return im, indexes, inv
}

func plant(path, content string, mode fs.FileMode) layer.File {
	return layer.File{Path: path, Size: int64(len(content)), Mode: mode, Program: strings.HasPrefix(content, "\x7fELF"),
		Body: &layer.Body{Content: []byte(content), Digests: &layer.Digests{
			MD5: md5.Sum([]byte(content)), SHA1: sha1.Sum([]byte(content)), SHA256: sha256.Sum256([]byte(content)), //nolint:gosec // as above
		}}}
}

// classes gives "class owner rule" of some files, and whether there are more modified ones.
func classes(t *testing.T, trace *inventory.Trace, inv *inventory.Inventory, paths ...string) []string {
	t.Helper()
	byPath := map[string]*inventory.File{}
	for i := range trace.Files {
		byPath[trace.Files[i].Path] = &trace.Files[i]
	}
	var lines []string
	for _, p := range paths {
		f := byPath[p]
		if f == nil {
			t.Fatalf("%s is not accounted for", p)
		}
		line := fmt.Sprintf("%s %s", p, f.Class)
		if f.Owner >= 0 {
			line += " " + inv.Packages[f.Owner].Name
		}
		if f.Config {
			line += " config"
		}
		lines = append(lines, strings.TrimSpace(line+" "+f.Rule))
	}
	return lines
}

func TestTraceOfDebian(t *testing.T) {
	im, indexes, inv := planted(t, "debian-base-bookworm-slim",
		[]layer.File{
			plant("lib/x86_64-linux-gnu/libc.so.6", "\x7fELF evil", 0o755), plant("usr/local/bin/tool", "\x7fELF tool", 0o755), plant("root/.ssh/id_ed25519", "key", 0o600),
			plant("etc/debconf.conf", "changed", 0o644), plant("usr/bin/rootme", "\x7fELF", 0o755|fs.ModeSetuid), plant("var/lib/dpkg/info/evil.postinst", "\x7fELF", 0o755),
		},
		[]layer.File{{Path: "root/.ssh/id_ed25519", Type: layer.Whiteout}},
	)
	trace := inventory.NewTrace(im, indexes, inv)
	want := []string{
		"usr/lib/x86_64-linux-gnu/libc.so.6 modified libc6", "usr/local/bin/tool placed", "etc/debconf.conf modified debconf config", "usr/bin/rootme placed",
		"var/lib/dpkg/info/evil.postinst placed", "usr/bin/sh owned dash", "usr/bin/awk owned mawk", "etc/ld.so.cache generated ld.so.cache",
	}
	if d := cmp.Diff(want, classes(t, trace, inv, "usr/lib/x86_64-linux-gnu/libc.so.6", "usr/local/bin/tool", "etc/debconf.conf", "usr/bin/rootme",
		"var/lib/dpkg/info/evil.postinst", "usr/bin/sh", "usr/bin/awk", "etc/ld.so.cache")); d != "" {
		t.Error(d)
	}
	n := map[inventory.Class]int{}
	for i := range trace.Files {
		f := &trace.Files[i]
		n[f.Class]++
		if f.Class == inventory.Modified && f.Layer == 0 {
			t.Errorf("%s of the base is modified: recorded %s, actual %s", f.Path, f.Recorded, f.Actual())
		}
	}
	if n[inventory.Owned] < 4900 || n[inventory.Placed] > 40 || trace.Verified < 3500 {
		t.Errorf("%v, %d verified", n, trace.Verified)
	}
	if h := trace.Steps[len(trace.Steps)-2].Hidden; len(h) != 1 || h[0].How != inventory.Deleted || !h[0].Secret() {
		t.Errorf("hidden: %+v", h)
	}
}

// TestTraceOfOthers holds the untouched files of real apk and rpm databases: none is modified, and what is planted is.
func TestTraceOfOthers(t *testing.T) {
	for _, tt := range []struct{ image, path, want string }{
		{"alpine-3.14", "lib/ld-musl-armhf.so.1", "modified musl"},
		{"rpm-ubi9-httpd", "usr/share/licenses/glibc/LICENSE", "modified glibc"},
		{"distroless-like-cc", "lib/x86_64-linux-gnu/libc.so.6", "modified libc6"},
	} {
		t.Run(tt.image, func(t *testing.T) {
			im, indexes, inv := planted(t, tt.image, []layer.File{plant(tt.path, "\x7fELF evil", 0o755), plant("usr/local/bin/tool", "\x7fELF tool", 0o755)})
			trace := inventory.NewTrace(im, indexes, inv)
			if d := cmp.Diff([]string{tt.path + " " + tt.want, "usr/local/bin/tool placed"}, classes(t, trace, inv, tt.path, "usr/local/bin/tool")); d != "" {
				t.Error(d)
			}
			for i := range trace.Files {
				if f := &trace.Files[i]; f.Class == inventory.Modified && !f.Config && f.Path != tt.path {
					t.Errorf("%s is modified: recorded %s, actual %s", f.Path, f.Recorded, f.Actual())
				}
			}
		})
	}
}
