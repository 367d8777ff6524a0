package assess_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/match"
)

func scored(vector string) match.Finding {
	f := flaw("CVE-1")
	score, _ := assess.ScoreOf(vector)
	f.CVSS = []match.CVSS{{Vector: vector, Score: score, Source: "nvd"}}
	return f
}

func TestTheEnvironmentChangesTheScore(t *testing.T) {
	const four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
	for _, tc := range []struct {
		name, vector string
		env          assess.Environment
		want         string
		score        float64
		changes      []string
	}{
		{"open, and nothing said", worst, assess.Environment{Exposure: assess.Open}, worst, 9.8, nil},
		{"needs", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", assess.Environment{Exposure: assess.Open, Confidentiality: assess.HighNeed, Availability: assess.LowNeed},
			"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N/CR:H/AR:L", 6.1, []string{"confidentiality high", "availability low"}},
		{"internal", worst, assess.Environment{Exposure: assess.Controlled}, worst + "/MAV:A", 8.8, []string{"attack vector network -> adjacent"}},
		{"isolated", worst, assess.Environment{Exposure: assess.Small}, worst + "/MAV:L", 8.4, []string{"attack vector network -> local"}},
		{"local already", local, assess.Environment{Exposure: assess.Controlled}, local, 8, nil},
		{"version 4", four, assess.Environment{Exposure: assess.Small}, four + "/MAV:L", 9.4, []string{"attack vector network -> local"}},
		{"controls", worst, assess.Environment{Exposure: assess.Open, Controls: []assess.Control{"waf", "mutual-tls", "authentication-proxy", "read-only-root-filesystem", "non-root", "unheard-of"}},
			worst + "/MAC:H/MPR:L/MI:L", 7.1, []string{"attack complexity low -> high", "privileges required none -> low", "integrity impact high -> low"}},
		{"controls of the network do nothing against who is there", local, assess.Environment{Exposure: assess.Open, Controls: []assess.Control{"waf", "network-policy", "no-new-privileges"}},
			local + "/MAC:H", 6.9, []string{"attack complexity low -> high"}},
		{"controls, version 4", four, assess.Environment{Exposure: assess.Open, Controls: []assess.Control{"no-egress", "seccomp"}},
			four + "/MSC:L/MSI:L/MSA:L", 9.3, []string{"confidentiality impact elsewhere high -> low", "integrity impact elsewhere high -> low", "availability impact elsewhere high -> low"}},
		{"a vector that has metrics of an environment", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/MAV:P", assess.Environment{Exposure: assess.Small}, worst + "/MAV:P", 6.8, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := scored(tc.vector)
			d := assess.Decide(&f, tc.env, someDay)
			if d.Environmental.Vector != tc.want || d.Environmental.Score != tc.score || d.Environmental.Source != "nvd" {
				t.Errorf("%+v, want %s %g", *d.Environmental, tc.want, tc.score)
			}
			var changes []string
			for _, c := range d.Changes {
				changes = append(changes, c.Words())
				if c.Reason == "" {
					t.Errorf("no reason for %+v", c)
				}
			}
			if diff := cmp.Diff(tc.changes, changes); diff != "" {
				t.Error(diff)
			}
			if f.CVSS[0].Vector != tc.vector || d.Base.Vector != tc.vector {
				t.Error("the base vector was changed")
			}
		})
	}
}

func TestWhatHasNoEnvironmentalScore(t *testing.T) {
	for _, vector := range []string{"AV:N/AC:L/Au:N/C:C/I:C/A:C", "CVSS:3.1/AV:N", "", "CVSS:5.0/AV:N"} {
		f := scored(vector)
		if d := assess.Decide(&f, assess.Environment{Exposure: assess.Small}, someDay); d.Environmental != nil {
			t.Errorf("%q: %+v", vector, d.Environmental)
		}
	}
}

func TestEachControlLowersSomething(t *testing.T) {
	for _, c := range assess.Controls() {
		lowers := false
		for _, vector := range []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", strings.Replace(local, "S:U", "S:C", 1)} {
			f := scored(vector)
			d := assess.Decide(&f, assess.Environment{Exposure: assess.Open, Controls: []assess.Control{c.Name}}, someDay)
			lowers = lowers || len(d.Changes) > 0
			if d.Environmental.Score > d.Base.Score {
				t.Errorf("%s raises %s", c.Name, vector)
			}
		}
		if !lowers || c.Reason == "" {
			t.Errorf("%s does nothing, or says not why", c.Name)
		}
	}
	if !slices.IsSortedFunc(assess.Controls(), func(a, b assess.ControlEffect) int { return strings.Compare(string(a.Name), string(b.Name)) }) {
		t.Error("the controls are not sorted")
	}
}

