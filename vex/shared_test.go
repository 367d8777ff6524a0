package vex

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shared(t testing.TB, parts ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{"..", "..", "shared"}, parts...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skip("the shared test data is not here: " + p)
	}
	return p
}

// Documents that their authors publish are all read.
func TestRealDocuments(t *testing.T) {
	for _, c := range []struct {
		path                 []string
		statements, products int
	}{
		{[]string{"feeds", "vex", "redhat-csaf"}, 25, 4992},
		{[]string{"feeds", "csaf", "redhat"}, 24, 2282},
		{[]string{"feeds", "vex", "ubuntu-openvex"}, 5, 4408},
		{[]string{"conformance", "csaf", "csaf_2.0", "examples", "csaf"}, 78, 379},
		{[]string{"conformance", "openvex", "go-vex", "pkg", "vex", "testdata"}, 12, 19},
	} {
		t.Run(strings.Join(c.path, "/"), func(t *testing.T) {
			dir := shared(t, c.path...)
			statements, products := 0, 0
			err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || !strings.HasSuffix(p, ".json") {
					return err
				}
				list, _, err := (&Reader{}).Load(p, nil)
				if err != nil {
					t.Error(err)
				}
				for _, s := range list {
					statements++
					products += len(s.Products)
					if s.Author == "" || s.Source != p || !s.Believed {
						t.Errorf("%s: %+v", p, s)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if statements != c.statements || products != c.products {
				t.Errorf("%d statements on %d products, want %d on %d", statements, products, c.statements, c.products)
			}
		})
	}
}

// Of a repository only what it lists for a product aboard is read.
func TestRealRepositories(t *testing.T) {
	for _, c := range []struct {
		archive, aboard string
		statements      int
		source          string
	}{
		{"aquasecurity-vexhub.zip", "pkg:golang/github.com/aquasecurity/trivy", 21, "pkg/golang/github.com/aquasecurity/trivy/trivy.openvex.json"},
		{"rancher-vexhub-oci.zip", "pkg:oci/kube-ovn?repository_url=index.docker.io%2Fkubeovn%2Fkube-ovn", 1, "pkg/oci/index.docker.io/kubeovn/kube-ovn/scan.openvex.json"},
		{"rancher-vexhub-oci.zip", "pkg:oci/nothing", 0, ""},
	} {
		file := shared(t, "feeds", "vex", c.archive)
		statements, spots, err := (&Reader{}).Load(file, func(product string) bool { return product == c.aboard })
		if err != nil || len(spots) > 0 {
			t.Fatal(err, spots)
		}
		if len(statements) != c.statements {
			t.Errorf("%s: %d statements, want %d", c.aboard, len(statements), c.statements)
		}
		for _, s := range statements {
			if s.Source != filepath.Join(file, filepath.FromSlash(c.source)) || !s.Bulk {
				t.Errorf("%s: from %s", c.aboard, s.Source)
			}
		}
	}
}

// BenchmarkRepository is the cost of a repository of 465 documents and 1,118 products to a scan that needs one of them.
func BenchmarkRepository(b *testing.B) {
	file := shared(b, "feeds", "vex", "rancher-vexhub-oci.zip")
	im := Image{Repository: "docker.io/rancher/shell", Name: "shell"}
	for b.Loop() {
		aboard := func(product string) bool { return im.Is(product) > 0 }
		if statements, _, err := (&Reader{}).Load(file, aboard); err != nil || len(statements) == 0 {
			b.Fatal(err, len(statements))
		}
	}
}
