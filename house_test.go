// Package tidewaiter_test holds the house to its plan: which room may import which, that each says what it is for,
// and that nothing hides in it.
package tidewaiter_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms are in the order in which data flows: a room imports only rooms above it.
var rooms = []string{"version", "image", "layer", "inventory", "sbom", "advisory", "vex", "match", "malware", "secret", "hardening", "trust", "assess", "report", "cmd"}

// keptOut are modules that only some rooms may bring in, directly or not.
var keptOut = []struct {
	module  string
	allowed []string
	why     string
}{
	{"modernc.org/sqlite", []string{"inventory", "cmd"}, "SQL is for rpm databases alone"},
	{"github.com/spf13/cobra", []string{"trust", "cmd"}, "flags are the command line's business; sigstore's client of its log brings them along"},
	{"github.com/sigstore", []string{"trust", "cmd"}, "sigstore is trust's"},
	{"github.com/secure-systems-lab", []string{"trust", "cmd"}, "signatures are trust's"},
	{"github.com/notaryproject", []string{"trust", "cmd"}, "signatures are trust's"},
	{"github.com/ProtonMail", []string{"trust", "cmd"}, "signatures are trust's"},
	{"github.com/google/osv-scalibr/extractor", []string{"inventory", "cmd"}, "extractors are inventory's"},
}

type pkg struct {
	ImportPath   string
	Name         string
	Doc          string
	Imports      []string
	Deps         []string
	GoFiles      []string
	Dir          string
	TestGoFiles  []string
	XTestGoFiles []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Imports,Deps,GoFiles,Dir,TestGoFiles,XTestGoFiles", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// room is the first part of an import path under the module; empty for another module's.
func room(path string) string {
	rest, ok := strings.CutPrefix(path, "tidewaiter/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return first
}

func TestRoomsImportOnlyRoomsAbove(t *testing.T) {
	for _, p := range packages(t) {
		here := slices.Index(rooms, room(p.ImportPath))
		if here < 0 {
			t.Errorf("%s is no room of the house: %v", p.ImportPath, rooms)
			continue
		}
		for _, imported := range p.Imports {
			there := room(imported)
			if there != "" && slices.Index(rooms, there) > here {
				t.Errorf("%s imports %s, which stands below it", p.ImportPath, imported)
			}
			if strings.HasPrefix(imported, "tidewaiter/cmd/") {
				t.Errorf("%s imports a program: %s", p.ImportPath, imported)
			}
		}
	}
}

func TestInnerRoomsAreTheirOwnRoomsAlone(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			inner := strings.Count(imported, "/") > 1 && room(imported) != ""
			if inner && room(imported) != room(p.ImportPath) && room(p.ImportPath) != "cmd" {
				t.Errorf("%s imports %s, an inner room of another", p.ImportPath, imported)
			}
		}
	}
}

func TestHeavyDependenciesStayInTheirRooms(t *testing.T) {
	for _, p := range packages(t) {
		for _, k := range keptOut {
			if slices.Contains(k.allowed, room(p.ImportPath)) {
				continue
			}
			for _, d := range p.Deps {
				if strings.HasPrefix(d, k.module) {
					t.Errorf("%s depends on %s: %s", p.ImportPath, d, k.why)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		want := "Package " + p.Name
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.ImportPath)
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: its comment should begin with %q, not %q", p.ImportPath, want, p.Doc)
		}
	}
}

// What is used is passed in: no init, and no package variable that something could change.
func TestNothingIsRegisteredBehindTheScenes(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s/%s has an init function", p.ImportPath, name)
				}
			}
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	const most = 5 << 20
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == ".tools") {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err == nil && d.Type().IsRegular() && info.Size() > most && path != "tidewaiter" {
			t.Errorf("%s has %d bytes: over 5 MB does not belong in the repository", path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGoModIsTidy(t *testing.T) {
	out, err := exec.Command("go", "mod", "tidy", "-diff").CombinedOutput()
	if err != nil {
		t.Errorf("go mod tidy would change go.mod or go.sum: %v\n%s", err, out)
	}
}
