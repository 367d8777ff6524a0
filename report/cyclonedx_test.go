package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/sbom"
	"tidewaiter/vex"
)

// cycloneDXSchema is the published schema with those that it refers to.
func cycloneDXSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "conformance", "cyclonedx", "schema")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, part := range []string{"spdx.schema.json", "jsf-0.82.schema.json", "cryptography-defs.schema.json", "bom-1.6.schema.json"} {
		raw, err := os.ReadFile(filepath.Join(dir, part))
		if errors.Is(err, os.ErrNotExist) {
			t.Skip("no " + dir)
		} else if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+part, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cdxFile is what these tests read of CycloneDX.
type cdxFile struct {
	SerialNumber string
	Metadata     struct {
		Component struct {
			Ref string `json:"bom-ref"`
		}
		Properties []cdxProperty
	}
	Components []struct {
		Ref string `json:"bom-ref"`
	}
	Vulnerabilities []struct {
		ID, Recommendation string
		Ratings            []struct {
			Severity, Method, Vector, Justification string
			Score                                   float64
		}
		Analysis *struct {
			State, Justification, Detail string
			Response                     []string
		}
		Affects    []struct{ Ref string }
		Properties []cdxProperty
	}
}

type cdxProperty struct{ Name, Value string }

func cycloneDXOf(t *testing.T, r *report.Report) cdxFile {
	t.Helper()
	var f cdxFile
	if err := json.Unmarshal(formOf(t, "cyclonedx", r, report.Options{}), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCycloneDXKeepsToTheSchema(t *testing.T) {
	schema := cycloneDXSchema(t)
	all := reports()
	all["judged"] = judged()
	for name, r := range all {
		keeps(t, schema, name, formOf(t, "cyclonedx", r, report.Options{}))
	}
}

// judged has findings of which everything that can be said is said.
func judged() *report.Report {
	r := gated()
	r.Packages = append(r.Packages, r.Packages[2]) // another copy of lodash
	stated := func(status vex.Status, justification string) []match.Statement {
		return []match.Statement{{Author: "Ann", Source: "ann.json", Decided: true, Timestamp: scanned(), Status: status, Justification: justification}}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		switch f.ID {
		case "CVE-2020-8203":
			f.Quieted = &match.Quieted{By: "--ignore-base", Reason: "it is of the base image"}
		case "CVE-2020-28500":
			f.Quieted = &match.Quieted{By: "go-symbols", Reason: "no such function"}
		case "CVE-2099-1":
			f.Quieted, f.Statements = &match.Quieted{By: "vex: Ann", Reason: "not affected"}, stated(vex.NotAffected, "inline_mitigations_already_exist")
		case "CVE-2099-2":
			f.Quieted, f.Statements = &match.Quieted{By: "exception: Ann", Reason: "risk accepted", Until: "2027-01-01"}, stated(vex.Affected, "")
		case "CVE-2026-1111":
			f.Statements = stated(vex.UnderInvestigation, "")
		case "CVE-2021-23337":
			f.Statements = stated(vex.Fixed, "") // of another CVE of the finding, which stands
		case "CVE-2025-9230":
			f.Statements = stated(vex.Affected, "")
		}
	}
	return r
}

func TestCycloneDXSaysWhatWasFoundOut(t *testing.T) {
	got := map[string]string{}
	for _, v := range cycloneDXOf(t, judged()).Vulnerabilities {
		got[v.ID] = "none"
		if a := v.Analysis; a != nil {
			got[v.ID] = strings.Join([]string{a.State, a.Justification, strings.Join(a.Response, ","), a.Detail}, "|")
		}
	}
	want := map[string]string{
		"CVE-2020-28500": "not_affected|code_not_present||go-symbols: no such function",
		"CVE-2020-8203":  "none", // left out of the view, and found out nothing
		"CVE-2021-23337": "none",
		"CVE-2022-25883": "not_affected|||distribution: Debian:12 installed it as libssl3 3.0.17, and does not report this problem there (until 2027-01-01)",
		"CVE-2025-9230":  "exploitable|||Ann",
		"CVE-2026-1111":  "in_triage|||Ann",
		"CVE-2099-1":     "not_affected|protected_by_mitigating_control||vex: Ann: not affected",
		"CVE-2099-2":     "exploitable||will_not_fix|exception: Ann: risk accepted (until 2027-01-01)",
		"MAL-2025-1":     "none",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Every vulnerability points at components of the document, at all copies of a package, and one without a package at the system.
func TestCycloneDXPointsAtComponents(t *testing.T) {
	r := judged()
	distribution := r.Findings[0]
	distribution.ID, distribution.Kind, distribution.Package = "EOL-debian-12", match.KindEndOfLife, "pkg:generic/debian@12"
	r.Findings = append(r.Findings, distribution)
	doc := cycloneDXOf(t, r)
	refs := []string{doc.Metadata.Component.Ref}
	for _, c := range doc.Components {
		refs = append(refs, c.Ref)
	}
	for _, v := range doc.Vulnerabilities {
		want := 1
		if strings.Contains(v.Affects[0].Ref, "lodash") {
			want = 2
		}
		if len(v.Affects) != want || v.ID == "EOL-debian-12" && v.Affects[0].Ref != "operating-system" {
			t.Errorf("%s affects %v", v.ID, v.Affects)
		}
		for _, a := range v.Affects {
			if !slices.Contains(refs, a.Ref) {
				t.Errorf("%s affects %s, which is nowhere", v.ID, a.Ref)
			}
		}
	}
}

func TestCycloneDXRatesAndTellsOfTheEnvironment(t *testing.T) {
	doc := cycloneDXOf(t, gated())
	if !slices.Contains(doc.Metadata.Properties, cdxProperty{"tidewaiter:environment", "production"}) || !slices.Contains(doc.Metadata.Properties, cdxProperty{"tidewaiter:score", "41.5"}) {
		t.Errorf("%v", doc.Metadata.Properties)
	}
	for _, v := range doc.Vulnerabilities {
		if v.ID != "CVE-2021-23337" {
			continue
		}
		if len(v.Ratings) != 3 || v.Ratings[0].Severity != "high" || v.Ratings[1].Method != "CVSSv31" || v.Ratings[1].Score != 7.2 ||
			v.Ratings[2].Score != 7.4 || v.Ratings[2].Justification != "the environmental score in production" {
			t.Errorf("%+v", v.Ratings)
		}
		if !slices.Contains(v.Properties, cdxProperty{"tidewaiter:due", "2026-12-31"}) || v.Recommendation != "Upgrade to 4.17.21." {
			t.Errorf("%+v", v)
		}
	}
	other := gated()
	other.Findings = other.Findings[1:]
	if a, b := doc.SerialNumber, cycloneDXOf(t, other).SerialNumber; a == b || !strings.HasPrefix(a, "urn:uuid:") {
		t.Errorf("two documents are called %s and %s", a, b)
	}
}

// What is written is read again: the packages as an SBOM, the analysis as VEX, and neither says more than was known.
func TestCycloneDXIsReadAgain(t *testing.T) {
	r := judged()
	raw := formOf(t, "cyclonedx", r, report.Options{})
	doc, err := sbom.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Inventory.Packages) != len(r.Packages) || doc.Image.Digest != r.Image.Digest || len(doc.Inventory.BlindSpots) != len(r.BlindSpots) {
		t.Errorf("%d packages of %s, %v", len(doc.Inventory.Packages), doc.Image.Digest, doc.Inventory.BlindSpots)
	}
	file := filepath.Join(t.TempDir(), "shop.cdx.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	statements, spots, err := new(vex.Reader).Load(file, func(string) bool { return true })
	if err != nil || len(spots) > 0 {
		t.Fatal(err, spots)
	}
	got := map[string]string{}
	for _, s := range statements {
		got[s.Vulnerabilities[0]] = strings.Join([]string{string(s.Status), s.Justification, s.Products[0][1].String()}, "|")
		if whole := s.Products[0][0].String(); !strings.Contains(whole, r.Image.Digest) {
			t.Errorf("it is about %s", whole)
		}
	}
	lodash, ssl := "pkg:npm/lodash@4.17.15", r.Packages[0].PURL
	want := map[string]string{
		"CVE-2020-28500": "not_affected|vulnerable_code_not_present|" + lodash,
		"CVE-2022-25883": "not_affected||pkg:npm/semver@7.0.0",
		"CVE-2025-9230":  "affected||" + ssl,
		"CVE-2026-1111":  "under_investigation||" + ssl,
		"CVE-2099-1":     "not_affected|inline_mitigations_already_exist|" + lodash,
		"CVE-2099-2":     "affected||" + lodash,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
