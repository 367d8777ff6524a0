package layer

import (
	"archive/tar"
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"

	"tidewaiter/image"
)

// readBlob makes the index of one layer out of its stored bytes. Bytes that it leaves unread, and all that
// is wrong with the stored bytes themselves, are [image.Image.ReadLayers]'s to see to.
//
// also is for a second reading: see [builder.missedLinks].
func (s *session) readBlob(ctx context.Context, l image.Layer, m *meter, also map[string]string) (*Index, error) {
	b := s.builder()
	if b.also = also; also != nil {
		b.onlookers = newOnlookers(s.digests, nil) // the sinks have seen it
	}
	plain, err := b.read(ctx, l, m)
	var limit limitError
	switch {
	case errors.As(err, &limit):
		b.spot(image.LimitReached, "", "only the start of the layer was read: "+limit.Error())
	case errors.Is(err, errUnknownEncoding):
		b.spot(image.UnreadableLayer, "", unreadable(l.MediaType, err))
	case err != nil && (ctx.Err() != nil || errors.Is(err, errImageKept)):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%s: layer %d: %w", s.reference, l.Index, err)
	}
	if plain {
		b.ix.DiffID = l.Digest
	}
	if err := b.hear(ctx); err != nil {
		return nil, err
	}
	s.finish(b, layerKey(l))
	return b.ix, nil
}

// unreadable says why a layer of an unknown encoding is not read.
func unreadable(mediaType string, err error) string {
	if strings.HasSuffix(mediaType, "+encrypted") {
		return "the layer is encrypted"
	}
	return fmt.Sprintf("the layer is of an %v (%s)", err, mediaType)
}

// read walks a layer. plain says that the stored bytes are the tar itself, and that l.Digest therefore is
// its digest too: a layer is not hashed twice.
func (b *builder) read(ctx context.Context, l image.Layer, m *meter) (plain bool, err error) {
	stored := bufio.NewReaderSize(m, 64<<10)
	d, err := decompress(ctx, stored, b.session, l.DiffID != "")
	if err != nil {
		return false, err
	}
	defer d.close()
	consumed := d.consumed
	if consumed == nil {
		consumed = func() int64 { return m.read - int64(stored.Buffered()) }
	}
	stream := readAhead(d, consumed, &b.buffers)
	defer stream.close()
	stream.check = b.checkBytes(ctx)

	plain = d.plain && strings.HasPrefix(l.Digest, "sha256:")
	var sum hash.Hash
	if !plain {
		sum = sha256.New()
		stream.hashWith(sum)
	}
	err = b.walk(ctx, stream)
	var limit limitError
	if !errors.As(err, &limit) && !errors.Is(err, errImageKept) {
		// Also after the tar was found damaged: its stream's own error says better why.
		err = cmp.Or(stream.drain(), err)
	}
	if err == nil && !plain {
		b.ix.DiffID = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	}
	return plain, err
}

// checkBytes bounds how far a layer may grow while it is decompressed.
func (b *builder) checkBytes(ctx context.Context) func(total, consumed int64) error {
	return func(total, consumed int64) error {
		switch l := b.limits; {
		case ctx.Err() != nil:
			return ctx.Err()
		case total > l.Layer:
			return limitf("it is larger than %s", size(l.Layer))
		case total > l.RatioFrom && total/l.Ratio > consumed:
			return limitf("it grows more than %d-fold when it is decompressed", l.Ratio)
		}
		return nil
	}
}

// walk reads the entries of a tar. archive/tar is what the container runtimes written in Go unpack layers
// with, so a name or a size that can be understood in two ways is understood here as it is there.
func (b *builder) walk(ctx context.Context, stream io.Reader) error {
	archive := tar.NewReader(stream)
	for count := 0; ; count++ {
		h, err := archive.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrFieldTooLong):
			return limitf("a tar header has records of over 1 MiB")
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return damaged("tar archive", err)
		case count == b.limits.Entries:
			return limitf("it has over %d entries", b.limits.Entries)
		}
		if err := b.entry(ctx, h, archive); err != nil {
			return damaged("tar archive", err)
		}
	}
}

// entry adds one entry of a tar to the index.
func (b *builder) entry(ctx context.Context, h *tar.Header, body io.Reader) error {
	f, ok := fileOf(h)
	if !ok {
		return nil
	}
	added, err := b.add(f)
	if err != nil || added == nil || added.Type != Regular {
		return err
	}
	b.sparse = isSparse(h)
	return b.body(ctx, added, body)
}

// isSparse says whether the holes of a file are left out of the tar: its size says nothing of what the layer takes.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// fileOf gives the entry of a tar header; false for what is no file: a global header, the root, a mark that
// means nothing.
func fileOf(h *tar.Header) (File, bool) {
	f := File{Path: cleanPath(h.Name), Mode: mode(h.Mode)}
	if target, t, isMark := mark(h.Name, f.Path); isMark {
		return File{Path: target, Type: t}, target != ""
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		f.Type, f.Size = Regular, h.Size
	case tar.TypeDir:
		f.Type = Directory
	case tar.TypeSymlink:
		f.Type, f.Link = Symlink, h.Linkname
	case tar.TypeLink:
		f.Type, f.Link = Hardlink, cleanPath(h.Linkname)
	case tar.TypeXGlobalHeader:
		return File{}, false
	default: // devices and pipes, and types that no runtime knows
		f.Type = Special
	}
	return f, f.Path != "."
}

// mode reads a mode as POSIX numbers it.
func mode(m int64) fs.FileMode {
	mode := fs.FileMode(m).Perm()
	if m&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if m&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if m&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}
