package lang

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
)

func TestLicences(t *testing.T) {
	for _, c := range []struct {
		stated, want []string
	}{
		{[]string{"mit", "MIT"}, []string{"MIT"}},
		{[]string{"(MIT OR Apache-2.0)"}, []string{"MIT OR Apache-2.0"}},
		{[]string{"The Apache License, Version 2.0"}, []string{"Apache-2.0"}},
		{[]string{"BSD"}, []string{"BSD"}},
		{[]string{"("}, []string{"("}},
		{[]string{"", "UNKNOWN", strings.Repeat("text ", 100)}, nil},
	} {
		if d := cmp.Diff(c.want, licences(c.stated...)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.stated, d)
		}
	}
}

func TestPyPIName(t *testing.T) {
	for in, want := range map[string]string{"Zope.Interface": "zope-interface", "a__b-.c": "a-b-c", "PyYAML": "pyyaml"} {
		if got := inventory.AdvisoryName("pypi", in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// TestPURL holds purls against the ones that the purl specification's tests build.
func TestPURL(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "conformance", "purl", "tests", "types")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the purl specification's tests are not here")
	}
	n := 0
	for _, purlType := range []string{"npm", "maven", "pypi", "golang", "gem", "cargo", "nuget", "composer", "hex", "pub", "cran", "swift", "hackage"} {
		b, err := os.ReadFile(filepath.Join(dir, purlType+"-test.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Tests []struct {
				Type     string          `json:"test_type"`
				Failure  bool            `json:"expected_failure"`
				Input    json.RawMessage `json:"input"`
				Expected json.RawMessage `json:"expected_output"`
			} `json:"tests"`
		}
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatal(err)
		}
		for _, c := range file.Tests {
			var in struct {
				Type, Namespace, Name, Version, Subpath string
				Qualifiers                              map[string]string
			}
			if c.Type != "build" || c.Failure || json.Unmarshal(c.Input, &in) != nil || in.Type != purlType || len(in.Qualifiers) > 0 || in.Subpath != "" {
				continue
			}
			name := in.Name
			switch {
			case in.Namespace != "" && purlType == "maven":
				name = in.Namespace + ":" + in.Name
			case in.Namespace != "":
				name = in.Namespace + "/" + in.Name
			}
			n++
			if got := newPackage(purlType, name, in.Version).PURL; got != jsonString(c.Expected) {
				t.Errorf("%s %s %s: got %s, want %s", purlType, name, in.Version, got, c.Expected)
			}
		}
	}
	if n == 0 {
		t.Error("no test was found in the specification's files")
	}
}
