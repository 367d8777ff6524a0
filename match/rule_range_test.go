package match

import (
	"testing"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

func TestOutsideKnownRange(t *testing.T) {
	open := func(ecosystem string, specific map[string]any) advisory.Affected {
		a := in(ecosystem, span(since("0")))
		a.Specific = specific
		return a
	}
	lastKnown := func(text string) advisory.Affected {
		a := open("Maven", nil)
		a.LastKnown = text
		return a
	}
	custom := func(events ...map[string]any) map[string]any {
		list := make([]any, len(events))
		for i, e := range events {
			list[i] = e
		}
		return map[string]any{"custom_ranges": []any{map[string]any{"type": "ECOSYSTEM", "events": list}}}
	}
	tags := custom(map[string]any{"introduced": "1.5.0"}, map[string]any{"fixed": "1.9.0"})
	for _, tt := range []struct {
		name, ecosystem, version string
		entry                    advisory.Affected
		quieted                  string
	}{
		{"a tag with the fix", "Go", "v1.9.0", open("Go", tags), "by the release tags in GO-1 x v1.9.0 >= 1.9.0, the fix (go order)"},
		{"a tag without it", "Go", "v1.8.0", open("Go", tags), ""},
		{"before all tags", "Go", "v1.0.0", open("Go", tags), ""},
		{"a commit", "Go", "v1.9.1-0.20231016150651-428517fef5b9", open("Go", tags), ""},
		{"another commit", "Go", "v1.9.0-rc.1.0.20231016150651-428517fef5b9+incompatible", open("Go", tags), ""},
		{"no tags", "Go", "v1.9.0", open("Go", nil), ""},
		{"nonsense", "Go", "v1.9.0", open("Go", map[string]any{"custom_ranges": "x"}), ""},
		{"beyond the known", "Maven", "4.0.0", lastKnown("< 4.0.0"), "by the last known affected versions in GO-1 x 4.0.0 >= 4.0.0, the fix (maven order)"},
		{"the last known", "Maven", "2.2.15", lastKnown("<= 2.2.15"), ""},
		{"after it", "Maven", "2.2.16", lastKnown("<= 2.2.15"), "by the last known affected versions in GO-1 x 2.2.16 > 2.2.15, the last affected (maven order)"},
		{"another operator", "Maven", "2.2.16", lastKnown("= 2.2.15"), ""},
		{"a fix in the range", "Go", "v1.9.0", func() advisory.Affected {
			a := in("Go", span(since("0"), until("2.0.0")))
			a.Specific = tags
			return a
		}(), ""},
	} {
		adv := known{covers: []string{tt.ecosystem}, records: map[string][]advisory.Record{tt.ecosystem + "/x": {{ID: "GO-1", Affected: []advisory.Affected{tt.entry}}}}}
		findings, _ := match(t, adv, inventory.Package{Type: "x", Name: "x", Version: tt.version, Ecosystem: tt.ecosystem})
		if len(findings) != 1 {
			t.Fatal(tt.name, findings)
		}
		got := ""
		if q := findings[0].Quieted; q != nil {
			got = q.Reason
		}
		if got != tt.quieted {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.quieted)
		}
	}
}
