package sbom

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// The types below are the part of SPDX 2.3's JSON form that is written and read here
// (https://spdx.github.io/spdx-spec/v2.3/, and its schema). They are our own because the model of spdx/tools-golang keeps
// its references in nested values that cost a conversion each way, and two more modules.
type spdxDocument struct {
	SPDXID               string             `json:"SPDXID"`
	SPDXVersion          string             `json:"spdxVersion"`
	DataLicense          string             `json:"dataLicense"`
	DocumentNamespace    string             `json:"documentNamespace"` // before all that comes out of an image: see encode
	Name                 string             `json:"name"`
	Comment              string             `json:"comment,omitempty"`
	CreationInfo         spdxCreation       `json:"creationInfo"`
	DocumentDescribes    []string           `json:"documentDescribes,omitempty"`
	Packages             []spdxPackage      `json:"packages,omitempty"`
	Files                []spdxFile         `json:"files,omitempty"`
	ExtractedLicensing   []spdxLicence      `json:"hasExtractedLicensingInfos,omitempty"`
	Relationships        []spdxRelationship `json:"relationships,omitempty"`
	Annotations          []spdxAnnotation   `json:"annotations,omitempty"`
	annotator, annotated string             // of the annotations to be written
}

type spdxCreation struct {
	Created            string   `json:"created"`
	Creators           []string `json:"creators"`
	LicenseListVersion string   `json:"licenseListVersion,omitempty"`
}

type spdxPackage struct {
	SPDXID                string           `json:"SPDXID"`
	Name                  string           `json:"name"`
	VersionInfo           string           `json:"versionInfo,omitempty"`
	PrimaryPackagePurpose string           `json:"primaryPackagePurpose,omitempty"`
	Supplier              string           `json:"supplier,omitempty"`
	DownloadLocation      string           `json:"downloadLocation"`
	FilesAnalyzed         bool             `json:"filesAnalyzed"`
	Checksums             []spdxChecksum   `json:"checksums,omitempty"`
	SourceInfo            string           `json:"sourceInfo,omitempty"`
	LicenseConcluded      string           `json:"licenseConcluded,omitempty"`
	LicenseDeclared       string           `json:"licenseDeclared,omitempty"`
	LicenseComments       string           `json:"licenseComments,omitempty"`
	CopyrightText         string           `json:"copyrightText,omitempty"`
	BuiltDate             string           `json:"builtDate,omitempty"`
	ExternalRefs          []spdxReference  `json:"externalRefs,omitempty"`
	AttributionTexts      []string         `json:"attributionTexts,omitempty"`
	Annotations           []spdxAnnotation `json:"annotations,omitempty"`
}

type spdxFile struct {
	SPDXID    string         `json:"SPDXID"`
	Name      string         `json:"fileName"`
	Checksums []spdxChecksum `json:"checksums"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxReference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxLicence struct {
	ID   string `json:"licenseId"`
	Text string `json:"extractedText"`
	Name string `json:"name,omitempty"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
	Comment string `json:"comment,omitempty"`
}

type spdxAnnotation struct {
	Annotator string `json:"annotator"`
	Date      string `json:"annotationDate"`
	Type      string `json:"annotationType"`
	Comment   string `json:"comment"`
}

const (
	noAssertion     = "NOASSERTION"
	spdxDocumentRef = "SPDXRef-DOCUMENT"
	spdxImageRef    = "SPDXRef-Image"
	spdxOSRef       = "SPDXRef-OperatingSystem"
	// spdxTime is the only form of a time that SPDX 2.3 allows: UTC, without fractions.
	spdxTime = "2006-01-02T15:04:05Z"
)

// SPDX writes a document as SPDX 2.3 JSON. It describes one package, the image, which contains all others. What
// SPDX has no field for stands in annotations, one for each fact, as "name: value".
func SPDX(w io.Writer, d *Document) error {
	created := d.Created
	if created.IsZero() { // SPDX demands a time
		created = time.Unix(0, 0)
	}
	tool := cmp.Or(d.Tool.Name, "unknown")
	if d.Tool.Version != "" {
		tool += "-" + d.Tool.Version
	}
	s := &spdxDocument{
		SPDXID: spdxDocumentRef, SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0",
		DocumentNamespace: "https://spdx.org/spdxdocs/tidewaiter-" + unidentified, Name: cmp.Or(d.Image.Reference, d.Image.Digest, "image"),
		CreationInfo: spdxCreation{Created: created.UTC().Format(spdxTime), Creators: []string{"Tool: " + tool}},
		annotator:    "Tool: " + tool, annotated: created.UTC().Format(spdxTime),
	}
	s.addImage(d)
	if os := d.Inventory.OS; os.ID != "" {
		s.Packages = append(s.Packages, spdxPackage{
			SPDXID: spdxOSRef, Name: os.ID, VersionInfo: os.VersionID, PrimaryPackagePurpose: "OPERATING_SYSTEM",
			Supplier: noAssertion, DownloadLocation: noAssertion, Annotations: s.annotate(osFacts(os)),
		})
		s.relate(spdxImageRef, "CONTAINS", spdxOSRef)
	}
	s.addPackages(d)
	if n := len(d.Inventory.BlindSpots); n > 0 {
		s.Comment = fmt.Sprintf("Not all of the image could be read: %d blind spots stand in the annotations of this document.", n)
		s.Annotations = s.annotate(blindSpotFacts(d.Inventory.BlindSpots))
	}
	return encode(w, s)
}

