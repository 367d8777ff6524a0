package inflate

import "encoding/binary"

// What one turn of the loop in [decoder.fast] may use up: input for the refills of d.bits, and room for two
// literals and the longest match, which may write up to 15 bytes beyond its end.
const (
	fastInput = 24
	fastRoom  = 258 + 32

	maxDistance = 15 + 13 // bits of a distance
)

// fast decodes symbols while there is input and room enough for any. It is one long function so that what it works
// with stays in registers.
//
// A refill loads 8 bytes over what bits has, of which it counts as many as fit: that leaves 56 to 63 of them. The
// next entry of lit is looked up before a match is copied and before the refill, since the processor can do these
// side by side; the litBits that this takes are always there.
func (d *decoder) fast(out []byte, n int) (int, error) {
	in := d.in
	pos, bits, count := uint(d.pos), d.bits, d.count
	lit, dist := &d.current.lit, &d.current.dist
	var err error
	lastIn, lastOut := d.end-fastInput, len(out)-fastRoom
	if d.pos > lastIn || n > lastOut {
		return n, nil
	}
	bits |= binary.LittleEndian.Uint64(in[pos&inputMask:]) << (count & 63)
	pos += (63 - count) >> 3
	count |= 56
	e := lit[bits&(1<<litBits-1)]
loop:
	for pos <= uint(lastIn) && n <= lastOut {
		bits |= binary.LittleEndian.Uint64(in[pos&inputMask:]) << (count & 63)
		pos += (63 - count) >> 3
		count |= 56

		// Of literals in the first table, three fit in one refill with the next look-up.
		if e&literal != 0 {
			bits >>= e & 63
			count -= uint(e & 63)
			o := (*[4]byte)(out[n:])
			o[0] = byte(e >> valueShift)
			n++
			e = lit[bits&(1<<litBits-1)]
			if e&literal != 0 {
				bits >>= e & 63
				count -= uint(e & 63)
				o[1] = byte(e >> valueShift)
				n++
				e = lit[bits&(1<<litBits-1)]
				if e&literal != 0 {
					bits >>= e & 63
					count -= uint(e & 63)
					o[2] = byte(e >> valueShift)
					n++
					e = lit[bits&(1<<litBits-1)]
					continue
				}
			}
		}
		if e&unusual != 0 {
			if e&link == link {
				e = lit[uint64(e>>valueShift&valueMask)+bits>>litBits&(1<<(e>>codeShift&15)-1)]
				if e&literal != 0 {
					bits >>= e & 63
					count -= uint(e & 63)
					out[n] = byte(e >> valueShift)
					n++
					e = lit[bits&(1<<litBits-1)]
					continue
				}
			}
			if e&unusual != 0 {
				bits >>= e & 63
				count -= uint(e & 63)
				if e&endOfBlock != endOfBlock {
					err = ErrCorrupt
				}
				d.step = atBlock
				break loop
			}
		}
		length := int(e>>valueShift&511) + int(bits&(1<<(e&63)-1)>>(e>>codeShift&15))
		bits >>= e & 63
		count -= uint(e & 63)

		if count < maxDistance+litBits {
			bits |= binary.LittleEndian.Uint64(in[pos&inputMask:]) << (count & 63)
			pos += (63 - count) >> 3
			count |= 56
		}

		e = dist[bits&(1<<distBits-1)]
		if e&unusual != 0 {
			if e&link == link {
				e = dist[uint64(e>>valueShift&valueMask)+bits>>distBits&(1<<(e>>codeShift&15)-1)]
			}
			if e&unusual != 0 {
				err = ErrCorrupt
				break loop
			}
		}
		back := int(e>>valueShift&valueMask) + int(bits&(1<<(e&63)-1)>>(e>>codeShift&15))
		bits >>= e & 63
		count -= uint(e & 63)
		e = lit[bits&(1<<litBits-1)]

		from := n - back
		if from < 0 { // in what was read before out
			if -from > d.filled {
				err = ErrCorrupt
				break loop
			}
			d.length, d.dist = length, back
			n += d.repeat(out, n)
			continue
		}
		end := n + length
		switch {
		case back >= 16:
			*(*[16]byte)(out[n : n+16]) = *(*[16]byte)(out[from : from+16])
			for n += 16; n < end; n += 16 {
				from += 16
				*(*[16]byte)(out[n : n+16]) = *(*[16]byte)(out[from : from+16])
			}
		case back >= 8:
			for ; n < end; n += 8 {
				*(*[8]byte)(out[n : n+8]) = *(*[8]byte)(out[from : from+8])
				from += 8
			}
		case back == 1:
			run := uint64(out[from]) * 0x0101010101010101
			for ; n < end; n += 8 {
				binary.LittleEndian.PutUint64(out[n:], run)
			}
		default:
			// Of each 8 bytes the first few are right.
			for ; n < end; n += back {
				*(*[8]byte)(out[n : n+8]) = *(*[8]byte)(out[from : from+8])
				from += back
			}
		}
		n = end
	}
	d.pos, d.bits, d.count = int(pos), bits, count
	return n, err
}
