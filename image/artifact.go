package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// emptyType is the media type of a config that says nothing (OCI image specification, manifest.md, "Guidance for an
// Empty Descriptor").
const emptyType = "application/vnd.oci.empty.v1+json"

// Artifact is one OCI manifest opened as what it is: documents and files of any kind, not the layers of an image.
type Artifact struct {
	// Reference is the artifact as the user named it; empty where it was found beside another one.
	Reference string
	// Digest is the manifest's digest, which vouches for all that is said here.
	Digest string
	// Type is the manifest's artifactType, or the media type of its config where it has none.
	Type        string
	Annotations map[string]string
	// Blobs are what the manifest calls layers, in its order. Their digests are valid and their sizes are not negative.
	Blobs []Blob
	// Subject is the digest of what the manifest itself says that it is attached to; empty where it says nothing. Whoever lists it as
	// attached to something else may have taken it from there.
	Subject string
	// Attached says how it was found; zero where it was opened by its own name.
	Attached Attachment

	store *ociStore
}

// Blob is one file of an artifact.
type Blob struct {
	MediaType string
	Digest    string
	// Size is in bytes.
	Size        int64
	Annotations map[string]string
}

// OpenArtifact opens the artifact of a type that ref names, as in [Open]. Without a scheme, a path that exists is an
// image layout or an archive with one, and anything else is a name in a registry. Where a layout holds several
// artifacts, the one of the type is taken. An artifact of another type is an error. The artifact must be closed.
func OpenArtifact(ctx context.Context, ref, artifactType string, o Options) (*Artifact, error) {
	place, err := findArtifactPlace(ref)
	if err != nil {
		return nil, err
	}
	var a *Artifact
	if place.path == "" {
		a, err = openRegistryArtifact(ctx, place.name, o)
	} else {
		a, err = openStoredArtifact(ctx, place, artifactType)
	}
	if err != nil {
		return nil, err
	}
	if a.Reference = ref; a.Type != artifactType {
		a.Close()
		return nil, fmt.Errorf("%s: its type is %q, not %s: check the name", ref, shorten(a.Type), artifactType)
	}
	return a, nil
}

// artifactPlace is where an artifact is kept: under a name in a registry, or at a path.
type artifactPlace struct {
	name           string
	path, selector string
	archive        bool
}

func findArtifactPlace(ref string) (artifactPlace, error) {
	f, rest := parseReference(ref)
	if rest == "" {
		return artifactPlace{}, errors.New("no artifact is named")
	}
	switch f {
	case registryForm, nameForm:
		return artifactPlace{name: rest}, nil
	case dockerForm, dockerArchiveForm, directoryForm:
		return artifactPlace{}, fmt.Errorf("%s: such artifacts are kept in a registry, in oci:DIR or in oci-archive:FILE", ref)
	case anyForm:
		if isName(rest) {
			return artifactPlace{name: rest}, nil
		}
	}
	path, selector, err := splitPath(rest)
	if err != nil {
		return artifactPlace{}, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return artifactPlace{}, fileError(path, err)
	case info.IsDir() && (f == layoutArchiveForm || f == archiveForm):
		return artifactPlace{}, fmt.Errorf("%s: not an archive but a directory: write oci:%s", path, path)
	case !info.IsDir() && f == layoutForm:
		return artifactPlace{}, fmt.Errorf("%s: not a directory: write oci-archive:%s", path, path)
	}
	return artifactPlace{path: path, selector: selector, archive: !info.IsDir()}, nil
}

// isName says whether a reference without a scheme is a name in a registry: nothing is there that it could be the path of.
func isName(rest string) bool {
	if _, err := os.Stat(rest); !errors.Is(err, fs.ErrNotExist) || looksLikePath(rest) {
		return false
	}
	_, _, notPath := splitPath(rest)
	return notPath != nil
}

func openRegistryArtifact(ctx context.Context, image string, o Options) (*Artifact, error) {
	ref, err := parseName(image, o)
	if err != nil {
		return nil, err
	}
	reg, err := connect(ctx, ref.Context(), o)
	if err != nil {
		return nil, err
	}
	store, root, err := reg.root(ctx, ref)
	if err != nil {
		reg.Close()
		return nil, err
	}
	a, err := store.artifact(ctx, root)
	if err != nil {
		reg.Close()
		return nil, inPlace(store.where, err)
	}
	return a, nil
}

func openStoredArtifact(ctx context.Context, place artifactPlace, artifactType string) (*Artifact, error) {
	var src source
	var err error
	if place.archive {
		src, err = openArchive(ctx, place.path)
	} else {
		src, err = openDirectory(place.path)
	}
	if err != nil {
		return nil, err
	}
	store, err := newLayoutStore(ctx, src, place.path)
	if err == nil {
		var a *Artifact
		if a, err = store.chooseArtifact(ctx, place.selector, artifactType); err == nil {
			return a, nil
		}
		err = inPlace(place.path, err)
	}
	src.Close()
	return nil, err
}

