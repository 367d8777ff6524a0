package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"tidewaiter/inventory"
	"tidewaiter/inventory/lang"
)

// sourceOptions name what an image was built from.
type sourceOptions struct {
	dir string
}

func (o *scanOptions) addSource(f *pflag.FlagSet) {
	f.StringVar(&o.sources.dir, "source", "", "the directory that the image was built from: its Dockerfile and its manifests are then advised on")
}

// findDockerfile takes that of the source directory where none was named.
func (o *scanOptions) findDockerfile() error {
	if o.sources.dir == "" {
		return nil
	}
	if info, err := os.Stat(o.sources.dir); err != nil || !info.IsDir() {
		return fmt.Errorf("--source %s: no such directory", o.sources.dir)
	}
	if file := filepath.Join(o.sources.dir, "Dockerfile"); o.dockerfile == "" {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			o.dockerfile, o.guessed = file, true
		}
	}
	return nil
}

// Bounds on a source directory.
const (
	maxManifests    = 200
	maxManifestSize = 8 << 20
	maxSourceFiles  = 100_000
)

// manifests reads those of the source directory. What package managers installed there is not looked into.
func (o *sourceOptions) manifests() ([]inventory.Manifest, error) {
	if o.dir == "" {
		return nil, nil
	}
	files := map[string][]byte{}
	seen := 0
	root := os.DirFS(o.dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if seen++; seen > maxSourceFiles {
			return fs.SkipAll
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "vendor" || d.Name() == "site-packages") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() || !lang.IsManifest(d.Name()) || len(files) >= maxManifests {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxManifestSize {
			return err
		}
		raw, err := fs.ReadFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		files[filepath.ToSlash(filepath.Join(o.dir, name))] = raw
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("--source: %w", err)
	}
	return lang.Manifests(files), nil
}
