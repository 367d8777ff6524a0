package match

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// Two databases do not agree about node-fetch 2.6.7; a third record speaks of what came later.
func TestAnotherVersionIsJudgedByTheSameRecords(t *testing.T) {
	record := func(id string, a advisory.Affected) advisory.Record {
		a.Ecosystem = "npm"
		return advisory.Record{ID: id, Aliases: []string{"CVE-" + id[len(id)-1:]}, Affected: []advisory.Affected{a}}
	}
	adv := known{covers: []string{"npm"}, records: map[string][]advisory.Record{"npm/node-fetch": {
		record("GHSA-1", span(since("0"), until("2.6.7"), since("3.0.0"), until("3.1.1"))),
		record("OTHER-1", span(since("0"), until("3.1.1"))),
		record("GHSA-2", span(since("3.0.0"), until("3.2.10"))),
	}}}
	findings, _ := match(t, adv, inventory.Package{PURL: "pkg:npm/node-fetch@2.6.0", Type: "npm", Ecosystem: "npm", Name: "node-fetch", Version: "2.6.0"})
	if len(findings) != 1 {
		t.Fatal(lines(findings))
	}
	f := findings[0]
	for v, want := range map[string][2]bool{"2.6.7": {false, true}, "3.1.0": {false, true}, "3.1.1": {true, true}, "no version": {false, false}} {
		if ended, sure := f.EndedBy(v); ended != want[0] || sure != want[1] {
			t.Errorf("%s: %v %v", v, ended, sure)
		}
	}
	if d := gocmp.Diff([]string{"3.2.10"}, f.FixesAfter("3.1.1")); d != "" {
		t.Error(d)
	}
	if got := f.FixesAfter("3.2.10"); got != nil {
		t.Errorf("nothing is brought, yet %v", got)
	}
	stored := Finding{Fixed: f.Fixed}
	if _, sure := stored.EndedBy("3.1.1"); sure {
		t.Error("a stored finding has no records to ask")
	}
}
