package image_test

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

const noteType = "application/vnd.example.note"

// note is an artifact with a document and a file, one referrer, and one artifact under a tag as cosign names it.
func note(t *testing.T) (main *image.Draft, attached []*image.Draft) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(strings.Repeat("tide ", 100_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := image.NewFile("application/octet-stream", path, map[string]string{"org.opencontainers.image.title": "file"})
	if err != nil {
		t.Fatal(err)
	}
	main = &image.Draft{
		Type: noteType, Annotations: map[string]string{"a": "b"},
		Blobs: []image.Content{image.NewDocument("text/plain", []byte(`{"say":"hello"}`), nil), file},
	}
	_, root, err := main.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	refers := &image.Draft{Type: "application/vnd.example.reply", Blobs: []image.Content{image.NewDocument("text/plain", []byte(`{"reply":1}`), nil)}, Subject: &root}
	config := image.NewDocument("application/vnd.oci.image.config.v1+json", []byte(`{"rootfs":{"type":"layers","diff_ids":[]}}`), nil)
	tagged := &image.Draft{Config: &config, Blobs: []image.Content{image.NewDocument("text/plain", []byte(`{"signed":1}`), nil)}, Tag: strings.Replace(root.Digest, ":", "-", 1) + ".sig"}
	return main, []*image.Draft{refers, tagged}
}

// checkNote opens what note has described.
func checkNote(t *testing.T, ref, digest string) {
	t.Helper()
	a, err := image.OpenArtifact(t.Context(), ref, noteType, image.Options{})
	if err != nil {
		t.Errorf("%s: %v", ref, err)
		return
	}
	defer a.Close()
	if a.Digest != digest || a.Type != noteType || len(a.Blobs) != 2 || a.Annotations["a"] != "b" || a.Reference != ref {
		t.Errorf("%s: got %+v", ref, a)
	}
	if raw, err := a.Document(t.Context(), a.Blobs[0]); err != nil || string(raw) != `{"say":"hello"}` {
		t.Errorf("%s: document %q, %v", ref, raw, err)
	}
	r, err := a.Open(t.Context(), a.Blobs[1])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if raw, err := io.ReadAll(r); err != nil || string(raw) != strings.Repeat("tide ", 100_000) {
		t.Errorf("%s: file of %d bytes, %v", ref, len(raw), err)
	}
	attached, _, err := a.Attachments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, b := range attached {
		raw, err := b.Document(t.Context(), b.Blobs[0])
		if err != nil {
			t.Fatal(err)
		}
		got[string(raw)] = true
	}
	if d := cmp.Diff(map[string]bool{`{"reply":1}`: true, `{"signed":1}`: true}, got); d != "" {
		t.Errorf("%s: attached: %s", ref, d)
	}
}

func push(t *testing.T, ref string) string {
	t.Helper()
	main, attached := note(t)
	var done int64
	digest, err := image.Push(t.Context(), ref, main, attached, image.PushOptions{Progress: func(n, _ int64) { done = max(done, n) }})
	if err != nil {
		t.Fatal(err)
	}
	if done != 500_000 && done != 0 { // nothing is written that is there already
		t.Errorf("%s: progress came to %d bytes", ref, done)
	}
	return digest
}

func TestPushToRegistry(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	hosts := map[string]string{}
	for name, referrers := range map[string]bool{"with referrers": true, "without": false} {
		server := httptest.NewServer(registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0))))
		t.Cleanup(server.Close)
		hosts[name] = strings.TrimPrefix(server.URL, "http://")
	}
	t.Run("distribution", func(t *testing.T) {
		checkPushed(t, imagetest.Registry(t, imagetest.RegistryOptions{}).Host)
	})
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) { checkPushed(t, host) })
	}
}

func checkPushed(t *testing.T, host string) {
	t.Helper()
	ref := host + "/team/note:1"
	digest := push(t, ref)
	if again := push(t, "registry:"+ref); again != digest {
		t.Errorf("the same artifact got the digest %s, then %s", digest, again)
	}
	checkNote(t, ref, digest)
	checkNote(t, "registry:"+host+"/team/note@"+digest, digest)
	_, err := image.OpenArtifact(t.Context(), ref, "application/vnd.example.other", image.Options{})
	wantError(t, err, "its type is", noteType)
	_, err = image.OpenArtifact(t.Context(), host+"/team/note:2", noteType, image.Options{})
	wantError(t, err, "check the name and the tag")
}

