package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync/atomic"
)

// Bounds on the tar of an image archive.
const (
	maxArchiveEntries  = 100_000
	maxArchiveNameSize = 4096
	maxArchiveLinks    = 8
)

// tarEntry is a file or link of an image archive.
type tarEntry struct {
	position int   // counts the archive's entries
	offset   int64 // of the content in the file; only of an uncompressed archive
	size     int64
	link     string // the name of another entry, where this one is a link
	document []byte // the content, kept where it looks like JSON; only of a forward-only archive
}

// tarIndex is what is in an image archive, by name. Of a name that comes twice, the last one counts, as it
// does for who unpacks the archive.
type tarIndex map[string]tarEntry

// archiveName cleans a name so that "./blobs/x" and "blobs/x" are one. Names are only looked up in the
// tarIndex, never on the host, so that one which leads out of the archive is merely not found.
func archiveName(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// errNoTar says that there is not even one whole header.
var errNoTar = errors.New("not a tar")

// scanTar reads all entries of a tar. The function content is asked to fill in what is needed of a file.
func scanTar(r io.Reader, content func(e *tarEntry, r io.Reader) error) (tarIndex, error) {
	index := tarIndex{}
	tr := tar.NewReader(r)
	for position := 0; ; position++ {
		h, err := tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return index, nil
		case position == 0 && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrHeader)):
			return nil, errNoTar
		case err != nil:
			return nil, err
		case position >= maxArchiveEntries:
			return nil, fmt.Errorf("it has more than %d files", maxArchiveEntries)
		case len(h.Name) > maxArchiveNameSize:
			continue
		}
		e := tarEntry{position: position, size: h.Size}
		switch h.Typeflag {
		case tar.TypeReg:
			if err := content(&e, tr); err != nil {
				return nil, err
			}
		case tar.TypeSymlink:
			// Docker saves a layer that comes twice as a link to the first.
			e.link = archiveName(path.Join(path.Dir(h.Name), h.Linkname))
		case tar.TypeLink:
			e.link = archiveName(h.Linkname)
		default:
			continue
		}
		index[archiveName(h.Name)] = e
	}
}

// find looks an entry up and follows links within the archive.
func (x tarIndex) find(name string) (tarEntry, error) {
	e, ok := x[archiveName(name)]
	for range maxArchiveLinks {
		if !ok {
			return tarEntry{}, fmt.Errorf("%s: %w", shorten(name), fs.ErrNotExist)
		}
		if e.link == "" {
			return e, nil
		}
		e, ok = x[e.link]
	}
	return tarEntry{}, fmt.Errorf("%s is a link that leads nowhere", shorten(name))
}

//nolint:unparam // what a source is asked may fail where it is far away
func (x tarIndex) has(_ context.Context, name string) (bool, error) {
	_, err := x.find(name)
	return err == nil, nil
}

// tarFile is an uncompressed image archive. Its files are read where they lie.
type tarFile struct {
	tarIndex
	file *os.File
}

