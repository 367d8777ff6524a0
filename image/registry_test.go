package image_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

func TestRegistry(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	c := sample(t)
	index := imagetest.Index(t, c, imagetest.Build(t, imagetest.Spec{Platform: "linux/s390x"}))
	ref := server.Push(t, c, "team/shop", "2.1")
	indexRef := server.Push(t, index, "team/index", "1")
	want := open(t, c.Layout(t, "latest"), image.Options{})
	wantBytes := readAll(t, want)
	for _, name := range []string{
		ref, "registry:" + ref, "image://" + ref, server.Host + "/team/shop@" + c.Root.Digest, ref + "@" + c.Root.Digest,
		strings.Replace(ref, "127.0.0.1", "localhost", 1),
	} {
		im := open(t, name, image.Options{})
		if diff := cmp.Diff(want, im, ignorePlace); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
		if !sameLayers(wantBytes, readAll(t, im)) {
			t.Errorf("the layers of %s differ", name)
		}
	}
	if im := open(t, indexRef, image.Options{Platform: "linux/s390x"}); im.Platform.String() != "linux/s390x" {
		t.Errorf("got %s", im.Platform)
	}
	for name, texts := range map[string][]string{
		server.Host + "/team/absent:1":                                      {"team/absent:1", "no such image"},
		server.Host + "/team/shop:9":                                        {"no such image", "asked before: docker daemon at"},
		server.Host + "/team/shop@sha256:" + strings.Repeat("0", 64):        {"no such image"},
		"registry:" + server.Host + "/team/shop@sha256:../../../etc/passwd": {"valid image name"},
	} {
		_, err := image.Open(t.Context(), name, image.Options{})
		wantError(t, err, texts...)
	}
	_, err := image.Open(t.Context(), indexRef, image.Options{Platform: "linux/mips"})
	wantError(t, err, "no image for linux/mips", "linux/amd64, linux/s390x")
}

func TestRegistryPrefersDaemon(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	c := sample(t)
	ref := server.Push(t, c, "shop", "1")
	host := imagetest.Daemon(t, "linux/amd64", map[string]string{ref: c.DockerArchive(t, ref)})
	if im := open(t, ref, image.Options{DockerHost: host}); im.Digest != "" {
		t.Error("the daemon was not asked first")
	}
	if im := open(t, "registry:"+ref, image.Options{DockerHost: host}); im.Digest != c.Root.Digest {
		t.Error("the registry was not asked")
	}
	_, err := image.Open(t.Context(), ref, image.Options{DockerHost: host, Platform: "linux/arm64"})
	wantError(t, err, "no image for linux/arm64", "which has the image for linux/amd64")
	_, err = image.Open(t.Context(), "docker:absent", image.Options{DockerHost: host})
	wantError(t, err, "has no image absent", "docker pull absent")
}

func TestRegistryBasicAuth(t *testing.T) {
	server := imagetest.Registry(t, imagetest.RegistryOptions{Username: "reader", Password: "secret"})
	c := sample(t)
	ref := server.Push(t, c, "team/shop", "2.1")

	imagetest.DockerConfig(t, server.Host, "reader", "secret")
	readAll(t, open(t, ref, image.Options{}))

	imagetest.DockerConfig(t, server.Host, "reader", "wrong")
	_, err := image.Open(t.Context(), ref, image.Options{})
	wantError(t, err, "refused the credentials for team/shop", "docker login "+server.Host)

	imagetest.DockerConfig(t, "", "", "")
	_, err = image.Open(t.Context(), ref, image.Options{})
	wantError(t, err, "wants credentials for team/shop", "docker login "+server.Host)

	keychain := fixedKeychain{"reader", "secret"}
	readAll(t, open(t, ref, image.Options{Keychain: keychain}))
}

type fixedKeychain struct{ username, password string }

func (k fixedKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: k.username, Password: k.password}, nil
}

