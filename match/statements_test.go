package match

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
	"tidewaiter/vex"
)

var (
	imageDigest = "sha256:" + strings.Repeat("a", 64)
	otherDigest = "sha256:" + strings.Repeat("b", 64)
)

// stated is a small image: a distribution's packages, a Go program with its module, an application with a module of npm.
func stated() (*Aboard, *inventory.Inventory) {
	inv := &inventory.Inventory{
		OS: inventory.OS{ID: "debian", VersionID: "12", CPE: "cpe:/o:debian:debian_linux:12.5"},
		Packages: []inventory.Package{
			{PURL: "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12", Type: "deb", Name: "libssl3", Version: "3.0.11-1", Ecosystem: "Debian:12",
				Arch: "amd64", Source: &inventory.Source{Name: "openssl", Version: "3.0.11-1"}, Paths: []string{"var/lib/dpkg/status"}},
			{PURL: "pkg:deb/debian/python3-yaml@6.0-3?arch=amd64&distro=debian-12", Type: "deb", Name: "python3-yaml", Version: "6.0-3", Ecosystem: "Debian:12"},
			{PURL: "pkg:pypi/pyyaml@6.0", Type: "pypi", Name: "pyyaml", Version: "6.0", Ecosystem: "PyPI",
				Owner: "pkg:deb/debian/python3-yaml@6.0-3?arch=amd64&distro=debian-12", Paths: []string{"usr/lib/python3/dist-packages/PyYAML.egg-info"}},
			{PURL: "pkg:golang/example.com/Tool@v1.4.0", Type: "golang", Name: "example.com/Tool", Version: "v1.4.0", Ecosystem: "Go", Main: true, Paths: []string{"usr/bin/tool"}},
			{PURL: "pkg:golang/golang.org/x/net@v0.10.0", Type: "golang", Name: "golang.org/x/net", Version: "v0.10.0", Ecosystem: "Go", Paths: []string{"usr/bin/tool"}},
			{PURL: "pkg:golang/golang.org/x/sys@v0.9.0", Type: "golang", Name: "golang.org/x/sys", Version: "v0.9.0", Ecosystem: "Go", Paths: []string{"usr/bin/other", "usr/bin/tool"}},
			{PURL: "pkg:npm/shop@2.1.0", Type: "npm", Name: "shop", Version: "2.1.0", Ecosystem: "npm", Project: true, Paths: []string{"app/package.json"}},
			{PURL: "pkg:npm/lodash@4.17.4", Type: "npm", Name: "lodash", Version: "4.17.4", Ecosystem: "npm", Paths: []string{"app/node_modules/lodash/package.json"}},
			{PURL: "pkg:rpm/redhat/nodejs@1:18.1-1.module?arch=x86_64&distro=rhel-8.9", Type: "rpm", Name: "nodejs", Version: "1:18.1-1.module", Modularity: "nodejs:18:8090:rhel8"},
			{PURL: "pkg:generic/nginx@1.25.3", Type: "generic", Name: "nginx", Version: "1.25.3", CPE: "cpe:2.3:a:f5:nginx:1.25.3:*:*:*:*:*:*:*"},
		},
	}
	im := vex.Image{Repository: "ghcr.io/acme/shop", Name: "shop", Tag: "2.1", Digests: []string{imageDigest}, Arch: "amd64"}
	return NewAboard(im, inv), inv
}

func findingOf(inv *inventory.Inventory, name, id string, aliases ...string) Finding {
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Name == name {
			return Finding{ID: id, Aliases: aliases, Package: p.PURL, Paths: p.Paths, Of: p}
		}
	}
	panic("no package " + name)
}

func product(names ...string) []vex.Product {
	var p vex.Product
	for _, name := range names {
		p = append(p, vex.Component{Names: []string{name}})
	}
	return []vex.Product{p}
}

func within(name, versions string) []vex.Product {
	return []vex.Product{{{Names: []string{name}, Range: versions}}}
}

func notAffected(id string, products []vex.Product) vex.Statement {
	return vex.Statement{
		Vulnerabilities: []string{id}, Products: products, Status: vex.NotAffected, Justification: "vulnerable_code_not_present",
		Author: "Ann", Source: "a.json", Believed: true,
	}
}

