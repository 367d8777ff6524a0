package assess

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// manifestEdit is what changes in one manifest: lines by number, from 1, each with what takes its place.
type manifestEdit struct {
	manifest *inventory.Manifest
	lines    map[int]string
	// at is the line that speaks of it where none is changed.
	at int
}

// manifestEdits are those of one step, the user's own manifests first.
type manifestEdits []*manifestEdit

func (e *manifestEdit) line() int {
	if len(e.lines) == 0 {
		return e.at
	}
	return slices.Min(slices.Collect(maps.Keys(e.lines)))
}

// maxEditLines bounds how far apart the lines of one edit may lie, and maxEditLine (bytes) how long the first may be: a file that no person
// wrote is better changed by the command.
const (
	maxEditLines = 60
	maxEditLine  = 500
)

// first is the first manifest's change, as one edit from its first line to its last; nil where there is none.
func (e manifestEdits) first() *Edit {
	if len(e) == 0 || len(e[0].lines) == 0 {
		return nil
	}
	numbers := slices.Sorted(maps.Keys(e[0].lines))
	from, to := numbers[0], numbers[len(numbers)-1]
	if to-from >= maxEditLines || len(e[0].manifest.Lines[from-1]) > maxEditLine {
		return nil
	}
	var before, after []string
	for n := from; n <= to; n++ {
		line := e[0].manifest.Lines[n-1]
		before = append(before, line)
		if changed, ok := e[0].lines[n]; ok {
			line = changed
		}
		after = append(after, line)
	}
	return &Edit{File: e[0].manifest.File, Line: from, Old: strings.Join(before, "\n"), New: strings.Join(after, "\n")}
}

// of gives the edit of a manifest, a new one where there is none yet.
func (e *manifestEdits) of(m *inventory.Manifest) *manifestEdit {
	for _, known := range *e {
		if known.manifest == m {
			return known
		}
	}
	*e = append(*e, &manifestEdit{manifest: m, lines: map[int]string{}})
	return (*e)[len(*e)-1]
}

// edits gives the changes of manifests that a bundle asks for. whole says that they are all that has to be done.
func (b *bundle) edits() (edits manifestEdits, whole bool) {
	whole = true
	for _, m := range b.moves() {
		if !plainWord.MatchString(m.pkg.Name) || !plainWord.MatchString(m.to) {
			return nil, false // an image may hold any name; it is not put into anybody's manifest
		}
		for i := range m.declared {
			edits.declare(&m.declared[i], m)
		}
	}
	if b.own == nil {
		for _, h := range b.holders {
			for i := range h.by {
				if n := &h.by[i]; n.manifest != nil {
					edits.of(n.manifest).at = n.declared.Line
				}
			}
		}
	}
	if held := b.heldBack(); len(held) > 0 {
		whole = edits.override(held)
	}
	for _, m := range b.free {
		whole = edits.pin(m) && whole
	}
	slices.SortStableFunc(edits, func(a, b *manifestEdit) int {
		return cmp.Or(first(!a.manifest.Aboard(), !b.manifest.Aboard()), first(len(a.lines) > 0, len(b.lines) > 0), cmp.Compare(a.manifest.File, b.manifest.File))
	})
	return edits, whole
}

// declare moves a requirement to a version.
func (e *manifestEdits) declare(n *need, m *move) {
	edit, d := e.of(n.manifest), n.declared
	if d.Line == 0 {
		return
	}
	if edit.at == 0 || d.Line < edit.at {
		edit.at = d.Line
	}
	if changed, ok := replaceVersion(edit.text(d.Line), d, m); ok {
		edit.lines[d.Line] = changed
	}
}

