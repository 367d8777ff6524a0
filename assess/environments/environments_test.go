package environments_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/match"
	"tidewaiter/trust"
)

const day = 24 * time.Hour

func parse(t *testing.T, text string) *environments.Settings {
	t.Helper()
	s, err := environments.Parse("tidewaiter.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func environment(t *testing.T, s *environments.Settings, name string) assess.Environment {
	t.Helper()
	env, ok := s.Environment(name)
	if !ok {
		t.Fatalf("no environment %s: %v", name, s.Names())
	}
	return env
}

func TestWithoutAFileTheBuiltInEnvironmentsHold(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n", "version: 1\n", "environments:\n", "environments:\n  production:\n"} {
		s := parse(t, text)
		if d := cmp.Diff(assess.BuiltIn(), s.Environments); d != "" || s.Default != "production" {
			t.Errorf("%q: default %s, %s", text, s.Default, d)
		}
	}
}

func TestAllThatAnEnvironmentCanSay(t *testing.T) {
	s := parse(t, `
environments:
  edge:
    exposure: controlled
    impact: very high
    confidentiality: low
    integrity: medium
    availability: high
    controls: [waf, seccomp]
    images: ["ghcr.io/acme/*", "shop:2.*"]
    labels: {tier: 1, team: web}
    deadlines: {immediate: 36h, out-of-cycle: 7d}
    target: 92.5
    unknown: pass
    exceptions: {approver: true, longest: 90d}
    goals:
      malicious: off
      exploited: {grace: 3d, fixable-only: true}
      high-profile: {ids: [CVE-2021-44228]}
      priority: {priority: scheduled}
      overdue: {priority: defer}
      fixable: {grace: {critical: 7d, high: 30d}}
      end-of-life: {severity: low}
      base: {approved: ["debian:*"], up-to-date: true, max-age: 60d}
      licenses: {allow: [MIT, Apache-2.0, "GPL-* WITH Classpath-exception-2.0"], deny: [AGPL-*], origin: app, except: [pkg:npm/left-pad], unknown: pass}
      non-root: on
      executables: {allow: [/opt/tools/*]}
      secrets: true
      attestations: [{predicate: slsaprovenance1, identities: ["https://github.com/acme/*"]}]
      provenance: {builders: ["https://github.com/acme/*"], sources: ["github.com/acme/*"], signers: [release], mode: max, inputs: pinned, allow: [network], max-age: 90d, unverified: fail}
      data-age: {max: 36h}
      score: {min: 60}
      custom: [{name: small, expression: "packages.size() < 500", message: use a smaller base}]
`)
	want := assess.Environment{
		Name: "edge", Exposure: assess.Controlled, Impact: assess.VeryHighImpact,
		Confidentiality: assess.LowNeed, Integrity: assess.MediumNeed, Availability: assess.HighNeed, Controls: []assess.Control{"waf", "seccomp"},
		Images: []string{"ghcr.io/acme/*", "shop:2.*"}, Labels: map[string]string{"tier": "1", "team": "web"},
		Deadlines: assess.Deadlines{match.Immediate: 36 * time.Hour, match.OutOfCycle: 7 * day}, Target: 92.5, Unknown: assess.UnknownPasses,
		Exceptions: assess.ExceptionRules{Approver: true, Longest: 90 * day},
		Goals: assess.Goals{
			Exploited: &assess.Exploited{Grace: 3 * day, FixableOnly: true}, HighProfile: &assess.HighProfile{IDs: []string{"CVE-2021-44228"}},
			Priority: &assess.AtPriority{Priority: match.Scheduled}, Overdue: &assess.AtPriority{Priority: match.Defer},
			Fixable:   &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 7 * day, match.High: 30 * day}},
			EndOfLife: &assess.EndOfLife{Severity: match.Low}, Base: &assess.BaseGoal{Approved: []string{"debian:*"}, UpToDate: true, MaxAge: 60 * day},
			Licenses: &assess.Licenses{Allow: []string{"MIT", "Apache-2.0", "GPL-* WITH Classpath-exception-2.0"}, Deny: []string{"AGPL-*"},
				Origin: "app", Except: []string{"pkg:npm/left-pad"}, Unknown: "pass"},
			NonRoot: &assess.Plain{}, Executables: &assess.Executables{Allow: []string{"/opt/tools/*"}}, Secrets: &assess.SecretsGoal{Severity: match.Medium},
			Attestations: []assess.Attestation{{Predicate: "slsaprovenance1", Identities: []string{"https://github.com/acme/*"}}},
			Provenance: &assess.ProvenanceGoal{Builders: []string{"https://github.com/acme/*"}, Sources: []string{"github.com/acme/*"}, Signers: []string{"release"},
				Mode: "max", Inputs: "pinned", Allow: []string{"network"}, MaxAge: 90 * day, Unverified: "fail"},
			DataAge: &assess.DataAge{Max: 36 * time.Hour}, Score: &assess.MinimumScore{Min: 60},
			Custom: []assess.Custom{{Name: "small", Expression: "packages.size() < 500", Message: "use a smaller base"}},
		},
	}
	if d := cmp.Diff(want, environment(t, s, "edge")); d != "" {
		t.Error(d)
	}
}

