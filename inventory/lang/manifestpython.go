package lang

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/inventory"
)

// pythonName is the start of a dependency specifier: the name, and the extras.
var pythonName = regexp.MustCompile(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\]\s*)?`)

// parseRequirement reads a dependency specifier (https://packaging.python.org/specifications/dependency-specifiers/), with what may follow
// it in a requirements file; false where it is none, or names an address. Metadata of old has the version in parentheses.
func parseRequirement(s string) (r inventory.Requirement, written string, ok bool) {
	s, _, _ = strings.Cut(s, " #")
	s, _, _ = strings.Cut(s, " --")
	s, marker, _ := strings.Cut(s, ";")
	m := pythonName.FindStringSubmatch(s)
	if m == nil {
		return r, "", false
	}
	written = strings.Trim(s[len(m[0]):], " \t()")
	if written != "" && !strings.ContainsRune("=<>!~", rune(written[0])) {
		return r, "", false
	}
	r = inventory.Requirement{Name: inventory.AdvisoryName("pypi", m[1]), Range: written}
	if strings.Contains(marker, "extra") {
		r.Kind = inventory.Optional
	}
	return r, written, true
}

// pythonRequires reads Requires-Dist. One that a marker ties to an interpreter or a system counts where the package is there.
func pythonRequires(h header) []inventory.Requirement {
	var out []inventory.Requirement
	for _, field := range h["requires-dist"] {
		if r, _, ok := parseRequirement(field); ok && len(out) < maxRequirements {
			out = append(out, r)
		}
	}
	return out
}

// readRequirements reads pip's requirements files: https://pip.pypa.io/en/stable/reference/requirements-file-format/. A line that is
// continued has hashes, which a new version needs too: its tool must write it.
func readRequirements(p string, content []byte) (inventory.Manifest, bool) {
	m := newManifest("pypi", content)
	kind := inventory.RequirementKind("")
	if base := path.Base(p); strings.Contains(base, "dev") || strings.Contains(base, "test") {
		kind = inventory.Development
	}
	continued := false
	for i, line := range m.Lines {
		inside := continued
		line = strings.TrimSpace(line)
		continued = strings.HasSuffix(line, `\`)
		if inside || line == "" || line[0] == '#' || line[0] == '-' {
			continue
		}
		r, written, ok := parseRequirement(strings.TrimRight(line, `\ `))
		if !ok || len(m.Requires) == maxRequirements {
			continue
		}
		d := declared(r.Name, written, kind, i+1)
		if continued {
			d.Line = 0
		}
		m.Requires = append(m.Requires, d)
	}
	return m, true
}

var (
	tomlTable  = regexp.MustCompile(`^\s*\[\[?\s*([^\]]+?)\s*\]?\]\s*(?:#.*)?$`)
	tomlString = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)
	tomlKey    = regexp.MustCompile(`^\s*("[^"]*"|'[^']*'|[A-Za-z0-9._-]+)\s*=\s*(.*)$`)
	tomlPoetry = regexp.MustCompile(`^(?:\{.*?\bversion\s*=\s*)?["']([^"']*)["']`)
)

// readPyproject reads what a pyproject.toml asks for, as PEP 621, PEP 735 and Poetry have it. It goes line by line: a line is what has
// to be changed.
func readPyproject(_ string, content []byte) (inventory.Manifest, bool) {
	r := pyprojectReader{m: newManifest("pypi", content)}
	for i, line := range r.m.Lines {
		if len(r.m.Requires) < maxRequirements {
			r.read(line, i+1)
		}
	}
	return r.m, true
}

type pyprojectReader struct {
	m     inventory.Manifest
	table string
	// inList says that the line is inside of a list of dependency specifiers, of the kind listKind.
	inList   bool
	listKind inventory.RequirementKind
}

func (r *pyprojectReader) read(line string, n int) {
	if r.inList {
		r.list(line, n)
		return
	}
	if t := tomlTable.FindStringSubmatch(line); t != nil {
		r.table = strings.ReplaceAll(t[1], `"`, "")
		return
	}
	k := tomlKey.FindStringSubmatch(line)
	if k == nil {
		return
	}
	key, value := strings.Trim(k[1], `"'`), k[2]
	switch {
	case key == "name" && (r.table == "project" || r.table == "tool.poetry"):
		r.m.Project = inventory.AdvisoryName("pypi", strings.Trim(value, `"' `))
	case r.table == "project" && key == "dependencies":
		r.begin("", value, n)
	case r.table == "project.optional-dependencies":
		r.begin(inventory.Optional, value, n)
	case r.table == "dependency-groups":
		r.begin(inventory.Development, value, n)
	case r.table == "tool.poetry.dependencies":
		r.poetry(key, value, "", n)
	case strings.HasPrefix(r.table, "tool.poetry.") && strings.HasSuffix(r.table, "dependencies"):
		r.poetry(key, value, inventory.Development, n)
	}
}

func (r *pyprojectReader) begin(kind inventory.RequirementKind, value string, n int) {
	if rest, ok := strings.CutPrefix(value, "["); ok {
		r.inList, r.listKind = true, kind
		r.list(rest, n)
	}
}

// list reads the dependency specifiers of one line of a list.
func (r *pyprojectReader) list(line string, n int) {
	for _, s := range tomlString.FindAllStringSubmatch(line, -1) {
		if req, written, ok := parseRequirement(s[1] + s[2]); ok {
			r.m.Requires = append(r.m.Requires, declared(req.Name, written, r.listKind, n))
		}
	}
	if strings.Contains(tomlString.ReplaceAllString(line, ""), "]") {
		r.inList = false
	}
}

func (r *pyprojectReader) poetry(key, value string, kind inventory.RequirementKind, n int) {
	m := tomlPoetry.FindStringSubmatch(value)
	if m == nil || key == "python" {
		return
	}
	d := declared(inventory.AdvisoryName("pypi", key), m[1], kind, n)
	d.Range = poetryRange(m[1])
	r.m.Requires = append(r.m.Requires, d)
}

// poetryRange puts Poetry's carets, tildes and bare versions into the words of PEP 440:
// https://python-poetry.org/docs/dependency-specification/.
func poetryRange(s string) string {
	numbers := strings.TrimLeft(s, "^~")
	parts := strings.Split(numbers, ".")
	switch {
	case s == "*":
		return ""
	case strings.HasPrefix(s, "^"):
		keep := 0
		for keep < len(parts)-1 && parts[keep] == "0" {
			keep++
		}
		return ">=" + numbers + ",<" + upTo(parts, keep)
	case strings.HasPrefix(s, "~") && !strings.HasPrefix(s, "~="):
		return ">=" + numbers + ",<" + upTo(parts, min(1, len(parts)-1))
	case s != "" && s[0] >= '0' && s[0] <= '9':
		return "==" + s
	}
	return s
}

// upTo is a version's numbers with the i-th of them one higher and those after it gone.
func upTo(parts []string, i int) string {
	n, err := strconv.Atoi(parts[i])
	if err != nil {
		return strings.Join(parts, ".")
	}
	return strings.Join(append(slices.Clone(parts[:i]), strconv.Itoa(n+1)), ".")
}
