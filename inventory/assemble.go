package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// Assemble overlays the indexes of an image's layers, one after another, and gives what stands aboard in the
// end. A database that does not parse becomes a blind spot; the only error is that of ctx.
//
// A package's Layer is the first of the unbroken run of layers, up to the last, in which the same version was
// found at the same path: a database that a later layer writes again moves only what changed. Packages with
// the same purl are one, with all the paths that prove it; its Layer is then the lowest one.
func Assemble(ctx context.Context, im *image.Image, indexes []*layer.Index, extractors []Extractor, limits Limits) (*Inventory, error) {
	a := &assembler{
		extractors: extractors, limits: limits, rules: compile(extractors), indexes: indexes, tree: layer.NewTree(),
		databases: map[call]*database{}, deleted: map[string]image.BlindSpot{},
		overruns: make([]atomic.Int32, len(extractors)),
	}
	for i := range indexes {
		if err := a.apply(ctx, i); err != nil {
			return nil, err
		}
	}
	a.dropRemoved()
	found, err := a.finish(ctx)
	if err != nil {
		return nil, err
	}
	os := readOS(a.tree, "")
	a.identify(found)
	a.missDatabase(os, found)
	found, claimed := settleClaims(found)
	found, notInstalled := settleLocks(found)
	found = append(found, claimed...)
	setOwners(a.tree, found)
	found = dropExplained(found)
	a.noteOwners(found)
	attribute(im, found)
	packages := merge(found)
	nameIdentities(packages)
	changes := a.settledChanges(packages)
	return &Inventory{
		OS: os, Packages: packages, Changes: changes, BlindSpots: a.blindSpots(im), NotInstalled: notInstalled,
		Reach: newReach(im, a.tree, a.kept, packages), Manifests: a.manifests(ctx),
	}, nil
}

// assembler is the state of one Assemble.
type assembler struct {
	extractors []Extractor
	limits     Limits
	rules      *matcher
	indexes    []*layer.Index
	tree       *layer.Tree
	databases  map[call]*database
	// overruns counts, for each extractor, the files on which it did not keep its deadline.
	overruns []atomic.Int32
	// deleted tells, by purl type, of the last database of a distribution's packages that a layer deleted.
	deleted map[string]image.BlindSpot
	spots   []image.BlindSpot
	// kept are all files that layers kept something of, also those that do not stand any more.
	kept []layer.Entry
	// owners are the distribution's packages of what they installed.
	owners map[place]string
	// changes are those of all layers; changesCut says that there were more.
	changes    []Change
	changesCut bool
}

// call is one file given to one extractor.
type call struct {
	extractor int
	path      string
}

func (c call) compare(d call) int {
	return cmp.Or(cmp.Compare(c.path, d.path), cmp.Compare(c.extractor, d.extractor))
}

// database is what an extractor last found at one path.
type database struct {
	// file is what stood at the path then, trigger the file whose writing led to the call (a companion's,
	// or the same).
	file, trigger *layer.File
	packages      []Package
	// since is the first layer of each package's unbroken run.
	since map[identity]int
	err   error
	// layer is the last one that changed the database.
	layer int
}

// identity is what must stay the same for a package to be the one of an earlier layer.
type identity struct{ purlType, name, version, arch string }

func identityOf(p *Package) identity { return identity{p.Type, p.Name, p.Version, p.Arch} }

// apply puts one layer on top and parses what it wrote.
func (a *assembler) apply(ctx context.Context, index int) error {
	written, removed := a.tree.Apply(index, a.indexes[index])
	a.kept = append(a.kept, written...)
	triggers := map[call]*layer.File{}
	for _, e := range written {
		for _, c := range a.rules.extractorsOf(e) {
			triggers[c] = e.File
		}
	}
	for _, p := range removed {
		a.remove(index, p, triggers)
	}
	return a.extract(ctx, index, triggers)
}

