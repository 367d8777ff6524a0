package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/vex"
)

// What GitHub takes of one run, and what it shows of that:
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
const (
	maxResults   = 25_000
	shownResults = 5_000
)

// SARIF writes the findings, what else should not be aboard, and the goals that are not met, as one run of SARIF 2.1.0
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/). What is quieted is suppressed; blind spots are notifications of the run. What most images do is left
// out, unless o.All asks for it.
// Results are in the order in which to look at them, so that what a reader cuts off is what matters least.
func SARIF(w io.Writer, r *Report, o Options) error {
	s := sarif{report: r, dockerfile: cmp.Or(o.Dockerfile, "Dockerfile"), names: fingerprints(r), all: o.All, rules: map[string]int{}}
	return writeJSON(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{s.run()},
	})
}

// sarif puts a run together.
type sarif struct {
	report     *Report
	dockerfile string
	names      names
	all        bool
	// rules has the place of each rule in the driver's list.
	rules  map[string]int
	driver sarifDriver
}

func (s *sarif) run() sarifRun {
	r := s.report
	s.driver = sarifDriver{Name: "Tidewaiter", Version: r.Tool.Version, Rules: []sarifRule{}}
	if version := strings.TrimPrefix(r.Tool.Version, "v"); len(version) > 0 && version[0] >= '0' && version[0] <= '9' {
		s.driver.SemanticVersion = version
	}
	results, notes := s.results()
	return sarifRun{
		Tool:                     sarifTool{s.driver},
		Invocations:              []sarifInvocation{{ExecutionSuccessful: true, Notifications: notes}},
		OriginalURIBaseIDs:       map[string]sarifArtifactLocation{sourceRoot: {Description: &sarifText{Text: "The root of the repository that the image is built from."}}},
		VersionControlProvenance: versionControl(r.Image.Labels),
		Artifacts:                []sarifArtifact{s.artifact()},
		AutomationDetails:        &sarifAutomation{ID: "tidewaiter/" + path.Join(repositoryOf(r.Image.Reference), r.Image.Platform, environmentOf(r)) + "/"},
		ColumnKind:               "utf16CodeUnits",
		Results:                  notNil(results),
		Properties:               s.properties(),
	}
}

// results puts together what was found, in the order in which to look at it, as much of it as readers take; and what to note of that.
func (s *sarif) results() ([]sarifResult, []sarifNotification) {
	r, findings, notes := s.report, inOrder(s.report), s.blindSpots()
	things := told(r, s.all)
	split := slices.IndexFunc(things, func(c contraband) bool { return c.kind == vex.Hardening })
	if split < 0 {
		split = len(things)
	}
	first := append(s.goals(), s.contraband(things[:split])...)
	last := s.contraband(things[split:])
	if n := leftOut(r, s.all); n > 0 {
		notes = append(notes, s.note("note", "usual", usualLeftOut(n)))
	}
	switch all := len(first) + len(findings) + len(last); {
	case all > maxResults:
		notes = append(notes, s.note("warning", "limit", fmt.Sprintf("%s of %s results are left out, those to look at last: readers take %s of one run", number(all-maxResults), number(all), number(maxResults))))
		first = first[:min(len(first), maxResults)]
		findings = findings[:min(len(findings), maxResults-len(first))]
		last = last[:min(len(last), maxResults-len(first)-len(findings))]
	case all > shownResults:
		notes = append(notes, s.note("note", "limit", fmt.Sprintf("GitHub shows the first %s of these %s results", number(shownResults), number(all))))
	}
	return slices.Concat(first, s.findings(findings), last), notes
}

const sourceRoot = "%SRCROOT%"

// artifact is the image itself.
func (s *sarif) artifact() sarifArtifact {
	im := s.report.Image
	a := sarifArtifact{
		Location:    sarifArtifactLocation{Description: &sarifText{Text: "The image " + Clean(im.Reference)}, URI: uriOf(repositoryOf(im.Reference)), URIBaseID: sourceRoot},
		Description: &sarifText{Text: "The image " + Clean(im.Reference)},
		MimeType:    "application/vnd.oci.image.manifest.v1+json",
	}
	if algorithm, hex, ok := strings.Cut(im.Digest, ":"); ok && algorithm == "sha256" {
		a.Hashes = map[string]string{"sha-256": hex}
	}
	return a
}