// chooseArtifact picks an artifact of a layout: by its tag or digest, or else the only one of a type.
func (o *ociStore) chooseArtifact(ctx context.Context, selector, artifactType string) (*Artifact, error) {
	entries := o.entries
	if len(entries) > maxIndexEntries {
		return nil, fmt.Errorf("its index lists more than %d manifests, which is not read", maxIndexEntries)
	}
	if len(selector) > 1 && selector[0] == '@' {
		picked, err := selectDigest(entries, selector[1:])
		if err != nil {
			return nil, err
		}
		return o.artifact(ctx, picked[0])
	}
	var found []*Artifact
	var tags []string
	var unread error
	for _, d := range entries {
		named := slices.ContainsFunc(d.tags(), func(tag string) bool { return sameTag(tag, selector) })
		if selector != "" && !named {
			continue
		}
		a, err := o.artifact(ctx, d)
		if err != nil {
			unread = err // what it is cannot be said: another one may be what is wanted
			continue
		}
		other := func(b *Artifact) bool { return b.Digest == a.Digest }
		if a.Type == artifactType && !slices.ContainsFunc(found, other) {
			found = append(found, a)
			tags = append(tags, d.tags()...)
		}
	}
	switch {
	case len(found) == 0 && unread != nil:
		return nil, fmt.Errorf("it holds no %s that can be read: %w", artifactType, unread)
	case len(found) == 0 && selector != "":
		return nil, fmt.Errorf("it holds no %s under the tag %q", artifactType, selector)
	case len(found) == 0:
		return nil, fmt.Errorf("it holds no %s", artifactType)
	case len(found) > 1:
		return nil, fmt.Errorf("it holds %d artifacts of the type %s: choose one by writing its tag after the name and a colon: %s", len(found), artifactType, listed(tags))
	}
	return found[0], nil
}

// artifact opens the manifest that d points at.
func (o *ociStore) artifact(ctx context.Context, d descriptor) (*Artifact, error) {
	raw, err := o.document(ctx, d, o.manifestName)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	m, err := parseArtifact(raw)
	if err != nil {
		return nil, err
	}
	if m.isIndex() {
		return nil, errors.New("it is an index of several images, not one artifact")
	}
	if err := m.checkLayers(); err != nil {
		return nil, err
	}
	a := &Artifact{Digest: d.Digest, Annotations: parseLabels(m.Annotations), store: o}
	if decode(m.ArtifactType, &a.Type); a.Type == "" {
		a.Type = m.Config.MediaType
	}
	var subject descriptor
	if decode(m.Subject, &subject); validDigest(subject.Digest) {
		a.Subject = subject.Digest
	}
	for _, l := range m.Layers {
		a.Blobs = append(a.Blobs, Blob{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size, Annotations: l.Annotations})
	}
	return a, nil
}

// parseArtifact also reads the manifests of artifacts as they were before images' were used for them (OCI image specification 1.1.0-rc2,
// artifact.md, and ORAS's): they have blobs where others have layers, and no config.
func parseArtifact(raw []byte) (*manifest, error) {
	var old struct {
		manifest
		Blobs []descriptor `json:"blobs"`
	}
	err := json.Unmarshal(raw, &old)
	if err != nil || old.Blobs == nil || old.Config != nil || old.Layers != nil || old.Manifests != nil || old.FSLayers != nil {
		return parseManifest(raw)
	}
	m := old.manifest
	m.Config, m.Layers = &descriptor{}, old.Blobs
	return &m, nil
}

// Bounds on the documents of artifacts, in bytes: SBOMs with every file of a large image have tens of megabytes.
const (
	maxPaper  = 64 << 20
	maxPapers = 512 << 20 // of all that is attached to one image
)

// Document reads one of the artifact's blobs whole, and verifies it; one over 64 MiB is an error.
func (a *Artifact) Document(ctx context.Context, b Blob) ([]byte, error) {
	o := a.store
	if raw, ok := o.documents[b.Digest]; ok && int64(len(raw)) == b.Size {
		return raw, nil
	}
	if b.Size > maxPaper {
		return nil, fmt.Errorf("blob %s has %d bytes; documents of more than %d are not read", b.Digest, b.Size, maxPaper)
	}
	if o.papers += b.Size; o.papers > maxPapers {
		return nil, fmt.Errorf("blob %s: what is attached has more than %d bytes in all, which is not read", b.Digest, maxPapers)
	}
	read := a.readLarge
	if b.Size <= maxDocument {
		read = func(ctx context.Context, b Blob) ([]byte, error) {
			return o.fetch(ctx, descriptor{Digest: b.Digest, Size: b.Size}, o.blobName)
		}
	}
	raw, err := read(ctx, b)
	if err == nil && o.total+len(raw) <= maxDocuments/2 { // the rest is for manifests
		o.keep(b.Digest, raw)
	}
	return raw, err
}

// readLarge reads a document that is larger than a source takes a document for.
func (a *Artifact) readLarge(ctx context.Context, b Blob) ([]byte, error) {
	there, err := a.store.source.has(ctx, a.store.blobName(b.Digest))
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, missingError{b.Digest}
	}
	r, err := a.Open(ctx, b)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Open begins to read one of the artifact's blobs. The reader gives an error in place of [io.EOF] when the bytes do not
// have the size or the digest that the manifest says, so nothing that was read may be used before its end. It must be
// closed.
func (a *Artifact) Open(ctx context.Context, b Blob) (io.ReadCloser, error) {
	r, err := a.store.source.open(ctx, a.store.blobName(b.Digest))
	if err != nil {
		return nil, inPlace(a.store.where, err)
	}
	return verifiedBlob{verify(r, b.Digest, b.Size)}, nil
}

type verifiedBlob struct{ *verifier }

func (v verifiedBlob) Close() error {
	v.close()
	return nil
}

// Close gives back what the artifact holds open. What is attached to it is closed with it.
func (a *Artifact) Close() error { return a.store.source.Close() }
