package image_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

func TestTags(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	registry := imagetest.Registry(t, imagetest.RegistryOptions{})
	c := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "a", Content: "b"})}})
	for _, tag := range []string{"12.4", "12.9", "latest"} {
		registry.Push(t, c, "acme/debian", tag)
	}
	tags, cut, err := image.Tags(t.Context(), registry.Host+"/acme/debian", image.Options{})
	slices.Sort(tags)
	if d := cmp.Diff([]string{"12.4", "12.9", "latest"}, tags); d != "" || cut || err != nil {
		t.Errorf("%s cut %v, error %v", d, cut, err)
	}
	if _, _, err := image.Tags(t.Context(), registry.Host+"/acme/none", image.Options{}); err == nil || !strings.Contains(err.Error(), "no such repository") {
		t.Errorf("error %v", err)
	}
}

// Lists come in pages, of which a registry gives as many as it likes; a link to elsewhere is not followed.
func TestTagsComeInPages(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	pages := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/acme/debian/tags/list" {
			return
		}
		pages++
		w.Header().Set("Link", fmt.Sprintf(`<http://elsewhere.example/v2/other/tags/list?n=1000&last=t%d>; rel="next"`, pages))
		fmt.Fprintf(w, `{"name":"acme/debian","tags":["t%d"]}`, pages)
	}))
	defer server.Close()
	tags, cut, err := image.Tags(t.Context(), strings.TrimPrefix(server.URL, "http://")+"/acme/debian", image.Options{})
	if err != nil || !cut || len(tags) != 20 || tags[1] != "t2" {
		t.Errorf("%d tags, cut %v, error %v: %q", len(tags), cut, err, tags)
	}
}