// properties tell of the image, and of what it comes to in its environment.
func (s *sarif) properties() map[string]any {
	im := s.report.Image
	p := map[string]any{"imageReference": Clean(im.Reference)}
	for name, value := range map[string]string{"imageDigest": im.Digest, "imageID": im.ID, "platform": im.Platform} {
		if value != "" {
			p[name] = value
		}
	}
	if d := s.report.Data; d != nil {
		p["dataRevision"] = d.Revision
	}
	if a := s.report.Assessment; a != nil && a.Environment != "" {
		p["environment"], p["score"], p["grade"], p["verdict"] = a.Environment, a.Score, a.Grade, a.Verdict
		if len(a.Goals) > 0 {
			p["goals"] = a.Goals
		}
	}
	return p
}

// versionControl says what the image was built from, as far as its own labels tell.
func versionControl(labels map[string]string) []sarifVersionControl {
	source, err := url.Parse(labels["org.opencontainers.image.source"])
	if err != nil || source.Host == "" || source.Scheme != "https" && source.Scheme != "http" {
		return nil
	}
	return []sarifVersionControl{{RepositoryURI: source.String(), RevisionID: labels["org.opencontainers.image.revision"],
		MappedTo: sarifArtifactLocation{URIBaseID: sourceRoot}}}
}

// goals gives a result for each goal that is not met, or of which it is not known. Those that are met stand in the properties.
func (s *sarif) goals() []sarifResult {
	if s.report.Assessment == nil {
		return nil
	}
	var out []sarifResult
	for _, g := range s.report.Assessment.Goals {
		if g.Verdict == assess.Pass {
			continue
		}
		level, rank, word := "error", 100.0, "not met"
		if g.Verdict == assess.Unknown {
			level, rank, word = "warning", 60, "unknown"
		}
		environment := Clean(environmentOf(s.report))
		rule := sarifRule{
			ID: "goal/" + g.Name, Name: "Goal",
			ShortDescription: &sarifText{Text: fmt.Sprintf("Goal of %s: %s", environment, Clean(g.Name))},
			Help:             &sarifText{Text: fmt.Sprintf("The goal %s is demanded of images in %s.", Clean(g.Name), environment)},
			Configuration:    &sarifConfiguration{Level: level},
			Properties:       map[string]any{"tags": []string{"goal"}, "precision": "very-high", "problem.severity": level},
		}
		text := fmt.Sprintf("%s: goal %s is %s: %s", environment, Clean(g.Name), word, Clean(g.Reason))
		if g.Step != "" {
			text += " Next: " + Clean(g.Step)
		}
		out = append(out, sarifResult{
			RuleID: rule.ID, RuleIndex: s.rule(rule), Level: level, Rank: rank, Message: messageOf(text),
			Locations:    []sarifLocation{{Physical: s.physical(lineOfImage(s.report), "")}},
			Fingerprints: marks(fmt.Sprintf("goal:%s:%s", environmentOf(s.report), g.Name)),
			Suppressions: []sarifSuppression{},
			Properties:   map[string]any{"verdict": g.Verdict, "findings": notNil(g.Findings)},
		})
	}
	return out
}

// rule gives the place of a rule in the driver's list, where it puts a new one.
func (s *sarif) rule(rule sarifRule) int {
	i, ok := s.rules[rule.ID]
	if !ok {
		i = len(s.driver.Rules)
		s.rules[rule.ID] = i
		s.driver.Rules = append(s.driver.Rules, rule)
	}
	return i
}

