package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestParseReference(t *testing.T) {
	tests := []struct {
		ref  string
		form form
		rest string
	}{
		{"alpine:3.14", anyForm, "alpine:3.14"},
		{"registry:alpine:3.14", registryForm, "alpine:3.14"},
		{"registry://alpine", registryForm, "alpine"},
		{"docker://alpine", registryForm, "alpine"},
		{"docker:alpine", dockerForm, "alpine"},
		{"docker-daemon:alpine:1", dockerForm, "alpine:1"},
		{"local://alpine", dockerForm, "alpine"},
		{"image://alpine", nameForm, "alpine"},
		{"oci:dir:tag", layoutForm, "dir:tag"},
		{"oci-dir:dir", layoutForm, "dir"},
		{"oci-dir://dir", layoutForm, "dir"},
		{"oci-archive:a.tar", layoutArchiveForm, "a.tar"},
		{"docker-archive:a.tar", dockerArchiveForm, "a.tar"},
		{"archive://a.tar", archiveForm, "a.tar"},
		{"fs://dir", directoryForm, "dir"},
		{"dir:/", directoryForm, "/"},
		{"archive:1", anyForm, "archive:1"},
	}
	for _, test := range tests {
		if f, rest := parseReference(test.ref); f != test.form || rest != test.rest {
			t.Errorf("%s: form %d, %q", test.ref, f, rest)
		}
	}
}

func TestInstruction(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"/bin/sh -c #(nop)  CMD [\"bash\"]", `CMD ["bash"]`},
		{"/bin/sh -c #(nop) ADD file:1 in / ", "ADD file:1 in /"},
		{"/bin/sh -c apt-get update && true", "RUN apt-get update && true"},
		{"|2 A=1 B=two words /bin/sh -c make  all", "RUN make  all"},
		{"RUN /bin/sh -c make # buildkit", "RUN make"},
		{"RUN |1 A=1 /bin/sh -c make # buildkit", "RUN make"},
		{"RUN /bin/bash -c make # buildkit", "RUN /bin/bash -c make"},
		{"RUN make", "RUN make"},
		{"COPY a b # buildkit", "COPY a b"},
		{"|1 A=1 /bin/bash -c make", "|1 A=1 /bin/bash -c make"},
		{"# debian.sh --arch 'amd64' out/ 'bookworm'", "# debian.sh --arch 'amd64' out/ 'bookworm'"},
		{"RUN /bin/sh -c #(nop) x", "RUN #(nop) x"},
	} {
		if got := instruction(test.in); got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
	}
}

