package lang

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"tidewaiter/inventory"
)

// What is here are runtimes and toolchains that say their version in a file of their own; those that say it in a
// binary are the executable extractor's.

// recognised completes a package that no package manager declares. cpe is vendor:product.
func recognised(pkg inventory.Package, cpe, file, evidence string) inventory.Package {
	pkg.Recognised = true
	pkg.Evidence = []string{file + ": " + evidence}
	if cpe != "" {
		pkg.CPE = fmt.Sprintf("cpe:2.3:a:%s:%s:*:*:*:*:*:*:*", cpeValue.Replace(cpe), cpeValue.Replace(pkg.Version))
	}
	return pkg
}

// cpeValue quotes what has a meaning in a formatted string (NISTIR 7695, section 6.2); names come with a plain colon
// between vendor and product.
var cpeValue = strings.NewReplacer("+", `\+`, "~", `\~`)

// plainVersion is what a version may look like; whatever else a file has in its place names nothing.
var plainVersion = regexp.MustCompile(`^\d[\w.+-]{0,40}$`)

// one makes a list of a package that was recognised by a file, if there is a version.
func one(product, version, cpe, file, evidence string) []inventory.Package {
	if !plainVersion.MatchString(version) {
		return nil
	}
	return []inventory.Package{recognised(newPackage("generic", product, version), cpe, file, evidence)}
}

// parseGoToolchain reads GOROOT/VERSION, whose first line is the release: "go1.22.1". A toolchain is both things that
// the advisories of Go know beside modules: the standard library's source, and the programs.
func parseGoToolchain(p string, content []byte) ([]inventory.Package, error) {
	line, _, _ := strings.Cut(string(content), "\n")
	line = strings.TrimSpace(line)
	version := strings.TrimPrefix(line, "go")
	if !plainVersion.MatchString(version) {
		return nil, nil
	}
	evidence := fmt.Sprintf("version %q", line)
	return []inventory.Package{
		recognised(newPackage("golang", "stdlib", version), "golang:go", p, evidence),
		recognised(newPackage("golang", "toolchain", version), "golang:go", p, evidence),
	}, nil
}

// parseJavaRelease reads the release file of a Java runtime, lines of NAME="value":
// https://openjdk.org/jeps/223 and its successors.
func parseJavaRelease(p string, content []byte) ([]inventory.Package, error) {
	values := map[string]string{}
	for line := range bytes.Lines(content) {
		if name, value, ok := strings.Cut(strings.TrimSpace(string(line)), "="); ok {
			values[name] = strings.Trim(value, `"`)
		}
	}
	version, ok := values["JAVA_VERSION"]
	if !ok {
		return nil, nil
	}
	evidence := fmt.Sprintf("JAVA_VERSION=%q", version)
	if by := values["IMPLEMENTOR"]; by != "" {
		evidence += fmt.Sprintf(" IMPLEMENTOR=%q", by)
	}
	if values["BUILD_TYPE"] == "commercial" { // Oracle's own; its builds of OpenJDK have the same implementor
		return one("oracle-jdk", version, "oracle:jdk", p, evidence), nil
	}
	return one("openjdk", version, "oracle:openjdk", p, evidence), nil
}

// parseDotnetRuntime reads nothing but where a shared framework's list of assemblies lies:
// shared/Microsoft.NETCore.App/8.0.4, as https://learn.microsoft.com/en-us/dotnet/core/distribution-packaging says.
func parseDotnetRuntime(p string, _ []byte) ([]inventory.Package, error) {
	dir := path.Dir(p)
	version, framework := path.Base(dir), path.Base(path.Dir(dir))
	if path.Base(path.Dir(path.Dir(dir))) != "shared" || framework+".deps.json" != path.Base(p) {
		return nil, nil
	}
	evidence := fmt.Sprintf("directory %q", "shared/"+framework+"/"+version)
	if framework == "Microsoft.AspNetCore.App" {
		return one("aspnetcore", version, "microsoft:asp.net_core", p, evidence), nil
	}
	return one("dotnet", version, "microsoft:.net", p, evidence), nil
}

// parseOTP reads releases/26/OTP_VERSION, the full version of an installed Erlang/OTP:
// https://www.erlang.org/doc/system/versions.html.
func parseOTP(p string, content []byte) ([]inventory.Package, error) {
	version := strings.TrimRight(strings.TrimSpace(string(content)), "*") // the asterisk marks a patched release
	return one("erlang", version, `erlang:erlang\/otp`, p, fmt.Sprintf("version %q", version)), nil
}

var elixirVersion = regexp.MustCompile(`\{vsn,\s*"([^"]+)"\}`)

// parseElixir reads the application resource file of Elixir's own library, an Erlang term:
// https://www.erlang.org/doc/apps/kernel/app.html.
func parseElixir(p string, content []byte) ([]inventory.Package, error) {
	m := elixirVersion.FindSubmatch(content)
	if m == nil {
		return nil, nil
	}
	return one("elixir", string(m[1]), "elixir-lang:elixir", p, string(m[0])), nil
}
