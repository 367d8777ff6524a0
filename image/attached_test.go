package image_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

// paper is a small artifact; what it says tells it from others.
func paper(artifactType, mediaType, says string, subject *image.Blob) *image.Draft {
	return &image.Draft{Type: artifactType, Subject: subject, Blobs: []image.Content{image.NewDocument(mediaType, []byte(says), nil)}}
}

// tagged is what cosign keeps under a tag.
func tagged(subject image.Blob, suffix, mediaType, says string) *image.Draft {
	blob := image.NewDocument(mediaType, []byte(says), map[string]string{"dev.cosignproject.cosign/signature": says})
	config, _ := json.Marshal(map[string]any{"architecture": "", "os": "", "rootfs": map[string]any{"type": "layers", "diff_ids": []string{blob.Digest}}})
	content := image.NewDocument(imagetest.ConfigType, config, nil)
	return &image.Draft{Config: &content, Blobs: []image.Content{blob}, Tag: strings.Replace(subject.Digest, ":", "-", 1) + suffix}
}

// The media types of papers.
const (
	bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	simpleType = "application/vnd.dev.cosign.simplesigning.v1+json"
	dsseType   = "application/vnd.dsse.envelope.v1+json"
)

// attested is an image of an index with a BuildKit attestation manifest, and papers of all kinds for the manifest and for the index, and
// one for the attestation manifest.
func attested(t *testing.T) (c imagetest.Content, papers []*image.Draft, attestation image.Blob) {
	t.Helper()
	c = sample(t)
	manifest := blobOf(c.Root)
	c = attest(t, c, manifest.Digest, true, nil)
	index := blobOf(c.Root)
	var entries struct{ Manifests []imagetest.Descriptor }
	if err := json.Unmarshal(c.Blobs[index.Digest], &entries); err != nil {
		t.Fatal(err)
	}
	attestation = blobOf(entries.Manifests[1])
	papers = []*image.Draft{
		paper(bundleType, bundleType, "bundle", &index),
		paper("application/vnd.oci.empty.v1+json", "application/vnd.dev.sigstore.bundle+json;version=0.1", "old bundle", &manifest),
		paper("application/vnd.cyclonedx+json", "application/vnd.cyclonedx+json", "bare SBOM", &manifest),
		paper("application/vnd.cncf.notary.signature", "application/jose+json", "notation", &index),
		paper("application/vnd.in-toto+json", "application/vnd.in-toto+json", "scout", &manifest),
		paper(bundleType, bundleType, "of the attestation manifest", &attestation),
		tagged(index, ".sig", simpleType, "simple"),
		tagged(manifest, ".att", dsseType, "envelope"),
		tagged(manifest, ".sbom", "text/spdx+json", "cosign SBOM"),
	}
	return c, papers, attestation
}

