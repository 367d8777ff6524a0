package drift

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
	"tidewaiter/version"
)

// subject is what a package is called, however a tool writes its purl.
type subject struct{ kind, name string }

// subjectOf drops what is a tool's own choice. The names are already those of the ecosystems' advisories.
func subjectOf(p *inventory.Package) subject {
	name := p.Name
	switch p.Type {
	case "golang", "nuget", "composer", "generic", "bitnami", "github":
		name = strings.ToLower(name)
	}
	return subject{p.Type, name}
}

// plainVersion drops what some tools write of a version and others do not.
func plainVersion(p *inventory.Package) string {
	v := p.Version
	switch p.Type {
	case "golang":
		v = strings.TrimPrefix(strings.TrimPrefix(v, "go"), "v")
	case "deb", "rpm", "apk":
		v = strings.TrimPrefix(v, "0:")
	}
	return v
}

// unreleased says whether a program was built from a working directory, and not from a release: each tool makes up a version of its own.
func unreleased(p *inventory.Package) bool {
	v := plainVersion(p)
	return p.Type == "golang" && (v == "" || v == "(devel)" || p.Main && strings.HasPrefix(v, "0.0.0-"))
}

// sameArch compares architectures where both sides know one.
func sameArch(a, b *inventory.Package) bool {
	plain := func(arch string) string {
		switch arch {
		case "all", "noarch", "any":
			return ""
		case "x86_64":
			return "amd64"
		case "aarch64":
			return "arm64"
		}
		return arch
	}
	x, y := plain(a.Arch), plain(b.Arch)
	return x == "" || y == "" || x == y
}

// pair matches packages that are attested with those aboard: first what is the same, then what other tools call differently.
func (c *comparison) pair() {
	c.attested, c.present = entries(c.doc.Inventory.Packages), entries(c.aboard.Inventory.Packages)
	c.pairBy(func(p *inventory.Package) string {
		s := subjectOf(p)
		return s.kind + "\x00" + s.name + "\x00" + plainVersion(p)
	}, func(a, b *inventory.Package) bool { return true })
	c.pairBy(func(p *inventory.Package) string {
		s := subjectOf(p)
		return s.kind + "\x00" + s.name
	}, sameVersion)
	// A jar without its pom is named as each tool guesses; what it is called in its directory says more.
	c.pairBy(func(p *inventory.Package) string {
		if p.Type != "maven" && p.Extractor != "java-archive" {
			return ""
		}
		return artifact(p) + "\x00" + p.Version
	}, func(a, b *inventory.Package) bool { return true })
	// Programs that no package manager declares have no name of their own, either.
	c.pairBy(func(p *inventory.Package) string {
		if !p.Recognised && p.Type != "generic" && p.Type != "github" && p.Type != "bitnami" {
			return ""
		}
		return strings.ToLower(path.Base(p.Name)) + "\x00" + strings.TrimPrefix(p.Version, "v")
	}, func(a, b *inventory.Package) bool { return a.Type == "generic" || b.Type == "generic" })
}

// artifact is the last part of a Maven package's name.
func artifact(p *inventory.Package) string { return p.Name[strings.LastIndexByte(p.Name, ':')+1:] }

// mostAlike bounds how many packages of one key are compared with one another.
const mostAlike = 64

// pairBy marks as matched what has one key on both sides, where same agrees. Packages with an empty key are passed over.
func (c *comparison) pairBy(key func(*inventory.Package) string, same func(attested, present *inventory.Package) bool) {
	byKey := map[string][]int{}
	for i := range c.present {
		if k := key(c.present[i].Package); k != "" && len(byKey[k]) < mostAlike {
			byKey[k] = append(byKey[k], i)
		}
	}
	for i := range c.attested {
		a := &c.attested[i]
		k := key(a.Package)
		if k == "" {
			continue
		}
		for _, n := range byKey[k] {
			p := &c.present[n]
			if (!a.matched || !p.matched) && sameArch(a.Package, p.Package) && same(a.Package, p.Package) {
				if !a.matched {
					a.peer = p.Package
				}
				a.matched, p.matched = true, true
			}
		}
	}
}

// sameVersion says whether two versions of one package are equal as its ecosystem compares them. A version that is not given, and
// an epoch that is not, say nothing.
func sameVersion(a, b *inventory.Package) bool {
	x, y := plainVersion(a), plainVersion(b)
	switch {
	case x == y, x == "", y == "", unreleased(b):
		return true
	case b.OfDistribution():
		_, bare, ok := strings.Cut(y, ":")
		return ok && bare == x
	}
	n, err := version.Compare(b.Ecosystem, x, y)
	return err == nil && n == 0
}

// versions pairs what is left over on both sides under one name: the package is there in another version.
func (c *comparison) versions() {
	left := map[subject][]int{}
	for i := range c.present {
		if p := &c.present[i]; !p.matched {
			left[subjectOf(p.Package)] = append(left[subjectOf(p.Package)], i)
		}
	}
	for i := range c.attested {
		a := &c.attested[i]
		s := subjectOf(a.Package)
		if a.matched || len(left[s]) == 0 {
			continue
		}
		n := c.counterpart(a, left[s])
		p := &c.present[left[s][n]]
		left[s][n] = left[s][0]
		left[s] = left[s][1:]
		a.told, p.told, a.peer = true, true, p.Package
		c.explain(a.Package)
		c.differ(c.placedPackage(trust.Difference{
			Kind: trust.OtherVersion, Package: p.PURL, Attested: a.Version, Actual: p.Version,
			Why: fmt.Sprintf("%s is aboard in version %s, and the SBOM says %s", p.Name, cmp.Or(p.Version, "(none)"), cmp.Or(a.Version, "(none)")),
		}, p.Package), p.Package)
	}
}

// counterpart chooses, of the candidates, the one in the same place, else the one of the same architecture, else the first.
func (c *comparison) counterpart(a *entry, candidates []int) int {
	for _, alike := range []func(p *inventory.Package) bool{
		func(p *inventory.Package) bool {
			return len(a.Paths) > 0 && first(p.Paths) == first(a.Paths) && sameArch(a.Package, p)
		},
		func(p *inventory.Package) bool { return sameArch(a.Package, p) },
	} {
		for n, i := range candidates[:min(len(candidates), mostAlike)] {
			if alike(c.present[i].Package) {
				return n
			}
		}
	}
	return 0
}

// withoutVersion notes which packages are aboard, and which the document lists without a version: nobody vouches for theirs.
func (c *comparison) withoutVersion() {
	var names []string
	for i := range c.attested {
		if a := &c.attested[i]; a.matched && a.Version == "" && a.peer.Version != "" && !unreleased(a.peer) {
			names = append(names, a.peer.Name+" "+a.peer.Version)
		}
	}
	if len(names) > 0 {
		c.drift.Uncompared += len(names)
		c.note("%s of the SBOM: aboard, and listed without a version, so that no version is vouched for: %s", packages(len(names)), some(names))
	}
}