// replaceVersion puts a version into a line in the place of what is written there; false where that cannot be found.
func replaceVersion(line string, d *inventory.Declaration, m *move) (string, bool) {
	after := 0
	if m.pkg.Type != "maven" || strings.Contains(line, ":") { // a version in a pom.xml has a line of its own
		name := d.Name
		switch m.pkg.Type {
		case "maven":
			name = name[strings.IndexByte(name, ':')+1:]
		case "npm":
			name = `"` + name + `"`
		}
		if after = indexName(line, name); after < 0 {
			return "", false
		}
		after += len(name)
	}
	if d.Written == "" {
		if m.pkg.Type != "pypi" {
			return "", false
		}
		if strings.HasPrefix(line[after:], "[") { // extras
			after += strings.IndexByte(line[after:], ']') + 1
		}
		return line[:after] + ">=" + m.to + line[after:], true
	}
	i := strings.Index(line[after:], d.Written)
	if i < 0 {
		return "", false
	}
	i += after
	return line[:i] + moveRange(d.Written, m) + line[i+len(d.Written):], true
}

// indexName finds a name in a line however it is spelt: PyPI takes Flask_Login for flask-login.
func indexName(line, name string) int {
	plain := func(s string) string { // byte for byte, so that places stay what they are
		b := []byte(s)
		for i, c := range b {
			switch {
			case c >= 'A' && c <= 'Z':
				b[i] = c + 'a' - 'A'
			case c == '_' || c == '.':
				b[i] = '-'
			}
		}
		return string(b)
	}
	return strings.Index(plain(line), plain(name))
}

