package advisory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseCPE(t *testing.T) {
	for text, want := range map[string]CPE{
		"cpe:2.3:a:nodejs:node.js:18.1.0:*:*:*:lts:*:*:*":            {"a", "nodejs", "node.js", "18.1.0", "*", "lts", "*"},
		`cpe:2.3:a:erlang:erlang\/otp:25\+rc\:1:-:*:*:*:node.js:*:*`: {"a", "erlang", "erlang/otp", "25+rc:1", "-", "*", "node.js"},
		"cpe:2.3:o:Linux:Linux_Kernel:-:*:*:*:*:*:*:*":               {"o", "linux", "linux_kernel", "-", "*", "*", "*"},
		"cpe:/a:openssl:openssl:1.0.2:beta1":                         {"a", "openssl", "openssl", "1.0.2", "beta1", "", ""},
		"cpe:/o:redhat:enterprise_linux:9::baseos":                   {"o", "redhat", "enterprise_linux", "9", "", "", ""},
		"cpe:/a:erlang:erlang%2fotp":                                 {"a", "erlang", "erlang/otp", "", "", "", ""},
	} {
		got, ok := ParseCPE(text)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: %v %s", text, ok, diff)
		}
	}
	for _, text := range []string{
		"", "cpe:/a:nodejs", "cpe:2.3:a:nodejs:node.js", "cpe:2.3:a:*:node.js:1:*:*:*:*:*:*:*",
	} {
		if c, ok := ParseCPE(text); ok {
			t.Errorf("%q: %v, expected that it is no name", text, c)
		}
	}
}
