package inventory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// KnownBase is an image that others may have been built on.
type KnownBase struct {
	// Reference is its name, as people write it.
	Reference string `json:"reference"`
	// Digest is that of its manifest, and Index that of the index that it was chosen from; empty where the source has none.
	Digest   string `json:"digest,omitempty"`
	Index    string `json:"index,omitempty"`
	Platform string `json:"platform,omitempty"`
	// DiffIDs are the digests of its uncompressed layers, the lowest first: as the image's config says, or verified where
	// its layers were read. Images are found to be built on it by these alone: whoever makes an image known without
	// having read it trusts its config.
	DiffIDs []string `json:"diffIDs"`

	// Created is when its config says that it was made, User whom it runs as, and Size that of its stored layers in bytes; absent where
	// that is not known.
	Created time.Time `json:"created,omitzero"`
	User    string    `json:"user,omitempty"`
	Size    int64     `json:"size,omitempty"`
	OS      OS        `json:"os,omitzero"`
	// Process is what its config sets for what is built on it; nil where that is not known.
	Process *image.Process `json:"process,omitempty"`
	// Packages are what it has aboard, so that it can be compared with other bases; nil where its layers were not read. Of each only
	// that is kept by which advisories are found.
	Packages []Package `json:"packages,omitempty"`
}

// SetAboard notes what is aboard a base whose layers were read.
func (k *KnownBase) SetAboard(inv *Inventory) {
	k.OS = inv.OS
	k.Packages = make([]Package, 0, len(inv.Packages))
	for _, p := range inv.Packages {
		k.Packages = append(k.Packages, Package{
			PURL: p.PURL, Type: p.Type, Name: p.Name, Version: p.Version, Ecosystem: p.Ecosystem, Arch: p.Arch, Source: p.Source, Licenses: p.Licenses,
			Supplier: p.Supplier, Vendor: p.Vendor, Paths: p.Paths[:min(len(p.Paths), 1)], Extractor: p.Extractor, Recognised: p.Recognised, CPE: p.CPE,
			Claimed: p.Claimed, Locked: p.Locked, Unpublished: p.Unpublished, Owner: p.Owner, Identities: p.Identities, Modularity: p.Modularity,
		})
	}
}

// IsSame says whether two descriptions are of the same image under the same name, whatever each knows of it.
func (k *KnownBase) IsSame(other *KnownBase) bool {
	return k.Reference == other.Reference && k.Digest == other.Digest && k.Index == other.Index &&
		k.Platform == other.Platform && slices.Equal(k.DiffIDs, other.DiffIDs)
}

// maxBaseLayers bounds the layers of a known base.
const maxBaseLayers = 1000

// NewKnownBase describes an opened image as a base, under the name reference. Indexes of its layers, where they were
// read, give verified digests, without which it is an error; nil takes the config's word.
func NewKnownBase(im *image.Image, indexes []*layer.Index, reference string) (KnownBase, error) {
	k := KnownBase{Reference: reference, Digest: im.Digest, Index: im.Index, Platform: im.Platform.String(), Created: im.Created.UTC()}
	if im.Process != nil {
		k.User, k.Process = im.Process.User, im.Process
	}
	for i, l := range im.Layers {
		if l.Digest != "" {
			k.Size += max(l.Size, 0)
		}
		id := l.DiffID
		if indexes != nil {
			id = indexes[i].DiffID
		}
		k.DiffIDs = append(k.DiffIDs, id)
	}
	if err := k.check(); err != nil {
		return KnownBase{}, fmt.Errorf("%s cannot be known as a base: %w", reference, err)
	}
	return k, nil
}

// ParseKnownBase reads what json.Marshal made of a KnownBase.
func ParseKnownBase(raw []byte) (KnownBase, error) {
	var k KnownBase
	if err := json.Unmarshal(raw, &k); err != nil {
		return KnownBase{}, err
	}
	return k, k.check()
}

func (k *KnownBase) check() error {
	switch {
	case k.Reference == "":
		return errors.New("it has no name")
	case len(k.DiffIDs) == 0:
		return errors.New("it has no layers")
	case len(k.DiffIDs) > maxBaseLayers:
		return fmt.Errorf("it has more than %d layers", maxBaseLayers)
	}
	for i, id := range k.DiffIDs {
		if hex, ok := strings.CutPrefix(id, "sha256:"); !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
			return fmt.Errorf("the digest of its layer %d is not known", i)
		}
	}
	return nil
}

// isUnder says whether the base's layers are the lowest ones of an image.
func (k *KnownBase) isUnder(diffIDs []string) bool {
	if len(k.DiffIDs) > len(diffIDs) {
		return false
	}
	for i, id := range k.DiffIDs {
		if id != diffIDs[i] {
			return false
		}
	}
	return true
}

// isImage says whether it is the image itself.
func (k *KnownBase) isImage(im *image.Image) bool { return k.Digest != "" && k.Digest == im.Digest }

// isNamed says whether a document means this base. A name without a digest is enough: what it means now and what it
// meant then is told apart by the layers.
func (k *KnownBase) isNamed(n imageName) bool {
	if n.digest != "" {
		return k.Digest == n.digest || k.Index == n.digest
	}
	return sameReference(k.Reference, n.reference)
}

// CompareKnownBases orders known bases as lists show them: by name, platform and digest.
func CompareKnownBases(a, b KnownBase) int {
	return cmp.Or(cmp.Compare(a.Reference, b.Reference), cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Digest, b.Digest))
}