// exact is one version of npm's or Poetry's, with nothing before it; with fewer numbers it is a range.
var exact = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.+-]*)?$`)

var rangeOperator = regexp.MustCompile(`^(\^|~=|~>|~|===?|>=)\s*v?[0-9][^ ,|]*$`)

// moveRange writes a range for another version with the operator that it has; one that is made of several becomes the simplest that takes
// the version.
func moveRange(written string, m *move) string {
	prefix := ""
	if alias := strings.LastIndexByte(written, '@'); strings.HasPrefix(written, "npm:") && alias > len("npm:") {
		prefix, written = written[:alias+1], written[alias+1:]
	}
	switch op := rangeOperator.FindStringSubmatch(written); {
	case op != nil:
		return prefix + op[1] + m.to
	case exact.MatchString(written) || m.pkg.Type == "maven" || m.pkg.Type == "golang":
		return prefix + m.to
	case m.pkg.Type == "npm":
		return prefix + "^" + m.to
	}
	return ">=" + m.to
}

// override writes what overrules the requirements of others, into the project's own manifest. It says whether that can be done: pip has no
// words for it, and what is built into another package stays there.
func (e *manifestEdits) override(held []*move) bool {
	byManifest := map[*inventory.Manifest][]*move{}
	var order []*inventory.Manifest
	for _, m := range held {
		if m.pkg.Type != "npm" || m.within() || m.variant == distantMove {
			return false
		}
		roots := m.roots()
		if len(roots) == 0 {
			return false
		}
		for _, root := range roots {
			if byManifest[root] == nil {
				order = append(order, root)
			}
			byManifest[root] = append(byManifest[root], m)
		}
	}
	for _, root := range order {
		if !overrideNPM(e.of(root), byManifest[root]) {
			return false
		}
	}
	return true
}

// roots are the manifests that rule each copy: of a workspace the outermost.
func (m *move) roots() []*inventory.Manifest {
	var out []*inventory.Manifest
	for _, c := range m.copies {
		if len(c.manifests) == 0 {
			return nil
		}
		if root := c.manifests[len(c.manifests)-1]; !slices.Contains(out, root) {
			out = append(out, root)
		}
	}
	return out
}

// overrideNPM adds what overrules requirements to a package.json.
func overrideNPM(e *manifestEdit, moves []*move) bool {
	key, members := overrides(e.manifest.Lock, moves)
	return insertObject(e, key, members)
}

// overrides gives npm's "overrides", or what Yarn and pnpm have in its place:
// https://docs.npmjs.com/cli/configuring-npm/package-json#overrides, https://yarnpkg.com/configuration/manifest#resolutions,
// https://pnpm.io/settings#overrides.
func overrides(lock string, moves []*move) (key string, members map[string]any) {
	members = map[string]any{}
	nested := func(from, name, to string) {
		of, ok := members[from].(map[string]any)
		if !ok {
			of = map[string]any{}
			if whole, set := members[from]; set {
				of["."] = whole // the package itself, beside what it needs
			}
			members[from] = of
		}
		of[name] = to
	}
	key = "overrides"
	switch lock {
	case "yarn.lock":
		key, nested = "resolutions", func(from, name, to string) { members[from+"/"+name] = to }
	case "pnpm-lock.yaml":
		key, nested = "pnpm", func(from, name, to string) { members[from+">"+name] = to }
	}
	for _, m := range moves {
		if m.alone() {
			if of, ok := members[m.pkg.Name].(map[string]any); ok {
				of["."] = m.to
			} else {
				members[m.pkg.Name] = m.to
			}
			continue
		}
		for _, from := range m.requirers() {
			nested(from, m.pkg.Name, m.to)
		}
	}
	if key == "pnpm" {
		members = map[string]any{"overrides": members}
	}
	return key, members
}

// alone says whether all copies of the name can be overruled together: there is no other version of it, and the project does not ask for it itself.
func (m *move) alone() bool {
	return len(m.declared) == 0 && !m.others
}

// requirers are the names of the packages that need it, sorted.
func (m *move) requirers() []string {
	var names []string
	for _, c := range m.copies {
		for _, n := range c.by {
			if n.from != nil && !slices.Contains(names, n.from.pkg.Name) {
				names = append(names, n.from.pkg.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

var objectLine = regexp.MustCompile(`^(\s*)"(overrides|resolutions|pnpm|dependencies|devDependencies)"\s*:\s*\{\s*$`)

// insertObject adds members to an object of a package.json, or the object itself before the dependencies. A file that is not written with
// one member to a line is left alone.
func insertObject(e *manifestEdit, key string, members map[string]any) bool {
	before := 0
	for i, line := range e.manifest.Lines {
		found := objectLine.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		if found[2] == key {
			inside, ok := objectText(members, childIndent(e.manifest.Lines, i))
			if !ok || i+1 >= len(e.manifest.Lines) || strings.HasPrefix(strings.TrimSpace(e.manifest.Lines[i+1]), "}") || key == "pnpm" {
				return false
			}
			e.lines[i+1] = e.text(i+1) + "\n" + inside + ","
			return true
		}
		if before == 0 && (found[2] == "dependencies" || found[2] == "devDependencies") {
			before = i + 1
		}
	}
	if before == 0 {
		return false
	}
	object, ok := objectText(map[string]any{key: members}, indentOf(e.manifest.Lines[before-1]))
	if ok {
		e.lines[before] = object + ",\n" + e.text(before)
	}
	return ok
}

// childIndent is the indentation of what lies in a line's object or block: that of the next line, or a little more than its own.
func childIndent(lines []string, i int) string {
	own := indentOf(lines[i])
	if i+1 < len(lines) {
		if next := indentOf(lines[i+1]); len(next) > len(own) || strings.HasPrefix(lines[i+1][len(next):], `"`) {
			return next
		}
	}
	return own + "  "
}

func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// objectText writes the members of an object, one to a line, without its braces.
func objectText(members map[string]any, indent string) (string, bool) {
	unit := "  "
	if strings.HasPrefix(indent, "\t") {
		unit = "\t"
	}
	text, err := json.MarshalIndent(members, strings.TrimSuffix(indent, unit), unit)
	if err != nil {
		return "", false
	}
	text = []byte(strings.NewReplacer(`\u003e`, ">", `\u003c`, "<", `\u0026`, "&").Replace(string(text)))
	lines := strings.Split(string(text), "\n")
	return strings.Join(lines[1:len(lines)-1], "\n"), len(lines) > 2
}

