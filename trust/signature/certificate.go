package signature

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"tidewaiter/trust"
	"tidewaiter/vex"
)

// byCertificate finds who signed a paper that a certificate came with. The certificate proves nothing by itself: an authority must have
// made it that is trusted, the user's own or sigstore's.
func (v *Verifier) byCertificate(p *paper, about *vex.Image) outcome {
	leaf := p.certificates[0]
	by := trust.Signer{Identity: names(leaf)[0], Issuer: issuerOf(leaf)}
	key, err := newPublicKey("", leaf.PublicKey)
	if err != nil {
		return outcome{trust.Broken, "its certificate cannot be checked: " + oneLine(err), &by}
	}
	by.Key = key.fingerprint()
	if !p.isSignedBy(key) {
		return outcome{trust.Broken, "its signature does not fit the certificate that came with it, of " + by.Identity + ": it was changed after it was signed", &by}
	}
	by.SignedAt, by.LogIndex = v.proven(p, leaf.PublicKey)
	own, known := v.byAuthority(p, about, by)
	if known && own.status == trust.Verified {
		return own
	}
	if out, ok := v.bySigstore(p, about, by); ok {
		return out
	}
	if known {
		return own
	}
	return outcome{trust.Stranger, fmt.Sprintf("signed with a certificate that says to be of %s, made by %s, whom nobody trusts", by.Identity, by.Issuer), &by}
}

// byAuthority asks the user's own authorities; false where none of them made the certificate. A certificate must have been valid when it
// signed, or be valid now where nothing proves when that was.
func (v *Verifier) byAuthority(p *paper, about *vex.Image, by trust.Signer) (outcome, bool) {
	at, proven := by.SignedAt, true
	if at.IsZero() {
		at, proven = v.now, false
	}
	var refused outcome
	for _, s := range v.signers {
		if s.authority == nil {
			continue
		}
		name, err := s.authority.vouches(p.certificates, at, proven)
		var out outcome
		switch {
		case errors.Is(err, errOtherAuthority):
			continue
		case errors.Is(err, errNotForSigning):
			out = outcome{trust.Stranger, "signed by " + by.Identity + ", but " + oneLine(err), &by}
		case err != nil:
			out = outcome{trust.Broken, "signed by " + by.Identity + ", but " + oneLine(err), &by}
		default:
			by.Issuer = name
			if out = s.accepts(p, about, by, names(p.certificates[0])); out.status == trust.Verified {
				return out, true
			}
		}
		if refused.status == "" {
			refused = out
		}
	}
	return refused, refused.status != ""
}

// bySigstore asks sigstore's services; false where none of them made the certificate. Where one of them did, its log and its timestamps must
// say so, too.
func (v *Verifier) bySigstore(p *paper, about *vex.Image, by trust.Signer) (outcome, bool) {
	if p.proof == nil {
		return outcome{}, false
	}
	var refused outcome
	for _, r := range v.roots {
		summary, at, err := r.verify(p)
		if err == nil {
			by.Identity, by.Issuer, by.SignedAt = summary.SubjectAlternativeName, summary.Issuer, at
			return v.identify(p, about, by), true
		}
		if r.made(p.certificates[0]) && refused.status == "" {
			refused = outcome{trust.Broken, "signed by " + by.Identity + ", but " + r.fault(p, err), &by}
		}
	}
	return refused, refused.status != ""
}

// identify finds the trusted signer of an identity that sigstore proves.
func (v *Verifier) identify(p *paper, about *vex.Image, by trust.Signer) outcome {
	refused := outcome{trust.Stranger, fmt.Sprintf("signed by %s, as %s vouches%s: nobody who is trusted", by.Identity, by.Issuer, when(&by)), &by}
	for _, s := range v.signers {
		if s.key != nil || s.authority != nil || !vex.Glob(s.identity, by.Identity) {
			continue
		}
		out := s.accepts(p, about, by, []string{by.Identity})
		if out.status == trust.Verified {
			return out
		}
		refused = out
	}
	return refused
}

// accepts says whether a signer whose certificate is proven is the one who is trusted, and may sign such a paper.
func (s *signer) accepts(p *paper, about *vex.Image, by trust.Signer, names []string) outcome {
	like := func(name string) bool { return vex.Glob(s.identity, name) }
	i := slices.IndexFunc(names, like)
	switch {
	case s.identity != "" && i < 0:
		return outcome{trust.Stranger, fmt.Sprintf("signed by %s, by the certificate of %s: who is trusted is %s", by.Identity, by.Issuer, s.identity), &by}
	case s.issuer != "" && !vex.Glob(s.issuer, by.Issuer):
		return outcome{trust.Stranger, fmt.Sprintf("signed by %s, but that is what %s says: it is trusted if %s says so", by.Identity, by.Issuer, s.issuer), &by}
	}
	if s.identity != "" {
		by.Identity = names[i]
	}
	by.Name = s.name
	if !s.may(p, about) {
		return outcome{trust.Stranger, fmt.Sprintf("signed by %s, who is not trusted %s", by.Label(), s.refuses(p, about)), &by}
	}
	return outcome{trust.Verified, fmt.Sprintf("signed by %s, as %s vouches%s", by.Identity, by.Issuer, when(&by)), &by}
}

// names are those that a certificate gives its holder, at least one: the alternative names, and then the common one.
func names(c *x509.Certificate) []string {
	var list []string
	for _, u := range c.URIs {
		list = append(list, u.String())
	}
	list = append(list, c.EmailAddresses...)
	if other, err := cryptoutils.UnmarshalOtherNameSAN(c.Extensions); err == nil && other != "" {
		list = append(list, other)
	}
	list = append(list, c.DNSNames...)
	if c.Subject.CommonName != "" {
		list = append(list, c.Subject.CommonName)
	}
	if len(list) == 0 {
		list = append(list, c.Subject.String())
	}
	return list
}

// issuerOf is who a certificate says that it is from: the OIDC issuer for one of sigstore's, or else the authority.
func issuerOf(c *x509.Certificate) string {
	if e, err := certificate.ParseExtensions(c.Extensions); err == nil && e.Issuer != "" {
		return e.Issuer
	}
	return cmp.Or(c.Issuer.CommonName, c.Issuer.String())
}

// dateTime is how times are written in sentences.
const dateTime = "2006-01-02 15:04:05Z"

// validity says when a certificate is valid.
func validity(c *x509.Certificate) string {
	return fmt.Sprintf("its certificate is valid from %s to %s", c.NotBefore.UTC().Format(dateTime), c.NotAfter.UTC().Format(dateTime))
}
