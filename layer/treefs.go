package layer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// ErrNotCaptured is wrapped by the error for a regular file that is in the image but whose content was not
// kept when its layer was read.
var ErrNotCaptured = errors.New("content was not captured")

var (
	_ fs.StatFS     = (*Tree)(nil)
	_ fs.ReadDirFS  = (*Tree)(nil)
	_ fs.ReadFileFS = (*Tree)(nil)
	_ fs.ReadLinkFS = (*Tree)(nil)
)

// Open implements [fs.FS]. Files that it opens implement [io.ReaderAt] and [io.Seeker]. A regular file that
// was not captured cannot be opened, nor can a device: [ErrNotCaptured].
func (t *Tree) Open(name string) (fs.File, error) {
	at, err := t.lookup("open", name, true)
	if err != nil {
		return nil, err
	}
	info := fileInfo{path.Base(name), t.node(at)}
	if t.node(at).isDir() {
		return &openDir{info: info, entries: t.list(at)}, nil
	}
	content, err := t.node(at).content()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{*bytes.NewReader(content), info}, nil
}

// ReadFile implements [fs.ReadFileFS]. It gives a copy; [Tree.Lookup] gives the captured bytes themselves.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	at, err := t.lookup("read", name, true)
	if err != nil {
		return nil, err
	}
	content, err := t.node(at).content()
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return append([]byte{}, content...), nil
}

// Stat implements [fs.StatFS]. Times are not kept: all are zero.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.info("stat", name, true) }

// Lstat is Stat without following a symbolic link at the end.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.info("lstat", name, false) }

func (t *Tree) info(op, name string, follow bool) (fs.FileInfo, error) {
	at, err := t.lookup(op, name, follow)
	if err != nil {
		return nil, err
	}
	return fileInfo{path.Base(name), t.node(at)}, nil
}

// ReadLink implements [fs.ReadLinkFS]: the target as the layer has it.
func (t *Tree) ReadLink(name string) (string, error) {
	at, err := t.lookup("readlink", name, false)
	if err != nil {
		return "", err
	}
	n := t.node(at)
	if !n.isSymlink() {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return n.file.Link, nil
}

// ReadDir implements [fs.ReadDirFS].
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	at, err := t.lookup("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !t.node(at).isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	return t.list(at), nil
}

func (t *Tree) lookup(op, name string, follow bool) (nodeID, error) {
	if !fs.ValidPath(name) {
		return absent, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at, ok := t.find(name, follow)
	if !ok {
		return absent, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return at, nil
}

// content gives a file's captured bytes. An empty file needs none to be known.
func (n *node) content() ([]byte, error) {
	switch {
	case n.isDir():
		return nil, errors.New("is a directory")
	case n.file.Content() == nil && (n.file.Type != Regular || n.file.Size > 0):
		return nil, ErrNotCaptured
	}
	return n.file.Content(), nil
}

// list gives what is in a directory, sorted by name.
func (t *Tree) list(dir nodeID) []fs.DirEntry {
	entries := []fs.DirEntry{}
	for id := range t.children(dir) {
		n := t.node(id)
		entries = append(entries, fs.FileInfoToDirEntry(fileInfo{n.name, n}))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries
}

// fileInfo describes a node under the name by which it was asked for.
type fileInfo struct {
	name string
	node *node
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.node.isDir() }

// Sys gives the layer's entry, a *[File]; nil for a directory that has none.
func (i fileInfo) Sys() any {
	if i.node.file == nil {
		return nil
	}
	return i.node.file
}

func (i fileInfo) Size() int64 {
	if i.node.file == nil {
		return 0
	}
	return i.node.file.Size
}

func (i fileInfo) Mode() fs.FileMode {
	if i.node.file == nil {
		return fs.ModeDir | 0o755
	}
	mode := i.node.file.Mode
	switch i.node.file.Type {
	case Directory:
		mode |= fs.ModeDir
	case Symlink:
		mode |= fs.ModeSymlink
	case Special:
		mode |= fs.ModeIrregular
	}
	return mode
}

// openFile is a captured file.
type openFile struct {
	bytes.Reader
	info fileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openDir is a directory being read.
type openDir struct {
	info    fileInfo
	entries []fs.DirEntry // not yet given
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a directory")}
}

// ReadDir implements [fs.ReadDirFile].
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	given := d.entries[:n]
	d.entries = d.entries[n:]
	return given, nil
}
