package integrity

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// maxReadings bounds how often one database is read again, and maxReadingsAll how often all are together. An image has some
// ten layers that install packages; one wheel is one database.
const (
	maxReadings    = 100
	maxReadingsAll = 50_000
)

// unit is one file that an extractor reads, with the packages that are known from it.
type unit struct {
	extractor inventory.Extractor
	path      string
	// members are indexes of packages, by what must stay the same for a package to be the one of an earlier layer.
	members map[identity]int
	// installed is what the database had of each member when it was installed.
	installed map[identity][]inventory.OwnedFile
	rewrites  map[rewriteKey]rewrite
	// changelogs have, of Debian packages, the version that was seen last and the checksum of its list of changes.
	changelogs map[[2]string]changelog
	renamed    []renaming
	readings   int
}

type changelog struct{ version, digest string }

// renaming is a package that got another version, and is still the same.
type renaming struct {
	pkg, layer int
	was        string
}

type identity struct{ purlType, name, version, arch string }

func identityOf(p *inventory.Package) identity { return identity{p.Type, p.Name, p.Version, p.Arch} }

// rewrite is one checksum of a database that is not any more what it was when the package was installed.
type rewrite struct {
	rewriteKey
	layer int
	// bare says that the database has no checksum of the package's files any more.
	bare bool
}

type rewriteKey struct {
	pkg  int
	path string
	// was and is are the checksums; empty where the database did not, or does not any more, name the file.
	was, is string
}

// followed are packages whose databases are read once more, layer by layer: whoever replaces a file can write its new checksum to the
// database as well, but not to the layer in which the package was installed.
type followed struct {
	all []*unit
	// readings counts those of all; cut says that there would have been more.
	readings int
	cut      bool
}

func newFollowed(packages []inventory.Package, extractors []inventory.Extractor) *followed {
	byName := map[string]inventory.Extractor{}
	for _, e := range extractors {
		byName[e.Name()] = e
	}
	type source struct{ extractor, path string }
	f, known := &followed{}, map[source]*unit{}
	for i := range packages {
		p := &packages[i]
		e := byName[p.Extractor]
		if e == nil || p.Layer == nil || !keepsChecksums(p) {
			continue
		}
		s := source{p.Extractor, p.Paths[0]}
		u := known[s]
		if u == nil {
			u = &unit{extractor: e, path: s.path, members: map[identity]int{}, installed: map[identity][]inventory.OwnedFile{},
				changelogs: map[[2]string]changelog{}}
			known[s] = u
			f.all = append(f.all, u)
		}
		u.members[identityOf(p)] = i
	}
	return f
}

// keepsChecksums says whether a package is of a kind whose manager keeps checksums of the files.
func keepsChecksums(p *inventory.Package) bool {
	if p.Claimed || p.Locked || p.Recognised || p.Owner != "" || len(p.Paths) == 0 {
		return false
	}
	return p.OfDistribution() || p.Type == "pypi" || p.Type == "conda"
}

// follow applies the layers one after another and gives the tree that they make, and what was rewritten.
func (f *followed) follow(ctx context.Context, layers []*layer.Index, packages []inventory.Package) (*layer.Tree, []rewrite, []renaming, error) {
	tree := layer.NewTree()
	for i, ix := range layers {
		written, removed := tree.Apply(i, ix)
		touched := map[string]bool{}
		for _, e := range written {
			touch(path.Dir(e.Path), touched)
		}
		for _, p := range removed {
			touch(path.Dir(p), touched)
		}
		for _, u := range f.all {
			if !touched[path.Dir(u.path)] {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, nil, nil, err
			}
			if f.spare(u) {
				u.read(ctx, tree, i, packages)
			}
		}
	}
	var list []rewrite
	var renamed []renaming
	for _, u := range f.all {
		for _, r := range u.rewrites {
			list = append(list, r)
		}
		renamed = append(renamed, u.renamed...)
	}
	slices.SortFunc(list, func(a, b rewrite) int { return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.pkg, b.pkg)) })
	return tree, list, renamed, nil
}

// touch notes a directory in which something changed, and those above it.
func touch(dir string, touched map[string]bool) {
	for ; dir != "." && !touched[dir]; dir = path.Dir(dir) {
		touched[dir] = true
	}
}

// spare says whether a database may be read once more.
func (f *followed) spare(u *unit) bool {
	u.readings++
	f.readings++
	if u.readings > maxReadings || f.readings > maxReadingsAll {
		f.cut = true
		return false
	}
	return true
}

// read reads the database as one layer left it, and compares it with what was there when its packages were installed.
func (u *unit) read(ctx context.Context, tree *layer.Tree, index int, packages []inventory.Package) {
	before := u.rewrites
	u.rewrites = map[rewriteKey]rewrite{}
	for _, now := range u.packages(ctx, tree) {
		id := identityOf(&now)
		i, ok := u.members[id]
		u.compareChangelog(&now, i, index, ok)
		if !ok || index < *packages[i].Layer {
			continue
		}
		was, known := u.installed[id]
		if !known {
			u.installed[id] = now.Files
			continue
		}
		bare := !hasChecksums(&now)
		compareLists(was, now.Files, func(path, was, is string) {
			r := rewrite{rewriteKey{i, path, was, is}, index, bare}
			key := r.rewriteKey
			if first, known := before[key]; known {
				r.layer = first.layer
			}
			u.rewrites[key] = r
		})
	}
}

