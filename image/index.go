package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// candidate is one image of an index.
type candidate struct {
	descriptor
	platform Platform
	index    parentIndex
	// twins are the digests of other images for the very same platform.
	twins []string
}

// parentIndex is the outermost index that an image was found in; zero where there was none.
type parentIndex struct {
	digest      string
	annotations map[string]string
}

// choose picks the image for the wanted platform out of what roots lead to. Without a wish it takes the only
// image there is, whatever its platform, or else the host's.
func (o *ociStore) choose(ctx context.Context, roots []descriptor, want Platform) (candidate, error) {
	w := indexWalk{store: o, seen: map[string]bool{}}
	if err := w.walk(ctx, roots, parentIndex{}, 0); err != nil {
		return candidate{}, err
	}
	switch {
	case len(w.found) == 0 && len(w.absent) > 0:
		return candidate{}, fmt.Errorf("manifest: %w", missingError{w.absent[0]})
	case len(w.found) == 0:
		return candidate{}, errors.New("it holds no image")
	case len(w.found) == 1 && want == Platform{}:
		return w.found[0], nil
	}
	if want == (Platform{}) {
		want = hostPlatform()
	}
	if err := w.learnPlatforms(ctx); err != nil {
		return candidate{}, err
	}
	best := slices.MaxFunc(w.found, func(a, b candidate) int { return a.platform.fit(want) - b.platform.fit(want) })
	if best.platform.fit(want) == 0 {
		return candidate{}, &platformError{where: o.where, want: want, has: w.platforms()}
	}
	for _, c := range w.found {
		if c.platform == best.platform && c.Digest != best.Digest {
			best.twins = append(best.twins, c.Digest)
		}
	}
	return best, nil
}

// platformError says that there is an image, but not for the wanted platform.
type platformError struct {
	where string
	want  Platform
	has   []string
}

func (e *platformError) Error() string {
	if len(e.has) == 1 {
		return fmt.Sprintf("no image for %s in %s: it has only %s; choose that with --platform, or leave --platform out", e.want, e.where, e.has[0])
	}
	return fmt.Sprintf("no image for %s in %s: it has %s; choose one with --platform", e.want, e.where, strings.Join(e.has, ", "))
}

// indexWalk gathers the images that indexes lead to.
type indexWalk struct {
	store *ociStore
	seen  map[string]bool
	found []candidate
	// absent are the digests of images that are listed but not there.
	absent []string
}

func (w *indexWalk) walk(ctx context.Context, entries []descriptor, in parentIndex, depth int) error {
	if depth > maxIndexDepth {
		return fmt.Errorf("indexes lie more than %d deep within each other, which is not read", maxIndexDepth)
	}
	w.store.noteAttestations(entries)
	for _, d := range entries {
		if !d.isImage() || w.seen[d.Digest] {
			continue
		}
		if w.seen[d.Digest] = true; len(w.seen) > maxIndexEntries {
			return fmt.Errorf("the index lists more than %d images, which is not read", maxIndexEntries)
		}
		if err := w.visit(ctx, d, in, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *indexWalk) visit(ctx context.Context, d descriptor, in parentIndex, depth int) error {
	if w.store.partial && validDigest(d.Digest) {
		there, err := w.store.source.has(ctx, w.store.manifestName(d.Digest))
		if err != nil {
			return err
		}
		if !there {
			w.absent = append(w.absent, d.Digest)
			return nil
		}
	}
	if isIndexType(d.MediaType) {
		m, err := w.store.manifest(ctx, d)
		if err != nil {
			return err
		}
		if m.isIndex() {
			if in.digest == "" {
				in = parentIndex{d.Digest, parseLabels(m.Annotations)}
			}
			return w.walk(ctx, m.Manifests, in, depth+1)
		}
	}
	w.found = append(w.found, candidate{descriptor: d, platform: d.platform(), index: in})
	return nil
}

// isIndexType says whether what an entry points at may be an index: not every entry says what it is.
func isIndexType(mediaType string) bool {
	switch mediaType {
	case "", indexType, "application/vnd.docker.distribution.manifest.list.v2+json":
		return true
	}
	return false
}

// learnPlatforms asks the configs of those images whose index entry does not say their platform.
func (w *indexWalk) learnPlatforms(ctx context.Context) error {
	for i := range w.found {
		c := &w.found[i]
		if c.platform != (Platform{}) {
			continue
		}
		m, err := w.store.manifest(ctx, c.descriptor)
		if err != nil {
			return err
		}
		if m.isIndex() {
			continue
		}
		cfg, err := w.store.config(ctx, m)
		if err != nil {
			return err
		}
		c.platform = cfg.platform
	}
	return nil
}

// platforms lists what was found, for an error.
func (w *indexWalk) platforms() []string {
	var list []string
	for _, c := range w.found {
		s := c.platform.String()
		if s == "" {
			s = "an image that does not say its platform"
		}
		list = append(list, shorten(s))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
