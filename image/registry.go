package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// acceptManifests are the media types that this package reads (OCI distribution specification, "Pulling manifests"): the last two are those
// of artifacts alone.
const acceptManifests = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, " +
	"application/vnd.oci.artifact.manifest.v1+json, application/vnd.cncf.oras.artifact.manifest.v1+json"

// registry is a source whose blobs' names are manifests/REFERENCE and blobs/DIGEST, as in its URLs.
type registry struct {
	repo      name.Repository
	client    *http.Client
	closeIdle func()
	// anonymous is set when no credentials were found.
	anonymous bool
	// plain is set when the registry may be spoken to without TLS.
	plain bool
	// writes is set when something is to be pushed.
	writes bool
}

// openRegistry opens an image of a registry.
func openRegistry(ctx context.Context, image string, o Options, want Platform) (*Image, error) {
	ref, err := parseName(image, o)
	if err != nil {
		return nil, err
	}
	reg, err := connect(ctx, ref.Context(), o)
	if err != nil {
		return nil, err
	}
	im, err := reg.image(ctx, ref, want)
	if err != nil {
		reg.Close()
		return nil, err
	}
	im.Repository = plainName(ref.Context().Name())
	return im, nil
}

// parseName reads an image's name. Plain HTTP is never the library's choice: it would also take it for
// private addresses.
func parseName(image string, o Options) (name.Reference, error) {
	opts := []name.Option{}
	host, _, _ := strings.Cut(image, "/")
	if o.PlainHTTP || isLoopback(host) {
		opts = append(opts, name.Insecure)
	}
	if host == "localhost" {
		return nil, fmt.Errorf("%q: write the registry's port, too, as in localhost:5000/name", shorten(image))
	}
	ref, err := name.ParseReference(image, opts...)
	if err != nil {
		return nil, fmt.Errorf("%q is neither a file, nor a directory, nor a valid image name", shorten(image))
	}
	return ref, nil
}

// plainName is an image's name as people write it.
func plainName(s string) string {
	return strings.Replace(s, name.DefaultRegistry, "docker.io", 1)
}

// connect does the handshake with a registry: it learns whether it speaks TLS and how it wants to be
// authenticated, and gets a token where it wants one.
func connect(ctx context.Context, repo name.Repository, o Options) (*registry, error) {
	r, base, auth, err := newRegistry(ctx, repo, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	authenticated, err := transport.NewWithContext(ctx, repo.Registry, auth, base, []string{repo.Scope(transport.PullScope)})
	if err != nil {
		r.closeIdle()
		return nil, r.explain(err)
	}
	r.client = &http.Client{Transport: authenticated}
	return r, nil
}

// newRegistry finds what is needed to speak to a registry. Nothing is sent to it yet.
func newRegistry(ctx context.Context, repo name.Repository, o Options) (*registry, http.RoundTripper, authn.Authenticator, error) {
	base, closeIdle, err := newTransport(o, repo.RegistryStr())
	if err != nil {
		return nil, nil, nil, err
	}
	keychain := o.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	auth, err := credentials(ctx, keychain, repo)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("credentials for registry %s: %s: check Docker's config.json and its credential helper", plainName(repo.RegistryStr()), oneLine(err))
	}
	return &registry{
		repo: repo, closeIdle: closeIdle, anonymous: auth == authn.Anonymous,
		plain: o.PlainHTTP || isLoopback(repo.RegistryStr()),
	}, base, auth, nil
}

// credentials asks the keychain, which may run another program and knows no end to waiting for it.
func credentials(ctx context.Context, keychain authn.Keychain, repo name.Repository) (authn.Authenticator, error) {
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		auth, err := authn.Resolve(ctx, keychain, repo)
		answers <- answer{auth, err}
	}()
	late := time.NewTimer(helperTimeout)
	defer late.Stop()
	select {
	case a := <-answers:
		return a.auth, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, fmt.Errorf("the credential helper gave no answer for %s", helperTimeout)
	}
}

// image fetches the manifest that ref names and opens the image.
func (r *registry) image(ctx context.Context, ref name.Reference, want Platform) (*Image, error) {
	store, root, err := r.root(ctx, ref)
	if err != nil {
		return nil, err
	}
	im, err := store.image(ctx, []descriptor{root}, want)
	if err != nil {
		return nil, inPlace(store.where, err)
	}
	return im, nil
}

// root fetches the manifest that ref names.
func (r *registry) root(ctx context.Context, ref name.Reference) (*ociStore, descriptor, error) {
	where := plainName(ref.Name())
	raw, err := r.document(ctx, "manifests/"+ref.Identifier())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, descriptor{}, absentError{where}
	}
	if err != nil {
		return nil, descriptor{}, err
	}
	m, err := parseManifest(raw)
	var noJSON *json.SyntaxError
	if errors.As(err, &noJSON) {
		return nil, descriptor{}, fmt.Errorf("%s: what the registry answered is not an image manifest: check the address; it may not be a registry", where)
	}
	if err != nil {
		return nil, descriptor{}, inPlace(where, err)
	}
	root := descriptor{Digest: digestOf(raw), MediaType: m.MediaType, Size: int64(len(raw))}
	if pinned, ok := ref.(name.Digest); ok {
		root.Digest = pinned.DigestStr()
		if !validDigest(root.Digest) || !matchesDigest(raw, root.Digest) {
			return nil, descriptor{}, fmt.Errorf("%s: manifest: content does not match its digest%s", where, getAnew)
		}
	}
	return &ociStore{
		source: r, where: where, documents: map[string][]byte{root.Digest: raw},
		manifestName: func(digest string) string { return "manifests/" + digest },
		blobName:     func(digest string) string { return "blobs/" + digest },
	}, root, nil
}

