package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// The annotations and labels that name a base image (OCI image specification, annotations.md).
const (
	baseNameKey   = "org.opencontainers.image.base.name"
	baseDigestKey = "org.opencontainers.image.base.digest"
)

// FindBase says which image another one was built on; nil where nothing says so. It never guesses.
//
// What documents say (provenance, then annotations, then labels) is held against the known bases and against the image's
// own layers: the first that tells which layers are the base's is taken, or else the first. A known base whose layers are
// the lowest ones of the image is found without any document, too; it need not be the direct base. indexes are those of
// the image's layers: only what was read and verified is compared with a known base. p may be nil.
func FindBase(im *image.Image, indexes []*layer.Index, p *Provenance, known []KnownBase) *Base {
	f := newBaseFinder(im, indexes, known)
	var found []Base
	for _, c := range slices.Concat(p.claims(), keyClaims(FromAnnotations, im.Annotations), keyClaims(FromLabels, im.Labels)) {
		if b, ok := f.judge(c); ok {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b Base) int {
		return cmp.Or(cmp.Compare(a.Sure.rank(), b.Sure.rank()), cmp.Compare(a.Evidence.rank(), b.Evidence.rank()), cmp.Compare(b.Layers, a.Layers))
	})
	chain := f.byChain()
	switch {
	case len(found) == 0:
		return chain
	case chain != nil && found[0].weakerThan(chain):
		found = slices.Insert(found, 0, *chain)
	}
	best := found[0]
	if chain != nil && best.Layers == chain.Layers {
		best.Sure = Exact
	}
	best.Caveat = cmp.Or(disagreement(best, found[1:]), best.Caveat)
	return &best
}

// Bases gives the images that the provenance names as the base, or of which it says no more than that they took part in the build and
// whose layers were found below the image's; each as sure as a comparison with the image makes it.
func (p *Provenance) Bases(im *image.Image, indexes []*layer.Index, known []KnownBase) []Base {
	f := newBaseFinder(im, indexes, known)
	var found []Base
	for _, c := range p.claims() {
		if b, ok := f.judge(c); ok {
			found = append(found, b)
		}
	}
	return found
}

// SetBase says of each package whether the base image brought it, the application, or each a copy. A nil base, or one
// whose layers are not known, says nothing.
func (inv *Inventory) SetBase(b *Base) {
	inv.Base = b
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Layer != nil {
			p.Origin = b.Origin(*p.Layer)
			if p.LastLayer != nil && b.Origin(*p.LastLayer) != p.Origin {
				p.Origin = OfBoth
			}
		}
	}
}

// Origin says who brought what is of a layer. Of a base whose layers are not known, or none at all, it says nothing.
func (b *Base) Origin(layer int) Origin {
	switch {
	case b == nil || b.Layers == 0:
		return ""
	case layer < b.Layers:
		return OfBase
	}
	return OfApp
}

// rank puts first what tells which layers are the base's.
func (s Sureness) rank() int {
	switch s {
	case Exact, Claimed:
		return 0
	case Named:
		return 1
	}
	return 2
}

// rank puts the best kind of evidence first.
func (e BaseEvidence) rank() int {
	return slices.Index([]BaseEvidence{FromProvenance, FromAnnotations, FromLabels, FromChain}, e)
}

// weakerThan says whether a known base that was found by its layers tells more. Labels may be inherited, and then name
// the base's own base.
func (b Base) weakerThan(chain *Base) bool {
	if b.Layers > 0 {
		return b.Evidence == FromLabels && b.Layers < chain.Layers
	}
	return true
}

// baseClaim is what a document says of the base.
type baseClaim struct {
	imageName
	evidence BaseEvidence
	// chains are the blob digests of the base's layers, where the document tells them.
	chains [][]string
	// unproven says that the document does not name the image as the base: it counts only if its layers show it.
	unproven bool
	caveat   string
}

// claims gives what provenance says. Without the steps of the build it names all images that took part, and does not
// say how: several are then not told apart, and the only one may have been copied from alone.
func (p *Provenance) claims() []baseClaim {
	switch {
	case p == nil || p.scratch:
		return nil
	case p.base != nil:
		return []baseClaim{{imageName: *p.base, evidence: FromProvenance, chains: p.baseLayers}}
	}
	var claims []baseClaim
	for _, name := range p.images {
		claims = append(claims, baseClaim{imageName: name, evidence: FromProvenance, unproven: len(p.images) > 1,
			caveat: "the provenance does not tell the steps of the build: the image may have been copied from, and not built on"})
	}
	return claims
}

