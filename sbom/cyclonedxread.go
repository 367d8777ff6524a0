package sbom

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func readCycloneDX(data []byte, format cdx.BOMFileFormat) (*Document, error) {
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), format).Decode(&bom); err != nil {
		return nil, fmt.Errorf("not a CycloneDX document that can be read: %w", plainJSON(err))
	}
	r := newReading("CycloneDX " + bom.SpecVersion.String())
	if m := bom.Metadata; m != nil {
		r.doc.Tool = cdxTool(m.Tools)
		if t, err := time.Parse(time.RFC3339, m.Timestamp); err == nil {
			r.doc.Created = t.UTC()
		}
		r.doc.Inventory.BlindSpots = factsOf(m.Properties).blindSpots()
	}
	components := flatten(bom.Components, nil)
	if subject := bom.Metadata; subject != nil && subject.Component != nil {
		if c := subject.Component; isPackage(c) && c.PackageURL != "" && !strings.HasPrefix(c.PackageURL, "pkg:oci/") && !strings.HasPrefix(c.PackageURL, "pkg:docker/") {
			components = append(components, c)
		}
		r.subject(subject.Component)
		r.doc.OfDirectory = subject.Component.Type == cdx.ComponentTypeFile // Syft's
		components = flatten(subject.Component.Components, components)
	}
	for _, c := range components {
		if c.Type == cdx.ComponentTypeOS {
			r.distribution(c.Name, c.Version, factsOf(c.Properties))
		}
	}
	for _, c := range components {
		switch {
		case isPackage(c):
			r.add(cdxComponent(c))
		case c.Type == cdx.ComponentTypeFile:
			r.cdxFile(c)
		}
	}
	if bom.Dependencies != nil {
		for _, d := range *bom.Dependencies {
			if d.Dependencies != nil {
				for _, on := range *d.Dependencies {
					r.relations.need(d.Ref, on)
				}
			}
		}
	}
	return r.finish(), nil
}

// subject takes the image from the component that the document is about.
func (r *reading) subject(c *cdx.Component) {
	var digests []string
	if c.Hashes != nil {
		for _, h := range *c.Hashes {
			digests = append(digests, strings.ToLower(strings.Replace(string(h.Algorithm), "-", "", 1))+":"+strings.ToLower(h.Value))
		}
	}
	f := factsOf(c.Properties)
	if c.Type != cdx.ComponentTypeContainer { // the digest of a file or a program is not an image's
		digests = nil
	}
	r.image(c.Name, c.Version, c.PackageURL, digests, f)
	if _, digest, ok := strings.Cut(c.Name, "@"); ok && isDigest(digest) {
		r.doc.Image.Digest = cmp.Or(r.doc.Image.Digest, digest)
	}
}

// flatten gives components and those inside them.
func flatten(list *[]cdx.Component, to []*cdx.Component) []*cdx.Component {
	if list == nil {
		return to
	}
	for i := range *list {
		to = flatten((*list)[i].Components, append(to, &(*list)[i]))
	}
	return to
}

// isPackage tells what can have advisories from files, devices, keys and from the headings under which tools put what
// they found in one place (Trivy's application components, which have no version).
func isPackage(c *cdx.Component) bool {
	switch c.Type {
	case cdx.ComponentTypeLibrary, cdx.ComponentTypeFramework, "":
		return true
	case cdx.ComponentTypeApplication, cdx.ComponentTypePlatform, cdx.ComponentTypeFirmware:
		return c.PackageURL != "" || c.Version != ""
	}
	return c.Type != cdx.ComponentTypeOS && c.Type != cdx.ComponentTypeContainer && c.PackageURL != ""
}

func factsOf(list *[]cdx.Property) facts {
	if list == nil {
		return nil
	}
	f := make(facts, 0, len(*list))
	for _, p := range *list {
		f = append(f, fact{p.Name, p.Value})
	}
	return f
}

func cdxTool(t *cdx.ToolsChoice) Tool {
	switch {
	case t == nil:
	case t.Components != nil && len(*t.Components) > 0:
		return Tool{(*t.Components)[0].Name, (*t.Components)[0].Version}
	case t.Tools != nil && len(*t.Tools) > 0:
		return Tool{(*t.Tools)[0].Name, (*t.Tools)[0].Version}
	}
	return Tool{}
}

func cdxComponent(c *cdx.Component) component {
	name := c.Name
	if c.Group != "" {
		name = c.Group + "/" + name
	}
	out := component{id: c.BOMRef, name: name, version: c.Version, purl: c.PackageURL, cpe: cpe23(c.CPE), facts: factsOf(c.Properties),
		paths: cdxPlaces(c), digests: cdxDigests(c.Hashes)}
	if c.Licenses != nil {
		for _, l := range *c.Licenses {
			switch {
			case l.Expression != "":
				out.licences = append(out.licences, apart(l.Expression, nil)...)
			case l.License != nil:
				if word := cmp.Or(l.License.ID, l.License.Name); word != "" {
					out.licences = append(out.licences, word)
				}
			}
		}
	}
	return out
}
