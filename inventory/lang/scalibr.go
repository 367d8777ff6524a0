package lang

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	cpb "github.com/google/osv-scalibr/binary/proto/config_go_proto"
	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem"
	"github.com/google/osv-scalibr/log"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// openFunc makes one of osv-scalibr's extractors.
type openFunc func(*cpb.PluginConfig) (filesystem.Extractor, error)

// scalibrExtractor shows one of osv-scalibr's extractors as one of ours.
type scalibrExtractor struct {
	name  string
	rules []inventory.Rule
	open  openFunc
	// locked: what it reads is a lock file.
	locked bool
	// convert makes one of our packages; false leaves it out. Nil: by its purl type, name and version.
	convert func(*extractor.Package) (inventory.Package, bool)
}

// maxParsed is the largest file that is handed to osv-scalibr, in bytes: its parsers hold several times as much.
const maxParsed = 32 << 20

func (s scalibrExtractor) Name() string { return s.name }

func (s scalibrExtractor) Rules() []inventory.Rule { return s.rules }

func (s scalibrExtractor) Extract(ctx context.Context, tree *layer.Tree, p string) ([]inventory.Package, error) {
	if s.locked && isForeign(p) {
		return nil, nil
	}
	content, err := readFile(tree, p)
	if err != nil {
		return nil, err
	}
	if len(content) > maxParsed {
		return nil, fmt.Errorf("%s: over %d MiB, too large to parse", path.Base(p), maxParsed>>20)
	}
	info := fileInfo{name: path.Base(p), size: int64(len(content))}
	// Its own limits on size are lifted: it would pass over a larger file without a word.
	x, err := s.open(&cpb.PluginConfig{MaxFileSizeBytes: 1 << 40})
	if err != nil {
		return nil, err
	}
	if !x.FileRequired(fileAPI{p, info}) {
		return nil, nil
	}
	input := &filesystem.ScanInput{FS: treeFS{tree}, Path: p, Info: info, Reader: bytes.NewReader(trimBOM(content))}
	var pkgs []inventory.Package
	err = guarded(func() error {
		found, err := x.Extract(ctx, input)
		for _, f := range found.Packages {
			if pkg, ok := s.one(f); ok {
				pkgs = append(pkgs, pkg)
			}
		}
		return err
	})
	if err != nil {
		err = errors.New(oneLine(path.Base(p) + ": " + err.Error()))
	}
	return proven(pkgs, s.name, p), err
}

func (s scalibrExtractor) one(f *extractor.Package) (inventory.Package, bool) {
	if f.Name == "" || f.Version == "" {
		return inventory.Package{}, false
	}
	purlType := f.PURLType
	if purlType == "lua" {
		purlType = "luarocks" // the type's registered name
	}
	pkg, ok := newPackage(purlType, f.Name, f.Version), true
	if s.convert != nil {
		pkg, ok = s.convert(f)
	}
	pkg.Licenses = licences(f.Licenses...)
	pkg.Locked = s.locked
	return pkg, ok
}

// quietScalibr stops osv-scalibr from logging to standard error: what it could not read comes back as an error.
var quietScalibr = sync.OnceFunc(func() { log.SetLogger(silent{}) })

// silent is a logger that says nothing.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Error(...any)          {}
func (silent) Warnf(string, ...any)  {}
func (silent) Warn(...any)           {}
func (silent) Infof(string, ...any)  {}
func (silent) Info(...any)           {}
func (silent) Debugf(string, ...any) {}
func (silent) Debug(...any)          {}

// fileAPI is how osv-scalibr is asked whether it wants a file.
type fileAPI struct {
	path string
	info fs.FileInfo
}

func (f fileAPI) Path() string               { return f.path }
func (f fileAPI) Stat() (fs.FileInfo, error) { return f.info, nil }

// treeFS shows a tree as the file system that osv-scalibr's extractors look for neighbours in. They need no
// directory listings.
type treeFS struct{ tree *layer.Tree }

func (t treeFS) Open(name string) (fs.File, error) { return t.tree.Open(name) }

func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
}

func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	e, ok := t.tree.Lookup(name)
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fileInfo{name: path.Base(name), size: e.File.Size, mode: e.File.Mode, dir: e.File.Type == layer.Directory}, nil
}

// fileInfo is what is known of a captured file.
type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
	dir  bool
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.dir }
func (i fileInfo) Sys() any           { return nil }

func (i fileInfo) Mode() fs.FileMode {
	if i.dir {
		return i.mode | fs.ModeDir
	}
	return i.mode
}
