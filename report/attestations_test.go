package report_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/report"
	"tidewaiter/trust"
)

// attestations are one of each status and of each place.
func attestations() *report.Attestations {
	found := func(how, tag, to string, blob byte) trust.Found {
		return trust.Found{How: how, Tag: tag, AttachedTo: to, Blob: digest(blob)}
	}
	log := int64(7)
	list := []trust.Attestation{
		{Kind: trust.OfSignature, Form: "sigstore-bundle", Status: trust.Verified, Why: "signed by acme's workflow, as the transparency log proves",
			Signer:   &trust.Signer{Identity: "https://github.com/acme/shop/.github/workflows/release.yml@refs/heads/main", Issuer: "https://token.actions.githubusercontent.com", LogIndex: &log},
			Subjects: []string{digest('b')}, Found: found("referrer", "", digest('b'), '1')},
		{Kind: trust.OfSignature, Form: "simple-signing", Status: trust.Stranger, Why: "no trusted key made its signature", Signer: &trust.Signer{},
			Subjects: []string{digest('a')}, Found: found("cosign-tag", "sha256-"+strings.Repeat("a", 64)+".sig", digest('a'), '2')},
		{Kind: trust.OfStatement, Form: "in-toto", PredicateType: "https://slsa.dev/provenance/v1", Status: trust.Unsigned, Why: "nobody signed it",
			Subjects: []string{digest('a')}, Found: found("index", "", digest('a'), '3')},
		{Kind: trust.OfStatement, Form: "dsse", PredicateType: "https://example.com/\x1b[31mred/v1", Status: trust.Broken, Why: "it is about another image",
			Subjects: []string{digest('c'), digest('d'), digest('e'), digest('f'), digest('0')}, Found: found("layout", "", digest('a'), '4')},
		{Kind: trust.OfStatement, Form: "sigstore-bundle", Status: trust.Broken, Why: "it cannot be read: unexpected end of JSON input", Found: found("referrers-tag", "", digest('b'), '5')},
		{Kind: trust.OfDocument, Form: "cyclonedx", Status: trust.Unsigned, Why: "nobody signed it", Found: found("referrer", "", digest('a'), '6')},
	}
	spots := []image.BlindSpot{{Kind: image.UnreadablePaper, Where: "attestation " + digest('9'), Message: "blob " + digest('9') + " is missing"}}
	return report.NewAttestations(report.Tool{Name: "tidewaiter", Version: "1.0"},
		assess.Image{Reference: "shop:2.1", Digest: digest('a'), Platform: "linux/amd64"}, digest('b'), list, spots)
}

func TestAttestations(t *testing.T) {
	var text, doc bytes.Buffer
	if err := report.AttestationsText(&text, attestations(), report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "attestations.txt", text.Bytes())
	if err := report.AttestationsJSON(&doc, attestations()); err != nil {
		t.Fatal(err)
	}
	golden(t, "attestations.json", doc.Bytes())
}

func TestNoAttestations(t *testing.T) {
	none := report.NewAttestations(report.Tool{}, assess.Image{Reference: "shop:2.1"}, "", nil, nil)
	var doc bytes.Buffer
	if err := report.AttestationsJSON(&doc, none); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"attestations": []`, `"blindSpots": []`} {
		if !strings.Contains(doc.String(), want) {
			t.Errorf("no %s in %s", want, doc.String())
		}
	}
}

// The schema names what the list has of its own; an attestation is described in that of the report.
func TestTheSchemaOfAttestations(t *testing.T) {
	var schema struct {
		Required   []string
		Properties map[string]any
	}
	if err := json.Unmarshal(report.AttestationsSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var doc bytes.Buffer
	if err := report.AttestationsJSON(&doc, attestations()); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(doc.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for name := range fields {
		if schema.Properties[name] == nil {
			t.Errorf("the schema does not name %s", name)
		}
	}
	for name := range schema.Properties {
		if fields[name] == nil || name != "index" && !slices.Contains(schema.Required, name) {
			t.Errorf("%s: in the schema alone, or not required", name)
		}
	}
}
