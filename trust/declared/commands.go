package declared

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// call is one command of a script: its name without directory, and its arguments.
type call struct {
	in   *interpreter
	name string
	args []string
}

// run tells what a command does. What it is not known to do it does not do: the list of those that change nothing is as important as that
// of those that do.
func (in *interpreter) run(words []string) {
	if len(words) == 0 {
		return
	}
	c := &call{in, path.Base(words[0]), words[1:]}
	if body := in.functions[words[0]]; body != nil {
		c.function(body)
		return
	}
	for _, known := range []func(*call) bool{(*call).wraps, (*call).changesNothing, (*call).ofShell, (*call).manages, (*call).managesLanguage, (*call).moves, (*call).writes, (*call).configures, (*call).asksVersion} {
		if known(c) {
			return
		}
	}
	name := strings.ReplaceAll(words[0], unknown, "…")
	in.effects.tell(name, !isBuilder(c.name))
}

func (c *call) function(body *syntax.Stmt) {
	in := c.in
	if in.nesting++; in.nesting > maxNesting {
		in.effects.tell("functions that call each other", true)
	} else {
		in.statement(body)
	}
	in.nesting--
}

// isBuilder says whether a program makes files that nobody can foretell, but installs no packages of the distribution.
func isBuilder(name string) bool {
	switch name {
	case "make", "gmake", "cmake", "ninja", "meson", "configure", "autoconf", "automake", "autoreconf", "libtoolize", "bazel", "gcc", "g++", "cc", "c++", "clang", "clang++", "ld",
		"go", "cargo", "rustc", "rustup", "mvn", "mvnw", "gradle", "gradlew", "ant", "sbt", "lein", "java", "javac", "jar", "jlink", "kotlinc", "node", "tsc", "webpack", "vite", "ng", "next",
		"gulp", "grunt", "rollup", "esbuild", "python", "python2", "python3", "ruby", "rake", "perl", "php", "dotnet", "mix", "elixir", "rebar3", "erl", "ghc", "cabal", "stack", "swift", "zig",
		"protoc", "flex", "bison", "patch", "hugo", "jekyll", "mkdocs", "sphinx-build", "npm", "yarn", "pnpm", "bun", "deno", "composer", "bundle", "gem", "pip", "pip3", "poetry", "uv", "pdm", "pipenv", "conda", "mamba",
		"micromamba", "nvm", "gpg", "openssl", "strip", "upx", "gunzip", "gzip", "bzip2", "xz", "zstd":
		return true
	}
	return strings.HasPrefix(name, "python3.")
}

// wraps goes on with the command that another one runs.
func (c *call) wraps() bool {
	args := c.args
	switch c.name {
	case "sudo", "doas", "gosu", "su-exec", "setpriv", "runuser", "su":
		if script, ok := option(args, "-c", "--command"); ok {
			c.nested(script)
			return true
		}
		args = afterOptions(args, "-u", "-g", "--user", "--group")
		if (c.name == "gosu" || c.name == "su-exec" || c.name == "su") && len(args) > 0 {
			args = args[1:]
		}
	case "env", "command", "exec", "nice", "ionice", "nohup", "time", "stdbuf", "builtin", "eatmydata", "timeout", "retry", "fakeroot", "xvfb-run", "unbuffer":
		args = afterOptions(args, "-n", "-u", "-k", "-s", "-c", "-o", "-e", "-i")
		if c.name == "command" && len(c.args) > 0 && (c.args[0] == "-v" || c.args[0] == "-V") {
			return true
		}
		if c.name == "timeout" && len(args) > 0 {
			args = args[1:]
		}
		for c.name == "env" && len(args) > 0 && strings.Contains(args[0], "=") {
			args = args[1:]
		}
	case "sh", "bash", "ash", "dash":
		return c.shell()
	case "eval":
		c.nested(strings.Join(args, " "))
		return true
	case "xargs":
		args = afterOptions(args, "-n", "-P", "-I", "-L", "-d", "-a", "-s", "-E", "--max-args", "--max-procs", "--arg-file", "--delimiter")
		if len(args) == 0 {
			return true
		}
		args = append(slices.Clip(args), unknown)
	case "busybox", "toybox":
		if len(args) == 0 || strings.HasPrefix(args[0], "-") {
			return false
		}
	default:
		return false
	}
	c.in.run(args)
	return true
}

// shell goes on with the script of sh -c. A script in a file is not known.
func (c *call) shell() bool {
	for i, a := range c.args {
		switch {
		case strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "c") && i+1 < len(c.args):
			c.nested(c.args[i+1])
			return true
		case a == "-o" || strings.HasPrefix(a, "-") || strings.HasPrefix(a, "+") || i > 0 && c.args[i-1] == "-o":
		default:
			return false
		}
	}
	return false
}