func TestPushWantsCredentials(t *testing.T) {
	server := imagetest.Registry(t, imagetest.RegistryOptions{Username: "ada", Password: "right", TLS: true})
	main, attached := note(t)
	o := image.PushOptions{Options: image.Options{CACerts: []string{server.CAFile}}}
	imagetest.DockerConfig(t, "", "", "")
	_, err := image.Push(t.Context(), server.Host+"/team/note:1", main, attached, o)
	wantError(t, err, "wants credentials for team/note", "docker login "+server.Host)
	imagetest.DockerConfig(t, server.Host, "ada", "wrong")
	_, err = image.Push(t.Context(), server.Host+"/team/note:1", main, attached, o)
	wantError(t, err, "refused the credentials", "check what they may write")
	imagetest.DockerConfig(t, server.Host, "ada", "right")
	if _, err = image.Push(t.Context(), server.Host+"/team/note:1", main, attached, o); err != nil {
		t.Error(err)
	}
	_, err = image.Push(t.Context(), server.Host+"/team/note:1", main, attached, image.PushOptions{})
	wantError(t, err, "--ca-cert")
}

func TestPushToLayout(t *testing.T) {
	dir := t.TempDir()
	layout, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "note.tar")
	digest := push(t, "oci:"+layout)
	for _, ref := range []string{layout, "oci:" + layout, "oci:" + layout + ":latest", layout + "@" + digest} {
		checkNote(t, ref, digest)
	}
	push(t, "oci-archive:"+archive+":v1")
	first, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	push(t, "oci-archive:"+archive+":v1") // replaces it
	if again, err := os.ReadFile(archive); err != nil || string(first) != string(again) {
		t.Errorf("the same layout gave another tar: %v", err)
	}
	for _, ref := range []string{archive, "oci-archive:" + archive, "archive://" + archive + ":v1", compress(t, archive, ".gz")} {
		checkNote(t, ref, digest)
	}
	checkNote(t, filepath.Join(dir, "tabbed"), push(t, "oci:"+filepath.Join(dir, "tabbed")+"/")) // as a shell completes it
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	main, attached := note(t)
	for ref, want := range map[string]string{
		"oci:" + layout:                          "is not empty",
		"oci-archive:" + dir:                     "not a regular file",
		"oci:" + filepath.Join(dir, "no", "dir"): "no such file",
		layout:                                   "write oci:",
		"dir:" + dir:                             "artifacts are written to",
		"127.0.0.1:1/team/note@" + digest:        "name a tag",
		"registry:UPPER/x":                       "valid image name",
	} {
		if _, err := image.Push(t.Context(), ref, main, attached, image.PushOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
}

// A file that changes while it is written must not stand under the digest that it had.
func TestPushOfAFileThatChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := image.NewFile("text/plain", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("after!"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = image.Push(t.Context(), "oci:"+filepath.Join(dir, "layout"), &image.Draft{Type: noteType, Blobs: []image.Content{file}}, nil, image.PushOptions{})
	wantError(t, err, "does not match its digest")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestArtifactsThatAreWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	digest := push(t, "oci:"+dir)
	a, err := image.OpenArtifact(t.Context(), dir, noteType, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	blob := filepath.Join(dir, "blobs", strings.Replace(a.Blobs[1].Digest, ":", "/", 1))
	if err := os.Truncate(blob, 400_000); err != nil {
		t.Fatal(err)
	}
	r, err := a.Open(t.Context(), a.Blobs[1])
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(r)
	r.Close()
	wantError(t, err, "content ends after 400000 bytes")
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	_, err = a.Open(t.Context(), a.Blobs[1])
	wantError(t, err, "is missing")
	shop := sample(t).Layout(t, "2.1")
	for ref, want := range map[string]string{
		"oci:" + shop:          "it holds no " + noteType,
		"oci:" + shop + ":2.1": `no ` + noteType + ` under the tag "2.1"`,
		"oci:" + dir + ":nope": "no such file or directory|it holds no " + noteType,
		"docker:x":             "such artifacts are kept in",
		"oci-archive:" + dir:   "not an archive but a directory",
		"oci:" + filepath.Join(shop, "index.json"):  "not a directory",
		dir + "@sha256:" + strings.Repeat("0", 64):  "is missing",
		filepath.Join(t.TempDir(), "nowhere.tar"):   "no such file",
		"oci:" + dir + "@" + digest[:len(digest)-1]: "not a valid digest",
		"": "no artifact is named",
	} {
		_, err := image.OpenArtifact(t.Context(), ref, noteType, image.Options{})
		found := false
		for w := range strings.SplitSeq(want, "|") {
			found = found || err != nil && strings.Contains(err.Error(), w)
		}
		if !found {
			t.Errorf("%q: %v, want %q", ref, err, want)
		}
	}
}
