package lang

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// The standard library's ELF reader is not hardened against hostile files and reads more than is needed. The
// one here reads the headers and single parts by offset. The format:
// https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html.

const (
	elfMagic = "\x7fELF"

	// The bounds of what headers may claim.
	maxELFPrograms = 256
	maxELFSections = 1 << 16
	maxELFNames    = 1 << 20  // bytes of section names
	maxELFDynamic  = 64 << 10 // bytes of the dynamic table
	maxELFNotes    = 64 << 10 // bytes of one group of notes
	maxELFString   = 4 << 10  // bytes of one string: a list of directories can be long
	maxELFName     = 256
	maxELFNeeded   = 512
)

// elfFile is an ELF file with its program headers.
type elfFile struct {
	r        io.ReaderAt
	size     int64
	order    binary.ByteOrder
	wide     bool // 64-bit
	kind     uint16
	machine  uint16
	programs []elfPart

	sectionsAt   int64
	sectionSize  int
	sectionCount int
	sectionNames int
}

// elfPart is a segment or a section.
type elfPart struct {
	kind            uint32
	name            uint32 // sections only: offset of the name
	off, addr, size int64  // size as in the file
}

// The kinds of parts that are looked at.
const (
	elfLoad    = 1
	elfDynamic = 2
	elfInterp  = 3
	elfNote    = 4
	elfNoBits  = 8 // of sections: no bytes in the file
)

var errELF = errors.New("not a whole ELF file")

// openELF reads the file header and the program headers.
func openELF(r io.ReaderAt, size int64) (*elfFile, error) {
	var h [64]byte
	if n, _ := r.ReadAt(h[:], 0); n < 52 || string(h[:4]) != elfMagic {
		return nil, errELF
	}
	e := &elfFile{r: r, size: size, order: binary.LittleEndian, wide: h[4] == 2}
	if h[5] == 2 {
		e.order = binary.BigEndian
	}
	e.kind, e.machine = e.order.Uint16(h[16:]), e.order.Uint16(h[18:])
	var programs int64
	rest := h[40:]
	if e.wide {
		programs, e.sectionsAt, rest = e.word(h[32:]), e.word(h[40:]), h[52:]
	} else {
		programs, e.sectionsAt = e.word(h[28:]), e.word(h[32:])
	}
	// What follows: header size, then size and count of program and of section headers, names section.
	u16 := func(i int) int { return int(e.order.Uint16(rest[2*i:])) }
	each, count := u16(1), u16(2)
	e.sectionSize, e.sectionCount, e.sectionNames = u16(3), u16(4), u16(5)
	if count > maxELFPrograms || count > 0 && each < e.programSize() {
		return nil, errELF
	}
	table, err := e.bytes(programs, int64(each*count))
	if err != nil {
		return nil, err
	}
	for b := range slices.Chunk(table, max(each, 1)) {
		e.programs = append(e.programs, e.program(b))
	}
	return e, nil
}

// word reads an address, offset or size.
func (e *elfFile) word(b []byte) int64 {
	if e.wide {
		return int64(e.order.Uint64(b))
	}
	return int64(e.order.Uint32(b))
}

func (e *elfFile) programSize() int {
	if e.wide {
		return 56
	}
	return 32
}

func (e *elfFile) program(b []byte) elfPart {
	p := elfPart{kind: e.order.Uint32(b)}
	if e.wide {
		p.off, p.addr, p.size = e.word(b[8:]), e.word(b[16:]), e.word(b[32:])
	} else {
		p.off, p.addr, p.size = e.word(b[4:]), e.word(b[8:]), e.word(b[16:])
	}
	return p
}

// bytes reads a part of the file that must lie in it whole.
func (e *elfFile) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > e.size || n > e.size-off {
		return nil, errELF
	}
	b := make([]byte, n)
	if _, err := e.r.ReadAt(b, off); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// text reads the string that ends in a zero byte at off.
func (e *elfFile) text(off int64) string {
	b, err := e.bytes(off, min(maxELFString, e.size-off))
	end := bytes.IndexByte(b, 0)
	if err != nil || end < 0 {
		return ""
	}
	return string(b[:end])
}

// interp is the program interpreter that a dynamic executable asks for.
func (e *elfFile) interp() string {
	for _, p := range e.programs {
		if p.kind == elfInterp {
			return e.text(p.off)
		}
	}
	return ""
}

// notes gives the build ID and the packaging note.
func (e *elfFile) notes() (buildID string, packaging json.RawMessage) {
	const gnuBuildID, fdoPackaging = 3, 0xcafe1a7e
	for _, p := range e.programs {
		if p.kind != elfNote || p.size > maxELFNotes {
			continue
		}
		b, err := e.bytes(p.off, p.size)
		for err == nil && len(b) >= 12 {
			nameLen, descLen, kind := int64(e.order.Uint32(b)), int64(e.order.Uint32(b[4:])), e.order.Uint32(b[8:])
			desc := 12 + (nameLen+3)&^3
			end := desc + (descLen+3)&^3
			if end > int64(len(b)) {
				end = int64(len(b))
			}
			if desc+descLen > int64(len(b)) {
				break
			}
			name, value := string(bytes.TrimRight(b[12:12+nameLen], "\x00")), b[desc:desc+descLen]
			switch {
			case name == "GNU" && kind == gnuBuildID:
				buildID = hex.EncodeToString(value)
			case name == "FDO" && kind == fdoPackaging:
				if v := bytes.TrimRight(value, "\x00"); json.Valid(v) {
					packaging = v
				}
			}
			b = b[end:]
		}
	}
	return buildID, packaging
}

// fileOffset is where the byte that is loaded at addr stands in the file, or -1.
func (e *elfFile) fileOffset(addr int64) int64 {
	for _, p := range e.programs {
		if p.kind == elfLoad && addr >= p.addr && addr-p.addr < p.size {
			return p.off + addr - p.addr
		}
	}
	return -1
}

func (e *elfFile) hasSections() bool { return e.sectionsAt > 0 && e.sectionSize >= e.headerSize() }

func (e *elfFile) headerSize() int {
	if e.wide {
		return 64
	}
	return 40
}

func (e *elfFile) section(b []byte) elfPart {
	s := elfPart{name: e.order.Uint32(b), kind: e.order.Uint32(b[4:])}
	if e.wide {
		s.off, s.size = e.word(b[24:]), e.word(b[32:])
	} else {
		s.off, s.size = e.word(b[16:]), e.word(b[20:])
	}
	return s
}

// sections gives the sections with the names asked for, those that are there.
func (e *elfFile) sections(names ...string) map[string]*io.SectionReader {
	if !e.hasSections() || e.sectionCount == 0 || e.sectionCount > maxELFSections || e.sectionNames >= e.sectionCount {
		return nil
	}
	table, err := e.bytes(e.sectionsAt, int64(e.sectionSize*e.sectionCount))
	if err != nil {
		return nil
	}
	at := func(i int) elfPart { return e.section(table[i*e.sectionSize:]) }
	strings := at(e.sectionNames)
	text, err := e.bytes(strings.off, min(strings.size, maxELFNames))
	if err != nil {
		return nil
	}
	found := map[string]*io.SectionReader{}
	for i := range e.sectionCount {
		s := at(i)
		if int64(s.name) >= int64(len(text)) || s.kind == elfNoBits || s.off < 0 || s.size < 0 {
			continue
		}
		for _, name := range names {
			if bytes.HasPrefix(text[s.name:], append([]byte(name), 0)) {
				found[name] = io.NewSectionReader(e.r, s.off, s.size)
			}
		}
	}
	return found
}
