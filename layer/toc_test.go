package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

// chunkedWriter writes a layer as zstd:chunked or eStargz: each chunk of a file is compressed by itself.
type chunkedWriter struct {
	t       testing.TB
	stargz  bool
	chunk   int // bytes of content
	blob    bytes.Buffer
	zstd    *zstd.Encoder
	entries []tocEntry
}

func newChunkedWriter(t testing.TB, stargz bool, chunk int) *chunkedWriter {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	return &chunkedWriter{t: t, stargz: stargz, chunk: chunk, zstd: z}
}

// write compresses a part of the tar by itself and says where it is.
func (w *chunkedWriter) write(b []byte) (offset int64) {
	offset = int64(w.blob.Len())
	if len(b) == 0 {
		return offset
	}
	if w.stargz {
		w.blob.Write(gzipOf(b))
	} else {
		w.blob.Write(w.zstd.EncodeAll(b, nil))
	}
	return offset
}

// encode gives the layer and its annotations.
func (w *chunkedWriter) encode(archive []byte) (stored []byte, annotations map[string]string) {
	source := bytes.NewReader(archive)
	r := tar.NewReader(source)
	done := 0 // of archive
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			w.t.Fatal(err)
		}
		at := len(archive) - source.Len()
		w.write(archive[done:at])
		done = at + int(h.Size)
		w.file(h, archive[at:done])
	}
	if w.stargz {
		w.write(archive[done : (done+tarBlock-1)/tarBlock*tarBlock]) // the tar goes on
		return w.finishStargz()
	}
	w.write(archive[done:])
	return w.finishChunked()
}

func (w *chunkedWriter) file(h *tar.Header, body []byte) {
	types := map[byte]string{
		tar.TypeReg: "reg", tar.TypeDir: "dir", tar.TypeSymlink: "symlink", tar.TypeLink: "hardlink", tar.TypeChar: "char",
	}
	e := tocEntry{Type: types[h.Typeflag], Name: h.Name, LinkName: h.Linkname, Mode: h.Mode, Size: h.Size}
	if len(body) == 0 {
		w.entries = append(w.entries, e)
		return
	}
	e.Digest = digest(body)
	for at := 0; at < len(body); at += w.chunk {
		part := body[at:min(at+w.chunk, len(body))]
		if at > 0 {
			e = tocEntry{Type: "chunk", Name: h.Name}
		}
		e.Offset, e.ChunkOffset = w.write(part), int64(at)
		if len(body) > w.chunk {
			e.ChunkSize, e.ChunkDigest = int64(len(part)), digest(part)
		}
		w.entries = append(w.entries, e)
	}
}

func (w *chunkedWriter) json() []byte {
	b, err := json.Marshal(map[string]any{"version": 1, "entries": w.entries})
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// skippable writes a frame that zstd skips.
func (w *chunkedWriter) skippable(b []byte) (offset int) {
	n := len(b)
	w.blob.Write([]byte{0x50, 0x2a, 0x4d, 0x18, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)})
	w.blob.Write(b)
	return w.blob.Len() - n
}

func (w *chunkedWriter) finishChunked() ([]byte, map[string]string) {
	content := w.json()
	stored := zstdOf(content)
	at := w.skippable(stored)
	w.skippable([]byte("the footer, which nobody needs"))
	return w.blob.Bytes(), map[string]string{
		chunkedDigest:   digest(stored),
		chunkedPosition: fmt.Sprintf("%d:%d:%d:1", at, len(stored), len(content)),
	}
}

func (w *chunkedWriter) finishStargz() ([]byte, map[string]string) {
	content := w.json()
	at := w.write(tarOf(w.t, file("stargz.index.json", string(content))))
	z, _ := gzip.NewWriterLevel(&w.blob, gzip.NoCompression)
	z.Extra = fmt.Appendf(nil, "SG\x16\x00%016xSTARGZ", at)
	if err := z.Close(); err != nil {
		w.t.Fatal(err)
	}
	return w.blob.Bytes(), map[string]string{stargzDigest: digest(content)}
}

