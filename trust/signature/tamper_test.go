package signature

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/testing/ca"

	"tidewaiter/trust"
)

// What happens to a bundle that a trusted key signed, one by one.
func TestTampered(t *testing.T) {
	ada, eve, im := newKey(t, "ada"), newKey(t, "eve"), shop()
	good := statementOf(sbomType, im.Digest)
	signedBy := func(k *PrivateKey, statement []byte) []byte {
		return must(newBundle(must(k.SignEnvelope(trust.StatementType, statement)), k.Public()))
	}
	edited := func(raw []byte, change func(b *bundle)) []byte {
		b := must(readBundle(raw))
		change(b)
		return must(json.Marshal(b))
	}
	payload := func(statement []byte) func(*bundle) {
		return func(b *bundle) { b.DSSEEnvelope.Payload = base64.StdEncoding.EncodeToString(statement) }
	}
	v := verifier(t, map[string][]byte{"keys/ada.pub": ada.Public().PEM()}, trust.Rule{Key: "keys/ada.pub"})
	for _, tc := range []struct {
		name   string
		raw    []byte
		status trust.Status
		says   string
	}{
		{"nothing", signedBy(ada, good), trust.Verified, "signed with the key ada.pub"},
		{"about the index", signedBy(ada, statementOf(sbomType, im.Index)), trust.Verified, "; it is about the index that this image was chosen from"},
		{"edited predicate", edited(signedBy(ada, good), payload(bytes.Replace(good, []byte(`"tea":1`), []byte(`"tea":2`), 1))), trust.Broken, "whose signature does not fit: it was changed after it was signed"},
		{"another predicate type", edited(signedBy(ada, good), payload(statementOf("https://slsa.dev/provenance/v1", im.Digest))), trust.Broken, "changed after it was signed"},
		{"another subject", edited(signedBy(ada, statementOf(sbomType, "sha256:"+strings.Repeat("ab", 32))), payload(good)), trust.Broken, "changed after it was signed"},
		{"another payload type", edited(signedBy(ada, good), func(b *bundle) { b.DSSEEnvelope.PayloadType = "text/plain" }), trust.Broken, `holds no in-toto statement but "text/plain"`},
		{"replayed from another image", signedBy(ada, statementOf(sbomType, "sha256:"+strings.Repeat("ab", 32))), trust.Broken, "ada.pub signed it, but it is about another image, sha256:abab"},
		{"replayed by a stranger", signedBy(eve, statementOf(sbomType, "sha256:"+strings.Repeat("ab", 32))), trust.Broken, "it is about another image, sha256:abab"},
		{"other key", signedBy(eve, good), trust.Stranger, "a key that is not trusted, by its own word key sha256:"},
		{"other key that says to be the trusted one", edited(signedBy(eve, good), func(b *bundle) { b.VerificationMaterial.PublicKey.Hint = ada.Public().Hint() }), trust.Broken, "it says to be signed with the key ada.pub"},
		{"other key without a word", edited(signedBy(eve, good), func(b *bundle) { b.VerificationMaterial.PublicKey.Hint = "" }), trust.Stranger, "by another key, or it was changed after it was signed"},
		{"stripped signature", edited(signedBy(ada, good), func(b *bundle) { b.DSSEEnvelope.Signatures = []EnvelopeSignature{} }), trust.Unsigned, "nobody signed it"},
		{"signature that is none", edited(signedBy(ada, good), func(b *bundle) { b.DSSEEnvelope.Signatures[0].Sig = "%" }), trust.Broken, "none of its signatures is valid base64"},
		{"no subject", signedBy(ada, statementOf(sbomType)), trust.Broken, "it names no image"},
		{"weak digest", signedBy(ada, statementOf(sbomType, "sha1:"+strings.TrimPrefix(im.Digest, "sha256:"))), trust.Broken, "it names no image"},
		{"no statement", signedBy(ada, []byte(`{"tea":1}`)), trust.Broken, "not an in-toto statement"},
		{"no JSON", []byte("tea"), trust.Broken, "it cannot be read: not a valid in-toto statement"},
		{"cut off", signedBy(ada, good)[:100], trust.Broken, "it cannot be read"},
		{"nested deeply", []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":` + strings.Repeat("[", 1<<20)), trust.Broken, "it cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) { expect(t, v.Judge(im, tc.raw, trust.Found{}), tc.status, tc.says) })
	}
	nobody := verifier(t, nil)
	expect(t, nobody.Judge(im, signedBy(ada, good), trust.Found{}), trust.Stranger, "no key is trusted")
	narrow := verifier(t, map[string][]byte{"ada.pub": ada.Public().PEM()}, trust.Rule{Name: "Ada", Key: "ada.pub", Predicates: []string{"signature"}})
	expect(t, narrow.Judge(im, signedBy(ada, good), trust.Found{}), trust.Stranger, "the key Ada, which is not trusted with papers of the type "+sbomType)
	expect(t, narrow.Judge(im, signedBy(ada, statementOf(signedPredicate, im.Digest)), trust.Found{}), trust.Verified, "the key Ada")
}

