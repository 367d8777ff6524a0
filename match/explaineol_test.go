package match

import (
	"testing"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// dated is a catalogue that knows release cycles, too.
type dated struct {
	catalogue
	lives
}

func TestExplainEndOfLife(t *testing.T) {
	cat := dated{catalogueOf(known{}), lives{cycles: map[string][]advisory.Cycle{
		"alpine-linux": {{Product: "alpine-linux", Title: "Alpine Linux", Cycle: "3.24"}, {Product: "alpine-linux", Title: "Alpine Linux", Cycle: "3.14", EOL: "2023-05-01"}},
		"debian":       {{Product: "debian", Title: "Debian", Cycle: "12", EOL: "2026-06-10", Extended: "2028-06-30"}, {Product: "debian", Cycle: "1", Ended: true}},
		"nodejs":       {{Product: "nodejs", Title: "Node.js", Cycle: "18", EOL: "2025-04-30"}},
	}}}
	aboard := &inventory.Package{PURL: "pkg:generic/alpine@3.14.2", Type: "generic", Name: "alpine", Version: "3.14.2"}
	ended := Finding{ID: "EOL-alpine-linux-3.14", Kind: KindEndOfLife, Package: aboard.PURL, Of: aboard, Evidence: Evidence{Compared: "alpine 3.14.2 is of cycle 3.14"}}
	for _, tt := range []struct {
		asked, id, because string
		answer             Answer
	}{
		{"eol-alpine-linux-3.14", "EOL-alpine-linux-3.14", "alpine 3.14.2 is of cycle 3.14", IsAffected},
		{"EOL-Alpine-Linux-3.24", "EOL-alpine-linux-3.24", "nothing aboard is of Alpine Linux 3.24 past the end of its support, which has no date yet", NotAffected},
		{"EOL-debian-12", "EOL-debian-12", "nothing aboard is of Debian 12 past the end of its support, 2028-06-30", NotAffected},
		{"EOL-debian-1", "EOL-debian-1", "nothing aboard is of debian 1 past the end of its support, which has come", NotAffected},
		{"EOL-nodejs-18", "EOL-nodejs-18", "nothing aboard is of Node.js 18 past the end of its support, 2025-04-30; what a distribution installed, it supports itself", NotAffected},
		{"EOL-debian-99", "EOL-debian-99", "endoflife.date knows no such release of debian; the newest is EOL-debian-12", CannotSay},
		{"EOL-debain-12", "EOL-debain-12", "endoflife.date knows no such product: write it as in EOL-debian-12 or EOL-nodejs-20", CannotSay},
		{"EOL-9", "EOL-9", "endoflife.date knows no such product: write it as in EOL-debian-12 or EOL-nodejs-20", CannotSay},
	} {
		e, err := Explain(&inventory.Inventory{}, cat, []Finding{ended}, nil, tt.asked)
		if err != nil || e.ID != tt.id || e.Because != tt.because || e.Answer != tt.answer || len(e.Aliases) > 0 {
			t.Errorf("%s: %s %v: %s: %s, %v", tt.asked, e.ID, e.Aliases, e.Answer, e.Because, err)
		}
	}
}
