package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Bounds on what is looked at of that which is attached to one manifest.
const (
	maxAttached      = 64
	maxListed        = 256 // of those, there may be some that cannot be read
	maxReferrerPages = 16
)

// cosignSuffixes end the tags under which cosign keeps what it attaches to a manifest, as it did before there were
// referrers (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
var cosignSuffixes = []string{".sig", ".att"}

// cosignKinds mark the same in the layouts that cosign save writes, each of one image.
var cosignKinds = []string{"dev.cosignproject.cosign/sigs", "dev.cosignproject.cosign/atts"}

// Attached gives the artifacts that are attached to this one: its referrers, by the registry's list or under the
// fallback tag (OCI distribution specification, "Listing Referrers"), and what cosign keeps under the tags
// sha256-HEX.sig and sha256-HEX.att. Whoever may write to the place may attach what he likes: nothing of it is to be
// believed before its signature is verified. What cannot be read as an artifact is left out; of more than 64 the rest is too.
func (a *Artifact) Attached(ctx context.Context) ([]*Artifact, error) {
	return a.store.attached(ctx, a.Digest)
}

// Attached is [Artifact.Attached] for an image, and for the index that it was chosen from.
func (im *Image) Attached(ctx context.Context) ([]*Artifact, error) {
	if im.store == nil || im.Digest == "" {
		return nil, nil
	}
	found, err := im.store.attached(ctx, im.Digest)
	if err != nil || im.Index == "" || im.Index == im.Digest {
		return found, err
	}
	more, err := im.store.attached(ctx, im.Index)
	return append(found, more...), err
}

func (o *ociStore) attached(ctx context.Context, digest string) ([]*Artifact, error) {
	list := o.attachedHere
	if r, ok := o.source.(*registry); ok {
		list = r.attached
	}
	entries, err := list(ctx, digest)
	if err != nil {
		return nil, err
	}
	var found []*Artifact
	for _, d := range entries[:min(len(entries), maxListed)] {
		known := func(a *Artifact) bool { return a.Digest == d.Digest }
		if len(found) == maxAttached || slices.ContainsFunc(found, known) {
			continue
		}
		a, err := o.artifact(ctx, d)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			found = append(found, a)
		}
	}
	return found, nil
}

// fallbackTag is the tag under which an index lists a manifest's referrers where a registry has no list of its own
// (OCI distribution specification, "Referrers Tag Schema"); cosign's tags begin with it.
func fallbackTag(digest string) string { return strings.Replace(digest, ":", "-", 1) }

// attachedHere finds what a layout's index lists of that which is attached to a manifest.
func (o *ociStore) attachedHere(ctx context.Context, digest string) ([]descriptor, error) {
	var list []descriptor
	for _, d := range o.entries[:min(len(o.entries), maxIndexEntries)] {
		if len(list) == maxAttached || ctx.Err() != nil {
			break
		}
		switch tag := attachedTag(d, digest); {
		case tag == fallbackTag(digest):
			if m, err := o.manifest(ctx, d); err == nil {
				list = append(list, m.Manifests...)
			}
		case tag != "" || slices.Contains(cosignKinds, d.Annotations["kind"]) || d.Digest != digest && o.refersTo(ctx, d, digest):
			list = append(list, d)
		}
	}
	return list, ctx.Err()
}

// attachedTag gives the tag by which an entry of a layout is marked as attached to a manifest. It may have a
// repository's name before it, as skopeo writes it.
func attachedTag(d descriptor, digest string) string {
	for _, tag := range d.tags() {
		tag = tag[strings.LastIndexByte(tag, ':')+1:]
		for _, suffix := range append([]string{""}, cosignSuffixes...) {
			if tag == fallbackTag(digest)+suffix {
				return tag
			}
		}
	}
	return ""
}

// refersTo says whether the manifest of a layout's entry has another one for its subject.
func (o *ociStore) refersTo(ctx context.Context, d descriptor, digest string) bool {
	if d.platform() != (Platform{}) {
		return false // an image: need not be read
	}
	m, err := o.manifest(ctx, d)
	if err != nil {
		return false
	}
	var subject descriptor
	decode(m.Subject, &subject)
	return subject.Digest == digest
}

// attached finds what a registry has attached to a manifest: first what cosign keeps under tags, of which there can be but
// one each.
func (r *registry) attached(ctx context.Context, digest string) ([]descriptor, error) {
	var list []descriptor
	for _, suffix := range cosignSuffixes {
		raw, err := r.document(ctx, "manifests/"+fallbackTag(digest)+suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, descriptor{Digest: digestOf(raw), Size: int64(len(raw))})
	}
	referrers, err := r.referrers(ctx, digest)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		// Registries that know no referrers answer in many ways, by the specification with 404.
		tagged, tagErr := r.taggedIndex(ctx, fallbackTag(digest))
		if tagErr != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		referrers = tagged
	}
	return append(list, referrers...), nil
}

// nextPage finds the query of the next page in a Link header (RFC 8288).
var nextPage = regexp.MustCompile(`^<[^>?]*\?([^>#]*)>;\s*rel="?next"?`)

// referrers asks a registry for the list of a manifest's referrers.
func (r *registry) referrers(ctx context.Context, digest string) ([]descriptor, error) {
	var list []descriptor
	path := "referrers/" + digest
	for range maxReferrerPages {
		entries, next, err := r.referrersPage(ctx, path)
		if err != nil {
			return nil, err
		}
		if list = append(list, entries...); next == "" || len(list) >= maxAttached {
			return list, nil
		}
		path = "referrers/" + digest + "?" + next
	}
	return list, nil
}

func (r *registry) referrersPage(ctx context.Context, path string) (entries []descriptor, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	resp, err := r.request(ctx, http.MethodGet, path, 0, 0)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := readDocument(resp.Body, "list of referrers")
	if err != nil {
		return nil, "", err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, "", fmt.Errorf("list of referrers: %w", err)
	}
	if link := nextPage.FindStringSubmatch(resp.Header.Get("Link")); link != nil {
		if query, err := url.ParseQuery(link[1]); err == nil {
			next = query.Encode()
		}
	}
	return m.Manifests, next, nil
}

// taggedIndex reads the index under a tag; there need be none.
func (r *registry) taggedIndex(ctx context.Context, tag string) ([]descriptor, error) {
	raw, err := r.document(ctx, "manifests/"+tag)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	return m.Manifests, nil
}
