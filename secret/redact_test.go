package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tidewaiter/image"
)

func dump(im *image.Image) string {
	return fmt.Sprint(im.Process, im.Labels, im.Annotations, im.History, im.Layers)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// A secret that was met once is taken out of every later text, and secrets that differ still do.
func TestWhatIsKnownIsTakenOutEverywhere(t *testing.T) {
	r := NewRedactor(detectToy)
	first := string(r.Source(AsDockerfile, []byte("FROM a\nARG PASSWORD=hunter2\nRUN login hunter2 && use hunter22\n")))
	if want := "FROM a\nARG PASSWORD=hu****\nRUN login hu**** && use hu****2\n"; first != want {
		t.Errorf("got %q, want %q", first, want)
	}
	if got := r.replace("login 'hunter2', not hunter22", nil); got != "login 'hu****', not hunter22" {
		t.Errorf("a short secret is taken out as a word alone: %q", got)
	}
	one, other := string(r.Source(AsDockerfile, []byte("A tok_firstfirst"))), string(r.Source(AsDockerfile, []byte("A tok_otherother")))
	if one == other || string(r.Source("x", []byte("A tok_firstfirst"))) != one {
		t.Errorf("%q and %q", one, other)
	}
}

// The Dockerfile within a builder's provenance, and its arguments, are redacted; what has no secret stays byte for byte.
func TestDocumentsOfABuildAreRedacted(t *testing.T) {
	r := NewRedactor(detectToy)
	source := base64.StdEncoding.EncodeToString([]byte("FROM a\nENV PASSWORD=hunter2\n"))
	raw := []byte(`{"args": {"build-arg:PASSWORD": "swordfish", "target": "x"}, "infos": [{"data": "` + source + `"}], "n": 12345678901234567890, "steps": [{"args": ["sh", "-c", "login swordfish tok_commandline"]}]}`)
	out := r.Document(raw)
	var doc struct{ Infos []struct{ Data []byte } }
	if err := json.Unmarshal(out, &doc); err != nil || len(doc.Infos) != 1 {
		t.Fatal(err, string(out))
	}
	text := string(out) + string(doc.Infos[0].Data)
	for _, hidden := range []string{"swordfish", "hunter2", "tok_commandline"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%s is shown in %s", hidden, text)
		}
	}
	if !strings.Contains(text, "12345678901234567890") || !strings.Contains(text, "FROM a\nENV PASSWORD=hu****\n") {
		t.Error(text)
	}
	plain := []byte(`{ "b":1.0, "a":[ ] }`)
	if got := r.Document(plain); string(got) != string(plain) {
		t.Errorf("%s", got)
	}
}

// Whatever a document is: what comes out is JSON wherever what came in was, and has none of the secrets that are found in it.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"args": {"build-arg:PASSWORD": "swordfish"}, "data": "RlJPTSBh", "n": [1.50, null]}`))
	f.Add([]byte(`["tok_abcdefgh \" tok_abcdefgh", {"data": "dG9rX2FiY2RlZmdo"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out := NewRedactor(detectToy).Document(raw)
		if json.Valid(raw) && !json.Valid(out) {
			t.Errorf("%q became %q", raw, out)
		}
	})
}
