package match

import (
	"strings"
	"testing"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// A rule that looks into the image answers as it did when that was read: also under another effect, and also where it would say
// something else by names alone. Of what is new it notes that it was not asked. The other rules are asked again.
func TestRulesThatLookAnswerAsTheyDid(t *testing.T) {
	packages := []inventory.Package{
		{PURL: "pkg:deb/debian/a@1", Type: "deb", Name: "a", Version: "1", Ecosystem: "Debian:12"},
		{PURL: "pkg:deb/debian/linux-libc-dev@1", Type: "deb", Name: "linux-libc-dev", Version: "1", Ecosystem: "Debian:12"},
	}
	about := func(id string) advisory.Record {
		return advisory.Record{ID: "DEBIAN-" + id, Upstream: []string{id}, Affected: []advisory.Affected{{Ecosystem: "Debian:12", Ranges: events(since("0"))}}}
	}
	adv := known{covers: []string{"Debian:12"}, records: map[string][]advisory.Record{
		"Debian/a": {about("CVE-2026-0001"), about("CVE-2026-0002")}, "Debian/linux-libc-dev": {about("CVE-2026-0003")},
	}}
	stored := []Finding{
		{ID: "CVE-2026-0001", Package: packages[0].PURL, Lowered: []Lowered{{By: "not-reached", Reason: "nothing starts it"}}},
		{ID: "CVE-2026-0003", Package: packages[1].PURL}, // no-code was asked, and found a kernel
	}
	for _, c := range []struct {
		settings, had Settings
		want          string
	}{
		{nil, nil, "CVE-2026-0001 lowered; CVE-2026-0002 unasked; CVE-2026-0003;"},
		{Settings{"not-reached": Quiet}, nil, "CVE-2026-0001 quieted; CVE-2026-0002 unasked; CVE-2026-0003;"},
		{Settings{"not-reached": Off}, nil, "CVE-2026-0001; CVE-2026-0002; CVE-2026-0003;"},
		{nil, Settings{"not-reached": Off, "no-code": Off}, "CVE-2026-0001 unasked; CVE-2026-0002 unasked; CVE-2026-0003 quieted unasked;"},
	} {
		findings, _, err := Rematch(&inventory.Inventory{Packages: packages}, adv, c.settings, stored, c.had)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			line := f.ID
			if f.Quieted != nil {
				line += " quieted"
			}
			if f.Lowered != nil {
				line += " lowered"
			}
			for _, rule := range f.Unasked {
				if rule == "not-reached" || rule == "no-code" && f.Of == &packages[1] {
					line += " unasked"
					break
				}
			}
			got = append(got, line+";")
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%v, had %v:\n%s\n%s", c.settings, c.had, text, c.want)
		}
	}
}
