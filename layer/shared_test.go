package layer

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"tidewaiter/image"
)

// shared opens one of the images that are kept beside the repository.
func shared(t testing.TB, name string) *image.Image {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "images", "oci", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the test image %s: %v", name, err)
	}
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// databases captures what the tests look at, and nothing that is large.
var databases = want(func(f *File, _ []byte) Keep {
	return Keep{Content: f.Size < 1<<20 && (strings.HasSuffix(f.Path, "dpkg/status") || strings.HasSuffix(f.Path, "installed") ||
		strings.HasSuffix(f.Path, "os-release") || strings.HasSuffix(f.Path, "package.json"))}
})

// TestHostileImages reads the images that EVIL.md describes, those with a layer that says something here.
func TestHostileImages(t *testing.T) {
	debs := "var/lib/dpkg/status"
	for name, c := range map[string]struct {
		err    string
		spots  []string
		here   []string // paths that stand in the tree with content
		absent []string
	}{
		"corrupt-gzip":         {err: "layer 1: the gzip stream is damaged ("},
		"truncated-gzip":       {err: "layer 1: the gzip stream is cut off"},
		"truncated-tar":        {err: "layer 1: the tar archive is cut off"},
		"wrong-diffid":         {err: "layer 1: content does not match the diffID that the config claims"},
		"wrong-digest":         {err: "layer 1: blob sha256:1111"},
		"deleted-dpkg":         {here: []string{"etc/os-release"}, absent: []string{debs}},
		"devices":              {here: []string{debs}},
		"duplicates":           {here: []string{debs, "app/package.json"}},
		"empty-layer":          {here: []string{debs}},
		"garbage-layer":        {here: []string{debs}, spots: []string{"unreadable-layer : the layer is of an unknown encoding (application/vnd.oci.image.layer.v1.tar+gzip)"}},
		"gzip-concatenated":    {here: []string{debs, "one", "two"}},
		"link-escape":          {here: []string{}, absent: []string{debs, "app/hl1", "app/hl2", "app/hl3", "app/sl1", "app/package.json", "etc/os-release"}},
		"many-layers":          {here: []string{debs, "l/499"}},
		"names":                {here: []string{debs, "long/hl" + strings.Repeat("h", 120)}},
		"odd-names":            {here: []string{debs, "x", "a/b", "double/slash", "new\nline"}},
		"package-removed":      {here: []string{debs}, absent: []string{"app/node_modules/lodash/package.json"}},
		"path-traversal":       {here: []string{debs, "tmp/evil-scout-was-here8", "b"}},
		"pax-tricks":           {here: []string{debs, "pax-huge"}},
		"sparse":               {here: []string{debs, "sparse.img"}},
		"symlink-loops":        {here: []string{debs, "chain/300"}, absent: []string{"a", "etc/os-release", "chain/1"}},
		"symlink-then-write":   {here: []string{debs, "tmp/evil-scout-was-here", "tmp/evil-scout-was-here2", "hl"}},
		"usrmerge-symlink-dir": {here: []string{debs, "usr/lib/apk/db/installed", "lib/apk/db/installed", "etc/os-release"}},
		"whiteout-edge":        {here: []string{debs, "etc/os-release"}},
		"wrong-media":          {here: []string{debs, "x"}},
		"zstd-bomb":            {here: []string{debs, "zeros"}, spots: []string{"limit-reached : only the start of the layer was read: it grows more than 200-fold when it is decompressed"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree, spots, err := readTree(t, shared(t, "evil-"+name), Options{Limits: DefaultLimits()})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), ": "+c.err) {
					t.Fatalf("got error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			diff(t, c.spots, messages(spots))
			for _, path := range c.here {
				if _, ok := tree.Lookup(path); !ok {
					t.Errorf("%s is not there", path)
				}
			}
			for _, path := range c.absent {
				if _, ok := tree.Lookup(path); ok {
					t.Errorf("%s is there", path)
				}
			}
		})
	}
}

