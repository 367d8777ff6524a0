package advisory

import "strings"

// Key is the name under which the records of a package are kept and looked up: the ecosystem without its
// suffix, and the package's name in the one spelling that its ecosystem gives to all spellings of it. PyPI
// names are compared as PEP 503 says (https://peps.python.org/pep-0503/#normalized-names), NuGet's and
// Packagist's without regard to case, all others exactly.
func Key(ecosystem, name string) string {
	base, _, _ := strings.Cut(ecosystem, ":")
	base = strings.ToLower(base)
	switch base {
	case "pypi":
		name = normalizePyPI(name)
	case "nuget", "packagist":
		name = strings.ToLower(name)
	}
	return base + ":" + name
}

// normalizePyPI lowers the name and makes one hyphen of each run of hyphens, underscores and dots.
func normalizePyPI(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	separated := false
	for _, c := range []byte(strings.ToLower(name)) {
		separator := c == '-' || c == '_' || c == '.'
		switch {
		case !separator:
			b.WriteByte(c)
		case !separated:
			b.WriteByte('-')
		}
		separated = separator
	}
	return b.String()
}
