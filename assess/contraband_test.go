package assess_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/hardening"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/secret"
	"tidewaiter/vex"
)

func placed(path string, layer int) inventory.Place {
	return inventory.Place{Path: path, Layer: &layer, Instruction: "COPY . /", Origin: inventory.OfApp}
}

// hit gives the image a file that a rule holds to be malware.
func hit(rule, path string, severity match.Level, change ...func(*malware.Hit)) func(s *assess.Subject) {
	return func(s *assess.Subject) {
		h := malware.Hit{ID: "malware:" + rule, Engine: malware.Builtin, Rule: rule, Title: rule, Severity: severity, Place: placed(path, 1)}
		for _, c := range change {
			c(&h)
		}
		s.Malware.Hits = append(s.Malware.Hits, h)
	}
}

func leak(rule, path string, severity match.Level) func(s *assess.Subject) {
	return func(s *assess.Subject) {
		s.Secrets.Found = append(s.Secrets.Found, secret.Secret{ID: "secret:" + rule, Rule: rule, Title: rule, Severity: severity, In: secret.InFile, Place: placed(path, 1)})
	}
}

func unsearched(by string) func(s *assess.Subject) {
	return func(s *assess.Subject) {
		s.BlindSpots = append(s.BlindSpots, image.BlindSpot{Kind: image.Unsearched, By: by, Message: "3 files were not looked at"})
	}
}

func hidden(h *malware.Hit) { h.Hidden = &inventory.HiddenBy{Layer: 2, How: inventory.Deleted} }

func hushed(h *malware.Hit) { h.Quieted = &match.Quieted{By: "package-owned"} }

