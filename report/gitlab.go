package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// gitlabVersion is the version of the schema that the report keeps to:
// https://gitlab.com/gitlab-org/security-products/security-report-schemas
const gitlabVersion = "15.0.4"

// The schema's bounds on texts, in characters.
const (
	gitlabName        = 255
	gitlabSolution    = 7000
	gitlabDescription = 1 << 20
)

// GitLab writes the findings, and what else should not be aboard, as GitLab's container scanning report. What is quieted bears a flag, the
// only one that the format has; blind spots, and goals that are not met, are messages of the scan. The format demands the time of the scan: it is o.Now.
func GitLab(w io.Writer, r *Report, o Options) error {
	tool := gitlabTool{ID: "tidewaiter", Name: "Tidewaiter", Version: cmp.Or(r.Tool.Version, "unknown"), Vendor: gitlabVendor{"Tidewaiter"}}
	at := o.Now.UTC().Format("2006-01-02T15:04:05")
	if o.Now.IsZero() {
		at = time.Unix(0, 0).UTC().Format("2006-01-02T15:04:05")
	}
	doc := gitlabReport{
		Version:         gitlabVersion,
		Schema:          "https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v" + gitlabVersion + "/dist/container-scanning-report-format.json",
		Scan:            gitlabScan{Analyzer: tool, Scanner: tool, Type: "container_scanning", Status: "success", Start: at, End: at, Messages: gitlabMessages(r)},
		Vulnerabilities: []gitlabVulnerability{},
	}
	names := fingerprints(r)
	for _, f := range inOrder(r) {
		doc.Vulnerabilities = append(doc.Vulnerabilities, gitlabFinding(r, &f, names.of(&f)))
	}
	if n := leftOut(r, o.All); n > 0 {
		doc.Scan.Messages = append(doc.Scan.Messages, gitlabMessage{"info", usualLeftOut(n)})
	}
	things := told(r, o.All)
	for i, name := range contrabandNames(things) {
		doc.Vulnerabilities = append(doc.Vulnerabilities, gitlabContraband(r, &things[i], name))
	}
	return writeJSON(w, doc)
}

func gitlabMessages(r *Report) []gitlabMessage {
	var out []gitlabMessage
	if r.Assessment != nil {
		for _, g := range r.Assessment.Goals {
			switch g.Verdict {
			case assess.Fail:
				out = append(out, gitlabMessage{"warn", Clean(fmt.Sprintf("goal %s of %s is not met: %s", g.Name, r.Assessment.Environment, g.Reason))})
			case assess.Unknown:
				out = append(out, gitlabMessage{"warn", Clean(fmt.Sprintf("goal %s of %s is unknown: %s", g.Name, r.Assessment.Environment, g.Reason))})
			}
		}
	}
	for _, b := range r.BlindSpots {
		out = append(out, gitlabMessage{"warn", "not read or judged: " + spotLine(r, b)})
	}
	return out
}

func gitlabFinding(r *Report, f *match.Finding, name string) gitlabVulnerability {
	title := f.ID
	if f.Title != "" && f.Kind != match.KindEndOfLife {
		title += ": " + f.Title
	}
	v := gitlabVulnerability{
		ID:          uuidOf(name),
		Name:        cut(Clean(title), gitlabName),
		Description: cut(gitlabText(f), gitlabDescription),
		Severity:    gitlabSeverity(f.Severity),
		Solution:    cut(nextStep(*f), gitlabSolution),
		Location:    gitlabPlace(r, f.Of.Name, f.Of.Version),
		Details:     gitlabDetails(f),
	}
	for _, id := range append([]string{f.ID}, f.Aliases...) {
		kind, _, _ := strings.Cut(strings.ToLower(id), "-")
		v.Identifiers = append(v.Identifiers, gitlabIdentifier{Type: cmp.Or(Clean(kind), "tidewaiter"), Name: Clean(id), Value: Clean(id), URL: pageOf(id)})
	}
	if page := pageOf(f.ID); page != "" {
		v.Links = []gitlabLink{{Name: Clean(f.ID), URL: page}}
	}
	if q := f.Quieted; q != nil {
		v.Flags = []gitlabFlag{{Type: "flagged-as-likely-false-positive", Origin: cmp.Or(Clean(q.By), "tidewaiter"), Description: because(q)}}
	}
	return v
}

