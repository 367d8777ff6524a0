package assess

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

func (d *dependencies) removals(s *Subject) []plan {
	used := d.used()
	var plans []plan
	plans = append(plans, d.toolPlans(s)...)
	plans = append(plans, d.leaveOut(s, used, developed)...)
	return append(plans, d.leaveOut(s, used, nobodys)...)
}

// use says what an npm package is there for.
type use int

const (
	nobodys   use = iota // no manifest leads to it
	developed            // only those that are for development do
	produced
)

// used says of each copy in the projects of npm that have a manifest what it is there for.
func (d *dependencies) used() map[*installed]use {
	needs, uses := map[*installed][]*installed{}, map[*installed]use{}
	var queue []*installed
	reach := func(c *installed, u use) {
		if uses[c] < u {
			uses[c] = u
			queue = append(queue, c)
		}
	}
	for p, copies := range d.copies {
		for _, c := range copies {
			if p.Type != "npm" {
				continue
			}
			for _, n := range c.by {
				switch {
				case n.from != nil:
					needs[n.from] = append(needs[n.from], c)
				case n.Kind == inventory.Development:
					reach(c, developed)
				default:
					reach(c, produced)
				}
			}
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, c := range needs[queue[0]] {
			reach(c, uses[queue[0]])
		}
	}
	return uses
}

// leaveOut gives, for each project, the step that leaves out what is there for one use.
func (d *dependencies) leaveOut(s *Subject, uses map[*installed]use, without use) []plan {
	type project struct {
		copies []*installed
		purls  []string
	}
	projects := map[string]*project{}
	for i := range s.Packages {
		p := &s.Packages[i]
		copies := d.copies[p]
		if p.Type != "npm" || p.Owner != "" || p.Locked || len(copies) == 0 || slices.ContainsFunc(copies, func(c *installed) bool {
			return len(c.manifests) == 0 || c.project != copies[0].project || uses[c] != without || strings.Contains(c.place, "/.pnpm/")
		}) {
			continue
		}
		if projects[copies[0].project] == nil {
			projects[copies[0].project] = &project{}
		}
		of := projects[copies[0].project]
		of.copies, of.purls = append(of.copies, copies...), append(of.purls, p.PURL)
	}
	var plans []plan
	for _, dir := range sortedDirs(projects) {
		of := projects[dir]
		purls := lookup(of.purls)
		ends := standing(s, func(f *match.Finding) bool { return purls[f.Package] })
		if len(ends) == 0 {
			continue
		}
		c := of.copies[0]
		step := Step{Kind: Remove, Where: s.layerPlace(c.pkg), Cost: StepCost{Packages: len(of.purls)}}
		what := "package"
		if len(of.purls) > 1 {
			what = "packages"
		}
		if without == developed {
			step.Title = fmt.Sprintf("leave out devDependencies: %d %s that production does not need", len(of.purls), what)
			step.Command = productionCommand(c.lock)
			step.Note = fmt.Sprintf("%s lists what they are for", c.manifests[0].File)
		} else {
			step.Title = fmt.Sprintf("remove %d %s that nothing requires: %s", len(of.purls), what, copyNames(of.copies))
			step.Command = "npm prune"
			step.Note = fmt.Sprintf("%s does not lead to them", c.manifests[0].File)
		}
		plans = append(plans, plan{Step: step, ends: ends, removes: of.purls})
	}
	return plans
}

func copyNames(copies []*installed) string {
	var list []string
	for _, c := range copies {
		if !slices.Contains(list, c.pkg.Name) {
			list = append(list, c.pkg.Name)
		}
	}
	const shown = 3
	if len(list) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return strings.Join(list, ", ")
}

// productionCommand installs what a lock file names without what is for development.
func productionCommand(lock string) string {
	switch lock {
	case "yarn.lock":
		return "yarn workspaces focus --production"
	case "pnpm-lock.yaml":
		return "pnpm install --prod --frozen-lockfile"
	case "bun.lock":
		return "bun install --production --frozen-lockfile"
	case "package-lock.json", "npm-shrinkwrap.json":
		return "npm ci --omit=dev"
	}
	return "npm install --omit=dev"
}

// packageManagers are the tools that build an image and that nothing needs once it runs.
var packageManagers = [...]string{"npm", "corepack", "yarn", "pnpm"}

// toolPlans remove package managers of Node.js that the image does not start.
func (d *dependencies) toolPlans(s *Subject) []plan {
	var plans []plan
	for i := range s.Packages {
		p := &s.Packages[i]
		if p.Type != "npm" || p.Owner != "" || !slices.Contains(packageManagers[:], p.Name) || s.starts(p.Name) {
			continue
		}
		for _, c := range d.copies[p] {
			if c.tool == c {
				plans = append(plans, d.toolPlan(s, c)...)
			}
		}
	}
	return plans
}

func (d *dependencies) toolPlan(s *Subject, tool *installed) []plan {
	var purls []string
	for i := range s.Packages {
		p := &s.Packages[i]
		if copies := d.copies[p]; len(copies) > 0 && !slices.ContainsFunc(copies, func(c *installed) bool { return c.tool != tool }) {
			purls = append(purls, p.PURL)
		}
	}
	brought := lookup(purls)
	ends := standing(s, func(f *match.Finding) bool { return brought[f.Package] })
	if len(ends) == 0 {
		return nil
	}
	step := Step{
		Kind: Remove, Title: fmt.Sprintf("remove %s %s: the image does not start it", tool.pkg.Name, tool.pkg.Version), Where: s.place(tool.pkg),
		Cost: StepCost{Packages: len(purls)}, Note: "in an instruction after those that use it",
	}
	if dir := "/" + path.Dir(tool.place); plainPath(dir) {
		step.Command = "rm -rf " + dir
	}
	return []plan{{Step: step, ends: ends, removes: purls}}
}

func plainPath(p string) bool { return plainWord.MatchString(p[1:]) && !strings.Contains(p, "..") }

// started are the words that a container of the image is started with; none where that is not known.
func (s *Subject) started() []string {
	c := s.Image.Config
	if c == nil {
		return nil
	}
	return strings.FieldsFunc(strings.Join(slices.Concat(c.Entrypoint, c.Cmd), " "), func(r rune) bool { return r <= ' ' || strings.ContainsRune(`;&|"'()`, r) })
}

// starts says whether a container of the image starts a program by its name, or a shell, which may.
func (s *Subject) starts(name string) bool {
	words := s.started()
	for i, w := range words {
		base := path.Base(w)
		if base == name || base == "npx" || strings.HasSuffix(base, ".sh") || i == 0 && (base == "sh" || base == "bash") && len(words) == 1 {
			return true
		}
	}
	return len(words) == 0
}

// bringer says which direct dependency brings a package, and how to be rid of that one.
func (d *dependencies) bringer(p *inventory.Package) (brought, command string) {
	direct := (&move{pkg: p, copies: d.copies[p]}).chain()
	name := p.Name
	if len(direct) > 0 {
		name = direct[0].pkg.Name
		brought = fmt.Sprintf(", and so %s %s, which brings it", short(direct[0].pkg), direct[0].pkg.Version)
	}
	if len(d.copies[p]) > 0 && plainWord.MatchString(name) {
		switch p.Type {
		case "npm":
			command = "npm uninstall " + name
		case "pypi":
			command = "pip uninstall -y " + name
		}
	}
	return brought, command
}
