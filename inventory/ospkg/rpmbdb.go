package ospkg

import (
	"encoding/binary"
	"errors"
	"iter"
)

// Numbers of Berkeley DB's hash format (libdb 5.3, src/dbinc/db_page.h).
const (
	bdbHashMagic    = 0x061561
	bdbMetaSize     = 72
	bdbPageHeader   = 26
	bdbHashUnsorted = 2 // hash pages before libdb 4.6
	bdbOverflow     = 7
	bdbHash         = 13
	bdbOffPage      = 3 // an item that is kept on overflow pages
	bdbOffPageSize  = 12
)

// bdbFile is a Berkeley DB hash file, in the byte order of the machine that wrote it.
type bdbFile struct {
	data     []byte
	order    binary.ByteOrder
	pageSize int
	// unread is how many bytes overflow pages may still give: no page belongs to two items, so that all
	// items together are never larger than the file.
	unread int
}

// bdbValues gives the values of a hash file that are large enough to be kept on overflow pages, as all package
// headers are.
func bdbValues(file []byte) (iter.Seq2[[]byte, error], error) {
	db := bdbFile{data: file, order: binary.LittleEndian, unread: len(file)}
	if db.order.Uint32(file[12:]) != bdbHashMagic {
		db.order = binary.BigEndian
	}
	size := db.order.Uint32(file[20:])
	if size < 512 || size > 64<<10 || size&(size-1) != 0 {
		return nil, errors.New("a Berkeley DB file with an impossible page size")
	}
	if file[24] != 0 {
		return nil, errors.New("an encrypted Berkeley DB file")
	}
	db.pageSize = int(size)
	last := int(db.order.Uint32(file[32:]))
	if last < 0 || last > len(file)/db.pageSize {
		return nil, errors.New("a Berkeley DB file that is cut off")
	}
	return func(yield func([]byte, error) bool) {
		for n := 1; n <= last; n++ {
			if !db.hashPage(n, yield) {
				return
			}
		}
	}, nil
}

func (db *bdbFile) page(n int) []byte {
	if n < 0 || n >= len(db.data)/db.pageSize {
		return nil
	}
	return db.data[n*db.pageSize:][:db.pageSize]
}

// hashPage gives the large values of one page; false when no more are wanted.
func (db *bdbFile) hashPage(n int, yield func([]byte, error) bool) bool {
	page := db.page(n)
	if page == nil {
		return yield(nil, errors.New("a Berkeley DB file that is cut off"))
	}
	if kind := page[25]; kind != bdbHash && kind != bdbHashUnsorted {
		return true
	}
	// Offsets of keys and values stand in turn after the page's header.
	entries := int(db.order.Uint16(page[20:]))
	if bdbPageHeader+2*entries > len(page) {
		return yield(nil, errors.New("a hash page with more entries than room"))
	}
	for i := 1; i < entries; i += 2 {
		at := int(db.order.Uint16(page[bdbPageHeader+2*i:]))
		if at >= len(page) {
			if !yield(nil, errors.New("a value outside its page")) {
				return false
			}
			continue
		}
		if page[at] != bdbOffPage {
			continue
		}
		if !yield(db.overflow(page[at:])) {
			return false
		}
	}
	return true
}

// overflow gathers an item from its chain of overflow pages.
func (db *bdbFile) overflow(item []byte) ([]byte, error) {
	if len(item) < bdbOffPageSize {
		return nil, errors.New("a value outside its page")
	}
	n, size := int(db.order.Uint32(item[4:])), int(db.order.Uint32(item[8:]))
	if size < 0 || size > db.unread {
		return nil, errors.New("a value larger than the file")
	}
	value := make([]byte, 0, size)
	for len(value) < size {
		page := db.page(n)
		if page == nil || page[25] != bdbOverflow {
			return nil, errors.New("a broken chain of overflow pages")
		}
		used := int(db.order.Uint16(page[22:]))
		if used == 0 || used > len(page)-bdbPageHeader {
			return nil, errors.New("an overflow page with an impossible length")
		}
		value = append(value, page[bdbPageHeader:][:min(used, size-len(value))]...)
		n = int(db.order.Uint32(page[16:]))
	}
	db.unread -= size
	return value, nil
}
