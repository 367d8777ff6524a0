package layer

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"tidewaiter/image"
)

// FuzzLayer reads hostile bytes as a layer, overlays it twice and looks at all of the tree.
func FuzzLayer(f *testing.F) {
	seed := tarOf(f, dir("d"), file("d/a", "1"), symlink("s", "../d"), file("s/b", "2"), hardlink("h", "d/a"), file(".wh.d", ""), file("d/.wh..wh..opq", ""), file("../x", "3"))
	f.Add(seed)
	f.Add(gzipOf(seed))
	f.Add(zstdOf(seed))
	f.Add(append(gzipOf(seed[:1024]), gzipOf(seed[1024:])...))
	limits := DefaultLimits()
	limits.Layer, limits.Capture, limits.LayerKept, limits.ImageKept, limits.Memory = 8<<20, 1<<20, 4<<20, 4<<20, 4<<20
	rules := want(func(f *File, _ []byte) Keep { return Keep{Content: f.Size%2 == 0, Distil: lengths} })
	f.Fuzz(func(t *testing.T, stored []byte) {
		m := &meter{r: bytes.NewReader(stored), progress: &progress{}}
		ix, err := newSession(&image.Image{}, rules, limits).readBlob(t.Context(), image.Layer{}, m, nil)
		if err != nil {
			return
		}
		tree := NewTree()
		tree.Apply(0, ix)
		tree.Apply(1, &Index{Files: slices.Clone(ix.Files)})
		last := ""
		for e := range tree.Entries() {
			if e.Path <= last {
				t.Fatalf("%q comes after %q", e.Path, last)
			}
			last = e.Path
			if file, err := tree.Open(e.Path); err == nil {
				io.Copy(io.Discard, file)
			}
			if tree.at(e.Path) == nil {
				t.Fatalf("%q is not where it is", e.Path)
			}
		}
	})
}
