package layer

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
)

// onlooker is a sink that remembers what it saw, and answers as it is told.
type onlooker struct {
	name, version string
	// say gives the answer about a file; nil: there is none.
	say func(path string, content []byte) (note []byte, err error)

	mu     sync.Mutex
	opened []string
	whole  map[string]string
	pieces map[string]int
}

func (o *onlooker) Name() string    { return o.name }
func (o *onlooker) Version() string { return o.version }

func (o *onlooker) Open(_ context.Context, f *File, head []byte) Eye {
	if strings.HasPrefix(f.Path, "unwanted") {
		return nil
	}
	if !strings.HasPrefix(string(head), string(head[:min(len(head), HeadSize)])) || int64(len(head)) != min(f.Size, HeadSize) {
		panic("not the head of the file")
	}
	if f.Path == "panics-opened" {
		panic("no luck")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.opened = append(o.opened, f.Path)
	return &testEye{o: o, path: f.Path}
}

type testEye struct {
	o       *onlooker
	path    string
	content []byte
	pieces  int
}

func (e *testEye) Write(p []byte) (int, error) {
	if e.path == "panics" {
		panic("out of luck")
	}
	e.content = append(e.content, p...)
	e.pieces++
	if e.path == "early" {
		return 0, errors.New("seen enough")
	}
	return len(p), nil
}

func (e *testEye) Close() Answer {
	e.o.mu.Lock()
	defer e.o.mu.Unlock()
	if e.o.whole == nil {
		e.o.whole, e.o.pieces = map[string]string{}, map[string]int{}
	}
	e.o.whole[e.path] += string(e.content)
	e.o.pieces[e.path] += e.pieces
	if e.o.say == nil {
		return nil
	}
	return func() ([]byte, error) { return e.o.say(e.path, e.content) }
}

// Whatever the rules keep of a file, a sink sees all of it, and a small one in one piece.
func TestSinksSeeEveryByte(t *testing.T) {
	texts := map[string]string{
		"short": "abc", "head": strings.Repeat("h", HeadSize), "captured": strings.Repeat("c", 1000), "kept out": strings.Repeat("k", 5000),
		"distilled": strings.Repeat("d", slabSize+1), "largest in one piece": strings.Repeat("p", WholeSize), "large": strings.Repeat("l", WholeSize+1),
		"unwanted": "never shown",
	}
	rules := want(func(f *File, _ []byte) Keep {
		switch f.Path {
		case "captured", "kept out":
			return Keep{Content: true}
		case "distilled":
			return Keep{Distil: lengths}
		}
		return Keep{}
	})
	entries := []entry{file("empty", "")}
	dir := t.TempDir()
	for name, text := range texts {
		entries = append(entries, file(name, text), hardlink("of-"+name, name))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	limits := DefaultLimits()
	limits.Memory, limits.Capture = slabSize, 2000 // the distilled file is spilled, and one that is to be captured is too large
	for name, im := range map[string]*image.Image{"layer": layout(t, blob{stored: gzipOf(tarOf(t, entries...))}), "directory": {Root: os.DirFS(dir)}} {
		for _, digests := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				sink := &onlooker{name: "eyes"}
				indexes, err := Read(t.Context(), im, rules, Options{Limits: limits, Digests: digests, Sinks: []Sink{sink}})
				if err != nil {
					t.Fatal(err)
				}
				for path, text := range texts {
					if strings.HasPrefix(path, "unwanted") {
						text = ""
					}
					if sink.whole[path] != text {
						t.Errorf("of %s it saw %d bytes, not its %d", path, len(sink.whole[path]), len(text))
					}
				}
				for _, path := range []string{"short", "head", "captured", "kept out", "largest in one piece"} {
					if sink.pieces[path] != 1 {
						t.Errorf("%s came in %d pieces", path, sink.pieces[path])
					}
				}
				diff(t, map[string]*Seen{"eyes": {}}, indexes[0].Seen)
			})
		}
	}
}

