package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// The media types of what is signed: cosign's signatures and envelopes, sigstore bundles of all versions, and Notation's signatures.
const (
	simpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json"
	dsseType          = "application/vnd.dsse.envelope.v1+json"
	bundlePrefix      = "application/vnd.dev.sigstore.bundle"
	notationType      = "application/vnd.cncf.notary.signature"
)

// Bounds on what is looked at of that which is attached to one image.
const (
	maxAttached = 256
	maxListed   = 512 // of those, there may be some that cannot be read
	maxReplied  = 32  // of those, to which something may be attached itself
)

// Where says how far to look for what is attached to an image.
type Where int

// How far to look.
const (
	// Beside is the index that the image was chosen from, in which BuildKit lists attestations: it costs no request where it lists none.
	Beside Where = iota
	// Everywhere is also the referrers and cosign's tags, of the image's manifest and of its index.
	Everywhere
)

// Attachment says how an artifact is tied to what it is attached to.
type Attachment struct {
	How How
	// Tag is the one that the artifact lies under; empty where it has none.
	Tag string
	// To is the digest of the manifest or the index that it is attached to.
	To string
}

// How is a way of attaching.
type How string

// The ways of attaching.
const (
	// ByIndex: an index lists it beside the image, as BuildKit's attestation manifests.
	ByIndex How = "index"
	// ByReferrer: its manifest has the image for its subject.
	ByReferrer How = "referrer"
	// ByReferrersTag: the index under the fallback tag lists it, in a registry that has no list of its own.
	ByReferrersTag How = "referrers-tag"
	// ByCosignTag: it lies under the image's digest and .sig, .att or .sbom.
	ByCosignTag How = "cosign-tag"
	// ByLayout: a layout of one image, as cosign save writes it, marks it as signatures or attestations.
	ByLayout How = "layout"
)

// Attached gives the artifacts that are attached to the image: to its manifest, and to the index that it was chosen from. They are
// the attestation manifests that BuildKit puts into an index, the referrers (OCI distribution specification, "Listing Referrers"; by the
// registry's list and under the fallback tag), and what cosign keeps under the tags sha256-HEX.sig, .att and .sbom. What is attached to
// an attestation manifest or to a bare document, such as its signature, is found too; its [Attachment] says so.
//
// Whoever may write to the place may attach what he likes: nothing of it is to be believed before its signature is verified. What is
// listed and cannot be read, and what is beyond a bound, is a blind spot, and so is all that the registry may have of an image that came
// from a daemon; the only error is that of ctx. An image from a source that keeps no manifests has nothing attached.
func (im *Image) Attached(ctx context.Context, where Where) ([]*Artifact, []BlindSpot, error) {
	var spots []BlindSpot
	if im.local && where == Everywhere {
		spots = []BlindSpot{{Kind: UnreadablePaper, Where: "attestations",
			Message: "a Docker daemon keeps no signatures, and the registry was not asked for them: name the image registry:NAME"}}
	}
	if im.store == nil || im.Digest == "" {
		return nil, spots, nil
	}
	s := search{spots: spots, store: im.store, where: where, seen: map[string]bool{}}
	if where == Beside {
		ties, spots := im.store.beside(im.Digest)
		s.take(ctx, ties, spots)
		return s.result(ctx)
	}
	s.lookFor(ctx, im.Digest)
	if im.Index != "" && im.Index != im.Digest {
		s.lookFor(ctx, im.Index)
	}
	replied := 0
	for _, a := range slices.Clone(s.found) {
		if a.signs() {
			continue
		}
		if replied++; replied > maxReplied {
			s.limit(fmt.Errorf("more than %d documents are attached: the signatures of the rest are not looked for", maxReplied), im.Digest)
			break
		}
		s.lookFor(ctx, a.Digest)
	}
	return s.result(ctx)
}

// Attachments is [Image.Attached], everywhere, for an artifact.
func (a *Artifact) Attachments(ctx context.Context) ([]*Artifact, []BlindSpot, error) {
	s := search{store: a.store, where: Everywhere, seen: map[string]bool{}}
	s.lookFor(ctx, a.Digest)
	return s.result(ctx)
}

// tie is one thing that is listed as attached to something, not read yet.
type tie struct {
	descriptor
	Attachment
}

// search gathers what is attached.
type search struct {
	store *ociStore
	where Where
	found []*Artifact
	spots []BlindSpot
	// seen are the digests of what was looked at.
	seen map[string]bool
	full bool
}

func (s *search) result(ctx context.Context) ([]*Artifact, []BlindSpot, error) {
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	return s.found, SortBlindSpots(s.spots), nil
}

// lookFor takes everything that is attached to one manifest.
func (s *search) lookFor(ctx context.Context, digest string) {
	if s.full || ctx.Err() != nil {
		return
	}
	ties, spots := s.store.beside(digest)
	s.take(ctx, ties, spots)
	if r, ok := s.store.source.(*registry); ok {
		ties, spots = r.ties(ctx, s.store, digest)
	} else {
		ties, spots = s.store.ties(ctx, digest)
	}
	s.take(ctx, ties, spots)
}

// take opens what is listed.
func (s *search) take(ctx context.Context, ties []tie, spots []BlindSpot) {
	s.spots = append(s.spots, spots...)
	for _, t := range ties {
		if s.seen[t.Digest] || ctx.Err() != nil {
			continue
		}
		if len(s.found) >= maxAttached || len(s.seen) >= maxListed {
			if !s.full {
				s.limit(fmt.Errorf("more than %d artifacts are attached: the rest is not read", len(s.found)), t.To)
			}
			s.full = true
			return
		}
		s.seen[t.Digest] = true
		a, err := s.store.artifact(ctx, t.descriptor)
		// An archive of one platform may lack what the index lists; who asks for everything is told.
		lacking := s.where == Beside && s.store.partial && errors.Is(err, fs.ErrNotExist)
		switch {
		case err == nil:
			a.Attached = t.Attachment
			s.found = append(s.found, a)
		case !lacking:
			s.spots = append(s.spots, attestationSpot(UnreadablePaper, shorten(t.Digest), err))
		}
	}
}

func (s *search) limit(err error, digest string) {
	s.spots = append(s.spots, attestationSpot(LimitReached, digest, err))
}

// signs says whether an artifact is itself a signature, or holds what is signed, so that nothing need vouch for it. Of bare documents and
// of BuildKit's attestation manifests that cannot be said.
func (a *Artifact) signs() bool {
	if a.Type == notationType {
		return true
	}
	return slices.ContainsFunc(a.Blobs, func(b Blob) bool {
		return b.MediaType == simpleSigningType || b.MediaType == dsseType || strings.HasPrefix(b.MediaType, bundlePrefix)
	})
}
