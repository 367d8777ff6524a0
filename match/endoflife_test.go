package match

import (
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// lives is what is known of release cycles.
type lives struct {
	cycles   map[string][]advisory.Cycle
	products map[string]string
}

func (l lives) Cycles(product string) ([]advisory.Cycle, error) { return l.cycles[product], nil }
func (l lives) Products() (map[string]string, error)            { return l.products, nil }

func TestEndOfLife(t *testing.T) {
	known := lives{cycles: map[string][]advisory.Cycle{
		"debian":       {{Cycle: "12", EOL: "2026-07-11", Extended: "2028-06-30"}, {Cycle: "10", EOL: "2022-09-10", Extended: "2024-06-30"}},
		"alpine-linux": {{Cycle: "3.2", EOL: "2017-05-01"}, {Cycle: "3.21", EOL: "2026-11-01"}},
		"centos":       {{Cycle: "5", Ended: true}},
		"ubuntu":       {{Product: "ubuntu", Title: "Ubuntu", Cycle: "24.04", EOL: "2029-05-31"}, {Product: "ubuntu", Title: "Ubuntu", Cycle: "20.04", EOL: "2025-05-31", Extended: "2030-04-02"}},
	}}
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		os   inventory.OS
		want string // in the message; empty for no blind spot
	}{
		{inventory.OS{ID: "ubuntu", VersionID: "24.04"}, ""},
		{inventory.OS{ID: "debian", VersionID: "12"}, ""}, // long-term support still reports
		{inventory.OS{ID: "debian", VersionID: "10"}, "since 2024-06-30"},
		{inventory.OS{ID: "alpine", VersionID: "3.21.4"}, ""}, // not 3.2
		{inventory.OS{ID: "alpine", VersionID: "3.2.3"}, "since 2017-05-01"},
		{inventory.OS{ID: "centos", VersionID: "5"}, "has had no support:"},
		{inventory.OS{ID: "centos", VersionID: "9", Name: "CentOS Stream 9"}, ""},
		{inventory.OS{ID: "wolfi", VersionID: "20230201"}, ""},
		{inventory.OS{}, ""},
	} {
		findings, spots, err := EndOfLife(&inventory.Inventory{OS: tc.os}, known, now)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, s := range spots {
			got += s.Message
		}
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: %q, want %q", tc.os.ID, tc.os.VersionID, got, tc.want)
		}
		if len(findings) != len(spots) {
			t.Errorf("%s %s: %+v", tc.os.ID, tc.os.VersionID, findings)
		}
	}
}