func blobOf(d imagetest.Descriptor) image.Blob {
	return image.Blob{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

// saying gives what was found: what its first blob says, how it was found, and what it is attached to in words.
func saying(t *testing.T, im *image.Image, attached []*image.Artifact) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, a := range attached {
		raw, err := a.Document(t.Context(), a.Blobs[0])
		if err != nil {
			t.Fatal(err)
		}
		to := map[string]string{im.Digest: "manifest", im.Index: "index"}[a.Attached.To]
		if to == "" {
			to = "attestation"
		}
		says := string(raw)
		if strings.HasPrefix(says, "{") {
			says = "statements"
		}
		if a.Subject != "" && a.Subject != a.Attached.To {
			t.Errorf("%s: its subject is %s, but it was found with %s", says, a.Subject, a.Attached.To)
		}
		got[says] = string(a.Attached.How) + " of " + to
		if a.Attached.Tag != "" {
			got[says] += " " + a.Attached.Tag[strings.LastIndexAny(a.Attached.Tag, ".-"):][:4]
		}
	}
	return got
}

func registries(t *testing.T) map[string]string {
	t.Helper()
	imagetest.DockerConfig(t, "", "", "")
	hosts := map[string]string{"distribution": imagetest.Registry(t, imagetest.RegistryOptions{}).Host}
	for name, referrers := range map[string]bool{"with referrers": true, "without": false} {
		server := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
		t.Cleanup(server.Close)
		hosts[name] = strings.TrimPrefix(server.URL, "http://")
	}
	return hosts
}

// Whatever the place, the same is found that was attached there, and says how.
func TestAttachedEverywhere(t *testing.T) {
	c, papers, _ := attested(t)
	want := map[string]string{
		"statements": "index of manifest", "bundle": "referrer of index", "old bundle": "referrer of manifest", "bare SBOM": "referrer of manifest",
		"notation": "referrer of index", "scout": "referrer of manifest", "of the attestation manifest": "referrer of attestation",
		"simple": "cosign-tag of index .sig", "envelope": "cosign-tag of manifest .att", "cosign SBOM": "cosign-tag of manifest .sbo",
	}
	refs := map[string]string{"layout": "oci:" + c.Layout(t, "latest"), "archive": "oci-archive:" + c.OCIArchive(t, "latest")}
	for name, host := range registries(t) {
		server := imagetest.Server{Host: host}
		refs[name] = "registry:" + server.Push(t, c, "team/shop", "1")
	}
	for name, ref := range refs {
		t.Run(name, func(t *testing.T) {
			for range 2 { // the second time, it is there already
				if err := image.Attach(t.Context(), ref, papers, image.PushOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			im := open(t, ref, image.Options{})
			attached, spots, err := im.Attached(t.Context(), image.Everywhere)
			if err != nil || len(spots) > 0 || len(attached) != len(want) {
				t.Errorf("%d attached, %v, %v", len(attached), spots, err)
			}
			got := saying(t, im, attached)
			for says, how := range got {
				got[says] = strings.Replace(how, "referrers-tag", "referrer", 1)
				if tag := strings.Contains(how, "referrers-tag"); tag != (name == "distribution" || name == "without") && strings.HasPrefix(how, "referrer") {
					t.Errorf("%s: %s", says, how)
				}
				if strings.HasPrefix(how, "referrers-tag") {
					got[says] = got[says][:strings.LastIndexByte(got[says], ' ')]
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Someone who names the manifest alone finds what an index of the layout lists beside it.
func TestAttachedOfAManifestWithinAnIndex(t *testing.T) {
	c, _, _ := attested(t)
	var entries struct{ Manifests []imagetest.Descriptor }
	if err := json.Unmarshal(c.Blobs[c.Root.Digest], &entries); err != nil {
		t.Fatal(err)
	}
	im := open(t, "oci:"+c.Layout(t, "latest")+"@"+entries.Manifests[0].Digest, image.Options{})
	attached, spots, err := im.Attached(t.Context(), image.Everywhere)
	if err != nil || len(spots) > 0 || len(attached) != 1 || attached[0].Attached.How != image.ByIndex {
		t.Errorf("%v, %v, %v", attached, spots, err)
	}
}

// What is listed and cannot be had is told, one by one.
func TestAttachedThatCannotBeRead(t *testing.T) {
	c, papers, attestation := attested(t)
	dir := c.Layout(t, "latest")
	if err := image.Attach(t.Context(), "oci:"+dir, papers, image.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	_, bundle, err := papers[0].Manifest()
	if err != nil {
		t.Fatal(err)
	}
	blob := func(digest string) string {
		return filepath.Join(dir, "blobs", strings.Replace(digest, ":", "/", 1))
	}
	if err := os.WriteFile(blob(bundle.Digest), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(blob(attestation.Digest)); err != nil {
		t.Fatal(err)
	}
	im := open(t, "oci:"+dir, image.Options{})
	attached, spots, err := im.Attached(t.Context(), image.Everywhere)
	if err != nil || len(attached) != 7 || len(spots) != 2 {
		t.Errorf("%d attached, %v, %v", len(attached), spots, err)
	}
	for digest, want := range map[string]string{bundle.Digest: "does not match its digest", attestation.Digest: "is missing"} {
		told := func(s image.BlindSpot) bool {
			return strings.Contains(s.Where, digest) && strings.Contains(s.Message, want)
		}
		if !slices.ContainsFunc(spots, told) {
			t.Errorf("%s: not told: %v", want, spots)
		}
	}
	if attached, spots, err := im.Attached(t.Context(), image.Beside); len(attached)+len(spots) > 0 || err != nil {
		t.Errorf("beside: %v, %v, %v", attached, spots, err)
	}
}

// What lies under the tag of a list of referrers and is no list hides nothing without a word.
func TestAttachedWhereTheListIsNone(t *testing.T) {
	c := sample(t)
	digest := c.Root.Digest
	dir := c.Layout(t, "latest")
	index := filepath.Join(dir, "index.json")
	raw, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	other := c.AddJSON(t, "application/vnd.oci.image.manifest.v1+json", imagetest.Manifest(c.Add("application/vnd.oci.image.config.v1+json", []byte("{}"))))
	other.Annotations = map[string]string{"org.opencontainers.image.ref.name": strings.Replace(digest, ":", "-", 1)}
	var layout map[string]any
	if err := json.Unmarshal(raw, &layout); err != nil {
		t.Fatal(err)
	}
	layout["manifests"] = append(layout["manifests"].([]any), other)
	if raw, err = json.Marshal(layout); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blobs", strings.Replace(other.Digest, ":", "/", 1)), c.Blobs[other.Digest], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(index, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	attached, spots, err := open(t, "oci:"+dir+":latest", image.Options{}).Attached(t.Context(), image.Everywhere)
	if err != nil || len(attached) > 0 || len(spots) != 1 || !strings.Contains(spots[0].Message, "and is none") {
		t.Errorf("%v, %v, %v", attached, spots, err)
	}
}

// A registry that does not answer one question is not one that has nothing; one that knows no referrers is.
func TestAttachedWhenARegistryRefuses(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	for name, test := range map[string]struct {
		path   string
		status int
		body   string
		spots  int
	}{
		"referrers forbidden":   {"/referrers/", http.StatusForbidden, "", 1},
		"referrers broken":      {"/referrers/", http.StatusInternalServerError, "", 1},
		"referrers unknown":     {"/referrers/", http.StatusMethodNotAllowed, "", 0},
		"referrers bad request": {"/referrers/", http.StatusBadRequest, "", 0},
		"a page of another":     {"/referrers/", http.StatusOK, "<html>", 0},
		"signatures forbidden":  {".sig", http.StatusForbidden, "", 1},
		"no index under tag":    {"/manifests/sha256-", http.StatusOK, "junk", 2},
	} {
		t.Run(name, func(t *testing.T) {
			ref := fakeRegistry(t, sample(t), func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, test.path) {
					return false
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
				return true
			})
			attached, spots, err := open(t, "registry:"+ref, image.Options{}).Attached(t.Context(), image.Everywhere)
			if err != nil || len(attached) > 0 || len(spots) != test.spots {
				t.Errorf("%v, %v, %v", attached, spots, err)
			}
		})
	}
}

// What lists the attached artifacts may be anything: it ends in a bounded list of what can be read, and says that there is more.
func TestAttachedIsBounded(t *testing.T) {
	c := sample(t)
	root := blobOf(c.Root)
	dir := c.Layout(t, "latest")
	var many []*image.Draft
	for i := range 300 {
		many = append(many, paper(bundleType, bundleType, strings.Repeat("x", i), &root))
	}
	if err := image.Attach(t.Context(), dir, many, image.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "index.json")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw = []byte(strings.Replace(string(raw), `"manifests":[`, `"manifests":[{"digest":"sha256:../../x"},`, 1))
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	attached, spots, err := open(t, "oci:"+dir+":latest", image.Options{}).Attached(t.Context(), image.Everywhere)
	if err != nil || len(attached) != 256 || len(spots) != 2 {
		t.Errorf("%d attached, %v, %v", len(attached), spots, err)
	}
}

func TestAttachedOfWhatHasNoManifest(t *testing.T) {
	im := open(t, sample(t).DockerArchive(t, "x:1"), image.Options{})
	if none, spots, err := im.Attached(t.Context(), image.Everywhere); len(none) > 0 || len(spots) > 0 || err != nil {
		t.Errorf("a classic archive: %v, %v, %v", none, spots, err)
	}
}

// Cosign has signed and attested the index, each in two ways; crane has copied it all.
func TestAttachedByCosign(t *testing.T) {
	shared := filepath.Join("..", "..", "shared", "attestations", "cosign", "layout")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("no attestations in ../../shared: " + err.Error())
	}
	im := open(t, "oci:"+shared+":127.0.0.1:15032/acme/app:1.0", image.Options{})
	attached, spots, err := im.Attached(t.Context(), image.Everywhere)
	if err != nil || len(spots) > 0 {
		t.Errorf("%v, %v", spots, err)
	}
	var got []string
	for _, a := range attached {
		if (a.Attached.To == im.Index) == (a.Attached.How == image.ByIndex) {
			t.Errorf("%s is attached to %s", a.Digest, a.Attached.To)
		}
		got = append(got, string(a.Attached.How)+" "+a.Type)
	}
	slices.Sort(got)
	want := []string{"cosign-tag application/vnd.oci.image.config.v1+json", "cosign-tag application/vnd.oci.image.config.v1+json",
		"index application/vnd.docker.attestation.manifest.v1+json", "referrer application/vnd.dev.sigstore.bundle.v0.3+json", "referrer application/vnd.dev.sigstore.bundle.v0.3+json"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
