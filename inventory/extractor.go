package inventory

import (
	"context"
	"io"

	"tidewaiter/layer"
)

// Extractor finds the packages that one kind of file proves. Implementations hold no state that changes:
// they may be called from several goroutines.
type Extractor interface {
	// Name is the stable name that reports show: "dpkg", "npm-installed", "java-archive".
	Name() string
	// Rules say which files the extractor wants captured.
	Rules() []Rule
	// Extract parses one captured file. tree is the image as it was when the layer that wrote path was on
	// top, so that neighbours (a write-ahead log, a lock file's companion) can be looked at. Packages that
	// could be read are returned even where err says that others could not; err becomes a blind spot.
	//
	// The extractor of a rule with Distil is called for every file that has facts and whose path the rule
	// allows: where two extractors distil, facts must be of a form that the other one does not take for its own.
	//
	// Extract may leave Layer, Instruction, Extractor and Owner empty, and for packages of a distribution
	// (types deb, apk and rpm) PURL and Ecosystem too: they need the whole image, and [Assemble] fills them in.
	Extract(ctx context.Context, tree *layer.Tree, path string) ([]Package, error)
}

// Finisher is an [Extractor] that needs the whole image to complete what it found: a file list or a licence
// text may lie in another layer than the database that names the package.
type Finisher interface {
	Extractor
	// Finish completes, in place, all the packages that the extractor found and that still stand. It is
	// called once, with the final tree. Paths[0] of each is the file that was given to Extract.
	Finish(ctx context.Context, tree *layer.Tree, pkgs []Package) error
}

// Rule selects files. All conditions that are set must hold; a rule needs at least one of Name, Suffix,
// Magic or Executable, which the compiled matcher looks up first.
type Rule struct {
	// Name is the file's base name, exactly.
	Name string
	// Suffix is how the path ends. One that starts with a dot is compared in lower case (".jar"); one that
	// holds a slash matches whole path elements ("dpkg/status").
	Suffix string
	// Dir is a directory name that must stand somewhere above the file ("node_modules"), or a sequence of
	// them ("dpkg/info").
	Dir string
	// Magic is how the content starts.
	Magic string
	// Executable selects ELF, PE and Mach-O files by their magic.
	Executable bool

	// Distil takes facts from the file at path in flight instead of capturing it: see [layer.Keep]. Of several
	// rules that would distil the same file, the first one does.
	Distil func(ctx context.Context, path string, r io.ReaderAt, size int64) (facts []byte, err error)
	// Setting is what else Distil goes by, such as a bound: facts that were kept under another setting are not used.
	Setting string
	// CaptureOnly keeps the content for extractors to look up by themselves; Extract is not called for it.
	CaptureOnly bool
	// PartOf names the file that a captured path belongs to (a write-ahead log, to its database): Extract is
	// then called for that one instead. Nil: the path itself.
	PartOf func(path string) string
}
