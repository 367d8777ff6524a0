package drift

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/sbom"
	"tidewaiter/trust"
)

// files finds the image's files by the paths that documents give.
type files struct{ trace *inventory.Trace }

// maxLinks is how many symbolic links one path may go through, and maxPath how long it may be, in bytes, as Linux has it.
const (
	maxLinks = 40
	maxPath  = 4096
)

// find gives the file at a path, through symbolic links; nil where there is none. A directory is no file.
func (f files) find(at string) *inventory.File {
	file, below := f.walk(at)
	if below != "" {
		return nil
	}
	return file
}

// walk goes down a path to its first file, and gives what of the path is left below it: of what lies in an archive.
func (f files) walk(at string) (file *inventory.File, below string) {
	links := 0
	rest, parent := strings.TrimPrefix(path.Clean("/"+at), "/"), ""
	for rest != "" && len(parent)+len(rest) <= maxPath {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		next := path.Join(parent, name)
		n, ok := f.search(next)
		switch {
		case !ok && !f.isDirectory(next):
			return nil, ""
		case !ok:
			parent = next
		case f.trace.Files[n].Entry.Type != layer.Symlink:
			return &f.trace.Files[n], rest
		default:
			if links++; links > maxLinks {
				return nil, ""
			}
			to := f.trace.Files[n].Entry.Link
			if !strings.HasPrefix(to, "/") {
				to = path.Join("/"+parent, to)
			}
			rest, parent = strings.TrimPrefix(path.Join("/", to, rest), "/"), ""
		}
	}
	return nil, ""
}

func (f files) search(at string) (n int, found bool) {
	return slices.BinarySearchFunc(f.trace.Files, at, func(file inventory.File, at string) int { return strings.Compare(file.Path, at) })
}

// isDirectory says whether there is a file below a path.
func (f files) isDirectory(at string) bool {
	n, _ := f.search(at + "/")
	return n < len(f.trace.Files) && strings.HasPrefix(f.trace.Files[n].Path, at+"/")
}

// compareFiles holds the files whose digests the document has against those aboard.
func (c *comparison) compareFiles() {
	if len(c.doc.Files) == 0 {
		c.note("the SBOM has no digests of files: whether a library is what it was when the SBOM was made, it does not tell. " +
			"Against what the packages installed: tidewaiter verify --files")
		return
	}
	folded := 0
	for i := range c.doc.Files {
		f := &c.doc.Files[i]
		file := c.files.find(f.Path)
		d, same := c.compareFile(f, file)
		switch {
		case same:
			c.drift.FilesSame++
		case d == nil:
		case c.isExplained(f.Path, f.Owner, d.Package):
			folded++
		default:
			c.drift.Differences = append(c.drift.Differences, *d)
		}
	}
	if folded > 0 {
		c.note("%s listed apart: of packages that differ", count(folded, "changed file not", "changed files not"))
	}
	c.unlistedFiles()
	c.covered()
}

// unlistedFiles tells the files that a document of this program, which lists them all where it lists any, does not have.
func (c *comparison) unlistedFiles() {
	if !c.ours() {
		return
	}
	for i := range c.aboard.Trace.Files {
		file := &c.aboard.Trace.Files[i]
		if !sbom.Lists(file) {
			continue
		}
		owner := c.ownerOf(file)
		if _, ok := c.listed(file.Path); !ok && !c.isExplained(file.Path, owner) {
			c.drift.Differences = append(c.drift.Differences, c.placed(trust.Difference{
				Kind: trust.NotAttested, Package: owner, Actual: file.Digest(), Why: "the file is aboard, and the SBOM, which lists all files, does not list it",
			}, file.Path, file.Layer))
		}
	}
}

