package layer

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"tidewaiter/layer/inflate"
)

const (
	chunkSize  = 256 << 10 // large enough that handing a chunk over costs nothing beside filling it
	chunkCount = 3         // one being filled, one waiting, one in use
)

// buffers are used again by layer after layer.
type buffers struct {
	chunks, inflaters sync.Pool
}

func (b *buffers) chunk() *[chunkSize]byte {
	if c, ok := b.chunks.Get().(*[chunkSize]byte); ok {
		return c
	}
	return new([chunkSize]byte)
}

// inflater reads the gzip file r. It is to be put back into b.inflaters.
func (b *buffers) inflater(r io.Reader) *inflate.Reader {
	if z, ok := b.inflaters.Get().(*inflate.Reader); ok {
		z.Reset(r)
		return z
	}
	return inflate.NewReader(r)
}

// chunk is a run of bytes of a stream, the error that came after it, and how much of the stream below had
// been consumed when it was filled.
type chunk struct {
	buf      *[chunkSize]byte
	n        int
	consumed int64
	err      error
}

// ahead reads a stream in a goroutine of its own, a few chunks before they are asked for, so that reading,
// inflating and walking run side by side.
//
// Chunks are always filled up, whatever the sizes in which the stream gives its bytes: where a bound is hit
// depends on the bytes alone and never on the timing of goroutines.
type ahead struct {
	filled chan chunk
	free   chan *[chunkSize]byte // nil: there may be one more
	stop   chan struct{}
	done   chan struct{}

	buffers *buffers

	current chunk
	rest    []byte // of current, not yet handed out
	offset  int64  // bytes handed out or skipped
	total   int64  // bytes of all chunks so far
	err     error  // why there is no next chunk

	// check, when set, is asked before a chunk is used and may end the stream with an error. It is given how
	// many bytes the chunks hold so far, and how many were consumed for them.
	check func(total, consumed int64) error

	// digest, when set, is given every chunk in a goroutine of its own while the chunk is used.
	digest  hash.Hash
	toHash  chan []byte
	hashed  chan struct{}
	hashing bool // the current chunk
}

// readAhead starts reading r. consumed, which may be nil, is asked after each chunk how many bytes r itself
// has read. The caller must call close, after which r is not used any more.
func readAhead(r io.Reader, consumed func() int64, buffers *buffers) *ahead {
	a := &ahead{
		filled: make(chan chunk, chunkCount),
		free:   make(chan *[chunkSize]byte, chunkCount),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),

		buffers: buffers,
	}
	for range chunkCount {
		a.free <- nil
	}
	go a.fill(r, consumed)
	return a
}

// hashWith makes h see all bytes. It is called before the first read.
func (a *ahead) hashWith(h hash.Hash) {
	a.digest, a.toHash, a.hashed = h, make(chan []byte, 1), make(chan struct{}, 1)
	go func() {
		for b := range a.toHash {
			h.Write(b)
			a.hashed <- struct{}{}
		}
	}()
}

func (a *ahead) fill(r io.Reader, consumed func() int64) {
	defer close(a.done)
	defer close(a.filled)
	for {
		var c chunk
		select {
		case c.buf = <-a.free:
		case <-a.stop:
			return
		}
		if c.buf == nil {
			c.buf = a.buffers.chunk()
		}
		c.n, c.err = readFull(r, c.buf[:])
		if consumed != nil {
			c.consumed = consumed()
		}
		a.filled <- c
		if c.err != nil {
			return
		}
	}
}

// readFull fills buf. Unlike [io.ReadFull] it keeps the reader's own error, and makes an error of a
// decompressor's panic: one broken image must not end a process that reads many.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decompressor failed: %v", p)
		}
	}()
	for n < len(buf) && err == nil {
		var k int
		k, err = r.Read(buf[n:])
		n += k
	}
	return n, err
}

// next makes the following chunk the current one. Its errors stay: io.EOF, the stream's own, or check's.
func (a *ahead) next() error {
	if a.err == nil {
		a.err = a.current.err
	}
	if a.err != nil {
		return a.err
	}
	a.release()
	a.current = <-a.filled
	a.total += int64(a.current.n)
	if a.check != nil {
		if a.err = a.check(a.total, a.current.consumed); a.err != nil {
			return a.err
		}
	}
	a.rest = a.current.buf[:a.current.n]
	if a.digest != nil {
		a.toHash <- a.rest
		a.hashing = true
	}
	return nil
}

// release gives the current chunk's buffer back, once it is hashed.
func (a *ahead) release() {
	if a.current.buf == nil {
		return
	}
	if a.hashing {
		<-a.hashed
		a.hashing = false
	}
	a.free <- a.current.buf
	a.current.buf, a.rest = nil, nil
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if err := a.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	a.offset += int64(n)
	return n, nil
}

// Seek skips bytes forward, from where the stream stands. It is for archive/tar, which then does not copy
// the bodies that nobody wants.
func (a *ahead) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errors.ErrUnsupported
	}
	for offset > 0 {
		if len(a.rest) == 0 {
			if err := a.next(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return 0, err
			}
		}
		n := min(offset, int64(len(a.rest)))
		a.rest = a.rest[n:]
		a.offset += n
		offset -= n
	}
	return a.offset, nil
}

// drain reads to the end of the stream.
func (a *ahead) drain() error {
	for {
		if err := a.next(); errors.Is(err, io.EOF) {
			a.release()
			return nil
		} else if err != nil {
			return err
		}
	}
}

// close stops reading and waits until the stream is no longer used.
func (a *ahead) close() {
	close(a.stop)
	<-a.done
	a.release()
	if a.digest != nil {
		close(a.toHash)
	}
	for c := range a.filled {
		a.buffers.chunks.Put(c.buf)
	}
	close(a.free)
	for buf := range a.free {
		if buf != nil {
			a.buffers.chunks.Put(buf)
		}
	}
}
