package lang

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
)

func TestRuntimesThatSayTheirVersionInAFile(t *testing.T) {
	tests := []struct {
		file, content string
		purls, cpes   []string
		evidence      string
	}{
		{
			"usr/local/go/VERSION", "go1.22.1\ntime 2024-02-29T18:18:48Z\n",
			[]string{"pkg:golang/stdlib@1.22.1", "pkg:golang/toolchain@1.22.1"},
			[]string{"cpe:2.3:a:golang:go:1.22.1:*:*:*:*:*:*:*", "cpe:2.3:a:golang:go:1.22.1:*:*:*:*:*:*:*"},
			`usr/local/go/VERSION: version "go1.22.1"`,
		},
		{"opt/app/VERSION", "go1 is old\n", nil, nil, ""},
		{
			"opt/java/release", "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\nMODULES=\"java.base\"\n",
			[]string{"pkg:generic/openjdk@17.0.9"}, []string{"cpe:2.3:a:oracle:openjdk:17.0.9:*:*:*:*:*:*:*"},
			`opt/java/release: JAVA_VERSION="17.0.9" IMPLEMENTOR="Eclipse Adoptium"`,
		},
		{
			"opt/jdk/release", "BUILD_TYPE=\"commercial\"\r\nIMPLEMENTOR=\"Oracle Corporation\"\r\nJAVA_VERSION=\"21.0.1\"\r\n",
			[]string{"pkg:generic/oracle-jdk@21.0.1"}, []string{"cpe:2.3:a:oracle:jdk:21.0.1:*:*:*:*:*:*:*"},
			`opt/jdk/release: JAVA_VERSION="21.0.1" IMPLEMENTOR="Oracle Corporation"`,
		},
		{"etc/release", "NAME=\"Some Linux\"\n", nil, nil, ""},
		{"opt/jdk/release", "JAVA_VERSION=\"*\x1b[2J\"\n", nil, nil, ""},
		{
			"usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.4/Microsoft.NETCore.App.deps.json", "{}",
			[]string{"pkg:generic/dotnet@8.0.4"}, []string{"cpe:2.3:a:microsoft:.net:8.0.4:*:*:*:*:*:*:*"},
			`usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.4/Microsoft.NETCore.App.deps.json: directory "shared/Microsoft.NETCore.App/8.0.4"`,
		},
		{"app/Microsoft.NETCore.App.deps.json", "{}", nil, nil, ""},
		{
			"usr/local/lib/erlang/releases/26/OTP_VERSION", "26.2.1**\n",
			[]string{"pkg:generic/erlang@26.2.1"}, []string{`cpe:2.3:a:erlang:erlang\/otp:26.2.1:*:*:*:*:*:*:*`},
			`usr/local/lib/erlang/releases/26/OTP_VERSION: version "26.2.1"`,
		},
		{
			"usr/local/lib/elixir/lib/elixir/ebin/elixir.app", `{application,elixir,[{registered,[elixir_config]},{vsn,"1.15.7"}]}.`,
			[]string{"pkg:generic/elixir@1.15.7"}, []string{"cpe:2.3:a:elixir-lang:elixir:1.15.7:*:*:*:*:*:*:*"},
			`usr/local/lib/elixir/lib/elixir/ebin/elixir.app: {vsn,"1.15.7"}`,
		},
	}
	for _, tt := range tests {
		var purls, cpes []string
		for _, p := range recognisedIn(t, tt.file, tt.content) {
			purls, cpes = append(purls, p.PURL), append(cpes, p.CPE)
			if diff := cmp.Diff([]string{tt.evidence}, p.Evidence); diff != "" {
				t.Errorf("%s: evidence: %s", tt.file, diff)
			}
		}
		if diff := cmp.Diff([][]string{tt.purls, tt.cpes}, [][]string{purls, cpes}); diff != "" {
			t.Errorf("%s: %s", tt.file, diff)
		}
	}
}

func TestKnownProgramsAreRecognised(t *testing.T) {
	const inConstants = "\x00node.js/v18.20.4\x00"
	for _, content := range []string{elfWith(".rodata", inConstants, nil), elfWith(".text", inConstants, nil)} {
		pkgs := recognisedIn(t, "usr/local/bin/node", content)
		want := []inventory.Package{{
			PURL: "pkg:generic/node@18.20.4", Type: "generic", Name: "node", Version: "18.20.4", Paths: []string{"usr/local/bin/node"},
			Extractor: "recognised-binary", Recognised: true, CPE: "cpe:2.3:a:nodejs:node.js:18.20.4:*:*:*:*:*:*:*",
			Evidence: []string{`usr/local/bin/node: version string "node.js/v18.20.4"`},
		}}
		if diff := cmp.Diff(want, pkgs); diff != "" {
			t.Error(diff)
		}
	}
	if pkgs := recognisedIn(t, "usr/local/bin/tool", elfWith(".rodata", inConstants, nil)); len(pkgs) > 0 {
		t.Errorf("a program of no known name: %v", pkgs)
	}
}

// recognisedIn gives the recognised packages of an image that holds one file.
func recognisedIn(t *testing.T, file, content string) []inventory.Package {
	t.Helper()
	var pkgs []inventory.Package
	for _, name := range []string{"executable", "go-toolchain", "java-runtime", "dotnet-runtime", "erlang-runtime", "elixir-runtime"} {
		found, err := extract(t, name, map[string]string{file: content})
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		pkgs = append(pkgs, slices.DeleteFunc(found, func(p inventory.Package) bool { return !p.Recognised })...)
	}
	return pkgs
}
