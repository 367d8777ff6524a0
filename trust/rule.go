package trust

import "errors"

// Rule says who may sign what for which images. It names one signer: by Key, or by Identity in a certificate.
type Rule struct {
	// Name is what the signer is called on screens; the file of the key, or the identity, where it is empty.
	Name string `json:"name,omitempty"`
	// Images are patterns of the images that the signer is trusted for (* stands for any text); none: all.
	Images []string `json:"images,omitempty"`
	// Predicates are the predicate types that the signer is trusted with, as URIs or by cosign's short names, and "signature" for
	// signatures of the image itself; none: all.
	Predicates []string `json:"predicates,omitempty"`
	// Key is the file of a public key (PEM).
	Key string `json:"key,omitempty"`
	// Identity and Issuer are patterns of what the certificate must say. Without Authority, the certificate is one of sigstore's (Fulcio):
	// Issuer is then the OIDC issuer, and may not be left out.
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	// Authority is the file with the root certificates (PEM) of another certificate authority.
	Authority string `json:"authority,omitempty"`
}

// Check finds a rule that names no signer, or two, or that would trust everybody whom an issuer knows.
func (r *Rule) Check() error {
	switch {
	case r.Key == "" && r.Identity == "":
		return errors.New("names no signer: write key, or identity with issuer or authority")
	case r.Key != "" && r.Identity != "":
		return errors.New("names a key and an identity: write two entries, one for each")
	case r.Key != "" && (r.Issuer != "" || r.Authority != ""):
		return errors.New("issuer and authority go with an identity, not with a key")
	case r.Key == "" && r.Issuer == "" && r.Authority == "":
		return errors.New("says who signs and not who vouches for that: write issuer (of sigstore's certificates) or authority")
	}
	return nil
}
