package image

import (
	"encoding/json"
	"slices"
)

// IndexEntries gives the digests of all that the index lists from which the image was chosen, in the indexes that it lists too: its own
// digest vouches for them.
func (im *Image) IndexEntries() []string {
	if im.store == nil || im.Index == "" {
		return nil
	}
	var list []string
	for left := []string{im.Index}; len(left) > 0 && len(list) < maxIndexEntries; {
		var index manifest
		raw, read := im.store.documents[left[0]]
		if left = left[1:]; !read || json.Unmarshal(raw, &index) != nil {
			continue
		}
		for _, d := range index.Manifests {
			if !slices.Contains(list, d.Digest) {
				list, left = append(list, d.Digest), append(left, d.Digest)
			}
		}
	}
	return list
}
