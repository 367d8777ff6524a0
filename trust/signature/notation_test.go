package signature

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	notation "github.com/notaryproject/notation-core-go/signature"
	"github.com/notaryproject/notation-core-go/signature/cose"
	"github.com/notaryproject/notation-core-go/signature/jws"

	"tidewaiter/trust"
)

func TestNotation(t *testing.T) {
	acme, evil, im := newCompany(t, "ACME"), newCompany(t, "Evil"), shop()
	from, to := now().AddDate(0, 0, -1), now().AddDate(0, 0, 1)
	sign := func(mediaType string, c company, digest string, change func(*notation.SignRequest)) []byte {
		key, leaf := c.certify("ada@acme.example", from, to, x509.ExtKeyUsageCodeSigning)
		request := &notation.SignRequest{
			Payload: notation.Payload{ContentType: "application/vnd.cncf.notary.payload.v1+json",
				Content: []byte(`{"targetArtifact":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"` + digest + `","size":8}}`)},
			Signer:      must(notation.NewLocalSigner([]*x509.Certificate{leaf, c.between, c.root}, key)),
			SigningTime: now(), SigningScheme: notation.SigningSchemeX509,
		}
		if change != nil {
			change(request)
		}
		return must(must(notation.NewEnvelope(mediaType)).Sign(request))
	}
	v := verifier(t, map[string][]byte{"acme.pem": certificatePEM(acme.root)}, trust.Rule{Identity: "ada@acme.example", Authority: "acme.pem"})
	for _, mediaType := range []string{jws.MediaTypeEnvelope, cose.MediaTypeEnvelope} {
		t.Run(mediaType, func(t *testing.T) {
			judge := func(raw []byte) trust.Attestation { return v.Judge(im, raw, trust.Found{MediaType: mediaType}) }
			good := sign(mediaType, acme, im.Digest, nil)
			if a := judge(good); a.Kind != trust.OfSignature || a.Form != "notation" {
				t.Errorf("%+v", a)
			}
			expect(t, judge(good), trust.Verified, "signed by ada@acme.example, as ACME vouches")
			expect(t, judge(sign(mediaType, evil, im.Digest, nil)), trust.Stranger, "whom nobody trusts")
			expect(t, judge(sign(mediaType, acme, im.ID+"sha256:ab", nil)), trust.Broken, "about another image, sha256:ab")
			expect(t, judge(sign(mediaType, acme, im.Digest, func(r *notation.SignRequest) {
				r.Expiry = now().Add(-time.Hour)
				r.SigningTime = now().Add(-2 * time.Hour)
			})), trust.Broken, "valid until 2026-08-20 11:00:00Z")
			expect(t, judge(sign(mediaType, acme, im.Digest, func(r *notation.SignRequest) {
				r.ExtendedSignedAttributes = []notation.Attribute{{Key: "io.cncf.notary.verificationPlugin", Critical: true, Value: "x"}}
			})), trust.Broken, "asks for a Notation plugin")
			expect(t, judge([]byte("tea")), trust.Broken, "not a valid Notation signature")
			if mediaType == cose.MediaTypeEnvelope {
				expect(t, judge(bytes.Replace(good, []byte(`"size":8`), []byte(`"size":9`), 1)), trust.Broken, "changed after it was signed")
			}
		})
	}
}
