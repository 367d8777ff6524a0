package lang

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func gemRules() []inventory.Rule {
	return []inventory.Rule{{Suffix: ".gemspec", Dir: "specifications"}}
}

// RubyGems writes the specification of an installed gem itself, one assignment to a line.
var (
	gemName     = regexp.MustCompile(`(?m)^\s*s\.name\s*=\s*["']([^"']+)["']`)
	gemVersion  = regexp.MustCompile(`(?m)^\s*s\.version\s*=\s*(?:Gem::Version\.new\s*\(?\s*)?["']([^"']+)["']`)
	gemPrograms = regexp.MustCompile(`(?m)^\s*s\.executables\s*=\s*(.+)$`)
	gemLicences = regexp.MustCompile(`(?m)^\s*s\.licenses?\s*=\s*(.+)$`)
	rubyString  = regexp.MustCompile(`["']([^"']*)["']`)
	// gemFile is the file's name: rake-13.0.6.gemspec, nokogiri-1.16.0-x86_64-linux.gemspec.
	gemFile = regexp.MustCompile(`^(.+?)-(\d[0-9A-Za-z.]*)(?:-.*)?\.gemspec$`)
)

// parseGemspec reads the specification of an installed gem. A specification written by hand, as a few gems
// that come with Ruby have, may compute its name or version: the file's name then says them.
func parseGemspec(p string, content []byte) ([]inventory.Package, error) {
	name, version := submatch(gemName, content), submatch(gemVersion, content)
	if m := gemFile.FindStringSubmatch(path.Base(p)); m != nil && (name == "" || version == "") {
		name, version = m[1], m[2]
	}
	if name == "" || version == "" {
		return nil, fmt.Errorf("the gem's specification has no name or no version")
	}
	pkg := newPackage("gem", name, version)
	for _, m := range rubyString.FindAllStringSubmatch(submatch(gemLicences, content), -1) {
		pkg.Licenses = append(pkg.Licenses, m[1])
	}
	pkg.Licenses = licences(pkg.Licenses...)
	// RubyGems puts a program's wrapper into the bin directory beside the specifications.
	if gems, dir := path.Split(path.Dir(p)); dir == "specifications" {
		for _, m := range rubyString.FindAllStringSubmatch(submatch(gemPrograms, content), -1) {
			pkg.Files = append(pkg.Files, inventory.OwnedFile{Path: path.Join(gems, "bin", path.Base("/"+m[1]))})
		}
	}
	return []inventory.Package{pkg}, nil
}

func submatch(re *regexp.Regexp, content []byte) string {
	if m := re.FindSubmatch(content); m != nil {
		return string(m[1])
	}
	return ""
}

func composerRules() []inventory.Rule {
	return []inventory.Rule{{Suffix: "composer/installed.json"}}
}

// composerPackage is one entry of Composer's installed.json and composer.lock.
type composerPackage struct {
	Name    string          `json:"name"`
	Version string          `json:"version"`
	License json.RawMessage `json:"license"`
	Require json.RawMessage `json:"require"` // an object, or an empty list
}

// parseComposer reads vendor/composer/installed.json: an object with "packages" since Composer 2, the list
// alone before.
func parseComposer(_ string, content []byte) ([]inventory.Package, error) {
	var installed struct {
		Packages []composerPackage `json:"packages"`
	}
	content = trimBOM(content)
	if err := json.Unmarshal(content, &installed); err != nil {
		if err := json.Unmarshal(content, &installed.Packages); err != nil {
			return nil, fmt.Errorf("installed.json is not readable: %w", err)
		}
	}
	return composerPackages(installed.Packages), nil
}

// parseComposerLock reads composer.lock. osv-scalibr's extractor searches the whole file for each package.
func parseComposerLock(p string, content []byte) ([]inventory.Package, error) {
	var lock struct {
		Packages []composerPackage `json:"packages"`
		Dev      []composerPackage `json:"packages-dev"`
	}
	if isForeign(p) {
		return nil, nil
	}
	if err := json.Unmarshal(trimBOM(content), &lock); err != nil {
		return nil, fmt.Errorf("composer.lock is not readable: %w", err)
	}
	pkgs := composerPackages(append(lock.Packages, lock.Dev...))
	for i := range pkgs {
		pkgs[i].Locked = true
	}
	return pkgs, nil
}