// absentError says that a registry was asked, and has no such image.
type absentError struct{ where string }

func (e absentError) Error() string {
	return e.where + ": no such image in the registry: check the name and the tag"
}

// request asks for a blob, or for some of its bytes: those from offset to the end, or as many as length says where
// it is not 0. With [http.StatusOK] the body is the whole blob all the same. The caller closes it.
func (r *registry) request(ctx context.Context, method, blob string, offset, length int64) (*http.Response, error) {
	// The transport turns https into http where the handshake found that.
	url := fmt.Sprintf("https://%s/v2/%s/%s", r.repo.RegistryStr(), r.repo.RepositoryStr(), blob)
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(blob, "manifests/") || strings.HasPrefix(blob, "referrers/") {
		req.Header.Set("Accept", acceptManifests)
	}
	switch {
	case length > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.explain(err)
	}
	if resp.StatusCode == http.StatusNotFound || strings.HasPrefix(blob, "referrers/") && knowsNoReferrers(resp.StatusCode) {
		resp.Body.Close()
		return nil, fmt.Errorf("registry %s has no %s: %w", plainName(r.repo.RegistryStr()), blob, fs.ErrNotExist)
	}
	if err := transport.CheckError(resp, http.StatusOK, http.StatusPartialContent); err != nil {
		resp.Body.Close()
		return nil, r.explain(err)
	}
	return resp, nil
}

func (r *registry) document(ctx context.Context, blob string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	resp, err := r.request(ctx, http.MethodGet, blob, 0, 0)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	name := plainName(r.repo.Name()) + ": " + blob
	if resp.ContentLength > maxDocument {
		return nil, tooLarge(name)
	}
	raw, err := readDocument(resp.Body, name)
	if ctx.Err() != nil {
		return nil, r.explain(ctx.Err())
	}
	return raw, err
}

func (r *registry) has(ctx context.Context, blob string) (bool, error) {
	resp, err := r.request(ctx, http.MethodHead, blob, 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	return true, nil
}

func (r *registry) open(ctx context.Context, blob string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &transfer{registry: r, ctx: ctx, cancel: cancel, blob: blob}
	if err := b.begin(); err != nil {
		cancel(nil)
		return nil, err
	}
	return b, nil
}

func (r *registry) Close() error {
	r.closeIdle()
	return nil
}

// transfer is the body of a blob. A transfer that breaks is taken up again where it broke, a few times; one
// that stands still is ended.
type transfer struct {
	registry *registry
	ctx      context.Context
	cancel   context.CancelCauseFunc
	blob     string
	body     io.ReadCloser
	offset   int64
	end      int64 // of the range that is wanted; 0: that of the blob
	skip     int64 // how many of the body's bytes to come were read before
	broken   int   // how often it broke
}

var errStalled = fmt.Errorf("the registry sent nothing for %s: try again later", answerTimeout)

func (t *transfer) begin() error {
	resp, err := t.registry.request(t.ctx, http.MethodGet, t.blob, t.offset, max(0, t.end-t.offset))
	if err != nil {
		return err
	}
	if t.end > 0 {
		if err := checkRange(resp, t.offset, t.end); err != nil {
			resp.Body.Close()
			return err
		}
	}
	t.body, t.skip = resp.Body, 0
	if resp.StatusCode == http.StatusOK {
		t.skip = t.offset // a server need not know ranges: it sends all, from the beginning
	}
	return nil
}

func (t *transfer) Read(p []byte) (int, error) {
	for {
		stalled := time.AfterFunc(answerTimeout, func() { t.cancel(errStalled) })
		n, err := t.body.Read(p)
		stalled.Stop()
		again := int(min(t.skip, int64(n)))
		n = copy(p, p[again:n])
		t.skip -= int64(again)
		t.offset += int64(n)
		if n > 0 || err == io.EOF {
			return n, err
		}
		if err == nil {
			continue
		}
		if t.ctx.Err() != nil {
			return 0, context.Cause(t.ctx)
		}
		if t.broken++; t.broken >= maxAttempts {
			return 0, fmt.Errorf("the connection broke %d times (%s): try again later", t.broken, oneLine(err))
		}
		t.body.Close()
		if err := t.begin(); err != nil {
			return 0, fmt.Errorf("the connection broke, and could not be taken up again: %w", err)
		}
	}
}

// Close ends the request, and with it a Read under way. Closing the body would wait for that Read.
func (t *transfer) Close() error {
	t.cancel(errStopped)
	return nil
}
