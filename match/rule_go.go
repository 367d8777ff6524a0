package match

import (
	"fmt"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// goSymbols quiets problems of Go code that the linker did not put into any executable that has the module.
var goSymbols = Rule{
	Name: "go-symbols", Effect: Quiet, Looks: true,
	About: "a Go executable has a table of all functions that are linked or inlined into it, also when it is stripped: " +
		"where none of the functions that the advisory names is in the table, the vulnerable code is not present",
	holds: func(f *Finding, _ *ruleContext) string {
		imports, ok := goImports(f)
		if !ok || f.Of.Functions == nil {
			return ""
		}
		for _, p := range f.same {
			if p.Functions == nil || slices.ContainsFunc(imports, func(i goImport) bool { return i.in(p.Functions) }) {
				return ""
			}
		}
		return absence(imports, f.Of)
	},
}

// goNotImportable quiets problems that the Go team left out of its database because no other module can reach them.
//
// Until the end of 2023 the team looked at every report. Those of packages that cannot be imported (NOT_IMPORTABLE), or that
// are not meant to be imported by other modules and not likely to be (EFFECTIVELY_PRIVATE), those that are no
// problem of Go code, and those that another report covers it excluded. The excluded ones were published later, without
// packages: https://go.googlesource.com/vulndb/+/refs/heads/master/doc/format.md#excluded.
var goNotImportable = Rule{
	Name: "go-not-importable", Effect: Quiet, Looks: true,
	About: "until the end of 2023 the Go team looked at every advisory and named the packages that other modules import; where it " +
		"names none, the problem is in code that they cannot import or are not meant to, and a program that only depends on the module is not expected to have it",
	holds: func(f *Finding, c *ruleContext) string {
		if f.Of.Type != "golang" || f.Of.Name == "stdlib" || f.Of.Name == "toolchain" || c.matcher.projects[goProject(f.Of.Name)] {
			return ""
		}
		var ids []string
		for _, h := range f.hits {
			year, ok := strings.CutPrefix(h.record.ID, "GO-")
			if !ok {
				continue
			}
			if year, _, _ = strings.Cut(year, "-"); year > "2023" || slices.ContainsFunc(importsOf(h), entryImports.named) {
				return ""
			}
			ids = append(ids, h.record.ID)
		}
		if len(ids) == 0 {
			return ""
		}
		return fmt.Sprintf("%s: the Go team found the problem in no package of %s that other modules are meant to import", strings.Join(ids, ", "), f.Of.Name)
	},
}

// goProject is what the modules of one project have in common, as far as their paths tell: "github.com/docker", "go.etcd.io/etcd".
func goProject(module string) string {
	parts := strings.SplitN(module, "/", 3)
	return strings.Join(parts[:min(len(parts), 2)], "/")
}

// goImport is one element of ecosystem_specific.imports in the Go team's records: https://go.dev/doc/security/vuln/database#schema.
type goImport struct {
	path         string
	symbols      []string // none: all of the package's
	goos, goarch []string // none: all
}

// entryImports are the imports of one entry of a record.
type entryImports []goImport

func (e entryImports) named() bool { return len(e) > 0 }

// importsOf gives the imports of each entry that a record has for the package.
func importsOf(h hit) []entryImports {
	var all []entryImports
	for _, entry := range h.record.Affected {
		var imports entryImports
		list, _ := entry.Specific["imports"].([]any)
		for _, item := range list {
			if m, ok := item.(map[string]any); ok {
				path, _ := m["path"].(string)
				imports = append(imports, goImport{path, texts(m["symbols"]), texts(m["goos"]), texts(m["goarch"])})
			}
		}
		all = append(all, imports)
	}
	return all
}

func texts(v any) []string {
	var out []string
	list, _ := v.([]any)
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// goImports gives what the Go team's records of a finding name. It is not ok where any of them names nothing, which
// stands for all of the module; what others copied from them without the names does not count.
func goImports(f *Finding) (imports []goImport, ok bool) {
	if f.Of.Type != "golang" {
		return nil, false
	}
	for _, h := range f.hits {
		ours := strings.HasPrefix(h.record.ID, "GO-")
		for _, entry := range importsOf(h) {
			if ours && !entry.named() {
				return nil, false
			}
			imports = append(imports, entry...)
		}
	}
	return imports, len(imports) > 0
}

// in says whether any of the functions may be in the executables. A record that has no path says nothing, so they may be.
func (i goImport) in(f *inventory.Functions) bool {
	if !builtFor(i.goos, f.GOOS) || !builtFor(i.goarch, f.GOARCH) {
		return false
	}
	if len(i.symbols) == 0 {
		return i.path == "" || f.Has(i.path, "")
	}
	return i.path == "" || slices.ContainsFunc(i.symbols, func(symbol string) bool {
		symbol, _, _ = strings.Cut(symbol, "#") // "init#1" is the second init of the package
		return f.Has(i.path, symbol)
	})
}

// builtFor says whether a platform may be one of those listed.
func builtFor(listed []string, platform string) bool {
	return len(listed) == 0 || platform == "" || slices.Contains(listed, platform)
}

// absence says what is not there, and where it was looked for.
func absence(imports []goImport, of *inventory.Package) string {
	where := of.Place()
	if n := of.Functions.Executables(); n > 1 {
		where = fmt.Sprintf("any of the %d executables that have it", n)
	}
	if !slices.ContainsFunc(imports, func(i goImport) bool {
		return builtFor(i.goos, of.Functions.GOOS) && builtFor(i.goarch, of.Functions.GOARCH)
	}) {
		return fmt.Sprintf("only %s is affected, and %s is built for %s/%s",
			strings.Join(slices.Concat(imports[0].goos, imports[0].goarch), ", "), where, of.Functions.GOOS, of.Functions.GOARCH)
	}
	return fmt.Sprintf("%s is in the function table of %s (%d functions)", noneOf(imports), where, of.Functions.Names())
}

// noneOf names the first three functions of the first package.
func noneOf(imports []goImport) string {
	first := imports[0]
	symbols, more := first.symbols, ""
	if len(symbols) > 3 || len(imports) > 1 {
		more = " and others"
		symbols = symbols[:min(len(symbols), 3)]
	}
	switch {
	case len(symbols) == 0 && more != "":
		return fmt.Sprintf("no function of %s%s", first.path, more)
	case len(symbols) == 0:
		return "no function of " + first.path
	}
	return fmt.Sprintf("none of %s%s of %s", strings.Join(symbols, ", "), more, first.path)
}
