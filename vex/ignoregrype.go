package vex

import (
	"fmt"
	"strings"

	"github.com/package-url/packageurl-go"
)

// grypeIgnores reads the rules of Grype's configuration (https://github.com/anchore/grype#specifying-matches-to-ignore).
func grypeIgnores(document map[string]any) []Ignored {
	var list []Ignored
	for n, f := range entries(document, "ignore") {
		id := f.text("vulnerability")
		list = append(list, grypeRule(n, id, f))
	}
	return list
}

func grypeRule(n int, id string, f fields) Ignored {
	pkg := f.sub("package")
	name, version := pkg.text("name"), pkg.text("version")
	out := Ignored{Entry: strings.TrimRight(fmt.Sprintf("ignore %d: %s %s", n+1, id, name), ": ")}
	e := Exception{Vulnerabilities: []string{id}, Status: Affected, Reason: f.text("reason")}
	delete(f, "include-aliases") // an exception always holds for the other names of a vulnerability
	state, namespace := f.text("fix-state"), f.text("namespace")
	switch {
	case f["vex-status"] != nil || f["vex-justification"] != nil:
		out.Why = "it says what VEX documents do: give those with --vex"
	case id == "" && state != "":
		out.Why = "it is about whatever has no fix: an exception names one vulnerability"
	case checkID(id) != "":
		out.Why = checkID(id)
	case state == "fixed":
		out.Why = "it is meant for what has a fix only, which an exception cannot say"
	case state != "":
		e.End.Fix = true
	}
	purl, why := grypePackage(pkg, name, version, namespace)
	switch {
	case out.Why != "":
	case why != "":
		out.Why = why
	case len(f) > 0:
		out.Why = "not understood: " + f.left()
	case purl != "":
		e.Product = Product{{Names: []string{purl}}}
	}
	return out.with(e)
}

// grypePackage gives the package URL of what a rule names, as far as it can be told; or else why it cannot.
func grypePackage(pkg fields, name, version, namespace string) (purl, why string) {
	kind, language := pkg.text("type"), pkg.text("language")
	switch {
	case pkg["location"] != nil:
		return "", "it is meant for some paths only, which an exception cannot say"
	case pkg["upstream-name"] != nil:
		return "", "it is meant for all packages built from one source: name each of them, or the source as pkg:deb/debian/NAME?arch=source"
	case len(pkg) > 0:
		return "", "not understood: package " + pkg.left()
	case name == "" && version+kind+language == "" && namespace == "":
		return "", ""
	case name == "":
		return "", "it names no package, only what sort of package is meant"
	case strings.ContainsAny(name, "*^$|()[]{}?\\"):
		return "", "its package is a pattern, and an exception names one package"
	}
	u := packageurl.PackageURL{Type: grypeTypes()[kind], Name: name, Version: version}
	if u.Type == "" {
		u.Type = grypeTypes()[language]
	}
	switch u.Type {
	case "":
		return "", "the type of the package is not said, and so not which package it is"
	case packageurl.TypeMaven:
		return "", "the group of the package is not said: pkg:maven/GROUP/" + name
	case packageurl.TypeDebian, packageurl.TypeRPM, packageurl.TypeApk:
		parts := strings.Split(namespace, ":") // debian:distro:debian:12
		if len(parts) != 4 {
			return "", fmt.Sprintf("its distribution is not said: pkg:%s/DISTRIBUTION/%s", u.Type, name)
		}
		release := strings.Replace(parts[2], "redhat", "rhel", 1) + "-" + parts[3]
		u.Namespace, u.Qualifiers = parts[2], packageurl.QualifiersFromMap(map[string]string{"distro": release})
	default:
		if namespace != "" && !strings.HasPrefix(namespace, "github:") {
			return "", fmt.Sprintf("it is meant for what %s says only, which an exception cannot say", namespace)
		}
		if at := strings.LastIndexByte(name, '/'); at >= 0 {
			u.Namespace, u.Name = name[:at], name[at+1:]
		}
	}
	return u.ToString(), ""
}

// grypeTypes gives the types of package URLs by Grype's types and languages.
func grypeTypes() map[string]string {
	return map[string]string{
		"deb": "deb", "rpm": "rpm", "apk": "apk", "npm": "npm", "javascript": "npm", "python": "pypi", "gem": "gem", "ruby": "gem", "go-module": "golang",
		"go": "golang", "java-archive": "maven", "jenkins-plugin": "maven", "java": "maven", "rust-crate": "cargo", "rust": "cargo", "php-composer": "composer",
		"php": "composer", "dotnet": "nuget", "hex": "hex", "pub": "pub", "dart-pub": "pub", "pod": "cocoapods", "conan": "conan", "hackage": "hackage", "R-package": "cran",
	}
}
