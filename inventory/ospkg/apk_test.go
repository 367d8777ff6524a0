package ospkg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
)

const installed = `C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:libcrypto3
V:3.1.3-r0
A:x86_64
L:Apache-2.0
o:openssl
D:so:libc.musl-x86_64.so.1 ca-certificates>1 !conflict
p:so:libcrypto.so.3=3
F:etc
F:etc/ssl
R:ct_log_list.cnf
Z:Q1olh8TpdAi2QnTl4FK3TjdUiSwTo=
F:lib
R:libcrypto.so.3
a:0:0:755

P:musl
V:1.2.4-r1
A:x86_64
L:MIT
o:musl
p:so:libc.musl-x86_64.so.1=1
F:
R:top
`

func TestParseInstalled(t *testing.T) {
	got, err := parseInstalled(t.Context(), []byte(installed), "lib/apk/db/installed")
	if err != nil {
		t.Fatal(err)
	}
	want := []inventory.Package{
		{Type: "apk", Name: "libcrypto3", Version: "3.1.3-r0", Arch: "x86_64", Licenses: []string{"Apache-2.0"},
			Source: &inventory.Source{Name: "openssl", Version: "3.1.3-r0"}, Paths: []string{"lib/apk/db/installed"}, Depends: []string{"musl"},
			Files: []inventory.OwnedFile{{Path: "etc/ssl/ct_log_list.cnf", Digest: "sha1:a2587c4e97408b64274e5e052b74e3754892c13a"}, {Path: "lib/libcrypto.so.3", Mode: 0o755}}},
		{Type: "apk", Name: "musl", Version: "1.2.4-r1", Arch: "x86_64", Licenses: []string{"MIT"},
			Source: &inventory.Source{Name: "musl", Version: "1.2.4-r1"}, Paths: []string{"lib/apk/db/installed"},
			Files: []inventory.OwnedFile{{Path: "top"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseInstalledDamaged(t *testing.T) {
	file := "P:musl\nV:1.2.4-r0\n\nP:\nV:\n\nV:1\n\nP:x\nX\nF\nR:orphan\n\nP:" + strings.Repeat("y", 100_000) + "\nV:1\n\nP:zlib\nV:1.2.13-r1"
	got, err := parseInstalled(t.Context(), []byte(file), "installed")
	if diff := cmp.Diff([]string{"musl 1.2.4-r0", "zlib 1.2.13-r1"}, names(got)); diff != "" {
		t.Error(diff)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "4 of 6 records could not be read, the first at line 4: ") {
		t.Errorf("%v", err)
	}
}

func FuzzInstalled(f *testing.F) {
	f.Add([]byte(installed))
	f.Add([]byte("P:\nZ:Q1\n\n\nR:x\nZ:Q2====\nD:! <\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pkgs, _ := parseInstalled(t.Context(), b, "installed")
		for _, p := range pkgs {
			if !legal(p.Name) || !legal(p.Version) || p.Source == nil {
				t.Errorf("%+v", p)
			}
		}
	})
}
