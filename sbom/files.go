package sbom

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// File is a file that a document gives digests of.
type File struct {
	// Path is relative to the image's root, cleaned, without leading slash.
	Path string
	// Digests are algorithm:hex, such as sha256:4f1c..., in the order of the document.
	Digests []string
	// Owner is the purl of the package that the document says it is part of; empty where it does not say.
	Owner string
	id    string
}

// Bounds of the files of one document, and of a path, in bytes. The largest images have some hundred thousand files, and no system
// opens a longer path.
const (
	maxFiles = 500_000
	maxPath  = 4096
)

var errFiles = fmt.Errorf("more than %d files: no SBOM document that is read lists as many", maxFiles)

// FilesOf gives the files of an image that was read with digests, each with the package that installed it.
func FilesOf(t *inventory.Trace, packages []inventory.Package) []File {
	var files []File
	for i := range t.Files {
		f := &t.Files[i]
		if !Lists(f) {
			continue
		}
		d := f.Entry.Digests()
		file := File{Path: f.Path, Digests: []string{"sha1:" + hex.EncodeToString(d.SHA1[:]), "sha256:" + hex.EncodeToString(d.SHA256[:])}}
		if f.Owner >= 0 {
			file.Owner = packages[f.Owner].PURL
		}
		files = append(files, file)
	}
	return files
}

// Lists says whether a file is one of those that [FilesOf] gives: one with content that is not made anew on each machine.
func Lists(f *inventory.File) bool {
	return f.Entry.Type == layer.Regular && f.Entry.Digests() != nil && f.Class != inventory.Generated
}

// file takes one file of a document. One without a digest, and one of which only a name without a place is known, is
// nothing to compare with.
func (r *reading) file(id, name string, digests []string) {
	if len(name) > maxPath {
		return
	}
	if at := strings.TrimPrefix(path.Clean("/"+name), "/"); at != "" && len(digests) > 0 {
		r.doc.Files = append(r.doc.Files, File{Path: at, Digests: digests, id: id})
	}
}

// settleFiles puts the files in order. Of a path that comes twice, as one file of several layers does, all digests are kept:
// which of them stands in the end the document does not say.
func (r *reading) settleFiles() {
	for i := range r.doc.Files {
		f := &r.doc.Files[i]
		if n, ok := r.relations.byID[r.relations.holders[f.id]]; ok {
			f.Owner = r.doc.Inventory.Packages[n].PURL
		}
	}
	slices.SortStableFunc(r.doc.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	files := r.doc.Files[:0]
	for _, f := range r.doc.Files {
		f.id = ""
		if n := len(files); n > 0 && files[n-1].Path == f.Path {
			files[n-1].Digests = append(files[n-1].Digests, f.Digests...)
			continue
		}
		files = append(files, f)
	}
	r.doc.Files = files
	if len(files) > maxFiles {
		r.doc.Files = files[:maxFiles]
		r.doc.Inventory.BlindSpots = append(r.doc.Inventory.BlindSpots, image.BlindSpot{Kind: image.LimitReached,
			Message: fmt.Sprintf("the document lists more than %d files: the rest is not read", maxFiles)})
	}
}

// digestOf writes a digest as this program does; empty for what is none. Zeros stand for content that a tool did not read
// (Syft's SPDX, which must have a checksum).
func digestOf(algorithm, value string) string {
	algorithm = strings.ToLower(strings.ReplaceAll(algorithm, "-", ""))
	value = strings.ToLower(value)
	size := 0
	switch algorithm {
	case "md5":
		size = 16
	case "sha1":
		size = 20
	case "sha256":
		size = 32
	case "sha512":
		size = 64
	}
	if sum, err := hex.DecodeString(value); err != nil || len(sum) == 0 || len(sum) != size || strings.Trim(value, "0") == "" {
		return ""
	}
	return algorithm + ":" + value
}

func spdxDigests(list []spdxChecksum) []string {
	var all []string
	for _, c := range list {
		if d := digestOf(c.Algorithm, c.Value); d != "" {
			all = append(all, d)
		}
	}
	return all
}

func cdxDigests(list *[]cdx.Hash) []string {
	if list == nil {
		return nil
	}
	var all []string
	for _, h := range *list {
		if d := digestOf(string(h.Algorithm), h.Value); d != "" {
			all = append(all, d)
		}
	}
	return all
}

// cdxFile takes a component that is a file. Its name is its path (Syft), or its last part where the evidence has the place.
func (r *reading) cdxFile(c *cdx.Component) {
	digests := cdxDigests(c.Hashes)
	places := cdxPlaces(c)
	if strings.Contains(c.Name, "/") {
		places = []string{c.Name}
	}
	for _, at := range places {
		r.file(c.BOMRef, at, slices.Clone(digests))
	}
}

// cdxPlaces are the files in which a component was found.
func cdxPlaces(c *cdx.Component) []string {
	var places []string
	if c.Evidence != nil && c.Evidence.Occurrences != nil {
		for _, o := range *c.Evidence.Occurrences {
			if o.Location != "" {
				places = append(places, strings.TrimPrefix(o.Location, "/"))
			}
		}
	}
	return places
}

// addFiles writes the document's files, each under its package.
func (s *spdxDocument) addFiles(d *Document, ids []string) {
	owners := map[string]string{}
	for i, p := range d.Inventory.Packages {
		if _, ok := owners[p.PURL]; !ok {
			owners[p.PURL] = ids[i]
		}
	}
	for i, f := range d.Files {
		file := spdxFile{SPDXID: fmt.Sprintf("SPDXRef-File-%d", i), Name: "./" + f.Path}
		for _, digest := range f.Digests {
			file.Checksums = append(file.Checksums, checksumOf(digest))
		}
		s.Files = append(s.Files, file)
		s.relate(cmp.Or(owners[f.Owner], spdxImageRef), "CONTAINS", file.SPDXID)
	}
}

// checksumOf writes algorithm:hex as SPDX does.
func checksumOf(digest string) spdxChecksum {
	algorithm, sum, _ := strings.Cut(digest, ":")
	return spdxChecksum{strings.ToUpper(algorithm), sum}
}

// cdxFiles writes the document's files as components, as Syft does.
func cdxFiles(d *Document) []cdx.Component {
	list := make([]cdx.Component, 0, len(d.Files))
	for i, f := range d.Files {
		hashes := make([]cdx.Hash, 0, len(f.Digests))
		for _, digest := range f.Digests {
			c := checksumOf(digest)
			hashes = append(hashes, cdx.Hash{Algorithm: cdx.HashAlgorithm(strings.Replace(c.Algorithm, "SHA", "SHA-", 1)), Value: c.Value})
		}
		list = append(list, cdx.Component{BOMRef: fmt.Sprintf("file-%d", i), Type: cdx.ComponentTypeFile, Name: "/" + f.Path, Hashes: listOf(hashes)})
	}
	return list
}
