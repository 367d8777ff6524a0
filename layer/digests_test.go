package layer

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
)

func TestDigests(t *testing.T) {
	texts := map[string]string{
		"empty": "", "short": "abc", "head": strings.Repeat("h", HeadSize), "captured": strings.Repeat("c", 1000),
		"distilled": strings.Repeat("d", slabSize+1), "large": strings.Repeat("l", 3*sideBySide+1), "partly": "the rules stop early" + strings.Repeat("p", 300),
	}
	rules := want(func(f *File, _ []byte) Keep {
		switch f.Path {
		case "captured", "short":
			return Keep{Content: true}
		case "distilled":
			return Keep{Distil: lengths}
		}
		return Keep{}
	})
	var entries []entry
	dir := t.TempDir()
	for name, text := range texts {
		entries = append(entries, file(name, text), hardlink("of-"+name, name))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	limits := DefaultLimits()
	limits.Memory = slabSize // the distilled file is spilled
	o := Options{Limits: limits, Digests: true}
	for name, im := range map[string]*image.Image{"layer": layout(t, blob{stored: gzipOf(tarOf(t, entries...))}), "directory": {Root: os.DirFS(dir)}} {
		t.Run(name, func(t *testing.T) {
			indexes, err := Read(t.Context(), im, rules, o)
			if err != nil {
				t.Fatal(err)
			}
			files := 0
			for _, f := range indexes[0].Files {
				if f.Type != Regular {
					diff(t, (*Digests)(nil), f.Digests())
					continue
				}
				files++
				text := []byte(texts[f.Path])
				diff(t, &Digests{MD5: md5.Sum(text), SHA1: sha1.Sum(text), SHA256: sha256.Sum256(text)}, f.Digests())
			}
			diff(t, len(texts), files)
		})
	}
}

// A list of nothing but SHA-256 needs no other digest, except of a file that a sink has a note on: whether its package installed it so is told
// by what the package's database has. What the cache keeps of another reading changes nothing.
func TestSHA256Alone(t *testing.T) {
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("plain", "p"), file("noted", "n")))})
	sink := &onlooker{name: "s", version: "1", say: func(path string, _ []byte) ([]byte, error) {
		if path == "noted" {
			return []byte("!"), nil
		}
		return nil, nil
	}}
	want := map[string]*Digests{"plain": {SHA256: sha256.Sum256([]byte("p"))}, "noted": digestsOf([]byte("n"))}
	for name, o := range map[string]Options{
		"without a cache":  {},
		"kept":             {Cache: openCache(t, t.TempDir(), 1<<20)},
		"kept by another":  {Cache: openCache(t, t.TempDir(), 1<<20)},
		"kept by everyone": {Cache: openCache(t, t.TempDir(), 1<<20)},
	} {
		o.Limits, o.Sinks = DefaultLimits(), []Sink{sink}
		if strings.HasPrefix(name, "kept by") {
			all := o
			all.Digests, all.SHA256 = true, name == "kept by everyone"
			if _, err := Read(t.Context(), im, none, all); err != nil {
				t.Fatal(err)
			}
		}
		o.SHA256 = true
		for range 2 {
			indexes, err := Read(t.Context(), im, none, o)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]*Digests{}
			for _, f := range indexes[0].Files {
				got[f.Path] = f.Digests()
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
	}
}

func TestDigestsSideBySide(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789"), sideBySide/5)
	for _, cores := range []int{1, coresBusy + 1} {
		d := newDigester(allAlgorithms)
		d.cores = cores
		d.Write([]byte("of the file before"))
		d.reset()
		d.Write(text[:100])
		d.Write(text[100:])
		diff(t, &Digests{MD5: md5.Sum(text), SHA1: sha1.Sum(text), SHA256: sha256.Sum256(text)}, d.digests())
	}
}

func TestPrograms(t *testing.T) {
	mz := append([]byte("MZ"), make([]byte, 62)...)
	mz[60] = 0x80
	programs := map[string]string{
		"elf": "\x7fELF\x02\x01\x01\x00", "script": "#!", "macho": "\xcf\xfa\xed\xfe\x07\x00\x00\x01", "fat": "\xca\xfe\xba\xbe\x00\x00\x00\x02", "pe": string(mz),
	}
	others := map[string]string{"class": "\xca\xfe\xba\xbe\x00\x00\x00\x41", "text": "hello", "empty": "", "cut": "\x7fELF", "dos": "MZ" + strings.Repeat(" ", 100)}
	var entries []entry
	for name, text := range programs {
		entries = append(entries, file("yes/"+name, text))
	}
	for name, text := range others {
		entries = append(entries, file("no/"+name, text))
	}
	for _, f := range mustRead(t, tarOf(t, entries...), none, nil).Files {
		if f.Program != strings.HasPrefix(f.Path, "yes/") {
			t.Errorf("%s: %v", f.Path, f.Program)
		}
	}
}

// BenchmarkDigests hashes what of a file passes by at once, one hash after another and side by side.
func BenchmarkDigests(b *testing.B) {
	for name, size := range map[string]int{"4KiB": 4 << 10, "64KiB": sideBySide, "256KiB": 256 << 10} {
		for _, cores := range []int{1, coresBusy + 1} {
			b.Run(fmt.Sprintf("%s/%d cores", name, cores), func(b *testing.B) {
				d, buf := newDigester(allAlgorithms), make([]byte, size)
				d.cores = cores
				b.SetBytes(int64(size))
				for b.Loop() {
					d.reset()
					d.Write(buf)
					d.digests()
				}
			})
		}
	}
}
