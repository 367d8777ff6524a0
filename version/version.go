// Package version orders versions as each ecosystem does.
//
// In go two version strings and an OSV ecosystem; out comes their order, or an error where one of them
// is not a version of that ecosystem at all. A [Range] holds the versions that a vers, or a requirement in an ecosystem's own
// words, admits. The package knows nothing of packages or advisories, and must never guess: a version that cannot be
// compared is an error, not an order.
//
// The orders of dpkg, Composer, CRAN and Hackage are those of osv-scalibr's semantic package (semantic.go). The others are
// ordered here: each type says where package semantic departs from the ecosystem's own tool, or what it lacks.
package version

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid says that a string is not a version of its ecosystem.
var ErrInvalid = errors.New("is not a version")

// ErrUnknownEcosystem says that the order of an ecosystem's versions is not known.
var ErrUnknownEcosystem = errors.New("has no known order of versions")

// maxLength bounds the work that a hostile version can ask for; the longest in OSV's data is far shorter.
const maxLength = 512

// Version is a version that has been read once and can be compared often.
type Version struct {
	scheme string
	value  ordered
}

// ordered is a version as its own scheme sees it; it is compared only with values of the same type.
type ordered interface {
	compare(other ordered) (int, error)
}

// Parse reads a version of an OSV ecosystem ("npm", "Debian:12"). What follows the colon does not matter, save
// where it says whose packages they are ("Root:Alpine:3.18"). The error wraps [ErrInvalid] or [ErrUnknownEcosystem].
func Parse(ecosystem, text string) (Version, error) {
	s := schemeOf(ecosystem, text)
	if s.parse == nil {
		return Version{}, fmt.Errorf("%s %w", ecosystem, ErrUnknownEcosystem)
	}
	if len(text) > maxLength {
		return Version{}, fmt.Errorf("%.40q... %w: longer than %d bytes", text, ErrInvalid, maxLength)
	}
	value, ok := s.parse(text)
	if !ok {
		return Version{}, fmt.Errorf("%q %w of %s", text, ErrInvalid, ecosystem)
	}
	return Version{scheme: s.name, value: value}, nil
}

// Compare is negative when v is older than w, 0 when they are equal, positive when v is newer. Versions of
// different schemes cannot be compared.
func (v Version) Compare(w Version) (int, error) {
	if v.value == nil || v.scheme != w.scheme {
		return 0, fmt.Errorf("a version in %q order cannot be compared with one in %q order", v.scheme, w.scheme)
	}
	return v.value.compare(w.value)
}

// Compare orders two versions of an ecosystem as [Version.Compare] does.
func Compare(ecosystem, a, b string) (int, error) {
	v, err := Parse(ecosystem, a)
	if err != nil {
		return 0, err
	}
	w, err := Parse(ecosystem, b)
	if err != nil {
		return 0, err
	}
	return v.Compare(w)
}

// Scheme is the name of the order that v is compared in, as its users know it: "dpkg", "rpm", "apk", "semver", ...
func (v Version) Scheme() string { return v.scheme }

// scheme is one way to read and order versions.
type scheme struct {
	name  string
	parse func(text string) (ordered, bool)
}

// schemeOf says how an ecosystem orders its versions: one of OSV (https://ossf.github.io/osv-schema/#defined-ecosystems), a
// distribution that only others' advisories know, or a version type of vers that has no ecosystem. An order that is not
// known has no parse function. The text decides only where one ecosystem holds packages of two kinds.
func schemeOf(ecosystem, text string) scheme {
	base, suffix, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "npm":
		return scheme{"semver", parseNPM}
	case "crates.io", "Hex", "GHC", "GitHub Actions", "Julia", "Bioconductor",
		"SwiftURL", "VSCode", "Linux", "Kubernetes", "kubernetes", "SEMVER", "nginx", "intdot":
		return scheme{"semver", parseSemver}
	case "Go":
		return scheme{"go", parseGo}
	case "Bitnami":
		return scheme{"bitnami", parseBitnami}
	case "NuGet":
		return scheme{"nuget", parseNuGet}
	case "Pub":
		return scheme{"pub", parsePub}
	case "PyPI":
		return scheme{"pep440", parsePEP440}
	case "Maven":
		return scheme{"maven", parseMaven}
	case "RubyGems":
		return scheme{"gem", parseGem}
	case "Packagist":
		return scheme{"composer", parseComposer}
	case "CRAN":
		return scheme{"cran", parseCRAN}
	case "Hackage":
		return scheme{"hackage", parseHackage}
	case "Debian", "Ubuntu", "Echo", "opam":
		return scheme{"dpkg", parseDpkg}
	case "Alpine", "Alpaquita", "BellSoft Hardened Containers", "Chainguard", "Wolfi", "MinimOS", "CleanStart":
		return scheme{"apk", parseAPK}
	case "AlmaLinux", "Rocky Linux", "Red Hat", "SUSE", "openSUSE", "openEuler", "Mageia", "Photon OS", "Azure Linux",
		"CBL-Mariner", "Amazon Linux", "Amazon", "Oracle Linux", "Oracle", "Fedora", "CentOS":
		return scheme{"rpm", parseRPM}
	case "ConanCenter":
		return scheme{"conan", parseConan}
	case "alpm":
		return scheme{"alpm", parseALPM}
	case "gentoo":
		return scheme{"gentoo", parseGentoo}
	case "openssl":
		return scheme{"openssl", parseOpenSSL}
	case "CPE":
		return cpeScheme(suffix)
	case "datetime":
		return scheme{"datetime", parseTime}
	case "lexicographic":
		return scheme{"lexicographic", parseText}
	case "Root":
		return schemeOf(suffix, text)
	case "Docker Hardened Images":
		return hardenedScheme(suffix, text)
	}
	return scheme{}
}

// hardenedScheme tells Docker's two kinds of hardened images apart. OSV gives them one ecosystem, though their
// packages are Alpine's and Debian's; only apk's versions end in a build number, -r0.
func hardenedScheme(suffix, text string) scheme {
	i := strings.LastIndex(text, "-r")
	if strings.Contains(strings.ToLower(suffix), "alpine") || i >= 0 && isDigits(text[i+2:]) {
		return schemeOf("Alpine", text)
	}
	return schemeOf("Debian", text)
}
