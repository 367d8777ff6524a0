package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

func TestWhiteoutNames(t *testing.T) {
	stored := tarOf(t,
		file("app/.wh.a", ""), dir("etc/.wh.dpkg/"), symlink("etc/.wh.link", "x"), file("opaque/.wh..wh..opq", "data"), file(".wh..wh..opq", ""),
		// Malformed, of aufs itself, or above the root: these mean nothing.
		file(".wh.", ""), file("etc/.wh.", ""), file(".wh..", ""), file("etc/.wh...", ""), file("../.wh.etc", ""), file("a/../../.wh.etc", ""),
		file(".wh..wh.aufs", ""), dir(".wh..wh.plnk"), file(".wh..wh.plnk/12.34", ""), file("x/.wh..wh.y", ""),
		file("notes.wh.txt", ""), file("etc/.wh.dpkg/below", ""),
	)
	diff(t, []string{
		"whiteout app/a", "whiteout etc/dpkg", "whiteout etc/link", "opaque opaque", "opaque .",
		"file notes.wh.txt", "file etc/.wh.dpkg/below",
	}, list(mustRead(t, stored, none, nil).Files))
}

func TestNames(t *testing.T) {
	names := map[string]string{
		"./a": "a", "././x": "x", "/abs": "abs", "//double//slash": "double/slash", "../up": "up", "a/../../b": "b", "etc/../../../tmp/x": "tmp/x",
		"C:\\x": "C:\\x", "..\\..\\x": "..\\..\\x", "new\nline": "new\nline", " ": " ", "-rf": "-rf", "raw/\xff\xfe": "raw/\xff\xfe", "a/./b": "a/b", "...": "...", "dot.": "dot.",
	}
	for name, want := range names {
		diff(t, want, cleanPath(name))
	}
	for _, name := range []string{".", "..", "", "/", "./", "a/..", "../.."} {
		diff(t, ".", cleanPath(name))
	}
	ix := mustRead(t, tarOf(t, dir("./"), dir("./a/"), hardlink("h", "../../etc/passwd"), hardlink("h2", "/a/b"), symlink("s", "../../etc/passwd")), none, nil)
	diff(t, []string{"dir a", "hardlink h -> etc/passwd", "hardlink h2 -> a/b", "symlink s -> ../../etc/passwd"}, list(ix.Files))
}

func TestModes(t *testing.T) {
	ix := mustRead(t, tarOf(t, entry{name: "s", mode: 0o7755}), none, nil)
	diff(t, os.FileMode(0o755)|os.ModeSetuid|os.ModeSetgid|os.ModeSticky, ix.Files[0].Mode)
}

func TestSpecialFiles(t *testing.T) {
	var asked []string
	rules := want(func(f *File, _ []byte) Keep { asked = append(asked, f.Path); return Keep{Content: true} })
	ix := mustRead(t, tarOf(t, entry{name: "fifo", kind: '6'}, entry{name: "null", kind: '3'}, entry{name: "sda", kind: '4'}, file("a", "1")), rules, nil)
	diff(t, []string{"special fifo", "special null", "special sda", `file a "1"`}, list(ix.Files))
	diff(t, []string{"a"}, asked)
}

func TestHead(t *testing.T) {
	long := strings.Repeat("0123456789", 100)
	stored := tarOf(t, file("empty", ""), file("short", "abc"), file("long", long))
	heads := map[string]string{}
	rules := want(func(f *File, head []byte) Keep {
		heads[f.Path] = string(head)
		return Keep{Content: f.Path != "short"}
	})
	ix := mustRead(t, stored, rules, nil)
	diff(t, map[string]string{"empty": "", "short": "abc", "long": long[:HeadSize]}, heads)
	diff(t, []string{`file empty ""`, "file short", fmt.Sprintf("file long %q", long)}, list(ix.Files))
}

// lengths distils files to their length and last byte, looked at from behind.
func lengths(_ context.Context, r io.ReaderAt, size int64) ([]byte, error) {
	last := make([]byte, 1)
	if _, err := r.ReadAt(last, size-1); err != nil {
		return nil, err
	}
	if n, err := r.ReadAt(make([]byte, 2), size-1); n != 1 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %d bytes over the end: %w", n, err)
	}
	return fmt.Appendf(nil, "%d %s", size, last), nil
}

