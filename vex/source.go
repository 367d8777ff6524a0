package vex

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tidewaiter/image"
)

// maxFiles bounds the documents of a directory or an archive.
const maxFiles = 20_000

// Load reads what the user named: a document, a directory of them, a VEX repository (a directory or a zip archive of one),
// in which only what index.json lists for a product aboard is read. A document that cannot be read is an error where
// the user named it, and a blind spot where it is one of many.
func (r *Reader) Load(name string, aboard func(product string) bool) ([]Statement, []image.BlindSpot, error) {
	statements, spots, err := r.load(name, aboard)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	for i := range statements {
		statements[i].Believed = true
	}
	return statements, spots, nil
}

func (r *Reader) load(name string, aboard func(product string) bool) ([]Statement, []image.BlindSpot, error) {
	info, err := os.Stat(name)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // the path is said already
		}
		return nil, nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name) // links that a repository brings along lead nowhere else
		if err != nil {
			return nil, nil, err
		}
		defer root.Close()
		return r.loadTree(root.FS(), name, aboard)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if n, _ := f.ReadAt(magic, 0); n == 4 && string(magic) == "PK\x03\x04" {
		archive, err := zip.NewReader(f, info.Size())
		if err != nil {
			return nil, nil, err
		}
		return r.loadTree(archive, name, aboard)
	}
	raw, err := readAll(f, maxDocument)
	if err != nil {
		return nil, nil, err
	}
	statements, err := r.parse(raw)
	if err != nil {
		return nil, nil, err
	}
	for i := range statements {
		statements[i].Source = name
	}
	return statements, nil, nil
}

// loadTree reads the documents of a directory or an archive.
func (r *Reader) loadTree(tree fs.FS, name string, aboard func(product string) bool) ([]Statement, []image.BlindSpot, error) {
	var files []string
	root, index, err := readIndex(tree)
	if err != nil {
		return nil, nil, err
	}
	if index != nil {
		files = index.documents(root, aboard)
	} else if files, err = listDocuments(tree); err != nil {
		return nil, nil, err
	}
	l := loader{reader: r, tree: tree, name: name, listed: index != nil, found: make([][]Statement, len(files)), errs: make([]error, len(files))}
	return l.loadAll(files)
}

// repository is the index of a VEX repository (https://github.com/aquasecurity/vex-repo-spec).
type repository struct {
	Packages []struct {
		ID       string `json:"id"` // a package URL
		Location string `json:"location"`
	} `json:"packages"`
}

// readIndex reads a repository's index.json, which lies at its root or, in an archive that a forge made, in the one directory
// there. Without an index the answer is nil.
func readIndex(tree fs.FS) (root string, index *repository, err error) {
	candidates := []string{"index.json"}
	if entries, err := fs.ReadDir(tree, "."); err == nil && len(entries) == 1 && entries[0].IsDir() {
		candidates = append(candidates, path.Join(entries[0].Name(), "index.json"))
	}
	for _, name := range candidates {
		raw, err := readFile(tree, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", name, err)
		}
		var index repository
		if json.Unmarshal(raw, &index) == nil && len(index.Packages) > 0 && index.Packages[0].Location != "" {
			return path.Dir(name), &index, nil
		}
	}
	return "", nil, nil
}

// documents gives the documents that the index lists for products aboard, sorted.
func (i *repository) documents(root string, aboard func(product string) bool) []string {
	var files []string
	for _, p := range i.Packages {
		if file := path.Join(root, p.Location); fs.ValidPath(file) && aboard(p.ID) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// listDocuments gives the files of a directory that may be documents.
func listDocuments(tree fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != "." && d.Name() != ".vex":
			return fs.SkipDir // a version control system's own
		case d.Type().IsRegular() && strings.HasSuffix(p, ".json"):
			files = append(files, p)
		}
		if len(files) > maxFiles {
			return fmt.Errorf("more than %d files: not read; name them one by one, or a VEX repository with an index", maxFiles)
		}
		return nil
	})
	return files, err
}

// loader reads many documents, several at once.
type loader struct {
	reader *Reader
	tree   fs.FS
	name   string
	// listed says that each file was listed as a document; else what is none is passed over.
	listed bool
	found  [][]Statement
	errs   []error
}

func (l *loader) loadAll(files []string) ([]Statement, []image.BlindSpot, error) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, file := range files {
		g.Go(func() error {
			l.found[i], l.errs[i] = l.one(file)
			return nil
		})
	}
	_ = g.Wait() // errors are kept by file
	var all []Statement
	var spots []image.BlindSpot
	other := 0
	for i, err := range l.errs {
		switch {
		case errors.Is(err, errNotVEX) && !l.listed:
			other++
		case err != nil:
			spots = append(spots, unread(l.source(files[i]), err))
		}
		all = append(all, l.found[i]...)
	}
	if !l.listed && other == len(files) {
		return nil, nil, errors.New("no VEX document is in it")
	}
	return all, spots, nil
}

func (l *loader) one(file string) ([]Statement, error) {
	raw, err := readFile(l.tree, file)
	if err != nil {
		return nil, err
	}
	statements, err := l.reader.parse(raw)
	for i := range statements {
		statements[i].Source, statements[i].Bulk = l.source(file), true
	}
	return statements, err
}

// source is the name of a file for people, in the user's own words.
func (l *loader) source(file string) string { return filepath.Join(l.name, filepath.FromSlash(file)) }

func readFile(tree fs.FS, name string) ([]byte, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, maxDocument)
}

func readAll(r io.Reader, most int64) ([]byte, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, fmt.Errorf("over %d MiB: not read", most>>20)
	}
	return b.Bytes(), nil
}
