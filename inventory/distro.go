package inventory

import (
	"strconv"
	"strings"

	"github.com/package-url/packageurl-go"
)

// Ecosystem is OSV's name for the distribution's packages, with the release as OSV writes it: "Debian:12".
// It is empty for a distribution that is not known here and for a release that the image does not tell. Amazon Linux,
// CentOS, Fedora and Oracle Linux have no feed in OSV; they are named as OSV would, for a mirror that has one.
//
// The names and the form of each release are those of the OSV schema, section "Defined ecosystems"
// (https://ossf.github.io/osv-schema/#defined-ecosystems). Two are narrower in OSV than os-release can be:
// Red Hat's releases name a repository too ("enterprise_linux:9::appstream"), and SUSE's name a module
// ("Linux Enterprise Module for Basesystem 15 SP5"); what is given here is the product without either.
func (os OS) Ecosystem() string {
	switch os.ID {
	case "debian":
		return release("Debian", debianRelease(os))
	case "ubuntu":
		return release("Ubuntu", ubuntuRelease(os.VersionID))
	case "alpine":
		return release("Alpine", alpineRelease(os))
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "minimos":
		return "MinimOS"
	case "cleanstart":
		return "CleanStart"
	case "echo":
		return "Echo"
	case "alpaquita":
		return release("Alpaquita", os.VersionID)
	case "almalinux":
		return release("AlmaLinux", major(os.VersionID))
	case "rocky":
		return release("Rocky Linux", major(os.VersionID))
	case "rhel":
		return release("Red Hat", redHatRelease(os))
	case "centos":
		return release("CentOS", centosRelease(os))
	case "ol":
		return release("Oracle Linux", major(os.VersionID))
	case "fedora":
		return release("Fedora", os.VersionID)
	case "amzn":
		return release("Amazon Linux", amazonRelease(os.VersionID))
	case "sles", "sled", "sles_sap", "sle_hpc", "sle-micro", "sl-micro", "suse-microos":
		return release("SUSE", suseRelease(os))
	case "opensuse", "opensuse-leap", "opensuse-tumbleweed":
		return release("openSUSE", strings.TrimPrefix(os.Name, "openSUSE "))
	case "openeuler":
		return release("openEuler", openEulerRelease(os.Name))
	case "mageia":
		return release("Mageia", os.VersionID)
	case "photon":
		return release("Photon OS", os.VersionID)
	case "mariner", "azurelinux":
		return release("Azure Linux", major(os.VersionID))
	}
	return ""
}

