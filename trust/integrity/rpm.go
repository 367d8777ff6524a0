package integrity

import (
	"cmp"
	"errors"
	"fmt"
	"path"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// verifyRPM checks the signatures that an rpm database keeps of its packages' headers, which have the checksums of their files.
func (a *account) verifyRPM(d *database) {
	e, _ := a.extractor("rpm").(inventory.SignedExtractor)
	if e == nil {
		return
	}
	keys := a.o.Metadata.ring()
	aboard := a.keysAboard(e, d)
	members := map[identity]int{}
	for _, i := range d.members {
		members[identityOf(&a.packages[i])] = i
	}
	for r, err := range e.Records(a.tree, d.path) {
		if a.ctx.Err() != nil {
			return
		}
		if err != nil || r.Key != nil {
			continue // what cannot be read is a blind spot of the inventory's
		}
		if i, ok := members[identityOf(&r.Package)]; ok {
			d.standings[i] = a.standingOfRecord(i, &r, keys, aboard)
			delete(members, identityOf(&r.Package))
		}
	}
	// What the whole of a record calls otherwise than its signed part does was not found above.
	for _, i := range members {
		p := &a.packages[i]
		d.standings[i] = standing{contradictions: []string{fmt.Sprintf("%s %s: the signed part of its record names another package", p.Name, p.Version)}}
	}
}

// ring is the user's keys; an empty one where there is no metadata.
func (m *Metadata) ring() *keyring {
	if m == nil {
		return &keyring{}
	}
	return m.keys
}

// keysAboard are the keys that the image itself has for packages: in the database, and where distributions keep them.
func (a *account) keysAboard(e inventory.SignedExtractor, d *database) *keyring {
	const most = 200 // of each: Fedora brings some 60
	ring, tries := &keyring{}, 0
	for r := range e.Records(a.tree, d.path) { //nolint:errcheck // it is a sequence
		if r.Key != nil && tries < most {
			tries++
			_ = ring.add("", r.Key) // what is no key vouches for nothing
		}
	}
	dir := path.Join(rootOf(d.path), "etc/pki/rpm-gpg")
	files, _ := a.tree.ReadDir(dir)
	for _, f := range files[:min(len(files), most)] {
		if entry, ok := a.tree.Lookup(path.Join(dir, f.Name())); ok && entry.File.Type == layer.Regular && entry.File.Content() != nil {
			_ = ring.add("", entry.File.Content())
		}
	}
	return ring
}

// rootOf is the root of the file system that an rpm database belongs to.
func rootOf(database string) string {
	for dir := path.Dir(database); dir != "."; dir = path.Dir(dir) {
		if base := path.Base(dir); base == "var" || base == "usr" {
			return path.Dir(dir)
		}
	}
	return ""
}

func (a *account) standingOfRecord(i int, r *inventory.SignedRecord, keys, aboard *keyring) standing {
	p := &a.packages[i]
	if r.Signed == nil || len(r.Signatures) == 0 {
		return standing{why: "its record has no signature"}
	}
	var s standing
	var result error
	for _, signature := range r.Signatures {
		by, err := keys.verify(r.Signed, signature)
		own := errors.Is(err, errStranger)
		if own {
			by, err = aboard.verify(r.Signed, signature)
		}
		if err == nil {
			s, result = standing{by: by, files: true, aboard: own}, nil
			break
		}
		result = cmp.Or(result, err)
	}
	switch {
	case errors.Is(result, errNoFit):
		return standing{contradictions: []string{fmt.Sprintf("%s %s: the vendor's signature does not fit its record", p.Name, p.Version)}}
	case result != nil:
		return standing{why: result.Error()}
	}
	s.contradictions = a.correct(i, r.Package.Files)
	return s
}
