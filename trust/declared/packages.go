package declared

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/trust"
)

// packageCopy is a package that a layer brought to a place.
type packageCopy struct {
	*inventory.Package
	// at is the file that names it there.
	at string
}

// broughtBy gives the packages that a layer brought and that somebody has to answer for: those that are installed, and no part of another.
// Of a distribution's, the version counts; of a language's, each copy.
func (m *model) broughtBy(index int) []packageCopy {
	type identity struct{ purl, name, version string }
	byIdentity := map[identity]*inventory.Package{}
	var found []packageCopy
	for i := range m.Inventory.Packages {
		p := &m.Inventory.Packages[i]
		switch {
		case p.Locked || p.Claimed || p.Recognised || p.Project || p.Main || len(p.Paths) == 0:
		case !p.OfDistribution():
			byIdentity[identity{p.Type, p.Name, p.Version}] = p
		case p.Layer != nil && *p.Layer == index:
			found = append(found, packageCopy{p, p.Paths[0]})
		}
	}
	changes := m.Inventory.Changes
	first, _ := slices.BinarySearchFunc(changes, index, func(c inventory.Change, index int) int { return c.Layer - index })
	for _, c := range changes[first:] {
		if c.Layer != index {
			break
		}
		if p := byIdentity[identity{c.Type, c.Name, c.Version}]; p != nil && !c.Removed && c.Owner == "" && slices.Contains(p.Paths, c.Path) && !m.ofDistribution(c.Path) {
			found = append(found, packageCopy{p, c.Path})
		}
	}
	return found
}

// ofDistribution says whether a package of the distribution installed a file.
func (m *model) ofDistribution(at string) bool {
	i, ok := slices.BinarySearchFunc(m.Trace.Files, at, func(f inventory.File, at string) int { return strings.Compare(f.Path, at) })
	return ok && m.Trace.Files[i].Owner >= 0 && m.Inventory.Packages[m.Trace.Files[i].Owner].OfDistribution()
}

// packages judges the packages that the layer brought.
func (j *judge) packages() {
	closures := map[string]*closure{}
	counted := map[string]bool{}
	for _, p := range j.brought {
		by := j.copiedPackage(p)
		switch {
		case by != nil:
		case len(j.runs) == 0:
			continue // its files are not explained, and named
		default:
			c := closures[p.Type]
			if c == nil {
				c = j.closureOf(p.Type)
				closures[p.Type] = c
			}
			if by = c.by; !j.judgePackage(p, c) {
				continue
			}
		}
		if !counted[p.PURL] {
			counted[p.PURL] = true
			j.outcome(by).packages++
		}
	}
}

// judgePackage says whether a package is one that somebody asked for, or may be.
func (j *judge) judgePackage(p packageCopy, c *closure) bool {
	switch o := j.outcome(c.by); {
	case c.has(p.Package), j.group.withBase:
	case c.untold != "":
		o.untold = true
		o.note(c.untold)
	case !p.OfDistribution() && j.explainedPlace(p):
	default:
		j.differ(c.by, j.index, trust.Undeclared{Kind: trust.UndeclaredPackage, Subject: subjectOf(p.Package), Actual: p.Version,
			Why: "no instruction names it, and nothing that one names needs it"})
		return false
	}
	return true
}

// copiedPackage gives the COPY or ADD that brought the file which names a package.
func (j *judge) copiedPackage(p packageCopy) *command {
	at, _, _ := strings.Cut(p.at, "!/")
	if w, ok := j.wants[at]; ok {
		return j.copies[w.number].command
	}
	if n := j.loose.find(at); n >= 0 {
		return j.copies[n].command
	}
	return nil
}

// explainedPlace says whether a package of a language lies where a RUN unpacks or copies things to, and no package manager of the language ran.
func (j *judge) explainedPlace(p packageCopy) bool {
	for _, c := range j.runs {
		e := j.effectsOf(c)
		if slices.ContainsFunc(e.installs, func(i install) bool { return i.purl == p.Type }) {
			continue
		}
		if at, _, _ := strings.Cut(p.at, "!/"); anyHolds(e.places, at) {
			return true
		}
	}
	return false
}

