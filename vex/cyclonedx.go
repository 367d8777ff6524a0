package vex

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// cycloneDX is what is read of a document of CycloneDX 1.4 or later (https://cyclonedx.org/docs/1.6/json/): the analyses of
// its vulnerabilities. It may be an SBOM with them, or a VEX document that points into an SBOM.
type cycloneDX struct {
	Format   string `json:"bomFormat"`
	Serial   string `json:"serialNumber"`
	Version  any    `json:"version"`
	Metadata struct {
		Timestamp    string        `json:"timestamp"`
		Component    *cdxComponent `json:"component"`
		Authors      []cdxParty    `json:"authors"`
		Manufacturer *cdxParty     `json:"manufacturer"`
		Manufacture  *cdxParty     `json:"manufacture"` // its name before 1.6
		Supplier     *cdxParty     `json:"supplier"`
	} `json:"metadata"`
	Components      []cdxComponent     `json:"components"`
	Vulnerabilities []cdxVulnerability `json:"vulnerabilities"`
}

type cdxParty struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type cdxComponent struct {
	Ref     string `json:"bom-ref"`
	Type    string `json:"type"`
	Group   string `json:"group"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	CPE     string `json:"cpe"`
	Hashes  []struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	} `json:"hashes"`
	Components []cdxComponent `json:"components"`
}

type cdxVulnerability struct {
	ID         string `json:"id"`
	References []struct {
		ID string `json:"id"`
	} `json:"references"`
	Published string `json:"published"`
	Updated   string `json:"updated"`
	Analysis  *struct {
		State         string   `json:"state"`
		Justification string   `json:"justification"`
		Response      []string `json:"response"`
		Detail        string   `json:"detail"`
		FirstIssued   string   `json:"firstIssued"`
		LastUpdated   string   `json:"lastUpdated"`
	} `json:"analysis"`
	Recommendation string       `json:"recommendation"`
	Affects        []cdxAffects `json:"affects"`
}

type cdxAffects struct {
	Ref      string       `json:"ref"`
	Versions []cdxVersion `json:"versions"`
}

type cdxVersion struct {
	Version string `json:"version"`
	Range   string `json:"range"`
	Status  string `json:"status"`
}

// cdxStates are the states of an analysis in OpenVEX's words; false_positive and the like say why in themselves.
var cdxStates = map[string]Status{
	"resolved": Fixed, "resolved_with_pedigree": Fixed, "exploitable": Affected, "in_triage": UnderInvestigation,
	"false_positive": NotAffected, "not_affected": NotAffected,
}

// cdxJustifications are CycloneDX's justifications in OpenVEX's words.
var cdxJustifications = map[string]string{
	"code_not_present": codeNotPresent, "code_not_reachable": codeNotExecuted,
	"requires_configuration": codeNotControlled, "requires_dependency": codeNotControlled, "requires_environment": codeNotControlled,
	"protected_by_compiler": alreadyMitigated, "protected_at_runtime": alreadyMitigated,
	"protected_at_perimeter": alreadyMitigated, "protected_by_mitigating_control": alreadyMitigated,
}

type cdxReader struct {
	doc        cycloneDX
	components map[string]*cdxComponent
	// named has the components that were asked for: one may be large, and asked for often.
	named map[*cdxComponent]Component
	// whole is what the document describes, where it can be known again; its components are meant as they are in it.
	whole *Component
}

func parseCycloneDX(raw []byte) ([]Statement, error) {
	r := cdxReader{components: map[string]*cdxComponent{}, named: map[*cdxComponent]Component{}}
	if err := json.Unmarshal(raw, &r.doc); err != nil {
		return nil, fmt.Errorf("CycloneDX: %w", err)
	}
	if r.doc.Format != "CycloneDX" {
		return nil, errNotVEX
	}
	r.note(r.doc.Components)
	if root := r.doc.Metadata.Component; root != nil {
		r.note(root.Components)
		r.components[root.Ref] = root
		if c := root.component(); root.PURL != "" || root.Type == "container" {
			r.whole = &c
		}
	}
	var statements []Statement
	for i := range r.doc.Vulnerabilities {
		statements = append(statements, r.statements(&r.doc.Vulnerabilities[i])...)
	}
	return statements, nil
}

func (r *cdxReader) note(components []cdxComponent) {
	for i := range components {
		c := &components[i]
		if c.Ref != "" {
			r.components[c.Ref] = c
		}
		r.note(c.Components)
	}
}

func (c *cdxComponent) component() Component {
	var out Component
	out.add(c.PURL, c.CPE)
	for _, h := range c.Hashes {
		if h.Algorithm == "SHA-256" {
			out.add("sha256:" + strings.ToLower(h.Content))
		}
	}
	if c.Type == "container" { // Syft's version of an image is its digest
		name := c.Name
		if isDigest(c.Version) {
			out.add(c.Version)
		} else if c.Version != "" && !strings.ContainsAny(name, ":@") {
			name += ":" + c.Version
		}
		out.add(name)
	}
	if len(out.Names) == 0 {
		out.add(strings.TrimSpace(c.Group + " " + c.Name + " " + c.Version))
	}
	return out
}

// statements gives what is said of one vulnerability: its analysis of the products that are affected by it, and that other
// versions of them are not.
func (r *cdxReader) statements(v *cdxVulnerability) []Statement {
	base := Statement{
		Author: r.author(), Time: parseTime(v.Updated, v.Published, r.doc.Metadata.Timestamp),
		Document: r.doc.Serial, Version: number(r.doc.Version), Action: oneLine(v.Recommendation),
	}
	names := []string{v.ID}
	for _, ref := range v.References {
		names = append(names, ref.ID)
	}
	base.name(names)
	state := Status("")
	if a := v.Analysis; a != nil {
		state = cdxStates[a.State]
		base.Justification = cdxJustifications[a.Justification]
		base.Impact = oneLine(a.Detail)
		if t := parseTime(a.LastUpdated, a.FirstIssued); !t.IsZero() {
			base.Time = t
		}
		if state == NotAffected && base.Impact == "" && (base.Justification == "" || base.Justification == codeNotControlled || base.Justification == alreadyMitigated) {
			base.Impact = strings.ReplaceAll(cmp.Or(a.Justification, a.State), "_", " ") // which says more than OpenVEX's word
		}
		if base.Action == "" {
			base.Action = strings.ReplaceAll(strings.Join(a.Response, ", "), "_", " ")
		}
	}
	if len(base.Vulnerabilities) == 0 {
		return nil
	}
	products := map[Status][]Product{}
	for _, a := range v.Affects {
		r.affects(a, state, products)
	}
	var statements []Statement
	for _, status := range []Status{Affected, UnderInvestigation, Fixed, NotAffected} {
		if products[status] == nil {
			continue
		}
		s := base
		s.Status, s.Products = status, products[status]
		if status == NotAffected && state != NotAffected {
			s.Justification, s.Impact = "", "these versions are listed as unaffected"
		}
		if status != Affected {
			s.Action = ""
		}
		statements = append(statements, s)
	}
	return statements
}

// affects adds the products that one entry means to those of their status. state is that of the analysis; empty where there
// is none.
func (r *cdxReader) affects(a cdxAffects, state Status, products map[Status][]Product) {
	add := func(status Status, version cdxVersion) {
		if status != "" {
			products[status] = append(products[status], r.product(a.Ref, version))
		}
	}
	if len(a.Versions) == 0 {
		add(state, cdxVersion{})
	}
	for _, version := range a.Versions {
		switch version.Status {
		case "unaffected":
			add(NotAffected, version)
		case "unknown":
			add(UnderInvestigation, version)
		default: // "affected", which the analysis judges
			add(state, version)
		}
	}
}

// product is what a reference points at: a component of the document, or, by a BOM-Link (urn:cdx:SERIAL/VERSION#REF), one of
// another document, of which no more than the reference is known. Many tools write package URLs as references.
func (r *cdxReader) product(ref string, version cdxVersion) Product {
	known := r.components[ref]
	if link, ok := strings.CutPrefix(ref, "urn:cdx:"); ok && known == nil {
		if document, fragment, ok := strings.Cut(link, "#"); ok {
			if unescaped, err := url.PathUnescape(fragment); err == nil {
				fragment = unescaped
			}
			serial, _, _ := strings.Cut(document, "/")
			if ref = fragment; serial == strings.TrimPrefix(r.doc.Serial, "urn:uuid:") {
				known = r.components[ref]
			}
		}
	}
	c := Component{Names: []string{ref}}
	if known != nil {
		var ok bool
		if c, ok = r.named[known]; !ok {
			c = known.component()
			r.named[known] = c
		}
	}
	c = c.at(version)
	if root := r.doc.Metadata.Component; r.whole != nil && known != nil && known != root {
		return Product{*r.whole, c}
	}
	return Product{c}
}

// at gives the component at another version, or in a range of them.
func (c Component) at(version cdxVersion) Component {
	if version.Version == "" && version.Range == "" {
		return c
	}
	out := Component{Range: version.Range}
	for _, name := range c.Names {
		if p, ok := ParsePURL(name); ok {
			out.add(p.at(version.Version))
		}
	}
	if len(out.Names) == 0 { // what has no package URL is shown, and is nothing that could be found
		out.Range = cmp.Or(version.Range, version.Version)
		out.Names = slices.Clone(c.Names)
	}
	return out
}

func (r *cdxReader) author() string {
	m := &r.doc.Metadata
	parties := m.Authors
	for _, p := range []*cdxParty{m.Manufacturer, m.Manufacture, m.Supplier} {
		if p != nil {
			parties = append(parties, *p)
		}
	}
	for _, p := range parties {
		if name := cmp.Or(p.Name, p.Email); name != "" {
			return name
		}
	}
	return ""
}
