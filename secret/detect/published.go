package detect

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed published.txt
var publishedDigests string

// published gives the digests of private keys that well-known programs publish, sorted.
var published = sync.OnceValue(func() []string {
	var digests []string
	for line := range strings.Lines(publishedDigests) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			digests = append(digests, line)
		}
	}
	return digests
})

// isPublished says whether the SHA-256 of a key's content, in hexadecimal, is that of a key that everyone has.
func isPublished(digest string) bool {
	_, ok := slices.BinarySearch(published(), digest[:32])
	return ok
}

// testWord says whether a part of a name says that something was made for tests: e2eutil, test_data, mocks.
func testWord(name string) bool {
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		switch strings.TrimSuffix(word, "s") {
		case "test", "testdata", "testing", "testutil", "testcert", "testkey", "testfile", "testhelper", "e2e", "e2eutil", "fuzz", "fixture", "mock", "unittest", "testsuite":
			return true
		}
	}
	return false
}

// testDirectory says whether a directory's name, anywhere, can only be that of tests: an environment may be called test-eu or test, and no
// _test or unit-tests.
func testDirectory(name string) bool {
	switch name {
	case "test-data", "test_data", "test-certs", "test_certs", "test-keys", "test_keys", "test-fixtures", "test_fixtures", "testfixtures", "testsuite", "test-suite", "sample-configurations":
		return true
	}
	return strings.HasPrefix(name, "_test") || strings.HasSuffix(name, "-tests") || strings.HasSuffix(name, "_tests") || strings.HasSuffix(name, "-test-data")
}

// inComment says whether a place is in a comment of a program that has the line to itself.
func (p *passage) inComment(at int) bool {
	start := at
	for start > 0 && at-start < 400 && p.data[start-1] != '\n' {
		start--
	}
	line := strings.TrimLeft(string(p.data[start:at]), " \t")
	for _, mark := range []string{"#", "//", "*", "/*", ";", "--", "%", "<!--"} {
		if strings.HasPrefix(line, mark) {
			return true
		}
	}
	return false
}

// abridged says whether the body of a PEM block leaves the most of it out, as documentation does: it ends in dots.
func abridged(body string) bool {
	body = strings.TrimSpace(strings.NewReplacer(`\n`, " ", `\r`, " ", "\"", " ", "'", " ", "`", " ").Replace(body))
	return strings.HasSuffix(body, ".") || strings.HasSuffix(body, "…")
}

// ofBlob says whether a hit is a piece of base64 of something long, in which "EAAA" stands for zeros.
func (p *passage) ofBlob(h *hit) bool {
	from, to := h.start, h.end
	for from > 0 && h.start-from < 80 && (isAlnum(p.data[from-1]) || p.data[from-1] == '+' || p.data[from-1] == '/') {
		from--
	}
	for to < len(p.data) && to-h.end < 80 && (isAlnum(p.data[to]) || p.data[to] == '+' || p.data[to] == '/') {
		to++
	}
	return to-from > len(h.raw)+8
}

// ofPath says whether a run of letters is a part of a path or an address, which goes on on either side of it.
func (p *passage) ofPath(h *hit) bool {
	before, after := byte(' '), byte(' ')
	if h.start > 0 {
		before = p.data[h.start-1]
	}
	if h.end+1 < len(p.data) && (isAlnum(p.data[h.end+1]) || p.data[h.end] == '/') {
		after = p.data[h.end]
	}
	return strings.IndexByte("-._~/#?%", after) >= 0 || strings.IndexByte("-._~/", before) >= 0 || h.raw[0] == '/' && isAlnum(before)
}
