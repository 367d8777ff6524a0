package signature

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	sigstore "github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

// The public services of sigstore, which take what anybody signs, and show it to everybody.
const (
	PublicFulcio = "https://fulcio.sigstore.dev"
	PublicRekor  = "https://rekor.sigstore.dev"
)

// Services are those in a network that vouch for a signature beside its key.
type Services struct {
	// Fulcio is the authority that gives a certificate to whom an identity token names. It is asked only where there is no key.
	Fulcio string
	// Logs are the transparency logs that the signature is entered into.
	Logs []Log
	// Timestamps are the authorities (RFC 3161) that say when it was there.
	Timestamps []string
}

// Log is a transparency log, by its address and the major version of its interface.
type Log struct {
	URL     string
	Version uint32
}

// ReadServices reads sigstore's signing configuration (media type application/vnd.dev.sigstore.signingconfig.v0.2+json), of which
// it takes what is valid now.
func ReadServices(raw []byte, now time.Time) (Services, error) {
	var s Services
	c, err := root.NewSigningConfigFromJSON(raw)
	if err != nil {
		return s, fmt.Errorf("not a signing configuration: %w", err)
	}
	if all := c.FulcioCertificateAuthorityURLs(); len(all) > 0 {
		one, err := root.SelectService(all, sign.FulcioAPIVersions, now)
		if err != nil {
			return s, fmt.Errorf("certificate authority: %w", err)
		}
		s.Fulcio = one.URL
	}
	if all := c.RekorLogURLs(); len(all) > 0 {
		some, err := root.SelectServices(all, c.RekorLogURLsConfig(), sign.RekorAPIVersions, now)
		if err != nil {
			return s, fmt.Errorf("transparency log: %w", err)
		}
		for _, l := range some {
			s.Logs = append(s.Logs, Log{l.URL, l.MajorAPIVersion})
		}
	}
	if all := c.TimestampAuthorityURLs(); len(all) > 0 {
		some, err := root.SelectServices(all, c.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, now)
		if err != nil {
			return s, fmt.Errorf("timestamp authority: %w", err)
		}
		for _, t := range some {
			s.Timestamps = append(s.Timestamps, t.URL)
		}
	}
	return s, nil
}

// Signer gives what signs with a key, and has the services vouch for it. Without a key a new one is made for each signature, and
// thrown away; token is then the identity token (OIDC) of who signs.
func (s Services) Signer(k *PrivateKey, token string) (Signer, error) {
	if err := s.check(k == nil); err != nil {
		return nil, err
	}
	w := &witnessed{key: k}
	if k == nil {
		w.options.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{BaseURL: s.Fulcio, Retries: retries, Transport: Guarded{}})
		w.options.CertificateProviderOptions = &sign.CertificateProviderOptions{IDToken: token}
	}
	for _, l := range s.Logs {
		w.options.TransparencyLogs = append(w.options.TransparencyLogs, sign.NewRekor(&sign.RekorOptions{BaseURL: l.URL, Version: l.Version, Retries: retries}))
	}
	for _, t := range s.Timestamps {
		w.options.TimestampAuthorities = append(w.options.TimestampAuthorities, sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: t, Retries: retries, Transport: Guarded{}}))
	}
	return w, nil
}

// retries are how often a service that is out of order is asked again.
const retries = 1

func (s Services) check(keyless bool) error {
	if keyless && s.Fulcio == "" {
		return errors.New("without a key, signing takes a certificate authority, and none is named: --fulcio-url, or --signing-config")
	}
	if keyless && len(s.Logs) == 0 && len(s.Timestamps) == 0 {
		return errors.New("a certificate holds for minutes: without a transparency log or a timestamp authority nobody could verify the signature after that")
	}
	urls := append([]string{}, s.Timestamps...)
	if keyless {
		urls = append(urls, s.Fulcio)
	}
	for _, l := range s.Logs {
		if urls = append(urls, l.URL); l.Version > 1 && len(s.Timestamps) == 0 {
			return fmt.Errorf("the transparency log %s does not say when it saw a signature: a timestamp authority must be named, too", l.URL)
		}
	}
	for _, address := range urls {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		if err := secure(u); err != nil {
			return err
		}
	}
	return nil
}

// secure refuses to speak to another machine without TLS: a token would be read on the way.
func secure(u *url.URL) error {
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s: such a service is asked over https:// alone", u.Redacted())
}

// Guarded asks services over TLS, or on this machine; a redirect too.
type Guarded struct{}

// RoundTrip refuses to ask where others could listen.
func (Guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := secure(r.URL); err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}

// witnessed signs with a key, or with one for a single signature, and gathers what services say of it.
type witnessed struct {
	key     *PrivateKey
	options sign.BundleOptions
}

// SignBundle is [Signer].
func (w *witnessed) SignBundle(ctx context.Context, payloadType string, payload []byte) ([]byte, error) {
	var pair sign.Keypair
	var err error
	if w.key == nil {
		pair, err = sign.NewEphemeralKeypair(nil)
	} else {
		pair, err = newKeypair(w.key)
	}
	if err != nil {
		return nil, err
	}
	o := w.options
	o.Context = ctx
	b, err := newWitnessed(&sign.DSSEData{Data: payload, PayloadType: payloadType}, pair, o)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	raw, err := protojson.Marshal(b)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer // the library's spaces differ from run to run
	err = json.Compact(&compact, raw)
	return compact.Bytes(), err
}

// newWitnessed asks the services. The library takes a log's answer for complete, and crashes where it is not.
func newWitnessed(content sign.Content, pair sign.Keypair, o sign.BundleOptions) (b *protobundle.Bundle, err error) {
	defer func() {
		if crash := recover(); crash != nil {
			b, err = nil, errors.New("a service gave an answer that cannot be read")
		}
	}()
	return sign.Bundle(content, pair, o)
}

// keypair is a key as sigstore's library takes it.
type keypair struct {
	*PrivateKey
	hash    crypto.Hash
	details sigstore.AlgorithmDetails
}

func newKeypair(k *PrivateKey) (*keypair, error) {
	h, err := k.public.hash()
	if err != nil {
		return nil, err
	}
	details, err := sigstore.GetDefaultAlgorithmDetails(k.public.key)
	return &keypair{k, h, details}, err
}

func (k *keypair) GetHashAlgorithm() protocommon.HashAlgorithm { return k.details.GetProtoHashType() }
func (k *keypair) GetSigningAlgorithm() protocommon.PublicKeyDetails {
	return k.details.GetSignatureAlgorithm()
}
func (k *keypair) GetHint() []byte                  { return []byte(k.public.Hint()) }
func (k *keypair) GetKeyAlgorithm() string          { return "" } // only asked of the key for a certificate
func (k *keypair) GetPublicKey() crypto.PublicKey   { return k.public.key }
func (k *keypair) GetPublicKeyPem() (string, error) { return string(k.public.PEM()), nil }

func (k *keypair) SignData(_ context.Context, data []byte) (signature, signed []byte, err error) {
	signature, err = k.Sign(data)
	return signature, digest(k.hash, data), err
}
