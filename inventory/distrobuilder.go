package inventory

import (
	"path"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// An image of one distribution holds packages that others built: Docker's or NodeSource's debs on Debian, EPEL's rpms
// on RHEL, a package of Alpine's edge on a release. A distribution's advisories say nothing of those, and the versions
// of two builders cannot be compared. So each package is given to its builder, by what its own database says. Where
// that leaves a doubt the distribution's advisories count: a false match is seen, a lost one is not.

// installation is what says whose packages a root file system holds.
type installation struct {
	os OS
	// aptHosts are the hosts that apt was told to install from.
	aptHosts []string
	// apkTags has the repository, as its distribution, of each apk package that was asked for from a tagged one.
	apkTags map[string]OS
}

// readInstallation reads what the root file system at root ("" for the image's own) says.
func readInstallation(tree *layer.Tree, root string) installation {
	in := installation{os: readOS(tree, root)}
	read := func(name string) string { return string(readRelease(tree, root, name)) }
	in.apkTags = apkTags(read("etc/apk/world"), read("etc/apk/repositories"))
	lists := []string{"etc/apt/sources.list"}
	entries, _ := tree.ReadDir(path.Join(root, "etc/apt/sources.list.d"))
	for _, e := range entries[:min(len(entries), 1000)] {
		lists = append(lists, "etc/apt/sources.list.d/"+e.Name())
	}
	for _, name := range lists {
		in.aptHosts = append(in.aptHosts, hosts(read(name))...)
	}
	slices.Sort(in.aptHosts)
	in.aptHosts = slices.Compact(in.aptHosts)
	return in
}

// builderRules keep the files that [readInstallation] reads besides the release files.
func builderRules() []Rule {
	return []Rule{
		{Suffix: "etc/apk/world", CaptureOnly: true},
		{Suffix: "etc/apk/repositories", CaptureOnly: true},
		{Suffix: "etc/apt/sources.list", CaptureOnly: true},
		{Dir: "etc/apt/sources.list.d", Suffix: ".list", CaptureOnly: true},
		{Dir: "etc/apt/sources.list.d", Suffix: ".sources", CaptureOnly: true},
	}
}

// hosts gives the host of each URL in a file, in lower case.
func hosts(text string) []string {
	var list []string
	for {
		_, rest, ok := strings.Cut(text, "://")
		if !ok {
			return list
		}
		end := strings.IndexAny(rest, "/ \t\r\n:]")
		if end < 0 {
			end = len(rest)
		}
		list = append(list, strings.ToLower(rest[:end]))
		text = rest[end:]
	}
}

// SetBuilder gives a package of a distribution's package manager its ecosystem, and its vendor where that is not the
// distribution on, which it is installed on. Of what an image says only the package itself is looked at.
func (p *Package) SetBuilder(on OS) {
	in := installation{os: on}
	in.settle(p)
}

// settle sets the package's Ecosystem and Vendor, and gives the distribution that built it; zero for a vendor.
func (in *installation) settle(p *Package) OS {
	by, vendor := in.os, ""
	switch p.Type {
	case "deb":
		by, vendor = in.deb(p)
	case "rpm":
		by, vendor = in.rpm(p)
	case "apk":
		by, vendor = in.apk(p)
	}
	p.Ecosystem, p.Vendor = by.Ecosystem(), vendor
	if vendor == "" && isRoot(p) {
		p.Ecosystem, p.Vendor = rootEcosystem(by), "Root"
	}
	return by
}

// isRoot knows the rebuilds of Root (https://www.root.io), which says so in names and versions.
func isRoot(p *Package) bool {
	return strings.HasPrefix(p.Name, "rootio-") || strings.Contains(p.Version, ".root.io.")
}

// rootEcosystem gives Root's name for its rebuilds for a distribution: "Root:Alpine:3.18".
func rootEcosystem(os OS) string {
	base, rest, _ := strings.Cut(os.Ecosystem(), ":")
	number, _, _ := strings.Cut(strings.TrimPrefix(rest, "v"), ":")
	return release("Root", release(base, number))
}

// SurelyBuilt says whether the package's own database shows that the distribution of its ecosystem built it. A Debian
// package whose maintainer has a private address, as some of Debian's own have, may also be somebody else's.
func (p *Package) SurelyBuilt() bool {
	domain := mailDomain(p.Supplier)
	return p.Ecosystem != "" && (p.Type != "deb" || p.Supplier == "" || ofDebian(domain) || ofUbuntu(domain))
}

func ofDebian(domain string) bool { return under(domain, "debian.org") || under(domain, "debian.net") }

func ofUbuntu(domain string) bool {
	return under(domain, "ubuntu.com") || under(domain, "canonical.com")
}

// mailDomain gives the domain of the address of "Name <user@example.org>", in lower case; empty where there is none.
func mailDomain(person string) string {
	_, domain, _ := strings.Cut(strings.ToLower(person), "@")
	domain, _, _ = strings.Cut(domain, ">")
	return clean(domain)
}

// person gives the name of "Name <user@example.org>", of a length for a report.
func person(text string) string {
	name, _, _ := strings.Cut(text, "<")
	return clean(name[:min(len(name), 60)])
}

// under says whether a domain is another one or below it.
func under(domain, of string) bool {
	return domain == of || strings.HasSuffix(domain, "."+of)
}
