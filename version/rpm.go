package version

import (
	"cmp"
	"strings"
)

// rpmVersion is [epoch:]version[-release], ordered as rpmvercmp does:
// https://rpm.org/docs/latest/man/rpm-version.7. (Package semantic ends the version at the first hyphen, rpm at the last.)
type rpmVersion struct {
	epoch, version, release string
	hasRelease              bool
}

func parseRPM(text string) (ordered, bool) {
	return splitRPM(text), printable(text) && text != "(none)"
}

func splitRPM(text string) rpmVersion {
	var v rpmVersion
	v.version = text
	if digits, rest := cutDigits(text); strings.HasPrefix(rest, ":") {
		v.epoch, v.version = digits, rest[1:]
	}
	if i := strings.LastIndexByte(v.version, '-'); i >= 0 {
		v.version, v.release = v.version[:i], v.version[i+1:]
		v.hasRelease = true
	}
	return v
}

func (v rpmVersion) compare(other ordered) (int, error) {
	w := other.(rpmVersion)
	return cmp.Or(compareDigits(v.epoch, w.epoch), rpmCompare(v.version, w.version),
		compareBool(v.hasRelease, w.hasRelease), rpmCompare(v.release, w.release)), nil
}

func rpmCompare(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" || b != "" {
		a, b = strings.TrimLeftFunc(a, rpmSeparator), strings.TrimLeftFunc(b, rpmSeparator)
		aTilde, bTilde := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~")
		aCaret, bCaret := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^")
		switch {
		case aTilde != bTilde:
			return before(aTilde)
		case aTilde:
			a, b = a[1:], b[1:]
			continue
		case aCaret && bCaret:
			a, b = a[1:], b[1:]
			continue
		case aCaret:
			return before(b != "")
		case bCaret:
			return before(a == "")
		case a == "" || b == "":
			return cmp.Compare(len(a), len(b))
		}
		var c int
		if c, a, b = compareSegment(a, b); c != 0 {
			return c
		}
	}
	return 0
}

// before is the order of two versions of which the first does or does not come first.
func before(first bool) int {
	if first {
		return -1
	}
	return 1
}

// compareSegment compares the digits or letters that a begins with to those of the same kind that b begins with, and gives
// what is left of both. A number is newer than letters.
func compareSegment(a, b string) (order int, aRest, bRest string) {
	if startsWithDigit(a) {
		m, aRest := cutDigits(a)
		n, bRest := cutDigits(b)
		if n == "" {
			return 1, "", ""
		}
		return compareDigits(m, n), aRest, bRest
	}
	m, aRest := cutLetters(a)
	n, bRest := cutLetters(b)
	if n == "" {
		return -1, "", ""
	}
	return strings.Compare(m, n), aRest, bRest
}

func rpmSeparator(c rune) bool {
	return !isLetter(c) && (c < '0' || c > '9') && c != '~' && c != '^'
}

// alpmVersion is a version of Arch Linux's packages, ordered as vercmp(8) does: rpm's order of old, in which letters after a
// number make it older, and a release counts only where both have one.
type alpmVersion struct{ rpmVersion }

func parseALPM(text string) (ordered, bool) {
	return alpmVersion{splitRPM(text)}, printable(text)
}

func (v alpmVersion) compare(other ordered) (int, error) {
	w := other.(alpmVersion)
	c := cmp.Or(compareDigits(v.epoch, w.epoch), alpmCompare(v.version, w.version))
	if c == 0 && v.hasRelease && w.hasRelease {
		c = alpmCompare(v.release, w.release)
	}
	return c, nil
}

func alpmCompare(a, b string) int {
	for a != "" && b != "" {
		aRest, bRest := strings.TrimLeftFunc(a, alpmSeparator), strings.TrimLeftFunc(b, alpmSeparator)
		aGap, bGap := len(a)-len(aRest), len(b)-len(bRest)
		a, b = aRest, bRest
		if a == "" || b == "" {
			break
		}
		if aGap != bGap {
			return cmp.Compare(aGap, bGap)
		}
		var c int
		if c, a, b = compareSegment(a, b); c != 0 {
			return c
		}
	}
	switch {
	case a == "" && b == "":
		return 0
	case a == "" && !startsWithLetter(b), startsWithLetter(a):
		return -1
	}
	return 1
}

func alpmSeparator(c rune) bool { return !isLetter(c) && (c < '0' || c > '9') }
