package version

import (
	"cmp"
	"strings"
)

// apkVersion is ordered by apk-tools' rules, number{.number}{letter}{_suffix{number}}{~commit}{-r#}, of
// apk-package(5). (Package semantic takes 1.0 and 1.0-r0 for equal and ignores commits.) apk compares versions that break
// its own grammar too, and Alpine's advisories hold some ("10.2.24.r0"): what cannot be read orders before an end.
type apkVersion string

func parseAPK(text string) (ordered, bool) {
	return apkVersion(text), printable(text)
}

// apkToken is a kind of part of a version. Where two versions first differ in kind, the one whose kind comes first is newer.
type apkToken int

const (
	apkFirst apkToken = iota // the first number
	apkNumber
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkCommit
	apkBuildNumber
	apkEnd
	apkInvalid
)

// apkReader walks the parts of a version.
type apkReader struct {
	kind   apkToken
	value  string
	suffix int // of an apkSuffix: negative for those that come before a release
	rest   string
}

func (v apkVersion) compare(other ordered) (int, error) {
	a, b := newAPKReader(string(v)), newAPKReader(string(other.(apkVersion)))
	for a.kind == b.kind && a.kind < apkEnd {
		if c := a.compareValue(b); c != 0 {
			return c, nil
		}
		a.next()
		b.next()
	}
	aPre, bPre := a.kind == apkSuffix && a.suffix < 0, b.kind == apkSuffix && b.suffix < 0
	switch {
	case aPre && !bPre:
		return -1, nil
	case bPre && !aPre:
		return 1, nil
	case a.kind == apkInvalid && b.kind == apkInvalid:
		return compareNatural(a.unreadable(), b.unreadable()), nil
	}
	return cmp.Compare(b.kind, a.kind), nil
}

// unreadable is what is left where nothing more can be read. What follows a hyphen does not count: "1-ruff" is "1-ready".
func (r *apkReader) unreadable() string {
	if strings.HasPrefix(r.rest, "-") {
		return ""
	}
	return r.rest
}

func newAPKReader(text string) *apkReader {
	r := &apkReader{kind: apkFirst, rest: text}
	if r.takeDigits(); r.value == "" {
		r.kind = apkInvalid
	}
	return r
}

// next reads the next part. What may follow depends on the part before it.
func (r *apkReader) next() {
	if r.rest == "" {
		r.kind = apkEnd
		return
	}
	last, c := r.kind, r.rest[0]
	r.kind = apkInvalid
	switch {
	case c >= 'a' && c <= 'z' && last <= apkNumber:
		r.kind, r.value, r.rest = apkLetter, r.rest[:1], r.rest[1:]
	case c == '.' && last <= apkNumber && startsWithDigit(r.rest[1:]):
		r.rest = r.rest[1:]
		r.kind = apkNumber
		r.takeDigits()
	case c >= '0' && c <= '9' && last == apkSuffix:
		r.kind = apkSuffixNumber
		r.takeDigits()
	case c == '_' && last <= apkSuffixNumber:
		r.takeSuffix()
	case c == '~' && last < apkCommit:
		if end := strings.IndexFunc(r.rest[1:]+"-", notHex); end > 0 {
			r.kind, r.value, r.rest = apkCommit, r.rest[1:1+end], r.rest[1+end:]
		}
	case last < apkBuildNumber && strings.HasPrefix(r.rest, "-r") && (len(r.rest) == 2 || r.rest[2] == '-' || startsWithDigit(r.rest[2:])):
		r.kind, r.rest = apkBuildNumber, r.rest[2:]
		r.takeDigits()
	}
}

func (r *apkReader) takeDigits() {
	r.value, r.rest = cutDigits(r.rest)
}

func (r *apkReader) takeSuffix() {
	word := r.rest[1:]
	end := len(word) - len(strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz"))
	if rank, ok := apkSuffixRank(word[:end]); ok {
		r.kind, r.suffix, r.rest = apkSuffix, rank, word[end:]
	}
}

func apkSuffixRank(word string) (int, bool) {
	for i, known := range []string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"} {
		if word == known && word != "" {
			return i - 4, true
		}
	}
	return 0, false
}

// compareValue compares two parts of one kind. Numbers after the first are compared as text where one begins with a zero.
func (r *apkReader) compareValue(other *apkReader) int {
	switch r.kind {
	case apkSuffix:
		return cmp.Compare(r.suffix, other.suffix)
	case apkLetter, apkCommit:
		return strings.Compare(r.value, other.value)
	case apkNumber:
		if r.value[0] == '0' || other.value[0] == '0' {
			return strings.Compare(r.value, other.value)
		}
	}
	return compareDigits(r.value, other.value)
}

func notHex(c rune) bool {
	return (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F')
}
