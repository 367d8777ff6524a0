package inflate

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	klauspost "github.com/klauspost/compress/gzip"
)

// BenchmarkGzip holds the Reader against the libraries that there are, on what a layer may look like, and on a
// layer where one lies in the directory of shared images.
func BenchmarkGzip(b *testing.B) {
	for name, stored := range map[string][]byte{"generated": compress(b, generated(32<<20), 6), "layer": realLayer(b)} {
		if stored == nil {
			continue
		}
		var size int64
		run := func(library string, open func(r io.Reader) (io.Reader, error)) {
			b.Run(name+"/"+library, func(b *testing.B) {
				buf := make([]byte, 256<<10)
				for b.Loop() {
					z, err := open(bytes.NewReader(stored))
					if err != nil {
						b.Fatal(err)
					}
					if size, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{z}, buf); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(size)
			})
		}
		reused := NewReader(nil)
		run("inflate", func(r io.Reader) (io.Reader, error) { reused.Reset(r); return reused, nil })
		run("klauspost", func(r io.Reader) (io.Reader, error) { return klauspost.NewReader(r) })
		run("standard", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	}
}

// realLayer gives the first gzip layer of some size among the shared images.
func realLayer(tb testing.TB) []byte {
	if p := os.Getenv("LAYER"); p != "" {
		b, err := os.ReadFile(p)
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	blobs, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "images", "oci", "*", "blobs", "sha256", "*"))
	for _, p := range blobs {
		if info, err := os.Stat(p); err != nil || info.Size() < 100<<10 {
			continue
		}
		if b, err := os.ReadFile(p); err == nil && bytes.HasPrefix(b, []byte("\x1f\x8b")) {
			return b
		}
	}
	return nil
}

// generated is data with words that recur, runs and noise, the same every time.
func generated(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, 4000)
	for i := range words {
		words[i] = make([]byte, 2+r.IntN(12))
		for j := range words[i] {
			words[i][j] = "etaoinshrdlucmfwypvbgkqjxz_/.\n\x00\x01\xff"[min(r.IntN(33), r.IntN(33))]
		}
	}
	var b bytes.Buffer
	for b.Len() < n {
		switch r.IntN(200) {
		case 0:
			b.Write(bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(2000)))
		case 1:
			for range r.IntN(400) {
				b.WriteByte(byte(r.Uint32()))
			}
		default:
			b.Write(words[min(r.IntN(len(words)), r.IntN(len(words)))])
			b.WriteByte(' ')
		}
	}
	return b.Bytes()[:n]
}

func compress(tb testing.TB, b []byte, level int) []byte {
	tb.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := z.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
