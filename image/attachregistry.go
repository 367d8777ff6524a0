package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// maxListAttempts are made to list something beside what others list at the same time: registries know no locks.
const maxListAttempts = 4

// registryHolder attaches to images of a repository. It writes manifests itself, since what a registry lists of them must be added to
// and not written anew; blobs are the library's.
type registryHolder struct {
	registry *registry
	pusher   *remote.Pusher
	repo     name.Repository
	progress func(done, total int64)
	// lists says whether the registry lists referrers by itself; nil before it was asked.
	lists *bool
}

func openRegistryHolder(ctx context.Context, image string, o PushOptions) (holder, error) {
	ref, err := parseName(image, o.Options)
	if err != nil {
		return nil, err
	}
	r, base, auth, err := newRegistry(ctx, ref.Context(), o.Options)
	if err != nil {
		return nil, err
	}
	r.writes = true
	handshake, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	scopes := []string{ref.Context().Scope(transport.PushScope)} // it includes reading
	authenticated, err := transport.NewWithContext(handshake, ref.Context().Registry, auth, base, scopes)
	if err != nil {
		r.closeIdle()
		return nil, r.explain(err)
	}
	r.client = &http.Client{Transport: authenticated}
	pusher, err := remote.NewPusher(remote.WithTransport(base), remote.WithAuth(auth), remote.WithContext(ctx), remote.WithUserAgent(o.UserAgent))
	if err != nil {
		r.closeIdle()
		return nil, err
	}
	return &registryHolder{registry: r, pusher: pusher, repo: ref.Context(), progress: o.Progress}, nil
}

func (h *registryHolder) holds(ctx context.Context, digest string) (bool, error) {
	return h.registry.has(ctx, "manifests/"+digest)
}

func (h *registryHolder) blob(ctx context.Context, c Content) error {
	t := registryTarget{registry: h.registry}
	return t.explain(h.pusher.Upload(ctx, h.repo, upload{c.counted(h.progress)}))
}

func (h *registryHolder) document(ctx context.Context, b Blob) ([]byte, error) {
	raw, err := h.registry.document(ctx, "blobs/"+b.Digest)
	if err == nil && !matchesDigest(raw, b.Digest) {
		err = fmt.Errorf("blob %s: content does not match its digest%s", b.Digest, getAnew)
	}
	return raw, err
}

func (h *registryHolder) tagged(ctx context.Context, tag string) ([]byte, error) {
	return h.registry.document(ctx, "manifests/"+tag)
}

func (h *registryHolder) retag(ctx context.Context, raw []byte, d *Draft) error {
	return h.put(ctx, d.Tag, raw, manifestType)
}

func (h *registryHolder) finish(err error) error {
	h.registry.closeIdle()
	return err
}

// put writes a manifest under a tag or a digest. No answer is taken for success but those of the specification.
func (h *registryHolder) put(ctx context.Context, reference string, raw []byte, mediaType string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	url := fmt.Sprintf("https://%s/v2/%s/manifests/%s", h.repo.RegistryStr(), h.repo.RepositoryStr(), reference)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := h.registry.client.Do(req)
	if err != nil {
		return h.registry.explain(err)
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, http.StatusOK, http.StatusCreated, http.StatusAccepted); err != nil {
		return h.registry.explain(err)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxDocument) // so that the connection can be used again
	return nil
}

func (h *registryHolder) referrer(ctx context.Context, raw []byte, d *Draft, b Blob) error {
	if err := h.put(ctx, b.Digest, raw, manifestType); err != nil {
		return err
	}
	if h.lists == nil {
		_, err := h.registry.referrers(ctx, d.Subject.Digest)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		lists := err == nil
		h.lists = &lists
	}
	if *h.lists {
		return nil
	}
	entry := b.json()
	entry.ArtifactType, entry.Annotations = d.Type, d.Annotations
	if entry.ArtifactType == "" {
		entry.ArtifactType = d.config().MediaType
	}
	return h.list(ctx, fallbackTag(d.Subject.Digest), entry)
}

// list adds an entry to the index under the fallback tag (OCI distribution specification, "Referrers Tag Schema"), and looks whether it
// is still there: who writes at the same moment may have written over it.
func (h *registryHolder) list(ctx context.Context, tag string, entry blobJSON) error {
	for range maxListAttempts {
		index, err := h.tagged(ctx, tag)
		if errors.Is(err, fs.ErrNotExist) {
			index, err = []byte(`{"schemaVersion":2,"mediaType":"`+indexType+`","manifests":[]}`), nil
		}
		if err != nil {
			return err
		}
		m, err := parseManifest(index)
		if err != nil || !m.isIndex() {
			return fmt.Errorf("tag %s: what lies under it is no index: nothing can be listed there", tag)
		}
		if slices.ContainsFunc(m.Manifests, func(d descriptor) bool { return d.Digest == entry.Digest }) {
			return nil
		}
		raw, err := listIn(index, entry, nil)
		if err != nil {
			return fmt.Errorf("tag %s: %w", tag, err)
		}
		if err := h.put(ctx, tag, raw, indexType); err != nil {
			return err
		}
	}
	return fmt.Errorf("tag %s: somebody else writes to it all the time: try again later", tag)
}
