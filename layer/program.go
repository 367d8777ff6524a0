package layer

import (
	"bytes"
	"encoding/binary"
)

// IsExecutable tells ELF, PE and Mach-O files by their first bytes, of which [HeadSize] are enough.
func IsExecutable(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch binary.BigEndian.Uint32(head) {
	case 0x7f454c46, // ELF
		0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe: // Mach-O of either width and byte order
		return true
	case 0xcafebabe: // Mach-O for several architectures; a Java class has its version, over 44, where their count stands
		return binary.BigEndian.Uint32(head[4:]) < 40
	}
	if head[0] != 'M' || head[1] != 'Z' || len(head) < HeadSize {
		return false
	}
	// A DOS header's last word says where the PE header is.
	pe := binary.LittleEndian.Uint32(head[60:])
	return pe >= 4 && pe < 1<<24
}

// startsProgram says what [File].Program does.
func startsProgram(head []byte) bool {
	return bytes.HasPrefix(head, []byte("#!")) || IsExecutable(head)
}
