package layer

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// errUnknownEncoding is wrapped by the error for a layer whose first bytes are those of nothing known.
var errUnknownEncoding = errors.New("unknown encoding")

// decompressor gives the tar within stored bytes.
type decompressor struct {
	io.Reader
	encoding string       // for messages: "gzip stream"
	plain    bool         // the stored bytes are the tar itself
	consumed func() int64 // how many of the stored bytes were used; nil if all that were read
	close    func()
}

// Read says in its errors what was being read. Those of the bytes below are told apart by the caller.
func (d *decompressor) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	return n, damaged(d.encoding, err)
}

// damaged says of an error while decoding something whether it is cut off or damaged.
func damaged(what string, err error) error {
	var limit limitError
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.As(err, &limit), errors.Is(err, errImageKept):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s is cut off: get the image anew, or save it again", what)
	}
	return fmt.Errorf("the %s is damaged (%w): get the image anew, or save it again", what, err)
}

const tarBlock = 512

// decompress finds out how the stored bytes are encoded, by how they start and not by what a manifest
// claims of them, as every runtime does. It is the one place where a layer is inflated.
//
// verified says that the tar will be held against a digest of its own: a weaker checksum within the stream
// then adds nothing.
func decompress(ctx context.Context, r *bufio.Reader, s *session, verified bool) (*decompressor, error) {
	head, err := r.Peek(tarBlock)
	if err != nil && err != io.EOF {
		return nil, err
	}
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	nothing := func() {}
	switch {
	case starts("\x1f\x8b"):
		z := s.buffers.inflater(r)
		return &decompressor{Reader: z, encoding: "gzip stream", consumed: z.Consumed, close: func() { s.buffers.inflaters.Put(z) }}, nil
	case starts("\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && starts(string(head[0])+"\x2a\x4d\x18"):
		return newZstd(ctx, r, s, verified)
	case starts("BZh"):
		return &decompressor{Reader: bzip2.NewReader(r), encoding: "bzip2 stream", close: nothing}, nil
	case isTar(head):
		return &decompressor{Reader: r, encoding: "tar archive", plain: true, close: nothing}, nil
	case starts("\xfd7zXZ\x00"):
		return nil, fmt.Errorf("%w: xz", errUnknownEncoding)
	}
	return nil, errUnknownEncoding
}

// isTar reports whether a stream starts as a tar does: with a header whose checksum is right, or with the
// end of an archive that holds nothing.
func isTar(head []byte) bool {
	if len(bytes.Trim(head, "\x00")) == 0 {
		return true
	}
	if len(head) < tarBlock {
		return false
	}
	const at, end = 148, 156 // the checksum field, which counts as spaces in the sum
	want, err := strconv.ParseInt(strings.Trim(string(head[at:end]), " \x00"), 8, 64)
	var unsigned, signed int64
	for i, c := range head {
		if i >= at && i < end {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return err == nil && (want == unsigned || want == signed)
}

// cutOff makes the end of a stream within something what it is: too early.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// usualWindow is the window of zstd's levels up to 19, and the least that a decoder must bear (RFC 8878).
const usualWindow = 8 << 20

// newZstd bounds the decoder's window by that of the first frame, and takes the memory for it from what
// all workers share.
func newZstd(ctx context.Context, r *bufio.Reader, s *session, verified bool) (*decompressor, error) {
	window := int64(usualWindow)
	var header zstd.Header
	if head, _ := r.Peek(zstd.HeaderMaxSize); header.Decode(head) == nil && !header.Skippable {
		// A frame of a single segment has no window of its own: all of it is one.
		wants := header.WindowSize
		if header.SingleSegment {
			wants = header.FrameContentSize
		}
		window = max(window, int64(min(wants, 1<<62)))
	}
	if window > s.limits.Window {
		return nil, limitf("its zstd window of %s is over %s", size(window), size(s.limits.Window))
	}
	if err := s.windows.Acquire(ctx, window); err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(uint64(window)),
		zstd.WithDecoderLowmem(true), zstd.IgnoreChecksum(verified))
	if err != nil {
		s.windows.Release(window)
		return nil, err
	}
	free := func() {
		z.Close()
		s.windows.Release(window)
	}
	return &decompressor{Reader: &zstdReader{z, window}, encoding: "zstd stream", close: free}, nil
}

type zstdReader struct {
	z      *zstd.Decoder
	window int64
}

func (r *zstdReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = limitf("a later zstd window is over the first one's %s", size(r.window))
	}
	return n, err
}