func TestEnvironmentsStartFromOthers(t *testing.T) {
	s := parse(t, `
environments:
  production: {impact: very high, images: [shop], goals: {exploited: {grace: 2d}}}
  eu: {like: production, goals: {exploited: {fixable-only: true}, non-root: on}}
  us: {like: eu, goals: {exploited: off}}
  other: {exposure: small}
  lab: {like: development}
`)
	if d := cmp.Diff([]string{"production", "staging", "development", "eu", "lab", "other", "us"}, s.Names()); d != "" {
		t.Error(d)
	}
	eu, us := environment(t, s, "eu"), environment(t, s, "us")
	if eu.Impact != assess.VeryHighImpact || eu.Images != nil {
		t.Errorf("all but the images: %+v", eu)
	}
	if d := cmp.Diff(&assess.Exploited{Grace: 2 * day, FixableOnly: true}, eu.Goals.Exploited); d != "" {
		t.Error("what is not named stays: ", d)
	}
	if got := environment(t, s, "production").Goals.Exploited; got.FixableOnly {
		t.Error("what starts from an environment changes it")
	}
	if us.Goals.Exploited != nil || us.Goals.NonRoot == nil || us.Goals.DataAge == nil {
		t.Errorf("%+v", us.Goals)
	}
	other := environment(t, s, "other")
	if other.Impact != assess.HighImpact || other.Goals.Exploited == nil || other.Goals.Exploited.Grace != 0 {
		t.Errorf("without like it is the built-in production: %+v", other)
	}
	if lab := environment(t, s, "lab"); lab.Exposure != assess.Small {
		t.Errorf("%+v", lab)
	}
}

func TestGoalsThatAreSwitchedOn(t *testing.T) {
	s := parse(t, "environments: {lab: {like: development, goals: {fixable: on, overdue: true, base: on, end-of-life: {}, exploited: on}}}")
	g := environment(t, s, "lab").Goals
	want := assess.Goals{
		Malicious: &assess.Plain{}, Exploited: &assess.Exploited{}, Overdue: &assess.AtPriority{Priority: match.OutOfCycle},
		Fixable:   &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 30 * day, match.High: 90 * day}},
		EndOfLife: &assess.EndOfLife{Severity: match.High}, Base: &assess.BaseGoal{UpToDate: true}, DataAge: &assess.DataAge{Max: 30 * day},
	}
	if d := cmp.Diff(want, g); d != "" {
		t.Error(d)
	}
}

