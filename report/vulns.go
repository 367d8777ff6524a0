package report

import (
	"errors"
	"io"
	"strings"
	"time"

	"tidewaiter/match"
)

// ScannerURI is who attestations say has scanned.
const ScannerURI = "https://tidewaiter.dev"

// Vulns writes the predicate of an in-toto attestation of type https://in-toto.io/attestation/vulns/v0.2, to be signed by whoever
// attests it. The format demands the time of the scan: it is o.Now. Where nothing was matched there is none: an empty list would
// say that nothing was found. Blind spots stand beside the results, which are not all without them.
func Vulns(w io.Writer, r *Report, o Options) error {
	if r.Data == nil {
		return errors.New("nothing was matched, so there is nothing to attest: make an advisory file with tidewaiter db update")
	}
	at := o.Now.UTC().Format(time.RFC3339)
	doc := vulnsPredicate{Metadata: vulnsMetadata{Started: at, Finished: at}, Scanner: vulnsScanner{
		URI: ScannerURI, Version: r.Tool.Version,
		DB:     vulnsDB{Version: r.Data.Revision, Updated: time.Unix(0, 0).UTC().Format(time.RFC3339)},
		Result: []vulnsResult{},
	}}
	day := ""
	for _, f := range r.Data.Feeds {
		day = max(day, f.Date)
	}
	if _, err := time.Parse(time.DateOnly, day); err == nil {
		doc.Scanner.DB.Updated = day + "T00:00:00Z"
	}
	for _, group := range byID(r.Findings) {
		doc.Scanner.Result = append(doc.Scanner.Result, vulnsOf(group))
	}
	for _, b := range r.BlindSpots {
		doc.Metadata.BlindSpots = append(doc.Metadata.BlindSpots, spotLine(r, b))
	}
	return writeJSON(w, doc)
}

// vulnsOf is one problem, with an annotation for each package that has it.
func vulnsOf(findings []match.Finding) vulnsResult {
	f := &findings[0]
	method := strings.ToLower(f.SeveritySource)
	if method == "" {
		method = "tidewaiter"
	}
	out := vulnsResult{ID: f.ID, Severity: []vulnsSeverity{{method, string(f.Severity)}}}
	for _, c := range f.CVSS {
		out.Severity = append(out.Severity, vulnsSeverity{"cvss_score", decimal(c.Score)}, vulnsSeverity{"cvss_vector", c.Vector})
	}
	for i := range findings {
		f := &findings[i]
		note := map[string]string{"package": f.Package, "status": f.Status}
		for name, value := range map[string]string{"fixed": strings.Join(f.Fixed, " "), "aliases": strings.Join(f.Aliases, " "), "priority": string(f.Priority),
			"due": f.Due, "exploited_since": exploitedSince(f), "paths": strings.Join(f.Paths, " "), "malicious": yes(f.Malicious)} {
			if value != "" {
				note[name] = value
			}
		}
		if f.Quieted != nil {
			note["quieted"] = because(f.Quieted)
		}
		out.Annotations = append(out.Annotations, note)
	}
	return out
}

// The parts of the predicate; names are the specification's, blindSpots apart.
type (
	vulnsPredicate struct {
		Scanner  vulnsScanner  `json:"scanner"`
		Metadata vulnsMetadata `json:"metadata"`
	}
	vulnsScanner struct {
		URI     string        `json:"uri"`
		Version string        `json:"version,omitempty"`
		DB      vulnsDB       `json:"db"`
		Result  []vulnsResult `json:"result"`
	}
	vulnsDB struct {
		Version string `json:"version,omitempty"`
		Updated string `json:"lastUpdate"`
	}
	vulnsResult struct {
		ID          string              `json:"id"`
		Severity    []vulnsSeverity     `json:"severity"`
		Annotations []map[string]string `json:"annotations,omitempty"`
	}
	vulnsSeverity struct {
		Method string `json:"method"`
		Score  string `json:"score"`
	}
	vulnsMetadata struct {
		Started    string   `json:"scanStartedOn"`
		Finished   string   `json:"scanFinishedOn"`
		BlindSpots []string `json:"blindSpots,omitempty"`
	}
)
