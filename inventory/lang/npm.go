package lang

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// npmRules want every package.json: which of them is a package's own is a matter of its whole path.
func npmRules() []inventory.Rule { return []inventory.Rule{{Name: "package.json"}} }

// packageJSON is what is read of a package.json. The fields that people get wrong are decoded one by one, so
// that one of an unexpected type does not hide the package: this is why osv-scalibr's parser, which gives
// up on them and does not read licences, is not used.
type packageJSON struct {
	Name         json.RawMessage `json:"name"`
	Version      json.RawMessage `json:"version"`
	License      json.RawMessage `json:"license"`
	Licenses     json.RawMessage `json:"licenses"`
	Private      json.RawMessage `json:"private"`
	Dependencies json.RawMessage `json:"dependencies"`

	OptionalDependencies json.RawMessage `json:"optionalDependencies"`
	PeerDependencies     json.RawMessage `json:"peerDependencies"`
}

// npmPlace is what the path of a package.json says it is.
type npmPlace int

const (
	npmOther     npmPlace = iota
	npmInstalled          // the root of a package under node_modules, or of one that Debian installed
	npmProject            // perhaps the root of an application
)

// parseNPM reads a package.json when it is that of an installed package or of an application. npm itself
// counts an application's own package.json among what it lists.
func parseNPM(p string, content []byte) ([]inventory.Package, error) {
	place := npmPlaceOf(p)
	if place == npmOther {
		return nil, nil
	}
	var pj packageJSON
	if err := json.Unmarshal(trimBOM(content), &pj); err != nil {
		if place == npmProject {
			return nil, nil // nothing says that this was one of npm's files
		}
		return nil, fmt.Errorf("package.json is not readable: %w", err)
	}
	name, version, private := jsonString(pj.Name), jsonString(pj.Version), string(pj.Private) == "true"
	if name == "" || version == "" {
		return nil, nil
	}
	if !npmName.MatchString(name) {
		return nil, fmt.Errorf("package.json has a name that npm does not allow: %.100q", name)
	}
	if place == npmProject && !private && len(jsonKeys(pj.Dependencies)) == 0 {
		return nil, nil
	}
	pkg := newPackage("npm", name, version)
	pkg.Project = place == npmProject
	if private {
		pkg = unpublished(pkg) // the registry refuses private packages
	}
	pkg.Licenses = licences(npmLicences(pj)...)
	pkg.Depends, pkg.Requires = jsonKeys(pj.Dependencies), npmRequires(pj)
	return []inventory.Package{pkg}, nil
}

// npmName is what npm allows as a name, capitals of old packages included.
var npmName = regexp.MustCompile(`^(@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~_-][A-Za-z0-9._~!'()*-]*$`)

// npmPlaceOf tells a package's own package.json from those of its subdirectories, which only say how their
// modules are written.
func npmPlaceOf(p string) npmPlace {
	dirs := strings.Split(path.Dir(p), "/")
	if inTests(dirs) {
		return npmOther
	}
	for _, roots := range []string{"node_modules", "usr/share/nodejs", "usr/lib/nodejs"} {
		if rest, ok := below(dirs, roots); ok {
			if len(rest) == 1 && rest[0][0] != '@' || len(rest) == 2 && rest[0][0] == '@' {
				return npmInstalled
			}
			return npmOther
		}
	}
	if isForeign(p) {
		return npmOther
	}
	return npmProject
}

// inTests says whether a path leads through the tests of an installed package, which may have trees of
// pretended packages.
func inTests(dirs []string) bool {
	for i := slices.Index(dirs, "node_modules") + 2; i >= 2 && i < len(dirs); i++ {
		switch dirs[i] {
		case "test", "tests", "__tests__", "fixtures", "__fixtures__", "testdata":
			if dirs[i-1] != "node_modules" && dirs[i-1][0] != '@' {
				return true
			}
		}
	}
	return false
}

// below gives the elements after the last place where dir, one element or the first ones of the path, stands.
func below(dirs []string, dir string) ([]string, bool) {
	if strings.Contains(dir, "/") {
		n := strings.Count(dir, "/") + 1
		if len(dirs) <= n || strings.Join(dirs[:n], "/") != dir {
			return nil, false
		}
		return dirs[n:], true
	}
	for i := len(dirs) - 1; i >= 0; i-- {
		if dirs[i] == dir {
			return dirs[i+1:], true
		}
	}
	return nil, false
}

// npmLicences reads "license": a string or {"type": ...}, and the older "licenses": a list of either.
func npmLicences(pj packageJSON) []string {
	var out []string
	var list []json.RawMessage
	if json.Unmarshal(pj.Licenses, &list) != nil {
		list = []json.RawMessage{pj.Licenses}
	}
	for _, raw := range append([]json.RawMessage{pj.License}, list...) {
		var object struct {
			Type json.RawMessage `json:"type"`
			Name json.RawMessage `json:"name"`
		}
		if s := jsonString(raw); s != "" {
			out = append(out, s)
		} else if json.Unmarshal(raw, &object) == nil {
			out = append(out, jsonString(object.Type), jsonString(object.Name))
		}
	}
	return out
}

// jsonString gives the string that raw is, or the empty string.
func jsonString(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// jsonKeys gives the sorted keys of the object that raw is.
func jsonKeys(raw json.RawMessage) []string {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return sortedKeys(object)
}
