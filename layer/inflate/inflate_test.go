package inflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
)

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// inflated decodes a DEFLATE stream in pieces of some size, and says how much of it was consumed.
func inflated(r io.Reader, piece int) (out []byte, consumed int64, err error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.reset(r)
	buf := make([]byte, piece)
	for err == nil {
		var n int
		n, err = d.read(buf)
		out = append(out, buf[:n]...)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return out, d.consumed(), err
}

// standardInflated does the same with Go's own library.
func standardInflated(stream []byte) (out []byte, consumed int64, err error) {
	r := bytes.NewReader(stream)
	out, err = io.ReadAll(flate.NewReader(r))
	return out, r.Size() - int64(r.Len()), err
}

// sameInflated holds the decoder against Go's own library.
func sameInflated(t *testing.T, stream []byte, r io.Reader, piece int) {
	t.Helper()
	want, wantConsumed, wantErr := standardInflated(stream)
	got, consumed, err := inflated(r, piece)
	same(t, got, want, err, wantErr)
	if err == nil && consumed != wantConsumed {
		t.Errorf("%d bytes were consumed, and %d by the standard library", consumed, wantConsumed)
	}
}

// same holds what was read against what Go's own library reads. Where both fail, one may have noticed it a few symbols later.
func same(t *testing.T, got, want []byte, err, wantErr error) {
	t.Helper()
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("error %v, and of the standard library %v", err, wantErr)
	}
	if err == nil && !bytes.Equal(got, want) || !bytes.HasPrefix(got, want[:min(len(got), len(want))]) {
		t.Fatal("not the bytes that the standard library reads")
	}
}

func deflated(tb testing.TB, b []byte, level int) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// contents are such as matches of all kinds come of.
func contents() map[string][]byte {
	noise := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var periods []byte
	for period := 1; period <= 40; period++ {
		periods = append(periods, bytes.Repeat(noise[period*50:period*51], 700/period)...)
	}
	return map[string][]byte{
		"nothing":   {},
		"one byte":  {'x'},
		"words":     generated(700_000),
		"noise":     noise,
		"zeros":     make([]byte, 300_000),
		"periods":   periods,
		"far":       append(append(append([]byte{}, noise[:windowSize]...), noise[:windowSize]...), noise[:windowSize-1]...),
		"few codes": bytes.Repeat([]byte("ab"), 3),
	}
}

func TestInflate(t *testing.T) {
	for name, content := range contents() {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			stream := deflated(t, content, level)
			for _, piece := range []int{256 << 10, Direct, 4000, 300} {
				got, consumed, err := inflated(bytes.NewReader(stream), piece)
				if err != nil || !bytes.Equal(got, content) || consumed != int64(len(stream)) {
					t.Fatalf("%s, level %d, by %d: %d bytes of %d, %d consumed of %d: %v", name, level, piece, len(got), len(content), consumed, len(stream), err)
				}
			}
		}
	}
}

// Whatever the sizes in which the input comes and the output goes.
func TestInflateTinyPieces(t *testing.T) {
	stream := append(deflated(t, generated(30_000), 6), "and what follows"...)
	for _, piece := range []int{1, 2, 7, fastRoom, fastRoom + 1, 1000} {
		sameInflated(t, stream, bytes.NewReader(stream), piece)
		sameInflated(t, stream, iotest.OneByteReader(bytes.NewReader(stream)), piece)
		sameInflated(t, stream, iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(stream))), piece)
	}
}

// A stream that is cut off anywhere is one that ends too early.
func TestInflateCutOff(t *testing.T) {
	for name, content := range map[string][]byte{"words": generated(5000), "stored": generated(100)} {
		level := 6
		if name == "stored" {
			level = flate.NoCompression
		}
		stream := deflated(t, content, level)
		for n := range stream {
			_, _, err := inflated(bytes.NewReader(stream[:n]), 1000)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s cut off after %d of %d bytes: %v", name, n, len(stream), err)
			}
			sameInflated(t, stream[:n], bytes.NewReader(stream[:n]), 1000)
		}
	}
}

func TestInflateFlippedBits(t *testing.T) {
	stream := deflated(t, generated(800), 9)
	for i := range len(stream) * 8 {
		bad := bytes.Clone(stream)
		bad[i/8] ^= 1 << (i % 8)
		sameInflated(t, bad, bytes.NewReader(bad), 1000)
	}
}

// bitWriter writes a DEFLATE stream bit by bit.
type bitWriter struct {
	b []byte
	n uint
}

func (w *bitWriter) put(v, n uint) {
	for range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v&1) << (w.n % 8)
		v >>= 1
		w.n++
	}
}

// block writes the header of a block with these code lengths, of which each is written in 4 bits.
func (w *bitWriter) block(lits, dists []uint8) {
	w.put(1|2<<1, 3)
	w.put(uint(len(lits)-257), 5)
	w.put(uint(len(dists)-1), 5)
	w.put(metaSymbols-4, 4)
	for _, symbol := range metaOrder {
		if symbol < 16 {
			w.put(4, 3)
		} else {
			w.put(0, 3)
		}
	}
	for _, length := range append(append([]uint8{}, lits...), dists...) {
		w.put(uint(bits.Reverse8(length)>>4), 4)
	}
}

func lengthsOf(n int, set map[int]uint8) []uint8 {
	lengths := make([]uint8, n)
	for symbol, length := range set {
		lengths[symbol] = length
	}
	return lengths
}

