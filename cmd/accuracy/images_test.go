package main

import (
	"bytes"
	"testing"
)

// Each tool says things once in its own way: by the source package or by the binary one, by one record or by several.
func TestCompare(t *testing.T) {
	ours := []saying{
		{text: "CVE-1 libssl3 3.0.11-1", fate: "stands", claims: []claim{newClaim("libssl3", "3.0.11-1", "CVE-1"), newClaim("openssl", "3.0.11-1", "CVE-1")}},
		{text: "CVE-2 a v1.0.0", fate: "go-symbols quiets", claims: []claim{newClaim("a", "v1.0.0", "CVE-2"), newClaim("a", "v1.0.0", "GO-2")}},
		{text: "CVE-3 b 1", fate: "stands", claims: []claim{newClaim("b", "1", "CVE-3")}},
	}
	theirs := []saying{
		{text: "DEBIAN-CVE-1 openssl 3.0.11-1", claims: []claim{newClaim("openssl", "3.0.11-1", "DEBIAN-CVE-1")}},
		{text: "GO-2 a 1.0.0", claims: []claim{newClaim("a", "1.0.0", "GO-2")}},
		{text: "GHSA-2 a 1.0.0", claims: []claim{newClaim("a", "1.0.0", "GHSA-2"), newClaim("a", "1.0.0", "CVE-2")}},
		{text: "CVE-3 b 2", claims: []claim{newClaim("b", "2", "CVE-3")}},
	}
	var out bytes.Buffer
	compare(ours, theirs).print(&out, "shop.tar", true)
	want := `shop.tar
  both                 2  1 go-symbols quiets, 1 stands
  only tidewaiter      1  1 stands
  only osv-scanner     1
    only tidewaiter   CVE-3 b 1 (stands)
    only osv-scanner  CVE-3 b 2
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
