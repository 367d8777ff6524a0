package lang

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// captured makes a tree of files as the extractors' rules would have them captured, and gives the paths.
func captured(t *testing.T, files map[string]string) (*layer.Tree, []string) {
	t.Helper()
	rules := inventory.NewRules(All(inventory.DefaultLimits()))
	ix := &layer.Index{}
	for _, p := range sortedKeys(files) {
		content := []byte(files[p])
		f := layer.File{Path: p, Mode: 0o644, Size: int64(len(content))}
		keep := rules.Want(&f, content[:min(len(content), layer.HeadSize)])
		f.Body = &layer.Body{}
		if keep.Content {
			f.Body.Content = content
		}
		if keep.Distil != nil {
			var err error
			if f.Body.Facts, err = keep.Distil(context.Background(), bytes.NewReader(content), f.Size); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
		}
		ix.Files = append(ix.Files, f)
	}
	tree := layer.NewTree()
	tree.Apply(0, ix)
	return tree, sortedKeys(files)
}

// extract runs the named extractor on every file whose path one of its rules selects.
func extract(t *testing.T, name string, files map[string]string) ([]inventory.Package, error) {
	t.Helper()
	tree, paths := captured(t, files)
	i := slices.IndexFunc(All(inventory.DefaultLimits()), func(e inventory.Extractor) bool { return e.Name() == name })
	if i < 0 {
		t.Fatalf("no extractor is called %s", name)
	}
	e := All(inventory.DefaultLimits())[i]
	var pkgs []inventory.Package
	var firstErr error
	for _, p := range paths {
		selects := func(r inventory.Rule) bool {
			base := p[strings.LastIndexByte(p, '/')+1:]
			return !r.CaptureOnly && (r.Name == "" || r.Name == base) && strings.HasSuffix(p, r.Suffix)
		}
		if entry, ok := tree.Lookup(p); !ok || entry.File.Content() == nil && entry.File.Facts() == nil || !slices.ContainsFunc(e.Rules(), selects) {
			continue
		}
		found, err := e.Extract(context.Background(), tree, p)
		if err != nil && firstErr == nil {
			firstErr = err
		}
		pkgs = append(pkgs, found...)
	}
	return pkgs, firstErr
}

// line writes a package in one line: type, name, version, ecosystem, licences, first path; "locked" at the end.
func line(p inventory.Package) string {
	f := []string{p.Type, p.Name, p.Version, p.Ecosystem, strings.Join(p.Licenses, ","), p.Paths[0]}
	if p.Locked {
		f = append(f, "locked")
	}
	return strings.Join(f, "|")
}

func lines(pkgs []inventory.Package) []string {
	var out []string
	for _, p := range pkgs {
		out = append(out, line(p))
	}
	slices.Sort(out)
	return out
}