func (c *call) nested(script string) {
	if strings.Contains(script, unknown) {
		c.in.effects.tell(c.name, true)
		return
	}
	c.in.nesting++
	c.in.subshell(func() { c.in.script(script) })
	c.in.nesting--
}

// changesNothing holds for commands that only look, print, or take away.
func (c *call) changesNothing() bool {
	switch c.name {
	case ":", "true", "false", "echo", "printf", "test", "[", "set", "unset", "exit", "return", "break", "continue", "shift", "trap", "wait", "sleep", "date", "uname", "id", "whoami",
		"hostname", "which", "type", "hash", "ls", "cat", "head", "tail", "grep", "egrep", "fgrep", "zgrep", "cut", "uniq", "tr", "wc", "stat", "file", "du", "df", "diff", "cmp", "md5sum", "sha1sum", "sha224sum",
		"sha256sum", "sha384sum", "sha512sum", "b2sum", "shasum", "cksum", "basename", "dirname", "realpath", "readlink", "seq", "expr", "bc", "kill", "pkill", "getent", "ldd", "nproc", "arch", "tty",
		"umask", "ulimit", "alias", "unalias", "shopt", "sync", "nm", "objdump", "readelf", "od", "xxd", "hexdump", "base64", "rm", "rmdir", "unlink", "shred", "jq", "yq", "rev", "paste", "comm", "join", "column", "fold",
		"dpkg-query", "dpkg-architecture", "apt-cache", "apt-mark", "deluser", "userdel", "delgroup", "groupdel", "scanelf", "locale", "tree", "strings", "less", "more", "pwd", "printenv", "ps", "free",
		"env-update", "gpgconf", "ping", "dig", "nslookup", "let", "getopts", "dirs", "pushd", "popd", "awk", "gawk", "mawk", "ldconfig", "fc-cache", "depmod", "update-ca-certificates", "update-ca-trust",
		"update-mime-database", "update-desktop-database", "glib-compile-schemas", "mandb", "py3compile", "pycompile", "py3clean", "apt-config", "savelog",
		"debconf-set-selections", "debconf-show", "setcap", "getcap", "setfacl", "chattr", "lsb_release":
		return true
	case "sort":
		if file, ok := option(c.args, "-o", "--output"); ok {
			c.write(file, false)
		}
		return true
	}
	return false
}

// ofShell holds for what changes the shell itself.
func (c *call) ofShell() bool {
	in := c.in
	switch c.name {
	case "cd":
		if len(c.args) == 0 {
			in.cwd = in.home()
			return true
		}
		in.cwd = in.abs(c.args[len(c.args)-1])
	case "read", "mapfile", "readarray":
		for _, name := range operands(c.args, "-p", "-d", "-t", "-n", "-u") {
			in.vars[name] = value{text: unknown}
		}
	case "export", "readonly", "local", "declare", "typeset":
		for _, a := range c.args {
			if name, text, ok := strings.Cut(a, "="); ok {
				in.vars[name] = value{text: text}
			}
		}
	case ".", "source":
		for _, file := range c.args[:min(len(c.args), 1)] {
			if base := path.Base(file); strings.Contains(base, "os-release") || strings.Contains(base, "lsb-release") {
				for _, name := range []string{"ID", "VERSION_ID", "VERSION_CODENAME", "UBUNTU_CODENAME", "NAME", "VERSION", "PRETTY_NAME", "DISTRIB_CODENAME", "DISTRIB_RELEASE", "ID_LIKE"} {
					in.vars[name] = value{text: unknown}
				}
				return true
			}
			if strings.HasSuffix(file, "/bin/activate") || strings.Contains(file, "apache2/envvars") || strings.HasSuffix(file, ".cargo/env") {
				return true
			}
		}
		return false
	default:
		return false
	}
	return true
}

// asksVersion holds for a program that is only asked what it is.
func (c *call) asksVersion() bool {
	if len(c.args) == 0 || len(c.args) > 2 {
		return false
	}
	switch c.args[0] {
	case "--version", "-version", "--help", "version", "-V", "-h":
		return true
	case "-v":
		return len(c.args) == 1
	}
	return false
}

// write notes that a command writes a file, or with tree a directory.
func (c *call) write(file string, tree bool) { c.in.effects.write(c.name, c.in.abs(file), tree) }

