package signature

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// service is a whole sigstore in memory: an authority, a log and a timestamp authority.
type service struct {
	*ca.VirtualSigstore
	t *testing.T
}

func newService(t *testing.T) service {
	t.Helper()
	return service{must(ca.NewVirtualSigstore()), t}
}

// root is its trusted root. Certificates of the service are in no log of certificates.
func (s service) root() []byte {
	logs := s.RekorLogs()
	for id, l := range logs {
		l.ID = must(hex.DecodeString(id)) // the test library has it in hex, as nobody else
	}
	return must(must(root.NewTrustedRoot(root.TrustedRootMediaType01, s.FulcioCertificateAuthorities(), nil, s.TimestampingAuthorities(), logs)).MarshalJSON())
}

// trusting makes a verifier that believes the service, and these rules.
func (s service) trusting(rules ...trust.Rule) *Verifier {
	s.t.Helper()
	return must(NewVerifier(rules, VerifierOptions{Now: time.Now(), TrustedRoots: []string{"root.json"}, ReadFile: func(string) ([]byte, error) { return s.root(), nil }}))
}

// logged is an entry of the log as bundles hold it: with the log's promise, which the test library keeps to itself.
func (s service) logged(entry *tlog.Entry) *protorekor.TransparencyLogEntry {
	e := proto.CloneOf(entry.TransparencyLogEntry())
	if entry.IsRekorV2() {
		return e
	}
	var kind struct{ Kind, APIVersion string }
	if err := json.Unmarshal(e.CanonicalizedBody, &kind); err != nil {
		s.t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion}
	promise := must(s.RekorSignPayload(tlog.RekorPayload{Body: base64.StdEncoding.EncodeToString(e.CanonicalizedBody),
		IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex, LogID: hex.EncodeToString(e.LogId.KeyId)}))
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return e
}

// bundled makes a bundle of what the service signed.
func (s service) bundled(e verify.SignedEntity) *protobundle.Bundle {
	content := must(e.VerificationContent())
	b := &protobundle.Bundle{MediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1", VerificationMaterial: &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &protocommon.X509CertificateChain{
			Certificates: []*protocommon.X509Certificate{{RawBytes: content.Certificate().Raw}}}},
		TimestampVerificationData: &protobundle.TimestampVerificationData{},
	}}
	for _, entry := range must(e.TlogEntries()) {
		b.VerificationMaterial.TlogEntries = append(b.VerificationMaterial.TlogEntries, s.logged(entry))
		if entry.IsRekorV2() {
			b.MediaType = bundleType
			b.VerificationMaterial.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: content.Certificate().Raw}}
		}
	}
	for _, stamp := range must(e.Timestamps()) {
		b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps = append(b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps,
			&protocommon.RFC3161SignedTimestamp{SignedTimestamp: stamp})
	}
	signed := must(e.SignatureContent())
	if m := signed.MessageSignatureContent(); m != nil {
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: m.Digest()}, Signature: m.Signature()}}
		return b
	}
	envelope := signed.EnvelopeContent().RawEnvelope()
	b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{PayloadType: envelope.PayloadType,
		Payload: must(base64.StdEncoding.DecodeString(envelope.Payload)), Signatures: []*protodsse.Signature{{Sig: signed.Signature()}}}}
	return b
}

const (
	ship     = "https://github.com/acme/shop/.github/workflows/ship.yml@refs/heads/main"
	gitHub   = "https://token.actions.githubusercontent.com"
	sbomType = "https://spdx.dev/Document/v2.3"
)

func shop() *image.Image {
	sum := sha256.Sum256([]byte("manifest"))
	return &image.Image{Reference: "ghcr.io/acme/shop:1", Repository: "ghcr.io/acme/shop", Digest: "sha256:" + hex.EncodeToString(sum[:]), Index: "sha256:" + strings.Repeat("1d", 32)}
}

// statementOf makes a statement about images.
func statementOf(predicateType string, digests ...string) []byte {
	s := trust.Statement{Type: trust.StatementV1, PredicateType: predicateType, Predicate: json.RawMessage(`{"tea":1}`)}
	for _, d := range digests {
		algorithm, text, _ := strings.Cut(d, ":")
		s.Subject = append(s.Subject, trust.Subject{Name: "shop", Digest: map[string]string{algorithm: text}})
	}
	return must(json.Marshal(s))
}

