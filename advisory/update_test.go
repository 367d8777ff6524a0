package advisory

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// mirror is a web server with feeds. It counts what it answers.
type mirror struct {
	mu       sync.Mutex // protects all below
	files    fstest.MapFS
	answered map[int]int
	failing  map[string]int // how many times a path will fail
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w = &counted{w, m.answered}
	name := strings.TrimPrefix(r.URL.Path, "/feeds/")
	if m.failing[name] > 0 {
		m.failing[name]--
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	if f := m.files[name]; f != nil {
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(f.Data)))
	}
	http.ServeFileFS(w, r, m.files, name)
}

type counted struct {
	http.ResponseWriter
	answered map[int]int
}

func (c *counted) WriteHeader(status int) {
	c.answered[status]++
	c.ResponseWriter.WriteHeader(status)
}

// answers gives the counts so far and begins anew.
func (m *mirror) answers() map[int]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	got := maps.Clone(m.answered)
	clear(m.answered)
	return got
}

// serve starts a mirror with the small feeds under the names that it must have without an index.
func serve(t *testing.T) (*mirror, UpdateOptions) {
	t.Helper()
	m := &mirror{files: smallFeeds(t), answered: map[int]int{}, failing: map[string]int{}}
	m.files["osv/ecosystems.txt"] = &fstest.MapFile{Data: []byte("Debian\nDebian:12\nGIT\nLinux\nPyPI\nRubyGems\nnpm\n[EMPTY]\n")}
	m.files[epssPath] = m.files["epss/epss_scores-2026-08-16.csv.gz"]
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	return m, UpdateOptions{
		From: server.URL + "/feeds", Mirror: filepath.Join(dir, "mirror"), Out: filepath.Join(dir, "advisories.db"),
		Now: now(), Wait: time.Millisecond,
	}
}

func update(t *testing.T, o UpdateOptions) (Info, Changes) {
	t.Helper()
	info, changes, err := Update(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return info, changes
}

func TestUpdate(t *testing.T) {
	m, o := serve(t)
	all := []string{
		cvePath, eolPath, epssPath, kevPath, "osv/Debian/all.zip", "osv/Linux/all.zip", "osv/PyPI/all.zip", "osv/RubyGems/all.zip", "osv/npm/all.zip",
	}
	info, changes := update(t, o)
	if diff := cmp.Diff(Changes{Fetched: all, Rebuilt: true}, changes); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if i := slices.IndexFunc(info.Feeds, func(f Feed) bool { return f.Name == "kev" }); i < 0 || info.Feeds[i].Source != o.From+"/"+kevPath {
		t.Errorf("feeds %+v", info.Feeds)
	}
	if r, err := open(t, o.Out).Records("npm", "lodash"); err != nil || len(r) != 1 {
		t.Errorf("got %v, %v", r, err)
	}

	m.answers()
	again, changes := update(t, o)
	if diff := cmp.Diff(Changes{Unchanged: all}, changes); diff != "" || again.Revision != info.Revision {
		t.Errorf("second (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]int{200: 1, 304: len(all), 404: 7}, m.answers()); diff != "" { // 404: index.txt and the pages of six directories; 200: ecosystems.txt
		t.Errorf("answers (-want +got):\n%s", diff)
	}

	if err := os.Remove(o.Out); err != nil {
		t.Fatal(err)
	}
	if again, changes = update(t, o); !changes.Rebuilt || len(changes.Fetched) != 0 || again.Revision != info.Revision {
		t.Errorf("without the advisory file: %v", changes)
	}

	m.files["osv/Debian/all.zip"] = &fstest.MapFile{Data: zipped(t)}
	delete(m.files, kevPath)
	again, changes = update(t, o)
	want := Changes{
		Fetched: []string{"osv/Debian/all.zip"}, Missing: []string{kevPath}, Rebuilt: true,
		Unchanged: slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "osv/Debian/all.zip" || s == kevPath }),
	}
	if diff := cmp.Diff(want, changes); diff != "" || again.Revision == info.Revision {
		t.Errorf("after a change (-want +got):\n%s", diff)
	}
	if c, err := open(t, o.Out).CVE("CVE-2019-10744"); err != nil || c.KEV == nil {
		t.Errorf("the copy of a feed that is not there any more is not used: %+v, %v", c, err)
	}
}

func TestUpdateWithIndex(t *testing.T) {
	m, o := serve(t)
	m.files["index.txt"] = &fstest.MapFile{Data: []byte("./osv/npm/all.zip\nepss/epss_scores-2026-08-16.csv.gz\nSOURCES.md\nosv/PyPI/all.zip\n")}
	_, changes := update(t, o)
	want := Changes{Fetched: []string{"epss/epss_scores-2026-08-16.csv.gz", "osv/PyPI/all.zip", "osv/npm/all.zip"}, Rebuilt: true}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	own := filepath.Join(o.Mirror, "cve", "own.jsonl.gz") // put there by hand
	if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, gzipped(t, cveLines), 0o644); err != nil {
		t.Fatal(err)
	}
	m.files["index.txt"] = &fstest.MapFile{Data: []byte("osv/npm/all.zip\nosv/PyPI/all.zip\n")}
	info, changes := update(t, o)
	want = Changes{Unchanged: []string{"osv/PyPI/all.zip", "osv/npm/all.zip"}, Removed: []string{"epss/epss_scores-2026-08-16.csv.gz"}, Rebuilt: true}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if i := slices.IndexFunc(info.Feeds, func(f Feed) bool { return f.Name == "cve" }); i < 0 || info.Feeds[i].Source != own {
		t.Errorf("feeds %+v", info.Feeds)
	}
}