// keyClaims gives what annotations or labels say.
func keyClaims(evidence BaseEvidence, keys map[string]string) []baseClaim {
	name := imageName{shortReference(keys[baseNameKey]), keys[baseDigestKey]}
	if name.reference == "" && name.digest == "" || name.reference == "scratch" {
		return nil
	}
	// Buildah writes a digest without a name for an image that was built from scratch.
	c := baseClaim{imageName: name, evidence: evidence, unproven: name.reference == ""}
	if evidence == FromLabels {
		c.caveat = "an image inherits the labels of its base: what they name may be the base of the base"
	}
	return []baseClaim{c}
}

// baseFinder holds claims against an image.
type baseFinder struct {
	im      *image.Image
	diffIDs []string
	known   []KnownBase
}

func newBaseFinder(im *image.Image, indexes []*layer.Index, known []KnownBase) *baseFinder {
	f := &baseFinder{im: im, known: known}
	for _, ix := range indexes {
		f.diffIDs = append(f.diffIDs, ix.DiffID)
	}
	return f
}

// maxName is more than an image's name or digest can have, in bytes.
const maxName = 1 << 10

// judge says how sure a claim is; false for one that says nothing.
func (f *baseFinder) judge(c baseClaim) (Base, bool) {
	if len(c.reference) > maxName || len(c.digest) > maxName {
		return Base{}, false
	}
	b := Base{Reference: c.reference, Digest: c.digest, Evidence: c.evidence, Sure: Named, Caveat: c.caveat}
	contradicted := false
	for _, k := range f.known {
		switch {
		case !k.isNamed(c.imageName) || k.isImage(f.im):
		case k.isUnder(f.diffIDs) && len(k.DiffIDs) > b.Layers:
			b.Layers, b.Sure = len(k.DiffIDs), Exact
			b.Reference = cmp.Or(c.reference, k.Reference)
		case c.digest != "" && !slices.Contains(f.diffIDs, "") && (k.Digest == c.digest || k.Platform == f.im.Platform.String()):
			contradicted = true
		}
	}
	switch {
	case b.Sure == Exact:
		if c.evidence == FromProvenance {
			b.Caveat = ""
		}
	case c.unproven:
		return Base{}, false
	case contradicted:
		b.Sure = Contradicted
		b.Caveat = fmt.Sprintf("by the %s the base is %s, but its layers are not the lowest ones of this image", c.evidence, c.imageName)
	default:
		if b.Layers = f.fittingBlobs(c.chains); b.Layers > 0 {
			b.Sure = Claimed
		}
	}
	return b, true
}

// fittingBlobs gives the number of the image's lowest layers that are one of the chains; 0 where none fits.
func (f *baseFinder) fittingBlobs(chains [][]string) int {
	for _, chain := range chains {
		fits := len(chain) <= len(f.im.Layers)
		for i := 0; fits && i < len(chain); i++ {
			fits = chain[i] != "" && chain[i] == f.im.Layers[i].Digest
		}
		if fits && len(chain) > 0 {
			return len(chain)
		}
	}
	return 0
}

// byChain finds the known base with the most layers that are the image's lowest, and not all of them: an image of the
// same layers may as well be a sibling.
func (f *baseFinder) byChain() *Base {
	var best *KnownBase
	for i := range f.known {
		k := &f.known[i]
		if len(k.DiffIDs) >= len(f.diffIDs) || k.isImage(f.im) || !k.isUnder(f.diffIDs) {
			continue
		}
		if best == nil || len(k.DiffIDs) > len(best.DiffIDs) || len(k.DiffIDs) == len(best.DiffIDs) && CompareKnownBases(*k, *best) < 0 {
			best = k
		}
	}
	if best == nil {
		return nil
	}
	return &Base{Reference: best.Reference, Digest: best.Digest, Layers: len(best.DiffIDs), Evidence: FromChain, Sure: Exact}
}

// disagreement says in one line which better kind of document names another base than the one that was taken.
func disagreement(best Base, others []Base) string {
	for _, b := range others {
		other := imageName{b.Reference, b.Digest}
		if b.Evidence.rank() >= best.Evidence.rank() || other.digest == best.Digest && best.Digest != "" {
			continue
		}
		switch b.Sure {
		case Contradicted:
			return b.Caveat
		case Named:
			return fmt.Sprintf("by the %s the base is %s, of which nothing tells the layers", b.Evidence, other)
		}
	}
	return ""
}

func (n imageName) String() string {
	return strings.Trim(n.reference+"@"+n.digest, "@")
}
