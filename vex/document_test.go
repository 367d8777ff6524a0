package vex

import (
	"archive/zip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
)

var digestA = strings.Repeat("a", 64)

const openVEXDocument = `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:doc", "author": "Ann", "role": "maintainer",
	"timestamp": "2026-01-02T03:04:05.5+01:00", "version": 3, "statements": [
	{"vulnerability": {"name": "CVE-2024-1", "aliases": ["GHSA-1", "https://example.com/CVE-2024-1", "CVE-2024-1"]},
	 "products": [{"@id": "pkg:oci/shop", "identifiers": {"purl": "pkg:oci/shop@1", "cpe23": "cpe:2.3:a:b:c:1"}, "hashes": {"sha-256": "ABC"},
	               "subcomponents": [{"@id": "pkg:npm/a"}, {"@id": "pkg:npm/b"}]}, {"@id": "pkg:npm/c"}],
	 "status": "not_affected", "justification": "component_not_present", "impact_statement": "not there"},
	{"vulnerability": {"name": "CVE-2024-2"}, "products": [{"@id": "pkg:npm/c"}], "timestamp": "2026-02-02T00:00:00Z", "status": "affected", "action_statement": "go"},
	{"vulnerability": {"name": "CVE-2024-3"}, "status": "not_affected", "last_updated": "2026-03-02T00:00:00Z", "timestamp": "2026-02-02T00:00:00Z"}]}`

const openVEXOld = `{"@context": "https://openvex.dev/ns", "author": "Ann", "timestamp": "2023-01-08T18:02:03Z", "version": "1", "statements": [
	{"vulnerability": "CVE-2024-1", "products": ["pkg:npm/a"], "subcomponents": ["pkg:npm/b"], "status": "fixed"}]}`

const csafDocument = `{"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"name": "Acme", "category": "vendor"},
	"tracking": {"id": "ACME-1", "version": "2", "current_release_date": "2026-01-02T03:04:05Z"}},
	"product_tree": {
	 "full_product_names": [{"product_id": "P", "name": "plain", "product_identification_helper": {"purl": "pkg:npm/plain@1"}}],
	 "branches": [{"category": "vendor", "name": "Acme", "branches": [
	   {"category": "product_name", "name": "OS 9", "product": {"product_id": "OS", "name": "OS 9", "product_identification_helper": {"cpe": "cpe:/o:acme:os:9"}}},
	   {"category": "product_version_range", "name": "vers:npm/<2.0.0", "product": {"product_id": "R", "name": "range", "product_identification_helper": {"purl": "pkg:npm/range"}}},
	   {"category": "product_version", "name": "m", "product": {"product_id": "M", "name": "m", "product_identification_helper": {"purl": "pkg:rpmmod/acme/m@1"}}},
	   {"category": "product_version", "name": "pkg", "product": {"product_id": "K", "name": "k", "product_identification_helper": {"purl": "pkg:rpm/acme/k"}}}]}],
	 "relationships": [
	   {"category": "default_component_of", "full_product_name": {"product_id": "OS:M:K", "name": "x"}, "product_reference": "K", "relates_to_product_reference": "OS:M"},
	   {"category": "default_component_of", "full_product_name": {"product_id": "OS:M", "name": "x"}, "product_reference": "M", "relates_to_product_reference": "OS"},
	   {"category": "default_component_of", "full_product_name": {"product_id": "LOOP", "name": "x"}, "product_reference": "LOOP", "relates_to_product_reference": "LOOP"}],
	 "product_groups": [{"group_id": "G", "product_ids": ["P", "R"]}]},
	"vulnerabilities": [{"cve": "CVE-2024-1", "ids": [{"text": "ACME-BUG-1"}],
	 "product_status": {"known_not_affected": ["P", "R", "OS:M:K", "LOOP", "nobody", "P"], "known_affected": ["K"], "first_fixed": ["P"], "under_investigation": ["M"], "recommended": ["P"]},
	 "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["OS:M:K"]}],
	 "threats": [{"category": "impact", "details": "never called", "group_ids": ["G", "gone"]}, {"category": "impact", "details": "Moderate", "product_ids": ["M"]}],
	 "remediations": [{"category": "none_available", "details": "wait for\nit", "product_ids": ["K"]}]}]}`

