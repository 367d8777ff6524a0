package signature

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sigstorebundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	sigstore "github.com/sigstore/sigstore/pkg/signature"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/trust/signature/sigstoretest"
)

func statement(t *testing.T) []byte {
	t.Helper()
	about := image.Blob{Digest: "sha256:" + strings.Repeat("ab", 32)}
	return must(NewStatement("example.com/shop", []image.Blob{about}, "https://example.com/predicate", map[string]int{"tea": 1}))
}

// library gives sigstore's own opinion of a bundle.
func library(t *testing.T, raw, trustedRoot []byte, key *PublicKey, who verify.PolicyOption, o ...verify.VerifierOption) error {
	t.Helper()
	var b sigstorebundle.Bundle
	if err := b.UnmarshalJSON(raw); err != nil {
		return err
	}
	var material root.TrustedMaterial = must(root.NewTrustedRootFromJSON(trustedRoot))
	if key != nil {
		v := must(sigstore.LoadVerifier(key.key, crypto.SHA256))
		material = root.TrustedMaterialCollection{material, root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
			return root.NewExpiringKey(v, time.Time{}, time.Time{}), nil
		})}
	}
	v, err := verify.NewVerifier(material, o...)
	if err != nil {
		return err
	}
	_, err = v.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest("sha256", bytes.Repeat([]byte{0xab}, 32)), who))
	return err
}

func TestServices(t *testing.T) {
	services := sigstoretest.New(t)
	ada := newKey(t, "ada")
	log, stamp := []Log{{services.URL, 1}}, []string{services.URL + "/timestamp"}
	logged, stamped := verify.WithTransparencyLog(1), verify.WithSignedTimestamps(1)
	for _, tc := range []struct {
		name     string
		key      *PrivateKey
		services Services
		demands  []verify.VerifierOption
	}{
		{"keyless, log and timestamp", nil, Services{services.URL, log, stamp}, []verify.VerifierOption{logged, stamped}},
		{"keyless, log alone", nil, Services{services.URL, log, nil}, []verify.VerifierOption{logged, verify.WithIntegratedTimestamps(1)}},
		{"keyless, timestamp alone", nil, Services{services.URL, nil, stamp}, []verify.VerifierOption{stamped}},
		{"key, timestamp", ada, Services{Timestamps: stamp}, []verify.VerifierOption{stamped}},
		{"key, log", ada, Services{Logs: log}, []verify.VerifierOption{logged, verify.WithNoObserverTimestamps()}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			signer := must(tc.services.Signer(tc.key, sigstoretest.Token("ada@example.com")))
			raw, err := signer.SignBundle(t.Context(), trust.StatementType, statement(t))
			if err != nil {
				t.Fatal(err)
			}
			who := verify.WithKey()
			var public *PublicKey
			if tc.key == nil {
				who = verify.WithCertificateIdentity(must(verify.NewShortCertificateIdentity(sigstoretest.Issuer, "", "ada@example.com", "")))
			} else {
				public = tc.key.Public()
			}
			if err := library(t, raw, services.TrustedRoot, public, who, tc.demands...); err != nil {
				t.Errorf("sigstore's library: %v\n%s", err, raw)
			}
			if e := must(ParseBundle(raw)); e.PayloadType != trust.StatementType {
				t.Errorf("the bundle holds %q", e.PayloadType)
			}
		})
	}
}

// What services answer is never pushed where it cannot be understood.
func TestServicesThatFail(t *testing.T) {
	services := sigstoretest.New(t)
	all := Services{services.URL, []Log{{services.URL, 1}}, []string{services.URL + "/timestamp"}}
	for name, broken := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"junk":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "junk") },
		"empty": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, "{}")
		},
	} {
		services.Broken = broken
		for _, k := range []*PrivateKey{nil, newKey(t, "ada")} {
			if raw, err := must(all.Signer(k, sigstoretest.Token("a@example.com"))).SignBundle(t.Context(), "x", []byte("{}")); err == nil {
				t.Errorf("%s: it signed: %s", name, raw)
			}
			logs := Services{Logs: all.Logs}
			if k == nil {
				continue
			}
			if raw, err := must(logs.Signer(k, "")).SignBundle(t.Context(), trust.StatementType, statement(t)); err == nil {
				t.Errorf("%s: it signed: %s", name, raw)
			}
		}
	}
	services.Broken = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := must(all.Signer(nil, "no token")).SignBundle(ctx, "x", nil); err == nil {
		t.Error("it signed for nobody")
	}
}

func TestServicesThatAreNotAsked(t *testing.T) {
	const far = "https://example.com"
	for _, tc := range []struct {
		services Services
		key      bool
		want     string
	}{
		{Services{}, false, "takes a certificate authority"},
		{Services{Fulcio: far}, false, "holds for minutes"},
		{Services{Fulcio: "http://example.com", Timestamps: []string{far}}, false, "https:// alone"},
		{Services{Fulcio: far, Timestamps: []string{"ftp://example.com"}}, false, "https:// alone"},
		{Services{Logs: []Log{{far, 2}}}, true, "does not say when"},
		{Services{Logs: []Log{{"http://10.0.0.1", 1}}}, true, "https:// alone"},
		{Services{Logs: []Log{{"http://[::1]:3000", 1}}}, true, ""},
		{Services{Fulcio: "http://example.com", Timestamps: []string{far}}, true, ""}, // it is not asked for a key
	} {
		var k *PrivateKey
		if tc.key {
			k = newKey(t, "ada")
		}
		_, err := tc.services.Signer(k, "")
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%+v: %v, want %q", tc.services, err, tc.want)
		}
	}
}

func TestReadServices(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	service := func(url string, version int, start, end string) map[string]any {
		period := map[string]string{"start": start}
		if end != "" {
			period["end"] = end
		}
		return map[string]any{"url": url, "majorApiVersion": version, "validFor": period, "operator": url}
	}
	config := map[string]any{
		"mediaType":       "application/vnd.dev.sigstore.signingconfig.v0.2+json",
		"caUrls":          []any{service("https://old.example.com", 1, "2020-01-01T00:00:00Z", "2025-01-01T00:00:00Z"), service("https://ca.example.com", 1, "2025-01-01T00:00:00Z", "")},
		"rekorTlogUrls":   []any{service("https://log.example.com", 2, "2025-01-01T00:00:00Z", ""), service("https://log1.example.com", 1, "2025-01-01T00:00:00Z", "")},
		"rekorTlogConfig": map[string]any{"selector": "ANY"},
		"tsaUrls":         []any{service("https://time.example.com", 1, "2025-01-01T00:00:00Z", "")},
		"tsaConfig":       map[string]any{"selector": "ALL"},
	}
	s, err := ReadServices(must(json.Marshal(config)), now)
	if want := "{https://ca.example.com [{https://log.example.com 2}] [https://time.example.com]}"; err != nil || fmt.Sprint(s) != want {
		t.Errorf("%v, %v; want %s", s, err, want)
	}
	if _, err := ReadServices(must(json.Marshal(config)), now.AddDate(-10, 0, 0)); err == nil {
		t.Error("services that are not valid yet were taken")
	}
	if _, err := ReadServices([]byte(`{"mediaType":"x"}`), now); err == nil {
		t.Error("something else passed for a signing configuration")
	}
}
