package assess

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// step says what to do.
func (b *bundle) step(s *Subject) Step {
	step := Step{Kind: Bump, Title: b.title(), Cost: b.cost(), To: map[string]string{}}
	for _, m := range b.moves() {
		step.To[m.pkg.PURL] = m.to
	}
	edits, whole := b.edits()
	if whole || b.movesTogether() {
		step.Edit = edits.first()
	}
	step.Where = cmp.Or(edits.where(), b.place(s))
	step.Command = b.command(step.Edit)
	step.Note = b.note(edits, step.Edit)
	if b.own != nil && b.own.pkg.Type == "golang" && b.own.pkg.Name == "stdlib" {
		step.Kind = Rebuild
	}
	return step
}

// title names the direct dependency and where it goes, and what it brings.
func (b *bundle) title() string {
	switch {
	case b.own != nil && len(b.own.held) > 0:
		return fmt.Sprintf("%s (%s)", b.own.title("bump"), b.own.holdBack())
	case b.own != nil && len(b.held) > 0:
		return fmt.Sprintf("%s (it brings %s)", b.own.title("bump"), few(b.held, nameOnly))
	case b.own != nil:
		return b.own.title("bump")
	case len(b.held) > 0:
		return b.heldTitle()
	case len(b.free) == 1:
		m := b.free[0]
		verb := map[bool]string{true: "refresh the lock file:", false: "pin"}[m.refreshable()]
		if by := m.chain(); by != nil {
			return fmt.Sprintf("%s (%s brings it)", m.title(verb), short(by[0].pkg))
		}
		return m.title(verb)
	}
	return "refresh the lock file: " + few(b.free, withVersion)
}

func (b *bundle) heldTitle() string {
	const shown = 2
	if len(b.holders) == 0 || len(b.holders) > shown {
		return fmt.Sprintf("override %s: %d direct dependencies hold it back", few(b.held, withVersions), len(b.holders))
	}
	var names []string
	for _, c := range b.holders {
		names = append(names, short(c.pkg)+" "+c.pkg.Version)
	}
	release := "a release"
	if len(names) > 1 {
		release = "releases"
	}
	verb := "with"
	if b.held[0].pkg.Type == "golang" {
		verb = "built with"
	}
	return fmt.Sprintf("bump %s to %s %s %s", strings.Join(names, ", "), release, verb, few(b.held, withVersion))
}

