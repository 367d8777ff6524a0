package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"tidewaiter/advisory"
	"tidewaiter/image/imagetest"
)

// shared is a place with keys and two advisory files, the older of which knows a little less.
type shared struct {
	t            *testing.T
	dir          string
	older, newer string
	host         string
}

func newShared(t *testing.T) *shared {
	t.Helper()
	imagetest.DockerConfig(t, "", "", "")
	t.Setenv(passwordVariable, "open")
	s := &shared{t: t, dir: t.TempDir()}
	s.older, s.newer = s.path("older.db"), s.path("newer.db")
	record := func(name, day string) []byte {
		return zipped(t, "X-1.json", `{"id":"X-1","modified":"`+day+`T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"`+name+`"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}`)
	}
	for file, feed := range map[string][]byte{s.older: record("left", "2026-10-01"), s.newer: record("right", "2026-11-01")} {
		now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
		if _, err := advisory.Import(t.Context(), fstest.MapFS{"osv/npm/all.zip": {Data: feed}}, file, advisory.ImportOptions{Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	s.run(exitDone, "key", "generate", "--output-key-prefix", s.path("acme"))
	s.run(exitDone, "key", "generate", "--output-key-prefix", s.path("eve"))
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

func (s *shared) path(name string) string { return filepath.Join(s.dir, name) }

// run gives what the program said on standard error.
func (s *shared) run(want int, args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	if code := run(s.t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &errs, now: time.Now}); code != want {
		s.t.Errorf("tidewaiter %v: exit code %d, not %d: %s", args, code, want, errs.String())
	}
	return errs.String()
}

// pull takes an artifact in and gives what was said; the file then has the content of another one.
func (s *shared) pull(want int, ref, file, content string, more ...string) string {
	s.t.Helper()
	said := s.run(want, append([]string{"db", "pull", ref, "--advisories", file}, more...)...)
	s.same(file, content)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		s.t.Errorf("left behind: %v", left)
	}
	return said
}

func (s *shared) same(file, content string) {
	s.t.Helper()
	a, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := os.ReadFile(content)
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		s.t.Errorf("%s has not the content of %s", file, content)
	}
}

func (s *shared) copyOf(file string) string {
	s.t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	name := filepath.Join(s.t.TempDir(), "advisories.db")
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		s.t.Fatal(err)
	}
	return name
}

func (s *shared) says(said string, words ...string) {
	s.t.Helper()
	for _, w := range words {
		if !strings.Contains(said, w) {
			s.t.Errorf("%q does not say %q", said, w)
		}
	}
}

func TestPushAndPull(t *testing.T) {
	s := newShared(t)
	t.Run("in memory", func(t *testing.T) { s.t = t; s.pushAndPull(s.host) })
	t.Run("distribution", func(t *testing.T) {
		s.t = t
		s.pushAndPull(imagetest.Registry(t, imagetest.RegistryOptions{}).Host)
	})
}

func (s *shared) pushAndPull(host string) {
	ref := host + "/acme/advisories"
	key, pub := s.path("acme.key"), s.path("acme.pub")
	s.run(exitDone, "db", "push", ref, "--key", key, "--advisories", s.older)
	file := s.copyOf(s.newer)
	s.says(s.pull(exitFailed, ref, file, s.newer, "--key", pub), "older than the advisory file that is here", "2026-10-01", "2026-11-01")
	s.pull(exitDone, ref, file, s.older, "--key", pub, "--allow-older")
	s.says(s.pull(exitDone, ref, file, s.older, "--key", pub), "up to date")
	s.run(exitDone, "db", "push", ref, "--key", key, "--advisories", s.newer)
	s.says(s.pull(exitFailed, ref, file, s.older, "--key", s.path("eve.pub")), "signed, but not with the key")
	s.says(s.pull(exitDone, ref, file, s.newer, "--key", s.path("eve.pub"), "--key", pub), "signed with "+pub)
	s.says(s.run(exitFailed, "db", "pull", ref+":nope", "--key", pub), "no such image in the registry")
}

