package lang

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// asked writes what manifests ask for, "file:line name range kind" each.
func asked(manifests []inventory.Manifest) []string {
	var out []string
	for _, m := range manifests {
		for _, d := range m.Requires {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s:%d %s %s %s", m.File, d.Line, d.Name, d.Range, d.Kind)))
		}
	}
	return out
}

func TestManifests(t *testing.T) {
	for _, tc := range []struct{ name, content, project, want string }{
		{"package.json", "{\n \"name\": \"shop\",\n \"scripts\": {\"a\": \"b\"},\n \"dependencies\": {\n  \"a\": \"^1.0.0\",\n  \"b\": \"npm:c@2\"\n },\n" +
			" \"list\": [{\"dependencies\": {\"no\": \"1\"}}],\n \"devDependencies\": {\"a\": \"9\", \"d\": \"3\"}\n}", "shop",
			"package.json:5 a ^1.0.0, package.json:6 b npm:c@2, package.json:9 d 3 development"},
		{"requirements.txt", "# all\n-r base.txt\nDjango==2.2.0\nFlask_Login >= 1, < 2 # why\nrequests[security]~=2.1; python_version < '3'\nplain\n" +
			"hashed==1.0 \\\n  --hash=sha256:00\ngit+https://example.test/x\n", "",
			"requirements.txt:3 django ==2.2.0, requirements.txt:4 flask-login >= 1, < 2, requirements.txt:5 requests ~=2.1, requirements.txt:6 plain, requirements.txt:0 hashed ==1.0"},
		{"requirements/dev.txt", "pytest==7.0\n", "", "requirements/dev.txt:1 pytest ==7.0 development"},
		{"pyproject.toml", "[project]\nname = \"My_App\"\ndependencies = [\n  \"requests[socks]>=2.19,<3\",\n  'idna',\n]\n[project.optional-dependencies]\nx = [\"lxml==4.6.1\"]\n" +
			"[dependency-groups]\ntest = [\"pytest\"]\n", "my-app",
			"pyproject.toml:4 requests >=2.19,<3, pyproject.toml:5 idna, pyproject.toml:8 lxml ==4.6.1 optional, pyproject.toml:10 pytest  development"},
		{"api/pyproject.toml", "[tool.poetry]\nname = \"api\"\n[tool.poetry.dependencies]\npython = \"^3.11\"\nDjango = \"^2.2\"\nurllib3 = { version = \"~1.24.1\", extras = [\"x\"] }\n" +
			"[tool.poetry.group.dev.dependencies]\nblack = \"*\"\n", "api",
			"api/pyproject.toml:5 django >=2.2,<3, api/pyproject.toml:6 urllib3 >=1.24.1,<1.25, api/pyproject.toml:8 black  development"},
		{"go.mod", "module example.test/web\n\ngo 1.24\n\nrequire (\n\tgolang.org/x/net v0.7.0\n\tgopkg.in/yaml.v2 v2.2.8 // indirect\n)\nrequire a.test/b v1.0.0\nreplace a.test/b => c.test/d v1.1.0\n", "example.test/web",
			"go.mod:6 golang.org/x/net v0.7.0, go.mod:7 gopkg.in/yaml.v2 v2.2.8 indirect, go.mod:10 c.test/d v1.0.0"},
		{"pom.xml", "<?xml version=\"1.0\"?>\n<project>\n <parent><groupId>g</groupId><version>3</version></parent>\n <artifactId>app</artifactId>\n <properties>\n  <json.version>1.1</json.version>\n </properties>\n" +
			" <!-- <dependencies><dependency><artifactId>no</artifactId></dependency></dependencies> -->\n <dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency></dependencies></dependencyManagement>\n" +
			" <dependencies>\n  <dependency>\n   <groupId>${project.groupId}</groupId><artifactId>json</artifactId>\n   <version>${json.version}</version>\n  </dependency>\n" +
			"  <dependency><groupId>g</groupId><artifactId>junit</artifactId>\n   <version>4</version><scope>test</scope></dependency>\n  <dependency><groupId>g</groupId><artifactId>managed</artifactId></dependency>\n </dependencies>\n</project>", "g:app",
			"pom.xml:6 g:json 1.1, pom.xml:16 g:junit 4 development, pom.xml:0 g:managed"},
		{"build.gradle.kts", "dependencies {\n  implementation(\"g:a:1.0\")\n  testImplementation 'g:b:2'\n  // api(\"g:c:3\")\n  api(\"g:d:$version\")\n}\n", "",
			"build.gradle.kts:2 g:a 1.0, build.gradle.kts:3 g:b 2 development"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Manifests(map[string][]byte{tc.name: []byte(tc.content)})
			if len(got) != 1 {
				t.Fatalf("%+v", got)
			}
			if d := cmp.Diff(strings.Split(tc.want, ", "+tc.name), strings.Split(strings.Join(asked(got), ", "), ", "+tc.name)); d != "" {
				t.Error(d)
			}
			if got[0].Project != tc.project {
				t.Errorf("the project is %q", got[0].Project)
			}
		})
	}
}

func TestTheToolIsKnownByItsLockFile(t *testing.T) {
	got := Manifests(map[string][]byte{"web/package.json": []byte(`{"dependencies": {"a": "1"}}`), "web/yarn.lock": nil, "package-lock.json": nil})
	if len(got) != 1 || got[0].Lock != "yarn.lock" {
		t.Errorf("%+v", got)
	}
}