func TestRegistryCredentialHelper(t *testing.T) {
	server := imagetest.Registry(t, imagetest.RegistryOptions{Username: "reader", Password: "secret"})
	ref := server.Push(t, sample(t), "team/shop", "2.1")
	imagetest.DockerConfig(t, "", "", "")
	dir := os.Getenv("DOCKER_CONFIG")
	helper := "#!/bin/sh\ncat >/dev/null\necho '{\"ServerURL\":\"x\",\"Username\":\"reader\",\"Secret\":\"secret\"}'\n"
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-here"), []byte(helper), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), fmt.Appendf(nil, `{"credHelpers":{%q:"here"}}`, server.Host), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	readAll(t, open(t, ref, image.Options{}))
}

func TestRegistryTLS(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	server := imagetest.Registry(t, imagetest.RegistryOptions{TLS: true})
	ref := server.Push(t, sample(t), "team/shop", "2.1")
	readAll(t, open(t, ref, image.Options{CACerts: []string{server.CAFile}}))

	_, err := image.Open(t.Context(), ref, image.Options{})
	wantError(t, err, server.Host, "unknown authority", "--ca-cert FILE")
	_, err = image.Open(t.Context(), ref, image.Options{CACerts: []string{filepath.Join(t.TempDir(), "absent")}})
	wantError(t, err, "CA certificates", "absent")
}

// tokenFront stands before a registry and asks for tokens, which its own /token gives out.
type tokenFront struct {
	host   string
	tokens atomic.Int32 // how many were given
	blobs  atomic.Int32 // how many blobs were asked for
	realm  string       // in place of its own
}

func newTokenFront(t *testing.T, registryHost string) *tokenFront {
	t.Helper()
	front := &tokenFront{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registryHost})
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			front.giveToken(w, r)
			return
		}
		// The first token is good for two blobs: then a fresh one is needed.
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer token-")
		if !ok || token == "1" && front.blobs.Load() > 2 {
			realm := front.realm
			if realm == "" {
				realm = "http://" + front.host + "/token"
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test",scope="repository:team/shop:pull"`, realm))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.Contains(r.URL.Path, "/blobs/") {
			front.blobs.Add(1)
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	front.host = strings.TrimPrefix(server.URL, "http://")
	return front
}

func (f *tokenFront) giveToken(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || user != "reader" || password != "secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprintf(w, `{"token":"token-%d"}`, f.tokens.Add(1))
}

func TestRegistryTokens(t *testing.T) {
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	c := sample(t)
	server.Push(t, c, "team/shop", "2.1")
	front := newTokenFront(t, server.Host)
	ref := front.host + "/team/shop:2.1"

	imagetest.DockerConfig(t, front.host, "reader", "secret")
	im := open(t, ref, image.Options{})
	readAll(t, im)
	readAll(t, im)
	if front.tokens.Load() < 2 {
		t.Error("no second token was asked for when the first had run out")
	}
	imagetest.DockerConfig(t, front.host, "reader", "wrong")
	_, err := image.Open(t.Context(), ref, image.Options{})
	wantError(t, err, "refused the credentials", "docker login")

	front.realm = "http://tokens.example.test/token"
	imagetest.DockerConfig(t, front.host, "reader", "secret")
	_, err = image.Open(t.Context(), ref, image.Options{})
	wantError(t, err, "tokens.example.test", "plain HTTP")
}

// fakeRegistry serves what no real registry would: tampered, broken and redirected answers.
func fakeRegistry(t *testing.T, c imagetest.Content, hook func(w http.ResponseWriter, r *http.Request) bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hook(w, r) {
			return
		}
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if name == "latest" {
			name = c.Root.Digest
		}
		blob, ok := c.Blobs[name]
		switch {
		case r.URL.Path == "/v2/":
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		default:
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(blob)))
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://") + "/app"
}

