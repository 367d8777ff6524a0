package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Attach writes artifacts beside the image that ref names, which is there already: into a repository of a registry, into an image
// layout (oci:DIR), or into one in a tar (oci-archive:FILE, which is replaced when the new one is whole). What they are attached to
// must be there. One with a subject becomes a referrer: where the registry has no list of them, the index under the fallback tag lists it, beside
// those that it lists already. One with one of cosign's tags is added to what lies under the tag. What others attached stays
// as it is; an artifact that is attached already is not attached twice.
func Attach(ctx context.Context, ref string, artifacts []*Draft, o PushOptions) error {
	h, err := openHolder(ctx, ref, o)
	if err != nil {
		return err
	}
	for _, d := range artifacts {
		if err = attach(ctx, h, d); err != nil {
			break
		}
	}
	return h.finish(err)
}

// holder is a place where an image lies, and where something can be attached to it.
type holder interface {
	// holds says whether a manifest is there.
	holds(ctx context.Context, digest string) (bool, error)
	blob(ctx context.Context, c Content) error
	// referrer writes a manifest that has a subject, and lists it where that is not done by itself.
	referrer(ctx context.Context, raw []byte, d *Draft, b Blob) error
	// tagged gives the manifest under a tag, and fs.ErrNotExist where there is none.
	tagged(ctx context.Context, tag string) ([]byte, error)
	// document reads a blob.
	document(ctx context.Context, b Blob) ([]byte, error)
	// retag puts another manifest under a tag.
	retag(ctx context.Context, raw []byte, d *Draft) error
	// finish makes all of it stand, or leaves all as it was, if err says that something failed; it gives err on. In a registry, what was
	// written before an error stays.
	finish(err error) error
}

func openHolder(ctx context.Context, ref string, o PushOptions) (holder, error) {
	f, rest := parseReference(ref)
	if f == dockerForm || f == dockerArchiveForm || f == directoryForm {
		return nil, fmt.Errorf("%s: nothing can be attached to an image there: name it where it is in a registry, in oci:DIR or in oci-archive:FILE", ref)
	}
	place, err := findArtifactPlace(ref)
	switch {
	case err != nil:
		return nil, err
	case place.path == "":
		return openRegistryHolder(ctx, rest, o)
	case place.archive:
		return openArchiveHolder(ctx, place.path)
	}
	return openLayoutHolder(ctx, place.path)
}

func attach(ctx context.Context, h holder, d *Draft) error {
	subject := d.attachedTo()
	if !validDigest(subject) {
		return errors.New("what is to be attached does not say to what")
	}
	there, err := h.holds(ctx, subject)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("the image %s is not there: nothing can be attached to it before it is pushed", subject)
	}
	raw, b, err := d.Manifest()
	if err != nil {
		return err
	}
	for _, c := range d.contents() {
		if err := h.blob(ctx, c); err != nil {
			return err
		}
	}
	if d.Tag == "" {
		return h.referrer(ctx, raw, d, b)
	}
	return attachTagged(ctx, h, d, raw)
}

// attachedTo gives the digest of what a draft is attached to, by its subject or by its tag.
func (d *Draft) attachedTo() string {
	if d.Subject != nil {
		return d.Subject.Digest
	}
	tag, _, _ := strings.Cut(d.Tag, ".")
	return strings.Replace(tag, "-", ":", 1)
}

// attachTagged adds a manifest's blobs to those of the manifest under its tag.
func attachTagged(ctx context.Context, h holder, d *Draft, raw []byte) error {
	before, err := h.tagged(ctx, d.Tag)
	if errors.Is(err, fs.ErrNotExist) {
		return h.retag(ctx, raw, d)
	}
	if err != nil {
		return err
	}
	merged, config, err := mergeLayers(before, raw, func(b Blob) ([]byte, error) { return h.document(ctx, b) })
	if err != nil {
		return fmt.Errorf("tag %s: %w", d.Tag, err)
	}
	if merged == nil {
		return nil
	}
	if config != nil {
		if err := h.blob(ctx, *config); err != nil {
			return err
		}
	}
	return h.retag(ctx, merged, d)
}

