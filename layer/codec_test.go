package layer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
)

// sample is an index with something of everything.
func sampleIndex() stored {
	sums := &Digests{MD5: [16]byte{1}, SHA1: [20]byte{2}, SHA256: [32]byte{3}}
	return stored{kept: 12345, digests: true, Index: &Index{
		DiffID: "sha256:abc", TOC: true,
		BlindSpots: []image.BlindSpot{{Kind: image.LimitReached, Where: "a/b", Message: "was not read"}, {Kind: image.UnreadableLayer, Message: "x"}},
		Files: []File{
			{Path: "a", Type: Directory, Mode: 0o755},
			{Path: "a/content", Size: 3, Mode: 0o644, Body: &Body{Content: []byte("abc")}},
			{Path: "a/empty", Mode: 0o644, Body: &Body{Content: []byte{}, Facts: []byte{}}},
			{Path: "a/both", Size: 1 << 40, Mode: 0o755, Program: true, Body: &Body{Content: []byte("x"), Facts: []byte("{}"), Digests: sums}},
			{Path: "a/digests", Size: 1, Body: &Body{Digests: sums}},
			{Path: "a/neither", Size: 5},
			{Path: "a/link", Type: Symlink, Link: "content"}, {Path: "hard", Type: Hardlink, Link: "a/content"},
			{Path: "dev", Type: Special}, {Path: "a/\xff\n", Type: Whiteout}, {Path: ".", Type: Opaque},
			{Path: strings.Repeat("long/", 1000) + "x"}, {Path: strings.Repeat("long/", 1000) + "y"},
		},
	}}
}

func encoded(t testing.TB, s stored) []byte {
	t.Helper()
	b, err := s.encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStoredIndexIsTheSame(t *testing.T) {
	compare := cmp.AllowUnexported(stored{})
	s := sampleIndex()
	got, err := decodeIndex(encoded(t, s), allAlgorithms)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, got, compare); d != "" {
		t.Error(d)
	}
	for _, s := range []stored{{Index: &Index{}}, {Index: &Index{DiffID: "x"}}} {
		if got, err = decodeIndex(encoded(t, s), noAlgorithm); err != nil || !cmp.Equal(s, got, compare) {
			t.Errorf("%v: got %v", err, got)
		}
	}
	for _, name := range []string{"alpine-3.14", "go-app"} {
		t.Run(name, func(t *testing.T) {
			im := shared(t, name)
			for _, digests := range []bool{false, true} {
				o := Options{Limits: DefaultLimits(), Digests: digests}
				indexes, err := Read(t.Context(), im, databases, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, ix := range indexes {
					s := stored{Index: ix, digests: digests}
					b := encoded(t, s)
					if got, err := decodeIndex(b, o.algorithms()); err != nil || !reflect.DeepEqual(s, got) {
						t.Errorf("digests %v: %v, or not the same", digests, err)
					}
					if got, err := decodeIndex(b, noAlgorithm); err != nil || got.digests {
						t.Errorf("without its digests: %v", err)
					}
				}
			}
		})
	}
}

// TestStoredForm fails when the form changes: codecVersion must then change with it.
func TestStoredForm(t *testing.T) {
	var e encoder
	var last File
	for _, f := range sampleIndex().Files[:9] {
		e.file(&f, &last)
		last = f
	}
	diff(t, 1, codecVersion)
	diff(t, "81000161ed03"+"900108"+"2f636f6e74656e74"+"a4030303"+"30"+"0205656d707479"+"000000"+
		"f80204626f7468"+"ed03"+"8080808080"+"200102"+"c0020764696765737473"+"0001"+"00"+"02"+"076e656974686572"+"05"+"02"+"02"+"046c696e6b"+"07636f6e74656e74"+
		"03"+"00"+"0468617264"+"09612f636f6e74656e74"+"04"+"00"+"03646576", hex.EncodeToString(e.table))
	diff(t, "abcx{}", string(e.bodies))
	diff(t, 2*(16+20+32), len(e.sums))
}

func TestDamagedIndex(t *testing.T) {
	whole := encoded(t, sampleIndex())
	for i := range whole {
		if _, err := decodeIndex(whole[:i], allAlgorithms); err == nil {
			t.Fatalf("cut off after %d bytes: no error", i)
		}
	}
	if _, err := decodeIndex(append(bytes.Clone(whole), 0), allAlgorithms); !errors.Is(err, errStored) {
		t.Errorf("a byte more: %v", err)
	}
}

// FuzzDecode reads hostile bytes as the two parts of a stored index.
func FuzzDecode(f *testing.F) {
	var e encoder
	s := sampleIndex()
	f.Add(e.table, e.bodies, e.sums)
	e.index(s)
	f.Add(e.table, e.bodies, e.sums)
	f.Fuzz(func(t *testing.T, table, bodies, sums []byte) {
		d := decoder{table: table, bodies: bodies, sums: sums}
		s := d.index(allAlgorithms)
		if d.bad || len(d.table)+len(d.bodies)+len(d.sums) > 0 {
			return
		}
		var again encoder
		again.index(s)
		e := decoder{table: again.table, bodies: again.bodies, sums: again.sums}
		if got := e.index(allAlgorithms); e.bad || !cmp.Equal(s, got, cmp.AllowUnexported(stored{})) {
			t.Fatal("not the same when it is stored again")
		}
	})
}

// BenchmarkDecode reads a layer of 86,000 files, of which some were captured.
func BenchmarkDecode(b *testing.B) {
	ix := many(0, 86_000)
	for i := range ix.Files {
		if i%50 == 0 {
			ix.Files[i].Body = &Body{Content: fmt.Appendf(nil, `{"name":"package-%d","version":"1.0.%d"}`, i, i%7)}
		}
	}
	stored := encoded(b, stored{Index: ix})
	b.SetBytes(int64(len(stored)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeIndex(stored, noAlgorithm); err != nil {
			b.Fatal(err)
		}
	}
}

// A layer whose paths are all long, as no honest one's are, is not stored: that would take as much memory again.
func TestIndexTooLargeToStore(t *testing.T) {
	s := stored{Index: &Index{}}
	long := strings.Repeat("x", maxStoredPath-1)
	for i := range maxTable/maxStoredPath + 2 {
		s.Files = append(s.Files, File{Path: string(rune('a'+i%2)) + long})
	}
	if _, err := s.encode(); err == nil || !strings.Contains(err.Error(), "too long to be stored") {
		t.Errorf("%v", err)
	}
}
