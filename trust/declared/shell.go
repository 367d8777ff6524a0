package declared

import (
	"maps"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Bounds on the reading of one script.
const (
	maxScript     = 64 << 10 // bytes: nesting takes stack in proportion
	maxStatements = 20_000   // with those of loops counted once for each turn
	maxTurns      = 200      // of one loop
	maxNesting    = 8        // of functions and of scripts in scripts
	maxWords      = 2000     // that one word may become
)

// effectsOf reads what a RUN instruction does.
func effectsOf(c *command, look lookup) *effects {
	in := &interpreter{effects: &effects{runs: true}, look: look, scope: &c.context, vars: map[string]value{}, cwd: c.context.workdir}
	for _, m := range c.all("mount") {
		in.mount(m)
	}
	switch shell := c.context.shell; {
	case c.json:
		in.run(c.words)
	case len(shell) > 0 && !isShell(shell[0]):
		in.effects.tell(shell[0], true)
	case c.isHeredocAlone() && strings.HasPrefix(c.script(), "#!"):
		line, _, _ := strings.Cut(c.script(), "\n")
		words := strings.Fields(strings.TrimPrefix(line, "#!"))
		if len(words) > 0 && isShell(words[len(words)-1]) {
			in.script(c.script())
		} else {
			in.effects.tell("a script of "+strings.Join(words, " "), true)
		}
	default:
		in.script(c.script())
	}
	return in.effects
}

// isShell says whether a program runs what the interpreter can read.
func isShell(program string) bool {
	switch path.Base(program) {
	case "sh", "bash", "ash", "dash":
		return true
	}
	return false
}

// lookup is what the reader of scripts asks of the image: whether a path is a directory, or anything, in the end, and which files that
// match a pattern any layer holds, whatever became of them.
type lookup struct {
	isDir  func(at string) bool
	exists func(at string) bool
	// scripted says whether a package.json has scripts that an installation runs.
	scripted func(at string) bool
	files    func(pattern string) []string
}

// interpreter goes through a script without running it: both ways of a condition, each turn of a loop once.
type interpreter struct {
	effects    *effects
	look       lookup
	scope      *scope
	vars       map[string]value // set by the script
	functions  map[string]*syntax.Stmt
	cwd        string
	statements int
	nesting    int
}

// mount notes what RUN --mount leaves behind: the empty file or directory that it was mounted at.
func (in *interpreter) mount(flag string) {
	kind, target, id := "bind", "", ""
	for field := range strings.SplitSeq(flag, ",") {
		name, v, _ := strings.Cut(field, "=")
		switch strings.ToLower(name) {
		case "type":
			kind = v
		case "target", "dst", "destination":
			target = in.scope.expand(v, '\\').text
		case "id":
			id = v
		}
	}
	if target == "" && kind == "secret" {
		target = "/run/secrets/" + id
	}
	if target != "" {
		in.effects.write("a mount", in.abs(target), false)
	}
}

// script goes through the text of one.
func (in *interpreter) script(text string) {
	if len(text) > maxScript || in.nesting > maxNesting {
		in.effects.tell("a script that is too long to be read", true)
		return
	}
	text = certain(text)
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		f, err = syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	}
	if err != nil {
		in.effects.tell("a script that is not valid", true)
		return
	}
	in.all(f.Stmts)
}

func (in *interpreter) all(stmts []*syntax.Stmt) {
	for _, s := range stmts {
		in.statement(s)
	}
}

func (in *interpreter) statement(s *syntax.Stmt) {
	if s == nil {
		return
	}
	if in.statements++; in.statements > maxStatements {
		in.effects.tell("a script that is too long to be read", true)
		return
	}
	in.command(s.Cmd)
	for _, r := range s.Redirs {
		in.redirect(r)
	}
}

func (in *interpreter) redirect(r *syntax.Redirect) {
	switch r.Op {
	case syntax.RdrOut, syntax.AppOut, syntax.RdrInOut, syntax.RdrClob, syntax.RdrAll, syntax.AppAll:
		for _, file := range in.words(r.Word) {
			in.effects.write("a redirection", in.abs(file), false)
		}
	default:
		in.words(r.Word)
	}
	if r.Hdoc != nil {
		in.parts(r.Hdoc.Parts)
	}
}

