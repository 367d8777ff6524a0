package main

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"tidewaiter/assess/environments"
	"tidewaiter/trust"
	"tidewaiter/trust/signature"
)

// trustOptions say who is trusted to sign: on the command line, besides those whom the file names.
type trustOptions struct {
	keys []string
	// identity and issuer are those of a certificate, and authority whose it is where it is none of sigstore's.
	identity, issuer, authority string
	trustedRoots                []string
}

func (o *trustOptions) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.keys, "key", nil, "public key (PEM) of somebody whose signatures are trusted; may repeat")
	o.addCertificateFlags(f)
}

// addCertificateFlags adds what is said of certificates, in cosign's words.
func (o *trustOptions) addCertificateFlags(f *pflag.FlagSet) {
	f.StringVar(&o.identity, "certificate-identity", "", "mail address or URI in the certificate of a trusted signer (* is any text)")
	f.StringVar(&o.issuer, "certificate-oidc-issuer", "", "who vouches for that identity, as sigstore's certificates name it (* is any text)")
	f.StringVar(&o.authority, "ca-roots", "", "PEM file with the root certificates of an authority of your own, which vouches for that identity")
	addTrustedRootFlag(f, &o.trustedRoots)
}

func addTrustedRootFlag(f *pflag.FlagSet, files *[]string) {
	f.StringSliceVar(files, "trusted-root", nil, "trusted root of a sigstore service (JSON), in place of the built-in one of the public service; may repeat")
}

// rules are those of the command line and of the file.
func (o *trustOptions) rules(s *environments.Settings) ([]trust.Rule, error) {
	var rules []trust.Rule
	for _, key := range o.keys {
		rules = append(rules, trust.Rule{Key: key})
	}
	if o.identity != "" || o.issuer != "" || o.authority != "" {
		r := trust.Rule{Identity: o.identity, Issuer: o.issuer, Authority: o.authority}
		if r.Identity == "" {
			return nil, errors.New("--certificate-identity is missing: whose signatures are trusted? (* is anybody's)")
		}
		if r.Check() != nil {
			return nil, errors.New("--certificate-oidc-issuer is missing: who vouches for the identity? (--ca-roots for an authority of your own)")
		}
		rules = append(rules, r)
	}
	return append(rules, s.Trust...), nil
}

// verifier gives what tells who signed the papers of images.
func (o *trustOptions) verifier(s *environments.Settings, now time.Time) (*signature.Verifier, error) {
	rules, err := o.rules(s)
	if err != nil {
		return nil, err
	}
	return signature.NewVerifier(rules, signature.VerifierOptions{TrustedRoots: o.trustedRoots, Now: now})
}
