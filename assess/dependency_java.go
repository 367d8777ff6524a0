package assess

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// addJava adds the packages in Java archives. An archive with others in it is an application; archives in one directory are used together.
// started are the words that a container is started with.
func (d *dependencies) addJava(packages []*inventory.Package, own, aboard []*inventory.Manifest, started []string) {
	projects := map[string]map[string][]*installed{} // project -> name -> its copies
	for _, p := range packages {
		for _, file := range p.Paths {
			outer, _, nested := strings.Cut(file, "!/")
			if !nested && path.Ext(file) == ".pom" {
				continue // of a repository; the archive that it describes is another path
			}
			d.addJar(projects, &installed{pkg: p, place: file, project: outer})
		}
	}
	gatherLoose(projects, started)
	for _, project := range sortedDirs(projects) {
		for _, name := range sortedDirs(projects[project]) {
			for _, c := range projects[project][name] {
				linkJar(projects[project], c)
			}
		}
	}
	d.declareJava(projects, own, aboard)
}

func (d *dependencies) addJar(projects map[string]map[string][]*installed, c *installed) {
	if projects[c.project] == nil {
		projects[c.project] = map[string][]*installed{}
	}
	projects[c.project][c.pkg.Name] = append(projects[c.project][c.pkg.Name], d.add(c))
}

// gatherLoose finds the application of each archive that has several packages, and puts archives that have one package into
// one project with the others of their directory.
func gatherLoose(projects map[string]map[string][]*installed, started []string) {
	for _, file := range sortedDirs(projects) {
		inside := projects[file]
		if len(inside) > 1 && released(file, inside, started) {
			continue
		}
		if len(inside) > 1 {
			for _, copies := range inside {
				for _, c := range copies {
					c.application = c.place == file && strings.HasPrefix(path.Base(file), c.artifact())
				}
			}
			continue
		}
		dir := path.Dir(file) + "/"
		if projects[dir] == nil {
			projects[dir] = map[string][]*installed{}
		}
		for name, copies := range inside {
			for _, c := range copies {
				c.project = dir
			}
			projects[dir][name] = append(projects[dir][name], copies...)
		}
		delete(projects, file)
	}
}

var releasedJar = regexp.MustCompile(`^(.+?)-([0-9]+(?:\.[0-9]+)+[^/]*)\.[a-z]+$`)

// released says whether an archive that others were packed into is most likely a release of somebody else's: its name has a version, it holds no
// archives but classes, and the container is not started with it. What is in it then moves with it alone.
func released(file string, inside map[string][]*installed, started []string) bool {
	base := path.Base(file)
	name := releasedJar.FindStringSubmatch(base)
	if name == nil || strings.Contains(name[2], "SNAPSHOT") || slices.ContainsFunc(started, func(word string) bool { return path.Base(word) == base }) {
		return false
	}
	for _, copies := range inside {
		if slices.ContainsFunc(copies, func(c *installed) bool { return c.place != file }) {
			return false
		}
	}
	whole := &installed{place: file, project: file,
		pkg: &inventory.Package{PURL: "pkg:maven/" + name[1] + "@" + name[2], Type: "maven", Name: name[1], Version: name[2]}}
	for _, copies := range inside {
		for _, c := range copies {
			if c.artifact() != name[1] {
				c.by = append(c.by, need{from: whole, within: true})
			}
		}
	}
	return true
}

// artifact is a Maven package's name without its group.
func (c *installed) artifact() string { return artifact(c.pkg) }

func artifact(p *inventory.Package) string { return p.Name[strings.IndexByte(p.Name, ':')+1:] }

func linkJar(project map[string][]*installed, c *installed) {
	for _, r := range requirements(c.pkg) {
		if r.Kind == inventory.Optional && !c.application {
			continue
		}
		for _, found := range project[r.Name] {
			if found != c {
				found.by = append(found.by, need{Requirement: r, from: c})
			}
		}
	}
}

// declareJava holds each manifest against the project that it names, or else the one with most of what it asks for.
func (d *dependencies) declareJava(projects map[string]map[string][]*installed, own, aboard []*inventory.Manifest) {
	declared := map[string]bool{}
	for i, m := range slices.Concat(own, aboard) {
		best, most := "", 0
		for _, project := range sortedDirs(projects) {
			n := 0
			for _, r := range m.Requires {
				n += min(len(projects[project][r.Name]), 1)
			}
			if named := projects[project][m.Project]; m.Project != "" && len(named) > 0 && named[0].application {
				n += len(m.Requires) + 1
			}
			if n > most {
				best, most = project, n
			}
		}
		if best == "" || declared[best] && i >= len(own) {
			continue
		}
		declared[best] = true
		declare(m, func(r inventory.Requirement) []*installed { return projects[best][r.Name] })
		for _, copies := range projects[best] {
			for _, c := range copies {
				c.manifests = append(c.manifests, m)
			}
		}
	}
}
