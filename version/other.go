package version

import (
	"cmp"
	"strings"
	"time"
)

// The orders of version types that have no OSV ecosystem, as https://github.com/package-url/vers-spec names them.

// parseOpenSSL reads OpenSSL's versions. Before 3.0 the fixes are letters, 1.0.2 < 1.0.2a < 1.0.2z < 1.0.2za.
func parseOpenSSL(text string) (ordered, bool) {
	numbers, rest := cutRelease(text)
	letters, rest := cutLetters(rest)
	pre, hasPre := strings.CutPrefix(rest, "-")
	v := opensslVersion{numbered{numbers: numbers, pre: pre}, letters}
	return v, numbers != "" && (!hasPre && rest == "" || hasPre && dotted(pre, isIdentifier))
}

type opensslVersion struct {
	numbered
	letters string
}

func (v opensslVersion) compare(other ordered) (int, error) {
	w := other.(opensslVersion)
	return cmp.Or(compareNumbers(v.numbers, w.numbers), strings.Compare(v.letters, w.letters), comparePreReleases(v.pre, w.pre)), nil
}

// conanVersion is ordered as https://docs.conan.io/2/tutorial/versioning/version_ranges.html says: any text between dots,
// numbers compared as such, zeros at the end left out.
type conanVersion struct {
	main, pre, build string
	hasPre, hasBuild bool
}

func parseConan(text string) (ordered, bool) {
	if !printable(text) {
		return nil, false
	}
	var v conanVersion
	v.main, v.build, v.hasBuild = strings.Cut(text, "+")
	v.main, v.pre, v.hasPre = strings.Cut(v.main, "-")
	return v, true
}

func (v conanVersion) compare(other ordered) (int, error) {
	w := other.(conanVersion)
	return cmp.Or(compareConan(v.main, w.main), compareBool(w.hasPre, v.hasPre), compareConan(v.pre, w.pre),
		compareBool(v.hasBuild, w.hasBuild), compareConan(v.build, w.build)), nil
}

func compareConan(a, b string) int {
	m, n := trimZeros(strings.Split(a, ".")), trimZeros(strings.Split(b, "."))
	for i := range min(len(m), len(n)) {
		c := strings.Compare(m[i], n[i])
		if isDigits(m[i]) && isDigits(n[i]) {
			c = compareDigits(m[i], n[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(m), len(n))
}

// gentooVersion is ordered as the Package Manager Specification says, 3.3: https://projects.gentoo.org/pms/8/pms.html
type gentooVersion struct {
	numbers  []string
	letter   string
	suffixes []string // "rc2"
	revision string
}

func parseGentoo(text string) (ordered, bool) {
	var v gentooVersion
	numbers, rest := cutRelease(text)
	v.numbers = strings.Split(numbers, ".")
	if startsWithLetter(rest) {
		v.letter, rest = rest[:1], rest[1:]
	}
	if suffixes, revision, ok := strings.Cut(rest, "-r"); ok {
		if !isDigits(revision) {
			return nil, false
		}
		v.revision, rest = revision, suffixes
	}
	if suffixes, ok := strings.CutPrefix(rest, "_"); ok {
		v.suffixes, rest = strings.Split(suffixes, "_"), ""
	}
	for _, s := range v.suffixes {
		word, number := cutLetters(s)
		if gentooRank(word) == 0 || number != "" && !isDigits(number) {
			return nil, false
		}
	}
	return v, numbers != "" && rest == ""
}

func gentooRank(suffix string) int {
	switch suffix {
	case "alpha":
		return -4
	case "beta":
		return -3
	case "pre":
		return -2
	case "rc":
		return -1
	case "p":
		return 1
	}
	return 0
}

func (v gentooVersion) compare(other ordered) (int, error) {
	w := other.(gentooVersion)
	c := compareDigits(v.numbers[0], w.numbers[0])
	for i := 1; c == 0 && i < min(len(v.numbers), len(w.numbers)); i++ {
		c = compareGentooNumbers(v.numbers[i], w.numbers[i])
	}
	c = cmp.Or(c, cmp.Compare(len(v.numbers), len(w.numbers)), strings.Compare(v.letter, w.letter))
	for i := 0; c == 0 && i < max(len(v.suffixes), len(w.suffixes)); i++ {
		a, m := v.suffix(i)
		b, n := w.suffix(i)
		c = cmp.Or(cmp.Compare(a, b), compareDigits(m, n))
	}
	return cmp.Or(c, compareDigits(v.revision, w.revision)), nil
}

// compareGentooNumbers compares numbers of which one begins with a zero as fractions.
func compareGentooNumbers(a, b string) int {
	if a[0] == '0' || b[0] == '0' {
		return strings.Compare(strings.TrimRight(a, "0"), strings.TrimRight(b, "0"))
	}
	return compareDigits(a, b)
}

func (v gentooVersion) suffix(i int) (rank int, number string) {
	if i >= len(v.suffixes) {
		return 0, ""
	}
	word, number := cutLetters(v.suffixes[i])
	return gentooRank(word), number
}

// timeVersion is a moment of RFC 3339.
type timeVersion struct{ time.Time }

func parseTime(text string) (ordered, bool) {
	t, err := time.Parse(time.RFC3339Nano, text)
	return timeVersion{t}, err == nil
}

func (v timeVersion) compare(other ordered) (int, error) {
	return v.Compare(other.(timeVersion).Time), nil
}

// textVersion is ordered by its bytes.
type textVersion string

func parseText(text string) (ordered, bool) { return textVersion(text), text != "" }

func (v textVersion) compare(other ordered) (int, error) {
	return strings.Compare(string(v), string(other.(textVersion))), nil
}
