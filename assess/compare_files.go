package assess

import (
	"cmp"
	"slices"

	"tidewaiter/inventory"
)

// FileChanges count the files, no directories, that one of two images has and the other has not, or has otherwise.
type FileChanges struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Changed int `json:"changed"`
	// Unowned are those among them that no package brought and nothing explains, sorted by change and path; at most [maxUnowned]. More is how many
	// there are besides.
	Unowned []FileChange `json:"unowned"`
	More    int          `json:"more,omitempty"`
}

// FileChange is a file that no package brought.
type FileChange struct {
	Change PackageChangeKind `json:"change"` // added, removed or changed
	Path   string            `json:"path"`
	// Layer is that of the second image; of the first for a file that was removed.
	Layer   int   `json:"layer"`
	Size    int64 `json:"size"`
	Program bool  `json:"program,omitempty"`
	Setuid  bool  `json:"setuid,omitempty"`
}

// maxUnowned bounds the files that a comparison names.
const maxUnowned = 1000

// CompareFiles holds the files of two images against each other.
func CompareFiles(from, to *inventory.Trace) *FileChanges {
	out := &FileChanges{Unowned: []FileChange{}}
	a, b := from.Files, to.Files // sorted by path
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Path < b[0].Path:
			out.Removed++
			out.add(Removed, &a[0])
			a = a[1:]
		case len(a) == 0 || b[0].Path < a[0].Path:
			out.Added++
			out.add(Added, &b[0])
			b = b[1:]
		default:
			if !sameFile(&a[0], &b[0]) {
				out.Changed++
				out.add(Changed, &b[0])
			}
			a, b = a[1:], b[1:]
		}
	}
	slices.SortFunc(out.Unowned, func(a, b FileChange) int { return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Path, b.Path)) })
	if n := len(out.Unowned); n > maxUnowned {
		out.Unowned, out.More = out.Unowned[:maxUnowned], n-maxUnowned
	}
	return out
}

func (c *FileChanges) add(change PackageChangeKind, f *inventory.File) {
	if f.Class == inventory.Placed {
		c.Unowned = append(c.Unowned,
			FileChange{Change: change, Path: f.Path, Layer: f.Layer, Size: f.Entry.Size, Program: f.Program(), Setuid: f.Setuid()})
	}
}

func sameFile(a, b *inventory.File) bool {
	return a.Entry.Type == b.Entry.Type && a.Entry.Mode == b.Entry.Mode && a.Entry.Size == b.Entry.Size && a.Digest() == b.Digest() &&
		(a.Digest() != "" || a.Entry.Link == b.Entry.Link)
}
