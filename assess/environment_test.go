package assess_test

import (
	"strings"
	"testing"

	"tidewaiter/assess"
)

func TestEnvironmentOf(t *testing.T) {
	environments := []assess.Environment{
		{Name: "open", Exposure: assess.Open, Impact: assess.LowImpact, Images: []string{"ghcr.io/acme/*"}},
		{Name: "grave", Exposure: assess.Open, Impact: assess.HighImpact, Images: []string{"shop"}, Labels: map[string]string{"tier": "front", "team": ""}},
		{Name: "inside", Exposure: assess.Controlled, Impact: assess.VeryHighImpact, Images: []string{"ghcr.io/acme/intranet:2.*", "tool"}},
		{Name: "nobody's"},
	}
	for _, tc := range []struct {
		image assess.Image
		want  string
	}{
		{assess.Image{Reference: "ghcr.io/acme/a:1", Repository: "ghcr.io/acme/a"}, "open"},
		{assess.Image{Reference: "ghcr.io/acme/team/a:1", Repository: "ghcr.io/acme/team/a"}, "open"},
		{assess.Image{Reference: "ghcr.io/other/a:1", Repository: "ghcr.io/other/a"}, ""},
		{assess.Image{Reference: "ghcr.io/acme/shop:1", Repository: "ghcr.io/acme/shop"}, "grave"},
		{assess.Image{Reference: "oci:build/shop"}, "grave"},
		{assess.Image{Reference: "ghcr.io/acme/intranet:2.1", Repository: "ghcr.io/acme/intranet"}, "open"}, // the most exposed of two
		{assess.Image{Reference: "localhost:5000/tool", Repository: "localhost:5000/tool"}, "inside"},
		{assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{"tier": "front", "team": "web"}}, "grave"},
		{assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{"tier": "front"}}, ""},
		{assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{"tier": "back", "team": "web"}}, ""},
		{assess.Image{Reference: "oci-archive:ghcr.io/acme/a.tar"}, ""}, // a file's name proves nothing
	} {
		if got, ok := assess.EnvironmentOf(&tc.image, environments); got.Name != tc.want || ok != (tc.want != "") {
			t.Errorf("%+v: %q, want %q", tc.image, got.Name, tc.want)
		}
	}
}

func TestAdmits(t *testing.T) {
	bindings := []assess.Binding{
		{Images: []string{"ghcr.io/acme/intranet/*"}, Exposure: assess.Controlled, Reason: "no login"},
		{Images: []string{"lab-*"}, Labels: map[string]string{"internal": ""}, Exposure: assess.Small},
	}
	const label = assess.ExposureLabel
	for _, tc := range []struct {
		name     string
		image    assess.Image
		exposure assess.Exposure
		want     assess.Verdict
		reason   string
	}{
		{"free", assess.Image{Reference: "x", Repository: "docker.io/library/x", Config: &assess.Config{}}, assess.Open, assess.Pass, "nothing keeps it from open"},
		{"bound", assess.Image{Reference: "r", Repository: "ghcr.io/acme/intranet/hr"}, assess.Open, assess.Fail, "bound to controlled exposure (no login)"},
		{"bound as widely", assess.Image{Reference: "r", Repository: "ghcr.io/acme/intranet/hr", Config: &assess.Config{}}, assess.Controlled, assess.Pass, ""},
		{"bound by its name", assess.Image{Reference: "oci:build/lab-1"}, assess.Controlled, assess.Fail, "bound to small"},
		{"bound by label", assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{"internal": "yes"}}, assess.Open, assess.Fail, "bound to small"},
		{"isolated", assess.Image{Reference: "lab-1", Repository: "docker.io/library/lab-1"}, assess.Small, assess.Pass, ""},
		{"labelled", assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{label: "controlled"}}, assess.Open, assess.Fail, "its label"},
		{"labelled as widely", assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{label: "controlled"}}, assess.Controlled, assess.Pass, ""},
		{"labelled open", assess.Image{Reference: "x", Repository: "docker.io/library/x", Labels: map[string]string{label: "open"}}, assess.Open, assess.Pass, ""},
		{"labelled with no word", assess.Image{Reference: "x", Labels: map[string]string{label: "internal"}}, assess.Controlled, assess.Fail, `"internal", which is none of`},
		{"a label opens no binding", assess.Image{Reference: "r", Repository: "ghcr.io/acme/intranet/hr", Labels: map[string]string{label: "open"}}, assess.Open, assess.Fail, "bound"},
		{"of no known repository", assess.Image{Reference: "oci:build/hr"}, assess.Open, assess.Unknown, "it may be one of ghcr.io/acme/intranet/*"},
		{"a list of packages, that has no labels", assess.Image{Reference: "shop.cdx.json", Repository: "docker.io/library/x"}, assess.Open, assess.Unknown, "nothing says whether it is for internal use only"},
		{"of no known repository, and bound", assess.Image{Reference: "oci:build/lab-1"}, assess.Open, assess.Fail, "bound to small"},
	} {
		got := assess.Admits(&assess.Subject{Image: tc.image}, bindings, assess.Environment{Exposure: tc.exposure})
		if got.Verdict != tc.want || !strings.Contains(got.Reason, tc.reason) || (got.Step == "") != (tc.want == assess.Pass) {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}
