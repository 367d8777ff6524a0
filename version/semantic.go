package version

import (
	"strings"

	"github.com/google/osv-scalibr/semantic"
)

// The orders that package semantic has right. It takes any text for a version, so each text is first held against
// its ecosystem's grammar.

// semanticVersion is a version that package semantic orders.
type semanticVersion struct{ semantic.Version }

func (v semanticVersion) compare(other ordered) (int, error) {
	return v.Compare(other.(semanticVersion).Version)
}

func readSemantic(text, ecosystem string) (ordered, bool) {
	v, err := semantic.Parse(text, ecosystem)
	return semanticVersion{v}, err == nil
}

// parseDpkg takes what dpkg itself does: deb-version(7) asks for a digit first and for few other characters, but dpkg
// only warns of those. It refuses an epoch that does not fit an int, and an empty epoch, version or revision.
func parseDpkg(text string) (ordered, bool) {
	upstream := text
	if epoch, rest, ok := strings.Cut(text, ":"); ok {
		upstream = rest
		epoch = strings.TrimPrefix(epoch, "+")
		text = epoch + ":" + rest
		if !isDigits(epoch) || compareDigits(epoch, "2147483647") > 0 {
			return nil, false
		}
	}
	last := strings.LastIndexByte(upstream, '-')
	if !printable(upstream) || last == 0 || last == len(upstream)-1 {
		return nil, false
	}
	return readSemantic(text, "Debian")
}

// parseCRAN reads R's numeric_version: numbers with dots or hyphens between.
func parseCRAN(text string) (ordered, bool) {
	numbers := strings.ReplaceAll(text, "-", ".")
	if !dotted(numbers, isDigits) {
		return nil, false
	}
	return readSemantic(text, "CRAN")
}

func parseHackage(text string) (ordered, bool) {
	if !dotted(text, isDigits) {
		return nil, false
	}
	return readSemantic(text, "Hackage")
}

// parseComposer orders as PHP's version_compare does, on the text that Composer normalises a version to. Named branches
// ("dev-main") have no order: Composer takes them for equal to themselves alone.
func parseComposer(text string) (ordered, bool) {
	normal, ok := normalizeComposer(text)
	if !ok {
		return nil, false
	}
	return readSemantic(normal, "Packagist")
}
