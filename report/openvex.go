package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"tidewaiter/match"
	"tidewaiter/vex"
)

// OpenVEX writes what is known of the image's vulnerabilities as statements of OpenVEX 0.2.0
// (https://github.com/openvex/spec): what is quieted with the reason and who says so, what stands as affected with the next step.
// What others stated keeps their words. What only the user's choice of what to look at quieted (--only-base) stands. The format
// demands a time: it is o.Now. Where nothing was matched there is no document. An image without findings gives one without statements, though
// the standard demands at least one: that nothing was found it has no words for, and a clean image is no failure.
func OpenVEX(w io.Writer, r *Report, o Options) error {
	if r.Data == nil {
		return errors.New("nothing was matched, so OpenVEX has nothing to state: make an advisory file with tidewaiter db update")
	}
	doc := openvexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: "Tidewaiter", Role: "scanner",
		Timestamp: o.Now.UTC().Format(time.RFC3339), Version: 1, Tooling: strings.TrimSpace("tidewaiter " + r.Tool.Version),
		Statements: openvexStatements(r),
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(raw)
	doc.ID = "urn:uuid:" + uuidOf(hex.EncodeToString(sum[:16]))
	return writeJSON(w, doc)
}

// openvexStatements puts the findings together of which the same is said, in the order of their ids.
func openvexStatements(r *Report) []openvexStatement {
	said := func(f *match.Finding) openvexStatement { return openvexSaid(f, nextStep(*f)) }
	list := []openvexStatement{}
	for _, group := range grouped(r.Findings, func(f *match.Finding) string {
		raw, _ := json.Marshal(said(f)) // strings alone: it does not fail
		return string(raw)
	}) {
		s := said(&group[0])
		var parts []openvexPart
		for _, f := range group {
			parts = append(parts, openvexPart{ID: f.Package, Identifiers: map[string]string{"purl": f.Package}})
		}
		s.Products = openvexProducts(r, parts)
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b openvexStatement) int { return strings.Compare(a.Vulnerability.Name, b.Vulnerability.Name) })
	return list
}

// openvexProducts is the image with the packages in it; where the image has no digest, the packages by themselves.
func openvexProducts(r *Report, parts []openvexPart) []openvexProduct {
	if p := imagePURL(r); p != "" {
		product := openvexProduct{openvexPart: openvexPart{ID: p, Identifiers: map[string]string{"purl": p}}, Subcomponents: parts}
		if algorithm, hex, _ := strings.Cut(r.Image.Digest, ":"); algorithm == "sha256" {
			product.Hashes = map[string]string{"sha-256": hex}
		}
		return []openvexProduct{product}
	}
	var products []openvexProduct
	for _, part := range parts {
		products = append(products, openvexProduct{openvexPart: part})
	}
	return products
}

// imagePURL names the image as purl's type oci does (https://github.com/package-url/purl-spec); empty where it has no digest.
func imagePURL(r *Report) string {
	if r.Image.Digest == "" {
		return ""
	}
	repository := repositoryOf(r.Image.Reference)
	var qualifiers packageurl.Qualifiers
	if registryHost.MatchString(repository) {
		qualifiers = packageurl.QualifiersFromMap(map[string]string{"repository_url": repository})
	}
	name := strings.ToLower(path.Base(repository))
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", name, r.Image.Digest, qualifiers, "").ToString()
}

// registryHost knows a repository that begins with the name of its registry, and not with a scheme.
var registryHost = regexp.MustCompile(`^([^/:]+\.[^/:]+|[^/:]+:[0-9]+)(:[0-9]+)?/`)

// openvexSaid is what is said of a finding, whatever the package.
func openvexSaid(f *match.Finding, step string) openvexStatement {
	s := openvexStatement{
		Vulnerability: openvexVulnerability{Name: f.ID, Description: Clean(f.Title), Aliases: f.Aliases},
		Status:        vex.Affected, Action: step,
	}
	decided := slices.IndexFunc(f.Statements, func(s match.Statement) bool { return s.Decided })
	if decided >= 0 {
		stated := &f.Statements[decided]
		s.Status, s.Notes = stated.Status, strings.TrimSpace("stated by "+cmp.Or(stated.Author, stated.Source)+": "+stated.Notes)
		switch stated.Status {
		case vex.NotAffected:
			s.Justification, s.Impact = stated.Justification, stated.Impact
		case vex.Affected:
			s.Action = cmp.Or(stated.Action, step)
		}
	}
	q := f.Quieted
	switch {
	case q == nil || strings.HasPrefix(q.By, "--"):
	case decided < 0:
		s.Status, s.Justification, s.Impact = vex.NotAffected, ruleJustification(q.By), because(q)
	case s.Status == vex.Affected:
		s.Action = "Accepted. " + because(q)
	}
	if s.Status != vex.Affected {
		s.Action = ""
	}
	if s.Status == vex.NotAffected && s.Justification == "" {
		s.Impact = cmp.Or(s.Impact, s.Notes)
	}
	return s
}

// ruleJustification is OpenVEX's word for what a rule found; empty where it has none.
func ruleJustification(rule string) string {
	return map[string]string{
		"go-symbols":        "vulnerable_code_not_present",
		"go-not-importable": "vulnerable_code_not_present",
		"no-code":           "vulnerable_code_not_present",
		"docs-tests-static": "vulnerable_code_not_present",
		"not-reached":       "vulnerable_code_not_in_execute_path",
	}[rule]
}

// The parts of OpenVEX that are written; names are the standard's.
type (
	openvexDocument struct {
		Context    string             `json:"@context"`
		ID         string             `json:"@id"`
		Author     string             `json:"author"`
		Role       string             `json:"role"`
		Timestamp  string             `json:"timestamp"`
		Version    int                `json:"version"`
		Tooling    string             `json:"tooling"`
		Statements []openvexStatement `json:"statements"`
	}
	openvexStatement struct {
		Vulnerability openvexVulnerability `json:"vulnerability"`
		Products      []openvexProduct     `json:"products,omitempty"`
		Status        vex.Status           `json:"status"`
		Justification string               `json:"justification,omitempty"`
		Impact        string               `json:"impact_statement,omitempty"`
		Action        string               `json:"action_statement,omitempty"`
		Notes         string               `json:"status_notes,omitempty"`
	}
	openvexVulnerability struct {
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		Aliases     []string `json:"aliases,omitempty"`
	}
	openvexPart struct {
		ID          string            `json:"@id"`
		Identifiers map[string]string `json:"identifiers"`
	}
	openvexProduct struct {
		openvexPart
		Hashes        map[string]string `json:"hashes,omitempty"`
		Subcomponents []openvexPart     `json:"subcomponents,omitempty"`
	}
)
