package assess_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

func TestCandidateTags(t *testing.T) {
	for _, tc := range []struct {
		current string
		tags    []string
		want    []string
	}{
		{"12.4-slim", []string{"latest", "12", "12.4-slim", "12.5-slim", "12.9-slim", "12.10-slim", "12.11-rc1-slim", "13.1-slim", "12.9", "sid-slim", "11.9-slim", "12-20240101-slim"},
			[]string{"12.4-slim", "12.10-slim", "13.1-slim"}},
		{"3.18", []string{"3.18", "3.18.5", "3.19", "3.20", "edge", "4.0", "3.21_alpha"}, []string{"3.18", "3.20", "4.0"}},
		{"1.22.1-alpine3.19", []string{"1.22.1-alpine3.19", "1.22.1-alpine3.20", "1.22.9-alpine3.20", "1.22.9-alpine3.18", "1.23.4-alpine3.20", "1.22.9"},
			[]string{"1.22.1-alpine3.19", "1.22.1-alpine3.20", "1.22.9-alpine3.20", "1.23.4-alpine3.20"}},
		{"22-bookworm", []string{"22-bookworm", "22-bookworm-slim", "24-bookworm", "24-trixie", "23-bookworm", "22-alpine", "22"},
			[]string{"22-bookworm", "23-bookworm", "24-trixie", "22-bookworm-slim"}},
		{"bullseye", []string{"bullseye", "bullseye-slim", "bookworm", "bookworm-slim", "trixie", "buster", "forky", "bullseye-20240101"},
			[]string{"bullseye", "bookworm", "trixie", "bullseye-slim", "bookworm-slim"}},
		{"latest", []string{"latest", "1.0", "2.0"}, []string{"latest"}},
		{"22.04", []string{"20.04", "22.04", "24.04", "24.10", "rolling"}, []string{"22.04", "24.10"}},
		{"gone", nil, nil},
	} {
		if d := cmp.Diff(tc.want, assess.CandidateTags(tc.current, tc.tags)); d != "" {
			t.Errorf("%s: %s", tc.current, d)
		}
	}
}

const (
	oldLayer = "sha256:aaaa"
	ownLayer = "sha256:bbbb"
)

// onOldBase is an image whose base is debian:12.4: libexpat1 and bash are the base's, curl is its own, of layer 1.
func onOldBase() *assess.Subject {
	zero, one := 0, 1
	of := func(name string, layer *int, origin inventory.Origin, instruction string) inventory.Package {
		return inventory.Package{PURL: "pkg:deb/debian/" + name + "@1", Type: "deb", Name: name, Version: "1", Ecosystem: "Debian:12", Layer: layer, Origin: origin, Instruction: instruction}
	}
	s := &assess.Subject{
		Image: assess.Image{Reference: "shop:1", Repository: "docker.io/library/shop", Platform: "linux/amd64", OS: &inventory.OS{ID: "debian", VersionID: "12"},
			Base:   &inventory.Base{Reference: "debian:12.4", Digest: "sha256:old", Layers: 1, Sure: inventory.Exact},
			Layers: []assess.Layer{{DiffID: oldLayer}, {Index: 1, DiffID: ownLayer}}},
		Packages: []inventory.Package{of("bash", &zero, inventory.OfBase, "ADD rootfs.tar /"), of("libexpat1", &zero, inventory.OfBase, "ADD rootfs.tar /"),
			of("curl", &one, inventory.OfApp, "RUN apt-get update && apt-get install -y curl")},
	}
	s.Findings = []match.Finding{
		found(&s.Packages[0], "CVE-1", match.Low), found(&s.Packages[1], "CVE-2", match.High), found(&s.Packages[2], "CVE-3", match.Medium, "2"),
	}
	return s
}

func adviceFor(s *assess.Subject, o assess.Options) ([]assess.Step, []assess.BaseComparison) {
	a := assess.Assess(s, assess.Environment{Exposure: assess.Small, Impact: assess.LowImpact}, o)
	return a.Steps, a.Bases
}