func TestKeyless(t *testing.T) {
	s, im := newService(t), shop()
	good := must(s.Attest(ship, gitHub, statementOf(sbomType, im.Digest)))
	raw := must(protojson.Marshal(s.bundled(good)))
	for _, tc := range []struct {
		name   string
		rules  []trust.Rule
		status trust.Status
		says   string
	}{
		{"exactly", []trust.Rule{{Identity: ship, Issuer: gitHub}}, trust.Verified, "signed by " + ship + ", as " + gitHub + " vouches on 20"},
		{"by pattern", []trust.Rule{{Identity: "https://github.com/acme/*@refs/heads/main", Issuer: "https://token.actions.*"}}, trust.Verified, ""},
		{"nobody is trusted", nil, trust.Stranger, "signed by " + ship + ", as " + gitHub + " vouches on 20"},
		{"wrong identity", []trust.Rule{{Identity: "https://github.com/evil/*", Issuer: gitHub}}, trust.Stranger, "nobody who is trusted"},
		{"only part of the identity", []trust.Rule{{Identity: "https://github.com/acme/shop", Issuer: gitHub}}, trust.Stranger, "nobody who is trusted"},
		{"wrong issuer", []trust.Rule{{Identity: ship, Issuer: "https://accounts.google.com"}}, trust.Stranger, "it is trusted if https://accounts.google.com says so"},
		{"the second rule", []trust.Rule{{Identity: ship, Issuer: "https://accounts.google.com"}, {Identity: ship, Issuer: gitHub, Name: "ship"}}, trust.Verified, ""},
		{"for these images", []trust.Rule{{Identity: ship, Issuer: gitHub, Images: []string{"ghcr.io/acme/*"}}}, trust.Verified, ""},
		{"for other images", []trust.Rule{{Identity: ship, Issuer: gitHub, Images: []string{"ghcr.io/evil/*"}, Name: "ship"}}, trust.Stranger, "signed by ship, who is not trusted for this image"},
		{"with these papers", []trust.Rule{{Identity: ship, Issuer: gitHub, Predicates: []string{"slsaprovenance", "spdx"}}}, trust.Verified, ""},
		{"with other papers", []trust.Rule{{Identity: ship, Issuer: gitHub, Predicates: []string{"signature", "openvex"}}}, trust.Stranger, "not trusted with"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := s.trusting(tc.rules...).Judge(im, raw, trust.Found{})
			expect(t, a, tc.status, tc.says)
			if a.Signer.Identity != ship || a.Signer.Issuer != gitHub || a.Signer.SignedAt.IsZero() || a.Signer.LogIndex == nil {
				t.Errorf("the signer is %+v", a.Signer)
			}
		})
	}
	// The same signature in cosign's own forms.
	for name, found := range map[string]trust.Found{"an envelope": {MediaType: envelopeType}, "a statement": {MediaType: trust.StatementType}} {
		p := readPaper(must(json.Marshal(must(good.SignatureContent()).EnvelopeContent().RawEnvelope())), found, s.cosignAnnotations(good))
		a := s.trusting(trust.Rule{Identity: ship, Issuer: gitHub}).judge(p, im, new(shopNames()))
		if expect(t, a, trust.Verified, "signed by "+ship); a.Form != envelopeForm {
			t.Errorf("%s is read as %s", name, a.Form)
		}
	}
}

// Keyless signatures in every other form.
func TestKeylessForms(t *testing.T) {
	s, im := newService(t), shop()
	v := s.trusting(trust.Rule{Name: "ship", Identity: ship, Issuer: gitHub})
	t.Run("signature of the manifest", func(t *testing.T) {
		raw := must(protojson.Marshal(s.bundled(must(s.Sign(ship, gitHub, []byte("manifest"))))))
		if a := v.Judge(im, raw, trust.Found{}); a.Kind != trust.OfSignature {
			t.Errorf("it is a %s", a.Kind)
		} else {
			expect(t, a, trust.Verified, "")
		}
		expect(t, v.Judge(im, must(protojson.Marshal(s.bundled(must(s.Sign(ship, gitHub, []byte("another")))))), trust.Found{}), trust.Broken, "ship signed it, but it is about another image, sha256:")
	})
	t.Run("cosign's statement that signs", func(t *testing.T) {
		raw := must(protojson.Marshal(s.bundled(must(s.Attest(ship, gitHub, statementOf(signedPredicate, im.Index))))))
		if a := v.Judge(im, raw, trust.Found{}); a.Kind != trust.OfSignature || a.PredicateType != "" {
			t.Errorf("it is a %s of the type %s", a.Kind, a.PredicateType)
		} else {
			expect(t, a, trust.Verified, "the index that this image was chosen from")
		}
	})
	t.Run("second version of the log", func(t *testing.T) {
		// Its entries have no time: that is what the timestamp is for.
		raw := must(protojson.Marshal(s.bundled(must(s.AttestHashedRekordV2(ship, gitHub, statementOf(sbomType, im.Digest))))))
		expect(t, v.Judge(im, raw, trust.Found{}), trust.Verified, "")
	})
	t.Run("simple signature", func(t *testing.T) {
		document := []byte(`{"critical":{"identity":{"docker-reference":"ghcr.io/acme/shop"},"image":{"docker-manifest-digest":"` + im.Digest + `"},"type":"cosign container image signature"},"optional":null}`)
		signed := must(s.Sign(ship, gitHub, document))
		annotations := s.cosignAnnotations(signed)
		annotations[simpleSignatureKey] = base64.StdEncoding.EncodeToString(must(signed.SignatureContent()).Signature())
		judge := func(document []byte, annotations map[string]string) trust.Attestation {
			return v.judge(readPaper(document, trust.Found{MediaType: simpleSigningType}, annotations), im, new(shopNames()))
		}
		expect(t, judge(document, annotations), trust.Verified, "as the transparency log proves")
		expect(t, judge(bytes.Replace(document, []byte("null"), []byte("{}"), 1), annotations), trust.Broken, "changed after it was signed")
		bare := s.cosignAnnotations(signed)
		expect(t, judge(document, bare), trust.Unsigned, "nobody signed it")
		delete(annotations, logEntryKey)
		expect(t, judge(document, annotations), trust.Broken, "no entry in the transparency log")
	})
}

