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
		{ID: "CVE-6", Origin: inventory.OfBoth},
		{ID: "CVE-5", Origin: inventory.OfBase, Quieted: &Quieted{By: "distribution"}},
	}
	QuietOrigin(findings, inventory.OfBase, "--ignore-base")
	var standing string
	for _, f := range Standing(findings) {
		standing += f.ID + " "
	}
	if want := "CVE-2 CVE-3 MAL-4 CVE-6 "; standing != want {
		t.Errorf("%q stands, not %q", standing, want)
	}
	if q := findings[0].Quieted; q == nil || q.By != "--ignore-base" || q.Reason != "it is of the base image" {
		t.Errorf("%+v", q)
	}
	if findings[5].Quieted.By != "distribution" {
		t.Error("who quieted first is forgotten")
	}
}

// Packages of one purl have one finding, which is of the base alone only if all of them are.
func TestOriginOfSeveralPackages(t *testing.T) {
	for _, c := range []struct {
		of   []inventory.Origin
		want inventory.Origin
	}{
		{[]inventory.Origin{inventory.OfBase, inventory.OfBase}, inventory.OfBase},
		{[]inventory.Origin{inventory.OfBase, inventory.OfApp, inventory.OfBase}, inventory.OfBoth},
		{[]inventory.Origin{inventory.OfBase, "", inventory.OfApp}, ""},
		{[]inventory.Origin{"", inventory.OfApp}, ""},
	} {
		var same []*inventory.Package
		for _, o := range c.of {
			same = append(same, &inventory.Package{Origin: o})
		}
		if got := brought(same); got != c.want {
			t.Errorf("%q: %q, not %q", c.of, got, c.want)
		}
	}
}
