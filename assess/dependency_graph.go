package assess

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/version"
)

// dependencies says which copies of the packages of languages are needed by which others, and which by a project itself.
type dependencies struct {
	copies map[*inventory.Package][]*installed
	ranges map[[2]string]*version.Range
	// others counts the versions of each package, by type and name.
	others map[string]int
}

// installed is one copy of a package at one place.
type installed struct {
	pkg *inventory.Package
	// place is the file that proves it, without leading slash.
	place string
	// project is where copies lie together that one tool resolved: the directory above node_modules, a site-packages directory, a
	// Java archive, an executable.
	project string
	// by are those who need it.
	by []need
	// manifests are those of the project; lock is the lock file of its tool.
	manifests []*inventory.Manifest
	lock      string
	// tool is the package that was installed for all of the system, and that brought the copy with it; it may be the copy itself.
	tool *installed
	// main is the project of a Go executable.
	main *inventory.Package
	// application says that the copy is the project itself: a Java archive with its libraries in it.
	application bool

	// found remembers what [installed.chains] gave, and asked what [installed.direct] did: both are asked for again and again.
	found []lineage
	asked *bool
	// seenBy is whose search for chains met the copy last, and next what it was met from.
	seenBy, next *installed
}

// need is one requirement of a copy: of another copy, or of a manifest.
type need struct {
	inventory.Requirement
	from     *installed
	manifest *inventory.Manifest
	declared *inventory.Declaration
	// within says that from holds the copy in a file of its own, as it was built.
	within bool
}

// newDependencies works out who needs what. own are the user's manifests, which come before those aboard.
func newDependencies(s *Subject, own []inventory.Manifest) *dependencies {
	d := &dependencies{copies: map[*inventory.Package][]*installed{}, ranges: map[[2]string]*version.Range{}, others: map[string]int{}}
	byType := map[string][]*inventory.Package{}
	for i := range s.Packages {
		if p := &s.Packages[i]; len(p.Paths) > 0 {
			byType[p.Type] = append(byType[p.Type], p)
			d.others[p.Type+" "+p.Name]++
		}
	}
	for purlType, packages := range byType {
		if !saysWhatItNeeds(packages) && len(manifestsOf(purlType, own))+len(manifestsOf(purlType, s.Manifests)) == 0 {
			delete(byType, purlType)
		}
	}
	node := d.addNPM(byType["npm"], manifestsOf("npm", own), manifestsOf("npm", s.Manifests))
	d.addPython(byType["pypi"], manifestsOf("pypi", own), manifestsOf("pypi", s.Manifests))
	d.addJava(byType["maven"], manifestsOf("maven", own), manifestsOf("maven", s.Manifests), s.started())
	d.addOthers(byType)
	d.addGo(byType["golang"], slices.Concat(manifestsOf("golang", own), manifestsOf("golang", s.Manifests)), node)
	return d
}

// addOthers adds the packages of tools that move any package by its name, whoever needs it.
func (d *dependencies) addOthers(byType map[string][]*inventory.Package) {
	for _, purlType := range [...]string{"cargo", "composer", "gem", "nuget"} {
		for _, p := range byType[purlType] {
			for _, file := range p.Paths {
				d.add(&installed{pkg: p, place: file, project: path.Dir(file)})
			}
		}
	}
}

// saysWhatItNeeds says whether it is known of packages what they need. It is not in a stored report: of none can then be said who brings it.
func saysWhatItNeeds(packages []*inventory.Package) bool {
	return slices.ContainsFunc(packages, func(p *inventory.Package) bool {
		return len(p.Requires) > 0 || len(p.Depends) > 0 || p.Requested || !slices.Contains([]string{"npm", "pypi", "maven"}, p.Type)
	})
}

// unknownRange stands for what an SBOM document leaves out: it says what a package needs, and not in which versions. It takes none.
const unknownRange = "?"

// requirements are what a package needs.
func requirements(p *inventory.Package) []inventory.Requirement {
	if len(p.Requires) > 0 {
		return p.Requires
	}
	var out []inventory.Requirement
	for _, name := range p.Depends {
		out = append(out, inventory.Requirement{Name: name, Range: unknownRange})
	}
	return out
}

func manifestsOf(purlType string, all []inventory.Manifest) []*inventory.Manifest {
	var out []*inventory.Manifest
	for i := range all {
		if all[i].Type == purlType {
			out = append(out, &all[i])
		}
	}
	return out
}

func (d *dependencies) add(c *installed) *installed {
	d.copies[c.pkg] = append(d.copies[c.pkg], c)
	return c
}

