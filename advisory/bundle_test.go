package advisory

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestAnnotations(t *testing.T) {
	info := Info{Revision: "sha256:ab", Feeds: []Feed{{Name: "kev", Date: "2026-01-29"}, {Name: "osv/npm", Date: "2026-11-19"}, {Name: "eol"}}}
	got, err := info.Annotations()
	want := map[string]string{RevisionKey: "sha256:ab", FeedsKey: `{"eol":"","kev":"2026-01-29","osv/npm":"2026-11-19"}`, CreatedKey: "2026-11-19T00:00:00Z"}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Error(err, d)
	}
}

// What is put in the place of the advisory file is the whole of what was sent, or nothing at all.
func TestInstall(t *testing.T) {
	onePath, one := build(t, smallFeeds(t))
	twoPath, two := build(t, otherFeeds(t))
	read := func(path string) []byte {
		t.Helper()
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	delta := makeDelta(t, open(t, onePath), open(t, twoPath))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("the content does not match its digest")
	spoilt := func(raw []byte) io.Reader { return io.MultiReader(bytes.NewReader(raw), iotest.ErrReader(broken)) }
	right := InstallOptions{Revision: two.Revision}
	for _, tc := range []struct {
		name    string
		ctx     context.Context
		install func(context.Context, string, io.Reader, InstallOptions) (Info, error)
		r       io.Reader
		o       InstallOptions
		want    string // in the error; empty: it is installed
	}{
		{"the file", t.Context(), Install, bytes.NewReader(read(twoPath)), right, ""},
		{"the delta", t.Context(), InstallDelta, bytes.NewReader(delta), right, ""},
		{"bytes that turn out wrong at their end", t.Context(), Install, spoilt(read(twoPath)), right, broken.Error()},
		{"a delta that turns out wrong at its end", t.Context(), InstallDelta, spoilt(delta), right, broken.Error()},
		{"another revision", t.Context(), Install, bytes.NewReader(read(twoPath)), InstallOptions{Revision: "sha256:other"}, "has the revision " + two.Revision},
		{"cut short", t.Context(), Install, bytes.NewReader(read(twoPath)[:1000]), right, "advisories.db.new is cut short or damaged"},
		{"something else", t.Context(), Install, strings.NewReader("<html>please log in</html>"), right, "advisories.db.new is not an advisory file"},
		{"no delta", t.Context(), InstallDelta, bytes.NewReader(read(twoPath)), right, "delta"},
		{"interrupted", ended, Install, bytes.NewReader(read(twoPath)), right, context.Canceled.Error()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path, link := filepath.Join(dir, "advisories.db"), filepath.Join(t.TempDir(), "link.db")
			if err := errors.Join(os.WriteFile(path, read(onePath), 0o644), os.Symlink(path, link)); err != nil {
				t.Fatal(err)
			}
			info, err := tc.install(tc.ctx, link, tc.r, tc.o)
			want := twoPath
			if tc.want != "" {
				want = onePath
			}
			switch {
			case tc.want == "" && (err != nil || info.Revision != two.Revision):
				t.Errorf("revision %s, %v", info.Revision, err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if !bytes.Equal(read(path), read(want)) {
				t.Error("the file has another content than it should")
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	if got := Installed(onePath); got.Revision != one.Revision {
		t.Errorf("installed: %s", got.Revision)
	}
	if got := Installed("nowhere.db"); got.Revision != "" {
		t.Errorf("installed where nothing is: %s", got.Revision)
	}
}
