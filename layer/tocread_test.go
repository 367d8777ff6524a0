package layer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
)

// blobServer is a registry with one image of one layer. It counts what is read of the layer.
type blobServer struct {
	blobs    map[string][]byte
	manifest []byte
	layer    string // its digest
	// spoil, where set, answers requests for the layer in its own way, or says false.
	spoil func(w http.ResponseWriter, r *http.Request, blob []byte) bool

	mu       sync.Mutex
	requests int
	bytes    int64
}

func (s *blobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case r.URL.Path == "/v2/":
	case strings.Contains(r.URL.Path, "/manifests/"):
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Write(s.manifest)
	case name != s.layer:
		w.Write(s.blobs[name])
	default:
		counted := &countingWriter{ResponseWriter: w}
		if s.spoil == nil || !s.spoil(counted, r, s.blobs[name]) {
			http.ServeContent(counted, r, "", time.Time{}, bytes.NewReader(s.blobs[name]))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests++
		s.bytes += counted.n
	}
}

func (s *blobServer) counts() (requests int, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.bytes
}

type countingWriter struct {
	http.ResponseWriter
	n int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n += int64(n)
	return n, err
}

// serve opens an image of one layer that lies in a registry.
func serve(t testing.TB, s *blobServer, stored []byte, annotations map[string]string, diffID string) *image.Image {
	t.Helper()
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	config := encode(map[string]any{
		"os": "linux", "architecture": "amd64", "rootfs": map[string]any{"type": "layers", "diff_ids": []string{diffID}},
	})
	s.layer = digest(stored)
	s.blobs = map[string][]byte{s.layer: stored, digest(config): config}
	s.manifest = encode(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": len(config)},
		"layers": []any{map[string]any{
			"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": s.layer, "size": len(stored), "annotations": annotations,
		}},
	})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	im, err := image.Open(t.Context(), "registry:"+strings.TrimPrefix(server.URL, "http://")+"/app:1", image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// noise is content that does not compress, the same each time.
func noise(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return string(b)
}

// tocTar has a file of each kind that reading by a table of contents treats in its own way, and much that nobody wants.
func tocTar(t testing.TB) []byte {
	return tarOf(t,
		dir("./"), dir("usr/"), dir("usr/bin/"),
		file("usr/share/photo-1", noise(600_000)),
		file("var/lib/dpkg/status", "Package: a\n"),
		file("usr/share/photo-2", noise(600_000)),
		entry{name: "usr/bin/tool", text: "\x7fELF" + noise(200_000), mode: 0o4755},
		file("opt/plugin", "\x7fELF"+noise(200_000)), // only how it starts says what it is
		symlink("bin", "usr/bin"), hardlink("usr/bin/alias", "usr/bin/tool"),
		file("store/0a1b", strings.Repeat("linked ", 20_000)), hardlink("app/linked.json", "store/0a1b"),
		file("usr/.wh.gone", ""), file("var/.wh..wh..opq", ""), file("empty", ""),
		entry{name: "dev/null", kind: '3'},
		file("usr/share/photo-3", noise(600_000)),
		file("twice", "1"), file("twice", "22"),
		file(strings.Repeat("long/", 60)+"name", "x"),
	)
}

// tocRules want files by name, by a link's name, and by how they start.
var tocRules = want(func(f *File, head []byte) Keep {
	if bytes.HasPrefix(head, []byte("\x7fELF")) {
		return Keep{Distil: func(_ context.Context, r io.ReaderAt, size int64) ([]byte, error) {
			b, err := io.ReadAll(io.NewSectionReader(r, 0, size))
			return []byte(digest(b)), err
		}}
	}
	return Keep{Content: strings.HasSuffix(f.Path, "dpkg/status") || strings.HasSuffix(f.Path, "linked.json")}
})

func encodings(t testing.TB) map[string]*chunkedWriter {
	return map[string]*chunkedWriter{
		"zstd:chunked": newChunkedWriter(t, false, 64<<10),
		"eStargz":      newChunkedWriter(t, true, 100_000),
	}
}

// readBoth reads the layer of an image by its table of contents (nil where that is not done) and whole.
func readBoth(t testing.TB, im *image.Image, rules Rules) (byTOC, whole *Index, err error) {
	t.Helper()
	s := newSession(im, rules, DefaultLimits())
	byTOC, err = s.readByTOC(t.Context(), im, im.Layers[0])
	indexes, bad := Read(t.Context(), im, rules, Options{Limits: DefaultLimits(), FullRead: true})
	if bad != nil {
		t.Fatal(bad)
	}
	return byTOC, indexes[0], err
}

func TestReadByTOC(t *testing.T) {
	for name, w := range encodings(t) {
		t.Run(name, func(t *testing.T) {
			stored, annotations := w.encode(tocTar(t))
			server := &blobServer{}
			im := serve(t, server, stored, annotations, "")
			var told, total int64
			indexes, err := Read(t.Context(), im, tocRules, Options{
				Limits: DefaultLimits(), Progress: func(read, of int64) { told, total = read, of },
			})
			if err != nil {
				t.Fatal(err)
			}
			got := indexes[0]
			if told != total || total != int64(len(stored)) {
				t.Errorf("told of %d of %d bytes", told, total)
			}
			if requests, n := server.counts(); n > int64(len(stored))/2 || requests > 8 {
				t.Errorf("%d requests for %d of %d bytes", requests, n, len(stored))
			}
			if !got.TOC || got.DiffID != "" {
				t.Errorf("TOC %v, diffID %q: nothing proves what was not read", got.TOC, got.DiffID)
			}
			_, whole, _ := readBoth(t, im, tocRules)
			if diff := cmp.Diff(whole.Files, got.Files); diff != "" {
				t.Errorf("whole (-), by the table of contents (+):\n%s", diff)
			}
		})
	}
}

// TestReadWhole has the layers of which a table of contents saves nothing, or is not to be trusted.
func TestReadWhole(t *testing.T) {
	for name, w := range encodings(t) {
		stored, annotations := w.encode(tocTar(t))
		for why, c := range map[string]struct {
			rules       Rules
			annotations map[string]string
			spoil       func(w http.ResponseWriter, r *http.Request, blob []byte) bool
		}{
			"no annotations":  {rules: tocRules},
			"no digest":       {rules: tocRules, annotations: map[string]string{chunkedPosition: annotations[chunkedPosition]}},
			"all is wanted":   {rules: all, annotations: annotations},
			"unknown digest":  {rules: tocRules, annotations: map[string]string{stargzDigest: "sha3:00"}},
			"no ranges there": {tocRules, annotations, func(w http.ResponseWriter, _ *http.Request, blob []byte) bool { w.Write(blob); return true }},
		} {
			t.Run(name+", "+why, func(t *testing.T) {
				im := serve(t, &blobServer{spoil: c.spoil}, stored, c.annotations, "")
				got, whole, err := readBoth(t, im, c.rules)
				if got != nil || err != nil {
					t.Errorf("got %v, %v, want that it is read whole", got, err)
				}
				if whole.TOC || whole.DiffID == "" {
					t.Errorf("TOC %v, diffID %q", whole.TOC, whole.DiffID)
				}
			})
		}
	}
}

// TestTOCBombs has files of which nothing looks large before their start is read.
func TestTOCBombs(t *testing.T) {
	bomb := file("opt/plugin", "\x7fELF"+strings.Repeat("\x00", 40<<20)) // only how it starts says that it is wanted
	for name, w := range encodings(t) {
		t.Run(name, func(t *testing.T) {
			stored, annotations := w.encode(tarOf(t, file("photo", noise(2_000_000)), bomb))
			im := serve(t, &blobServer{}, stored, annotations, "")
			for why, change := range map[string]func(l *Limits){
				"":      func(*Limits) {},
				"Layer": func(l *Limits) { l.Layer = 30 << 20 },
				"Ratio": func(l *Limits) { l.RatioFrom, l.Ratio = 10<<20, 20 },
			} {
				limits := DefaultLimits()
				change(&limits)
				ix, err := newSession(im, tocRules, limits).readByTOC(t.Context(), im, im.Layers[0])
				if err != nil || (ix != nil) != (why == "") {
					t.Errorf("%q: %v, %v: what a bound is hit by is read whole", why, ix != nil, err)
				}
			}
		})
	}
}

func TestPlanBoundsWhatOverflows(t *testing.T) {
	s := newSession(&image.Image{}, tocRules, DefaultLimits())
	r := s.tocReader(nil, image.Layer{Size: 1 << 30})
	_, err := r.plan([]piece{
		{chunks: []tocChunk{{offset: 1, stored: 1, size: 1 << 20}}, count: 1},
		{chunks: []tocChunk{{offset: 2, stored: 1, size: math.MaxInt64}}, count: 1},
	})
	if !errors.Is(err, errReadWhole) {
		t.Errorf("got %v", err)
	}
}

// flip answers ranges from a blob of which one byte is another.
func flip(at func(blob []byte) int) func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
	return func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
		spoilt := bytes.Clone(blob)
		spoilt[at(blob)] ^= 1
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(spoilt))
		return true
	}
}