// closure is what the package managers of one kind of package were asked for, with all that this needs.
type closure struct {
	purl string
	// names are those of packages; globs are the names of which only a part is known.
	names map[string]bool
	globs []string
	// upgraded are the packages that may have come in another version; locked says that lock files name what is installed.
	upgraded map[string]bool
	locked   bool
	// untold says what cannot be told; empty where everything can.
	untold string
	// by is the instruction that asked.
	by *command
}

func (c *closure) has(p *inventory.Package) bool {
	switch {
	case c.names[p.Name], c.upgraded[p.Name], c.locked && len(p.LockFiles) > 0:
		return true
	case len(p.Provides) > 0 && slices.ContainsFunc(p.Provides, func(name string) bool { return c.names[name] }):
		return true
	}
	return slices.ContainsFunc(c.globs, func(g string) bool { return matches(g, p.Name) || p.Type == "rpm" && matches(g, p.Name+"-"+p.Version) })
}

// closureOf works out what the RUNs of the layer asked for, of one kind of package.
func (j *judge) closureOf(purl string) *closure {
	c := &closure{purl: purl, names: map[string]bool{}, upgraded: map[string]bool{}, by: j.runs[len(j.runs)-1]}
	weak, cleans := false, false
	for _, run := range j.runs {
		e := j.effectsOf(run)
		for _, i := range e.installs {
			if i.purl == purl {
				c.by = run
				weak = weak || i.weak
				j.ask(c, &i)
			}
		}
		cleans = cleans || takesOrphansAway(run)
		distribution := purl == "deb" || purl == "apk" || purl == "rpm"
		if c.untold == "" && len(e.untold) > 0 && (!distribution || e.arbitrary) {
			c.untold = "what " + quoteList(e.untold) + " installs cannot be told"
		}
	}
	if c.untold == "" && !cleans {
		if name := j.takenAway(c); name != "" {
			c.untold = fmt.Sprintf("%s was installed and taken away again: what it had needed is not known", name)
		}
	}
	j.follow(c, weak)
	return c
}

// takesOrphansAway says whether a RUN also removes what nothing needs any more.
func takesOrphansAway(c *command) bool {
	text := c.script()
	return strings.Contains(text, "autoremove") || strings.Contains(text, "auto-remove") || strings.Contains(text, "apk del")
}

// ask takes one request into a closure.
func (j *judge) ask(c *closure, i *install) {
	if i.any {
		c.untold = "which packages it installs cannot be told from its text"
	}
	for _, name := range i.names {
		switch {
		case strings.Contains(name, unknown):
			c.globs = append(c.globs, name)
		case c.purl == "rpm":
			c.names[name] = true
			for _, p := range j.Inventory.Packages { // name-version-release.arch, or a part of it
				if p.Type == "rpm" && (name == p.Name+"."+p.Arch || strings.HasPrefix(name, p.Name+"-") && strings.HasPrefix(p.Name+"-"+withoutEpoch(p.Version)+"."+p.Arch, name)) {
					c.names[p.Name] = true
				}
			}
		case c.purl == "pypi":
			c.names[normalName(name)] = true
		default:
			c.names[name] = true
		}
	}
	if i.upgrade {
		for _, ch := range j.Inventory.Changes {
			if ch.Layer == j.index && ch.Removed && ch.Type == c.purl {
				c.upgraded[ch.Name], c.names[ch.Name] = true, true
			}
		}
	}
	for _, file := range i.files {
		j.requirements(c, file, 0)
	}
	if i.dir != "" {
		j.projectOf(c, i)
	}
}

func withoutEpoch(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		return rest
	}
	return version
}

