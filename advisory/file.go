package advisory

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
)

// An advisory file is written once, front to back, and then only read:
//
//	header     24 bytes: magic, format version, line feed
//	blocks     of table after table, zstd frames
//	indexes    a zstd frame for each table: the lengths of its blocks' frames, as varints
//	contents   a zstd frame: JSON of type contents
//	trailer    16 bytes: where the contents begin, and their length, big-endian
//
// The tables are
//
//	packages   Key(ecosystem, name) -> records, as encode.go writes them
//	cves       CVE id -> JSON of type CVE
//	products   endoflife.date product -> JSON, a list of Cycle
//
// A key's hash says in which block of its table the key and its value stand, if they stand anywhere. A lookup is one
// read of the file and one small decompression; opening reads the trailer, the contents and the indexes. Small values
// compress far better together than alone.
//
// All that answers come from lies in zstd frames with checksums, and a block begins with its own name. So whatever is damaged,
// an answer is either the right one or an error, and never a package that has lost its advisories. An embedded
// database (bbolt was tried) does not promise that: it trusts its pages, and reads outside of its memory when a bit
// in one of them is wrong. Nor is there anything here that a database is for: nothing changes, nobody locks, nothing is mapped.
const (
	magic         = "tidewaiter advisories "
	formatVersion = "1"
	headerSize    = int64(len(magic) + len(formatVersion) + 1)
	trailerSize   = 16

	tablePackages = "packages"
	tableCVEs     = "cves"
	tableProducts = "products"
)

// blockBytes is about how large a block is before compression: it is what one lookup decompresses, a few
// microseconds. A key with more than that to say makes its block larger.
const blockBytes = 4 << 10

// contents says what an advisory file holds.
type contents struct {
	Info
	// Ecosystems are those that the records of their own feeds speak of, as they write them.
	Ecosystems []string `json:"ecosystems"`
	// Inputs is a digest of the files that the advisory file was built from.
	Inputs string           `json:"inputs,omitempty"`
	Tables map[string]table `json:"tables"`
}

// table says where in the file a table is.
type table struct {
	// Bits is how many bits of a key's hash are its block's number; there are as many blocks as such numbers.
	Bits int `json:"bits"`
	// Blocks is where the first block begins; each begins where the one before it ends.
	Blocks int64 `json:"blocks"`
	Index  span  `json:"index"`

	ends []int64 // where each block's frame ends, read from the index
}

// span is a part of the file.
type span struct {
	At     int64 `json:"at"`
	Length int64 `json:"length"`
}

// block is where a block's frame is.
func (t *table) block(number uint32) span {
	at := t.Blocks
	if number > 0 {
		at = t.ends[number-1]
	}
	return span{at, t.ends[number] - at}
}

// readIndex fills in the ends of the blocks.
func (t *table) readIndex(index string) error {
	if t.Bits < 0 || t.Bits > maxBits {
		return errEncoding
	}
	t.ends = make([]int64, 1<<t.Bits)
	r, end := reader{rest: index}, t.Blocks
	for i := range t.ends {
		end += int64(r.uint() & math.MaxInt32)
		t.ends[i] = end
	}
	if r.err == nil && r.rest != "" {
		r.fail()
	}
	return r.err
}

const maxBits = 20

// blockBits is the number of bits that spreads a table of so many bytes over blocks of blockBytes.
func blockBits(size int64) int {
	return min(bits.Len64(uint64(size/blockBytes)), maxBits)
}

func blockNumber(hash uint64, bits int) uint32 { return uint32(hash >> (64 - bits)) }

func blockHead(table string, number uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(table), number)
}

// appendEntry adds a key and its value to a block.
func appendEntry(block []byte, key string, value []byte) []byte {
	block = binary.AppendUvarint(block, uint64(len(key)))
	block = append(block, key...)
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
