package assess_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// at makes a package of npm that lies in directories, with "name range" for each that it needs.
func at(name, version string, dirs []string, needs ...string) inventory.Package {
	p := inventory.Package{PURL: "pkg:npm/" + name + "@" + version, Type: "npm", Name: name, Version: version, Ecosystem: "npm", Requires: requires(needs)}
	for _, dir := range dirs {
		p.Paths = append(p.Paths, path.Join(dir, "node_modules", name, "package.json"))
	}
	return p
}

func dirs(list ...string) []string { return list }

// site makes a package of PyPI in one environment.
func site(name, version string, needs ...string) inventory.Package {
	return inventory.Package{PURL: "pkg:pypi/" + name + "@" + version, Type: "pypi", Name: name, Version: version, Ecosystem: "PyPI", Requires: requires(needs),
		Paths: []string{"opt/venv/lib/python3.12/site-packages/" + name + "-" + version + ".dist-info/METADATA"}}
}

// jar makes a package of Maven in an archive.
func jar(name, version, place string, needs ...string) inventory.Package {
	return inventory.Package{PURL: "pkg:maven/" + strings.Replace(name, ":", "/", 1) + "@" + version, Type: "maven", Name: name, Version: version,
		Ecosystem: "Maven", Requires: requires(needs), Paths: []string{place}}
}

func module(name, version, binary string) inventory.Package {
	return inventory.Package{PURL: "pkg:golang/" + name + "@" + version, Type: "golang", Name: name, Version: version, Ecosystem: "Go", Paths: []string{binary}}
}

func requires(needs []string) []inventory.Requirement {
	var out []inventory.Requirement
	for _, n := range needs {
		name, native, _ := strings.Cut(n, " ")
		out = append(out, inventory.Requirement{Name: name, Range: native})
	}
	return out
}

// manifest makes one by its text: each "name range" is looked for in the lines.
func manifest(purlType, file, project, text string, needs ...string) inventory.Manifest {
	m := inventory.Manifest{File: file, Type: purlType, Project: project, Lines: strings.Split(text, "\n")}
	for _, n := range needs {
		name, kind, _ := strings.Cut(n, "|")
		name, written, _ := strings.Cut(name, " ")
		d := inventory.Declaration{Requirement: inventory.Requirement{Name: name, Range: written, Kind: inventory.RequirementKind(kind)}, Written: written}
		d.Line = 1 + slices.IndexFunc(m.Lines, func(line string) bool {
			return strings.Contains(line, written) && strings.Contains(strings.ToLower(line), strings.ToLower(name[strings.IndexByte(name, ':')+1:]))
		})
		m.Requires = append(m.Requires, d)
	}
	return m
}

// packageJSON makes the manifest of a project of npm, one dependency to a line.
func packageJSON(file string, needs ...string) inventory.Manifest {
	text := "{\n  \"name\": \"shop\",\n  \"dependencies\": {"
	for i, n := range needs {
		name, _, _ := strings.Cut(n, "|")
		name, written, _ := strings.Cut(name, " ")
		text += "\n    \"" + name + "\": \"" + written + "\""
		if i < len(needs)-1 {
			text += ","
		}
	}
	return manifest("npm", file, "shop", text+"\n  }\n}", needs...)
}

// hasFindings makes a finding of each "name version fixed,fixed" of a subject's packages.
func hasFindings(t *testing.T, s *assess.Subject, list ...string) {
	t.Helper()
	for _, v := range list {
		words := strings.Fields(v)
		i := slices.IndexFunc(s.Packages, func(p inventory.Package) bool { return p.Name == words[0] && p.Version == words[1] })
		if i < 0 {
			t.Fatalf("no package is %s", v)
		}
		f := match.Finding{ID: "CVE-2026-" + string(rune('1'+len(s.Findings))), Package: s.Packages[i].PURL, Of: &s.Packages[i], Severity: match.High}
		if len(words) > 2 {
			f.Fixed = strings.Split(words[2], ",")
		}
		s.Findings = append(s.Findings, f)
	}
}

