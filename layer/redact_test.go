package layer

import (
	"bytes"
	"context"
	"os"
	"testing"
)

// What is kept of a file is redacted, in memory and in the cache; what sinks see, and digests, are of the file as it is.
func TestWhatIsKeptIsRedacted(t *testing.T) {
	sink := &onlooker{name: "eyes", version: "1"}
	rules := &counted{version: "1"}
	cache := t.TempDir()
	o := Options{Limits: DefaultLimits(), Digests: true, Sinks: []Sink{sink}, Cache: openCache(t, cache, 1<<20),
		Redact: func(_ string, content []byte) []byte {
			return bytes.ReplaceAll(content, []byte("hunter2"), []byte("****"))
		}}
	im := layout(t, blob{stored: gzipOf(tarOf(t, file("settings", "password=hunter2"), file("other", "x")))})
	for range 2 {
		indexes, err := Read(context.Background(), im, rules, o)
		if err != nil {
			t.Fatal(err)
		}
		f := &indexes[0].Files[0]
		if got := string(f.Content()); got != "password=****" || f.Digests().SHA256 != digestsOf([]byte("password=hunter2")).SHA256 {
			t.Errorf("%q", got)
		}
	}
	if sink.whole["settings"] != "password=hunter2" {
		t.Errorf("the sink saw %q", sink.whole["settings"])
	}
	for _, name := range cacheFiles(t, cache) {
		if content, err := os.ReadFile(name); err != nil || bytes.Contains(content, []byte("hunter2")) {
			t.Errorf("%s keeps it: %v", name, err)
		}
	}
}
