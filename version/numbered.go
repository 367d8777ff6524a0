package version

import (
	"cmp"
	"strings"
)

// numbered is a semantic version, or one of its kin: numbers, then perhaps a pre-release and a build. It follows
// https://semver.org/#spec-item-11, save that there may be any count of numbers. (Package semantic takes a
// fourth number for a pre-release, so that 1.2.3.4 is older than 1.2.3, and allocates for every digit.)
type numbered struct {
	numbers string // "1.2.3"; a number that is not there is 0
	pre     string // "rc.1"; empty for a release
	build   string // orders only Pub's versions
}

func (v numbered) compare(other ordered) (int, error) {
	w := other.(numbered)
	return cmp.Or(compareNumbers(v.numbers, w.numbers), comparePreReleases(v.pre, w.pre), strings.Compare(v.build, w.build)), nil
}

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

// compareDigits compares decimal numbers of any size; an empty one is 0.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func comparePreReleases(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	for a != "" && b != "" {
		var m, n string
		m, a, _ = strings.Cut(a, ".")
		n, b, _ = strings.Cut(b, ".")
		if c := compareIdentifiers(m, n); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareIdentifiers(a, b string) int {
	aNumber, bNumber := isDigits(a), isDigits(b)
	switch {
	case aNumber && bNumber:
		return compareDigits(a, b)
	case aNumber:
		return -1
	case bNumber:
		return 1
	}
	return strings.Compare(a, b)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// splitNumbered reads a version loosely, as versions are found installed: a v in front, fewer or more than
// three numbers, and a pre-release with no hyphen before it ("1.0rc1").
func splitNumbered(text string) (numbered, bool) {
	text = strings.TrimPrefix(text, "v")
	text, build, hasBuild := strings.Cut(text, "+")
	end := len(text) - len(strings.TrimLeft(text, "0123456789."))
	v := numbered{numbers: text[:end], build: build}
	pre, hasPre := strings.CutPrefix(text[end:], "-")
	v.pre = pre
	ok := dotted(v.numbers, isDigits) && (!hasPre && pre == "" || dotted(pre, isIdentifier)) && (!hasBuild || dotted(build, isIdentifier))
	return v, ok
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

func isIdentifier(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}

func parseSemver(text string) (ordered, bool) {
	v, ok := splitNumbered(strings.TrimSpace(text))
	v.build = ""
	return v, ok
}

// parseGo reads module versions and the releases of Go itself, which have no hyphen and may name experiments:
// "1.21rc2", "1.22.3 X:boringcrypto". OSV writes them as semantic versions, 1.21.0-rc.2.
func parseGo(text string) (ordered, bool) {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "go"), " ")
	v, ok := splitNumbered(text)
	v.build = ""
	for _, word := range []string{"rc", "beta"} {
		if n, found := strings.CutPrefix(v.pre, word); found && isDigits(n) {
			v.pre = word + "." + n
		}
	}
	return v, ok
}

// parseBitnami reads Bitnami's versions, whose "-1" is a revision of the package and not a pre-release:
// https://github.com/bitnami/go-version
func parseBitnami(text string) (ordered, bool) {
	v, ok := splitNumbered(text)
	v.build = ""
	if isDigits(v.pre) {
		numbers := v.numbers + strings.Repeat(".0", max(0, 3-strings.Count(v.numbers, ".")))
		v.numbers, v.pre = numbers+"."+v.pre, ""
	}
	return v, ok
}

// parseNuGet reads NuGet's versions, four numbers at most and letters of either case:
// https://learn.microsoft.com/nuget/concepts/package-versioning
func parseNuGet(text string) (ordered, bool) {
	v, ok := splitNumbered(strings.ToLower(strings.TrimSpace(text)))
	v.build = ""
	return v, ok && strings.Count(v.numbers, ".") < 4
}

// parsePub reads Dart's versions; builds order them too: https://pub.dev/packages/pub_semver
func parsePub(text string) (ordered, bool) {
	v, ok := splitNumbered(text)
	return v, ok
}
