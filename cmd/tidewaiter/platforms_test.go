package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/image/imagetest"
	"tidewaiter/match"
	"tidewaiter/report"
)

// A scan of all platforms has each platform's own report, says what differs, and judges the gate on all of them.
func TestScanOfEveryPlatform(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	arm := imagetest.Build(t, imagetest.Spec{Platform: "linux/arm64", Layers: [][]byte{
		imagetest.Tar(t, imagetest.File{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.21"}`})}})
	index := "oci:" + imagetest.Index(t, shopImage(t, "linux/amd64"), arm).Layout(t, "2.1")
	var all report.Platforms
	if err := json.Unmarshal(scanned(t, "--platform", "all", index), &all); err != nil {
		t.Fatal(err)
	}
	for i, platform := range []string{"linux/amd64", "linux/arm64"} {
		alone := scanned(t, "--platform", platform, index)
		var got bytes.Buffer
		if err := report.JSON(&got, all.Reports[i]); err != nil {
			t.Fatal(err)
		}
		if got.String() != string(alone) {
			t.Errorf("the report on %s is not the one of a scan of it alone", platform)
		}
	}
	var differ []string
	for _, d := range all.Differences.Packages {
		differ = append(differ, d.Name+" "+strings.Join(d.Versions["linux/amd64"], ",")+"|"+strings.Join(d.Versions["linux/arm64"], ","))
	}
	if got := strings.Join(differ, "; "); got != "libexpat1 2.5.0-1+deb12u2|; zlib1g 1:1.2.13.dfsg-1|; lodash 4.17.15|4.17.21" {
		t.Error(got)
	}
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"scan", "--platform", "all", "--exit-on", "high", index}, streams{out: &out, err: &errs, now: time.Now})
	if code != exitUnknown || !strings.Contains(out.String(), "2 platforms") {
		t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
}

// A lapsed exception is told of once for all platforms, and a statement that changes something on one of them is not told of.
func TestWhatIsUnusedOnAllPlatforms(t *testing.T) {
	lapsed := match.UnusedStatement{Vulnerability: "CVE-1", Source: "e.json", Stands: true, Why: "ended"}
	always := match.UnusedStatement{Vulnerability: "CVE-2", Source: "v.json"}
	sometimes := match.UnusedStatement{Vulnerability: "CVE-3", Source: "v.json"}
	var reports []*report.Report
	for _, unused := range [][]match.UnusedStatement{{lapsed, always, sometimes}, {lapsed, always}} {
		reports = append(reports, &report.Report{Subject: assess.Subject{UnusedStatements: unused}})
	}
	if d := cmp.Diff([]match.UnusedStatement{lapsed, always}, unusedOnAll(reports)); d != "" {
		t.Error(d)
	}
}
