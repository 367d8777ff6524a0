package layer

import (
	"bytes"
	"strings"
	"testing"
)

// A zstd stream's own checksum is not asked where the config's diffID is, which says more.
func TestDamagedZstd(t *testing.T) {
	var noise strings.Builder
	for i := range 5000 {
		noise.WriteByte(byte(i * i * 2654435761 >> 7))
	}
	whole := tarOf(t, file("a", noise.String()))
	stored := zstdOf(whole)
	at := bytes.Index(stored, []byte(noise.String()[2000:2008]))
	if at < 0 {
		t.Fatal("the noise is not stored as it is")
	}
	stored[at]++
	for diffID, want := range map[string]string{
		"":            "layer 0: the zstd stream is damaged (",
		digest(whole): "layer 0: content does not match the diffID that the config claims",
	} {
		_, err := Read(t.Context(), layout(t, blob{stored, diffID}), none, Options{Limits: DefaultLimits()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}