func TestSettingsBesidesEnvironments(t *testing.T) {
	s, err := environments.Parse(filepath.Join("deploy", "tidewaiter.yaml"), []byte(`
version: 1
default: staging
bindings: [{images: [intranet], labels: {internal: ""}, exposure: controlled, reason: no login}]
trust:
  - {name: release, key: keys/release.pub, images: ["ghcr.io/acme/*"], predicates: [slsaprovenance, signature]}
  - {identity: "https://github.com/acme/*", issuer: https://token.actions.githubusercontent.com}
  - {identity: "*@acme.example", authority: /pki/ca.pem}
trusted-root: [root.json]
rules: {not-reached: off, no-code: lower}
exceptions: ../.openvex
vex: [a.json, /b]
max-data-age: 36h
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &environments.Settings{
		File: filepath.Join("deploy", "tidewaiter.yaml"), Default: "staging", Environments: assess.BuiltIn(),
		Bindings: []assess.Binding{{Images: []string{"intranet"}, Labels: map[string]string{"internal": ""}, Exposure: assess.Controlled, Reason: "no login"}},
		Trust: []trust.Rule{
			{Name: "release", Key: filepath.Join("deploy", "keys", "release.pub"), Images: []string{"ghcr.io/acme/*"}, Predicates: []string{"slsaprovenance", "signature"}},
			{Identity: "https://github.com/acme/*", Issuer: "https://token.actions.githubusercontent.com"},
			{Identity: "*@acme.example", Authority: "/pki/ca.pem"},
		},
		Rules: match.Settings{"not-reached": match.Off, "no-code": match.Lower},
		Flags: map[string][]string{"exceptions": {".openvex"}, "vex": {filepath.Join("deploy", "a.json"), "/b"}, "max-data-age": {"36h"}, "trusted-root": {filepath.Join("deploy", "root.json")}},
	}
	if d := cmp.Diff(want, s, cmpopts.IgnoreFields(environments.Settings{}, "Origins")); d != "" {
		t.Error(d)
	}
	if got := s.Origin("rules.no-code"); got != "deploy/tidewaiter.yaml:10" {
		t.Error(got)
	}
}

// wrong is a file with a mistake, and what is said of it, without the file's name.
type wrong struct {
	text, want string
	// beyond says that a schema cannot know it.
	beyond bool
}

func mistakes() []wrong {
	return []wrong{
		{"trust:\n  - images: [a]\n", "2: trust[0]: names no signer: write key, or identity with issuer or authority", false},
		{"trust:\n  - {key: a.pub, identity: b, issuer: c}\n", "2: trust[0]: names a key and an identity: write two entries, one for each", false},
		{"trust:\n  - {key: a.pub, issuer: c}\n", "2: trust[0]: issuer and authority go with an identity, not with a key", false},
		{"trust:\n  - {identity: a}\n", "2: trust[0]: says who signs and not who vouches for that: write issuer (of sigstore's certificates) or authority", false},
		{"trust:\n  - {kye: a}\n", `2: trust[0]: there is no "kye": did you mean "key"?`, false},
		{"environments:\n  production:\n    exposure: opne\n", `3: environments.production.exposure: "opne" is none of small, controlled, open: did you mean "open"?`, false},
		{"enviroments: {}\n", `1: there is no "enviroments": did you mean "environments"?`, false},                                                                       //nolint:misspell // meant
		{"environments:\n  production:\n    goals:\n      exploted: on\n", `4: environments.production.goals: there is no "exploted": did you mean "exploited"?`, false}, //nolint:misspell // meant
		{"environments: {production: {goals: {exploited: {grce: 3d}}}}", `1: environments.production.goals.exploited: there is no "grce": did you mean "grace"?`, false},
		{"environments: {production: {goals: {exploited: yes}}}",
			`1: environments.production.goals.exploited: "yes" is neither on nor off: write one of them, or the goal's parameters under it`, false},
		{"environments: {production: {goals: {malicious: {a: b}}}}", "1: environments.production.goals.malicious: has no parameters: write on or off", false},
		{"environments: {production: {goals: {malicious: }}}", "1: environments.production.goals.malicious: has no value: write on, off, or its parameters under it", false},
		{"environments: {production: {goals: {score: on}}}", "1: environments.production.goals.score: on is not enough: it needs min", true},
		{"environments: {production: {goals: {high-profile: {}}}}", "1: environments.production.goals.high-profile: ids is missing", true},
		{"environments: {production: {goals: {licenses: {origin: app}}}}", "1: environments.production.goals.licenses: it needs allow or deny", true},
		{"environments: {production: {goals: {licenses: {deny: [GPL2]}}}}",
			`1: environments.production.goals.licenses.deny[0]: "GPL2" is no SPDX licence identifier: https://spdx.org/licenses lists them`, true},
		{"environments: {production: {goals: {licenses: {deny: ['(']}}}}",
			`1: environments.production.goals.licenses.deny[0]: "(" is no SPDX licence identifier: https://spdx.org/licenses lists them`, true},
		{"environments: {production: {goals: {custom: [{name: a}]}}}", "1: environments.production.goals.custom[0]: expression is missing", false},
		{"environments: {production: {goals: {custom: [{name: secrets, expression: 'true'}]}}}",
			`1: environments.production.goals.custom[0].name: "secrets" is a goal that there is already: choose another name`, true},
		{"environments: {production: {goals: {custom: [{name: a, expression: 'true'}, {name: a, expression: 'true'}]}}}",
			`1: environments.production.goals.custom[1]: there is a goal "a" before this one already`, true},
		{"environments: {production: {goals: {custom: [{name: a, expression: 'findngs.size() == 0'}]}}}",
			`1: environments.production.goals.custom[0].expression: line 1, column 1: there is no variable "findngs": did you mean "findings"?`, true},
		{"environments: {production: {target: 120}}", `1: environments.production.target: "120" is no number from 0 to 100`, false},
		{"environments: {production: {target: .nan}}", `1: environments.production.target: ".nan" is no number from 0 to 100`, true},
		{"environments: {production: {exceptions: {approver: yes}}}", `1: environments.production.exceptions.approver: "yes" is neither true nor false`, false},
		{"environments: {production: {exceptions: {longest: 3}}}", `1: environments.production.exceptions.longest: "3" is no time: write days or hours, as 7d or 36h`, false},
		{"environments: {production: {exceptions: {longest: -3d}}}", `1: environments.production.exceptions.longest: "-3d" is no time: write days or hours, as 7d or 36h`, false},
		{"environments: {production: {exceptions: {longest: 99999999h}}}", `1: environments.production.exceptions.longest: "99999999h" is no time: write days or hours, as 7d or 36h`, true},
		{"environments: {production: {deadlines: cisa}}", `1: environments.production.deadlines: "cisa" is not cisa-bod-26-04: write that, or a map like immediate: 3d`, false},
		{"environments: {production: {deadlines: {defer: 3d}}}", `1: environments.production.deadlines: there is no "defer": there are immediate, out-of-cycle, scheduled`, false},
		{"environments: {production: {deadlines: {}}}", "1: environments.production.deadlines: has nothing in it: leave the key out, or write KEY: VALUE lines under it", false},
		{"environments: {production: {images: ghcr.io/acme/*}}", "1: environments.production.images: is a single value where a list belongs: write [ghcr.io/acme/*]", false},
		{"environments: {production: {images: {a: b}}}", "1: environments.production.images: is a map where a list belongs: write one - VALUE line for each", false},
		{"environments: {production: {images: ['shop-[0-9]']}}",
			`1: environments.production.images[0]: "shop-[0-9]" is no pattern: only * (any text) and ? (one character) stand for something else`, false},
		{"environments: {production: {images: ['oci://shop']}}", `1: environments.production.images[0]: "oci://shop" begins with a scheme: leave oci:// out`, false},
		{"environments: [production]\n", "1: environments: is a list where a map belongs: write KEY: VALUE lines under it", false},
		{"environments:\n  production: open\n", "2: environments.production: is a single value where a map belongs: write KEY: VALUE lines under it", false},
		{"environments: {production: {exposure: [open]}}", "1: environments.production.exposure: is a list where one of small, controlled, open belongs", false},
		{"environments: {production: {exposure: }}", "1: environments.production.exposure: has no value: one of small, controlled, open belongs there, or leave the key out", false},
		{"environments:\n  production: {}\n  staging: {}\n  production: {}\n", "4: environments.production: is set a second time; the first is in line 2", true},
		{"environments: {eu prod: {}}", `1: environments: "eu prod" is no name: letters, digits, hyphens and underscores, 63 at most, a letter or digit first`, false},
		{"environments: {prodution: {}}", `1: environments: is "prodution" meant to be production? If it is another environment, say like: production in it`, true},
		{"environments: {lab: {like: stagin}}", `1: environments.lab.like: "stagin" is none of development, production, staging: did you mean "staging"?`, true},
		{"environments: {lab: {like: lab}}",
			"1: environments.lab.like: an environment cannot start from itself; one that is called like a built-in one starts from that without like", true},
		{"environments:\n  a: {like: b}\n  b: {like: c}\n  c: {like: a}\n", "4: environments.c.like: a itself starts from c: like must come to an end", true},
		{"environments: {a: &a {impact: low}, b: {<<: *a}}", "1: environments.b: << merges nothing here: an environment starts from another with like: NAME", true},
		{"version: 2\n", `1: version: "2" is none that this program knows: write 1, or use a newer program`, false},
		{"default: prod\n", `1: default: "prod" is none of development, production, staging`, true},
		{"rules: {notreached: off}\n", `1: rules: there is no "notreached": did you mean "not-reached"?`, false},
		{"rules: {not-reached: of}\n", `1: rules.not-reached: "of" is none of off, lower, quiet: did you mean "off"?`, false},
		{"bindings: [{images: [a]}]\n", "1: bindings[0]: exposure is missing", false},
		{"bindings: [{exposure: controlled}]\n", "1: bindings[0]: names no image: write images or labels", false},
		{"max-data-age: 1w\n", `1: max-data-age: "1w" is no time: write days or hours, as 7d or 36h`, false},
		{"- production\n", "1: is a list where a map belongs: write KEY: VALUE lines under it", false},
		{"production", "1: is a single value where a map belongs: write KEY: VALUE lines under it", false},
		{"environments:\n\tproduction:\n", "2: a tab is in front of the line: YAML is indented with spaces", true},
		{"environments: {\n", "1: is no YAML: did not find expected node content", true},
		{"version: 1\n---\nversion: 1\n", "2: a second document begins: one file describes everything", true},
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for _, tc := range mistakes() {
		_, err := environments.Parse("t", []byte(tc.text))
		if want := "t:" + tc.want; err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", tc.text, err, want)
		}
	}
}

func TestAllMistakesAreToldOfManyTheFirst(t *testing.T) {
	text := "environments:\n  production:\n" + strings.Repeat("    x: y\n", 30)
	_, err := environments.Parse("t", []byte(text))
	var mistakes environments.Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) != 11 || mistakes[10].Error() != "t: and 20 more mistakes" {
		t.Errorf("%v", err)
	}
	for i, m := range mistakes[:10] {
		if m.Line != 3+i {
			t.Errorf("%d: %v", i, m)
		}
	}
}

