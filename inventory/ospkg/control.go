package ospkg

import (
	"bytes"
	"iter"
	"strings"
)

// stanza is one paragraph of a control file (deb822(5)): fields, until an empty line.
type stanza struct {
	file []byte
	// line is that of the first field, from 1.
	line   int
	fields []field
	// broken is the number of the first line that is neither a field nor the continuation of one; 0 if none.
	broken int
}

// field is one field of a stanza: its value, with the line breaks of a folded one, is file[start:end].
type field struct {
	name       string
	start, end int
}

// get gives a field's value, trimmed; names are compared without regard to case.
func (s *stanza) get(name string) string {
	for _, f := range s.fields {
		if strings.EqualFold(f.name, name) {
			return string(bytes.TrimSpace(s.file[f.start:f.end]))
		}
	}
	return ""
}

// stanzas reads a control file. A stanza is valid until the next one.
func stanzas(file []byte) iter.Seq[*stanza] {
	return func(yield func(*stanza) bool) {
		s := stanza{file: file}
		line := 0
		for start := 0; start < len(file); {
			line++
			end := start + len(file[start:])
			if i := bytes.IndexByte(file[start:], '\n'); i >= 0 {
				end = start + i
			}
			text := bytes.TrimSuffix(file[start:end], []byte("\r"))
			switch {
			case len(text) > 0 && s.line == 0:
				s.line = line
				s.add(text, start, line)
			case len(text) > 0:
				s.add(text, start, line)
			case s.line > 0:
				if !yield(&s) {
					return
				}
				s = stanza{file: file, fields: s.fields[:0]}
			}
			start = end + 1
		}
		if s.line > 0 {
			yield(&s)
		}
	}
}

// add takes the line that stands at start.
func (s *stanza) add(text []byte, start, line int) {
	if text[0] == ' ' || text[0] == '\t' {
		if n := len(s.fields); n > 0 {
			s.fields[n-1].end = start + len(text)
			return
		}
	} else if i := bytes.IndexByte(text, ':'); i > 0 && isFieldName(text[:i]) {
		s.fields = append(s.fields, field{string(text[:i]), start + i + 1, start + len(text)})
		return
	}
	if s.broken == 0 {
		s.broken = line
	}
}

// isFieldName says whether a field can be called so: printable ASCII without spaces.
func isFieldName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return len(b) < 256
}