var environmental = regexp.MustCompile(`/(M[A-Z]+|[CIA]R):`)

// Scores that others published, for vectors with environmental metrics among them.
func TestPublishedEnvironmentalScores(t *testing.T) {
	type published struct{ vector, score string }
	all := []published{ // of the tests of github.com/pandatix/go-cvss (MIT) and github.com/facebookincubator/nvdtools (Apache-2.0)
		{"CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:C/C:L/I:H/A:L/E:P/RL:W/RC:R/CR:M/IR:H/AR:L/MAV:N/MAC:H/MPR:L/MUI:R/MS:U/MC:L/MA:N", "6.1"},
		{"CVSS:4.0/AV:L/AC:L/AT:N/PR:L/UI:P/VC:N/VI:H/VA:H/SC:N/SI:L/SA:L/E:P/CR:H/IR:M/AR:H/MAV:A/MAT:P/MPR:N/MVI:H/MVA:N/MSI:H/MSA:N/S:N/V:C/U:Amber", "4.7"},
	}
	add := func(vector any, score any) {
		text, ok := vector.(string)
		invented := strings.Contains(text, "/ME:") || strings.Contains(text, "/MRL:") || strings.Contains(text, "/MRC:") // no version has them
		if ok && strings.HasPrefix(text, "CVSS:") && !invented {
			all = append(all, published{text, fmt.Sprint(score)})
		}
	}
	for _, file := range []string{"pandatix+go-cvss/30/cvss30_test", "pandatix+go-cvss/31/cvss31_test", "pandatix+go-cvss/40/cvss40_test", "facebookincubator+nvdtools/cvss3/score_test"} {
		data, err := os.ReadFile("../../shared/conformance/cvss/tables/" + file + ".json")
		if err != nil {
			continue // the shared data is not here
		}
		var doc struct {
			Tables []struct {
				Name string
				Data json.RawMessage
			}
		}
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		for _, table := range doc.Tables {
			var list []map[string]any
			var byName map[string]map[string]any
			if json.Unmarshal(table.Data, &byName) == nil {
				for _, entry := range byName {
					list = append(list, entry)
				}
			} else if json.Unmarshal(table.Data, &list) != nil {
				continue
			}
			for _, entry := range list {
				switch {
				case entry["environmental"] != nil:
					add(entry["str"], entry["environmental"])
				case entry["ExpectedEnvironmentalScore"] != nil:
					add(innermost(entry["CVSS30"], entry["CVSS31"]), entry["ExpectedEnvironmentalScore"])
				case entry["ExpectedScore"] != nil:
					add(innermost(entry["CVSS40"]), entry["ExpectedScore"])
				}
			}
		}
	}
	environments := 0
	for _, p := range all {
		if environmental.MatchString(p.vector) {
			environments++
		}
		if score, ok := assess.ScoreOf(p.vector); !ok || fmt.Sprint(score) != p.score {
			t.Errorf("%s: %g, want %s", p.vector, score, p.score)
		}
	}
	t.Logf("%d published scores, %d of them of vectors with environmental metrics", len(all), environments)
}

// innermost digs the vector out of how the tables write the call that parses it.
func innermost(values ...any) any {
	for _, v := range values {
		for {
			call, ok := v.(map[string]any)
			if !ok {
				break
			}
			args, _ := call["args"].([]any)
			if len(args) == 0 {
				return nil
			}
			v = args[0]
		}
		if v != nil {
			return v
		}
	}
	return nil
}

// everyEnvironment has one of each exposure with several needs and controls.
func everyEnvironment() []assess.Environment {
	var all []assess.Environment
	for _, e := range []assess.Exposure{assess.Open, assess.Controlled, assess.Small} {
		for _, n := range []assess.Need{"", assess.LowNeed, assess.MediumNeed, assess.HighNeed} {
			for _, c := range [][]assess.Control{nil, {"waf", "non-root"}, {"mutual-tls", "read-only-root-filesystem"}} {
				all = append(all, assess.Environment{Exposure: e, Confidentiality: n, Integrity: assess.HighNeed, Availability: n, Controls: c})
			}
		}
	}
	return all
}