// compareChangelog notes a Debian package whose version changed, and whose list of changes (Debian Policy, section 12.7), which begins with the
// version, did not: then only the database's word for the version was changed.
func (u *unit) compareChangelog(now *inventory.Package, i, index int, stands bool) {
	if now.Type != "deb" {
		return
	}
	key := [2]string{now.Name, now.Arch}
	c := changelog{version: now.Version}
	for _, f := range now.Files {
		if base := path.Base(f.Path); strings.HasPrefix(base, "changelog.Debian") || base == "changelog.gz" {
			c.digest = f.Digest
			break
		}
	}
	was := u.changelogs[key]
	if stands && c.digest != "" && was.digest == c.digest && was.version != c.version {
		u.renamed = append(u.renamed, renaming{i, index, was.version})
	}
	u.changelogs[key] = c
}

// packages are those that the database names. That it cannot be read is a blind spot of the inventory's, and so is what makes an
// extractor fail.
func (u *unit) packages(ctx context.Context, tree *layer.Tree) (list []inventory.Package) {
	defer func() {
		if recover() != nil {
			list = nil
		}
	}()
	list, _ = u.extractor.Extract(ctx, tree, u.path)
	if f, ok := u.extractor.(inventory.Finisher); ok && len(list) > 0 {
		_ = f.Finish(ctx, tree, list)
	}
	return list
}

// compareLists tells of every checksum that is not in both lists of a package's files. That of configuration may come and go, as
// long as it was configuration from the beginning.
func compareLists(was, is []inventory.OwnedFile, tell func(path, was, is string)) {
	now := make(map[string]*inventory.OwnedFile, len(is))
	for i := range is {
		now[is[i].Path] = &is[i]
	}
	for i := range was {
		f := &was[i]
		n := now[f.Path]
		delete(now, f.Path)
		switch {
		case f.Config || f.Digest == "" && n != nil && n.Config:
		case f.Digest == "":
			if n != nil && n.Digest != "" {
				tell(f.Path, "", n.Digest)
			}
		case n == nil:
			tell(f.Path, f.Digest, "")
		case n.Digest != f.Digest && (n.Digest != "" || !n.Optional): // rpm: another package has put its own there
			tell(f.Path, f.Digest, n.Digest)
		}
	}
	for at, n := range now {
		if n.Digest != "" && !n.Config {
			tell(at, "", n.Digest)
		}
	}
}

// restore gives packages the lists of files that they were installed with, and says in a sentence of each change what it was.
// stripped has the packages all of whose checksums were taken away, each with the layer that did it. A file that is only gone from a
// list may have gone over to another package.
func restore(packages []inventory.Package, rewrites []rewrite, step func(layer int) string) (forged map[int][]string, stripped map[int]int) {
	forged, stripped = map[int][]string{}, map[int]int{}
	edits := map[int]map[string]string{}
	listed := map[string]bool{}
	if slices.ContainsFunc(rewrites, func(r rewrite) bool { return r.is == "" }) {
		listed = listedDigests(packages)
	}
	for _, r := range rewrites {
		p := &packages[r.pkg]
		name := p.Name + " " + p.Version
		switch {
		case r.was == "":
			forged[r.pkg] = append(forged[r.pkg], fmt.Sprintf("%s added /%s with a checksum to the files of %s, which was installed without", step(r.layer), r.path, name))
		case r.is != "":
			forged[r.pkg] = append(forged[r.pkg], fmt.Sprintf("%s rewrote the checksum of /%s: %s was installed with %s, and the database now says %s",
				step(r.layer), r.path, name, short(r.was), short(r.is)))
		case listed[r.path]:
			continue // another package's now
		case r.bare:
			stripped[r.pkg] = r.layer
		default:
			forged[r.pkg] = append(forged[r.pkg], fmt.Sprintf("%s took the checksum of /%s from the database: %s was installed with %s", step(r.layer), r.path, name, short(r.was)))
		}
		if edits[r.pkg] == nil {
			edits[r.pkg] = map[string]string{}
		}
		edits[r.pkg][r.path] = r.was
	}
	for i, e := range edits {
		packages[i].Files = edited(packages[i].Files, e)
	}
	return forged, stripped
}

// hasChecksums says whether a database has checksums of a package's files, configuration apart.
func hasChecksums(p *inventory.Package) bool {
	return slices.ContainsFunc(p.Files, func(f inventory.OwnedFile) bool { return f.Digest != "" && !f.Config })
}

// listedDigests are the paths of which packages of the distribution have checksums.
func listedDigests(packages []inventory.Package) map[string]bool {
	listed := map[string]bool{}
	for i := range packages {
		if packages[i].OfDistribution() {
			for _, f := range packages[i].Files {
				listed[f.Path] = listed[f.Path] || f.Digest != ""
			}
		}
	}
	return listed
}

// edited gives a list of files with other checksums: a file is added where it is missing, and goes where the checksum is empty.
func edited(files []inventory.OwnedFile, digests map[string]string) []inventory.OwnedFile {
	list := make([]inventory.OwnedFile, 0, len(files))
	digests = maps.Clone(digests)
	for _, f := range files {
		digest, ok := digests[f.Path]
		delete(digests, f.Path)
		if ok {
			f.Digest = digest
		}
		if !ok || digest != "" {
			list = append(list, f)
		}
	}
	for _, at := range slices.Sorted(maps.Keys(digests)) {
		if digests[at] != "" {
			list = append(list, inventory.OwnedFile{Path: at, Digest: digests[at]})
		}
	}
	return list
}

// short cuts a digest to what a person compares.
func short(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	const enough = 16
	return algorithm + ":" + hex[:min(len(hex), enough)]
}
