package version

import (
	"cmp"
	"strings"
)

// gemVersion is ordered as Gem::Version does. (Package semantic keeps zeros that are written with several digits, "1.00.a".)
type gemVersion struct {
	numbers []string // the parts before the first that has letters, without zeros at the end
	tail    []string // from there on, likewise; a version that has one is a pre-release
}

// parseGem reads versions by Gem::Version::VERSION_PATTERN. A version of nothing but space is 0; a hyphen stands for ".pre.".
func parseGem(text string) (ordered, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return gemVersion{}, true
	}
	main, pre, hasPre := strings.Cut(text, "-")
	first, rest, more := strings.Cut(main, ".")
	if !isDigits(first) || more && !dotted(rest, isAlphanumeric) || hasPre && !dotted(pre, isSemverIdentifier) {
		return nil, false
	}
	return newGemVersion(strings.ReplaceAll(text, "-", ".pre.")), true
}

func newGemVersion(text string) gemVersion {
	var v gemVersion
	for text != "" {
		var part string
		switch {
		case startsWithDigit(text):
			part, text = cutDigits(text)
		case startsWithLetter(text):
			part, text = cutLetters(text)
		default:
			text = text[1:]
			continue
		}
		if v.tail == nil && startsWithDigit(part) {
			v.numbers = append(v.numbers, part)
		} else {
			v.tail = append(v.tail, part)
		}
	}
	v.numbers, v.tail = trimZeros(v.numbers), trimZeros(v.tail)
	return v
}

func trimZeros(parts []string) []string {
	for len(parts) > 0 && strings.Trim(parts[len(parts)-1], "0") == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

func (v gemVersion) compare(other ordered) (int, error) {
	w := other.(gemVersion)
	for i := range max(len(v.numbers)+len(v.tail), len(w.numbers)+len(w.tail)) {
		if c := compareGemParts(v.part(i), w.part(i)); c != 0 {
			return c, nil
		}
	}
	return 0, nil
}

func (v gemVersion) part(i int) string {
	switch {
	case i < len(v.numbers):
		return v.numbers[i]
	case i-len(v.numbers) < len(v.tail):
		return v.tail[i-len(v.numbers)]
	}
	return "0"
}

func compareGemParts(a, b string) int {
	aNumber, bNumber := startsWithDigit(a), startsWithDigit(b)
	switch {
	case aNumber && bNumber:
		return compareDigits(a, b)
	case aNumber != bNumber:
		return before(bNumber)
	}
	return cmp.Compare(a, b)
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if c := rune(s[i]); !isLetter(c) && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