// findings gives a result for each finding. A rule speaks of one problem, in all the packages that have it.
func (s *sarif) findings(list []match.Finding) []sarifResult {
	byID := map[string][]match.Finding{}
	for _, f := range list {
		byID[f.ID] = append(byID[f.ID], f)
	}
	out := make([]sarifResult, 0, len(list))
	for i := range list {
		f := &list[i]
		index, known := s.rules[f.ID]
		if !known {
			index = s.rule(ruleOf(byID[f.ID]))
		}
		out = append(out, s.finding(f, index))
	}
	return out
}

func (s *sarif) finding(f *match.Finding, rule int) sarifResult {
	text := headlineOf(f)
	if u := urgency(f); u != "" {
		text += " (" + u + ")"
	}
	text += ". " + nextStep(*f)
	out := sarifResult{
		RuleID: f.ID, RuleIndex: rule, Level: sarifLevel(f), Rank: rank(f), Message: messageOf(text),
		Locations: []sarifLocation{{
			Physical: s.physical(lineOf(s.report, f), f.Of.Place()),
			Logical:  []sarifLogical{{Name: f.Of.Name, FullyQualifiedName: f.Package, Kind: "package"}},
		}},
		Fingerprints: marks(s.names.of(f)),
		Suppressions: []sarifSuppression{},
		Properties:   resultProperties(f),
	}
	if q := f.Quieted; q != nil {
		out.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: because(q)}}
	}
	return out
}

func resultProperties(f *match.Finding) map[string]any {
	p := map[string]any{"package": f.Package, "severity": f.Severity}
	set := func(name string, value any, there bool) {
		if there {
			p[name] = value
		}
	}
	set("fixed", f.Fixed, len(f.Fixed) > 0)
	set("priority", f.Priority, f.Priority != "")
	set("due", f.Due, f.Due != "")
	set("overdue", true, f.Overdue)
	set("environmental", f.Environmental, f.Environmental != nil)
	set("kev", f.KEV, f.KEV != nil)
	set("epss", f.EPSS, f.EPSS != nil)
	set("malicious", true, f.Malicious)
	set("origin", f.Origin, f.Origin != "")
	set("layer", f.Layer, f.Layer != nil)
	set("instruction", f.Instruction, f.Instruction != "")
	set("paths", f.Paths, len(f.Paths) > 0)
	set("evidence", f.Evidence.Compared, f.Evidence.Compared != "")
	set("quieted", f.Quieted, f.Quieted != nil)
	return p
}

// physical is a line of the Dockerfile; where none is known, the place in the image, below the image's name.
func (s *sarif) physical(line int, place string) *sarifPhysical {
	if line > 0 {
		return &sarifPhysical{ArtifactLocation: sarifArtifactLocation{URI: uriOf(s.dockerfile), URIBaseID: sourceRoot}, Region: sarifRegion{StartLine: line}}
	}
	return &sarifPhysical{ArtifactLocation: sarifArtifactLocation{URI: uriOf(path.Join(repositoryOf(s.report.Image.Reference), place)), URIBaseID: sourceRoot}, Region: sarifRegion{StartLine: 1}}
}

// uriOf makes a relative URI of a path: no scheme, no way out of the root.
func uriOf(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	return strings.ReplaceAll((&url.URL{Path: cmp.Or(p, "image")}).EscapedPath(), ":", "%3A")
}

func (s *sarif) blindSpots() []sarifNotification {
	out := []sarifNotification{}
	for _, b := range s.report.BlindSpots {
		out = append(out, s.note("warning", "blind-spot/"+string(b.Kind), "not read or judged: "+spotLine(s.report, b)))
	}
	return out
}

// note is one notification; what kind of thing it tells stands once in the driver.
func (s *sarif) note(level, id, text string) sarifNotification {
	if !slices.ContainsFunc(s.driver.Notifications, func(d sarifDescriptor) bool { return d.ID == id }) {
		s.driver.Notifications = append(s.driver.Notifications, sarifDescriptor{ID: id})
	}
	return sarifNotification{Level: level, Descriptor: sarifDescriptor{ID: id}, Message: messageOf(text)}
}

// marks are the fingerprints of a result. GitHub reads primaryLocationLineHash alone.
func marks(name string) map[string]string {
	return map[string]string{"primaryLocationLineHash": name + ":1", "tidewaiter/v1": name}
}