func TestAnswersOfSinks(t *testing.T) {
	sink := &onlooker{name: "eyes", say: func(path string, content []byte) ([]byte, error) {
		switch {
		case path == "nothing":
			return nil, nil
		case path == "too-large":
			return nil, UnseenError("was not searched: it is too large")
		case path == "panics-asked":
			panic("bad luck")
		case strings.HasPrefix(path, "gone"):
			return nil, errors.New("the engine is gone after " + path)
		}
		return []byte("noted " + path), nil
	}}
	large := strings.Repeat("l", WholeSize+1)
	stored := gzipOf(tarOf(t, file("one", "1"), file("nothing", "0"), file("too-large", "2"), file("gone-1", "3"), file("gone-2", "4"),
		file("early", "5"), file("panics", "6"), file("large", large), file("panics-opened", "7"),
		file("panics-asked", "8")))
	indexes, err := Read(t.Context(), layout(t, blob{stored: stored}), none, Options{Limits: DefaultLimits(), Sinks: []Sink{sink}})
	if err != nil {
		t.Fatal(err)
	}
	seen := indexes[0].Seen["eyes"]
	diff(t, []Note{{0, []byte("noted one"), digestsOf([]byte("1"))}, {5, []byte("noted early"), digestsOf([]byte("5"))}, {7, []byte("noted large"), nil}}, seen.Notes)
	diff(t, []string{"unsearched too-large: was not searched: it is too large", "unsearched panics: was not searched: the search of such files failed: out of luck",
		"unsearched panics-opened: was not searched: the search of such files failed: no luck", "unsearched panics-asked: was not searched: the search of such files failed: bad luck"}, messages(seen.BlindSpots))
	diff(t, 2, seen.Failed)
	diff(t, "the engine is gone after gone-1", seen.Failure)
	// A note gives its file digests: whether it was modified can then be told.
	diff(t, sha256.Sum256([]byte("1")), indexes[0].Files[0].Digests().SHA256)
	diff(t, (*Digests)(nil), indexes[0].Files[1].Digests())
}

// What a sink said of a layer is remembered with it, under the sink's version.
func TestCacheOfSinks(t *testing.T) {
	dir := t.TempDir()
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("a", "1")))}, blob{stored: gzipOf(tarOf(t, file("b", "2")))})
	rules := &counted{}
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20)}
	plain := wantAsked(t, im, rules, o, 2)

	failing := false
	say := func(path string, _ []byte) ([]byte, error) {
		if failing && path == "b" {
			return nil, errors.New("gone")
		}
		return []byte("noted " + path), nil
	}
	sink := &onlooker{name: "eyes", version: "1", say: say}
	with := o
	with.Sinks = []Sink{sink}
	cold := wantAsked(t, im, rules, with, 2)
	diff(t, cold, wantAsked(t, im, rules, with, 0))
	diff(t, plain, wantAsked(t, im, rules, o, 0))

	sink.version = "2"
	wantAsked(t, im, rules, with, 2)
	with.Sinks = []Sink{sink, &onlooker{name: "others", version: "2"}}
	wantAsked(t, im, rules, with, 2)
	wantAsked(t, im, rules, with, 0)

	failing, sink.version = true, "3"
	wantAsked(t, im, rules, with, 2)
	failing = false
	wantAsked(t, im, rules, with, 1) // only of the layer where it had failed
	wantAsked(t, im, rules, with, 0)

	sink.version = "" // it does not stand for what the sink would say
	wantAsked(t, im, rules, with, 2)
	wantAsked(t, im, rules, with, 2)
	if err := o.Cache.Err(); err != nil {
		t.Error(err)
	}
}

