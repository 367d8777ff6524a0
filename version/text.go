package version

import (
	"cmp"
	"strings"
)

// The pieces that several orders share.

// printable says whether a text can be a version at all: no spaces and no control characters. Distributions' tools take any such text.
func printable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] == 0x7f {
			return false
		}
	}
	return text != ""
}

func cutDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return s[:i], s[i:]
}

func cutLetters(s string) (letters, rest string) {
	i := 0
	for i < len(s) && isLetter(rune(s[i])) {
		i++
	}
	return s[:i], s[i:]
}

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

func startsWithLetter(s string) bool { return s != "" && isLetter(rune(s[0])) }

func isDigits(s string) bool {
	digits, rest := cutDigits(s)
	return digits != "" && rest == ""
}

// compareDigits compares decimal numbers of any size; an empty one is 0.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareNumbers compares numbers with dots between; one that is not there is 0.
func compareNumbers(a, b string) int {
	for a != "" || b != "" {
		var m, n string
		m, a, _ = strings.Cut(a, ".")
		n, b, _ = strings.Cut(b, ".")
		if c := compareDigits(m, n); c != 0 {
			return c
		}
	}
	return 0
}

// compareNatural compares texts byte by byte, but the numbers in them as numbers.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		if startsWithDigit(a) && startsWithDigit(b) {
			var m, n string
			m, a = cutDigits(a)
			n, b = cutDigits(b)
			if c := compareDigits(m, n); c != 0 {
				return c
			}
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// dotted says whether s is one or more good parts with dots between.
func dotted(s string, good func(string) bool) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !good(part) {
			return false
		}
	}
	return true
}
