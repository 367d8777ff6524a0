package report

import (
	"io"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/sbom"
	"tidewaiter/vex"
)

// CycloneDX writes what is aboard and what is wrong with it as CycloneDX JSON (see [sbom.DefaultCycloneDX]): components, and
// vulnerabilities with their analysis. A problem whose packages are not all judged alike is one vulnerability for each
// analysis. Malware and what is out of support are among them, with a property that says so.
func CycloneDX(w io.Writer, r *Report) error {
	bom, err := sbom.BOM(documentOf(r), sbom.DefaultCycloneDX)
	if err != nil {
		return err
	}
	bom.Vulnerabilities = vulnerabilities(r, bom)
	return writeJSON(w, bom)
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

// vulnerabilities puts together the findings that are one vulnerability with one analysis, in the order of their ids.
func vulnerabilities(r *Report, bom *cdx.BOM) *[]cdx.Vulnerability {
	refs := map[string][]string{} // by purl
	if bom.Components != nil {
		for _, c := range *bom.Components {
			refs[c.PackageURL] = append(refs[c.PackageURL], c.BOMRef)
		}
	}
	type key struct{ id, state, detail string }
	at := map[key]int{}
	list := []cdx.Vulnerability{}
	for i := range r.Findings {
		f := &r.Findings[i]
		analysis := analysisOf(f)
		k := key{id: f.ID}
		if analysis != nil {
			k.state, k.detail = string(analysis.State), analysis.Detail
		}
		n, known := at[k]
		if !known {
			n = len(list)
			at[k] = n
			list = append(list, vulnerability(f, analysis))
		}
		v := &list[n]
		for _, ref := range refs[f.Package] {
			*v.Affects = append(*v.Affects, cdx.Affects{Ref: ref})
		}
	}
	slices.SortStableFunc(list, func(a, b cdx.Vulnerability) int { return strings.Compare(a.ID, b.ID) })
	return &list
}

func vulnerability(f *match.Finding, analysis *cdx.VulnerabilityAnalysis) cdx.Vulnerability {
	v := cdx.Vulnerability{
		ID: f.ID, Source: &cdx.Source{Name: f.Evidence.Feed}, Description: f.Title,
		Analysis: analysis, Affects: &[]cdx.Affects{}, Ratings: ratings(f),
	}
	if f.Published != "" {
		v.Published = f.Published + "T00:00:00Z"
	}
	var references []cdx.VulnerabilityReference
	for _, alias := range f.Aliases {
		references = append(references, cdx.VulnerabilityReference{ID: alias, Source: &cdx.Source{Name: f.Evidence.Feed}})
	}
	if len(references) > 0 {
		v.References = &references
	}
	if len(f.Fixed) > 0 {
		v.Recommendation = "Upgrade " + f.Of.Name + " to " + f.Fixed[0] + " or later."
	}
	var properties []cdx.Property
	for _, p := range []struct{ name, value string }{
		{"kind", string(f.Kind)}, {"malicious", yes(f.Malicious)}, {"priority", string(f.Priority)}, {"due", f.Due}, {"exploited-since", exploitedSince(f)},
	} {
		if p.value != "" {
			properties = append(properties, cdx.Property{Name: "tidewaiter:" + p.name, Value: p.value})
		}
	}
	if len(properties) > 0 {
		v.Properties = &properties
	}
	return v
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
func ratings(f *match.Finding) *[]cdx.VulnerabilityRating {
	word := cdx.Severity(f.Severity)
	if f.Severity == match.Negligible {
		word = cdx.SeverityInfo
	}
	list := []cdx.VulnerabilityRating{{Severity: word, Method: cdx.ScoringMethodOther}}
	if f.SeveritySource != "" {
		list[0].Source = &cdx.Source{Name: f.SeveritySource}
	}
	for _, c := range f.CVSS {
		list = append(list, rating(c))
	}
	if f.Environmental != nil {
		list = append(list, rating(*f.Environmental))
	}
	return &list
}

func rating(c match.CVSS) cdx.VulnerabilityRating {
	score := c.Score
	out := cdx.VulnerabilityRating{Score: &score, Vector: c.Vector, Method: cdx.ScoringMethodCVSSv2}
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

// analysisOf says what was found out about a finding; nil where nobody said anything.
func analysisOf(f *match.Finding) *cdx.VulnerabilityAnalysis {
	decided := slices.IndexFunc(f.Statements, func(s match.Statement) bool { return s.Decided })
	if f.Quieted == nil {
		if decided < 0 {
			return nil
		}
		s := f.Statements[decided]
		out := &cdx.VulnerabilityAnalysis{State: cdx.IASExploitable, Detail: strings.Join(nonEmpty(s.Author, s.Impact, s.Action, s.Notes), ": ")}
		if s.Status == vex.UnderInvestigation {
			out.State = cdx.IASInTriage
		}
		return out
	}
	out := &cdx.VulnerabilityAnalysis{State: cdx.IASNotAffected, Detail: f.Quieted.By + ": " + f.Quieted.Reason}
	if f.Quieted.Until != "" {
		out.Detail += " (until " + f.Quieted.Until + ")"
	}
	if decided >= 0 {
		s := f.Statements[decided]
		out.Justification = justifications[s.Justification]
		switch s.Status {
		case vex.Fixed:
			out.State = cdx.IASResolved
		case vex.Affected: // a risk that somebody accepted
			out.State, out.Response = cdx.IASExploitable, &[]cdx.ImpactAnalysisResponse{cdx.IARWillNotFix}
		}
	}
	return out
}

// justifications has CycloneDX's words for those of OpenVEX.
var justifications = map[string]cdx.ImpactAnalysisJustification{
	"component_not_present":                             cdx.IAJCodeNotPresent,
	"vulnerable_code_not_present":                       cdx.IAJCodeNotPresent,
	"vulnerable_code_not_in_execute_path":               cdx.IAJCodeNotReachable,
	"vulnerable_code_cannot_be_controlled_by_adversary": cdx.IAJProtectedByMitigatingControl,
	"inline_mitigations_already_exist":                  cdx.IAJProtectedByMitigatingControl,
}

func nonEmpty(words ...string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return w == "" })
}
