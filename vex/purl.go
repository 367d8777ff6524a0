package vex

import (
	"path"
	"strings"

	"github.com/package-url/packageurl-go"

	"tidewaiter/inventory"
	"tidewaiter/sbom"
)

// PURL is a package URL, taken apart for comparison (https://github.com/package-url/purl-spec).
type PURL struct {
	// Key is the type, the namespace and the name, by which packages are told apart.
	Key string
	// Type, Namespace and Name are as normalised by the type's rules.
	Type, Namespace, Name string
	Version               string
	// Qualifiers has all of them, by their names.
	Qualifiers map[string]string
	// Release is OSV's ecosystem of the distribution's release that the qualifiers name ("Debian:12"); empty where they name
	// none, or one that OSV does not know.
	Release string
}

// ParsePURL takes a package URL apart; false for any other text.
func ParsePURL(text string) (PURL, bool) {
	if !strings.HasPrefix(text, "pkg:") {
		return PURL{}, false
	}
	u, err := packageurl.FromString(text)
	if err != nil || u.Name == "" {
		return PURL{}, false
	}
	p := PURL{Type: u.Type, Namespace: u.Namespace, Name: u.Name, Version: u.Version}
	if len(u.Qualifiers) > 0 {
		p.Qualifiers = u.Qualifiers.Map()
		p.Release = sbom.ReleaseOf(&u)
	}
	namespace := p.Namespace
	switch u.Type {
	case packageurl.TypeRPM:
		namespace = vendor(namespace)
	case packageurl.TypePyPi: // the specification leaves dots as they are
		p.Name = inventory.AdvisoryName(u.Type, p.Name)
	case packageurl.TypeGolang: // some tools put the end of a module's path into the subpath
		p.Name = path.Join(p.Name, u.Subpath)
	}
	// Registries that mind case have no two packages that differ in nothing else, and authors write as they please.
	p.Key = strings.ToLower(p.Type + "/" + namespace + "/" + p.Name)
	if epoch := p.Qualifiers["epoch"]; u.Type == packageurl.TypeRPM && epoch != "" && epoch != "0" && !strings.Contains(p.Version, ":") {
		p.Version = epoch + ":" + p.Version
	}
	return p, true
}

// vendor gives one name to the names that a vendor of rpm packages goes by in package URLs.
func vendor(namespace string) string {
	switch n := strings.ToLower(namespace); {
	case n == "rhel":
		return "redhat"
	case strings.HasPrefix(n, "sle"), strings.HasPrefix(n, "opensuse"):
		return "suse"
	default:
		return n
	}
}

// at gives the package URL with another version, or with none.
func (p PURL) at(version string) string {
	qualifiers := packageurl.QualifiersFromMap(p.Qualifiers)
	return packageurl.NewPackageURL(p.Type, p.Namespace, p.Name, version, qualifiers, "").ToString()
}

// IsImage says whether the package URL names a container image.
func (p PURL) IsImage() bool { return p.Type == packageurl.TypeOCI || p.Type == packageurl.TypeDocker }

// IsSource says whether it names a distribution's source package, of which others are built.
func (p PURL) IsSource() bool {
	switch p.Type {
	case packageurl.TypeDebian, packageurl.TypeRPM, packageurl.TypeApk:
		return p.Qualifiers["arch"] == "source" || p.Qualifiers["arch"] == "src"
	}
	return false
}