// remove forgets the databases at a removed path. One that lost a companion must be parsed again.
func (a *assembler) remove(index int, removed string, triggers map[call]*layer.File) {
	for i := range a.extractors {
		c := call{i, removed}
		if d := a.databases[c]; d != nil && len(d.packages) > 0 && d.packages[0].OfDistribution() && !d.packages[0].Claimed {
			a.deleted[d.packages[0].Type] = image.BlindSpot{
				Kind: image.UnreadableFile, Where: removed, Layer: &index,
				Message: fmt.Sprintf("%s: the database, which named %d packages, was deleted: which of them are still aboard is not known",
					a.extractors[i].Name(), len(d.packages)),
			}
		}
		a.changed(index, removed, a.databases[c], nil)
		delete(a.databases, c)
	}
	a.rules.match(removed, nil, false, func(n int) {
		r := &a.rules.rules[n]
		if r.PartOf == nil {
			return
		}
		c := call{r.extractor, r.PartOf(removed)}
		if _, ok := a.databases[c]; ok && triggers[c] == nil {
			e, _ := a.tree.Lookup(c.path)
			triggers[c] = e.File
		}
	})
}

// extract gives each file that is not the one seen last to its extractor, and keeps what is found. The error
// is that of ctx.
func (a *assembler) extract(ctx context.Context, index int, triggers map[call]*layer.File) error {
	var calls []call
	var found []*database
	for _, c := range sortedCalls(triggers) {
		e, ok := a.tree.Lookup(c.path)
		if !ok || e.Path != c.path {
			continue // a companion without its database
		}
		now := &database{file: e.File, trigger: triggers[c], layer: index}
		if before := a.databases[c]; before == nil || !sameFile(before.file, now.file) || !sameFile(before.trigger, now.trigger) {
			calls, found = append(calls, c), append(found, now)
		}
	}
	if err := a.run(ctx, index, calls, found); err != nil {
		return err
	}
	for i, c := range calls {
		found[i].follow(a.databases[c])
		a.changed(index, c.path, a.databases[c], found[i])
		a.databases[c] = found[i]
	}
	return nil
}

// follow works out since when each package has been there, given what was found at the same path before.
func (d *database) follow(before *database) {
	d.since = make(map[identity]int, len(d.packages))
	for i := range d.packages {
		id := identityOf(&d.packages[i])
		d.since[id] = d.layer
		if before == nil {
			continue
		}
		if first, ok := before.since[id]; ok {
			d.since[id] = first
		}
	}
}

// sortedCalls gives the keys of a map in order.
func sortedCalls[V any](m map[call]V) []call {
	return slices.SortedFunc(maps.Keys(m), call.compare)
}

func sameFile(a, b *layer.File) bool {
	if a == b {
		return true
	}
	return a != nil && b != nil && (a.Content() == nil) == (b.Content() == nil) && (a.Facts() == nil) == (b.Facts() == nil) &&
		string(a.Content()) == string(b.Content()) && string(a.Facts()) == string(b.Facts())
}

// dropRemoved keeps what stands in the final tree, whatever took the place of the rest.
func (a *assembler) dropRemoved() {
	for c, d := range a.databases {
		if e, ok := a.tree.Lookup(c.path); !ok || e.Path != c.path || !sameFile(e.File, d.file) {
			delete(a.databases, c)
		}
	}
}

