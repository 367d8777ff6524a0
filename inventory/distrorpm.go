package inventory

import (
	"cmp"
	"regexp"
	"strings"
)

// distTag is the mark of the distribution in a release: el9, fc40, amzn2023, cm2 and azl3 (Azure Linux), ph5 (Photon OS),
// oe2203sp1 (openEuler), mga9 (Mageia). What follows el8 may be a minor release (el8_6) or a module's build (el8.4.0+...).
var distTag = regexp.MustCompile(`[._](el|fc|amzn|cm|azl|ph|oe|mga)(\d+)(?:[._+a-z]|$)`)

// rpm says who built an rpm. A distribution's packages all name it as their vendor.
func (in *installation) rpm(p *Package) (OS, string) {
	_, rel, _ := strings.Cut(p.Version, "-")
	for _, m := range [...]struct{ mark, vendor string }{ // of vendors that name none
		{"PGDG", "PGDG"}, {"nodesource", "NodeSource"}, {".remi", "Remi"}, {".ngx", "nginx.org"}, {".tuxcare", "TuxCare"},
	} {
		if strings.Contains(rel, m.mark) {
			return OS{}, m.vendor
		}
	}
	kind, number := "", ""
	if m := distTag.FindStringSubmatch("." + rel); m != nil {
		kind, number = m[1], m[2]
	}
	vendor := cmp.Or(p.Supplier, p.Builder)
	id := rpmDistribution(vendor, kind)
	switch {
	case vendor == "", id == in.os.ID, sameFamily(id, in.os.ID):
		return in.sameRPM(kind, number), ""
	case id == "" && in.os.Ecosystem() == "":
		return in.os, "" // a distribution that is not known, whose name for itself is not either
	case id == "":
		return OS{}, cmp.Or(person(vendor), "an unnamed builder")
	case id == "fedora" && kind != "fc" && ofRHEL(in.os.ID): // such as epel-release, which has no mark
		return OS{}, "EPEL " + cmp.Or(number, major(in.os.VersionID))
	case id == "fedora" && kind == "el": // Amazon Linux 2 took EPEL too
		return OS{}, "EPEL " + number
	}
	os, name := otherRPM(id, kind, number)
	return os, cmp.Or(name, person(vendor))
}

// sameRPM is the distribution itself, of the major release that the package was built for: those of RHEL's family mark each.
func (in *installation) sameRPM(kind, number string) OS {
	if ofRHEL(in.os.ID) && kind == "el" && number != major(in.os.VersionID) && in.os.VersionID != "" {
		return OS{ID: in.os.ID, VersionID: number}
	}
	return in.os
}

// ofRHEL says whether a distribution is RHEL or built from its sources.
func ofRHEL(id string) bool {
	switch id {
	case "rhel", "almalinux", "rocky", "centos", "ol":
		return true
	}
	return false
}

// otherRPM is the distribution id, of the release that the package's mark tells. Without a mark of its own it is a vendor like
// any other: which release it is for, if for any, is not known.
func otherRPM(id, kind, number string) (OS, string) {
	name := map[string]string{"rhel": "Red Hat", "almalinux": "AlmaLinux", "rocky": "Rocky Linux", "centos": "CentOS", "ol": "Oracle Linux",
		"fedora": "Fedora", "amzn": "Amazon Linux", "suse": "SUSE", "photon": "Photon OS", "azurelinux": "Azure Linux",
		"openeuler": "openEuler", "mageia": "Mageia"}[id]
	of := map[string]string{"rhel": "el", "almalinux": "el", "rocky": "el", "centos": "el", "ol": "el", "fedora": "fc", "amzn": "amzn",
		"azurelinux": "azl", "photon": "ph", "mageia": "mga"}[id]
	if id == "azurelinux" && kind == "cm" {
		of = kind
	}
	if number == "" || kind != of {
		return OS{}, ""
	}
	if id == "photon" {
		number += ".0"
	}
	return OS{ID: id, VersionID: number}, name + " " + number
}

// rpmDistribution gives the ID of the distribution that an rpm's vendor is; empty for any other vendor.
func rpmDistribution(vendor, kind string) string {
	vendor = strings.ToLower(vendor)
	if strings.HasPrefix(vendor, "obs://") {
		return "" // a project of somebody's on the Open Build Service
	}
	for _, d := range [...]struct{ word, id string }{
		{"red hat", "rhel"}, {"almalinux", "almalinux"}, {"rocky", "rocky"}, {"centos", "centos"}, {"oracle america", "ol"},
		{"fedora project", "fedora"}, {"amazon", "amzn"}, {"suse", "suse"}, {"vmware", "photon"}, {"broadcom", "photon"},
		{"openeuler", "openeuler"}, {"mageia", "mageia"},
	} {
		if strings.Contains(vendor, d.word) {
			return d.id
		}
	}
	if strings.Contains(vendor, "microsoft") && (kind == "cm" || kind == "azl") {
		return "azurelinux" // Microsoft's packages for other distributions have no such mark
	}
	return ""
}

// sameFamily says whether a vendor's packages are a distribution's own under another name: SUSE's in openSUSE Leap, which
// takes them over as they are.
func sameFamily(vendor, id string) bool {
	switch vendor {
	case "suse":
		return strings.HasPrefix(id, "sl") || strings.HasPrefix(id, "opensuse") || id == "suse-microos"
	case "azurelinux":
		return id == "mariner"
	}
	return false
}
