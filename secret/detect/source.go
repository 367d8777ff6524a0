package detect

import (
	"path"
	"slices"
	"strings"
)

// kind is what sort of text a file has, by its name: what an assignment looks like there.
type kind int

// The kinds of texts.
const (
	prose  kind = iota // documentation, and whatever has no better name
	code               // programs: only what is quoted is a value
	config             // settings: a value ends with its line
	shell              // scripts and command lines
)

// source is what the path of a text says of it.
type source struct {
	path string
	kind kind
	// settings: for one program alone, as .env is, where a name is what it says.
	settings bool
	// lines: a value without quotes goes to the end of its line.
	lines bool
	// words: a value may follow its name after a space, as in .netrc.
	words bool
	// quiet: assignments are not looked for, for there would be no end of what looks like one.
	quiet bool
	// foreign: in a directory of what others made: of packages, of the system.
	foreign bool
	// program: compiled, where strings stand side by side with nothing between them.
	program bool
	// testing: made for tests; documentation: examples for readers.
	testing, documentation bool
	// written: prose in a directory of documentation, whoever made it, and modules that Go fetched.
	written bool
}

// newSource says what a path tells. One without an extension or directory stands for a variable, a label or an instruction.
func newSource(name string) source {
	s := source{path: name}
	lower := strings.ToLower(name)
	base := path.Base(lower)
	s.kindOf(base)
	switch lower {
	case "", "env", "label", "annotation":
		s.kind, s.settings, s.lines = config, true, true
	case "history", "instruction":
		s.kind, s.settings = shell, false
	}
	s.place(lower, base)
	s.written = s.documentation && (s.kind == prose || manualPage(lower)) || strings.Contains(lower, "go/pkg/mod/") && strings.Contains(path.Dir(lower), "@v")
	s.documentation = s.foreign && (s.documentation || s.kind == prose && base != "")
	s.quiet = s.quiet || s.foreign
	return s
}

// manualPage says whether a path in lower case is that of a page of the manual: man/man1/curl.1.
func manualPage(name string) bool {
	section := path.Ext(strings.TrimSuffix(name, ".gz"))
	return len(section) > 1 && section[1] >= '1' && section[1] <= '9' && strings.Contains("/"+path.Dir(name)+"/", "/man"+section[1:2]+"/")
}

// place says whose directory a path in lower case is in.
func (s *source) place(lower, base string) {
	for _, dir := range systemDirectories() {
		s.foreign = s.foreign || strings.HasPrefix(lower, dir)
	}
	s.foreign = s.foreign && !strings.HasPrefix(lower, "usr/share/nginx/") && !strings.HasPrefix(lower, "usr/share/httpd/")
	dir := strings.TrimSuffix(lower, base)
	for segment := range strings.SplitSeq(dir, "/") {
		switch segment {
		case "node_modules", "site-packages", "dist-packages", "gems", "bower_components", "vendor", ".m2", ".cargo", ".rustup", ".gradle", ".nuget", "_cacache", ".cache", ".yarn":
			s.foreign = true
		case "test", "tests", "testdata", "testing", "fixture", "fixtures", "__tests__", "__fixtures__", "__mocks__", "spec", "specs", "test-files", "test_resources", "testcerts", "mock", "mocks", "example", "examples", "sample", "samples", "demo", "demos", "benchmark", "benchmarks", "e2e":
			s.testing = true
		case "doc", "docs", "man", "changelog", "changelogs", "licenses":
			s.documentation = true
		}
		s.testing = s.testing || testDirectory(segment)
	}
	s.foreign = s.foreign || strings.Contains(dir, "go/pkg/mod/")
	stem := strings.TrimSuffix(base, path.Ext(base))
	s.testing = s.testing || s.foreign && (testWord(stem) || slices.ContainsFunc(strings.Split(dir, "/"), testWord))
	s.testing = s.testing || is(path.Ext(base), ".example", ".sample") || is(path.Ext(stem), ".example", ".examples", ".sample", ".samples")
	s.testing = s.testing || strings.HasSuffix(stem, "_test") || strings.HasSuffix(stem, ".test") || strings.HasSuffix(stem, ".spec") || strings.HasSuffix(stem, "_spec") || strings.HasPrefix(base, "test_") && strings.HasSuffix(base, ".py")
}