func TestInstalled(t *testing.T) {
	for _, c := range []struct {
		about, extractor string
		files            map[string]string
		want             []string
		wantErr          string
	}{
		{"npm: package roots only", "npm-installed", map[string]string{
			"app/node_modules/a/package.json":                        `{"name":"a","version":"1.0.0","license":"MIT"}`,
			"app/node_modules/a/dist/esm/package.json":               `{"name":"a-esm","version":"9.0.0"}`,
			"app/node_modules/@s/b/package.json":                     "\xef\xbb\xbf" + `{"name":"@s/b","version":"2.0.0","licenses":[{"type":"ISC"},{"type":"Apache 2.0"}]}`,
			"app/node_modules/a/node_modules/c/package.json":         `{"name":"c","version":"3.0.0","license":{"type":"MIT"}}`,
			"app/node_modules/.pnpm/d@4/node_modules/d/package.json": `{"name":"d","version":"4.0.0","license":7,"dependencies":"odd"}`,
			"app/node_modules/a/test/x/node_modules/f/package.json":  `{"name":"f","version":"6.0.0"}`,
			"usr/share/nodejs/e/package.json":                        `{"name":"e","version":"5.0.0"}`,
			"usr/share/nodejs/e/bin/package.json":                    `{"name":"bin","version":"1.0.0"}`,
			"app/node_modules/nameless/package.json":                 `{"type":"module"}`,
		}, []string{
			"npm|@s/b|2.0.0|npm|ISC,Apache-2.0|app/node_modules/@s/b/package.json",
			"npm|a|1.0.0|npm|MIT|app/node_modules/a/package.json",
			"npm|c|3.0.0|npm|MIT|app/node_modules/a/node_modules/c/package.json",
			"npm|d|4.0.0|npm||app/node_modules/.pnpm/d@4/node_modules/d/package.json",
			"npm|e|5.0.0|npm||usr/share/nodejs/e/package.json",
		}, ""},
		{"npm: an application's own", "npm-installed", map[string]string{
			"app/package.json":                     `{"name":"shop","version":"1.0.0","private":true}`,
			"srv/package.json":                     `{"name":"site","version":"2.0.0","dependencies":{"a":"1"}}`,
			"opt/other/package.json":               `{"name":"other","version":"2.0.0"}`,
			"opt/broken/package.json":              `{"name":`,
			"usr/local/go/test/x/package.json":     `{"name":"x","version":"1.0.0","private":true}`,
			"usr/share/app/templates/package.json": `{"name":"t","version":"1.0.0","private":true}`,
		}, []string{
			"npm|shop|1.0.0|||app/package.json",
			"npm|site|2.0.0|npm||srv/package.json",
		}, ""},
		{"npm: broken", "npm-installed", map[string]string{
			"node_modules/a/package.json": `{"name":"a",`,
		}, nil, "not readable"},
		{"npm: hostile name", "npm-installed", map[string]string{
			"node_modules/a/package.json": `{"name":"../../etc","version":"1"}`,
		}, nil, "does not allow"},
		{"python: every form of metadata", "python-installed", map[string]string{
			"p/site-packages/Zope.Interface-4.5.dist-info/METADATA": "Metadata-Version: 2.1\nName: zope.interface\nVersion: 4.5.0\nLicense: ZPL-2.1\nRequires-Dist: setuptools (>=1) ; extra == 'x'\n\nVersion: 9\n",
			"p/dist-packages/PyYAML-6.0.egg-info":                   "Name: PyYAML\nVersion: 6.0\nLicense: Long text\n  over two lines\nClassifier: License :: OSI Approved :: MIT License\n",
			"p/dist-packages/six.egg-info/PKG-INFO":                 "Name: six\r\nVersion: 1.16.0\r\nLicense-Expression: MIT OR ISC\r\nLicense: odd\r\n",
			"p/some.egg/EGG-INFO/PKG-INFO":                          "Name: some_thing\nVersion: 2\nLicense: UNKNOWN\n",
		}, []string{
			"pypi|pyyaml|6.0|PyPI|MIT|p/dist-packages/PyYAML-6.0.egg-info",
			"pypi|six|1.16.0|PyPI|MIT OR ISC|p/dist-packages/six.egg-info/PKG-INFO",
			"pypi|some-thing|2|PyPI||p/some.egg/EGG-INFO/PKG-INFO",
			"pypi|zope-interface|4.5.0|PyPI|ZPL-2.1|p/site-packages/Zope.Interface-4.5.dist-info/METADATA",
		}, ""},
		{"python: no version", "python-installed", map[string]string{
			"p/bad.dist-info/METADATA": "Name: bad\n",
		}, nil, "no name or no version"},
		{"gems", "gem-installed", map[string]string{
			"g/specifications/rake-13.0.6.gemspec":                  "Gem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\n  s.licenses = [\"MIT\".freeze, \"Ruby\".freeze]\nend\n",
			"g/specifications/default/json-2.6.1.gemspec":           "version = File.read('v')\nSpec.new do |s|\n  s.version = version\nend\n",
			"g/specifications/nokogiri-1.16.0-x86_64-linux.gemspec": "  s.name = \"nokogiri\".freeze\n  s.version = \"1.16.0\"\n  s.platform = \"x86_64-linux\".freeze\n  s.license = \"MIT\"\n",
			"g/gems/rake-13.0.6/rake.gemspec":                       "  s.name = \"rake\"\n  s.version = \"0\"\n",
		}, []string{
			"gem|json|2.6.1|RubyGems||g/specifications/default/json-2.6.1.gemspec",
			"gem|nokogiri|1.16.0|RubyGems|MIT|g/specifications/nokogiri-1.16.0-x86_64-linux.gemspec",
			"gem|rake|13.0.6|RubyGems|MIT,Ruby|g/specifications/rake-13.0.6.gemspec",
		}, ""},
		{"composer, both forms", "composer-installed", map[string]string{
			"a/vendor/composer/installed.json": `{"packages":[{"name":"Symfony/http-kernel","version":"v5.4.0","license":["MIT"],"require":{"php":">=7"}},{"name":"x/nothing"}]}`,
			"b/vendor/composer/installed.json": `[{"name":"monolog/monolog","version":"2.3.0","license":"MIT"}]`,
		}, []string{
			"composer|monolog/monolog|2.3.0|Packagist|MIT|b/vendor/composer/installed.json",
			"composer|symfony/http-kernel|v5.4.0|Packagist|MIT|a/vendor/composer/installed.json",
		}, ""},
		{"dotnet", "dotnet-deps", map[string]string{
			"app/shop.deps.json":   "\xef\xbb\xbf" + `{"runtimeTarget":{"name":"x"},"libraries":{"shop/1.0.0":{"type":"project"},"Newtonsoft.Json/13.0.1":{"type":"package"},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1":{"type":"runtimepack"}}}`,
			"app/editor.deps.json": `{"other":1}`,
		}, []string{
			"nuget|Microsoft.NETCore.App.Runtime.linux-x64|8.0.1|NuGet||app/shop.deps.json",
			"nuget|Newtonsoft.Json|13.0.1|NuGet||app/shop.deps.json",
			"nuget|shop|1.0.0|||app/shop.deps.json",
		}, ""},
		{"conda", "conda-meta", map[string]string{
			"opt/conda/conda-meta/zlib-1.2.11-0.json": `{"name":"zlib","version":"1.2.11","license":"Zlib","files":["lib/libz.so"],"depends":["libgcc-ng >=7"]}`,
		}, []string{"conda|zlib|1.2.11||Zlib|opt/conda/conda-meta/zlib-1.2.11-0.json"}, ""},
		{"R", "r-installed", map[string]string{
			"usr/lib/R/site-library/jsonlite/DESCRIPTION": "Package: jsonlite\nVersion: 1.8.4\nLicense: MIT + file LICENSE\nBuilt: R 4.2.2\n",
			"usr/lib/R/library/base/DESCRIPTION":          "Package: base\nVersion: 4.2.2\nPriority: base\nBuilt: R 4.2.2\n",
			"src/DESCRIPTION":                             "Package: mine\nVersion: 1\n",
		}, []string{
			"cran|base|4.2.2|||usr/lib/R/library/base/DESCRIPTION",
			"cran|jsonlite|1.8.4|CRAN|MIT + file LICENSE|usr/lib/R/site-library/jsonlite/DESCRIPTION",
		}, ""},
		{"luarocks", "luarocks-installed", map[string]string{
			"usr/lib/luarocks/rocks-5.1/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec": "package = \"lpeg\"\n",
		}, []string{"luarocks|lpeg|1.0.2-1|||usr/lib/luarocks/rocks-5.1/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec"}, ""},
		{"opam", "opam-installed", map[string]string{
			"root/.opam/default/.opam-switch/install": "dune.3.6.1\n",
		}, []string{"opam|dune|3.6.1|opam||root/.opam/default/.opam-switch/install"}, ""},
		{"wordpress", "wordpress-plugins", map[string]string{
			"w/wp-content/plugins/akismet/akismet.php": "<?php\n/*\n * Plugin Name: Akismet\n * Version: 5.0.1\n */\n",
		}, []string{"wordpress|Akismet|5.0.1|||w/wp-content/plugins/akismet/akismet.php"}, ""},
	} {
		t.Run(c.about, func(t *testing.T) {
			pkgs, err := extract(t, c.extractor, c.files)
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Fatalf("error %v, want %q", err, c.wantErr)
			}
			if d := cmp.Diff(c.want, lines(pkgs)); d != "" {
				t.Errorf("packages (-want +got):\n%s", d)
			}
		})
	}
}

