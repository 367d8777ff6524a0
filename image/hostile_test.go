package image_test

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

// shared gives a directory of the test images that are kept beside the repository.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "images", "oci", name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no shared test images at %s", dir)
	}
	return dir
}

// openAndRead gives the first error of opening an image and reading all of its layers.
func openAndRead(ctx context.Context, ref string) (*image.Image, error) {
	im, err := image.Open(ctx, ref, image.Options{})
	if err != nil {
		return nil, err
	}
	defer im.Close()
	return im, im.ReadLayers(ctx, 2, func(_ context.Context, _ image.Layer, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
}

// TestSharedHostileImages says what becomes of each hostile image that concerns this package.
func TestSharedHostileImages(t *testing.T) {
	for name, want := range map[string]struct {
		err        string
		layers     int
		blindSpots int
	}{
		"evil-config-junk":      {layers: 1, blindSpots: 1},
		"evil-digest-traversal": {err: "not a valid digest"},
		"evil-empty-layer":      {layers: 3},
		"evil-foreign-layer":    {layers: 3, blindSpots: 2},
		"evil-history-mismatch": {layers: 2},
		"evil-index-loop":       {err: "does not match its digest"},
		"evil-many-layers":      {layers: 501},
		"evil-missing-blob":     {err: "is missing"},
		"evil-missing-config":   {err: "is missing"},
		"evil-no-history":       {layers: 1},
		"evil-no-layers":        {},
		"evil-repeated-layer":   {err: "lists 20001 layers"},
		"evil-unknown-media":    {layers: 2, blindSpots: 2},
		"evil-wide-index":       {err: "more than 4 deep"},
		"evil-wrong-digest":     {err: "does not match its digest"},
		"evil-wrong-media":      {layers: 2},
		"evil-wrong-size":       {err: "a size of -1 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			im, err := openAndRead(t.Context(), "oci:"+shared(t, name))
			if want.err != "" {
				wantError(t, err, want.err, name)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(im.Layers) != want.layers || len(im.BlindSpots) != want.blindSpots {
				t.Errorf("%d layers, blind spots %+v", len(im.Layers), im.BlindSpots)
			}
		})
	}
}

// TestSharedImageEverywhere holds a real image from a real registry against its layout.
func TestSharedImageEverywhere(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	dir := shared(t, "go-app")
	c := imagetest.ReadLayout(t, dir)
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	want := readAll(t, open(t, dir, image.Options{}))
	for _, ref := range []string{server.Push(t, c, "go-app", "1"), c.OCIArchive(t, "1")} {
		if !sameLayers(want, readAll(t, open(t, ref, image.Options{}))) {
			t.Errorf("%s differs", ref)
		}
	}
}

func TestHostileLayouts(t *testing.T) {
	good := sample(t)
	deep := good
	for range 6 {
		deep = imagetest.Index(t, deep)
	}
	huge := imagetest.Content{Blobs: map[string][]byte{}}
	huge.Root = huge.Add(imagetest.ManifestType, []byte("{"+strings.Repeat(" ", 9<<20)+"}"))
	unannounced := huge
	unannounced.Root.Size = 2
	wrongSize := good
	wrongSize.Root.Size--
	artifact := imagetest.Content{Blobs: map[string][]byte{}}
	artifact.Root = artifact.AddJSON(t, imagetest.ManifestType, imagetest.Manifest(artifact.AddJSON(t, "application/vnd.example.config+json", map[string]any{})))
	wide := imagetest.Content{Blobs: map[string][]byte{}}
	var entries []imagetest.Descriptor
	for i := range 1001 {
		entries = append(entries, wide.Add(imagetest.ManifestType, []byte{byte(i), byte(i >> 8)}))
	}
	wide.Root = wide.AddJSON(t, imagetest.IndexType, map[string]any{"manifests": entries})
	for name, test := range map[string]struct {
		content imagetest.Content
		want    string
	}{
		"deep":        {deep, "more than 4 deep"},
		"huge":        {huge, "are not read"},
		"unannounced": {unannounced, "has more than"},
		"wrong size":  {wrongSize, "but the manifest says"},
		"artifact":    {artifact, "not a container image"},
		"wide":        {wide, "more than 1000 images"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, ref := range []string{test.content.Layout(t, "x"), test.content.OCIArchive(t, "x"), compress(t, test.content.OCIArchive(t, "x"), ".gz")} {
				_, err := openAndRead(t.Context(), ref)
				wantError(t, err, test.want)
			}
		})
	}
}

// TestPartialIndex opens the archive of an index of which one platform was saved.
func TestPartialIndex(t *testing.T) {
	here := sample(t)
	there := imagetest.Build(t, imagetest.Spec{Platform: "linux/s390x"})
	index := imagetest.Index(t, here, there)
	index.Blobs = maps.Clone(index.Blobs)
	delete(index.Blobs, here.Root.Digest)
	path := index.OCIArchive(t, "x")
	if im := open(t, path, image.Options{}); im.Digest != there.Root.Digest {
		t.Errorf("got %s", im.Digest)
	}
	_, err := image.Open(t.Context(), path, image.Options{Platform: "linux/amd64"})
	wantError(t, err, "no image for linux/amd64", "only linux/s390x")
}

func TestLayoutWithoutIndexFile(t *testing.T) {
	dir := sample(t).Layout(t, "x")
	index := filepath.Join(dir, "index.json")
	if err := os.Remove(index); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(index, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := image.Open(t.Context(), dir, image.Options{})
	wantError(t, err, "not a regular file")
}