// company is a certificate authority of the user's own.
type company struct {
	t             *testing.T
	root, between *x509.Certificate
	key           *ecdsa.PrivateKey
}

func newCompany(t *testing.T, name string) company {
	t.Helper()
	rootKey, key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	of := func(name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
			NotBefore: now().AddDate(-5, 0, 0), NotAfter: now().AddDate(5, 0, 0)}
	}
	root := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, of(name), of(name), &rootKey.PublicKey, rootKey))))
	between := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, of(name+" builds"), root, &key.PublicKey, rootKey))))
	return company{t, root, between, key}
}

// employ gives somebody a key, and the certificate for it: for a mail address, or a URI.
func (c company) employ(name string, from, to time.Time, usage ...x509.ExtKeyUsage) (*PrivateKey, *x509.Certificate) {
	key, cert := c.certify(name, from, to, usage...)
	return must(newPrivateKey(name, key)), cert
}

func (c company) certify(name string, from, to time.Time, usage ...x509.ExtKeyUsage) (*ecdsa.PrivateKey, *x509.Certificate) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	cert := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "somebody"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage, NotBefore: from, NotAfter: to}
	if strings.Contains(name, "://") {
		cert.URIs = []*url.URL{must(url.Parse(name))}
	} else {
		cert.EmailAddresses = []string{name}
	}
	return key, must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, cert, c.between, &key.PublicKey, c.key))))
}

// certified is a bundle whose signature a chain of certificates came with, as cosign writes it with --certificate and --certificate-chain.
func certified(k *PrivateKey, statement []byte, stamp func(signature []byte) []byte, chain ...*x509.Certificate) []byte {
	e := must(k.SignEnvelope(trust.StatementType, statement))
	var certificates []any
	for _, c := range chain {
		certificates = append(certificates, map[string]any{"rawBytes": c.Raw})
	}
	material := map[string]any{"x509CertificateChain": map[string]any{"certificates": certificates}}
	if stamp != nil {
		raw := must(base64.StdEncoding.DecodeString(e.Signatures[0].Sig))
		material["timestampVerificationData"] = map[string]any{"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": stamp(raw)}}}
	}
	return must(json.Marshal(map[string]any{"mediaType": bundleType, "verificationMaterial": material, "dsseEnvelope": e}))
}

func TestAuthority(t *testing.T) {
	acme, evil, im := newCompany(t, "ACME"), newCompany(t, "Evil"), shop()
	files := map[string][]byte{"acme.pem": certificatePEM(acme.root), "evil.pem": certificatePEM(evil.root)}
	ada := trust.Rule{Name: "Ada", Identity: "ada@acme.example", Authority: "acme.pem"}
	good := statementOf(sbomType, im.Digest)
	from, to := now().AddDate(0, 0, -1), now().AddDate(0, 0, 1)
	key, leaf := acme.employ("ada@acme.example", from, to, x509.ExtKeyUsageCodeSigning)
	bob, bobs := acme.employ("bob@acme.example", from, to, x509.ExtKeyUsageCodeSigning)
	build, builds := acme.employ("https://ci.acme.example/shop", from, to)
	server, servers := acme.employ("ada@acme.example", from, to, x509.ExtKeyUsageServerAuth)
	old, olds := acme.employ("ada@acme.example", from.AddDate(-1, 0, 0), to.AddDate(-1, 0, 0), x509.ExtKeyUsageCodeSigning)
	eve, eves := evil.employ("ada@acme.example", from, to, x509.ExtKeyUsageCodeSigning)
	for _, tc := range []struct {
		name   string
		rule   trust.Rule
		raw    []byte
		status trust.Status
		says   string
	}{
		{"good", ada, certified(key, good, nil, leaf, acme.between), trust.Verified, "signed by ada@acme.example, as ACME vouches"},
		{"by a pattern, and a URI", trust.Rule{Identity: "https://ci.acme.example/*", Authority: "acme.pem"}, certified(build, good, nil, builds, acme.between), trust.Verified, "https://ci.acme.example/shop"},
		{"by its common name", trust.Rule{Identity: "somebody", Authority: "acme.pem"}, certified(build, good, nil, builds, acme.between), trust.Verified, "signed by somebody"},
		{"edited", ada, bytes.Replace(certified(key, good, nil, leaf, acme.between), []byte(base64.StdEncoding.EncodeToString(good)[:60]), []byte(base64.StdEncoding.EncodeToString([]byte(`{"_type":"https://in-toto.io/Statement/v1" ,  `))[:60]), 1), trust.Broken, "it"},
		{"without the certificate between", ada, certified(key, good, nil, leaf), trust.Stranger, "made by ACME builds, whom nobody trusts"},
		{"somebody else there", ada, certified(bob, good, nil, bobs, acme.between), trust.Stranger, "signed by bob@acme.example, by the certificate of ACME: who is trusted is ada@acme.example"},
		{"another authority", ada, certified(eve, good, nil, eves, evil.between), trust.Stranger, "whom nobody trusts"},
		{"another authority that brings its root", ada, certified(eve, good, nil, eves, evil.between, evil.root), trust.Stranger, "made by Evil builds, whom nobody trusts"},
		{"the certificate of another", ada, certified(eve, good, nil, leaf, acme.between), trust.Broken, "does not fit the certificate that came with it, of ada@acme.example"},
		{"for a web server", ada, certified(server, good, nil, servers, acme.between), trust.Stranger, "not made for signing code"},
		{"expired", ada, certified(old, good, nil, olds, acme.between), trust.Broken, "its certificate is valid from 2025-08-19 12:00:00Z to 2025-08-21 12:00:00Z, and no timestamp and no log proves that it signed then"},
		{"another image", ada, certified(key, statementOf(sbomType, "sha256:"+strings.Repeat("ab", 32)), nil, leaf, acme.between), trust.Broken, "Ada signed it, but it is about another image"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expect(t, verifier(t, files, tc.rule).Judge(im, tc.raw, trust.Found{}), tc.status, tc.says)
		})
	}
}

