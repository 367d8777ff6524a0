package main

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"tidewaiter/image/imagetest"
	"tidewaiter/secret"
)

// askedFor are requests to services, which never leave the test.
type askedFor struct {
	mu   sync.Mutex
	sent []string
}

// RoundTrip says of every secret that it is good.
func (a *askedFor) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent = append(a.sent, r.URL.Host+" "+r.Header.Get("Private-Token"))
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusOK)
	return w.Result(), nil
}

// Services are asked only of what the user names, each secret once, also where a cache knows the layer; and never unless asked.
func TestSecretsAreVerifiedOnlyWhenAsked(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	raw := planted()
	ref := "oci:" + imagetest.Build(t, imagetest.Spec{
		Layers: [][]byte{imagetest.Tar(t,
			imagetest.File{Name: "app/.env", Content: "GITLAB_TOKEN=" + raw["file"] + "\nDB_PASSWORD=" + raw["named variable"] + "\n"},
			imagetest.File{Name: "app/again.yaml", Content: "token: " + raw["file"] + "\n"})},
		Config: map[string]any{"Env": []string{"CI_TOKEN=" + raw["variable"]}},
	}).Layout(t, "1")
	for _, c := range []struct {
		rules []string
		sent  int
		check secret.Check
	}{{nil, 0, ""}, {[]string{"npm-access-token"}, 0, secret.Unchecked}, {[]string{"gitlab-pat"}, 2, secret.Valid}, {[]string{"all"}, 2, secret.Valid}} {
		var services askedFor
		o := scanOptions{imageOptions: imageOptions{limits: newLimits(), quiet: true}, search: searchOptions{verifySecrets: c.rules, services: &services}}
		o.cache.dir, o.cache.size = t.TempDir(), 1<<30
		r, err := scan(t.Context(), streams{now: labNow}, ref, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(services.sent) != c.sent {
			t.Errorf("%v: sent %q", c.rules, services.sent)
		}
		for _, s := range r.Secrets.Found {
			want := c.check
			if s.Rule != "gitlab-pat" && len(c.rules) > 0 {
				want = secret.Unchecked
			}
			if s.Check != want {
				t.Errorf("%v: %s in %s%s is %q, want %q", c.rules, s.Rule, s.Path, s.Name, s.Check, want)
			}
		}
		unkept(t, o.cache.dir, raw)
	}
}