// Who pays still has a supported Ubuntu, and its problems are still reported.
func TestEndOfLifeWithoutPaying(t *testing.T) {
	known := lives{cycles: map[string][]advisory.Cycle{"ubuntu": {
		{Product: "ubuntu", Title: "Ubuntu", Cycle: "24.04", EOL: "2029-05-31", Extended: "2034-04-25"}, {Product: "ubuntu", Title: "Ubuntu", Cycle: "20.04", EOL: "2025-05-31", Extended: "2030-04-02"}}}}
	findings, spots, err := EndOfLife(&inventory.Inventory{OS: inventory.OS{ID: "ubuntu", VersionID: "20.04"}}, known, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(spots) > 0 || len(findings) != 1 {
		t.Fatal(findings, spots, err)
	}
	f := findings[0]
	want := "Ubuntu 20.04 has had no support since 2025-05-31 without paying; the newest is 24.04"
	if f.Title != want || f.Severity != Medium || !slices.Equal(f.Fixed, []string{"24.04"}) || !slices.Equal(f.Evidence.Facts, []string{"extended support ends on 2030-04-02"}) {
		t.Errorf("%+v", f)
	}
}

func TestEndOfLifeOfProducts(t *testing.T) {
	known := lives{
		cycles: map[string][]advisory.Cycle{
			"nodejs": {{Product: "nodejs", Title: "Node.js", Cycle: "26", EOL: "2029-04-30", Latest: "26.7.0"}, {Product: "nodejs", Title: "Node.js", Cycle: "25", EOL: "2026-06-01"},
				{Product: "nodejs", Title: "Node.js", Cycle: "24", EOL: "2028-04-30", Latest: "24.19.0"},
				{Product: "nodejs", Title: "Node.js", Cycle: "22", EOL: "2027-02-01", Latest: "22.9.0"}, // too soon to move there
				{Product: "nodejs", Title: "Node.js", Cycle: "16", EOL: "2023-09-11", Extended: "2023-10-01"}},
			"spring-framework": {{Product: "spring-framework", Title: "Spring Framework", Cycle: "6.2", EOL: "2027-06-30", Latest: "6.2.1"},
				{Product: "spring-framework", Title: "Spring Framework", Cycle: "4.3", EOL: "2020-12-31", Extended: "2028-12-31"}},
			"eclipse-temurin": {{Product: "eclipse-temurin", Title: "Eclipse Temurin", Cycle: "11", EOL: "2027-10-31"},
				{Product: "eclipse-temurin", Title: "Eclipse Temurin", Cycle: "10", Ended: true}, {Product: "eclipse-temurin", Title: "Eclipse Temurin", Cycle: "8", EOL: "2030-12-31"}},
			"go":    {{Product: "go", Title: "Go", Cycle: "1.26", Latest: "1.26.3"}, {Product: "go", Title: "Go", Cycle: "1.19", Ended: true}},
			"react": {{Product: "react", Title: "React", Cycle: "16"}},
		},
		products: map[string]string{
			"cpe:nodejs:node.js": "nodejs", "pkg:npm/node": "nodejs", "pkg:npm/react": "react",
			"pkg:maven/org.springframework/spring-core": "spring-framework", "pkg:maven/org.springframework/spring-web": "spring-framework",
		},
	}
	recognised := func(name, version, cpe, evidence string) inventory.Package {
		return inventory.Package{PURL: "pkg:generic/" + name + "@" + version, Type: "generic", Name: name, Version: version, CPE: cpe,
			Recognised: true, Evidence: []string{evidence}, Paths: []string{"usr/local/bin/" + name}}
	}
	deb := inventory.Package{PURL: "pkg:deb/debian/nodejs@16.1-1", Type: "deb", Name: "nodejs", Version: "16.1-1", Ecosystem: "Debian:12"}
	node := recognised("node", "16.20.2", "cpe:2.3:a:nodejs:node.js:16.20.2:*:*:*:*:*:*:*", "")
	debs := recognised("node", "16.1.0", node.CPE, "")
	debs.Owner = deb.PURL
	maven := func(name string) inventory.Package {
		return inventory.Package{PURL: "pkg:maven/org.springframework/" + name + "@4.3.30.RELEASE", Type: "maven", Ecosystem: "Maven",
			Name: "org.springframework:" + name, Version: "4.3.30.RELEASE", Paths: []string{name + ".jar"}}
	}
	inv := &inventory.Inventory{Packages: []inventory.Package{
		deb, node, debs, maven("spring-core"), maven("spring-web"),
		recognised("node", "24.1.0", node.CPE, ""),
		recognised("openjdk", "1.8.0_392", "cpe:2.3:a:oracle:openjdk:1.8.0_392:*:*:*:*:*:*:*", `release: JAVA_VERSION="1.8.0_392" IMPLEMENTOR="Eclipse Adoptium"`),
		recognised("openjdk", "10.0.2", "", `release: JAVA_VERSION="10.0.2" IMPLEMENTOR="Eclipse Adoptium"`),
		recognised("openjdk", "9.0.1", "", `release: JAVA_VERSION="9.0.1" IMPLEMENTOR="Debian"`),
		{PURL: "pkg:generic/ours@16.1.0", Type: "generic", Name: "ours", Version: "16.1.0"},
		{PURL: "pkg:golang/stdlib@1.19.5", Type: "golang", Ecosystem: "Go", Name: "stdlib", Version: "1.19.5"},
		{PURL: "pkg:npm/node@16.0.0", Type: "npm", Ecosystem: "npm", Name: "node", Version: "16.0.0", Locked: true},
		{PURL: "pkg:npm/react@16.0.0", Type: "npm", Ecosystem: "npm", Name: "react", Version: "16.0.0"},
	}}
	findings, spots, err := EndOfLife(inv, known, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(spots) > 0 {
		t.Fatal(spots, err)
	}
	var got []string
	for _, f := range findings {
		got = append(got, strings.Join([]string{f.ID, f.Package, string(f.Severity), strings.Join(f.Fixed, " "), f.Title}, " | "))
	}
	want := []string{
		"EOL-nodejs-16 | pkg:generic/node@16.20.2 | medium | 24.19.0 26.7.0 | Node.js 16 has had no support since 2023-09-11; the newest is 26",
		"EOL-eclipse-temurin-10 | pkg:generic/openjdk@10.0.2 | medium | 11 | Eclipse Temurin 10 has had no support; the newest is 11",
		"EOL-go-1.19 | pkg:golang/stdlib@1.19.5 | medium | 1.26.3 | Go 1.19 has had no support; the newest is 1.26",
		"EOL-spring-framework-4.3 | pkg:maven/org.springframework/spring-core@4.3.30.RELEASE | low | 6.2.1 | Spring Framework 4.3 has had no support since 2020-12-31 without paying; the newest is 6.2",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f := findings[3]; len(f.Paths) != 2 || len(f.Evidence.Facts) != 2 || f.Kind != KindEndOfLife {
		t.Errorf("%+v", f)
	}
}