// An alias may stand for a list of aliases, and for what it is in itself.
func TestAliasesCannotBeUsedToWearUsOut(t *testing.T) {
	bomb := "vex: [&a [x,x,x,x,x,x,x,x,x,x]"
	for i := range 8 {
		bomb += ", &" + string(rune('b'+i)) + " [" + strings.Repeat("*"+string(rune('a'+i))+",", 10) + "]"
	}
	for name, text := range map[string]string{"bomb": bomb + "]\n", "circle": "environments:\n  x: &x\n    goals: *x\n", "list": "vex: &v [*v, *v, *v]"} {
		start := time.Now()
		if _, err := environments.Parse("t", []byte(text)); err == nil || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
	}
	s := parse(t, "environments: {a: {controls: &c [waf]}, b: {controls: *c}}")
	if got := environment(t, s, "b").Controls; len(got) != 1 {
		t.Errorf("a plain alias: %v", got)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	if _, err := environments.Load(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := environments.Load(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
	for name, tc := range map[string]struct{ content, want string }{
		"large":  {strings.Repeat("#", 1<<20+1), "larger than 1 MiB"},
		"binary": {"\x00\x01", "no text in UTF-8"},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := environments.Load(file); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhereValuesAreFrom(t *testing.T) {
	s := parse(t, "environments:\n  production:\n    impact: low\n    goals:\n      exploited: off\n      data-age:\n        max: 3d\n  eu:\n    like: production\n    target: 50\n")
	want := map[string]string{
		"exposure": "open, built-in (production)", "impact": "low, tidewaiter.yaml:3", "target": "50, tidewaiter.yaml:10", "deadlines": "cisa-bod-26-04, built-in (production)",
		"goals.exploited": "off, tidewaiter.yaml:5", "goals.data-age.max": "3d, tidewaiter.yaml:7", "goals.base": "off, built-in (production)",
		"goals.malicious": "on, built-in (production)",
	}
	got := map[string]string{}
	for _, v := range s.Effective(environment(t, s, "eu")) {
		if want[v.Name] != "" {
			got[v.Name] = v.String() + ", " + v.From
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// again reads the effective values of all environments as a file.
func again(s *environments.Settings) (*environments.Settings, error) {
	all := map[string]any{}
	for _, env := range s.Environments {
		all[env.Name] = environments.Tree(s.Effective(env))
	}
	text, err := json.Marshal(map[string]any{"environments": all})
	if err != nil {
		return nil, err
	}
	return environments.Parse("again", text)
}

// FuzzParse holds that no content makes the reader fail in another way than by mistakes, and that effective values are a file that says the same.
func FuzzParse(f *testing.F) {
	f.Add(environments.Example())
	f.Add([]byte("environments: {a: {like: staging, goals: {custom: [{name: x, expression: 'true'}]}}}"))
	f.Add([]byte("environments: {a: &x {like: b}, b: *x}\nvex: [a]\nrules: {no-code: off}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := environments.Parse("t", text)
		if err != nil {
			var mistakes environments.Mistakes
			if !errors.As(err, &mistakes) || len(mistakes) == 0 {
				t.Errorf("no mistake is named: %v", err)
			}
			return
		}
		second, err := again(s)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s.Environments, second.Environments, cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
	})
}