func candidate(tag, digest string, created int, packages ...string) assess.BaseCandidate {
	c := assess.BaseCandidate{Reference: "debian:" + tag, Digest: digest, Platform: "linux/amd64", DiffIDs: []string{digest}, OS: inventory.OS{ID: "debian", VersionID: "12"},
		Created: time.Date(2026, 1, created, 0, 0, 0, 0, time.UTC)}
	for _, name := range packages {
		c.Packages = append(c.Packages, inventory.Package{PURL: "pkg:deb/debian/" + name + "@2", Type: "deb", Name: name, Version: "2", Ecosystem: "Debian:12"})
	}
	return c
}

func TestTheBaseIsRefreshed(t *testing.T) {
	newer := candidate("12.4", "sha256:new", 9, "bash", "libexpat1")
	newer.Findings = []match.Finding{found(&newer.Packages[0], "CVE-1", match.Low)}
	steps, bases := adviceFor(onOldBase(), assess.Options{Bases: []assess.BaseCandidate{newer, candidate("12.4", "sha256:old", 1)}})
	if len(steps) != 1 {
		t.Fatalf("%d steps: building again on the refreshed base installs curl anew, too: %+v", len(steps), steps)
	}
	got := steps[0]
	if d := cmp.Diff([]string{"CVE-2", "CVE-3"}, got.Closes); d != "" || got.Kind != assess.RefreshBase || got.Cost.Change != assess.Rebuilt || got.Opens != nil {
		t.Errorf("%s%+v", d, got)
	}
	if got.Command != "docker build --pull --no-cache -t shop:1 ." || got.Gain <= 0 {
		t.Errorf("%+v", got)
	}
	if len(bases) != 2 || !bases[0].Current || bases[1].Gain != got.Gain {
		t.Errorf("%+v", bases)
	}
}

func TestAMoveOfTheBase(t *testing.T) {
	slim := candidate("12.9-slim", "sha256:slim", 9, "libexpat1")
	other := candidate("12.9", "sha256:other", 9, "bash", "libexpat1")
	other.Findings = []match.Finding{found(&other.Packages[0], "CVE-1", match.Low), found(&other.Packages[1], "CVE-9", match.Negligible)}
	o := assess.Options{Bases: []assess.BaseCandidate{slim, other}, Needs: map[string][]string{"pkg:deb/debian/bash@1": {"/app/start.sh"}}}
	steps, bases := adviceFor(onOldBase(), o)
	if len(bases) != 2 {
		t.Fatalf("%+v", bases)
	}
	var titles []string
	steps = slices.DeleteFunc(steps, func(st assess.Step) bool { return st.Kind != assess.MoveBase })
	for _, st := range steps {
		titles = append(titles, st.Title)
	}
	want := []string{"move the base debian:12.4 -> 12.9", "move the base debian:12.4 -> 12.9-slim"}
	if d := cmp.Diff(want, titles); d != "" {
		t.Fatal(d)
	}
	if d := cmp.Diff([]string{"CVE-9"}, steps[0].Opens); d != "" || steps[0].Loses != nil {
		t.Errorf("%s%+v", d, steps[0])
	}
	if d := cmp.Diff([]string{"bash: /app/start.sh needs it"}, steps[1].Loses); d != "" {
		t.Error(d)
	}
}

func TestWhatIsOlderIsNoRefresh(t *testing.T) {
	s := onOldBase()
	for _, tc := range []struct {
		name  string
		bases []assess.BaseCandidate
		want  string
	}{
		{"made before", []assess.BaseCandidate{candidate("12.4", "sha256:before", 1, "bash"), candidate("12.4", "sha256:old", 5)}, ""},
		{"made after", []assess.BaseCandidate{candidate("12.4", "sha256:after", 9, "bash"), candidate("12.4", "sha256:old", 5)}, "sha256:after"},
		{"the last of those made after", []assess.BaseCandidate{candidate("12.4", "sha256:after", 7), candidate("12.4", "sha256:last", 9), candidate("12.4", "sha256:old", 5)}, "sha256:last"},
		{"its own build is not known", []assess.BaseCandidate{candidate("12.4", "sha256:some", 1)}, "sha256:some"},
		{"another tag", []assess.BaseCandidate{candidate("12.5", "sha256:some", 9)}, ""},
	} {
		got := ""
		if c := assess.NewerBuild(s, tc.bases); c != nil {
			got = c.Digest
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
