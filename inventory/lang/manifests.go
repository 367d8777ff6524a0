package lang

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// manifestExtractor reads the manifests of projects. They prove no package, and name none.
type manifestExtractor struct{}

func (manifestExtractor) Name() string { return "manifest" }

func (manifestExtractor) Rules() []inventory.Rule {
	rules := named("package.json", "pyproject.toml", "go.mod", "pom.xml", "build.gradle", "build.gradle.kts")
	rules = append(rules, inventory.Rule{Suffix: "requirements.txt"}, inventory.Rule{Suffix: ".txt", Dir: "requirements"},
		inventory.Rule{Suffix: "requirements.in"})
	for i := range rules {
		rules[i].CaptureOnly = true
	}
	return rules
}

func (manifestExtractor) Extract(context.Context, *layer.Tree, string) ([]inventory.Package, error) {
	return nil, nil
}

// Manifest implements [inventory.Declarer].
func (manifestExtractor) Manifest(p string, content []byte) (inventory.Manifest, bool) {
	read := manifestReader(p)
	if read == nil || isForeign(p) {
		return inventory.Manifest{}, false
	}
	m, ok := read(p, trimBOM(content))
	return m, ok && len(m.Requires) > 0
}

// Manifests reads those among a user's own files, by name, sorted. The names of the others tell which tools lock them.
func Manifests(files map[string][]byte) []inventory.Manifest {
	var found []inventory.Manifest
	for _, name := range sortedKeys(files) {
		read := manifestReader(name)
		if read == nil {
			continue
		}
		m, ok := read(name, trimBOM(files[name]))
		if !ok || len(m.Requires) == 0 {
			continue
		}
		m.File, m.Lock = name, inventory.LockBeside(m.Type, func(lock string) bool {
			_, there := files[path.Join(path.Dir(name), lock)]
			return there
		})
		found = append(found, m)
	}
	return found
}

// IsManifest says whether a file's name is that of a manifest, or of a lock file that tells which tool a project uses.
func IsManifest(name string) bool {
	return manifestReader(name) != nil || slices.Contains([]string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
		"bun.lock", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"}, path.Base(name))
}

// manifestReader gives the reader of files of a name; nil for one that is no manifest's.
func manifestReader(name string) func(p string, content []byte) (inventory.Manifest, bool) {
	switch base := path.Base(name); {
	case base == "package.json":
		return readPackageJSON
	case base == "pyproject.toml":
		return readPyproject
	case base == "go.mod":
		return readGoMod
	case base == "pom.xml":
		return readPom
	case base == "build.gradle" || base == "build.gradle.kts":
		return readGradle
	case strings.HasSuffix(base, "requirements.txt"), strings.HasSuffix(base, "requirements.in"),
		strings.HasSuffix(base, ".txt") && path.Base(path.Dir(name)) == "requirements":
		return readRequirements
	}
	return nil
}

// newManifest splits a manifest's text into lines.
func newManifest(purlType string, content []byte) inventory.Manifest {
	lines := strings.Split(string(content), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return inventory.Manifest{Type: purlType, Lines: lines}
}

// lineAt gives the line, counted from 1, of an offset.
func lineAt(content []byte, offset int) int {
	return 1 + bytes.Count(content[:min(offset, len(content))], []byte("\n"))
}

func declared(name, written string, kind inventory.RequirementKind, line int) inventory.Declaration {
	return inventory.Declaration{Requirement: inventory.Requirement{Name: name, Range: written, Kind: kind}, Line: line, Written: written}
}
