package inventory

import (
	"strings"

	"github.com/package-url/packageurl-go"
)

// EcosystemOf gives OSV's ecosystem for a purl type: https://ossf.github.io/osv-schema/#defined-ecosystems.
// Types that OSV has no ecosystem for give the empty string, and so do the distributions' (see [OS.Ecosystem]).
func EcosystemOf(purlType string) string {
	switch purlType {
	case packageurl.TypeNPM:
		return "npm"
	case packageurl.TypePyPi:
		return "PyPI"
	case packageurl.TypeMaven:
		return "Maven"
	case packageurl.TypeGolang:
		return "Go"
	case packageurl.TypeCargo:
		return "crates.io"
	case packageurl.TypeGem:
		return "RubyGems"
	case packageurl.TypeComposer:
		return "Packagist"
	case packageurl.TypeNuget:
		return "NuGet"
	case packageurl.TypePub:
		return "Pub"
	case packageurl.TypeHex:
		return "Hex"
	case packageurl.TypeCran:
		return "CRAN"
	case packageurl.TypeHackage:
		return "Hackage"
	case packageurl.TypeConan:
		return "ConanCenter"
	case packageurl.TypeSwift:
		return "SwiftURL"
	case packageurl.TypeJulia:
		return "Julia"
	case "opam":
		return "opam"
	case packageurl.TypeBitnami:
		return "Bitnami"
	}
	return ""
}

// AdvisoryName gives a package's name in the spelling that advisories use.
func AdvisoryName(purlType, name string) string {
	switch purlType {
	case packageurl.TypePyPi:
		return pypiName(name)
	case packageurl.TypeComposer, packageurl.TypeHex, packageurl.TypePub:
		return strings.ToLower(name)
	case packageurl.TypeSwift:
		return strings.TrimSuffix(name, "/")
	}
	return name
}

// pypiName normalises a name as PEP 503 says: lower case, each run of "-", "_" and "." one "-".
func pypiName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; c {
		case '-', '_', '.':
			if s := b.String(); s == "" || s[len(s)-1] != '-' {
				b.WriteByte('-')
			}
		default:
			b.WriteByte(c)
		}
	}
	return strings.ToLower(b.String())
}
