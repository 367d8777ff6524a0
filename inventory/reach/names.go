package reach

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
)

// The bounds of looking for names in one file.
const (
	maxNamesRead = 64 << 20 // bytes that are searched
	maxNames     = 1024
	maxNameBytes = 32 << 10 // of all names together
	maxName      = 200      // bytes of one
	namesChunk   = 256 << 10
)

// Names finds in the constants of a program what it may load or start: names of shared objects ("libssl.so.3",
// "pam_%s.so"), and absolute paths with a directory for libraries or programs in them ("/usr/lib/sasl2", "/bin/sh").
// They are sorted. Languages whose strings do not end in a zero byte leave names with something before or after. all is false
// where there may be more than a bound or an error let it find.
func Names(parts ...*io.SectionReader) (list []string, all bool) {
	found := names{seen: map[string]bool{}, left: maxNameBytes}
	budget := int64(maxNamesRead)
	for _, part := range parts {
		size := min(part.Size(), budget)
		budget -= size
		read := found.search(io.NewSectionReader(part, 0, size))
		found.more = found.more || read < part.Size()
	}
	return slices.Sorted(maps.Keys(found.seen)), !found.more
}

type names struct {
	seen map[string]bool
	left int
	more bool // whether any was left out
}

// search goes through a part in chunks, each with the end of the one before, so that a name at their border is seen whole. It
// gives how many bytes it could read.
func (n *names) search(r io.Reader) (size int64) {
	buf := make([]byte, maxName+namesChunk)
	held := 0
	for {
		read, err := io.ReadFull(r, buf[held:])
		window := buf[:held+read]
		size += int64(read)
		last := err != nil
		for _, needle := range [...]string{".so", "/lib", "bin/"} {
			n.find(window, needle, last)
		}
		if last {
			return size
		}
		held = copy(buf, window[len(window)-maxName:])
	}
}

// find notes the names around a needle. A name that goes on to the end of the window is seen again in the next one.
func (n *names) find(window []byte, needle string, last bool) {
	for at := 0; ; {
		i := bytes.Index(window[at:], []byte(needle))
		if i < 0 {
			return
		}
		start, end := at+i, at+i+len(needle)
		for start > 0 && isNameByte(window[start-1]) && end-start < maxName {
			start--
		}
		for end < len(window) && isNameByte(window[end]) && end-start < maxName {
			end++
		}
		at = max(at+i+len(needle), end)
		if end < len(window) || last {
			n.note(window[start:end])
		}
	}
}

func isNameByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("/._-+%@$", c) >= 0
}

// note keeps a name that is worth it.
func (n *names) note(name []byte) {
	if len(name) >= maxName || n.seen[string(name)] || !isName(string(name)) {
		return
	}
	if len(n.seen) == maxNames || n.left < len(name) {
		n.more = true
		return
	}
	n.left -= len(name)
	n.seen[string(name)] = true
}

// isName says whether a name is a path as [Names] wants it, or a shared object's: the words after ".so" are versions, except in
// a language whose strings do not end.
func isName(s string) bool {
	if s[0] != '/' {
		base, after, ok := strings.Cut(s[strings.LastIndexByte(s, '/')+1:], ".so")
		return ok && len(base) > 2 && base != "lib%s" && (after == "" || after[0] == '.' || after[0] == '%' || strings.HasPrefix(base, "lib"))
	}
	for _, root := range [...]string{"/usr/", "/lib", "/bin/", "/sbin/", "/opt/", "/app", "/srv/", "/var/lib/"} {
		if strings.HasPrefix(s, root) {
			return true
		}
	}
	return false
}
