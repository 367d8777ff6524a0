package sbom

import (
	"cmp"
	"net/url"
	"path"
	"strings"

	"github.com/package-url/packageurl-go"

	"tidewaiter/image"
	"tidewaiter/inventory"
)

// fromPURL gives what a package URL says of a package, named as the inventory names it. os is what the document says of
// its distribution. False for a URL that cannot be read, and for one of a whole image.
//
// Of qualifiers it knows those of the purl specification and those in use: distro (and Docker Scout's os_name and
// os_version), epoch, rpmmod and modularitylabel, and for the source package Syft's upstream and OSV-Scalibr's own.
func fromPURL(text string, os inventory.OS) (inventory.Package, bool) {
	u, err := packageurl.FromString(text)
	if err != nil || u.Name == "" || u.Type == packageurl.TypeOCI || u.Type == packageurl.TypeDocker {
		return inventory.Package{}, false
	}
	qualifiers := u.Qualifiers.Map()
	p := inventory.Package{PURL: text, Type: u.Type, Name: purlName(&u), Version: u.Version, Arch: qualifiers["arch"]}
	p.Ecosystem = inventory.EcosystemOf(p.Type)
	switch p.Type {
	case packageurl.TypeDebian, packageurl.TypeApk, packageurl.TypeRPM:
		if epoch := qualifiers["epoch"]; epoch != "" && epoch != "0" && !strings.Contains(p.Version, ":") {
			p.Version = epoch + ":" + p.Version
		}
		p.Source = sourceQualifier(&p, qualifiers)
		p.SetBuilder(distribution(&u, qualifiers, os))
		p.Modularity = cmp.Or(qualifiers["rpmmod"], qualifiers["modularitylabel"])
	}
	return p, true
}

// purlName gives the name under which the ecosystem's advisories know a package.
func purlName(u *packageurl.PackageURL) string {
	name := u.Name
	switch u.Type {
	case packageurl.TypeMaven:
		if u.Namespace != "" {
			name = u.Namespace + ":" + name
		}
	case packageurl.TypeDebian, packageurl.TypeApk, packageurl.TypeRPM, packageurl.TypeBitnami, packageurl.TypeConan:
	case packageurl.TypeGolang: // Syft puts what follows the third element of a module's path into the subpath
		name = path.Join(u.Namespace, name, u.Subpath)
	default:
		name = path.Join(u.Namespace, name)
	}
	return inventory.AdvisoryName(u.Type, name)
}

// distribution gives the distribution that a package of one is for: the one that its URL names, else the document's. A
// package of another vendor than the document's is not of the document's distribution, and its release is not known.
func distribution(u *packageurl.PackageURL, qualifiers map[string]string, ofDocument inventory.OS) inventory.OS {
	id, version := distroQualifier(u, qualifiers)
	if id == "" {
		ofVendor := named(u.Namespace, "")
		if u.Namespace == "" || ofDocument.ID == ofVendor.ID || strings.HasPrefix(ofDocument.ID, u.Namespace) ||
			u.Namespace == "suse" && strings.HasPrefix(ofDocument.ID, "sle") {
			return ofDocument
		}
		return ofVendor
	}
	os := named(id, version)
	if os.ID == ofDocument.ID && (os.VersionID == ofDocument.VersionID || os.VersionID == "" && os.Codename == "") {
		return ofDocument
	}
	return os
}

// distroQualifier takes apart "debian-12", Trivy's "3.18.4" for Alpine, the "bookworm" of the purl specification's
// examples, and Docker Scout's pair of qualifiers.
func distroQualifier(u *packageurl.PackageURL, qualifiers map[string]string) (id, version string) {
	if id := qualifiers["os_name"]; id != "" {
		return id, qualifiers["os_version"]
	}
	distro := qualifiers["distro"]
	if distro == "" {
		return "", ""
	}
	if distro[0] >= '0' && distro[0] <= '9' || !strings.Contains(distro, "-") {
		if distro == u.Namespace || isRolling(distro) {
			return distro, ""
		}
		return u.Namespace, distro
	}
	// Names of distributions have dashes too (opensuse-leap-15.5): a version begins with a digit.
	for i := range len(distro) - 1 {
		if c := distro[i+1]; distro[i] == '-' && c >= '0' && c <= '9' {
			return distro[:i], distro[i+1:]
		}
	}
	if base, rest, _ := strings.Cut(distro, "-"); base == u.Namespace {
		return base, rest
	}
	return distro, ""
}

// isRolling tells the distributions that have no releases from codenames of others' releases.
func isRolling(id string) bool {
	switch id {
	case "wolfi", "chainguard", "minimos", "echo", "arch", "opensuse-tumbleweed":
		return true
	}
	return false
}

// named makes the facts of an os-release of what tools write as a distribution's name and version.
func named(id, version string) inventory.OS {
	id = strings.ToLower(id)
	switch id { // Trivy's families, and namespaces of purls
	case "redhat":
		id = "rhel"
	case "alma":
		id = "almalinux"
	case "oracle":
		id = "ol"
	case "amazon":
		id = "amzn"
	case "suse", "suse linux enterprise server":
		id = "sles"
	case "suse linux enterprise micro":
		id = "sle-micro"
	case "opensuse.leap":
		id = "opensuse-leap"
	case "opensuse.tumbleweed":
		id = "opensuse-tumbleweed"
	case "cbl-mariner":
		id = "mariner"
	}
	os := inventory.OS{ID: id, VersionID: version}
	if version != "" && (version[0] < '0' || version[0] > '9') {
		os.VersionID, os.Codename = "", version
		switch id {
		case "ubuntu":
			os.VersionID = ubuntuVersion(version)
		case "debian": // an unreleased one stays with its codename
			if _, release, _ := strings.Cut(os.Ecosystem(), ":"); release != version {
				os.VersionID = release
			}
		}
	}
	switch id {
	case "opensuse-leap":
		os.Name = "openSUSE Leap " + version
	case "opensuse-tumbleweed":
		os.Name = "openSUSE Tumbleweed"
	}
	return os
}

