package sbom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// Claims gives the extractor of the SBOM documents that lie in an image: those of Bitnami, apko and melange, Docker's
// hardened images, Python's wheels (PEP 770), and others at the places where such documents are put. What they name is
// claimed: nothing but the document proves it.
func Claims() inventory.Extractor { return claims{} }

type claims struct{}

// Name implements [inventory.Extractor].
func (claims) Name() string { return "sbom-claim" }

// Rules implements [inventory.Extractor].
func (claims) Rules() []inventory.Rule {
	return []inventory.Rule{
		{Dir: "opt/bitnami", Suffix: ".spdx"},
		{Dir: "var/lib/db/sbom", Suffix: ".json"},
		{Dir: "usr/share/sbom", Suffix: ".json"},
		{Dir: "opt/docker/sbom", Suffix: ".json"},
		{Dir: "sboms", Suffix: ".json"}, // of a wheel: x.dist-info/sboms/x.cdx.json
		{Suffix: ".spdx.json"},
		{Suffix: ".cdx.json"},
		{Suffix: ".cyclonedx.json"},
		{Name: "bom.json"},
		{Name: "sbom.json"},
	}
}

// The bounds of a document inside an image, in bytes and in packages. Those of whole distributions have a few MiB, and some
// thousand packages.
const (
	maxClaim   = 16 << 20
	maxClaimed = 20_000
)

// Extract implements [inventory.Extractor].
func (claims) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	if !isClaim(p) {
		return nil, nil
	}
	e, ok := tree.Lookup(p)
	if !ok {
		return nil, nil
	}
	content := e.File.Content()
	if len(content) > maxClaim {
		return nil, fmt.Errorf("over %d MiB: not read", maxClaim>>20)
	}
	if !isDeclared(p) && !bytes.Contains(content, []byte("spdxVersion")) && !bytes.Contains(content, []byte("bomFormat")) {
		return nil, nil // only the name is that of an SBOM
	}
	d, err := read(content, 0)
	if err != nil {
		return nil, err
	}
	packages := d.Inventory.Packages
	if len(packages) > maxClaimed {
		return nil, fmt.Errorf("it names over %d packages: not read", maxClaimed)
	}
	for i := range packages {
		claimed(&packages[i], p)
	}
	for _, s := range d.Inventory.BlindSpots {
		if s.Packages > 0 { // packages that could not be named; a document without any claims nothing
			return packages, errors.New(s.Message)
		}
	}
	return packages, nil
}

// claimed makes a package of a document one that the image's file p claims.
func claimed(q *inventory.Package, p string) {
	q.Claimed, q.Extractor, q.Paths = true, "", []string{p}
	q.Layer, q.Instruction, q.Origin, q.Owner, q.Identities = nil, "", "", "", nil // those are this image's to tell
}

// isDeclared says whether a path is one where only SBOM documents lie.
func isDeclared(p string) bool {
	for _, dir := range []string{"/opt/bitnami/", "/var/lib/db/sbom/", "/usr/share/sbom/", "/opt/docker/sbom/"} {
		if strings.HasPrefix("/"+p, dir) {
			return true
		}
	}
	return strings.Contains(p, ".dist-info/sboms/")
}

// isClaim keeps documents that speak of this image from those that a package, a test or an example brought along.
func isClaim(p string) bool {
	if isDeclared(p) {
		return true
	}
	switch base := path.Base(p); base {
	case "bom.json", "sbom.json": // the root, or the directory of an application
		return strings.Count(p, "/") <= 1
	}
	dir := "/" + strings.ToLower(path.Dir(p)) + "/"
	for _, d := range []string{
		"/node_modules/", "/site-packages/", "/dist-packages/", "/gems/", "/pkg/mod/", "/vendor/", "/.cargo/", "/usr/local/go/", "/usr/share/doc/",
		"/test/", "/tests/", "/testdata/", "/fixtures/", "/test-fixtures/", "/__tests__/", "/example/", "/examples/", "/meta-inf/", "/sboms/",
	} {
		if strings.Contains(dir, d) {
			return false
		}
	}
	return true
}
