package inflate

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"
)

// standard reads a gzip file with Go's own library, and ignores what follows its last member.
func standard(file []byte) (out []byte, consumed int64, err error) {
	source := bytes.NewReader(file)
	r := bufio.NewReader(source)
	for first := true; ; first = false {
		consumed = source.Size() - int64(source.Len()) - int64(r.Buffered())
		if magic, _ := r.Peek(2); !first && string(magic) != "\x1f\x8b" {
			return out, consumed, nil
		}
		z, err := gzip.NewReader(r)
		if err != nil {
			return out, 0, early(err)
		}
		z.Multistream(false)
		member, err := io.ReadAll(z)
		out = append(out, member...)
		if err != nil {
			return out, 0, err
		}
	}
}

// sameFile holds the Reader against Go's own library, down to the kind of error, unless the file is no honest one.
func sameFile(t *testing.T, file []byte, z *Reader, honest bool) {
	t.Helper()
	want, wantConsumed, wantErr := standard(file)
	got, err := io.ReadAll(z)
	same(t, got, want, err, wantErr)
	if err == nil && z.Consumed() != wantConsumed {
		t.Fatalf("%d bytes were consumed, and %d by the standard library", z.Consumed(), wantConsumed)
	}
	if honest && kind(err) != kind(wantErr) {
		t.Fatalf("error %v, and of the standard library %v", err, wantErr)
	}
}

// kind makes the errors of both libraries comparable.
func kind(err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrHeader), errors.Is(err, gzip.ErrHeader):
		return "header"
	case errors.Is(err, ErrChecksum), errors.Is(err, gzip.ErrChecksum):
		return "checksum"
	case errors.Is(err, ErrCorrupt), errors.As(err, &corrupt):
		return "corrupt"
	}
	return err.Error()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// withHeader makes a gzip file whose header has all that it may have.
func withHeader(tb testing.TB, content []byte, h gzip.Header) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Header = h
	if _, err := z.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestReader(t *testing.T) {
	text, other := generated(100_000), []byte("another member")
	one, two, empty := compress(t, text, 6), compress(t, other, 9), compress(t, nil, 6)
	full := withHeader(t, text, gzip.Header{Name: "näme", Comment: "comment", Extra: make([]byte, 65535), ModTime: time.Unix(1, 0)})
	sized := func(n int) gzip.Header { return gzip.Header{Name: string(bytes.Repeat([]byte("n"), n))} }
	patched := func(file []byte, at int, v ...byte) []byte {
		file = bytes.Clone(file)
		copy(file[(at+len(file))%len(file):], v)
		return file
	}
	checked := func(crc ...byte) []byte {
		return join([]byte("\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\x03"), crc, two[10:])
	}
	for name, file := range map[string][]byte{
		"one member":                 one,
		"of nothing":                 empty,
		"members":                    join(one, two, empty, empty, one),
		"a thousand members":         bytes.Repeat(two, 1000),
		"then zeros":                 join(one, make([]byte, 1000)),
		"then garbage":               join(one, two, []byte("garbage")),
		"then one byte":              join(one, []byte{0x1f}),
		"then one zero":              join(one, []byte{0}),
		"then half a header":         join(one, two[:5]),
		"then another method":        join(one, []byte("\x1f\x8b\x07\x00\x00\x00\x00\x00\x00\x00")),
		"all parts of a header":      full,
		"the longest name":           withHeader(t, text, sized(longestName-1)),
		"too long a name":            withHeader(t, text, sized(longestName)),
		"much too long a name":       withHeader(t, text, sized(100_000)),
		"no input":                   {},
		"wrong magic":                patched(one, 0, 'x'),
		"wrong method":               patched(one, 2, 7),
		"reserved flags":             patched(one, 3, 0xe1),
		"wrong checksum":             patched(one, -8, 1, 2, 3, 4),
		"wrong size":                 patched(one, -4, 1, 2, 3, 4),
		"wrong checksum of nothing":  patched(empty, -8, 1),
		"wrong checksum, of many":    join(two, patched(one, -8, 1, 2, 3, 4), two),
		"checksum of the header":     checked(0, 0),
		"header checksum is right":   checked(headerCRC("\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\x03")...),
		"header checksum is cut off": checked()[:11],
		"reserved kind of a block":   patched(one, 10, 7),
	} {
		t.Run(name, func(t *testing.T) {
			sameFile(t, file, NewReader(bytes.NewReader(file)), true)
			sameFile(t, file, NewReader(iotest.OneByteReader(bytes.NewReader(file))), true)
			sameFile(t, file, NewReader(bufio.NewReaderSize(iotest.DataErrReader(bytes.NewReader(file)), 16)), true)
		})
	}
}