// ubuntuVersion gives the release of a codename: https://debian.pages.debian.net/distro-info-data/ubuntu.csv
func ubuntuVersion(codename string) string {
	switch codename {
	case "trusty":
		return "14.04"
	case "xenial":
		return "16.04"
	case "bionic":
		return "18.04"
	case "focal":
		return "20.04"
	case "jammy":
		return "22.04"
	case "noble":
		return "24.04"
	case "plucky":
		return "25.04"
	case "questing":
		return "25.10"
	}
	return ""
}

// sourceQualifier reads what tools say of the source package: Syft's upstream ("glibc", "glibc@2.36-9", and for an rpm the
// file name of its source package), and OSV-Scalibr's source with sourceversion, origin and sourcerpm.
func sourceQualifier(p *inventory.Package, qualifiers map[string]string) *inventory.Source {
	text, _, _ := strings.Cut(qualifiers["upstream"], ",") // of several, the first
	if p.Type == packageurl.TypeRPM {
		return sourceRPM(p, cmp.Or(text, qualifiers["sourcerpm"]))
	}
	name, version, _ := strings.Cut(text, "@")
	if name = cmp.Or(name, qualifiers["source"], qualifiers["origin"]); name == "" {
		return nil
	}
	return &inventory.Source{Name: name, Version: cmp.Or(version, qualifiers["sourceversion"], p.Version)}
}

// sourceRPM takes apart the file name of a source package, name-version-release.src.rpm. It has no epoch: that is the
// package's own where they are of one version.
func sourceRPM(p *inventory.Package, file string) *inventory.Source {
	if file == "" {
		return nil
	}
	nvr := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(file, ".rpm"), ".src"), ".nosrc")
	release := strings.LastIndexByte(nvr, '-')
	version := strings.LastIndexByte(nvr[:max(release, 0)], '-')
	if version <= 0 {
		return &inventory.Source{Name: nvr}
	}
	s := &inventory.Source{Name: nvr[:version], Version: nvr[version+1:]}
	if epoch, rest, ok := strings.Cut(p.Version, ":"); ok && rest == s.Version {
		s.Version = epoch + ":" + rest
	}
	return s
}

// ociPURL gives the package URL of an image: https://github.com/package-url/purl-spec, type oci. Empty where the image
// has no digest or no name.
func ociPURL(im *image.Image) string {
	repository, name := repositoryOf(im.Reference)
	if im.Digest == "" || name == "" {
		return ""
	}
	var qualifiers []packageurl.Qualifier
	if a := im.Platform.Architecture; a != "" {
		qualifiers = append(qualifiers, packageurl.Qualifier{Key: "arch", Value: a})
	}
	if repository != "" {
		qualifiers = append(qualifiers, packageurl.Qualifier{Key: "repository_url", Value: repository})
	}
	return packageurl.NewPackageURL(packageurl.TypeOCI, "", name, im.Digest, qualifiers, "").ToString()
}

// repositoryOf gives the repository of an image, with its registry, and the last part of its name. An image that came
// from a file has only a name.
func repositoryOf(reference string) (repository, name string) {
	local := strings.HasPrefix(reference, "/") || strings.HasPrefix(reference, ".")
	rest := reference
	if scheme, after, ok := strings.Cut(reference, ":"); ok {
		switch scheme {
		case "docker", "registry", "image", "local":
			rest = strings.TrimPrefix(after, "//")
		case "oci", "oci-dir", "oci-archive", "docker-archive", "archive", "dir", "fs", "sbom":
			rest, local = strings.TrimPrefix(after, "//"), true
		}
	}
	rest, _, _ = strings.Cut(rest, "@")
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, '/') {
		rest = rest[:colon]
	}
	name = strings.ToLower(path.Base(rest))
	if name == "." || name == "/" {
		return "", ""
	}
	if local {
		return "", strings.TrimSuffix(name, path.Ext(name))
	}
	host, _, hasHost := strings.Cut(rest, "/")
	switch {
	case hasHost && (strings.ContainsAny(host, ".:") || host == "localhost"):
	case hasHost:
		rest = "docker.io/" + rest
	default:
		rest = "docker.io/library/" + rest
	}
	return rest, name
}

// imageOfPURL reads what an image's own package URL says of it; false for any other URL.
func imageOfPURL(im *image.Image, text string) bool {
	u, err := packageurl.FromString(text)
	if err != nil || u.Type != packageurl.TypeOCI && u.Type != packageurl.TypeDocker {
		return false
	}
	if u, err := url.PathUnescape(u.Version); err == nil && isDigest(u) {
		im.Digest = cmp.Or(im.Digest, u)
	}
	if a := u.Qualifiers.Map()["arch"]; a != "" && im.Platform.Architecture == "" {
		im.Platform = image.Platform{OS: "linux", Architecture: a}
	}
	return true
}

// isDigest says whether s is algorithm:hex of a length in use.
func isDigest(s string) bool {
	algorithm, hex, ok := strings.Cut(s, ":")
	if !ok || strings.Trim(hex, "0123456789abcdef") != "" {
		return false
	}
	return algorithm == "sha256" && len(hex) == 64 || algorithm == "sha512" && len(hex) == 128
}