func plannedSteps(s *assess.Subject, own ...inventory.Manifest) []assess.Step {
	steps, _ := assess.Steps(s, assess.Environment{}, nil, assess.Options{Manifests: own})
	return steps
}

// told writes a step in a few lines, as a developer is told it.
func told(s assess.Step) string {
	out := s.Title + " @ " + s.Where
	if s.Command != "" {
		out += "\n$ " + s.Command
	}
	if s.Edit != nil {
		out += "\n- " + strings.ReplaceAll(s.Edit.Old, "\n", "\n- ") + "\n+ " + strings.ReplaceAll(s.Edit.New, "\n", "\n+ ")
	}
	return out
}

func TestTheStepIsTheLineOfTheManifest(t *testing.T) {
	app := dirs("app")
	for _, tc := range []struct {
		name      string
		packages  []inventory.Package
		manifests []inventory.Manifest
		own       []inventory.Manifest
		findings  []string
		want      []string
	}{
		{"a direct dependency moves in its line", []inventory.Package{at("lodash", "4.17.4", app)},
			[]inventory.Manifest{packageJSON("/app/package.json", "lodash ^4.17.4")}, nil, []string{"lodash 4.17.4 4.17.5", "lodash 4.17.4 4.17.23"},
			[]string{"bump lodash 4.17.4 -> 4.17.23 @ /app/package.json:4\n$ npm install lodash@4.17.23\n" +
				"-     \"lodash\": \"^4.17.4\"\n+     \"lodash\": \"^4.17.23\""}},
		{"in the user's own manifest where it is given", []inventory.Package{at("lodash", "4.17.4", app)},
			[]inventory.Manifest{packageJSON("/app/package.json", "lodash ^4.17.4")}, []inventory.Manifest{packageJSON("web/package.json", "lodash ^4.17.4")},
			[]string{"lodash 4.17.4 4.17.23"},
			[]string{"bump lodash 4.17.4 -> 4.17.23 @ web/package.json:4\n$ npm install lodash@4.17.23\n" +
				"-     \"lodash\": \"^4.17.4\"\n+     \"lodash\": \"^4.17.23\""}},
		{"what its requirers take needs the lock file alone",
			[]inventory.Package{at("express", "4.17.1", app, "qs ~6.7.0", "send 0.17.1"), at("qs", "6.7.0", app), at("send", "0.17.1", app, "ms ^2.0.0"), at("ms", "2.0.0", app)},
			[]inventory.Manifest{packageJSON("/app/package.json", "express ^4.17.1")}, nil, []string{"qs 6.7.0 6.7.3", "ms 2.0.0 2.0.1"},
			[]string{"refresh the lock file: ms 2.0.1, qs 6.7.3 @ /app/node_modules/ms\n$ npm update ms qs"}},
		{"what a requirer pins is its direct dependency's to move, or is overruled",
			[]inventory.Package{at("express", "4.17.3", app, "qs 6.9.7", "body-parser 1.19.2"), at("body-parser", "1.19.2", app, "qs 6.9.7"), at("qs", "6.9.7", app)},
			[]inventory.Manifest{packageJSON("/app/package.json", "express 4.17.3")}, nil, []string{"qs 6.9.7 6.14.1"},
			[]string{"bump express 4.17.3 to a release with qs 6.14.1 @ /app/package.json:4\n$ npm update qs\n-   \"dependencies\": {\n" +
				"+   \"overrides\": {\n+     \"qs\": \"6.14.1\"\n+   },\n+   \"dependencies\": {"}},
		{"a direct dependency and what it pins move in one step",
			[]inventory.Package{at("express", "4.17.3", app, "qs 6.9.7"), at("qs", "6.9.7", app)},
			[]inventory.Manifest{packageJSON("/app/package.json", "express 4.17.3")}, nil, []string{"qs 6.9.7 6.14.1", "express 4.17.3 4.20.0"},
			[]string{"bump express 4.17.3 -> 4.20.0 (it brings qs) @ /app/package.json:4\n$ npm update qs\n-   \"dependencies\": {\n-     \"express\": \"4.17.3\"\n" +
				"+   \"overrides\": {\n+     \"qs\": \"6.14.1\"\n+   },\n+   \"dependencies\": {\n+     \"express\": \"4.20.0\""}},
		{"a copy in its requirer is overruled there, where another version lies elsewhere",
			[]inventory.Package{at("old", "1.0.0", app, "ms 0.7.1"), at("ms", "0.7.1", dirs("app/node_modules/old")), at("debug", "4.0.0", app, "ms ^2.1.1"), at("ms", "2.1.3", app)},
			[]inventory.Manifest{packageJSON("/app/package.json", "old 1.0.0", "debug ^4.0.0")}, nil, []string{"ms 0.7.1 2.0.0"},
			[]string{"bump old 1.0.0 to a release with ms 2.0.0 @ /app/package.json:4\n$ npm update ms\n-   \"dependencies\": {\n" +
				"+   \"overrides\": {\n+     \"old\": {\n+       \"ms\": \"2.0.0\"\n+     }\n+   },\n+   \"dependencies\": {"}},
		{"an alias keeps its name", []inventory.Package{{PURL: "pkg:npm/lodash@3.10.1", Type: "npm", Name: "lodash", Version: "3.10.1", Ecosystem: "npm",
			Paths: []string{"app/node_modules/lodash-three/package.json"}}},
			[]inventory.Manifest{packageJSON("/app/package.json", "lodash-three npm:lodash@3.10.1")}, nil, []string{"lodash 3.10.1 4.17.21"},
			[]string{"bump lodash 3.10.1 -> 4.17.21 @ /app/package.json:4\n$ npm install lodash-three@npm:lodash@4.17.21\n" +
				"-     \"lodash-three\": \"npm:lodash@3.10.1\"\n+     \"lodash-three\": \"npm:lodash@4.17.21\""}},
		{"a tree of its own moves with the package that ships it",
			[]inventory.Package{at("bower", "1.8.0", app), at("ms", "0.7.1", dirs("app/node_modules/bower/lib"))},
			[]inventory.Manifest{packageJSON("/app/package.json", "bower ^1.8.0")}, nil, []string{"ms 0.7.1 2.0.0"},
			[]string{"bump bower 1.8.0 to a release with ms 2.0.0 @ /app/package.json:4"}},
		{"a lower cost comes first where it ends most", []inventory.Package{site("django", "2.2.0")},
			[]inventory.Manifest{manifest("pypi", "/srv/requirements.txt", "", "# web\nDjango==2.2.0  # LTS", "django ==2.2.0")}, nil,
			[]string{"django 2.2.0 2.2.28", "django 2.2.0 2.2.4,3.0.1", "django 2.2.0 4.2.1"},
			[]string{"bump django 2.2.0 -> 2.2.28 @ /srv/requirements.txt:2\n- Django==2.2.0  # LTS\n+ Django==2.2.28  # LTS",
				"bump django 2.2.0 -> 4.2.1 @ /srv/requirements.txt:2\n- Django==2.2.0  # LTS\n+ Django==4.2.1  # LTS"}},
		{"pip is given a line for what others bring", []inventory.Package{site("requests", "2.20.0", "urllib3 >=1.21.1,<1.25"), site("urllib3", "1.24.1")},
			[]inventory.Manifest{manifest("pypi", "/srv/requirements.txt", "", "requests==2.20.0", "requests ==2.20.0")}, nil, []string{"urllib3 1.24.1 1.24.3"},
			[]string{"pin urllib3 1.24.1 -> 1.24.3 (requests brings it) @ /srv/requirements.txt:1\n- requests==2.20.0\n+ requests==2.20.0\n+ urllib3>=1.24.3"}},
		{"pip cannot overrule what another holds back", []inventory.Package{site("requests", "2.20.0", "urllib3 >=1.21.1,<1.25"), site("urllib3", "1.24.1")},
			[]inventory.Manifest{manifest("pypi", "/srv/requirements.txt", "", "requests==2.20.0", "requests ==2.20.0")}, nil, []string{"urllib3 1.24.1 1.26.5"},
			[]string{"bump requests 2.20.0 to a release with urllib3 1.26.5 @ /srv/requirements.txt:1"}},
		{"Maven manages what others bring",
			[]inventory.Package{jar("g:app", "1.0", "app/app.jar"), jar("g:web", "2.0", "app/app.jar!/lib/web.jar", "g:json 1.1"), jar("g:json", "1.1", "app/app.jar!/lib/json.jar")},
			nil, []inventory.Manifest{manifest("maven", "pom.xml", "g:app", "<project>\n  <dependencies>\n    <dependency>\n      <artifactId>web</artifactId><version>2.0</version>", "g:web 2.0")},
			[]string{"g:json 1.1 1.2"},
			[]string{"pin json 1.1 -> 1.2 (web brings it) @ pom.xml:2\n-   <dependencies>\n+   <dependencyManagement>\n+     <dependencies>\n+       <dependency>\n" +
				"+         <groupId>g</groupId>\n+         <artifactId>json</artifactId>\n+         <version>1.2</version>\n+       </dependency>\n+     </dependencies>\n" +
				"+   </dependencyManagement>\n+   <dependencies>"}},
		{"Gradle constrains it",
			[]inventory.Package{jar("g:app", "1.0", "app/app.jar"), jar("g:web", "2.0", "app/app.jar!/lib/web.jar", "g:json 1.1"), jar("g:json", "1.1", "app/app.jar!/lib/json.jar")},
			nil, []inventory.Manifest{manifest("maven", "build.gradle", "", "dependencies {\n    implementation 'g:web:2.0'\n}", "g:web 2.0")}, []string{"g:json 1.1 1.2"},
			[]string{"pin json 1.1 -> 1.2 (web brings it) @ build.gradle:1\n- dependencies {\n+ dependencies {\n+     constraints {\n+       implementation(\"g:json:1.2\")\n+     }"}},
		{"Go's main module asks for more, whatever brought it",
			[]inventory.Package{{PURL: "pkg:golang/example.test/web", Type: "golang", Name: "example.test/web", Ecosystem: "Go", Main: true, Paths: dirs("web")}, module("golang.org/x/net", "v0.7.0", "web")},
			nil, []inventory.Manifest{manifest("golang", "go.mod", "example.test/web", "module example.test/web\n\nrequire golang.org/x/net v0.7.0 // indirect", "golang.org/x/net v0.7.0|indirect")},
			[]string{"golang.org/x/net v0.7.0 v0.23.0"},
			[]string{"bump golang.org/x/net v0.7.0 -> v0.23.0 @ go.mod:3\n$ go get golang.org/x/net@v0.23.0 && go mod tidy\n" +
				"- require golang.org/x/net v0.7.0 // indirect\n+ require golang.org/x/net v0.23.0 // indirect"}},
		{"an executable that npm brought is the npm package's",
			[]inventory.Package{at("esbuild", "0.13.8", app, "esbuild-linux-64 0.13.8"), at("esbuild-linux-64", "0.13.8", app), module("stdlib", "1.17.2", "app/node_modules/esbuild-linux-64/bin/esbuild")},
			[]inventory.Manifest{packageJSON("/app/package.json", "esbuild 0.13.8")}, nil, []string{"stdlib 1.17.2 1.17.3,1.16.10"},
			[]string{"bump esbuild 0.13.8 to a release built with Go 1.17.3 @ /app/package.json:4"}},
		{"a word that no shell takes is not put anywhere", []inventory.Package{module("x/$(reboot)", "v1.0.0", "web")}, nil, nil, []string{"x/$(reboot) v1.0.0 v1.0.1"},
			[]string{"bump x/$(reboot) v1.0.0 -> v1.0.1 @ /web"}},
		{"a distribution's package is not the developer's", []inventory.Package{func() inventory.Package {
			p := at("undici", "5.0.0", dirs("usr/share"))
			p.Owner = "pkg:deb/debian/node-undici@5"
			return p
		}()}, nil, nil, []string{"undici 5.0.0 5.0.1"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &assess.Subject{Packages: tc.packages, Manifests: tc.manifests}
			hasFindings(t, s, tc.findings...)
			var got []string
			for _, step := range plannedSteps(s, tc.own...) {
				if step.Kind != assess.Except {
					got = append(got, told(step))
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatIsNotUsedIsLeftOut(t *testing.T) {
	app, image := dirs("app"), dirs("usr/local/lib")
	s := &assess.Subject{
		Image: assess.Image{Config: &assess.Config{Entrypoint: []string{"node", "server.js"}}},
		Packages: []inventory.Package{
			at("express", "4.0.0", app), at("mocha", "5.2.0", app, "mkdirp 0.5.1"), at("mkdirp", "0.5.1", app), at("stray", "1.0.0", app),
			at("npm", "9.0.0", image, "tar ^6.0.0"), at("tar", "6.0.0", dirs("usr/local/lib/node_modules/npm")),
		},
		Manifests: []inventory.Manifest{packageJSON("/app/package.json", "express ^4.0.0", "mocha 5.2.0|development")},
	}
	hasFindings(t, s, "mkdirp 0.5.1", "stray 1.0.0", "tar 6.0.0")
	var got []string
	for _, step := range plannedSteps(s) {
		if step.Kind == assess.Remove {
			got = append(got, step.Title+" $ "+step.Command+" closes "+strings.Join(step.Closes, " "))
		}
	}
	slices.Sort(got)
	want := []string{
		"leave out devDependencies: 2 packages that production does not need $ npm install --omit=dev closes CVE-2026-1",
		"remove 1 package that nothing requires: stray $ npm prune closes CVE-2026-2",
		"remove npm 9.0.0: the image does not start it $ rm -rf /usr/local/lib/node_modules/npm closes CVE-2026-3",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s.Image.Config.Entrypoint = []string{"npm", "start"}
	for _, step := range plannedSteps(s) {
		if strings.HasPrefix(step.Title, "remove npm") {
			t.Error("what starts the image is not removed")
		}
	}
}

func TestMalwareIsRemovedWithWhatBringsIt(t *testing.T) {
	s := &assess.Subject{Packages: []inventory.Package{at("colors", "1.0.0", dirs("app"), "evil ^1.0.0"), at("evil", "1.0.0", dirs("app"))},
		Manifests: []inventory.Manifest{packageJSON("/app/package.json", "colors 1.0.0")}}
	hasFindings(t, s, "evil 1.0.0")
	s.Findings[0].Malicious = true
	got := plannedSteps(s)
	if len(got) != 1 || told(got[0]) != "remove malware: evil 1.0.0, and so colors 1.0.0, which brings it @ /app/node_modules/evil\n$ npm uninstall colors" {
		t.Errorf("%+v", got)
	}
}

// Two projects have the same package: the finding ends when both have moved, and the step names both places.
func TestProjectsThatHaveTheSamePackage(t *testing.T) {
	s := &assess.Subject{Packages: []inventory.Package{at("lodash", "4.17.4", dirs("a", "b"))},
		Manifests: []inventory.Manifest{packageJSON("/a/package.json", "lodash 4.17.4"), packageJSON("/b/package.json", "lodash 4.17.4")}}
	hasFindings(t, s, "lodash 4.17.4 4.17.23")
	got := plannedSteps(s)
	if len(got) != 1 || got[0].Where != "/a/package.json:4" || got[0].Note != "also /b/package.json:4" {
		t.Errorf("%+v", got)
	}
}
