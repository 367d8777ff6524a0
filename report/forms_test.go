package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/malware"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/secret"
	"tidewaiter/vex"
)

// gated is a shop that was held against goals, built from a Dockerfile of which the lines are known. What an environment decides
// stands here in words, so that these tests are about showing it.
func gated() *report.Report {
	r := shop()
	r.Image.Layers[1].DockerfileLine, r.Image.Base.DockerfileLine = 7, 1
	r.Image.Labels = map[string]string{"org.opencontainers.image.source": "https://example.test/acme/shop", "org.opencontainers.image.revision": "9f3c1e2"}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Priority, f.Due, f.Environmental, f.Overdue = match.Defer, "", nil, false
		switch f.ID {
		case "MAL-2025-1":
			f.Priority = match.Immediate
		case "CVE-2025-9230":
			f.Priority, f.Due, f.Overdue = match.Immediate, "2026-01-22", true
		case "CVE-2021-23337":
			f.Priority, f.Due = match.Scheduled, "2026-12-31"
			f.CVSS = []match.CVSS{{Vector: "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H", Score: 7.2, Source: "NVD"}}
			f.Environmental = &match.CVSS{Vector: "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H/CR:H/IR:H/AR:M", Score: 7.4}
		case "CVE-2022-25883":
			f.Quieted.Until = "2027-01-01"
		}
	}
	r.Assessment = &assess.Assessment{Environment: "production", Exposure: assess.Open, Score: 41.5, Grade: "E", Goal: 85, Verdict: assess.Fail,
		Goals: []assess.GoalResult{
			{Name: "malicious", Verdict: assess.Fail, Reason: "1 malicious package", Step: "remove event-stream-pro", Findings: []string{"MAL-2025-1"}},
			{Name: "exploited", Verdict: assess.Unknown, Reason: "the catalog is 7 months old"},
			{Name: "non-root", Verdict: assess.Pass, Reason: "the user is node"},
		},
		Steps: []assess.Step{}}
	return r
}

