// Package inventory says what is aboard an image: the packages, each with the evidence for it.
//
// In go the indexes of an image's layers; out comes an [Inventory]. The files that matter are chosen by
// one compiled matcher made of every [Extractor]'s rules; the extractors then parse what was captured,
// layer by layer on the overlaid tree, so that each package is known together with the layer that brought it.
//
// This package must never read a layer's bytes (that is package layer's), never open a file of the host,
// and never leave something out silently: a database that does not parse is a blind spot.
package inventory

import (
	"path"

	"tidewaiter/image"
)

// Inventory is what is aboard.
type Inventory struct {
	// OS is the distribution, from os-release; zero when the image does not say.
	OS OS
	// Packages are sorted by type, name, version, architecture and first path.
	Packages []Package
	// Changes are what the layers did to the packages, sorted by layer, type, name and version.
	Changes []Change
	// Base is the image that this one was built on; nil where nothing says which.
	Base       *Base
	BlindSpots []image.BlindSpot
	// Reach says what of the image its entrypoint can come to; nil for an inventory that is not of an image.
	Reach *Reach `json:"-"`
	// NotInstalled are what lock files name and the installed trees beside them do not have, at this version.
	NotInstalled []Package `json:"-"`
	// Manifests are those of the projects aboard, sorted by file.
	Manifests []Manifest `json:"-"`
}

// Base is the image that another one was built on.
type Base struct {
	// Reference is its name, where one is known.
	Reference string `json:"reference,omitempty"`
	// Digest is that of its manifest (or index, where that is what the evidence names).
	Digest string `json:"digest,omitempty"`
	// Layers is how many of the image's lowest layers are the base's; 0 where the evidence does not tell, and nothing
	// can then be said to be of the base.
	Layers   int          `json:"layers,omitempty"`
	Evidence BaseEvidence `json:"evidence"`
	Sure     Sureness     `json:"sure"`
	// Caveat says in one line what speaks against the evidence, or what it leaves open.
	Caveat string `json:"caveat,omitempty"`
	// DockerfileLine is that of the FROM that names the base, counted from 1; 0 where no Dockerfile is known.
	DockerfileLine int `json:"dockerfileLine,omitempty"`
}

// BaseEvidence is what names a base.
type BaseEvidence string

// The evidence for a base, the best first.
const (
	FromProvenance  BaseEvidence = "provenance"  // the builder's provenance attestation
	FromAnnotations BaseEvidence = "annotations" // org.opencontainers.image.base.name and .digest
	FromLabels      BaseEvidence = "labels"      // the same as labels, which an image may have inherited from its base
	FromChain       BaseEvidence = "chain"       // the lowest layers are all those of a known base image
)

// Sureness is how much a base's evidence proves.
type Sureness string

// How sure a base is.
const (
	Exact        Sureness = "exact"        // the lowest layers are those of a known base image, by their verified digests
	Claimed      Sureness = "claimed"      // an unsigned document names the base and its layers, and they are the lowest ones
	Named        Sureness = "named"        // a document names the base, and nothing tells which layers are its
	Contradicted Sureness = "contradicted" // a document names the base, but its layers are known, and are not the lowest ones
)

// Origin says who brought something: the base image, or the application built on it.
type Origin string

// The origins. An image without a known base has none.
const (
	OfBase Origin = "base"
	OfApp  Origin = "app"
	OfBoth Origin = "both" // each brought a copy of the package
)

// OS is what an image's os-release says of the distribution.
type OS struct {
	ID        string `json:"id,omitempty"`
	VersionID string `json:"versionID,omitempty"`
	// Name is the pretty name: "Debian GNU/Linux 12 (bookworm)".
	Name string `json:"name,omitempty"`
	// Codename is VERSION_CODENAME, the only release that unreleased distributions give.
	Codename string `json:"-"`
	// CPE is CPE_NAME.
	CPE string `json:"-"`
}

