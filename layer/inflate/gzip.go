package inflate

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Reader reads a gzip file: all its members, one after the other. What follows the last of them and is no member is left
// unread, as gzip itself does. It reads ahead of what it needs of its source, but never asks the source for more before
// it has used up what it got.
type Reader struct {
	d      decoder
	crc    uint32
	size   uint32
	member bool // within a member, behind its header
	any    bool // there was a member before
	err    error

	small []byte // for reads that are not direct
	rest  []byte // of small
}

// NewReader gives a Reader of the gzip file r. Like an error within, one in the first header comes with the first read.
func NewReader(r io.Reader) *Reader {
	z := &Reader{}
	z.Reset(r)
	return z
}

// Reset makes z read another file, with the memory that it has.
func (z *Reader) Reset(r io.Reader) {
	z.d.reset(r)
	z.member, z.any, z.err, z.rest = false, false, nil, nil
}

// Consumed is how many bytes of the source were needed for what was read so far. It depends on the bytes and on
// the sizes of the reads alone, and not on how the source hands them out.
func (z *Reader) Consumed() int64 { return z.d.consumed() }

// Read reads decompressed bytes. Its errors are those of the source, [io.ErrUnexpectedEOF], [ErrCorrupt],
// [ErrHeader] and [ErrChecksum]; what was read before the end of the file was reached is not yet verified.
func (z *Reader) Read(p []byte) (int, error) {
	if len(z.rest) == 0 && len(p) >= Direct {
		return z.decode(p)
	}
	if len(z.rest) == 0 && len(p) > 0 {
		if z.small == nil {
			z.small = make([]byte, Direct)
		}
		n, err := z.decode(z.small)
		if n == 0 {
			return 0, err
		}
		z.rest = z.small[:n]
	}
	n := copy(p, z.rest)
	z.rest = z.rest[n:]
	return n, nil
}

// decode reads decompressed bytes into p, at least one unless there is an error.
func (z *Reader) decode(p []byte) (n int, err error) {
	for n == 0 && z.err == nil {
		if !z.member {
			z.err = z.start()
			continue
		}
		n, err = z.d.read(p)
		z.crc = crc32.Update(z.crc, crc32.IEEETable, p[:n])
		z.size += uint32(n)
		if errors.Is(err, io.EOF) {
			z.member = false
			err = z.trailer()
		}
		z.err = err
	}
	if n > 0 {
		return n, nil
	}
	return 0, z.err
}

// The flags of a header (RFC 1952, section 2.3.1). The first is only a hint.
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// longestName is how long a name or a comment may be, with the zero byte behind it: as in Go's own library.
const longestName = 512

// start reads the header of the next member, or gives io.EOF if there is none.
func (z *Reader) start() error {
	if z.any {
		magic, err := z.peek(2)
		if err != nil {
			return err
		}
		if magic[0] != 0x1f || magic[1] != 0x8b {
			return io.EOF
		}
	}
	if err := z.header(); err != nil {
		return early(err)
	}
	z.member, z.any = true, true
	z.crc, z.size = 0, 0
	z.d.restart()
	return nil
}

// header reads the header of a member (RFC 1952, section 2.3).
func (z *Reader) header() error {
	z.crc = 0
	b, err := z.take(10)
	if err != nil {
		return err
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return ErrHeader
	}
	flags := b[3]
	if flags&flagExtra != 0 {
		if b, err = z.take(2); err != nil {
			return err
		}
		if _, err := z.take(int(binary.LittleEndian.Uint16(b))); err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag != 0 {
			if err := z.skipString(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		want := uint16(z.crc)
		if b, err = z.take(2); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(b) != want {
			return ErrHeader
		}
	}
	return nil
}

// skipString reads a name or a comment, which nobody wants.
func (z *Reader) skipString() error {
	for n := 1; ; n++ {
		b, err := z.peek(n)
		switch {
		case err != nil:
			return err
		case b[n-1] == 0:
			_, err = z.take(n)
			return err
		case n == longestName:
			return ErrHeader
		}
	}
}

// trailer reads what follows a member's compressed data (RFC 1952, section 2.3), and checks it.
func (z *Reader) trailer() error {
	crc, size := z.crc, z.size
	b, err := z.take(8)
	if err != nil {
		return early(err)
	}
	if binary.LittleEndian.Uint32(b) != crc || binary.LittleEndian.Uint32(b[4:]) != size {
		return ErrChecksum
	}
	return nil
}

// peek gives the next n bytes of the input, or as many as there are and an error.
func (z *Reader) peek(n int) ([]byte, error) {
	d := &z.d
	for d.end-d.pos < n {
		if err := d.more(); err != nil {
			return d.in[d.pos:d.end], err
		}
	}
	return d.in[d.pos : d.pos+n], nil
}

// take gives the next n bytes of the input and uses them up, in z.crc too.
func (z *Reader) take(n int) ([]byte, error) {
	b, err := z.peek(n)
	if err != nil {
		return nil, err
	}
	z.d.pos += n
	z.crc = crc32.Update(z.crc, crc32.IEEETable, b)
	return b, nil
}
