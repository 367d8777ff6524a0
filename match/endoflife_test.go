package match_test

import (
	"strings"
	"testing"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

func TestEndOfLife(t *testing.T) {
	cycles := map[string][]advisory.Cycle{
		"debian":       {{Cycle: "12", EOL: "2026-07-11", Extended: "2028-06-30"}, {Cycle: "10", EOL: "2022-09-10", Extended: "2024-06-30"}},
		"alpine-linux": {{Cycle: "3.2", EOL: "2017-05-01"}, {Cycle: "3.21", EOL: "2026-11-01"}},
		"centos":       {{Cycle: "5", Ended: true}},
	}
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		os   inventory.OS
		want string // in the message; empty for no blind spot
	}{
		{inventory.OS{ID: "debian", VersionID: "12"}, ""}, // long-term support still reports
		{inventory.OS{ID: "debian", VersionID: "10"}, "since 2024-06-30"},
		{inventory.OS{ID: "alpine", VersionID: "3.21.4"}, ""}, // not 3.2
		{inventory.OS{ID: "alpine", VersionID: "3.2.3"}, "since 2017-05-01"},
		{inventory.OS{ID: "centos", VersionID: "5"}, "has had no support:"},
		{inventory.OS{ID: "centos", VersionID: "9", Name: "CentOS Stream 9"}, ""},
		{inventory.OS{ID: "wolfi", VersionID: "20230201"}, ""},
		{inventory.OS{}, ""},
	} {
		spots, err := match.EndOfLife(tc.os, func(product string) ([]advisory.Cycle, error) { return cycles[product], nil }, now)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, s := range spots {
			got += s.Message
		}
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: %q, want %q", tc.os.ID, tc.os.VersionID, got, tc.want)
		}
	}
}
