package inflate

import "math/bits"

// An entry of a table says all that there is to know of one symbol:
//
//	bits  0-5   how many bits it takes, its extra bits included
//	bits  8-11  how many of them are its code
//	bits 12-26  the literal, or the length or distance to which the extra bits are added
//	bits 29-31  what it is
//
// A link stands for all codes that begin with the same tableBits: its value is where the table of their
// next bits starts, its code bits are how many those are.
type entry = uint32

const (
	codeShift  = 8
	valueShift = 12
	valueMask  = 1<<15 - 1

	literal    entry = 1 << 31
	unusual    entry = 1 << 30 // neither a literal nor a length nor a distance
	link       entry = unusual | 1<<29
	endOfBlock entry = unusual | 1<<valueShift
	invalid    entry = unusual // a code that no symbol has, or a symbol that may not be used
)

// How many bits of a code the first table of each kind is indexed with, and how many entries its second tables can need beside:
// all of them have as many as the longest code asks for, and each holds at least two symbols.
const (
	maxCode = 15

	litBits  = 11
	litSize  = 1<<litBits + litSymbols/2<<(maxCode-litBits)
	distBits = 9
	distSize = 1<<distBits + distSymbols/2<<(maxCode-distBits)
	metaBits = 7 // as long as the codes of code lengths can be
	metaSize = 1 << metaBits
)

const (
	litSymbols  = 288 // of which the last two may not be used
	distSymbols = 32  // likewise
	metaSymbols = 19
)

// tables decode the symbols of one block.
type tables struct {
	lit  [litSize]entry
	dist [distSize]entry
}

// alphabets are the entries of all symbols, but for their codes (RFC 1951, section 3.2.5).
type alphabets struct {
	lit  [litSymbols]entry
	dist [distSymbols]entry
	meta [metaSymbols]entry
}

func newAlphabets() *alphabets {
	const minLength, maxLength = 3, 258
	a := &alphabets{}
	for i := range 256 {
		a.lit[i] = literal | entry(i)<<valueShift
	}
	a.lit[256] = endOfBlock
	length := entry(minLength)
	for i := 257; i < 285; i++ {
		extra := entry(max(0, (i-261)/4))
		a.lit[i] = length<<valueShift | extra
		length += 1 << extra
	}
	a.lit[285] = maxLength << valueShift
	a.lit[286], a.lit[287] = invalid, invalid
	distance := entry(1)
	for i := range 30 {
		extra := entry(max(0, (i-2)/2))
		a.dist[i] = distance<<valueShift | extra
		distance += 1 << extra
	}
	a.dist[30], a.dist[31] = invalid, invalid
	for i := range metaSymbols {
		a.meta[i] = entry(i) << valueShift
	}
	return a
}

// fixed makes the tables for blocks that bring no codes of their own (RFC 1951, section 3.2.6).
func (t *tables) fixed(a *alphabets) {
	var lengths [litSymbols]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(t.lit[:], litBits, lengths[:], a.lit[:])
	for i := range distSymbols {
		lengths[i] = 5
	}
	build(t.dist[:], distBits, lengths[:distSymbols], a.dist[:])
}

// build makes the table of a canonical Huffman code (RFC 1951, section 3.2.2) of the given code lengths; false if there is
// no such code. As in zlib and in Go's own library, a code must be complete, except that it may be empty or
// have one symbol of one bit.
func build(table []entry, tableBits uint, lengths []uint8, symbols []entry) bool {
	var count [maxCode + 1]uint16
	for _, n := range lengths {
		count[n&maxCode]++
	}
	count[0] = 0
	longest := uint(0)
	used, first := 0, [maxCode + 2]uint16{} // of each length's symbols, in sorted
	for n := uint(1); n <= maxCode; n++ {
		first[n+1] = first[n] + count[n]
		used = used<<1 + int(count[n])
		if used > 1<<n {
			return false
		}
		if count[n] > 0 {
			longest = n
		}
	}
	if used != 1<<maxCode && longest > 0 && (longest != 1 || count[1] != 1) {
		return false
	}
	var sorted [litSymbols]uint16
	next := first
	for i, n := range lengths {
		if n != 0 {
			sorted[next[n&maxCode]] = uint16(i)
			next[n&maxCode]++
		}
	}

	// Codes come with their first bit lowest. A table for one bit more is the table so far twice over, into
	// which the codes of that length are put.
	code := uint(0)
	table[0] = invalid
	for n := uint(1); n <= tableBits; n++ {
		copy(table[1<<(n-1):1<<n], table[:1<<(n-1)])
		code <<= 1
		for _, s := range sorted[first[n]:first[n+1]] {
			table[reverse(code, n)] = coded(symbols[s], n)
			code++
		}
	}
	if longest > tableBits {
		buildLinked(table, tableBits, longest, code, sorted[:], first[:], symbols)
	}
	return true
}

// buildLinked adds the codes that are longer than the first table's index, the first of which starts with code.
func buildLinked(table []entry, tableBits, longest, code uint, sorted, first []uint16, symbols []entry) {
	more := longest - tableBits
	at := uint(1) << tableBits
	for prefix := code; prefix < 1<<tableBits; prefix++ {
		table[reverse(prefix, tableBits)] = link | entry(more)<<codeShift | entry(at)<<valueShift
		at += 1 << more
	}
	for n := tableBits + 1; n <= longest; n++ {
		code <<= 1
		for _, s := range sorted[first[n]:first[n+1]] {
			bits := reverse(code, n)
			from := uint(table[bits&(1<<tableBits-1)]>>valueShift) & valueMask
			for i := bits >> tableBits; i < 1<<more; i += 1 << (n - tableBits) {
				table[from+i] = coded(symbols[s], n)
			}
			code++
		}
	}
}

// coded is the entry of a symbol whose code has n bits.
func coded(symbol entry, n uint) entry { return symbol + entry(n)<<codeShift + entry(n) }

func reverse(code, n uint) uint { return uint(bits.Reverse16(uint16(code))) >> (16 - n) }