// An application's own manifest must not pass for an installed tree: see [inventory.Package.Project].
func TestNPMProject(t *testing.T) {
	manifest := []byte(`{"name":"a","version":"1.0.0","dependencies":{"b":"1"}}`)
	for p, want := range map[string]bool{
		"app/package.json":                true,
		"package.json":                    true,
		"app/node_modules/a/package.json": false,
		"usr/share/nodejs/a/package.json": false,
	} {
		pkgs, err := parseNPM(p, manifest)
		if err != nil || len(pkgs) != 1 || pkgs[0].Project != want {
			t.Errorf("%s: %v, error %v; want one package with Project %v", p, pkgs, err, want)
		}
	}
}

func TestPythonRecord(t *testing.T) {
	pkgs, err := extract(t, "python-installed", map[string]string{
		"v/lib/site-packages/a.dist-info/METADATA": "Name: a\nVersion: 1\n",
		"v/lib/site-packages/a.dist-info/RECORD":   "a/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n../../bin/a,,\n../../../../../etc/passwd,,\n",
	})
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	want := []inventory.OwnedFile{
		{Path: "v/lib/site-packages/a/__init__.py", Digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{Path: "v/bin/a"},
		{Path: "etc/passwd"},
	}
	if d := cmp.Diff(want, pkgs[0].Files); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

func TestListsOfInstalledFiles(t *testing.T) {
	pkgs, err := extract(t, "python-installed", map[string]string{
		"v/lib/site-packages/a-1.egg-info/PKG-INFO":            "Name: a\nVersion: 1\n",
		"v/lib/site-packages/a-1.egg-info/installed-files.txt": "PKG-INFO\n../a/__init__.py\n../../../bin/a\n../../../../../../etc/x",
	})
	want := []inventory.OwnedFile{{Path: "v/lib/site-packages/a-1.egg-info/PKG-INFO"}, {Path: "v/lib/site-packages/a/__init__.py"}, {Path: "v/bin/a"}, {Path: "etc/x"}}
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	if d := cmp.Diff(want, pkgs[0].Files); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	pkgs, err = parseGemspec("b/specifications/rake-13.gemspec", []byte("s.name = \"rake\"\ns.version = \"13\"\n  s.executables = [\"rake\".freeze, \"../../x\"]\n"))
	if err != nil || len(pkgs) != 1 {
		t.Fatal(pkgs, err)
	}
	if d := cmp.Diff([]inventory.OwnedFile{{Path: "b/bin/rake"}, {Path: "b/bin/x"}}, pkgs[0].Files); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
}

func FuzzParseNPM(f *testing.F) {
	f.Add([]byte(`{"name":"a","version":"1","license":{"type":"MIT"},"licenses":[{"type":"x"},"y"],"dependencies":{"b":"1"}}`))
	f.Add([]byte("\xef\xbb\xbf{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		pkgs, _ := parseNPM("node_modules/a/package.json", content)
		for _, p := range pkgs {
			if p.Version == "" || !npmName.MatchString(p.Name) {
				t.Errorf("made up: %+v", p)
			}
		}
	})
}