func readTree(t testing.TB, im *image.Image, o Options) (*Tree, []image.BlindSpot, error) {
	t.Helper()
	indexes, err := Read(t.Context(), im, databases, o)
	if err != nil {
		return nil, nil, err
	}
	tree := NewTree()
	var spots []image.BlindSpot
	for i, ix := range indexes {
		tree.Apply(i, ix)
		spots = append(spots, ix.BlindSpots...)
	}
	return tree, spots, nil
}

func TestHostileWhiteouts(t *testing.T) {
	tree, _, err := readTree(t, shared(t, "evil-whiteouts"), Options{Limits: DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for e := range tree.Entries() {
		if !strings.HasPrefix(e.Path, "etc") && !strings.HasPrefix(e.Path, "var") {
			paths = append(paths, e.Path)
		}
	}
	diff(t, []string{"app", "app/a", "app/b", "app/sub", "dirtofile", "filetodir", "filetodir/y", "gone", "gone/again", "opaque", "opaque/new", "opaque2", "opaque2/kept"}, paths)
	if target, _ := tree.ReadLink("app/b"); target != "a" {
		t.Errorf("app/b leads to %q", target)
	}
}

// TestRealImages compares every real image's tree with what a plain walk of its only or last layer shows.
func TestRealImages(t *testing.T) {
	for _, name := range []string{"debian-base-bookworm-slim", "alpine-3.14", "rpm-centos8-modules", "distroless-like-cc", "go-app"} {
		t.Run(name, func(t *testing.T) {
			im := shared(t, name)
			indexes, err := Read(t.Context(), im, none, Options{Limits: DefaultLimits()})
			if err != nil {
				t.Fatal(err)
			}
			tree := NewTree()
			for i, ix := range indexes {
				diff(t, im.Layers[i].DiffID, ix.DiffID)
				tree.Apply(i, ix)
			}
			for _, f := range indexes[len(indexes)-1].Files {
				if n := tree.at(f.Path); n == nil || f.Type != Hardlink && n.file.Path != f.Path {
					t.Errorf("%s is not in the tree", f.Path)
				}
			}
		})
	}
}

// plainly does the least that reading a layer safely takes: hash, inflate, hash.
func plainly(t testing.TB, path string) int64 {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stored, content := sha256.New(), sha256.New()
	z, err := gzip.NewReader(bufio.NewReaderSize(io.TeeReader(file, stored), 1<<18))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{content}, struct{ io.Reader }{z}, make([]byte, 1<<18))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkRead measures [Read] on the largest real layer at hand beside the least that could be done.
func BenchmarkRead(b *testing.B) {
	im := shared(b, "debian-base-bookworm-slim")
	blob := filepath.Join("..", "..", "shared", "images", "oci", "debian-base-bookworm-slim", "blobs", "sha256", strings.TrimPrefix(im.Layers[0].Digest, "sha256:"))
	size := plainly(b, blob)
	b.Run("hash-inflate-hash", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			plainly(b, blob)
		}
	})
	b.Run("Read", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Read(b.Context(), im, databases, Options{Limits: DefaultLimits()}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// many makes an index of n files, a hundred in each directory.
func many(from, n int) *Index {
	ix := &Index{Files: make([]File, 0, n)}
	for i := from; i < from+n; i++ {
		if i%100 == 0 {
			ix.Files = append(ix.Files, File{Path: fmt.Sprintf("usr/share/some/dir%d", i/100), Type: Directory, Mode: 0o755})
		}
		ix.Files = append(ix.Files, File{Path: fmt.Sprintf("usr/share/some/dir%d/file-%d", i/100, i), Mode: 0o644})
	}
	return ix
}

// BenchmarkApply overlays 22 layers of 189,000 files together, as the largest image measured has.
func BenchmarkApply(b *testing.B) {
	var indexes []*Index
	for i := range 22 {
		indexes = append(indexes, many(i*8600, 8600))
	}
	b.ReportAllocs()
	for b.Loop() {
		tree := NewTree()
		for i, ix := range indexes {
			tree.Apply(i, ix)
		}
	}
}
