package detect

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"

	"tidewaiter/layer"
)

// passingArchive searches an archive that is too long to be held, as it passes.
type passingArchive struct {
	*archiveEye
	passing *layer.Passing
}

func newPassingArchive(e *archiveEye) *passingArchive {
	p := &passingArchive{archiveEye: e}
	p.passing = layer.NewPassing(func(r io.Reader) { p.read(bufio.NewReader(r)) })
	return p
}

// Write implements [layer.Eye].
func (p *passingArchive) Write(b []byte) (int, error) { return p.passing.Write(b) }

// Close implements [layer.Eye].
func (p *passingArchive) Close() layer.Answer {
	p.passing.End()
	return p.answer()
}

// read reads the archive from its first byte.
func (p *passingArchive) read(r *bufio.Reader) {
	head, _ := r.Peek(2)
	switch {
	case bytes.Equal(head, []byte("PK")):
		if !p.zipped(r) && p.partly == "" {
			p.partly = "how long its members are is not said where they begin"
		}
	case bytes.Equal(head, []byte{0x1F, 0x8B}):
		p.gzip(r)
	default:
		p.tar(r)
	}
}

// localHeader is the length, in bytes, of what stands before the name of a member (APPNOTE.TXT 6.3.10, section 4.3.7).
const localHeader = 30

// zipped reads the members of a zip one after the other, by the headers that stand before them. It is false where they cannot be followed.
func (p *passingArchive) zipped(r *bufio.Reader) bool {
	var h [localHeader]byte
	for passed := int64(0); passed < maxPassed; {
		if head, err := r.Peek(4); err != nil || !bytes.Equal(head, []byte("PK\x03\x04")) {
			return listed(head)
		}
		_, _ = io.ReadFull(r, h[:])
		flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
		size := int64(binary.LittleEndian.Uint32(h[18:]))
		name := make([]byte, binary.LittleEndian.Uint16(h[26:]))
		extra := make([]byte, binary.LittleEndian.Uint16(h[28:]))
		_, _ = io.ReadFull(r, name)
		if _, err := io.ReadFull(r, extra); err != nil {
			return false
		}
		if size == 0xFFFFFFFF {
			size = longSize(extra)
		}
		described := flags&8 != 0 && size == 0 && !bytes.HasSuffix(name, []byte("/"))
		if described && method != zip.Deflate {
			return false
		}
		n, ok := p.packed(r, string(name), method, flags&1 != 0, size, described)
		if passed += n; !ok {
			return false
		}
		if next, _ := r.Peek(4); flags&8 != 0 && bytes.Equal(next, []byte("PK\x07\x08")) && !descriptor(r) {
			return false
		}
	}
	return false
}

// listed says whether what follows is the list of all members, or the end of an archive without any.
func listed(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x01\x02")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) || bytes.HasPrefix(head, []byte("PK\x06\x08"))
}

// longSize reads the compressed size from the extra fields of a member of ZIP64; zero where they have none.
func longSize(extra []byte) int64 {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			return 0
		}
		if id == 1 && n >= 16 {
			return max(0, int64(binary.LittleEndian.Uint64(extra[8:])))
		}
		extra = extra[n:]
	}
	return 0
}

// packed reads one member, and passes over what follows it. It gives how many bytes of it were read.
func (p *passingArchive) packed(r *bufio.Reader, name string, method uint16, encrypted bool, size int64, described bool) (int64, bool) {
	wanted := p.wanted(name, described || size > 0) && !encrypted
	if described {
		z := flate.NewReader(r)
		if wanted {
			p.member(name, z)
		}
		n, err := io.Copy(io.Discard, io.LimitReader(z, maxPassed))
		return n, err == nil && n < maxPassed && descriptor(r)
	}
	body := &io.LimitedReader{R: r, N: size}
	switch {
	case wanted && method == zip.Store:
		p.member(name, body)
	case wanted && method == zip.Deflate:
		p.member(name, flate.NewReader(bufio.NewReader(body)))
	}
	_, err := io.Copy(io.Discard, body)
	return size, err == nil && body.N == 0
}

// descriptor passes over the sizes that follow a member: four bytes long or eight, with a signature or without.
func descriptor(r *bufio.Reader) bool {
	next, _ := r.Peek(24 + 4)
	for _, n := range []int{16, 24, 12, 20} {
		if len(next) >= n+4 && string(next[n:n+2]) == "PK" {
			_, err := r.Discard(n)
			return err == nil
		}
	}
	return false
}
