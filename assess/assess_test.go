package assess_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

func npm(name, version string) *inventory.Package {
	return &inventory.Package{PURL: "pkg:npm/" + name + "@" + version, Type: "npm", Name: name, Version: version, Ecosystem: "npm",
		Paths: []string{"app/node_modules/" + name + "/package.json"}}
}

func deb(name, source string, layer int) *inventory.Package {
	return &inventory.Package{PURL: "pkg:deb/debian/" + name + "@1", Type: "deb", Name: name, Version: "1", Ecosystem: "Debian:12",
		Source: &inventory.Source{Name: source}, Layer: &layer, Instruction: "RUN apt-get install " + name}
}

func found(p *inventory.Package, id string, severity match.Level, fixed ...string) match.Finding {
	return match.Finding{ID: id, Package: p.PURL, Of: p, Severity: severity, Fixed: fixed}
}

// stepsFor gives the steps for an image of which only findings are known.
func stepsFor(findings []match.Finding) []assess.Step {
	steps, _ := assess.Steps(&assess.Subject{Findings: findings}, assess.Environment{}, nil, assess.Options{})
	return steps
}

func TestStepsGroupWhatOneChangeCloses(t *testing.T) {
	exploited := found(deb("libssl3", "openssl", 0), "CVE-5", match.Medium, "2")
	exploited.KEV = &advisory.KEV{}
	malicious := found(npm("evil", "1.0.0"), "MAL-1", match.Critical)
	malicious.Malicious = true
	got := stepsFor([]match.Finding{
		found(npm("lodash", "4.17.15"), "CVE-1", match.High, "4.17.19"),
		found(npm("lodash", "4.17.15"), "CVE-2", match.High, "4.17.21", "5.0.0"),
		found(npm("lodash", "4.17.15"), "CVE-3", match.High),
		found(deb("libssl3", "openssl", 0), "CVE-4", match.Low, "2"),
		found(deb("openssl", "openssl", 0), "CVE-4", match.Low, "2"),
		exploited,
		found(deb("curl", "curl", 2), "CVE-6", match.Critical, "2"),
		malicious,
	})
	want := []assess.Step{
		{Title: "remove malware: evil 1.0.0", Where: "/app/node_modules/evil", Closes: []string{"MAL-1"}, Kind: assess.Remove},
		{Title: "upgrade openssl, curl", Where: "layer 0: RUN apt-get install libssl3", Closes: []string{"CVE-4", "CVE-5", "CVE-6"}, Exploited: 1, Kind: assess.Upgrade},
		{Title: "bump lodash 4.17.15 -> 4.17.21", Where: "/app/node_modules/lodash", Closes: []string{"CVE-1", "CVE-2"}, Kind: assess.Bump,
			To: map[string]string{"pkg:npm/lodash@4.17.15": "4.17.21"}},
	}
	told := cmpopts.IgnoreFields(assess.Step{}, "Gain", "Cost", "Command", "Note", "Packages")
	if d := cmp.Diff(want, got, told); d != "" {
		t.Error(d)
	}
}

func TestTheUpgradeEndsEveryFinding(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fixed [][]string
		want  string
	}{
		{"the lowest of one", [][]string{{"1.2.0", "2.0.0"}}, "bump a 1.0.0 -> 1.2.0"},
		{"the highest of the lowest, by version and not by letter", [][]string{{"1.9.0"}, {"1.10.0"}}, "bump a 1.0.0 -> 1.10.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var closed []match.Finding
			for _, f := range tc.fixed {
				closed = append(closed, found(npm("a", "1.0.0"), "CVE-1", match.Low, f...))
			}
			if got := stepsFor(closed); len(got) != 1 || got[0].Title != tc.want {
				t.Errorf("got %+v, want %q", got, tc.want)
			}
		})
	}
}