func TestBuildArguments(t *testing.T) {
	for in, want := range map[string][]string{
		"":                                     nil,
		"RUN /bin/sh -c A=1 make # buildkit":   nil,
		"|2 A=1 B=two words /bin/sh -c make":   {"A=1", "B=two words"},
		"RUN |1 A= /bin/sh -c make # buildkit": {"A="},
		"RUN |2 A=1 B=https://a/b?c=d /bin/bash -o pipefail -c make X=1": {"A=1", "B=https://a/b?c=d"},
	} {
		if got := buildArgs(in); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestParseConfig(t *testing.T) {
	for _, bad := range []string{"", "null", "[]", `"x"`, "{}", `{"rootfs":`} {
		if _, err := parseConfig([]byte(bad), "x"); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	c, err := parseConfig([]byte(`{"os":"linux","architecture":7,"created":"junk","config":{"Labels":{"a":"b","c":1},
		"Entrypoint":["/bin/a"],"Cmd":"b c","Env":7,"WorkingDir":"/w","Healthcheck":{"Test":["CMD","/bin/h"],"Interval":"x"}},
		"rootfs":{"diff_ids":["`+digest+`"]},"history":[{"created_by":"a","empty_layer":true},{"created_by":"b"}]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	want := &config{
		platform: Platform{OS: "linux"}, created: time.Time{}, labels: map[string]string{"a": "b"},
		process: &Process{Entrypoint: []string{"/bin/a"}, Cmd: []string{"b c"}, WorkingDir: "/w", Healthcheck: []string{"CMD", "/bin/h"}},
		diffIDs: []string{digest}, history: []History{{Instruction: "a", Layer: -1}, {Instruction: "b"}},
	}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(config{})); diff != "" {
		t.Error(diff)
	}
}

func TestHistoryThatDoesNotFit(t *testing.T) {
	im := &Image{Layers: make([]Layer, 2)}
	(&config{history: []History{{Instruction: "a"}}, diffIDs: []string{"junk", "junk"}}).describe(im)
	if diff := cmp.Diff([]History{{Instruction: "a", Layer: -1}}, im.History); diff != "" {
		t.Error(diff)
	}
	for _, l := range im.Layers {
		if l.Instruction != "" || l.DiffID != "" {
			t.Errorf("got %+v", l)
		}
	}
	if len(im.BlindSpots) != 1 {
		t.Errorf("blind spots: %+v", im.BlindSpots)
	}
}

func TestValidDigest(t *testing.T) {
	hex := strings.Repeat("a1", 32)
	for d, want := range map[string]bool{
		"sha256:" + hex: true, "sha512:" + hex + hex: true,
		"": false, hex: false, "sha256:": false, "sha256:" + hex[1:]: false, "sha512:" + hex: false, "md5:" + hex: false,
		"sha256:" + strings.ToUpper(hex): false, "sha256:../../" + hex[6:]: false, "sha256:" + hex + "\n": false,
	} {
		if validDigest(d) != want {
			t.Errorf("%q: %v", d, !want)
		}
	}
}

func TestIsLayerType(t *testing.T) {
	for mediaType, want := range map[string]bool{
		"":                                       true,
		"application/vnd.oci.image.layer.v1.tar": true,
		"application/vnd.oci.image.layer.v1.tar+gzip":                  true,
		"application/vnd.oci.image.layer.v1.tar+zstd":                  true,
		"application/vnd.docker.image.rootfs.diff.tar.gzip":            true,
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":    true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": true,
		"application/vnd.oci.image.layer.v1.tar+gzip+encrypted":        false,
		"application/vnd.in-toto+json":                                 false,
		"application/vnd.example.layer.v9+brotli":                      false,
	} {
		if isLayerType(mediaType) != want {
			t.Errorf("%q: %v", mediaType, !want)
		}
	}
}

func TestParseManifest(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                  "not a valid image manifest",
		"{}":                                "neither an image manifest nor an index",
		`{"config":{},"manifests":[]}`:      "both",
		`{"layers":[]}`:                     "no config",
		`{"schemaVersion":1,"fsLayers":[]}`: "schema 1",
	} {
		if _, err := parseManifest([]byte(raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestGuard(t *testing.T) {
	redirected := &http.Response{}
	for _, test := range []struct {
		name, method, url string
		from              *http.Response
		guard             guard
		refused           bool
	}{
		{name: "TLS", url: "https://example.test/"},
		{name: "plain", url: "http://example.test/", refused: true},
		{name: "plain, private address", url: "http://10.0.0.1:5000/", refused: true},
		{name: "plain, .local", url: "http://registry.local/", refused: true},
		{name: "plain, .localhost", url: "http://registry.localhost/", refused: true},
		{name: "plain, asked for", url: "http://10.0.0.1/", guard: guard{plainHTTP: true}},
		{name: "loopback", url: "http://127.0.0.1:5000/"},
		{name: "other loopback", url: "http://127.9.9.9:5000/"},
		{name: "loopback by name", url: "http://localhost:5000/"},
		{name: "loopback, IPv6", url: "http://[::1]:5000/"},
		{name: "redirect", url: "https://cdn.example.test/", from: redirected},
		{name: "redirect to plain", url: "http://cdn.example.test/", from: redirected, refused: true},
		{name: "redirect of a POST", method: http.MethodPost, url: "https://example.test/", from: redirected, refused: true},
		{name: "redirect to metadata", url: "https://169.254.169.254/", from: redirected, refused: true},
		{name: "redirect to loopback", url: "https://127.0.0.1/", from: redirected, refused: true},
		{name: "redirect within loopback", url: "http://127.0.0.1/", from: redirected, guard: guard{local: true}},
	} {
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		method := test.method
		if method == "" {
			method = http.MethodGet
		}
		err = test.guard.check(&http.Request{Method: method, URL: u, Response: test.from})
		if (err != nil) != test.refused {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestConnectionTrouble(t *testing.T) {
	late := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	refused := &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}
	for want, err := range map[string]error{
		"no answer in time":              errors.Join(&url.Error{Err: http.ErrSchemeMismatch}, &url.Error{Err: context.DeadlineExceeded}),
		"NO_PROXY":                       &url.Error{Err: refused},
		"does not speak":                 &url.Error{Err: http.ErrSchemeMismatch},
		"connection refused: check that": &url.Error{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}},
	} {
		if got := connectionTrouble(err, false); !strings.Contains(got, want) {
			t.Errorf("%v: %q does not say %q", err, got, want)
		}
	}
	if isPassing(&url.Error{Err: late}) || !isPassing(&url.Error{Err: io.EOF}) {
		t.Error("a timeout is asked again, or a connection that ended is not")
	}
}

// waiting is a keychain whose helper never answers.
type waiting struct{}

func (waiting) Resolve(authn.Resource) (authn.Authenticator, error) { select {} }

func TestCredentialsCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := credentials(ctx, waiting{}, name.Repository{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestReadCertificates(t *testing.T) {
	if _, err := readCertificates(os.DevNull); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

func TestDockerHost(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONTEXT", "")
	check := func(option, want string) {
		t.Helper()
		if got, err := dockerHost(option); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	check("", defaultDockerHost)
	write := func(name, content string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", `{"currentContext":"mine"}`)
	if _, err := dockerHost(""); err == nil || !strings.Contains(err.Error(), `docker context "mine"`) {
		t.Errorf("a context that does not exist: %v", err)
	}
	// The directory's name is the sha256 of "mine".
	write("contexts/meta/"+strings.TrimPrefix(digestOf([]byte("mine")), "sha256:")+"/meta.json", `{"Endpoints":{"docker":{"Host":"unix:///mine.sock"}}}`)
	check("", "unix:///mine.sock")
	t.Setenv("DOCKER_CONTEXT", "default")
	check("", defaultDockerHost)
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
	check("", "tcp://127.0.0.1:2375")
	check("unix:///x", "unix:///x")
	if _, err := newDaemon("ssh://host"); err == nil {
		t.Error("ssh was taken")
	}
}

func FuzzScanTar(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		room := maxDocuments
		index, err := scanTar(strings.NewReader(string(raw)), func(e *tarEntry, r io.Reader) (err error) {
			e.document, err = keepDocument(r, e.size, &room)
			return err
		})
		if err != nil {
			return
		}
		for name := range index {
			if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") {
				t.Errorf("name %q", name)
			}
			_, _ = index.find(name)
		}
	})
}

func FuzzManifestAndConfig(f *testing.F) {
	f.Add([]byte(`{"config":{"digest":"sha256:x"},"layers":[{"size":-1}]}`))
	f.Add([]byte(`{"rootfs":{"diff_ids":["a"]},"history":[{"created_by":"|1 A /bin/sh -c x"}]}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if m, err := parseManifest(raw); err == nil {
			_ = m.checkLayers() // whatever it says, it must not panic
		}
		if c, err := parseConfig(raw, ""); err == nil {
			c.describe(&Image{Layers: make([]Layer, 1)})
		}
	})
}

// barrenSource lists ever so many referrers of a manifest, none of which is there.
type barrenSource struct{ asked int }

func (b *barrenSource) document(_ context.Context, name string) ([]byte, error) {
	b.asked++
	return nil, missingError{name}
}
func (*barrenSource) has(context.Context, string) (bool, error)           { return false, nil }
func (*barrenSource) open(context.Context, string) (io.ReadCloser, error) { return nil, io.EOF }
func (*barrenSource) Close() error                                        { return nil }

// Whoever may write to a registry can list any number of referrers there: looking for each is a request.
func TestAttachedThatIsNotThere(t *testing.T) {
	list := `{"schemaVersion":2,"manifests":[`
	for i := range 2000 {
		list += fmt.Sprintf(`{"digest":"sha256:%064d","size":1},`, i)
	}
	raw := []byte(strings.TrimSuffix(list, ",") + "]}")
	image := "sha256:" + strings.Repeat("a", 64)
	tagged := descriptor{Digest: digestOf(raw), Size: int64(len(raw)), Annotations: map[string]string{refNameKey: fallbackTag(image)}}
	b := &barrenSource{}
	o := &ociStore{source: b, documents: map[string][]byte{tagged.Digest: raw}, manifestName: blobPath, blobName: blobPath, entries: []descriptor{tagged}}
	a := Artifact{Digest: image, store: o}
	found, spots, err := a.Attachments(t.Context())
	if len(found) > 0 || len(spots) != maxListed+1 || err != nil || b.asked == 0 || b.asked > 2*maxListed {
		t.Errorf("%d found, %d blind spots, %v, after %d questions", len(found), len(spots), err, b.asked)
	}
}

// What is added to may be anything that somebody else wrote: nothing of it is lost, and a list only grows.
func FuzzAdding(f *testing.F) {
	f.Add(`{"schemaVersion":2,"manifests":[{"digest":"sha256:a","x":1},2]}`, `{"config":{"digest":"sha256:b"},"layers":[]}`)
	f.Add(`{"manifests":null}`, `{"config":{},"layers":[{"digest":"c","annotations":{"a":"b"}}]}`)
	f.Fuzz(func(t *testing.T, index, manifest string) {
		entry := blobJSON{MediaType: manifestType, Digest: "sha256:new", Size: 1}
		var before, after struct{ Manifests []json.RawMessage }
		if raw, err := listIn([]byte(index), entry, nil); err == nil && raw != nil {
			if json.Unmarshal([]byte(index), &before) != nil || json.Unmarshal(raw, &after) != nil || len(after.Manifests) != len(before.Manifests)+1 {
				t.Errorf("%s became %s", index, raw)
			}
			if again, err := listIn(raw, entry, nil); again != nil || err != nil {
				t.Errorf("listed twice: %s, %v", again, err)
			}
		}
		ours := []byte(`{"config":{},"layers":[{"mediaType":"x","digest":"sha256:d","size":1}]}`)
		read := func(Blob) ([]byte, error) { return []byte(manifest), nil }
		if raw, _, err := mergeLayers([]byte(manifest), ours, read); err == nil && raw != nil {
			if again, _, err := mergeLayers(raw, ours, read); again != nil || err != nil {
				t.Errorf("added twice: %s, %v", again, err)
			}
		}
		_, _ = parseArtifact([]byte(manifest))
	})
}
