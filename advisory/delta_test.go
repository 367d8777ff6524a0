package advisory

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// otherFeeds are the small feeds a day later: records that changed, came and went, another score, a catalog less.
func otherFeeds(t testing.TB) fstest.MapFS {
	feeds := smallFeeds(t)
	many := []string{"GHSA-jf85-cpcp-j695.json", strings.NewReplacer("2025-09-29", "2025-10-01", "Prototype", "Another").Replace(lodash)}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z") {
		many = append(many, name+".json", `{"id": "X-`+name+`", "aliases": ["CVE-2026-10744"], "affected": [{"package": {"ecosystem": "npm", "name": "lodash"}},
			{"package": {"ecosystem": "npm", "name": "`+name+`"}, "versions": ["`+strings.Repeat(name, 5000)+`"]}]}`)
	}
	feeds["osv/npm/all.zip"] = &fstest.MapFile{Data: zipped(t, many...)}
	delete(feeds, "osv/PyPI/all.zip")
	delete(feeds, "kev/known_exploited_vulnerabilities.json")
	return feeds
}

func makeDelta(t testing.TB, older, newer *DB) []byte {
	t.Helper()
	var delta bytes.Buffer
	if err := WriteDelta(context.Background(), older, newer, &delta); err != nil {
		t.Fatal(err)
	}
	return delta.Bytes()
}

func TestDelta(t *testing.T) {
	onePath, _ := build(t, smallFeeds(t))
	twoPath, _ := build(t, otherFeeds(t))
	for name, c := range map[string]struct{ from, to string }{
		"forth": {onePath, twoPath}, "back": {twoPath, onePath}, "nothing": {onePath, onePath},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := open(t, c.from), open(t, c.to)
			out := filepath.Join(t.TempDir(), "a.db")
			info, err := ApplyDelta(context.Background(), from, bytes.NewReader(makeDelta(t, from, to)), out)
			if err != nil {
				t.Fatal(err)
			}
			got, err1 := os.ReadFile(out)
			want, err2 := os.ReadFile(c.to)
			if err1 != nil || err2 != nil || !bytes.Equal(got, want) || info.Revision != to.Info().Revision {
				t.Errorf("not the same file: %v, %v, revision %s", err1, err2, info.Revision)
			}
		})
	}
}

// TestDeltaInPlace replaces the very file that the delta is for.
func TestDeltaInPlace(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	newer, info := build(t, otherFeeds(t))
	db := open(t, path)
	if _, err := ApplyDelta(context.Background(), db, bytes.NewReader(makeDelta(t, db, open(t, newer))), path); err != nil {
		t.Fatal(err)
	}
	if got := open(t, path).Info().Revision; got != info.Revision {
		t.Errorf("revision %s, want %s", got, info.Revision)
	}
}

func TestDeltaForAnotherFile(t *testing.T) {
	one, _ := build(t, smallFeeds(t))
	two, _ := build(t, otherFeeds(t))
	from, to := open(t, one), open(t, two)
	for name, c := range map[string]struct{ delta, want string }{
		"another file":   {string(makeDelta(t, to, from)), "the delta is for revision " + to.Info().Revision},
		"another format": {"tidewaiter delta 9 a b\n", `a delta of format "9"`},
		"no delta":       {"<html>", "not a delta of advisory files"},
		"nothing":        {"", "not a delta of advisory files"},
	} {
		out := filepath.Join(t.TempDir(), "a.db")
		_, err := ApplyDelta(context.Background(), from, strings.NewReader(c.delta), out)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q, want %q", name, err, c.want)
		}
		if entries, err := os.ReadDir(filepath.Dir(out)); err != nil || len(entries) > 0 {
			t.Errorf("%s: litter: %v, %v", name, entries, err)
		}
	}
}

// TestDeltaOfTooMuch has operations that would have a program remember without end what is not in the file.
func TestDeltaOfTooMuch(t *testing.T) {
	path, _ := build(t, smallFeeds(t))
	db := open(t, path)
	gone := binary.AppendUvarint([]byte{deltaPatch}, 1<<30)
	r := &countedReader{r: io.MultiReader(bytes.NewReader(gone), zeros{})}
	err := newDeltaReader(r).table(tablePackages, db, func(uint64, string, []byte) error { return nil })
	if !errors.Is(err, errDelta) || r.n > 1<<20 {
		t.Errorf("%v, after %d bytes", err, r.n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

type countedReader struct {
	r io.Reader
	n int
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	if c.n > 64<<20 {
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// TestDamagedDelta turns bytes of a delta and cuts it, everywhere a few bytes apart: what comes out is the right file or none.
func TestDamagedDelta(t *testing.T) {
	one, _ := build(t, smallFeeds(t))
	two, info := build(t, otherFeeds(t))
	from := open(t, one)
	delta := makeDelta(t, from, open(t, two))
	out := filepath.Join(t.TempDir(), "a.db")
	check := func(what string, at int, damaged []byte) {
		got, err := ApplyDelta(context.Background(), from, bytes.NewReader(damaged), out)
		if err == nil && got.Revision != info.Revision {
			t.Fatalf("byte %d %s: revision %s", at, what, got.Revision)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("byte %d %s: more than one line: %v", at, what, err)
		}
	}
	for i := 0; i < len(delta); i += 5 {
		check("cut", i, delta[:i])
		delta[i] ^= 0x55
		check("turned", i, delta)
		delta[i] ^= 0x55
	}
}

func FuzzDeltaReader(f *testing.F) {
	path, _ := build(f, smallFeeds(f))
	db := open(f, path)
	f.Add([]byte{deltaKeep, 1, deltaEnd})
	f.Add([]byte{deltaReplace, 1, 'x', deltaInsert, 1, 'a', 1, 'b', deltaDrop, 1, deltaEnd})
	f.Add([]byte{deltaPatch, 1, 1, 'x', 2, 0, 0, deltaEnd})
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDeltaReader(bytes.NewReader(data))
		for _, name := range tableNames() {
			_ = d.table(name, db, func(uint64, string, []byte) error { return nil })
		}
	})
}
