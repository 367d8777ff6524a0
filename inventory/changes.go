package inventory

import (
	"cmp"
	"slices"

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
	locked  bool
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
				Path: path, Removed: removed, locked: p.Locked})
		}
	}
	record(before, now, true)
	record(now, before, false)
}

// settledChanges are the changes in order, without those of packages that are known from lock files of installed ones.
func (a *assembler) settledChanges(packages []Package) []Change {
	if a.changesCut {
		a.spots = append(a.spots, image.BlindSpot{Kind: image.LimitReached,
			Message: "the layers change their packages too often: which layer changed what is only known of the lower ones"})
	}
	onlyLocked := map[identity]bool{}
	for i := range packages {
		if packages[i].Locked {
			onlyLocked[identityOf(&packages[i])] = true
		}
	}
	changes := slices.DeleteFunc(a.changes, func(c Change) bool {
		return c.locked && !onlyLocked[identity{c.Type, c.Name, c.Version, c.Arch}]
	})
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Version, b.Version), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Path, b.Path))
	})
	return changes
}
