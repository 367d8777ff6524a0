package reach

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// start visits what the command line names. It gives a reason where it does not tell what will run.
func (f *finder) start() (unknown string) {
	words := slices.Concat(f.Process.Entrypoint, f.Process.Cmd)
	if len(words) == 0 || words[0] == "" {
		return "the image's config names no entrypoint and no command"
	}
	first, ok := f.command(words[0])
	switch {
	case !ok:
		return fmt.Sprintf("what the image starts, %s, is not in it", clip(words[0]))
	case !f.visit(first, "", "entrypoint") || !f.isReadable(first):
		return fmt.Sprintf("what the image starts, %s, is no program that could be read", clip(words[0]))
	}
	for len(words) > 1 && strings.HasPrefix(words[len(words)-1], "-") {
		words = words[:len(words)-1]
	}
	switch last := path.Base(words[len(words)-1]); {
	case isShell(last):
		return fmt.Sprintf("the image starts a shell (%s) that waits to be told what to run", clip(last))
	case slices.Contains([]string{"sleep", "tail", "pause"}, path.Base(words[0])):
		return fmt.Sprintf("the image starts %s, and waits for somebody to run something in it", clip(words[0]))
	}
	e, _ := f.Tree.Lookup(first)
	f.entrypoint = e.Path
	for _, word := range words {
		f.argument(word, e.Path)
	}
	for _, word := range f.Process.Healthcheck {
		f.argument(word, e.Path)
	}
	f.preloaded(e.Path)
	return ""
}

// isReadable says whether the file's own content tells what it needs.
func (f *finder) isReadable(file string) bool {
	e, _ := f.Tree.Lookup(file)
	p := f.programs[e.Path]
	return p != nil && (p.isScript() && parseScript(p.facts).interpreter != nil || p.isELF() && p.Links().Machine != 0)
}

// clip keeps a word of an image fit for a message.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return s
}

// argument follows one word of the command line, which may be a shell's script.
func (f *finder) argument(word, by string) {
	if f.word(word, by, "") {
		return
	}
	words, anything := shellWords([]byte(word))
	for _, w := range words {
		f.word(w, by, "")
	}
	if anything && len(words) > 1 {
		f.runAnything(by)
	}
	f.packageScripts(words, by)
}

// packageScripts follows what npm and its kin run: the scripts of package.json in the working directory, of which words
// name some.
func (f *finder) packageScripts(words []string, by string) {
	if !slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"npm", "npx", "yarn", "pnpm"}, path.Base(w)) }) &&
		!slices.ContainsFunc([]string{"npm", "npx", "yarn", "pnpm"}, func(name string) bool { return path.Base(by) == name }) {
		return
	}
	e, ok := f.Tree.Lookup(f.absolute("package.json"))
	var manifest struct{ Scripts map[string]string }
	if !ok || json.Unmarshal(e.File.Content(), &manifest) != nil {
		f.runAnything(by)
		return
	}
	for _, script := range slices.Sorted(maps.Keys(manifest.Scripts)) {
		name := strings.TrimPrefix(strings.TrimPrefix(script, "pre"), "post")
		if name != "start" && !slices.Contains(words, name) {
			continue
		}
		run, anything := shellWords([]byte(manifest.Scripts[script]))
		for _, w := range run {
			if !f.word(w, by, "") {
				f.visit(f.absolute("node_modules/.bin/"+w), by, "")
			}
		}
		if anything {
			f.runAnything(by)
		}
	}
}

// preloaded visits the libraries that the loader is told to load into every program.
func (f *finder) preloaded(by string) {
	list := f.env["LD_PRELOAD"] + " " + f.loader.read("etc/ld.so.preload")
	for name := range strings.FieldsFuncSeq(list, func(c rune) bool { return c <= ' ' || c == ':' }) {
		if strings.Contains(name, "/") {
			f.visit(f.absolute(name), by, "preloaded")
		} else {
			f.libraries(name, false, by, "preloaded")
		}
	}
}

// command finds what a word runs: a path, or a name in a directory of PATH.
func (f *finder) command(word string) (string, bool) {
	if word == "" {
		return "", false
	}
	if strings.Contains(word, "/") {
		file := f.absolute(word)
		_, ok := f.Tree.Lookup(file)
		return file, ok
	}
	for _, dir := range f.dirs {
		file := path.Join(dir, word)
		if e, ok := f.Tree.Lookup(file); ok && e.File.Mode&0o111 != 0 && !e.File.Mode.IsDir() {
			return file, true
		}
	}
	return "", false
}

// word visits what a word of a script or command line may mean: a program, a script, or a directory of scripts. It says
// whether it means any. dir is that of the script, where files may lie that it sources; empty for none.
func (f *finder) word(word, by, dir string) bool {
	if f.left -= len(f.dirs); f.left < 0 || strings.ContainsAny(word, " \n") {
		return false
	}
	if name, tail, ok := strings.Cut(word, "/"); ok && strings.HasPrefix(name, "$") {
		value, set := f.env[name[1:]]
		if !set {
			f.suffixed("/"+tail, by)
			return false
		}
		word = path.Join("/", value, tail)
	}
	if file, ok := f.command(word); ok && f.visit(file, by, "") {
		return true
	}
	if f.visit(f.absolute(word), by, "") || dir != "" && f.visit(path.Join(dir, word), by, "") {
		return true
	}
	return strings.HasPrefix(word, "/") && f.scriptsIn(f.absolute(word), by)
}

// scriptsIn visits the scripts of a directory that a script names: it may run all of them.
func (f *finder) scriptsIn(dir, by string) bool {
	e, ok := f.Tree.Lookup(dir)
	if !ok || f.isCommon(e.Path) || !f.first("scripts in ", e.Path, 0) {
		return false
	}
	found := false
	for p := range f.below(e.Path) {
		if p.isScript() && path.Dir(p.path) == e.Path {
			found = f.visit(p.path, by, "in a directory that is named") || found
		}
	}
	return found
}

// script follows a script: who interprets it, and what its words name.
func (f *finder) script(p *program, s script) {
	for i, word := range s.interpreter {
		if i == 0 || path.Base(s.interpreter[0]) == "env" || isShell(path.Base(word)) {
			f.word(word, p.path, "")
		}
	}
	for _, word := range s.words {
		f.word(word, p.path, path.Dir(p.path))
	}
	if slices.ContainsFunc(s.words, func(w string) bool { return w == "npm" || w == "yarn" || w == "pnpm" }) {
		f.packageScripts(s.words, p.path)
	}
	if s.anything {
		f.runAnything(p.path)
	}
}