func composerPackages(entries []composerPackage) []inventory.Package {
	var pkgs []inventory.Package
	for _, c := range entries {
		if c.Name == "" || c.Version == "" {
			continue
		}
		pkg := newPackage("composer", c.Name, c.Version)
		pkg.Licenses = licences(jsonStrings(c.License)...)
		pkg.Depends = jsonKeys(c.Require)
		pkgs = append(pkgs, pkg)
	}
	return pkgs
}

// jsonStrings gives the strings of a list, or the one string that raw is.
func jsonStrings(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return []string{jsonString(raw)}
	}
	return list
}

func dotnetRules() []inventory.Rule { return []inventory.Rule{{Suffix: ".deps.json"}} }

// parseDeps reads the list of libraries that the .NET host resolves an application with:
// https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md. osv-scalibr's
// extractor says nothing where the file has a byte order mark, and takes projects for NuGet packages.
func parseDeps(_ string, content []byte) ([]inventory.Package, error) {
	var deps struct {
		RuntimeTarget json.RawMessage `json:"runtimeTarget"`
		Libraries     map[string]struct {
			Type string `json:"type"`
		} `json:"libraries"`
	}
	if err := json.Unmarshal(trimBOM(content), &deps); err != nil {
		return nil, fmt.Errorf("deps.json is not readable: %w", err)
	}
	if deps.RuntimeTarget == nil && deps.Libraries == nil {
		return nil, nil // other tools use the same file name
	}
	var pkgs []inventory.Package
	for _, id := range sortedKeys(deps.Libraries) {
		name, version, _ := strings.Cut(id, "/")
		name = strings.TrimPrefix(name, "runtimepack.")
		if name == "" || version == "" {
			continue
		}
		pkg := newPackage("nuget", name, version)
		switch deps.Libraries[id].Type {
		case "project", "reference", "referenceassembly":
			pkg = unpublished(pkg)
		}
		pkgs = append(pkgs, pkg)
	}
	return pkgs, nil
}

func condaRules() []inventory.Rule { return []inventory.Rule{{Suffix: ".json", Dir: "conda-meta"}} }

// parseConda reads the record of one package in conda-meta. osv-scalibr's extractor only looks below envs/ and
// so misses the base environment, the only one that most images have.
func parseConda(p string, content []byte) ([]inventory.Package, error) {
	if path.Base(path.Dir(p)) != "conda-meta" {
		return nil, nil
	}
	var record struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		License string   `json:"license"`
		Subdir  string   `json:"subdir"`
		Files   []string `json:"files"`
		Depends []string `json:"depends"`
	}
	if err := json.Unmarshal(trimBOM(content), &record); err != nil {
		return nil, fmt.Errorf("conda's record is not readable: %w", err)
	}
	if record.Name == "" || record.Version == "" {
		return nil, nil
	}
	pkg := newPackage("conda", record.Name, record.Version)
	pkg.Arch, pkg.Licenses = record.Subdir, licences(record.License)
	prefix := path.Dir(path.Dir(p))
	for _, f := range record.Files {
		if f = path.Join("/", prefix, f); len(pkg.Files) < maxRecord {
			pkg.Files = append(pkg.Files, inventory.OwnedFile{Path: f[1:]})
		}
	}
	for _, d := range record.Depends {
		name, _, _ := strings.Cut(d, " ")
		pkg.Depends = append(pkg.Depends, name)
	}
	return []inventory.Package{pkg}, nil
}

func rRules() []inventory.Rule { return []inventory.Rule{{Name: "DESCRIPTION"}} }

// parseR reads the DESCRIPTION of an installed R package; R adds the field Built when it installs one.
func parseR(_ string, content []byte) ([]inventory.Package, error) {
	h := parseHeader(content)
	name, version := h.first("package"), h.first("version")
	if name == "" || version == "" || h.first("built") == "" {
		return nil, nil
	}
	pkg := newPackage("cran", name, version)
	if h.first("priority") == "base" {
		pkg = unpublished(pkg) // a part of R itself
	}
	pkg.Licenses = licences(h.first("license"))
	return []inventory.Package{pkg}, nil
}
