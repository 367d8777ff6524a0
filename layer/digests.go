package layer

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"runtime"
	"sync"
	"unsafe"
)

// Digests are the checksums of one file's content: those that package databases keep. Where only SHA-256 was asked for, the others are zero.
type Digests struct {
	MD5    [md5.Size]byte
	SHA1   [sha1.Size]byte
	SHA256 [sha256.Size]byte
}

// HasMD5 says whether MD5 is more than a zero.
func (d *Digests) HasMD5() bool { return d.MD5 != [md5.Size]byte{} }

// HasSHA1 says whether SHA1 is more than a zero.
func (d *Digests) HasSHA1() bool { return d.SHA1 != [sha1.Size]byte{} }

// algorithms are those of the digests that are taken of every file.
type algorithms uint8

const (
	noAlgorithm algorithms = iota
	onlySHA256
	allAlgorithms
)

func (o *Options) algorithms() algorithms {
	switch {
	case o.Digests:
		return allAlgorithms
	case o.SHA256:
		return onlySHA256
	}
	return noAlgorithm
}

// digester computes the [Digests] of one file after another.
type digester struct {
	md5, sha1 hash.Hash // nil: not asked for
	sha256    hash.Hash
	cores     int
}

// newDigester gives nil where none are asked for.
func newDigester(a algorithms) *digester {
	d := &digester{sha256: sha256.New(), cores: runtime.GOMAXPROCS(0)}
	switch a {
	case noAlgorithm:
		return nil
	case allAlgorithms:
		d.md5, d.sha1 = md5.New(), sha1.New()
	}
	return d
}

// sideBySide is the count of bytes from which on it pays to hash them in several goroutines, where there are cores for
// these: two are busy already with inflating and hashing the layer.
const (
	sideBySide = 64 << 10
	coresBusy  = 2
)

// Write implements [io.Writer].
func (d *digester) Write(p []byte) (int, error) {
	if d.md5 == nil {
		return d.sha256.Write(p)
	}
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
	if d.md5 != nil {
		d.md5.Reset()
		d.sha1.Reset()
	}
	d.sha256.Reset()
}

// digests gives those of what was written.
func (d *digester) digests() *Digests {
	sums := new(Digests)
	if d.md5 != nil {
		d.md5.Sum(sums.MD5[:0])
		d.sha1.Sum(sums.SHA1[:0])
	}
	d.sha256.Sum(sums.SHA256[:0])
	return sums
}

// digestsCost is about how many bytes the digests of one file take.
const digestsCost = int64(unsafe.Sizeof(Digests{}) + unsafe.Sizeof(Body{}))

// digestsOf gives those of some content.
func digestsOf(content []byte) *Digests {
	return &Digests{MD5: md5.Sum(content), SHA1: sha1.Sum(content), SHA256: sha256.Sum256(content)}
}
