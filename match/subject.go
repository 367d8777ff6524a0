package match

import (
	"regexp"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/version"
)

// subject is a package as one name of it is held against advisories: its own, or that of its source package.
type subject struct {
	pkg       *inventory.Package
	ecosystem string // with its release: "Debian:12"
	base      string // without: "Debian"
	name      string
	text      string // the version that the name has
	bySource  bool

	version version.Version
	err     error // why text is not a version of the ecosystem
	places  map[string]place
}

// subjects gives the names under which an ecosystem's advisories may speak of a package. Debian, Ubuntu and Alpine
// name source packages; AlmaLinux and Red Hat list every binary package; the other distributions do
// the one or the other: https://ossf.github.io/osv-schema/#defined-ecosystems
func subjects(p *inventory.Package) []*subject {
	own := newSubject(p, p.Name, p.Version)
	source := own
	if p.Source != nil && p.Source.Name != "" {
		source = newSubject(p, p.Source.Name, sourceVersion(p))
		source.bySource = p.Source.Name != p.Name
	}
	switch own.base {
	case "Debian", "Ubuntu", "Echo", "Alpine", "Alpaquita", "BellSoft Hardened Containers":
		return []*subject{source}
	case "Wolfi", "Chainguard", "MinimOS", "CleanStart", "Docker Hardened Images", "Root",
		"Rocky Linux", "SUSE", "openSUSE", "openEuler", "Mageia", "Photon OS", "Azure Linux",
		"Amazon Linux", "Oracle Linux", "Fedora":
		if source.bySource {
			return []*subject{own, source}
		}
	}
	return append([]*subject{own}, productSubjects(p)...)
}

func newSubject(p *inventory.Package, name, text string) *subject {
	ecosystem := judgedAs(p.Ecosystem)
	base, _, _ := strings.Cut(ecosystem, ":")
	s := &subject{pkg: p, ecosystem: ecosystem, base: base, name: name, text: text, places: map[string]place{}}
	s.version, s.err = version.Parse(ecosystem, text)
	return s
}

// judgedAs is the ecosystem whose advisories speak of a package. CentOS Linux, until release 8, was RHEL built anew, of the same versions.
func judgedAs(ecosystem string) string {
	if release, ok := strings.CutPrefix(ecosystem, "CentOS:"); ok && len(release) == 1 && release < "9" {
		return "Red Hat:enterprise_linux:" + release
	}
	return ecosystem
}

var rebuilt = regexp.MustCompile(`\+b\d+$`)

// sourceVersion is the version of the source package. An rpm names its source without the epoch, which is then
// taken from the rpm itself. Debian counts the rebuilds of a package from one source, 8.32-4+b1, where a database that
// does not tell the source's version has only that.
func sourceVersion(p *inventory.Package) string {
	text := p.Source.Version
	if p.Type == "deb" && (text == "" || text == p.Version) {
		return rebuilt.ReplaceAllString(p.Version, "")
	}
	if text == "" {
		return p.Version
	}
	if epoch, _, ok := strings.Cut(p.Version, ":"); ok && p.Type == "rpm" && !strings.Contains(text, ":") {
		return epoch + ":" + text
	}
	return text
}

// fits says whether an entry of a record speaks of the subject's release. An entry without a release speaks of
// all of them; a release that has a tighter promise ("Ubuntu:Pro:22.04:LTS") is another than the plain one.
func (s *subject) fits(entry string) bool {
	base, release, hasRelease := strings.Cut(entry, ":")
	kubernetes := strings.EqualFold(base, "Kubernetes") && strings.EqualFold(s.base, "Kubernetes")
	if base != s.base && !kubernetes {
		return false
	}
	if !hasRelease {
		return true
	}
	_, mine, _ := strings.Cut(s.ecosystem, ":")
	switch base {
	case "Packagist", "Maven", "VSCode":
		return true // the suffix is the registry that the name belongs to, and packages do not record theirs
	case "Ubuntu":
		return s.fitsUbuntu(release, mine)
	case "Red Hat":
		// A repository of the product: "enterprise_linux:9::appstream" for "enterprise_linux:9".
		return mine != "" && (release == mine || strings.HasPrefix(release, mine+":"))
	case "AlmaLinux", "Rocky Linux":
		return major(release) == major(mine)
	case "SUSE":
		// A service pack's packages are those of its modules: "Linux Enterprise Module for Basesystem 15 SP5".
		pack := servicePack(mine)
		return release == mine || pack != "" && strings.HasPrefix(release, suseModule) && servicePack(release) == pack
	}
	return release == mine
}

const suseModule = "Linux Enterprise Module for "

// servicePack gives "15 SP5" of the name of one of SUSE's products; empty where it names none.
func servicePack(product string) string {
	words := strings.Fields(product)
	if n := len(words); n > 2 && strings.HasPrefix(words[n-1], "SP") {
		return words[n-2] + " " + words[n-1]
	}
	return ""
}

// coverage is the ecosystem whose feed judges a package: rebuilds of RHEL have one for each major release, and SUSE
// has the packages that every image holds in a module.
func coverage(ecosystem string) string {
	ecosystem = judgedAs(ecosystem)
	base, release, _ := strings.Cut(ecosystem, ":")
	switch base {
	case advisory.CPEEcosystem:
		return base
	case "AlmaLinux", "Rocky Linux":
		return base + ":" + major(release)
	case "SUSE":
		if pack := servicePack(release); pack != "" {
			return base + ":" + suseModule + "Basesystem " + pack
		}
	}
	return ecosystem
}

func major(release string) string {
	number, _, _ := strings.Cut(release, ".")
	return number
}
