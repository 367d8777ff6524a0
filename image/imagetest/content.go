// Package imagetest makes what tests of images need: small real images in every form in which images are
// kept, a real registry, and a daemon's socket. Everything is made in the test and stays on the loopback
// interface.
//
// It is for tests only: nothing that ships may import it.
package imagetest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// File is one entry of a layer.
type File struct {
	Name    string
	Content string
	// Link makes the entry a symbolic link.
	Link string
	// Mode is 0o644 where it is not set; a name that ends in a slash is a directory.
	Mode int64
}

// Tar packs files into a layer's plain tar.
func Tar(t testing.TB, files ...File) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Typeflag: tar.TypeReg, Size: int64(len(f.Content)), Mode: cmp.Or(f.Mode, 0o644)}
		switch {
		case strings.HasSuffix(f.Name, "/"):
			h.Typeflag, h.Mode = tar.TypeDir, cmp.Or(f.Mode, 0o755)
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		}
		check(t, w.WriteHeader(h))
		_, err := w.Write([]byte(f.Content))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// Spec describes an image to be built.
type Spec struct {
	// Platform is os/arch or os/arch/variant; linux/amd64 where it is empty.
	Platform string
	// Layers are plain tars, the lowest first.
	Layers [][]byte
	// Compression of the layers: "gzip", also where it is empty, "zstd", or "none".
	Compression string
	// CreatedBy is the history, one entry for each layer; none where it is empty.
	CreatedBy []string
	// Empty are instructions after those of the layers that made none.
	Empty  []string
	Labels map[string]string
	// Config are further fields of the configuration: Env, Cmd, User.
	Config map[string]any
}

// Descriptor points at a blob of a [Content].
type Descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *Platform         `json:"platform,omitempty"`
}

// Platform is an index entry's platform.
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
}

// Content is an image or an index: its blobs by digest, and where to begin.
type Content struct {
	Root  Descriptor
	Blobs map[string][]byte

	config Descriptor
	plain  [][]byte // the layers' tars, for the forms that keep them so
}

// The media types of what this package makes.
const (
	ManifestType = "application/vnd.oci.image.manifest.v1+json"
	IndexType    = "application/vnd.oci.image.index.v1+json"
	ConfigType   = "application/vnd.oci.image.config.v1+json"
	LayerType    = "application/vnd.oci.image.layer.v1.tar"
)

// Build makes an image.
func Build(t testing.TB, s Spec) Content {
	t.Helper()
	c := Content{Blobs: map[string][]byte{}, plain: s.Layers}
	type history struct {
		CreatedBy string `json:"created_by"`
		Empty     bool   `json:"empty_layer,omitempty"`
	}
	var (
		layers  []Descriptor
		diffIDs []string
		past    []history
	)
	for _, plain := range s.Layers {
		suffix, stored := compress(t, s.Compression, plain)
		layers = append(layers, c.Add(LayerType+suffix, stored))
		diffIDs = append(diffIDs, Digest(plain))
	}
	for _, by := range s.CreatedBy {
		past = append(past, history{CreatedBy: by})
	}
	for _, by := range s.Empty {
		past = append(past, history{by, true})
	}
	config := map[string]any{"Labels": s.Labels}
	maps.Copy(config, s.Config)
	p := parsePlatform(s.Platform)
	c.config = c.AddJSON(t, ConfigType, map[string]any{
		"os": p.OS, "architecture": p.Architecture, "variant": p.Variant,
		"created": "2026-01-02T03:04:05Z",
		"config":  config,
		"rootfs":  map[string]any{"type": "layers", "diff_ids": diffIDs},
		"history": past,
	})
	c.Root = c.AddJSON(t, ManifestType, Manifest(c.config, layers...))
	c.Root.Platform = &p
	return c
}

// Manifest is an image manifest's document.
func Manifest(config Descriptor, layers ...Descriptor) map[string]any {
	return map[string]any{"schemaVersion": 2, "mediaType": ManifestType, "config": config, "layers": layers}
}

// Index puts images under one index.
func Index(t testing.TB, images ...Content) Content {
	t.Helper()
	c := Content{Blobs: map[string][]byte{}}
	var entries []Descriptor
	for _, im := range images {
		maps.Copy(c.Blobs, im.Blobs)
		entries = append(entries, im.Root)
	}
	c.Root = c.AddJSON(t, IndexType, map[string]any{"schemaVersion": 2, "mediaType": IndexType, "manifests": entries})
	return c
}

// Add keeps a blob.
func (c *Content) Add(mediaType string, blob []byte) Descriptor {
	d := Descriptor{MediaType: mediaType, Digest: Digest(blob), Size: int64(len(blob))}
	c.Blobs[d.Digest] = blob
	return d
}

