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
	"tidewaiter/trust"
)

// debianMaterial is the base of a build, as its provenance names it.
func debianMaterial() any {
	return map[string]any{"uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": map[string]string{"sha256": strings.Repeat("a", 64)}}
}

// builtByBuildKit is an image with an unsigned provenance beside it, as BuildKit puts it there.
func builtByBuildKit(t *testing.T, materials ...any) (reference string) {
	t.Helper()
	c := imagetest.Build(t, imagetest.Spec{Platform: "linux/amd64", Layers: [][]byte{
		imagetest.Tar(t, imagetest.File{Name: "etc/os-release", Content: osRelease}, imagetest.File{Name: "var/lib/dpkg/status", Content: status}),
	}})
	statement, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v0.2",
		"subject": []any{map[string]any{"name": "pkg:docker/acme/shop@2.1?platform=linux%2Famd64", "digest": map[string]string{"sha256": strings.TrimPrefix(c.Root.Digest, "sha256:")}}},
		"predicate": map[string]any{
			"builder": map[string]string{"id": "https://github.com/acme/shop/actions/runs/42"}, "buildType": "https://mobyproject.org/buildkit@v1",
			"materials": materials,
			"invocation": map[string]any{"configSource": map[string]any{"uri": "https://github.com/acme/shop.git#refs/heads/main",
				"digest": map[string]string{"sha1": "9f3c1e2a5d4c3b2a19080706050403020100ffee"}, "entryPoint": "Dockerfile"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	blob := c.Add("application/vnd.in-toto+json", statement)
	blob.Annotations = map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
	config := c.AddJSON(t, "application/vnd.oci.image.config.v1+json", map[string]any{"architecture": "unknown", "os": "unknown", "rootfs": map[string]any{}})
	entry := c.AddJSON(t, "application/vnd.oci.image.manifest.v1+json", imagetest.Manifest(config, blob))
	entry.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": c.Root.Digest}
	entry.Platform = &imagetest.Platform{OS: "unknown", Architecture: "unknown"}
	c.Root = c.AddJSON(t, imagetest.IndexType, map[string]any{"schemaVersion": 2, "mediaType": imagetest.IndexType, "manifests": []any{c.Root, entry}})
	return "oci:" + c.Layout(t, "1")
}

// The first screen says who built the image, verify says how much of that holds, and a gate takes no unsigned word for it.
func TestWhoBuiltTheImage(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ref, db := builtByBuildKit(t, debianMaterial()), sampleAdvisories(t)
	r := parsed(t, db, ref)
	if p := r.Provenance; p == nil || p.Attested != trust.Unsigned || p.Source.Commit != "9f3c1e2a5d4c3b2a19080706050403020100ffee" || len(p.Inputs) != 2 {
		t.Fatalf("%+v", p)
	}
	goals := func(parameters string) string {
		file := filepath.Join(t.TempDir(), "tidewaiter.yaml")
		text := "environments: {test: {goals: {malicious: off, exploited: off, priority: off, overdue: off, end-of-life: off, data-age: off, provenance: " + parameters + "}}}"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"scan", db, ref}, exitDone, "  built    by github-actions from acme/shop@9f3c1e2 (claimed)\n"},
		{[]string{"verify", "--provenance", ref}, exitUnknown, "floating            image debian:12: asked for by the tag 12"},
		{[]string{"gate", db, "--env", "test", "--config", goals("on"), ref}, exitUnknown, "nobody signed the provenance"},
		{[]string{"gate", db, "--env", "test", "--config", goals(`{unverified: pass, sources: ["github.com/acme/*"]}`), ref}, exitDone, "provenance  built by github-actions from acme/shop@9f3c1e2 (claimed)"},
		{[]string{"gate", db, "--env", "test", "--config", goals(`{unverified: pass, inputs: pinned, allow: [network]}`), ref}, exitNotMet, "1 input not pinned: debian:12"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), tt.args, streams{out: &out, err: &errs, now: time.Now}); code != tt.code || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%v: exit code %d\n%s%s", tt.args, code, out.String(), errs.String())
		}
	}
}

// Who asks for an approval reads no layer, and gets an answer whatever the provenance leaves out.
func TestApprovalOfAnImageWithoutNamedBase(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, ref := range []string{builtByBuildKit(t), builtByBuildKit(t, debianMaterial())} {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"gate", "--require-approval", "--env", "production", ref}, streams{out: &out, err: &errs, now: time.Now})
		if code != exitUnknown || !strings.Contains(out.String(), "no approval is attached to it") {
			t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
		}
	}
}
