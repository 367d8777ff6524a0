package expression_test

import (
	"strings"
	"testing"
	"time"

	"tidewaiter/assess/expression"
)

type level string

type kev struct {
	Added string `json:"added"`
}

type finding struct {
	ID       string    `json:"id"`
	Severity level     `json:"severity"`
	KEV      *kev      `json:"kev,omitempty"`
	Layer    *int      `json:"layer,omitempty"`
	When     time.Time `json:"when,omitzero"`
	Fixed    []string  `json:"fixed,omitempty"`
	Of       *finding  `json:"-"`
	hidden   int
}

func language(t testing.TB) *expression.Language {
	t.Helper()
	l, err := expression.New(map[string]any{"findings": []finding{}, "one": &finding{}, "now": time.Time{}, "name": "", "config": (*kev)(nil)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func values(n int) map[string]any {
	findings := []finding{{ID: "CVE-1", Severity: "high", KEV: &kev{Added: "2026-01-02"}, hidden: 1}, {ID: "CVE-2", Fixed: []string{"2"}}}
	for len(findings) < n {
		findings = append(findings, finding{ID: "CVE-3"})
	}
	var none *kev
	return map[string]any{"findings": findings, "one": &findings[0], "now": time.Date(2026, 8, 22, 0, 0, 0, 0, time.UTC), "name": "shop", "config": none}
}

func TestConditions(t *testing.T) {
	l := language(t)
	for text, want := range map[string]bool{
		`findings.exists(f, f.severity == "high")`:                    true,
		`findings.all(f, has(f.kev))`:                                 false,
		`findings.filter(f, f.kev.added > "2026-01-01").size() == 1`:  true,
		`findings[1].kev.added == ""`:                                 true,
		`has(one.layer)`:                                              false,
		`one.fixed.size() > 0 || name.startsWith("sh")`:               true,
		`now - timestamp("2026-08-01T00:00:00Z") < duration("720h")`:  true,
		`findings.exists_one(f, f.id.matches("^CVE-[2]$"))`:           true,
		`{"a": 1}.size() == 1 && "CVE-1" in findings.map(f, f.id)`:    true,
		`findings.map(f, f.id).filter(i, i in ["CVE-1"]).size() == 1`: true,
	} {
		e, err := l.Compile(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := e.Holds(values(2)); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	l := language(t)
	for text, want := range map[string]string{
		`findings.exists(f, f.sverity == "high")`:   `line 1, column 21: there is no field "sverity": did you mean "severity"?`,
		"findings.size() == 0 &&\n finding == null": `line 2, column 2: there is no variable "finding": did you mean "findings"?`,
		`findings.exists(f, f.of.id == "")`:         `line 1, column 21: there is no field "of"`,
		`findings.exists(f, f.hidden == 1)`:         `there is no field "hidden"`,
		`findings.exists(f, f.id == 3)`:             `line 1, column 25: found no matching overload for '_==_' applied to '(string, int)'`,
		`findings.size()`:                           `it gives a int: a condition is true or false`,
		`findings[`:                                 `line 1, column 10: Syntax error: mismatched input '<EOF>'`,
		``:                                          `Syntax error`,
		strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200): `recursion`,
		`"` + strings.Repeat("a", 9000) + `" == ""`:                  `it has more than 8192 characters`,
	} {
		_, err := l.Compile(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s: %v, want %s", text, err, want)
		}
	}
}

// What costs too much ends, and what has no answer says why.
func TestEveryExpressionEnds(t *testing.T) {
	l := language(t)
	for text, want := range map[string]string{
		`findings.all(a, findings.all(b, findings.all(c, findings.all(d, a.id + b.id + c.id + d.id != ""))))`:     "limit exceeded",
		`findings.map(a, findings.map(b, findings.map(c, a))).size() > 0`:                                         "limit exceeded",
		`[1].map(a, [name, name, name, name].map(b, findings.map(c, findings.map(d, b + b + b + b)))).size() > 0`: "limit exceeded",
		`findings.all(f, f.id.matches("(a{100}){100}"))`:                                                          "regex",
		`findings[99999].id == ""`:          "index",
		`1 / findings[0].fixed.size() == 1`: "division by zero",
		`dyn("text")`:                       "it gives a string",
	} {
		e, err := l.Compile(text)
		if err == nil {
			_, err = e.Holds(values(1000))
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestWhatAnExpressionUses(t *testing.T) {
	e, err := language(t).Compile(`findings.exists(f, f.id == name)`)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Uses("findings") || !e.Uses("name") || e.Uses("one") {
		t.Errorf("%+v", e)
	}
}
