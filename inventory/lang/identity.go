package lang

import (
	"path"
	"regexp"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/package-url/packageurl-go"

	"tidewaiter/inventory"
)

// newPackage names a package as the advisories of its ecosystem do, and gives it its purl.
func newPackage(purlType, name, version string) inventory.Package {
	name = inventory.AdvisoryName(purlType, name)
	return inventory.Package{
		PURL:      purl(purlType, name, version),
		Type:      purlType,
		Name:      name,
		Version:   version,
		Ecosystem: inventory.EcosystemOf(purlType),
	}
}

// unpublished takes away the ecosystem of a package that its registry does not have: an advisory for
// another package of that name there is not about this one.
func unpublished(p inventory.Package) inventory.Package {
	p.Ecosystem, p.Unpublished = "", true
	return p
}

// purl gives the package URL of a package, by its advisory name: https://github.com/package-url/purl-spec.
func purl(purlType, name, version string) string {
	namespace := ""
	switch purlType {
	case packageurl.TypeMaven:
		if group, artifact, ok := strings.Cut(name, ":"); ok {
			namespace, name = group, artifact
		}
	case packageurl.TypeNPM, packageurl.TypeGolang, packageurl.TypeComposer, packageurl.TypeSwift, packageurl.TypeHex:
		namespace, name = path.Split(name)
	}
	u := packageurl.NewPackageURL(purlType, strings.TrimSuffix(namespace, "/"), name, version, nil, "")
	_ = u.Normalize() // a name that breaks a rule of its type is still written down
	return u.ToString()
}

// licences gives the licences that metadata states: SPDX expressions where they can be read as such, else
// the words that the metadata uses. Empty ones and repetitions are left out.
func licences(stated ...string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range stated {
		if s = licence(s); s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// maxLicence bounds what is taken for a licence's name, in bytes: some metadata has the whole text there.
const maxLicence = 200

var spaces = regexp.MustCompile(`\s+`)

func licence(s string) string {
	s = strings.TrimSpace(spaces.ReplaceAllString(s, " "))
	if s == "" || len(s) > maxLicence || strings.EqualFold(s, "unknown") {
		return ""
	}
	if id, ok := familiarLicence(s); ok {
		return id
	}
	var valid []string
	err := guarded(func() error { // the parser panics on some words that are no expression
		valid, _ = spdxexp.ValidateAndNormalizeLicensesWithOptions([]string{s}, spdxexp.ValidateLicensesOptions{})
		return nil
	})
	if err == nil && len(valid) == 1 {
		return valid[0]
	}
	return s
}

// familiarLicence gives the SPDX identifier for the spellings that metadata most often has instead of one.
func familiarLicence(s string) (string, bool) {
	switch strings.ToLower(strings.TrimPrefix(strings.ToLower(s), "the ")) {
	case "mit", "mit license", "mit licence", "osi approved :: mit license", "expat":
		return "MIT", true
	case "isc license", "osi approved :: isc license (iscl)", "iscl":
		return "ISC", true
	case "apache 2.0", "apache-2", "apache 2", "apache license 2.0", "apache license, version 2.0", "apache license version 2.0",
		"apache software license 2.0", "asl 2.0", "http://www.apache.org/licenses/license-2.0",
		"http://www.apache.org/licenses/license-2.0.txt", "https://www.apache.org/licenses/license-2.0.txt",
		"https://www.apache.org/licenses/license-2.0":
		return "Apache-2.0", true
	case "bsd-3", "bsd 3-clause", "3-clause bsd", "3-clause bsd license", "bsd 3-clause license", "new bsd license", "modified bsd license":
		return "BSD-3-Clause", true
	case "bsd 2-clause", "2-clause bsd license", "simplified bsd license":
		return "BSD-2-Clause", true
	case "mpl 2.0", "osi approved :: mozilla public license 2.0 (mpl 2.0)":
		return "MPL-2.0", true
	case "psf", "psf license", "osi approved :: python software foundation license":
		return "PSF-2.0", true
	}
	return "", false
}