func release(ecosystem, release string) string {
	if release == "" {
		return ""
	}
	return ecosystem + ":" + release
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// debianRelease gives the number of the release, also for one that is not out yet and has only a codename.
// Source of the table: https://debian.pages.debian.net/distro-info-data/debian.csv.
func debianRelease(os OS) string {
	if os.VersionID != "" {
		return major(os.VersionID)
	}
	switch os.Codename {
	case "stretch":
		return "9"
	case "buster":
		return "10"
	case "bullseye":
		return "11"
	case "bookworm":
		return "12"
	case "trixie":
		return "13"
	case "forky":
		return "14"
	case "duke":
		return "15"
	}
	return os.Codename
}

// ubuntuRelease marks long-term support: the April releases of even years (https://wiki.ubuntu.com/LTS).
func ubuntuRelease(version string) string {
	year, month, ok := strings.Cut(version, ".")
	if n, err := strconv.Atoi(year); ok && err == nil && n%2 == 0 && month == "04" {
		return version + ":LTS"
	}
	return version
}

// alpineRelease gives the branch: v3.18 for 3.18.4. The rolling one numbers its snapshots 3.21_alpha20240807.
func alpineRelease(os OS) string {
	if strings.Contains(os.VersionID, "_alpha") || strings.Contains(os.Name, "edge") {
		return "edge"
	}
	parts := strings.SplitN(os.VersionID, ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return "v" + parts[0] + "." + parts[1]
}

// redHatRelease translates CPE_NAME, cpe:/o:redhat:enterprise_linux:9::baseos, to enterprise_linux:9.
func redHatRelease(os OS) string {
	cpe := strings.TrimPrefix(os.CPE, "cpe:2.3:o:redhat:")
	cpe = strings.TrimPrefix(cpe, "cpe:/o:redhat:")
	parts := strings.Split(cpe, ":")
	if cpe == os.CPE || len(parts) < 2 {
		return release("enterprise_linux", major(os.VersionID))
	}
	return parts[0] + ":" + major(parts[1])
}

// centosRelease tells CentOS Stream, which runs ahead of RHEL, from CentOS Linux, which was built from what RHEL had released.
func centosRelease(os OS) string {
	if strings.Contains(os.Name, "Stream") {
		return "Stream " + major(os.VersionID)
	}
	return major(os.VersionID)
}

// amazonRelease gives 1 for the releases that were named by the month: 2018.03.
func amazonRelease(version string) string {
	if year, _, monthly := strings.Cut(version, "."); monthly && len(year) == 4 && year < "2020" {
		return "1"
	}
	return major(version)
}

// suseRelease gives the product's name, which is the pretty name where that is given in full:
// "Linux Enterprise Server 15 SP5".
func suseRelease(os OS) string {
	if name, ok := strings.CutPrefix(os.Name, "SUSE "); ok || os.ID != "sles" || os.VersionID == "" {
		return name
	}
	number, pack, ok := strings.Cut(os.VersionID, ".")
	if ok {
		number += " SP" + pack
	}
	return "Linux Enterprise Server " + number
}

// openEulerRelease turns "openEuler 22.03 (LTS-SP1)" into 22.03-LTS-SP1.
func openEulerRelease(name string) string {
	return strings.NewReplacer("openEuler ", "", " (", "-", ")", "").Replace(name)
}

// distributionPURL gives the package URL of a package of types deb, apk or rpm
// (https://github.com/package-url/purl-spec/tree/main/types). The namespace is the vendor: the distribution by that built the
// package; where that is zero, the package's Vendor, and the qualifier distro is then the distribution on that it is for.
func distributionPURL(on, by OS, p *Package) string {
	version, qualifiers := p.Version, map[string]string{}
	if epoch, rest, ok := strings.Cut(p.Version, ":"); ok && p.Type == packageurl.TypeRPM {
		version, qualifiers["epoch"] = rest, epoch
	}
	if p.Arch != "" {
		qualifiers["arch"] = p.Arch
	}
	namespace := vendor(by, p.Type)
	if by.ID == "" && p.Vendor != "" {
		by, namespace = on, slug(p.Vendor)
	}
	switch {
	case by.ID != "" && by.VersionID != "":
		qualifiers["distro"] = by.ID + "-" + by.VersionID
	case by.ID != "" && by.Codename != "":
		qualifiers["distro"] = by.ID + "-" + by.Codename
	case by.ID != "":
		qualifiers["distro"] = by.ID
	}
	purl := packageurl.NewPackageURL(p.Type, namespace, p.Name, version, packageurl.QualifiersFromMap(qualifiers), "")
	if err := purl.Normalize(); err != nil {
		return ""
	}
	return purl.String()
}

// slug makes a namespace of a vendor's name: letters and digits in lower case, and single dashes.
func slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' })
	return strings.Join(words, "-")
}

// vendor is the namespace of a distribution's packages. Without a known distribution, deb and apk packages
// go by the distribution that made the format.
func vendor(os OS, purlType string) string {
	switch {
	case os.ID == "rhel":
		return "redhat"
	case strings.HasPrefix(os.ID, "sle"), os.ID == "sl-micro":
		return "suse"
	case strings.HasPrefix(os.ID, "opensuse"):
		return "opensuse"
	case os.ID != "":
		return os.ID
	case purlType == packageurl.TypeDebian:
		return "debian"
	case purlType == packageurl.TypeApk:
		return "alpine"
	}
	return ""
}
