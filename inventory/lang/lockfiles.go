package lang

import (
	"strings"

	"github.com/google/osv-scalibr/extractor"
	"github.com/google/osv-scalibr/extractor/filesystem/language/cpp/conanlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dart/pubspec"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/packageslockjson"
	"github.com/google/osv-scalibr/extractor/filesystem/language/dotnet/paketlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/elixir/mixlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/haskell/cabal"
	"github.com/google/osv-scalibr/extractor/filesystem/language/haskell/stacklock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/java/gradlelockfile"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/pnpmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/javascript/yarnlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/julia/manifesttoml"
	"github.com/google/osv-scalibr/extractor/filesystem/language/lua/luarocks"
	"github.com/google/osv-scalibr/extractor/filesystem/language/nim/nimble"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ocaml/opam"
	"github.com/google/osv-scalibr/extractor/filesystem/language/perl/cpan"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pdmlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pipfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/poetrylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/pylock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/requirements"
	"github.com/google/osv-scalibr/extractor/filesystem/language/python/uvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/r/renvlock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/ruby/gemfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/rust/cargolock"
	"github.com/google/osv-scalibr/extractor/filesystem/language/swift/packageresolved"
	"github.com/google/osv-scalibr/extractor/filesystem/language/swift/podfilelock"
	"github.com/google/osv-scalibr/extractor/filesystem/misc/wordpress/plugins"

	"tidewaiter/inventory"
)

// scalibrExtractors are those that osv-scalibr parses for us. go.mod is not among the lock files: in an
// image it says nothing of what was built, and an executable says it itself.
func scalibrExtractors() []scalibrExtractor {
	lock := func(name string, open openFunc, files ...string) scalibrExtractor {
		return scalibrExtractor{name: name, rules: named(files...), open: open, locked: true}
	}
	requirementsLock := lock("requirements", requirements.New)
	requirementsLock.rules = []inventory.Rule{{Suffix: "requirements.txt"}}
	requirementsLock.convert = pinned
	return []scalibrExtractor{
		lock("yarn-lock", yarnlock.New, "yarn.lock"),
		lock("pnpm-lock", pnpmlock.New, "pnpm-lock.yaml"),
		lock("pipfile-lock", pipfilelock.New, "Pipfile.lock"),
		lock("poetry-lock", poetrylock.New, "poetry.lock"),
		lock("pdm-lock", pdmlock.New, "pdm.lock"),
		lock("uv-lock", uvlock.New, "uv.lock"),
		lock("pylock", pylock.New, "pylock.toml"),
		requirementsLock,
		lock("bundler-lock", gemfilelock.New, "Gemfile.lock", "gems.locked"),
		lock("cargo-lock", cargolock.New, "Cargo.lock"),
		lock("nuget-lock", packageslockjson.New, "packages.lock.json"),
		lock("paket-lock", paketlock.New, "paket.lock"),
		lock("pub-lock", pubspec.New, "pubspec.lock"),
		lock("mix-lock", mixlock.New, "mix.lock"),
		lock("renv-lock", renvlock.New, "renv.lock"),
		lock("gradle-lock", gradlelockfile.New, "gradle.lockfile", "buildscript-gradle.lockfile"),
		lock("conan-lock", conanlock.New, "conan.lock"),
		lock("cocoapods-lock", podfilelock.New, "Podfile.lock"),
		lock("swift-lock", packageresolved.New, "Package.resolved"),
		lock("stack-lock", stacklock.New, "stack.yaml.lock"),
		lock("cabal-freeze", cabal.New, "cabal.project.freeze"),
		lock("julia-manifest", manifesttoml.New, "Manifest.toml"),

		{name: "luarocks-installed", rules: []inventory.Rule{{Suffix: ".rockspec"}}, open: luarocks.New},
		{name: "opam-installed", rules: []inventory.Rule{{Suffix: ".opam-switch/install"}}, open: opam.New},
		{name: "nimble-installed", rules: []inventory.Rule{{Suffix: ".nimble", Dir: ".nimble"}}, open: nimble.New},
		{name: "cpan-installed", rules: []inventory.Rule{
			{Name: "META.json", Dir: ".cpan"}, {Name: "META.json", Dir: ".cpanm"},
			{Name: "META.yml", Dir: ".cpan"}, {Name: "META.yml", Dir: ".cpanm"},
		}, open: cpan.New},
		{name: "wordpress-plugins", rules: []inventory.Rule{{Suffix: ".php", Dir: "wp-content/plugins"}}, open: plugins.New},
	}
}

func named(files ...string) []inventory.Rule {
	var rules []inventory.Rule
	for _, f := range files {
		rules = append(rules, inventory.Rule{Name: f})
	}
	return rules
}

// pinned keeps a line of a requirements file only where it names one version.
func pinned(f *extractor.Package) (inventory.Package, bool) {
	m, ok := f.Metadata.(*requirements.Metadata)
	exact := ok && (m.VersionComparator == "==" || m.VersionComparator == "===") && !strings.ContainsAny(f.Version, "*,")
	return newPackage(f.PURLType, f.Name, f.Version), exact
}
