package image

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// PushOptions say how to write an artifact.
type PushOptions struct {
	Options
	// Progress, if set, is told how many bytes are written, and how many there are.
	Progress func(done, total int64)
}

// Push writes an artifact, and what is attached to it, to the place that ref names, and gives the artifact's digest:
//
//	registry:NAME         a repository of a registry, under a tag
//	oci:DIR[:TAG]         a new image layout
//	oci-archive:FILE      a new image layout in a tar; a file that is there is replaced when the new one is whole
//
// Without a scheme, ref is a name. What is attached is there before the artifact has its tag, so that nobody finds it
// without its signatures. Of a directory that is written into, nothing is left where writing failed.
func Push(ctx context.Context, ref string, artifact *Draft, attached []*Draft, o PushOptions) (digest string, err error) {
	t, err := openTarget(ctx, ref, o)
	if err != nil {
		return "", err
	}
	main, root, err := artifact.Manifest()
	if err == nil {
		err = writeAll(ctx, t, main, root, artifact, attached)
	}
	if err = t.finish(err); err != nil {
		return "", err
	}
	return root.Digest, nil
}

// target is where artifacts are written.
type target interface {
	blob(ctx context.Context, c Content) error
	// manifest writes one under its digest.
	manifest(ctx context.Context, raw []byte, d *Draft, b Blob) error
	// attach writes what is attached to the artifact; it adds to what others have attached to the same one.
	attach(ctx context.Context, d *Draft) error
	// tag gives a manifest the name that the target was opened for.
	tag(ctx context.Context, raw []byte, d *Draft, b Blob) error
	// finish makes all of it stand, or takes all of it back, if err says that something failed; it gives err on.
	finish(err error) error
}

func writeAll(ctx context.Context, t target, main []byte, root Blob, artifact *Draft, attached []*Draft) error {
	if err := writeDraft(ctx, t, artifact, main, root); err != nil {
		return err
	}
	for _, d := range attached {
		if err := t.attach(ctx, d); err != nil {
			return err
		}
	}
	return t.tag(ctx, main, artifact, root)
}

func writeDraft(ctx context.Context, t target, d *Draft, raw []byte, b Blob) error {
	for _, c := range d.contents() {
		if err := t.blob(ctx, c); err != nil {
			return err
		}
	}
	return t.manifest(ctx, raw, d, b)
}

// Repository gives the name under which a registry keeps what ref names, without tag and digest; it is empty for a path.
func Repository(ref string, o Options) (string, error) {
	f, rest := parseReference(ref)
	switch f {
	case registryForm, nameForm, anyForm:
		parsed, err := parseName(rest, o)
		if err != nil {
			return "", err
		}
		return parsed.Context().Name(), nil
	}
	return "", nil
}

func openTarget(ctx context.Context, ref string, o PushOptions) (target, error) {
	f, rest := parseReference(ref)
	switch f {
	case registryForm, nameForm, anyForm:
		if looksLikePath(rest) {
			return nil, fmt.Errorf("%s: write oci:%s for an image layout or oci-archive:%s for one in a tar", ref, rest, rest)
		}
		return openPush(ctx, rest, o)
	case layoutForm:
		return newLayoutDir(rest, o)
	case layoutArchiveForm, archiveForm:
		return newLayoutArchive(rest, o)
	}
	return nil, fmt.Errorf("%s: artifacts are written to a registry, to oci:DIR or to oci-archive:FILE", ref)
}

// registryTarget writes to a repository.
type registryTarget struct {
	registry *registry
	pusher   *remote.Pusher
	ref      name.Reference
	progress func(done, total int64)
	// open begins to attach to what was written; holder is what it gave, nil before.
	open   func() (holder, error)
	holder holder
}

func openPush(ctx context.Context, image string, o PushOptions) (target, error) {
	ref, err := parseName(image, o.Options)
	if err != nil {
		return nil, err
	}
	if _, ok := ref.(name.Tag); !ok {
		return nil, fmt.Errorf("%s: what is written has its own digest: name a tag", plainName(image))
	}
	r, base, auth, err := newRegistry(ctx, ref.Context(), o.Options)
	if err != nil {
		return nil, err
	}
	r.writes = true
	pusher, err := remote.NewPusher(remote.WithTransport(base), remote.WithAuth(auth), remote.WithContext(ctx), remote.WithUserAgent(o.UserAgent))
	if err != nil {
		r.closeIdle()
		return nil, err
	}
	open := func() (holder, error) { return openRegistryHolder(ctx, image, o) }
	return &registryTarget{registry: r, pusher: pusher, ref: ref, progress: o.Progress, open: open}, nil
}

func (t *registryTarget) blob(ctx context.Context, c Content) error {
	return t.explain(t.pusher.Upload(ctx, t.ref.Context(), upload{c.counted(t.progress)}))
}

func (t *registryTarget) manifest(ctx context.Context, raw []byte, _ *Draft, b Blob) error {
	return t.explain(t.pusher.Put(ctx, t.ref.Context().Digest(b.Digest), rawManifest(raw)))
}

func (t *registryTarget) attach(ctx context.Context, d *Draft) (err error) {
	if t.holder == nil {
		if t.holder, err = t.open(); err != nil {
			return err
		}
	}
	return attach(ctx, t.holder, d)
}

func (t *registryTarget) tag(ctx context.Context, raw []byte, _ *Draft, _ Blob) error {
	return t.explain(t.pusher.Put(ctx, t.ref, rawManifest(raw)))
}

func (t *registryTarget) finish(err error) error {
	t.registry.closeIdle()
	if t.holder != nil {
		return t.holder.finish(err)
	}
	return err
}

// explain leaves alone what is wrong with a file of ours.
func (t *registryTarget) explain(err error) error {
	var ours *contentError
	if err == nil || errors.As(err, &ours) {
		return err
	}
	return t.registry.explain(err)
}

// rawManifest is a manifest as the registry library takes it.
type rawManifest []byte

func (m rawManifest) RawManifest() ([]byte, error) { return m, nil }

func (m rawManifest) MediaType() (types.MediaType, error) { return manifestType, nil }

// upload is a blob as the registry library takes it: what it calls compressed is what is stored.
type upload struct{ Content }

func (u upload) Digest() (v1.Hash, error) { return v1.NewHash(u.Content.Digest) }
func (u upload) DiffID() (v1.Hash, error) { return u.Digest() }
func (u upload) Size() (int64, error)     { return u.Content.Size, nil }
func (u upload) MediaType() (types.MediaType, error) {
	return types.MediaType(u.Content.MediaType), nil
}
func (u upload) Uncompressed() (io.ReadCloser, error) { return u.Compressed() }

func (u upload) Compressed() (io.ReadCloser, error) {
	r, err := u.open()
	if err != nil {
		return nil, &contentError{err}
	}
	return r, nil
}

// contentError is about what was to be written, not about the place where.
type contentError struct{ error }

func (e *contentError) Unwrap() error { return e.error }

// counted tells progress of what is read of a blob.
func (c Content) counted(progress func(done, total int64)) Content {
	if progress == nil {
		return c
	}
	open := c.open
	c.open = func() (io.ReadCloser, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		return &countedReader{ReadCloser: r, total: c.Size, progress: progress}, nil
	}
	return c
}

type countedReader struct {
	io.ReadCloser
	done, total int64
	progress    func(done, total int64)
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.done += int64(n)
	c.progress(c.done, c.total)
	return n, err
}
