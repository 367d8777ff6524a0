package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"tidewaiter/image/imagetest"
)

// From a registry, a layer is fetched once: not for a second scan, nor for another image that has it too.
func TestKnownLayersAreNotFetched(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	server := imagetest.Registry(t, imagetest.RegistryOptions{})
	layer := func(name string) []byte {
		return imagetest.Tar(t, imagetest.File{Name: "app/node_modules/" + name + "/package.json", Content: `{"name":"` + name + `","version":"1.0.0"}`})
	}
	base := layer("left-pad")
	server.Push(t, imagetest.Build(t, imagetest.Spec{Layers: [][]byte{base, layer("shop")}}), "team/shop", "1")
	server.Push(t, imagetest.Build(t, imagetest.Spec{Layers: [][]byte{base, layer("store")}}), "team/shop", "2")

	var blobs atomic.Int32 // that were asked for
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server.Host})
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			blobs.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	host := strings.TrimPrefix(between.URL, "http://")
	for _, step := range []struct {
		tag    string
		layers int32
	}{{"1", 2}, {"1", 0}, {"2", 1}} {
		blobs.Store(0)
		scanned(t, host+"/team/shop:"+step.tag)
		if got := blobs.Load() - 1; got != step.layers { // one is the config
			t.Errorf("scanning tag %s fetched %d layers, not %d", step.tag, got, step.layers)
		}
	}
}
