// Package inflate decompresses gzip files (RFC 1952) and the DEFLATE streams within (RFC 1951), about twice
// as fast as the libraries there are for it: most of what reading an image costs is inflating its layers.
//
// In comes a stream of bytes, out come the bytes that were compressed, right where the caller wants them: a read of
// at least [Direct] bytes is decoded in place. What the standard library accepts is accepted, and else only a file with
// something after its last member, as gzip itself does.
// Nothing is allocated once a [Reader] was used before.
//
// How it is quick: a buffer of 64 bits is filled by one load of 8 bytes and without a branch; one look at a
// table tells all of a symbol; copies go 16 bytes at a time and may write beyond their end, where there is room.
// All of that is in fast.go, and stops short of the ends of input and output. What remains there is decoded with
// care by this file, one symbol at a time.
//
// It must never read outside its buffers (there is no unsafe), and never loop without using up input or room.
package inflate

import (
	"errors"
	"io"
)

// The errors for streams that are not what they should be. One that ends too early is [io.ErrUnexpectedEOF].
var (
	ErrCorrupt  = errors.New("the compressed data is corrupt")
	ErrHeader   = errors.New("the gzip header is not valid")
	ErrChecksum = errors.New("the content does not match its checksum")
)

const (
	inputSize  = 64 << 10
	inputMask  = inputSize - 1
	keptInput  = 8        // bytes that d.bits may have been filled with, and that align gives back
	windowSize = 32 << 10 // how far back a match may reach

	// Direct is the least length of a buffer that is decoded into in place.
	Direct = 64 << 10
)

// step is where a decoder stands.
type step uint8

const (
	atBlock step = iota // before a block's header
	inStored
	inBlock
	atEnd
)

// decoder decodes one DEFLATE stream after the other.
type decoder struct {
	r       io.Reader
	readErr error // of r, to be met when in is used up
	in      *[inputSize + keptInput]byte
	pos     int // in[pos:end] is unread
	end     int
	before  int64 // bytes that r gave before those in in

	// bits has count bits that were read and not yet used, the next one lowest. Above them may be some
	// of in[pos], which are read again later.
	bits  uint64
	count uint

	step   step
	final  bool // this block is the last
	stored int  // bytes that are left of a stored block
	length int  // what is left of a match for which there was no room
	dist   int

	history [windowSize]byte // what was decoded last, at the end
	filled  int              // how much of it is valid

	current   *tables // of this block: &own or &preset
	own       tables
	preset    tables // fixed codes
	alphabets *alphabets
	meta      [metaSize]entry
}

// reset makes d decode from r.
func (d *decoder) reset(r io.Reader) {
	if d.in == nil {
		d.in = new([inputSize + keptInput]byte)
		d.alphabets = newAlphabets()
		d.preset.fixed(d.alphabets)
	}
	d.r, d.readErr = r, nil
	d.pos, d.end, d.before = 0, 0, 0
	d.restart()
}

// restart makes d decode the next stream of its input.
func (d *decoder) restart() {
	d.bits, d.count = 0, 0
	d.step, d.final = atBlock, false
	d.stored, d.length, d.filled = 0, 0, 0
}

// consumed is how many bytes of input were used.
func (d *decoder) consumed() int64 { return d.before + int64(d.pos) - int64(d.count/8) }

