package lang

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The standard library's zip reader keeps a structure for each entry that the directory claims, so the
// directory decides how much memory is used. The reader here streams the directory and keeps nothing.
// The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.

// maxZipEntries bounds the directory entries looked at in one file, archives in archives together.
const maxZipEntries = 4 << 20

var (
	errNotZip     = errors.New("not a zip archive: it has no end record (truncated?)")
	errZipEntries = fmt.Errorf("the archive has more than %d entries", maxZipEntries)
	errZipPlace   = errors.New("its place in the archive is damaged")
	errZipMethod  = errors.New("compressed or encrypted in a way that is not read here")
)

// zipEntry is one entry of an archive's directory.
type zipEntry struct {
	name       []byte // valid until the visit returns
	encrypted  bool
	method     uint16
	compressed int64
	size       int64 // as the directory claims
	offset     int64 // of the local header in the archive
	limit      int64 // where the directory starts: all content lies before it
}

const (
	zipLocal      = 0x04034b50
	zipCentral    = 0x02014b50
	zipEnd        = 0x06054b50
	zipEnd64      = 0x06064b50
	zipLocator64  = 0x07064b50
	zipEndLen     = 22
	zipLocatorLen = 20
	zipEnd64Len   = 56
	zipCentralLen = 46
	zipLocalLen   = 30
)

// walkZip calls visit for each entry of the archive's directory, in its order. Each entry takes one from
// left; when nothing is left the walk ends with an error.
func walkZip(ctx context.Context, r io.ReaderAt, size int64, left *int64, visit func(zipEntry) error) error {
	start, end, base, err := zipDirectory(r, size)
	if err != nil {
		return err
	}
	buf := bufio.NewReaderSize(io.NewSectionReader(r, start, end-start), int(min(end-start, 64<<10)))
	fixed, variable := make([]byte, zipCentralLen), make([]byte, 0, 4<<10)
	for {
		if _, err := io.ReadFull(buf, fixed); err == io.EOF {
			return nil
		} else if err != nil || binary.LittleEndian.Uint32(fixed) != zipCentral {
			return errors.New("the archive's directory is damaged")
		}
		if *left--; *left < 0 {
			return errZipEntries
		}
		if *left&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		nameLen, extraLen, commentLen := zip16(fixed[28:]), zip16(fixed[30:]), zip16(fixed[32:])
		n := nameLen + extraLen + commentLen
		variable = slices.Grow(variable[:0], n)[:n]
		if _, err := io.ReadFull(buf, variable); err != nil {
			return errors.New("the archive's directory is cut off")
		}
		e := zipEntry{
			name:       variable[:nameLen],
			encrypted:  fixed[8]&1 != 0,
			method:     binary.LittleEndian.Uint16(fixed[10:]),
			compressed: int64(binary.LittleEndian.Uint32(fixed[20:])),
			size:       int64(binary.LittleEndian.Uint32(fixed[24:])),
			offset:     int64(binary.LittleEndian.Uint32(fixed[42:])),
		}
		e.wide(variable[nameLen : nameLen+extraLen])
		e.offset += base
		e.limit = start
		if err := visit(e); err != nil {
			return err
		}
	}
}

func zip16(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }

// wide takes the 64-bit sizes and offset of an entry from its extra fields, where its own say that they are there.
func (e *zipEntry) wide(extra []byte) {
	const all = 1<<32 - 1
	for len(extra) >= 4 {
		tag, n := zip16(extra), zip16(extra[2:])
		if n > len(extra)-4 {
			return
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if tag != 1 {
			continue
		}
		for _, v := range []*int64{&e.size, &e.compressed, &e.offset} {
			if *v == all && len(field) >= 8 {
				*v = int64(binary.LittleEndian.Uint64(field))
				field = field[8:]
			}
		}
	}
}

// zipDirectory finds the directory: its place in the file, and how many bytes stand before the archive.
func zipDirectory(r io.ReaderAt, size int64) (start, end, base int64, err error) {
	var tail []byte
	tailAt, i := int64(0), -1
	for _, n := range [...]int64{1 << 10, zipEndLen + 1<<16} { // few archives end in a long comment
		tail = make([]byte, min(size, n))
		tailAt = size - int64(len(tail))
		if _, err := r.ReadAt(tail, tailAt); err != nil && err != io.EOF {
			return 0, 0, 0, err
		}
		if i = bytes.LastIndex(tail[:max(0, len(tail)-zipEndLen+4)], []byte("PK\x05\x06")); i >= 0 {
			break
		}
	}
	if i < 0 {
		return 0, 0, 0, errNotZip
	}
	end = tailAt + int64(i)
	length := int64(binary.LittleEndian.Uint32(tail[i+12:]))
	offset := int64(binary.LittleEndian.Uint32(tail[i+16:]))
	if at, l, o, ok := zipDirectory64(r, end); ok {
		end, length, offset = at, l, o
	}
	start = end - length
	if length < 0 || offset < 0 || start < 0 || offset > start {
		return 0, 0, 0, errors.New("the archive's end record is damaged")
	}
	// Bytes before an archive (a start script) shift everything. But where the directory stands just where
	// the record says, what lies between it and the record (a signature block) shifts nothing.
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], offset); err == nil && binary.LittleEndian.Uint32(magic[:]) == zipCentral {
		return offset, offset + length, 0, nil
	}
	return start, end, start - offset, nil
}

// zipDirectory64 reads the 64-bit end record that the locator just before the end record points to.
func zipDirectory64(r io.ReaderAt, end int64) (at, length, offset int64, ok bool) {
	var locator [zipLocatorLen]byte
	if end < zipLocatorLen {
		return 0, 0, 0, false
	}
	if _, err := r.ReadAt(locator[:], end-zipLocatorLen); err != nil || binary.LittleEndian.Uint32(locator[:]) != zipLocator64 {
		return 0, 0, 0, false
	}
	at = int64(binary.LittleEndian.Uint64(locator[8:]))
	var record [zipEnd64Len]byte
	if at < 0 || at > end {
		return 0, 0, 0, false
	}
	if _, err := r.ReadAt(record[:], at); err != nil || binary.LittleEndian.Uint32(record[:]) != zipEnd64 {
		return 0, 0, 0, false
	}
	return at, int64(binary.LittleEndian.Uint64(record[40:])), int64(binary.LittleEndian.Uint64(record[48:])), true
}

// raw gives the entry's bytes as they stand in the archive.
func (e zipEntry) raw(r io.ReaderAt) (*io.SectionReader, error) {
	var local [zipLocalLen]byte
	if e.offset < 0 || e.offset > e.limit {
		return nil, errZipPlace
	}
	if _, err := r.ReadAt(local[:], e.offset); err != nil || binary.LittleEndian.Uint32(local[:]) != zipLocal {
		return nil, errZipPlace
	}
	data := e.offset + zipLocalLen + int64(zip16(local[26:])) + int64(zip16(local[28:]))
	if e.compressed < 0 || e.compressed > e.limit-data {
		return nil, errZipPlace
	}
	return io.NewSectionReader(r, data, e.compressed), nil
}

// open gives the entry's content. It does not check the content's checksum.
func (e zipEntry) open(r io.ReaderAt) (io.Reader, error) {
	raw, err := e.raw(r)
	switch {
	case err != nil:
		return nil, err
	case e.encrypted:
		return nil, errZipMethod
	case e.method == 0:
		return raw, nil
	case e.method == 8:
		return flate.NewReader(raw), nil
	}
	return nil, errZipMethod
}

// head gives the first bytes of the entry's content, at most limit. Of content that is damaged after some
// bytes it gives those.
func (e zipEntry) head(r io.ReaderAt, limit int64) ([]byte, error) {
	content, err := e.open(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(content, limit))
	if len(b) > 0 {
		err = nil
	}
	return b, err
}
