package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The file of a layout that lists its images (OCI image specification, image-layout.md).
const layoutIndexName = "index.json"

// newLayoutStore reads the index of an OCI layout.
func newLayoutStore(ctx context.Context, src source, where string) (*ociStore, error) {
	raw, err := src.document(ctx, layoutIndexName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: not an image layout: it has no %s", where, layoutIndexName)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	var index manifest
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, fmt.Errorf("%s: %s is not valid: %w", where, layoutIndexName, err)
	}
	return &ociStore{
		source: src, where: where, partial: true, documents: map[string][]byte{},
		manifestName: blobPath, blobName: blobPath, entries: index.Manifests,
	}, nil
}

// openLayout opens an image of an OCI layout. selector is a tag, or a digest after "@", or empty.
func openLayout(ctx context.Context, src source, where, selector string, want Platform) (*Image, error) {
	store, err := newLayoutStore(ctx, src, where)
	if err != nil {
		return nil, err
	}
	roots, err := selectRoots(store.entries, where, selector)
	if err != nil {
		return nil, err
	}
	store.noteAttestations(store.entries)
	im, err := store.image(ctx, roots, want)
	if err != nil {
		return nil, inPlace(where, err)
	}
	return im, nil
}

// inPlace says where an error happened. A platformError says so itself.
func inPlace(where string, err error) error {
	var wrong *platformError
	if errors.As(err, &wrong) {
		return err
	}
	return fmt.Errorf("%s: %w", where, err)
}

// selectRoots picks the entries of a layout's index that the selector means.
func selectRoots(entries []descriptor, where, selector string) ([]descriptor, error) {
	if digest, ok := strings.CutPrefix(selector, "@"); ok {
		return selectDigest(entries, digest)
	}
	var images, picked []descriptor
	var tags, meant []string
	for _, d := range entries {
		if !d.isImage() || d.isAttached() && !slices.Contains(d.tags(), selector) {
			continue
		}
		images = append(images, d)
		for _, tag := range d.tags() {
			tags = append(tags, shorten(tag))
			if selector != "" && sameTag(tag, selector) {
				picked = append(picked, d)
				meant = append(meant, shorten(tag))
				break
			}
		}
	}
	switch {
	case selector != "" && len(picked) == 0:
		return nil, fmt.Errorf("no image %q in %s: it has %s", selector, where, listed(tags))
	case selector != "" && severalTagged(picked):
		return nil, severalMeant(selector, where, meant)
	case selector != "":
		return picked, nil
	case severalTagged(images):
		return nil, fmt.Errorf("%s holds several images: choose one by writing its tag after the name and a colon: %s", where, listed(tags))
	}
	return images, nil
}

// selectDigest also takes a digest that the index does not list, if its blob is there.
func selectDigest(entries []descriptor, digest string) ([]descriptor, error) {
	if !validDigest(digest) {
		return nil, fmt.Errorf("%q is not a valid digest", digest)
	}
	for _, d := range entries {
		if d.Digest == digest {
			return []descriptor{d}, nil
		}
	}
	return []descriptor{{Digest: digest, Size: -1}}, nil
}

// tags are the names under which a layout's entry is kept, as the OCI specification and containerd write them.
func (d descriptor) tags() []string {
	var tags []string
	for _, key := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
		if tag := d.Annotations[key]; tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// severalTagged says whether the entries are different images rather than one image for several platforms.
func severalTagged(entries []descriptor) bool {
	for _, d := range entries {
		if d.Digest != entries[0].Digest && strings.Join(d.tags(), " ") != strings.Join(entries[0].tags(), " ") {
			return true
		}
	}
	return false
}