func TestRegistryNeverLeaksCredentials(t *testing.T) {
	c := sample(t)
	var mu sync.Mutex
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		_, _ = w.Write(c.Blobs[name])
	}))
	t.Cleanup(other.Close)
	ref := fakeRegistry(t, c, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
		return false
	})
	keychain := fixedKeychain{"reader", "secret"}
	readAll(t, open(t, ref, image.Options{Keychain: keychain}))
	if len(elsewhere) == 0 {
		t.Fatal("nothing was redirected")
	}
	for _, sent := range elsewhere {
		if sent != "" {
			t.Errorf("the redirect's host got %q", sent)
		}
	}
}

func TestRegistryRedirectToPlainHTTP(t *testing.T) {
	ref := fakeRegistry(t, sample(t), func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") {
			http.Redirect(w, r, "http://cdn.example.test/x", http.StatusFound)
			return true
		}
		return false
	})
	_, err := image.Open(t.Context(), "registry:"+ref, image.Options{Keychain: fixedKeychain{"a", "b"}})
	wantError(t, err, "cdn.example.test", "plain HTTP")
}

func TestRegistryTamperedBlobs(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	c := sample(t)
	im := open(t, c.Layout(t, "latest"), image.Options{})
	for _, test := range []struct{ digest, want string }{
		{im.ID, "config: blob " + im.ID + ": content does not match its digest"},
		{im.Layers[1].Digest, "layer 1: blob " + im.Layers[1].Digest},
	} {
		ref := fakeRegistry(t, c, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, test.digest) {
				_, _ = w.Write([]byte("{}"))
				return true
			}
			return false
		})
		im, err := image.Open(t.Context(), ref, image.Options{})
		if err == nil {
			err = im.ReadLayers(t.Context(), 2, func(_ context.Context, _ image.Layer, r io.Reader) error {
				_, err := io.Copy(io.Discard, r)
				return err
			})
			im.Close()
		}
		wantError(t, err, test.want)
	}
}

// TestRegistryBrokenTransfer cuts the connection in the middle of a blob.
func TestRegistryBrokenTransfer(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	c := imagetest.Build(t, imagetest.Spec{Compression: "none", Layers: [][]byte{
		imagetest.Tar(t, imagetest.File{Name: "big", Content: strings.Repeat("x", 3<<20)})}})
	want := readAll(t, open(t, c.Layout(t, "latest"), image.Options{}))
	var asked, cuts atomic.Int32
	var ignoreRange atomic.Bool
	cuts.Store(1)
	ref := fakeRegistry(t, c, func(w http.ResponseWriter, r *http.Request) bool {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		blob := c.Blobs[name]
		if len(blob) < 1<<20 {
			return false
		}
		asked.Add(1)
		if ignoreRange.Load() {
			r.Header.Del("Range")
		}
		if cuts.Add(-1) < 0 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(blob)))
		_, _ = w.Write(blob[:len(blob)/2])
		panic(http.ErrAbortHandler)
	})
	im := open(t, ref, image.Options{})
	if !sameLayers(want, readAll(t, im)) {
		t.Error("the layer differs after its transfer was taken up again")
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
	cuts.Store(1)
	ignoreRange.Store(true)
	if !sameLayers(want, readAll(t, im)) {
		t.Error("the layer differs after a server which does not know ranges sent it again")
	}
	cuts.Store(100)
	err := im.ReadLayers(t.Context(), 1, func(context.Context, image.Layer, io.Reader) error { return nil })
	wantError(t, err, "layer 0")
}