func TestUpdateFails(t *testing.T) {
	refused := httptest.NewServer(http.NotFoundHandler())
	refused.Close()
	for name, c := range map[string]struct {
		change func(*mirror, *UpdateOptions)
		want   string
	}{
		"no server": {func(_ *mirror, o *UpdateOptions) { o.From = refused.URL }, "connection refused"},
		"not a URL": {func(_ *mirror, o *UpdateOptions) { o.From = "mirror.example.com/feeds" }, "expected https://host/path"},
		"no OSV": {func(m *mirror, _ *UpdateOptions) {
			maps.DeleteFunc(m.files, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "osv/") })
		}, "no OSV feed"},
		"busy":   {func(m *mirror, _ *UpdateOptions) { m.failing["osv/npm/all.zip"] = attempts }, "/feeds/osv/npm/all.zip: 503 Service Unavailable"},
		"a page": {func(m *mirror, _ *UpdateOptions) { m.files["osv/npm/all.zip"].Data = []byte("<html>") }, "/feeds/osv/npm/all.zip: zip: not a valid zip file"},
		"an index of something else": {func(m *mirror, _ *UpdateOptions) {
			m.files["index.txt"] = &fstest.MapFile{Data: []byte("<html>\n")}
		}, "index.txt lists no feed"},
		"an index that leads away": {func(m *mirror, _ *UpdateOptions) {
			m.files["index.txt"] = &fstest.MapFile{Data: []byte("osv/../../etc/all.zip\n")}
		}, "index.txt lists no feed"},
		"an index with odd names": {func(m *mirror, _ *UpdateOptions) {
			m.files["index.txt"] = &fstest.MapFile{Data: []byte("osv/%2e%2e/all.zip\n")}
		}, `"%2e%2e" is no name for a feed`},
		"no certificates": {func(_ *mirror, o *UpdateOptions) { o.CACerts = []string{"missing.pem"} }, "missing.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			m, o := serve(t)
			if err := os.WriteFile(o.Out, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			c.change(m, &o)
			_, _, err := Update(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, c.want)
			}
			if old, err := os.ReadFile(o.Out); err != nil || string(old) != "old" {
				t.Errorf("the old file now holds %q, %v", old, err)
			}
		})
	}
}

func TestUpdateTriesAgain(t *testing.T) {
	m, o := serve(t)
	m.failing["osv/npm/all.zip"] = attempts - 1
	m.failing["index.txt"] = attempts - 1
	if _, changes := update(t, o); len(changes.Fetched) != 9 {
		t.Errorf("got %v", changes)
	}
}

// TestUpdateHeals holds that a copy that has gone bad here is fetched anew, though the server says it has not changed.
func TestUpdateHeals(t *testing.T) {
	_, o := serve(t)
	update(t, o)
	path := filepath.Join(o.Mirror, "osv", "npm", "all.zip")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[80] ^= 0xff
	if err := errors.Join(os.WriteFile(path, data, 0o644), os.Remove(o.Out)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Update(context.Background(), o); err == nil || !strings.Contains(err.Error(), "osv/npm/all.zip") {
		t.Errorf("error %v", err)
	}
	if _, changes := update(t, o); !slices.Contains(changes.Fetched, "osv/npm/all.zip") || !changes.Rebuilt {
		t.Errorf("got %v", changes)
	}
}

func TestUpdateInterrupted(t *testing.T) {
	_, o := serve(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Progress = func(done, total int64) { cancel() }
	if _, _, err := Update(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	err := filepath.WalkDir(filepath.Dir(o.Out), func(path string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".part") || strings.Contains(path, "advisories.db")) {
			t.Errorf("litter: %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func serveTLS(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it is what we want
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestUpdateOverTLS(t *testing.T) {
	m, o := serve(t)
	server := serveTLS(t, m)
	o.From = server.URL + "/feeds"
	if _, _, err := Update(context.Background(), o); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	o.CACerts = []string{ca}
	update(t, o)

	plain := serveTLS(t, http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plain.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	o.From = plain.URL
	if _, _, err := Update(context.Background(), o); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a redirect away from TLS: %v", err)
	}
}

func TestChangesInWords(t *testing.T) {
	for want, c := range map[string]Changes{
		"1 feeds fetched, 0 unchanged, removed: a, not there: b, c":     {Fetched: []string{"x"}, Missing: []string{"b", "c"}, Removed: []string{"a"}, Rebuilt: true},
		"0 feeds fetched, 1 unchanged; the advisory file is up to date": {Unchanged: []string{"x"}},
	} {
		if got := c.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A directory of feeds that any file server shows is a mirror: the pages it makes of directories name the feeds.
func TestUpdateFromAFileServer(t *testing.T) {
	feeds := smallFeeds(t)
	server := httptest.NewServer(http.FileServerFS(feeds))
	defer server.Close()
	o := UpdateOptions{From: server.URL, Mirror: t.TempDir(), Out: filepath.Join(t.TempDir(), "advisories.db"), Now: now()}
	_, changes := update(t, o)
	var want []string
	for name := range feeds {
		if isFeedPath(name) {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(Changes{Fetched: want, Rebuilt: true}, changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
