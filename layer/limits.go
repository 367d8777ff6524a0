package layer

import (
	"fmt"
	"time"
)

// Limits bound what one image can make a reader hold and do. A limit that is hit becomes a blind spot of
// kind [image.LimitReached] that names the layer's file, or the layer. Sizes are in bytes.
type Limits struct {
	// Entries is how many entries of one layer are read; the rest of the layer is not.
	Entries int
	// Path is the length of a path or of a link's target; entries with longer ones are left out.
	Path int64
	// Capture is the size of one file that is captured whole.
	Capture int64
	// LayerKept is what may be kept of one layer, all told: paths, links, content and facts.
	LayerKept int64
	// ImageKept is what may be kept of all layers of an image together.
	ImageKept int64
	// ImageEntries is how many entries the layers of an image may have together, a layer that occurs
	// several times counted each time: overlaying them costs as much.
	ImageEntries int
	// Distil is the size of one file that facts are taken from.
	Distil int64
	// Sparse is the size, holes included, of all files of one layer whose holes are left out of its tar, of those that
	// are read or hashed. The layers that today's builders write have none.
	Sparse int64
	// Memory is what all workers together hold of the files that they distil. A file over half of it is
	// held in an unlinked temporary file instead.
	Memory int64
	// DistilTime is how long facts may be taken from one file.
	DistilTime time.Duration
	// Layer is the uncompressed size of one layer; what comes after is not read.
	Layer int64
	// Ratio is how many times larger than its stored bytes a layer may grow, once it is over RatioFrom.
	Ratio, RatioFrom int64
	// Window is the memory for all zstd windows at once, and so the largest one (8 MiB is usual).
	Window int64
}

// DefaultLimits are wide enough for every honest image known: the largest package databases (rpm's, 150 MB)
// and binaries fit, as does a layer of a million files. The bounds on a tar header's own records (1 MiB) and
// on the number of blind spots of a layer are fixed.
func DefaultLimits() Limits {
	return Limits{
		Entries:      2_000_000,
		Path:         8 << 10,
		Capture:      192 << 20,
		LayerKept:    512 << 20,
		ImageKept:    1 << 30,
		ImageEntries: 20_000_000,
		Distil:       1 << 30,
		Sparse:       1 << 30,
		Memory:       64 << 20,
		DistilTime:   30 * time.Second,
		Layer:        64 << 30,
		Ratio:        200,
		RatioFrom:    1 << 30,
		Window:       128 << 20,
	}
}

// Options are the choices of a caller of [Read].
type Options struct {
	Limits Limits
	// Parallel is how many layers are read at once; 0 means as many as there are processors to run on.
	Parallel int
	// Digests asks for [File].Digests of every regular file, which costs nearly as much as all the rest of reading.
	Digests bool
	// SHA256 asks for that digest alone where Digests does not ask for all, which costs a fraction. Files on which a sink has a note have all.
	SHA256 bool
	// Cache, when set, gives the indexes of layers that were read before, and keeps those of others. It is of use
	// only with [Versioned] rules.
	Cache *Cache
	// FullRead reads every layer whole, also where its table of contents could tell what is in it.
	FullRead bool
	// Sinks are shown the content of all files. A layer is then read whole, and one of the cache counts only if it is known what
	// each of them said of it.
	Sinks []Sink
	// Redact, when set, is given the content of each file that is kept, and gives what is kept of it: content itself where there is nothing
	// to take out. It is called from several goroutines, and must always give the same, of the same program, for the same file.
	Redact func(path string, content []byte) []byte
	// Progress is told how many of the image's stored bytes were read, of how many in all; total is -1
	// where the source does not say. It is called from several goroutines, and may be nil.
	Progress func(read, total int64)
}

// limitError says that a bound was hit: reading stops there, and what was read so far is kept.
type limitError string

func (e limitError) Error() string { return string(e) }

func limitf(format string, args ...any) error { return limitError(fmt.Sprintf(format, args...)) }

// size writes a count of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
