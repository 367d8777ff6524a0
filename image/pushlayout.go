package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	layoutMarkerName = "oci-layout"
	layoutMarker     = `{"imageLayoutVersion":"1.0.0"}`
	defaultTag       = "latest"
	refNameKey       = "org.opencontainers.image.ref.name"
)

// layoutTarget writes an image layout: into a directory that takes its place when it is whole, or into a tar.
type layoutTarget struct {
	// path is where the layout will lie, temp where it lies until it is whole.
	path, temp string
	// name is the tag that the main artifact gets.
	name     string
	put      func(name string, size int64, r io.Reader) error
	close    func() error
	written  map[string]bool
	entries  []blobJSON
	progress func(done, total int64)
}

// newLayoutDir begins a layout in a directory that is not there yet, or is empty.
func newLayoutDir(rest string, o PushOptions) (target, error) {
	path, tag := splitTag(rest)
	entries, err := os.ReadDir(path)
	switch {
	case err == nil && len(entries) > 0:
		return nil, fmt.Errorf("%s is there and is not empty: name a new directory", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fileError(path, err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, fileError(filepath.Dir(path), err)
	}
	t := &layoutTarget{path: path, temp: temp, name: tag, written: map[string]bool{}, progress: o.Progress}
	t.close = func() error { return os.Chmod(temp, 0o755) }
	t.put = func(name string, _ int64, r io.Reader) error {
		file := filepath.Join(temp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	}
	return t, nil
}

// newLayoutArchive begins a layout in a tar. Its entries have no time and no owner, so that the same layout is the same file.
func newLayoutArchive(rest string, o PushOptions) (target, error) {
	path, tag := splitTag(rest)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is there and is not a regular file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return nil, fileError(filepath.Dir(path), err)
	}
	w := tar.NewWriter(f)
	t := &layoutTarget{path: path, temp: f.Name(), name: tag, written: map[string]bool{}, progress: o.Progress}
	t.close = func() error { return errors.Join(w.Close(), f.Chmod(0o644), f.Sync(), f.Close()) }
	t.put = func(name string, size int64, r io.Reader) error {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(w, r)
		return err
	}
	return t, nil
}

// splitTag splits the tag off a path that need not be there. A colon within a path's directory, or before a digit of a
// drive, is part of the path.
func splitTag(s string) (path, tag string) {
	tag = defaultTag
	if i := strings.LastIndexByte(s, ':'); i > 1 && !strings.ContainsAny(s[i:], `/\`) && i < len(s)-1 {
		s, tag = s[:i], s[i+1:]
	}
	return filepath.Clean(s), tag // a shell completes a directory with a slash
}

func (t *layoutTarget) blob(ctx context.Context, c Content) error {
	if t.written[c.Digest] {
		return nil
	}
	t.written[c.Digest] = true
	r, err := c.counted(t.progress).open()
	if err != nil {
		return err
	}
	// The file may have changed since its digest was taken; and a long copy must end when ctx does.
	v := verifiedBlob{verify(r, c.Digest, c.Size)}
	defer v.Close()
	defer context.AfterFunc(ctx, func() { r.Close() })()
	if err := t.put(blobPath(c.Digest), c.Size, v); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w", t.path, err)
	}
	return nil
}

func (t *layoutTarget) manifest(ctx context.Context, raw []byte, d *Draft, b Blob) error {
	if d.Subject != nil && d.Tag == "" {
		t.list(d, b, "")
	}
	return t.blob(ctx, NewDocument(b.MediaType, raw, nil))
}

// attach has nothing of others to keep: the layout is new.
func (t *layoutTarget) attach(ctx context.Context, d *Draft) error {
	raw, b, err := d.Manifest()
	if err != nil {
		return err
	}
	if err := writeDraft(ctx, t, d, raw, b); err != nil {
		return err
	}
	if d.Tag != "" {
		t.list(d, b, d.Tag)
	}
	return nil
}

func (t *layoutTarget) tag(_ context.Context, _ []byte, d *Draft, b Blob) error {
	t.list(d, b, t.name)
	return nil
}

// list puts a manifest into the layout's index.
func (t *layoutTarget) list(d *Draft, b Blob, tag string) {
	entry := b.json()
	entry.ArtifactType = d.Type
	entry.Annotations = d.LayoutAnnotations
	if tag != "" {
		entry.Annotations = mergeAnnotations(d.LayoutAnnotations, map[string]string{refNameKey: tag})
	}
	t.entries = append(t.entries, entry)
}

func (t *layoutTarget) finish(err error) error {
	if err == nil {
		err = t.writeIndex()
	}
	if closeErr := t.close(); err == nil {
		err = closeErr
	}
	if err == nil {
		if info, statErr := os.Stat(t.path); statErr == nil && info.IsDir() {
			err = os.Remove(t.path) // it is empty: not every system renames over it
		}
	}
	if err == nil {
		err = os.Rename(t.temp, t.path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(t.temp))
	}
	return nil
}

func (t *layoutTarget) writeIndex() error {
	raw, err := json.Marshal(struct {
		SchemaVersion int        `json:"schemaVersion"`
		MediaType     string     `json:"mediaType"`
		Manifests     []blobJSON `json:"manifests"`
	}{2, indexType, t.entries})
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{layoutIndexName, raw}, {layoutMarkerName, []byte(layoutMarker)}} {
		if err := t.put(f.name, int64(len(f.content)), bytes.NewReader(f.content)); err != nil {
			return fmt.Errorf("%s: %w", t.path, err)
		}
	}
	return nil
}
