package ospkg

import (
	"encoding/binary"
	"errors"
	"iter"
)

// Magic words of ndb (rpm's lib/backend/ndb/rpmpkg.c).
const (
	ndbMagic     = "RpmP"
	ndbSlotMagic = "Slot"
	ndbBlobMagic = "BlbS"
	ndbSlotSize  = 16
	ndbPageSize  = 4096
)

// ndbBlobs gives the blobs of an ndb file: pages of slots, the first two of which are the file's header, and
// blobs at multiples of 16 bytes. All numbers are little-endian.
func ndbBlobs(file []byte) (iter.Seq2[[]byte, error], error) {
	if len(file) < 2*ndbSlotSize {
		return nil, errors.New("an ndb file shorter than its header")
	}
	if binary.LittleEndian.Uint32(file[4:]) != 0 {
		return nil, errors.New("an ndb file of an unknown version")
	}
	end := int(binary.LittleEndian.Uint32(file[12:])) * ndbPageSize
	if end == 0 || end > len(file) {
		return nil, errors.New("an ndb file that is cut off")
	}
	return func(yield func([]byte, error) bool) {
		// No two slots share a blob, so that all blobs together are never larger than the file.
		unread := len(file)
		for at := 2 * ndbSlotSize; at < end; at += ndbSlotSize {
			slot := file[at:][:ndbSlotSize]
			if string(slot[:4]) != ndbSlotMagic {
				if !yield(nil, errors.New("a slot without its magic word")) {
					return
				}
				continue
			}
			if binary.LittleEndian.Uint32(slot[4:]) == 0 {
				continue // free
			}
			blob, err := ndbBlob(file, slot)
			if unread -= len(blob); unread < 0 {
				yield(nil, errors.New("blobs larger than the file"))
				return
			}
			if !yield(blob, err) {
				return
			}
		}
	}, nil
}

func ndbBlob(file, slot []byte) ([]byte, error) {
	at := int(binary.LittleEndian.Uint32(slot[8:])) * ndbSlotSize
	if at+ndbSlotSize > len(file) {
		return nil, errors.New("a blob outside the file")
	}
	head := file[at:][:ndbSlotSize]
	size := int(binary.LittleEndian.Uint32(head[12:]))
	if string(head[:4]) != ndbBlobMagic || string(head[4:8]) != string(slot[4:8]) || at+ndbSlotSize+size > len(file) {
		return nil, errors.New("a broken blob")
	}
	return file[at+ndbSlotSize:][:size], nil
}
