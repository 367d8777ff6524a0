package match

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
)

// cvssTables reads the tables of a file of ../../shared/conformance/cvss/tables, by name.
func cvssTables(t *testing.T, name string) map[string]json.RawMessage {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "conformance", "cvss", "tables", name))
	if err != nil {
		t.Skip("the shared CVSS tables are not here")
	}
	var file struct {
		Tables []struct {
			Name string
			Data json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	tables := map[string]json.RawMessage{}
	for _, table := range file.Tables {
		tables[table.Name] = table.Data
	}
	return tables
}

// call is how the tables write a call of a function: those of a vector have it as the innermost argument.
type call struct {
	Args []json.RawMessage
}

func (c call) vector(t *testing.T) string {
	t.Helper()
	if len(c.Args) != 1 {
		t.Fatalf("%s", c.Args)
	}
	var vector string
	if json.Unmarshal(c.Args[0], &vector) == nil {
		return vector
	}
	var inner call
	if err := json.Unmarshal(c.Args[0], &inner); err != nil {
		t.Fatal(err)
	}
	return inner.vector(t)
}

// scores of a vector with base, temporal and environmental metrics.
type scored interface {
	BaseScore() float64
	TemporalScore() float64
	EnvironmentalScore() float64
}

func parseScored(vector string) (scored, error) {
	switch cvssVersion(vector) {
	case "3.1":
		return gocvss31.ParseVector(vector)
	case "3.0":
		return gocvss30.ParseVector(vector)
	}
	return gocvss20.ParseVector(strings.Trim(vector, "()"))
}

func near(a, b float64) bool { return math.Abs(a-b) < 0.01 }

// The published scores of pandatix/go-cvss's own tests, base, temporal and environmental, and of CVSS 4.0.
func TestPublishedScores(t *testing.T) {
	type row struct {
		CVSS20, CVSS30, CVSS31, CVSS40                                                      *call
		ExpectedBaseScore, ExpectedTemporalScore, ExpectedEnvironmentalScore, ExpectedScore float64
	}
	n := 0
	for _, file := range []string{"20/cvss20_test.json", "30/cvss30_test.json", "31/cvss31_test.json", "40/cvss40_test.json"} {
		tables := cvssTables(t, "pandatix+go-cvss/"+file)
		for _, table := range []string{"TestScores.tests", "TestScore.tests"} {
			var rows map[string]row
			if tables[table] == nil {
				continue
			}
			if err := json.Unmarshal(tables[table], &rows); err != nil {
				t.Fatal(err)
			}
			for name, r := range rows {
				n++
				for _, c := range []*call{r.CVSS20, r.CVSS30, r.CVSS31} {
					if c != nil {
						checkScores(t, c.vector(t), r.ExpectedBaseScore, r.ExpectedTemporalScore, r.ExpectedEnvironmentalScore)
					}
				}
				if r.CVSS40 != nil {
					if got, ok := baseScore(r.CVSS40.vector(t)); !ok || !near(got, r.ExpectedScore) {
						t.Errorf("%s: %s: got %v, want %v", name, r.CVSS40.vector(t), got, r.ExpectedScore)
					}
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d rows", n)
	}
}

// The scores that facebookincubator/nvdtools took from NVD and from FIRST's calculators.
func TestScoresOfNVD(t *testing.T) {
	n := 0
	for _, file := range []string{"cvss2/score_test.json", "cvss3/score_test.json"} {
		tables := cvssTables(t, "facebookincubator+nvdtools/"+file)
		for _, table := range []string{"TestBaseScores", "TestScores"} {
			var rows []struct {
				Str                           string
				BaseScore                     *float64
				Base, Temporal, Environmental float64
			}
			if err := json.Unmarshal(tables[table], &rows); err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				n++
				if strings.Contains(r.Str, "/ME:") || strings.Contains(r.Str, "/MRC:") || strings.Contains(r.Str, "/MRL:") {
					if _, ok := baseScore(r.Str); ok {
						t.Errorf("%s: such metrics are of nvdtools alone", r.Str)
					}
					continue
				}
				if r.BaseScore == nil {
					checkScores(t, r.Str, r.Base, r.Temporal, r.Environmental)
				} else if got, ok := baseScore(r.Str); !ok || !near(got, *r.BaseScore) {
					t.Errorf("%s: got %v, want %v", r.Str, got, *r.BaseScore)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d rows", n)
	}
}

func checkScores(t *testing.T, vector string, base, temporal, environmental float64) {
	t.Helper()
	v, err := parseScored(vector)
	if err != nil {
		t.Errorf("%s: %v", vector, err)
		return
	}
	if own, ok := baseScore(vector); !ok || !near(own, base) || !near(v.TemporalScore(), temporal) || !near(v.EnvironmentalScore(), environmental) {
		t.Errorf("%s: got %v %v %v, want %v %v %v", vector, own, v.TemporalScore(), v.EnvironmentalScore(), base, temporal, environmental)
	}
}

// The gravest vectors of each macrovector of CVSS 4.0 have the score of FIRST's table for it
// (https://www.first.org/cvss/v4.0/specification-document, section 8.2).
func TestMacroVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "conformance", "cvss", "first-v4-calculator", "tables.json"))
	if err != nil {
		t.Skip("the shared CVSS tables are not here")
	}
	var file struct {
		Lookup      map[string]float64
		MaxComposed map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Lookup) != 270 {
		t.Fatalf("%d rows", len(file.Lookup))
	}
	for macro, want := range file.Lookup {
		metrics := map[string]string{}
		for i, eq := range []string{"eq1", "eq2", "eq3", "eq4", "eq5"} {
			raw := file.MaxComposed[eq][macro[i:i+1]]
			if eq == "eq3" { // eq3 and eq6 are looked up together
				var both map[string]json.RawMessage
				if err := json.Unmarshal(raw, &both); err != nil {
					t.Fatal(err)
				}
				raw = both[macro[5:6]]
			}
			var gravest []string
			if err := json.Unmarshal(raw, &gravest); err != nil || len(gravest) == 0 {
				t.Fatalf("%s of %s: %s %v", eq, macro, raw, err)
			}
			for metric := range strings.SplitSeq(strings.Trim(gravest[0], "/"), "/") {
				name, value, _ := strings.Cut(metric, ":")
				metrics[name] = value
			}
		}
		for _, name := range []string{"SI", "SA"} { // safety is a value of the modified metrics only
			if metrics[name] == "S" {
				metrics[name], metrics["M"+name] = "H", "S"
			}
		}
		vector := "CVSS:4.0"
		for _, name := range []string{"AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA", "E", "CR", "IR", "AR", "MSI", "MSA"} {
			if metrics[name] != "" {
				vector += "/" + name + ":" + metrics[name]
			}
		}
		if got, ok := baseScore(vector); !ok || !near(got, want) {
			t.Errorf("%s %s: got %v, want %v", macro, vector, got, want)
		}
	}
}
