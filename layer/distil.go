package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sync/semaphore"

	"tidewaiter/image"
)

// distil holds a file's content for as long as facts are taken from it. Its errors are those of reading r.
func (b *builder) distil(ctx context.Context, f *File, keep Keep, head []byte, r io.Reader) error {
	if file, ok := r.(io.ReaderAt); ok { // of a directory: there is no need to hold it
		return b.facts(ctx, f, keep, file)
	}
	held, err := b.memory.hold(ctx, f.Size, io.MultiReader(bytes.NewReader(head), r))
	var disk *fs.PathError
	switch {
	case errors.As(err, &disk):
		b.passing = true
		b.spot(image.UnreadableFile, f.Path, "was not read: no room for it in a temporary file: "+disk.Err.Error())
		return nil
	case err != nil:
		return err
	}
	defer held.release()
	return b.facts(ctx, f, keep, held)
}

// facts lets the rules look at a whole file. A fault in doing so is a blind spot, never the end of the pass.
func (b *builder) facts(ctx context.Context, f *File, keep Keep, r io.ReaderAt) error {
	timed, cancel := context.WithTimeout(ctx, b.limits.DistilTime)
	defer cancel()
	facts, err := guarded(timed, keep.Distil, r, f.Size)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && timed.Err() != nil:
		b.passing = true
		b.spot(image.LimitReached, f.Path, fmt.Sprintf("was not read: it takes longer than %v", b.limits.DistilTime))
		return nil
	case err != nil:
		b.spot(image.UnreadableFile, f.Path, err.Error())
	}
	if facts == nil {
		return nil
	}
	if fits, err := b.chargeFile(f, int64(len(facts))); !fits {
		return err
	}
	f.body().Facts = facts
	return nil
}

// guarded makes an error of a panic: the parsers behind distil are many, and the files are hostile.
func guarded(ctx context.Context, distil func(context.Context, io.ReaderAt, int64) ([]byte, error), r io.ReaderAt, size int64) (facts []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			facts, err = nil, fmt.Errorf("the reader of such files failed: %v", p)
		}
	}()
	return distil(ctx, &timedReader{ctx, r}, size)
}

// timedReader fails once the time is over, so that a parser that does not look at its context ends as well.
type timedReader struct {
	ctx context.Context
	r   io.ReaderAt
}

func (t *timedReader) ReadAt(p []byte, off int64) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.r.ReadAt(p, off)
}

// slabSize is the unit of memory that is lent to files: large enough to copy well, small enough that little
// is wasted on a small file.
const slabSize = 1 << 20

// memory lends slabs to the files that facts are being taken from. All workers share it. A worker holds one
// file at a time and asks for all of its slabs at once, so none waits for another in a circle.
type memory struct {
	slabs *semaphore.Weighted
	most  int64 // bytes of the largest file that is held in memory
	mu    sync.Mutex
	free  [][]byte
}

func newMemory(limit int64) *memory {
	slabs := max(limit/slabSize, 2)
	return &memory{slabs: semaphore.NewWeighted(slabs), most: slabs / 2 * slabSize}
}

// held is a file's content, kept until it is released.
type held interface {
	io.ReaderAt
	release()
}

// hold reads size bytes. An error of the disk is a [fs.PathError]; others are of ctx or of reading.
func (m *memory) hold(ctx context.Context, size int64, r io.Reader) (held, error) {
	if size > m.most {
		return spill(size, r)
	}
	n := (size + slabSize - 1) / slabSize
	if err := m.slabs.Acquire(ctx, n); err != nil {
		return nil, err
	}
	f := &memoryFile{memory: m, slabs: m.take(n)}
	for i, slab := range f.slabs {
		slab = slab[:min(slabSize, size-int64(i)*slabSize)]
		if _, err := io.ReadFull(r, slab); err != nil {
			f.release()
			return nil, cutOff(err)
		}
		f.slabs[i] = slab
	}
	return f, nil
}

func (m *memory) take(n int64) [][]byte {
	slabs := make([][]byte, n)
	m.mu.Lock()
	kept := len(m.free) - copy(slabs, m.free[max(0, len(m.free)-int(n)):])
	m.free = m.free[:kept]
	m.mu.Unlock()
	for i := range slabs {
		if slabs[i] == nil {
			slabs[i] = make([]byte, slabSize)
		}
	}
	return slabs
}

// memoryFile is a file in slabs, each full but the last.
type memoryFile struct {
	memory *memory
	slabs  [][]byte
}

func (f *memoryFile) release() {
	f.memory.mu.Lock()
	for _, slab := range f.slabs {
		f.memory.free = append(f.memory.free, slab[:slabSize])
	}
	f.memory.mu.Unlock()
	f.memory.slabs.Release(int64(len(f.slabs)))
}

func (f *memoryFile) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	for i := off / slabSize; n < len(p) && i < int64(len(f.slabs)); i++ {
		slab := f.slabs[i]
		at := off + int64(n) - i*slabSize
		if at >= int64(len(slab)) {
			break
		}
		n += copy(p[n:], slab[at:])
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// spillFile is a file too large for memory, in a temporary file that, where the system allows it, has no
// name any more.
type spillFile struct {
	*os.File
	named bool
}

func spill(size int64, r io.Reader) (held, error) {
	file, err := os.CreateTemp("", "tidewaiter-")
	if err != nil {
		return nil, err
	}
	f := spillFile{file, os.Remove(file.Name()) != nil}
	if _, err := io.CopyN(file, r, size); err != nil {
		f.release()
		return nil, cutOff(err)
	}
	return f, nil
}

func (f spillFile) release() {
	f.Close()
	if f.named {
		os.Remove(f.Name())
	}
}
