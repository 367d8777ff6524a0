package lang

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLockFiles(t *testing.T) {
	for _, c := range []struct {
		extractor, path, content string
		want                     []string // name, version
	}{
		{"npm-lock", "app/package-lock.json", `{"lockfileVersion":3,"packages":{"":{"name":"app"},"node_modules/@s/a":{"version":"1.2.3"},"node_modules/b":{"version":"2.0.0"}}}`,
			[]string{"npm|@s/a|1.2.3|npm", "npm|b|2.0.0|npm"}},
		{"npm-lock", "app/npm-shrinkwrap.json", `{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"2.0.0"}}},"c":{"version":"npm:@s/real@3.0.0"},"d":{"version":"git+ssh://x#y"}}}`,
			[]string{"npm|@s/real|3.0.0|npm", "npm|a|1.0.0|npm", "npm|b|2.0.0|npm"}},
		{"npm-lock", "app/package-lock.json", `{"packages":{"":{"name":"app","version":"1.0.0"},"packages/own":{"version":"1.0.0"},"node_modules/own":{"link":true},"node_modules/x/node_modules/alias":{"name":"real","version":"2.0.0"}}}`,
			[]string{"npm|real|2.0.0|npm"}},
		{"yarn-lock", "app/yarn.lock", "# yarn lockfile v1\n\nlodash@^4.17.0:\n  version \"4.17.21\"\n  resolved \"https://r/lodash-4.17.21.tgz#x\"\n",
			[]string{"npm|lodash|4.17.21|npm"}},
		{"pnpm-lock", "app/pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  ms@2.1.3:\n    resolution: {integrity: sha512-x}\n",
			[]string{"npm|ms|2.1.3|npm"}},
		{"bun-lock", "app/bun.lock", `{"lockfileVersion":1,"workspaces":{"":{"name":"a"}},"packages":{"has-flag":["has-flag@4.0.0","",{},"sha512-x"],}}`,
			[]string{"npm|has-flag|4.0.0|npm"}},
		{"pipfile-lock", "app/Pipfile.lock", `{"_meta":{},"default":{"Flask_Thing":{"version":"==1.0"}},"develop":{}}`,
			[]string{"pypi|flask-thing|1.0|PyPI"}},
		{"poetry-lock", "app/poetry.lock", "[[package]]\nname = \"numpy\"\nversion = \"1.23.3\"\n",
			[]string{"pypi|numpy|1.23.3|PyPI"}},
		{"pdm-lock", "app/pdm.lock", "[[package]]\nname = \"toml\"\nversion = \"0.10.2\"\ngroups = [\"default\"]\n",
			[]string{"pypi|toml|0.10.2|PyPI"}},
		{"uv-lock", "app/uv.lock", "version = 1\n[[package]]\nname = \"emoji\"\nversion = \"2.14.0\"\nsource = { registry = \"https://pypi.org/simple\" }\n",
			[]string{"pypi|emoji|2.14.0|PyPI"}},
		{"pylock", "app/pylock.toml", "lock-version = \"1.0\"\n[[packages]]\nname = \"attrs\"\nversion = \"25.1.0\"\n",
			[]string{"pypi|attrs|25.1.0|PyPI"}},
		{"requirements", "app/requirements.txt", "Django==2.2.0\nflask>=1.0\nrequests\nodd==1.*\nsix===1.16.0 ; python_version > '3'\n",
			[]string{"pypi|django|2.2.0|PyPI", "pypi|six|1.16.0|PyPI"}},
		{"bundler-lock", "app/Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.2.3)\n\nPLATFORMS\n  ruby\n",
			[]string{"gem|rack|2.2.3|RubyGems"}},
		{"composer-lock", "app/composer.lock", `{"packages":[{"name":"sentry/sdk","version":"2.0.4"}],"packages-dev":[]}`,
			[]string{"composer|sentry/sdk|2.0.4|Packagist"}},
		{"cargo-lock", "app/Cargo.lock", "[[package]]\nname = \"libc\"\nversion = \"0.2.1\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
			[]string{"cargo|libc|0.2.1|crates.io"}},
		{"nuget-lock", "app/packages.lock.json", `{"version":1,"dependencies":{"net6.0":{"Serilog":{"type":"Direct","resolved":"2.10.0"}}}}`,
			[]string{"nuget|Serilog|2.10.0|NuGet"}},
		{"paket-lock", "app/paket.lock", "NUGET\n  remote: https://api.nuget.org/v3/index.json\n    FSharp.Core (4.7.2)\n",
			[]string{"nuget|FSharp.Core|4.7.2|NuGet"}},
		{"pub-lock", "app/pubspec.lock", "packages:\n  args:\n    dependency: transitive\n    version: \"2.4.2\"\n",
			[]string{"pub|args|2.4.2|Pub"}},
		{"mix-lock", "app/mix.lock", "%{\n  \"jason\": {:hex, :jason, \"1.2.2\", \"ba43\", [:mix], [], \"hexpm\", \"1892\"},\n}\n",
			[]string{"hex|jason|1.2.2|Hex"}},
		{"renv-lock", "app/renv.lock", `{"R":{"Version":"4.2.3"},"Packages":{"morning":{"Package":"morning","Version":"0.1.0","Source":"Repository","Repository":"CRAN"}}}`,
			[]string{"cran|morning|0.1.0|CRAN"}},
		{"gradle-lock", "app/gradle.lockfile", "# x\norg.springframework:spring-web:5.3.9=runtimeClasspath\nempty=\n",
			[]string{"maven|org.springframework:spring-web|5.3.9|Maven"}},
		{"conan-lock", "app/conan.lock", `{"version":"0.5","requires":["zlib/1.2.11#abc%1"],"build_requires":[],"python_requires":[]}`,
			[]string{"conan|zlib|1.2.11|ConanCenter"}},
		{"cocoapods-lock", "app/Podfile.lock", "PODS:\n  - AFNetworking (4.0.1)\n",
			[]string{"cocoapods|AFNetworking|4.0.1|"}},
		{"swift-lock", "app/Package.resolved", `{"pins":[{"identity":"swift-nio","location":"https://github.com/apple/swift-nio.git","state":{"version":"2.40.0"}}],"version":2}`,
			[]string{"swift|github.com/apple/swift-nio|2.40.0|SwiftURL"}},
		{"stack-lock", "app/stack.yaml.lock", "packages:\n- completed:\n    hackage: fuzzyset-0.2.4@sha256:f1,1\n",
			[]string{"hackage|fuzzyset|0.2.4|Hackage"}},
		{"cabal-freeze", "app/cabal.project.freeze", "constraints: any.aeson ==2.1.0.0,\n",
			[]string{"hackage|aeson|2.1.0.0|Hackage"}},
		{"julia-manifest", "app/Manifest.toml", "manifest_format = \"2.0\"\n[[deps.JSON]]\nuuid = \"682c06a0-de6a-54ab-a142-c8b1cf79cde6\"\nversion = \"0.21.4\"\n",
			[]string{"julia|JSON|0.21.4|Julia"}},
	} {
		t.Run(c.extractor, func(t *testing.T) {
			pkgs, err := extract(t, c.extractor, map[string]string{c.path: c.content})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, w := range c.want {
				want = append(want, w+"||"+c.path+"|locked")
			}
			if d := cmp.Diff(want, lines(pkgs)); d != "" {
				t.Errorf("packages (-want +got):\n%s", d)
			}
			pkgs, err = extract(t, c.extractor, map[string]string{"usr/local/go/src/testdata/" + c.path: c.content})
			if err != nil || pkgs != nil {
				t.Errorf("in test data: got %v, %v; want nothing", pkgs, err)
			}
		})
	}
}

func TestBrokenLockFiles(t *testing.T) {
	for _, c := range []struct{ extractor, path string }{
		{"npm-lock", "package-lock.json"}, {"pnpm-lock", "pnpm-lock.yaml"}, {"poetry-lock", "poetry.lock"},
		{"composer-lock", "composer.lock"}, {"cargo-lock", "Cargo.lock"}, {"nuget-lock", "packages.lock.json"},
	} {
		if pkgs, err := extract(t, c.extractor, map[string]string{c.path: "{\x00[["}); err == nil {
			t.Errorf("%s: no error, %v", c.extractor, pkgs)
		}
	}
}