// Who signs the same artifact after another one takes nothing away: neither the bundle nor what lies under cosign's tag.
func TestSignaturesOfOthersStay(t *testing.T) {
	s := newShared(t)
	ref := s.host + "/acme/advisories"
	for _, signer := range []string{"acme", "eve", "acme"} {
		s.run(exitDone, "db", "push", ref, "--key", s.path(signer+".key"), "--advisories", s.newer)
	}
	repository, err := name.NewRepository(ref)
	if err != nil {
		t.Fatal(err)
	}
	artifact, err := remote.Head(repository.Tag("latest"))
	if err != nil {
		t.Fatal(err)
	}
	signatures, err := remote.Image(repository.Tag(strings.Replace(artifact.Digest.String(), ":", "-", 1) + ".sig"))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := signatures.Manifest(); err != nil || len(m.Layers) != 2 {
		t.Errorf("under the tag: %+v, %v; want the signatures of both", m, err)
	}
	for _, signer := range []string{"acme", "eve"} {
		s.pull(exitDone, ref, s.path(signer+".db"), s.newer, "--key", s.path(signer+".pub"))
	}
}

func TestDeltaIsFetchedAlone(t *testing.T) {
	s := newShared(t)
	layout := s.path("layout")
	s.run(exitDone, "db", "push", "oci:"+layout, "--key", s.path("acme.key"), "--advisories", s.newer, "--delta-from", s.older)
	pub := []string{"--key", s.path("acme.pub")}
	whole := blobOf(t, layout, advisory.FileType)
	if err := os.Rename(whole, whole+".away"); err != nil {
		t.Fatal(err)
	}
	s.pull(exitDone, "oci:"+layout, s.copyOf(s.older), s.newer, pub...)
	if err := os.Rename(whole+".away", whole); err != nil {
		t.Fatal(err)
	}
	// A delta that is damaged is no reason to go without.
	if err := os.WriteFile(blobOf(t, layout, advisory.DeltaType), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.says(s.pull(exitDone, "oci:"+layout, s.copyOf(s.older), s.newer, pub...), "the whole file is fetched")
}

// blobOf finds the file of a layout that holds the blob of a media type.
func blobOf(t *testing.T, layout, mediaType string) string {
	t.Helper()
	found := ""
	eachManifest(t, layout, func(_ string, m manifest) {
		for _, l := range m.Layers {
			if l.MediaType == mediaType {
				found = blobFile(layout, l.Digest)
			}
		}
	})
	if found == "" {
		t.Fatalf("no %s in %s", mediaType, layout)
	}
	return found
}

type manifest struct {
	Layers []struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Annotations map[string]string `json:"annotations"`
	} `json:"layers"`
}

func blobFile(layout, digest string) string {
	return filepath.Join(layout, "blobs", strings.Replace(digest, ":", "/", 1))
}

func eachManifest(t *testing.T, layout string, see func(digest string, m manifest)) {
	t.Helper()
	var index struct {
		Manifests []struct{ Digest string }
	}
	raw, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	for _, e := range index.Manifests {
		var m manifest
		if raw, err = os.ReadFile(blobFile(layout, e.Digest)); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		see(e.Digest, m)
	}
}

// Whoever can write to the place where the artifact lies must not get anything past its signature.
func TestTampering(t *testing.T) {
	s := newShared(t)
	fresh := func(file string) string {
		layout := filepath.Join(t.TempDir(), "layout")
		s.run(exitDone, "db", "push", "oci:"+layout, "--key", s.path("acme.key"), "--advisories", file)
		return layout
	}
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, tc := range []struct {
		name   string
		tamper func(layout string)
		want   string
	}{
		{"another file", func(l string) { write(blobOf(t, l, advisory.FileType), read(s.older)) }, "digest|manifest says"},
		{"one bit", func(l string) {
			name := blobOf(t, l, advisory.FileType)
			raw := read(name)
			raw[len(raw)/2] ^= 1
			write(name, raw)
		}, "content does not match its digest"},
		{"cut short", func(l string) {
			name := blobOf(t, l, advisory.FileType)
			write(name, read(name)[:100])
		}, "content ends after 100 bytes"},
		{"another manifest under the same digest", func(l string) {
			eachManifest(t, l, func(digest string, m manifest) {
				if m.Layers[0].MediaType == advisory.FileType {
					name := blobFile(l, digest)
					write(name, bytes.Replace(read(name), []byte("2026-11-01"), []byte("2026-12-01"), 1))
				}
			})
		}, "that can be read: manifest: blob"},
		{"the signatures are gone", func(l string) {
			eachManifest(t, l, func(digest string, m manifest) {
				if m.Layers[0].MediaType != advisory.FileType {
					if err := os.Remove(blobFile(l, digest)); err != nil {
						t.Fatal(err)
					}
				}
			})
		}, "no signature by a named key was found, and one could not be read"},
		{"the signatures of another artifact", func(l string) {
			swapArtifact(t, l, fresh(s.older))
		}, "its signature is for another manifest, sha256:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.t = t
			layout := fresh(s.newer)
			tc.tamper(layout)
			said := s.pull(exitFailed, "oci:"+layout, s.copyOf(s.older), s.older, "--key", s.path("acme.pub"))
			found := false
			for w := range strings.SplitSeq(tc.want, "|") {
				found = found || strings.Contains(said, w)
			}
			if !found || strings.Count(strings.TrimSpace(said), "\n") > 1 {
				t.Errorf("it said %q, want %q", said, tc.want)
			}
		})
	}
}