// holdBack names those whose requirements do not take the version.
func (m *move) holdBack() string {
	var list []string
	for _, n := range m.held {
		if !slices.Contains(list, short(n.from.pkg)) {
			list = append(list, short(n.from.pkg))
		}
	}
	slices.Sort(list)
	const shown = 2
	switch {
	case len(list) == 1:
		return list[0] + " holds it back"
	case len(list) > shown:
		return fmt.Sprintf("%s and %d more hold it back", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return strings.Join(list, ", ") + " hold it back"
}

// heldBack are all moves that requirements stand in the way of.
func (b *bundle) heldBack() []*move {
	held := slices.Clone(b.held)
	if b.own != nil && len(b.own.held) > 0 {
		held = append(held, b.own)
	}
	return held
}

// movesTogether says whether all that is held back stands in a manifest beside what holds it back, and both move.
func (b *bundle) movesTogether() bool {
	return b.own != nil && len(b.own.held) == 0 && !slices.ContainsFunc(b.held, func(m *move) bool { return len(m.declared) == 0 })
}

func (m *move) title(verb string) string {
	if m.pkg.Type == "golang" && m.pkg.Name == "stdlib" {
		return fmt.Sprintf("rebuild with Go %s -> %s", m.pkg.Version, m.to)
	}
	return fmt.Sprintf("%s %s", verb, withVersions(m))
}

func nameOnly(m *move) string { return short(m.pkg) }

func withVersion(m *move) string {
	if m.pkg.Type == "golang" && m.pkg.Name == "stdlib" {
		return "Go " + m.to
	}
	return short(m.pkg) + " " + m.to
}

func withVersions(m *move) string {
	return fmt.Sprintf("%s %s -> %s", short(m.pkg), m.pkg.Version, m.to)
}

// short is the name that people say: Maven's without its group.
func short(p *inventory.Package) string {
	if p.Type == "maven" {
		return artifact(p)
	}
	return p.Name
}

// few names some, and counts the rest.
func few(moves []*move, name func(*move) string) string {
	var names []string
	for _, m := range moves {
		if n := name(m); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	const shown = 3
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}

// place is where the change is made when no manifest is known: the lock file, or the package itself.
func (b *bundle) place(s *Subject) string {
	if b.own == nil && len(b.held) == 0 {
		m := b.free[0]
		if len(m.pkg.LockFiles) > 0 {
			return "/" + m.pkg.LockFiles[0]
		}
		if chain := m.chain(); chain != nil && !m.refreshable() {
			return filePlace(chain[0])
		}
		return s.place(m.pkg)
	}
	if b.own != nil {
		return s.place(b.own.pkg)
	}
	if len(b.holders) > 0 {
		return filePlace(b.holders[0])
	}
	return s.place(b.held[0].pkg)
}

// filePlace is where a person would look for one copy.
func filePlace(c *installed) string {
	p := *c.pkg
	p.Paths = []string{c.place}
	return p.Place()
}

// note says how the change comes to the vulnerable package, and what is not known.
func (b *bundle) note(edits manifestEdits, edit *Edit) string {
	var parts []string
	if also := edits.others(); also != "" && edit != nil {
		parts = append(parts, "also "+also)
	}
	switch {
	case len(b.heldBack()) > 0:
		parts = append(parts, b.heldNote(edit))
	case b.own != nil:
		parts = append(parts, b.own.ownNote())
	case len(b.free) == 1 && b.free[0].chain() != nil:
		parts = append(parts, b.free[0].chain().String()+": "+b.free[0].freeNote())
	case b.free[0].refreshable():
		parts = append(parts, "what needs them takes these versions already")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func (m *move) freeNote() string {
	if m.pkg.Type == "maven" {
		return "a version that is managed wins over what they ask for"
	}
	return "they take it already"
}

func (b *bundle) heldNote(edit *Edit) string {
	m := b.heldBack()[0]
	way := m.pkg.Name
	if c := m.chain(); c != nil {
		way = c.String()
	}
	switch n := m.held[0]; {
	case b.movesTogether():
		return fmt.Sprintf("%s: %s asks for %q, so that both move; whether that release takes %s is not known offline", way, n.from.pkg.Name, n.Range, m.to)
	case n.within && m.pkg.Type == "golang":
		return fmt.Sprintf("%s: built into it, and which release is built with a newer one is not known offline", way)
	case n.within:
		return fmt.Sprintf("%s: it brings its own, and which release has a newer one is not known offline", way)
	case n.Range == unknownRange:
		return fmt.Sprintf("%s: which release takes %s is not known offline", way, m.to)
	case edit != nil:
		return fmt.Sprintf("%s: %s asks for %q; which release takes %s is not known offline, and until then the edit overrules it",
			way, n.from.pkg.Name, n.Range, m.to)
	default:
		note := fmt.Sprintf("%s: %s asks for %q; which release takes %s is not known offline", way, n.from.pkg.Name, n.Range, m.to)
		if text := overrideText(b.heldBack()); text != "" {
			note += ", and until then " + text + " overrules it"
		}
		return note
	}
}

// overrideText is what overrules requirements, where a manifest has no place for it that is known; empty where nothing does, or where it is
// longer than a person reads.
func overrideText(held []*move) string {
	for _, m := range held {
		if m.pkg.Type != "npm" || m.within() || m.variant == distantMove || !plainWord.MatchString(m.pkg.Name) || !plainWord.MatchString(m.to) {
			return ""
		}
	}
	key, members := overrides(held[0].copies[0].lock, held)
	inner, err := json.Marshal(members)
	const most = 120
	if err != nil || len(inner) > most {
		return ""
	}
	return fmt.Sprintf("%q: %s", key, inner)
}

// ownNote says what else there is to know of a direct dependency that moves.
func (m *move) ownNote() string {
	c := m.copies[0]
	switch {
	case c.main != nil && m.pkg.Name == "stdlib":
		return fmt.Sprintf("the toolchain that builds %s", c.main.Name)
	case c.main != nil && len(c.manifests) == 0:
		return fmt.Sprintf("in the module %s, which /%s is built from", c.main.Name, c.place)
	case m.pkg.Type == "maven" && len(m.copies) > 1:
		return fmt.Sprintf("it lies in %d places: build all of them again", len(m.copies))
	case m.variant == cheapMove:
		return "the smaller move: it does not end all"
	case m.variant == distantMove:
		return "to a line of releases that is still supported"
	case datedRelease.MatchString(m.pkg.Version) && !datedRelease.MatchString(m.to):
		return "its releases end in their day: look for " + m.to + ".v..."
	}
	return ""
}

func (c lineage) String() string {
	var names []string
	for _, at := range c {
		names = append(names, short(at.pkg)+" "+at.pkg.Version)
	}
	const shown = 5
	if len(names) > shown {
		names = slices.Concat(names[:2], []string{"..."}, names[len(names)-2:])
	}
	return strings.Join(names, " -> ")
}

// datedRelease is how Jetty's releases end.
var datedRelease = regexp.MustCompile(`\.v[0-9]{8}$`)

// plainWord is what may stand in a command as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9@_][A-Za-z0-9@_./:+~^-]*$`)

// command is what the project's own tool is told, after the edit where it overrules something. It is empty where a name is not one that a shell
// takes as it stands: an image may hold any.
func (b *bundle) command(edit *Edit) string {
	for _, m := range b.moves() {
		if !plainWord.MatchString(m.pkg.Name) || !plainWord.MatchString(m.to) {
			return ""
		}
	}
	switch {
	case len(b.heldBack()) > 0 && edit != nil:
		return b.overrideCommand()
	case b.own != nil:
		return b.own.command()
	case len(b.free) == 0:
		return ""
	}
	var names []string
	for _, m := range b.free {
		names = append(names, m.pkg.Name)
	}
	return refreshCommand(b.free[0], strings.Join(names, " "))
}

func (b *bundle) overrideCommand() string {
	held := b.heldBack()
	m := held[0]
	if m.pkg.Type != "npm" || m.within() {
		return ""
	}
	var names []string
	for _, m := range held {
		names = append(names, m.pkg.Name)
	}
	return refreshCommand(m, strings.Join(names, " "))
}

// refreshCommand writes the lock file again for the named packages alone.
func refreshCommand(m *move, names string) string {
	switch lock := m.copies[0].lock; {
	case lock == "yarn.lock":
		return "yarn up -R " + names // Yarn 1 has no way to do it
	case lock == "pnpm-lock.yaml":
		return "pnpm update --depth 999 " + names
	case lock == "bun.lock":
		return "bun update " + names
	case m.pkg.Type == "npm":
		return "npm update " + names
	case lock == "uv.lock":
		return "uv lock --upgrade-package " + strings.Join(strings.Fields(names), " --upgrade-package ")
	case lock == "poetry.lock":
		return "poetry update " + names
	case lock == "pdm.lock":
		return "pdm update " + names
	case lock == "Pipfile.lock":
		return "pipenv update " + names
	}
	return ""
}

// command moves a direct dependency.
func (m *move) command() string {
	c, name, to := m.copies[0], m.pkg.Name, m.to
	switch m.pkg.Type {
	case "npm":
		return m.npmCommand()
	case "pypi":
		if command := refreshCommand(m, name); command != "" {
			return command
		}
		if len(m.declared) > 0 {
			return ""
		}
		return fmt.Sprintf("pip install --upgrade '%s>=%s'", name, to)
	case "golang":
		if name == "stdlib" || c.main == nil {
			return ""
		}
		return fmt.Sprintf("go get %s@%s && go mod tidy", name, to)
	case "cargo":
		return fmt.Sprintf("cargo update -p %s@%s --precise %s", name, m.pkg.Version, to)
	case "gem":
		return "bundle update --conservative " + name
	case "composer":
		return fmt.Sprintf("composer update %s --with-dependencies", name)
	case "nuget":
		return fmt.Sprintf("dotnet add package %s --version %s", name, to)
	}
	return ""
}

// npmCommand installs a package in another version as it was installed before: under its alias, exactly, for development.
func (m *move) npmCommand() string {
	c, what, flags := m.copies[0], m.pkg.Name+"@"+m.to, ""
	if c.tool != nil {
		return "npm install --global " + what
	}
	if len(m.declared) > 0 {
		n := &m.declared[0]
		if n.Name != m.pkg.Name && plainWord.MatchString(n.Name) {
			what = n.Name + "@npm:" + what
		}
		if n.Kind == inventory.Development {
			flags += " --save-dev"
		}
		if exact.MatchString(n.declared.Written) {
			flags += " --save-exact"
		}
	}
	switch c.lock {
	case "yarn.lock":
		return "yarn add " + yarnFlags(flags) + what
	case "pnpm-lock.yaml":
		return "pnpm add" + flags + " " + what
	case "bun.lock":
		return "bun add " + yarnFlags(flags) + what
	}
	return "npm install" + flags + " " + what
}

func yarnFlags(flags string) string {
	flags = strings.TrimPrefix(strings.ReplaceAll(flags, "--save-", "--"), " ")
	if flags != "" {
		flags += " "
	}
	return flags
}

// where is the manifest's line, and the others.
func (e manifestEdits) where() string {
	if len(e) == 0 {
		return ""
	}
	return e[0].where()
}

func (e manifestEdits) others() string {
	var list []string
	for _, other := range e[min(len(e), 1):] {
		list = append(list, other.where())
	}
	const shown = 3
	if len(list) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), len(list)-shown)
	}
	return strings.Join(list, ", ")
}

func (e *manifestEdit) where() string {
	if line := cmp.Or(e.at, e.line()); line > 0 {
		return fmt.Sprintf("%s:%d", e.manifest.File, line)
	}
	return e.manifest.File
}
