package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewaiter/image/imagetest"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/trust/signature"
)

const lodashCVE = "CVE-2021-23337"

// sampleAdvisories makes an advisory file of the sample's feeds and gives it as a flag.
func sampleAdvisories(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "advisories.db")
	var errs bytes.Buffer
	args := []string{"db", "import", filepath.Join("sample", "feeds"), "--advisories", file}
	if code := run(t.Context(), args, streams{out: &bytes.Buffer{}, err: &errs, now: time.Now}); code != exitDone {
		t.Fatal(errs.String())
	}
	return "--advisories=" + file
}

// stated is an image with lodash and an in-toto statement about it, which says that one of its problems does not matter.
func stated(t *testing.T) (c imagetest.Content, statement []byte) {
	t.Helper()
	c = imagetest.Build(t, imagetest.Spec{Platform: "linux/amd64", Layers: [][]byte{
		imagetest.Tar(t, imagetest.File{Name: "etc/os-release", Content: osRelease}, imagetest.File{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.15"}`}),
	}})
	statement, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://openvex.dev/ns/v0.2.0",
		"subject": []any{map[string]any{"name": "x", "digest": map[string]string{"sha256": strings.TrimPrefix(c.Root.Digest, "sha256:")}}},
		"predicate": map[string]any{
			"@context": "https://openvex.dev/ns/v0.2.0", "author": "Ann", "timestamp": "2026-01-02T03:04:05Z",
			"statements": []any{map[string]any{
				"vulnerability": map[string]string{"name": lodashCVE}, "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path",
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, statement
}

func lodashFinding(t *testing.T, r *report.Report) *match.Finding {
	t.Helper()
	for i := range r.Findings {
		if r.Findings[i].ID == lodashCVE {
			return &r.Findings[i]
		}
	}
	t.Fatal("no finding " + lodashCVE)
	return nil
}

// What BuildKit's attestations say is listed, and quiets nothing: whoever made the image could say so.
func TestAttestationsAreClaims(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c, raw := stated(t)
	blob := c.Add("application/vnd.in-toto+json", raw)
	blob.Annotations = map[string]string{"in-toto.io/predicate-type": "https://openvex.dev/ns/v0.2.0"}
	config := c.AddJSON(t, "application/vnd.oci.image.config.v1+json", map[string]any{"architecture": "unknown", "os": "unknown", "rootfs": map[string]any{}})
	entry := c.AddJSON(t, "application/vnd.oci.image.manifest.v1+json", imagetest.Manifest(config, blob))
	entry.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": c.Root.Digest}
	entry.Platform = &imagetest.Platform{OS: "unknown", Architecture: "unknown"}
	c.Root = c.AddJSON(t, imagetest.IndexType, map[string]any{"schemaVersion": 2, "mediaType": imagetest.IndexType, "manifests": []any{c.Root, entry}})

	f := lodashFinding(t, parsed(t, sampleAdvisories(t), "oci:"+c.Layout(t, "1")))
	if f.Quieted != nil || len(f.Statements) != 1 {
		t.Fatalf("%+v", f)
	}
	if s := f.Statements[0]; s.Decided || s.Author != "Ann" || s.Note == "" || s.Source != "attestation "+blob.Digest {
		t.Errorf("%+v", s)
	}
}

// An attached attestation counts when a key that the user names signed it, and no other's.
func TestSignedAttestations(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	private, public, err := signature.Generate([]byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := signature.Generate([]byte("pw"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.ReadPrivateKey("acme.key", private, func() ([]byte, error) { return []byte("pw"), nil })
	if err != nil {
		t.Fatal(err)
	}
	c, raw := stated(t)
	envelope, err := key.SignEnvelope("application/vnd.in-toto+json", raw)
	if err != nil {
		t.Fatal(err)
	}
	blob := c.AddJSON(t, "application/vnd.dsse.envelope.v1+json", envelope)
	blob.Annotations = map[string]string{"predicateType": "https://openvex.dev/ns/v0.2.0"}
	entry := c.AddJSON(t, "application/vnd.oci.image.manifest.v1+json", imagetest.Manifest(c.Add("application/vnd.oci.image.config.v1+json", []byte("{}")), blob))
	entry.Annotations = map[string]string{"org.opencontainers.image.ref.name": strings.Replace(c.Root.Digest, ":", "-", 1) + ".att"}
	layout := c.Layout(t, "1")
	addEntry(t, filepath.Join(layout, "index.json"), entry)

	signed := filepath.Join(dir, "signed.json")
	for file, content := range map[string][]byte{filepath.Join(dir, "acme.pub"): public, filepath.Join(dir, "other.pub"): other, signed: c.Blobs[blob.Digest]} {
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	acme, advisories := filepath.Join(dir, "acme.pub"), sampleAdvisories(t)
	for name, c := range map[string]struct {
		args              []string
		statements        int
		quietedBy, signer string
	}{
		"no key":                  {},
		"the key":                 {[]string{"--vex-key", acme}, 1, "vex: Ann (attestation " + blob.Digest + ", signed by " + acme + ")", acme},
		"another key":             {[]string{"--vex-key", filepath.Join(dir, "other.pub")}, 1, "", ""},
		"the file":                {[]string{"--vex", signed}, 1, "vex: Ann (" + signed + ")", ""},
		"the file, and who signs": {[]string{"--vex", signed, "--vex-key", acme}, 2, "vex: Ann (" + signed + ", signed by " + acme + ")", acme},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			args := append([]string{"scan", "--format", "json", advisories, "oci:" + layout + ":1"}, c.args...)
			if code := run(t.Context(), args, streams{out: &out, err: &errs, now: time.Now}); code != exitDone {
				t.Fatal(errs.String())
			}
			var r report.Report
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			f := lodashFinding(t, &r)
			by, signer := "", ""
			if f.Quieted != nil {
				by = f.Quieted.By
			}
			if len(f.Statements) > 0 {
				signer = f.Statements[0].Signer
			}
			if by != c.quietedBy || len(f.Statements) != c.statements || signer != c.signer {
				t.Errorf("quieted by %q, want %q; statements: %+v", by, c.quietedBy, f.Statements)
			}
		})
	}
}

// addEntry adds an entry to a layout's index.
func addEntry(t *testing.T, file string, entry imagetest.Descriptor) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var index map[string]any
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	list, _ := index["manifests"].([]any)
	index["manifests"] = append(list, entry)
	if raw, err = json.Marshal(index); err == nil {
		err = os.WriteFile(file, raw, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The makers of a program speak for the modules in it: by the image's digest, or by the program that a binary proves.
func TestStatementsOfARealImage(t *testing.T) {
	layout := filepath.Join("..", "..", "..", "shared", "images", "oci", "go-app")
	if _, err := os.Stat(layout); err != nil {
		t.Skip("the shared test images are not here: " + layout)
	}
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	const (
		image = "pkg:oci/go-app@sha256%3A10c1b79ccc1ed5d76132bda6067edd8bc6045f1d5b7c799bf0a204cd5a337100"
		web   = "pkg:golang/git.example.test/shop/web@v1.2.3"
		tool  = "pkg:golang/git.example.test/shop/tool"
		net   = "pkg:golang/golang.org/x/net"
	)
	in := func(outer, inner string) any {
		return map[string]any{"@id": outer, "subcomponents": []any{map[string]string{"@id": inner}}}
	}
	var list []any
	for _, s := range []struct {
		id, status string
		product    any
	}{
		{"CVE-2023-44487", "not_affected", in(web, net)}, // which is exploited in the wild
		{"GO-2023-2102", "not_affected", in(image, net+"@v0.7.0")},
		{"CVE-2023-39325", "affected", in(web, net)},
		{"CVE-2023-45288", "not_affected", in(tool, net)}, // which is in the other program
	} {
		list = append(list, map[string]any{
			"vulnerability": map[string]string{"name": s.id}, "products": []any{s.product}, "status": s.status, "impact_statement": "no HTTP/2 here",
		})
	}
	raw, err := json.Marshal(map[string]any{"@context": "https://openvex.dev/ns/v0.2.0", "author": "Shop", "timestamp": "2026-01-02T03:04:05Z", "statements": list})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shop.openvex.json")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args := []string{"scan", "--format", "json", sampleAdvisories(t), "--vex", file, "oci:" + layout}
	if code := run(t.Context(), args, streams{out: &out, err: &errs, now: time.Now}); code != exitDone {
		t.Fatal(errs.String())
	}
	var r report.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	quieted := map[string]bool{}
	for _, f := range r.Findings {
		quieted[f.ID] = f.Quieted != nil && f.Quieted.Reason == "not affected: no HTTP/2 here"
	}
	for id, want := range map[string]bool{"CVE-2023-44487": true, "CVE-2023-39325": true, "CVE-2023-45288": false} {
		if got, ok := quieted[id]; !ok || got != want {
			t.Errorf("%s: quieted %v (found %v), want %v", id, got, ok, want)
		}
	}
	if u := r.UnusedStatements; len(u) != 2 || !strings.HasPrefix(u[0].Why, "overruled by Shop") || u[1].Why != "the finding is in another package" {
		t.Errorf("%+v", u)
	}
	if told := errs.String(); !strings.Contains(told, "CVE-2023-39325") || !strings.Contains(told, "nor did 1 more") {
		t.Errorf("told: %s", told)
	}
}