func TestGoalsOfContraband(t *testing.T) {
	noMalware, noSecrets := assess.Goals{Malicious: &assess.Plain{}}, assess.Goals{Secrets: &assess.SecretsGoal{}}
	custom := func(expression string) assess.Goals {
		return assess.Goals{Custom: []assess.Custom{{Name: "no-tmp", Expression: expression, Message: "leave it out"}}}
	}
	program := func(s *assess.Subject) {
		s.Files.Placed = append(s.Files.Placed, assess.PlacedFile{Path: "usr/local/bin/start", Layer: 1, Program: true, Unexplained: true})
	}
	for _, tt := range []struct {
		name  string
		goal  string
		goals assess.Goals
		image *assess.Subject
		want  assess.Verdict
		says  string // is in the reason, or in the step
	}{
		{"a file of malware", "malicious", noMalware, shop(hit("miner", "tmp/x", match.High)), assess.Fail, "1 malicious: miner in /tmp/x"},
		{"one that a later layer hides", "malicious", noMalware, shop(hit("miner", "tmp/x", match.High, hidden)), assess.Fail, "miner in /tmp/x (hidden in layer 1)"},
		{"one of which two rules speak", "malicious", noMalware, shop(hit("miner", "tmp/x", match.High), hit("packed", "tmp/x", match.Critical)), assess.Fail, "1 malicious: packed in /tmp/x"},
		{"one that nobody has rated", "malicious", noMalware, shop(hit("theirs", "tmp/x", match.Unknown)), assess.Fail, "theirs in /tmp/x"},
		{"what only looks odd", "malicious", noMalware, shop(hit("odd-name", "tmp/x", match.Medium)), assess.Pass, "nothing malicious; 1 of severity under high"},
		{"a quieted one", "malicious", noMalware, shop(hit("miner", "tmp/x", match.High, hushed)), assess.Pass, "nothing malicious"},
		{"a file and a package", "malicious", noMalware, shop(hit("miner", "tmp/x", match.High), with(vulnerable(func(f *match.Finding) { f.ID, f.Malicious = "MAL-1", true }))),
			assess.Fail, "2 malicious: MAL-1 in lodash, miner in /tmp/x"},
		{"a file, and no advisories", "malicious", noMalware, shop(hit("miner", "tmp/x", match.High), func(s *assess.Subject) { s.Data = nil }), assess.Fail, "1 malicious"},
		{"files that were not searched", "malicious", noMalware, shop(func(s *assess.Subject) { s.Malware, s.Image.Layers = nil, []assess.Layer{{}} }), assess.Unknown, "the files were not searched for malware"},
		{"a list of packages", "malicious", noMalware, shop(func(s *assess.Subject) { s.Malware = nil }), assess.Pass, "there were no files to search"},
		{"an engine that did not answer", "malicious", noMalware, shop(unsearched(malware.ClamAV)), assess.Unknown, "3 files were not looked at"},
		{"a detector of secrets that did not", "malicious", noMalware, shop(unsearched(secret.Sink)), assess.Pass, ""},

		{"a secret", "secrets", noSecrets, shop(leak("npm-token", "root/.npmrc", match.High)), assess.Fail, "1 secret: npm-token in /root/.npmrc"},
		{"one that nobody has rated", "secrets", noSecrets, shop(leak("npm-token", "root/.npmrc", match.Unknown)), assess.Fail, "npm-token"},
		{"a light one", "secrets", noSecrets, shop(leak("password-hash", "etc/x", match.Low)), assess.Pass, "no secret was found; 1 of severity under medium"},
		{"a light one, where that counts", "secrets", assess.Goals{Secrets: &assess.SecretsGoal{Severity: match.Low}}, shop(leak("password-hash", "etc/x", match.Low)), assess.Fail, "1 secret"},
		{"files that were not searched for secrets", "secrets", noSecrets, shop(unsearched(secret.Sink)), assess.Unknown, ""},
		{"an engine for malware that did not answer", "secrets", noSecrets, shop(unsearched(malware.YARA)), assess.Pass, ""},

		{"a condition about malware", "no-tmp", custom(`!malware.hits.exists(h, h.path.startsWith("tmp/"))`), shop(hit("odd-name", "tmp/x", match.Low)), assess.Fail, "the condition does not hold"},
		{"a condition about secrets of ours", "no-tmp", custom(`!secrets.found.exists(s, !has(s.quieted) && s.layer > 0)`), shop(), assess.Pass, ""},
		{"a condition, and an engine that did not answer", "no-tmp", custom(`malware.hits.size() == 0`), shop(unsearched(malware.ClamAV)), assess.Unknown, ""},
		{"a condition about what was not looked for", "no-tmp", custom(`malware.hits.size() == 0`), shop(func(s *assess.Subject) { s.Malware = nil }), assess.Unknown, "no answer"},

		{"a suspected program is explained by no pattern", "executables", assess.Goals{Executables: &assess.Executables{Allow: []string{"/usr/local/*"}}},
			shop(program, hit("miner", "usr/local/bin/start", match.High)), assess.Fail, "/usr/local/bin/start"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := judged(t, tt.goal, tt.goals, tt.image, assess.Options{})
			if r.Verdict != tt.want || !strings.Contains(r.Reason+" "+r.Step, tt.says) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A program that the image starts is explained by that, unless it is held to be malware.
func TestAMinerThatIsTheCommandIsNotExplained(t *testing.T) {
	file := func(path string) inventory.File {
		return inventory.File{Path: path, Layer: 1, Class: inventory.Placed, Owner: -1, Known: -1, Entry: &layer.File{Path: path, Type: layer.Regular, Mode: 0o755, Program: true}}
	}
	trace := &inventory.Trace{Files: []inventory.File{file("opt/miner"), file("opt/shop")}}
	s := shop(hit("miner", "opt/miner", match.High), func(s *assess.Subject) {
		s.Image.Config.Entrypoint, s.Image.Config.Cmd = []string{"/opt/shop"}, []string{"/opt/miner"}
	})
	got := map[string]bool{}
	for _, p := range assess.NewFiles(s, trace).Placed {
		got[p.Path] = p.Unexplained
	}
	if d := cmp.Diff(map[string]bool{"opt/miner": true, "opt/shop": false}, got); d != "" {
		t.Error(d)
	}
}

// Malware and secrets cost, each file or secret once; the steps take them out, first of all, and their gain is what is measured afterwards.
func TestStepsTakeContrabandOut(t *testing.T) {
	env := assess.Environment{Name: "production", Exposure: assess.Open, Impact: assess.MediumImpact, Goals: assess.Goals{Malicious: &assess.Plain{}, Secrets: &assess.SecretsGoal{}}}
	s := shop(with(vulnerable(nil)), hit("miner", "tmp/x", match.High), hit("packed", "tmp/x", match.Medium), hit("miner", "tmp/y", match.High),
		hit("miner", "tmp/z", match.High, hushed), leak("npm-token", "root/.npmrc", match.High), leak("password", "app/.env", match.Medium))
	a := assess.Assess(s, env, assess.Options{Now: today})
	var titles []string
	for _, st := range a.Steps {
		titles = append(titles, st.Title)
	}
	want := []string{"remove malware: /tmp/x and 1 more", "replace the secrets in /root/.npmrc and 1 more", "bump lodash 4.17.15 -> 4.17.21"}
	if d := cmp.Diff(want, titles); d != "" {
		t.Fatal(d)
	}
	first := a.Steps[0]
	if first.Where != "layer 1: COPY . /" || !slices.Equal(first.Closes, []string{"malware:miner"}) {
		t.Errorf("%+v", first)
	}
	for _, g := range a.Goals {
		if g.Name == "malicious" && !strings.HasPrefix(g.Step, first.Title) {
			t.Errorf("the goal does not point to the step: %s", g.Step)
		}
	}
	s.Malware.Hits = slices.DeleteFunc(s.Malware.Hits, func(h malware.Hit) bool { return h.Quieted == nil })
	after := assess.Assess(s, env, assess.Options{Now: today})
	if got := after.Score - a.Score; got <= 0 || got-first.Gain > 0.001 || first.Gain-got > 0.001 {
		t.Errorf("%+.4f was said, %+.4f measured", first.Gain, got)
	}
	if a.Tally.ToAct != after.Tally.ToAct+2 {
		t.Errorf("two files and then none: %+v, %+v", a.Tally, after.Tally)
	}
}

func TestExceptionsQuietContraband(t *testing.T) {
	weak := func(s *assess.Subject) {
		s.Hardening = &hardening.Report{Findings: []hardening.Finding{{ID: "hardening:setuid", Check: "setuid", Severity: match.Medium, Place: inventory.Place{Path: "usr/bin/ping", Owner: "pkg:deb/debian/iputils-ping@3"}}}}
	}
	exception := func(id string, change ...func(e *vex.Exception)) vex.Exception {
		e := vex.Exception{Vulnerabilities: []string{id}, Status: vex.Affected, Owner: "Ann", Reason: "known", End: vex.End{Day: "2027-01-31"}, File: id}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	at := func(path string) func(e *vex.Exception) { return func(e *vex.Exception) { e.Path = path } }
	for _, tt := range []struct {
		name      string
		exception vex.Exception
		quiets    []string
		why       string
	}{
		{"by rule", exception("malware:miner"), []string{"high malware:miner in /tmp/x", "high malware:miner in /tmp/y"}, ""},
		{"by path", exception("malware:miner", at("/tmp/x")), []string{"high malware:miner in /tmp/x"}, ""},
		{"by pattern", exception("secret:npm-token", at("/root/*")), []string{"high secret:npm-token in /root/.npmrc"}, ""},
		{"by package", exception("hardening:setuid", func(e *vex.Exception) { e.Product = vex.Product{{Names: []string{"pkg:deb/debian/iputils-ping"}}} }), []string{"medium hardening:setuid in /usr/bin/ping"}, ""},
		{"for another package", exception("hardening:setuid", func(e *vex.Exception) { e.Product = vex.Product{{Names: []string{"pkg:deb/debian/sudo"}}} }), nil, "the finding is elsewhere: /usr/bin/ping"},
		{"for another path", exception("malware:miner", at("/opt/x")), nil, "the finding is elsewhere: /tmp/x"},
		{"of another rule", exception("malware:web-shell"), nil, "no such finding"},
		{"expired", exception("malware:miner", func(e *vex.Exception) { e.End.Day = "2026-01-01" }), nil, "expired on 2026-01-01"},
		{"not needed", exception("malware:odd"), nil, "the finding is quieted without it: package-owned"},
		{"for another image", exception("malware:miner", func(e *vex.Exception) { e.Image = "other" }), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := shop(hit("miner", "tmp/x", match.High), hit("miner", "tmp/y", match.High), hit("odd", "tmp/z", match.High, hushed), leak("npm-token", "root/.npmrc", match.High), weak)
			earlier := s.Malware
			aboard := match.NewAboard(vex.Image{Name: "shop"}, &inventory.Inventory{})
			unused := s.Except(aboard, match.Exceptions{List: []vex.Exception{tt.exception}, Now: today})
			if d := cmp.Diff(tt.quiets, s.Excepted()); d != "" {
				t.Error(d)
			}
			why := ""
			for _, u := range unused {
				why += u.Why
			}
			if why != tt.why {
				t.Errorf("%q, want %q", why, tt.why)
			}
			if earlier.Hits[0].Quieted != nil {
				t.Error("the report that was given has changed")
			}
			if unused := s.Except(aboard, match.Exceptions{Now: today}); len(unused) > 0 || len(s.Excepted()) > 0 {
				t.Error("without exceptions nothing is excepted")
			}
		})
	}
}

func TestCompareTellsOfContraband(t *testing.T) {
	layers := func(ids ...string) func(s *assess.Subject) {
		return func(s *assess.Subject) {
			for i, id := range ids {
				s.Image.Layers = append(s.Image.Layers, assess.Layer{Index: i, DiffID: id})
			}
		}
	}
	env := assess.Environment{Name: "production", Exposure: assess.Open, Impact: assess.MediumImpact}
	compare := func(from, to *assess.Subject) *assess.Comparison {
		return assess.Compare(assess.Differing{Stages: []assess.Stage{{Subject: from}, {Cause: assess.ByImage, Subject: to}}, Environment: env, Options: assess.Options{Now: today}})
	}
	from := shop(layers("a", "b"), leak("npm-token", "root/.npmrc", match.High))
	c := compare(from, shop(layers("a", "c"), hit("miner", "tmp/x", match.High)))
	if len(c.Contraband) != 2 || c.Contraband[0].Change != assess.Opened || c.Contraband[0].ID != "malware:miner" || c.Contraband[1].Change != assess.Closed {
		t.Errorf("%+v", c.Contraband)
	}
	if !strings.Contains(c.Headline, "1 new malicious file") || !strings.Contains(c.Headline, "1 secret gone") || c.Outcome != assess.Worse {
		t.Errorf("%s: %s", c.Outcome, c.Headline)
	}
	c = compare(from, shop(layers("a", "b"), leak("npm-token", "root/.npmrc", match.High), hit("miner", "tmp/x", match.High)))
	if len(c.Contraband) != 1 || c.Contraband[0].Cause != assess.ByAdvisories {
		t.Errorf("it was there all along, and found now: %+v", c.Contraband)
	}
	unsearched := shop(layers("a"))
	unsearched.Malware = nil
	if c := compare(unsearched, shop(layers("a", "c"), hit("miner", "tmp/x", match.High))); len(c.Contraband) > 0 {
		t.Errorf("nobody looked for malware in the first: %+v", c.Contraband)
	}
}