// formOf writes a report in one form.
func formOf(t testing.TB, name string, r *report.Report, o report.Options) []byte {
	t.Helper()
	forms := report.Forms()
	i := slices.IndexFunc(forms, func(f report.Form) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("there is no form %s", name)
	}
	var b bytes.Buffer
	if err := forms[i].Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func scanned() time.Time { return time.Date(2026, 11, 2, 12, 30, 0, 0, time.UTC) }

func TestFormsGolden(t *testing.T) {
	example, err := os.ReadFile(filepath.Join("..", "docs", "example.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.NewTemplate("example.tmpl", string(example))
	if err != nil {
		t.Fatal(err)
	}
	for form, name := range map[string]string{"sarif": "shop.sarif", "gitlab": "shop.gitlab.json", "junit": "shop.junit.xml", "github": "shop.github.txt",
		"csv": "shop.csv", "openvex": "shop.openvex.json", "vulns": "shop.vulns.json", "template": "shop.template.txt"} {
		got := formOf(t, form, gated(), report.Options{Now: scanned(), Template: text})
		golden(t, name, got)
	}
}

// hostile has in every text what some reader would obey.
func hostile() *report.Report {
	r := smuggler()
	text := "=cmd|'/C calc'!A0\n::error::owned\r\n::set-output name=x::y\x1b[2J</testcase><script>alert(1)</script>]]>&#0;\u202e| `x` [a](http://evil.test) %0A @everyone \x00"
	r.Image.Reference, r.Image.Digest, r.Image.Platform = text, text, text
	r.Image.Labels = map[string]string{"org.opencontainers.image.source": "javascript:alert(1)//" + text}
	r.BlindSpots = append(r.BlindSpots, image.BlindSpot{Kind: image.UnreadableFile, Where: text, Message: text})
	for i := range r.Packages {
		p := &r.Packages[i]
		p.Name, p.Version, p.Paths, p.Instruction = "@"+text, "-"+text, []string{"../../" + text}, text
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Title, f.Fixed, f.Instruction, f.Paths, f.Aliases = text, []string{text}, text, []string{text}, []string{text}
		f.Evidence.Compared = text
		if f.Quieted != nil {
			f.Quieted = &match.Quieted{By: text, Reason: text, Until: text}
		}
	}
	r.Findings[1].ID = text
	layer := 1
	place := inventory.Place{Path: text, Layer: &layer, Instruction: text, Owner: text, Hidden: &inventory.HiddenBy{Layer: 1, Instruction: text, How: inventory.Hiding(text)}}
	for i := range r.Malware.Engines {
		r.Malware.Engines[i] = malware.Engine{Name: text, Version: text, Rules: []malware.RuleSet{{Name: text, Version: text, Date: text}}}
	}
	for i := range r.Malware.Hits {
		h := &r.Malware.Hits[i]
		h.ID, h.Engine, h.Rule, h.Title, h.Place, h.Inside, h.Evidence, h.Why, h.Mend = text, text, text, text, place, text, text, text, text
		h.Severity = match.Level(text)
	}
	for i := range r.Secrets.Found {
		s := &r.Secrets.Found[i]
		s.ID, s.Rule, s.Title, s.In, s.Name, s.Redacted, s.Extract, s.Check, s.Why, s.Mend = text, text, text, secret.In(text), text, text, text, secret.Check(text), text, text
		s.Also = []inventory.Place{place}
	}
	for i := range r.Hardening.Findings {
		f := &r.Hardening.Findings[i]
		f.ID, f.Check, f.Title, f.Subject, f.Why, f.Mend = text, text, text, text, text, text
	}
	for i := range r.Assessment.Goals {
		g := &r.Assessment.Goals[i]
		g.Name, g.Reason, g.Step = text, text, text
	}
	return r
}

func empty() *report.Report {
	return newReport(report.Tool{Name: "tidewaiter"}, &image.Image{Reference: "dir:/srv"}, nil, &inventory.Inventory{}, nil, nil, nil)
}

// reports are those that every form is held against.
func reports() map[string]*report.Report {
	return map[string]*report.Report{"shop": shop(), "gated": gated(), "hostile": hostile(), "empty": empty(), "large": large(300), "smuggler": smuggler()}
}

func TestSARIFKeepsToTheSchema(t *testing.T) {
	schema := compile(t, filepath.Join("..", "..", "shared", "conformance", "sarif", "oasis", "sarif-2.1", "schema", "sarif-schema-2.1.0.json"))
	for name, r := range reports() {
		keeps(t, schema, name, formOf(t, "sarif", r, report.Options{}))
	}
}

// The schema in testdata is written after GitLab's own, which is not ours to ship.
func TestGitLabKeepsToTheSchema(t *testing.T) {
	schema := compile(t, filepath.Join("testdata", "gitlab-15.0.4.schema.json"))
	for name, r := range reports() {
		keeps(t, schema, name, formOf(t, "gitlab", r, report.Options{Now: scanned()}))
	}
}

func TestOpenVEXKeepsToTheSchema(t *testing.T) {
	schema := compile(t, filepath.Join("..", "vex", "testdata", "openvex-0.2.0.schema.json"))
	for name, r := range reports() {
		if len(r.Findings) > 0 { // the schema wants a statement at least
			keeps(t, schema, name, formOf(t, "openvex", r, report.Options{Now: scanned()}))
		}
	}
}

// What is said of a finding is what was found: who quieted it says why, and a flag that hides what is of no interest says nothing.
func TestOpenVEXSaysWhyNot(t *testing.T) {
	r := gated()
	for i := range r.Findings {
		f := &r.Findings[i]
		stated := match.Statement{Author: "Ann", Source: "ann.json", Decided: true, Timestamp: scanned()}
		switch f.ID {
		case "CVE-2020-8203":
			f.Quieted = &match.Quieted{By: "--ignore-base", Reason: "it is of the base image"}
		case "CVE-2020-28500":
			f.Quieted = &match.Quieted{By: "go-symbols", Reason: "no such function"}
		case "CVE-2099-1":
			stated.Status, stated.Justification = vex.NotAffected, "inline_mitigations_already_exist"
			f.Quieted, f.Statements = &match.Quieted{By: "vex: Ann", Reason: "not affected"}, []match.Statement{stated}
		case "CVE-2099-2":
			stated.Status = vex.Affected
			f.Quieted, f.Statements = &match.Quieted{By: "Ann", Reason: "nobody comes near", Until: "2027-01-01"}, []match.Statement{stated}
		case "CVE-2026-1111":
			stated.Status = vex.UnderInvestigation
			f.Statements = []match.Statement{stated}
		}
	}
	var doc struct {
		Statements []struct {
			Vulnerability struct{ Name string }
			Status        vex.Status
			Justification string
			Impact        string `json:"impact_statement"`
			Action        string `json:"action_statement"`
		}
	}
	if err := json.Unmarshal(formOf(t, "openvex", r, report.Options{Now: scanned()}), &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range doc.Statements {
		got[s.Vulnerability.Name] = strings.Join([]string{string(s.Status), s.Justification, s.Impact, s.Action}, "|")
	}
	want := map[string]string{
		"CVE-2020-8203":  "affected|||Upgrade lodash 4.17.15 to 4.17.19.",
		"CVE-2020-28500": "not_affected|vulnerable_code_not_present|go-symbols: no such function|",
		"CVE-2021-23337": "affected|||Upgrade lodash 4.17.15 to 4.17.21.",
		"CVE-2022-25883": "not_affected||distribution: Debian:12 installed it as libssl3 3.0.17, and does not report this problem there (until 2027-01-01)|",
		"CVE-2025-9230":  "affected|||Upgrade libssl3 3.0.17-1~deb12u2 to 3.0.17-1~deb12u3.",
		"CVE-2026-1111":  "under_investigation|||",
		"CVE-2099-1":     "not_affected|inline_mitigations_already_exist||",
		"CVE-2099-2":     "affected|||Accepted. Ann: nobody comes near (until 2027-01-01)",
		"MAL-2025-1":     "affected|||Remove event-stream-pro, and change every secret in its reach.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// An empty list of vulnerabilities would say that there are none.
func TestNothingIsStatedOfWhatWasNotMatched(t *testing.T) {
	if err := report.OpenVEX(io.Discard, empty(), report.Options{}); err == nil {
		t.Error("a document was written")
	}
	if err := report.Vulns(io.Discard, empty(), report.Options{}); err == nil {
		t.Error("a predicate was written")
	}
}

func compile(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		t.Skip("no " + file)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func keeps(t *testing.T, s *jsonschema.Schema, name string, doc []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// large is a report of many findings.
func large(n int) *report.Report {
	r := shop()
	p := r.Findings[0].Of
	for i := range n {
		r.Findings = append(r.Findings, match.Finding{ID: fmt.Sprintf("CVE-2024-%05d", i), Package: p.PURL, Of: p, Severity: match.Medium, Title: "a problem",
			Layer: p.Layer, Paths: p.Paths, Status: "affected", Evidence: match.Evidence{Advisory: "DSA-1", Feed: "osv/Debian", Compared: "1 < 2"}})
	}
	return r
}

func BenchmarkForms(b *testing.B) {
	r := large(5000)
	text, err := report.NewTemplate("t", `{{ range sorted .findings }}{{ .id }}{{ end }}`)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range report.Forms() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				if err := f.Write(io.Discard, r, report.Options{Now: scanned(), Template: text}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// junitFile is JUnit's XML as its readers take it: nothing else may stand in it.
type junitFile struct {
	XMLName                 xml.Name `xml:"testsuites"`
	Tests, Failures, Errors int      `xml:",attr"`
	Suites                  []struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Name    string        `xml:"name,attr"`
			Class   string        `xml:"classname,attr"`
			Failure *junitOutcome `xml:"failure"`
			Error   *junitOutcome `xml:"error"`
			Skipped *junitOutcome `xml:"skipped"`
			Out     string        `xml:"system-out"`
			Other   []struct {
				XMLName xml.Name
			} `xml:",any"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitOutcome struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func TestJUnitCountsWhatItHas(t *testing.T) {
	for name, r := range reports() {
		var doc junitFile
		if err := xml.Unmarshal(formOf(t, "junit", r, report.Options{}), &doc); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := doc.Suites[0]
		failures, errs, skipped := 0, 0, 0
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
			if c.Skipped != nil {
				skipped++
			}
			if len(c.Other) > 0 || c.Name == "" || c.Class == "" {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errs || s.Skipped != skipped || s.Tests == 0 {
			t.Errorf("%s: the counts are wrong: %d %d %d %d", name, s.Tests, s.Failures, s.Errors, s.Skipped)
		}
	}
}

func TestJUnitFailsWhatIsToBeActedOn(t *testing.T) {
	var doc junitFile
	if err := xml.Unmarshal(formOf(t, "junit", gated(), report.Options{}), &doc); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range doc.Suites[0].Cases {
		word := "passed"
		switch {
		case c.Failure != nil:
			word = "failed: " + strings.SplitN(c.Failure.Text, "\n", 2)[0]
		case c.Error != nil:
			word = "unknown"
		case c.Skipped != nil:
			word = "skipped"
		}
		got[c.Class+" "+c.Name] = word
	}
	want := map[string]string{
		"scan the image was held against advisory data": "passed",
		"goals malicious": "failed: remove event-stream-pro", "goals exploited": "unknown", "goals non-root": "passed",
		"packages.deb libssl3": "failed: Upgrade libssl3 3.0.17-1~deb12u2 to 3.0.17-1~deb12u3.",
		"packages.npm event-stream-pro at /srv/shop/node_modules/event-stream-pro": "failed: Remove event-stream-pro, and change every secret in its reach.",
		"packages.npm lodash at /srv/shop/node_modules/lodash":                     "skipped", // can wait for the schedule
		"packages.npm semver at /usr/share/nodejs/semver":                          "skipped", // quieted
		"blind spots unreadable-file opt/data/rpmdb.sqlite":                        "skipped",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Every line is one command of ours, whatever an image or an advisory says.
func TestGitHubObeysNothingFromTheImage(t *testing.T) {
	command := regexp.MustCompile(`^::(error|warning|notice) (file=[^,:]+,line=\d+,)?title=[^,:]+::[^\r\n]*$`)
	for _, all := range []bool{false, true} {
		doc := string(formOf(t, "github", hostile(), report.Options{TextOptions: report.TextOptions{All: all}}))
		for line := range strings.Lines(doc) {
			if line = strings.TrimSuffix(line, "\n"); !command.MatchString(line) || strings.ContainsAny(line, "\x1b\x00\u202e") {
				t.Errorf("%q", line)
			}
		}
	}
}

func TestGitHubWritesNoMoreThanIsShown(t *testing.T) {
	r := gated()
	for i := range 40 {
		p := inventory.Package{PURL: fmt.Sprintf("pkg:npm/p%02d@1", i), Type: "npm", Name: fmt.Sprintf("p%02d", i), Version: "1"}
		r.Findings = append(r.Findings, match.Finding{ID: "CVE-2024-1", Package: p.PURL, Of: &p, Priority: match.Scheduled, Severity: match.High, Fixed: []string{"2"}})
	}
	lines := strings.Split(strings.TrimSpace(string(formOf(t, "github", r, report.Options{}))), "\n")
	count := map[string]int{}
	for _, l := range lines {
		count[strings.Fields(l)[0]]++
	}
	// Besides the 40 there are the goal that is unknown, lodash and the blind spot.
	if count["::warning"] != 10 || !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "::warning title=and 34 more::") }) {
		t.Errorf("%v\n%s", count, strings.Join(lines, "\n"))
	}
	if lines := bytes.Count(formOf(t, "github", r, report.Options{TextOptions: report.TextOptions{All: true}}), []byte("\n")); lines < 45 {
		t.Errorf("--all writes %d", lines)
	}
}

func TestCSVCanBeReadAndIsNoFormula(t *testing.T) {
	for name, r := range reports() {
		doc := formOf(t, "csv", r, report.Options{})
		rows, err := csv.NewReader(bytes.NewReader(doc)).ReadAll()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		unmet := 0
		if r.Assessment != nil {
			for _, g := range r.Assessment.Goals {
				if g.Verdict != assess.Pass {
					unmet++
				}
			}
		}
		contraband := 0
		if r.Malware != nil {
			contraband = len(r.Malware.Hits) + len(r.Secrets.Found) + len(r.Hardening.Findings)
		}
		if len(rows) != 1+unmet+len(r.Findings)+contraband+len(r.BlindSpots) {
			t.Errorf("%s: %d rows", name, len(rows))
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.IndexAny(cell, "=+-@\t\r\n") == 0 || strings.ContainsAny(cell, "\n\r\x1b") {
					t.Errorf("%s: the cell %q", name, cell)
				}
			}
		}
	}
}

func TestTemplates(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"fields have their JSON names": {`{{ .image.reference }} {{ .assessment.score }} {{ (index .image.layers 1).size }}`, "shop:2.1 41.5 2000"},
		"what is absent is empty":      {`{{ range .findings }}{{ .due }}{{ with .kev }} {{ .due }}{{ end }}{{ end }}`, "2026-01-22 2026-01-222026-12-31"},
		"a label":                      {`{{ index .image.labels "org.opencontainers.image.revision" }}{{ index .image.labels "none" }}`, "9f3c1e2"},
		"the worst first":              {`{{ range sorted (standing .findings) }}{{ .id }} {{ end }}`, "MAL-2025-1 CVE-2025-9230 CVE-2021-23337 CVE-2020-8203 CVE-2020-28500 CVE-2099-1 CVE-2099-2 CVE-2026-1111 "},
		"what is quieted":              {`{{ range quieted .findings }}{{ .id }}: {{ .quieted.by }} until {{ .quieted.until }}{{ end }}`, "CVE-2022-25883: distribution until 2027-01-01"},
		"where":                        {`{{ len (where "severity" "high" .findings) }}`, "3"},
		"lists and text":               {`{{ (index .findings 0).fixed | join ", " | upper | replace "~" "-" | truncate 8 }}`, "3.0.17-…"},
		"JSON and CSV":                 {`{{ json .image.platform }} {{ csv "=1,2" }} {{ .assessment.verdict | default "none" }}`, `"linux/amd64" "'=1,2" fail`},
	} {
		parsed, err := report.NewTemplate("t", c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := string(formOf(t, "template", gated(), report.Options{Template: parsed})); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A mistake is told with the template's name and its line, before or after.
func TestTemplateMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"a\n{{ .image.refrence }}": `template shop.tmpl:2:`,
		"{{ nothing }}":            `template shop.tmpl:1: function "nothing" not defined`,
		"{{ range .findings }}":    `template shop.tmpl:1: unexpected EOF`,
		"\n\n{{ join 1 2 }}":       `template shop.tmpl:3:`,
		`{{ range 1000000 }}{{ printf "%9000d" . }}{{ end }}`:           `it writes more than 256 MiB`,
		`{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`: `exceeded maximum template depth`,
	} {
		parsed, err := report.NewTemplate("shop.tmpl", text)
		if err == nil {
			err = parsed.Write(io.Discard, gated())
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// The same report gives the same bytes.
func TestFormsAreTheSameTwice(t *testing.T) {
	text, err := report.NewTemplate("t", `{{ json . }}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Forms() {
		o := report.Options{Now: scanned(), Template: text}
		if a, b := formOf(t, f.Name, hostile(), o), formOf(t, f.Name, hostile(), o); !bytes.Equal(a, b) {
			t.Errorf("%s differs", f.Name)
		}
	}
}