// pin asks for a version of what others bring: Maven and Gradle by what is managed, pip by a line of its own. A lock file that is
// written again needs none.
func (e *manifestEdits) pin(m *move) bool {
	if m.refreshable() {
		return true
	}
	roots := m.roots()
	if len(roots) == 0 {
		return false
	}
	edit := e.of(roots[0])
	switch base := path.Base(roots[0].File); {
	case base == "pom.xml":
		return insertBlock(edit, managedPom(m))
	case strings.HasPrefix(base, "build.gradle"):
		return insertBlock(edit, managedGradle(m))
	case m.pkg.Type == "pypi" && base != "pyproject.toml":
		return pinRequirement(edit, m)
	}
	return false
}

// pinRequirement adds a line after the one of the package that brings it.
func pinRequirement(e *manifestEdit, m *move) bool {
	c := m.chain()
	if c == nil {
		return false
	}
	for _, n := range c[0].by {
		if n.manifest == e.manifest && n.declared.Line > 0 {
			e.lines[n.declared.Line] = e.text(n.declared.Line) + "\n" + m.pkg.Name + ">=" + m.to
			return true
		}
	}
	return false
}

// block is text to put after the last of lines that follow one another in this order; or else, with what is around it, before or after another line.
type block struct {
	path           []*regexp.Regexp
	text           []string
	other          *regexp.Regexp
	around         [2][]string
	otherwiseAfter bool
}

var (
	managementLine   = regexp.MustCompile(`^\s*<dependencyManagement>\s*$`)
	dependenciesLine = regexp.MustCompile(`^\s*<dependencies>\s*$`)
	gradleLine       = regexp.MustCompile(`^\s*dependencies\s*\{\s*$`)
	constraintsLine  = regexp.MustCompile(`^\s*constraints\s*\{\s*$`)
)

// managedPom: https://maven.apache.org/guides/introduction/introduction-to-dependency-mechanism.html#dependency-management.
func managedPom(m *move) block {
	group, artifact, _ := strings.Cut(m.pkg.Name, ":")
	return block{
		path:  []*regexp.Regexp{managementLine, dependenciesLine},
		text:  []string{"<dependency>", "  <groupId>" + group + "</groupId>", "  <artifactId>" + artifact + "</artifactId>", "  <version>" + m.to + "</version>", "</dependency>"},
		other: dependenciesLine, around: [2][]string{{"<dependencyManagement>", "  <dependencies>"}, {"  </dependencies>", "</dependencyManagement>"}},
	}
}

// managedGradle: https://docs.gradle.org/current/userguide/dependency_constraints.html.
func managedGradle(m *move) block {
	return block{
		path: []*regexp.Regexp{gradleLine, constraintsLine}, text: []string{fmt.Sprintf("implementation(%q)", m.pkg.Name+":"+m.to)},
		other: gradleLine, around: [2][]string{{"constraints {"}, {"}"}}, otherwiseAfter: true,
	}
}

func insertBlock(e *manifestEdit, b block) bool {
	want, other := 0, -1
	for i, line := range e.manifest.Lines {
		if other < 0 && b.other.MatchString(line) {
			other = i
		}
		if want < len(b.path) && b.path[want].MatchString(line) {
			if want++; want == len(b.path) {
				e.lines[i+1] = e.text(i+1) + "\n" + indented(b.text, childIndent(e.manifest.Lines, i))
				return true
			}
		}
	}
	if other < 0 {
		return false
	}
	var inner []string
	for _, line := range b.text {
		inner = append(inner, strings.Repeat("  ", len(b.around[0]))+line)
	}
	whole := slices.Concat(b.around[0], inner, b.around[1])
	if b.otherwiseAfter {
		e.lines[other+1] = e.text(other+1) + "\n" + indented(whole, childIndent(e.manifest.Lines, other))
		return true
	}
	e.lines[other+1] = indented(whole, indentOf(e.manifest.Lines[other])) + "\n" + e.text(other+1)
	return true
}

// text is a line as it is after the changes so far.
func (e *manifestEdit) text(n int) string {
	if changed, ok := e.lines[n]; ok {
		return changed
	}
	return e.manifest.Lines[n-1]
}

func indented(lines []string, indent string) string {
	return indent + strings.Join(lines, "\n"+indent)
}
