package image

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// validDigest accepts the digests that can be checked here: sha256 and sha512, in lower-case hexadecimal
// (OCI image specification, descriptor.md, "Registered algorithms"). Nothing else may become part of a path
// or a URL.
func validDigest(d string) bool {
	algorithm, digits, _ := strings.Cut(d, ":")
	h := newHash(algorithm)
	if h == nil || len(digits) != 2*h.Size() {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

// newHash gives nil for an algorithm that is not known.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// digestOf gives the sha256 digest of b.
func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// matchesDigest says whether b has the digest d, which must be a valid one.
func matchesDigest(b []byte, d string) bool {
	algorithm, digits, _ := strings.Cut(d, ":")
	h := newHash(algorithm)
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)) == digits
}

// layerReader opens a layer's blob when it is first read, and keeps the first error.
type layerReader struct {
	ctx      context.Context
	image    *Image
	layer    Layer
	verified *verifier
	err      error
}

func (r *layerReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.verified == nil {
		blob, err := r.image.source.open(r.ctx, r.layer.blob)
		if err != nil {
			r.err = r.explain(err)
			return 0, r.err
		}
		r.verified = verify(blob, r.layer.Digest, r.layer.Size)
	}
	n, err := r.verified.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.explain(err)
	}
	r.err = err
	return n, err
}

func (r *layerReader) explain(err error) error {
	return fmt.Errorf("%s: layer %d: %w", r.image.Reference, r.layer.Index, err)
}

func (r *layerReader) close() {
	if r.verified != nil {
		r.verified.close()
	}
}

// The verifier keeps chunkCount chunks of at most chunkSize bytes, so that reading and hashing go on beside
// whoever decompresses.
const (
	chunkSize  = 256 << 10
	chunkCount = 3
)

// verifier reads a blob ahead in a goroutine of its own and checks its size and digest.
type verifier struct {
	blob   io.ReadCloser
	chunks chan []byte // filled; closed at the end of the blob
	free   chan []byte
	stop   chan struct{}
	err    error // why chunks was closed; io.EOF when all is well

	chunk []byte // all of the chunk being read
	rest  []byte // what is still unread of it
}

// verify takes over blob. An empty digest or a negative size is not checked.
func verify(blob io.ReadCloser, digest string, size int64) *verifier {
	v := &verifier{
		blob:   blob,
		chunks: make(chan []byte, chunkCount),
		free:   make(chan []byte, chunkCount),
		stop:   make(chan struct{}),
	}
	length := int64(chunkSize)
	if size >= 0 {
		// One byte more than the blob has, so that its end is met in the first chunk.
		length = min(length, size+1)
	}
	for range chunkCount {
		v.free <- make([]byte, length)
	}
	go func() {
		v.err = v.run(digest, size)
		close(v.chunks)
	}()
	return v
}

// getAnew ends an error about bytes that are not the image's.
const getAnew = ": the image is damaged there: get it anew, or push or save it again"

var errStopped = errors.New("reading was stopped")

func (v *verifier) run(digest string, size int64) error {
	algorithm, digits, _ := strings.Cut(digest, ":")
	sum := newHash(algorithm)
	name := "blob"
	if digest != "" {
		name += " " + digest
	}
	var total int64
	for {
		var buf []byte
		select {
		case buf = <-v.free:
		case <-v.stop:
			return errStopped
		}
		n, err := fill(v.blob, buf)
		total += int64(n)
		if size >= 0 && total > size {
			return fmt.Errorf("%s: content is larger than the %d bytes that the manifest says%s", name, size, getAnew)
		}
		if sum != nil {
			sum.Write(buf[:n])
		}
		v.chunks <- buf[:n]
		switch {
		case err == nil:
			continue
		case !errors.Is(err, io.EOF):
			return fmt.Errorf("%s: after %d bytes: %w", name, total, err)
		case size >= 0 && total != size:
			return fmt.Errorf("%s: content ends after %d bytes, but the manifest says %d%s", name, total, size, getAnew)
		case sum != nil && hex.EncodeToString(sum.Sum(nil)) != digits:
			return fmt.Errorf("%s: content does not match its digest%s", name, getAnew)
		}
		return io.EOF
	}
}

// fill reads until buf is full or r ends. Unlike [io.ReadFull] it gives the error of r as it is.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

func (v *verifier) Read(p []byte) (int, error) {
	for len(v.rest) == 0 {
		if v.chunk != nil {
			v.free <- v.chunk[:cap(v.chunk)]
			v.chunk = nil
		}
		chunk, ok := <-v.chunks
		if !ok {
			return 0, v.err
		}
		v.chunk, v.rest = chunk, chunk
	}
	n := copy(p, v.rest)
	v.rest = v.rest[n:]
	return n, nil
}

// close stops the goroutine, waits for its end and closes the blob.
func (v *verifier) close() {
	close(v.stop)
	v.blob.Close()
	for range v.chunks {
	}
}
