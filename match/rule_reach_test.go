package match

import (
	"strings"
	"testing"

	"tidewaiter/inventory"
)

// Without an image there is nothing to look into: what these rules still say goes by names alone.
func TestRulesOfPackagesWithoutFiles(t *testing.T) {
	none := newRuleContext(&matcher{inv: &inventory.Inventory{}})
	tests := []struct {
		p    inventory.Package
		rule string
	}{
		{inventory.Package{Type: "deb", Name: "linux-libc-dev"}, "no-code"},
		{inventory.Package{Type: "deb", Name: "linux-aws-headers-5.15.0-1050"}, "no-code"},
		{inventory.Package{Type: "deb", Name: "linux-headers-6.1.0-18-amd64"}, "no-code"},
		{inventory.Package{Type: "deb", Name: "linux-image-6.1.0-18-amd64"}, ""},
		{inventory.Package{Type: "deb", Name: "linux-modules-6.1.0-18"}, ""},
		{inventory.Package{Type: "apk", Name: "linux-headers"}, "no-code"},
		{inventory.Package{Type: "rpm", Name: "kernel-headers"}, "no-code"},
		{inventory.Package{Type: "rpm", Name: "kernel-rt-devel"}, "no-code"},
		{inventory.Package{Type: "rpm", Name: "kernel-core"}, ""},
		{inventory.Package{Type: "rpm", Name: "bash", Arch: "src"}, "no-code"},
		{inventory.Package{Type: "rpm", Name: "nodejs-docs"}, "docs-tests-static"},
		{inventory.Package{Type: "rpm", Name: "git-core-doc"}, "docs-tests-static"},
		{inventory.Package{Type: "deb", Name: "gcc-12-base"}, "docs-tests-static"},
		{inventory.Package{Type: "deb", Name: "libpython3.11-testsuite"}, "docs-tests-static"},
		{inventory.Package{Type: "deb", Name: "libssl-dev"}, ""}, // such packages may hold programs
		{inventory.Package{Type: "deb", Name: "openssl"}, ""},
		{inventory.Package{Type: "npm", Name: "npm-cli-docs"}, ""},
	}
	for _, tt := range tests {
		got := ""
		for _, r := range []Rule{noCode, documentationOnly, notReached} {
			if reason := r.holds(&Finding{Of: &tt.p}, none); reason != "" {
				got += r.Name
				if strings.Contains(reason, "\n") {
					t.Errorf("%s: more than a line: %q", tt.p.Name, reason)
				}
			}
		}
		if got != tt.rule {
			t.Errorf("%s: %q, not %q", tt.p.Name, got, tt.rule)
		}
	}
}

func TestFew(t *testing.T) {
	if got := few([]string{"a", "b"}); got != "/a, /b" {
		t.Error(got)
	}
	if got := few([]string{"a", "b", "c", "d"}); got != "/a, /b or 2 more" {
		t.Error(got)
	}
}