// gitlabContraband puts what is no package into the format, which has nothing else: its place stands for the package.
func gitlabContraband(r *Report, c *contraband, name string) gitlabVulnerability {
	v := gitlabVulnerability{
		ID:          uuidOf(name),
		Name:        cut(Clean(cmp.Or(c.title, c.rule)), gitlabName),
		Description: cut(mark(c.sentence())+"\n\n"+mark(c.why), gitlabDescription),
		Severity:    gitlabSeverity(c.severity),
		Solution:    cut(Clean(c.mend), gitlabSolution),
		Identifiers: []gitlabIdentifier{{Type: "tidewaiter_" + string(c.kind), Name: Clean(c.id), Value: Clean(c.id)}},
		Location:    gitlabPlace(r, cmp.Or(c.place(), c.id), ""),
		Details:     map[string]gitlabDetail{},
	}
	for _, d := range [][3]string{{"evidence", "What stands there", c.shown}, {"layer", "Layer", c.from()}, {"origin", "Brought by", string(c.Origin)}, {"owner", "Package", c.Owner}} {
		if d[2] != "" {
			v.Details[d[0]] = gitlabDetail{Name: d[1], Type: "text", Value: Clean(d[2])}
		}
	}
	if q := c.quieted; q != nil {
		v.Flags = []gitlabFlag{{Type: "flagged-as-likely-false-positive", Origin: cmp.Or(Clean(q.By), "tidewaiter"), Description: because(q)}}
	}
	return v
}

// gitlabPlace is where in the image something is, which GitLab calls a package whatever it is.
func gitlabPlace(r *Report, name, version string) gitlabLocation {
	return gitlabLocation{
		Dependency:    gitlabDependency{Package: gitlabPackage{Clean(name)}, Version: Clean(version)},
		OS:            gitlabOS(r),
		Image:         cmp.Or(Clean(r.Image.Reference), r.Image.Digest, "image"),
		DefaultBranch: cut(Clean(repositoryOf(r.Image.Reference)), gitlabName),
	}
}

// gitlabText tells what the finding is and what says so. GitLab takes it for Markdown.
func gitlabText(f *match.Finding) string {
	text := mark(headlineOf(f)) + "."
	if u := urgency(f); u != "" {
		text += " " + strings.ToUpper(u[:1]) + mark(u[1:]) + "."
	}
	if e := f.Evidence; e.Compared != "" {
		text += "\n\nBy " + mark(e.Advisory) + " of " + mark(e.Feed) + ": " + mark(e.Compared) + "."
	}
	if f.Quieted != nil {
		text += "\n\nQuieted by " + mark(because(f.Quieted)) + "."
	}
	return text
}

func gitlabSeverity(l match.Level) string {
	switch l {
	case match.Critical:
		return "Critical"
	case match.High:
		return "High"
	case match.Medium:
		return "Medium"
	case match.Low:
		return "Low"
	case match.Negligible:
		return "Info"
	}
	return "Unknown"
}

func gitlabOS(r *Report) string {
	if r.Image.OS == nil {
		return "unknown"
	}
	return cmp.Or(Clean(strings.TrimSuffix(r.Image.OS.ID+":"+r.Image.OS.VersionID, ":")), "unknown")
}