// A statement's product must be the finding's package, or hold it.
func TestProducts(t *testing.T) {
	const image = "pkg:oci/shop?repository_url=ghcr.io/acme/shop"
	for _, c := range []struct {
		pkg     string
		product []vex.Product
		rank    int // 0: it does not fit
	}{
		{"libssl3", product("pkg:deb/debian/libssl3"), 10},
		{"libssl3", product("pkg:deb/debian/libssl3@3.0.11-1"), 20},
		{"libssl3", product("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=bookworm"), 20},
		{"libssl3", product("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12"), 20},
		{"libssl3", product("pkg:deb/debian/libssl3@3.0.11-1?distro=debian-11"), 0},
		{"libssl3", product("pkg:deb/debian/libssl3@3.0.11-1?distro=bullseye"), 0},
		{"libssl3", product("pkg:deb/debian/libssl3?arch=arm64"), 0},
		{"libssl3", product("pkg:deb/debian/libssl3@3.0.11-2"), 0},
		{"libssl3", product("pkg:deb/ubuntu/libssl3"), 0},
		{"libssl3", product("pkg:deb/debian/openssl@3.0.11-1?arch=source"), 20},
		{"libssl3", product("pkg:deb/debian/openssl@3.0.11-1"), 0},
		{"libssl3", product("cpe:/o:debian:debian_linux:12", "pkg:deb/debian/libssl3"), 11},
		{"libssl3", product("cpe:/o:debian:debian_linux:11", "pkg:deb/debian/libssl3"), 0},
		{"libssl3", product("cpe:/o:debian:debian_linux:12"), 0}, // a whole distribution is no product
		{"libssl3", product(image), 201},
		{"libssl3", product("ghcr.io/acme/shop:2.1"), 202},
		{"libssl3", product("pkg:oci/shop@" + imageDigest), 203},
		{"libssl3", product(imageDigest, "pkg:deb/debian/libssl3"), 213},
		{"libssl3", product(imageDigest, "pkg:deb/debian/libssl3@3.0.11-1"), 223},
		{"libssl3", product(otherDigest, "pkg:deb/debian/libssl3@3.0.11-1"), 0},
		{"libssl3", product(image, "pkg:deb/debian/zlib1g"), 0},
		{"libssl3", []vex.Product{{{Names: []string{image, otherDigest}}}}, 0}, // the name fits, the digest does not
		{"lodash", product("pkg:npm/lodash@4.17.4"), 20},
		{"lodash", product("pkg:npm/shop@2.1.0", "pkg:npm/lodash"), 112},
		{"lodash", product("pkg:npm/shop"), 101},
		{"lodash", product("pkg:npm/shop@1.0.0"), 0},
		{"lodash", product("pkg:golang/example.com/tool", "pkg:npm/lodash"), 0}, // which is not in it
		{"golang.org/x/net", product("pkg:golang/example.com/tool@1.4.0"), 102},
		{"golang.org/x/net", product("pkg:golang/example.com/Tool", "pkg:golang/golang.org/x/net@0.10.0"), 121},
		{"pyyaml", product("pkg:deb/debian/python3-yaml"), 101},
		{"nodejs", product("pkg:rpmmod/redhat/nodejs@18:8090:rhel8", "pkg:rpm/redhat/nodejs"), 11},
		{"nodejs", product("pkg:rpmmod/redhat/nodejs@20", "pkg:rpm/redhat/nodejs"), 0},
		{"nodejs", product("pkg:rpm/rhel/nodejs@18.1-1.module?epoch=1&distro=rhel-8"), 20},
		{"nginx", product("cpe:2.3:a:f5:nginx:*:*:*:*:*:*:*:*"), 10},
		{"nginx", product("cpe:/a:f5:nginx:1.25.3"), 20},
		{"nginx", product("cpe:/a:f5:nginx:1.25.2"), 0},
		{"lodash", within("pkg:npm/lodash", "vers:npm/<4.17.21"), 20},
		{"lodash", within("pkg:npm/lodash", "vers:npm/>=4.17.5|<4.17.21"), 0},
		{"lodash", within("pkg:npm/lodash", "<4.17.21"), 0}, // no vers
		{"libssl3", within("pkg:deb/debian/libssl3", "vers:deb/<3.0.12"), 20},
		{"golang.org/x/net", within("pkg:golang/golang.org/x/net", "vers:golang/>=0.9.0|<0.11.0"), 20},
		{"golang.org/x/net", within("pkg:golang/golang.org/x/net", "vers:golang/v0.11.0"), 0},
		{"nginx", product("the shop"), 0},
		{"nginx", product("[ERROR] CVE type  not mapped"), 0},
		{"nginx", []vex.Product{{}}, 0},
		{"nginx", []vex.Product{{{}}}, 0},
		{"nginx", nil, 0},
	} {
		a, inv := stated()
		findings := []Finding{findingOf(inv, c.pkg, "CVE-2024-1")}
		a.State(findings, []vex.Statement{notAffected("CVE-2024-1", c.product)}, Exceptions{})
		rank := 0
		if s := findings[0].Statements; len(s) > 0 {
			rank = s[0].rank
		}
		if rank != c.rank || (findings[0].Quieted != nil) != (c.rank > 0) {
			t.Errorf("%s, %v: rank %d, want %d; quieted: %+v", c.pkg, c.product, rank, c.rank, findings[0].Quieted)
		}
	}
}

