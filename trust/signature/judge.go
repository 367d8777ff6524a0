package signature

import (
	"cmp"
	"fmt"

	"tidewaiter/trust"
	"tidewaiter/vex"
)

// signedBy finds who signed a paper.
func (v *Verifier) signedBy(p *paper, about *vex.Image) outcome {
	if p.notation != nil && !p.notation.expiry.IsZero() && v.now.After(p.notation.expiry) {
		return outcome{status: trust.Broken, why: "its signer let it be valid until " + p.notation.expiry.UTC().Format(dateTime)}
	}
	if len(p.marks) == 0 {
		return outcome{status: trust.Unsigned, why: "nobody signed it: whoever could write the image could write it, too"}
	}
	if out, ok := v.byKey(p, about); ok {
		return out
	}
	if len(p.certificates) > 0 {
		return v.byCertificate(p, about)
	}
	return v.byUnknownKey(p)
}

// byKey finds the trusted key that signed a paper; false where none did.
func (v *Verifier) byKey(p *paper, about *vex.Image) (outcome, bool) {
	var known *signer
	for _, s := range v.signers {
		if s.key == nil || !p.isSignedBy(s.key) {
			continue
		}
		if s.may(p, about) {
			by := v.keySigner(p, s)
			return outcome{trust.Verified, "signed with the key " + s.name + when(by), by}, true
		}
		known = cmp.Or(known, s)
	}
	if known == nil {
		return outcome{}, false
	}
	by := v.keySigner(p, known)
	return outcome{trust.Stranger, fmt.Sprintf("signed with the key %s, which is not trusted %s", known.name, known.refuses(p, about)), by}, true
}

func (v *Verifier) keySigner(p *paper, s *signer) *trust.Signer {
	by := &trust.Signer{Name: s.name, Key: s.key.fingerprint()}
	by.SignedAt, by.LogIndex = v.proven(p, s.key.key)
	return by
}

// byUnknownKey judges a signature that no trusted key made, and no certificate came with. Its hint is nobody's word, but a paper that says to
// be signed with a trusted key, and is not, was changed by somebody.
func (v *Verifier) byUnknownKey(p *paper) outcome {
	for _, s := range v.signers {
		for _, m := range p.marks {
			if s.key != nil && hintedKey(m.hint) == s.key.fingerprint() {
				return outcome{trust.Broken, "it says to be signed with the key " + s.name + ", whose signature does not fit: it was changed after it was signed",
					&trust.Signer{Name: s.name, Key: s.key.fingerprint()}}
			}
		}
	}
	by := &trust.Signer{}
	for _, m := range p.marks {
		by.Key = cmp.Or(by.Key, hintedKey(m.hint))
	}
	switch {
	case len(v.signers) == 0:
		return outcome{trust.Stranger, "signed with a key, and no key is trusted: name it with --key", by}
	case by.Key != "":
		return outcome{trust.Stranger, "signed with a key that is not trusted, by its own word " + by.Label(), by}
	}
	return outcome{trust.Stranger, "no trusted key made its signature: it is by another key, or it was changed after it was signed", by}
}

// isSignedBy says whether a key made one of the paper's signatures.
func (p *paper) isSignedBy(k *PublicKey) bool {
	if p.notation != nil {
		return p.notation.fits(k, p.certificates[0])
	}
	for _, m := range p.marks {
		if p.message != nil && k.Verify(p.message, m.signature) == nil || p.message == nil && k.verifyDigest(p.digest, m.signature) == nil {
			return true
		}
	}
	return false
}

// what names the kind of a paper in a sentence.
func (p *paper) what() string {
	if p.kind == trust.OfSignature {
		return "signatures"
	}
	return "papers of the type " + p.says()
}

// when says what is proven of the time of a signature.
func when(by *trust.Signer) string {
	switch {
	case by.LogIndex != nil && !by.SignedAt.IsZero():
		return fmt.Sprintf(" on %s, as the transparency log proves", by.SignedAt.Format("2006-01-02"))
	case by.LogIndex != nil:
		return ", as the transparency log proves"
	case !by.SignedAt.IsZero():
		return fmt.Sprintf(" on %s, as a timestamp proves", by.SignedAt.Format("2006-01-02"))
	}
	return ""
}