// into notes what becomes of sources in a destination: the destination itself, or what lies below it under the source's name where that
// is a directory.
func (c *call) into(sources []string, dest string) {
	at := c.in.abs(dest)
	sure := strings.HasSuffix(dest, "/") || dest == "." || len(sources) > 1
	for _, s := range sources {
		base := path.Base(s)
		below := path.Join(at, base)
		switch {
		case !sure && !c.in.look.isDir(at), strings.HasSuffix(s, "/."), s == ".", strings.Contains(at, unknown):
			c.write(dest, true)
		case base == "/" || base == ".." || strings.Trim(base, unknown) == "":
			c.write(at+"/"+unknown, true)
		default:
			if !sure && !c.in.look.exists(below) { // the directory was made by this
				c.write(dest, true)
			}
			c.write(below, true)
		}
	}
}

// moves holds for commands that copy, move, unpack and fetch.
func (c *call) moves() bool {
	switch c.name {
	case "cp", "mv", "rsync", "scp":
		args := operands(c.args, "-t", "-S", "--suffix", "--exclude", "--include", "-e", "--target-directory")
		if dir, ok := option(c.args, "-t", "--target-directory"); ok {
			c.into(args, dir+"/")
		} else if len(args) > 1 {
			c.into(args[:len(args)-1], args[len(args)-1])
		}
	case "install":
		c.install()
	case "ln":
		args := operands(c.args, "-t", "-S", "--suffix")
		switch dir, ok := option(c.args, "-t", "--target-directory"); {
		case ok:
			c.into(args, dir+"/")
		case len(args) == 1:
			c.into(args, "./")
		case len(args) > 1:
			last := args[len(args)-1]
			c.into(args[:len(args)-1], last)
			c.write(last, false)
		}
	case "tar", "bsdtar", "gtar":
		return c.tar()
	case "unzip", "7z", "7za", "cpio":
		dir, ok := option(c.args, "-d", "-o", "-D", "--directory")
		if !ok {
			dir = "."
		}
		c.write(dir, true)
	case "curl":
		c.curl()
	case "wget", "aria2c":
		c.wget()
	case "git", "hg", "svn":
		return c.git()
	case "gunzip", "gzip", "xz", "unxz", "bunzip2", "bzip2", "zstd", "unzstd", "uncompress", "lzma", "unlzma":
		for _, a := range operands(c.args) {
			c.write(a, false)
			c.write(strings.TrimSuffix(a, path.Ext(a)), false)
			c.write(a+unknown, false)
		}
	case "split":
		return false
	default:
		return false
	}
	return true
}

// install holds for install(1): -d makes directories, else it copies.
func (c *call) install() {
	args := operands(c.args, "-m", "-o", "-g", "-t", "-S", "--mode", "--owner", "--group", "--target-directory")
	if slices.ContainsFunc(c.args, func(a string) bool { return a == "--directory" || isShort(a, 'd') }) {
		return
	}
	if dir, ok := option(c.args, "-t", "--target-directory"); ok {
		c.into(args, dir+"/")
	} else if len(args) > 1 {
		c.into(args[:len(args)-1], args[len(args)-1])
	}
}

// tar holds for tar(1), of which only unpacking and making an archive write files.
func (c *call) tar() bool {
	if len(c.args) == 0 {
		return true
	}
	mode := ""
	for i, a := range c.args {
		switch {
		case strings.HasPrefix(a, "--"):
			switch a {
			case "--extract", "--get":
				mode += "x"
			case "--create":
				mode += "c"
			case "--list":
				mode += "t"
			}
		case strings.HasPrefix(a, "-") || i == 0:
			mode += strings.TrimLeft(a, "-")
		}
	}
	switch {
	case strings.Contains(mode, "x"):
		dir, ok := option(c.args, "-C", "--directory", "--cd")
		if !ok {
			dir = "."
		}
		if c.in.abs(dir) == "/" && len(memberNames(c.args)) > 0 {
			for _, m := range memberNames(c.args) {
				c.write("/"+m, true)
			}
			return true
		}
		c.write(dir, true)
	case strings.Contains(mode, "c"):
		if file, ok := option(c.args, "-f", "--file"); ok && file != "-" {
			c.write(file, false)
		} else if i := strings.IndexByte(mode, 'f'); i >= 0 {
			args := operands(c.args, "-C")
			if !strings.HasPrefix(c.args[0], "-") {
				args = args[1:] // czf
			}
			if len(args) > 0 {
				c.write(args[0], false)
			}
		}
	}
	return true
}

