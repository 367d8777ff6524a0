package advisory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCVEEncoding(t *testing.T) {
	for name, c := range map[string]CVE{
		"nothing":    {},
		"score":      {EPSS: &EPSS{Score: 0.03351, Percentile: 0.8765}},
		"fine score": {EPSS: &EPSS{Score: 0.033514711, Percentile: 1}},
		"all": {
			KEV: &KEV{Added: "2026-01-01", Due: "2026-01-22", Ransomware: true}, EPSS: &EPSS{Score: 1, Percentile: 0.99999}, Disputed: true,
			CVSS:         []CVSS{{Vector: "CVSS:3.1/AV:N", Source: "cna"}, {Vector: "CVSS:4.0/AV:N", Source: "nvd"}},
			Exploitation: "poc", TechnicalImpact: "total",
		},
	} {
		got, err := decodeCVE(string(encodeCVE(&c)))
		if diff := cmp.Diff(c, got); diff != "" || err != nil {
			t.Errorf("%s, %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestEveryScore holds that all scores that FIRST publishes are given as they are.
func TestEveryScore(t *testing.T) {
	for n := range uint64(100_001) {
		if f := fromUnits(n); units(f) != n {
			t.Fatalf("%v: %d, not %d", f, units(f), n)
		}
	}
}

func FuzzDecodeValues(f *testing.F) {
	f.Add(string(encodeCVE(&CVE{Disputed: true, EPSS: &EPSS{Score: 0.5}, CVSS: []CVSS{{Vector: "a", Source: "b"}}})))
	e := idEntry{id: "GHSA-a", names: []string{"CVE-1"}, packages: []PackageName{{"npm", "a"}, {"npm", "b"}, {"PyPI", "c"}}}
	f.Add(string(e.encode()))
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = decodeCVE(text)
		if e, err := decodeIDEntry("KEY", text); err == nil {
			again, err := decodeIDEntry("KEY", string(e.encode()))
			if diff := cmp.Diff(e.names, again.names); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		}
	})
}
