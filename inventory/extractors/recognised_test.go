package extractors_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image/imagetest"
	"tidewaiter/inventory"
)

// Of two copies of one program, the distribution answers for the one that it installed, whatever path its list gives;
// the other one, which a later layer brought, is recognised.
func TestOnlyWhatNobodyInstalledIsRecognised(t *testing.T) {
	program := func(version string) string {
		return "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 121) + "node.js/v" + version + "\x00"
	}
	status := "Package: nodejs\nStatus: install ok installed\nArchitecture: amd64\nVersion: 18.19.0+dfsg-6\n\n"
	content := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{
		imagetest.Tar(t,
			imagetest.File{Name: "etc/os-release", Content: "ID=debian\nVERSION_ID=12\n"},
			imagetest.File{Name: "bin", Link: "usr/bin"},
			imagetest.File{Name: "usr/bin/node", Content: program("18.19.0")},
			imagetest.File{Name: "var/lib/dpkg/status", Content: status},
			imagetest.File{Name: "var/lib/dpkg/info/nodejs.list", Content: "/.\n/bin\n/bin/node\n"},
		),
		imagetest.Tar(t,
			imagetest.File{Name: "usr/local/bin/node", Content: program("18.20.4")},
			imagetest.File{Name: "opt/node/bin/node", Content: program("18.20.4")},
		),
	}})
	var got []inventory.Package
	for _, p := range assemble(t, content.Layout(t, "latest"), "").Packages {
		got = append(got, inventory.Package{PURL: p.PURL, Layer: p.Layer, Paths: p.Paths, Recognised: p.Recognised, Evidence: p.Evidence})
	}
	base, own := 0, 1
	want := []inventory.Package{
		{PURL: "pkg:deb/debian/nodejs@18.19.0%2Bdfsg-6?arch=amd64&distro=debian-12", Layer: &base, Paths: []string{"var/lib/dpkg/status"}},
		{PURL: "pkg:generic/node@18.20.4", Layer: &own, Paths: []string{"opt/node/bin/node", "usr/local/bin/node"}, Recognised: true, Evidence: []string{
			`opt/node/bin/node: version string "node.js/v18.20.4"`, `usr/local/bin/node: version string "node.js/v18.20.4"`,
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
