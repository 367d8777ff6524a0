// Package lang finds the packages of programming languages: what npm, pip, Maven, RubyGems and their like
// installed, what Go and Rust compilers wrote into executables, and what lock files name.
//
// In go captured files and the facts distilled in flight from archives and executables; out come packages
// named as the advisories of their ecosystem name them. Formats with a single obvious reading are parsed
// here; lock files are parsed by osv-scalibr's extractors.
//
// This package must never take a lock file for an installed package, and never let a file decide how much
// memory or time it takes to read: a file that cannot be read, or only in part, is an error, which the
// caller makes a blind spot.
package lang

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// All gives the extractors of this package, in a fixed order. They hold no state.
func All(limits inventory.Limits) []inventory.Extractor {
	quietScalibr()
	all := []inventory.Extractor{
		fileExtractor{"npm-installed", npmRules(), parseNPM},
		yarnCacheExtractor{},
		fileExtractor{"npm-lock", named("package-lock.json", "npm-shrinkwrap.json"), parseNPMLock},
		fileExtractor{"bun-lock", named("bun.lock"), parseBunLock},
		pythonExtractor{},
		fileExtractor{"gem-installed", gemRules(), parseGemspec},
		fileExtractor{"composer-installed", composerRules(), parseComposer},
		fileExtractor{"composer-lock", named("composer.lock"), parseComposerLock},
		fileExtractor{"dotnet-deps", dotnetRules(), parseDeps},
		fileExtractor{"conda-meta", condaRules(), parseConda},
		fileExtractor{"r-installed", rRules(), parseR},
		javaExtractor{limits.Nesting},
		mavenRepoExtractor{},
		executableExtractor{},
		fileExtractor{"go-toolchain", []inventory.Rule{{Name: "VERSION", Magic: "go1"}}, parseGoToolchain},
		fileExtractor{"java-runtime", named("release"), parseJavaRelease},
		fileExtractor{"dotnet-runtime", named("Microsoft.NETCore.App.deps.json", "Microsoft.AspNetCore.App.deps.json"), parseDotnetRuntime},
		fileExtractor{"erlang-runtime", []inventory.Rule{{Name: "OTP_VERSION", Dir: "releases"}}, parseOTP},
		manifestExtractor{},
		fileExtractor{"elixir-runtime", []inventory.Rule{{Name: "elixir.app", Dir: "ebin"}}, parseElixir},
	}
	for _, s := range scalibrExtractors() {
		all = append(all, s)
	}
	return all
}

// fileExtractor is an [inventory.Extractor] for files that can be parsed without their neighbours.
type fileExtractor struct {
	name  string
	rules []inventory.Rule
	parse func(path string, content []byte) ([]inventory.Package, error)
}

func (e fileExtractor) Name() string { return e.name }

func (e fileExtractor) Rules() []inventory.Rule { return e.rules }

func (e fileExtractor) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	content, err := readFile(tree, p)
	if err != nil {
		return nil, err
	}
	pkgs, err := e.parse(p, content)
	return proven(pkgs, e.name, p), err
}

// proven notes on each package who found it and which file proves it.
func proven(pkgs []inventory.Package, extractor, p string) []inventory.Package {
	for i := range pkgs {
		pkgs[i].Extractor = extractor
		if pkgs[i].Paths == nil {
			pkgs[i].Paths = []string{p}
		}
	}
	return pkgs
}

// readFile gives the content that was captured of a file.
func readFile(tree *layer.Tree, p string) ([]byte, error) {
	if e, ok := tree.Lookup(p); ok && e.File.Content() != nil {
		return e.File.Content(), nil
	}
	f, err := tree.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// facts gives what was distilled of a file when it is of the kind asked for, without the kind.
func facts(tree *layer.Tree, p, kind string) ([]byte, bool) {
	e, ok := tree.Lookup(p)
	if !ok || e.File.Facts() == nil {
		return nil, false
	}
	return bytes.CutPrefix(e.File.Facts(), []byte(kind))
}

// utf8BOM is the byte order mark that some editors put before UTF-8.
const utf8BOM = "\xef\xbb\xbf"

func trimBOM(content []byte) []byte { return bytes.TrimPrefix(content, []byte(utf8BOM)) }

// oneLine puts a message that has several lines into one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// isForeign says whether a path lies in a tree of files that came with another package or with test data: a
// lock file or a manifest there says nothing of what this image installs.
func isForeign(p string) bool {
	dir := "/" + strings.ToLower(path.Dir(p)) + "/"
	for _, d := range []string{
		"/node_modules/", "/usr/share/nodejs/", "/usr/lib/nodejs/", "/site-packages/", "/dist-packages/",
		"/gems/", "/.cargo/registry/", "/cargo/registry/", "/pkg/mod/", "/usr/local/go/", "/usr/lib/go", "/usr/share/go-", "/usr/share/doc/",
		"/testdata/", "/test-fixtures/", "/fixtures/", "/__fixtures__/", "/__tests__/", "/test/", "/tests/",
		"/template/", "/templates/", "/example/", "/examples/",
	} {
		if strings.Contains(dir, d) {
			return true
		}
	}
	return false
}

// budgetReader lets at most left bytes be read. The standard library's readers of executables are not
// hardened against hostile files: they may read one part of a file as often as it asks for.
type budgetReader struct {
	r    io.ReaderAt
	left int64
}

var errBudget = errors.New("the file asks for more reading than is allowed")

func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errBudget
	}
	return b.r.ReadAt(p, off)
}

// guarded runs a reader of the standard library that may panic on hostile input, and makes that an error.
func guarded(read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	return read()
}
