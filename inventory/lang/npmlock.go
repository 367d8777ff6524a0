package lang

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/jsonc"

	"tidewaiter/inventory"
)

// npmLocked is one entry of npm's lock file.
type npmLocked struct {
	Name    json.RawMessage `json:"name"` // only where it is not the one that the place says
	Version json.RawMessage `json:"version"`
	License json.RawMessage `json:"license"`
	Link    bool            `json:"link"`
	// Dependencies are nested entries by name in version 1, and names with ranges since version 2.
	Dependencies json.RawMessage `json:"dependencies"`
}

// parseNPMLock reads npm's lock file: https://docs.npmjs.com/cli/configuring-npm/package-lock-json.
// osv-scalibr's extractor searches the whole file for the line of each package, which takes a second for the
// lock file of an ordinary application.
func parseNPMLock(p string, content []byte) ([]inventory.Package, error) {
	if isForeign(p) {
		return nil, nil
	}
	var lock struct {
		// Packages are by place since version 2: "node_modules/a/node_modules/b"; "" is the application.
		Packages     map[string]npmLocked `json:"packages"`
		Dependencies json.RawMessage      `json:"dependencies"`
	}
	if err := json.Unmarshal(trimBOM(content), &lock); err != nil {
		return nil, fmt.Errorf("npm's lock file is not readable: %w", err)
	}
	var pkgs []inventory.Package
	if lock.Packages == nil {
		pkgs = npmLockedV1(lock.Dependencies, nil, 0)
	}
	for _, place := range sortedKeys(lock.Packages) {
		i := strings.LastIndex(place, "node_modules/")
		if i < 0 || lock.Packages[place].Link {
			continue // the application itself, or a directory of its own
		}
		pkgs = lock.Packages[place].append(pkgs, place[i+len("node_modules/"):])
	}
	return pkgs, nil
}

// maxNPMLockDepth is how deep the nesting of version 1 is followed.
const maxNPMLockDepth = 100

// npmLockedV1 adds the entries of version 1, each followed by those nested in it.
func npmLockedV1(raw json.RawMessage, pkgs []inventory.Package, depth int) []inventory.Package {
	var entries map[string]npmLocked
	if depth > maxNPMLockDepth || json.Unmarshal(raw, &entries) != nil {
		return pkgs
	}
	for _, name := range sortedKeys(entries) {
		pkgs = entries[name].append(pkgs, name)
		pkgs = npmLockedV1(entries[name].Dependencies, pkgs, depth+1)
	}
	return pkgs
}

// append adds the entry when it names a release of the registry's.
func (l npmLocked) append(pkgs []inventory.Package, name string) []inventory.Package {
	version := jsonString(l.Version)
	if alias, ok := strings.CutPrefix(version, "npm:"); ok {
		i := strings.LastIndexByte(alias, '@')
		if i <= 0 {
			return pkgs
		}
		name, version = alias[:i], alias[i+1:]
	}
	if n := jsonString(l.Name); n != "" {
		name = n
	}
	if !npmName.MatchString(name) || version == "" || version[0] < '0' || version[0] > '9' {
		return pkgs // a git address or a file
	}
	pkg := newPackage("npm", name, version)
	pkg.Locked = true
	pkg.Licenses = licences(jsonString(l.License))
	return append(pkgs, pkg)
}

// parseBunLock reads Bun's lock file, JSON with comments and trailing commas: https://bun.com/docs/pm/lockfile.
// Each package is a list that starts with its name and version. osv-scalibr's extractor searches it as slowly as npm's.
func parseBunLock(p string, content []byte) ([]inventory.Package, error) {
	if isForeign(p) {
		return nil, nil
	}
	var lock struct {
		Packages map[string][]json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(jsonc.ToJSON(trimBOM(content)), &lock); err != nil {
		return nil, fmt.Errorf("bun's lock file is not readable: %w", err)
	}
	var pkgs []inventory.Package
	for _, place := range sortedKeys(lock.Packages) {
		if entry := lock.Packages[place]; len(entry) > 0 {
			id := jsonString(entry[0])
			if i := strings.LastIndexByte(id, '@'); i > 0 {
				version, _ := json.Marshal(id[i+1:])
				pkgs = npmLocked{Version: version}.append(pkgs, id[:i])
			}
		}
	}
	return pkgs, nil
}
