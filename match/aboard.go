package match

import (
	"path"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/version"
	"tidewaiter/vex"
)

// Aboard is what statements can speak of: the image, its distribution, and the packages in it.
type Aboard struct {
	image vex.Image
	os    inventory.OS
	// packages are by the key of their package URL; sources by that of the source package that they were built from.
	packages, sources map[string][]*member
	// purls has all packages of one package URL.
	purls map[string][]*inventory.Package
	// modular are the packages that belong to rpm modules; known those that have a CPE.
	modular, known []*member
	// meanings are the components that were looked up, by their names and range.
	meanings map[string]*meaning
}

// member is a package aboard with its package URL.
type member struct {
	pkg  *inventory.Package
	purl vex.PURL
}

// NewAboard lists what is aboard an image.
func NewAboard(im vex.Image, inv *inventory.Inventory) *Aboard {
	a := &Aboard{
		image: im, os: inv.OS, packages: map[string][]*member{}, sources: map[string][]*member{},
		purls: map[string][]*inventory.Package{}, meanings: map[string]*meaning{},
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		u, ok := vex.ParsePURL(p.PURL)
		if !ok {
			continue
		}
		m := &member{p, u}
		a.packages[u.Key] = append(a.packages[u.Key], m)
		a.purls[p.PURL] = append(a.purls[p.PURL], p)
		if p.Source != nil {
			key := strings.TrimSuffix(u.Key, strings.ToLower(u.Name)) + strings.ToLower(p.Source.Name)
			a.sources[key] = append(a.sources[key], m)
		}
		if p.Modularity != "" {
			a.modular = append(a.modular, m)
		}
		if p.CPE != "" {
			a.known = append(a.known, m)
		}
	}
	return a
}

// Has says whether a product (its package URL, without a version or with one) is aboard, or is the image.
func (a *Aboard) Has(product string) bool {
	return a.meaning(&vex.Component{Names: []string{product}}).isAboard()
}

// meaning is what a statement's component is of what is aboard.
type meaning struct {
	image vex.Exactness
	// packages are those that it names, by package URL: 1 by name, 2 by version or range.
	packages map[string]int
	// holds says that the component is not a package itself, but holds those: an rpm module.
	holds bool
	// release says that it is the image's distribution, or the product that the image's label names.
	release bool
	// why says what is lacking where it is nothing aboard.
	why lack
}

func (m *meaning) isAboard() bool { return m.image > 0 || len(m.packages) > 0 || m.release }

// lack is a reason why a component is not aboard, the nearer to it the higher.
type lack int

const (
	unknownProduct lack = iota
	otherImage
	otherRelease
	noPackage
	otherVersion
)

func (l lack) String() string {
	return [...]string{
		"nothing in its product's names tells what it is", "it is about another image", "it is about another distribution or product",
		"no such package is aboard", "another version of the package is aboard",
	}[l]
}

// meaning looks a component up by all of its names; one that fits is enough.
func (a *Aboard) meaning(c *vex.Component) *meaning {
	key := strings.Join(c.Names, "\x00") + "\x00" + c.Range
	if m := a.meanings[key]; m != nil {
		return m
	}
	m := &meaning{packages: map[string]int{}}
	a.meanings[key] = m
	digest := false // of an image, or of a file
	for _, name := range c.Names {
		digest = digest || strings.HasPrefix(name, "sha256:")
		a.add(m, name, c.Range)
	}
	if digest && m.image < vex.ByDigest { // the name fits, and the digest is another image's
		m.image = vex.NotNamed
	}
	return m
}

func (a *Aboard) add(m *meaning, name, versions string) {
	u, ok := vex.ParsePURL(name)
	switch {
	case strings.HasPrefix(name, "cpe:"):
		a.addCPE(m, name)
	case !ok || u.IsImage():
		m.image = max(m.image, a.image.Is(name))
		if ok || vex.IsReference(name) {
			m.lacks(otherImage)
		}
	case u.Type == "rpmmod":
		m.holds = true
		m.lacks(noPackage)
		for _, member := range a.modular {
			if inModule(member.pkg.Modularity, &u) {
				m.packages[member.pkg.PURL] = 1
			}
		}
	default:
		a.addPackages(m, &u, versions)
	}
}

