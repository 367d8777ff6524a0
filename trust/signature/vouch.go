package signature

import (
	"encoding/json"
	"fmt"
	"slices"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/vex"
)

// judged is a paper, and what came out.
type judged struct {
	*paper
	trust.Attestation
	// carried says that a signature of something else vouches for it.
	carried bool
}

// vouch carries signatures over to what they vouch for: that of a manifest to the papers which it holds, and that of an index to the papers
// which it lists. The signature of a paper is then told with the paper, and no longer by itself.
func (v *Verifier) vouch(list []judged, im *image.Image, listed []string, about *vex.Image) []judged {
	for _, s := range list {
		if s.Kind != trust.OfSignature || s.Status != trust.Verified {
			continue
		}
		index := slices.Contains(s.Subjects, im.Index)
		for i := range list {
			switch manifest := list[i].Found.Manifest; {
			case slices.Contains(s.Subjects, manifest):
				v.carry(&list[i], s, "its manifest is ", about)
			case index && slices.Contains(listed, manifest):
				v.carry(&list[i], s, "it stands in an index that is ", about)
			}
		}
	}
	return slices.DeleteFunc(list, func(j judged) bool {
		return j.Kind == trust.OfSignature && j.Status == trust.Verified && j.isReply(im)
	})
}

// carry says of an unsigned paper that a signature vouches for it, where its signer is trusted with such papers.
func (v *Verifier) carry(j *judged, s judged, how string, about *vex.Image) {
	if j.Status != trust.Unsigned && (!j.carried || j.Status == trust.Verified) {
		return
	}
	as := *s.paper
	as.kind, as.form, as.predicateType = j.kind, j.form, j.predicateType
	switch out := v.signedBy(&as, about); {
	case len(j.Subjects) == 0:
		j.Why = how + s.Why + "; but nothing that is signed says that it is of this image"
	case !j.carried || out.status == trust.Verified:
		j.Status, j.Why, j.Signer, j.carried = out.status, how+out.why, out.signer, true
	}
}

// isReply says whether a paper is attached to another paper of the image.
func (p *paper) isReply(im *image.Image) bool {
	to := p.found.AttachedTo
	return to != "" && to != im.Digest && to != im.Index
}

// once drops papers that were found twice, such as a bundle that is attached to the image's manifest and to its index.
func once(list []judged) []judged {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(j judged) bool {
		signer, _ := json.Marshal(j.Signer) // strings, a time and a number: it does not fail
		key := fmt.Sprint(j.form, j.Found.Blob, j.Status, j.Why, string(signer))
		again := seen[key]
		seen[key] = true
		return again
	})
}
