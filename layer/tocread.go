package layer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

// When single ranges of a layer are read in place of all of it.
const (
	// leastByTOC is the size of a layer, in bytes, that is not just read whole.
	leastByTOC = 1 << 20
	// mostByTOC is the percentage of a layer that is read by ranges: for more, the proof that the whole gives is
	// worth the rest.
	mostByTOC = 65
	// Ranges with less than leastGap bytes between them are read as one, which costs less than another request
	// does; with more, if otherwise there were more than mostRequests.
	leastGap     = 128 << 10
	mostRequests = 32
)

// readByTOC makes the index of a layer from its table of contents, and of its blob reads only the files that the rules
// may want. Nil: the layer has no TOC, or is better read whole.
//
// The same files are captured and distilled as in reading the layer whole: rules may look at how a file starts, so
// the start of each is read. What is read is checked against the TOC's digests, and the TOC against the manifest's.
// That the tar of the blob has the same files as the TOC is not known: the index says so.
func (s *session) readByTOC(ctx context.Context, im *image.Image, l image.Layer) (*Index, error) {
	p, ok := placeTOC(l)
	if !ok || l.Size < leastByTOC || !im.HasRanges() {
		return nil, nil
	}
	r := s.tocReader(im, l)
	err := r.read(ctx, p)
	r.close()
	var limit limitError
	switch {
	case err == nil:
		r.ix.TOC = true
		r.stands(r.builder, layerKey(l))
		return r.ix, nil
	case errors.Is(err, errReadWhole), errors.Is(err, image.ErrNoRanges), errors.As(err, &limit):
		s.kept.Add(-r.kept)
		return nil, nil
	case ctx.Err() != nil, errors.Is(err, errImageKept):
		return nil, err
	}
	return nil, fmt.Errorf("%s: layer %d: %w", s.reference, l.Index, err)
}

// tocReader reads one layer by its table of contents.
type tocReader struct {
	*builder
	image *image.Image
	layer image.Layer

	stored *bufio.Reader // of one chunk
	zstd   *zstd.Decoder // nil: the chunks are of gzip
	window int64         // of zstd, in bytes
	gzip   *gzip.Reader
	sum    hash.Hash
	again  []piece // files that the rules want for how they start

	fetched, content int64 // bytes of all requests so far, as stored and decompressed
}

func (s *session) tocReader(im *image.Image, l image.Layer) *tocReader {
	return &tocReader{
		builder: s.builder(), image: im, layer: l,
		stored: bufio.NewReaderSize(nil, 64<<10), gzip: new(gzip.Reader), sum: sha256.New(),
	}
}

// piece is what is read at once of a file: its first chunks, if not all.
type piece struct {
	file   int        // in the index
	chunks []tocChunk // all of the file
	count  int        // how many are read
}

func (p *piece) offset() int64 { return p.chunks[0].offset }
func (p *piece) end() int64    { return p.chunks[p.count-1].end() }

func (r *tocReader) read(ctx context.Context, p tocPlace) error {
	t, err := readTOC(ctx, r.image, r.layer, p)
	if err != nil {
		return err
	}
	pieces, err := r.list(ctx, t)
	if err != nil {
		return err
	}
	requests, err := r.plan(pieces)
	if err != nil {
		return err
	}
	if p.chunked {
		if err := r.openZstd(ctx); err != nil {
			return err
		}
	}
	if err := r.fetchAll(ctx, requests); err != nil {
		return err
	}
	if requests, err = r.plan(r.again); err != nil {
		return err
	}
	return r.fetchAll(ctx, requests)
}

// list adds the files of the TOC to the index, and says what must be read of them.
func (r *tocReader) list(ctx context.Context, t *toc) ([]piece, error) {
	at := make([]int, len(t.files)) // their places in the index
	for i := range t.files {
		added, err := r.add(t.files[i].File)
		if err != nil {
			return nil, err
		}
		at[i] = len(r.ix.Files) - 1
		if added == nil {
			at[i] = -1
		}
	}
	r.also = r.missedLinks()
	var pieces []piece
	for i := range t.files {
		if at[i] < 0 || t.files[i].Type != Regular {
			continue
		}
		f := &r.ix.Files[at[i]]
		chunks := t.chunks[t.files[i].first:t.files[i].last]
		switch wanted := r.want(f, nil).wanted(); {
		case f.Size == 0:
			if err := r.body(ctx, f, bytes.NewReader(nil)); err != nil {
				return nil, err
			}
		case len(chunks) == 0 && wanted:
			return nil, errReadWhole
		case len(chunks) > 0:
			n := len(chunks)
			if !wanted && !isLikelyProgram(f) {
				n = leading(chunks)
			}
			pieces = append(pieces, piece{file: at[i], chunks: chunks, count: n})
		}
	}
	return pieces, nil
}

// isLikelyProgram says whether a file's name and mode are those of a program or library: what rules want of these is
// seen at their start, so that otherwise most would be asked for twice.
func isLikelyProgram(f *File) bool {
	base := path.Base(f.Path)
	return f.Mode&0o111 != 0 || strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.")
}

// leading gives how many chunks have what [Rules] may look at.
func leading(chunks []tocChunk) int {
	n := 1
	for have := chunks[0].size; n < len(chunks) && have < HeadSize; n++ {
		have += chunks[n].size
	}
	return n
}

// request is one range of the blob, with pieces in it.
type request struct {
	offset, end int64
	pieces      []piece
}