// AddJSON keeps a document.
func (c *Content) AddJSON(t testing.TB, mediaType string, document any) Descriptor {
	t.Helper()
	raw, err := json.Marshal(document)
	check(t, err)
	return c.Add(mediaType, raw)
}

// Digest is the sha256 digest of b.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func parsePlatform(s string) Platform {
	parts := append(strings.Split(cmp.Or(s, "linux/amd64"), "/"), "")
	return Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

func compress(t testing.TB, compression string, plain []byte) (suffix string, stored []byte) {
	t.Helper()
	var b bytes.Buffer
	switch cmp.Or(compression, "gzip") {
	case "none":
		return "", plain
	case "gzip":
		w := gzip.NewWriter(&b)
		_, err := w.Write(plain)
		check(t, err)
		check(t, w.Close())
		return "+gzip", b.Bytes()
	case "zstd":
		w, err := zstd.NewWriter(&b)
		check(t, err)
		_, err = w.Write(plain)
		check(t, err)
		check(t, w.Close())
		return "+zstd", b.Bytes()
	}
	t.Fatalf("compression %q is not known", compression)
	return "", nil
}

// ReadLayout reads an OCI layout whole. Its index must have one entry.
func ReadLayout(t testing.TB, dir string) Content {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	check(t, err)
	var index struct{ Manifests []Descriptor }
	check(t, json.Unmarshal(raw, &index))
	if len(index.Manifests) != 1 {
		t.Fatalf("%s has %d entries", dir, len(index.Manifests))
	}
	c := Content{Root: index.Manifests[0], Blobs: map[string][]byte{}}
	names, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	check(t, err)
	for _, name := range names {
		blob, err := os.ReadFile(name)
		check(t, err)
		c.Blobs["sha256:"+filepath.Base(name)] = blob
	}
	return c
}

// files are those of an OCI layout with the image under a tag.
func (c Content) files(t testing.TB, tag string) map[string][]byte {
	t.Helper()
	root := c.Root
	root.Annotations = map[string]string{"org.opencontainers.image.ref.name": tag}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []Descriptor{root}})
	check(t, err)
	files := map[string][]byte{
		"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`),
		"index.json": index,
	}
	for digest, blob := range c.Blobs {
		files["blobs/"+strings.Replace(digest, ":", "/", 1)] = blob
	}
	return files
}

// Layout writes an OCI layout and gives its directory.
func (c Content) Layout(t testing.TB, tag string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range c.files(t, tag) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, content, 0o644))
	}
	return dir
}

// OCIArchive writes an OCI layout in a tar and gives the file.
func (c Content) OCIArchive(t testing.TB, tag string) string {
	t.Helper()
	return WriteTar(t, c.files(t, tag))
}

// DockerArchive writes the image as docker save did before version 25. The image must come from [Build].
func (c Content) DockerArchive(t testing.TB, name string) string {
	t.Helper()
	config := strings.TrimPrefix(c.config.Digest, "sha256:") + ".json"
	files := map[string][]byte{config: c.Blobs[c.config.Digest]}
	var layers []string
	for i, plain := range c.plain {
		layer := fmt.Sprintf("%064x/layer.tar", i+1)
		files[layer] = plain
		layers = append(layers, layer)
	}
	files["manifest.json"] = dockerManifest(t, config, name, layers)
	return WriteTar(t, files)
}

// Docker25Archive writes the image as docker save does since version 25: an OCI layout and a manifest.json
// beside it. The image must come from [Build].
func (c Content) Docker25Archive(t testing.TB, name string) string {
	t.Helper()
	_, tag, _ := strings.Cut(name, ":")
	files := c.files(t, tag)
	var m struct{ Layers []Descriptor }
	check(t, json.Unmarshal(c.Blobs[c.Root.Digest], &m))
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, "blobs/"+strings.Replace(l.Digest, ":", "/", 1))
	}
	files["manifest.json"] = dockerManifest(t, "blobs/"+strings.Replace(c.config.Digest, ":", "/", 1), name, layers)
	return WriteTar(t, files)
}

func dockerManifest(t testing.TB, config, name string, layers []string) []byte {
	t.Helper()
	raw, err := json.Marshal([]map[string]any{{"Config": config, "RepoTags": []string{name}, "Layers": layers}})
	check(t, err)
	return raw
}

// WriteTar writes files, sorted by name, into a tar and gives its path.
func WriteTar(t testing.TB, files map[string][]byte) string {
	t.Helper()
	var list []File
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, File{Name: name, Content: string(files[name])})
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	check(t, os.WriteFile(path, Tar(t, list...), 0o644))
	return path
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
