package match

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/package-url/packageurl-go"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// sharedDB imports the shared OSV feeds of some ecosystems, or skips the test where they are not there.
func sharedDB(tb testing.TB, ecosystems ...string) *advisory.DB {
	tb.Helper()
	if testing.Short() {
		tb.Skip("importing the shared feeds takes long")
	}
	feeds := fstest.MapFS{}
	for _, ecosystem := range ecosystems {
		data, err := os.ReadFile(filepath.Join("..", "..", "shared", "feeds", "osv", ecosystem, "all.zip"))
		if err != nil {
			tb.Skip("the shared feeds are not here")
		}
		feeds["osv/"+ecosystem+"/all.zip"] = &fstest.MapFile{Data: data}
	}
	file := filepath.Join(tb.TempDir(), "advisories")
	if _, err := advisory.Import(context.Background(), feeds, file, advisory.ImportOptions{}); err != nil {
		tb.Fatal(err)
	}
	db, err := advisory.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

// bom reads of a CycloneDX document what its packages' purls say.
func bom(t *testing.T, path string) *inventory.Inventory {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components []struct{ Name, Version, PURL string }
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	inv := &inventory.Inventory{}
	for _, c := range doc.Components {
		purl, err := packageurl.FromString(c.PURL)
		if err != nil {
			continue // the operating system
		}
		p := inventory.Package{PURL: c.PURL, Type: purl.Type, Name: c.Name, Version: c.Version}
		p.Ecosystem = map[string]string{"npm": "npm", "golang": "Go", "pypi": "PyPI", "gem": "RubyGems"}[purl.Type]
		distro := purl.Qualifiers.Map()["distro"]
		if release, ok := strings.CutPrefix(distro, "debian-"); ok {
			p.Ecosystem = "Debian:" + release
		} else if release, ok := strings.CutPrefix(distro, "alpine-"); ok {
			p.Ecosystem = "Alpine:v" + release
		}
		if name := purl.Qualifiers.Map()["upstream"]; name != "" {
			p.Source = &inventory.Source{Name: name}
		}
		inv.Packages = append(inv.Packages, p)
	}
	return inv
}

// TestLabels holds the findings against what people judged of packages of real images
// (anchore/vulnerability-match-labels, CC0). Where they differ it is in the data: the feeds have of some CVEs only the
// record whose range is narrower or wider than the one the people had before them, and the labels know which
// Go packages cannot be imported.
func TestLabels(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "conformance", "match-labels")
	f, err := os.Open(filepath.Join(dir, "expected.tsv"))
	if err != nil {
		t.Skip("the shared match labels are not here")
	}
	defer f.Close()
	db := sharedDB(t, "Alpine", "Debian", "Go", "PyPI", "RubyGems", "npm")
	boms := map[string]map[string]bool{} // by document: "name version id"
	type tally struct{ found, missed, wrong, quiet int }
	tallies := map[string]*tally{}
	for s := bufio.NewScanner(f); s.Scan(); {
		row := strings.Split(s.Text(), "\t")
		doc, kind, key, label := row[0], row[1], strings.Join(row[2:5], " "), row[5]
		if boms[doc] == nil {
			boms[doc] = map[string]bool{}
			findings, _, err := Match(bom(t, filepath.Join(dir, "sboms", doc+".cdx.json")), db, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				for _, id := range append([]string{f.ID}, f.Aliases...) {
					boms[doc][fmt.Sprintf("%s %s %s", f.Of.Name, f.Of.Version, id)] = true
				}
			}
		}
		for _, k := range []string{kind, "all"} {
			if tallies[k] == nil {
				tallies[k] = &tally{}
			}
			switch hit := boms[doc][key]; {
			case hit && label == "TP":
				tallies[k].found++
			case hit:
				tallies[k].wrong++
			case label == "TP":
				tallies[k].missed++
			default:
				tallies[k].quiet++
			}
		}
		if hit := boms[doc][key]; hit != (label == "TP") {
			t.Logf("differs: document %s %s %s, label %s", doc, kind, key, label)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(tallies)) {
		c := tallies[k]
		recall, precision := ratio(c.found, c.missed), ratio(c.found, c.wrong)
		t.Logf("%-10s found %3d missed %3d wrong %3d quiet %3d   recall %.3f precision %.3f", k, c.found, c.missed, c.wrong, c.quiet, recall, precision)
		if k == "all" && (recall < 0.96 || precision < 0.94) {
			t.Errorf("recall %.3f, precision %.3f", recall, precision)
		}
	}
}

func ratio(good, bad int) float64 {
	if good+bad == 0 {
		return 1
	}
	return float64(good) / float64(good+bad)
}
