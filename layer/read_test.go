package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

// want makes rules of a function.
type want func(f *File, head []byte) Keep

func (w want) Want(f *File, head []byte) Keep { return w(f, head) }

// all captures every file.
var all = want(func(*File, []byte) Keep { return Keep{Content: true} })

// none captures nothing.
var none = want(func(*File, []byte) Keep { return Keep{} })

// entry is one entry of a tar under test.
type entry struct {
	name string
	kind byte // 0 is a regular file
	text string
	mode int64
	pax  map[string]string
}

func file(name, text string) entry   { return entry{name: name, text: text} }
func dir(name string) entry          { return entry{name: name, kind: tar.TypeDir} }
func symlink(name, to string) entry  { return entry{name: name, kind: tar.TypeSymlink, text: to} }
func hardlink(name, to string) entry { return entry{name: name, kind: tar.TypeLink, text: to} }

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: e.mode, PAXRecords: e.pax}
		switch e.kind {
		case 0, tar.TypeReg:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.text))
		default:
			h.Linkname = e.text
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write([]byte(e.text))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstdOf(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blob is a layer as it is stored, and its tar's digest as the config claims it.
type blob struct {
	stored []byte
	diffID string
}

// layout opens an image of these layers, kept as an OCI layout.
func layout(t testing.TB, blobs ...blob) *image.Image {
	t.Helper()
	root := t.TempDir()
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int    `json:"size"`
	}
	write := func(name string, b []byte) {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put := func(mediaType string, b []byte) descriptor {
		d := digest(b)
		write(path.Join("blobs", strings.Replace(d, ":", "/", 1)), b)
		return descriptor{"application/vnd.oci.image." + mediaType + "+json", d, len(b)}
	}
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var layers []descriptor
	var diffIDs []string
	for _, b := range blobs {
		d := put("", b.stored)
		d.MediaType = "application/vnd.oci.image.layer.v1.tar+gzip"
		layers, diffIDs = append(layers, d), append(diffIDs, b.diffID)
	}
	config := put("config.v1", encode(map[string]any{
		"os": "linux", "architecture": "amd64",
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	}))
	manifest := put("manifest.v1", encode(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers,
	}))
	write("index.json", encode(map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifest}}))
	write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	im, err := image.Open(t.Context(), "oci:"+root, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// read reads a single layer, given as it is stored, within limits that may be changed.
func read(t testing.TB, stored []byte, rules Rules, change func(*Limits)) (*Index, error) {
	t.Helper()
	limits := DefaultLimits()
	if change != nil {
		change(&limits)
	}
	indexes, err := Read(t.Context(), layout(t, blob{stored: stored}), rules, Options{Limits: limits})
	if err != nil {
		return nil, err
	}
	return indexes[0], nil
}

func mustRead(t testing.TB, stored []byte, rules Rules, change func(*Limits)) *Index {
	t.Helper()
	ix, err := read(t, stored, rules, change)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

// list writes files, one a line, as tests compare them.
func list(files []File) []string {
	var lines []string
	for _, f := range files {
		kind := []string{"file", "dir", "symlink", "hardlink", "special", "whiteout", "opaque"}[f.Type]
		line := kind + " " + f.Path
		if f.Link != "" {
			line += " -> " + f.Link
		}
		if f.Content() != nil {
			line += fmt.Sprintf(" %q", f.Content())
		}
		lines = append(lines, line)
	}
	return lines
}

func messages(spots []image.BlindSpot) []string {
	var lines []string
	for _, s := range spots {
		lines = append(lines, strings.TrimSpace(string(s.Kind)+" "+s.Where+": "+s.Message))
	}
	return lines
}

func diff(t testing.TB, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("unexpected (-want +got):\n%s", d)
	}
}

func TestEncodings(t *testing.T) {
	whole := tarOf(t, file("one", "1"), file("two", "2"))
	first := tarOf(t, file("one", "1"))[:1024] // without the end of the archive
	second := tarOf(t, file("two", "2"))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	skippable := []byte("\x5a\x2a\x4d\x18\x03\x00\x00\x00abc")
	for name, stored := range map[string][]byte{
		"plain":                            whole,
		"gzip":                             gzipOf(whole),
		"zstd":                             zstdOf(whole),
		"gzip members":                     join(gzipOf(first), gzipOf(second)),
		"gzip members, then garbage":       join(gzipOf(first), gzipOf(second), []byte("trailing garbage")),
		"gzip members, then zeros":         join(gzipOf(first), gzipOf(second), make([]byte, 1000)),
		"gzip, then a byte":                join(gzipOf(whole), []byte{0x1f}),
		"zstd frames":                      join(zstdOf(first), skippable, zstdOf(second)),
		"zstd after a frame to be skipped": join(skippable, zstdOf(whole)),
		"tar without its end":              whole[:2048],
	} {
		t.Run(name, func(t *testing.T) {
			ix := mustRead(t, stored, all, nil)
			diff(t, []string{`file one "1"`, `file two "2"`}, list(ix.Files))
			diff(t, 0, len(ix.BlindSpots))
			want := digest(whole)
			switch {
			case strings.Contains(name, "members"), name == "zstd frames":
				want = digest(join(first, second))
			case name == "tar without its end":
				want = digest(stored)
			}
			diff(t, want, ix.DiffID)
		})
	}
}

func TestNoLayerAtAll(t *testing.T) {
	for name, stored := range map[string][]byte{"no bytes": {}, "an empty tar": make([]byte, 1024), "the same in gzip": gzipOf(make([]byte, 1024))} {
		t.Run(name, func(t *testing.T) {
			ix := mustRead(t, stored, all, nil)
			diff(t, 0, len(ix.Files)+len(ix.BlindSpots))
		})
	}
}

func TestUnknownEncoding(t *testing.T) {
	random := bytes.Repeat([]byte("neither one thing nor the other "), 100)
	ix := mustRead(t, random, all, nil)
	diff(t, []string{"unreadable-layer : the layer is of an unknown encoding (application/vnd.oci.image.layer.v1.tar+gzip)"}, messages(ix.BlindSpots))
	ix = mustRead(t, []byte("\xfd7zXZ\x00and so on"), all, nil)
	diff(t, []string{"unreadable-layer : the layer is of an unknown encoding: xz (application/vnd.oci.image.layer.v1.tar+gzip)"}, messages(ix.BlindSpots))
	diff(t, "the layer is encrypted", unreadable("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", errUnknownEncoding))
}

func TestDamage(t *testing.T) {
	big := tarOf(t, file("a", "whole"), file("b", strings.Repeat("not quite whole ", 10_000)))
	zipped, frames := gzipOf(big), zstdOf(big)
	flipped := bytes.Clone(zipped)
	flipped[len(flipped)/2] ^= 0xff
	badTar := bytes.Clone(big)
	badTar[1024+150] ^= 1
	for name, c := range map[string]struct {
		stored []byte
		want   string
	}{
		"gzip cut off":         {zipped[:len(zipped)/2], "layer 0: the gzip stream is cut off"},
		"gzip header cut off":  {zipped[:5], "layer 0: the gzip stream is cut off"},
		"gzip without its sum": {zipped[:len(zipped)-4], "layer 0: the gzip stream is cut off"},
		"gzip damaged":         {flipped, "layer 0: the gzip stream is damaged ("},
		"second member cut":    {append(bytes.Clone(zipped), zipped[:20]...), "layer 0: the gzip stream is cut off"},
		"zstd cut off":         {frames[:len(frames)/2], "layer 0: the zstd stream is cut off"},
		"tar cut off":          {big[:60_000], "layer 0: the tar archive is cut off"},
		"tar in gzip cut off":  {gzipOf(big[:60_000]), "layer 0: the tar archive is cut off"},
		"tar header damaged":   {gzipOf(badTar), "layer 0: the tar archive is damaged ("},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rules := range []Rules{all, none} {
				_, err := read(t, c.stored, rules, nil)
				if err == nil || !strings.Contains(err.Error(), ": "+c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got error %v, want %s", err, c.want)
				}
			}
		})
	}
}

