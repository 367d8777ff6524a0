// Package layer reads each layer of an image once and overlays what it read.
//
// In go the bytes of a layer and [Rules] that say what is worth keeping; out comes an [Index]: the table
// of its files, the content of the small files that matter, and facts taken in flight from the big ones.
// A [Tree] overlays indexes into the file system that a container would see.
//
// This package knows nothing of packages or advisories. It must never write what it reads to disk (save a
// bounded, unlinked spill file for a big file that facts are taken from), never run anything, and never
// let an image decide how much memory or time is used: every bound that is hit becomes a blind spot.
package layer

import (
	"context"
	"io"
	"io/fs"

	"tidewaiter/image"
)

// Index is what one pass over a layer found. It is plain data: it can be kept and read again.
type Index struct {
	// DiffID is the digest of the uncompressed tar, computed while reading; empty for a directory, and with TOC.
	DiffID string
	// TOC says that the layer's table of contents was read, and of its blob only what the rules wanted. A runtime
	// that unpacks the blob itself may see other files.
	TOC bool
	// Files are in the order of the layer; of a path that comes twice, the last one counts.
	Files []File
	// BlindSpots have no Layer set: an index does not know its place in an image.
	BlindSpots []image.BlindSpot
	// Seen is what each of the sinks said of the layer, by its name; nil without sinks.
	Seen map[string]*Seen
}

// Type is what a file is.
type Type uint8

// The types of files.
const (
	Regular   Type = iota
	Directory      // a directory
	Symlink        // Link is the target, as written
	Hardlink       // Link is the path of another file, cleaned
	Special        // a device, pipe or socket
	Whiteout       // Path was deleted by this layer
	Opaque         // what lower layers hold in directory Path was deleted by this layer
)

// File is one entry of a layer. There may be millions of them in memory: what few have is behind Body.
type File struct {
	// Path is slash-separated, cleaned, relative to the image's root, without a leading slash. It has the
	// layer's own bytes, which may be no UTF-8 or hold control characters. An Opaque root is ".".
	Path string
	// Link is the target of a symbolic or hard link.
	Link string
	Size int64
	// Body is what was kept of a regular file's content; nil where nothing was.
	Body *Body
	// Mode has the permission bits, setuid, setgid and sticky.
	Mode fs.FileMode
	Type Type
	// Program says that a regular file's content starts as a program does: ELF, PE, Mach-O, or "#!".
	Program bool
}

// Body is what was kept of the content of a regular file.
type Body struct {
	// Content is the whole of it; nil when the rules did not want it.
	Content []byte
	// Facts is what [Rules] distilled of it; nil when nothing was.
	Facts []byte
	// Digests are nil unless [Options] asked for them, or one of the sinks has a note on the file.
	Digests *Digests
}

// body gives Body to be filled.
func (f *File) body() *Body {
	if f.Body == nil {
		f.Body = new(Body)
	}
	return f.Body
}

// Content gives the file's captured content; nil when the rules did not want it.
func (f *File) Content() []byte {
	if f.Body == nil {
		return nil
	}
	return f.Body.Content
}

// Facts gives what [Rules] distilled of the file; nil when nothing was.
func (f *File) Facts() []byte {
	if f.Body == nil {
		return nil
	}
	return f.Body.Facts
}

// Digests gives the checksums of a regular file's content; nil unless [Options] asked for them, or a sink noted the file.
func (f *File) Digests() *Digests {
	if f.Body == nil {
		return nil
	}
	return f.Body.Digests
}

// Rules say what to keep of the regular files of a layer. They are asked from several goroutines at once,
// and must be quick.
type Rules interface {
	// Want is given the file's entry and its first bytes (up to [HeadSize], fewer if it is shorter). Both are
	// lent for the call. Head is nil where the file's content cannot be looked at (it may not be opened; a hard
	// link's other name): the answer then is what the name alone says, and must not depend on magic.
	Want(f *File, head []byte) Keep
}

// HeadSize is how many of a file's first bytes [Rules] may look at.
const HeadSize = 64

// Keep is what [Rules] want of one file. The zero value keeps nothing.
type Keep struct {
	// Content asks for the whole file to be captured. A file over [Limits].Capture becomes a blind spot.
	Content bool
	// Distil, when set, is given the whole file and returns facts to store in its place. Facts are nil
	// where there are none. An error becomes a blind spot that names the file; facts that come with it are
	// kept. It must end when ctx does ([Limits].DistilTime), after which reading r fails.
	Distil func(ctx context.Context, r io.ReaderAt, size int64) (facts []byte, err error)
}
