// Package sigstoretest runs sigstore's services on this machine for tests: an authority that gives certificates (Fulcio), a transparency
// log (Rekor), and a timestamp authority.
//
// In goes nothing; out come their addresses, and the trusted root of what they vouch for. They believe every identity token, and
// must never be used but in tests.
package sigstoretest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/go-openapi/runtime"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
)

// Issuer is who made the identity tokens, by the certificates.
const Issuer = "https://issuer.example.com"

// Services are sigstore's services on this machine.
type Services struct {
	// URL is the address of all of them: Fulcio and Rekor lie below it by their own paths, the timestamp authority at /timestamp.
	URL string
	// TrustedRoot is that of the services, as JSON.
	TrustedRoot []byte
	// Broken, if set, answers in place of the services.
	Broken http.HandlerFunc

	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey
	stamp              *x509.Certificate
	stampKey           *ecdsa.PrivateKey
	log                *ca.VirtualSigstore
}

// New starts the services for a test.
func New(t testing.TB) *Services {
	t.Helper()
	s := &Services{}
	if err := s.makeKeys(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(w http.ResponseWriter, r *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if s.Broken != nil {
				s.Broken(w, r)
				return
			}
			if err := serve(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	handle("POST /api/v2/signingCert", s.certify)
	handle("POST /api/v1/log/entries", s.enter)
	handle("POST /timestamp", s.confirm)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Token is an identity token, of a shape that is believed here alone.
func Token(mail string) string {
	part := func(v any) string {
		raw, _ := json.Marshal(v) // strings and numbers: it does not fail
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	claims := map[string]any{"iss": Issuer, "aud": "sigstore", "sub": mail, "email": mail, "email_verified": true, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	return part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(claims) + "." + base64.RawURLEncoding.EncodeToString([]byte("nobody signed this"))
}

func (s *Services) makeKeys() error {
	rootCert, rootKey, err := ca.GenerateRootCa()
	if err != nil {
		return err
	}
	s.root = rootCert
	if s.intermediate, s.key, err = ca.GenerateFulcioIntermediate(rootCert, rootKey); err != nil {
		return err
	}
	between, betweenKey, err := ca.GenerateTSAIntermediate(rootCert, rootKey)
	if err != nil {
		return err
	}
	if s.stampKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	now := time.Now()
	if s.stamp, err = ca.GenerateTSALeafCert(now.Add(-time.Minute), s.stampKey, between, betweenKey); err != nil {
		return err
	}
	if s.log, err = ca.NewVirtualSigstore(); err != nil {
		return err
	}
	logs := s.log.RekorLogs()
	for id, l := range logs {
		if l.ID, err = hex.DecodeString(id); err != nil {
			return err
		}
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{Root: rootCert, Intermediates: []*x509.Certificate{s.intermediate}, ValidityPeriodStart: now.Add(-time.Hour), URI: "https://fulcio.example.com"}},
		nil,
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{Root: rootCert, Intermediates: []*x509.Certificate{between}, Leaf: s.stamp, ValidityPeriodStart: now.Add(-time.Hour), URI: "https://timestamp.example.com"}},
		logs)
	if err != nil {
		return err
	}
	s.TrustedRoot, err = trusted.MarshalJSON()
	return err
}

// certify gives a certificate to whoever has a token, as Fulcio's second interface does.
func (s *Services) certify(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Request struct {
			Key struct {
				Content string `json:"content"`
			} `json:"publicKey"`
		} `json:"publicKeyRequest"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return err
	}
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return errors.New("no token")
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var who struct {
		Email string `json:"email"`
	}
	if err := json.Unmarshal(claims, &who); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(asked.Request.Key.Content))
	if block == nil {
		return errors.New("no key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf(who.Email), s.intermediate, key, s.key)
	if err != nil {
		return err
	}
	var chain []string
	for _, raw := range [][]byte{der, s.intermediate.Raw, s.root.Raw} {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})))
	}
	return json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}})
}

// leaf is a certificate for ten minutes, with the issuer of the token in Fulcio's own extension
// (https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md).
func leaf(mail string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), EmailAddresses: []string{mail}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(Issuer)}},
	}
}

// enter takes an entry into the log, as Rekor's first interface does.
func (s *Services) enter(w http.ResponseWriter, r *http.Request) error {
	proposed, err := models.UnmarshalProposedEntry(r.Body, runtime.JSONConsumer())
	if err != nil {
		return err
	}
	entry, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return err
	}
	body, err := types.CanonicalizeEntry(context.Background(), entry)
	if err != nil {
		return err
	}
	id, err := s.log.RekorLogID()
	if err != nil {
		return err
	}
	proof, err := s.log.GetInclusionProof(body)
	if err != nil {
		return err
	}
	at, index, text := time.Now().Unix(), int64(0), base64.StdEncoding.EncodeToString(body)
	promise, err := s.log.RekorSignPayload(tlog.RekorPayload{Body: text, IntegratedTime: at, LogIndex: index, LogID: id})
	if err != nil {
		return err
	}
	const name = "24296fb24b8ad77a0000000000000000000000000000000000000000000000000000000000000000"
	w.Header().Set("ETag", name)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/api/v1/log/entries/"+name)
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(map[string]models.LogEntryAnon{name: {
		Body: text, IntegratedTime: &at, LogIndex: &index, LogID: &id,
		Verification: &models.LogEntryAnonVerification{InclusionProof: proof, SignedEntryTimestamp: promise},
	}})
}

// confirm says that something was there now (RFC 3161).
func (s *Services) confirm(w http.ResponseWriter, r *http.Request) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	asked, err := timestamp.ParseRequest(raw)
	if err != nil {
		return err
	}
	stamp := timestamp.Timestamp{HashAlgorithm: asked.HashAlgorithm, HashedMessage: asked.HashedMessage, Time: time.Now(),
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, ExtraExtensions: asked.Extensions}
	answer, err := stamp.CreateResponseWithOpts(s.stamp, s.stampKey, crypto.SHA256)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, err = w.Write(answer)
	return err
}
