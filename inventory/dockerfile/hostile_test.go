package dockerfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestArgumentsDoNotMultiply has arguments of which each is the one before, twice.
func TestArgumentsDoNotMultiply(t *testing.T) {
	var b strings.Builder
	b.WriteString("ARG A0=" + strings.Repeat("x", 100) + "\n")
	for i := range 60 {
		fmt.Fprintf(&b, "ARG A%d=${A%[2]d}${A%[2]d}\n", i+1, i)
	}
	b.WriteString("FROM debian:$A60\nFROM debian:$A3\n")
	f, err := Parse([]byte(b.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if long, short := f.stages[0].base, f.stages[1].base; len(long) > maxExpanded || len(short) != len("debian:")+800 {
		t.Errorf("bases of %d and %d bytes", len(long), len(short))
	}
}

// BenchmarkLongHistory has as much to compare as an image's config can hold.
func BenchmarkLongHistory(b *testing.B) {
	source := "FROM a\n" + strings.Repeat("COPY a /"+strings.Repeat("c/", 200)+"\n", maxInstructions-1)
	history := make([]string, maxHistory)
	for i := range history {
		history[i] = "COPY file:" + strings.Repeat("0123 ", 2000) + " in " + strings.Repeat("/b", 3000)
	}
	f, err := Parse([]byte(source), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.Align(history)
	}
}