func TestAManifestOfAnInstalledPackageIsNobodys(t *testing.T) {
	for _, p := range []string{"app/node_modules/a/package.json", "usr/lib/python3/site-packages/x/requirements.txt", "root/go/pkg/mod/a@v1/go.mod", "app/test/package.json"} {
		if m, ok := (manifestExtractor{}).Manifest(p, []byte(`{"dependencies": {"a": "1"}}`)); ok {
			t.Errorf("%s: %+v", p, m)
		}
	}
	if _, ok := (manifestExtractor{}).Manifest("app/package.json", []byte(`{"dependencies": {"a": "1"}}`)); !ok {
		t.Error("an application's own is")
	}
}

// Of a manifest that several layers wrote the last one counts; its lock file may lie in another layer.
func TestManifestsOfAnImage(t *testing.T) {
	all := All(inventory.DefaultLimits())
	layerOf := func(files map[string]string) *layer.Index {
		ix := &layer.Index{}
		for _, p := range sortedKeys(files) {
			ix.Files = append(ix.Files, layer.File{Path: p, Mode: 0o644, Size: int64(len(files[p])), Body: &layer.Body{Content: []byte(files[p])}})
		}
		return ix
	}
	inv, err := inventory.Assemble(t.Context(), &image.Image{}, []*layer.Index{
		layerOf(map[string]string{"app/package.json": `{"dependencies": {"a": "1"}}`, "srv/requirements.txt": "a==1\n", "app/yarn.lock": "# yarn\n"}),
		layerOf(map[string]string{"app/package.json": `{"dependencies": {"b": "2"}}`, "srv/requirements.txt": "\n"}),
	}, all, inventory.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"/app/package.json:1 b 2"}, asked(inv.Manifests)); d != "" || inv.Manifests[0].Lock != "yarn.lock" {
		t.Error(d)
	}
}

func TestInstalledPackagesSayWhatTheyTake(t *testing.T) {
	pkgs, err := extract(t, "npm-installed", map[string]string{"app/node_modules/a/package.json": `{"name": "a", "version": "1.0.0", "dependencies": {"b": "^1.0.0", "o": "*"},
		"optionalDependencies": {"o": "2.x"}, "peerDependencies": {"p": ">=3"}, "devDependencies": {"d": "4"}}`})
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	want := []inventory.Requirement{{Name: "o", Range: "2.x", Kind: inventory.Optional}, {Name: "b", Range: "^1.0.0"}, {Name: "p", Range: ">=3", Kind: inventory.Peer}}
	if d := cmp.Diff(want, pkgs[0].Requires); d != "" {
		t.Error(d)
	}
	dist := "opt/venv/lib/python3.12/site-packages/a-1.dist-info/"
	pkgs, err = extract(t, "python-installed", map[string]string{dist + "REQUESTED": "", dist + "METADATA": "Metadata-Version: 2.1\nName: a\nVersion: 1\n" +
		"Requires-Dist: urllib3 (<1.25,>=1.21.1)\nRequires-Dist: Py.Socks!=1.5.7,>=1.5.6; extra == \"socks\"\nRequires-Dist: idna\nRequires-Dist: x @ https://example.test/x.whl\n\n"})
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	want = []inventory.Requirement{{Name: "urllib3", Range: "<1.25,>=1.21.1"}, {Name: "py-socks", Range: "!=1.5.7,>=1.5.6", Kind: inventory.Optional}, {Name: "idna"}}
	if d := cmp.Diff(want, pkgs[0].Requires); d != "" || !pkgs[0].Requested {
		t.Error(d, pkgs[0].Requested)
	}
	pkgs, err = extract(t, "java-archive", map[string]string{"app/web.jar": archive(t, pom("g", "web", "2.0"), entry{name: "META-INF/maven/g/web/pom.xml",
		content: "<project><artifactId>web</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>json</artifactId><version>[1.1,2)</version></dependency>" +
			"<dependency><groupId>g</groupId><artifactId>x</artifactId><optional>true</optional></dependency>" +
			"<dependency><groupId>g</groupId><artifactId>junit</artifactId><scope>test</scope></dependency></dependencies></project>"})})
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	want = []inventory.Requirement{{Name: "g:json", Range: "[1.1,2)"}, {Name: "g:x", Kind: inventory.Optional}}
	if d := cmp.Diff(want, pkgs[0].Requires); d != "" {
		t.Error(d)
	}
}

func FuzzManifests(f *testing.F) {
	for _, name := range []string{"package.json", "requirements.txt", "pyproject.toml", "go.mod", "pom.xml", "build.gradle"} {
		f.Add(name, `{"dependencies": {"a": "1"}}`)
		f.Add(name, "<project><artifactId>a</artifactId><properties><a>${a}</a></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${a}</version></dependency></dependencies></project>")
		f.Add(name, "[project]\nname = \"a\"\ndependencies = [\"a==1\"]\n[tool.poetry.dependencies]\na = \"^0.0\"\n")
		f.Add(name, "module m\nrequire (\na v1\n)\nreplace a => b v2\n")
	}
	f.Fuzz(func(t *testing.T, name, content string) {
		for _, m := range Manifests(map[string][]byte{name: []byte(content)}) {
			for _, d := range m.Requires {
				if d.Line < 0 || d.Line > len(m.Lines) {
					t.Fatalf("%s has no line %d", d.Name, d.Line)
				}
			}
		}
	})
}