func (in *interpreter) command(cmd syntax.Command) {
	switch c := cmd.(type) {
	case *syntax.CallExpr:
		in.call(c)
	case *syntax.BinaryCmd:
		in.statement(c.X)
		in.statement(c.Y)
	case *syntax.Block:
		in.all(c.Stmts)
	case *syntax.Subshell:
		in.subshell(func() { in.all(c.Stmts) })
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			in.all(c.Cond)
			in.all(c.Then)
		}
	case *syntax.WhileClause:
		in.all(c.Cond)
		in.all(c.Do)
	case *syntax.ForClause:
		in.loop(c)
	case *syntax.CaseClause:
		in.words(c.Word)
		for _, item := range c.Items {
			in.all(item.Stmts)
		}
	case *syntax.FuncDecl:
		if c.Name != nil {
			if in.functions == nil {
				in.functions = map[string]*syntax.Stmt{}
			}
			in.functions[c.Name.Value] = c.Body
		}
	case *syntax.DeclClause:
		in.assign(c.Args)
	case *syntax.TimeClause:
		in.statement(c.Stmt)
	case *syntax.CoprocClause:
		in.statement(c.Stmt)
	case nil, *syntax.ArithmCmd, *syntax.TestClause, *syntax.LetClause:
	default:
		in.effects.tell("a command of an unknown kind", true)
	}
}

// subshell keeps what is set inside from what comes after.
func (in *interpreter) subshell(do func()) {
	cwd, vars := in.cwd, maps.Clone(in.vars)
	do()
	in.cwd, in.vars = cwd, vars
}

// loop goes through the body once for each word that the variable becomes.
func (in *interpreter) loop(c *syntax.ForClause) {
	each, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		if style, isC := c.Loop.(*syntax.CStyleLoop); isC {
			if w, isWord := style.Init.(*syntax.Word); isWord {
				in.words(w)
			}
		}
		in.all(c.Do)
		return
	}
	var items []string
	for _, w := range each.Items {
		items = append(items, in.words(w)...)
	}
	if len(items) == 0 || len(items) > maxTurns {
		items = []string{unknown}
	}
	for _, item := range items {
		in.vars[each.Name.Value] = value{text: item}
		in.all(c.Do)
	}
}

// assign sets variables; what they are appended to is not followed.
func (in *interpreter) assign(list []*syntax.Assign) {
	for _, a := range list {
		if a.Name == nil || a.Naked {
			continue
		}
		text := ""
		switch {
		case a.Array != nil:
			var items []string
			for _, e := range a.Array.Elems {
				items = append(items, in.words(e.Value)...)
			}
			text = strings.Join(items, " ")
		case a.Value != nil:
			text = in.parts(a.Value.Parts)
		}
		if a.Append {
			text = in.variable(a.Name.Value) + text
		}
		if len(text) > maxWord {
			text = unknown
		}
		in.vars[a.Name.Value] = value{text: text}
	}
}

func (in *interpreter) call(c *syntax.CallExpr) {
	if len(c.Args) == 0 {
		in.assign(c.Assigns)
		return
	}
	if len(c.Assigns) > 0 {
		vars := maps.Clone(in.vars)
		in.assign(c.Assigns)
		defer func() { in.vars = vars }()
	}
	var words []string
	for _, w := range c.Args {
		words = append(words, in.words(w)...)
		if len(words) > maxWords {
			in.effects.tell("a command of too many words", true)
			return
		}
	}
	in.run(words)
}

// variable is what stands for one; of a variable that nobody set, what a shell puts: nothing.
func (in *interpreter) variable(name string) string {
	if v, ok := in.vars[name]; ok {
		return v.text
	}
	switch name {
	case "PWD":
		return in.cwd
	case "HOME":
		if _, set := in.scope.vars["HOME"]; !set {
			return in.home()
		}
	case "OLDPWD", "?", "$", "!", "-", "#", "@", "*", "RANDOM", "HOSTNAME", "LINENO", "IFS", "UID", "EUID", "OSTYPE", "HOSTTYPE", "MACHTYPE":
		return unknown
	}
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		return unknown
	}
	v, _ := in.scope.get(name)
	return v.text
}

// home is the home directory of the user that RUN runs as.
func (in *interpreter) home() string {
	user, _, _ := strings.Cut(in.scope.user, ":")
	switch user {
	case "", "0", "root":
		return "/root"
	}
	if strings.Trim(user, "0123456789") == "" {
		return unknown
	}
	return "/home/" + user
}

// abs makes a path absolute.
func (in *interpreter) abs(file string) string {
	switch {
	case strings.HasPrefix(file, "~/") || file == "~":
		return in.home() + file[1:]
	case file == "" || strings.HasPrefix(file, "/") || strings.HasPrefix(file, unknown):
		return file
	}
	if strings.HasPrefix(in.cwd, unknown) {
		return unknown
	}
	return path.Join(in.cwd, file)
}

