package declared

import (
	"path"
	"slices"
	"strings"
)

// managesLanguage holds for the package managers of programming languages.
func (c *call) managesLanguage() bool {
	switch name := c.name; {
	case name == "pip" || strings.HasPrefix(name, "pip2") || strings.HasPrefix(name, "pip3"):
		return c.pip(c.args)
	case name == "python" || strings.HasPrefix(name, "python2") || strings.HasPrefix(name, "python3") || name == "pypy3":
		return c.python()
	case name == "uv":
		if len(c.args) > 0 && c.args[0] == "pip" {
			return c.pip(c.args[1:])
		}
		return c.project("pypi", []string{"sync", "add"}, []string{".venv"})
	case name == "poetry" || name == "pipenv" || name == "pdm":
		return c.project("pypi", []string{"install", "sync", "add"}, []string{".venv"})
	case name == "npm" || name == "yarn" || name == "pnpm" || name == "bun":
		return c.npm()
	case name == "gem":
		return c.gem()
	case name == "bundle" || name == "bundler":
		return c.project("gem", []string{"install", "update", "config"}, []string{"vendor", ".bundle"})
	case name == "composer":
		return c.project("composer", []string{"install", "require", "update", "dump-autoload", "dumpautoload"}, []string{"vendor"})
	case name == "go":
		return c.golang()
	case name == "cargo":
		return c.cargo()
	case name == "virtualenv":
		for _, dir := range operands(c.args, "-p", "--python") {
			c.write(dir, true)
		}
		return true
	case name == "pecl" || name == "docker-php-ext-install" || name == "docker-php-ext-configure" || name == "docker-php-ext-enable" || name == "docker-php-source":
		for _, dir := range []string{"/usr/local/lib/php", "/usr/local/etc/php", "/usr/local/include/php", "/usr/src", "/tmp/pear"} {
			c.write(dir, true)
		}
		return true
	}
	return false
}

func (c *call) python() bool {
	if len(c.args) < 2 || c.args[0] != "-m" {
		if len(c.args) > 0 && c.args[0] == "-c" || len(c.args) == 0 {
			return false
		}
		c.ask(install{purl: "pypi", any: true}) // setup.py, get-pip.py
		return false
	}
	switch c.args[1] {
	case "pip":
		return c.pip(c.args[2:])
	case "venv", "virtualenv":
		for _, dir := range operands(c.args[2:], "--prompt") {
			c.write(dir, true)
		}
		c.ask(install{purl: "pypi", names: []string{"pip", "setuptools", "wheel"}})
	case "ensurepip":
		c.ask(install{purl: "pypi", names: []string{"pip", "setuptools", "wheel"}})
	case "compileall":
	default:
		c.ask(install{purl: "pypi", any: true})
		return false
	}
	return true
}

func (c *call) pip(args []string) bool {
	valued := []string{"-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-t", "--target", "--prefix", "--root", "-i", "--index-url", "--extra-index-url", "-f", "--find-links",
		"--trusted-host", "--proxy", "--cache-dir", "--timeout", "--retries", "--platform", "--python-version", "--python", "--implementation", "--abi", "--no-binary", "--only-binary", "--cert", "--client-cert",
		"-d", "--dest", "-w", "--wheel-dir", "--upgrade-strategy", "--progress-bar", "--global-option", "--install-option", "--config-settings", "-C", "--report", "--log", "--exists-action", "--src", "--hash"}
	words := operands(args, valued...)
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "install", "sync":
	case "download", "wheel":
		dir, ok := option(args, "-d", "--dest", "-w", "--wheel-dir")
		if !ok {
			dir = "."
		}
		c.write(dir, true)
		return true
	case "config":
		c.write("~/.config/pip", true)
		c.write("~/.pip", true)
		c.write("/etc/pip.conf", false)
		return true
	default: // list, uninstall, cache, check, ...
		return true
	}
	ask := install{purl: "pypi"}
	for _, w := range words[1:] {
		for _, file := range c.files(w) {
			name := pythonName(file)
			ask.any = ask.any || strings.Trim(name, unknown) == ""
			ask.names = append(ask.names, name)
		}
	}
	for i, a := range args {
		switch {
		case (a == "-r" || a == "--requirement") && i+1 < len(args):
			ask.files = append(ask.files, c.in.abs(args[i+1]))
		case strings.HasPrefix(a, "--requirement="):
			ask.files = append(ask.files, c.in.abs(a[len("--requirement="):]))
		case strings.HasPrefix(a, "-r") && len(a) > 2 && !strings.HasPrefix(a, "--"):
			ask.files = append(ask.files, c.in.abs(a[2:]))
		case a == "-e" || a == "--editable":
			ask.any = true
		}
	}
	if words[0] == "sync" {
		for _, w := range words[1:] {
			ask.files = append(ask.files, c.in.abs(w))
		}
		ask.names = nil
	}
	for _, name := range []string{"-t", "--target", "--prefix", "--root"} {
		if dir, ok := option(args, name); ok {
			c.write(dir, true)
		}
	}
	c.ask(ask)
	return true
}