// Of several statements the most specific counts, then the newest, then the most cautious.
func TestStatementOrder(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	of := func(status vex.Status, when time.Time, names ...string) vex.Statement {
		s := notAffected("CVE-2024-1", product(names...))
		s.Status, s.Time = status, when
		return s
	}
	const pkg, version, image = "pkg:deb/debian/libssl3", "pkg:deb/debian/libssl3@3.0.11-1", "ghcr.io/acme/shop"
	for name, c := range map[string]struct {
		statements []vex.Statement
		quiet      bool
	}{
		"the version before the package": {[]vex.Statement{of(vex.NotAffected, day(1), version), of(vex.Affected, day(2), pkg)}, true},
		"the image before the version":   {[]vex.Statement{of(vex.Affected, day(1), image), of(vex.NotAffected, day(2), version)}, false},
		"the package in the image first": {[]vex.Statement{of(vex.NotAffected, day(1), image, pkg), of(vex.Affected, day(2), imageDigest)}, true},
		"and its version":                {[]vex.Statement{of(vex.NotAffected, day(1), image, version), of(vex.Affected, day(2), imageDigest, pkg)}, true},
		"the newest":                     {[]vex.Statement{of(vex.Fixed, day(2), pkg), of(vex.Affected, day(1), pkg)}, true},
		"the oldest does not count":      {[]vex.Statement{of(vex.Fixed, day(1), pkg), of(vex.UnderInvestigation, day(2), pkg)}, false},
		"the most cautious":              {[]vex.Statement{of(vex.NotAffected, day(1), pkg), of(vex.Affected, day(1), pkg)}, false},
		"any time before none":           {[]vex.Statement{of(vex.Affected, time.Time{}, pkg), of(vex.NotAffected, day(1), pkg)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a, inv := stated()
			findings := []Finding{findingOf(inv, "libssl3", "CVE-2024-1")}
			unused := a.State(findings, c.statements, Exceptions{})
			f := findings[0]
			if (f.Quieted != nil) != c.quiet || len(f.Statements) != 2 || !f.Statements[0].Decided || f.Statements[1].Decided {
				t.Errorf("quieted: %+v; statements: %+v", f.Quieted, f.Statements)
			}
			if len(unused) != 1 || !strings.HasPrefix(unused[0].Why, "overruled by Ann (a.json): ") {
				t.Errorf("unused: %+v", unused)
			}
		})
	}
}