// projectOf takes what the manifest and the lock file of a project name.
func (j *judge) projectOf(c *closure, i *install) {
	dir := path.Join("/", i.dir)
	for _, p := range j.Inventory.Packages {
		if p.Type == c.purl && slices.ContainsFunc(p.LockFiles, func(lock string) bool { return path.Dir("/"+lock) == dir }) {
			c.locked = true
		}
	}
	found := c.locked
	for _, manifest := range j.Inventory.Manifests {
		if manifest.Type == c.purl && path.Dir(manifest.File) == dir {
			found = true
			for _, r := range manifest.Requires {
				c.names[r.Name] = true
			}
		}
	}
	if !found && c.untold == "" {
		c.untold = "neither manifest nor lock file of " + bounded(dir) + " is aboard: which packages they name is not known"
	}
}

// requirements takes what a pip requirements file names: one that is aboard, or of the build context.
func (j *judge) requirements(c *closure, file string, depth int) {
	lines, ok := j.linesOf(file)
	if !ok || depth > 5 {
		if c.untold == "" {
			c.untold = bounded(file) + " is not aboard: which packages it names is not known"
		}
		return
	}
	for _, line := range lines {
		line = strings.TrimSpace(strings.SplitN(line, " #", 2)[0])
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case (words[0] == "-r" || words[0] == "--requirement") && len(words) > 1:
			j.requirements(c, path.Join(path.Dir(file), words[1]), depth+1)
		case strings.HasPrefix(line, "-r") && len(words) == 1:
			j.requirements(c, path.Join(path.Dir(file), line[2:]), depth+1)
		case words[0] == "-e", strings.Contains(words[0], "://"), strings.HasPrefix(words[0], "."), strings.HasPrefix(words[0], "/"):
			if name := pythonName(words[0]); strings.Trim(name, unknown) != "" && words[0] != "-e" {
				c.names[name] = true
			} else {
				c.untold = bounded(file) + " names a package by its place"
			}
		case strings.HasPrefix(line, "-"):
		default:
			c.names[pythonName(line)] = true
		}
	}
}

// linesOf gives the text of a file: of the manifest that is aboard, or of the file that an instruction copied there from the context.
func (j *judge) linesOf(file string) ([]string, bool) {
	for _, manifest := range j.Inventory.Manifests {
		if manifest.File == path.Clean(file) {
			return manifest.Lines, true
		}
	}
	if j.buildContext == nil {
		return nil, false
	}
	at := strings.TrimPrefix(path.Clean(file), "/")
	for _, c := range slices.Backward(j.chain) {
		if c.kind != "COPY" && c.kind != "ADD" {
			continue
		}
		if w := j.expect(c, view{isDir: j.isDir, wrote: func(string) bool { return false }, real: j.real}).files[at]; w != nil && w.source != "" {
			raw, err := fs.ReadFile(j.buildContext.root, w.source)
			return strings.Split(string(raw), "\n"), err == nil && len(raw) < maxSize
		}
	}
	// RUN --mount=type=bind,source=requirements.txt
	raw, err := fs.ReadFile(j.buildContext.root, path.Base(at))
	return strings.Split(string(raw), "\n"), err == nil && len(raw) < maxSize
}

// takenAway gives the first name that was asked for and of which no package is aboard.
func (j *judge) takenAway(c *closure) string {
	if c.purl != "deb" && c.purl != "apk" && c.purl != "rpm" {
		return ""
	}
	aboard := map[string]bool{}
	for i := range j.Inventory.Packages {
		if p := &j.Inventory.Packages[i]; p.Type == c.purl {
			aboard[p.Name] = true
			for _, name := range p.Provides {
				aboard[name] = true
			}
		}
	}
	first := ""
	for name := range c.names {
		// A part of a version, or what only apk gave a name, is no package that is missing.
		if strings.Contains(name, ":") || strings.HasPrefix(name, ".") || c.purl == "rpm" && strings.Contains(name, "-") {
			continue
		}
		if !aboard[name] && (first == "" || name < first) {
			first = name
		}
	}
	return first
}