func TestTheUpgradeOfAProgramEndsEveryFinding(t *testing.T) {
	for _, tc := range []struct{ name, cpe, version, first, second, want string }{
		{"node", "cpe:2.3:a:nodejs:node.js:16.20.0:*:*:*:*:*:*:*", "16.20.0", "16.20.1", "18.18.2", "upgrade node 16.20.0 -> 18.18.2"},
		{"openjdk", "cpe:2.3:a:oracle:openjdk:1.8.0_92:*:*:*:*:*:*:*", "1.8.0_92", "1.8.0_102", "1.8.0_99", "upgrade openjdk 1.8.0_92 -> 1.8.0_102"},
	} {
		p := &inventory.Package{PURL: "pkg:generic/" + tc.name, Type: "generic", Name: tc.name, Version: tc.version, CPE: tc.cpe}
		got := stepsFor([]match.Finding{found(p, "CVE-1", match.Low, tc.first), found(p, "CVE-2", match.Low, tc.second)})
		if len(got) != 1 || got[0].Title != tc.want {
			t.Errorf("got %+v, want %q", got, tc.want)
		}
	}
}

func TestStepsToWhatIsNoRelease(t *testing.T) {
	for _, tt := range []struct {
		version string
		fixed   [][]string
		want    string
	}{
		{"3.7.16", [][]string{{"3.8.17"}, {"3.15.0a6"}}, "bump a 3.7.16 -> 3.8.17"},
		{"3.7.16", [][]string{{"3.15.0a6", "3.15.1"}}, "bump a 3.7.16 -> 3.15.1"},
		{"2.0.0-rc.1", [][]string{{"2.0.0-rc.2"}}, "bump a 2.0.0-rc.1 -> 2.0.0-rc.2"},
		{"1.0.2", [][]string{{"1.0.2b"}}, "bump a 1.0.2 -> 1.0.2b"},
		{"1.0.2", [][]string{{"2.0.0-alpha"}}, ""},
	} {
		var findings []match.Finding
		for _, fixed := range tt.fixed {
			findings = append(findings, found(npm("a", tt.version), "CVE-1", match.Low, fixed...))
		}
		got := ""
		if steps := stepsFor(findings); len(steps) > 0 {
			got = steps[0].Title
		}
		if got != tt.want {
			t.Errorf("%s %v: %q, want %q", tt.version, tt.fixed, got, tt.want)
		}
	}
}

// A library's supported releases are often another major version: that is a step of its own, and comes after what is easy.
func TestStepsThatComeLater(t *testing.T) {
	ended := found(npm("b", "1.0.0"), "EOL-b-1", match.Low, "12.0.0")
	ended.Kind = match.KindEndOfLife
	lowered := found(npm("a", "1.0.0"), "CVE-1", match.Critical, "1.0.1")
	lowered.Lowered = []match.Lowered{{By: "a-rule"}}
	var got []string
	for _, s := range stepsFor([]match.Finding{lowered, found(npm("b", "1.0.0"), "CVE-2", match.Medium, "1.0.2"), ended}) {
		got = append(got, s.Title)
	}
	if d := cmp.Diff([]string{"bump b 1.0.0 -> 1.0.2", "bump a 1.0.0 -> 1.0.1", "bump b 1.0.0 -> 12.0.0"}, got); d != "" {
		t.Error(d)
	}
}

func TestWhatHasNoFixHasNoStep(t *testing.T) {
	if got := stepsFor([]match.Finding{found(npm("a", "1.0.0"), "CVE-1", match.High)}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTheGravestComesFirst(t *testing.T) {
	p := npm("a", "1.0.0")
	malicious, exploited, likely := found(p, "M", match.Critical), found(p, "K", match.Low), found(p, "E", match.High)
	malicious.Malicious, exploited.KEV, likely.EPSS = true, &advisory.KEV{}, &advisory.EPSS{Score: 0.5}
	findings := []match.Finding{found(p, "L", match.Low), found(p, "U", match.Unknown), found(p, "H", match.High), found(p, "F", match.High, "2.0.0"),
		likely, found(p, "C", match.Critical), exploited, malicious}
	assess.Sort(findings)
	var got string
	for _, f := range findings {
		got += f.ID
	}
	if got != "MKCEFHUL" {
		t.Error(got)
	}
}
