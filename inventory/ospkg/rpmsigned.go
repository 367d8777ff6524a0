package ospkg

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"iter"
	"slices"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

var _ inventory.SignedExtractor = rpm{}

// Tags of a header's signed part and of the signatures over it, which rpm keeps with it after installing a package
// (lib/rpmtag.h). SIGPGP and SIGGPG are not read: those are over the package's payload, too, which is gone.
const (
	tagHeaderImage     = 61
	tagHeaderImmutable = 63
	tagDSAHeader       = 267
	tagRSAHeader       = 268
	tagOpenPGP         = 278
	tagDescription     = 1005
)

// Records implements [inventory.SignedExtractor].
func (rpm) Records(tree *layer.Tree, path string) iter.Seq2[inventory.SignedRecord, error] {
	return func(yield func(inventory.SignedRecord, error) bool) {
		file, wal := content(tree, path), content(tree, path+"-wal")
		if len(file) == 0 && len(wal) == 0 {
			return
		}
		headers, err := rpmHeaders(file, wal)
		if err != nil {
			yield(inventory.SignedRecord{}, err)
			return
		}
		for blob, err := range headers {
			var r inventory.SignedRecord
			if err == nil {
				r, err = signedRecord(blob, path)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// signedRecord reads a header by its signed part alone.
func signedRecord(blob []byte, path string) (inventory.SignedRecord, error) {
	whole, err := indexHeader(blob)
	if err != nil {
		return inventory.SignedRecord{}, err
	}
	if whole.text(tagName) == "gpg-pubkey" {
		return inventory.SignedRecord{Key: []byte(whole.text(tagDescription))}, nil
	}
	part, err := immutablePart(blob)
	if err != nil {
		// What no signature can be over is still a package, by what the whole header says.
		h, unread := parseHeader(blob)
		if unread != nil {
			return inventory.SignedRecord{}, unread
		}
		return inventory.SignedRecord{Package: h.pkg(path)}, nil
	}
	h, err := parseHeader(part)
	if err != nil {
		return inventory.SignedRecord{}, err
	}
	return inventory.SignedRecord{Package: h.pkg(path), Signed: append([]byte(headerMagic), part...), Signatures: whole.signatures()}, nil
}

// headerMagic stands before a header in a package file, and not in a database; signatures are over it, too.
const headerMagic = "\x8e\xad\xe8\x01\x00\x00\x00\x00"

// immutablePart gives the part of a header that came with the package, as a header of its own: what was installed is
// followed by what rpm itself noted at the installation. The first entry says how far it goes: its value, the last of the part, is
// an entry whose offset is minus the size of the part's index (docs/manual/hregions.md).
func immutablePart(blob []byte) ([]byte, error) {
	const entry = 16
	errNone := errors.New("a header without a signed part")
	tags, size := int(binary.BigEndian.Uint32(blob)), int(binary.BigEndian.Uint32(blob[4:]))
	if tags == 0 {
		return nil, errNone
	}
	index, data := blob[8:8+entry*tags], blob[8+entry*tags:][:size]
	tag, at := binary.BigEndian.Uint32(index), int(binary.BigEndian.Uint32(index[8:]))
	if tag != tagHeaderImmutable && tag != tagHeaderImage || binary.BigEndian.Uint32(index[4:]) != typeBinary ||
		binary.BigEndian.Uint32(index[12:]) != entry || at+entry > len(data) {
		return nil, errNone
	}
	length := -int(int32(binary.BigEndian.Uint32(data[at+8:])))
	if length < entry || length%entry != 0 || length > len(index) {
		return nil, errNone
	}
	part := binary.BigEndian.AppendUint32(nil, uint32(length/entry))
	part = binary.BigEndian.AppendUint32(part, uint32(at+entry))
	return slices.Concat(part, index[:length], data[:at+entry]), nil
}

// signatures gives those over the header alone: rpm's own two tags and, since rpm 6, a list in base64.
func (x *headerIndex) signatures() [][]byte {
	var list [][]byte
	for _, tag := range [...]uint32{tagRSAHeader, tagDSAHeader} {
		if b := x.binary(tag); b != nil {
			list = append(list, b)
		}
	}
	for _, text := range x.texts(tagOpenPGP) {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			list = append(list, b)
		}
	}
	return list
}

// binary gives a value of bytes; nil where it is cut off.
func (x *headerIndex) binary(tag uint32) []byte {
	e, ok := x.entries[tag]
	if !ok || e.kind != typeBinary || uint64(e.offset)+uint64(e.count) > uint64(len(x.data)) {
		return nil
	}
	return x.data[e.offset:][:e.count]
}
