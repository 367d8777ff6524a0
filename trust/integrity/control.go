package integrity

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
)

// maxStanza bounds one paragraph, in bytes: the longest of Debian's Packages files have some 50 kB.
const maxStanza = 4 << 20

// errLong says that a paragraph is too long to be one.
var errLong = errors.New("a paragraph that is too long")

// paragraphs reads text of paragraphs with empty lines between them (Debian's control files, apk's databases). A paragraph is valid until the next.
func paragraphs(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		lines := bufio.NewReaderSize(r, 64<<10)
		var p []byte
		for {
			line, err := lines.ReadSlice('\n')
			if len(p)+len(line) > maxStanza {
				yield(nil, errLong)
				return
			}
			blank := len(bytes.TrimRight(line, "\r\n")) == 0 && !errors.Is(err, bufio.ErrBufferFull)
			if !blank || len(p) > 0 && p[len(p)-1] != '\n' {
				p = append(p, line...)
			} else if len(p) > 0 {
				if !yield(p, nil) {
					return
				}
				p = p[:0]
			}
			switch {
			case errors.Is(err, bufio.ErrBufferFull), err == nil:
				continue
			case len(p) > 0 && errors.Is(err, io.EOF):
				yield(p, nil)
			case !errors.Is(err, io.EOF):
				yield(nil, err)
			}
			return
		}
	}
}

// field gives a field of a control paragraph, on one line, its words one space apart; empty where there is none.
func field(p []byte, name string) string {
	for len(p) > 0 {
		line := cutLine(&p)
		if len(line) <= len(name) || line[len(name)] != ':' || !strings.EqualFold(string(line[:len(name)]), name) {
			continue
		}
		value := append([]byte{}, line[len(name)+1:]...)
		for len(p) > 0 && (p[0] == ' ' || p[0] == '\t') {
			value = append(append(value, ' '), cutLine(&p)...)
		}
		return strings.Join(strings.Fields(string(value)), " ")
	}
	return ""
}

func cutLine(p *[]byte) []byte {
	line, rest, _ := bytes.Cut(*p, []byte("\n"))
	*p = rest
	return line
}
