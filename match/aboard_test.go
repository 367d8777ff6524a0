package match

import (
	"testing"

	"tidewaiter/advisory"
)

// A statement on a release holds for what is of it; one on a pre-release does not hold for the release.
func TestHoldsRelease(t *testing.T) {
	for _, c := range []struct {
		said, aboard string
		want         bool
	}{
		{"cpe:/o:redhat:enterprise_linux:9", "cpe:/o:redhat:enterprise_linux:9.4::baseos", true},
		{"cpe:/o:redhat:enterprise_linux:9", "cpe:/o:redhat:enterprise_linux:90", false},
		{"cpe:/o:redhat:enterprise_linux", "cpe:/o:redhat:enterprise_linux:9", true},
		{"cpe:2.3:a:openssl:openssl:1.0.2:beta1:*:*:*:*:*:*", "cpe:2.3:a:openssl:openssl:1.0.2:*:*:*:*:*:*:*", false},
		{"cpe:2.3:a:openssl:openssl:1.0.2:*:*:*:*:*:*:*", "cpe:2.3:a:openssl:openssl:1.0.2:beta1:*:*:*:*:*:*", true},
		{"cpe:/o:redhat:enterprise_linux:9", "cpe:/o:rocky:rocky:9", false},
	} {
		said, ok := advisory.ParseCPE(c.said)
		aboard, ok2 := advisory.ParseCPE(c.aboard)
		if got := holdsRelease(said, aboard); !ok || !ok2 || got != c.want {
			t.Errorf("%s of %s: %v (%v, %v)", c.aboard, c.said, got, ok, ok2)
		}
	}
}
