package detect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"tidewaiter/layer"
	"tidewaiter/secret"
)

const (
	// rulesVersion is counted up wherever the detectors would find something else in the same file.
	rulesVersion = "2"
	// maxText is the size, in bytes, up to which a text is searched.
	maxText = 1 << 30
	// maxPiece is how much of a long text is searched at once, and overlap how much of it again with what follows: more than any secret has.
	maxPiece = 1 << 20
	overlap  = 64 << 10
	// sniff is how much of a file says whether it is a text.
	sniff = 8 << 10
)

// Name implements [layer.Sink].
func (d *Detector) Name() string { return secret.Sink }

// Version implements [layer.Sink].
func (d *Detector) Version() string { return rulesVersion }

// Open implements [layer.Sink].
func (d *Detector) Open(ctx context.Context, f *layer.File, head []byte) layer.Eye {
	if strings.HasPrefix(f.Path, "var/lib/apt/lists/") {
		return nil // what a distribution publishes
	}
	s := newSource(f.Path)
	switch {
	case keyContainer(f.Path, head):
		return found{keyContainerFound(s)}
	case archived(s, head):
		return openArchive(d, s, f.Size)
	case !notText(head) || readable(f.Path) && !s.foreign:
		return &eye{d: d, source: s, size: f.Size, budget: budgetOf(f.Size)}
	case program(head) && !s.foreign:
		s.program = true
		return &eye{d: d.programs, source: s, size: f.Size, budget: budgetOf(f.Size)}
	}
	return nil
}

// notText says whether bytes are of no text. UTF-16 with its mark is one.
func notText(head []byte) bool { return bytes.IndexByte(head, 0) >= 0 && !wide(head) }

func wide(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0xFF, 0xFE}) || bytes.HasPrefix(head, []byte{0xFE, 0xFF})
}

// readable says whether the texts in a file that is none are worth reading: a compiled program's of a language whose constants stay as they were.
func readable(name string) bool {
	ext := path.Ext(name)
	return ext == ".pyc" || ext == ".class"
}

// program says whether a file is compiled code or a database: a credential of a form of its own stands there as it is.
func program(head []byte) bool {
	for _, magic := range []string{"\x7fELF", "MZ", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "\x00asm", "SQLite format 3\x00"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// eye searches one text.
type eye struct {
	d      *Detector
	source source
	size   int64
	// buf is what was not searched yet; line, how many lines went before it.
	buf     []byte
	line    int
	budget  int
	seen    int64
	found   []secret.Found
	left    int // how many more were found than are told
	tooLong bool
}

// errNoText ends the reading of a file that turns out to be none.
var errNoText = errors.New("not a text")

// Write implements [layer.Eye].
func (e *eye) Write(p []byte) (int, error) {
	if e.seen == 0 && len(e.buf) == 0 && notText(p[:min(len(p), sniff)]) && !readable(e.source.path) && !e.source.program {
		return 0, errNoText
	}
	if e.seen+int64(len(p)) > maxText {
		e.tooLong = true
		return 0, errNoText
	}
	e.seen += int64(len(p))
	if e.seen == int64(len(p)) && e.seen == e.size {
		e.search(p, true)
		return len(p), nil
	}
	e.buf = append(e.buf, p...)
	if len(e.buf) >= maxPiece {
		e.buf = e.buf[:copy(e.buf, e.buf[e.search(e.buf, false):])]
	}
	return len(p), nil
}

// search looks at a piece, of which more may follow. It gives how much of it is done.
func (e *eye) search(piece []byte, last bool) int {
	done := len(piece)
	if !last {
		done -= min(overlap, len(piece)/2)
		if line := bytes.LastIndexByte(piece[:done], '\n'); line > done/2 {
			done = line + 1
		}
	}
	found, hits := e.d.detect(e.source, plain(piece, e.source.path), e.line, &e.budget)
	for i, f := range found {
		if e.source.program {
			f.Line = 0 // it has none
		}
		switch {
		case e.source.program && !hits[i].sure && e.d.listed(hits[i].raw):
		case hits[i].start >= done && !last:
		case len(e.found) < maxFound:
			e.found = append(e.found, f)
		default:
			e.left++
		}
	}
	e.line += bytes.Count(piece[:done], []byte("\n"))
	return done
}

// plain gives what is to be searched of a piece: of UTF-16 the bytes of ASCII, of a compiled program its texts.
func plain(piece []byte, name string) []byte {
	switch {
	case wide(piece):
		return bytes.ReplaceAll(piece, []byte{0}, nil)
	case readable(name):
		return bytes.Map(func(r rune) rune {
			if r < 0x20 || r >= 0x7f {
				return '\n'
			}
			return r
		}, piece)
	}
	return piece
}

// Close implements [layer.Eye].
func (e *eye) Close() layer.Answer {
	if len(e.buf) > 0 {
		e.search(e.buf, true)
		e.buf = nil
	}
	switch {
	case e.tooLong:
		return answer(e.found, e.left, fmt.Sprintf("was not searched for secrets beyond its first %d MiB", maxText>>20))
	case e.budget < 0:
		return answer(e.found, e.left, "was searched for secrets only in part: too much of it looks as if a secret were near")
	}
	return answer(e.found, e.left, "")
}

// answer tells what was found, and what of a file was not searched; nil for nothing of either.
func answer(found []secret.Found, left int, unseen string) layer.Answer {
	if len(found) == 0 && unseen == "" {
		return nil
	}
	if left > 0 {
		found = append(found, more(left))
	}
	return func() ([]byte, error) {
		if unseen != "" {
			return secret.Encode(found), layer.UnseenError(unseen)
		}
		return secret.Encode(found), nil
	}
}

// found is an eye that has seen enough.
type found struct{ secret.Found }

func (f found) Write(p []byte) (int, error) { return 0, errNoText }

func (f found) Close() layer.Answer { return answer([]secret.Found{f.Found}, 0, "") }

func keyContainerFound(s source) secret.Found {
	f := secret.Found{Rule: "pkcs12-key-store", Title: "key store that can hold a private key", Severity: "low", Redacted: strings.TrimPrefix(path.Ext(s.path), ".")}
	if s.foreign || s.testing {
		f.Known = "test-data"
	}
	return f
}