func (s *spdxDocument) relate(from, how, to string) {
	s.Relationships = append(s.Relationships, spdxRelationship{Element: from, Type: how, Related: to})
}

func (s *spdxDocument) annotate(f facts) []spdxAnnotation {
	var all []spdxAnnotation
	for _, it := range f {
		all = append(all, spdxAnnotation{s.annotator, s.annotated, "OTHER", it.name + ": " + it.value})
	}
	return all
}

func (s *spdxDocument) addImage(d *Document) {
	im := d.Image
	p := spdxPackage{
		SPDXID: spdxImageRef, Name: s.Name, VersionInfo: im.Digest, PrimaryPackagePurpose: "CONTAINER",
		Supplier: noAssertion, DownloadLocation: noAssertion, Checksums: spdxChecksums(im.Digest), ExternalRefs: purlReference(ociPURL(im)),
		Annotations: s.annotate(imageFacts(d)),
	}
	if !im.Created.IsZero() {
		p.BuiltDate = im.Created.UTC().Format(spdxTime)
	}
	s.Packages = append(s.Packages, p)
	s.relate(spdxDocumentRef, "DESCRIBES", spdxImageRef)
	if b := d.Inventory.Base; b != nil {
		base := &image.Image{Reference: b.Reference, Digest: b.Digest}
		s.Packages = append(s.Packages, spdxPackage{
			SPDXID: "SPDXRef-BaseImage", Name: cmp.Or(b.Reference, b.Digest, "base image"), VersionInfo: b.Digest, PrimaryPackagePurpose: "CONTAINER",
			Supplier: noAssertion, DownloadLocation: noAssertion, Checksums: spdxChecksums(b.Digest), ExternalRefs: purlReference(ociPURL(base)),
		})
		s.relate(spdxImageRef, "DESCENDANT_OF", "SPDXRef-BaseImage")
	}
}

func spdxChecksums(digest string) []spdxChecksum {
	if !isDigest(digest) {
		return nil
	}
	algorithm, hex, _ := strings.Cut(digest, ":")
	return []spdxChecksum{{strings.ToUpper(algorithm), hex}}
}

func purlReference(purl string) []spdxReference {
	if purl == "" {
		return nil
	}
	return []spdxReference{{"PACKAGE-MANAGER", "purl", purl}}
}

func (s *spdxDocument) addPackages(d *Document) {
	packages := d.Inventory.Packages
	book := newLicences()
	ids := make([]string, len(packages))
	taken := map[string]int{}
	for i := range packages {
		ids[i] = spdxID(&packages[i], taken)
		s.Packages = append(s.Packages, s.onePackage(&packages[i], ids[i], d, book))
		s.relate(spdxImageRef, "CONTAINS", ids[i])
	}
	for i, needed := range depends(packages) {
		for _, n := range needed {
			s.relate(ids[i], "DEPENDS_ON", ids[n])
		}
	}
	s.addFiles(d, ids)
	for _, ref := range book.sorted() {
		s.ExtractedLicensing = append(s.ExtractedLicensing, spdxLicence{ID: ref, Text: book.words[ref], Name: book.words[ref]})
	}
}

func (s *spdxDocument) onePackage(p *inventory.Package, id string, d *Document, book *licences) spdxPackage {
	out := spdxPackage{
		SPDXID: id, Name: cmp.Or(p.Name, "unknown"), VersionInfo: p.Version, Supplier: noAssertion, DownloadLocation: noAssertion,
		LicenseConcluded: noAssertion, LicenseDeclared: cmp.Or(book.all(p.Licenses), noAssertion), CopyrightText: noAssertion,
		ExternalRefs: purlReference(p.PURL),
	}
	if p.Supplier != "" {
		out.Supplier = spdxSupplier(p.Supplier)
	}
	if p.CPE != "" {
		out.ExternalRefs = append(out.ExternalRefs, spdxReference{"SECURITY", "cpe23Type", p.CPE})
	}
	if p.Source != nil {
		out.SourceInfo = strings.TrimSpace("built package from: " + p.Source.Name + " " + p.Source.Version) // Trivy's words
	}
	if p.LicenseSource != "" {
		out.LicenseComments = "declared in /" + p.LicenseSource
	}
	told, _ := fromPURL(p.PURL, d.Inventory.OS)
	told.Licenses, told.CPE = apart(out.LicenseDeclared, book.words), cpe23(p.CPE)
	out.Annotations = s.annotate(packageFacts(p, &told, d.Image.Layers))
	return out
}

// spdxID makes an identifier that is the same for the same package in every document: what the package is called, for
// people, and a part of its purl's digest.
func spdxID(p *inventory.Package, taken map[string]int) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, p.Type+"-"+p.Name[:min(len(p.Name), 64)])
	id := fmt.Sprintf("SPDXRef-Package-%s-%.6x", plain, sha256.Sum256([]byte(cmp.Or(p.PURL, p.Name+"@"+p.Version))))
	taken[id]++
	if n := taken[id]; n > 1 {
		id += fmt.Sprintf("-%d", n)
	}
	return id
}

// spdxSupplier writes a maintainer, "Name <address>", as SPDX does (clause 7.5): "Organization: Name (address)".
func spdxSupplier(maintainer string) string {
	name, rest, ok := strings.Cut(maintainer, " <")
	address, _, closed := strings.Cut(rest, ">")
	if !ok || !closed {
		return "Organization: " + maintainer
	}
	return "Organization: " + name + " (" + address + ")"
}