// words gives what a word becomes: braces and unquoted variables may make several of it.
func (in *interpreter) words(w *syntax.Word) []string {
	if w == nil {
		return nil
	}
	split := *w
	split.Parts = slices.Clone(w.Parts)
	if !syntax.SplitBraces(&split) {
		return in.fields(w.Parts)
	}
	var out []string
	for _, parts := range expandBraces(split.Parts, maxTurns) {
		out = append(out, in.fields(parts)...)
	}
	return out
}

// expandBraces gives the words that a word with braces stands for, at most so many; a sequence stands for anything.
func expandBraces(parts []syntax.WordPart, most int) [][]syntax.WordPart {
	all := [][]syntax.WordPart{nil}
	for _, p := range parts {
		b, ok := p.(*syntax.BraceExp)
		if !ok {
			for i := range all {
				all[i] = append(slices.Clip(all[i]), p)
			}
			continue
		}
		var elems [][]syntax.WordPart
		if b.Sequence {
			elems = [][]syntax.WordPart{{&syntax.ArithmExp{}}}
		} else {
			for _, e := range b.Elems {
				elems = append(elems, expandBraces(e.Parts, most)...)
			}
		}
		var next [][]syntax.WordPart
		for _, before := range all {
			for _, e := range elems {
				if len(next) < most {
					next = append(next, slices.Concat(before, e))
				}
			}
		}
		all = next
	}
	return all
}

// fields expands a word without braces; unquoted variables are split at spaces.
func (in *interpreter) fields(parts []syntax.WordPart) []string {
	var out []string
	current, started := "", false
	for _, p := range parts {
		v, isVariable := p.(*syntax.ParamExp)
		if !isVariable {
			if text, quoted := in.part(p, false), isQuoted(p); text != "" || quoted {
				current, started = current+text, true
			}
			continue
		}
		text := in.parameter(v)
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if strings.TrimLeft(text, " \t\n") != text && started {
			out, current = append(out, current), ""
		}
		for i, word := range words {
			if i > 0 {
				out, current = append(out, current), ""
			}
			current, started = current+word, true
		}
	}
	if started {
		out = append(out, current)
	}
	return out
}

func isQuoted(p syntax.WordPart) bool {
	switch p.(type) {
	case *syntax.SglQuoted, *syntax.DblQuoted:
		return true
	}
	return false
}

// parts joins what the parts of a word stand for, as between quotes.
func (in *interpreter) parts(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, p := range parts {
		if b.WriteString(in.part(p, true)); b.Len() > maxWord {
			return unknown
		}
	}
	return b.String()
}

func (in *interpreter) part(p syntax.WordPart, quoted bool) string {
	switch p := p.(type) {
	case *syntax.Lit:
		return literal(p.Value, quoted)
	case *syntax.SglQuoted:
		return p.Value
	case *syntax.DblQuoted:
		return in.parts(p.Parts)
	case *syntax.ParamExp:
		return in.parameter(p)
	case *syntax.CmdSubst:
		in.subshell(func() { in.all(p.Stmts) })
		return in.output(p)
	case *syntax.ProcSubst:
		in.subshell(func() { in.all(p.Stmts) })
	}
	return unknown
}

// output is what some commands are known to print.
func (in *interpreter) output(p *syntax.CmdSubst) string {
	if len(p.Stmts) == 1 && len(p.Stmts[0].Redirs) == 0 {
		if call, ok := p.Stmts[0].Cmd.(*syntax.CallExpr); ok && len(call.Args) == 1 {
			if words := in.words(call.Args[0]); len(words) == 1 && words[0] == "pwd" {
				return in.cwd
			}
		}
	}
	return unknown
}

// literal takes off the backslashes, and makes of unquoted wildcards what may be anything.
func literal(text string, quoted bool) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '\\' && i+1 < len(text) && (!quoted || strings.IndexByte("$`\"\\\n", text[i+1]) >= 0):
			if i++; text[i] != '\n' {
				b.WriteByte(text[i])
			}
		case !quoted && (ch == '*' || ch == '?'):
			b.WriteString(unknown)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}

// parameter is what a variable stands for; of the forms that change its text, those that choose another are known.
func (in *interpreter) parameter(p *syntax.ParamExp) string {
	if p.Param == nil || p.Excl || p.Length || p.Width || p.Slice != nil || p.Repl != nil || p.Names != 0 {
		return unknown
	}
	text := in.variable(p.Param.Value)
	if p.Exp == nil {
		return text
	}
	other := func() string {
		if p.Exp.Word == nil {
			return ""
		}
		return in.parts(p.Exp.Word.Parts)
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull:
		if text == "" {
			return other()
		}
		return text
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		if text == "" {
			return ""
		}
		return other()
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		return text
	}
	other()
	return unknown
}
