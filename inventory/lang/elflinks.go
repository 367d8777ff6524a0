package lang

import (
	"bytes"
	"io"
	"slices"

	"tidewaiter/inventory/reach"
)

// The kinds of ELF files that can be loaded.
const (
	elfExec = 2 // a program at a fixed address
	elfDyn  = 3 // a shared object, or a program that can stand anywhere
)

// maxELFDynStrings bounds the names of dynamic symbols in bytes; the largest known programs have some MB of them.
const maxELFDynStrings = 16 << 20

// upxHead is how far into a file the mark of UPX, which packs programs, lies at most: right after the program headers
// (https://github.com/upx/upx/blob/devel/src/stub/src/include/linux.h).
const upxHead = 1 << 10

// dynamicTable is what is needed of an ELF file's dynamic section.
type dynamicTable struct {
	strings, stringsSize   int64 // offset in the file; -1 where there are none
	needed                 []int64
	soname, rpath, runpath int64 // offsets in strings; -1 for none
}

// links gives what the file is linked with, and the names in its constants if it can load or start anything by name: if it
// calls one of the functions that do, or is linked statically and may hold them. Go's own linker makes no program of
// the second kind that loads anything. Without section headers the constants may be anywhere.
func (e *elfFile) links(constants *io.SectionReader, isGo bool) reach.Links {
	l := reach.Links{Interp: e.interp()}
	if e.kind != elfExec && e.kind != elfDyn {
		return l
	}
	l.Machine = e.machine
	d, dynamic := e.dynamic()
	if dynamic && d.strings >= 0 {
		text := func(at int64) string {
			if at < 0 {
				return ""
			}
			return e.text(d.strings + at)
		}
		l.Soname, l.RPath, l.RunPath = text(d.soname), text(d.rpath), text(d.runpath)
		for _, at := range d.needed[:min(len(d.needed), maxELFNeeded)] {
			if s := text(at); s != "" && len(s) <= maxELFName {
				l.Needed = append(l.Needed, s)
			}
		}
	}
	head, _ := e.bytes(0, min(e.size, upxHead))
	l.Packed = !dynamic && bytes.Contains(head, []byte("UPX!"))
	isStatic := l.Soname == "" && len(l.Needed) == 0 && !isGo
	if !e.hasSections() {
		constants = io.NewSectionReader(e.r, 0, e.size)
	}
	if constants != nil && (isStatic || e.callsByName(d)) {
		names, all := reach.Names(constants)
		l.Names, l.More = names, !all
	}
	return l
}

// dynamic reads the dynamic section; false where there is none.
func (e *elfFile) dynamic() (dynamicTable, bool) {
	const null, dtNeeded, dtStrtab, dtStrsz, dtSoname, dtRPath, dtRunPath = 0, 1, 5, 10, 14, 15, 29
	d := dynamicTable{strings: -1, soname: -1, rpath: -1, runpath: -1}
	i := slices.IndexFunc(e.programs, func(p elfPart) bool { return p.kind == elfDynamic })
	if i < 0 {
		return d, false
	}
	table, err := e.bytes(e.programs[i].off, min(e.programs[i].size, maxELFDynamic))
	if err != nil {
		return d, false
	}
	half := 4 // of an entry, in bytes
	if e.wide {
		half = 8
	}
	for entry := range slices.Chunk(table, 2*half) {
		if len(entry) < 2*half || e.word(entry) == null {
			break
		}
		switch v := e.word(entry[half:]); e.word(entry) {
		case dtNeeded:
			d.needed = append(d.needed, v)
		case dtStrtab:
			d.strings = e.fileOffset(v)
		case dtStrsz:
			d.stringsSize = v
		case dtSoname:
			d.soname = v
		case dtRPath:
			d.rpath = v
		case dtRunPath:
			d.runpath = v
		}
	}
	return d, true
}

// callsByName says whether the file has, among the names of its dynamic symbols, one by which libraries are loaded or
// programs started. Linkers let a name be the end of a longer one, so only the end is looked at.
func (e *elfFile) callsByName(d dynamicTable) bool {
	if d.strings < 0 {
		return false
	}
	text, err := e.bytes(d.strings, min(d.stringsSize, maxELFDynStrings, e.size-d.strings))
	if err != nil {
		return false
	}
	return slices.ContainsFunc([]string{
		"dlopen", "dlmopen", "g_module_open", "g_module_open_full", "apr_dso_load", "system", "popen", "posix_spawn", "posix_spawnp",
		"execv", "execve", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve",
	}, func(name string) bool { return bytes.Contains(text, append([]byte(name), 0)) })
}
