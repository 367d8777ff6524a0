// Package recognise knows runtimes and tools that came without a package manager by the version strings that their
// builds leave in the binary.
//
// In go the base name of an executable file and its content; out comes the product that it is, with the string that
// says so. What is known of each product is data: the table in table.go.
//
// This package must never search a file whose name the table does not have: images hold thousands of executables, and
// looking into all of them would cost more than all the rest of reading. It does not know who installed a file.
package recognise

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// The bounds of searching one file.
const (
	// maxSearch is how many bytes are read for one pattern; the largest known program (a debug build of Node.js) is smaller.
	maxSearch = 512 << 20
	// maxHits is how many places that have a pattern's needle are looked at.
	maxHits = 100_000
	// before and after are how much of the file around a needle a pattern may cover, in bytes.
	before, after = 64, 192
	chunk         = 256 << 10
)

// Found is a product that a file is a part of.
type Found struct {
	Product string `json:"product"`
	Version string `json:"version"`
	// CPE is vendor and product of the official CPE dictionary (https://nvd.nist.gov/products/cpe): "nodejs:node.js".
	CPE string `json:"cpe,omitempty"`
	// Text is what the file has to say so, without the control characters around it.
	Text string `json:"text"`
}

// Known says whether a file of this base name may belong to a product of the table.
func Known(name string) bool {
	stem, _ := split(name)
	return len(table()[stem]) > 0
}

// Search looks for the version of the product that a file of this base name may be, in the parts given, one after the
// other. The error is that of reading; not to find anything is none.
func Search(ctx context.Context, name string, parts ...*io.SectionReader) (Found, bool, error) {
	stem, version := split(name)
	buf := make([]byte, chunk)
	for _, part := range parts {
		for _, p := range table()[stem] {
			for i := range p.patterns {
				s := search{pattern: &p.patterns[i], ofName: version}
				if err := s.read(ctx, part, buf); err != nil {
					return Found{}, false, err
				}
				if s.version != "" && !s.contradicted {
					return Found{Product: p.name, Version: s.version, CPE: p.cpe, Text: s.text}, true, nil
				}
			}
		}
	}
	return Found{}, false, nil
}

// search is the state of looking for one pattern in one part of a file.
type search struct {
	*pattern
	ofName       string // the version in the file's name
	version      string
	text         string
	hits         int
	contradicted bool
}

// read goes through a part in overlapping chunks, until it is clear what the pattern finds.
func (s *search) read(ctx context.Context, part *io.SectionReader, buf []byte) error {
	size := min(part.Size(), maxSearch)
	for off := int64(0); off < size; off += int64(len(buf) - before - after) {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := part.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if err != nil && err != io.EOF {
			return err
		}
		last := n < len(buf) || off+int64(n) >= size
		s.look(buf[:n], last)
		if last || s.done() {
			return nil
		}
	}
	return nil
}

// done says that the rest of the file can change nothing.
func (s *search) done() bool {
	return s.contradicted || s.version != "" && !s.sole || s.hits > maxHits
}

// look takes what a chunk has. What begins near its end is left to the next chunk, which has it whole.
func (s *search) look(b []byte, last bool) {
	for at := 0; !s.done(); at++ {
		i := bytes.Index(b[at:], s.needle)
		if i < 0 {
			return
		}
		at += i
		if !last && at > len(b)-after {
			return
		}
		s.hits++
		start := max(0, at-s.back)
		window := b[start:min(len(b), at+after)]
		m := s.exp.FindSubmatchIndex(window)
		if m == nil || m[0] > at-start || m[1] < at-start {
			continue // or it is another needle's, which has its turn
		}
		s.take(string(window[m[2]:m[3]]), window[min(m[2], at-start):m[1]])
	}
}

// take notes a version that was found, with the text that has it.
func (s *search) take(version string, text []byte) {
	version = strings.TrimRight(version, ".-")
	if s.named && s.ofName != "" && !strings.HasPrefix(version+".", s.ofName+".") {
		return // such as 3.0.0, the first version that had something, in python3.11
	}
	if s.version != "" {
		s.contradicted = s.contradicted || s.version != version
		return
	}
	s.version = version
	s.text = strconv.QuoteToASCII(string(bytes.Trim(text, "\x00\r\n\t ")))
}

// hash is what auditwheel and its kind put behind the name of a library that they copy into a package.
var hash = regexp.MustCompile(`-[0-9a-f]{8,16}$`)

// split gives the part of a base name that the table has, and the version that may follow it: libssl and 3 of
// libssl.so.3, python and 3.11 of python3.11, php-fpm and 8.2 of php-fpm8.2, libcrypto of libcrypto-b8e77b9c.so.1.1.
func split(name string) (stem, version string) {
	name, _, library := strings.Cut(name, ".so")
	if library && !strings.HasPrefix(name, "lib") {
		return "", "" // an extension of an interpreter, which only has the version of the library that it was built for
	}
	name = hash.ReplaceAllString(name, "")
	i := strings.IndexAny(name, "0123456789")
	if i < 0 {
		return name, ""
	}
	stem, version = name[:i], name[i:]
	end := strings.IndexFunc(version, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		version = version[:end]
	}
	return strings.TrimRight(stem, "-_."), strings.Trim(version, ".")
}

// product is one thing that can be recognised.
type product struct {
	// name is also that of its generic purl.
	name string
	// cpe is vendor:product.
	cpe string
	// stems are the base names of its files, up to their first digit: see split.
	stems string
	// patterns are tried in turn.
	patterns []pattern
}

// pattern finds a version.
type pattern struct {
	// exp has the version as its first group.
	exp *regexp.Regexp
	// needle is a literal part of what exp matches: exp is only tried around it.
	needle []byte
	// back is how far before the needle a match may begin, in bytes; at most before.
	back int
	// sole says that little but the form of a version tells: all that exp matches in the file must then be the same
	// version.
	sole bool
	// named says that the version must fit the one in the file's name; others are passed over.
	named bool
}

// says is a pattern that begins with literal text.
func says(exp string) pattern {
	re := regexp.MustCompile(exp)
	prefix, _ := re.LiteralPrefix()
	return pattern{exp: re, needle: []byte(prefix)}
}

// around is a pattern with a literal text elsewhere than at its beginning.
func around(needle, exp string) pattern {
	return pattern{exp: regexp.MustCompile(exp), needle: []byte(needle), back: before}
}

// alone is a pattern for a string that is nothing but a version which begins with major. The linker may have made it
// the end of a longer string.
func alone(major, rest string) pattern {
	return pattern{exp: regexp.MustCompile(`(?:^|[^\w.=])(` + regexp.QuoteMeta(major) + rest + `)\x00`), needle: []byte(major), back: 1, sole: true}
}

// ofName is a pattern whose version the file's name has the beginning of: python3.11.
func ofName(p pattern) pattern {
	p.named = true
	return p
}

// table gives the products by the stems of their files' names.
var table = sync.OnceValue(func() map[string][]*product {
	byStem := map[string][]*product{}
	for _, p := range products() {
		for _, stem := range strings.Fields(p.stems) {
			byStem[stem] = append(byStem[stem], &p)
		}
	}
	return byStem
})
