package advisory

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"strings"
	"sync/atomic"
)

// blockBytes is about how large a block is before compression: it is what one lookup decompresses, a few
// microseconds. A key with more than that to say makes its block larger.
const blockBytes = 4 << 10

// pageBlocks is how many blocks a page of an index tells of.
const pageBlocks = 1 << 10

// maxBits bounds a table to a million blocks: the whole of OSV takes a tenth of them.
const maxBits = 20

// table says where in the file a table is. A key's hash says in which block the key and its value stand, if they stand anywhere.
type table struct {
	// Bits is how many bits of a key's hash are its block's number; there are as many blocks as such numbers.
	Bits int `json:"bits"`
	// Blocks is where the first block begins; each begins where the one before it ends. The pages of the index follow them.
	Blocks int64 `json:"blocks"`
	// Index is where the list of the pages' lengths is.
	Index span `json:"index"`
	// Filter is where the filter is, of a table that has one.
	Filter span `json:"filter,omitzero"`

	pages  []page
	filter lazyFilter
}

// span is a part of the file.
type span struct {
	At     int64 `json:"at"`
	Length int64 `json:"length"`
}

func (s span) end() int64 { return s.At + s.Length }

// page is a part of an index. It is read when a block of it is asked for, so that opening a file takes as long
// whatever it holds.
type page struct {
	at     span
	bounds atomic.Pointer[[]int64] // where each of its blocks begins, and where the last one ends
}

// blockBits is the number of bits that spreads a table of so many bytes over blocks of blockBytes.
func blockBits(size int64) int {
	return min(bits.Len64(uint64(size/blockBytes)), maxBits)
}

func (t *table) blocks() uint32 { return 1 << t.Bits }

func blockNumber(hash uint64, bits int) uint32 { return uint32(hash >> (64 - bits)) }

func blockHead(table string, number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(table), number)
}

func pageHead(table string, number int) []byte {
	return blockHead(table+" index ", uint32(number))
}

// appendEntry adds a key and its value to a block.
func appendEntry(block []byte, key string, value []byte) []byte {
	block = appendString(block, key)
	block = binary.AppendUvarint(block, uint64(len(value)))
	return append(block, value...)
}

// findEntry gives the value of a key in a block, and whether the key is there.
func findEntry(block, head, key string) (value string, found bool, err error) {
	rest, ok := strings.CutPrefix(block, head)
	if !ok {
		return "", false, errEncoding
	}
	r := reader{rest: rest}
	for r.rest != "" {
		k, v := r.string(), r.string()
		if r.err == nil && k == key {
			return v, true, nil
		}
	}
	return "", false, r.err
}

// appendPages adds to a file, where blocks of these lengths have just been written, the pages of their index and the list of
// the pages' lengths.
func (b *builder) appendPages(name string, t *table, lengths []int64) error {
	var list []byte
	at := t.Blocks
	for number := 0; len(lengths) > 0; number++ {
		part := lengths[:min(pageBlocks, len(lengths))]
		lengths = lengths[len(part):]
		text := binary.AppendUvarint(pageHead(name, number), uint64(at))
		for _, n := range part {
			text = binary.AppendUvarint(text, uint64(n))
			at += n
		}
		frame, err := b.writeFrame(text)
		if err != nil {
			return err
		}
		list = binary.AppendUvarint(list, uint64(frame.Length))
	}
	var err error
	t.Index, err = b.writeFrame(list)
	return err
}

// openTable reads where the pages of a table's index are.
func (db *DB) openTable(t *table) error {
	if t.Bits < 0 || t.Bits > maxBits {
		return db.damaged(errEncoding)
	}
	list, err := db.frame(t.Index)
	if err != nil {
		return err
	}
	t.pages = make([]page, (t.blocks()+pageBlocks-1)/pageBlocks)
	r, end := reader{rest: list}, t.Index.At
	for i := range t.pages {
		t.pages[i].at.Length = int64(r.uint() & math.MaxInt32)
		end -= t.pages[i].at.Length
	}
	if r.err != nil || r.rest != "" {
		return db.damaged(errEncoding)
	}
	for i := range t.pages { // the list follows the pages
		t.pages[i].at.At = end
		end = t.pages[i].at.end()
	}
	return nil
}

// block is where a block's frame is.
func (db *DB) block(name string, t *table, number uint32) (span, error) {
	p := &t.pages[number/pageBlocks]
	bounds := p.bounds.Load()
	if bounds == nil {
		read, err := db.readPage(name, t, int(number/pageBlocks))
		if err != nil {
			return span{}, err
		}
		bounds = &read
		p.bounds.Store(bounds)
	}
	at := (*bounds)[number%pageBlocks]
	return span{at, (*bounds)[number%pageBlocks+1] - at}, nil
}

func (db *DB) readPage(name string, t *table, number int) ([]int64, error) {
	text, err := db.frame(t.pages[number].at)
	if err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(text, string(pageHead(name, number)))
	if !ok {
		return nil, db.damaged(errEncoding)
	}
	r := reader{rest: rest}
	bounds := make([]int64, 1, pageBlocks+1)
	bounds[0] = int64(r.uint() & math.MaxInt64)
	for range min(int(t.blocks())-number*pageBlocks, pageBlocks) {
		bounds = append(bounds, bounds[len(bounds)-1]+int64(r.uint()&math.MaxInt32))
	}
	if r.err != nil || r.rest != "" {
		return nil, db.damaged(errEncoding)
	}
	return bounds, nil
}

// packedBlock reads a block, as it stands in the file and as it was.
func (db *DB) packedBlock(name string, number uint32) (packed []byte, block string, err error) {
	at, err := db.block(name, db.contents.Tables[name], number)
	if err != nil {
		return nil, "", err
	}
	return db.packedFrame(at)
}

// find looks up a key.
func (db *DB) find(name, key string) (value string, found bool, err error) {
	number := blockNumber(hashKey(key), db.contents.Tables[name].Bits)
	_, block, err := db.packedBlock(name, number)
	if err != nil {
		return "", false, err
	}
	value, found, err = findEntry(block, string(blockHead(name, number)), key)
	if err != nil {
		return "", false, db.damaged(err)
	}
	return value, found, nil
}

// entry is a key and its value.
type entry struct{ key, value string }

// entries gives all of a table, in the order of the keys' hashes. It ends with the first error.
func (db *DB) entries(name string) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if db.contents.Tables[name] == nil {
			return
		}
		for number := range db.contents.Tables[name].blocks() {
			_, block, err := db.packedBlock(name, number)
			if err != nil {
				yield(entry{}, err)
				return
			}
			rest, ok := strings.CutPrefix(block, string(blockHead(name, number)))
			for r := (reader{rest: rest}); r.rest != "" || !ok; {
				e := entry{r.string(), r.string()}
				if r.err != nil || !ok {
					yield(entry{}, db.damaged(errEncoding))
					return
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