// A certificate that has expired since still counts where a timestamp proves that it signed before.
func TestAuthorityWithTimestamp(t *testing.T) {
	s := service{must(ca.NewVirtualSigstore()), t}
	acme, im := newCompany(t, "ACME"), shop()
	v := must(NewVerifier([]trust.Rule{{Identity: "ada@acme.example", Authority: "acme.pem"}}, VerifierOptions{Now: time.Now().AddDate(1, 0, 0), TrustedRoots: []string{"root.json"},
		ReadFile: func(name string) ([]byte, error) {
			if name == "root.json" {
				return s.root(), nil
			}
			return certificatePEM(acme.root), nil
		}}))
	stamp := func(signature []byte) []byte { return must(s.TimestampResponse(signature)) }
	key, leaf := acme.employ("ada@acme.example", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), x509.ExtKeyUsageCodeSigning)
	good := statementOf(sbomType, im.Digest)
	expect(t, v.Judge(im, certified(key, good, stamp, leaf, acme.between), trust.Found{}), trust.Verified, ", as a timestamp proves")
	expect(t, v.Judge(im, certified(key, good, nil, leaf, acme.between), trust.Found{}), trust.Broken, "no timestamp and no log proves")
	another := func([]byte) []byte { return stamp([]byte("another signature")) }
	expect(t, v.Judge(im, certified(key, good, another, leaf, acme.between), trust.Found{}), trust.Broken, "no timestamp and no log proves")
	old, olds := acme.employ("ada@acme.example", time.Now().Add(-3*time.Hour), time.Now().Add(-time.Hour), x509.ExtKeyUsageCodeSigning)
	expect(t, v.Judge(im, certified(old, good, stamp, olds, acme.between), trust.Found{}), trust.Broken, ", and it signed at ")
}

func TestRulesThatAreNotTaken(t *testing.T) {
	files := map[string][]byte{"leaf.pem": certificatePEM(newCompany(t, "ACME").between), "text": []byte("tea")}
	for _, tc := range []struct {
		rule trust.Rule
		want string
	}{
		{trust.Rule{}, "names no signer"},
		{trust.Rule{Key: "nowhere.pub"}, "trust in nowhere.pub: key: file does not exist"},
		{trust.Rule{Key: "text"}, "no key in PEM form"},
		{trust.Rule{Identity: "a@b"}, "who vouches"},
		{trust.Rule{Identity: "a@b", Authority: "leaf.pem"}, "no root certificate"},
		{trust.Rule{Name: "Ada", Identity: "a@b", Authority: "text"}, "trust in Ada: the authority's file holds no root certificate"},
	} {
		_, err := NewVerifier([]trust.Rule{tc.rule}, VerifierOptions{ReadFile: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return text, nil
			}
			return nil, fs.ErrNotExist
		}})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.rule, err, tc.want)
		}
	}
	for _, text := range []string{"", "tea", "{}", `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`} {
		if _, err := parseRoots([]byte(text)); err == nil {
			t.Errorf("the trusted root %q was taken", text)
		}
	}
}
