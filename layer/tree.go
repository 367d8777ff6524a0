package layer

import (
	"io/fs"
	"iter"
)

// Tree is the file system that stacked layers make, as a container would see it.
type Tree struct{}

// Entry is one file of a [Tree].
type Entry struct {
	// Path is where the file really is: no directory of it is a symbolic link.
	Path string
	// Layer is the index of the layer that wrote the file.
	Layer int
	// File is the layer's entry; for a hard link, that of the file it is a link to.
	File *File
}

// NewTree gives a tree with no layers.
func NewTree() *Tree { panic("layer") }

// Apply puts a layer on top of the tree. It returns the entries with content or facts that this layer
// wrote, sorted by path, and the paths with content or facts that it removed.
func (t *Tree) Apply(index int, ix *Index) (written []Entry, removed []string) { panic("layer") }

// Lookup finds what stands at a path, following symbolic links inside the tree and never out of it.
func (t *Tree) Lookup(path string) (Entry, bool) { panic("layer") }

// Entries gives every entry, sorted by path.
func (t *Tree) Entries() iter.Seq[Entry] { panic("layer") }

// Open implements [fs.FS]. A regular file that was not captured cannot be opened: [ErrNotCaptured].
func (t *Tree) Open(name string) (fs.File, error) { panic("layer") }