// combined writes every vector that can be made of the values of metrics; step leaves some out.
func combined(prefix string, metrics [][]string, step int) []string {
	vectors := []string{prefix}
	for _, m := range metrics {
		var next []string
		for _, v := range vectors {
			for _, value := range m[1:] {
				next = append(next, v+"/"+m[0]+":"+value)
			}
		}
		vectors = next
	}
	var some []string
	for i := 0; i < len(vectors); i += step {
		some = append(some, vectors[i])
	}
	return some
}

func metricsOf(vector string) map[string]string {
	m := map[string]string{}
	for _, part := range strings.Split(vector, "/")[1:] {
		name, value, _ := strings.Cut(part, ":")
		m[name] = value
	}
	return m
}

// Scores of what environments make of vectors are held against the equations of section 7.3 of the specifications of version 3.0 and
// 3.1, written down anew.
func TestScoresByTheEquationsOfVersion3(t *testing.T) {
	for _, version := range []string{"3.0", "3.1"} {
		for _, vector := range combined("CVSS:"+version, [][]string{{"AV", "N", "A", "L", "P"}, {"AC", "L", "H"}, {"PR", "N", "L", "H"}, {"UI", "N", "R"}, {"S", "U", "C"},
			{"C", "H", "L", "N"}, {"I", "H", "L", "N"}, {"A", "H", "L", "N"}}, 7) {
			f := scored(vector)
			for _, env := range everyEnvironment() {
				d := assess.Decide(&f, env, someDay)
				if want := score3(version, metricsOf(d.Environmental.Vector)); d.Environmental.Score != want {
					t.Fatalf("%s: %g, want %g", d.Environmental.Vector, d.Environmental.Score, want)
				}
			}
		}
	}
}

func score3(version string, m map[string]string) float64 {
	get := func(name string) string {
		if v := m["M"+name]; v != "" && v != "X" {
			return v
		}
		return m[name]
	}
	need := func(name string) float64 { return map[string]float64{"H": 1.5, "L": 0.5}[m[name]] }
	required := func(name string) float64 {
		if n := need(name); n > 0 {
			return n
		}
		return 1
	}
	impact := map[string]float64{"H": 0.56, "L": 0.22, "N": 0}
	miss := min(1-(1-required("CR")*impact[get("C")])*(1-required("IR")*impact[get("I")])*(1-required("AR")*impact[get("A")]), 0.915)
	changed := get("S") == "C"
	total := 6.42 * miss
	switch {
	case changed && version == "3.0":
		total = 7.52*(miss-0.029) - 3.25*math.Pow(miss-0.02, 15)
	case changed:
		total = 7.52*(miss-0.029) - 3.25*math.Pow(miss*0.9731-0.02, 13)
	}
	if total <= 0 {
		return 0
	}
	privileges := map[string]float64{"N": 0.85, "L": 0.62, "H": 0.27}
	if changed {
		privileges = map[string]float64{"N": 0.85, "L": 0.68, "H": 0.5}
	}
	exploitability := 8.22 * map[string]float64{"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}[get("AV")] * map[string]float64{"L": 0.77, "H": 0.44}[get("AC")] *
		privileges[get("PR")] * map[string]float64{"N": 0.85, "R": 0.62}[get("UI")]
	factor := 1.0
	if changed {
		factor = 1.08
	}
	return roundUp(min(factor*(total+exploitability), 10))
}

// roundUp is Roundup of appendix A of the specification of 3.1.
func roundUp(x float64) float64 {
	n := int(math.Round(x * 100_000))
	if n%10_000 == 0 {
		return float64(n) / 100_000
	}
	return (math.Floor(float64(n)/10_000) + 1) / 10
}

func TestTheDocumentationNamesEachControl(t *testing.T) {
	page, err := os.ReadFile("../docs/priority.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range assess.Controls() {
		row := fmt.Sprintf("| `%s` | `%s`", c.Name, c.Metrics3[0])
		if !strings.Contains(string(page), row) || !strings.Contains(string(page), "| "+c.Reason+" |") {
			t.Errorf("docs/priority.md has not what %s does and why", c.Name)
		}
	}
}