func TestDiffIDIsProven(t *testing.T) {
	one := tarOf(t, file("a", "1"))
	good := blob{gzipOf(one), digest(one)}
	wrong := blob{gzipOf(tarOf(t, file("b", "2"))), digest(one)}
	plain := blob{one, digest(one)}
	if _, err := Read(t.Context(), layout(t, good, plain), none, Options{Limits: DefaultLimits()}); err != nil {
		t.Error(err)
	}
	_, err := Read(t.Context(), layout(t, good, wrong), none, Options{Limits: DefaultLimits()})
	if err == nil || !strings.Contains(err.Error(), ": layer 1: content does not match the diffID that the config claims") {
		t.Errorf("got error %v", err)
	}
}

func TestRepeatedLayerIsReadOnce(t *testing.T) {
	b := blob{stored: gzipOf(tarOf(t, file("a", "1")))}
	asked := 0
	count := want(func(*File, []byte) Keep { asked++; return Keep{} })
	indexes, err := Read(t.Context(), layout(t, b, b, b), count, Options{Limits: DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	if asked != 1 || len(indexes) != 3 || indexes[0] != indexes[2] {
		t.Errorf("asked %d times, %d indexes", asked, len(indexes))
	}
}

func TestProgress(t *testing.T) {
	stored := gzipOf(tarOf(t, file("a", "1")))
	var read, total int64
	o := Options{Limits: DefaultLimits(), Parallel: 1, Progress: func(r, t int64) { read, total = r, t }}
	if _, err := Read(t.Context(), layout(t, blob{stored: stored}), none, o); err != nil {
		t.Fatal(err)
	}
	diff(t, [2]int64{int64(len(stored)), int64(len(stored))}, [2]int64{read, total})
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rules := want(func(*File, []byte) Keep { cancel(); return Keep{} })
	_, err := Read(ctx, layout(t, blob{stored: gzipOf(tarOf(t, file("a", "1"), file("b", strings.Repeat("b", 1<<20))))}), rules, Options{Limits: DefaultLimits()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
}
