package inventory

import (
	"context"
	"io"

	"tidewaiter/layer"
)

// Extractor finds the packages that one kind of file proves. Implementations hold no state that changes:
// they are called from several goroutines.
type Extractor interface {
	// Name is the stable name that reports show: "dpkg", "npm-installed", "java-archive".
	Name() string
	// Rules say which files the extractor wants captured.
	Rules() []Rule
	// Extract parses one captured file. tree is the image as it was when the layer that wrote path was on
	// top, so that neighbours (an os-release, a write-ahead log) can be looked at. Packages that could be
	// read are returned even where err says that others could not; err becomes a blind spot.
	Extract(ctx context.Context, tree *layer.Tree, path string) ([]Package, error)
}

// Rule selects files. All conditions that are set must hold; a rule needs at least one of Name, Suffix,
// Magic or Executable, which the compiled matcher looks up first.
type Rule struct {
	// Name is the file's base name, exactly.
	Name string
	// Suffix is how the path ends ("dpkg/status", ".jar"); compared in lower case where it starts with a dot.
	Suffix string
	// Dir is a directory name that must stand somewhere in the path ("node_modules"), or a sequence of
	// them ("dpkg/info").
	Dir string
	// Magic is how the content starts.
	Magic string
	// Executable selects ELF, PE and Mach-O files by their magic.
	Executable bool

	// Distil takes facts from the file in flight instead of capturing it: see [layer.Keep].
	Distil func(ctx context.Context, r io.ReaderAt, size int64) (facts []byte, err error)
	// CaptureOnly keeps the content for extractors to look up by themselves; Extract is not called for it.
	CaptureOnly bool
	// PartOf names the file that a captured path belongs to (a write-ahead log, to its database): Extract is
	// then called for that one instead. Nil: the path itself.
	PartOf func(path string) string
}
