package layer

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"io"
	"runtime"
	"sync"
	"unsafe"
)

// Digests are the checksums of one file's content: those that package databases keep.
type Digests struct {
	MD5    [md5.Size]byte
	SHA1   [sha1.Size]byte
	SHA256 [sha256.Size]byte
}

// digester computes the [Digests] of one file after another.
type digester struct {
	md5, sha1, sha256 hash.Hash
	buf               []byte
	written           int64
	cores             int
}

func newDigester() *digester {
	return &digester{md5: md5.New(), sha1: sha1.New(), sha256: sha256.New(), buf: make([]byte, 128<<10), cores: runtime.GOMAXPROCS(0)}
}

// sideBySide is the count of bytes from which on it pays to hash them in several goroutines, where there are cores for
// these: two are busy already with inflating and hashing the layer.
const (
	sideBySide = 64 << 10
	coresBusy  = 2
)

// Write implements [io.Writer].
func (d *digester) Write(p []byte) (int, error) {
	d.written += int64(len(p))
	if len(p) < sideBySide || d.cores <= coresBusy {
		d.md5.Write(p)
		d.sha1.Write(p)
		d.sha256.Write(p)
		return len(p), nil
	}
	var wait sync.WaitGroup
	wait.Go(func() { d.md5.Write(p) })
	wait.Go(func() {
		d.sha1.Write(p)
		d.sha256.Write(p) // both have instructions of their own on most processors: together they take as long as MD5
	})
	wait.Wait()
	return len(p), nil
}

func (d *digester) reset() {
	d.md5.Reset()
	d.sha1.Reset()
	d.sha256.Reset()
	d.written = 0
}

// digests gives those of what was written.
func (d *digester) digests() *Digests {
	sums := new(Digests)
	d.md5.Sum(sums.MD5[:0])
	d.sha1.Sum(sums.SHA1[:0])
	d.sha256.Sum(sums.SHA256[:0])
	return sums
}

// digestsCost is about how many bytes the digests of one file take.
const digestsCost = int64(unsafe.Sizeof(Digests{}) + unsafe.Sizeof(Body{}))

// digest takes the digests of a file, of which head was read, while keep reads as much of the rest as it wants.
func (b *builder) digest(f *File, head []byte, r io.Reader, keep func(r io.Reader) error) error {
	if err := b.charge(digestsCost); err != nil {
		return err
	}
	if b.sums == nil {
		b.sums = newDigester()
	}
	b.sums.reset()
	var err error
	rest := r
	if file, ok := r.(io.ReaderAt); ok { // of a directory: what keep reads of it does not pass by
		err = keep(r)
		rest = io.NewSectionReader(file, 0, f.Size)
	} else {
		_, _ = b.sums.Write(head) // a hash never fails
		err = keep(io.TeeReader(r, b.sums))
	}
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(b.sums, onlyReader{io.LimitReader(rest, f.Size-b.sums.written)}, b.sums.buf); err != nil {
		return cutOff(err)
	}
	if b.sums.written != f.Size {
		return io.ErrUnexpectedEOF
	}
	f.body().Digests = b.sums.digests()
	return nil
}

// onlyReader keeps [io.CopyBuffer] to the buffer that it is given.
type onlyReader struct{ io.Reader }
