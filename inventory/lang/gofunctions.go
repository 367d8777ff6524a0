package lang

import (
	"bufio"
	"bytes"
	"debug/macho"
	"encoding/binary"
	"errors"
	"io"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// A Go executable has a table of its functions that the runtime needs for stack traces, so that stripping leaves it. The
// names in it are those of all functions that the linker kept and of all that were inlined into them. Its header:
// https://go.dev/src/debug/gosym/pclntab.go.

const (
	// maxFunctionNames bounds the names of one executable in bytes. The largest programs known have some 20 MB.
	maxFunctionNames = 32 << 20
	// maxFunctions bounds the hashes of one executable. Those programs have under a million.
	maxFunctions = 2 << 20
	// maxFunctionName bounds one name in bytes.
	maxFunctionName = 64 << 10
	// searchSize is how much of a file is searched at once for a table that no section header names.
	searchSize = 1 << 20
)

// unnamedMain is the import path of a main package that was built from files given by name, not by its path.
const unnamedMain = "command-line-arguments"

var errNoTable = errors.New("not a table of functions")

// goFunctions gives the functions of a Go executable of which the build information is known, in the form that
// [functionsOf] reads: how many names there are, then the hashes, each as what it adds to the one before; all are
// unsigned varints. It gives nil where the table cannot be read whole (a packed executable, a Go before 1.16, a name table
// that was obfuscated): nothing can then be said.
func goFunctions(r io.ReaderAt, size int64, info string) []byte {
	if info == "" {
		return nil
	}
	mainPath := ""
	if build, err := debug.ParseBuildInfo(info); err == nil {
		mainPath = build.Path
	}
	var names []uint32
	count := 0
	if guarded(func() (err error) {
		names, count, err = findFunctions(r, size, mainPath)
		return err
	}) != nil {
		return nil
	}
	b := binary.AppendUvarint(nil, uint64(count))
	last := uint32(0)
	for _, hash := range names {
		b = binary.AppendUvarint(b, uint64(hash-last))
		last = hash
	}
	return b
}

// functionsOf reads what [goFunctions] wrote; nil where it found nothing.
func functionsOf(info *debug.BuildInfo, encoded []byte) *inventory.Functions {
	count, n := binary.Uvarint(encoded)
	if n <= 0 {
		return nil
	}
	setting := func(key string) string {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
		return ""
	}
	return inventory.NewFunctions(setting("GOOS"), setting("GOARCH"), int(count), func() []uint32 {
		hashes := make([]uint32, 0, len(encoded)/2) // a few bytes each
		hash := uint32(0)
		for b := encoded[n:]; len(b) > 0; {
			delta, n := binary.Uvarint(b)
			if n <= 0 {
				break
			}
			hash += uint32(delta)
			hashes = append(hashes, hash)
			b = b[n:]
		}
		return hashes
	})
}

// findFunctions reads the table of functions where the section headers say it is, or searches the file for it. An executable
// may hold another one as data: of two tables that are found nobody can say whose is whose.
func findFunctions(r io.ReaderAt, size int64, mainPath string) (hashes []uint32, count int, err error) {
	if section := functionSection(r, size); section != nil {
		return readFunctions(section, section.Size(), mainPath)
	}
	buf := make([]byte, searchSize)
	found := int64(-1) // where the table starts
	for at := int64(0); at < size; at += searchSize - headerSize {
		n, err := r.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, 0, err
		}
		for i := nextHeader(buf[:n], 0); i >= 0; i = nextHeader(buf[:n], i+1) {
			start := at + int64(i)
			list, n, err := readFunctions(io.NewSectionReader(r, start, size-start), size-start, mainPath)
			switch {
			case err != nil || start == found: // what two parts of the search share
			case found >= 0:
				return nil, 0, errNoTable
			default:
				hashes, count, found = list, n, start
			}
		}
	}
	if found < 0 {
		return nil, 0, errNoTable
	}
	return hashes, count, nil
}

// functionSection gives the section that holds the table; nil where none is named.
func functionSection(r io.ReaderAt, size int64) *io.SectionReader {
	if e, err := openELF(r, size); err == nil {
		const fixed, relocated = ".gopclntab", ".data.rel.ro.gopclntab"
		sections := e.sections(fixed, relocated)
		if s := sections[fixed]; s != nil {
			return s
		}
		return sections[relocated]
	}
	if m, err := macho.NewFile(r); err == nil {
		if s := m.Section("__gopclntab"); s != nil {
			return io.NewSectionReader(r, int64(s.Offset), int64(s.Size))
		}
	}
	return nil
}

// headerSize is that of the longest header of a table.
const headerSize = 8 + 8*8

// nextHeader finds what looks like the start of a table, from a place on; -1 where nothing does.
func nextHeader(b []byte, from int) int {
	for at := from; at < len(b); {
		// The magic's last three bytes and two zeros, little-endian: all that can be searched was built for such machines.
		i := bytes.Index(b[at:], []byte("\xff\xff\xff\x00\x00"))
		if i < 0 {
			return -1
		}
		if start := at + i - 1; start >= from {
			if _, err := tableHeader(b[start:]); err == nil {
				return start
			}
		}
		at += i + 1
	}
	return -1
}

// nameTable is where in a table of functions their names are.
type nameTable struct{ start, end int64 }