// follow adds what the names need, and what that needs.
func (j *judge) follow(c *closure, weak bool) {
	byName := map[string][]*inventory.Package{}
	for i := range j.Inventory.Packages {
		p := &j.Inventory.Packages[i]
		if p.Type != c.purl {
			continue
		}
		byName[p.Name] = append(byName[p.Name], p)
		for _, name := range p.Provides {
			if name != p.Name && len(byName[name]) < maxTurns {
				byName[name] = append(byName[name], p)
			}
		}
		if slices.ContainsFunc(c.globs, func(g string) bool { return matches(g, p.Name) }) {
			c.names[p.Name] = true
		}
	}
	queue := make([]string, 0, len(c.names))
	for name := range c.names {
		queue = append(queue, name)
	}
	add := func(name string) {
		if !c.names[name] {
			c.names[name] = true
			queue = append(queue, name)
		}
	}
	done := map[*inventory.Package]bool{}
	for len(queue) > 0 {
		name := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, p := range byName[name] {
			if done[p] {
				continue
			}
			done[p] = true
			add(p.Name)
			for _, list := range [][]string{p.Depends, p.Choices} {
				for _, need := range list {
					add(need)
				}
			}
			if weak {
				for _, need := range p.Recommends {
					add(need)
				}
			}
			for _, r := range p.Requires {
				add(r.Name)
			}
		}
	}
}

// overLocks names the installed packages of languages whose lock file has another version of them, and not theirs.
func (m *model) overLocks() {
	type key struct{ purl, name string }
	locked := map[key][]*inventory.Package{}
	note := func(p *inventory.Package) {
		if len(p.Paths) > 0 {
			k := key{p.Type, p.Name}
			locked[k] = append(locked[k], p)
		}
	}
	for i := range m.Inventory.NotInstalled {
		note(&m.Inventory.NotInstalled[i])
	}
	for i := range m.Inventory.Packages {
		if p := &m.Inventory.Packages[i]; p.Locked {
			note(p)
		}
	}
	for i := range m.Inventory.Packages {
		p := &m.Inventory.Packages[i]
		if p.Locked || p.Claimed || p.Project || p.Main || p.Owner != "" || p.Recognised || len(p.LockFiles) > 0 || p.Layer == nil || *p.Layer < m.baseLayers {
			continue
		}
		for _, l := range locked[key{p.Type, p.Name}] {
			if !m.governs(l.Paths[0], p) {
				continue
			}
			c := m.commandOf(*p.Layer)
			m.differ(c, *p.Layer, trust.Undeclared{Kind: trust.UndeclaredPackage, Subject: subjectOf(p), Declared: l.Version, Actual: p.Version,
				Why: "the lock file /" + l.Paths[0] + " names another version"})
			break
		}
	}
}

// governs says whether a lock file is that of an installed package: it lies in the project's directory, and what it locks below it. Of pip,
// which installs elsewhere, the requirements count that an instruction names.
func (m *model) governs(lock string, p *inventory.Package) bool {
	dir := path.Dir(lock)
	if p.Type == "pypi" {
		return !strings.HasSuffix(lock, ".txt") || slices.ContainsFunc(m.chain, func(c *command) bool {
			return c.kind == "RUN" && slices.ContainsFunc(m.effectsOf(c).installs, func(i install) bool { return slices.Contains(i.files, "/"+lock) })
		})
	}
	return dir == "." || slices.ContainsFunc(p.Paths, func(at string) bool { return strings.HasPrefix(at, dir+"/") })
}

// commandOf gives the instruction that made a layer; nil where none is known.
func (m *model) commandOf(index int) *command {
	if index < len(m.groups) && m.groups[index] != nil && len(m.groups[index].commands) > 0 {
		return m.groups[index].commands[len(m.groups[index].commands)-1]
	}
	return nil
}
