package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// JUnit writes the report as tests in JUnit's XML: the suite is the image in its environment, each goal is a test, each package with
// findings is one, and each blind spot. A package fails where something is to be acted on; where everything is for the schedule or
// later, or is quieted, it is skipped, with the reason. A goal of which it is not known is an error. Without an environment
// every package with findings fails.
func JUnit(w io.Writer, r *Report) error {
	suite := junitSuite{Name: Clean(suiteName(r)), Properties: junitFacts(r)}
	suite.add(junitScan(r))
	if r.Assessment != nil {
		for _, g := range r.Assessment.Goals {
			suite.add(junitGoal(g))
		}
	}
	for _, group := range grouped(inOrder(r), func(f *match.Finding) string { return f.Package }) {
		suite.add(junitPackage(group))
	}
	for _, group := range grouped(told(r, false), func(c *contraband) string { return c.id + "\x00" + c.place() }) {
		suite.add(junitContraband(group))
	}
	for _, b := range r.BlindSpots {
		suite.add(junitCase{Class: "blind spots", Name: strings.TrimSpace(Clean(string(b.Kind) + " " + b.Where)), Skipped: &junitOutcome{Message: spotLine(r, b)}})
	}
	doc := junitSuites{Name: "tidewaiter", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suiteName(r *Report) string {
	if env := environmentOf(r); env != "" {
		return r.Image.Reference + " in " + env
	}
	return r.Image.Reference
}

func junitFacts(r *Report) *junitProperties {
	p := &junitProperties{}
	add := func(name, value string) {
		if value != "" {
			p.List = append(p.List, junitProperty{name, Clean(value)})
		}
	}
	add("image", r.Image.Reference)
	add("digest", r.Image.Digest)
	add("platform", r.Image.Platform)
	add("tool", strings.TrimSpace(r.Tool.Name+" "+r.Tool.Version))
	if r.Data != nil {
		add("data", r.Data.Revision)
	}
	if a := r.Assessment; a != nil && a.Environment != "" {
		add("environment", a.Environment)
		add("score", fmt.Sprintf("%.1f %s", a.Score, a.Grade))
		add("verdict", string(a.Verdict))
	}
	return p
}

// junitScan is the test that there was something to judge, and something to judge it by: a suite is never empty.
func junitScan(r *Report) junitCase {
	c := junitCase{Class: "scan", Name: "the image was held against advisory data"}
	switch {
	case r.Data == nil:
		c.Error = &junitOutcome{Type: "unknown", Message: "nothing was matched: there is no advisory data", Text: "Make it with tidewaiter db update."}
	case len(r.Packages) == 0:
		c.Error = &junitOutcome{Type: "unknown", Message: "no package was found in the image: there was nothing to judge"}
	}
	return c
}

func junitGoal(g assess.GoalResult) junitCase {
	c := junitCase{Class: "goals", Name: Clean(g.Name)}
	text := Clean(g.Step)
	if len(g.Findings) > 0 {
		text = strings.TrimSpace(text + "\n" + Clean(strings.Join(g.Findings, ", ")))
	}
	switch g.Verdict {
	case assess.Pass:
		c.Out = Clean(g.Reason)
	case assess.Fail:
		c.Failure = &junitOutcome{Type: "goal", Message: Clean(g.Reason), Text: text}
	default:
		c.Error = &junitOutcome{Type: "unknown", Message: Clean(g.Reason), Text: text}
	}
	return c
}

// junitPackage is the test of one package. Its name has no version: who reads test reports follows a test by its name over time.
func junitPackage(findings []match.Finding) junitCase {
	f := &findings[0]
	c := junitCase{Class: "packages." + Clean(f.Of.Type), Name: Clean(f.Of.Name)}
	if place := f.Of.Place(); place != "" && !f.Of.OfDistribution() {
		c.Name += " at " + Clean(place)
	}
	standing := match.Standing(findings)
	if len(standing) == 0 {
		c.Skipped = &junitOutcome{Message: "quieted: " + because(f.Quieted)}
		c.Out = findingLines(findings)
		return c
	}
	message := headlineOf(f)
	if more := len(standing) - 1; more > 0 {
		message += ", and " + plural(more, "other problem")
	}
	for i := range standing {
		if s := &standing[i]; s.Priority == "" || assess.ToAct(s) {
			c.Failure = &junitOutcome{Type: string(f.Severity), Message: message, Text: findingLines(findings)}
			return c
		}
	}
	c.Skipped = &junitOutcome{Message: "not to be acted on now (" + urgency(f) + "): " + message}
	c.Out = findingLines(findings)
	return c
}

// junitContraband is the test of one rule at one place.
func junitContraband(list []contraband) junitCase {
	c := &list[0]
	out := junitCase{Class: string(c.kind), Name: Clean(c.rule)}
	if place := c.place(); place != "" {
		out.Name += " in " + Clean(place)
	}
	var lines []string
	for i := range list {
		lines = append(lines, list[i].sentence())
	}
	text := strings.Join(lines, "\n")
	switch {
	case c.quieted != nil:
		out.Skipped, out.Out = &junitOutcome{Message: "quieted: " + because(c.quieted)}, text
	case c.grave():
		out.Failure = &junitOutcome{Type: string(c.severity), Message: c.headline(), Text: strings.Join(append(nonEmpty(Clean(c.mend)), text), "\n")}
	default:
		out.Skipped, out.Out = &junitOutcome{Message: "not to be acted on now (" + string(c.severity) + "): " + c.headline()}, text
	}
	return out
}

// findingLines has the next step, and a line for each finding.
func findingLines(findings []match.Finding) string {
	var lines []string
	if standing := match.Standing(findings); len(standing) > 0 {
		lines = append(lines, nextStep(standing...))
	}
	for i := range findings {
		f := &findings[i]
		line := problemLine(f)
		if f.Quieted != nil {
			line += "; quieted by " + because(f.Quieted)
		} else {
			line += "; " + fixedIn(f)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// The parts of JUnit's XML that are written, as Jenkins and GitLab read them:
// https://github.com/jenkinsci/xunit-plugin (junit-10.xsd).
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string           `xml:"name,attr"`
		Tests      int              `xml:"tests,attr"`
		Failures   int              `xml:"failures,attr"`
		Errors     int              `xml:"errors,attr"`
		Skipped    int              `xml:"skipped,attr"`
		Properties *junitProperties `xml:"properties"`
		Cases      []junitCase      `xml:"testcase"`
	}
	junitProperties struct {
		List []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Skipped *junitOutcome `xml:"skipped"`
		Error   *junitOutcome `xml:"error"`
		Failure *junitOutcome `xml:"failure"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitOutcome struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// add counts a test in.
func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}
