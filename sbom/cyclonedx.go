package sbom

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// CycloneDXVersions are the versions of CycloneDX that can be written, the newest first.
func CycloneDXVersions() []string { return []string{"1.7", "1.6", "1.5", "1.4"} }

// DefaultCycloneDX is the version that is written where none is asked for: of those with all that is said here, the one
// that most programs read.
const DefaultCycloneDX = "1.6"

// CycloneDX writes a document as CycloneDX JSON of a version (see [CycloneDXVersions]; empty: [DefaultCycloneDX]). Its
// subject is the image. What CycloneDX has no field for stands in properties.
func CycloneDX(w io.Writer, d *Document, version string) error {
	bom, err := BOM(d, version)
	if err != nil {
		return err
	}
	return WriteBOM(w, bom)
}

// BOM makes what [CycloneDX] writes, for who has more to say in it.
func BOM(d *Document, version string) (*cdx.BOM, error) {
	c := cdxWriter{doc: d, book: newLicences()}
	switch cmp.Or(version, DefaultCycloneDX) {
	case "1.4":
		c.version = cdx.SpecVersion1_4
	case "1.5":
		c.version = cdx.SpecVersion1_5
	case "1.6":
		c.version = cdx.SpecVersion1_6
	case "1.7":
		c.version = cdx.SpecVersion1_7
	default:
		return nil, fmt.Errorf("CycloneDX %s is not written: one of %s", version, strings.Join(CycloneDXVersions(), ", "))
	}
	return c.document(), nil
}

// WriteBOM writes what [BOM] made, and whatever was added to it, with a serial number that goes by the content.
func WriteBOM(w io.Writer, bom *cdx.BOM) error { return encode(w, bom) }

// cdxWriter makes one CycloneDX document.
type cdxWriter struct {
	doc     *Document
	version cdx.SpecVersion
	book    *licences
}

const (
	cdxImageRef = "image"
	cdxOSRef    = "operating-system"
)

func (c *cdxWriter) document() *cdx.BOM {
	inv := c.doc.Inventory
	bom := &cdx.BOM{
		JSONSchema: "http://cyclonedx.org/schema/bom-" + c.version.String() + ".schema.json",
		BOMFormat:  cdx.BOMFormat, SpecVersion: c.version, Version: 1, SerialNumber: "urn:uuid:" + unidentified,
		Metadata: &cdx.Metadata{Tools: c.tools(), Component: c.image(), Properties: properties(blindSpotFacts(inv.BlindSpots))},
	}
	if !c.doc.Created.IsZero() {
		bom.Metadata.Timestamp = c.doc.Created.UTC().Format(time.RFC3339)
	}
	var components []cdx.Component
	if os := inv.OS; os.ID != "" {
		components = append(components, cdx.Component{
			BOMRef: cdxOSRef, Type: cdx.ComponentTypeOS, Name: os.ID, Version: os.VersionID, Description: os.Name, Properties: properties(osFacts(os)),
		})
	}
	taken := map[string]int{cdxImageRef: 1, cdxOSRef: 1}
	refs := make([]string, len(inv.Packages))
	for i := range inv.Packages {
		p := &inv.Packages[i]
		refs[i] = cmp.Or(p.PURL, p.Type+":"+p.Name+"@"+p.Version)
		taken[refs[i]]++
		if n := taken[refs[i]]; n > 1 {
			refs[i] += fmt.Sprintf("#%d", n)
		}
		components = append(components, c.component(p, refs[i]))
	}
	components = append(components, cdxFiles(c.doc)...)
	bom.Components = listOf(components)
	bom.Dependencies = c.dependencies(refs)
	if len(inv.BlindSpots) > 0 {
		bom.Compositions = &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateIncomplete, Assemblies: &[]cdx.BOMReference{cdxImageRef}}}
	}
	return bom
}

// listOf gives a list as the library wants it: nil, so that it is left out, for an empty one.
func listOf[T any](list []T) *[]T {
	if len(list) == 0 {
		return nil
	}
	return &list
}

func properties(f facts) *[]cdx.Property {
	list := make([]cdx.Property, 0, len(f))
	for _, it := range f {
		list = append(list, cdx.Property{Name: it.name, Value: it.value})
	}
	return listOf(list)
}