// plan says how to read more pieces. It is errReadWhole when they are too much, together with those before.
func (r *tocReader) plan(pieces []piece) ([]request, error) {
	requests, err := merge(pieces)
	if err != nil {
		return nil, err
	}
	for _, q := range requests {
		r.fetched += q.end - q.offset
	}
	for _, p := range pieces {
		for _, c := range p.chunks[:p.count] {
			if c.size > r.limits.Layer-r.content {
				return nil, errReadWhole
			}
			r.content += c.size
		}
	}
	tooDense := r.content > r.limits.RatioFrom && r.content/r.limits.Ratio > r.fetched
	if tooDense || r.fetched > r.layer.Size/100*mostByTOC {
		return nil, errReadWhole
	}
	return requests, nil
}

// merge makes few requests of many pieces. Files that share bytes, or whose chunks are in disorder, are no honest
// writer's: errReadWhole.
func merge(pieces []piece) ([]request, error) {
	slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.offset(), b.offset()) })
	end := int64(0)
	for i := range pieces {
		for _, c := range pieces[i].chunks[:pieces[i].count] {
			if c.offset < end {
				return nil, errReadWhole
			}
			end = c.end()
		}
	}
	gap := int64(leastGap)
	requests := mergeWithin(pieces, gap)
	for len(requests) > mostRequests {
		gap *= 2
		requests = mergeWithin(pieces, gap)
	}
	return requests, nil
}

// mergeWithin makes one request of pieces, in order of offset, with less than gap bytes between them.
func mergeWithin(pieces []piece, gap int64) []request {
	var requests []request
	first := 0
	for i := range pieces {
		if i+1 < len(pieces) && pieces[i+1].offset()-pieces[i].end() < gap {
			continue
		}
		requests = append(requests, request{pieces[first].offset(), pieces[i].end(), pieces[first : i+1]})
		first = i + 1
	}
	return requests
}

func (r *tocReader) fetchAll(ctx context.Context, requests []request) error {
	for _, q := range requests {
		if err := r.fetch(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads one range of the blob, and in it file after file.
func (r *tocReader) fetch(ctx context.Context, q request) error {
	blob, err := r.image.ReadRange(ctx, r.layer, q.offset, q.end-q.offset)
	if err != nil {
		return err
	}
	defer blob.Close()
	stream := &position{r: blob, at: q.offset}
	for _, p := range q.pieces {
		f := &r.ix.Files[p.file]
		content := &tocContent{tocReader: r, stream: stream, path: f.Path, chunks: p.chunks[:p.count]}
		if err := r.file(ctx, f, p, content); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, stream) // a connection that was read to its end serves the next request, too
	return err
}

// file shows a file to the rules, or how it starts. Also what they do not look at is verified.
func (r *tocReader) file(ctx context.Context, f *File, p piece, content io.Reader) error {
	if p.count == len(p.chunks) {
		if err := r.body(ctx, f, content); err != nil {
			return err
		}
	} else {
		head := r.head[:min(f.Size, HeadSize)]
		if _, err := io.ReadFull(content, head); err != nil {
			return err
		}
		if r.want(f, head).wanted() {
			r.again = append(r.again, piece{file: p.file, chunks: p.chunks, count: len(p.chunks)})
		}
	}
	_, err := io.Copy(io.Discard, content)
	return err
}

// position is a stream that knows how far it was read.
type position struct {
	r  io.Reader
	at int64 // in the blob
}

func (p *position) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.at += int64(n)
	return n, err
}

// tocContent reads the content of chunks, one after the other. It gives an error in place of [io.EOF] when a chunk
// does not match its digest; until then, nothing of it is proven.
type tocContent struct {
	*tocReader
	stream *position
	path   string
	chunks []tocChunk
	chunk  io.Reader // the content of chunks[0]
	left   int64     // of it, in bytes
	err    error
}

func (c *tocContent) Read(p []byte) (int, error) {
	if c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.chunk.Read(p[:min(int64(len(p)), c.left)])
	c.sum.Write(p[:n])
	c.left -= int64(n)
	switch {
	case c.left == 0:
		c.err = c.check()
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		c.err = errReadWhole
	case err != nil:
		c.err = c.damaged(err)
	}
	return n, c.err
}

// next begins with the next chunk.
func (c *tocContent) next() error {
	if len(c.chunks) == 0 {
		return io.EOF
	}
	next := c.chunks[0]
	if _, err := io.CopyN(io.Discard, c.stream, next.offset-c.stream.at); err != nil {
		return cutOff(err)
	}
	c.sum.Reset()
	c.left = next.size
	var err error
	c.chunk, err = c.inflate(io.LimitReader(c.stream, next.stored))
	return c.damaged(err)
}

// damaged says of which file's content an error is.
func (c *tocContent) damaged(err error) error {
	return damaged(fmt.Sprintf("content of %q", c.path), cutOff(err))
}

func (c *tocContent) check() error {
	want := c.chunks[0].sum
	c.chunks = c.chunks[1:]
	if !bytes.Equal(c.sum.Sum(nil), want[:]) {
		return fmt.Errorf("the content of %q does not match its digest in the layer's table of contents: get the image anew, or push it again", c.path)
	}
	return nil
}

// inflate makes a reader of the content of a chunk; the one before is not read any more.
func (r *tocReader) inflate(stored io.Reader) (io.Reader, error) {
	r.stored.Reset(stored)
	if r.zstd != nil {
		return r.zstd, r.zstd.Reset(r.stored)
	}
	return r.gzip, r.gzip.Reset(r.stored)
}

// openZstd takes the memory for the decoder's window from what all workers share.
func (r *tocReader) openZstd(ctx context.Context) error {
	window := min(tocWindow, r.limits.Window)
	if err := r.windows.Acquire(ctx, window); err != nil {
		return err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(window)), zstd.WithDecoderLowmem(true))
	if err != nil {
		r.windows.Release(window)
		return err
	}
	r.zstd, r.window = z, window
	return nil
}

func (r *tocReader) close() {
	if r.zstd != nil {
		r.zstd.Close()
		r.windows.Release(r.window)
	}
}
