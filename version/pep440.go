package version

import (
	"cmp"
	"strings"
)

// pep440Version is a Python version: https://peps.python.org/pep-0440/. (Package semantic has the same order, but
// specifiers need the parts.)
type pep440Version struct {
	epoch   string
	release string // "1.2.3"
	pre     byte   // 'a', 'b', 'r' (rc), or 0
	preN    string
	post    bool
	postN   string
	dev     bool
	devN    string
	local   string // in lower case, with dots between its segments
}

func (v pep440Version) isPre() bool { return v.pre != 0 || v.dev }

func parsePEP440(text string) (ordered, bool) {
	v, ok := readPEP440(text)
	return v, ok
}

// readPEP440 follows the grammar of PEP 440's appendix B.
func readPEP440(text string) (v pep440Version, ok bool) {
	text = lowerASCII(strings.TrimSpace(text))
	rest := strings.TrimPrefix(text, "v")
	if digits, after := cutDigits(rest); digits != "" && strings.HasPrefix(after, "!") {
		v.epoch, rest = digits, after[1:]
	}
	if v.release, rest = cutRelease(rest); v.release == "" {
		return v, false
	}
	if word, after := cutWord(rest, "alpha", "beta", "preview", "pre", "rc", "a", "b", "c"); word != "" {
		if v.pre = word[0]; v.pre != 'a' && v.pre != 'b' {
			v.pre = 'r'
		}
		v.preN, rest = cutDigits(trimSeparator(after))
	}
	if strings.HasPrefix(rest, "-") && startsWithDigit(rest[1:]) {
		v.post = true
		v.postN, rest = cutDigits(rest[1:])
	} else if word, after := cutWord(rest, "post", "rev", "r"); word != "" {
		v.post = true
		v.postN, rest = cutDigits(trimSeparator(after))
	}
	if word, after := cutWord(rest, "dev"); word != "" {
		v.dev = true
		v.devN, rest = cutDigits(trimSeparator(after))
	}
	if rest, ok = strings.CutPrefix(rest, "+"); ok {
		v.local = strings.NewReplacer("-", ".", "_", ".").Replace(rest)
		return v, dotted(v.local, isAlphanumeric)
	}
	return v, rest == ""
}

// cutRelease cuts numbers with dots between off the front.
func cutRelease(s string) (release, rest string) {
	_, rest = cutDigits(s)
	for rest != s && strings.HasPrefix(rest, ".") && startsWithDigit(rest[1:]) {
		_, rest = cutDigits(rest[1:])
	}
	return s[:len(s)-len(rest)], rest
}

// cutWord cuts the first of the words that s begins with, after a separator or none; empty where there is none.
func cutWord(s string, words ...string) (word, rest string) {
	after := trimSeparator(s)
	for _, word := range words {
		if rest, ok := strings.CutPrefix(after, word); ok {
			return word, rest
		}
	}
	return "", s
}

func trimSeparator(s string) string {
	if s != "" && strings.IndexByte("-_.", s[0]) >= 0 {
		return s[1:]
	}
	return s
}

// lowerASCII leaves other letters as they are: some have lower cases that are ASCII.
func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

func (v pep440Version) compare(other ordered) (int, error) {
	w := other.(pep440Version)
	return cmp.Or(v.comparePublic(w), compareLocal(v.local, w.local)), nil
}

// comparePublic leaves the local part out.
func (v pep440Version) comparePublic(w pep440Version) int {
	return cmp.Or(
		compareDigits(v.epoch, w.epoch), compareNumbers(v.release, w.release),
		cmp.Compare(v.preRank(), w.preRank()), compareDigits(v.preN, w.preN),
		compareBool(v.post, w.post), compareDigits(v.postN, w.postN),
		compareBool(w.dev, v.dev), compareDigits(v.devN, w.devN),
	)
}

// preRank puts 1.0.dev1 before 1.0a1, and a release after its pre-releases.
func (v pep440Version) preRank() int {
	switch {
	case v.pre != 0:
		return int(v.pre)
	case v.dev && !v.post:
		return 0
	}
	return 1000
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareLocal(a, b string) int {
	for a != "" && b != "" {
		var m, n string
		m, a, _ = strings.Cut(a, ".")
		n, b, _ = strings.Cut(b, ".")
		mNumber, nNumber := isDigits(m), isDigits(n)
		c := strings.Compare(m, n)
		if mNumber && nNumber {
			c = compareDigits(m, n)
		} else if mNumber != nNumber {
			c = before(nNumber)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