// A file of the cache that is damaged, or of a layer with fewer files, is as good as none.
func TestCacheOfSinksHealsItself(t *testing.T) {
	dir := t.TempDir()
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("a", "1")))})
	rules := &counted{}
	sink := &onlooker{name: "eyes", version: "1", say: func(string, []byte) ([]byte, error) { return []byte("noted"), nil }}
	o := Options{Limits: DefaultLimits(), Cache: openCache(t, dir, 1<<20), Sinks: []Sink{sink}}
	cold := wantAsked(t, im, rules, o, 1)
	for _, name := range cacheFiles(t, dir) {
		if filepath.Ext(name) != seenBySink {
			continue
		}
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, content := range [][]byte{{}, whole[:len(whole)-1], sealed(name, []byte("no gob")), sealed(name+"x", whole[sealSize:])} {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			diff(t, cold, wantAsked(t, im, rules, o, 1))
			diff(t, cold, wantAsked(t, im, rules, o, 0))
		}
	}
	diff(t, 2, len(cacheFiles(t, dir)))
}

// A layer that is read a second time for its hard links is not shown a second time.
func TestSinksSeeALayerOnce(t *testing.T) {
	rules := want(func(f *File, _ []byte) Keep { return Keep{Content: strings.HasSuffix(f.Path, "package.json")} })
	sink := &onlooker{name: "eyes", say: func(string, []byte) ([]byte, error) { return []byte("noted"), nil }}
	stored := gzipOf(tarOf(t, file("store/af", "{}"), hardlink("app/package.json", "store/af")))
	indexes, err := Read(t.Context(), layout(t, blob{stored: stored}), rules, Options{Limits: DefaultLimits(), Sinks: []Sink{sink}})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []string{"store/af"}, sink.opened)
	diff(t, 1, len(indexes[0].Seen["eyes"].Notes))
	diff(t, "{}", string(indexes[0].Files[0].Content()))
}

// A sink that failed is one blind spot, whatever it failed at; a file that it could not look at is one of its own.
func TestUnsearched(t *testing.T) {
	indexes := []*Index{
		{Seen: map[string]*Seen{"eye": {Failed: 3, Failure: "the daemon hung up"}}},
		{Seen: map[string]*Seen{"eye": {BlindSpots: []image.BlindSpot{{Kind: image.Unsearched, Where: "big", By: "eye", Message: "too big"}}}}},
		{},
	}
	at := 1
	big := image.BlindSpot{Kind: image.Unsearched, Where: "big", Layer: &at, By: "eye", Message: "too big"}
	for _, c := range []struct {
		again   *Seen // in a third layer
		failed  int
		message string
	}{
		{nil, 3, "not searched for gold: 3 files of 1 layer: the daemon hung up"},
		{&Seen{Failed: 2, Failure: "no answer"}, 5, "not searched for gold: 5 files of 2 layers: the daemon hung up"},
	} {
		indexes[2].Seen = map[string]*Seen{"eye": c.again}
		want := []image.BlindSpot{big, {Kind: image.Unsearched, Where: "eye", By: "eye", Message: c.message}}
		got, failed := Unsearched(indexes, "eye", "gold")
		if d := cmp.Diff(want, got); d != "" || failed != c.failed {
			t.Errorf("%d files (-want +got)\n%s", failed, d)
		}
	}
}

// What comes in pieces can be read as one stream; who has read enough is not shown more, and who wants more than there is gets an error.
func TestPassing(t *testing.T) {
	for want, shown := range map[string]int{"one two three": 4, "one": 1} {
		var got []byte
		p := NewPassing(func(r io.Reader) { got, _ = io.ReadAll(io.LimitReader(r, int64(len(want)))) })
		n := 0
		for _, piece := range []string{"one ", "", "two ", "three", "and more"} {
			n++
			if _, err := io.WriteString(p, piece); errors.Is(err, io.ErrClosedPipe) {
				break
			}
		}
		p.End()
		if string(got) != want || n != shown {
			t.Errorf("read %q of %d pieces, want %q of %d", got, n, want, shown)
		}
	}
	var err error
	p := NewPassing(func(r io.Reader) { _, err = io.ReadAll(r) })
	_, _ = p.Write([]byte("cut"))
	if p.End(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read beyond the end: %v", err)
	}
}
