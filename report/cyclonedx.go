package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/sbom"
	"tidewaiter/vex"
)

// CycloneDX writes what is aboard and what is wrong with it as CycloneDX JSON (see [sbom.DefaultCycloneDX]): components, and
// vulnerabilities with their analysis. A problem whose packages are not all judged alike is one vulnerability for each
// judgement. Malware and what is out of support are among them, with a property that says so; so are the environment and its score.
func CycloneDX(w io.Writer, r *Report) error {
	bom, err := sbom.BOM(documentOf(r), sbom.DefaultCycloneDX)
	if err != nil {
		return err
	}
	if a := r.Assessment; a != nil {
		properties := cdxProperties("environment", a.Environment, "score", fmt.Sprintf("%.1f", a.Score), "grade", a.Grade, "verdict", string(a.Verdict))
		if had := bom.Metadata.Properties; had != nil {
			properties = slices.Concat(*had, properties)
		}
		bom.Metadata.Properties = &properties
	}
	if r.Data != nil { // an empty list would say that there are none
		bom.Vulnerabilities = vulnerabilities(r, bom)
	}
	return sbom.WriteBOM(w, bom)
}

// documentOf is the report's part that an SBOM tells.
func documentOf(r *Report) *sbom.Document {
	im := &image.Image{Reference: r.Image.Reference, Digest: r.Image.Digest, ID: r.Image.ID, Created: r.Image.Created, Labels: r.Image.Labels}
	im.Platform.OS, im.Platform.Architecture, _ = strings.Cut(r.Image.Platform, "/")
	im.Platform.Architecture, im.Platform.Variant, _ = strings.Cut(im.Platform.Architecture, "/")
	for _, l := range r.Image.Layers {
		im.Layers = append(im.Layers, image.Layer{Index: l.Index, DiffID: l.DiffID, Digest: l.Digest, Size: l.Size, Instruction: l.Instruction, DockerfileLine: l.DockerfileLine})
	}
	inv := &inventory.Inventory{Packages: r.Packages, Base: r.Image.Base, BlindSpots: r.BlindSpots}
	if r.Image.OS != nil {
		inv.OS = *r.Image.OS
	}
	return &sbom.Document{Tool: sbom.Tool{Name: r.Tool.Name, Version: r.Tool.Version}, Image: im, Inventory: inv}
}

// vulnerabilities puts together the findings of which the same is said, in the order of their ids.
func vulnerabilities(r *Report, bom *cdx.BOM) *[]cdx.Vulnerability {
	refs := refsOf(bom)
	at := map[string]int{}
	list := []cdx.Vulnerability{}
	for i := range r.Findings {
		f := &r.Findings[i]
		v := vulnerability(f, environmentOf(r))
		raw, _ := json.Marshal(v) // text, lists and finite numbers alone: it does not fail
		n, known := at[string(raw)]
		if !known {
			n = len(list)
			at[string(raw)] = n
			v.Affects = &[]cdx.Affects{}
			list = append(list, v)
		}
		of := refs[f.Package]
		if of == nil { // the distribution's end of life, which is no package's
			of = refs[""]
		}
		for _, ref := range of {
			if a := list[n].Affects; !slices.Contains(*a, cdx.Affects{Ref: ref}) {
				*a = append(*a, cdx.Affects{Ref: ref})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b cdx.Vulnerability) int { return strings.Compare(a.ID, b.ID) })
	return &list
}

// refsOf gives the references to components by package URL; "" has the operating system's, or where none is known the image's.
func refsOf(bom *cdx.BOM) map[string][]string {
	refs := map[string][]string{"": {bom.Metadata.Component.BOMRef}}
	if bom.Components == nil {
		return refs
	}
	for _, c := range *bom.Components {
		switch {
		case c.Type == cdx.ComponentTypeOS:
			refs[""] = []string{c.BOMRef}
		case c.PackageURL != "":
			refs[c.PackageURL] = append(refs[c.PackageURL], c.BOMRef)
		}
	}
	return refs
}

// vulnerability is what is said of a finding, whatever the package.
func vulnerability(f *match.Finding, environment string) cdx.Vulnerability {
	source := &cdx.Source{Name: f.Evidence.Feed}
	v := cdx.Vulnerability{
		ID: f.ID, Source: source, Description: f.Title, Recommendation: recommendation(f), Analysis: analysisOf(f), Ratings: ratings(f, environment),
	}
	if _, err := time.Parse(time.DateOnly, f.Published); err == nil {
		v.Published = f.Published + "T00:00:00Z"
	}
	if len(f.Aliases) > 0 {
		references := make([]cdx.VulnerabilityReference, 0, len(f.Aliases))
		for _, alias := range f.Aliases {
			references = append(references, cdx.VulnerabilityReference{ID: alias, Source: source})
		}
		v.References = &references
	}
	if page := pageOf(f.ID); page != "" {
		v.Advisories = &[]cdx.Advisory{{URL: page}}
	}
	properties := vulnerabilityProperties(f)
	v.Properties = &properties
	if len(properties) == 0 {
		v.Properties = nil
	}
	return v
}

func recommendation(f *match.Finding) string {
	switch {
	case f.Malicious:
		return nextStep(*f)
	case len(f.Fixed) > 0:
		return "Upgrade to " + f.Fixed[0] + "."
	}
	return ""
}

func vulnerabilityProperties(f *match.Finding) []cdx.Property {
	var epss, quieted string
	if f.EPSS != nil {
		epss = fmt.Sprintf("%.5f", f.EPSS.Score)
	}
	if f.Quieted != nil {
		quieted = f.Quieted.By + ": " + f.Quieted.Reason
	}
	list := cdxProperties("kind", string(f.Kind), "malicious", yes(f.Malicious), "priority", string(f.Priority), "due", f.Due, "overdue", yes(f.Overdue),
		"exploited-since", exploitedSince(f), "epss", epss, "quieted", quieted)
	for _, l := range f.Lowered {
		list = append(list, cdxProperties("lowered", l.By+": "+l.Reason)...)
	}
	return list
}

// cdxProperties makes properties of names and values; what is empty is left out.
func cdxProperties(pairs ...string) []cdx.Property {
	var list []cdx.Property
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			list = append(list, cdx.Property{Name: "tidewaiter:" + pair[0], Value: pair[1]})
		}
	}
	return list
}

