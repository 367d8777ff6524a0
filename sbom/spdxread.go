package sbom

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

func readSPDX(data []byte) (*Document, error) {
	var s spdxDocument
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("not an SPDX document that can be read: %w", plainJSON(err))
	}
	switch s.SPDXVersion {
	case "SPDX-2.2", "SPDX-2.3":
	default:
		return nil, fmt.Errorf("%s is not read, but SPDX 2.2 and 2.3 are", s.SPDXVersion)
	}
	return s.document(), nil
}

func (s *spdxDocument) document() *Document {
	r := newReading(strings.Replace(s.SPDXVersion, "-", " ", 1))
	r.doc.Tool = spdxTool(s.CreationInfo.Creators)
	if t, err := time.Parse(time.RFC3339, s.CreationInfo.Created); err == nil {
		r.doc.Created = t.UTC()
	}
	subjects, sources := s.subjects(), s.sources()
	others := make([]*spdxPackage, 0, len(s.Packages))
	for i := range s.Packages {
		switch p := &s.Packages[i]; {
		case strings.ReplaceAll(p.PrimaryPackagePurpose, "-", "_") == "OPERATING_SYSTEM": // the specification has "-", its schema "_"
			r.distribution(p.Name, p.VersionInfo, p.facts())
		case p.isImage(subjects[p.SPDXID]):
			if subjects[p.SPDXID] {
				r.doc.OfDirectory = strings.HasPrefix(p.SPDXID, "SPDXRef-DocumentRoot-Directory-") // Syft's
				r.image(p.Name, p.VersionInfo, p.purl(), p.digests(), p.facts())
			}
		default:
			others = append(others, p)
		}
	}
	if r.doc.Image.Reference == "" {
		r.doc.Image.Reference = s.Name
	}
	for _, f := range s.Files {
		r.file(f.SPDXID, f.Name, spdxDigests(f.Checksums))
	}
	words := map[string]string{}
	for _, l := range s.ExtractedLicensing {
		words[l.ID] = l.words()
	}
	for _, p := range others {
		if !p.isGroup() && !sources[p.SPDXID] {
			r.add(p.component(words))
		}
	}
	for _, rel := range s.Relationships {
		switch {
		case rel.Type == "DEPENDS_ON":
			r.relations.need(rel.Element, rel.Related)
		case rel.Type == "DEPENDENCY_OF":
			r.relations.need(rel.Related, rel.Element)
		case rel.Type == "CONTAINS":
			r.relations.hold(rel.Element, rel.Related)
		case rel.Type == "OTHER" && strings.HasPrefix(rel.Comment, "ownership-by-file-overlap"): // Syft's
			r.relations.owners[rel.Related] = rel.Element
		}
	}
	r.doc.Inventory.BlindSpots = annotated(s.Annotations).blindSpots()
	return r.finish()
}

// subjects are what the document describes.
func (s *spdxDocument) subjects() map[string]bool {
	subjects := map[string]bool{}
	for _, id := range s.DocumentDescribes {
		subjects[id] = true
	}
	for _, rel := range s.Relationships {
		switch {
		case rel.Type == "DESCRIBES" && rel.Element == spdxDocumentRef:
			subjects[rel.Related] = true
		case rel.Type == "DESCRIBED_BY" && rel.Related == spdxDocumentRef:
			subjects[rel.Element] = true
		}
	}
	return subjects
}

// sources are what packages were made from (as apko and melange say of each): they are not aboard.
func (s *spdxDocument) sources() map[string]bool {
	sources := map[string]bool{}
	for _, rel := range s.Relationships {
		switch {
		case rel.Type == "GENERATED_FROM",
			rel.Type == "DESCRIBED_BY" && rel.Related != spdxDocumentRef: // melange's: the file that says how it was built
			sources[rel.Related] = true
		}
	}
	return sources
}

// spdxTool reads the first tool of a list of creators, "Tool: name-version".
func spdxTool(creators []string) Tool {
	for _, c := range creators {
		if tool, ok := strings.CutPrefix(c, "Tool: "); ok {
			if i := strings.LastIndexByte(tool, '-'); i > 0 {
				return Tool{tool[:i], tool[i+1:]}
			}
			return Tool{Name: tool}
		}
	}
	return Tool{}
}