func TestKeylessTampered(t *testing.T) {
	s, im := newService(t), shop()
	other := newService(t)
	v := s.trusting(trust.Rule{Identity: ship, Issuer: gitHub})
	for _, tc := range []struct {
		name  string
		spoil func(b *protobundle.Bundle)
		says  string
	}{
		{"edited predicate", func(b *protobundle.Bundle) {
			e := b.GetDsseEnvelope()
			e.Payload = bytes.Replace(e.Payload, []byte(`"tea":1`), []byte(`"tea":2`), 1)
		}, "changed after it was signed"},
		{"another's signature", func(b *protobundle.Bundle) {
			b.GetDsseEnvelope().Signatures = s.bundled(must(s.Attest(ship, gitHub, statementOf(sbomType, im.Digest)))).GetDsseEnvelope().Signatures
		}, "changed after it was signed"},
		{"removed log entry", func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries = nil }, "no entry in the transparency log"},
		{"log entry of another signature", func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries = s.bundled(must(s.Attest(ship, gitHub, statementOf(sbomType, im.Digest)))).VerificationMaterial.TlogEntries
		}, "its entry in the transparency log does not hold"},
		{"entry of another log", func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries = other.bundled(must(other.Attest(ship, gitHub, statementOf(sbomType, im.Digest)))).VerificationMaterial.TlogEntries
		}, "no transparency log that is trusted"},
		{"later log entry", func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].IntegratedTime += 60 }, "its entry in the transparency log does not hold"},
		{"two signatures", func(b *protobundle.Bundle) {
			e := b.GetDsseEnvelope()
			e.Signatures = append(e.Signatures, e.Signatures[0])
		}, "exactly one signature"},
		{"certificate of another service", func(b *protobundle.Bundle) {
			strange := other.bundled(must(other.Attest(ship, gitHub, statementOf(sbomType, im.Digest))))
			b.VerificationMaterial.Content = strange.VerificationMaterial.Content
		}, "changed after it was signed"},
		{"wrong subject", func(b *protobundle.Bundle) {
			proto.Merge(emptied(b), s.bundled(must(s.Attest(ship, gitHub, statementOf(sbomType, "sha256:"+strings.Repeat("ab", 32))))))
		}, "signed it, but it is about another image, sha256:abab"},
		{"weak digest", func(b *protobundle.Bundle) {
			proto.Merge(emptied(b), s.bundled(must(s.Attest(ship, gitHub, statementOf(sbomType, "md5:"+strings.TrimPrefix(im.Digest, "sha256:"))))))
		}, "names no image"},
		{"signed outside of the certificate's time", func(b *protobundle.Bundle) {
			proto.Merge(emptied(b), s.bundled(must(s.AttestAtTime(ship, gitHub, statementOf(sbomType, im.Digest), time.Now().Add(40*time.Minute), false))))
		}, ", and the log saw it at "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := s.bundled(must(s.Attest(ship, gitHub, statementOf(sbomType, im.Digest))))
			tc.spoil(b)
			expect(t, v.Judge(im, must(protojson.Marshal(b)), trust.Found{}), trust.Broken, tc.says)
		})
	}
	t.Run("another service altogether", func(t *testing.T) {
		raw := must(protojson.Marshal(other.bundled(must(other.Attest(ship, gitHub, statementOf(sbomType, im.Digest))))))
		expect(t, v.Judge(im, raw, trust.Found{}), trust.Stranger, "says to be of "+ship)
	})
	t.Run("stripped signature", func(t *testing.T) {
		expect(t, v.Judge(im, statementOf(sbomType, im.Digest), trust.Found{}), trust.Unsigned, "nobody signed it")
		expect(t, v.Judge(im, []byte(`{"payloadType":"application/vnd.in-toto+json","payload":"`+base64.StdEncoding.EncodeToString(statementOf(sbomType, im.Digest))+`","signatures":[]}`),
			trust.Found{}), trust.Unsigned, "nobody signed it")
	})
}