// mergeLayers adds the layers of one manifest to another one, and what the config says of them; nil where they are there already.
// What is not understood of the other one is kept.
func mergeLayers(into, from []byte, read func(Blob) ([]byte, error)) (merged []byte, config *Content, err error) {
	if m, err := parseManifest(into); err != nil || m.isIndex() {
		return nil, nil, errors.New("what lies under it is not what cosign keeps there")
	}
	var fields map[string]json.RawMessage
	var layers, more []json.RawMessage
	if err := json.Unmarshal(into, &fields); err != nil {
		return nil, nil, err
	}
	if err := decodeField(fields, "layers", &layers); err != nil {
		return nil, nil, err
	}
	var added []string
	if more, err = newLayers(layers, from, &added); err != nil || len(more) == 0 {
		return nil, nil, err
	}
	if fields["layers"], err = json.Marshal(append(layers, more...)); err != nil {
		return nil, nil, err
	}
	if len(layers)+len(more) > maxLayers {
		return nil, nil, fmt.Errorf("it holds %d signatures or attestations already, and more than %d are not read", len(layers), maxLayers)
	}
	if config, err = mergeConfig(fields, added, read); err != nil {
		return nil, nil, err
	}
	merged, err = json.Marshal(fields)
	return merged, config, err
}

// newLayers gives the layers of a manifest that are not among others, and their digests.
func newLayers(layers []json.RawMessage, manifest []byte, added *[]string) ([]json.RawMessage, error) {
	var from struct{ Layers []json.RawMessage }
	if err := json.Unmarshal(manifest, &from); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, l := range layers {
		known[canonical(l)] = true
	}
	var list []json.RawMessage
	for _, l := range from.Layers {
		if key := canonical(l); !known[key] {
			known[key] = true
			var d descriptor
			if err := json.Unmarshal(l, &d); err != nil {
				return nil, err
			}
			list, *added = append(list, l), append(*added, d.Digest)
		}
	}
	return list, nil
}

// canonical writes a value with its fields sorted, for comparing.
func canonical(raw json.RawMessage) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return string(raw)
	}
	sorted, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(sorted)
}

// mergeConfig adds layers to those that a manifest's config lists, as that of an image does, and points the manifest at the new one; nil
// where the config lists none. The layers are not compressed: their diffIDs are their digests.
func mergeConfig(manifest map[string]json.RawMessage, layers []string, read func(Blob) ([]byte, error)) (*Content, error) {
	var d descriptor
	if err := decodeField(manifest, "config", &d); err != nil {
		return nil, err
	}
	if !validDigest(d.Digest) || d.MediaType == emptyType {
		return nil, nil
	}
	raw, err := read(Blob{Digest: d.Digest, Size: d.Size})
	if err != nil {
		return nil, err
	}
	var config, rootfs map[string]json.RawMessage
	var diffIDs []string
	if json.Unmarshal(raw, &config) != nil || decodeField(config, "rootfs", &rootfs) != nil || decodeField(rootfs, "diff_ids", &diffIDs) != nil {
		return nil, nil //nolint:nilerr // a config of another kind stays as it is
	}
	if rootfs["diff_ids"], err = json.Marshal(append(diffIDs, layers...)); err != nil {
		return nil, err
	}
	if config["rootfs"], err = json.Marshal(rootfs); err != nil {
		return nil, err
	}
	if raw, err = json.Marshal(config); err != nil {
		return nil, err
	}
	c := NewDocument(d.MediaType, raw, nil)
	manifest["config"], err = json.Marshal(c.json())
	return &c, err
}

func decodeField(fields map[string]json.RawMessage, name string, v any) error {
	if fields[name] == nil {
		return fmt.Errorf("it has no %s", name)
	}
	if err := json.Unmarshal(fields[name], v); err != nil {
		return fmt.Errorf("its %s: %w", name, err)
	}
	return nil
}

// listIn adds an entry to the list of an index, and keeps what is not understood of it; nil where the entry is there already. Those that
// it replaces, if any can be, give way to it.
func listIn(index []byte, entry blobJSON, replaces func(descriptor) bool) ([]byte, error) {
	var fields map[string]json.RawMessage
	var entries, kept []json.RawMessage
	if err := json.Unmarshal(index, &fields); err != nil {
		return nil, fmt.Errorf("the index is not valid: %w", err)
	}
	if fields["manifests"] != nil {
		if err := decodeField(fields, "manifests", &entries); err != nil {
			return nil, err
		}
	}
	if len(entries) >= maxIndexEntries {
		return nil, fmt.Errorf("the index lists %d manifests already, and more are not read", len(entries))
	}
	for _, raw := range entries {
		var d descriptor
		_ = json.Unmarshal(raw, &d) // an entry that is no descriptor stays as it is
		switch {
		case replaces == nil && d.Digest == entry.Digest:
			return nil, nil
		case replaces == nil || !replaces(d):
			kept = append(kept, raw)
		}
	}
	raw, err := json.Marshal(entry)
	if err != nil {
		return nil, err
	}
	if fields["manifests"], err = json.Marshal(append(kept, raw)); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}