func yes(holds bool) string {
	if holds {
		return "true"
	}
	return ""
}

func exploitedSince(f *match.Finding) string {
	if f.KEV == nil {
		return ""
	}
	return f.KEV.Added
}

// ratings gives the word that Tidewaiter goes by, and every score with who gave it.
func ratings(f *match.Finding, environment string) *[]cdx.VulnerabilityRating {
	words := map[match.Level]cdx.Severity{match.Critical: cdx.SeverityCritical, match.High: cdx.SeverityHigh, match.Medium: cdx.SeverityMedium,
		match.Low: cdx.SeverityLow, match.Negligible: cdx.SeverityInfo}
	list := []cdx.VulnerabilityRating{{Severity: cmp.Or(words[f.Severity], cdx.SeverityUnknown), Method: cdx.ScoringMethodOther}}
	if f.SeveritySource != "" {
		list[0].Source = &cdx.Source{Name: f.SeveritySource}
	}
	for _, c := range f.CVSS {
		list = append(list, rating(c))
	}
	if f.Environmental != nil {
		here := rating(*f.Environmental)
		here.Justification = "the environmental score in " + environment
		list = append(list, here)
	}
	return &list
}

func rating(c match.CVSS) cdx.VulnerabilityRating {
	out := cdx.VulnerabilityRating{Score: &c.Score, Vector: c.Vector, Method: cdx.ScoringMethodCVSSv2}
	if c.Source != "" {
		out.Source = &cdx.Source{Name: c.Source}
	}
	switch {
	case strings.HasPrefix(c.Vector, "CVSS:4."):
		out.Method = cdx.ScoringMethodCVSSv4
	case strings.HasPrefix(c.Vector, "CVSS:3.1"):
		out.Method = cdx.ScoringMethodCVSSv31
	case strings.HasPrefix(c.Vector, "CVSS:3.0"):
		out.Method = cdx.ScoringMethodCVSSv3
	}
	return out
}

// analysisOf says what was found out about a finding; nil where nobody said anything. What only the user's choice of what to look at
// quieted (--only-base) was not found out.
func analysisOf(f *match.Finding) *cdx.VulnerabilityAnalysis {
	decided := slices.IndexFunc(f.Statements, func(s match.Statement) bool {
		return s.Decided && (f.Quieted != nil || !s.Status.Quiets()) // of a finding that stands, what quiets a part of it says too much
	})
	q := f.Quieted
	var out cdx.VulnerabilityAnalysis
	switch {
	case decided >= 0:
		out = statedAnalysis(&f.Statements[decided])
	case q == nil || strings.HasPrefix(q.By, "--"):
		return nil
	default:
		out.State, out.Justification = cdx.IASNotAffected, justifications()[ruleJustification(q.By)]
	}
	if q != nil {
		out.Detail = because(q)
		if out.State == cdx.IASExploitable { // a risk that somebody accepted
			out.Response = &[]cdx.ImpactAnalysisResponse{cdx.IARWillNotFix}
		}
	}
	return &out
}

// statedAnalysis is what somebody's statement says, in CycloneDX's words.
func statedAnalysis(s *match.Statement) cdx.VulnerabilityAnalysis {
	states := map[vex.Status]cdx.ImpactAnalysisState{
		vex.NotAffected: cdx.IASNotAffected, vex.Fixed: cdx.IASResolved, vex.Affected: cdx.IASExploitable, vex.UnderInvestigation: cdx.IASInTriage,
	}
	words := nonEmpty(cmp.Or(s.Author, s.Source), s.Impact, s.Action, s.Notes)
	out := cdx.VulnerabilityAnalysis{State: states[s.Status], Justification: justifications()[s.Justification], Detail: strings.Join(words, ": ")}
	if !s.Timestamp.IsZero() {
		out.LastUpdated = s.Timestamp.UTC().Format(time.RFC3339)
	}
	return out
}

// justifications has CycloneDX's words for those of OpenVEX.
func justifications() map[string]cdx.ImpactAnalysisJustification {
	return map[string]cdx.ImpactAnalysisJustification{
		"component_not_present":                             cdx.IAJCodeNotPresent,
		"vulnerable_code_not_present":                       cdx.IAJCodeNotPresent,
		"vulnerable_code_not_in_execute_path":               cdx.IAJCodeNotReachable,
		"vulnerable_code_cannot_be_controlled_by_adversary": cdx.IAJRequiresEnvironment,
		"inline_mitigations_already_exist":                  cdx.IAJProtectedByMitigatingControl,
	}
}

func nonEmpty(words ...string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
