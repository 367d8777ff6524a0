package match

import (
	"testing"

	"tidewaiter/inventory"
)

// A user who asks for one origin only is shown that one, and malware whoever brought it; nothing is dropped.
func TestQuietOrigin(t *testing.T) {
	findings := []Finding{
		{ID: "CVE-1", Origin: inventory.OfBase},
		{ID: "CVE-2", Origin: inventory.OfApp},
		{ID: "CVE-3"}, // nothing is known of its origin
		{ID: "MAL-4", Origin: inventory.OfBase, Malicious: true},
		{ID: "CVE-5", Origin: inventory.OfBase, Quieted: &Quieted{By: "distribution"}},
	}
	QuietOrigin(findings, inventory.OfBase, "--ignore-base")
	var standing string
	for _, f := range Standing(findings) {
		standing += f.ID + " "
	}
	if want := "CVE-2 CVE-3 MAL-4 "; standing != want {
		t.Errorf("%q stands, not %q", standing, want)
	}
	if q := findings[0].Quieted; q == nil || q.By != "--ignore-base" || q.Reason != "it is of the base image" {
		t.Errorf("%+v", q)
	}
	if findings[4].Quieted.By != "distribution" {
		t.Error("who quieted first is forgotten")
	}
}
