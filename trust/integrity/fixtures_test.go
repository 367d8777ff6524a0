package integrity_test

import (
	"crypto/md5" //nolint:gosec // what dpkg's lists have
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/trust"
	"tidewaiter/trust/integrity"
)

type file = imagetest.File

// verify reads an image made of layers and checks its files.
func verify(t *testing.T, m *integrity.Metadata, layers ...[]file) (*trust.Integrity, []image.BlindSpot) {
	t.Helper()
	var s imagetest.Spec
	for i, files := range layers {
		s.Layers = append(s.Layers, imagetest.Tar(t, files...))
		s.CreatedBy = append(s.CreatedBy, fmt.Sprintf("RUN step %d", i))
	}
	return verifyLayout(t, m, imagetest.Build(t, s).Layout(t, "latest"))
}

func verifyLayout(t *testing.T, m *integrity.Metadata, dir string) (*trust.Integrity, []image.BlindSpot) {
	t.Helper()
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	all := extractors.Default(inventory.DefaultLimits())
	layers, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits(), Digests: true})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, layers, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	i, spots, err := integrity.Check(t.Context(), im, layers, inv, integrity.Options{Extractors: all, Metadata: m})
	if err != nil {
		t.Fatal(err)
	}
	return i, spots
}

// open reads a distribution's directory, made of files, with keys.
func open(t *testing.T, files map[string][]byte, keys map[string][]byte) *integrity.Metadata {
	t.Helper()
	dir, names := t.TempDir(), []string{}
	write := func(name string, content []byte) string {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, content := range files {
		write("distribution/"+name, content)
	}
	for name, content := range keys {
		names = append(names, write("keys/"+name, content))
	}
	distribution := filepath.Join(dir, "distribution")
	if files == nil {
		distribution = ""
	}
	m, err := integrity.Open(distribution, names)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// changed gives path and sentence of what was changed, with a mark for configuration.
func changed(i *trust.Integrity) []string {
	list := []string{}
	for _, f := range i.Changed {
		mark := ""
		if f.Config {
			mark = "(config) "
		}
		list = append(list, mark+f.Path+": "+f.Why)
	}
	return list
}

const release = "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n"

// debian is a layer with one package, curl, and its library.
func debian(library string) []file {
	return []file{
		{Name: "etc/os-release", Content: release},
		{Name: "lib", Link: "usr/lib"},
		{Name: "usr/bin/curl", Content: "\x7fELF curl", Mode: 0o755},
		{Name: "usr/lib/libcurl.so.4", Content: library},
		{Name: "etc/curlrc", Content: "# nothing\n"},
		{Name: "usr/share/doc/curl/changelog.Debian.gz", Content: "curl (8.1-1)"},
		{Name: "var/lib/dpkg/status", Content: debianStatus("8.1-1")},
		{Name: "var/lib/dpkg/info/curl.list", Content: "/.\n/lib\n/lib/libcurl.so.4\n/usr/bin/curl\n/etc/curlrc\n/usr/share/doc/curl/changelog.Debian.gz\n"},
		{Name: "var/lib/dpkg/info/curl.md5sums", Content: debianSums("\x7fELF library")},
	}
}

func debianStatus(version string) string {
	return "Package: curl\nStatus: install ok installed\nMaintainer: Debian Curl <curl@debian.org>\nArchitecture: amd64\nVersion: " + version +
		"\nDepends: libc6 (>= 2.34)\nConffiles:\n /etc/curlrc " + sum("# nothing\n") + "\n\n"
}

func debianSums(library string) string {
	return sum(library) + "  lib/libcurl.so.4\n" + sum("\x7fELF curl") + "  usr/bin/curl\n" + sum("curl (8.1-1)") + "  usr/share/doc/curl/changelog.Debian.gz\n"
}

func sum(content string) string { return fmt.Sprintf("%x", md5.Sum([]byte(content))) } //nolint:gosec // as above

const (
	good = "\x7fELF library"
	evil = "\x7fELF LIBRARY" // of the same size
)

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }
