package assess_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"tidewaiter/assess"
)

// Scores of version 4.0 are held against the algorithm of its specification (section 8) with the tables of FIRST's own calculator.
func TestScoresByTheTablesOfVersion4(t *testing.T) {
	data, err := os.ReadFile("../../shared/conformance/cvss/first-v4-calculator/tables.json")
	if err != nil {
		t.Skip("the shared data is not here")
	}
	var first calculator
	if err := json.Unmarshal(data, &first); err != nil {
		t.Fatal(err)
	}
	for _, vector := range combined("CVSS:4.0", [][]string{{"AV", "N", "A", "L", "P"}, {"AC", "L", "H"}, {"AT", "N", "P"}, {"PR", "N", "L", "H"}, {"UI", "N", "P", "A"},
		{"VC", "H", "L", "N"}, {"VI", "H", "L", "N"}, {"VA", "H", "L", "N"}, {"SC", "H", "L", "N"}, {"SI", "H", "L", "N"}, {"SA", "H", "L", "N"}}, 211) {
		f := scored(vector)
		for _, env := range everyEnvironment() {
			d := assess.Decide(&f, env, someDay)
			exact := first.score(t, metricsOf(d.Environmental.Vector))
			if math.Abs(d.Environmental.Score-exact) > 0.05+1e-9 {
				t.Fatalf("%s: %g, want %g", d.Environmental.Vector, d.Environmental.Score, exact)
			}
		}
	}
}

// calculator has the tables of https://github.com/FIRSTdotorg/cvss-v4-calculator.
type calculator struct {
	Lookup      map[string]float64
	MaxComposed map[string]json.RawMessage
	MaxSeverity map[string]json.RawMessage
}

// score is the score before it is rounded.
func (c *calculator) score(t *testing.T, m map[string]string) float64 {
	t.Helper()
	get := func(name string) string {
		if v := m["M"+name]; v != "" && v != "X" {
			return v
		}
		if v := m[name]; v != "" && v != "X" {
			return v
		}
		return map[string]string{"E": "A", "CR": "H", "IR": "H", "AR": "H"}[name]
	}
	if get("VC")+get("VI")+get("VA")+get("SC")+get("SI")+get("SA") == "NNNNNN" {
		return 0
	}
	eq := classes(get)
	key := func(eq [6]int) string {
		var b strings.Builder
		for _, n := range eq {
			b.WriteString(strconv.Itoa(n))
		}
		return b.String()
	}
	value := c.Lookup[key(eq)]
	away := c.distances(t, eq, get)
	sum, lower := 0.0, 0
	for i, group := range [][]int{{0}, {1}, {2, 5}, {3}, {4}} {
		next := math.Inf(-1)
		for _, candidate := range below(eq, group) {
			if v, ok := c.Lookup[key(candidate)]; ok {
				next = max(next, v)
			}
		}
		if math.IsInf(next, -1) {
			continue
		}
		lower++
		if depth := c.depth(t, i, eq); i != 4 && depth > 0 {
			sum += (value - next) * float64(away[i]) / float64(depth)
		}
	}
	if lower > 0 {
		value -= sum / float64(lower)
	}
	return min(max(value, 0), 10)
}

// below gives the next lower macro vectors in one direction. The third and the sixth class go together.
func below(eq [6]int, group []int) [][6]int {
	step := func(i int) [6]int {
		next := eq
		next[i]++
		return next
	}
	if len(group) == 1 {
		return [][6]int{step(group[0])}
	}
	switch {
	case eq[2] == 0 && eq[5] == 0:
		return [][6]int{step(5), step(2)}
	case eq[2] == 0:
		return [][6]int{step(2)}
	case eq[2] == 1 && eq[5] == 0:
		return [][6]int{step(5)}
	}
	return [][6]int{step(2)}
}

// classes are the equivalence classes EQ1 to EQ6.
func classes(get func(string) string) (eq [6]int) {
	is := func(name string, values string) bool { return strings.Contains(values, get(name)) }
	switch {
	case is("AV", "N") && is("PR", "N") && is("UI", "N"):
	case (is("AV", "N") || is("PR", "N") || is("UI", "N")) && !is("AV", "P"):
		eq[0] = 1
	default:
		eq[0] = 2
	}
	if !is("AC", "L") || !is("AT", "N") {
		eq[1] = 1
	}
	switch {
	case is("VC", "H") && is("VI", "H"):
	case is("VC", "H") || is("VI", "H") || is("VA", "H"):
		eq[2] = 1
	default:
		eq[2] = 2
	}
	switch {
	case is("SI", "S") || is("SA", "S"):
	case is("SC", "H") || is("SI", "H") || is("SA", "H"):
		eq[3] = 1
	default:
		eq[3] = 2
	}
	eq[4] = strings.Index("APU", get("E"))
	if needed := is("CR", "H") && is("VC", "H") || is("IR", "H") && is("VI", "H") || is("AR", "H") && is("VA", "H"); !needed {
		eq[5] = 1
	}
	return eq
}

// composed gives the gravest vectors of a class.
func (c *calculator) composed(t *testing.T, class string, levels ...int) []string {
	t.Helper()
	raw := c.MaxComposed[class]
	for _, level := range levels {
		var by map[string]json.RawMessage
		if err := json.Unmarshal(raw, &by); err != nil {
			t.Fatal(err)
		}
		raw = by[strconv.Itoa(level)]
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			t.Fatal(err)
		}
		list = []string{one}
	}
	return list
}

// depth is how many steps there are within a class.
func (c *calculator) depth(t *testing.T, group int, eq [6]int) int {
	t.Helper()
	var flat map[string]int
	var nested map[string]map[string]int
	name := []string{"eq1", "eq2", "eq3eq6", "eq4", "eq5"}[group]
	if group == 2 {
		if err := json.Unmarshal(c.MaxSeverity[name], &nested); err != nil {
			t.Fatal(err)
		}
		return nested[strconv.Itoa(eq[2])][strconv.Itoa(eq[5])]
	}
	if err := json.Unmarshal(c.MaxSeverity[name], &flat); err != nil {
		t.Fatal(err)
	}
	return flat[strconv.Itoa(eq[group])]
}

// distances are the steps from the gravest vector of each class, for the first that is nowhere less grave than the one at hand.
func (c *calculator) distances(t *testing.T, eq [6]int, get func(string) string) (away [5]int) {
	t.Helper()
	order := map[string]string{"AV": "NALP", "PR": "NLH", "UI": "NPA", "AC": "LH", "AT": "NP", "VC": "HLN", "VI": "HLN", "VA": "HLN", "SC": "HLN", "SI": "SHLN", "SA": "SHLN",
		"CR": "HML", "IR": "HML", "AR": "HML"}
	groups := [][]string{{"AV", "PR", "UI"}, {"AC", "AT"}, {"VC", "VI", "VA", "CR", "IR", "AR"}, {"SC", "SI", "SA"}}
	for i, composed := range [][]string{c.composed(t, "eq1", eq[0]), c.composed(t, "eq2", eq[1]), c.composed(t, "eq3", eq[2], eq[5]), c.composed(t, "eq4", eq[3])} {
		for _, gravest := range composed {
			g := metricsOf("/" + strings.TrimSuffix(gravest, "/"))
			steps, fits := 0, true
			for _, name := range groups[i] {
				n := strings.Index(order[name], get(name)) - strings.Index(order[name], g[name])
				fits = fits && n >= 0
				steps += n
			}
			if fits {
				away[i] = steps
				break
			}
		}
	}
	return away
}