func (m *meaning) lacks(why lack) { m.why = max(m.why, why) }

func (a *Aboard) addPackages(m *meaning, u *vex.PURL, versions string) {
	m.lacks(noPackage)
	named, source := a.packages[u.Key], u.IsSource()
	if source {
		named = a.sources[u.Key]
	}
	for _, member := range named {
		if !sameBuild(u, member, source) {
			continue
		}
		m.lacks(otherVersion)
		aboard := member.pkg.Version
		if source && member.pkg.Source.Version != "" {
			aboard = member.pkg.Source.Version
		}
		switch {
		case u.Version == "" && versions == "":
			m.packages[member.pkg.PURL] = max(m.packages[member.pkg.PURL], 1)
		case versions != "" && inRange(member.pkg, aboard, versions), versions == "" && sameVersion(member.pkg, aboard, u.Version):
			m.packages[member.pkg.PURL] = 2
		}
	}
}

// sameBuild compares the qualifiers that a statement gives: the architecture and the release where it names them, and any
// other that the package has too.
func sameBuild(u *vex.PURL, aboard *member, source bool) bool {
	for key, want := range u.Qualifiers {
		has := aboard.purl.Qualifiers[key]
		switch key {
		case "epoch", "upstream", "os_name", "os_version":
		case "arch":
			if !source && has != "" && !strings.EqualFold(has, want) {
				return false
			}
		case "distro":
			same := strings.EqualFold(has, want) || strings.HasPrefix(has, want+".") ||
				u.Release != "" && (u.Release == aboard.pkg.Ecosystem || u.Release == aboard.purl.Release)
			if !same {
				return false
			}
		default:
			if has != "" && has != want {
				return false
			}
		}
	}
	return true
}

// sameVersion compares a statement's version with the one aboard, by the ecosystem's order where there is one.
func sameVersion(p *inventory.Package, aboard, want string) bool {
	if aboard == want {
		return true
	}
	if p.Type == "golang" {
		aboard, want = strings.TrimPrefix(strings.TrimPrefix(aboard, "go"), "v"), strings.TrimPrefix(strings.TrimPrefix(want, "go"), "v")
	}
	c, err := version.Compare(p.Ecosystem, aboard, want)
	return aboard == want || err == nil && c == 0
}

// inRange says whether a version is in a range that a statement gives as vers. What cannot be read holds nothing.
func inRange(p *inventory.Package, aboard, versions string) bool {
	r, err := version.ParseVers(versions)
	if err != nil {
		return false
	}
	if p.Type == "golang" { // written with the v and without it
		aboard = strings.TrimPrefix(aboard, "v")
	}
	in, err := r.Contains(aboard)
	return err == nil && in
}

// addCPE adds what a CPE names: the distribution or the product that the image is, or packages that have a CPE.
func (a *Aboard) addCPE(m *meaning, text string) {
	c, ok := advisory.ParseCPE(text)
	if !ok {
		return
	}
	m.lacks(otherRelease)
	for _, own := range []string{a.os.CPE, a.image.CPE} {
		if has, ok := advisory.ParseCPE(own); ok && holdsRelease(c, has) {
			m.release = true
		}
	}
	for _, member := range a.known {
		has, ok := advisory.ParseCPE(member.pkg.CPE)
		switch {
		case !ok || c.Name() != has.Name():
		case anyOf(c.Version):
			m.packages[member.pkg.PURL] = max(m.packages[member.pkg.PURL], 1)
		case c.Version == has.Version && (anyOf(c.Update) || c.Update == has.Update):
			m.packages[member.pkg.PURL] = 2
		}
	}
}

// anyOf says whether a field of a CPE names no value of its own.
func anyOf(field string) bool { return field == "" || field == "*" || field == "-" }

// holdsRelease says whether a release is, or is of, the one that a name of the CPE dictionary names: 9.4 is of 9.
func holdsRelease(c, release advisory.CPE) bool {
	return c.Name() == release.Name() && (anyOf(c.Update) || c.Update == release.Update) &&
		(anyOf(c.Version) || c.Version == release.Version || strings.HasPrefix(release.Version, c.Version+"."))
}