func TestDistil(t *testing.T) {
	sizes := []int{1, 63, 64, 65, slabSize - 1, slabSize, slabSize + 1, 2*slabSize + 7, 3 * slabSize}
	var entries []entry
	var want1 []string
	for i, n := range sizes {
		entries = append(entries, file(fmt.Sprintf("f%d", i), strings.Repeat("x", n-1)+"z"))
		want1 = append(want1, fmt.Sprintf("%d z", n))
	}
	stored := gzipOf(tarOf(t, entries...))
	for _, content := range []bool{false, true} {
		rules := want(func(*File, []byte) Keep { return Keep{Content: content, Distil: lengths} })
		// Memory for four slabs: the files over two of them are spilled.
		ix := mustRead(t, stored, rules, func(l *Limits) { l.Memory = 4 * slabSize })
		var got []string
		for _, f := range ix.Files {
			got = append(got, string(f.Facts()))
			if (f.Content() != nil) != content {
				t.Errorf("%s: content %v", f.Path, f.Content() != nil)
			}
		}
		diff(t, want1, got)
		diff(t, 0, len(ix.BlindSpots))
	}
}

func TestSpilledFileIsGone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	rules := want(func(*File, []byte) Keep { return Keep{Distil: lengths} })
	mustRead(t, tarOf(t, file("a", strings.Repeat("x", 3*slabSize))), rules, func(l *Limits) { l.Memory = 2 * slabSize })
	left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
	diff(t, 0, len(left))

	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "absent"))
	ix := mustRead(t, tarOf(t, file("a", strings.Repeat("x", 3*slabSize)), file("b", "2")), rules, func(l *Limits) { l.Memory = 2 * slabSize })
	diff(t, []string{"unreadable-file a: was not read: no room for it in a temporary file: no such file or directory"}, messages(ix.BlindSpots))
	diff(t, "1 2", string(ix.Files[1].Facts()))
}

func TestDistilFaults(t *testing.T) {
	hang := func(ctx context.Context, r io.ReaderAt, _ int64) ([]byte, error) {
		for { // as a parser that never looks at its context
			if _, err := r.ReadAt(make([]byte, 1), 0); err != nil {
				return nil, err
			}
		}
	}
	rules := want(func(f *File, _ []byte) Keep {
		return Keep{Distil: map[string]func(context.Context, io.ReaderAt, int64) ([]byte, error){
			"panic": func(context.Context, io.ReaderAt, int64) ([]byte, error) { panic("index out of range") },
			"error": func(context.Context, io.ReaderAt, int64) ([]byte, error) {
				return []byte("some"), errors.New("not a zip file")
			},
			"hang": hang,
			"none": func(context.Context, io.ReaderAt, int64) ([]byte, error) { return nil, nil },
			"good": lengths,
		}[f.Path]}
	})
	ix := mustRead(t, tarOf(t, file("panic", "1"), file("error", "1"), file("hang", "1"), file("none", "1"), file("good", "1")), rules,
		func(l *Limits) { l.DistilTime = 10 * time.Millisecond })
	diff(t, []string{
		"unreadable-file panic: the reader of such files failed: index out of range",
		"unreadable-file error: not a zip file",
		"limit-reached hang: was not read: it takes longer than 10ms",
	}, messages(ix.BlindSpots))
	diff(t, "some", string(ix.Files[1].Facts()))
	diff(t, "1 1", string(ix.Files[4].Facts()))
}

