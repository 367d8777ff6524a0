package lang

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"context"
	"debug/buildinfo"
	"debug/macho"
	"debug/pe"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/inventory/reach"
	"tidewaiter/inventory/recognise"
	"tidewaiter/layer"
)

// The bounds of looking into one executable, in bytes.
const (
	// maxExecutableRead is how much may be read of one executable.
	maxExecutableRead = 128 << 20
	// maxBuildInfo bounds the list of modules that the Go linker wrote.
	maxBuildInfo = 4 << 20
	// maxAuditData bounds the list of crates that cargo-auditable wrote, compressed and not.
	maxAuditData = 8 << 20
)

// executableKind starts the facts of an executable. A line of JSON of executableFacts follows, then what [goFunctions]
// gave, if anything.
const executableKind = reach.ELFKind

// executableFacts is what is kept of an ELF, PE or Mach-O file.
type executableFacts struct {
	// Go is the build information as "go version -m" prints it: see [debug.ParseBuildInfo].
	Go string `json:"go,omitempty"`
	// Rust are the crates that were linked in.
	Rust []crate `json:"rust,omitempty"`
	// Package is the note that distributions leave about the package a file was built for:
	// https://systemd.io/PACKAGE_METADATA_FOR_EXECUTABLE_FILES/.
	Package json.RawMessage `json:"package,omitempty"`
	// BuildID is the linker's, in hexadecimal digits.
	BuildID string `json:"buildID,omitempty"`
	reach.Links
	// Recognised is the product that the file's own version strings name.
	Recognised *recognise.Found `json:"recognised,omitempty"`
	// Problem says what could not be read.
	Problem string `json:"problem,omitempty"`
}

// crate is one package of Rust's.
type crate struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  string `json:"source"`
	Kind    string `json:"kind,omitempty"`
}

// distilExecutable takes from an executable who built it of what. It reads single parts by their offset, a
// few KiB of most files; only a file that has the name of a known runtime or tool is searched.
func distilExecutable(ctx context.Context, name string, r io.ReaderAt, size int64) ([]byte, error) {
	var f executableFacts
	bounded := &budgetReader{r: r, left: maxExecutableRead}
	magic := make([]byte, 4)
	if _, err := r.ReadAt(magic, 0); err != nil {
		return nil, nil //nolint:nilerr // too short to be run
	}
	var err error
	if string(magic) == elfMagic {
		err = f.readELF(bounded, size)
	} else {
		err = f.readOther(bounded, magic)
	}
	if base := path.Base(name); string(magic) == elfMagic && recognise.Known(base) {
		err = errors.Join(err, f.recognise(ctx, base, r, size))
	}
	if err != nil {
		f.Problem = oneLine(err.Error())
	}
	b, err := json.Marshal(f)
	if err != nil || string(b) == "{}" {
		return nil, err
	}
	b = append([]byte(executableKind), b...)
	if functions := goFunctions(bounded, size, f.Go); functions != nil {
		b = append(append(b, '\n'), functions...)
	}
	return b, nil
}

// readELF reads the parts of an ELF file that its headers point to.
func (f *executableFacts) readELF(r io.ReaderAt, size int64) error {
	e, err := openELF(r, size)
	if err != nil {
		return nil //nolint:nilerr // too short or strange to be run: nothing is in it
	}
	f.BuildID, f.Package = e.notes()
	sections := e.sections(".go.buildinfo", ".dep-v0", ".rodata")
	_, isGo := sections[".go.buildinfo"]
	f.Links = e.links(sections[".rodata"], isGo)
	var errs []error
	// Without section headers the build information must be searched for.
	if isGo || !e.hasSections() {
		errs = append(errs, f.readGo(r, isGo))
	}
	if s, ok := sections[".dep-v0"]; ok {
		errs = append(errs, f.readRust(s))
	}
	return errors.Join(errs...)
}

// recognise looks for the version of a known product: where compilers put constants, and else in the whole file.
func (f *executableFacts) recognise(ctx context.Context, name string, r io.ReaderAt, size int64) error {
	var parts []*io.SectionReader
	if e, err := openELF(r, size); err == nil {
		names := []string{".rodata", ".data", ".comment"}
		sections := e.sections(names...)
		for _, s := range names {
			if sections[s] != nil {
				parts = append(parts, sections[s])
			}
		}
	}
	found, ok, err := recognise.Search(ctx, name, append(parts, io.NewSectionReader(r, 0, size))...)
	if ok {
		f.Recognised = &found
	}
	return err
}

// readOther reads PE and Mach-O files.
func (f *executableFacts) readOther(r io.ReaderAt, magic []byte) error {
	rust := func() error {
		if magic[0] == 'M' {
			p, err := pe.NewFile(r)
			if err != nil {
				return nil //nolint:nilerr // an MS-DOS program, or something else with these two letters
			}
			if s := p.Section(".dep-v0"); s != nil {
				return f.readRust(s)
			}
			return nil
		}
		m, err := macho.NewFile(r)
		if err != nil {
			return nil //nolint:nilerr // something else with these four bytes
		}
		if s := m.Section(".dep-v0"); s != nil {
			return f.readRust(s)
		}
		return nil
	}
	return errors.Join(guarded(rust), f.readGo(r, false))
}

