package drift

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/trust"
)

func attestation(predicateType, predicate string, status trust.Status) trust.Attestation {
	return trust.Attestation{
		Kind: trust.OfStatement, PredicateType: predicateType, Status: status, Found: trust.Found{How: "index", Blob: "sha256:b10b"},
		Statement: &trust.Statement{PredicateType: predicateType, Predicate: json.RawMessage(predicate)},
	}
}

func TestAttestedDocuments(t *testing.T) {
	a := built(t, shop())
	raw, err := os.ReadFile("testdata/shop.spdx.json")
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) string {
		return strings.ReplaceAll(string(raw), `"name": "shop"`, `"name": "`+name+`"`)
	}
	spdx := named("sbom")
	quoted, _ := json.Marshal(spdx) // cosign writes some documents as a text
	signed := attestation("https://spdx.dev/Document", spdx, trust.Verified)
	signed.Signer = &trust.Signer{Name: "release"}
	list := []trust.Attestation{
		signed,
		attestation("https://slsa.dev/provenance/v1", `{}`, trust.Verified),
		attestation("https://spdx.dev/Document/v2.3", string(quoted), trust.Unsigned),

		attestation("https://spdx.dev/Document", named("sbom-build"), trust.Verified),
		attestation("https://spdx.dev/Document", named("extras"), trust.Verified),
		attestation("https://cyclonedx.org/bom/v1.6", `{"bomFormat":`, trust.Verified),
		{Kind: trust.OfDocument, Form: "spdx", Document: raw, Status: trust.Unsigned, Found: trust.Found{How: "referrer", Blob: "sha256:d0c"}},
		{Kind: trust.OfDocument, Form: "spdx", Status: trust.Broken, Why: "its blob is not there"},
	}
	drifts, spots := OfAttestations(list, a)
	var got []string
	for _, d := range drifts {
		got = append(got, strings.Join([]string{d.Where, string(d.Attested), d.Signer, d.Stage, CheckOf([]trust.Drift{d}).Reason}, " | "))
	}
	diff(t, []string{
		"sha256:b10b | verified | release |  | what is aboard is what the SBOM says: 7 packages and the content of 11 files",
		"sha256:b10b | unsigned |  |  | what is aboard is what the SBOM says, but it is unsigned",
		"sha256:b10b | verified |  | build | there is no SBOM of the image to compare with what is aboard",
		"sha256:b10b | verified |  | extras | there is no SBOM of the image to compare with what is aboard",
		"sha256:d0c | unsigned |  |  | what is aboard is what the SBOM says, but it is unsigned",
	}, got)
	diff(t, 2, len(spots))
	for _, s := range spots {
		diff(t, image.UnreadablePaper, s.Kind)
	}
	diff(t, trust.Pass, CheckOf(drifts).Verdict) // one that is vouched for is enough
}

func TestCheckOf(t *testing.T) {
	differs := trust.Drift{Claimed: 2, Same: 1, Differences: []trust.Difference{{Kind: trust.OtherVersion}, {Kind: trust.NotAttested}, {Kind: trust.NotAttested}}}
	for name, c := range map[string]struct {
		drifts  []trust.Drift
		verdict trust.CheckVerdict
		reason  string
	}{
		"none":                        {nil, trust.Unknown, "there is no SBOM"},
		"true":                        {[]trust.Drift{{Claimed: 1, Same: 1}}, trust.Pass, "1 package"},
		"false":                       {[]trust.Drift{{Claimed: 1, Same: 1}, differs}, trust.Fail, "1 package in another version, 2 packages that it does not list"},
		"broken":                      {[]trust.Drift{{Claimed: 1, Same: 1, Attested: trust.Broken}}, trust.Fail, "broken"},
		"stranger":                    {[]trust.Drift{{Claimed: 1, Same: 1, Attested: trust.Stranger}}, trust.Unknown, "signed by a stranger"},
		"other image":                 {[]trust.Drift{{Claimed: 1, Same: 1, OtherImage: "sha256:0123456789abcdef"}}, trust.Unknown, "another image, sha256:0123456789ab,"},
		"signed before it was pushed": {[]trust.Drift{{Claimed: 1, Same: 1, OtherImage: "sha256:0123456789abcdef", Attested: trust.Verified}}, trust.Pass, "1 package"},
		"leaves out":                  {[]trust.Drift{{Claimed: 1, Same: 1, Uncompared: 3}}, trust.Unknown, "3 packages"},
		"lists nothing":               {[]trust.Drift{{}}, trust.Unknown, "no package"},
	} {
		got := CheckOf(c.drifts)
		if got.Verdict != c.verdict || !strings.Contains(got.Reason, c.reason) || (got.Step == "") != (got.Verdict == trust.Pass) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
