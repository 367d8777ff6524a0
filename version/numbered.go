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
	return cmp.Or(compareNumbers(v.numbers, w.numbers), comparePreReleases(v.pre, w.pre), compareBuilds(v.build, w.build)), nil
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
	return compareIdentifierLists(a, b)
}

// compareBuilds puts a version with no build before those with one, as Pub does.
func compareBuilds(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(len(a), len(b))
	}
	return compareIdentifierLists(a, b)
}

func compareIdentifierLists(a, b string) int {
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
	case aNumber != bNumber:
		return before(aNumber)
	}
	return strings.Compare(a, b)
}

// splitNumbered reads a version loosely, as versions are found installed: a v in front, fewer or more than
// three numbers, and a pre-release with no hyphen before it ("1.0rc1").
func splitNumbered(text string) (numbered, bool) {
	text = strings.TrimPrefix(text, "v")
	text, build, hasBuild := strings.Cut(text, "+")
	numbers, pre := cutRelease(text)
	v := numbered{numbers: numbers, build: build}
	ok := numbers != "" && (!hasBuild || dotted(build, isIdentifier))
	if pre == "" {
		return v, ok
	}
	// Node's loose reading takes the hyphen for a part of the pre-release where nothing else can be made of it.
	if v.pre = strings.TrimPrefix(pre, "-"); v.pre == "" || v.pre[0] == '.' && pre[0] == '-' {
		v.pre = pre
	}
	return v, ok && dotted(v.pre, isIdentifier)
}

// isIdentifier says whether s can stand between the dots of a pre-release; underscores do in what is found installed.
func isIdentifier(s string) bool {
	return s != "" && isSemverIdentifier(strings.ReplaceAll(s, "_", "-"))
}

func isSemverIdentifier(s string) bool {
	return isAlphanumeric(strings.ReplaceAll(s, "-", "a")) && s != ""
}

func parseSemver(text string) (ordered, bool) {
	v, ok := splitNumbered(strings.TrimSpace(text))
	v.build = ""
	return v, ok
}

// maxNodeNumber and maxNodeLength are node-semver's limits.
const (
	maxNodeNumber = "9007199254740991"
	maxNodeLength = 256
)

// parseNPM reads versions as node-semver does in its loose mode, and fewer or more than three numbers besides.
func parseNPM(text string) (ordered, bool) {
	text = strings.TrimLeft(strings.TrimSpace(text), "v= \t")
	v, ok := splitNumbered(text)
	v.build = ""
	for n := range strings.SplitSeq(v.numbers, ".") {
		ok = ok && compareDigits(n, maxNodeNumber) <= 0
	}
	return v, ok && len(text) <= maxNodeLength
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

// parseNuGet reads NuGet's versions: at most four numbers, perhaps with spaces around them, that each fit an int, and letters
// of either case. See https://learn.microsoft.com/nuget/concepts/package-versioning
func parseNuGet(text string) (ordered, bool) {
	text = strings.TrimSpace(text)
	main, build, hasBuild := strings.Cut(text, "+")
	main, pre, hasPre := strings.Cut(main, "-")
	parts := strings.Split(main, ".")
	for i, part := range parts {
		parts[i] = strings.Trim(part, " ")
		if !isDigits(parts[i]) || compareDigits(parts[i], "2147483647") > 0 {
			return nil, false
		}
	}
	ok := len(parts) <= 4 && (!hasPre || dotted(pre, isSemverIdentifier)) && (!hasBuild || dotted(build, isSemverIdentifier))
	return numbered{numbers: strings.Join(parts, "."), pre: lowerASCII(pre)}, ok
}

// parsePub reads Dart's versions; builds order them too: https://pub.dev/packages/pub_semver
func parsePub(text string) (ordered, bool) {
	v, ok := splitNumbered(text)
	return v, ok
}
