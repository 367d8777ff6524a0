package inventory

import (
	"fmt"
	"slices"
	"testing"
)

func functionsOf(goos string, names ...[2]string) *Functions {
	return NewFunctions(goos, "amd64", len(names), func() []uint32 {
		var hashes []uint32
		for _, n := range names {
			hashes = append(hashes, FunctionHash(n[0], n[1]))
		}
		slices.Sort(hashes)
		return hashes
	})
}

// A package that several executables have is in use where any of them uses it, and where one of them cannot be read
// nothing is known.
func TestMergeFunctions(t *testing.T) {
	copyOf := func(path string, f *Functions, main bool) Package {
		return Package{PURL: "pkg:golang/a@v1", Type: "golang", Name: "a", Version: "v1", Paths: []string{path}, Functions: f, Main: main}
	}
	f, g := functionsOf("linux", [2]string{"a", "F"}), functionsOf("linux", [2]string{"a", "G"}, [2]string{"a", ""})
	p := merge([]Package{copyOf("bin/g", g, true), copyOf("bin/f", f, false)})[0]
	if !p.Main || p.Functions.Executables() != 2 || p.Functions.Names() != 3 || p.Functions.GOOS != "linux" {
		t.Errorf("%+v", p.Functions)
	}
	for symbol, want := range map[string]bool{"F": true, "G": true, "": true, "H": false} {
		if got := p.Functions.Has("a", symbol); got != want {
			t.Errorf("%q: %t", symbol, got)
		}
	}
	if f.Has("a", "G") || g.Has("a", "F") || f.Executables() != 1 {
		t.Error("merging changed what was merged")
	}
	p = merge([]Package{copyOf("bin/f", f, false), copyOf("bin/g", functionsOf("windows"), false)})[0]
	if p.Functions.GOOS != "" || p.Functions.GOARCH != "" {
		t.Errorf("two platforms became %s/%s", p.Functions.GOOS, p.Functions.GOARCH)
	}
	for i := range 3 {
		copies := []Package{copyOf("bin/1", f, false), copyOf("bin/2", g, false), copyOf("bin/3", f, false)}
		copies[i].Functions = nil
		if p := merge(copies)[0]; p.Functions != nil {
			t.Errorf("with copy %d unknown: %d names", i, p.Functions.Names())
		}
	}
	var many []Package
	for i := range maxTables + 1 {
		many = append(many, copyOf(fmt.Sprintf("bin/%04d", i), f, false))
	}
	if merge(many)[0].Functions != nil || merge(many[1:])[0].Functions == nil {
		t.Error("the bound on executables does not hold")
	}
}
