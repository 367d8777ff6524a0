package assess

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

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