// TestRealTOCs reads what the formats' own writers made of one tar, both with all kinds of files and small chunks:
// containers/storage 1.59.1 (zstd:chunked) and containerd/stargz-snapshotter 0.17.0 (eStargz).
func TestRealTOCs(t *testing.T) {
	for name, annotations := range map[string]map[string]string{
		"chunked.tar.zst": {
			chunkedDigest:   "sha256:21a7082e5743c08baf851f8051063974afcd8c00d78b22e90536234265cf3d98",
			chunkedPosition: "34591:648:1765:1",
		},
		"stargz.tar.gz": {stargzDigest: "sha256:104b54673218ef6b5dd8668ec0491c1f8497068aa9a8212c90791ea611241391"},
	} {
		t.Run(name, func(t *testing.T) {
			stored, err := os.ReadFile(filepath.Join("testdata", "toc", name))
			if err != nil {
				t.Fatal(err)
			}
			s := newSession(&image.Image{}, all, DefaultLimits())
			whole, err := s.readBlob(t.Context(), image.Layer{}, &meter{r: bytes.NewReader(stored), progress: &progress{}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			l := image.Layer{Size: int64(len(stored)), Annotations: annotations}
			if diff := cmp.Diff(contents(whole.Files), contentsByTOC(t, s, l, stored)); diff != "" {
				t.Errorf("whole (-), by the table of contents (+):\n%s", diff)
			}
		})
	}
}

// contents tells of each file what there is to know, in one line.
func contents(files []File) []string {
	var lines []string
	for _, f := range files {
		sum := ""
		if f.Path != "stargz.index.json" {
			sum = digest(f.Content())
		}
		lines = append(lines, fmt.Sprint(f.Path, " ", f.Type, f.Mode, f.Size, f.Link, sum))
	}
	return lines
}

// contentsByTOC reads all files of a layer by its table of contents, each by itself.
func contentsByTOC(t *testing.T, s *session, l image.Layer, stored []byte) []string {
	t.Helper()
	p, ok := placeTOC(l)
	if !ok {
		t.Fatal("no table of contents")
	}
	if !p.chunked {
		if err := p.readFooter(stored[len(stored)-stargzFooter:], l.Size); err != nil {
			t.Fatal(err)
		}
	}
	toc, err := openTOC(p, stored[p.offset:p.offset+p.length])
	if err != nil {
		t.Fatal(err)
	}
	r := s.tocReader(nil, l)
	if p.chunked {
		if err := r.openZstd(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	defer r.close()
	var files []File
	for _, f := range toc.files {
		chunks := toc.chunks[f.first:f.last]
		if len(chunks) > 0 {
			stream := &position{r: bytes.NewReader(stored[chunks[0].offset:]), at: chunks[0].offset}
			b, err := io.ReadAll(&tocContent{tocReader: r, stream: stream, path: f.Path, chunks: chunks})
			if err != nil {
				t.Fatal(err)
			}
			f.body().Content = b
		}
		files = append(files, f.File)
	}
	return contents(files)
}

func TestParseTOC(t *testing.T) {
	hash := digest(nil)
	for name, c := range map[string]struct {
		entries string
		ok      bool
	}{
		"good":               {`{"type":"reg","name":"a","size":3,"offset":5,"digest":"` + hash + `"},{"type":"dir","name":"d"}`, true},
		"chunks":             {`{"type":"reg","name":"a","size":3,"offset":5,"chunkSize":2,"chunkDigest":"` + hash + `"},{"type":"chunk","offset":7,"chunkOffset":2,"chunkDigest":"` + hash + `"}`, true},
		"root":               {`{"type":"dir","name":"./"}`, true},
		"a whiteout":         {`{"type":"reg","name":".wh.x"}`, true},
		"no digest":          {`{"type":"reg","name":"a","size":3,"offset":5}`, false},
		"short digest":       {`{"type":"reg","name":"a","size":3,"offset":5,"digest":"sha256:00"}`, false},
		"negative size":      {`{"type":"reg","name":"a","size":-3,"offset":5,"digest":"` + hash + `"}`, false},
		"no offset":          {`{"type":"reg","name":"a","size":3,"digest":"` + hash + `"}`, false},
		"beyond the end":     {`{"type":"reg","name":"a","size":3,"offset":1000,"digest":"` + hash + `"}`, false},
		"missing chunk":      {`{"type":"reg","name":"a","size":3,"offset":5,"chunkSize":2,"chunkDigest":"` + hash + `"},{"type":"dir","name":"d"}`, false},
		"missing last chunk": {`{"type":"reg","name":"a","size":3,"offset":5,"chunkSize":2,"chunkDigest":"` + hash + `"}`, false},
		"chunk too many":     {`{"type":"reg","name":"a","size":3,"offset":5,"digest":"` + hash + `"},{"type":"chunk","offset":7,"chunkOffset":3,"chunkSize":1,"chunkDigest":"` + hash + `"}`, false},
		"chunk first":        {`{"type":"chunk","offset":7}`, false},
		"chunk misplaced":    {`{"type":"reg","name":"a","size":3,"offset":5,"chunkSize":2,"chunkDigest":"` + hash + `"},{"type":"chunk","offset":7,"chunkOffset":1,"chunkDigest":"` + hash + `"}`, false},
		"shared members":     {`{"type":"reg","name":"a","size":3,"offset":5,"innerOffset":9,"digest":"` + hash + `"}`, false},
		"unknown type":       {`{"type":"door","name":"a"}`, false},
		"bytes of no text":   {"{\"type\":\"dir\",\"name\":\"a\xff\"}", false},
		"not JSON":           {`{`, false},
		"not an object":      {`7`, false},
	} {
		t.Run(name, func(t *testing.T) {
			toc, err := parseTOC(strings.NewReader(`{"version":1,"entries":[` + c.entries + `]}`))
			if ok := err == nil && toc.place(100); ok != c.ok {
				t.Errorf("understood: %v (%v), want %v", ok, err, c.ok)
			}
		})
	}
	if _, err := parseTOC(strings.NewReader(`{"entries":[],"entries":[]}`)); err == nil {
		t.Error("entries that come twice were understood")
	}
	for _, other := range []string{`{}`, `{"Entries":[{"type":"dir","name":"d"}]}`} {
		if toc, err := parseTOC(strings.NewReader(other)); err == nil {
			t.Errorf("%s is understood as %d files", other, len(toc.files))
		}
	}
	_, err := parseTOC(strings.NewReader(`{"entries":[` + strings.Repeat(`{"type":"dir","name":"d"},`, maxTOCFiles) + `{"type":"dir","name":"d"}]}`))
	if err == nil {
		t.Error("more files were understood than the bound has")
	}
}

func TestPlaceTOC(t *testing.T) {
	for position, want := range map[string]bool{
		"10:20:300:1":                        true,
		"10:20:300:2":                        false, // an unknown kind
		"10:20:300":                          false,
		"0:20:300:1":                         false,
		"-1:20:300:1":                        false,
		"10:0:300:1":                         false,
		"90:20:300:1":                        false, // beyond the end
		"10:9223372036854775807:300:1":       false,
		"9223372036854775807:20:300:1":       false,
		"":                                   false,
		"10:99999999999999999999999999:20:1": false,
	} {
		_, got := placeTOC(image.Layer{Size: 100, Annotations: map[string]string{chunkedDigest: digest(nil), chunkedPosition: position}})
		if got != want {
			t.Errorf("%q: %v, want %v", position, got, want)
		}
	}
	if _, ok := placeTOC(image.Layer{Size: 100}); ok {
		t.Error("a layer without annotations has a table of contents")
	}
}

// FuzzTOC reads hostile bytes as a table of contents and holds what is understood against what readers rely on.
func FuzzTOC(f *testing.F) {
	w := newChunkedWriter(f, false, 3)
	w.encode(tarOf(f, dir("d"), file("d/a", "12345"), symlink("s", "d"), hardlink("h", "d/a"), file(".wh.x", "")))
	f.Add(w.json())
	f.Fuzz(func(t *testing.T, content []byte) {
		const end = 1000
		toc, err := parseTOC(bytes.NewReader(content))
		if err != nil || !toc.place(end) {
			return
		}
		for _, f := range toc.files {
			var size int64
			for _, c := range toc.chunks[f.first:f.last] {
				if c.offset <= 0 || c.stored <= 0 || c.end() > end || c.size <= 0 {
					t.Fatalf("%q has the chunk %+v", f.Path, c)
				}
				size += c.size
			}
			if f.Type == Regular && size != f.Size {
				t.Fatalf("%q has %d bytes, its chunks %d", f.Path, f.Size, size)
			}
		}
	})
}

func BenchmarkTOC(b *testing.B) {
	w := newChunkedWriter(b, true, 4)
	var entries []entry
	for i := range 10_000 {
		entries = append(entries, file(fmt.Sprintf("usr/share/doc/package-%d/changelog", i), "text"))
	}
	w.encode(tarOf(b, entries...))
	content := w.json()
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := parseTOC(bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
	}
}
