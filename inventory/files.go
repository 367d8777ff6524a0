package inventory

import (
	"io/fs"
	"strings"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// Class says what stands behind a file of the image.
type Class string

// The classes. Each file that is no directory is in exactly one.
const (
	Owned     Class = "owned"     // a package installed it
	Modified  Class = "modified"  // a package installed it, and it is not any more what was installed
	Placed    Class = "placed"    // an instruction wrote it, and no package and no rule answers for it
	Generated Class = "generated" // made from what is aboard, as a named rule knows: a cache, a log, compiled bytecode
)

// File is one file of the final file system, accounted for.
type File struct {
	// Path is where the file really is: no directory of it is a symbolic link.
	Path  string
	Class Class
	// Layer is the first layer that has the file as it is: a layer that writes the same content with the same mode again
	// (chown -R) does not make the file its own.
	Layer int
	// Entry is the layer's entry; for a hard link that of the file it is a link to.
	Entry *layer.File
	// Owner is the index in [Inventory].Packages of the package that installed the file, or whose file it was made from;
	// -1 where there is none.
	Owner int
	// Rule is the name of the rule that knows a generated file.
	Rule string
	// Recorded is the digest that a modified file had when it was installed, by the package's database or, where that has
	// none, by the layer that installed it; empty for what was no regular file.
	Recorded string
	// Config says that the package declares the file as configuration that its user may change.
	Config bool
	// Verified says that the content was compared with the checksum of the package's database, and is what was installed.
	Verified bool
	// Known is the index of the package that the program was recognised as, or that it says it was built from, though nobody
	// installed it as one; -1: none.
	Known int
	// Orphan marks compiled bytecode whose source is not there.
	Orphan bool
}

// Digest is the file's SHA-256 with its algorithm in front; empty where none was computed.
func (f *File) Digest() string { return digestOf(f.Entry, "sha256") }

// Actual is the digest that the file has now, of the same algorithm as Recorded; empty where it has no content.
func (f *File) Actual() string {
	algorithm, _, _ := strings.Cut(f.Recorded, ":")
	return digestOf(f.Entry, algorithm)
}

// PosixMode is the file's mode as POSIX numbers it.
func (f *File) PosixMode() uint32 {
	m := uint32(f.Entry.Mode.Perm())
	if f.Entry.Mode&fs.ModeSetuid != 0 {
		m |= 0o4000
	}
	if f.Entry.Mode&fs.ModeSetgid != 0 {
		m |= 0o2000
	}
	if f.Entry.Mode&fs.ModeSticky != 0 {
		m |= 0o1000
	}
	return m
}

// Program says that the file can be run: it starts as a program does, and may be executed, or is not just the source of
// a script. A library (ELF without the mode bit) is one too. So is bytecode without its source.
func (f *File) Program() bool {
	e := f.Entry
	return f.Orphan || e.Program && e.Type == layer.Regular && (e.Mode&0o111 != 0 || !isScriptSource(f.Path))
}

// Setuid says that who runs the program runs it with another's rights.
func (f *File) Setuid() bool {
	return f.Entry.Type == layer.Regular && f.Entry.Mode&0o111 != 0 && f.Entry.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0
}

// Missing is a file that a package installed and that is not there any more.
type Missing struct {
	Path string
	// Owner is as in [File].
	Owner int
	// Layer is the layer that removed it; -1 where no layer ever had it: whoever made the base left it out.
	Layer int
}

// Hidden is content that one layer carries and a later one hides: no container sees it, and everyone who has the
// image can read it.
type Hidden struct {
	Path  string
	Entry *layer.File
	// By is the index of the layer that hides it: the carrying layer itself, where that has the path twice.
	By  int
	How Hiding
}

// Digest is the file's SHA-256 with its algorithm in front; empty where none was computed.
func (h *Hidden) Digest() string { return digestOf(h.Entry, "sha256") }

// Hiding is how a file is hidden.
type Hiding string

// The ways of hiding. What is rewritten is carried twice: the same content again, with other owner, mode or time.
const (
	Deleted   Hiding = "deleted"
	Replaced  Hiding = "replaced"
	Rewritten Hiding = "rewritten"
)

// Count is a number of files that are no directories, and of bytes of content.
type Count struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (c *Count) add(size int64) {
	c.Files++
	c.Bytes += size
}

// PackageChange is what a layer did to a package: it brought it (no From), removed it (no To), or put another version in
// its place.
type PackageChange struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Arch string `json:"arch,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Path is the file that names the package, or did.
	Path string `json:"path"`
	// Owner is as in [Package]: what the distribution installs is part of its package.
	Owner string `json:"owner,omitempty"`
}

// Step is what one instruction of the build did. A layer without history is one too.
type Step struct {
	// Layer is -1 where the instruction made none.
	Layer       int
	Instruction string
	// DockerfileLine is the line of the Dockerfile, from 1, where it is known; else 0.
	DockerfileLine int
	// Carried is the content that the layer has, uncompressed, whatever became of it.
	Carried Count
	// Added and Changed are the files that this layer put where there was none, or where lower layers had another; of
	// Removed, the lower layers' files that it deleted.
	Added, Changed, Removed Count
	Packages                []PackageChange
	// Of what stands in the end and came with this layer, as indexes in [Trace].Files: Programs are those that no package
	// owns, and those that became setuid; Modified the files of packages that the layer changed; Placed all that no package
	// owns.
	Programs, Modified, Placed []int
	// Hidden is the content of this layer that a later one hides, the most telling first.
	Hidden []Hidden
}

// Trace accounts for every file of an image.
type Trace struct {
	// Files are sorted by path; directories are only counted.
	Files       []File
	Directories int
	// Writable are the directories in which everybody can delete what is another's: writable by all and not sticky. They have no class,
	// and the layer that wrote the directory's entry last.
	Writable []File
	// Verified counts the owned files whose content the package database's checksum was compared with.
	Verified int
	Missing  []Missing
	// Steps are in the order of the build.
	Steps []Step
	// BlindSpots are those of the account, apart from the inventory's.
	BlindSpots []image.BlindSpot
}

// Count gives how many files are of a class.
func (t *Trace) Count(c Class) int {
	n := 0
	for i := range t.Files {
		if t.Files[i].Class == c {
			n++
		}
	}
	return n
}
