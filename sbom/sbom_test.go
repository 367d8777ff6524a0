package sbom

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
)

var update = flag.Bool("update", false, "write the golden files anew")

func ptr[T any](v T) *T { return &v }

// small is a document with one package for each thing that a format has to be talked into.
func small() *Document {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	return &Document{
		Tool: Tool{"tidewaiter", "1.0"}, Created: time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC),
		Image: &image.Image{
			Reference: "ghcr.io/acme/shop:2.1", Digest: digest("a"), ID: digest("b"), Created: time.Date(2026, 11, 2, 3, 4, 5, 600, time.UTC),
			Platform: image.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"},
			Layers: []image.Layer{
				{Index: 0, Digest: digest("c"), DiffID: digest("d"), Size: 100, Instruction: "ADD rootfs.tar /"},
				{Index: 1, DiffID: digest("e"), Size: -1, Instruction: "RUN <<EOF\nnpm ci\nEOF", DockerfileLine: 7},
			},
		},
		Inventory: &inventory.Inventory{
			OS:   inventory.OS{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)", Codename: "bookworm"},
			Base: &inventory.Base{Reference: "debian:12", Digest: digest("f"), Layers: 1, Evidence: inventory.FromChain, Sure: inventory.Exact},
			BlindSpots: []image.BlindSpot{
				{Kind: image.UnreadableFile, Where: "opt/rpmdb.sqlite", Layer: ptr(1), Message: "rpm: not a database"},
			},
			Packages: []inventory.Package{
				{PURL: "pkg:deb/debian/libexpat1@2.5.0-1%2Bb1?arch=arm64&distro=debian-12", Type: "deb", Name: "libexpat1", Version: "2.5.0-1+b1",
					Ecosystem: "Debian:12", Arch: "arm64", Source: &inventory.Source{Name: "expat", Version: "2.5.0-1"},
					Licenses: []string{"MIT", "GPL-2+ with exception", "Apache-2.0 OR MIT"}, Supplier: "Debian XML Team <debian-xml-sgml-pkgs@alioth-lists.debian.net>", LicenseSource: "usr/share/doc/libexpat1/copyright", Origin: inventory.OfBase,
					Layer: ptr(0), Instruction: "ADD rootfs.tar /", Paths: []string{"var/lib/dpkg/status"}, Extractor: "dpkg"},
				{PURL: "pkg:deb/debian/python3-expat@1?arch=all&distro=debian-12", Type: "deb", Name: "python3-expat", Version: "1",
					Ecosystem: "Debian:12", Arch: "all", Source: &inventory.Source{Name: "python3-expat", Version: "1"}, Licenses: []string{"GPL-2.0-only AND MIT"},
					Layer: ptr(0), Instruction: "ADD rootfs.tar /", Paths: []string{"var/lib/dpkg/status"}, Extractor: "dpkg",
					Identities: []string{"pkg:pypi/expat@1"}, Depends: []string{"libexpat1"}},
				{PURL: "pkg:generic/nginx@1.25.0", Type: "generic", Name: "nginx", Version: "1.25.0", Recognised: true, Evidence: []string{"nginx version: nginx/1.25.0", "two"},
					CPE: "cpe:2.3:a:f5:nginx:1.25.0:*:*:*:*:*:*:*", Layer: ptr(1), Instruction: "RUN <<EOF\nnpm ci\nEOF", Origin: inventory.OfApp, Paths: []string{"usr/sbin/nginx"}, Extractor: "binary"},
				{PURL: "pkg:maven/org.acme/core@1.0", Type: "maven", Name: "org.acme:core", Version: "1.0", Ecosystem: "Maven", Licenses: []string{"MIT OR Apache-2.0"},
					Paths: []string{"app/a.jar!/b.jar", "app/c.jar"}, Extractor: "java-archive"},
				{PURL: "pkg:npm/%40acme/private@1.0.0", Type: "npm", Name: "@acme/private", Version: "1.0.0", Unpublished: true,
					Paths: []string{"app/package.json"}, LockFiles: []string{"app/package-lock.json"}, Extractor: "npm-installed"},
				{PURL: "pkg:npm/lodash@4.17.15", Type: "npm", Name: "lodash", Version: "4.17.15", Ecosystem: "npm", Licenses: []string{"MIT", "BSD-3-Clause"}, Locked: true,
					Paths: []string{"app/package-lock.json"}, Extractor: "npm-lock"},
				{Type: "odd", Name: "no purl", Version: "0", Claimed: true, Paths: []string{"sbom.json"}, Extractor: "sbom-claim"},
				{PURL: "pkg:pypi/expat@1", Type: "pypi", Name: "expat", Version: "1", Ecosystem: "PyPI", Owner: "pkg:deb/debian/python3-expat@1?arch=all&distro=debian-12",
					Paths: []string{"usr/lib/python3/dist-packages/expat.egg-info/PKG-INFO"}, Extractor: "python-installed"},
			},
		},
	}
}

