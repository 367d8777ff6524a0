package version

import (
	"regexp"
	"strings"
)

// The functions of this file say whether a text is a version of their ecosystem, and give it as package
// semantic must see it. Each rewriting names the difference that makes it needed.

// The grammars. A regexp is read only, so these are constants in all but name.
var (
	// PEP 440, appendix B, which reads without regard to case.
	pep440Grammar = regexp.MustCompile(`(?i)^v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*` +
		`(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?[0-9]*)?` +
		`(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?` +
		`(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$`)
	// Gem::Version::VERSION_PATTERN.
	gemGrammar = regexp.MustCompile(`^[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$`)
	// apk-package(5), "pkgver".
	apkGrammar = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)*[a-z]?(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*(?:~[0-9a-f]+)?(?:-r[0-9]+)?$`)
	apkBuild   = regexp.MustCompile(`-r[0-9]+$`)
	// deb-version(7); dpkg itself only warns where the first character is not a digit.
	dpkgGrammar = regexp.MustCompile(`^(?:[0-9]+:)?[0-9A-Za-z][0-9A-Za-z.+~:-]*$`)
	// rpm's version and release: https://rpm.org/docs/latest/man/rpm-version.7
	rpmGrammar = regexp.MustCompile(`^(?:[0-9]+:)?[0-9A-Za-z._+~^]+(?:-[0-9A-Za-z._+~^]+)?$`)
	// Maven takes any text for a version; these are the characters that cannot stand in a path, or that
	// mean a range or an unresolved property.
	mavenGrammar = regexp.MustCompile(`^[^\s\\/:"<>|?*\[\](),${}]+$`)
	mavenDotted  = regexp.MustCompile(`\.([A-Za-z])`)
	// R numeric_version: at least one number, then more after dots or hyphens.
	cranGrammar    = regexp.MustCompile(`^[0-9]+(?:[.-][0-9]+)*$`)
	hackageGrammar = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)*$`)
	// Composer\Semver\VersionParser::normalize: classical versions and dates, with their stability.
	composerGrammar = regexp.MustCompile(`(?i)^v?([0-9]{1,5}(?:\.[0-9]+){0,3}|[0-9]{4}(?:[.:-]?[0-9]{2}){1,6}(?:[.:-]?[0-9]{1,3}){0,2})` +
		`(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]+)*))?([.-]?dev)?(?:\+\S+)?$`)
)

func pep440(text string) (string, bool) {
	text = strings.TrimSpace(text)
	return text, pep440Grammar.MatchString(text)
}

// gem writes a hyphen as Gem::Version does; package semantic keeps it as a letter.
func gem(text string) (string, bool) {
	text = strings.TrimSpace(text)
	return strings.ReplaceAll(text, "-", ".pre."), gemGrammar.MatchString(text)
}

func apk(text string) (string, bool)  { return text, apkGrammar.MatchString(text) }
func dpkg(text string) (string, bool) { return text, dpkgGrammar.MatchString(text) }
func rpm(text string) (string, bool)  { return text, rpmGrammar.MatchString(text) }
func cran(text string) (string, bool) { return text, cranGrammar.MatchString(text) }

// maven writes a qualifier after a dot as one after a hyphen: they are the same to Maven ("2.0.a" is "2-a", older
// than "2-1"), but not to package semantic. See https://maven.apache.org/pom.html#version-order-specification
func maven(text string) (string, bool) {
	return mavenDotted.ReplaceAllString(text, "-$1"), mavenGrammar.MatchString(text)
}

func hackage(text string) (string, bool) { return text, hackageGrammar.MatchString(text) }

// composer gives a version as Composer normalises it, with four numbers and one spelling of each stability:
// package semantic orders as PHP's version_compare does, where 1.0 is older than 1.0.0. Branches ("dev-main",
// "2.x-dev") are no versions: https://getcomposer.org/doc/articles/versions.md
func composer(text string) (string, bool) {
	m := composerGrammar.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return "", false
	}
	numbers, stability, count, dev := m[1], strings.ToLower(m[2]), strings.TrimLeft(m[3], ".-"), m[4]
	numbers = strings.NewReplacer(":", ".", "-", ".").Replace(numbers)
	numbers += strings.Repeat(".0", max(0, 3-strings.Count(numbers, ".")))
	switch stability {
	case "", "stable":
	case "a":
		numbers += ".alpha." + count
	case "b":
		numbers += ".beta." + count
	case "p", "pl", "patch":
		numbers += ".p." + count
	default:
		numbers += "." + stability + "." + count
	}
	if dev != "" {
		numbers = strings.TrimRight(numbers, ".") + ".dev"
	}
	return strings.TrimRight(numbers, "."), true
}
