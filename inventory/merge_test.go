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
	both := func(last *int, owner string, paths ...string) Package {
		p := lodash(&zero, "", owner)
		p.LastLayer, p.Paths = last, paths
		return p
	}
	for _, tc := range []struct {
		name string
		in   []Package
		want Package
	}{
		{"two copies are one package of the lowest layer", []Package{lodash(&two, "a", ""), lodash(&zero, "b", "")}, both(&two, "", "b", "a")},
		{"the distribution answers only when it owns every copy", []Package{lodash(&zero, "a", deb), lodash(&two, "b", "")}, both(&two, "", "a", "b")},
		{"also when it owns the second", []Package{lodash(&zero, "a", ""), lodash(&two, "b", deb)}, both(&two, "", "a", "b")},
		{"it owns every copy", []Package{lodash(&zero, "a", deb), lodash(&zero, "b", deb)}, both(nil, deb, "a", "b")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff([]Package{tc.want}, merge(tc.in)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMergeTakesWhatIsDeclaredOverWhatIsRecognised(t *testing.T) {
	stdlib := Package{PURL: "pkg:golang/stdlib@1.22.1", Type: "golang", Name: "stdlib", Version: "1.22.1", Paths: []string{"usr/local/go/bin/go"}, Extractor: "go-binary"}
	source := stdlib
	source.Paths, source.Extractor = []string{"usr/local/go/VERSION"}, "go-toolchain"
	source.Recognised, source.Evidence, source.CPE = true, []string{"go1.22.1"}, "cpe:2.3:a:golang:go"
	want := stdlib
	want.Paths, want.Evidence, want.CPE = []string{"usr/local/go/VERSION", "usr/local/go/bin/go"}, source.Evidence, source.CPE
	if d := cmp.Diff([]Package{want}, merge([]Package{stdlib, source})); d != "" {
		t.Error(d)
	}
}

func TestWhatADistributionInstalledIsNotRecognised(t *testing.T) {
	openssl := Package{PURL: "pkg:generic/openssl@3.0.11", Type: "generic", Recognised: true, Paths: []string{"opt/lib/libcrypto.so.3"}}
	owned, gem := openssl, Package{PURL: "pkg:gem/json@2.6.1", Type: "gem", Owner: "pkg:deb/debian/ruby-json@2.6.1"}
	owned.Paths, owned.Owner = []string{"usr/lib/libcrypto.so.3"}, "pkg:deb/debian/libssl3@3.0.11-1"
	if d := cmp.Diff([]Package{openssl, gem}, dropExplained([]Package{openssl, owned, gem})); d != "" {
		t.Error(d)
	}
}
