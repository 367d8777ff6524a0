package environments_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
)

func TestHardeningIsReadCheckByCheck(t *testing.T) {
	s := parse(t, `environments:
  production:
    goals:
      hardening:
        setuid: {allow: ["/usr/bin/su"]}
        shell: on
  strict:
    like: production
    goals:
      hardening: {shell: off, healthcheck: on, setuid: {allow: ["/usr/bin/su", "/usr/bin/mount"]}}
  easy:
    like: production
    goals: {hardening: off}
  same:
    like: production
    goals: {hardening: on}
`)
	for name, want := range map[string]assess.Hardening{
		"production": {"setuid": {Allow: []string{"/usr/bin/su"}}, "shell": {}},
		"strict":     {"setuid": {Allow: []string{"/usr/bin/su", "/usr/bin/mount"}}, "healthcheck": {}},
		"easy":       nil,
		"same":       {"setuid": {Allow: []string{"/usr/bin/su"}}, "shell": {}}, // on keeps what is set already
	} {
		if d := cmp.Diff(want, environment(t, s, name).Goals.Hardening); d != "" {
			t.Error(name, d)
		}
	}
	values := map[string]string{}
	for _, v := range s.Effective(environment(t, s, "strict")) {
		if strings.HasPrefix(v.Name, "goals.hardening") {
			values[v.Name] = v.String() + " " + v.From
		}
	}
	want := map[string]string{"goals.hardening.healthcheck": "on t:10", "goals.hardening.setuid.allow": "/usr/bin/su, /usr/bin/mount t:10"}
	for k, v := range want {
		if got := values[k]; !strings.HasPrefix(got, strings.Fields(v)[0]) || !strings.HasSuffix(got, ":10") {
			t.Errorf("%s: %q", k, got)
		}
	}
	if len(values) != len(want) {
		t.Error(values)
	}
}

func TestHardeningOnStandsForTheUsualChecks(t *testing.T) {
	s := parse(t, "environments: {production: {goals: {hardening: on}}}")
	if d := cmp.Diff(assess.UsualHardening(), environment(t, s, "production").Goals.Hardening); d != "" {
		t.Error(d)
	}
}

func TestMistakesInHardening(t *testing.T) {
	for text, want := range map[string]string{
		"{setuids: on}":            `did you mean "setuid"`,
		"{setuid: maybe}":          "neither on nor off",
		"{setuid: }":               "has no value",
		"{setuid: {allowed: [a]}}": `did you mean "allow"`,
		"{setuid: {allow: /a}}":    "write [/a]",
		"perhaps":                  "neither on nor off",
		"":                         "has no value",
		"[setuid]":                 "where a map belongs",
	} {
		_, err := environments.Parse("t", []byte("environments: {production: {goals: {hardening: "+text+"}}}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
