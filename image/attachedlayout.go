package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// cosignSuffixes end the tags under which cosign keeps what it attaches to a manifest, as it did before there were
// referrers (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
var cosignSuffixes = []string{".sig", ".att", ".sbom"}

// The annotation by which the layouts that cosign save writes, each of one image, tell what their entries are.
const (
	cosignKind       = "kind"
	cosignKindPrefix = "dev.cosignproject.cosign/"
)

// errNoList says that something else lies under the fallback tag.
var errNoList = errors.New("it has the tag of a list of referrers, and is none")

// fallbackTag is the tag under which an index lists a manifest's referrers where a registry has no list of its own
// (OCI distribution specification, "Referrers Tag Schema"); cosign's tags begin with it.
func fallbackTag(digest string) string { return strings.Replace(digest, ":", "-", 1) }

// ties finds what a layout's index lists as attached to a manifest.
func (o *ociStore) ties(ctx context.Context, digest string) ([]tie, []BlindSpot) {
	list, spots := o.listing(ctx)
	var ties []tie
	add := func(d descriptor, how How, tag string) {
		ties = append(ties, tie{d, Attachment{how, tag, digest}})
	}
	for _, d := range list {
		if d.Digest == digest || ctx.Err() != nil {
			continue
		}
		switch tag := attachedTag(d, digest); {
		case tag == fallbackTag(digest):
			m, err := o.manifest(ctx, d)
			if err == nil && !m.isIndex() {
				err = errNoList
			}
			if err != nil {
				spots = append(spots, attestationSpot(UnreadablePaper, shorten(d.Digest), err))
				continue
			}
			for _, referrer := range m.Manifests {
				add(referrer, ByReferrersTag, tag)
			}
		case tag != "":
			add(d, ByCosignTag, tag)
		case d.Annotations[referenceDigest] == digest && d.Annotations[referenceType] == attestationType:
			add(d, ByIndex, "")
		case o.savedFor(d, digest):
			add(d, ByLayout, "")
		default:
			subject, err := o.subjectOf(ctx, d)
			if err != nil {
				spots = append(spots, attestationSpot(UnreadablePaper, shorten(d.Digest), err))
			}
			if subject == digest {
				add(d, ByReferrer, "")
			}
		}
	}
	return ties, spots
}

// listing gives the entries of a layout's index, and those of the indexes that it lists. Each is given once.
func (o *ociStore) listing(ctx context.Context) (list []descriptor, spots []BlindSpot) {
	seen := map[string]bool{}
	var walk func(entries []descriptor, depth int) error
	walk = func(entries []descriptor, depth int) error {
		for _, d := range entries {
			if len(list) == maxIndexEntries || depth > maxIndexDepth {
				return fmt.Errorf("the layout lists more than %d manifests, or indexes more than %d deep within each other: what is attached by the rest is not read", maxIndexEntries, maxIndexDepth)
			}
			list = append(list, d)
			if seen[d.Digest] || !isIndexType(d.MediaType) || hasFallbackTag(d) || ctx.Err() != nil {
				continue
			}
			seen[d.Digest] = true
			m, err := o.manifest(ctx, d)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				spots = append(spots, attestationSpot(UnreadablePaper, shorten(d.Digest), err))
			}
			if err != nil {
				continue
			}
			if err := walk(m.Manifests, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(o.entries, 0); err != nil {
		spots = append(spots, BlindSpot{Kind: LimitReached, Where: "attestations", Message: err.Error()})
	}
	return list, spots
}

// attachedTag gives the tag by which an entry of a layout is marked as attached to a manifest; empty where it has none.
func attachedTag(d descriptor, digest string) string {
	for _, suffix := range append([]string{""}, cosignSuffixes...) {
		if tag := fallbackTag(digest) + suffix; hasTag(d, tag) {
			return tag
		}
	}
	return ""
}

// hasTag says whether an entry of a layout has a tag. It may have a repository's name before it, as skopeo writes it.
func hasTag(d descriptor, tag string) bool {
	return slices.ContainsFunc(d.tags(), func(t string) bool { return bareTag(t) == tag })
}

func bareTag(tag string) string { return tag[strings.LastIndexByte(tag, ':')+1:] }

// isAttached says whether an entry of a layout is marked as attached to another one: what cosign writes looks like an image.
func (d descriptor) isAttached() bool {
	kind, saved := strings.CutPrefix(d.Annotations[cosignKind], cosignKindPrefix)
	return saved && !strings.HasPrefix(kind, "image") || hasFallbackTag(d)
}

// hasFallbackTag says whether an entry of a layout has the fallback tag of any manifest, or one of cosign's.
func hasFallbackTag(d descriptor) bool {
	return slices.ContainsFunc(d.tags(), func(tag string) bool {
		digest, _, _ := strings.Cut(bareTag(tag), ".")
		return validDigest(strings.Replace(digest, "-", ":", 1))
	})
}

// savedFor says whether cosign save has marked an entry of a layout as attached to a manifest: to the one that it marked as the image.
func (o *ociStore) savedFor(d descriptor, digest string) bool {
	kind, ok := strings.CutPrefix(d.Annotations[cosignKind], cosignKindPrefix)
	if !ok || strings.HasPrefix(kind, "image") {
		return false
	}
	for _, e := range o.entries {
		if strings.HasPrefix(e.Annotations[cosignKind], cosignKindPrefix+"image") {
			return e.Digest == digest
		}
	}
	return true
}

// subjectOf gives the digest of the subject that the manifest of a layout's entry has; empty where it has none.
func (o *ociStore) subjectOf(ctx context.Context, d descriptor) (string, error) {
	if d.isImage() && d.platform() != (Platform{}) {
		return "", nil // need not be read
	}
	m, err := o.manifest(ctx, d)
	if err != nil {
		return "", err
	}
	var subject descriptor
	decode(m.Subject, &subject)
	return subject.Digest, nil
}