// writers are all the forms that are written.
func writers() map[string]func(*bytes.Buffer, *Document) error {
	all := map[string]func(*bytes.Buffer, *Document) error{"spdx": func(b *bytes.Buffer, d *Document) error { return SPDX(b, d) }}
	for _, v := range CycloneDXVersions() {
		all["cyclonedx-"+v] = func(b *bytes.Buffer, d *Document) error { return CycloneDX(b, d, v) }
	}
	return all
}

func written(t *testing.T, write func(*bytes.Buffer, *Document) error, d *Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	for name, write := range writers() {
		t.Run(name, func(t *testing.T) {
			sameAgain(t, write, small())
		})
	}
}

// sameAgain writes a document, reads it, and compares all that matching and reports use.
func sameAgain(t *testing.T, write func(*bytes.Buffer, *Document) error, d *Document) {
	t.Helper()
	first := written(t, write, d)
	if !bytes.Equal(first, written(t, write, d)) {
		t.Error("the same document has other bytes the second time")
	}
	got, err := Read(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	want := *d
	ignore := cmp.Options{
		cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(image.Image{}, image.Layer{}), cmpopts.IgnoreFields(Document{}, "Format"),
		cmpopts.IgnoreFields(inventory.Package{}, "Files", "Project", "Depends", "Functions", "Choices", "Recommends", "Provides"), cmpopts.IgnoreFields(inventory.Inventory{}, "Changes", "Reach"),
		cmpopts.IgnoreFields(image.Layer{}, "MediaType", "Unreadable"),
	}
	if diff := cmp.Diff(&want, got, ignore); diff != "" {
		t.Error(diff)
	}
	// What was read and is written again is the same document, dependencies included.
	if again := written(t, write, got); !bytes.Equal(first, again) {
		t.Errorf("written again it differs: %s", cmp.Diff(strings.Split(string(first), "\n"), strings.Split(string(again), "\n")))
	}
}

func TestDocumentsAreAsTheyWere(t *testing.T) {
	for name, write := range writers() {
		file := filepath.Join("testdata", "small."+name+".json")
		got := written(t, write, small())
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func conformance(t *testing.T, elem ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{"..", "..", "shared", "conformance"}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skip("needs the shared conformance data")
	}
	return p
}

// schema compiles the published schema of one of the forms.
func schema(t *testing.T, form string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	file := conformance(t, "spdx", "spec-2.3.1", "schemas", "spdx-schema.json")
	if version, ok := strings.CutPrefix(form, "cyclonedx-"); ok {
		dir := conformance(t, "cyclonedx", "schema")
		file = filepath.Join(dir, "bom-"+version+".schema.json")
		for _, part := range []string{"spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json"} {
			add(t, c, "http://cyclonedx.org/schema/"+part, filepath.Join(dir, part))
		}
	}
	add(t, c, "http://test/"+form, file)
	s, err := c.Compile("http://test/" + form)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, c *jsonschema.Compiler, url, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource(url, doc); err != nil {
		t.Fatal(err)
	}
}

func validate(t *testing.T, s *jsonschema.Schema, data []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		text := fmt.Sprintf("%v", err)
		t.Error(text[:min(len(text), 3000)])
	}
}

func TestDocumentsKeepToTheirSchemas(t *testing.T) {
	for name, write := range writers() {
		t.Run(name, func(t *testing.T) {
			s := schema(t, name)
			validate(t, s, written(t, write, small()))
			validate(t, s, written(t, write, &Document{Image: &image.Image{}, Inventory: &inventory.Inventory{}}))
		})
	}
}

// aboard reads one of the shared images.
func aboard(t testing.TB, name string) *Document {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "images", "oci", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("needs the shared images")
	}
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	all := append(extractors.Default(inventory.DefaultLimits()), Claims())
	layers, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, layers, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	d := New(Tool{"tidewaiter", "1.0"}, im, layers, inv)
	d.Image.Reference = name // not the path of this machine
	return d
}

func TestRealImagesGoThereAndBack(t *testing.T) {
	for _, name := range []string{"debian-base-bookworm-slim", "alpine-3.18-db", "shop-v1"} {
		t.Run(name, func(t *testing.T) {
			d := aboard(t, name)
			for form, write := range writers() {
				t.Run(form, func(t *testing.T) {
					validate(t, schema(t, form), written(t, write, d))
					sameAgain(t, write, d)
				})
			}
		})
	}
}
