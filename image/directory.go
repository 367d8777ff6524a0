package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// directory is a source that keeps each blob as a file. [os.Root] keeps symbolic links from leading out.
type directory struct {
	root *os.Root
}

func openDirectory(path string) (*directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	return &directory{root: root}, nil
}

// fileError says in the user's words why a file that he named cannot be read.
func fileError(name string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s: %w: run as a user who may read it", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// isEmpty says whether the directory holds nothing at all.
func (d *directory) isEmpty() bool {
	dir, err := d.root.Open(".")
	if err != nil {
		return false
	}
	defer dir.Close()
	_, err = dir.Readdirnames(1)
	return errors.Is(err, io.EOF)
}

// isLayout says whether the directory is an OCI layout. The marker file oci-layout is missing from some.
func (d *directory) isLayout() bool {
	if _, err := d.root.Stat("oci-layout"); err == nil {
		return true
	}
	_, index := d.root.Stat("index.json")
	_, blobs := d.root.Stat("blobs")
	return index == nil && blobs == nil
}

func (d *directory) document(_ context.Context, name string) ([]byte, error) {
	f, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readDocument(f, name)
}

// readDocument reads a document of at most maxDocument bytes.
func readDocument(r io.Reader, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(raw) > maxDocument {
		return nil, tooLarge(name)
	}
	return raw, nil
}

func tooLarge(name string) error {
	return fmt.Errorf("%s has more than %d bytes; manifests and configs so large are not read", shorten(name), maxDocument)
}

func (d *directory) has(_ context.Context, name string) (bool, error) {
	_, err := d.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d *directory) open(_ context.Context, name string) (io.ReadCloser, error) {
	f, err := d.openFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing in %s%s", name, d.root.Name(), getAnew)
	}
	return f, err
}

// openFile opens regular files only: opening a pipe would wait for ever.
func (d *directory) openFile(name string) (*os.File, error) {
	info, err := d.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s in %s is not a regular file", name, d.root.Name())
	}
	return d.root.Open(name)
}

func (d *directory) Close() error { return d.root.Close() }