// swapArtifact puts the artifact of another layout into the place of the one here, whose signatures stay: those under the
// tag of the artifact's digest, and those that say so in their annotation.
func swapArtifact(t *testing.T, layout, other string) {
	t.Helper()
	digests := map[string]string{}
	for _, l := range []string{layout, other} {
		eachManifest(t, l, func(digest string, m manifest) {
			if m.Layers[0].MediaType == advisory.FileType {
				digests[l] = digest
			}
		})
	}
	raw, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	for old, now := range map[string]string{
		digests[layout]: digests[other],
		strings.Replace(digests[layout], ":", "-", 1): strings.Replace(digests[other], ":", "-", 1),
	} {
		raw = bytes.ReplaceAll(raw, []byte(old), []byte(now))
	}
	manifest, err := os.ReadFile(blobFile(other, digests[other]))
	if err != nil {
		t.Fatal(err)
	}
	var index map[string]any
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	for _, e := range index["manifests"].([]any) {
		if entry := e.(map[string]any); entry["digest"] == digests[other] {
			entry["size"] = len(manifest)
		}
	}
	if raw, err = json.Marshal(index); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{filepath.Join(layout, "index.json"): raw, blobFile(layout, digests[other]): manifest} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What this program does not know lies beside what it does: policies, or the file in a format to come.
func TestUnknownBlobsAreLeftAlone(t *testing.T) {
	s := newShared(t)
	layout := s.path("layout")
	s.run(exitDone, "db", "push", "oci:"+layout, "--insecure-unsigned", "--advisories", s.newer)
	m := onlyManifest(t, layout)
	layers := m["layers"].([]any)
	file := layers[0].(map[string]any)
	policy := map[string]any{"mediaType": "application/vnd.example.policy", "digest": "sha256:" + strings.Repeat("0", 64), "size": 10}
	m["layers"] = []any{policy, file}
	replaceManifest(t, layout, m)
	s.pull(exitDone, "oci:"+layout, s.copyOf(s.older), s.newer, "--insecure-unsigned")
	file["mediaType"] = "application/vnd.tidewaiter.advisories.file.v99"
	replaceManifest(t, layout, m)
	s.says(s.pull(exitFailed, "oci:"+layout, s.copyOf(s.older), s.older, "--insecure-unsigned"), "no advisory file in a format that this program reads")
}

func onlyManifest(t *testing.T, layout string) map[string]any {
	t.Helper()
	var m map[string]any
	eachManifest(t, layout, func(digest string, _ manifest) {
		raw, err := os.ReadFile(blobFile(layout, digest))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
	})
	return m
}

// replaceManifest makes a manifest the only one of a layout, with the digest that it has.
func replaceManifest(t *testing.T, layout string, m map[string]any) {
	t.Helper()
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	digest := imagetest.Digest(raw)
	index := fmt.Appendf(nil, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, imagetest.ManifestType, digest, len(raw))
	for name, content := range map[string][]byte{blobFile(layout, digest): raw, filepath.Join(layout, "index.json"): index} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