func (c *cdxWriter) tools() *cdx.ToolsChoice {
	tool := c.doc.Tool
	if tool.Name == "" {
		return nil
	}
	if c.version < cdx.SpecVersion1_5 {
		return &cdx.ToolsChoice{Tools: &[]cdx.Tool{{Name: tool.Name, Version: tool.Version}}} //nolint:staticcheck // older versions have no other
	}
	return &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: tool.Name, Version: tool.Version}}}
}

func (c *cdxWriter) image() *cdx.Component {
	im := c.doc.Image
	out := cdxImage(im)
	out.BOMRef, out.Properties = cdxImageRef, properties(imageFacts(c.doc))
	if b := c.doc.Inventory.Base; b != nil {
		base := cdxImage(&image.Image{Reference: b.Reference, Digest: b.Digest})
		out.Pedigree = &cdx.Pedigree{Ancestors: &[]cdx.Component{base}}
	}
	return &out
}

func cdxImage(im *image.Image) cdx.Component {
	out := cdx.Component{
		Type: cdx.ComponentTypeContainer, Name: cmp.Or(im.Reference, im.Digest, "image"), Version: im.Digest, PackageURL: ociPURL(im),
	}
	if isDigest(im.Digest) {
		algorithm, hex, _ := strings.Cut(im.Digest, ":")
		out.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgorithm("SHA-" + strings.TrimPrefix(algorithm, "sha")), Value: hex}}
	}
	return out
}

func (c *cdxWriter) component(p *inventory.Package, ref string) cdx.Component {
	out := cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: cmp.Or(p.Name, "unknown"), Version: p.Version, CPE: p.CPE, PackageURL: p.PURL}
	if p.Supplier != "" {
		out.Supplier = &cdx.OrganizationalEntity{Name: p.Supplier}
	}
	if group, name, ok := strings.Cut(p.Name, ":"); ok && p.Type == "maven" {
		out.Group, out.Name = group, name
	}
	told, _ := fromPURL(p.PURL, c.doc.Inventory.OS)
	out.Licenses, told.Licenses = c.licences(p.Licenses)
	told.CPE = cpe23(p.CPE)
	if c.version >= cdx.SpecVersion1_5 {
		var places []cdx.EvidenceOccurrence
		for _, where := range p.Paths {
			if where != "" {
				places = append(places, cdx.EvidenceOccurrence{Location: where})
				told.Paths = append(told.Paths, where)
			}
		}
		if places != nil {
			out.Evidence = &cdx.Evidence{Occurrences: &places}
		}
	}
	out.Properties = properties(packageFacts(p, &told, c.doc.Image.Layers))
	return out
}

// licences gives a package's licences as CycloneDX has them: a list of identifiers and names, or one expression. told is
// what a reader makes of them.
func (c *cdxWriter) licences(entries []string) (_ *cdx.Licenses, told []string) {
	var list cdx.Licenses
	expressions, words := 0, 0
	for _, entry := range entries {
		e := c.book.read(entry)
		switch e.kind {
		case licenceID:
			list = append(list, cdx.LicenseChoice{License: &cdx.License{ID: e.expression}})
			told = append(told, e.expression)
			continue
		case licenceExpression:
			expressions++
		case licenceWords:
			words++
		}
		list = append(list, cdx.LicenseChoice{License: &cdx.License{Name: entry}})
		told = append(told, entry)
	}
	switch {
	case len(list) == 0:
		return nil, nil
	case expressions > 0 && words == 0: // before 1.7 an expression stands alone
		all := c.book.all(entries)
		return &cdx.Licenses{{Expression: all}}, apart(all, nil)
	}
	return &list, told
}

// dependencies says that the image needs all, and of each package what its database says it needs.
func (c *cdxWriter) dependencies(refs []string) *[]cdx.Dependency {
	all := []cdx.Dependency{{Ref: cdxImageRef, Dependencies: listOf(refs)}}
	for i, needed := range depends(c.doc.Inventory.Packages) {
		d := cdx.Dependency{Ref: refs[i]}
		var names []string
		for _, n := range needed {
			names = append(names, refs[n])
		}
		if names != nil {
			d.Dependencies = &names
			all = append(all, d)
		}
	}
	return &all
}