// inModule compares an rpm's module label, name:stream:version:context, with a package URL of a module,
// pkg:rpmmod/redhat/nodejs@18:8090020240101:....
func inModule(label string, u *vex.PURL) bool {
	name, rest, _ := strings.Cut(label, ":")
	stream, _, _ := strings.Cut(rest, ":")
	want, _, _ := strings.Cut(u.Version, ":")
	return name == u.Name && (want == "" || want == stream)
}

// fitting says how a product fits a finding.
type fitting struct {
	// rank is higher for what is more specific ([StatementOrder]); 0 where the product is another.
	rank int
	// partial says that the product holds some copies of the package, and not all of them.
	partial bool
}

// present gives those products whose parts are all aboard.
func (a *Aboard) present(products []vex.Product) []vex.Product {
	var out []vex.Product
	for _, p := range products {
		present := len(p) > 0
		for i := range p {
			present = present && a.meaning(&p[i]).isAboard()
		}
		if present {
			out = append(out, p)
		}
	}
	return out
}

// absent says why none of the products is aboard, by the one that is nearest to it.
func (a *Aboard) absent(products []vex.Product) string {
	if len(products) == 0 {
		return "it names no product"
	}
	var nearest lack
	for _, p := range products {
		for i := range p {
			if m := a.meaning(&p[i]); !m.isAboard() {
				nearest = max(nearest, m.why)
				break // what holds the rest is not aboard
			}
		}
	}
	return nearest.String()
}

// fit says how a product fits a finding: its innermost component must be the finding's package, or hold it, and each of
// the others must hold it too. A distribution's release alone is no product: it holds everything.
func (a *Aboard) fit(p vex.Product, f *Finding) fitting {
	var fit fitting
	image, program, pkg, release := 0, 0, 0, 0
	for i := range p {
		m, last := a.meaning(&p[i]), i == len(p)-1
		switch inside, all := a.held(m, f); {
		case m.image > 0:
			image = max(image, int(m.image))
		case last && m.packages[f.Package] > 0 && !m.holds:
			pkg = m.packages[f.Package]
		case m.holds && m.packages[f.Package] > 0:
			release = 1
		case inside > 0:
			program = max(program, inside)
			fit.partial = fit.partial || !all
		case m.release && !last:
			release = 1
		default:
			return fitting{}
		}
	}
	switch {
	case image > 0:
		fit.rank = 200 + 10*pkg + image
	case program > 0:
		fit.rank = 100 + 10*pkg + program
	case pkg > 0:
		fit.rank = 10*pkg + release
	}
	return fit
}

// held says whether a package that m names holds the finding's: a program its modules, a distribution's package what it
// installed, an application what lies below it. inside is how exactly that package is named; all says that every copy of
// the finding's package is in it.
func (a *Aboard) held(m *meaning, f *Finding) (inside int, all bool) {
	if m.holds || len(m.packages) == 0 {
		return 0, false
	}
	within := make([]bool, len(f.Paths))
	for purl, exactness := range m.packages {
		if purl == f.Package {
			continue
		}
		if copies := a.purls[f.Package]; len(copies) > 0 && !slices.ContainsFunc(copies, func(p *inventory.Package) bool { return p.Owner != purl }) {
			return exactness, true
		}
		for _, outer := range a.purls[purl] {
			for i, inner := range f.Paths {
				if holds(outer, inner) {
					inside, within[i] = max(inside, exactness), true
				}
			}
		}
	}
	return inside, !slices.Contains(within, false)
}

// holds says whether a package lies inside another: modules in their program's file, jars in a jar, and what is below an
// application's root.
func holds(outer *inventory.Package, inner string) bool {
	for _, p := range outer.Paths {
		dir := path.Dir(p)
		if outer.Main && p == inner || strings.HasPrefix(inner, p+"!/") || outer.Project && dir != "." && strings.HasPrefix(inner, dir+"/") {
			return true
		}
	}
	return false
}
