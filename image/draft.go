package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// The media types of what is written.
const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

// Draft is an artifact that is to be written ([Push]). The same draft gives the same bytes.
type Draft struct {
	// Type is the manifest's artifactType; empty where the config's media type says what the artifact is.
	Type        string
	Annotations map[string]string
	Blobs       []Content
	// Config is the empty config where it is not set.
	Config *Content
	// Subject is what the artifact is attached to, as a referrer.
	Subject *Blob
	// LayoutAnnotations are what an image layout's index says of the artifact.
	LayoutAnnotations map[string]string
	// Tag is the tag of what is attached to another artifact; empty: it is found by its subject alone.
	Tag string
}

// Content is a blob that is to be written.
type Content struct {
	Blob
	open func() (io.ReadCloser, error)
}

// NewDocument makes a blob of bytes in memory.
func NewDocument(mediaType string, raw []byte, annotations map[string]string) Content {
	return Content{
		Blob: Blob{MediaType: mediaType, Digest: digestOf(raw), Size: int64(len(raw)), Annotations: annotations},
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil },
	}
}

// NewFile makes a blob of a file, which it reads for its digest. The file must not change until the blob is written.
func NewFile(mediaType, path string, annotations map[string]string) (Content, error) {
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	f, err := open()
	if err != nil {
		return Content{}, fileError(path, err)
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return Content{}, fileError(path, err)
	}
	digest := "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return Content{Blob: Blob{MediaType: mediaType, Digest: digest, Size: size, Annotations: annotations}, open: open}, nil
}

// blobJSON is a descriptor as it is written.
type blobJSON struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

func (b Blob) json() blobJSON {
	return blobJSON{MediaType: b.MediaType, Digest: b.Digest, Size: b.Size, Annotations: b.Annotations}
}

func (d *Draft) config() Content {
	if d.Config != nil {
		return *d.Config
	}
	return NewDocument(emptyType, []byte("{}"), nil)
}

// contents are all the blobs of a draft.
func (d *Draft) contents() []Content { return append([]Content{d.config()}, d.Blobs...) }

// Manifest gives the draft's manifest and its descriptor, whose digest vouches for the whole artifact.
func (d *Draft) Manifest() ([]byte, Blob, error) {
	m := struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		ArtifactType  string            `json:"artifactType,omitempty"`
		Config        blobJSON          `json:"config"`
		Layers        []blobJSON        `json:"layers"`
		Subject       *blobJSON         `json:"subject,omitempty"`
		Annotations   map[string]string `json:"annotations,omitempty"`
	}{SchemaVersion: 2, MediaType: manifestType, ArtifactType: d.Type, Config: d.config().json(), Layers: []blobJSON{}, Annotations: d.Annotations}
	for _, c := range d.Blobs {
		m.Layers = append(m.Layers, c.json())
	}
	if d.Subject != nil {
		subject := d.Subject.json()
		m.Subject = &subject
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, Blob{}, fmt.Errorf("manifest: %w", err)
	}
	return raw, Blob{MediaType: manifestType, Digest: digestOf(raw), Size: int64(len(raw))}, nil
}