// newTarFile takes over f, which must be at its beginning.
func newTarFile(f *os.File) (*tarFile, error) {
	index, err := scanTar(f, func(e *tarEntry, _ io.Reader) (err error) {
		// The tar reader reads whole blocks and seeks over content, so the file stands where the content begins.
		e.offset, err = f.Seek(0, io.SeekCurrent)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &tarFile{tarIndex: index, file: f}, nil
}

func (t *tarFile) section(name string) (*io.SectionReader, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(t.file, e.offset, e.size), nil
}

func (t *tarFile) document(_ context.Context, name string) ([]byte, error) {
	s, err := t.section(name)
	if err != nil {
		return nil, err
	}
	return readDocument(s, name)
}

func (t *tarFile) open(_ context.Context, name string) (io.ReadCloser, error) {
	s, err := t.section(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing in %s", shorten(name), t.file.Name())
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(s), nil
}

func (t *tarFile) Close() error { return t.file.Close() }

// tarStream is an image archive that can only be read forward, but as often as wanted: a compressed file, or
// what a daemon sends.
type tarStream struct {
	tarIndex
	where string
	// restart begins at the archive's beginning. Closing the Closer ends a Read under way.
	restart func(ctx context.Context) (io.Reader, io.Closer, error)
	// reading is the pass under way, if any.
	reading *tarPass
}

type tarPass struct {
	*tar.Reader
	io.Closer
	next int // the position of the entry that Next gives
}

// newTarStream reads the archive once and keeps its documents.
func newTarStream(ctx context.Context, where string, restart func(ctx context.Context) (io.Reader, io.Closer, error)) (*tarStream, error) {
	r, closer, err := restart(ctx)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	room := maxDocuments
	index, err := scanTar(r, func(e *tarEntry, r io.Reader) (err error) {
		e.document, err = keepDocument(r, e.size, &room)
		return err
	})
	if err != nil {
		return nil, err
	}
	// After the tar's end may come padding, and then a checksum: only at its end does a stream show that it is whole.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	return &tarStream{tarIndex: index, where: where, restart: restart}, nil
}

// keepDocument reads a file of the archive if it looks like JSON and there is room for it.
func keepDocument(r io.Reader, size int64, room *int) ([]byte, error) {
	if size > maxDocument || size > int64(*room) || size == 0 {
		return nil, nil
	}
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, err
	}
	if first[0] != '{' && first[0] != '[' {
		return nil, nil
	}
	raw := make([]byte, size)
	raw[0] = first[0]
	if _, err := io.ReadFull(r, raw[1:]); err != nil {
		return nil, err
	}
	*room -= len(raw)
	return raw, nil
}

func (s *tarStream) document(_ context.Context, name string) ([]byte, error) {
	e, err := s.find(name)
	switch {
	case err != nil:
		return nil, err
	case e.document != nil:
		return e.document, nil
	case e.size > maxDocument:
		return nil, tooLarge(name)
	}
	return nil, fmt.Errorf("%s in %s is not a JSON document", shorten(name), s.where)
}

func (s *tarStream) position(name string) int {
	e, err := s.find(name)
	if err != nil {
		return maxArchiveEntries
	}
	return e.position
}

func (s *tarStream) open(ctx context.Context, name string) (io.ReadCloser, error) {
	e, err := s.find(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing in %s", shorten(name), s.where)
	}
	if err != nil {
		return nil, err
	}
	if s.reading != nil && s.reading.next > e.position {
		s.rewind()
	}
	if s.reading == nil {
		r, closer, err := s.restart(ctx)
		if err != nil {
			return nil, err
		}
		s.reading = &tarPass{Reader: tar.NewReader(r), Closer: closer}
	}
	for s.reading.next <= e.position {
		h, err := s.reading.Next()
		if err != nil {
			return nil, fmt.Errorf("%s changed while it was read: %w", s.where, err)
		}
		s.reading.next++
		if s.reading.next > e.position && h.Size != e.size {
			return nil, fmt.Errorf("%s changed while it was read", s.where)
		}
	}
	return &tarBlob{stream: s, pass: s.reading}, nil
}

func (s *tarStream) rewind() {
	if s.reading != nil {
		s.reading.Close()
		s.reading = nil
	}
}

func (s *tarStream) Close() error {
	s.rewind()
	return nil
}

// tarBlob is one file of a pass.
type tarBlob struct {
	stream *tarStream
	pass   *tarPass
	ended  atomic.Bool
}

func (b *tarBlob) Read(p []byte) (int, error) {
	n, err := b.pass.Read(p)
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}

// Close ends the whole pass when the file was left in its middle: that alone ends a Read under way.
func (b *tarBlob) Close() error {
	if !b.ended.Load() && b.stream.reading == b.pass {
		b.stream.rewind()
	}
	return nil
}