// covered notes of which packages the document lacks files: of them it does not tell whether the content is what it was.
func (c *comparison) covered() {
	all, has := map[string]int{}, map[string]int{} // files by the purl type of their package
	for i := range c.aboard.Trace.Files {
		file := &c.aboard.Trace.Files[i]
		if file.Owner < 0 || file.Class == inventory.Generated || file.Entry.Type != layer.Regular {
			continue
		}
		kind := c.aboard.Inventory.Packages[file.Owner].Type
		all[kind]++
		if _, ok := c.listed(file.Path); ok {
			has[kind]++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if has[kind]*10 < all[kind]*9 {
			c.note("the SBOM has digests of %d of the %d files of %s packages: whether the others are what they were, it does not tell. "+
				"Against what the packages installed: tidewaiter verify --files", has[kind], all[kind], kind)
		}
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// compareFile gives the difference of one file; nil where there is nothing to compare.
func (c *comparison) compareFile(f *sbom.File, file *inventory.File) (d *trust.Difference, same bool) {
	if file == nil {
		if mounted(f.Path) {
			return nil, false
		}
		gone := c.placed(trust.Difference{
			Kind: trust.NotPresent, Package: f.Owner, Attested: first(f.Digests), Why: "the SBOM lists the file, and it is not there",
		}, f.Path, c.deletedBy(f.Path))
		return &gone, false
	}
	attested, actual := compareDigests(f.Digests, file.Entry)
	switch {
	case file.Entry.Type == layer.Special:
		attested, actual = first(f.Digests), "a device, pipe or socket"
	case attested == "":
		return nil, false
	case actual == "":
		return nil, true
	}
	changed := c.placed(trust.Difference{
		Kind: trust.OtherContent, Package: c.ownerOf(file), Attested: attested, Actual: actual, Why: c.whyChanged(file),
	}, file.Path, file.Layer)
	return &changed, false
}

func (c *comparison) whyChanged(file *inventory.File) string {
	owner := c.ownerPackage(file)
	switch {
	case owner == nil:
		return "the file is not the one that the SBOM was made of"
	case file.Class == inventory.Modified:
		return fmt.Sprintf("the file of %s %s is not the one that the SBOM was made of, nor the one that the package installed", owner.Name, owner.Version)
	}
	return fmt.Sprintf("the file of %s %s is not the one that the SBOM was made of, though name and version are the same", owner.Name, owner.Version)
}

func (c *comparison) ownerPackage(file *inventory.File) *inventory.Package {
	for _, n := range []int{file.Owner, file.Known} {
		if n >= 0 && n < len(c.aboard.Inventory.Packages) {
			return &c.aboard.Inventory.Packages[n]
		}
	}
	return nil
}

func (c *comparison) ownerOf(file *inventory.File) string {
	if p := c.ownerPackage(file); p != nil {
		return p.PURL
	}
	return ""
}

// mounted tells the files that a container's engine puts into it while it runs: whoever makes an SBOM in there sees them.
func mounted(at string) bool {
	switch at {
	case ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab":
		return true
	}
	top, _, _ := strings.Cut(at, "/")
	return top == "proc" || top == "sys" || top == "dev"
}

// deletedBy gives the layer that deleted a file; -1 where none is known.
func (c *comparison) deletedBy(at string) int {
	if c.deleted == nil {
		c.deleted = map[string]int{}
		for i := range c.aboard.Trace.Steps {
			for _, h := range c.aboard.Trace.Steps[i].Hidden {
				if h.How == inventory.Deleted {
					c.deleted[h.Path] = h.By
				}
			}
		}
	}
	if by, ok := c.deleted[at]; ok {
		return by
	}
	return -1
}

// compareDigests holds a file against digests by the strongest algorithm that both sides know; all of that algorithm are good,
// for of a path that comes twice a document does not say which one stands. attested is empty where none can be compared, actual where
// one is right.
func compareDigests(digests []string, f *layer.File) (attested, actual string) {
	for _, algorithm := range []string{"sha256", "sha1", "md5"} {
		for _, d := range digests {
			if !strings.HasPrefix(d, algorithm+":") {
				continue
			}
			is := digest(f, algorithm)
			switch {
			case is == "":
				return "", ""
			case is == d:
				return d, ""
			case attested == "":
				attested, actual = d, is
			}
		}
		if attested != "" {
			return attested, actual
		}
	}
	return "", ""
}

// digest gives a regular file's digest; empty where it was not computed.
func digest(f *layer.File, algorithm string) string {
	d := f.Digests()
	if f.Type != layer.Regular || d == nil {
		return ""
	}
	switch algorithm {
	case "md5":
		return "md5:" + hex.EncodeToString(d.MD5[:])
	case "sha1":
		return "sha1:" + hex.EncodeToString(d.SHA1[:])
	}
	return "sha256:" + hex.EncodeToString(d.SHA256[:])
}

// compareArchives holds packages that are one file, jars, against the digests that the document gives of them.
func (c *comparison) compareArchives() {
	for i := range c.attested {
		a := &c.attested[i]
		if !a.matched || len(a.Digests) == 0 || a.Type != "maven" {
			continue
		}
		// Of a jar inside a jar nobody but its reader knows the digest.
		paths := slices.DeleteFunc(slices.Clone(a.peer.Paths), func(at string) bool {
			return strings.Contains(at, "!/") || len(a.Paths) > 0 && !slices.Contains(a.Paths, at)
		})
		for _, at := range paths {
			file := c.files.find(at)
			if _, listed := c.listed(at); listed || file == nil {
				continue
			}
			d, _ := c.compareFile(&sbom.File{Path: at, Digests: a.Digests}, file)
			if d != nil && !c.isExplained(at) {
				c.drift.Differences = append(c.drift.Differences, *d)
			}
		}
	}
}

// listed finds a file among those that the document has digests of.
func (c *comparison) listed(at string) (int, bool) {
	return slices.BinarySearchFunc(c.doc.Files, at, func(f sbom.File, at string) int { return strings.Compare(f.Path, at) })
}