// pythonName takes the name out of what pip is asked for: name[extra]>=1.0; name @ URL; a wheel; any where it is a directory or an address.
func pythonName(word string) string {
	switch {
	case strings.HasSuffix(word, ".whl"), strings.HasSuffix(word, ".tar.gz"), strings.HasSuffix(word, ".zip"):
		return normalName(fileName(word, "-"))
	case strings.Contains(word, "#egg="):
		return normalName(word[strings.Index(word, "#egg=")+len("#egg="):])
	case strings.Contains(word, "://") && !strings.Contains(word, "@ "), strings.HasPrefix(word, "."), strings.HasPrefix(word, "/"):
		return unknown
	}
	if end := strings.IndexAny(word, " [<>=!~;@"); end >= 0 {
		word = word[:end]
	}
	return normalName(word)
}

// normalName is a Python package's name as PEP 503 has it.
func normalName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(words, "-")
}

// project holds for a tool that works by the manifest and the lock file of the directory that it is run in: commands are those that
// install, and fills the directories that they fill there.
func (c *call) project(purl string, commands, fills []string) bool {
	words := operands(c.args, "-d", "--working-dir", "-C", "--directory", "--project")
	sub := ""
	if len(words) > 0 {
		sub = words[0]
	}
	if sub == "config" || sub == "cache" || sub == "self-update" || sub == "clear-cache" || sub == "export" || sub == "lock" {
		c.write(".", true)
		c.write("~", true)
		return true
	}
	if !slices.Contains(commands, sub) {
		return false
	}
	dir := c.in.cwd
	for _, f := range fills {
		c.write(path.Join(dir, f), true)
	}
	for _, f := range []string{"Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock", "Gemfile.lock", "composer.lock", "composer.json", "pyproject.toml"} {
		c.write(path.Join(dir, f), false)
	}
	for _, f := range []string{"~/.cache", "~/.composer", "~/.config", "~/.bundle", "~/.local", "/usr/local/bundle", "/usr/local/lib/ruby", "/var/lib/gems"} {
		c.write(f, true)
	}
	c.ask(install{purl: purl, dir: dir, names: words[1:], any: len(words) == 1})
	return true
}

func (c *call) npm() bool {
	words := operands(c.args, "--prefix", "-C", "--cwd", "--dir", "--registry", "--cache", "--cache-folder", "--userconfig", "-w", "--workspace", "--loglevel", "--network-timeout", "--store-dir", "--filter", "-F", "--omit", "--include")
	sub := ""
	if len(words) > 0 {
		sub = words[0]
	}
	global := has(c.args, "-g", "--global", "--location=global")
	if c.name == "yarn" && sub == "global" {
		global, words = true, words[1:]
		if len(words) > 0 {
			sub = words[0]
		}
	}
	dir := c.in.cwd
	if at, ok := option(c.args, "--prefix", "--cwd", "--dir"); ok {
		dir = c.in.abs(at)
	}
	switch sub {
	case "install", "i", "add", "ci", "clean-install", "install-clean", "update", "up", "upgrade", "rebuild", "prune", "dedupe", "link", "isntall":
	case "":
		if c.name != "yarn" || has(c.args, "--version", "-v") {
			return true
		}
	case "config", "set", "cache", "store", "uninstall", "remove", "rm", "un", "audit", "ls", "list", "outdated", "version", "view", "info", "root", "bin", "prefix", "whoami", "ping", "fund", "why", "setup", "plugin", "dlx-clean", "c":
		for _, file := range []string{"~/.npmrc", path.Join(dir, ".npmrc"), "~/.yarnrc", "~/.yarnrc.yml", path.Join(dir, ".yarnrc.yml"), "/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc", "~/.bashrc"} {
			c.write(file, false)
		}
		for _, at := range []string{"~/.npm", "~/.cache", "~/.config", "~/.local", path.Join(dir, ".yarn"), path.Join(dir, "node_modules")} {
			c.write(at, true)
		}
		return true
	default: // run, exec, build, a script of the project
		return false
	}
	c.npmInstall(sub, words, dir, global)
	return true
}

