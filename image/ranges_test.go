package image_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidewaiter/image"
	"tidewaiter/image/imagetest"
)

func readRange(t *testing.T, im *image.Image, offset, length int64) ([]byte, error) {
	t.Helper()
	r, err := im.ReadRange(t.Context(), im.Layers[0], offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// TestReadRange reads ranges from the distribution project's own registry, which wants credentials.
func TestReadRange(t *testing.T) {
	server := imagetest.Registry(t, imagetest.RegistryOptions{Username: "jo", Password: "secret"})
	imagetest.DockerConfig(t, server.Host, "jo", "secret")
	im := open(t, server.Push(t, sample(t), "shop", "1"), image.Options{})
	whole := readAll(t, im)[0]
	size := int64(len(whole))
	for _, c := range []struct{ offset, length int64 }{{0, 1}, {0, size}, {10, 20}, {size - 1, 1}} {
		got, err := readRange(t, im, c.offset, c.length)
		if err != nil || !bytes.Equal(got, whole[c.offset:c.offset+c.length]) {
			t.Errorf("%d bytes at %d: got %q, %v", c.length, c.offset, got, err)
		}
	}
	for _, c := range []struct{ offset, length int64 }{{0, 0}, {-1, 2}, {0, size + 1}, {size, 1}, {1 << 62, 1 << 62}} {
		_, err := readRange(t, im, c.offset, c.length)
		wantError(t, err, "its blob has no")
	}
}

func TestReadRangeNotFromDisk(t *testing.T) {
	im := open(t, sample(t).Layout(t, "latest"), image.Options{})
	if _, err := readRange(t, im, 0, 1); !errors.Is(err, image.ErrNoRanges) || im.HasRanges() {
		t.Errorf("got %v: reading all of a file costs little, and proves more", err)
	}
}

// TestReadRangeHostile has registries that answer something else than was asked for.
func TestReadRangeHostile(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	answer := func(status int, header, body string) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			if header != "" {
				w.Header().Set("Content-Range", header)
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
			return true
		}
	}
	for name, c := range map[string]struct {
		hook func(w http.ResponseWriter, r *http.Request) bool
		want string
	}{
		"all of it":       {answer(200, "", strings.Repeat("x", 1000)), image.ErrNoRanges.Error()},
		"another range":   {answer(206, "bytes 11-20/1000", "0123456789"), `asked for bytes 10-19, but the registry sent "bytes 11-20/1000"`},
		"no range":        {answer(206, "", "0123456789"), "but the registry sent"},
		"too short":       {answer(206, "bytes 10-19/1000", "01234"), "5 bytes less"},
		"too long":        {answer(206, "bytes 10-19/1000", "0123456789a"), "more than it was asked for"},
		"not satisfiable": {answer(416, "bytes */5", ""), "answered 416"},
	} {
		t.Run(name, func(t *testing.T) {
			im := open(t, fakeRegistry(t, sample(t), c.hook), image.Options{})
			_, err := readRange(t, im, 10, 10)
			wantError(t, err, c.want)
		})
	}
}

// TestReadRangeRedirected has a registry that keeps its blobs elsewhere, as most do.
func TestReadRangeRedirected(t *testing.T) {
	imagetest.DockerConfig(t, "", "", "")
	c := sample(t)
	asked := make(chan *http.Request, 1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.Blobs[name]))
	}))
	t.Cleanup(other.Close)
	im := open(t, fakeRegistry(t, c, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}
		return false
	}), image.Options{Keychain: fixedKeychain{"reader", "secret"}})
	got, err := readRange(t, im, 2, 3)
	if want := c.Blobs[im.Layers[0].Digest][2:5]; err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if r := <-asked; r.Header.Get("Range") != "bytes=2-4" || r.Header.Get("Authorization") != "" {
		t.Errorf("the redirect's host got %v", r.Header)
	}
}
