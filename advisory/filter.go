package advisory

import (
	"strings"
	"sync/atomic"
)

// A table that is asked for many keys that it does not have, the digests of all files of an image, has a filter: for each block some bits,
// of which each of the block's keys sets a few. A key that finds one of its own unset is not in the table. The filter follows from
// the table's entries alone, so a delta need not have it.
const (
	// filterBits is the number of bits for each block. A full block has about a hundred SHA-256 digests, of which one in fifty that
	// are not there passes.
	filterBits  = 1024
	filterProbe = 10 // bits of a key's hash that name a bit of its block's
	filterCount = 4  // bits that each key sets: below those of its hash that are its block's number
)

// filter is a table's.
type filter []byte

func newFilter(blocks uint32) filter { return make(filter, int(blocks)*filterBits/8) }

// probe gives the bits of a key, as a byte's index and a mask.
func probe(hash uint64, bits, i int) (at int, mask byte) {
	bit := hash >> (i * filterProbe) & (filterBits - 1)
	return int(blockNumber(hash, bits))*filterBits/8 + int(bit/8), 1 << (bit % 8)
}

func (f filter) add(hash uint64, bits int) {
	for i := range filterCount {
		at, mask := probe(hash, bits, i)
		f[at] |= mask
	}
}

func filterHead(table string) string { return table + " filter " }

// writeFilter adds a table's filter to a file.
func (b *builder) writeFilter(name string, f filter) (err error) {
	b.tables[name].Filter, err = b.writeFrame(append([]byte(filterHead(name)), f...))
	return err
}

// lazyFilter is read when it is first needed.
type lazyFilter struct{ bits atomic.Pointer[string] }

// likely says whether a table may have a key; false is sure.
func (db *DB) likely(name string, t *table, hash uint64) (bool, error) {
	bits := t.filter.bits.Load()
	if bits == nil {
		text, err := db.frame(t.Filter)
		if err != nil {
			return false, err
		}
		text, ok := strings.CutPrefix(text, filterHead(name))
		if !ok || len(text) != int(t.blocks())*filterBits/8 {
			return false, db.damaged(errEncoding)
		}
		bits = &text
		t.filter.bits.Store(bits)
	}
	for i := range filterCount {
		if at, mask := probe(hash, t.Bits, i); (*bits)[at]&mask == 0 {
			return false, nil
		}
	}
	return true, nil
}