// systemDirectories are those of packages and of the system.
func systemDirectories() []string {
	return []string{"usr/share/", "usr/lib/", "usr/lib64/", "usr/lib32/", "usr/libexec/", "usr/include/", "usr/sbin/", "usr/bin/", "usr/local/go/", "usr/local/lib/", "usr/local/share/", "usr/local/include/", "lib/", "lib64/",
		"opt/java/", "opt/jdk", "opt/conda/", "opt/rh/", "var/lib/dpkg/", "var/lib/apt/", "var/lib/rpm/", "var/lib/yum/", "var/lib/dnf/", "var/cache/", "proc/", "sys/", "boot/", "nix/store/", "usr/src/linux", "usr/src/python"}
}

// kindOf tells the kind by the last element of a path, in lower case.
func (s *source) kindOf(base string) {
	ext := strings.TrimPrefix(path.Ext(base), ".")
	switch {
	case is(base, "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "cargo.lock", "composer.lock", "poetry.lock", "gemfile.lock", "go.sum", "pipfile.lock", "uv.lock", "packages.lock.json") ||
		strings.HasSuffix(base, ".min.js") || is(ext, "map", "lock", "css", "svg", "po", "pot", "lang", "sum", "crt", "cer", "pub", "gpg", "asc", "csv", "tsv", "log") && base != "credentials.csv":
		s.quiet = true
	case strings.HasPrefix(base, ".env") || strings.HasSuffix(base, ".env") || is(ext, "properties", "ini", "cfg", "cnf", "conf", "tfvars", "env", "toml", "credentials", "ovpn"),
		is(base, ".npmrc", ".pypirc", ".s3cfg", ".boto", "credentials", "config", ".tugboat", ".my.cnf", ".yarnrc", ".gemrc", "hub", ".git-credentials", ".pgpass", ".wgetrc", ".curlrc", ".dockercfg", ".envrc", ".flaskenv", ".secrets", "secrets", ".credentials", ".ftpconfig"):
		s.kind, s.settings, s.lines = config, true, true
	case is(base, ".netrc", "_netrc", ".esmtprc", ".msmtprc", ".fetchmailrc", ".authinfo", ".mutt", ".muttrc"):
		s.kind, s.settings, s.words = config, true, true
	case is(ext, "yaml", "yml"):
		s.kind, s.lines = config, true
	case is(ext, "json", "json5", "jsonc", "xml", "config", "plist", "tfstate", "tf", "hcl", "nomad", "ipynb", "har"):
		s.kind = config
	case is(ext, "sh", "bash", "zsh", "ksh", "fish", "ps1", "bat", "cmd", "mk", "dockerfile"),
		is(base, ".bashrc", ".bash_profile", ".profile", ".zshrc", ".bash_history", ".zsh_history", ".sh_history", ".ash_history", ".history", ".bash_aliases", "profile", "dockerfile", "containerfile", "makefile", "crontab", "jenkinsfile", "procfile", "justfile"), strings.HasPrefix(base, "dockerfile."):
		s.kind = shell
	case is(ext, "js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts", "py", "pyw", "pyi", "rb", "go", "java", "kt", "kts", "scala", "groovy", "gradle", "php", "phtml", "inc", "cs", "vb", "fs", "c", "h", "cc", "cpp", "hpp", "rs", "swift", "m", "lua", "pl", "pm", "r", "jl", "ex", "exs", "erl", "clj", "dart", "sql", "vue", "svelte", "jsp", "asp", "aspx", "erb", "ejs", "coffee", "pyc"):
		s.kind = code
	}
}

func is(s string, one ...string) bool { return slices.Contains(one, s) }