// declare notes what manifests ask for, by a function that finds the copies that answer a requirement.
func declare(m *inventory.Manifest, find func(r inventory.Requirement) []*installed) {
	for i := range m.Requires {
		for _, c := range find(m.Requires[i].Requirement) {
			c.by = append(c.by, need{Requirement: m.Requires[i].Requirement, manifest: m, declared: &m.Requires[i]})
		}
	}
}

// allows says whether a requirement takes a version. One that does not take the version that is installed is not enforced; one in words
// that are not known, such as an address, takes nothing else.
func (d *dependencies) allows(n *need, p *inventory.Package, to string) bool {
	if n.within {
		return false
	}
	if p.Type == "golang" || n.Range == "" || n.Range == "latest" {
		return true // Go takes the highest of what is asked for
	}
	r := d.parse(p.Ecosystem, n.Range)
	if r == nil {
		return false
	}
	if now, err := r.Contains(p.Version); err == nil && !now {
		return true
	}
	then, err := r.Contains(to)
	return err == nil && then
}

// answers says whether an installed package is what a requirement asks for, as far as its range can be read.
func (d *dependencies) answers(r inventory.Requirement, p *inventory.Package) bool {
	parsed := d.parse(p.Ecosystem, r.Range)
	if parsed == nil {
		return true
	}
	held, err := parsed.Contains(p.Version)
	return err != nil || held
}

// parse reads a range, without the name before it that npm's alias has; nil where it is in words that are not known.
func (d *dependencies) parse(ecosystem, native string) *version.Range {
	if alias, ok := strings.CutPrefix(native, "npm:"); ok {
		native = alias[strings.LastIndexByte(alias, '@')+1:]
	}
	key := [2]string{ecosystem, native}
	if r, ok := d.ranges[key]; ok {
		return r
	}
	var parsed *version.Range
	if r, err := version.ParseRange(ecosystem, native); err == nil {
		parsed = &r
	}
	d.ranges[key] = parsed
	return parsed
}

// direct says whether a project asks for the copy itself: its manifest says so, or nothing else needs it. It is to be asked once all is known
// of who needs what.
func (c *installed) direct() bool {
	if c.asked == nil {
		asked := c.isAskedFor()
		c.asked = &asked
	}
	return *c.asked
}

func (c *installed) isAskedFor() bool {
	if c.tool != nil {
		return c.tool == c
	}
	if c.application || c.pkg.Requested || !c.needed() {
		return true
	}
	return slices.ContainsFunc(c.by, func(n need) bool { return n.manifest != nil || n.from.application })
}

func (c *installed) needed() bool {
	return slices.ContainsFunc(c.by, func(n need) bool { return n.manifest != nil || n.from != c })
}

// Bounds on the search for those who bring a copy: how many others are looked at, and how many chains are kept.
const (
	maxLooks  = 20_000
	maxChains = 500
)

// lineage leads from a direct dependency to what it brings, both included.
type lineage []*installed

// chains gives the shortest chain from each direct dependency that brings a copy, itself apart, sorted by name. A direct one on the way ends a
// chain: it is the one to move. As [installed.direct], it is to be asked once all is known.
func (c *installed) chains() []lineage {
	if c.found == nil {
		c.found = c.search()
	}
	return c.found
}

func (c *installed) search() []lineage {
	if c.tool != nil && c.tool != c {
		return []lineage{{c.tool, c}}
	}
	c.seenBy, c.next = c, nil
	found := []lineage{}
	looks := 1
	for queue := []*installed{c}; len(queue) > 0 && len(found) < maxChains; queue = queue[1:] {
		at := queue[0]
		if at != c && at.direct() {
			if !at.application {
				found = append(found, follow(at))
			}
			continue
		}
		for i := range at.by {
			if from := at.by[i].from; from != nil && from.seenBy != c && looks <= maxLooks {
				from.seenBy, from.next = c, at
				looks++
				queue = append(queue, from)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b lineage) int {
		return cmp.Or(cmp.Compare(a[0].pkg.Name, b[0].pkg.Name), cmp.Compare(a[0].pkg.Version, b[0].pkg.Version), cmp.Compare(a[0].place, b[0].place))
	})
	return found
}

func follow(from *installed) lineage {
	const longest = 100 // of a longer one the ends are shown
	var out lineage
	for at := from; at != nil; at = at.next {
		if len(out) == longest {
			out = slices.Delete(out, longest-2, longest-1)
		}
		out = append(out, at)
	}
	return out
}

// above gives a directory and those above it, the deepest first; the root is "".
func above(dir string) []string {
	var out []string
	for ; dir != "." && dir != "/" && dir != ""; dir = path.Dir(dir) {
		out = append(out, dir)
	}
	return append(out, "")
}