// tableHeader reads the header of a table of functions as the linkers of Go 1.16, 1.18 and 1.20 write it.
func tableHeader(b []byte) (nameTable, error) {
	if len(b) < headerSize {
		return nameTable{}, errNoTable
	}
	const go116, go118, go120 = 0xfffffffa, 0xfffffff0, 0xfffffff1
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 0xff {
		order = binary.BigEndian
	}
	names := 3 // the number of the word that has the names' offset
	switch order.Uint32(b) {
	case go116:
		names = 2
	case go118, go120:
	default:
		return nameTable{}, errNoTable
	}
	quantum, width := b[6], int(b[7])
	if b[4] != 0 || b[5] != 0 || quantum != 1 && quantum != 2 && quantum != 4 || width != 4 && width != 8 {
		return nameTable{}, errNoTable
	}
	word := func(i int) int64 {
		if width == 4 {
			return int64(order.Uint32(b[8+i*width:]))
		}
		return int64(order.Uint64(b[8+i*width:]))
	}
	t := nameTable{word(names), word(names + 1)}
	if functions := word(0); functions <= 0 || t.start < 8 || t.end <= t.start || t.end-t.start > maxFunctionNames {
		return nameTable{}, errNoTable
	}
	return t, nil
}

// readFunctions gives the hashes of the functions in the table that r starts with, sorted, and how many names it has.
func readFunctions(r io.ReaderAt, size int64, mainPath string) (hashes []uint32, count int, err error) {
	header := make([]byte, headerSize)
	if _, err := r.ReadAt(header, 0); err != nil {
		return nil, 0, err
	}
	t, err := tableHeader(header)
	if err != nil {
		return nil, 0, err
	}
	if t.end > size {
		return nil, 0, errNoTable
	}
	names := bufio.NewReaderSize(io.NewSectionReader(r, t.start, t.end-t.start), maxFunctionName)
	list := functionList{mainPath: mainPath}
	for {
		name, err := names.ReadSlice(0)
		if err == io.EOF && len(name) == 0 {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		if name = name[:len(name)-1]; len(name) > 0 { // the table may be filled up with zeros
			list.add(name)
			count++
		}
		if len(list.hashes) > maxFunctions {
			return nil, 0, errNoTable
		}
	}
	slices.Sort(list.hashes)
	hashes = slices.Compact(list.hashes)
	// Every program has this one. Without it the names are not the real ones, or the runtime is in another file.
	if _, ok := slices.BinarySearch(hashes, inventory.FunctionHash("runtime", "goexit")); !ok {
		return nil, 0, errNoTable
	}
	return hashes, count, nil
}

// functionList gathers the hashes of functions.
type functionList struct {
	mainPath string // the import path of package main
	hashes   []uint32

	// The package of the function before, as the linker wrote it and as its import path: most have the same.
	written, path []byte
	symbol        []byte
}

// add takes in a function's name as the linker writes it.
func (l *functionList) add(name []byte) {
	if bytes.HasPrefix(name, []byte("type:")) || bytes.HasPrefix(name, []byte("type..")) || bytes.HasPrefix(name, []byte("go:")) {
		return // made by the compiler, of no package
	}
	// What instances of generic functions were made for: "pkg.(*T[...]).M".
	if start := bytes.IndexByte(name, '['); start >= 0 {
		if end := bytes.LastIndexByte(name, ']'); end > start {
			name = append(name[:start], name[end+1:]...)
		}
	}
	symbol, same := bytes.CutPrefix(name, l.written)
	if !same || l.path == nil || len(symbol) == 0 || symbol[0] != '.' || bytes.IndexByte(symbol, '/') >= 0 {
		last := bytes.LastIndexByte(name, '/') + 1
		dot := bytes.IndexByte(name[last:], '.')
		if dot < 0 {
			return // of no Go package: assembly, or C
		}
		l.written = append(l.written[:0], name[:last+dot]...)
		l.path = []byte(importPath(string(l.written), l.mainPath))
		l.put(inventory.FunctionHash(l.path, nil))
		symbol = name[last+dot:]
	}
	if l.symbol = appendSymbol(l.symbol[:0], symbol[1:]); len(l.symbol) > 0 {
		l.put(inventory.FunctionHash(l.path, l.symbol))
	}
}

// put takes in a hash. The parts of one function come one after the other.
func (l *functionList) put(hash uint32) {
	if n := len(l.hashes); n == 0 || l.hashes[n-1] != hash {
		l.hashes = append(l.hashes, hash)
	}
}

// importPath gives the import path of a package as the linker writes it, which escapes the dots of the last element and
// some others: https://go.dev/src/cmd/internal/objabi/path.go.
func importPath(written, mainPath string) string {
	if written == "main" && mainPath != "" {
		return mainPath
	}
	if path, err := url.PathUnescape(written); err == nil {
		return path
	}
	return written
}

// appendSymbol appends the name of a function in its package as advisories write it: "T.M" for "(*T).M" and "T.M-fm", and
// the function itself for what the compiler made of parts of it ("F.func1", "F.gowrap2", "F-range1").
func appendSymbol(b, name []byte) []byte {
	if i := bytes.IndexByte(name, '-'); i >= 0 {
		name = name[:i]
	}
	if i := bytes.Index(name, []byte("·")); i >= 0 {
		name = name[:i]
	}
	first, rest, _ := bytes.Cut(name, []byte("."))
	second, _, _ := bytes.Cut(rest, []byte("."))
	if receiver, ok := bytes.CutPrefix(first, []byte("(*")); ok {
		first = bytes.TrimSuffix(receiver, []byte(")"))
	}
	b = append(b, first...)
	if len(second) == 0 || isPart(string(second)) {
		return b
	}
	return append(append(b, '.'), second...)
}

// isPart says whether the compiler made this name for a part or a variant of a function: "func1", "gowrap2", "3", "abi0".
func isPart(name string) bool {
	if last := name[len(name)-1]; last < '0' || last > '9' {
		return name == "abiinternal"
	}
	kind := strings.TrimRight(name, "0123456789")
	return slices.Contains([]string{"", "func", "gowrap", "deferwrap", "abi"}, kind)
}
