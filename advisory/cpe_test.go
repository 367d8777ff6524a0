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
	} {
		got, ok := ParseCPE(text)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: %v %s", text, ok, diff)
		}
	}
	for _, text := range []string{
		"", "cpe:/a:nodejs:node.js:18.1.0", "cpe:2.3:a:nodejs:node.js", "cpe:2.3:a:*:node.js:1:*:*:*:*:*:*:*",
	} {
		if c, ok := ParseCPE(text); ok {
			t.Errorf("%q: %v, expected that it is no name", text, c)
		}
	}
}