// What can decide, and what is only listed.
func TestWhatQuiets(t *testing.T) {
	record := func(id string, aliases ...string) hit { return hit{record: &advisory.Record{ID: id, Aliases: aliases}} }
	change := func(f func(*vex.Statement)) vex.Statement {
		s := notAffected("CVE-2024-1", product("pkg:npm/lodash"))
		f(&s)
		return s
	}
	for name, c := range map[string]struct {
		finding    func(*Finding)
		statements []vex.Statement
		quieted    *Quieted
		notes      []string
	}{
		"by an alias": {
			statements: []vex.Statement{change(func(s *vex.Statement) { s.Vulnerabilities = []string{"X-1", "ghsa-AAAA"}; s.Impact = "not  called" })},
			quieted:    &Quieted{By: "vex: Ann (a.json)", Reason: "not affected: vulnerable code not present: not called"}, notes: []string{""},
		},
		"signed": {
			statements: []vex.Statement{change(func(s *vex.Statement) { s.Signer, s.Author, s.Source = "acme.pub", "", "attestation sha256:1" })},
			quieted:    &Quieted{By: "vex: an author not named (attestation sha256:1, signed by acme.pub)", Reason: "not affected: vulnerable code not present"}, notes: []string{""},
		},
		"exploited in the wild": {
			finding:    func(f *Finding) { f.KEV = &advisory.KEV{} },
			statements: []vex.Statement{change(func(*vex.Statement) {})},
			quieted:    &Quieted{By: "vex: Ann (a.json)", Reason: "not affected: vulnerable code not present"}, notes: []string{""},
		},
		"a claim":        {statements: []vex.Statement{change(func(s *vex.Statement) { s.Believed = false })}, notes: []string{"a claim: nobody whom you named said or signed it"}},
		"without reason": {statements: []vex.Statement{change(func(s *vex.Statement) { s.Unreasoned = true })}, notes: []string{"it gives no reason, which its format demands"}},
		"malware":        {finding: func(f *Finding) { f.Malicious = true }, statements: []vex.Statement{change(func(*vex.Statement) {})}, notes: []string{"malware is not quieted by statements"}},
		"affected":       {statements: []vex.Statement{change(func(s *vex.Statement) { s.Status = vex.Affected })}, notes: []string{""}},
		"a claim overrules nothing": {
			statements: []vex.Statement{
				change(func(s *vex.Statement) {}),
				change(func(s *vex.Statement) { s.Believed, s.Status, s.Products = false, vex.Affected, product(imageDigest) }),
			},
			quieted: &Quieted{By: "vex: Ann (a.json)", Reason: "not affected: vulnerable code not present"}, notes: []string{"a claim: nobody whom you named said or signed it", ""},
		},
		"one of two CVEs": {
			finding:    func(f *Finding) { f.Aliases = append(f.Aliases, "CVE-2024-2") },
			statements: []vex.Statement{change(func(*vex.Statement) {})},
			notes:      []string{"it speaks of CVE-2024-1, and CVE-2024-2 stands"},
		},
		"both CVEs": {
			finding:    func(f *Finding) { f.Aliases = append(f.Aliases, "CVE-2024-2") },
			statements: []vex.Statement{change(func(*vex.Statement) {}), change(func(s *vex.Statement) { s.Vulnerabilities = []string{"CVE-2024-2"} })},
			quieted:    &Quieted{By: "vex: Ann (a.json)", Reason: "not affected: vulnerable code not present"}, notes: []string{"", ""},
		},
		"the advisory of both": {
			finding: func(f *Finding) {
				f.Aliases = append(f.Aliases, "CVE-2024-2")
				f.hits = []hit{record("GHSA-aaaa", "CVE-2024-1", "CVE-2024-2")}
			},
			statements: []vex.Statement{change(func(s *vex.Statement) { s.Vulnerabilities = []string{"GHSA-aaaa"} })},
			quieted:    &Quieted{By: "vex: Ann (a.json)", Reason: "not affected: vulnerable code not present"}, notes: []string{""},
		},
		"an alias of one of two": {
			finding:    func(f *Finding) { f.Aliases = append(f.Aliases, "CVE-2024-2") },
			statements: []vex.Statement{change(func(s *vex.Statement) { s.Vulnerabilities = []string{"GHSA-aaaa"} })},
			notes:      []string{"it does not say which of the finding's CVEs it speaks of"},
		},
		"quieted before": {
			finding:    func(f *Finding) { f.Quieted = &Quieted{By: "a-rule"} },
			statements: []vex.Statement{change(func(*vex.Statement) {})},
			quieted:    &Quieted{By: "a-rule"}, notes: []string{""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, inv := stated()
			f := findingOf(inv, "lodash", "CVE-2024-1", "GHSA-aaaa")
			if c.finding != nil {
				c.finding(&f)
			}
			findings := []Finding{f}
			a.State(findings, c.statements, Exceptions{})
			var notes []string
			for _, s := range findings[0].Statements {
				notes = append(notes, s.Note)
			}
			if diff := cmp.Diff([]any{c.quieted, c.notes}, []any{findings[0].Quieted, notes}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A statement about one program does not speak for another one's copy of the same module.
func TestCopiesElsewhere(t *testing.T) {
	a, inv := stated()
	findings := []Finding{findingOf(inv, "golang.org/x/sys", "CVE-2024-1")}
	a.State(findings, []vex.Statement{notAffected("CVE-2024-1", product("pkg:golang/example.com/tool", "pkg:golang/golang.org/x/sys"))}, Exceptions{})
	// The package itself is named, inside a program that is not all that has it.
	f := findings[0]
	if f.Quieted != nil || len(f.Statements) != 1 || f.Statements[0].Note != "it speaks of one copy of the package, and there are others" {
		t.Errorf("%+v", f)
	}
}

func TestUnusedStatements(t *testing.T) {
	a, inv := stated()
	bulk := notAffected("CVE-2024-9", product("pkg:npm/lodash"))
	bulk.Bulk, bulk.Source = true, "hub"
	far := notAffected("CVE-2024-9", product("pkg:npm/left-pad"))
	far.Bulk, far.Source = true, "hub"
	claim := notAffected("CVE-2024-1", product("pkg:npm/lodash"))
	claim.Believed, claim.Source = false, "z.json"
	findings := []Finding{findingOf(inv, "lodash", "CVE-2024-1")}
	unused := a.State(findings, []vex.Statement{
		notAffected("CVE-2024-2", product("pkg:npm/lodash")),
		notAffected("CVE-2024-1", product("pkg:npm/left-pad")),
		notAffected("CVE-2024-1", product("pkg:npm/lodash@4.17.21")),
		notAffected("CVE-2024-1", product("pkg:deb/debian/libssl3")),
		notAffected("CVE-2024-3", product("pkg:oci/other", "pkg:npm/lodash")),
		notAffected("CVE-2024-4", product("cpe:/o:redhat:enterprise_linux:9", "pkg:npm/lodash")),
		notAffected("CVE-2024-5", product("Acme Shop")),
		notAffected("CVE-2024-6", nil),
		notAffected("CVE-2024-7", append(product("pkg:npm/left-pad"), product("pkg:npm/right-pad")...)),
		bulk, far, claim,
	}, Exceptions{})
	var got []string
	for _, u := range unused {
		got = append(got, fmt.Sprintf("%s %s | %s: %s", u.Source, u.Vulnerability, u.Product, u.Why))
	}
	want := []string{
		"a.json CVE-2024-1 | pkg:deb/debian/libssl3: the finding is in another package",
		"a.json CVE-2024-1 | pkg:npm/left-pad: no such package is aboard",
		"a.json CVE-2024-1 | pkg:npm/lodash@4.17.21: another version of the package is aboard",
		"a.json CVE-2024-2 | pkg:npm/lodash: no such finding",
		"a.json CVE-2024-3 | pkg:oci/other > pkg:npm/lodash: it is about another image",
		"a.json CVE-2024-4 | cpe:/o:redhat:enterprise_linux:9 > pkg:npm/lodash: it is about another distribution or product",
		"a.json CVE-2024-5 | Acme Shop: nothing in its product's names tells what it is",
		"a.json CVE-2024-6 | : it names no product",
		"a.json CVE-2024-7 | pkg:npm/left-pad and 1 more: no such package is aboard",
		"hub CVE-2024-9 | pkg:npm/lodash: no such finding",
		"z.json CVE-2024-1 | pkg:npm/lodash: a claim: nobody whom you named said or signed it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// However many claims an image makes, a finding lists some of them, and what is believed still decides.
func TestManyClaims(t *testing.T) {
	a, inv := stated()
	findings := []Finding{findingOf(inv, "lodash", "CVE-2024-1")}
	var statements []vex.Statement
	for range 1000 {
		s := notAffected("CVE-2024-1", product(imageDigest, "pkg:npm/lodash@4.17.4"))
		s.Believed = false
		statements = append(statements, s)
	}
	a.State(findings, append(statements, notAffected("CVE-2024-1", product("pkg:npm/lodash"))), Exceptions{})
	if f := findings[0]; f.Quieted == nil || len(f.Statements) != maxClaims+1 || !f.Statements[maxClaims].Decided {
		t.Errorf("%d statements, quieted %+v", len(f.Statements), f.Quieted)
	}
}

// BenchmarkState holds 10,000 statements, one in a hundred about something aboard, against an image of 500 packages.
func BenchmarkState(b *testing.B) {
	inv := &inventory.Inventory{}
	for i := range 500 {
		name := fmt.Sprintf("p%d", i)
		inv.Packages = append(inv.Packages, inventory.Package{PURL: "pkg:npm/" + name + "@1.0.0", Type: "npm", Name: name, Version: "1.0.0", Ecosystem: "npm"})
	}
	var statements []vex.Statement
	for i := range 10_000 {
		statements = append(statements, notAffected(fmt.Sprintf("CVE-2024-%d", i), product("pkg:oci/shop", fmt.Sprintf("pkg:npm/p%d@1.0.0", i*5))))
	}
	im := vex.Image{Name: "shop"}
	for b.Loop() {
		var findings []Finding
		for i := range 500 {
			findings = append(findings, findingOf(inv, fmt.Sprintf("p%d", i), fmt.Sprintf("CVE-2024-%d", i/5)))
		}
		NewAboard(im, inv).State(findings, statements, Exceptions{})
	}
}

func TestStatementJSON(t *testing.T) {
	a, inv := stated()
	s := notAffected("CVE-2024-1", product("pkg:npm/lodash"))
	s.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	findings := []Finding{findingOf(inv, "lodash", "CVE-2024-1")}
	a.State(findings, []vex.Statement{s}, Exceptions{})
	got, err := json.Marshal(findings[0].Statements)
	want := `[{"vulnerability":"CVE-2024-1","product":"pkg:npm/lodash","status":"not_affected","justification":"vulnerable_code_not_present",` +
		`"author":"Ann","source":"a.json","timestamp":"2026-01-02T03:04:05Z","decided":true}]`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

// Red Hat's and Ubuntu's own documents speak of their own packages, and of no rebuild's.
func TestRealStatements(t *testing.T) {
	for _, c := range []struct {
		file, purl, pkgVersion, ecosystem string
		os                                inventory.OS
		status                            vex.Status // empty: nothing is said
	}{
		{"redhat-csaf/cve-2023-38545.json", "pkg:rpm/redhat/curl@7.61.1-33.el8_9.5?arch=x86_64&distro=rhel-8.9", "7.61.1-33.el8_9.5", "Red Hat:enterprise_linux:8",
			inventory.OS{ID: "rhel", CPE: "cpe:/o:redhat:enterprise_linux:8::baseos"}, vex.NotAffected},
		{"redhat-csaf/cve-2023-38545.json", "pkg:rpm/rocky/curl@7.61.1-33.el8_9.5?arch=x86_64&distro=rocky-8.9", "7.61.1-33.el8_9.5", "Rocky Linux:8",
			inventory.OS{ID: "rocky", CPE: "cpe:/o:rocky:rocky:8:GA"}, ""},
		{"redhat-csaf/cve-2023-38545.json", "pkg:rpm/redhat/curl@7.76.1-26.el9_3.2?arch=x86_64&distro=rhel-9.3", "7.76.1-26.el9_3.2", "Red Hat:enterprise_linux:9",
			inventory.OS{ID: "rhel", CPE: "cpe:/o:redhat:enterprise_linux:9::baseos"}, vex.Fixed},
		{"redhat-csaf/cve-2023-38545.json", "pkg:rpm/redhat/curl@7.76.1-26.el9?arch=x86_64&distro=rhel-9.3", "7.76.1-26.el9", "Red Hat:enterprise_linux:9",
			inventory.OS{ID: "rhel", CPE: "cpe:/o:redhat:enterprise_linux:9::baseos"}, ""},
		{"ubuntu-openvex/CVE-2023-38545.json", "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=amd64&distro=ubuntu-22.04", "7.81.0-1ubuntu1.24", "Ubuntu:22.04:LTS",
			inventory.OS{ID: "ubuntu", VersionID: "22.04"}, vex.Fixed},
		{"ubuntu-openvex/CVE-2023-38545.json", "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=amd64&distro=ubuntu-24.04", "7.81.0-1ubuntu1.24", "Ubuntu:24.04:LTS",
			inventory.OS{ID: "ubuntu", VersionID: "24.04"}, ""},
	} {
		file := filepath.Join("..", "..", "shared", "feeds", "vex", filepath.FromSlash(c.file))
		if _, err := os.Stat(file); err != nil {
			t.Skip("the shared test data is not here: " + file)
		}
		statements, _, err := (&vex.Reader{}).Load(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(c.purl, "pkg:"), "/")
		inv := &inventory.Inventory{OS: c.os, Packages: []inventory.Package{{PURL: c.purl, Type: kind, Name: "curl", Version: c.pkgVersion, Ecosystem: c.ecosystem}}}
		findings := []Finding{{ID: "CVE-2023-38545", Package: c.purl, Of: &inv.Packages[0]}}
		NewAboard(vex.Image{}, inv).State(findings, statements, Exceptions{})
		var got vex.Status
		if s := findings[0].Statements; len(s) > 0 {
			got = s[0].Status
		}
		if got != c.status || (findings[0].Quieted != nil) != (c.status != "") {
			t.Errorf("%s: %q, want %q; %+v", c.purl, got, c.status, findings[0].Quieted)
		}
	}
}
