package layer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
)

// counted are versioned rules that capture everything, and count how often they are asked.
type counted struct {
	mu      sync.Mutex
	asked   int
	version string
}

func (c *counted) Want(*File, []byte) Keep {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return Keep{Content: true}
}

func (c *counted) Version() string { return c.version }

func openCache(t testing.TB, dir string, most int64) *Cache {
	t.Helper()
	c, err := OpenCache(dir, most)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cacheFiles are all files under a directory.
func cacheFiles(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantAsked reads an image, and checks how often the rules were asked for that.
func wantAsked(t *testing.T, im *image.Image, rules *counted, o Options, asked int) []*Index {
	t.Helper()
	rules.asked = 0
	indexes, err := Read(t.Context(), im, rules, o)
	if err != nil {
		t.Fatal(err)
	}
	if rules.asked != asked {
		t.Errorf("the rules were asked %d times, not %d", rules.asked, asked)
	}
	return indexes
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	base := blob{stored: gzipOf(tarOf(t, file("etc/os-release", "ID=x"), symlink("s", "etc")))}
	app := blob{stored: gzipOf(tarOf(t, file("app/a", "1"), file("app/b", "2")))}
	rules := &counted{}
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20)}
	im := layout(t, base, app, base)

	cold := wantAsked(t, im, rules, o, 3)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	warm := wantAsked(t, im, rules, o, 0)
	diff(t, cold, warm)
	wantAsked(t, layout(t, base, blob{stored: tarOf(t, file("c", "3"))}), rules, o, 1)

	total := int64(0)
	o.Progress = func(_, t int64) { total = t }
	last := gzipOf(tarOf(t, file("last", "4")))
	wantAsked(t, layout(t, base, app, blob{stored: last}), rules, o, 1)
	diff(t, int64(len(last)), total)
	o.Progress = nil

	// Whatever could make another index of the same layer.
	rules.version = "2"
	wantAsked(t, im, rules, o, 3)
	o.Limits.Capture = 3
	wantAsked(t, im, rules, o, 3)
	o.Limits.Memory, o.Limits.DistilTime, o.Limits.ImageKept = 1, time.Second, 1<<20
	wantAsked(t, im, rules, o, 0)
	o.Cache.program = "another"
	wantAsked(t, im, rules, o, 3)
	if err := o.Cache.Err(); err != nil {
		t.Error(err)
	}
	// Rules without a version.
	if _, err := Read(t.Context(), im, all, Options{Limits: DefaultLimits(), Cache: openCache(t, filepath.Join(dir, "unused"), 1<<20)}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "unused")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was kept: %v", err)
	}
}

func TestCacheWithDigests(t *testing.T) {
	dir := t.TempDir()
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("a", "1")))})
	plain := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20)}
	sums := plain
	sums.Digests = true
	rules := &counted{}

	first := wantAsked(t, im, rules, plain, 1)
	withSums := wantAsked(t, im, rules, sums, 1)
	diff(t, 1, len(cacheFiles(t, dir)))
	diff(t, withSums, wantAsked(t, im, rules, sums, 0))
	diff(t, first, wantAsked(t, im, rules, plain, 0))
}

func TestCacheHealsItself(t *testing.T) {
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("a", strings.Repeat("1", 1000))))})
	dir := t.TempDir()
	rules := &counted{}
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20)}
	cold := wantAsked(t, im, rules, o, 1)
	name := cacheFiles(t, dir)[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	resealed := sealed(name, []byte("no index"))
	for what, content := range map[string][]byte{"empty": {}, "cut off": whole[:len(whole)-1], "flipped": flipped, "longer": append(bytes.Clone(whole), 0),
		"no index": resealed, "of another layer": sealed(name+"x", whole[sealSize:])} {
		t.Run(what, func(t *testing.T) {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			diff(t, cold, wantAsked(t, im, rules, o, 1))
			diff(t, cold, wantAsked(t, im, rules, o, 0))
		})
	}
}

