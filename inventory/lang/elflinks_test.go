package lang

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory/reach"
)

// dynamicELF makes a small dynamic ELF file for 64-bit little-endian machines: text are its dynamic strings, dynamic pairs of a
// tag and a value, which for names is the place in text, and constants its section .rodata.
func dynamicELF(text string, dynamic [][2]uint64, constants string) string {
	const header, programs = 64, 3
	le := binary.LittleEndian
	interp := "/lib64/ld.so\x00"
	names := "\x00.shstrtab\x00.rodata\x00"
	interpAt := header + programs*56
	textAt := interpAt + len(interp)
	dynamicAt := textAt + len(text)
	dynamic = append(dynamic, [2]uint64{5, uint64(textAt)}, [2]uint64{10, uint64(len(text))}, [2]uint64{0, 0})
	constantsAt := dynamicAt + 16*len(dynamic)
	namesAt := constantsAt + len(constants)
	sectionsAt := namesAt + len(names)

	h := make([]byte, header)
	copy(h, "\x7fELF\x02\x01\x01")
	le.PutUint16(h[16:], elfDyn)
	le.PutUint16(h[18:], 62)
	le.PutUint64(h[32:], header)
	le.PutUint64(h[40:], uint64(sectionsAt))
	for i, v := range []uint16{header, 56, programs, 64, 3, 1} {
		le.PutUint16(h[52+2*i:], v)
	}
	var b strings.Builder
	b.Write(h)
	for _, p := range [][3]int{{elfLoad, 0, sectionsAt}, {elfInterp, interpAt, len(interp)}, {elfDynamic, dynamicAt, 16 * len(dynamic)}} {
		s := make([]byte, 56)
		le.PutUint32(s, uint32(p[0]))
		le.PutUint64(s[8:], uint64(p[1]))
		le.PutUint64(s[16:], uint64(p[1]))
		le.PutUint64(s[32:], uint64(p[2]))
		b.Write(s)
	}
	b.WriteString(interp + text)
	for _, d := range dynamic {
		b.Write(le.AppendUint64(le.AppendUint64(nil, d[0]), d[1]))
	}
	b.WriteString(constants + names + strings.Repeat("\x00", 64))
	for _, s := range [][3]int{{1, namesAt, len(names)}, {11, constantsAt, len(constants)}} {
		section := make([]byte, 64)
		le.PutUint32(section, uint32(s[0]))
		le.PutUint32(section[4:], 1)
		le.PutUint64(section[24:], uint64(s[1]))
		le.PutUint64(section[32:], uint64(s[2]))
		b.Write(section)
	}
	return b.String()
}

func TestLinks(t *testing.T) {
	const constants = "\x00/bin/sh\x00libx.so.1\x00"
	text := "\x00liba.so.1\x00$ORIGIN/../lib\x00my_dlopen\x00libme.so\x00"
	at := func(s string) uint64 { return uint64(strings.Index(text, s)) }
	tests := []struct {
		name, text string
		dynamic    [][2]uint64
		want       reach.Links
	}{
		{"a library that loads others", text, [][2]uint64{{1, at("liba")}, {14, at("libme")}, {29, at("$ORIGIN")}, {1, 1 << 40}},
			reach.Links{Machine: 62, Interp: "/lib64/ld.so", Soname: "libme.so", Needed: []string{"liba.so.1"}, RunPath: "$ORIGIN/../lib",
				Names: []string{"/bin/sh", "libx.so.1"}}},
		{"a program that loads nothing", "\x00liba.so.1\x00", [][2]uint64{{1, 1}, {15, 1}},
			reach.Links{Machine: 62, Interp: "/lib64/ld.so", Needed: []string{"liba.so.1"}, RPath: "liba.so.1"}},
		{"linked with nothing", "\x00", nil,
			reach.Links{Machine: 62, Interp: "/lib64/ld.so", Names: []string{"/bin/sh", "libx.so.1"}}},
	}
	for _, tt := range tests {
		got := distilled(t, dynamicELF(tt.text, tt.dynamic, constants)).Links
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
