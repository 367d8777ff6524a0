package detect

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func BenchmarkDetect(b *testing.B) {
	d, err := New()
	if err != nil {
		b.Fatal(err)
	}
	files, _ := filepath.Glob("../../*/*.go")
	var text bytes.Buffer
	for _, f := range files {
		content, _ := os.ReadFile(f)
		text.Write(content)
	}
	s := newSource("srv/app/main.txt")
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		budget := maxAround
		d.detect(s, text.Bytes(), 0, &budget)
	}
}

func TestHostileTextTakesNoTime(t *testing.T) {
	d, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range d.rules {
		for _, w := range r.words {
			for _, rest := range []string{"", "Ab1", strings.Repeat("aB3d5", 8) + " ", "=\"" + strings.Repeat("x1Y2z", 9) + "\"\n", " PRIVATE KEY-----\n"} {
				text := bytes.Repeat([]byte(w+rest), (16<<10)/len(w+rest))
				start := time.Now()
				d.Detect("srv/app/.env", text)
				if took := time.Since(start); took > time.Second {
					t.Errorf("%s: %q with %q: %v", r.id, w, rest, took)
				}
			}
		}
	}
}