// finish gives the packages of all databases that still stand, completed, in the order of extractors and paths.
func (a *assembler) finish(ctx context.Context) ([]Package, error) {
	byExtractor := make([][]Package, len(a.extractors))
	for _, c := range sortedCalls(a.databases) {
		d := a.databases[c]
		if d.err != nil {
			a.unreadable(c, d.layer, d.err)
		}
		for _, p := range d.packages {
			first := d.since[identityOf(&p)]
			p.Layer, p.Extractor = &first, cmp.Or(p.Extractor, a.extractors[c.extractor].Name())
			if len(p.Paths) == 0 {
				p.Paths = []string{c.path}
			}
			byExtractor[c.extractor] = append(byExtractor[c.extractor], p)
		}
	}
	for i := range byExtractor {
		var err error
		if byExtractor[i], err = a.complete(ctx, i, byExtractor[i]); err != nil {
			return nil, err
		}
	}
	found := slices.Concat(byExtractor...)
	for purlType, spot := range a.deleted {
		if !slices.ContainsFunc(found, func(p Package) bool { return p.Type == purlType && !p.Claimed }) {
			a.spots = append(a.spots, spot)
		}
	}
	return found, nil
}

// identify gives the packages of distributions their ecosystem, vendor and purl. A database in a root file system of
// its own (a chroot kept in the image) goes by the release file there.
func (a *assembler) identify(found []Package) {
	ofImage := readInstallation(a.tree, "")
	roots := map[string]*installation{"": &ofImage}
	for i := range found {
		p := &found[i]
		if p.PURL != "" || !p.OfDistribution() {
			continue
		}
		root := databaseRoot(p.Paths[0])
		in := roots[root]
		if in == nil {
			there := readInstallation(a.tree, root)
			if there.os.ID == "" {
				there = ofImage
			}
			in = &there
			roots[root] = in
		}
		by := in.settle(p)
		p.PURL = distributionPURL(in.os, by, p)
	}
}

// missDatabase says so when there is a distribution and not one package of it: its packages are kept in a way that is
// not read here, or their database was left out of the image.
func (a *assembler) missDatabase(os OS, found []Package) {
	known := slices.ContainsFunc(found, func(p Package) bool { return p.OfDistribution() && !p.Claimed })
	if os.ID == "" || known || len(a.deleted) > 0 {
		return
	}
	a.spots = append(a.spots, image.BlindSpot{Kind: image.NoDatabase, Where: os.ID,
		Message: fmt.Sprintf("the image is %s, but holds no package database of it that can be read: what the distribution brought is not known", cmp.Or(os.Name, os.ID))})
}

// databaseRoot gives the root of the file system that a package database at its usual place belongs to.
func databaseRoot(database string) string {
	for dir := path.Dir(database); dir != "."; dir = path.Dir(dir) {
		for _, usual := range [...]string{"var/lib/dpkg", "usr/lib/apk", "lib/apk", "var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"} {
			if dir == usual {
				return ""
			}
			if root, ok := strings.CutSuffix(dir, "/"+usual); ok {
				return root
			}
		}
	}
	return ""
}

// attribute names the instruction that made each package's layer. A directory has no layers to name.
func attribute(im *image.Image, found []Package) {
	for i := range found {
		p := &found[i]
		switch {
		case len(im.Layers) == 0:
			p.Layer = nil
		case p.Layer != nil && *p.Layer < len(im.Layers):
			p.Instruction = im.Layers[*p.Layer].Instruction
		}
	}
}

// blindSpots gives those of the image, of its layers and of the databases.
func (a *assembler) blindSpots(im *image.Image) []image.BlindSpot {
	spots := slices.Concat(im.BlindSpots, a.spots)
	for i, ix := range a.indexes {
		for _, s := range ix.BlindSpots {
			s.Layer = &i
			spots = append(spots, s)
		}
	}
	if len(im.Layers) == 0 {
		for i := range spots {
			spots[i].Layer = nil
		}
	}
	return bounded(image.SortBlindSpots(spots))
}

// bounded keeps the report of a hostile image readable: after so many blind spots it only counts them.
func bounded(spots []image.BlindSpot) []image.BlindSpot {
	const most = 5000
	if len(spots) <= most {
		return spots
	}
	more := image.BlindSpot{Kind: image.LimitReached, Message: fmt.Sprintf("%d more blind spots are not listed", len(spots)-most)}
	return image.SortBlindSpots(append(slices.Clip(spots[:most]), more))
}