// Package is one package aboard, with its evidence.
type Package struct {
	PURL string `json:"purl"`
	// Type is the purl type: deb, apk, rpm, npm, pypi, maven, golang, cargo, gem, ...
	Type string `json:"type"`
	// Name is the one that the ecosystem's advisories use: Maven group:artifact, Go module path ("stdlib"
	// for the standard library), npm @scope/name, PyPI normalised as PEP 503 says, Debian's binary package.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Ecosystem is OSV's, with the release where it has one: "Debian:12", "Alpine:v3.18", "npm". Empty where
	// OSV has no ecosystem for the package.
	Ecosystem string `json:"ecosystem,omitempty"`
	// Arch is the package's architecture, where its manager records one.
	Arch   string  `json:"arch,omitempty"`
	Source *Source `json:"source,omitempty"`
	// Licenses are SPDX expressions where the metadata can be read as such, else the words that it uses.
	Licenses []string `json:"licenses,omitempty"`
	// LicenseSource is the file of the image that the licences were read from, where it is not Paths[0].
	LicenseSource string `json:"licenseSource,omitempty"`
	// Supplier is who made the package, as its own database says: dpkg's and apk's maintainer, rpm's vendor.
	Supplier string `json:"supplier,omitempty"`
	// Vendor is who built a distribution's package that is not the image's distribution's own: another distribution, with
	// its release, or a vendor ("Debian 11", "EPEL 9", "Docker"). See [Package.SetBuilder].
	Vendor string `json:"vendor,omitempty"`
	// Origin is empty where no base is known.
	Origin Origin `json:"origin,omitempty"`
	// Layer is the first layer that has this version at this place; nil when the source has no layers.
	Layer       *int   `json:"layer,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	// LastLayer is the highest layer with a copy of the package; nil where that is Layer.
	LastLayer *int `json:"-"`
	// Paths are the files of the image that prove the package, without leading slash; the first is the
	// database or metadata file that names it. A jar inside a jar is written outer.jar!/inner.jar.
	Paths     []string `json:"paths,omitempty"`
	Extractor string   `json:"extractor"`
	// Recognised says that no package manager declares the package: it was known by its binary's own content, of which
	// Evidence quotes what tells.
	Recognised bool     `json:"recognised,omitempty"`
	Evidence   []string `json:"evidence,omitempty"`
	// CPE is the package's name in the CPE dictionary, as a formatted string of CPE 2.3. Recognised packages have one, and
	// those of SBOM documents that give it.
	CPE string `json:"cpe,omitempty"`
	// Claimed says that an SBOM document inside the image names the package, and that nothing else proves it.
	Claimed bool `json:"claimed,omitempty"`
	// Locked says that the package is known from a lock file alone: no installed copy of it was found.
	Locked bool `json:"locked,omitempty"`
	// LockFiles are the lock files that name an installed package at this version.
	LockFiles []string `json:"lockFiles,omitempty"`
	// Unpublished says that no public registry can have the package (npm's "private", a crate of the user's own): no
	// advisory speaks of it, and that is no blind spot.
	Unpublished bool `json:"unpublished,omitempty"`
	// Project says that the package is known from its own manifest in a place where no package manager installs:
	// an application's root. That its dependencies are installed does not follow.
	Project bool `json:"-"`
	// Owner is the purl of the distribution's package that installed this one.
	Owner string `json:"owner,omitempty"`
	// Identities are, for a distribution's package, the purls of the packages of other ecosystems that it installed:
	// those whose Owner it is.
	Identities []string `json:"identities,omitempty"`

	// Main says that the package is the program itself and not one of its dependencies: a Go executable's main module.
	Main bool `json:"-"`
	// Functions are those of the executables that prove the package; nil where those of any are not known.
	Functions *Functions `json:"-"`
	// Builder is what the package's database says of who built it besides Supplier: dpkg's Origin or Vendor, rpm's Distribution.
	Builder string `json:"-"`
	// Modularity is an rpm's module label, name:stream:version:context; empty for a package of no module.
	Modularity string `json:"modularity,omitempty"`
	// Depends are the names of the packages that this one says it needs.
	Depends []string `json:"-"`
	// Choices are further packages aboard that may stand for one that it needs: other alternatives, other providers. Recommends are
	// those that its installation may bring along without a need, and Provides the names that it answers to besides its own.
	// All three are for packages of distributions alone.
	Choices, Recommends, Provides []string `json:"-"`
	// Requires are Depends with what versions of them will do, for packages of npm, PyPI and Maven.
	Requires []Requirement `json:"-"`
	// Requested says that a user asked for the package and not another package: pip's REQUESTED.
	Requested bool `json:"-"`
	// Files are what the package's own manager says it installed.
	Files []OwnedFile `json:"-"`
	// Digests are those that an SBOM document gives of the package's content, algorithm:hex.
	Digests []string `json:"-"`
}

// Place is where a person would look for the package: the file that proves it, or the directory that the package fills
// where that file only describes it. It has a leading slash, and is empty where no file is known.
func (p *Package) Place() string {
	if len(p.Paths) == 0 {
		return ""
	}
	switch dir, base := path.Split("/" + p.Paths[0]); base {
	case "package.json", "METADATA", "PKG-INFO":
		return path.Clean(dir)
	default:
		return dir + base
	}
}

// OfDistribution says whether a distribution's package manager installed the package.
func (p *Package) OfDistribution() bool { return p.Type == "deb" || p.Type == "apk" || p.Type == "rpm" }

// Source is the source package that a distribution's binary package was built from.
type Source struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

// OwnedFile is one file that a package's manager says it installed.
type OwnedFile struct {
	// Path is relative to the image's root, without leading slash, as the database writes it.
	Path string
	// Digest is the database's own checksum with its algorithm ("md5:...", "sha1:...", "sha256:...");
	// empty where it has none.
	Digest string
	// Mode is the file's, as POSIX numbers it; 0 where the database has none.
	Mode uint32
	// Config marks configuration that its user may change.
	Config bool
	// Optional marks a file whose absence says nothing: the package only claims the name, or it was left out on purpose.
	Optional bool
}
