package sbom

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/package-url/packageurl-go"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// reading gathers what one document says.
type reading struct {
	doc       *Document
	relations *relations
	layers    map[string]int // diffID -> index
	nameless  []string       // packages that no purl names
	unversion []string       // packages without a version
}

func newReading(format string) *reading {
	return &reading{
		doc:       &Document{Format: format, Image: &image.Image{}, Inventory: &inventory.Inventory{}},
		relations: newRelations(),
	}
}

// component is one entry of a document, whichever its format.
type component struct {
	id, name, version, purl string
	cpe                     string
	licences, paths         []string
	digests                 []string // of the package's content, as the document says
	facts                   facts
}

// add takes one component for a package. The facts of the image and its distribution must be known by then.
func (r *reading) add(c component) {
	inv := r.doc.Inventory
	p, ok := fromPURL(c.purl, inv.OS)
	if ok && p.Version == "" {
		p.Version = c.version
	}
	p.Licenses, p.Paths, p.CPE, p.Digests = c.licences, c.paths, c.cpe, c.digests
	r.foreign(&p, c.facts)
	c.facts.applyTo(&p)
	switch {
	case p.Type == "" || p.Name == "":
		if u, err := packageurl.FromString(c.purl); err != nil || u.Type != packageurl.TypeOCI && u.Type != packageurl.TypeDocker {
			r.nameless = append(r.nameless, c.name)
		}
		return
	case p.Version == "":
		r.unversion = append(r.unversion, p.Name)
	}
	if p.Layer != nil && *p.Layer < len(r.doc.Image.Layers) {
		p.Instruction = cmp.Or(p.Instruction, r.doc.Image.Layers[*p.Layer].Instruction)
	}
	p.Extractor = cmp.Or(p.Extractor, "sbom")
	if c.id != "" {
		r.relations.byID[c.id] = len(inv.Packages)
	}
	inv.Packages = append(inv.Packages, p)
}

// foreign reads what Syft and Trivy say in properties and annotations of their own. The names of Trivy's are those of
// its package pkg/sbom/core, Syft's those of its metadata types.
func (r *reading) foreign(p *inventory.Package, f facts) {
	if len(f) == 0 || strings.HasPrefix(f[0].name, namespace) {
		return
	}
	if p.OfDistribution() {
		if name := f.first(trivy+"SrcName", "SrcName"); name != "" {
			p.Source = &inventory.Source{Name: name, Version: trivySourceVersion(f)}
		}
		if name := f.first(syft+"metadata:source", syft+"metadata:originPackage"); name != "" && p.Source == nil {
			p.Source = &inventory.Source{Name: name, Version: cmp.Or(f.first(syft+"metadata:sourceVersion"), p.Version)}
		}
		if p.Source == nil && p.Type == packageurl.TypeRPM {
			p.Source = sourceRPM(p, f.first(syft+"metadata:sourceRpm"))
		}
		p.Modularity = cmp.Or(p.Modularity, f.first(trivy+"Modularitylabel", "Modularitylabel", syft+"metadata:modularityLabel"))
	}
	for i := 0; len(p.Paths) == i && i < maxPlaces; i++ {
		where := f.first(fmt.Sprintf("%slocation:%d:path", syft, i))
		if i == 0 {
			where = cmp.Or(where, f.first(trivy+"FilePath", "FilePath"))
		}
		if where == "" {
			break
		}
		p.Paths = append(p.Paths, strings.TrimPrefix(where, "/"))
	}
	if n, ok := r.layers[f.first(trivy+"LayerDiffID", "LayerDiffID", syft+"location:0:layerID")]; ok {
		p.Layer = &n
	}
}

const (
	trivy = "aquasecurity:trivy:"
	syft  = "syft:"
)

// trivySourceVersion puts together what Trivy keeps apart: [epoch:]version[-release].
func trivySourceVersion(f facts) string {
	version := f.first(trivy+"SrcVersion", "SrcVersion")
	if release := f.first(trivy+"SrcRelease", "SrcRelease"); release != "" {
		version += "-" + release
	}
	if epoch := f.first(trivy+"SrcEpoch", "SrcEpoch"); epoch != "" && epoch != "0" {
		version = epoch + ":" + version
	}
	return version
}