// memberNames gives the members of an archive that tar is asked to unpack.
func memberNames(args []string) []string {
	words := operands(args, "-C", "--directory", "-f", "--file", "--strip-components", "--exclude", "--owner", "--group", "--mode", "-I", "--use-compress-program", "--transform", "-T", "--files-from", "--wildcards-match-slash")
	if len(words) > 0 && !strings.HasPrefix(args[0], "-") {
		words = words[1:] // xzf
	}
	return slices.DeleteFunc(words, func(w string) bool {
		for _, ending := range []string{".tar", ".gz", ".tgz", ".xz", ".bz2", ".zst", ".txz"} {
			if strings.HasSuffix(w, ending) {
				return true
			}
		}
		return w == "-"
	})
}

// curl holds for curl(1), which prints unless it is told where to write.
func (c *call) curl() {
	remote := slices.ContainsFunc(c.args, func(a string) bool { return a == "--remote-name" || a == "--remote-name-all" || isShort(a, 'O') })
	dir, _ := option(c.args, "--output-dir")
	for i, a := range c.args {
		switch {
		case a == "--output" && i+1 < len(c.args), isShort(a, 'o') && strings.HasSuffix(a, "o") && i+1 < len(c.args):
			c.write(path.Join(dir, c.args[i+1]), false)
		case strings.HasPrefix(a, "--output="):
			c.write(path.Join(dir, a[len("--output="):]), false)
		case strings.HasPrefix(a, "-o") && len(a) > 2 && !strings.HasPrefix(a, "--"):
			c.write(path.Join(dir, a[2:]), false)
		case isURL(a) && remote:
			c.fetched(dir, a)
		}
	}
}

// wget holds for wget(1), which writes under the name in the URL unless it is told otherwise.
func (c *call) wget() {
	dir, _ := option(c.args, "-P", "--directory-prefix", "-d")
	for i, a := range c.args {
		switch {
		case (a == "--output-document" || isShort(a, 'O') && strings.HasSuffix(a, "O")) && i+1 < len(c.args):
			if c.args[i+1] != "-" {
				c.write(c.args[i+1], false)
			}
			return
		case strings.HasPrefix(a, "--output-document="), isShort(a, 'O'):
			if _, file, _ := strings.Cut(strings.TrimPrefix(a, "--output-document="), "O"); strings.HasPrefix(a, "--") {
				c.write(strings.TrimPrefix(a, "--output-document="), false)
			} else if file != "-" && file != "" {
				c.write(file, false)
			}
			return
		}
	}
	for _, a := range c.args {
		if isURL(a) {
			c.fetched(dir, a)
		}
	}
	if len(operands(c.args)) == 0 || !slices.ContainsFunc(c.args, isURL) {
		c.in.effects.tell(c.name, false)
	}
}

// fetched notes that the file of a URL is written to a directory under its own name.
func (c *call) fetched(dir, at string) {
	for _, name := range namesOfURL(at) {
		c.write(path.Join(dir, name), false)
	}
}

func isURL(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, unknown) && !strings.HasPrefix(s, "-")
}

// namesOfURL are what a file that is fetched may be called after its URL: curl leaves the query out, wget does not. An unquoted "?" is
// a wildcard of the shell, and stands for itself where nothing matches it. The first name is the one without the query.
func namesOfURL(s string) []string {
	u, err := url.Parse(s)
	if err != nil || strings.Contains(s, unknown) {
		base := path.Base(s)
		if before, _, ok := strings.Cut(base, unknown); ok && before != "" {
			return []string{base, before}
		}
		return []string{base}
	}
	base := path.Base(u.Path)
	if u.RawQuery != "" {
		return []string{base, base + "?" + u.RawQuery}
	}
	return []string{base}
}

// git holds for version control: a clone fills a directory.
func (c *call) git() bool {
	args := operands(c.args, "-C", "-c", "-b", "--branch", "--depth", "--git-dir", "--work-tree", "-j", "--jobs", "--config", "-o", "--origin", "--reference", "-r")
	if len(args) == 0 {
		return true
	}
	dir, _ := option(c.args, "-C")
	switch args[0] {
	case "clone", "checkout", "co", "export":
		if args[0] == "checkout" && c.name != "svn" {
			c.write(path.Join(c.in.abs("."), dir), true)
			return true
		}
		switch len(args) {
		case 1:
		case 2:
			c.write(path.Join(dir, strings.TrimSuffix(path.Base(strings.TrimSuffix(args[1], "/")), ".git")), true)
		default:
			c.write(path.Join(dir, args[2]), true)
		}
	case "config":
		c.write("~/.gitconfig", false)
		c.write("/etc/gitconfig", false)
		c.write(path.Join(c.in.abs("."), ".git/config"), false)
	case "describe", "rev-parse", "log", "status", "show", "ls-remote", "diff", "remote", "tag":
	default:
		c.write(path.Join(c.in.abs("."), dir), true)
	}
	return true
}