func TestLimits(t *testing.T) {
	kilo := strings.Repeat("k", 1000)
	stored := gzipOf(tarOf(t, file("a", kilo), file("long/"+kilo, "1"), file("b", kilo), file("c", "1"), file("d", "1")))
	distil := want(func(*File, []byte) Keep { return Keep{Distil: lengths} })
	whole := []string{"a", "long/" + kilo, "b", "c", "d"}
	for name, c := range map[string]struct {
		rules  Rules
		change func(*Limits)
		paths  []string
		spots  []string
	}{
		"none":    {all, nil, whole, nil},
		"entries": {all, func(l *Limits) { l.Entries = 3 }, whole[:3], []string{"limit-reached : only the start of the layer was read: it has over 3 entries"}},
		"path": {all, func(l *Limits) { l.Path = 500 }, []string{"a", "b", "c", "d"},
			[]string{"limit-reached " + whole[1][:200] + ": was left out: its path or link is over 500 bytes"}},
		"capture": {all, func(l *Limits) { l.Capture = 999 }, whole,
			[]string{"limit-reached a: was not read: it is larger than 999 bytes", "limit-reached b: was not read: it is larger than 999 bytes"}},
		"distil": {distil, func(l *Limits) { l.Distil = 999 }, whole,
			[]string{"limit-reached a: was not read: it is larger than 999 bytes", "limit-reached b: was not read: it is larger than 999 bytes"}},
		"kept of the layer": {all, func(l *Limits) { l.LayerKept = 3200 }, whole,
			[]string{"limit-reached b: was not read: more than 3200 bytes of the layer would be kept"}},
		"kept of the image": {all, func(l *Limits) { l.ImageKept = 3200 }, whole,
			[]string{"limit-reached b: was not read: more than 3200 bytes of the image would be kept"}},
		"entries kept": {none, func(l *Limits) { l.LayerKept = 300 }, whole[:1],
			[]string{"limit-reached : only the start of the layer was read: more than 300 bytes of the layer would be kept"}},
		"layer": {all, func(l *Limits) { l.Layer = 2000 }, nil, []string{"limit-reached : only the start of the layer was read: it is larger than 2000 bytes"}},
		"ratio": {all, func(l *Limits) { l.Ratio, l.RatioFrom = 20, 2000 }, nil,
			[]string{"limit-reached : only the start of the layer was read: it grows more than 20-fold when it is decompressed"}},
	} {
		t.Run(name, func(t *testing.T) {
			ix := mustRead(t, stored, c.rules, c.change)
			var paths []string
			for _, f := range ix.Files {
				paths = append(paths, f.Path)
			}
			diff(t, c.paths, paths)
			diff(t, c.spots, messages(ix.BlindSpots))
		})
	}
}

// A tar of a few blocks may have files of any size, most of which is holes.
func TestSparseFiles(t *testing.T) {
	const megabyte = 1 << 20
	sparse := func(name string) []byte {
		block := make([]byte, 1024) // a header of the old GNU format, with one piece of 512 bytes, and the piece
		copy(block, name)
		copy(block[100:], "0000644\x00")
		copy(block[124:], "00000001000\x00")
		copy(block[156:], "S")
		copy(block[257:], "ustar  \x00")
		copy(block[386:], "00000000000\x0000000001000\x00")
		copy(block[483:], fmt.Sprintf("%011o\x00", megabyte))
		sum := 8 * int(' ')
		for _, b := range block[:512] {
			sum += int(b)
		}
		copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
		return block
	}
	tape := slices.Concat(sparse("a"), sparse("b"), sparse("c"), make([]byte, 1024))
	bounded := func(l *Limits) { l.Sparse = 2*megabyte + 1 }
	spots := []string{"limit-reached c: was not read: the sparse files of the layer are larger than 2 MiB"}
	ix := mustRead(t, gzipOf(tape), all, bounded)
	diff(t, spots, messages(ix.BlindSpots))
	diff(t, []int{megabyte, megabyte, 0}, []int{len(ix.Files[0].Content()), len(ix.Files[1].Content()), len(ix.Files[2].Content())})
	diff(t, []string(nil), messages(mustRead(t, gzipOf(tape), none, bounded).BlindSpots))

	o := Options{Limits: DefaultLimits(), Digests: true}
	bounded(&o.Limits)
	indexes, err := Read(t.Context(), layout(t, blob{stored: gzipOf(tape)}), none, o)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, spots, messages(indexes[0].BlindSpots))
	diff(t, true, indexes[0].Files[1].Digests() != nil && indexes[0].Files[2].Digests() == nil)
}

