package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Bounds on what an image may ask of us before its layers are read.
const (
	// maxDocument bounds a manifest, an index or a config, in bytes. Registries refuse manifests over 4 MiB.
	maxDocument = 8 << 20
	// maxDocuments bounds all the documents of one image or archive together, in bytes.
	maxDocuments = 64 << 20
	// maxLayers is far above what any engine runs (127 with overlay file systems), and low enough that an
	// image which repeats a layer cannot multiply the work that is done for each layer.
	maxLayers = 1000
	// maxIndexDepth and maxIndexEntries bound indexes within indexes.
	maxIndexDepth   = 4
	maxIndexEntries = 1000
)

// descriptor points at a blob (OCI image specification, descriptor.md).
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"` // in bytes; negative where it is not known
	URLs         []string          `json:"urls"`
	Annotations  map[string]string `json:"annotations"`
	ArtifactType string            `json:"artifactType"`
	Platform     *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	} `json:"platform"`
}

// platform gives the zero Platform where the descriptor does not say.
func (d descriptor) platform() Platform {
	if d.Platform == nil {
		return Platform{}
	}
	return Platform{OS: d.Platform.OS, Architecture: d.Platform.Architecture, Variant: d.Platform.Variant}
}

// isImage tells images from what else an index may hold: BuildKit's attestations (platform unknown/unknown,
// an annotation) and other artifacts. Some tools write an image's config type as its artifactType.
func (d descriptor) isImage() bool {
	switch types.MediaType(d.ArtifactType) {
	case "", types.OCIConfigJSON, types.DockerConfigJSON:
	default:
		return false
	}
	return d.Annotations["vnd.docker.reference.type"] == "" &&
		d.platform() != Platform{OS: "unknown", Architecture: "unknown"}
}

// manifest is an image manifest or an index, of OCI or Docker: its fields say which.
type manifest struct {
	MediaType string       `json:"mediaType"`
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
	FSLayers  []any        `json:"fsLayers"` // Docker's first schema
	// Annotations, Subject and ArtifactType are read by themselves: junk in them is no reason not to read the image.
	Annotations  json.RawMessage `json:"annotations"`
	Subject      json.RawMessage `json:"subject"`
	ArtifactType json.RawMessage `json:"artifactType"`
}

func (m *manifest) isIndex() bool { return m.Manifests != nil }

// parseManifest refuses what is neither a manifest nor an index, and what is both: two readers could take
// such a document for two images (CVE-2021-41190).
func parseManifest(raw []byte) (*manifest, error) {
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("not a valid image manifest: %w", err)
	}
	image := m.Config != nil || m.Layers != nil
	switch {
	case m.FSLayers != nil:
		return nil, errors.New("the manifest has Docker's schema 1, which is no longer read: push the image again with a current tool")
	case image && m.Manifests != nil:
		return nil, errors.New("the manifest claims to be both an image and an index")
	case !image && m.Manifests == nil:
		return nil, errors.New("neither an image manifest nor an index")
	case image && m.Config == nil:
		return nil, errors.New("the manifest has no config")
	}
	return &m, nil
}

// checkLayers validates what the manifest says of its layers.
func (m *manifest) checkLayers() error {
	if len(m.Layers) > maxLayers {
		return fmt.Errorf("the manifest lists %d layers; images of more than %d are not read", len(m.Layers), maxLayers)
	}
	for i, d := range m.Layers {
		if !validDigest(d.Digest) {
			return fmt.Errorf("layer %d: %q is not a valid digest", i, shorten(d.Digest))
		}
		if d.Size < 0 {
			return fmt.Errorf("layer %d: the manifest says a size of %d bytes", i, d.Size)
		}
	}
	return nil
}

// isLayerType says whether a blob of this media type is a tar, plain or compressed by gzip or zstd.
func isLayerType(mediaType string) bool {
	base := mediaType
	for _, suffix := range []string{"+gzip", ".gzip", "+zstd", ".zstd"} {
		base = strings.TrimSuffix(base, suffix)
	}
	switch base {
	case "application/vnd.oci.image.layer.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar":
		return true
	}
	return isForeignType(mediaType) || mediaType == ""
}

// isForeignType says whether layers of this media type may be kept elsewhere than the image.
func isForeignType(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.oci.image.layer.nondistributable.v1.tar") ||
		strings.HasPrefix(mediaType, "application/vnd.docker.image.rootfs.foreign.diff.tar")
}

// ociStore reads OCI (and Docker schema 2) manifests out of a source.
type ociStore struct {
	source source
	// where names the source for the reader of an error.
	where string
	// manifestName and blobName give a digest's name in the source.
	manifestName, blobName func(digest string) string
	// partial is set where an index may name images that are not there, as in the archive of one platform.
	partial bool
	// documents holds what was read and verified, by digest.
	documents map[string][]byte
	// total counts the bytes of documents.
	total int
	// papers counts the bytes of artifacts that were read.
	papers int64
	// entries are those of a layout's index.
	entries []descriptor
	// attestations are the index entries of attestation manifests, by the digest of the image that they are about.
	attestations map[string][]descriptor
}

// blobPath is where a layout keeps a blob (OCI image specification, image-layout.md). The digest is valid.
func blobPath(digest string) string {
	return "blobs/" + strings.Replace(digest, ":", "/", 1)
}

