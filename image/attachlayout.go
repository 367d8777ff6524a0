package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// layoutHolder attaches to images of a layout. All is gathered in memory, papers being small, and written at the end: first the blobs,
// then the index that lists them.
type layoutHolder struct {
	store *ociStore
	path  string
	index []byte
	// blobs are those to write, by their path; order is that in which they came.
	blobs map[string][]byte
	order []string
	write func(h *layoutHolder) error
}

func openLayoutHolder(ctx context.Context, path string) (holder, error) {
	src, err := openDirectory(path)
	if err != nil {
		return nil, err
	}
	return newLayoutHolder(ctx, src, path, writeIntoLayout)
}

func openArchiveHolder(ctx context.Context, path string) (holder, error) {
	src, err := openArchive(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, compressed := src.(forwardSource); compressed {
		src.Close()
		return nil, fmt.Errorf("%s: nothing is written into compressed archives: decompress it first", path)
	}
	return newLayoutHolder(ctx, src, path, writeIntoArchive)
}

func newLayoutHolder(ctx context.Context, src source, path string, write func(h *layoutHolder) error) (holder, error) {
	store, err := newLayoutStore(ctx, src, path)
	if err == nil {
		var index []byte
		if index, err = src.document(ctx, layoutIndexName); err == nil {
			return &layoutHolder{store: store, path: path, index: index, blobs: map[string][]byte{}, write: write}, nil
		}
	}
	src.Close()
	return nil, err
}

func (h *layoutHolder) holds(ctx context.Context, digest string) (bool, error) {
	if !validDigest(digest) {
		return false, nil
	}
	return h.store.source.has(ctx, blobPath(digest))
}

func (h *layoutHolder) blob(ctx context.Context, c Content) error {
	name := blobPath(c.Digest)
	if h.blobs[name] != nil {
		return nil
	}
	if there, err := h.store.source.has(ctx, name); there || err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	v := verifiedBlob{verify(r, c.Digest, c.Size)}
	defer v.Close()
	raw, err := io.ReadAll(v)
	if err != nil {
		return err
	}
	h.blobs[name], h.order = raw, append(h.order, name)
	return nil
}

func (h *layoutHolder) document(ctx context.Context, b Blob) ([]byte, error) {
	if raw := h.blobs[blobPath(b.Digest)]; raw != nil {
		return raw, nil
	}
	return h.store.document(ctx, descriptor{Digest: b.Digest, Size: b.Size}, blobPath)
}

func (h *layoutHolder) referrer(ctx context.Context, raw []byte, d *Draft, b Blob) error {
	entry := b.json()
	entry.ArtifactType, entry.Annotations = d.Type, mergeAnnotations(d.Annotations, d.LayoutAnnotations)
	return h.list(ctx, raw, entry, nil)
}

// tagged looks for a tag among the entries of the index as it will be.
func (h *layoutHolder) tagged(ctx context.Context, tag string) ([]byte, error) {
	d, err := h.entry(tag)
	if err != nil {
		return nil, err
	}
	return h.document(ctx, Blob{Digest: d.Digest, Size: d.Size})
}

func (h *layoutHolder) entry(tag string) (descriptor, error) {
	m, err := parseManifest(h.index)
	if err != nil {
		return descriptor{}, fmt.Errorf("%s: %w", layoutIndexName, err)
	}
	for _, d := range m.Manifests {
		if hasTag(d, tag) && validDigest(d.Digest) {
			return d, nil
		}
	}
	return descriptor{}, fmt.Errorf("tag %s: %w", tag, fs.ErrNotExist)
}

func (h *layoutHolder) retag(ctx context.Context, raw []byte, d *Draft) error {
	b := Blob{MediaType: manifestType, Digest: digestOf(raw), Size: int64(len(raw))}
	before, _ := h.entry(d.Tag)
	entry := b.json()
	entry.ArtifactType = d.Type
	// Where the tag had a repository's name before it, it keeps that.
	entry.Annotations = mergeAnnotations(d.LayoutAnnotations, map[string]string{refNameKey: d.Tag}, before.Annotations)
	return h.list(ctx, raw, entry, func(e descriptor) bool { return hasTag(e, d.Tag) })
}

// list writes a manifest, and lists it in the index.
func (h *layoutHolder) list(ctx context.Context, raw []byte, entry blobJSON, replaces func(descriptor) bool) error {
	if err := h.blob(ctx, NewDocument(entry.MediaType, raw, nil)); err != nil {
		return err
	}
	index, err := listIn(h.index, entry, replaces)
	if err != nil {
		return err
	}
	if index != nil {
		h.index = index
	}
	return nil
}

func (h *layoutHolder) finish(err error) error {
	defer h.store.source.Close()
	if err == nil {
		err = h.write(h)
	}
	if err != nil {
		return inPlace(h.path, err)
	}
	return nil
}

// writeIntoLayout adds to a directory. Nothing outside of it is written to, whatever links lie in it.
func writeIntoLayout(h *layoutHolder) error {
	root, err := os.OpenRoot(h.path)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range h.order {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		if err := replaceFile(root, name, h.blobs[name]); err != nil {
			return err
		}
	}
	return replaceFile(root, layoutIndexName, h.index)
}

// replaceFile writes a file that takes its place when it is whole.
func replaceFile(root *os.Root, name string, content []byte) error {
	temp := path.Join(path.Dir(name), "."+path.Base(name)+".tmp")
	if err := root.WriteFile(temp, content, 0o644); err != nil {
		return err
	}
	return root.Rename(temp, name)
}

// writeIntoArchive writes the tar anew: what is in it, but the index, and what is added.
func writeIntoArchive(h *layoutHolder) error {
	before, err := os.Open(h.path)
	if err != nil {
		return err
	}
	defer before.Close()
	info, err := before.Stat()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(h.path), "."+filepath.Base(h.path)+".*.tmp")
	if err != nil {
		return err
	}
	err = h.copyArchive(tar.NewWriter(f), tar.NewReader(before))
	if err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), h.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (h *layoutHolder) copyArchive(w *tar.Writer, r *tar.Reader) error {
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if archiveName(header.Name) == layoutIndexName {
			continue
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
	put := func(name string, content []byte) error {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			return err
		}
		_, err := io.Copy(w, bytes.NewReader(content))
		return err
	}
	for _, name := range h.order {
		if err := put(name, h.blobs[name]); err != nil {
			return err
		}
	}
	return errors.Join(put(layoutIndexName, h.index), w.Close())
}
