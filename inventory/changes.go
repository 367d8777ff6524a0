package inventory

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"tidewaiter/image"
)

// Change is a package that one layer brought to a place, or took from it. A package whose version changed is
// taken away and brought.
type Change struct {
	// Layer is the index of the layer.
	Layer               int
	Type, Name, Version string
	Arch                string
	// Path is the database or metadata file that names the package, or did.
	Path string
	// Removed says that the package was there before and is not any more.
	Removed bool
	// Owner is as in [Package], where the package at this path stands in the end.
	Owner                              string
	locked, recognised, ofDistribution bool
}

// maxChanges bounds how many changes are kept of one image: hostile layers can name all their packages anew, again and
// again. Honest ones change a few thousand.
const maxChanges = 1 << 20

// changed records how a layer changed what one database names. Either one is nil where there is no database.
func (a *assembler) changed(index int, path string, before, now *database) {
	record := func(d, other *database, removed bool) {
		if d == nil {
			return
		}
		for i := range d.packages {
			p := &d.packages[i]
			if other != nil {
				if _, stays := other.since[identityOf(p)]; stays {
					continue
				}
			}
			if len(a.changes) == maxChanges {
				a.changesCut = true
				return
			}
			a.changes = append(a.changes, Change{Layer: index, Type: p.Type, Name: p.Name, Version: p.Version, Arch: p.Arch,
				Path: path, Removed: removed, locked: p.Locked, recognised: p.Recognised, ofDistribution: p.OfDistribution()})
		}
	}
	record(before, now, true)
	record(now, before, false)
}

// place is a package at a path.
type place struct {
	identity
	path string
}

func (c *Change) place() place { return place{identity{c.Type, c.Name, c.Version, c.Arch}, c.Path} }

// ofSystem says whether a path is where distributions install, and nobody else is meant to.
func ofSystem(at string) bool {
	top, _, _ := strings.Cut(at, "/")
	return slices.Contains([]string{"usr", "bin", "sbin", "lib", "lib64"}, top) && !strings.HasPrefix(at, "usr/local/")
}

// settledChanges are the changes in order. Left out are packages that are known from lock files of installed ones, and what
// a distribution's package brought along: that is told of its package alone.
func (a *assembler) settledChanges(packages []Package) []Change {
	if a.changesCut {
		a.spots = append(a.spots, image.BlindSpot{Kind: image.LimitReached,
			Message: "the layers change their packages too often: which layer changed what is only known of the lower ones"})
	}
	onlyLocked := map[identity]bool{}
	for i := range packages {
		p := &packages[i]
		if p.Locked {
			onlyLocked[identityOf(p)] = true
		}
		a.owners[place{identity: identityOf(p)}] = p.Owner // where the file that names it is not known to be the database
	}
	slices.SortFunc(a.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Version, b.Version), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Path, b.Path))
	})
	installed, came, told := a.listedPrograms(packages), a.cameAndWent(), map[place]bool{}
	kept := a.changes[:0]
	for _, c := range a.changes {
		at := c.place()
		if c.Owner = cmp.Or(a.owners[at], a.owners[place{identity: at.identity}]); !c.Removed {
			told[at] = told[at] || (!c.locked || onlyLocked[at.identity]) && (!c.recognised || !installed[c.Path]) && !came[at]
		}
		if told[at] {
			kept = append(kept, c)
		}
	}
	return kept
}

// noteOwners keeps, of each copy of a package, whose it is: copies of one version can be of several.
func (a *assembler) noteOwners(found []Package) {
	a.owners = map[place]string{}
	for i := range found {
		if p := &found[i]; p.Owner != "" {
			file, _, _ := strings.Cut(p.Paths[0], "!/")
			a.owners[place{identityOf(p), file}] = p.Owner
		}
	}
}

// listedPrograms gives, of the paths where something was recognised, those in the lists of the distribution's packages.
func (a *assembler) listedPrograms(packages []Package) map[string]bool {
	names := map[string]bool{}
	for i := range a.changes {
		if a.changes[i].recognised {
			names[path.Base(a.changes[i].Path)] = true
		}
	}
	installed := map[string]bool{}
	dirs := realDirs{tree: a.tree, known: map[string]string{}}
	for i := range packages {
		if p := &packages[i]; p.OfDistribution() && !p.Claimed {
			for _, f := range p.Files {
				if names[path.Base(f.Path)] {
					installed[dirs.real(path.Join(databaseRoot(p.Paths[0]), f.Path))] = true
				}
			}
		}
	}
	return installed
}

// cameAndWent gives what packages of the distribution must have brought along that are not there any more, so that nobody
// says what they installed: it lay where only the distribution installs, and came and went with packages of its.
func (a *assembler) cameAndWent() map[place]bool {
	installs := map[int]bool{} // the layers that changed the distribution's packages
	for i := range a.changes {
		installs[a.changes[i].Layer] = installs[a.changes[i].Layer] || a.changes[i].ofDistribution
	}
	with, brought := map[place]bool{}, map[place]bool{}
	for i := range a.changes {
		switch c := &a.changes[i]; {
		case c.ofDistribution || !ofSystem(c.Path):
		case c.Removed:
			with[c.place()] = brought[c.place()] && installs[c.Layer]
		default:
			brought[c.place()] = installs[c.Layer]
			delete(with, c.place())
		}
	}
	return with
}
