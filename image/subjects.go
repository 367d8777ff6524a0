package image

import (
	"encoding/json"
	"errors"
)

// Subjects gives the manifests that a paper about this image is to be attached to: that of the image, and the index that it was
// chosen from where that leads to no other image, since who asks by a tag finds the index first. Their digests vouch for the same image.
// The error says that the image has no manifest.
func (im *Image) Subjects() ([]Blob, error) {
	if im.store == nil || im.Digest == "" {
		return nil, errors.New(im.Reference + ": it has no manifest, so nothing can be attached to it: push it to a registry or an OCI layout first, or name it there (registry:NAME)")
	}
	subjects := []Blob{im.store.subject(im.Digest)}
	if im.Index == "" || im.Index == im.Digest {
		return subjects, nil
	}
	var index manifest
	if err := json.Unmarshal(im.store.documents[im.Index], &index); err != nil {
		return nil, err
	}
	for _, d := range index.Manifests {
		// Only what is for no platform, as BuildKit's attestations, is run nowhere: annotations prove nothing, and other programs do not
		// look at them.
		if d.Digest != im.Digest && d.platform() != (Platform{OS: "unknown", Architecture: "unknown"}) {
			return subjects, nil
		}
	}
	return append(subjects, im.store.subject(im.Index)), nil
}

// subject describes a manifest that was read.
func (o *ociStore) subject(digest string) Blob {
	raw := o.documents[digest]
	var m manifest
	_ = json.Unmarshal(raw, &m) // it was read before: it is valid
	b := Blob{MediaType: m.MediaType, Digest: digest, Size: int64(len(raw))}
	switch {
	case b.MediaType != "":
	case m.isIndex():
		b.MediaType = indexType
	default:
		b.MediaType = manifestType
	}
	return b
}
