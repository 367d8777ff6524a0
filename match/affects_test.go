package match

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// TestAffectsSemver runs the table of golang.org/x/vuln (internal/semver/affects_test.go). It differs from OSV's evaluation in one thing:
// to govulncheck an entry without events stands for every version.
func TestAffectsSemver(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "conformance", "osv", "tables", "semver", "affects_test.json"))
	if err != nil {
		t.Skip("the shared tables of golang.org/x/vuln are not here")
	}
	var file struct {
		Tables []struct {
			Data []struct {
				Affects []struct {
					Events []advisory.Event
					Type   struct {
						Expr string `json:"$expr"`
					}
				}
				Version string
				Want    bool
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, table := range file.Tables {
		for _, row := range table.Data {
			var entry advisory.Affected
			events := 0
			for _, r := range row.Affects {
				if r.Type.Expr == "osv.RangeTypeSemver" { // of no other type does the table say how versions compare
					entry.Ranges = append(entry.Ranges, advisory.Range{Type: "SEMVER", Events: r.Events})
					events += len(r.Events)
				}
			}
			if events == 0 {
				continue
			}
			n++
			s := newSubject(&inventory.Package{Ecosystem: "Go"}, "example.org/m", row.Version)
			got, err := s.judge(&entry)
			if got.affected != row.Want {
				t.Errorf("%s in %+v: got %v, %v", row.Version, row.Affects, got.affected, err)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d rows", n)
	}
}
