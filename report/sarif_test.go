package report_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/report"
)

// sarifFile is what these tests read of SARIF.
type sarifFile struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Rules []struct {
					ID         string
					Properties map[string]any
				}
			}
		}
		Invocations []struct {
			ToolExecutionNotifications []struct {
				Level   string
				Message struct{ Text string }
			}
		}
		VersionControlProvenance []struct{ RepositoryURI, RevisionID string }
		Results                  []struct {
			RuleID              string
			RuleIndex           int
			Level               string
			PartialFingerprints map[string]string
			Locations           []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           struct{ StartLine int }
				}
			}
			Suppressions []struct{ Kind, Status, Justification string }
		}
		Properties map[string]any
	}
}

func sarifOf(t testing.TB, r *report.Report) sarifFile {
	t.Helper()
	var s sarifFile
	if err := json.Unmarshal(formOf(t, "sarif", r, report.Options{}), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// GitHub knows an alert again by rule and fingerprint: a new build of the same image, with newer packages, must not make all new.
func TestSARIFFingerprintsOutliveARebuild(t *testing.T) {
	marks := func(r *report.Report) []string {
		var out []string
		for _, result := range sarifOf(t, r).Runs[0].Results {
			out = append(out, result.RuleID+" "+result.PartialFingerprints["primaryLocationLineHash"])
		}
		slices.Sort(out)
		return out
	}
	again := gated()
	again.Image.Digest, again.Image.Created = digest('1'), time.Now()
	two := 2
	again.Image.Layers = append(again.Image.Layers, assess.Layer{Index: 2, Digest: digest('2'), DockerfileLine: 9})
	for i := range again.Findings {
		f := &again.Findings[i]
		if f.Of.Name == "lodash" {
			f.Of.Version, f.Layer = "4.17.16", &two
		}
		f.Priority = match.OutOfCycle
	}
	before, after := marks(gated()), marks(again)
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the rebuilt image's results are others:\n%s", d)
	}
	if n := len(slices.Compact(slices.Clone(before))); n != len(before) {
		t.Errorf("%d results have %d fingerprints", len(before), n)
	}
}

func TestSARIFTellsWhereAndHowGrave(t *testing.T) {
	run := sarifOf(t, gated()).Runs[0]
	rules := map[string]bool{}
	for _, rule := range run.Tool.Driver.Rules {
		if rules[rule.ID] {
			t.Errorf("two rules are called %s", rule.ID)
		}
		rules[rule.ID] = true
		if points, ok := rule.Properties["security-severity"]; ok {
			if text, ok := points.(string); !ok || !regexp.MustCompile(`^\d+\.\d$`).MatchString(text) {
				t.Errorf("%s: security-severity is %v", rule.ID, points)
			}
		}
	}
	type where struct {
		level, uri string
		line       int
	}
	got := map[string]where{}
	for _, result := range run.Results {
		if run.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID {
			t.Errorf("%s points to the rule %s", result.RuleID, run.Tool.Driver.Rules[result.RuleIndex].ID)
		}
		p := result.Locations[0].PhysicalLocation
		got[result.RuleID] = where{result.Level, p.ArtifactLocation.URI, p.Region.StartLine}
		if quieted := result.RuleID == "CVE-2022-25883"; quieted != (len(result.Suppressions) == 1) {
			t.Errorf("%s: suppressed %v", result.RuleID, result.Suppressions)
		} else if s := result.Suppressions; quieted && !strings.Contains(s[0].Justification, "until 2027-01-01") {
			t.Errorf("the suppression does not say until when: %+v", s[0])
		}
	}
	for id, want := range map[string]where{
		"CVE-2025-9230":  {"error", "Dockerfile", 1}, // the FROM brought it
		"CVE-2021-23337": {"warning", "Dockerfile", 7},
		"CVE-2020-8203":  {"note", "Dockerfile", 7},
		"MAL-2025-1":     {"error", "Dockerfile", 7},
		"goal/malicious": {"error", "Dockerfile", 1},
		"goal/exploited": {"warning", "Dockerfile", 1},
	} {
		if got[id] != want {
			t.Errorf("%s: %+v, want %+v", id, got[id], want)
		}
	}
	if v := run.VersionControlProvenance; len(v) != 1 || v[0].RevisionID != "9f3c1e2" {
		t.Errorf("built from %+v", v)
	}
	if run.Properties["imageDigest"] != digest('a') || len(run.Invocations[0].ToolExecutionNotifications) != 1 {
		t.Errorf("%v, %v", run.Properties, run.Invocations)
	}
	for _, result := range sarifOf(t, shop()).Runs[0].Results {
		if uri := result.Locations[0].PhysicalLocation.ArtifactLocation.URI; result.RuleID == "CVE-2025-9230" && uri != "shop/var/lib/dpkg/status" {
			t.Errorf("without a Dockerfile, a result is at %s", uri)
		}
	}
}

// What is cut off is what matters least, and is never cut off silently.
func TestSARIFSaysWhatItLeavesOut(t *testing.T) {
	run := sarifOf(t, large(26_000)).Runs[0]
	notes := run.Invocations[0].ToolExecutionNotifications
	if len(run.Results) != 25_000 || len(run.Tool.Driver.Rules) > 25_000 || !strings.Contains(notes[len(notes)-1].Message.Text, "results are left out, those to look at last") {
		t.Errorf("%d results, %v", len(run.Results), notes)
	}
}