// gitlabDetails are facts that the format has no field for.
func gitlabDetails(f *match.Finding) map[string]gitlabDetail {
	details := map[string]gitlabDetail{}
	add := func(key, name, value string) {
		if value != "" {
			details[key] = gitlabDetail{Name: name, Type: "text", Value: Clean(value)}
		}
	}
	add("package", "Package", f.Package)
	add("fixed", "Fixed in", strings.Join(f.Fixed, ", "))
	add("priority", "Priority", string(f.Priority))
	add("due", "Due", f.Due)
	if f.KEV != nil {
		add("exploited", "In CISA's catalog of exploited vulnerabilities since", f.KEV.Added)
	}
	if f.EPSS != nil {
		add("epss", "EPSS", fmt.Sprintf("%.4f", f.EPSS.Score))
	}
	if f.Environmental != nil {
		add("environmental", "CVSS in this environment", fmt.Sprintf("%.1f %s", f.Environmental.Score, f.Environmental.Vector))
	}
	var vectors []string
	for _, c := range f.CVSS {
		vectors = append(vectors, strings.TrimSpace(fmt.Sprintf("%.1f %s %s", c.Score, c.Vector, c.Source)))
	}
	add("cvss", "CVSS", strings.Join(vectors, "; "))
	if f.Layer != nil {
		add("layer", "Layer", strings.TrimSpace(fmt.Sprintf("%d %s", *f.Layer, f.Instruction)))
	}
	add("origin", "Brought by", string(f.Origin))
	add("paths", "Files", strings.Join(f.Paths, ", "))
	return details
}

// uuidOf writes a fingerprint, 32 hexadecimal digits, as a UUID of version 8 (RFC 9562: bits of one's own).
func uuidOf(hex string) string {
	b := []byte(hex)
	b[12] = '8'
	b[16] = "89ab"[strings.IndexByte("0123456789abcdef", b[16])&3]
	return strings.Join([]string{string(b[:8]), string(b[8:12]), string(b[12:16]), string(b[16:20]), string(b[20:32])}, "-")
}

// The parts of the container scanning report that are written; names are the schema's.
type (
	gitlabReport struct {
		Version         string                `json:"version"`
		Schema          string                `json:"schema"`
		Scan            gitlabScan            `json:"scan"`
		Vulnerabilities []gitlabVulnerability `json:"vulnerabilities"`
	}
	gitlabScan struct {
		Analyzer gitlabTool      `json:"analyzer"`
		Scanner  gitlabTool      `json:"scanner"`
		Type     string          `json:"type"`
		Status   string          `json:"status"`
		Start    string          `json:"start_time"`
		End      string          `json:"end_time"`
		Messages []gitlabMessage `json:"messages,omitempty"`
	}
	gitlabTool struct {
		ID      string       `json:"id"`
		Name    string       `json:"name"`
		Version string       `json:"version"`
		Vendor  gitlabVendor `json:"vendor"`
	}
	gitlabVendor struct {
		Name string `json:"name"`
	}
	gitlabMessage struct {
		Level string `json:"level"`
		Value string `json:"value"`
	}
	gitlabVulnerability struct {
		ID          string                  `json:"id"`
		Name        string                  `json:"name"`
		Description string                  `json:"description"`
		Severity    string                  `json:"severity"`
		Solution    string                  `json:"solution"`
		Identifiers []gitlabIdentifier      `json:"identifiers"`
		Links       []gitlabLink            `json:"links,omitempty"`
		Flags       []gitlabFlag            `json:"flags,omitempty"`
		Location    gitlabLocation          `json:"location"`
		Details     map[string]gitlabDetail `json:"details,omitempty"`
	}
	gitlabIdentifier struct {
		Type  string `json:"type"`
		Name  string `json:"name"`
		Value string `json:"value"`
		URL   string `json:"url,omitempty"`
	}
	gitlabLink struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	gitlabFlag struct {
		Type        string `json:"type"`
		Origin      string `json:"origin"`
		Description string `json:"description"`
	}
	gitlabLocation struct {
		Dependency gitlabDependency `json:"dependency"`
		OS         string           `json:"operating_system"`
		Image      string           `json:"image"`
		// DefaultBranch is the image without its tag: GitLab knows a finding again by it, so that no tag makes all findings new.
		DefaultBranch string `json:"default_branch_image,omitempty"`
	}
	gitlabDependency struct {
		Package gitlabPackage `json:"package"`
		Version string        `json:"version"`
	}
	gitlabPackage struct {
		Name string `json:"name"`
	}
	gitlabDetail struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Value string `json:"value"`
	}
)
