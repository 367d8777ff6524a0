package assess

import (
	"cmp"
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
	// at is the line of the direct dependency; 0 where it has none.
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