// document reads and verifies what d points at.
func (o *ociStore) document(ctx context.Context, d descriptor, name func(digest string) string) ([]byte, error) {
	if !validDigest(d.Digest) {
		return nil, fmt.Errorf("%q is not a valid digest", shorten(d.Digest))
	}
	if raw, ok := o.documents[d.Digest]; ok {
		return raw, nil
	}
	raw, err := o.fetch(ctx, d, name)
	if err != nil {
		return nil, err
	}
	if o.total += len(raw); o.total > maxDocuments {
		return nil, fmt.Errorf("the image's manifests have more than %d bytes in all, which is not read", maxDocuments)
	}
	o.documents[d.Digest] = raw
	return raw, nil
}

// fetch reads and verifies what d points at, whose digest is valid.
func (o *ociStore) fetch(ctx context.Context, d descriptor, name func(digest string) string) ([]byte, error) {
	if d.Size > maxDocument {
		return nil, fmt.Errorf("blob %s has %d bytes; manifests and configs of more than %d are not read", d.Digest, d.Size, maxDocument)
	}
	raw, err := o.source.document(ctx, name(d.Digest))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missingError{d.Digest}
	case err != nil:
		return nil, err
	case !matchesDigest(raw, d.Digest):
		return nil, fmt.Errorf("blob %s: content does not match its digest%s", d.Digest, getAnew)
	case d.Size >= 0 && int64(len(raw)) != d.Size:
		return nil, fmt.Errorf("blob %s has %d bytes, but the manifest says %d%s", d.Digest, len(raw), d.Size, getAnew)
	}
	return raw, nil
}

// keep remembers a document that was read otherwise, if there is room.
func (o *ociStore) keep(digest string, raw []byte) {
	if _, ok := o.documents[digest]; !ok && o.total+len(raw) <= maxDocuments {
		o.total += len(raw)
		o.documents[digest] = raw
	}
}

// missingError says that a blob which the image names is not in its source.
type missingError struct{ digest string }

func (e missingError) Error() string { return "blob " + e.digest + " is missing" + getAnew }

// Is makes the error known as what it is.
func (e missingError) Is(target error) bool { return target == fs.ErrNotExist }

func (o *ociStore) manifest(ctx context.Context, d descriptor) (*manifest, error) {
	raw, err := o.document(ctx, d, o.manifestName)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return parseManifest(raw)
}

func (o *ociStore) config(ctx context.Context, m *manifest) (*config, error) {
	raw, err := o.document(ctx, *m.Config, o.blobName)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return parseConfig(raw, m.Config.MediaType)
}

// image opens the image for the wanted platform among roots: a registry's one manifest, or the entries of a
// layout's index.
func (o *ociStore) image(ctx context.Context, roots []descriptor, want Platform) (*Image, error) {
	chosen, err := o.choose(ctx, roots, want)
	if err != nil {
		return nil, err
	}
	d := chosen.descriptor
	m, err := o.manifest(ctx, d)
	if err != nil {
		return nil, err
	}
	if m.isIndex() {
		return nil, fmt.Errorf("manifest %s is an index, but is listed as an image", d.Digest)
	}
	if err := m.checkLayers(); err != nil {
		return nil, err
	}
	c, err := o.config(ctx, m)
	if err != nil {
		return nil, err
	}
	im := &Image{Digest: d.Digest, ID: m.Config.Digest, Index: chosen.index.digest, source: o.source, store: o}
	im.Annotations = mergeAnnotations(chosen.index.annotations, parseLabels(m.Annotations))
	for _, d := range m.Layers {
		im.Layers = append(im.Layers, Layer{Digest: d.Digest, Size: d.Size, MediaType: d.MediaType, Annotations: d.Annotations, blob: o.blobName(d.Digest)})
	}
	c.describe(im)
	if n := len(chosen.twins); n > 0 {
		im.BlindSpots = append(im.BlindSpots, BlindSpot{Kind: OtherImage, Where: chosen.twins[0],
			Message: fmt.Sprintf("the index has more than one image for %s: %d more, of which this is the first, were not read: name them by their digests", im.Platform, n)})
	}
	return im, o.markUnreadable(ctx, im, m.Layers)
}

// markUnreadable finds the layers that cannot be read. The URLs of a layer that is kept elsewhere are never
// fetched: an image does not decide whom this program talks to.
func (o *ociStore) markUnreadable(ctx context.Context, im *Image, layers []descriptor) error {
	for i := range im.Layers {
		l := &im.Layers[i]
		var why string
		switch {
		case strings.HasSuffix(l.MediaType, "+encrypted"):
			why = "the layer is encrypted (" + shorten(l.MediaType) + ")"
		case !isLayerType(l.MediaType):
			why = fmt.Sprintf("the layer has an unknown media type, %q", shorten(l.MediaType))
		case isForeignType(l.MediaType) || len(layers[i].URLs) > 0:
			ok, err := o.source.has(ctx, l.blob)
			if err != nil {
				return fmt.Errorf("layer %d: %w", i, err)
			}
			if !ok {
				why = "the layer is kept elsewhere (" + shorten(l.MediaType) + "), and is not fetched from there"
			}
		}
		if why != "" {
			l.Unreadable = true
			im.BlindSpots = append(im.BlindSpots, BlindSpot{Kind: UnreadableLayer, Where: l.Digest, Layer: &l.Index, Message: why})
		}
	}
	return nil
}

// shorten makes a string out of an image fit into an error's line: cut, without control characters.
func shorten(s string) string { return shortenTo(s, 120) }

func shortenTo(s string, most int) string {
	cut := ""
	if len(s) > most {
		s, cut = s[:most], "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "")) + cut
}
