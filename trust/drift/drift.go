// Package drift holds SBOM documents against what is aboard an image: each package and file that is attested and not there, there
// and not attested, there in another version, or with other content.
//
// In go a document and an image's inventory with the account of its files; out comes a [trust.Drift]. It compares fairly: packages
// are matched by their purl as everybody means it and not as one tool writes it, and what a document's maker does not look for at all
// is a note and no difference. What a note speaks of is counted where nobody vouches for it, so that a planted package of a kind that
// the document leaves out is never taken for an attested one.
//
// This package must never believe a document about the image, and never call something a difference without saying where it is.
package drift

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/sbom"
	"tidewaiter/trust"
)

// Aboard is an image as it was read: with the digests of its files ([tidewaiter/layer.Options]).
type Aboard struct {
	Image     *image.Image
	Inventory *inventory.Inventory
	Trace     *inventory.Trace
	// Release is that of this program. Its documents are expected to list all that is found now; those of another release found
	// what that one knew.
	Release string
}

// Compare holds a document against what is aboard. Where and who vouches for the document is the caller's to say.
func Compare(doc *sbom.Document, aboard Aboard) trust.Drift {
	c := &comparison{doc: doc, aboard: aboard, files: files{aboard.Trace}, explained: map[string]bool{}}
	c.drift = trust.Drift{
		Format: doc.Format, Tool: toolOf(doc), OtherImage: otherImage(doc, aboard.Image),
		Claimed: len(doc.Inventory.Packages), Differences: []trust.Difference{},
	}
	c.pair()
	c.versions()
	c.takeStock()
	c.withoutVersion()
	c.unlisted()
	c.absent()
	c.compareFiles()
	c.compareArchives()
	for i := range c.attested {
		if c.attested[i].matched {
			c.drift.Same++
		}
	}
	c.readBadly()
	slices.SortStableFunc(c.drift.Differences, byKind)
	return c.drift
}

// comparison is the state of one Compare.
type comparison struct {
	doc      *sbom.Document
	aboard   Aboard
	files    files
	attested []entry // as the document's packages
	present  []entry // as the inventory's packages
	// explained are the purls of packages that differ, and the files that name them: what differs there is told with them.
	// Those of directories end with a slash; deepest is the length of the longest.
	explained map[string]bool
	deepest   int
	// vouched are the purls of what is aboard as the document says, and kinds of what kinds that is; reads are the files that
	// packages are known from.
	vouched map[string]bool
	kinds   map[kind]bool
	reads   map[origin]bool
	// deleted are the layers that deleted files, removed those that removed packages; like locks they are made when asked for.
	deleted map[string]int
	removed map[release]int
	locks   *locks
	drift   trust.Drift
}

// takeStock notes what the matched packages tell of the document's maker.
func (c *comparison) takeStock() {
	c.vouched, c.kinds, c.reads = map[string]bool{}, map[kind]bool{}, map[origin]bool{}
	for i := range c.present {
		p := &c.present[i]
		if p.matched {
			c.vouched[p.PURL] = true
		}
		for _, at := range p.Paths {
			at, _, _ = strings.Cut(at, "!/")
			c.reads[origin{p.Type, at}] = true
		}
	}
	for i := range c.attested {
		if a := &c.attested[i]; a.peer != nil && !isLockFile(first(a.Paths)) { // who reads a lock file may not look at what is installed
			c.kinds[kindOf(a.peer)] = true
		}
	}
}

// entry is a package of one side.
type entry struct {
	*inventory.Package
	// matched says that the other side has it, told that a difference or a note says that it has not.
	matched, told bool
	// peer is what an attested package was first matched with, in the same version or in another.
	peer *inventory.Package
}

func entries(packages []inventory.Package) []entry {
	list := make([]entry, len(packages))
	for i := range packages {
		list[i].Package = &packages[i]
	}
	return list
}

// otherImage gives the digest of the image that a document is about, where it is not this one, nor its index.
func otherImage(doc *sbom.Document, im *image.Image) string {
	about := doc.Image
	if about.Digest == "" || im.Digest == "" && im.ID == "" {
		return ""
	}
	if slices.Contains([]string{im.Digest, im.Index, im.ID}, about.Digest) || about.ID != "" && about.ID == im.ID {
		return ""
	}
	return about.Digest
}

func (c *comparison) note(format string, args ...any) {
	c.drift.Notes = append(c.drift.Notes, fmt.Sprintf(format, args...))
}

// differ notes a difference of a package, and that its files need not be told apart.
func (c *comparison) differ(d trust.Difference, p *inventory.Package) {
	c.drift.Differences = append(c.drift.Differences, d)
	c.explain(p)
}

func (c *comparison) explain(p *inventory.Package) {
	c.explained[p.PURL] = true
	for _, at := range p.Paths {
		c.explained[at] = true
		if dir, base := path.Split(at); base == "package.json" || strings.HasSuffix(dir, "-info/") {
			c.explained[dir], c.deepest = true, max(c.deepest, len(dir)) // it is the package's own
		}
	}
}

// isExplained says whether a file is told with a package that differs.
func (c *comparison) isExplained(at string, owners ...string) bool {
	for _, owner := range owners {
		if owner != "" && c.explained[owner] {
			return true
		}
	}
	for end := strings.LastIndexByte(at[:min(len(at), c.deepest)], '/') + 1; end > 0; end = strings.LastIndexByte(at[:end-1], '/') + 1 {
		if c.explained[at[:end]] {
			return true
		}
	}
	return c.explained[at]
}

// placed fills in where something is, and what brought it.
func (c *comparison) placed(d trust.Difference, at string, layer int) trust.Difference {
	d.Path = at
	if layers := c.aboard.Image.Layers; layer >= 0 && layer < len(layers) {
		d.Layer, d.Instruction, d.DockerfileLine = &layer, layers[layer].Instruction, layers[layer].DockerfileLine
	}
	return d
}

func (c *comparison) placedPackage(d trust.Difference, p *inventory.Package) trust.Difference {
	layer := -1
	if p.Layer != nil {
		layer = *p.Layer
	}
	return c.placed(d, first(p.Paths), layer)
}

// readBadly says what of the document and of the image could not be read.
func (c *comparison) readBadly() {
	for _, s := range c.doc.Inventory.BlindSpots {
		if s.Packages > 0 || s.Kind == image.LimitReached { // what else they say matters for advisories
			c.note("%s", s.Message)
		}
	}
	if n := len(c.aboard.Inventory.BlindSpots); n > 0 {
		c.note("not all of the image could be read (%s): what could not may differ, too", c.aboard.Inventory.BlindSpots[0].Message)
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// byKind sorts differences: changed content first, within each kind those of packages before those of files alone.
func byKind(a, b trust.Difference) int {
	rank := func(d trust.Difference) int {
		n := 2 * slices.Index([]trust.DifferenceKind{trust.OtherContent, trust.OtherVersion, trust.NotAttested, trust.NotPresent}, d.Kind)
		if d.Package == "" {
			n++
		}
		return n
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Package, b.Package), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Attested, b.Attested),
		cmp.Compare(a.Actual, b.Actual))
}
