package ospkg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

const status = `Package: libssl3
Status: install ok installed
Priority: optional
Architecture: amd64
Multi-Arch: same
Source: openssl
Version: 3.0.11-1
Depends: libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0
Pre-Depends: dpkg
Maintainer: Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>
Conffiles:
 /etc/ssl/openssl.cnf d41d8cd98f00b204e9800998ecf8427e
 /etc/ssl/old.cnf d41d8cd98f00b204e9800998ecf8427e obsolete
 /etc/ssl/gone.cnf d41d8cd98f00b204e9800998ecf8427e remove-on-upgrade
Description: a library
 with a long description
 .
 of several lines: not a field

Package: libc6
Status: install ok unpacked
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+b1
Provides: libc-dev (= 1)

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

`

func names(pkgs []inventory.Package) []string {
	var names []string
	for _, p := range pkgs {
		names = append(names, p.Name+" "+p.Version)
	}
	return names
}

func TestParseStatus(t *testing.T) {
	got, err := parseStatus(t.Context(), []byte(status), "var/lib/dpkg/status")
	if err != nil {
		t.Fatal(err)
	}
	const empty = "md5:d41d8cd98f00b204e9800998ecf8427e"
	want := []inventory.Package{
		{Type: "deb", Name: "libssl3", Version: "3.0.11-1", Arch: "amd64", Supplier: "Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>", Paths: []string{"var/lib/dpkg/status"},
			Source:  &inventory.Source{Name: "openssl", Version: "3.0.11-1"},
			Depends: []string{"libc6"},
			Files: []inventory.OwnedFile{
				{Path: "etc/ssl/openssl.cnf", Digest: empty, Config: true}, {Path: "etc/ssl/old.cnf", Digest: empty, Config: true},
			}},
		{Type: "deb", Name: "libc6", Version: "2.36-9+b1", Arch: "amd64", Paths: []string{"var/lib/dpkg/status"},
			Source: &inventory.Source{Name: "glibc", Version: "2.36-9"}, Provides: []string{"libc-dev"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseStatusDamaged(t *testing.T) {
	tests := []struct {
		name, file string
		want       []string
		err        string
	}{
		{"no version", "Package: a\nStatus: install ok installed\n\nPackage: b\nVersion: 1\n", []string{"b 1"}, "1 of 2 records could not be read, the first at line 1: no version"},
		{"no name", "Version: 1\n", nil, "line 1: no package name"},
		{"long name", "Package: " + strings.Repeat("L", 200_000) + "\nVersion: 1\n\nPackage: b\nVersion: 1\n", []string{"b 1"}, "line 1: no package name"},
		{"cut off", "Package: b\nVersion: 1\n\nPackage: cut\nStatus: install ok inst", []string{"b 1"}, "line 4: an unknown status"},
		{"half installed", "Package: half\nStatus: install ok half-installed\nVersion: 1\n", nil, "half installed"},
		{"no field", "Package: b\n:::\nVersion: 1\n", []string{"b 1"}, "a line that is no field"},
		{"binary", "\x00\x01\x02\xff\n", nil, "1 of 1 records"},
		{"carriage returns", "Package: b\r\nVersion: 1\r\n\r\nPackage: c\r\nVersion: 2\r\n", []string{"b 1", "c 2"}, ""},
		{"empty", "", nil, ""},
		{"spaces in a version", "Package: b\nVersion: 1 <script>\n", nil, "no version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseStatus(t.Context(), []byte(tt.file), "status")
			if diff := cmp.Diff(tt.want, names(got)); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// treeOf gives a tree of captured files, path and content in turn.
func treeOf(files ...string) *layer.Tree {
	ix := &layer.Index{}
	for i := 0; i < len(files); i += 2 {
		ix.Files = append(ix.Files, layer.File{Path: files[i], Body: &layer.Body{Content: []byte(files[i+1])}})
	}
	tree := layer.NewTree()
	tree.Apply(0, ix)
	return tree
}

func TestDpkgFinish(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef"
	tree := treeOf(
		"var/lib/dpkg/status", status,
		"var/lib/dpkg/info/libssl3:amd64.list", "/.\n/usr\n/usr/lib\n/usr/lib/libssl.so.3\n/usr/lib/link\n/usr/share\n/usr/share/empty\n/etc\n/etc/ssl\n/etc/ssl/openssl.cnf\n",
		"var/lib/dpkg/info/libssl3:amd64.md5sums", sum+"  usr/lib/libssl.so.3\n",
		"usr/share/doc/libssl3/copyright", "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: Apache-2.0\n\nFiles: x\nLicense: GPL-2+ or Artistic\n text\n",
		"usr/share/empty/x", "",
	)
	pkgs, err := dpkg{}.Extract(t.Context(), tree, "var/lib/dpkg/status")
	if err != nil {
		t.Fatal(err)
	}
	if err := (dpkg{}).Finish(t.Context(), tree, pkgs); err != nil {
		t.Fatal(err)
	}
	want := []inventory.OwnedFile{
		{Path: "etc/ssl/old.cnf", Digest: "md5:d41d8cd98f00b204e9800998ecf8427e", Config: true},
		{Path: "etc/ssl/openssl.cnf", Digest: "md5:d41d8cd98f00b204e9800998ecf8427e", Config: true},
		{Path: "usr/lib/libssl.so.3", Digest: "md5:" + sum},
		{Path: "usr/lib/link"},
	}
	if diff := cmp.Diff(want, pkgs[0].Files); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Apache-2.0", "GPL-2.0-or-later OR Artistic-1.0-Perl"}, pkgs[0].Licenses); diff != "" {
		t.Error(diff)
	}
	if pkgs[0].LicenseSource != "usr/share/doc/libssl3/copyright" {
		t.Error(pkgs[0].LicenseSource)
	}
}

func TestDpkgStatusDirectory(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef"
	tree := treeOf(
		"var/lib/dpkg/status.d/tzdata", "Package: tzdata\nArchitecture: all\nVersion: 2024a-0+deb12u1\n",
		"var/lib/dpkg/status.d/tzdata.md5sums", sum+"  usr/share/zoneinfo/UTC\n",
	)
	pkgs, err := dpkg{}.Extract(t.Context(), tree, "var/lib/dpkg/status.d/tzdata")
	if err != nil {
		t.Fatal(err)
	}
	if err := (dpkg{}).Finish(t.Context(), tree, pkgs); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]inventory.OwnedFile{{Path: "usr/share/zoneinfo/UTC", Digest: "md5:" + sum}}, pkgs[0].Files); diff != "" {
		t.Error(diff)
	}
}

func TestCopyrightLicenses(t *testing.T) {
	const format = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
	tests := []struct {
		file string
		want []string
	}{
		{format + "License: GPL-2+\n\nLicense: GPL-2+\n text\n\nLicense: Expat\n", []string{"GPL-2.0-or-later", "MIT"}},
		{format + "License: LGPL-2.1+ and BSD-3-clause\n", []string{"LGPL-2.1-or-later AND BSD-3-Clause"}},
		{format + "License: GPL-3+ with Autoconf exception\n", []string{"GPL-3+ with Autoconf exception"}},
		{format + "License: public-domain\n", []string{"public-domain"}},
		{format + "License: GPL-2+ MIT\n", []string{"GPL-2+ MIT"}},
		{format + "License: GPL-2 or\n", []string{"GPL-2 or"}},
		{"see /usr/share/common-licenses/GPL-2, and `/usr/share/common-licenses/Apache-2.0'.", []string{"Apache-2.0", "GPL-2"}},
		{"see /usr/share/common-licenses/", nil},
		{"This is free.", nil},
		{"", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, copyrightLicenses([]byte(tt.file))); diff != "" {
			t.Errorf("%q: %s", tt.file, diff)
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(status))
	f.Add([]byte("Package: a\n b\n\n\n:\nVersion: 1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pkgs, _ := parseStatus(t.Context(), b, "status")
		for _, p := range pkgs {
			if !legal(p.Name) || !legal(p.Version) || p.Source == nil {
				t.Errorf("%+v", p)
			}
		}
		copyrightLicenses(b)
		debFiles(layer.NewTree(), "", b, b, nil)
	})
}
