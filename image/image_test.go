package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

// sample is an image of three layers, of which the first and the last are the same.
func sample(t *testing.T) imagetest.Content {
	t.Helper()
	base := imagetest.Tar(t, imagetest.File{Name: "etc/os-release", Content: "ID=debian\n"})
	app := imagetest.Tar(t, imagetest.File{Name: "app/data", Content: strings.Repeat("some data\n", 100_000)})
	return imagetest.Build(t, imagetest.Spec{
		Layers:    [][]byte{base, app, base},
		CreatedBy: []string{"/bin/sh -c #(nop) ADD file:1 in / ", "COPY data /app # buildkit", "RUN /bin/sh -c make # buildkit"},
		Labels:    map[string]string{"a": "b"},
	})
}

func open(t *testing.T, ref string, o image.Options) *image.Image {
	t.Helper()
	im, err := image.Open(t.Context(), ref, o)
	if err != nil {
		t.Fatalf("open %s: %v", ref, err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// readAll gives the stored bytes of each layer by its index.
func readAll(t *testing.T, im *image.Image) map[int][]byte {
	t.Helper()
	var mu sync.Mutex
	layers := map[int][]byte{}
	err := im.ReadLayers(t.Context(), 2, func(_ context.Context, l image.Layer, r io.Reader) error {
		b, err := io.ReadAll(r)
		mu.Lock()
		defer mu.Unlock()
		layers[l.Index] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

// wantError checks that an error is one line which holds all the texts.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 700 {
		t.Errorf("not one short line: %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func sameLayers(a, b map[int][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

// ignorePlace leaves out what may differ between two places where an image is kept.
var ignorePlace = cmp.Options{cmpopts.IgnoreFields(image.Image{}, "Reference", "Repository"), cmpopts.IgnoreUnexported(image.Image{}, image.Layer{})}

func compress(t *testing.T, path, suffix string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if suffix == ".zst" {
		if w, err = zstd.NewWriter(&b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path += suffix
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSameImageEverywhere(t *testing.T) {
	c := sample(t)
	layout := c.Layout(t, "latest")
	archive := c.OCIArchive(t, "latest")
	docker25 := c.Docker25Archive(t, "shop:latest")
	want := open(t, "oci:"+layout, image.Options{})
	wantBytes := readAll(t, want)
	if len(want.Layers) != 3 || len(wantBytes) != 2 {
		t.Fatalf("%d layers, %d read", len(want.Layers), len(wantBytes))
	}
	refs := []string{
		layout, layout + ":latest", "oci-dir://" + layout, "oci:" + layout + "@" + c.Root.Digest,
		archive, "oci-archive:" + archive + ":latest", compress(t, archive, ".gz"), compress(t, archive, ".zst"),
		docker25, "archive://" + docker25, "oci-archive:" + docker25,
		"docker:shop:latest",
	}
	host := imagetest.Daemon(t, "linux/amd64", map[string]string{"shop:latest": docker25})
	for _, ref := range refs {
		im := open(t, ref, image.Options{DockerHost: host})
		if im.Reference != ref {
			t.Errorf("reference is %q, not %q", im.Reference, ref)
		}
		if diff := cmp.Diff(want, im, ignorePlace); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", ref, diff)
		}
		for range 2 { // a source can be read again
			if !sameLayers(wantBytes, readAll(t, im)) {
				t.Errorf("the layers of %s differ", ref)
			}
		}
	}
}

func TestImageFields(t *testing.T) {
	c := sample(t)
	im := open(t, "oci:"+c.Layout(t, "latest"), image.Options{})
	if im.Digest != c.Root.Digest || im.Platform.String() != "linux/amd64" || im.Labels["a"] != "b" || im.Created.Year() != 2026 {
		t.Errorf("got %+v", im)
	}
	var got []string
	for _, l := range im.Layers {
		got = append(got, l.Instruction)
	}
	if diff := cmp.Diff([]string{"ADD file:1 in /", "COPY data /app", "RUN make"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDockerArchive(t *testing.T) {
	c := sample(t)
	path := c.DockerArchive(t, "shop:2.1")
	layout := open(t, "oci:"+c.Layout(t, "latest"), image.Options{})
	host := imagetest.Daemon(t, "linux/amd64", map[string]string{"shop:2.1": path})
	for _, ref := range []string{path, "docker-archive:" + path + ":shop:2.1", "docker-archive:" + path + ":2.1", compress(t, path, ".gz"), "docker:shop:2.1", "shop:2.1"} {
		im := open(t, ref, image.Options{DockerHost: host})
		if im.Digest != "" || im.ID != layout.ID {
			t.Errorf("%s: digest %q, ID %s", ref, im.Digest, im.ID)
		}
		read := readAll(t, im)
		if len(read) != 2 {
			t.Errorf("%s: %d layers read", ref, len(read))
		}
		for i, l := range im.Layers {
			if l.Digest != "" || l.DiffID != layout.Layers[i].DiffID || l.Instruction != layout.Layers[i].Instruction {
				t.Errorf("%s: layer %+v", ref, l)
			}
			if b, ok := read[i]; ok && (imagetest.Digest(b) != l.DiffID || int64(len(b)) != l.Size) {
				t.Errorf("%s: layer %d: wrong content", ref, i)
			}
		}
	}
}

func TestDockerArchiveLinks(t *testing.T) {
	layer := imagetest.Tar(t, imagetest.File{Name: "a", Content: "b"})
	c := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{layer, layer}})
	config := c.Blobs[configDigest(t, c)]
	archive := func(files ...imagetest.File) string {
		path := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(path, imagetest.Tar(t, files...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	manifest := imagetest.File{Name: "manifest.json", Content: `[{"Config":"config.json","Layers":["one/layer.tar","two/layer.tar"]}]`}
	configFile := imagetest.File{Name: "config.json", Content: string(config)}

	good := archive(imagetest.File{Name: "./one/layer.tar", Content: string(layer)}, imagetest.File{Name: "two/layer.tar", Link: "../one/layer.tar"}, configFile, manifest)
	if n := len(readAll(t, open(t, good, image.Options{}))); n != 1 {
		t.Errorf("%d layers read", n)
	}
	for _, link := range []string{"/etc/passwd", "../../../../etc/hostname", "layer.tar"} {
		bad := archive(imagetest.File{Name: "one/layer.tar", Content: string(layer)}, imagetest.File{Name: "two/layer.tar", Link: link}, configFile, manifest)
		_, err := image.Open(t.Context(), bad, image.Options{})
		wantError(t, err, "layer 1")
	}
}

func configDigest(t *testing.T, c imagetest.Content) string {
	t.Helper()
	im := open(t, "oci:"+c.Layout(t, "latest"), image.Options{})
	return im.ID
}

func TestArchiveWithTwoImages(t *testing.T) {
	files := map[string][]byte{}
	for _, c := range []imagetest.Content{sample(t), imagetest.Build(t, imagetest.Spec{})} {
		f, err := os.Open(c.Docker25Archive(t, "shop:latest"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		tr := tar.NewReader(f)
		for {
			h, err := tr.Next()
			if err != nil {
				break
			}
			b, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			if h.Name != "index.json" || files[h.Name] == nil { // the layout's index is the first image's
				files[h.Name] = b
			}
		}
	}
	path := imagetest.WriteTar(t, files)
	_, err := image.Open(t.Context(), path, image.Options{})
	wantError(t, err, "different images", "oci-archive:", "docker-archive:")
	if im := open(t, "docker-archive:"+path, image.Options{}); len(im.Layers) != 0 {
		t.Errorf("%d layers", len(im.Layers))
	}
	delete(files, "blobs/"+strings.Replace(sample(t).Root.Digest, ":", "/", 1))
	if im := open(t, imagetest.WriteTar(t, files), image.Options{}); im.Digest != "" {
		t.Error("a layout without its blobs was read")
	}
}

func TestRootDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{dir, "dir:" + dir, "fs://" + dir} {
		im := open(t, ref, image.Options{})
		f, err := im.Root.Open("file")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if f, err := im.Root.Open("out"); err == nil {
			f.Close()
			t.Error("a link led out of the directory")
		}
	}
}

func TestPlatforms(t *testing.T) {
	image1 := func(platform string) imagetest.Content {
		return imagetest.Build(t, imagetest.Spec{Platform: platform, Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: platform})}})
	}
	attestation := image1("unknown/unknown")
	arm := image1("linux/arm64/v8")
	index := imagetest.Index(t, image1("linux/amd64"), arm, image1("linux/s390x"), attestation)
	unnamed := image1("linux/riscv64")
	unnamed.Root.Platform = nil
	tests := []struct {
		name     string
		content  imagetest.Content
		platform string
		want     string
		err      []string
	}{
		{name: "picked", content: index, platform: "linux/arm64", want: "linux/arm64/v8"},
		{name: "with variant", content: index, platform: "linux/arm64/v8", want: "linux/arm64/v8"},
		{name: "other spelling", content: index, platform: "linux/aarch64", want: "linux/arm64/v8"},
		{name: "wrong variant", content: index, platform: "linux/arm64/v9", err: []string{"no image for linux/arm64/v9"}},
		{name: "none", content: index, platform: "linux/mips", err: []string{"it has linux/amd64, linux/arm64/v8, linux/s390x; choose one with --platform"}},
		{name: "only one", content: imagetest.Index(t, arm, attestation), want: "linux/arm64/v8"},
		{name: "index in index", content: imagetest.Index(t, imagetest.Index(t, arm)), want: "linux/arm64/v8"},
		{name: "single", content: arm, platform: "linux/amd64", err: []string{"no image for linux/amd64", "only linux/arm64/v8"}},
		{name: "single, right", content: arm, platform: "linux/arm64", want: "linux/arm64/v8"},
		{name: "from the config", content: imagetest.Index(t, unnamed, arm), platform: "linux/riscv64", want: "linux/riscv64"},
		{name: "only attestations", content: imagetest.Index(t, attestation), err: []string{"holds no image"}},
		{name: "not a platform", content: arm, platform: "arm64", err: []string{"os/arch"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, ref := range []string{test.content.Layout(t, "x"), test.content.OCIArchive(t, "x")} {
				im, err := image.Open(t.Context(), ref, image.Options{Platform: test.platform})
				if test.err != nil {
					wantError(t, err, test.err...)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if im.Platform.String() != test.want {
					t.Errorf("got %s", im.Platform)
				}
				im.Close()
			}
		})
	}
}

func TestWrongInput(t *testing.T) {
	dir := t.TempDir()
	imagetest.DockerConfig(t, "", "", "")
	c := sample(t)
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	archive, err := os.ReadFile(c.OCIArchive(t, "latest"))
	if err != nil {
		t.Fatal(err)
	}
	// change gives a file other content, and its name back.
	change := func(path string, to func(b []byte) []byte) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return write(filepath.Base(path), to(b))
	}
	flipped := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 0xff
		return b
	}
	cut := func(path string, n int) string { return change(path, func(b []byte) []byte { return b[:n] }) }
	flip := func(path string) string { // the checksum at the end
		return change(path, func(b []byte) []byte { return flipped(b, len(b)-8) })
	}
	layout := c.Layout(t, "v1")
	tests := []struct {
		ref  string
		want []string
	}{
		{"./absent", []string{"./absent", "no such file"}},
		{"absent.tar.gz", []string{"no such file"}},
		{"oci:absent", []string{"no such file"}},
		{"oci:", []string{"no image is named"}},
		{"UPPER/case", []string{"valid image name"}},
		{write("text", []byte(strings.Repeat("not an image\n", 100))), []string{"not an image"}},
		{write("short", []byte("x")), []string{"not an image"}},
		{write("cut.tar", archive[:len(archive)/2]), []string{"cut.tar", "truncated"}},
		{compress(t, write("cut2.tar", archive[:len(archive)/2]), ".gz"), []string{"truncated"}},
		{cut(compress(t, write("cut3.tar", archive), ".gz"), 12), []string{"cut3.tar.gz", "truncated"}},
		{cut(compress(t, write("cut4.tar", archive), ".zst"), 30), []string{"cut4.tar.zst", "truncated"}},
		{compress(t, write("text2", []byte(strings.Repeat("no tar\n", 100))), ".gz"), []string{"not an image"}},
		{flip(compress(t, write("flip.tar", archive), ".gz")), []string{"flip.tar.gz", "damaged", "again"}},
		{write("header.tar", flipped(archive, 1024)), []string{"header.tar", "damaged"}},
		{os.DevNull, []string{"not a regular file", "save the image"}},
		{t.TempDir(), []string{"directory is empty"}},
		{"dir:" + t.TempDir(), []string{"directory is empty"}},
		{write("other.tar", imagetest.Tar(t, imagetest.File{Name: "a", Content: "b"})), []string{"not an image"}},
		{"oci-archive:" + write("other2.tar", imagetest.Tar(t, imagetest.File{Name: "a", Content: "b"})), []string{"not an image layout"}},
		{"oci-archive:" + dir, []string{"not an image archive", "oci:"}},
		{"oci:" + write("file", archive), []string{"not a directory"}},
		{"oci:" + dir, []string{"not an image layout"}},
		{"oci:" + layout + ":v2", []string{`no image "v2"`, "it has v1"}},
		{"oci:" + layout + "@sha256:../../x", []string{"not a valid digest"}},
		{"127.0.0.1:1/app:latest", []string{"registry 127.0.0.1:1", "connection refused"}},
		{"registry:127.0.0.1:1/app:latest", []string{"connection refused"}},
		{"docker:app", []string{"docker daemon", "does not answer", "DOCKER_HOST", "registry:"}},
	}
	for _, test := range tests {
		t.Run(test.ref[max(0, len(test.ref)-20):], func(t *testing.T) {
			_, err := image.Open(t.Context(), test.ref, image.Options{})
			wantError(t, err, test.want...)
		})
	}
}

func TestManyTags(t *testing.T) {
	dir := sample(t).Layout(t, "v1")
	other := imagetest.Build(t, imagetest.Spec{}).Layout(t, "v2")
	join := func(name string) string {
		b, err := os.ReadFile(filepath.Join(name, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(string(b), `"manifests":[`)
		list, _, _ = strings.Cut(list, "],")
		return list
	}
	index := `{"schemaVersion":2,"manifests":[` + join(dir) + "," + join(other) + `]}`
	if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	wantError(t, err, "several images", "v1, v2")
	if im := open(t, "oci:"+dir+":v1", image.Options{}); len(im.Layers) != 3 {
		t.Errorf("%d layers", len(im.Layers))
	}
	index = strings.NewReplacer(`"v1"`, `"shop:1"`, `"v2"`, `"base:1"`).Replace(index)
	if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(index), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = image.Open(t.Context(), "oci:"+dir+":1", image.Options{})
	wantError(t, err, "several images", "base:1, shop:1")
}

func TestDockerArchiveTags(t *testing.T) {
	files := map[string][]byte{}
	var entries []string
	for name, spec := range map[string]imagetest.Spec{"shop": {}, "base": {Labels: map[string]string{"a": "b"}}} {
		c := imagetest.Build(t, spec)
		config := configDigest(t, c)
		files[config] = c.Blobs[config]
		entries = append(entries, `{"Config":"`+config+`","RepoTags":["`+name+`:1","`+name+`:latest"]}`)
	}
	files["manifest.json"] = []byte("[" + strings.Join(entries, ",") + "]")
	path := "docker-archive:" + imagetest.WriteTar(t, files)
	for tag, want := range map[string]bool{"": false, "base:1": true, "base": true, "docker.io/library/base:1": true, "1": false, "2": false} {
		im, err := image.Open(t.Context(), strings.TrimSuffix(path+":"+tag, ":"), image.Options{})
		switch {
		case !want:
			wantError(t, err, "base:1", "shop:1")
		case err != nil:
			t.Errorf("%q: %v", tag, err)
		case im.Labels["a"] != "b":
			t.Errorf("%q is the other image", tag)
		}
	}
}

func TestReadLayersVerifies(t *testing.T) {
	c := sample(t)
	dir := c.Layout(t, "latest")
	im := open(t, dir, image.Options{})
	blob := filepath.Join(dir, "blobs", strings.Replace(im.Layers[1].Digest, ":", string(filepath.Separator), 1))
	good, err := os.ReadFile(blob)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(good)
	changed[len(changed)-1] ^= 1
	ignore := func(context.Context, image.Layer, io.Reader) error { return nil }
	fail := func(context.Context, image.Layer, io.Reader) error { return errors.New("not gzip") }
	for _, fn := range []func(context.Context, image.Layer, io.Reader) error{ignore, fail} {
		for name, test := range map[string]struct {
			content []byte
			want    string
		}{
			"changed": {changed, "does not match its digest"},
			"cut":     {good[:len(good)-1], "ends after"},
			"longer":  {append(bytes.Clone(good), 0), "larger than"},
		} {
			if err := os.WriteFile(blob, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			err := im.ReadLayers(t.Context(), 1, fn)
			if wantError(t, err, test.want, "layer 1", im.Reference); t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

// TestSkippedLayersCostNothing takes the image away before its layers are skipped.
func TestSkippedLayersCostNothing(t *testing.T) {
	c := sample(t)
	layout, archive := c.Layout(t, "latest"), compress(t, c.OCIArchive(t, "latest"), ".gz")
	for _, path := range []string{layout, archive} {
		im := open(t, path, image.Options{})
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		handed := 0
		err := im.ReadLayers(t.Context(), 1, func(context.Context, image.Layer, io.Reader) error {
			handed++
			return image.SkipLayer
		})
		if err != nil || handed != 2 {
			t.Errorf("%s: %d layers, %v", path, handed, err)
		}
	}
}

func BenchmarkReadLayers(b *testing.B) {
	const size = 64 << 20
	plain := imagetest.Tar(b, imagetest.File{Name: "big", Content: strings.Repeat("0123456789abcdef", size/16)})
	im, err := image.Open(b.Context(), imagetest.Build(b, imagetest.Spec{Layers: [][]byte{plain}, Compression: "none"}).Layout(b, "x"), image.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer im.Close()
	b.SetBytes(size)
	for b.Loop() {
		err := im.ReadLayers(b.Context(), 1, func(_ context.Context, _ image.Layer, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func TestReadLayersStops(t *testing.T) {
	c := sample(t)
	archive := c.OCIArchive(t, "latest")
	for _, ref := range []string{c.Layout(t, "latest"), archive, compress(t, archive, ".gz")} {
		im := open(t, ref, image.Options{})
		mistake := errors.New("a mistake")
		err := im.ReadLayers(t.Context(), 2, func(_ context.Context, _ image.Layer, r io.Reader) error {
			_, _ = io.ReadFull(r, make([]byte, 10))
			return mistake
		})
		if !errors.Is(err, mistake) {
			t.Errorf("%s: got %v", ref, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err = im.ReadLayers(ctx, 2, func(_ context.Context, _ image.Layer, r io.Reader) error {
			_, err := io.ReadFull(r, make([]byte, 10))
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", ref, err)
		}
		if n := len(readAll(t, im)); n != 2 {
			t.Errorf("%s: %d layers read after that", ref, n)
		}
	}
}

// Windows indexes have an image for each build of the system: one that is passed over is not passed over in silence.
func TestSeveralImagesForOnePlatform(t *testing.T) {
	build := func(name string) imagetest.Content {
		return imagetest.Build(t, imagetest.Spec{Platform: "windows/amd64", Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: name})}})
	}
	first, second := build("first"), build("second")
	for content, want := range map[string]int{imagetest.Index(t, first, second).Layout(t, "x"): 1, imagetest.Index(t, first, first).Layout(t, "x"): 0} {
		im := open(t, "oci:"+content, image.Options{Platform: "windows/amd64"})
		if im.Digest != first.Root.Digest || len(im.BlindSpots) != want {
			t.Errorf("%s, %v", im.Digest, im.BlindSpots)
		}
		if want > 0 && (im.BlindSpots[0].Kind != image.OtherImage || im.BlindSpots[0].Where != second.Root.Digest) {
			t.Errorf("%+v", im.BlindSpots[0])
		}
	}
}