const cdxDocument = `{"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": "urn:uuid:1-2", "version": 4,
	"metadata": {"timestamp": "2026-01-02T03:04:05Z", "authors": [{"name": "Ann"}], "component": {"bom-ref": "root", "type": "container", "name": "ghcr.io/acme/shop", "version": "2.1"}},
	"components": [{"bom-ref": "a", "type": "library", "name": "a", "version": "1.0", "purl": "pkg:npm/a@1.0", "components": [{"bom-ref": "b", "name": "b", "purl": "pkg:npm/b@2.0"}]}],
	"vulnerabilities": [
	{"id": "CVE-2024-1", "references": [{"id": "GHSA-1"}], "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "never called"}, "affects": [{"ref": "a"}, {"ref": "b"}]},
	{"id": "CVE-2024-2", "analysis": {"state": "exploitable", "response": ["update", "can_not_fix"], "lastUpdated": "2026-02-02T00:00:00Z"}, "recommendation": "upgrade",
	 "affects": [{"ref": "a", "versions": [{"range": "vers:npm/<2.0.0", "status": "affected"}, {"version": "2.0.0", "status": "unaffected"}, {"version": "3", "status": "unknown"}]}]},
	{"id": "CVE-2024-3", "analysis": {"state": "false_positive"}, "affects": [{"ref": "urn:cdx:1-2/4#b"}, {"ref": "urn:cdx:9-9/1#pkg%3Anpm%2Fc%401"}]},
	{"id": "CVE-2024-4", "affects": [{"ref": "a"}]},
	{"analysis": {"state": "resolved"}, "affects": [{"ref": "a"}]},
	{"id": "CVE-2024-5", "analysis": {"state": "resolved"}, "affects": [{"ref": "root"}]}]}`

// brief is a statement in one line.
func brief(s Statement) string {
	var products []string
	for _, p := range s.Products {
		products = append(products, p.String())
	}
	line := fmt.Sprintf("%s | %s | %s", strings.Join(s.Vulnerabilities, " "), s.Status, strings.Join(products, ", "))
	for _, word := range []string{s.Justification, s.Impact, s.Action} {
		if word != "" {
			line += " | " + word
		}
	}
	if s.Unreasoned {
		line += " | unreasoned"
	}
	return line + " | " + s.Author + " " + s.Time.Format(time.DateTime)
}

func inTotoOf(predicateType, predicate string) string {
	return `{"_type": "https://in-toto.io/Statement/v1", "predicateType": "` + predicateType + `", "subject": [{"name": "x", "digest": {"sha256": "` + digestA + `"}}], "predicate": ` + predicate + `}`
}

func envelopeOf(payload string) string {
	return `{"payloadType": "application/vnd.in-toto+json", "payload": "` + base64.StdEncoding.EncodeToString([]byte(payload)) + `", "signatures": [{"sig": "AA=="}]}`
}

