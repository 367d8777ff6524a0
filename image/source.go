package image

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"
)

// source holds an image's blobs, each under a name: its path in a directory or an archive, the end of its
// URL in a registry. It may be used from several goroutines at once, save where it is a forwardSource.
type source interface {
	// document reads a small blob whole; one over maxDocument bytes is an error. A blob that is not there
	// is fs.ErrNotExist.
	document(ctx context.Context, name string) ([]byte, error)
	// has says whether the blob is there.
	has(ctx context.Context, name string) (bool, error)
	// open begins to read a blob. Close may be called while a Read is under way, and ends it.
	open(ctx context.Context, name string) (io.ReadCloser, error)
	Close() error
}

// forwardSource is a source that is read from its beginning to its end, one blob at a time.
type forwardSource interface {
	source
	// position orders the blobs as they come by.
	position(name string) int
	// rewind ends the reading under way.
	rewind()
}

// SkipLayer is returned by the function given to [Image.ReadLayers] when it does not want the layer's
// bytes. A layer that is skipped before its first byte is read costs nothing and is not verified.
var SkipLayer = errors.New("skip this layer") //nolint:errname,staticcheck // named as fs.SkipDir is

// ReadLayers hands each layer's stored bytes to fn, up to parallel layers at once, the largest first; or
// one after another in stored order where the source can only be read forward (a daemon, a compressed
// archive). A blob that several layers share is handed out once, for the lowest of them. Unreadable layers
// are left out.
//
// At its end the reader gives an error in place of [io.EOF] when the bytes do not have the size or digest
// that the manifest says. What fn leaves unread is read and verified after it; such a failure is returned
// also when fn returned nil. The first error cancels the context that the other calls got.
func (im *Image) ReadLayers(ctx context.Context, parallel int, fn func(ctx context.Context, l Layer, r io.Reader) error) error {
	layers := im.distinctLayers()
	if f, ok := im.source.(forwardSource); ok {
		defer f.rewind()
		parallel = 1
		slices.SortStableFunc(layers, func(a, b Layer) int { return cmp.Compare(f.position(a.blob), f.position(b.blob)) })
	} else {
		slices.SortStableFunc(layers, func(a, b Layer) int { return cmp.Compare(b.Size, a.Size) })
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(parallel, 1))
	for _, l := range layers {
		g.Go(func() error {
			if err := gctx.Err(); err != nil {
				return err
			}
			return im.readLayer(gctx, l, fn)
		})
	}
	return g.Wait()
}

// distinctLayers gives the readable layers, the lowest one of those that share a blob.
func (im *Image) distinctLayers() []Layer {
	seen := make(map[string]bool, len(im.Layers))
	var layers []Layer
	for _, l := range im.Layers {
		key := cmp.Or(l.Digest, l.DiffID, l.blob)
		if !l.Unreadable && !seen[key] {
			seen[key] = true
			layers = append(layers, l)
		}
	}
	return layers
}

func (im *Image) readLayer(ctx context.Context, l Layer, fn func(ctx context.Context, l Layer, r io.Reader) error) error {
	r := &layerReader{ctx: ctx, image: im, layer: l}
	defer r.close()
	err := fn(ctx, l, r)
	if errors.Is(err, SkipLayer) {
		if r.verified == nil {
			return nil
		}
		err = nil
	}
	if ctx.Err() != nil {
		return cmp.Or(err, ctx.Err())
	}
	// Also after fn failed: bytes that are not the layer's explain a failure better than what fn made of them.
	if _, bad := io.Copy(io.Discard, r); bad != nil {
		return bad
	}
	return err
}