// Codes that are not complete, and symbols that may not be used, as zlib's documentation and Go's tests know them.
func TestInflateCodes(t *testing.T) {
	const a, end = 'a', 256
	for _, test := range []struct {
		name       string
		lits, dist []uint8
		body       string // bits in the order in which they come
		ok         bool
	}{
		{"two literals", lengthsOf(257, map[int]uint8{a: 1, end: 1}), []uint8{0}, "0 0 1", true},
		{"only the end of the block", lengthsOf(257, map[int]uint8{end: 1}), []uint8{0}, "0", true},
		{"only the end of the block, wrong bit", lengthsOf(257, map[int]uint8{end: 1}), []uint8{0}, "1", false},
		{"no literal", lengthsOf(257, nil), []uint8{0}, "0 0 0 0", false},
		{"no end of the block", lengthsOf(257, map[int]uint8{a: 1, a + 1: 1}), []uint8{0}, "0 1 0 1 0 1", false},
		{"incomplete", lengthsOf(257, map[int]uint8{a: 2, end: 1}), []uint8{0}, "0", false},
		{"one code of two bits", lengthsOf(257, map[int]uint8{end: 2}), []uint8{0}, "00", false},
		{"over-subscribed", lengthsOf(257, map[int]uint8{a: 1, a + 1: 1, end: 1}), []uint8{0}, "0", false},
		{"over-subscribed, then not", lengthsOf(257, map[int]uint8{a: 1, a + 1: 1, a + 2: 1, end: 15}), []uint8{0}, "0", false},
		{"distances incomplete", lengthsOf(257, map[int]uint8{a: 1, end: 1}), []uint8{2, 2, 2}, "1", false},
		{"one distance", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{1}, "0 11 0 10", true},
		{"one distance, wrong bit", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{1}, "0 11 1 10", false},
		{"one distance of two bits", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{2}, "10", false},
		{"no distance, but a match", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{0}, "0 11 0 10", false},
		{"no distance and no match", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{0}, "0 10", true},
		{"too far back", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{1, 1}, "0 11 1 10", false},
		{"as far back as there is", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{1, 1}, "0 0 11 1 10", true},
		{"a length before anything", lengthsOf(258, map[int]uint8{a: 1, end: 2, 257: 2}), []uint8{1, 1}, "11 0 10", false},
		{"too many literals", lengthsOf(287, map[int]uint8{a: 1, end: 1}), []uint8{0}, "1", false},
		{"too many distances", lengthsOf(257, map[int]uint8{a: 1, end: 1}), make([]uint8, 31), "1", false},
	} {
		for _, padding := range []int{0, 500} { // long enough for the quick loop
			w := &bitWriter{}
			w.block(test.lits, test.dist)
			for _, c := range test.body {
				if c != ' ' {
					w.put(uint(c-'0'), 1)
				}
			}
			stream := slices.Concat(w.b, make([]byte, padding))
			if test.name == "no end of the block" {
				stream = w.b
			}
			_, _, err := inflated(bytes.NewReader(stream), 1000)
			if (err == nil) != test.ok {
				t.Errorf("%s, padded with %d: %v", test.name, padding, err)
			}
			sameInflated(t, stream, bytes.NewReader(stream), 1000)
		}
	}
}

// The fixed codes have symbols that may not be used.
func TestInflateUnusedSymbols(t *testing.T) {
	for _, body := range []struct{ code, bits uint }{{0b11000110, 8}, {0b11000111, 8}, {0b0000001_11110, 12}, {0b0000001_11111, 12}} {
		w := &bitWriter{}
		w.put(1|1<<1, 3)
		w.put(reverse(0x30+'a', 8), 8)
		w.put(reverse(body.code, body.bits), body.bits)
		w.b = append(w.b, make([]byte, 100)...)
		sameInflated(t, w.b, bytes.NewReader(w.b), 1000)
		if _, _, err := inflated(bytes.NewReader(w.b), 1000); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%b: %v", body.code, err)
		}
	}
}

// randomLengths gives the lengths of a complete code: some leaves are split until there are enough of them.
func randomLengths(r *rand.Rand, symbols, used int) []uint8 {
	leaves := []uint8{0}
	for len(leaves) < used {
		if i := r.IntN(len(leaves)); leaves[i] < maxCode {
			leaves[i]++
			leaves = append(leaves, leaves[i])
		}
	}
	lengths := make([]uint8, symbols)
	for i, at := range r.Perm(symbols)[:used] {
		lengths[at] = leaves[i]
	}
	return lengths
}

// All kinds of codes, long ones too, and noise for the symbols.
func TestInflateRandomCodes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		lits := randomLengths(r, 257+r.IntN(30), 2+r.IntN(250))
		dists := randomLengths(r, 1+r.IntN(30), 1)
		if len(dists) > 1 {
			dists = randomLengths(r, len(dists), 2+r.IntN(len(dists)-1))
		}
		if r.IntN(8) == 0 { // not complete any more
			lits[r.IntN(len(lits))] = uint8(r.IntN(maxCode + 1))
		}
		w := &bitWriter{}
		w.block(lits, dists)
		for range 500 {
			w.put(uint(r.Uint32()), 32)
		}
		sameInflated(t, w.b, bytes.NewReader(w.b), 1+r.IntN(3000))
	}
}

func TestInflateReadError(t *testing.T) {
	stream := deflated(t, generated(100_000), 6)
	broken := errors.New("the network is down")
	r := io.MultiReader(bytes.NewReader(stream[:len(stream)/2]), iotest.ErrReader(broken))
	if _, _, err := inflated(r, 4000); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, _, err := inflated(stuck{}, 4000); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}

// stuck is a reader that gives nothing, and does not say why.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func FuzzInflate(f *testing.F) {
	for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
		f.Add(deflated(f, generated(2000), level), uint16(999))
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece uint16) {
		// Not too small: each piece costs a copy of the window.
		sameInflated(t, stream, bytes.NewReader(stream), 4096+int(piece))
	})
}