// TestRegistryThatIsNone asks servers that are no registries, or none that work.
func TestRegistryThatIsNone(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	for name, test := range map[string]struct {
		hook http.HandlerFunc
		want []string
	}{
		"a web site": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, []string{"not an image manifest", "may not be a registry"}},
		"not found":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, []string{"not found", "may not be a registry"}},
		"forbidden":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, []string{"docker login"}},
		"broken":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotImplemented) }, []string{"answered 501", "try again"}},
		"no tokens": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token"`)
			if r.URL.Path == "/v2/" {
				w.WriteHeader(http.StatusUnauthorized)
			}
			fmt.Fprint(w, "<html>")
		}, []string{"not understood", "may not be a registry"}},
		"no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				fmt.Fprint(conn, "SSH-2.0-x\r\n")
				conn.Close()
			}
		}, []string{"neither TLS nor plain HTTP"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.hook)
			t.Cleanup(server.Close)
			_, err := image.Open(t.Context(), "registry:"+strings.TrimPrefix(server.URL, "http://")+"/app", image.Options{})
			wantError(t, err, test.want...)
		})
	}
}

func TestRegistryHugeManifest(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	for _, announced := range []bool{true, false} {
		ref := fakeRegistry(t, imagetest.Content{}, func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				return false
			}
			if announced {
				w.Header().Set("Content-Length", fmt.Sprint(60<<20))
			}
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 60 {
				if _, err := w.Write(chunk); err != nil {
					break
				}
			}
			return true
		})
		_, err := image.Open(t.Context(), ref, image.Options{})
		wantError(t, err, "manifests/latest has more than")
	}
}

func TestForeignLayersAreNotFetched(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	var fetched atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(elsewhere.Close)
	plain := imagetest.Tar(t, imagetest.File{Name: "a", Content: "b"})
	c := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{plain, plain}, Compression: "none"})
	var m struct {
		Config imagetest.Descriptor
		Layers []imagetest.Descriptor
	}
	if err := json.Unmarshal(c.Blobs[c.Root.Digest], &m); err != nil {
		t.Fatal(err)
	}
	m.Layers[1].MediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	m.Layers[1].Digest = "sha256:" + strings.Repeat("ab", 32)
	m.Layers[1].URLs = []string{elsewhere.URL}
	c.Root = c.AddJSON(t, imagetest.ManifestType, imagetest.Manifest(m.Config, m.Layers...))
	for _, ref := range []string{c.Layout(t, "x"), fakeRegistry(t, c, func(http.ResponseWriter, *http.Request) bool { return false })} {
		im := open(t, ref, image.Options{})
		if len(readAll(t, im)) != 1 || !im.Layers[1].Unreadable || len(im.BlindSpots) != 1 || *im.BlindSpots[0].Layer != 1 {
			t.Errorf("%s: %+v", ref, im)
		}
	}
	if fetched.Load() != 0 {
		t.Error("the layer's URL was fetched")
	}
}

// What is attached to an image lies in its registry, so that who asks for it wants that asked first; a daemon's copy alone leaves it open.
func TestRegistryFirst(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	c := sample(t)
	ref := server.Push(t, c, "shop", "1")
	absent := server.Host + "/shop:2"
	host := imagetest.Daemon(t, "linux/amd64", map[string]string{ref: c.DockerArchive(t, ref), absent: c.DockerArchive(t, absent)})
	for name, test := range map[string]struct {
		ref    string
		first  bool
		digest string
		spots  int
	}{
		"the registry has it":  {ref, true, c.Root.Digest, 0},
		"it has only the name": {absent, true, "", 0},
		"nobody asked it":      {ref, false, "", 1},
		"a daemon was named":   {"docker:" + ref, true, "", 1},
	} {
		im := open(t, test.ref, image.Options{DockerHost: host, RegistryFirst: test.first})
		_, spots, err := im.Attached(t.Context(), image.Everywhere)
		if im.Digest != test.digest || len(spots) != test.spots || err != nil {
			t.Errorf("%s: %q, %v, %v", name, im.Digest, spots, err)
		}
		if _, spots, err := im.Attached(t.Context(), image.Beside); len(spots) > 0 || err != nil {
			t.Errorf("%s: beside: %v, %v", name, spots, err)
		}
	}
	_, err := image.Open(t.Context(), server.Host+"/shop:3", image.Options{DockerHost: host, RegistryFirst: true})
	wantError(t, err, "no such image in the registry")
}
