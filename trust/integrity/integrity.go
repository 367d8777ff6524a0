// Package integrity says whether the files of packages are what their packages installed, and whether the databases that say so can be
// believed themselves.
//
// Three witnesses are heard, the later ones against the earlier: the package database of the final image (whoever replaced a library is named by it); the
// same database as the layers below had it, when each package was installed (whoever replaced a library and wrote its new checksum to the
// database is named by them); and what the distribution signed (rpm keeps its signatures in the database; of dpkg and apk the user brings
// the signed lists and packages). Where nobody vouches for something, that is said, and is no alarm: it is usual.
//
// In go an opened image, its indexes with digests, and its inventory; out comes a [trust.Integrity]. No layer is read here, and nothing is fetched.
package integrity

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// Options are what a check goes by, besides the image.
type Options struct {
	// Extractors are those that the inventory was made with.
	Extractors []inventory.Extractor
	// Metadata is what the user has of the distribution; nil: nothing.
	Metadata *Metadata
	// Trace is the account of the image's files, where it was made already; nil: it is made here.
	Trace *inventory.Trace
}

// Check compares the files of packages with what their databases say, and those with what was signed. The indexes must have
// been read with digests ([layer.Options]). The error is that of ctx.
func Check(ctx context.Context, im *image.Image, layers []*layer.Index, inv *inventory.Inventory, o Options) (*trust.Integrity, []image.BlindSpot, error) {
	a := &account{ctx: ctx, image: im, inventory: inv, packages: slices.Clone(inv.Packages), o: o}
	databases := databasesOf(a.packages)
	if err := a.followLayers(layers, databases); err != nil {
		return nil, nil, err
	}
	if err := a.verify(databases); err != nil {
		return nil, nil, err
	}
	trace := o.Trace
	if trace == nil || a.corrected {
		believed := *inv
		believed.Packages = a.packages
		trace = inventory.NewTrace(im, layers, &believed)
	}
	out := a.files(trace)
	for _, d := range databases {
		out.Databases = append(out.Databases, d.judged(a.packages))
	}
	if m := o.Metadata; m != nil {
		a.spots = append(a.spots, m.unused...)
	}
	return out, image.SortBlindSpots(a.spots), ctx.Err()
}

// account is the state of one Check.
type account struct {
	ctx       context.Context
	image     *image.Image
	inventory *inventory.Inventory
	o         Options
	tree      *layer.Tree
	// packages have, in the end, the lists of files that can best be believed.
	// corrected says that some of those are not what the final database has.
	packages  []inventory.Package
	corrected bool
	// listed are the paths that packages of the distribution have checksums of; nil until somebody asks.
	listed map[string]bool
	notes  []string
	spots  []image.BlindSpot
}

func (a *account) extractor(name string) inventory.Extractor {
	i := slices.IndexFunc(a.o.Extractors, func(e inventory.Extractor) bool { return e.Name() == name })
	if i < 0 {
		return nil
	}
	return a.o.Extractors[i]
}

// followLayers gives packages the lists of files that they were installed with, and notes who changed those afterwards.
func (a *account) followLayers(layers []*layer.Index, databases []*database) error {
	f := newFollowed(a.packages, a.o.Extractors)
	tree, rewrites, renamed, err := f.follow(a.ctx, layers, a.packages)
	if err != nil {
		return err
	}
	a.tree = tree
	if f.cut {
		a.spots = append(a.spots, image.BlindSpot{Kind: image.LimitReached,
			Message: "the layers change their package databases too often: whether the later ones changed checksums was not looked at"})
	}
	a.corrected = len(rewrites) > 0
	forged, stripped := restore(a.packages, rewrites, a.step)
	for _, r := range renamed {
		p := &a.packages[r.pkg]
		forged[r.pkg] = append(forged[r.pkg], fmt.Sprintf("%s made %s %s of %s, and changed nothing of the package: its list of changes is still that of %s",
			a.step(r.layer), p.Name, p.Version, r.was, r.was))
	}
	for _, d := range databases {
		gone := map[int]int{} // packages by the layer that took their checksums away
		for _, i := range d.members {
			d.forged = append(d.forged, forged[i]...)
			if l, ok := stripped[i]; ok {
				gone[l]++
			}
		}
		for _, l := range slices.Sorted(maps.Keys(gone)) {
			a.notes = append(a.notes, fmt.Sprintf("%s took the checksums of %s from %s: their files are held against those of when they were installed",
				a.step(l), count(gone[l], "package"), d.path))
		}
	}
	return nil
}

// verify holds the databases against what was signed.
func (a *account) verify(databases []*database) error {
	of := func(manager string) []*database {
		return slices.DeleteFunc(slices.Clone(databases), func(d *database) bool { return d.manager != manager })
	}
	for _, d := range databases {
		d.asked = a.o.Metadata != nil && d.manager != "pip" && d.manager != "conda"
	}
	for _, d := range of("rpm") {
		a.verifyRPM(d)
	}
	if err := a.verifyDPKG(of("dpkg")); err != nil {
		return err
	}
	return a.verifyAPK(of("apk"))
}

// correct gives a package the checksums that were signed, where those of the database differ.
func (a *account) correct(i int, signed []inventory.OwnedFile) (contradictions []string) {
	p := &a.packages[i]
	contradictions, edits := compareSigned(p, signed, a.isListed)
	if len(edits) > 0 {
		p.Files, a.corrected = edited(p.Files, edits), true
	}
	return contradictions
}

// isListed says whether a package has a checksum for a path.
func (a *account) isListed(at string) bool {
	if a.listed == nil {
		a.listed = listedDigests(a.packages)
	}
	return a.listed[at]
}

// step names a layer in a sentence.
func (a *account) step(index int) string {
	if index < 0 || index >= len(a.image.Layers) {
		return "somebody"
	}
	return fmt.Sprintf("layer %d", index)
}
