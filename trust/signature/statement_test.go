package signature

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/trust"
)

// The vector of the DSSE specification (protocol.md, "Test Vectors").
func TestEncoding(t *testing.T) {
	got := string(encoding("http://example.com/HelloWorld", []byte("hello world")))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEnvelope(t *testing.T) {
	ada, bob, eve := newKey(t, "ada"), newKey(t, "bob"), newKey(t, "eve")
	e := must(ada.SignEnvelope("text/plain", []byte("all clear")))
	trusted := Keys{bob.Public(), ada.Public()}
	payload, by, err := trusted.VerifyEnvelope(e)
	if err != nil || string(payload) != "all clear" || by.Name != "ada" {
		t.Errorf("got %q by %v, %v", payload, by, err)
	}
	// A key id is a hint of nobody's: a wrong one changes nothing, and so does a signature that is not known.
	several := *e
	several.Signatures = append([]EnvelopeSignature{{Sig: "?"}, must(eve.SignEnvelope("text/plain", []byte("all clear"))).Signatures[0]}, e.Signatures...)
	several.Signatures[2].KeyID = "eve"
	if _, by, err := trusted.VerifyEnvelope(&several); err != nil || by.Name != "ada" {
		t.Errorf("among several: %v, %v", by, err)
	}
	urls := *e
	urls.Payload = base64.URLEncoding.EncodeToString([]byte("all clear"))
	if _, _, err := trusted.VerifyEnvelope(&urls); err != nil {
		t.Error("in the alphabet for URLs:", err)
	}
	for name, spoil := range map[string]func(*Envelope){
		"another payload": func(e *Envelope) { e.Payload = base64.StdEncoding.EncodeToString([]byte("all fine!")) },
		"another type":    func(e *Envelope) { e.PayloadType = "text/html" },
		"no signature":    func(e *Envelope) { e.Signatures = nil },
		"not in base64":   func(e *Envelope) { e.Payload = "%" },
		"eve's signature": func(e *Envelope) {
			e.Signatures = must(eve.SignEnvelope("text/plain", []byte("all clear"))).Signatures
		},
		"too many signatures before it": func(e *Envelope) {
			e.Signatures = append(make([]EnvelopeSignature, maxSignatures), e.Signatures...)
		},
	} {
		bad := *e
		spoil(&bad)
		if _, _, err := trusted.VerifyEnvelope(&bad); err == nil {
			t.Errorf("%s: it passed", name)
		}
	}
	if _, _, err := (Keys{}).VerifyEnvelope(e); !errors.Is(err, ErrSignature) {
		t.Errorf("without a key: %v", err)
	}
}

func TestStatement(t *testing.T) {
	s, err := trust.ParseStatement([]byte(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"p","subject":[{"name":"a","digest":{"sha256":"AB","sha512":"cd"}},{"name":"b"}],"predicate":{"x":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]bool{"sha256:ab": true, "sha512:cd": true, "sha256:cd": false, "sha1:": false, "sha256:": false, "ab": false, "": false} {
		if s.IsAbout(digest) != want {
			t.Errorf("is it about %q? %v", digest, !want)
		}
	}
	for _, text := range []string{"", "[]", `{}`, `{"_type":"https://in-toto.io/Statement/v9"}`, `{"_type":"https://in-toto.io/Statement/v1","subject":"x"}`} {
		if _, err := trust.ParseStatement([]byte(text)); err == nil {
			t.Errorf("%q passed for a statement", text)
		}
	}
	k := newKey(t, "ada")
	e := must(k.SignEnvelope("text/plain", []byte(`{"_type":"https://in-toto.io/Statement/v1"}`)))
	if _, _, err := (Keys{k.Public()}).VerifyStatement(e); err == nil || !strings.Contains(err.Error(), "text/plain") {
		t.Errorf("an envelope with something else in it: %v", err)
	}
}

// What cosign 3 has signed, read out of a layout that skopeo has copied.
func TestWhatCosignSigned(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "attestations", "cosign")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no attestations in ../../shared: " + err.Error())
	}
	read := func(name string) []byte { return must(os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))) }
	signer := Keys{must(ReadPublicKey("cosign.pub", read("cosign.pub")))}
	other := Keys{must(ReadPublicKey("other.pub", read("other/cosign.pub")))}
	const blobs = "layout/blobs/sha256/"
	const about = "sha256:860c2de262a4a371ce7db9efcbe6ea3a15fe741242e7f09df10fd9a8a8635a66"
	for blob, predicate := range map[string]string{
		"53b631432464e02838479dfca1faf8e771699180563ba353b7096b82b88249ab": signedPredicate,
		"aef9c46cb1558b7c2ae5f8e7e9f0812d8a1b9141bb6ae9462a536e33c4489b36": "https://scout.test/policy/v1",
	} {
		e := must(ParseBundle(read(blobs + blob)))
		s, by, err := append(other, signer...).VerifyStatement(e)
		if err != nil || by.Name != "cosign.pub" || s.PredicateType != predicate || !s.IsAbout(about) {
			t.Errorf("bundle %s: %+v by %v, %v", blob, s, by, err)
		}
		if _, _, err := other.VerifyStatement(e); !errors.Is(err, ErrSignature) {
			t.Errorf("bundle %s by another key: %v", blob, err)
		}
	}
	attested := must(ParseEnvelope(read(blobs + "aa937904f0f4b51d97b1294a9e8175257130c7275dcae3c79f35843a874507e2")))
	if s, _, err := signer.VerifyStatement(attested); err != nil || s.Type != trust.StatementV01 || !s.IsAbout(about) {
		t.Errorf("attestation: %+v, %v", s, err)
	}
	var m struct {
		Layers []struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(read(blobs+"91fa4ffd9b8df01faf51818fd896426e50b1d35bdb1e72d28c06b2a6c5e3b2c0"), &m); err != nil {
		t.Fatal(err)
	}
	document := read(blobs + "d7ebc42eb59041e9d3cf0e3fc492b230ed2e8afe7eb8b2d1b6e7616ad0b4d404")
	signature := m.Layers[0].Annotations[simpleSignatureKey]
	if manifest, _, err := signer.verifySimply(document, signature); err != nil || manifest != about {
		t.Errorf("simple signature: of %s, %v", manifest, err)
	}
	if _, _, err := other.verifySimply(document, signature); !errors.Is(err, ErrSignature) {
		t.Errorf("simple signature by another key: %v", err)
	}
	// The key is cosign's, too: it lies under a password that is not known here.
	if _, err := ReadPrivateKey("cosign.key", read("cosign.key"), func() ([]byte, error) { return []byte("not this"), nil }); err == nil || !strings.Contains(err.Error(), "password is wrong") {
		t.Errorf("cosign.key: %v", err)
	}
}

func FuzzSigned(f *testing.F) {
	k := must(ReadPublicKey("x", []byte("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnU3wkMgG47EOnvrHkYZZjxmJhivo\n2MGMkPLv4gFKUb13U9uNTNBeTPiOVfP4/YDggzeW7UGDxc9DsO38WBnOQw==\n-----END PUBLIC KEY-----\n")))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEUC"}]}}`))
	f.Add([]byte(`{"payload":"","payloadType":"x","signatures":[]}`))
	f.Add([]byte(`{"critical":{"type":"cosign container image signature"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys := Keys{k}
		if e, err := ParseBundle(raw); err == nil {
			if _, _, err := keys.VerifyStatement(e); err == nil {
				t.Error("an envelope that nobody signed passed")
			}
		}
		if e, err := ParseEnvelope(raw); err == nil {
			if _, _, err := keys.VerifyEnvelope(e); err == nil {
				t.Error("an envelope that nobody signed passed")
			}
		}
		if _, _, err := keys.verifySimply(raw, "MEUC"); err == nil {
			t.Error("a document that nobody signed passed")
		}
	})
}