func headerCRC(header string) []byte {
	var z Reader
	z.Reset(bytes.NewReader([]byte(header)))
	if _, err := z.take(len(header)); err != nil {
		return nil
	}
	return []byte{byte(z.crc), byte(z.crc >> 8)}
}

// A file that is cut off or damaged anywhere fails as it does with Go's own library.
func TestReaderDamaged(t *testing.T) {
	file := join(withHeader(t, generated(700), gzip.Header{Name: "name", Extra: []byte("extra")}), compress(t, generated(300), 1))
	z := NewReader(nil)
	for n := range file {
		z.Reset(bytes.NewReader(file[:n]))
		sameFile(t, file[:n], z, true)
	}
	for i := range len(file) * 8 {
		bad := bytes.Clone(file)
		bad[i/8] ^= 1 << (i % 8)
		z.Reset(bytes.NewReader(bad))
		sameFile(t, bad, z, false)
	}
}

// Reads of all sizes in turn give the same bytes, and an error stays.
func TestReaderSizes(t *testing.T) {
	text := generated(3 << 20)
	for _, cut := range []int{0, 5} {
		file := compress(t, text, 6)
		file = file[:len(file)-cut]
		z := NewReader(bytes.NewReader(file))
		var got []byte
		var err error
		for i := 0; err == nil; i++ {
			buf := make([]byte, []int{Direct, 1, 100, Direct - 1, 256 << 10, 0, Direct + 1}[i%7])
			var n int
			n, err = z.Read(buf)
			got = append(got, buf[:n]...)
		}
		want := io.EOF
		if cut > 0 {
			want = io.ErrUnexpectedEOF
		}
		if _, again := z.Read(make([]byte, 10)); !errors.Is(err, want) || !errors.Is(again, want) {
			t.Errorf("errors %v and %v, not %v", err, again, want)
		}
		if !bytes.Equal(got, text) {
			t.Errorf("cut by %d: not the same bytes", cut)
		}
	}
}

// How much was consumed depends on the bytes, and not on the sizes in which they come.
func TestConsumedIsTheSame(t *testing.T) {
	file := join(compress(t, generated(1<<20), 6), compress(t, generated(1<<20), 1))
	seen := func(r io.Reader) (all []int64) {
		z := NewReader(r)
		buf := make([]byte, Direct)
		for {
			_, err := io.ReadFull(z, buf)
			all = append(all, z.Consumed())
			if err != nil {
				return all
			}
		}
	}
	want := fmt.Sprint(seen(bytes.NewReader(file)))
	for _, r := range []io.Reader{iotest.OneByteReader(bytes.NewReader(file)), iotest.HalfReader(bytes.NewReader(file))} {
		if got := fmt.Sprint(seen(r)); got != want {
			t.Errorf("consumed %s\nnot %s", got, want)
		}
	}
}

// A Reader that was used before needs no more memory.
func TestReaderAllocatesNothing(t *testing.T) {
	file := join(compress(t, generated(1<<20), 6), withHeader(t, generated(1000), gzip.Header{Name: "name"}))
	source := bytes.NewReader(file)
	z := NewReader(source)
	direct, small := make([]byte, Direct), make([]byte, 1000)
	for _, buf := range [][]byte{direct, small} {
		all := func() {
			source.Reset(file)
			z.Reset(source)
			for {
				if _, err := z.Read(buf); errors.Is(err, io.EOF) {
					return
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
		all()
		if n := testing.AllocsPerRun(3, all); n != 0 {
			t.Errorf("%v allocations with reads of %d bytes", n, len(buf))
		}
	}
}

// Real layers, as several tools compressed them.
func TestReaderOnLayers(t *testing.T) {
	blobs, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "images", "oci", "*", "blobs", "sha256", "*"))
	tested := 0 // bytes
	z := NewReader(nil)
	for _, p := range blobs {
		b, err := os.ReadFile(p)
		if err != nil || !bytes.HasPrefix(b, []byte("\x1f\x8b")) || len(b) > 4<<20 {
			continue
		}
		if tested += len(b); tested > 8<<20 {
			break
		}
		z.Reset(bytes.NewReader(b))
		sameFile(t, b, z, true)
	}
	if tested == 0 {
		t.Skip("there are no shared images")
	}
}

func FuzzReader(f *testing.F) {
	text := generated(500)
	f.Add(compress(f, text, 6))
	f.Add(join(compress(f, text, 1), compress(f, nil, 0), []byte("garbage")))
	f.Add(withHeader(f, text, gzip.Header{Name: "name", Comment: "comment", Extra: []byte("extra")}))
	z := NewReader(nil)
	f.Fuzz(func(t *testing.T, file []byte) {
		z.Reset(bytes.NewReader(file))
		sameFile(t, file, z, false)
		z.Reset(iotest.OneByteReader(bytes.NewReader(file)))
		sameFile(t, file, z, false)
	})
}
