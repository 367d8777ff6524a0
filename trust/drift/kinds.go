package drift

import (
	"path"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/sbom"
)

// kind is what a tool that makes SBOMs looks for, or does not: packages of one type that are known in one way.
type kind struct {
	purlType, extractor string
	nested              bool // inside an archive
	// project is the directory that npm or pip installed into: a tool may look at one project alone.
	project string
}

func kindOf(p *inventory.Package) kind {
	at := first(p.Paths)
	k := kind{purlType: p.Type, extractor: p.Extractor, nested: strings.Contains(at, "!/")}
	switch p.Type {
	case "npm":
		k.project, _, _ = strings.Cut("/"+at, "/node_modules/")
	case "pypi":
		k.project = path.Dir(path.Dir(at))
	}
	return k
}

// looksFor says whether the maker of a document looks for a kind of packages. What it lists of a kind tells, and for well-known
// makers what their documentation says that they find in an image: a package planted into an image that had none of its kind
// is then found, too.
func (c *comparison) looksFor(k kind) bool { return c.kinds[k] || catalogued(c.doc, k) }

// catalogued says what well-known makers find in images unless they are told otherwise:
// https://github.com/anchore/syft/wiki/package-cataloger-selection and https://trivy.dev/latest/docs/coverage/language/ (the
// columns of container images).
func catalogued(doc *sbom.Document, k kind) bool {
	maker := strings.ToLower(doc.Tool.Name)
	switch {
	case maker == "tidewaiter":
		return true
	case maker == "trivy" && k.purlType == "generic":
		return false // a jar that does not say what it is
	case maker == "syft" && doc.OfDirectory && k.extractor == "npm-installed":
		return false // of a directory it reads lock files
	case maker != "syft" && maker != "trivy":
		return false
	}
	switch k.extractor {
	case "dpkg", "apk", "rpm", "npm-installed", "python-installed", "go-binary", "java-archive", "gem-installed":
		return true
	}
	return false
}