func (c *call) npmInstall(sub string, words []string, dir string, global bool) {
	ask := install{purl: "npm", dir: dir, locked: sub == "ci" || strings.HasPrefix(sub, "clean-") || has(c.args, "--frozen-lockfile", "--immutable")}
	for _, w := range words[min(1, len(words)):] {
		switch {
		case strings.HasPrefix(w, ".") || strings.HasPrefix(w, "/") || strings.Contains(w, "://") || strings.HasPrefix(w, unknown):
			ask.any = true
		case strings.LastIndexByte(w, '@') > 0:
			ask.names = append(ask.names, w[:strings.LastIndexByte(w, '@')])
		default:
			ask.names = append(ask.names, w)
		}
	}
	for _, at := range []string{"~/.npm", "~/.cache", "~/.local", "~/.config"} {
		c.write(at, true)
	}
	if cache, ok := option(c.args, "--cache", "--cache-folder", "--store-dir"); ok {
		c.write(cache, true)
	}
	if global {
		ask.dir = ""
		for _, at := range []string{"/usr/local/lib/node_modules", "/usr/lib/node_modules", "/usr/local/share/.config/yarn", "/usr/local/pnpm"} {
			c.write(at, true)
		}
		for _, at := range []string{"/usr/local/bin", "/usr/bin"} {
			c.in.effects.places = append(c.in.effects.places, place{path: at[1:] + "/" + unknown})
		}
	} else {
		c.write(path.Join(dir, "node_modules"), true)
		for _, file := range []string{"package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", ".pnp.cjs", ".pnp.loader.mjs"} {
			c.write(path.Join(dir, file), false)
		}
		c.write(path.Join(dir, ".yarn"), true)
		if !has(c.args, "--ignore-scripts") && c.in.look.scripted(path.Join(dir, "package.json")) {
			c.in.effects.tell("the project's own scripts that "+c.name+" runs", false)
		}
	}
	c.ask(ask)
}

func (c *call) gem() bool {
	words := operands(c.args, "-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P", "--platform")
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "install", "update", "i":
	default:
		return true
	}
	for _, at := range []string{"/usr/local/bundle", "/usr/local/lib/ruby", "/var/lib/gems", "/usr/lib/ruby", "/usr/share/ruby", "/usr/share/gems", "/usr/local/share/gems", "~/.gem", "~/.local", "~/.cache"} {
		c.write(at, true)
	}
	for _, at := range []string{"usr/local/bin/", "usr/bin/", "usr/local/bundle/bin/"} {
		c.in.effects.places = append(c.in.effects.places, place{path: at + unknown})
	}
	ask := install{purl: "gem", upgrade: true}
	for _, w := range words[1:] {
		name, _, _ := strings.Cut(w, ":")
		if strings.HasSuffix(w, ".gem") {
			name = fileName(w, "-")
		}
		ask.any = ask.any || strings.Trim(name, unknown) == ""
		ask.names = append(ask.names, name)
	}
	ask.any = ask.any || len(words) == 1 && words[0] == "install"
	c.ask(ask)
	return true
}

// goDirs are where Go keeps what it fetches.
func (c *call) goDirs() []string {
	dirs := []string{"~/.cache/go-build", "~/go", "/go/pkg", "~/.config/go"}
	for _, name := range []string{"GOPATH", "GOMODCACHE", "GOCACHE"} {
		if v := c.in.variable(name); v != "" && !strings.HasPrefix(v, unknown) {
			dirs = append(dirs, v)
		}
	}
	return dirs
}

func (c *call) golang() bool {
	words := operands(c.args, "-o", "-ldflags", "-tags", "-mod", "-C", "-gcflags", "-p", "-trimpath")
	if len(words) == 0 {
		return true
	}
	for _, dir := range c.goDirs() {
		c.write(dir, true)
	}
	switch words[0] {
	case "build":
		file, ok := option(c.args, "-o")
		if !ok {
			return false
		}
		c.write(file, true)
	case "install", "get":
		dir := c.in.variable("GOBIN")
		if dir == "" {
			dir = "/go/bin"
		}
		c.write(dir, true)
	case "mod", "get-tool", "work":
		c.write("go.mod", false)
		c.write("go.sum", false)
		c.write("vendor", true)
	case "env", "version", "test", "vet", "list", "clean", "tool", "fmt":
	default:
		return false
	}
	return true
}

func (c *call) cargo() bool {
	words := operands(c.args, "--target", "--features", "--manifest-path", "--bin", "--package", "-p", "--root", "--version", "--target-dir", "--profile")
	if len(words) == 0 {
		return true
	}
	for _, dir := range []string{"/usr/local/cargo", "~/.cargo", c.in.cwd + "/target"} {
		c.write(dir, true)
	}
	if c.in.variable("CARGO_HOME") != "" {
		c.write(c.in.variable("CARGO_HOME"), true)
	}
	switch words[0] {
	case "install":
		if dir, ok := option(c.args, "--root"); ok {
			c.write(dir, true)
		}
	case "fetch", "clean", "version", "--version":
	case "new", "init":
		c.write(words[len(words)-1], true)
	default:
		return false
	}
	return true
}
