package advisory

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	good, _ := build(t, smallFeeds(t))
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content []byte // nil: no file
		want    string
	}{
		"none":           {nil, "tidewaiter db update or tidewaiter db import DIR"},
		"empty":          {[]byte{}, "is not an advisory file"},
		"text":           {[]byte(strings.Repeat("hello\n", 5000)), "is not an advisory file"},
		"another format": {[]byte(magic + "9\n"), `has format "9", this program reads format "2": make it anew`},
		"header":         {whole[:headerSize], "is cut short"},
		"half":           {whole[:len(whole)/2], "is cut short"},
		"one byte short": {whole[:len(whole)-1], "is cut short"},
		"one byte more":  {append(whole[:len(whole):len(whole)], 0), "is cut short or damaged"},
	} {
		path := filepath.Join(t.TempDir(), "a.db")
		if c.content != nil {
			if err := os.WriteFile(path, c.content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %q, want %q", name, err, c.want)
		}
		if errors.Is(err, fs.ErrNotExist) != (c.content == nil) {
			t.Errorf("%s: error %q", name, err)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// answers asks all that the small feeds know.
func answers(path string) (list []any, err error) {
	db, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	list = append(list, db.Info())
	for _, key := range [][2]string{{"npm", "lodash"}, {"RubyGems", "lodash-rails"}, {"Debian:12", "openssl"}, {"PyPI", "my-pkg-x"}} {
		r, err := db.Records(key[0], key[1])
		if err != nil {
			return nil, err
		}
		list = append(list, r, db.Covers(key[0]))
	}
	c, err := db.CVE("CVE-2019-10744")
	if err != nil {
		return nil, err
	}
	cycles, err := db.Cycles("debian")
	return append(list, c, cycles), err
}

// TestDamage turns each byte of an advisory file: whatever it hits, the answers are the right ones or an error.
func TestDamage(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	want, err := answers(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged, failed := filepath.Join(t.TempDir(), "a.db"), 0
	for i := range whole {
		whole[i] ^= 0x55
		if err := os.WriteFile(damaged, whole, 0o644); err != nil {
			t.Fatal(err)
		}
		whole[i] ^= 0x55
		got, err := answers(damaged)
		if err != nil {
			failed++
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("byte %d (-want +got):\n%s", i, diff)
		}
	}
	if failed < len(whole)/2 {
		t.Errorf("%d of %d damaged files were found to be so", failed, len(whole))
	}
}

// A file without one of its tables was not written by any version of this program. It is refused at once: lookups and deltas count on
// all of them.
func TestOpenWithoutTable(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	db := open(t, path)
	for _, name := range tableNames() {
		b, err := newBuilder(filepath.Join(t.TempDir(), "a.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range tableNames() {
			if other != name {
				err = errors.Join(err, b.writeTable(t.Context(), other, db.contents.Tables[other].Bits, func(putEntry) error { return nil }))
			}
		}
		_, finished := b.finish(t.Context(), contents{})
		if err = errors.Join(err, finished, b.discard()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(b.out); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

// TestCutWhileOpen cuts a file that is open, as copying another over it does.
func TestCutWhileOpen(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	db := open(t, path)
	if err := os.Truncate(path, headerSize); err != nil {
		t.Fatal(err)
	}
	if r, err := db.Records("npm", "lodash"); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestClosed(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if r, err := db.Records("npm", "lodash"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestReadOnlyAndConcurrent(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	want, err := answers(path)
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, path)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if r, err := db.Records("npm", "lodash"); err != nil || len(r) != 1 {
					t.Errorf("%v, %v", r, err)
				}
			}
			if got, err := answers(path); err != nil || !cmp.Equal(want, got) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	wg.Wait()
}

// FuzzOpen opens what is left of a file when a part of it is overwritten.
func FuzzOpen(f *testing.F) {
	path, _ := build(f, smallFeeds(f))
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	want, err := answers(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), uint32(len(whole)), []byte{})
	f.Add(uint32(100), uint32(1000), []byte("overwritten"))
	f.Fuzz(func(t *testing.T, at, size uint32, with []byte) {
		data := append([]byte(nil), whole[:min(int(size), len(whole))]...)
		if int(at) < len(data) {
			copy(data[at:], with)
		}
		path := filepath.Join(t.TempDir(), "a.db")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := answers(path)
		if err == nil && !cmp.Equal(want, got) {
			t.Errorf("wrong answers: %s", cmp.Diff(want, got))
		}
	})
}