// Layers read side by side must lose the same files as layers read one after the other.
func TestKeptOfTheImage(t *testing.T) {
	var blobs []blob
	for i := range 8 {
		blobs = append(blobs, blob{stored: gzipOf(tarOf(t, file(fmt.Sprintf("f%d", i), strings.Repeat("x", 10_000))))})
	}
	im := layout(t, blobs...)
	read := func(parallel int) (lines []string) {
		limits := DefaultLimits()
		limits.ImageKept = 45_000
		indexes, err := Read(t.Context(), im, all, Options{Limits: limits, Parallel: parallel})
		if err != nil {
			t.Fatal(err)
		}
		for _, ix := range indexes {
			lines = append(lines, fmt.Sprint(len(ix.Files[0].Content()), messages(ix.BlindSpots)))
		}
		return lines
	}
	alone := read(1)
	for range 5 {
		diff(t, alone, read(4))
	}
	if !strings.Contains(strings.Join(alone, ""), "of the image would be kept") {
		t.Errorf("the bound was not met: %v", alone)
	}
}

func TestEntriesOfTheImage(t *testing.T) {
	b := blob{stored: tarOf(t, file("a", ""), file("b", ""))}
	limits := DefaultLimits()
	limits.ImageEntries = 5
	indexes, err := Read(t.Context(), layout(t, b, b, b), none, Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []int{2, 2, 0}, []int{len(indexes[0].Files), len(indexes[1].Files), len(indexes[2].Files)})
	diff(t, []string{"limit-reached : left out: the image's layers up to here have over 5 entries"}, messages(indexes[2].BlindSpots))
}

func TestManyBlindSpots(t *testing.T) {
	var entries []entry
	for i := range maxSpots + 5 {
		entries = append(entries, file(fmt.Sprint(i), "xx"))
	}
	ix := mustRead(t, tarOf(t, entries...), all, func(l *Limits) { l.Capture = 1 })
	diff(t, maxSpots+1, len(ix.BlindSpots))
	diff(t, "5 more blind spots in this layer are not listed", ix.BlindSpots[maxSpots].Message)
}

func TestZstdWindow(t *testing.T) {
	encode := func(window int, b []byte) []byte {
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out, zstd.WithWindowSize(window))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(b)
		w.Flush() // or else the frame knows its size and has no window
		w.Write(make([]byte, 512))
		w.Close()
		return out.Bytes()
	}
	first, second := tarOf(t, file("a", "1"))[:1024], tarOf(t, file("b", "2"))
	small := func(l *Limits) { l.Window = 16 << 20 }
	ix := mustRead(t, encode(32<<20, first), none, small)
	diff(t, []string{"limit-reached : only the start of the layer was read: its zstd window of 32 MiB is over 16 MiB"}, messages(ix.BlindSpots))
	ix = mustRead(t, encode(16<<20, first), none, small)
	diff(t, 0, len(ix.BlindSpots))
	ix = mustRead(t, append(encode(8<<20, first), encode(16<<20, second)...), none, small)
	diff(t, []string{"limit-reached : only the start of the layer was read: a later zstd window is over the first one's 8 MiB"}, messages(ix.BlindSpots))
}

// A pnpm store: the content is found first under a name that says nothing.
func TestHardLinksOfAnotherName(t *testing.T) {
	rules := want(func(f *File, _ []byte) Keep { return Keep{Content: strings.HasSuffix(f.Path, "package.json")} })
	store := gzipOf(tarOf(t, file("root/store/ab/cdef", "{}"), file("root/store/ab/other", "x"), hardlink("usr/src/app/package.json", "root/store/ab/cdef"), hardlink("b", "root/store/ab/other")))
	for _, parallel := range []int{1, 2} {
		indexes, err := Read(t.Context(), layout(t, blob{stored: gzipOf(tarOf(t, file("x", "")))}, blob{stored: store}), rules, Options{Limits: DefaultLimits(), Parallel: parallel})
		if err != nil {
			t.Fatal(err)
		}
		diff(t, []string{`file root/store/ab/cdef "{}"`, "file root/store/ab/other",
			"hardlink usr/src/app/package.json -> root/store/ab/cdef", "hardlink b -> root/store/ab/other"}, list(indexes[1].Files))
		diff(t, []string{"file x"}, list(indexes[0].Files))
	}
}