func TestFormats(t *testing.T) {
	attested := inTotoOf("https://openvex.dev/ns/v0.2.0", openVEXDocument)
	inherits := "CVE-2024-3 | not_affected | sha256:" + digestA + " | unreasoned | Ann 2026-03-02 00:00:00"
	open := []string{
		"CVE-2024-1 GHSA-1 | not_affected | pkg:oci/shop > pkg:npm/a, pkg:oci/shop > pkg:npm/b, pkg:npm/c | component_not_present | not there | Ann 2026-01-02 02:04:05",
		"CVE-2024-2 | affected | pkg:npm/c | go | Ann 2026-02-02 00:00:00",
		"CVE-2024-3 | not_affected |  | unreasoned | Ann 2026-03-02 00:00:00",
	}
	inAttestation := slices.Concat(open[:2], []string{inherits})
	for name, c := range map[string]struct {
		document string
		want     []string
	}{
		"OpenVEX":       {openVEXDocument, open},
		"OpenVEX 0.0.1": {openVEXOld, []string{"CVE-2024-1 | fixed | pkg:npm/a > pkg:npm/b | Ann 2023-01-08 18:02:03"}},
		"in-toto":       {attested, inAttestation},
		"DSSE":          {envelopeOf(attested), inAttestation},
		"a bundle":      {`{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": ` + envelopeOf(attested) + `}`, inAttestation},
		"cosign's lines": {
			envelopeOf(inTotoOf("https://slsa.dev/provenance/v1", "{}")) + "\n" + envelopeOf(inTotoOf("https://openvex.dev/ns", openVEXOld)) + "\n",
			[]string{"CVE-2024-1 | fixed | pkg:npm/a > pkg:npm/b | Ann 2023-01-08 18:02:03"},
		},
		"CSAF": {csafDocument, []string{
			"CVE-2024-1 ACME-BUG-1 | affected | pkg:rpm/acme/k | wait for it | Acme 2026-01-02 03:04:05",
			"CVE-2024-1 ACME-BUG-1 | not_affected | pkg:npm/plain@1, pkg:npm/range vers:npm/<2.0.0 | never called | Acme 2026-01-02 03:04:05",
			"CVE-2024-1 ACME-BUG-1 | not_affected | cpe:/o:acme:os:9 > pkg:rpmmod/acme/m@1 > pkg:rpm/acme/k | vulnerable_code_not_present | Acme 2026-01-02 03:04:05",
			"CVE-2024-1 ACME-BUG-1 | fixed | pkg:npm/plain@1 | Acme 2026-01-02 03:04:05",
			"CVE-2024-1 ACME-BUG-1 | under_investigation | pkg:rpmmod/acme/m@1 | Acme 2026-01-02 03:04:05",
		}},
		"CycloneDX": {cdxDocument, []string{
			"CVE-2024-1 GHSA-1 | not_affected | ghcr.io/acme/shop:2.1 > pkg:npm/a@1.0, ghcr.io/acme/shop:2.1 > pkg:npm/b@2.0 | vulnerable_code_not_in_execute_path | never called | Ann 2026-01-02 03:04:05",
			"CVE-2024-2 | affected | ghcr.io/acme/shop:2.1 > pkg:npm/a vers:npm/<2.0.0 | upgrade | Ann 2026-02-02 00:00:00",
			"CVE-2024-2 | under_investigation | ghcr.io/acme/shop:2.1 > pkg:npm/a@3 | Ann 2026-02-02 00:00:00",
			"CVE-2024-2 | not_affected | ghcr.io/acme/shop:2.1 > pkg:npm/a@2.0.0 | these versions are listed as unaffected | Ann 2026-02-02 00:00:00",
			"CVE-2024-3 | not_affected | ghcr.io/acme/shop:2.1 > pkg:npm/b@2.0, pkg:npm/c@1 | false positive | Ann 2026-01-02 03:04:05",
			"CVE-2024-5 | fixed | ghcr.io/acme/shop:2.1 | Ann 2026-01-02 03:04:05",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			statements, err := (&Reader{}).parse([]byte(c.document))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range statements {
				got = append(got, brief(s))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNamesOfAComponent(t *testing.T) {
	statements, err := (&Reader{}).parse([]byte(openVEXDocument))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"pkg:oci/shop", "pkg:oci/shop@1", "cpe:2.3:a:b:c:1", "sha256:abc"}
	if diff := cmp.Diff(want, statements[0].Products[0][0].Names); diff != "" {
		t.Error(diff)
	}
	if s := statements[0]; s.Document != "urn:doc" || s.Version != "3" || s.Role != "maintainer" {
		t.Errorf("%+v", s)
	}
}

func TestWhatIsNotRead(t *testing.T) {
	for document, want := range map[string]string{
		``:                   errNotVEX.Error(),
		`{}`:                 errNotVEX.Error(),
		`{"packages": []}`:   errNotVEX.Error(),
		`{"payload": "e30"}`: errNotVEX.Error(),
		`{"@context": "https://openvex.dev/ns", "statements": [`:                                       "OpenVEX: unexpected end of JSON input",
		`{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": {"name": "CVE-1"}}]}`: `OpenVEX: statement 1 has no status that OpenVEX knows: ""`,
		`{"@context": "https://openvex.dev/ns", "statements": [{"status": "fixed"}]}`:                  "OpenVEX: statement 1 names no vulnerability",
		`{"@context": "https://openvex.dev/ns", "statements": 7}`:                                      "OpenVEX: json: cannot unmarshal number into Go struct field",
		`{"document": {"csaf_version": 2.0}}`:                                                          "CSAF: json: cannot unmarshal number",
		`{"bomFormat": "CycloneDX", "vulnerabilities": {}}`:                                            "CycloneDX: json: cannot unmarshal object",
		strings.Repeat(" ", maxDocument+1):                                                             "over 64 MiB: not read",
		`[` + strings.Repeat("{},", maxObjects+1) + `{}]`:                                              "more than 400000 JSON objects: not read",
		envelopeOf(inTotoOf("x", `{"@context": "https://openvex.dev/ns", "statements": [{}`)):          errNotVEX.Error(),
	} {
		_, err := (&Reader{}).parse([]byte(document))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", document, err, want)
		}
	}
}

// A vulnerability may name a large group of products as often as it likes; the work stays bounded.
func TestLargeGroups(t *testing.T) {
	ids := `"P"` + strings.Repeat(`,"P"`, 50_000)
	flags := `{"label":"x","group_ids":["G"]}` + strings.Repeat(`,{"label":"x","group_ids":["G"]}`, 50_000)
	document := `{"document":{"csaf_version":"2.0"},"product_tree":{"product_groups":[{"group_id":"G","product_ids":[` + ids + `]}]},"vulnerabilities":[{"cve":"CVE-1","flags":[` + flags + `]}]}`
	if _, err := (&Reader{}).parse([]byte(document)); err == nil || !strings.Contains(err.Error(), "which is not read") {
		t.Error(err)
	}
}

// A short document may say very much. What is kept of it, and the work, stay bounded.
func TestShortDocumentsThatSayMuch(t *testing.T) {
	list := func(n int) string { return `"a"` + strings.Repeat(`,"a"`, n-1) }
	group := `{"csaf_version":"2.0"},"product_tree":{"product_groups":[{"group_id":"G","product_ids":[` + list(maxReferences/100) + `]}]}`
	vulnerability := `{"cve":"CVE-1","flags":[{"label":"x","group_ids":["G"]}]}`
	for name, document := range map[string]string{
		"each product with each component": `{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-1","status":"fixed",
			"products":[` + list(1000) + `],"subcomponents":[` + list(1000) + `]}]}`,
		"a group in many vulnerabilities": `{"document":` + group + `,"vulnerabilities":[` + vulnerability + strings.Repeat(","+vulnerability, 101) + `]}`,
	} {
		if _, err := (&Reader{}).parse([]byte(document)); err == nil || !strings.Contains(err.Error(), "which is not read") {
			t.Errorf("%s: %v", name, err)
		}
	}
	var aliases strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&aliases, `,"X-%d"`, i)
	}
	statements, err := (&Reader{}).parse([]byte(`{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":{"name":"CVE-1","aliases":["CVE-2"` + aliases.String() + `]},"status":"fixed"}]}`))
	if err != nil || len(statements[0].Vulnerabilities) > 1000 {
		t.Errorf("%d names of a vulnerability, %v", len(statements[0].Vulnerabilities), err)
	}
	hash, ref := `{"alg":"SHA-256","content":"x"}`, `{"ref":"c"}` // each of the references would take minutes with each of the hashes
	large := `{"bomFormat":"CycloneDX","components":[{"bom-ref":"c","name":"x","hashes":[` + hash + strings.Repeat(","+hash, 100_000) + `]}],
		"vulnerabilities":[{"id":"CVE-1","analysis":{"state":"resolved"},"affects":[` + ref + strings.Repeat(","+ref, 100_000) + `]}]}`
	if statements, err := (&Reader{}).parse([]byte(large)); err != nil || len(statements) != 1 {
		t.Errorf("a large component: %d statements, %v", len(statements), err)
	}
}

// Only what was verified is read, and it is believed.
func TestSigned(t *testing.T) {
	raw := envelopeOf(inTotoOf("https://openvex.dev/ns", openVEXOld))
	verified := inTotoOf("https://openvex.dev/ns", strings.ReplaceAll(openVEXOld, "CVE-2024-1", "CVE-2024-7"))
	r := Reader{Verify: func([]byte) ([]byte, string) { return []byte(verified), "acme.pub" }}
	statements, err := r.parse([]byte(raw))
	if err != nil || len(statements) != 1 || statements[0].Signer != "acme.pub" || !statements[0].Believed || statements[0].Vulnerabilities[0] != "CVE-2024-7" {
		t.Errorf("%+v, %v", statements, err)
	}
	r.Verify = func([]byte) ([]byte, string) { return nil, "" }
	statements, err = r.parse([]byte(raw))
	if err != nil || len(statements) != 1 || statements[0].Signer != "" || statements[0].Believed || statements[0].Vulnerabilities[0] != "CVE-2024-1" {
		t.Errorf("%+v, %v", statements, err)
	}
}

func TestAttested(t *testing.T) {
	statements, spots := Attested([]image.Statement{
		{PredicateType: "https://openvex.dev/ns", Predicate: json.RawMessage(openVEXOld), Digest: "sha256:1"},
		{PredicateType: "https://openvex.dev/ns", Predicate: json.RawMessage(`{"@context": "https://openvex.dev/ns", "statements": [{}]}`), Digest: "sha256:2"},
		{PredicateType: "https://cyclonedx.org/bom", Predicate: json.RawMessage(`{"bomFormat": "CycloneDX"}`), Digest: "sha256:3"},
	})
	if len(statements) != 1 || statements[0].Believed || statements[0].Source != "attestation sha256:1" {
		t.Errorf("%+v", statements)
	}
	if len(spots) != 1 || spots[0].Where != "attestation sha256:2" {
		t.Errorf("%+v", spots)
	}
}

// An image may bring any number of claims, each of any number of products: what is beyond what images need is a blind spot.
func TestAttestedIsBounded(t *testing.T) {
	products := `"a"` + strings.Repeat(`,"a"`, 999)
	for name, c := range map[string]struct {
		statement string
		each      int // statements in an attestation
		most      int // statements that are kept
	}{
		"statements": {`{"vulnerability":"CVE-1","status":"fixed"}`, 5_000, maxWithImage},
		"products":   {`{"vulnerability":"CVE-1","status":"fixed","products":[` + products + `]}`, 20, maxProductsWithImage / 1000},
	} {
		document := `{"@context":"https://openvex.dev/ns","statements":[` + c.statement + strings.Repeat(","+c.statement, c.each-1) + `]}`
		one := image.Statement{PredicateType: "https://openvex.dev/ns", Predicate: json.RawMessage(document), Digest: "sha256:1"}
		statements, spots := Attested([]image.Statement{one, one, one, one, one})
		if len(statements) != c.most || len(spots) != 1 || spots[0].Kind != image.LimitReached {
			t.Errorf("%s: %d statements, %+v", name, len(statements), spots)
		}
	}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const hubIndex = `{"packages": [{"id": "pkg:npm/a", "location": "pkg/npm/a/vex.json"}, {"id": "pkg:npm/b", "location": "pkg/npm/b/vex.json"},
	{"id": "pkg:npm/c", "location": "../../etc/passwd"}, {"id": "pkg:npm/d", "location": "pkg/gone.json"}]}`

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"one.json":                 openVEXDocument,
		"many/deep/csaf.json":      csafDocument,
		"many/old.json":            openVEXOld,
		"many/package.json":        `{"name": "no VEX"}`,
		"many/broken.json":         `{"@context": "https://openvex.dev/ns`,
		"many/README.md":           "words",
		"many/.git/x.json":         openVEXOld,
		"none/package.json":        `{}`,
		"hub/index.json":           hubIndex,
		"hub/pkg/npm/a/vex.json":   openVEXOld,
		"hub/pkg/npm/b/vex.json":   `{`,
		"hub/pkg/npm/x/other.json": openVEXDocument,
	})
	archive, err := os.Create(filepath.Join(dir, "hub.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(archive)
	for name, content := range map[string]string{"hub-main/index.json": hubIndex, "hub-main/pkg/npm/a/vex.json": openVEXOld} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), archive.Close()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, aboard string
		from         []string // of each statement, below dir
		spots        []string
		err          string
	}{
		{name: "one.json", from: []string{"one.json", "one.json", "one.json"}},
		{name: "many", from: []string{"many/deep/csaf.json", "many/deep/csaf.json", "many/deep/csaf.json", "many/deep/csaf.json", "many/deep/csaf.json", "many/old.json"},
			spots: []string{"many/broken.json"}},
		{name: "hub", aboard: "pkg:npm/a", from: []string{"hub/pkg/npm/a/vex.json"}},
		{name: "hub", aboard: "pkg:npm/b", spots: []string{"hub/pkg/npm/b/vex.json"}},
		{name: "hub", aboard: "pkg:npm/c"},
		{name: "hub", aboard: "pkg:npm/d", spots: []string{"hub/pkg/gone.json"}},
		{name: "hub.zip", aboard: "pkg:npm/a", from: []string{"hub.zip/hub-main/pkg/npm/a/vex.json"}},
		{name: "none", err: "none: no VEX document is in it"},
		{name: "gone.json", err: "gone.json: no such file or directory"},
		{name: "many/package.json", err: "package.json: no VEX document: neither"},
		{name: "many/broken.json", err: "broken.json: OpenVEX: unexpected end of JSON input"},
	} {
		t.Run(c.name+" "+c.aboard, func(t *testing.T) {
			statements, spots, err := (&Reader{}).Load(filepath.Join(dir, filepath.FromSlash(c.name)), func(product string) bool { return product == c.aboard })
			if c.err != "" || err != nil {
				if err == nil || c.err == "" || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("%v, want %q", err, c.err)
				}
				return
			}
			var from, unread []string
			relative := func(p string) string {
				r, _ := filepath.Rel(dir, p)
				return filepath.ToSlash(r)
			}
			for _, s := range statements {
				from = append(from, relative(s.Source))
				if !s.Believed || s.Bulk != (c.name != "one.json") {
					t.Errorf("%+v", s)
				}
			}
			for _, s := range spots {
				unread = append(unread, relative(s.Where))
			}
			if diff := cmp.Diff([][]string{c.from, c.spots}, [][]string{from, unread}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, document := range []string{openVEXDocument, openVEXOld, csafDocument, cdxDocument, envelopeOf(inTotoOf("https://openvex.dev/ns", openVEXDocument))} {
		f.Add([]byte(document))
	}
	im := Image{Repository: "ghcr.io/acme/shop", Name: "shop", Digests: []string{"sha256:" + digestA}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		statements, err := (&Reader{}).parse(raw)
		if err != nil {
			return
		}
		for _, s := range statements {
			if len(s.Vulnerabilities) == 0 || s.Status == "" {
				t.Errorf("a statement of nothing: %+v", s)
			}
			for _, p := range s.Products {
				for _, c := range p {
					for _, name := range c.Names {
						im.Is(name)
					}
				}
			}
		}
	})
}