// more reads some more input, and gives an error if there is none.
func (d *decoder) more() error {
	if d.readErr != nil {
		return d.readErr
	}
	keep := min(d.pos, keptInput)
	d.before += int64(d.pos - keep)
	d.end = copy(d.in[:], d.in[d.pos-keep:d.end])
	d.pos = keep
	for range 100 {
		n, err := d.r.Read(d.in[d.end:])
		d.end += n
		d.readErr = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	d.readErr = io.ErrNoProgress
	return d.readErr
}

// need reads on until d.bits has at least n bits, of 32 at most.
func (d *decoder) need(n uint) error {
	for d.count < n {
		if d.pos == d.end {
			if err := d.more(); err != nil {
				return early(err)
			}
		}
		d.bits |= uint64(d.in[d.pos]) << d.count
		d.pos++
		d.count += 8
	}
	return nil
}

// take uses up n bits, which must be there.
func (d *decoder) take(n uint) uint {
	v := uint(d.bits & (1<<n - 1))
	d.bits >>= n
	d.count -= n
	return v
}

// align goes on at the next byte of the input, and has it read from there.
func (d *decoder) align() {
	d.pos -= int(d.count / 8)
	d.bits, d.count = 0, 0
}

// early makes the end of the input the error that it is within a stream.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// read fills out, unless the stream ends or fails. At the end its error is io.EOF, and the input stands behind the stream.
func (d *decoder) read(out []byte) (n int, err error) {
	for err == nil && n < len(out) {
		switch {
		case d.length > 0:
			n += d.repeat(out, n)
		case d.step == atBlock:
			err = d.header()
		case d.step == inStored:
			var k int
			k, err = d.copyStored(out[n:])
			n += k
		case d.step == inBlock:
			if n, err = d.fast(out, n); err == nil && d.step == inBlock && n < len(out) {
				n, err = d.symbol(out, n)
			}
		default:
			d.align()
			return n, io.EOF
		}
	}
	d.remember(out[:n])
	return n, err
}

// remember keeps the last of what was decoded for the matches of the next read.
func (d *decoder) remember(out []byte) {
	if len(out) < windowSize {
		copy(d.history[:], d.history[len(out):])
	} else {
		out = out[len(out)-windowSize:]
	}
	copy(d.history[windowSize-len(out):], out)
	d.filled = min(windowSize, d.filled+len(out))
}

// header reads the header of a block (RFC 1951, section 3.2.3).
func (d *decoder) header() error {
	if d.final {
		d.step = atEnd
		return nil
	}
	if err := d.need(3); err != nil {
		return err
	}
	d.final = d.take(1) == 1
	switch d.take(2) {
	case 0:
		return d.storedHeader()
	case 1:
		d.current = &d.preset
	case 2:
		if err := d.codes(); err != nil {
			return err
		}
		d.current = &d.own
	default:
		return ErrCorrupt
	}
	d.step = inBlock
	return nil
}

func (d *decoder) storedHeader() error {
	d.align()
	if err := d.need(32); err != nil {
		return err
	}
	n := d.take(16)
	if d.take(16) != ^n&0xffff {
		return ErrCorrupt
	}
	d.stored, d.step = int(n), inStored
	return nil
}

// copyStored copies what there is of a stored block. It begins with no bit in d.bits.
func (d *decoder) copyStored(out []byte) (int, error) {
	if d.stored == 0 {
		d.step = atBlock
		return 0, nil
	}
	if d.pos == d.end {
		if err := d.more(); err != nil {
			return 0, early(err)
		}
	}
	n := copy(out[:min(len(out), d.stored)], d.in[d.pos:d.end])
	d.pos += n
	d.stored -= n
	return n, nil
}

// metaOrder is in which order the lengths of the codes of code lengths come (RFC 1951, section 3.2.7).
var metaOrder = [metaSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codes reads the codes of a block (RFC 1951, section 3.2.7).
func (d *decoder) codes() error {
	if err := d.need(14); err != nil {
		return err
	}
	lits, dists, metas := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if lits > litSymbols-2 || dists > distSymbols-2 {
		return ErrCorrupt
	}
	var meta [metaSymbols]uint8
	for _, i := range metaOrder[:metas] {
		if err := d.need(3); err != nil {
			return err
		}
		meta[i] = uint8(d.take(3))
	}
	if !build(d.meta[:], metaBits, meta[:], d.alphabets.meta[:]) {
		return ErrCorrupt
	}
	var lengths [litSymbols + distSymbols]uint8
	if err := d.codeLengths(lengths[:lits+dists]); err != nil {
		return err
	}
	if !build(d.own.lit[:], litBits, lengths[:lits], d.alphabets.lit[:]) ||
		!build(d.own.dist[:], distBits, lengths[lits:lits+dists], d.alphabets.dist[:]) {
		return ErrCorrupt
	}
	return nil
}

// codeLengths reads code lengths, which are coded themselves.
func (d *decoder) codeLengths(lengths []uint8) error {
	for i := 0; i < len(lengths); {
		e, err := d.next(d.meta[:], metaBits)
		if err != nil {
			return err
		}
		symbol := e >> valueShift & valueMask
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}
		var value uint8
		least, bits := 3, uint(2)
		switch symbol {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			value = lengths[i-1]
		case 17:
			bits = 3
		case 18:
			least, bits = 11, 7
		}
		if err := d.need(bits); err != nil {
			return err
		}
		n := least + int(d.take(bits))
		if n > len(lengths)-i {
			return ErrCorrupt
		}
		for range n {
			lengths[i] = value
			i++
		}
	}
	return nil
}

// next looks up the next symbol, uses up its code and makes sure that its extra bits are there. The end of the input is only
// asked for when the symbol cannot be told without.
func (d *decoder) next(table []entry, tableBits uint) (entry, error) {
	for {
		e := table[d.bits&(1<<tableBits-1)]
		if e&link == link {
			e = table[uint64(e>>valueShift&valueMask)+d.bits>>tableBits&(1<<(e>>codeShift&15)-1)]
		}
		if total := uint(e & 63); total > d.count {
			if err := d.need(d.count + 1); err != nil {
				return 0, err
			}
			continue
		}
		if e&^(63|15<<codeShift) == invalid {
			return 0, ErrCorrupt
		}
		d.take(uint(e >> codeShift & 15))
		return e, nil
	}
}

// symbol decodes one symbol of a block, however little input and room there is.
func (d *decoder) symbol(out []byte, n int) (int, error) {
	e, err := d.next(d.current.lit[:], litBits)
	switch {
	case err != nil:
		return n, err
	case e&literal != 0:
		out[n] = byte(e >> valueShift)
		return n + 1, nil
	case e&unusual != 0:
		d.step = atBlock
		return n, nil
	}
	length := d.value(e)
	if e, err = d.next(d.current.dist[:], distBits); err != nil {
		return n, err
	}
	dist := d.value(e)
	if dist > n+d.filled {
		return n, ErrCorrupt
	}
	d.length, d.dist = length, dist
	return n, nil
}

// value adds the extra bits of a length or a distance.
func (d *decoder) value(e entry) int {
	return int(e>>valueShift&valueMask) + int(d.take(uint(e&63-e>>codeShift&15)))
}

// repeat copies what there is room for of a match, of which d.length and d.dist tell.
func (d *decoder) repeat(out []byte, n int) int {
	start := n
	for d.length > 0 && n < len(out) {
		var from []byte
		if back := d.dist - n; back > 0 {
			from = d.history[windowSize-back:]
		} else {
			from = out[n-d.dist : n]
		}
		k := copy(out[n:], from[:min(len(from), d.length)])
		n += k
		d.length -= k
	}
	return n - start
}
