package lang

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// aboard gives what this room's extractors find in one of the shared images.
func aboard(t *testing.T, name string) *inventory.Inventory {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "images", "oci", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the image %s is not here", name)
	}
	ctx := context.Background()
	im, err := image.Open(ctx, "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	extractors := All(inventory.DefaultLimits())
	indexes, err := layer.Read(ctx, im, inventory.NewRules(extractors), layer.Options{Limits: layer.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(ctx, im, indexes, extractors, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// truth reads what an ecosystem's own tool listed in an image: name and version in the first two columns.
func truth(t *testing.T, file, purlType string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "images", "truth", file))
	if err != nil {
		t.Skip(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		out = append(out, inventory.AdvisoryName(purlType, f[0])+" "+f[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestTruth holds what is found installed in real images against what the ecosystems' own tools list there.
func TestTruth(t *testing.T) {
	for _, c := range []struct {
		image, purlType string
		truths          []string
		// more are found, and are aboard, that the tool does not list; less are listed that are not there.
		more, less []string
		// except leaves out packages that only lie below these directories, which the tool was not asked about.
		except []string
	}{
		{image: "go-app", purlType: "golang", truths: []string{"go-app.golang.txt"}},
		{image: "python-app", purlType: "pypi", truths: []string{"python-app.pypi.txt"}},
		{image: "node-base-18", purlType: "npm", truths: []string{"node-base-18.npm.txt"}, except: []string{"/usr/share/nodejs/"}},
		{image: "node-app-nonroot", purlType: "npm", truths: []string{"node-app-nonroot.npm.txt"}, except: []string{"/usr/share/nodejs/"}},
		{image: "node-app-root", purlType: "npm", truths: []string{"node-app-root.npm.txt", "node-app-root.npm-in-debs-paths.txt"},
			less: []string{"bin 1.0.0"}}, // terser's bin/package.json, which only says how its modules are written
		{image: "shop-v1", purlType: "npm", truths: []string{"shop-v1.npm.txt"}, except: []string{"/usr/share/nodejs/"}},
		{image: "shop-v3", purlType: "npm", truths: []string{"shop-v3.npm.txt"}, except: []string{"/usr/share/nodejs/"}},
		// bower brings 300 packages of its own in a place that npm does not look at.
		{image: "big-app", purlType: "npm", truths: []string{"big-app.npm.txt"}, except: []string{"/usr/share/nodejs/", "/bower/lib/node_modules/"}},
		{image: "java-app", purlType: "maven", truths: []string{"java-app.maven.txt"},
			more: []string{"com.beust:jcommander 1.72", "org.freemarker:freemarker 2.3.28", "org.jsr-305:jsr305 0.1-SNAPSHOT"},
			less: []string{"org.jsr305:jsr305 0.1-SNAPSHOT"}}, // a link under a second name, with no pom of its own
	} {
		t.Run(c.image, func(t *testing.T) {
			want := slices.Clone(c.more)
			for _, file := range c.truths {
				want = append(want, truth(t, file, c.purlType)...)
			}
			want = slices.DeleteFunc(want, func(s string) bool { return slices.Contains(c.less, s) })
			slices.Sort(want)
			inv := aboard(t, c.image)
			var got []string
			for _, p := range inv.Packages {
				outside := slices.ContainsFunc(p.Paths, func(path string) bool {
					return !slices.ContainsFunc(c.except, func(dir string) bool { return strings.Contains("/"+path, dir) })
				})
				if p.Type == c.purlType && !p.Locked && outside {
					got = append(got, p.Name+" "+p.Version)
				}
			}
			slices.Sort(got)
			if d := cmp.Diff(slices.Compact(want), slices.Compact(got)); d != "" {
				t.Errorf("packages (-want +got):\n%s", d)
			}
			if len(inv.BlindSpots) > 0 {
				t.Errorf("blind spots: %+v", inv.BlindSpots)
			}
		})
	}
}

// TestEvil finds the good packages in the hostile images, and says of the others that they could not be read.
func TestEvil(t *testing.T) {
	for _, c := range []struct {
		image string
		want  []string // purls that must be found
		blind []string // files that must be blind spots
	}{
		{"evil-jars", []string{"pkg:maven/org.example/good@1.0"},
			[]string{"app/badend.jar", "app/bomb.jar", "app/nested60.jar", "app/overlap.jar", "app/random.jar", "app/truncated.jar"}},
		{"evil-metadata", []string{"pkg:npm/good@1.2.3", "pkg:pypi/ok@1.0"},
			[]string{"app/node_modules/a/package.json", "app/node_modules/b/package.json", "app/node_modules/c/package.json"}},
	} {
		t.Run(c.image, func(t *testing.T) {
			inv := aboard(t, c.image)
			for _, purl := range c.want {
				if !slices.ContainsFunc(inv.Packages, func(p inventory.Package) bool { return p.PURL == purl }) {
					t.Errorf("%s was not found", purl)
				}
			}
			for _, p := range c.blind {
				if !slices.ContainsFunc(inv.BlindSpots, func(b image.BlindSpot) bool { return strings.TrimPrefix(b.Where, "/") == p }) {
					t.Errorf("%s is no blind spot", p)
				}
			}
		})
	}
}
