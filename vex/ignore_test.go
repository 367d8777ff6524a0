package vex

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every entry of the ignore files of others becomes an exception, or is told with the reason why it cannot be one.
func TestIgnoreFiles(t *testing.T) {
	for name, c := range map[string]struct{ file, content, want string }{
		"Trivy's plain": {".trivyignore", `
# Reviewed by Ann,
# nobody calls it
CVE-2024-1
CVE-2024-2 exp:2026-12-24

CVE-2024-3 # of its own
GHSA-aaaa-bbbb-cccc  exp:tomorrow
AVD-DS-0002
GPL-3.0
aws-access-key-id
`, `
line 4: CVE-2024-1: CVE-2024-1 every package in every image until  (Reviewed by Ann, nobody calls it)
line 5: CVE-2024-2: CVE-2024-2 every package in every image until 2026-12-24 (Reviewed by Ann, nobody calls it)
line 7: CVE-2024-3: CVE-2024-3 every package in every image until  (of its own)
line 8: GHSA-aaaa-bbbb-cccc: "exp:tomorrow" is not understood
line 9: AVD-DS-0002: not the id of a vulnerability: misconfigurations and secrets have other names here, which scan --all shows, and licences have no exceptions
line 10: GPL-3.0: not the id of a vulnerability: misconfigurations and secrets have other names here, which scan --all shows, and licences have no exceptions
line 11: aws-access-key-id: not the id of a vulnerability: misconfigurations and secrets have other names here, which scan --all shows, and licences have no exceptions
`},
		"Trivy's structured": {".trivyignore.yaml", `
vulnerabilities:
  - id: CVE-2024-1
    expired_at: 2026-12-24
    statement: nobody calls it
  - id: CVE-2024-2
    purls: ["pkg:npm/a@1", "pkg:npm/b"]
  - id: CVE-2024-3
    paths: ["usr/bin/*"]
  - id: CVE-2024-4
    purls: ["a"]
  - id: CVE-2024-5
    expired_at: soon
  - id: CVE-2024-6
    severity: low
  - nothing
misconfigurations:
  - id: AVD-DS-0002
    paths: [Dockerfile]
`, `
vulnerabilities 1: CVE-2024-1: CVE-2024-1 every package in every image until 2026-12-24 (nobody calls it)
vulnerabilities 2: CVE-2024-2: CVE-2024-2 pkg:npm/a@1 in every image until  ()
vulnerabilities 2: CVE-2024-2: CVE-2024-2 pkg:npm/b in every image until  ()
vulnerabilities 3: CVE-2024-3: it is meant for some paths only, which an exception cannot say
vulnerabilities 4: CVE-2024-4: "a" is no package URL
vulnerabilities 5: CVE-2024-5: expired_at is no day: "soon"
vulnerabilities 6: CVE-2024-6: not understood: severity
vulnerabilities 7: : it names no vulnerability
misconfigurations 1: AVD-DS-0002: misconfigurations and secrets have other names here, which scan --all shows, and licences have no exceptions
`},
		"Grype's": {".grype.yaml", `
fail-on-severity: high
ignore:
  - vulnerability: CVE-2024-1
    reason: nobody calls it
    include-aliases: true
  - vulnerability: CVE-2024-2
    fix-state: wont-fix
    package: {name: "@acme/a", version: 1.0.0, type: npm}
  - vulnerability: CVE-2024-3
    namespace: debian:distro:debian:12
    package: {name: libssl3, type: deb}
  - vulnerability: CVE-2024-4
    package: {name: libssl3, type: deb}
  - vulnerability: CVE-2024-5
    package: {name: "linux-.*", type: deb}
  - vulnerability: CVE-2024-6
    package: {type: npm, location: /usr/lib/**}
  - fix-state: not-fixed
  - vex-status: not_affected
  - package: {type: gem}
  - vulnerability: CVE-2024-7
    package: {name: log4j-core, type: java-archive}
  - vulnerability: CVE-2024-8
    package: {name: github.com/acme/tool, language: go}
  - vulnerability: CVE-2024-9
    match-type: exact-direct-match
  - vulnerability: CVE-2024-10
    fix-state: fixed
  - vulnerability: CVE-2024-11
    package: {name: curl}
`, `
ignore 1: CVE-2024-1: CVE-2024-1 every package in every image until  (nobody calls it)
ignore 2: CVE-2024-2 @acme/a: CVE-2024-2 pkg:npm/%40acme/a@1.0.0 in every image until fix ()
ignore 3: CVE-2024-3 libssl3: CVE-2024-3 pkg:deb/debian/libssl3?distro=debian-12 in every image until  ()
ignore 4: CVE-2024-4 libssl3: its distribution is not said: pkg:deb/DISTRIBUTION/libssl3
ignore 5: CVE-2024-5 linux-.*: its package is a pattern, and an exception names one package
ignore 6: CVE-2024-6: it is meant for some paths only, which an exception cannot say
ignore 7: it is about whatever has no fix: an exception names one vulnerability
ignore 8: it says what VEX documents do: give those with --vex
ignore 9: it names no vulnerability
ignore 10: CVE-2024-7 log4j-core: the group of the package is not said: pkg:maven/GROUP/log4j-core
ignore 11: CVE-2024-8 github.com/acme/tool: CVE-2024-8 pkg:golang/github.com/acme/tool in every image until  ()
ignore 12: CVE-2024-9: not understood: match-type
ignore 13: CVE-2024-10: it is meant for what has a fix only, which an exception cannot say
ignore 14: CVE-2024-11 curl: the type of the package is not said, and so not which package it is
`},
		"OSV-Scanner's": {"osv-scanner.toml", `
GoVersionOverride = "1.22.0"
[[IgnoredVulns]]
id = "GO-2022-0968"
ignoreUntil = 2026-12-24
reason = "no ssh here"
[[IgnoredVulns]]
id = "GHSA-aaaa-bbbb-cccc"
ignoreUntil = "2026-12-24"
[[IgnoredVulns]]
id = "CVE-2024-1"
ignoreUntil = 2026-12-24T10:00:00Z
[[PackageOverrides]]
name = "lodash"
ecosystem = "npm"
vulnerability.ignore = true
reason = "so"
`, `
IgnoredVulns 1: GO-2022-0968: GO-2022-0968 every package in every image until 2026-12-24 (no ssh here)
IgnoredVulns 2: GHSA-aaaa-bbbb-cccc: GHSA-aaaa-bbbb-cccc every package in every image until 2026-12-24 ()
IgnoredVulns 3: CVE-2024-1: CVE-2024-1 every package in every image until 2026-12-24 ()
PackageOverrides 1: npm lodash: it ignores a package whatever is found in it, or a licence: an exception names one vulnerability
GoVersionOverride: it is no exception
`},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := ParseIgnores(c.file, []byte(c.content))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, i := range list {
				for _, e := range i.Exceptions {
					fmt.Fprintf(&got, "%s: %s %s until %s (%s)\n", i.Entry, e.Vulnerabilities[0], e.Scope(), e.End, e.Reason)
				}
				if i.Why != "" {
					fmt.Fprintf(&got, "%s: %s\n", i.Entry, i.Why)
				}
			}
			if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestIgnoreFilesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ file, content, want string }{
		{"a.yaml", "a: [", "did not find expected"},
		{"a.yaml", "checks: []", "neither Trivy's nor Grype's"},
		{"a.toml", "[[", "toml: "},
		{".trivyignore", strings.Repeat("CVE-2024-1\n", maxIgnored+1), "more than 10000 entries"},
		{".trivyignore", strings.Repeat(" ", maxIgnoreFile+1), "over 1 MiB"},
		{".trivyignore", strings.Repeat("x", 1<<17), "token too long"},
	} {
		if _, err := ParseIgnores(c.file, []byte(c.content)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.file, err, c.want)
		}
	}
}

// Whatever a file says, it is read or refused, and every entry says something.
func FuzzIgnores(f *testing.F) {
	f.Add(byte(0), []byte("# a\nCVE-2024-1 exp:2026-01-01\n"))
	f.Add(byte(1), []byte("vulnerabilities:\n- id: CVE-2024-1\n  purls: [pkg:npm/a]\n"))
	f.Add(byte(1), []byte("ignore:\n- vulnerability: CVE-2024-1\n  package: {name: a, type: npm}\n"))
	f.Add(byte(2), []byte("[[IgnoredVulns]]\nid = \"CVE-2024-1\"\nignoreUntil = 2026-01-01\n"))
	f.Fuzz(func(t *testing.T, kind byte, raw []byte) {
		list, err := ParseIgnores([]string{".trivyignore", "a.yaml", "a.toml"}[kind%3], raw)
		if err != nil {
			return
		}
		for _, i := range list {
			if (len(i.Exceptions) == 0) == (i.Why == "") {
				t.Fatalf("%+v", i)
			}
		}
	})
}
