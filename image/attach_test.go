package image_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

func attach(t *testing.T, ref string, drafts ...*image.Draft) {
	t.Helper()
	if err := image.Attach(t.Context(), ref, drafts, image.PushOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Somebody else's signatures lie under the same tag: ours come beside them, once, and the config lists them all.
func TestAttachAddsToWhatLiesUnderATag(t *testing.T) {
	c := sample(t)
	root := blobOf(c.Root)
	refs := map[string]string{"layout": "oci:" + c.Layout(t, "latest"), "archive": "oci-archive:" + c.OCIArchive(t, "latest")}
	for name, host := range registries(t) {
		server := imagetest.Server{Host: host}
		refs[name] = "registry:" + server.Push(t, c, "team/shop", "1")
	}
	for name, ref := range refs {
		t.Run(name, func(t *testing.T) {
			attach(t, ref, tagged(root, ".sig", simpleType, "theirs"))
			attach(t, ref, tagged(root, ".sig", simpleType, "ours"), tagged(root, ".sig", simpleType, "ours"))
			attached, spots, err := open(t, ref, image.Options{}).Attached(t.Context(), image.Everywhere)
			if err != nil || len(spots) > 0 || len(attached) != 1 {
				t.Fatalf("%v, %v, %v", attached, spots, err)
			}
			var got []string
			for _, b := range attached[0].Blobs {
				raw, err := attached[0].Document(t.Context(), b)
				if err != nil || b.Annotations["dev.cosignproject.cosign/signature"] != string(raw) {
					t.Errorf("%s: %v, %v", raw, b.Annotations, err)
				}
				got = append(got, string(raw))
			}
			if strings.Join(got, " ") != "theirs ours" {
				t.Errorf("under the tag: %s", got)
			}
		})
	}
}

// What an index has that is not known here stays in it.
func TestAttachKeepsWhatIsForeign(t *testing.T) {
	c := sample(t)
	root := blobOf(c.Root)
	dir := c.Layout(t, "latest")
	name := filepath.Join(dir, "index.json")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw = []byte(strings.Replace(string(raw), `"manifests":[`, `"future":{"a":[1,2.50]},"manifests":[{"odd":true},7,`, 1))
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := image.Attach(t.Context(), dir, []*image.Draft{paper(bundleType, bundleType, "x", &root)}, image.PushOptions{}); err == nil {
		t.Error("an index with a number for an entry was taken for one")
	}
	raw = []byte(strings.Replace(string(raw), `7,`, ``, 1))
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	attach(t, dir, paper(bundleType, bundleType, "x", &root))
	raw, err = os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"future":{"a":[1,2.50]}`, `{"odd":true}`, `"latest"`, bundleType} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is gone: %s", want, raw)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Someone else's list takes the place of ours at the same moment: ours is listed again.
func TestAttachWhileOthersDo(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(false))
	lost := 1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") && lost > 0 {
			lost--
			r.Body = io.NopCloser(strings.NewReader(`{"schemaVersion":2,"mediaType":"` + imagetest.IndexType + `","manifests":[]}`))
			r.ContentLength = -1
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := sample(t)
	root := blobOf(c.Root)
	host := imagetest.Server{Host: strings.TrimPrefix(server.URL, "http://")}
	ref := "registry:" + host.Push(t, c, "team/shop", "1")
	attach(t, ref, paper(bundleType, bundleType, "x", &root))
	attached, spots, err := open(t, ref, image.Options{}).Attached(t.Context(), image.Everywhere)
	if err != nil || len(spots) > 0 || len(attached) != 1 || lost != 0 {
		t.Errorf("%v, %v, %v", attached, spots, err)
	}
	lost = 1000
	err = image.Attach(t.Context(), ref, []*image.Draft{paper(bundleType, bundleType, "y", &root)}, image.PushOptions{})
	wantError(t, err, "try again later")
}

func TestAttachWhereItCannot(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	c := sample(t)
	root := blobOf(c.Root)
	layout, archive := c.Layout(t, "latest"), c.OCIArchive(t, "latest")
	elsewhere := image.Blob{MediaType: root.MediaType, Digest: "sha256:" + strings.Repeat("0", 64), Size: 7}
	before, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ref  string
		to   *image.Blob
		want string
	}{
		"no such image":      {"oci:" + layout, &elsewhere, "is not there"},
		"not in the archive": {"oci-archive:" + archive, &elsewhere, "is not there"},
		"to nothing":         {"oci:" + layout, nil, "does not say to what"},
		"compressed":         {compress(t, archive, ".gz"), &root, "decompress it first"},
		"a classic archive":  {"docker-archive:" + c.DockerArchive(t, "x:1"), &root, "nothing can be attached"},
		"the daemon":         {"docker:shop:1", &root, "nothing can be attached"},
		"no layout":          {"oci:" + t.TempDir(), &root, "not an image layout"},
		"no registry":        {"127.0.0.1:1/team/shop:1", &root, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			err := image.Attach(t.Context(), test.ref, []*image.Draft{paper(bundleType, bundleType, "x", test.to)}, image.PushOptions{})
			wantError(t, err, test.want)
		})
	}
	if after, err := os.ReadFile(archive); err != nil || string(after) != string(before) {
		t.Errorf("an archive that nothing was attached in is another: %v", err)
	}
}

// A link in a layout leads nowhere else.
func TestAttachStaysInsideALayout(t *testing.T) {
	c := sample(t)
	root := blobOf(c.Root)
	dir, outside := c.Layout(t, "latest"), t.TempDir()
	blobs := filepath.Join(dir, "blobs")
	if err := os.Rename(blobs, filepath.Join(outside, "blobs")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "blobs"), blobs); err != nil {
		t.Fatal(err)
	}
	before, _ := filepath.Glob(filepath.Join(outside, "blobs", "*", "*"))
	if err := image.Attach(t.Context(), dir, []*image.Draft{paper(bundleType, bundleType, "x", &root)}, image.PushOptions{}); err == nil {
		t.Error("attached to an image outside of the layout")
	}
	if after, _ := filepath.Glob(filepath.Join(outside, "blobs", "*", "*")); len(after) != len(before) {
		t.Errorf("written outside of the layout: %v", after)
	}
}

// A SBOM with every file of an image may be larger than any manifest.
func TestDocumentsMayBeLarge(t *testing.T) {
	c := sample(t)
	root := blobOf(c.Root)
	large := strings.Repeat("sbom", 3<<20)
	for name, ref := range map[string]string{"layout": "oci:" + c.Layout(t, "latest"), "archive": "oci-archive:" + c.OCIArchive(t, "latest")} {
		attach(t, ref, paper("application/spdx+json", "application/spdx+json", large, &root))
		attached, _, err := open(t, ref, image.Options{}).Attached(t.Context(), image.Everywhere)
		if err != nil || len(attached) != 1 {
			t.Fatalf("%s: %v, %v", name, attached, err)
		}
		if raw, err := attached[0].Document(t.Context(), attached[0].Blobs[0]); err != nil || string(raw) != large {
			t.Errorf("%s: %d bytes, %v", name, len(raw), err)
		}
		huge := image.Blob{Digest: "sha256:" + strings.Repeat("0", 64), Size: 1 << 40}
		_, err = attached[0].Document(t.Context(), huge)
		wantError(t, err, "are not read")
	}
}

// Artifact manifests, as they were before OCI gave them up, are read too.
func TestAttachedByAnArtifactManifest(t *testing.T) {
	c := sample(t)
	root := c.Root
	blob := c.Add("application/jose+json", []byte(`{"payload":""}`))
	manifest, err := json.Marshal(map[string]any{"mediaType": "application/vnd.oci.artifact.manifest.v1+json",
		"artifactType": "application/vnd.cncf.notary.signature", "blobs": []any{blob}, "subject": root})
	if err != nil {
		t.Fatal(err)
	}
	old := c.Add("application/vnd.oci.artifact.manifest.v1+json", manifest)
	list := c.AddJSON(t, imagetest.IndexType, map[string]any{"schemaVersion": 2, "mediaType": imagetest.IndexType, "manifests": []any{old}})
	ref := fakeRegistry(t, c, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/referrers/"+root.Digest) {
			return false
		}
		w.Header().Set("Content-Type", imagetest.IndexType)
		_, _ = w.Write(c.Blobs[list.Digest])
		return true
	})
	imagetest.DockerConfig(t, "", "", "")
	attached, spots, err := open(t, "registry:"+ref, image.Options{}).Attached(t.Context(), image.Everywhere)
	if err != nil || len(spots) > 0 || len(attached) != 1 {
		t.Fatalf("%v, %v, %v", attached, spots, err)
	}
	if a := attached[0]; a.Type != "application/vnd.cncf.notary.signature" || a.Subject != root.Digest || len(a.Blobs) != 1 {
		t.Errorf("%+v", a)
	}
}