// readGo reads what the Go linker wrote. A file that no Go linker made is not an error unless it says that
// one did (sure).
func (f *executableFacts) readGo(r io.ReaderAt, sure bool) error {
	var info *debug.BuildInfo
	err := guarded(func() (err error) {
		info, err = buildinfo.Read(r)
		return err
	})
	switch {
	case err != nil && !sure:
		return nil
	case err != nil:
		return fmt.Errorf("go build information: %w", err)
	}
	text := info.String()
	if len(text) > maxBuildInfo {
		return fmt.Errorf("go build information: over %d bytes", maxBuildInfo)
	}
	f.Go = text
	return nil
}

// readRust reads the section of cargo-auditable: compressed JSON, as its schema says
// (https://github.com/rust-secure-code/cargo-auditable/blob/master/cargo-auditable.schema.json).
func (f *executableFacts) readRust(section io.ReaderAt) error {
	z, err := zlib.NewReader(io.NewSectionReader(section, 0, maxAuditData))
	if err != nil {
		return fmt.Errorf("list of crates: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(z, maxAuditData+1))
	if err != nil {
		return fmt.Errorf("list of crates: %w", err)
	}
	if len(content) > maxAuditData {
		return fmt.Errorf("list of crates: over %d bytes", maxAuditData)
	}
	var list struct {
		Packages []crate `json:"packages"`
	}
	if err := json.Unmarshal(content, &list); err != nil {
		return fmt.Errorf("list of crates: %w", err)
	}
	for _, c := range list.Packages {
		if c.Kind == "" || c.Kind == "runtime" { // the others only ran while it was built
			c.Kind = ""
			f.Rust = append(f.Rust, c)
		}
	}
	return nil
}

// executableExtractor names the Go modules and Rust crates in executables, and the known products that they are.
type executableExtractor struct{}

func (executableExtractor) Name() string { return "executable" }

func (executableExtractor) Rules() []inventory.Rule {
	return []inventory.Rule{{Executable: true, Distil: distilExecutable}}
}

func (executableExtractor) Extract(_ context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	raw, ok := facts(tree, p, executableKind)
	raw, functions, _ := bytes.Cut(raw, []byte("\n"))
	// Most executables are of C and have none of these: looking for the words spares decoding them all.
	if !ok || !slices.ContainsFunc([]string{`"go":`, `"rust":`, `"recognised":`, `"problem":`}, func(word string) bool {
		return bytes.Contains(raw, []byte(word))
	}) {
		return nil, nil
	}
	var f executableFacts
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	var err error
	if f.Problem != "" {
		err = errors.New(f.Problem)
	}
	pkgs, goErr := goPackages(f.Go, functions)
	pkgs = proven(pkgs, "go-binary", p)
	pkgs = append(pkgs, proven(cratePackages(f.Rust), "rust-binary", p)...)
	if r := f.Recognised; r != nil {
		pkg := recognised(newPackage("generic", r.Product, r.Version), r.CPE, p, "version string "+r.Text)
		pkgs = append(pkgs, proven([]inventory.Package{pkg}, "recognised-binary", p)...)
	}
	return pkgs, cmp.Or(err, goErr)
}

// goPackages gives the modules that a Go executable was built of, the standard library, and its own module. The functions
// are those that [goFunctions] found in it.
func goPackages(text string, functions []byte) ([]inventory.Package, error) {
	if text == "" {
		return nil, nil
	}
	info, err := debug.ParseBuildInfo(text)
	if err != nil {
		return nil, fmt.Errorf("go build information: %w", err)
	}
	table := functionsOf(info, functions)
	var pkgs []inventory.Package
	add := func(name, version string, table *inventory.Functions) *inventory.Package {
		pkgs = append(pkgs, newPackage("golang", name, version))
		p := &pkgs[len(pkgs)-1]
		p.Functions = table
		return p
	}
	first, _, _ := strings.Cut(text, "\n") // the one line that ParseBuildInfo passes over
	if v := goVersion(strings.TrimPrefix(first, "go\t")); v != "" {
		add("stdlib", v, table)
	}
	if info.Main.Path != "" {
		own := table
		if info.Path == unnamedMain {
			own = nil
		}
		add(info.Main.Path, info.Main.Version, own).Main = true
	}
	for _, m := range info.Deps {
		own := table
		// A directory in a module's place has no module path, and "(devel)" or nothing for a version: the
		// module's own stay.
		if r := m.Replace; r != nil && r.Version != "" && r.Version != "(devel)" {
			if r.Path != m.Path {
				own = nil // the functions have the names of the module that was replaced
			}
			m = r
		}
		add(m.Path, m.Version, own)
	}
	return pkgs, nil
}

// goVersion gives the release that a toolchain's version names: "go1.22.3 X:boringcrypto" is 1.22.3.
func goVersion(v string) string {
	v = strings.TrimPrefix(v, "devel ")
	v, _, _ = strings.Cut(v, " ")
	return strings.TrimPrefix(v, "go")
}

// cratePackages gives the crates of a Rust executable. Those of the user's own or of a private registry are
// not the ones of that name at crates.io.
func cratePackages(crates []crate) []inventory.Package {
	var pkgs []inventory.Package
	for _, c := range crates {
		pkg := newPackage("cargo", c.Name, c.Version)
		if c.Source != "crates.io" {
			pkg = unpublished(pkg)
		}
		pkgs = append(pkgs, pkg)
	}
	return pkgs
}
