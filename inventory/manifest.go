package inventory

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// Manifest is a file in which a project names the packages that it needs: package.json, requirements.txt, go.mod, pom.xml.
type Manifest struct {
	// File is where it lies: as the user named it, or with a leading slash where it is of an image.
	File string
	// Type is the purl type of the packages that it names.
	Type string
	// Project is what the project calls itself, as the ecosystem's packages are named; empty where it does not.
	Project  string
	Requires []Declaration
	// Lock is the name of the lock file beside it, without directory; empty where there is none.
	Lock string
	// Lines are its text, without line ends.
	Lines []string
}

// Declaration is one package that a manifest asks for.
type Declaration struct {
	Requirement
	// Line is where it says which version, counted from 1; 0 where it does not.
	Line int
	// Written is the version or range as it stands there; empty where there is none.
	Written string
}

// Requirement is one package that another one, or a project, says it needs.
type Requirement struct {
	// Name is the advisory name of the package; for npm the directory that it is installed as, which is another one for an alias.
	Name string
	// Range is in the words of the ecosystem's own tool: see version.ParseRange. Empty: any version.
	Range string
	Kind  RequirementKind
}

// RequirementKind says when a requirement counts.
type RequirementKind string

// The kinds of requirements; the zero value always counts.
const (
	Optional    RequirementKind = "optional"    // may fail to install: npm's optionalDependencies; a Python extra; Maven's optional
	Peer        RequirementKind = "peer"        // must be there beside it: npm's peerDependencies
	Development RequirementKind = "development" // for those who work on the project
	Indirect    RequirementKind = "indirect"    // go.mod's "// indirect": another requirement brings it
)

// Declarer is an [Extractor] that also reads manifests.
type Declarer interface {
	Extractor
	// Manifest reads the file at path; false where it is none of a project, or is not readable: it proves no package.
	Manifest(path string, content []byte) (Manifest, bool)
}

const (
	// maxManifests and maxManifest (bytes) bound the manifests that are read of one image.
	maxManifests = 1000
	maxManifest  = 1 << 20
)

// manifests reads those that stand in the final tree, sorted by file. What they say changes no package, so that a manifest that
// fails to be read is no blind spot.
func (a *assembler) manifests(ctx context.Context) []Manifest {
	var found []Manifest
	for _, e := range a.extractors {
		d, ok := e.(Declarer)
		if !ok {
			continue
		}
		var read []Manifest
		if _, err := a.guard(ctx, func(context.Context) ([]Package, error) {
			read = a.declared(d)
			return nil, nil
		}); err == nil {
			found = append(found, read...)
		}
	}
	slices.SortFunc(found, func(a, b Manifest) int { return cmp.Compare(a.File, b.File) })
	return found
}

func (a *assembler) declared(d Declarer) []Manifest {
	var found []Manifest
	for _, e := range a.kept {
		content := e.File.Content()
		if content == nil || len(content) > maxManifest || len(found) == maxManifests {
			continue
		}
		m, ok := d.Manifest(e.Path, content)
		if !ok || !a.current(e) {
			continue
		}
		m.File, m.Lock = "/"+e.Path, LockBeside(m.Type, func(name string) bool {
			_, there := a.tree.Lookup(path.Join(path.Dir(e.Path), name))
			return there
		})
		found = append(found, m)
	}
	return found
}

// LockBeside gives the lock file of the first tool of an ecosystem that has one beside a manifest.
func LockBeside(purlType string, exists func(name string) bool) string {
	for _, lock := range lockFiles(purlType) {
		if exists(lock) {
			return lock
		}
	}
	return ""
}

func lockFiles(purlType string) []string {
	switch purlType {
	case "npm":
		return []string{"pnpm-lock.yaml", "yarn.lock", "bun.lock", "npm-shrinkwrap.json", "package-lock.json"}
	case "pypi":
		return []string{"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"}
	}
	return nil
}

// Aboard says whether the manifest is the image's and not the user's own.
func (m *Manifest) Aboard() bool { return strings.HasPrefix(m.File, "/") }

// current says whether what a layer kept still stands in the final tree.
func (a *assembler) current(e layer.Entry) bool {
	now, ok := a.tree.Lookup(e.Path)
	return ok && now.File == e.File && now.Path == e.Path
}