// What is no regular file is not read, which might not end, and is replaced.
func TestCacheReadsOnlyFiles(t *testing.T) {
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("a", "1")))})
	dir := t.TempDir()
	rules := &counted{}
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20)}
	cold := wantAsked(t, im, rules, o, 1)
	name := cacheFiles(t, dir)[0]
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, name); err != nil {
		t.Fatal(err)
	}
	diff(t, cold, wantAsked(t, im, rules, o, 1))
	diff(t, cold, wantAsked(t, im, rules, o, 0))
}

// What was not verified, or depends on more than the layer, must not be kept.
func TestCacheKeepsOnlyWhatIsProven(t *testing.T) {
	one := tarOf(t, file("a", "1"), file("b", strings.Repeat("b", 5000)))
	read := func(t *testing.T, im *image.Image, change func(*Options)) (files int, err error) {
		dir := t.TempDir()
		o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20), Parallel: 1}
		change(&o)
		_, err = Read(t.Context(), im, &counted{}, o)
		return len(cacheFiles(t, dir)), err
	}
	nothing := func(*Options) {}
	if n, err := read(t, shared(t, "evil-wrong-digest"), func(o *Options) { o.Limits.Entries = 1 }); err == nil || n > 1 { // of the good layer
		t.Errorf("wrong digest: %d kept, %v", n, err)
	}
	cut := gzipOf(one)
	if n, err := read(t, layout(t, blob{stored: cut[:len(cut)-4]}), nothing); err == nil || n > 0 {
		t.Errorf("cut off: %d kept, %v", n, err)
	}
	if n, err := read(t, layout(t, blob{stored: gzipOf(one)}), func(o *Options) { o.Limits.ImageKept = 3000 }); err != nil || n > 0 {
		t.Errorf("left out for the image's bound: %d kept, %v", n, err)
	}
	if n, err := read(t, layout(t, blob{stored: gzipOf(one)}), func(o *Options) { o.Limits.LayerKept = 3000 }); err != nil || n != 1 {
		t.Errorf("left out for the layer's bound: %d kept, %v", n, err)
	}

	// A config that lies: what is kept says what the layer really is.
	dir := t.TempDir()
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20)}
	lie := layout(t, blob{gzipOf(one), digest([]byte("another"))})
	for range 2 {
		if _, err := Read(t.Context(), lie, &counted{}, o); err == nil || !strings.Contains(err.Error(), "does not match the diffID") {
			t.Errorf("got error %v", err)
		}
	}
	diff(t, 1, len(cacheFiles(t, dir)))
}

// Known layers count against an image's bound as if they were read.
func TestKeptOfAnImageThatIsKnown(t *testing.T) {
	var blobs []blob
	for i := range 4 {
		blobs = append(blobs, blob{stored: gzipOf(tarOf(t, file(fmt.Sprint(i), strings.Repeat("x", 10_000))))})
	}
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, t.TempDir(), 1<<20)}
	for _, b := range blobs {
		if _, err := Read(t.Context(), layout(t, b), &counted{}, o); err != nil {
			t.Fatal(err)
		}
	}
	o.Limits.ImageKept = 25_000
	im := layout(t, blobs...)
	warm, err := Read(t.Context(), im, &counted{}, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Cache = nil
	cold, err := Read(t.Context(), im, &counted{}, o)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, cold, warm)
	if !strings.Contains(fmt.Sprint(cold[3].BlindSpots, cold[2].BlindSpots), "of the image would be kept") {
		t.Error("the bound was not met")
	}
}