func emptied(b *protobundle.Bundle) *protobundle.Bundle {
	proto.Reset(b)
	return b
}

// cosignAnnotations are those that cosign writes beside a keyless signature.
func (s service) cosignAnnotations(e verify.SignedEntity) map[string]string {
	entry := s.logged(must(e.TlogEntries())[0])
	certificate := must(e.VerificationContent()).Certificate()
	return map[string]string{
		certificateKey: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})),
		chainKey:       "",
		logEntryKey: string(must(json.Marshal(map[string]any{
			"SignedEntryTimestamp": entry.InclusionPromise.SignedEntryTimestamp,
			"Payload": map[string]any{"body": base64.StdEncoding.EncodeToString(entry.CanonicalizedBody), "integratedTime": entry.IntegratedTime,
				"logIndex": entry.LogIndex, "logID": hex.EncodeToString(entry.LogId.KeyId)},
		}))),
		timestampKey: string(must(json.Marshal(map[string]any{"SignedRFC3161Timestamp": must(e.Timestamps())[0]}))),
	}
}

// Sigstore's own examples, of its public service: two of them are kept here, and the rest of them is tried where it is at hand.
func TestSigstoreExamples(t *testing.T) {
	const here, dir = "testdata/sigstore/", "../../../shared/conformance/sigstore/sigstore-go/"
	for _, tc := range []struct {
		file, root string
		rule       trust.Rule
		status     trust.Status
		says       string
	}{
		{here + "bundle-provenance.json", "", trust.Rule{Identity: "https://github.com/sigstore/sigstore-js/*", Issuer: gitHub}, trust.Verified, "on 2023-"},
		{here + "bundle-provenance.json", "", trust.Rule{Identity: ship, Issuer: gitHub}, trust.Stranger, "signed by https://github.com/sigstore/sigstore-js/"},
		{dir + "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json", "", trust.Rule{Identity: "*", Issuer: gitHub}, trust.Verified, ""},
		{dir + "pkg/testing/data/bundles/dsse.sigstore.json", "", trust.Rule{Identity: "*", Issuer: "*"}, trust.Verified, ""},
		{dir + "pkg/testing/data/bundles/dsse-2sigs.sigstore.json", "", trust.Rule{Identity: "*", Issuer: "*"}, trust.Broken, "exactly one signature"},
		{dir + "pkg/testing/data/bundles/othername.sigstore.json", dir + "pkg/testing/data/trusted-roots/scaffolding.json", trust.Rule{Identity: "foo!oidc.local", Issuer: "*"}, trust.Verified, "foo!oidc.local"},
		{dir + "pkg/testing/data/bundles/othername.sigstore.json", "", trust.Rule{Identity: "foo!oidc.local", Issuer: "*"}, trust.Stranger, "foo!oidc.local"},
		{here + "bundle-publish.json", "", trust.Rule{Key: here + "publish_key.pub"}, trust.Verified, "publish_key.pub on 2023-"},
	} {
		t.Run(filepath.Base(tc.file), func(t *testing.T) {
			raw, err := os.ReadFile(tc.file)
			if err != nil {
				t.Skip("sigstore's examples are not here")
			}
			o := VerifierOptions{Now: now()}
			if tc.root != "" {
				o.TrustedRoots = []string{tc.root}
			}
			v := must(NewVerifier([]trust.Rule{tc.rule}, o))
			// They are about files, not images.
			p := readPaper(raw, trust.Found{}, nil)
			if p.fault != nil {
				t.Fatal(p.fault)
			}
			out := v.signedBy(p, new(shopNames()))
			if out.status != tc.status || !strings.Contains(out.why, tc.says) {
				t.Errorf("%s: %s; want %s: %s", out.status, out.why, tc.status, tc.says)
			}
		})
	}
}

func certificatePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
