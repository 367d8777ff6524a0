package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMerge(t *testing.T) {
	zero, two := 0, 2
	const deb = "pkg:deb/debian/node-lodash@4.17.21?distro=debian-12"
	lodash := func(layer *int, path, owner string) Package {
		return Package{PURL: "pkg:npm/lodash@4.17.15", Type: "npm", Name: "lodash", Version: "4.17.15", Layer: layer, Paths: []string{path}, Owner: owner}
	}
	both := func(layer *int, owner string, paths ...string) Package {
		p := lodash(layer, "", owner)
		p.Paths = paths
		return p
	}
	for _, tc := range []struct {
		name string
		in   []Package
		want Package
	}{
		{"two copies are one package of the lowest layer", []Package{lodash(&two, "a", ""), lodash(&zero, "b", "")}, both(&zero, "", "b", "a")},
		{"the distribution answers only when it owns every copy", []Package{lodash(&zero, "a", deb), lodash(&two, "b", "")}, both(&zero, "", "a", "b")},
		{"also when it owns the second", []Package{lodash(&zero, "a", ""), lodash(&two, "b", deb)}, both(&zero, "", "a", "b")},
		{"it owns every copy", []Package{lodash(&zero, "a", deb), lodash(&zero, "b", deb)}, both(&zero, deb, "a", "b")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff([]Package{tc.want}, merge(tc.in)); d != "" {
				t.Error(d)
			}
		})
	}
}
