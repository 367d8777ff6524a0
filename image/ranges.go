package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// ErrNoRanges is wrapped by the error of [Image.ReadRange] where single ranges of a layer cannot be had, or would save
// nothing: the layer is to be read whole.
var ErrNoRanges = errors.New("single ranges of the layer are not to be had")

// rangeSource is a [source] from far away, of whose blobs single ranges can be had.
type rangeSource interface {
	source
	// openRange begins to read length bytes of a blob from offset on. The reader gives an error in place of [io.EOF]
	// when it is not that many.
	openRange(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
}

// HasRanges says whether [Image.ReadRange] is worth trying.
func (im *Image) HasRanges() bool {
	_, ok := im.source.(rangeSource)
	return ok
}

// ReadRange begins to read length bytes of a layer as stored, from offset on: at least one, and none beyond
// [Layer].Size. They are not verified: that takes the whole layer ([Image.ReadLayers]) or a digest of just these
// bytes. The reader must be closed; it gives an error in place of [io.EOF] when it is not that many bytes. Errors do
// not name the image.
func (im *Image) ReadRange(ctx context.Context, l Layer, offset, length int64) (io.ReadCloser, error) {
	s, ok := im.source.(rangeSource)
	if !ok {
		return nil, ErrNoRanges
	}
	if offset < 0 || length <= 0 || length > l.Size-offset {
		return nil, fmt.Errorf("its blob has no %d bytes at %d", length, offset)
	}
	return s.openRange(ctx, l.blob, offset, length)
}

func (r *registry) openRange(ctx context.Context, blob string, offset, length int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &transfer{registry: r, ctx: ctx, cancel: cancel, blob: blob, offset: offset, end: offset + length}
	if err := t.begin(); err != nil {
		cancel(nil)
		return nil, err
	}
	return &exactly{ReadCloser: t, left: length}, nil
}

// checkRange says whether an answer has the bytes that were asked for, up to end (RFC 9110, sections 14.4 and 15.3.7).
// A server need not know ranges: it then sends the whole blob.
func checkRange(resp *http.Response, offset, end int64) error {
	if resp.StatusCode != http.StatusPartialContent {
		return ErrNoRanges
	}
	var first, last int64
	got := resp.Header.Get("Content-Range")
	if n, _ := fmt.Sscanf(got, "bytes %d-%d/", &first, &last); n != 2 || first != offset || last != end-1 {
		return fmt.Errorf("asked for bytes %d-%d, but the registry sent %q", offset, end-1, shorten(got))
	}
	return nil
}

// exactly reads a range that must be neither shorter nor longer than it was said to be.
type exactly struct {
	io.ReadCloser
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		return n, errors.New("the registry sent more than it was asked for: try again later")
	case err == io.EOF && e.left > 0:
		return n, fmt.Errorf("the registry sent %d bytes less than it was asked for: try again later", e.left)
	}
	return n, err
}