func TestDamagedRanges(t *testing.T) {
	w := newChunkedWriter(t, false, 64<<10)
	stored, annotations := w.encode(tocTar(t))
	for name, c := range map[string]struct {
		spoil func(w http.ResponseWriter, r *http.Request, blob []byte) bool
		want  string
	}{
		"table of contents": {flip(func(blob []byte) int { return len(blob) - 200 }), "its table of contents does not match the digest"},
		"content": {flip(func(blob []byte) int { return bytes.Index(blob, []byte("Package: a")) }),
			`of "var/lib/dpkg/status"`},
		"head of what nobody wants": {flip(func([]byte) int { return 5000 }), `"usr/share/photo-1"`},
		"another range": {func(w http.ResponseWriter, _ *http.Request, blob []byte) bool {
			w.Header().Set("Content-Range", "bytes 0-9/10")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(blob[:10])
			return true
		}, `the registry sent "bytes 0-9/10"`},
		"not satisfiable": {func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}, "answered 416"},
		"cut off": {func(w http.ResponseWriter, r *http.Request, blob []byte) bool {
			w.Header().Set("Content-Range", strings.Replace(r.Header.Get("Range"), "=", " ", 1)+"/*")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(blob[:1])
			return true
		}, "bytes less than it was asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			im := serve(t, &blobServer{spoil: c.spoil}, stored, annotations, "")
			s := newSession(im, tocRules, DefaultLimits())
			got, err := s.readByTOC(t.Context(), im, im.Layers[0])
			if got != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), ": layer 0: ") {
				t.Errorf("got %v, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	at := func(offsets ...int64) (pieces []piece) {
		for _, o := range offsets {
			pieces = append(pieces, piece{chunks: []tocChunk{{offset: o, stored: 10}}, count: 1})
		}
		return pieces
	}
	requests, err := merge(at(leastGap+31, 0, 20))
	if err != nil || len(requests) != 2 || requests[0].end != 30 || requests[1].offset != leastGap+31 {
		t.Errorf("got %v, %v", requests, err)
	}
	if _, err := merge(at(0, 5)); err == nil {
		t.Error("files that share bytes were read")
	}
	var many []int64
	for i := range int64(1000) {
		many = append(many, i*leastGap*2)
	}
	if requests, err := merge(at(many...)); err != nil || len(requests) > mostRequests {
		t.Errorf("%d requests, %v", len(requests), err)
	}
	if requests, err := merge(nil); err != nil || len(requests) != 0 {
		t.Errorf("nothing is read in %d requests, %v", len(requests), err)
	}
}