func TestCacheIsBounded(t *testing.T) {
	dir := t.TempDir()
	c := openCache(t, dir, 1<<20)
	rules := &counted{}
	o := Options{Limits: DefaultLimits(), Cache: c}
	ims := map[string]*image.Image{}
	for _, name := range []string{"a", "b", "c"} {
		ims[name] = layout(t, blob{stored: gzipOf(tarOf(t, file(name, name)))})
	}
	age := func(name string, by time.Duration) {
		at := time.Now().Add(-by)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	wantAsked(t, ims["a"], rules, o, 1)
	one := cacheFiles(t, dir)[0]
	info, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	c.most = 2*info.Size() + info.Size()/2
	age(one, 3*time.Hour)
	wantAsked(t, ims["b"], rules, o, 1)
	for _, f := range cacheFiles(t, dir) {
		if f != one {
			age(f, 2*time.Hour)
		}
	}
	stale, fresh, foreign := filepath.Join(dir, "ab", tempPrefix+"1"), filepath.Join(dir, "ab", tempPrefix+"2"), filepath.Join(dir, "notes")
	os.Mkdir(filepath.Join(dir, "ab"), 0o700)
	for _, name := range []string{stale, fresh, foreign} {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	age(stale, 2*staleAfter)
	wantAsked(t, ims["a"], rules, o, 0) // which makes b the one not used for longest
	wantAsked(t, ims["c"], rules, o, 1)
	wantAsked(t, ims["a"], rules, o, 0)
	wantAsked(t, ims["c"], rules, o, 0)
	wantAsked(t, ims["b"], rules, o, 1)
	for name, want := range map[string]bool{stale: false, fresh: true, foreign: true} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	notDir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := openCache(t, filepath.Join(notDir, "cache"), 1<<20)
	wantAsked(t, layout(t, blob{stored: tarOf(t, file("a", "1"))}), &counted{}, Options{Limits: DefaultLimits(), Cache: c}, 1)
	if err := c.Err(); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v", err)
	}
	if _, err := OpenCache("relative", 1); err == nil {
		t.Error("a relative path is no error")
	}
}

func TestCacheInParallel(t *testing.T) {
	var blobs []blob
	for i := range 6 {
		blobs = append(blobs, blob{stored: gzipOf(tarOf(t, file(fmt.Sprint(i), "x")))})
	}
	im := layout(t, blobs...)
	plain, err := Read(t.Context(), im, &counted{}, Options{Limits: DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			c, err := OpenCache(dir, 500) // less than all of it
			if err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				indexes, err := Read(t.Context(), im, &counted{}, Options{Limits: DefaultLimits(), Cache: c})
				if err != nil || !cmp.Equal(plain, indexes) {
					t.Errorf("not the same, or %v", err)
				}
			}
		})
	}
	wait.Wait()
}

// versionedTOC are tocRules with a version.
type versionedTOC struct{ Rules }

func (versionedTOC) Version() string { return "" }

// A table of contents is the manifest's claim: what it gave serves only where the same one is named.
func TestCacheOfLayersReadByTOC(t *testing.T) {
	w := encodings(t)["zstd:chunked"]
	stored, annotations := w.encode(tocTar(t))
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, t.TempDir(), 1<<20)}
	rules := versionedTOC{tocRules}
	read := func(o Options, annotations map[string]string) (byTOC bool, requests int) {
		server := &blobServer{}
		indexes, err := Read(t.Context(), serve(t, server, stored, annotations, ""), rules, o)
		if err != nil {
			t.Fatal(err)
		}
		requests, _ = server.counts()
		return indexes[0].TOC, requests
	}
	whole := o
	whole.FullRead = true
	for _, c := range []struct {
		what        string
		o           Options
		annotations map[string]string
		byTOC, read bool
	}{
		{"first", o, annotations, true, true},
		{"again", o, annotations, true, false},
		{"whole, though its table is known", whole, annotations, false, true},
		{"without a table", o, nil, false, false},
	} {
		if byTOC, requests := read(c.o, c.annotations); byTOC != c.byTOC || (requests > 0) != c.read {
			t.Errorf("%s: by TOC %v, %d requests", c.what, byTOC, requests)
		}
	}
	o.Cache = openCache(t, t.TempDir(), 1<<20)
	read(o, annotations)
	if byTOC, requests := read(o, nil); byTOC || requests == 0 {
		t.Errorf("another manifest's table was believed")
	}
}
