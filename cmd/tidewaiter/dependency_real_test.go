package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/inventory/lang"
	"tidewaiter/layer"
	"tidewaiter/match"
)

// What a developer is told of packages of real images, whose findings are made up so that the test needs no advisories.
func TestTheLineToChangeInRealImages(t *testing.T) {
	for _, tc := range []struct {
		image, source string
		vulnerable    map[string]string // name and version -> the version that fixes it
		want          []string
	}{
		{"shop-v1", "", map[string]string{"lodash 4.17.4": "4.17.23", "qs 6.5.1": "6.14.1", "ms 2.0.0": "2.1.0", "accepts 1.3.8": "1.3.9"}, []string{
			"bump express 4.16.0 to a release with ms 2.1.0, qs 6.14.1 @ /app/package.json:6",
			"bump lodash 4.17.4 -> 4.17.23 @ /app/package.json:7",
			"refresh the lock file: accepts 1.3.8 -> 1.3.9 (express brings it) @ /app/package-lock.json"}},
		{"shop-v2", "series/v2", map[string]string{"lodash 4.17.21": "4.17.23", "qs 6.9.7": "6.14.1"}, []string{
			"bump express 4.17.3 to a release with qs 6.14.1 @ package.json:6",
			"bump lodash 4.17.21 -> 4.17.23 @ package.json:7"}},
		{"shop-v3", "", map[string]string{"express 4.21.2": "4.22.0", "qs 6.13.0": "6.14.1"}, []string{
			"bump express 4.21.2 -> 4.22.0 (it brings qs) @ /app/package.json:6"}},
		{"python-app", "", map[string]string{"jinja2 2.10": "2.11.3"}, []string{"bump jinja2 2.10 -> 2.11.3 @ /srv/requirements.txt:3"}},
		{"go-app", "go-app", map[string]string{"golang.org/x/text v0.7.0": "v0.9.0", "golang.org/x/net v0.7.0": "v0.17.0"}, []string{
			"bump golang.org/x/net v0.7.0 -> v0.17.0 @ web/go.mod:9",
			"bump golang.org/x/text v0.7.0 -> v0.9.0 @ web/go.mod:26"}},
		{"java-app", "", map[string]string{"org.yaml:snakeyaml 1.18": "2.0"}, []string{
			"pin snakeyaml 1.18 -> 2.0 (jackson-dataformat-yaml brings it) @ /app/lib/jackson-dataformat-yaml-2.9.6.jar"}},
	} {
		t.Run(tc.image, func(t *testing.T) {
			s := subjectOf(t, tc.image)
			for i := range s.Packages {
				p := &s.Packages[i]
				if fixed, ok := tc.vulnerable[p.Name+" "+p.Version]; ok {
					s.Findings = append(s.Findings, match.Finding{ID: "CVE-" + p.Name, Package: p.PURL, Of: p, Severity: match.High, Fixed: []string{fixed}})
				}
			}
			steps, _ := assess.Steps(s, assess.Environment{}, nil, assess.Options{Manifests: sourceOf(t, tc.source)})
			got := map[string]bool{}
			for _, step := range steps {
				got[step.Title+" @ "+step.Where] = true
			}
			want := map[string]bool{}
			for _, w := range tc.want {
				want[w] = true
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func subjectOf(t *testing.T, name string) *assess.Subject {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("IMAGES"), filepath.Join("..", "..", "..", "shared", "images")), "oci", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the test image %s: %v", name, err)
	}
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	all := extractors.Default(inventory.DefaultLimits())
	layers, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, layers, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return assess.NewSubject(im, layers, inv, nil, nil, nil)
}

// sourceOf gives the manifests of a build context, without the directory's name.
func sourceOf(t *testing.T, context string) []inventory.Manifest {
	t.Helper()
	if context == "" {
		return nil
	}
	root := filepath.Join("..", "..", "..", "shared", "images", "scripts", "ctx", filepath.FromSlash(context))
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !lang.IsManifest(p) {
			return err
		}
		content, err := os.ReadFile(p)
		files[strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(p, root)), "/")] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lang.Manifests(files)
}
