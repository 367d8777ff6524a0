package signature

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// authority is a certificate authority of the user's own.
type authority struct{ roots, intermediates *x509.CertPool }

// readAuthority reads the certificates of an authority (PEM): its roots, and with them, maybe, those between them and the signers. Only a
// certificate that signed itself is trusted by itself.
func readAuthority(text []byte) (*authority, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("it has more than %d bytes, which no list of root certificates has", maxKeyFile)
	}
	a := &authority{x509.NewCertPool(), x509.NewCertPool()}
	found := false
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a certificate of the authority cannot be read: %w", err)
		}
		if c.CheckSignatureFrom(c) == nil {
			a.roots.AddCert(c)
			found = true
			continue
		}
		a.intermediates.AddCert(c)
	}
	if !found {
		return nil, errors.New("the authority's file holds no root certificate in PEM form")
	}
	return a, nil
}

// Reasons why an authority does not vouch for a signature: it did not make the certificate, or made it for something else.
var (
	errOtherAuthority = errors.New("another authority made the certificate")
	errNotForSigning  = errors.New("its certificate is not made for signing code")
)

// vouches says whether the authority made the first of some certificates for signing, the others being those between them, and whether it was
// valid at a time. It gives the name of its root.
func (a *authority) vouches(chain []*x509.Certificate, at time.Time, proven bool) (name string, err error) {
	leaf := chain[0]
	root, err := a.verify(chain, at, x509.ExtKeyUsageCodeSigning)
	if err == nil {
		return cmp.Or(root.Subject.CommonName, root.Subject.String()), nil
	}
	if _, other := a.verify(chain, at, x509.ExtKeyUsageAny); other == nil {
		return "", errNotForSigning
	}
	if _, earlier := a.verify(chain, leaf.NotAfter, x509.ExtKeyUsageAny); earlier != nil {
		return "", errOtherAuthority
	}
	if proven {
		return "", fmt.Errorf("%s, and it signed at %s", validity(leaf), at.UTC().Format(dateTime))
	}
	return "", fmt.Errorf("%s, and no timestamp and no log proves that it signed then", validity(leaf))
}

func (a *authority) verify(chain []*x509.Certificate, at time.Time, usage x509.ExtKeyUsage) (root *x509.Certificate, err error) {
	between := a.intermediates.Clone()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	chains, err := chain[0].Verify(x509.VerifyOptions{Roots: a.roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage}})
	if err != nil {
		return nil, err
	}
	return chains[0][len(chains[0])-1], nil
}
