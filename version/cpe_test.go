package version_test

import (
	"errors"
	"testing"

	"tidewaiter/version"
)

// TestCPE holds the order of versions of programs as NVD and the programs themselves write them: each list ascends, and versions
// with an equals sign between are the same.
func TestCPE(t *testing.T) {
	for _, c := range []struct {
		ecosystem string
		versions  [][]string
	}{
		{"CPE", [][]string{{"0.9.8"}, {"0.9.8za"}, {"1.0.2:beta1"}, {"1.0.2", "1.0.2.0"}, {"1.0.2a"}, {"1.0.2b"}, {"1.0.2k"}, {"1.0.2m"}, {"1.0.2p"}, {"1.0.2u"}, {"1.0.2z"}, {"1.0.2za"}, {"1.1.0"}, {"3.0.11"}}},
		{"CPE", [][]string{{"9.3"}, {">9.3"}, {"9.3p1", "9.3:p1"}, {"9.3p2"}, {"9.8"}}},
		{"CPE", [][]string{{"3.12.0a1", "3.12.0:alpha1"}, {"3.12.0b4", "3.12:beta4"}, {"3.12.0rc1", "3.12.0:rc1", "3.12.0-rc.1"}, {"3.12.0"}, {"3.12.0+"}, {"3.12.1"}}},
		{"CPE", [][]string{{"6.0-m2"}, {"6.0"}}},
		{"CPE", [][]string{{"7.1.0-9"}, {"7.1.0-62"}, {"7.1.2-3"}}},
		{"CPE", [][]string{{"9.0.0-preview.7"}, {"9.0.0-rc.2.24474.1"}, {"v9.0.0"}, {"9.0.1"}}},
		{"CPE", [][]string{{"2.9-dev3"}, {"2.9"}, {"2.9.1"}, {"2.10"}}},
		{"CPE", [][]string{{"1.9.5"}, {"1.9.5:patch1", "1.9.5p1"}, {"1.9.5p2"}, {"1.9.17p1"}}},
		{"CPE", [][]string{{"9.16.37"}, {"9.16.37:s1"}, {"9.16.38"}}},
		{"CPE", [][]string{{"10.0"}, {"10.24.1"}, {"10.*", "10.x"}, {"11.0"}}},
		{"CPE:java", [][]string{{"1.4.2_19"}, {"1.8", "1.8.0"}, {">1.8.0"}, {"1.8.0_71"}, {"1.8.0:update_372", "1.8.0_372-b07"}, {"1.9"},
			{"8"}, {"8:update_92", "8.0.92"}, {"8u372", "8:update372"}, {"9"}, {"11.0.19", "11.0.19+7"}, {"17.0.7"}}},
	} {
		for i, same := range c.versions {
			for j, others := range c.versions {
				for _, a := range same {
					for _, b := range others {
						got, err := version.Compare(c.ecosystem, a, b)
						if err != nil || (got < 0) != (i < j) || (got > 0) != (i > j) {
							t.Errorf("%s: %s compared with %s: %d, %v", c.ecosystem, a, b, got, err)
						}
					}
				}
			}
		}
	}
}

func TestCPEInvalid(t *testing.T) {
	for _, c := range []struct{ ecosystem, text string }{
		{"CPE", ""}, {"CPE", "-"}, {"CPE", "*"}, {"CPE", "r27"}, {"CPE", "1.0 beta"}, {"CPE", "1..2"}, {"CPE", "1.0-"}, {"CPE", ">"}, {"CPE", "1.0\u00e9"}, {"CPE", "*.*"}, {"CPE", "1.0rc.*"},
		{"CPE", "7dd7a120bfc4af11ac0cbebce2a43cc1f93f9af1"},
		{"CPE:java", ""}, {"CPE:java", "1."}, {"CPE:java", "x"}, {"CPE:java", "8:ea"},
	} {
		if _, err := version.Parse(c.ecosystem, c.text); !errors.Is(err, version.ErrInvalid) {
			t.Errorf("%s version %q: %v, expected an error", c.ecosystem, c.text, err)
		}
	}
}

func FuzzCPE(f *testing.F) {
	for _, text := range []string{"1.0.2za", ">9.3:p1", "3.12.0rc1", "9.0.0-rc.2.24474.1", "1.8.0:update_372"} {
		f.Add(text, "1.0")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, ecosystem := range []string{"CPE", "CPE:java"} {
			c, err := version.Compare(ecosystem, a, b)
			if err != nil {
				continue
			}
			if back, err := version.Compare(ecosystem, b, a); err != nil || back != -c {
				t.Errorf("%s: %q and %q compare as %d and as %d, %v", ecosystem, a, b, c, back, err)
			}
		}
	})
}
