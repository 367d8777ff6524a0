package advisory

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestKey(t *testing.T) {
	for _, c := range []struct{ ecosystem, name, want string }{
		{"Debian:12", "openssl", "debian:openssl"},
		{"Ubuntu:Pro:22.04:LTS", "curl", "ubuntu:curl"},
		{"kubernetes", "k8s.io/api", "kubernetes:k8s.io/api"},
		{"PyPI", "Foo_.Bar--baz", "pypi:foo-bar-baz"},
		{"NuGet", "Newtonsoft.Json", "nuget:newtonsoft.json"},
		{"Packagist:https://packages.drupal.org/8", "Drupal/Core", "packagist:drupal/core"},
		{"npm", "@Scope/Name", "npm:@Scope/Name"},
		{"Rocky Linux:9", "Xorg", "rocky linux:Xorg"},
	} {
		if got := Key(c.ecosystem, c.name); got != c.want {
			t.Errorf("Key(%q, %q) = %q, want %q", c.ecosystem, c.name, got, c.want)
		}
	}
}

func TestRecordsSurviveEncoding(t *testing.T) {
	versions := []string{"1", "2", "1"}
	want := []Record{
		{ID: "A", Affected: []Affected{{
			Ecosystem: "npm", Versions: versions, Urgency: "low", Informational: "unsound", Specific: map[string]any{"k": "v"},
			Severity: []Severity{{Type: "Ubuntu", Score: "low"}},
			Ranges:   []Range{{Type: "GIT", Repo: "r", Events: []Event{{Introduced: "0"}, {Fixed: "1"}, {LastAffected: "2"}, {Limit: "*"}}}},
		}}, Feed: "osv/npm"},
		{
			ID: "B", Aliases: versions, Related: []string{"r"}, Upstream: []string{"u"}, Summary: "s", Rating: "HIGH",
			Published: time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), Modified: time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC),
			Withdrawn: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), References: []Reference{{Type: "FIX", URL: "u"}},
			Affected: []Affected{}, Feed: "osv/npm",
		},
	}
	got, err := decodeRecords(string(newEncoder().encode(want)))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestSummary(t *testing.T) {
	long := ""
	for range 200 {
		long += "é"
	}
	for _, c := range []struct{ own, details, want string }{
		{"Own\n one", "Details.", "Own one"},
		{"", "First\nsentence. Second.", "First sentence."},
		{"", "No end", "No end"},
		{"", "- in a list", "in a list"},
		{"", "NOTE: https://example.org/1\nNOTE: more", ""},
		{"", "bad \xff byte", "bad \uFFFD byte"},
		{"", long, long[:196] + "…"},
		{"", "", ""},
	} {
		if got := summary(c.own, c.details); got != c.want {
			t.Errorf("summary(%q, %q) = %q, want %q", c.own, c.details, got, c.want)
		}
	}
}

func TestParseOSV(t *testing.T) {
	const rust = `{"id": "RUSTSEC-1", "summary": 7}`
	if _, err := parseOSV([]byte(rust), "f"); err == nil {
		t.Error("a summary that is a number was read")
	}
	p, err := parseOSV([]byte(`{"id": "U", "database_specific": "text", "aliases": null,
		"references": [{"type": "WEB", "url": "https://github.com/someone/CVE-2021-1-PoC"}, {"type": "EVIDENCE", "url": "e"}, {"type": "FIX", "url": "f"}],
		"affected": [
			{"package": null},
			{"package": {"ecosystem": "crates.io", "name": "a"}, "database_specific": {"informational": "unmaintained"}},
			{"package": {"ecosystem": "Ubuntu:22.04:LTS", "name": "a"}, "ecosystem_specific": {"ubuntu_priority": "low", "binaries": [1], "availability": "x"}},
			{"package": {"ecosystem": "Ubuntu:24.04:LTS", "name": "a"}, "ecosystem_specific": null, "database_specific": {"informational": null}}]}`), "f")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]Affected{
		"crates.io:a": {{Ecosystem: "crates.io", Informational: "unmaintained"}},
		"ubuntu:a": {
			{Ecosystem: "Ubuntu:22.04:LTS", Urgency: "low", Specific: map[string]any{"availability": "x"}},
			{Ecosystem: "Ubuntu:24.04:LTS"},
		},
	}
	got := map[string][]Affected{}
	for key, r := range p.byKey {
		got[key] = r.Affected
		if len(r.References) != 2 {
			t.Errorf("references %v", r.References)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || p.unnamed != 1 {
		t.Errorf("%d unnamed (-want +got):\n%s", p.unnamed, diff)
	}
}

// TestSpread holds that a record cannot fill the disk by naming many packages under a long head.
func TestSpread(t *testing.T) {
	r := map[string]any{"id": "X"}
	aliases := make([]string, 2000)
	for i := range aliases {
		aliases[i] = string(make([]byte, 100))
	}
	affected := make([]any, 2000)
	for i := range affected {
		affected[i] = map[string]any{"package": map[string]any{"ecosystem": "npm", "name": string(rune('a' + i))}}
	}
	r["aliases"], r["affected"] = aliases, affected
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseOSV(data, "f"); err == nil {
		t.Error("read")
	}
}

func TestSorterSpills(t *testing.T) {
	for _, memory := range []int{1, 40, 1 << 20} {
		s := &sorter{dir: t.TempDir(), memory: memory}
		t.Cleanup(func() {
			if err := s.close(); err != nil {
				t.Error(err)
			}
		})
		for _, p := range [][2]string{{"b", "2"}, {"a", "9"}, {"c", ""}, {"b", "1"}, {"a", "9"}, {"d", "long enough to fill it"}} {
			if err := s.add(p[0], []byte(p[1])); err != nil {
				t.Fatal(err)
			}
		}
		got, last := map[string][]string{}, uint64(0)
		if err := s.groups(func(hash uint64, key string, payloads [][]byte) error {
			if hash < last || got[key] != nil {
				t.Errorf("%q comes out of order", key)
			}
			last = hash
			for _, p := range payloads {
				got[key] = append(got[key], string(p))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := map[string][]string{"a": {"9", "9"}, "b": {"1", "2"}, "c": {""}, "d": {"long enough to fill it"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("memory %d (-want +got):\n%s", memory, diff)
		}
	}
}

func FuzzDecodeRecords(f *testing.F) {
	for _, text := range []string{lodash, openssl} {
		p, err := parseOSV([]byte(text), "osv/f")
		if err != nil {
			f.Fatal(err)
		}
		for _, r := range p.byKey {
			f.Add(string(newEncoder().encode([]Record{*r, *r})))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		records, err := decodeRecords(text)
		if err != nil {
			return
		}
		again, err := decodeRecords(string(newEncoder().encode(records)))
		if err != nil || len(again) != len(records) {
			t.Errorf("%d records became %d, %v", len(records), len(again), err)
		}
	})
}

func FuzzParseOSV(f *testing.F) {
	for _, text := range []string{lodash, openssl, future, noPackage} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseOSV(data, "osv/f")
		if err != nil {
			return
		}
		for _, r := range p.byKey {
			got, err := decodeRecords(string(newEncoder().encode([]Record{*r})))
			if err != nil || len(got) != 1 {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*r, got[0], cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		}
	})
}