// distribution takes over what a document's entry for the operating system says.
func (r *reading) distribution(name, version string, f facts) {
	if r.doc.Inventory.OS.ID != "" {
		return // a document of several systems: the packages' own purls tell them apart
	}
	os := named(cmp.Or(f.first(namespace+"os:id", syft+"distro:id", trivy+"Type", "Type"), name),
		cmp.Or(f.first(namespace+"os:versionID", syft+"distro:versionID"), version))
	if id := f.first(namespace + "os:id"); id != "" {
		os = inventory.OS{ID: id, VersionID: f.first(namespace + "os:versionID")}
	}
	os.Name = cmp.Or(f.first(namespace+"os:name", syft+"distro:prettyName"), os.Name)
	os.Codename = cmp.Or(f.first(namespace+"os:codename", syft+"distro:versionCodename"), os.Codename)
	os.CPE = f.first(namespace+"os:cpe", syft+"distro:cpeName")
	r.doc.Inventory.OS = os
}

// image takes over what a document's entry for the image says, and makes ready to find its layers.
func (r *reading) image(name, version, purl string, digests []string, f facts) {
	im := r.doc.Image
	im.Reference = name
	for _, d := range append(digests, version) {
		if isDigest(d) && im.Digest == "" {
			im.Digest = d
		}
	}
	imageOfPURL(im, purl)
	im.ID = f.first(trivy+"ImageID", "ImageID")
	f.applyToImage(r.doc)
	r.knowLayers()
}

func (r *reading) knowLayers() {
	r.layers = map[string]int{}
	for i, l := range r.doc.Image.Layers {
		if _, ok := r.layers[l.DiffID]; !ok && l.DiffID != "" {
			r.layers[l.DiffID] = i
		}
	}
}

// finish puts what was read in order and says what could not be used.
func (r *reading) finish() *Document {
	inv := r.doc.Inventory
	r.relations.settle(inv.Packages)
	r.settleFiles()
	_, subject := repositoryOf(r.doc.Image.Reference)
	for i := range inv.Packages {
		p := &inv.Packages[i]
		p.Main = p.Main || p.Type == packageurl.TypeGolang && bearsName(p.Name, subject)
		if inv.OS.ID == "" && p.OfDistribution() {
			if u, err := packageurl.FromString(p.PURL); err == nil {
				inv.OS = distribution(&u, u.Qualifiers.Map(), inv.OS)
			}
		}
	}
	slices.SortStableFunc(inv.Packages, func(a, b inventory.Package) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Arch, b.Arch),
			cmp.Compare(firstOf(a.Paths), firstOf(b.Paths)), cmp.Compare(a.PURL, b.PURL))
	})
	r.blind(r.nameless, "the document names %s without a package URL that can be read, so nothing is known of them: %s", len(r.nameless))
	r.blind(r.unversion, "the document gives no version of %s, so nothing can be compared: %s", 0)
	if len(inv.Packages) == 0 && len(r.nameless) == 0 {
		inv.BlindSpots = append(inv.BlindSpots, image.BlindSpot{Kind: image.NoDatabase, Message: "the document names no package"})
	}
	inv.BlindSpots = image.SortBlindSpots(inv.BlindSpots)
	return r.doc
}

// bearsName says whether a Go module has an image's name: the image then is likely to hold the program itself, which a
// document has no other way to say. "github.com/grafana/grafana/v9" is of the image "grafana".
func bearsName(module, imageName string) bool {
	dir, last := path.Split(module)
	if v, ok := strings.CutPrefix(last, "v"); ok && v != "" && strings.Trim(v, "0123456789") == "" {
		last = path.Base(dir)
	}
	return imageName != "" && strings.EqualFold(last, imageName)
}

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// blind makes one blind spot of packages that share a reason.
func (r *reading) blind(names []string, message string, unjudged int) {
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	var first []string
	for _, name := range names[:min(len(names), 3)] {
		if len(name) > longestName {
			name = strings.ToValidUTF8(name[:longestName], "") + "..."
		}
		first = append(first, name)
	}
	shown := strings.Join(first, ", ")
	if len(names) > 3 {
		shown += " ..."
	}
	count := fmt.Sprintf("%d packages", len(names))
	if len(names) == 1 {
		count = "1 package"
	}
	r.doc.Inventory.BlindSpots = append(r.doc.Inventory.BlindSpots, image.BlindSpot{
		Kind: image.Unjudged, Packages: unjudged, Message: fmt.Sprintf(message, count, shown),
	})
}
