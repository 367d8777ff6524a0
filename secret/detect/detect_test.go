package detect

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

// BenchmarkHostileText searches texts that are made of nothing but what makes the rules look: none must take much longer than others.
func BenchmarkHostileText(b *testing.B) {
	d, err := New()
	if err != nil {
		b.Fatal(err)
	}
	rests := []string{"", "Ab1", strings.Repeat("aB3d5", 8) + " ", "=\"" + strings.Repeat("x1Y2z", 9) + "\"\n", " PRIVATE KEY-----\n"}
	for _, r := range d.rules {
		b.Run(r.id, func(b *testing.B) {
			for b.Loop() {
				for _, w := range r.words {
					for _, rest := range rests {
						d.Detect("srv/app/.env", bytes.Repeat([]byte(w+rest), (16<<10)/len(w+rest)))
					}
				}
			}
		})
	}
}