// purl gives the package's URL; of several, the first that is not of a place where its source is kept.
func (p *spdxPackage) purl() string {
	first := ""
	for _, ref := range p.ExternalRefs {
		if ref.Type != "purl" && !strings.HasSuffix(ref.Type, "/purl") {
			continue
		}
		first = cmp.Or(first, ref.Locator)
		if !strings.HasPrefix(ref.Locator, "pkg:github/") && !strings.HasPrefix(ref.Locator, "pkg:generic/") {
			return ref.Locator
		}
	}
	return first
}

// cpe gives the first of the package's names in the CPE dictionary.
func (p *spdxPackage) cpe() string {
	for _, ref := range p.ExternalRefs {
		if ref.Type == "cpe23Type" || strings.HasSuffix(ref.Type, "/cpe23Type") {
			return cpe23(ref.Locator)
		}
	}
	return ""
}

// cpe23 keeps what is a formatted string of CPE 2.3.
func cpe23(name string) string {
	if strings.HasPrefix(name, "cpe:2.3:") {
		return name
	}
	return ""
}

// isImage tells what is an image, or stands for the whole of what the document is about, from its packages.
func (p *spdxPackage) isImage(subject bool) bool {
	purl := p.purl()
	return p.PrimaryPackagePurpose == "CONTAINER" || strings.HasPrefix(purl, "pkg:oci/") || strings.HasPrefix(purl, "pkg:docker/") || subject && purl == ""
}

// isGroup tells files and the headings under which Trivy puts what it found in one place from packages.
func (p *spdxPackage) isGroup() bool {
	if p.purl() != "" {
		return false
	}
	switch p.PrimaryPackagePurpose {
	case "FILE", "SOURCE", "ARCHIVE", "DEVICE", "FIRMWARE":
		return true
	case "APPLICATION":
		return p.VersionInfo == ""
	}
	return false
}

func (p *spdxPackage) digests() []string {
	var all []string
	for _, c := range p.Checksums {
		all = append(all, strings.ToLower(c.Algorithm)+":"+strings.ToLower(c.Value))
	}
	return all
}

// annotated gives the facts of annotations, "name: value". That is our form, and Trivy's.
func annotated(list []spdxAnnotation) facts {
	var f facts
	for _, a := range list {
		if name, value, ok := strings.Cut(a.Comment, ": "); ok {
			f = append(f, fact{name, value})
		}
	}
	return f
}

func (p *spdxPackage) facts() facts {
	f := annotated(p.Annotations)
	for _, text := range p.AttributionTexts { // Trivy's, before version 0.51
		if name, value, ok := strings.Cut(text, ": "); ok {
			f = append(f, fact{name, value})
		}
	}
	return f
}

func (p *spdxPackage) component(words map[string]string) component {
	declared := p.LicenseDeclared
	if declared == "" || declared == noAssertion {
		declared = p.LicenseConcluded
	}
	c := component{
		id: p.SPDXID, name: p.Name, version: p.VersionInfo, purl: p.purl(), cpe: p.cpe(), facts: p.facts(), licences: apart(declared, words),
		digests: spdxDigests(p.Checksums),
	}
	if len(c.facts) > 0 && strings.HasPrefix(c.facts[0].name, namespace) {
		return c
	}
	if source, ok := strings.CutPrefix(p.SourceInfo, "built package from: "); ok { // Trivy's
		name, version, _ := strings.Cut(source, " ")
		c.facts = append(c.facts, fact{"SrcName", name}, fact{"SrcVersion", version})
	}
	if _, where, ok := strings.Cut(p.SourceInfo, " extractor from "); ok && strings.HasPrefix(p.SourceInfo, "Identified by the ") { // OSV-Scalibr's
		c.paths = append(c.paths, strings.TrimPrefix(where, "/"))
	}
	if _, where, ok := strings.Cut(p.SourceInfo, ": /"); ok && strings.HasPrefix(p.SourceInfo, "acquired package info") { // Syft's
		for file := range strings.SplitSeq(where, ",") {
			c.paths = append(c.paths, strings.TrimPrefix(strings.TrimSpace(file), "/"))
		}
	}
	return c
}

// words are what stands behind a reference: its name, or a text that is no longer than one.
func (l *spdxLicence) words() string {
	const longest = 200
	if l.Name != "" && l.Name != noAssertion {
		return l.Name
	}
	if l.Text != "" && len(l.Text) <= longest && !strings.Contains(l.Text, "\n") {
		return l.Text
	}
	return l.ID
}