// messageOf escapes what SARIF would take for a link.
func messageOf(text string) sarifText {
	return sarifText{Text: strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`).Replace(text)}
}

// sarifLevel goes by the priority in the environment, and by the severity where there is none.
func sarifLevel(f *match.Finding) string {
	switch {
	case f.Malicious, f.Priority == match.Immediate, f.Priority == match.OutOfCycle:
		return "error"
	case f.Priority == match.Scheduled:
		return "warning"
	case f.Priority == match.Defer:
		return "note"
	}
	switch f.Severity {
	case match.Critical, match.High:
		return "error"
	case match.Medium, match.Unknown:
		return "warning"
	}
	return "note"
}

// rank orders results for readers that sort by it, 0 to 100: by priority, and of one priority by the score.
func rank(f *match.Finding) float64 {
	if f.Malicious {
		return 100
	}
	points, _ := score(f)
	if f.Environmental != nil {
		points = f.Environmental.Score
	}
	if f.Lowered != nil {
		points /= 2
	}
	return 20*float64(4-assess.Urgency(f.Priority)) + 2*points
}

// The parts of SARIF 2.1.0 that are written; names are the standard's.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool                     sarifTool                        `json:"tool"`
		Invocations              []sarifInvocation                `json:"invocations"`
		OriginalURIBaseIDs       map[string]sarifArtifactLocation `json:"originalUriBaseIds"`
		VersionControlProvenance []sarifVersionControl            `json:"versionControlProvenance,omitempty"`
		Artifacts                []sarifArtifact                  `json:"artifacts"`
		AutomationDetails        *sarifAutomation                 `json:"automationDetails,omitempty"`
		ColumnKind               string                           `json:"columnKind"`
		Results                  []sarifResult                    `json:"results"`
		Properties               map[string]any                   `json:"properties"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string            `json:"name"`
		Version         string            `json:"version,omitempty"`
		SemanticVersion string            `json:"semanticVersion,omitempty"`
		Rules           []sarifRule       `json:"rules"`
		Notifications   []sarifDescriptor `json:"notifications,omitempty"`
	}
	sarifDescriptor struct {
		ID string `json:"id"`
	}
	sarifRule struct {
		ID               string              `json:"id"`
		Name             string              `json:"name,omitempty"`
		ShortDescription *sarifText          `json:"shortDescription,omitempty"`
		FullDescription  *sarifText          `json:"fullDescription,omitempty"`
		HelpURI          string              `json:"helpUri,omitempty"`
		Help             *sarifText          `json:"help,omitempty"`
		Configuration    *sarifConfiguration `json:"defaultConfiguration,omitempty"`
		Properties       map[string]any      `json:"properties,omitempty"`
	}
	sarifConfiguration struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level      string          `json:"level"`
		Descriptor sarifDescriptor `json:"descriptor"`
		Message    sarifText       `json:"message"`
	}
	sarifVersionControl struct {
		RepositoryURI string                `json:"repositoryUri"`
		RevisionID    string                `json:"revisionId,omitempty"`
		MappedTo      sarifArtifactLocation `json:"mappedTo"`
	}
	sarifArtifact struct {
		Location    sarifArtifactLocation `json:"location"`
		Description *sarifText            `json:"description,omitempty"`
		MimeType    string                `json:"mimeType,omitempty"`
		Hashes      map[string]string     `json:"hashes,omitempty"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifArtifactLocation struct {
		URI         string     `json:"uri,omitempty"`
		URIBaseID   string     `json:"uriBaseId,omitempty"`
		Description *sarifText `json:"description,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Rank         float64           `json:"rank"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		// Suppressions is empty, and not absent, where nothing suppresses the result: where one has them, all must (section 3.27.23).
		Suppressions []sarifSuppression `json:"suppressions"`
		Properties   map[string]any     `json:"properties,omitempty"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
		Region           sarifRegion           `json:"region"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification"`
	}
)
