package signature

import (
	"os"
	"testing"

	"tidewaiter/trust"
)

// Nothing that nobody signed is ever verified, and nothing makes the reader fall over.
func FuzzJudge(f *testing.F) {
	const key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnU3wkMgG47EOnvrHkYZZjxmJhivo\n2MGMkPLv4gFKUb13U9uNTNBeTPiOVfP4/YDggzeW7UGDxc9DsO38WBnOQw==\n-----END PUBLIC KEY-----\n"
	v := must(NewVerifier([]trust.Rule{{Key: "x"}, {Identity: "nobody", Issuer: "*"}}, VerifierOptions{ReadFile: func(string) ([]byte, error) { return []byte(key), nil }}))
	im := shop()
	types := []string{"", simpleSigningType, envelopeType, bundleType, trust.StatementType, "application/jose+json", "application/cose", "application/spdx+json"}
	for _, name := range []string{"bundle-provenance.json", "bundle-publish.json"} {
		f.Add(must(os.ReadFile("testdata/sigstore/"+name)), 0, "", "", "")
	}
	f.Add(statementOf(sbomType, im.Digest), 4, "", "", "")
	f.Add([]byte(`{"critical":{"image":{"docker-manifest-digest":"`+im.Digest+`"},"type":"cosign container image signature"}}`), 1, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
		`{"SignedEntryTimestamp":"MEUC","Payload":{"body":"e30=","integratedTime":1,"logIndex":1,"logID":"ab"}}`, `{"SignedRFC3161Timestamp":"MEUC"}`)
	f.Add([]byte(`{"payload":"e30","protected":"e30","header":{"x5c":[]},"signature":"x"}`), 5, "", "", "")
	f.Fuzz(func(t *testing.T, raw []byte, form int, certificate, entry, stamp string) {
		found := trust.Found{MediaType: types[uint(form)%uint(len(types))]}
		p := readPaper(raw, found, map[string]string{simpleSignatureKey: "MEUC", certificateKey: certificate, logEntryKey: entry, timestampKey: stamp})
		if a := v.judge(p, im, new(shopNames())); a.Status == trust.Verified || a.Why == "" {
			t.Errorf("%+v", a)
		}
	})
}
