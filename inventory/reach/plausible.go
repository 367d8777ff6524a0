package reach

import (
	"cmp"
	"iter"
	"path"
	"slices"
	"strings"
)

// Here stands what no link says and a program may still do.

// below gives the programs in a directory and in those below it.
func (f *finder) below(dir string) iter.Seq[*program] {
	return f.from(f.byPath, func(p *program) string { return p.path }, dir+"/")
}

// based gives the ELF files of a base name or, as a prefix of one, of all that start with it.
func (f *finder) based(base string, prefix bool) iter.Seq[*program] {
	named := f.from(f.byBase, func(p *program) string { return path.Base(p.path) }, base)
	return func(yield func(*program) bool) {
		for p := range named {
			if prefix || path.Base(p.path) == base {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// from gives those of sorted programs whose keys start with a prefix.
func (f *finder) from(sorted []*program, key func(*program) string, prefix string) iter.Seq[*program] {
	first, _ := slices.BinarySearchFunc(sorted, prefix, func(p *program, prefix string) int { return strings.Compare(key(p), prefix) })
	return func(yield func(*program) bool) {
		for _, p := range sorted[first:] {
			f.left--
			if !strings.HasPrefix(key(p), prefix) || !yield(p) {
				return
			}
		}
	}
}

// isCommon says whether a directory is one where files of all sorts lie, so that who names it means none in particular.
func (f *finder) isCommon(dir string) bool {
	switch dir {
	case "", "usr", "usr/local", "usr/share", "usr/libexec", "opt", "etc", "var", "var/lib", "app", "srv", "home", "root", "tmp", "run":
		return true
	}
	return slices.Contains(f.loader.system, dir) || slices.Contains(f.dirs, dir)
}

// named follows a name that stands in a program's constants: a file, a directory of plug-ins, or a library by its base name.
// Of a pattern ("/usr/lib/%s/x.so", "libicu%s.so.72"), what stands before the first unknown counts.
func (f *finder) named(p *program, name string) {
	if !f.first("constant ", name, len(f.loader.system)) {
		return
	}
	known, _, isPattern := strings.Cut(name, "%")
	if strings.HasPrefix(name, "/") {
		if isPattern {
			known = path.Dir(known + "x")
		}
		f.namedPath(strings.TrimPrefix(path.Clean(known), "/"), p.path)
		return
	}
	const how = "its constants name it"
	base := path.Base(known)
	// In a language whose strings do not end, something else may stand before the name.
	if i := strings.LastIndex(base, "lib"); i > 0 && f.libraries(base[i:], isPattern, p.path, how) {
		return
	}
	f.libraries(base, isPattern, p.path, how)
}

// namedPath visits a file, or all that is in a directory of plug-ins.
func (f *finder) namedPath(file, by string) {
	if f.visit(file, by, "its constants name it") {
		return
	}
	e, ok := f.Tree.Lookup(file)
	if !ok || f.isCommon(e.Path) || !f.first("below ", e.Path, 0) {
		return
	}
	for q := range f.below(e.Path) {
		if q.isELF() {
			f.visit(q.path, by, "its constants name the directory")
		}
	}
}

// libraries visits those of a base name, or that go on from it: with a version, or as a pattern may. It says whether there
// are any.
func (f *finder) libraries(base string, isPattern bool, by, how string) bool {
	found := false
	if !isPattern {
		for _, dir := range f.loader.system { // a link's name is not among those of the files
			found = f.visit(path.Join(dir, base), by, how) || found
		}
		stem, _, ok := strings.Cut(base, ".so")
		if isPattern = ok && !found; isPattern {
			base = stem + ".so"
		}
	}
	if isPattern && len(base) <= len("libx") {
		return found
	}
	for q := range f.based(base, isPattern) {
		found = f.visit(q.path, by, how) || found
	}
	return found
}

// suffixed visits the programs whose paths have a suffix.
func (f *finder) suffixed(suffix, by string) {
	if !f.first("suffix ", suffix, len(f.byPath)) {
		return
	}
	for _, p := range f.byPath {
		if strings.HasSuffix("/"+p.path, suffix) {
			f.visit(p.path, by, "")
		}
	}
}

// plugins visits what a package, of which a file is reached, holds to be loaded or started by its own programs: the ELF files
// that are not in a directory for all.
func (f *finder) plugins(i int, by string) {
	if f.packages[i] {
		return
	}
	f.packages[i] = true
	for _, file := range f.Packages[i].Files {
		if p := f.programs[file]; p != nil && p.isELF() && !f.isCommon(path.Dir(file)) {
			f.visit(file, by, "of the same package")
		}
	}
}

// neighbours visits the other libraries of a directory that is not one for all: who loads plug-ins from there may load each,
// whatever package brought it.
func (f *finder) neighbours(dir, by string) {
	if !f.first("neighbours in ", dir, 0) {
		return
	}
	for p := range f.below(dir) {
		if path.Dir(p.path) == dir && p.isELF() && p.Links().isLibrary() {
			f.visit(p.path, by, "in the same directory")
		}
	}
}

// asked visits all of the packages that the build asked for by name. Their shell scripts are reached, but not followed:
// that of ca-certificates, which most images ask for, was run by the build.
func (f *finder) asked() {
	for _, pkg := range f.Packages {
		if !pkg.Asked {
			continue
		}
		for _, file := range pkg.Files {
			const how = "asked for by name when the image was built"
			p := f.programs[file]
			if _, seen := f.steps[file]; !seen && p != nil && p.isScript() && isShellScript(parseScript(p.facts).interpreter) {
				f.steps[file] = step{how: how}
			} else {
				f.visit(file, "", how)
			}
		}
	}
}

// called looks at the name under which a program was reached: an interpreter loads what its language's directories hold, and one
// that starts others by its configuration may start anything.
func (f *finder) called(base, file string) {
	if !f.first("called ", base, 0) {
		return
	}
	if other := path.Base(file); other != base {
		f.called(other, file)
	}
	stem, _, _ := strings.Cut(base, ".so")
	stem = strings.TrimRight(stem, "0123456789.-")
	switch stem {
	case "supervisord", "systemd", "init", "runsvdir", "runit", "s6-svscan", "svscan", "openrc", "cron", "crond", "anacron", "monit", "dinit", "my_init":
		f.runAnything(file)
		return
	case "su", "runuser", "login", "sudo", "sshd": // a user's shell, as passwd(5) has it
		for _, shell := range []string{"sh", "bash", "zsh"} {
			f.word(shell, file, "")
		}
	}
	l := languageOf(strings.TrimPrefix(stem, "lib"))
	if l == nil || !f.first("language ", l.name, len(f.byPath)) {
		return
	}
	f.interpreter = cmp.Or(f.interpreter, file)
	if l.name == "Python" { // ctypes.util.find_library asks it where libraries are
		f.word("ldconfig", file, "")
	}
	f.loadable(l, file)
}

// language is a language whose programs are run by an interpreter.
type language struct {
	name         string
	interpreters []string
	// parts are parts of the paths of what the interpreter loads.
	parts []string
}

func languages() []language {
	return []language{
		{"Python", []string{"python", "pypy", "uwsgi", "gunicorn"}, []string{"/site-packages/", "/dist-packages/", "/lib-dynload/", "/python", ".cpython-", ".abi3.so", "/pypy"}},
		{"JavaScript", []string{"node", "nodejs", "deno", "bun", "electron"}, []string{"/node_modules/", "/nodejs/", ".node"}},
		{"Ruby", []string{"ruby", "irb", "jruby", "truffleruby"}, []string{"/ruby/", "/gems/", "/rubygems"}},
		{"Perl", []string{"perl"}, []string{"/perl/", "/perl5/", "/perl-base/", "/perl"}},
		{"PHP", []string{"php", "php-fpm", "php-cgi"}, []string{"/php"}},
		{"Java", []string{"java", "jvm"}, []string{"/jvm/", "/jdk", "/jre", "/jni/", "/java"}},
		{".NET", []string{"dotnet", "mono"}, []string{"/dotnet/", "/mono/", "/runtimes/"}},
		{"Lua", []string{"lua", "luajit"}, []string{"/lua"}},
		{"Tcl", []string{"tcl", "tclsh", "wish", "expect"}, []string{"/tcl", "/tk"}},
		{"R", []string{"R", "Rscript"}, []string{"/R/"}},
		{"Erlang", []string{"erl", "erlexec", "beam.smp", "escript"}, []string{"/erlang/", "/erts"}},
		{"Guile", []string{"guile"}, []string{"/guile"}},
		{"Julia", []string{"julia"}, []string{"/julia"}},
		{"OCaml", []string{"ocaml", "ocamlrun"}, []string{"/ocaml"}},
	}
}

// languageOf gives the language that a program of this name, without its version, runs; nil for none.
func languageOf(stem string) *language {
	all := languages()
	i := slices.IndexFunc(all, func(l language) bool { return slices.Contains(l.interpreters, stem) })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// loadable visits what an interpreter may load or start: what lies in its language's directories or its own, and what no
// package of the distribution owns, since who put that there means to use it.
func (f *finder) loadable(l *language, interpreter string) {
	home, isProgram := strings.CutSuffix(path.Dir(interpreter), "/bin")
	ownHome := isProgram && home != "usr" && home != "usr/local"
	for _, p := range f.byBase {
		at := "/" + p.path
		switch {
		case slices.ContainsFunc(l.parts, func(part string) bool { return strings.Contains(at, part) }):
			f.visit(p.path, interpreter, "a module of "+l.name)
		case ownHome && strings.HasPrefix(p.path, home+"/"):
			f.visit(p.path, interpreter, "beside it")
		case len(p.owners) == 0:
			f.visit(p.path, interpreter, "no package owns it")
		}
	}
}

// runAnything visits every program: a script, or one that starts others, may run any of them.
func (f *finder) runAnything(by string) {
	if f.everything {
		return
	}
	f.everything = true
	for _, p := range f.byPath {
		if p.isScript() || !p.Links().isLibrary() {
			f.visit(p.path, by, "it may run anything")
		}
	}
}

// orphans visits the libraries that nothing in the image is linked with: they are there to be loaded by name, as interpreters
// can, or for nothing.
func (f *finder) orphans() {
	needed := map[string]bool{}
	for _, p := range f.byBase {
		for _, name := range p.Links().Needed {
			needed[path.Base(name)] = true
		}
	}
	for _, p := range f.byBase {
		if l := p.Links(); l.Soname != "" && !needed[l.Soname] && !needed[path.Base(p.path)] && slices.Contains(f.loader.system, path.Dir(p.path)) {
			f.visit(p.path, f.interpreter, "nothing is linked with it, so it may be loaded by name")
		}
	}
}
