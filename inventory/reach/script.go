package reach

import (
	"bytes"
	"context"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// The bounds of looking into one script.
const (
	maxScript = 64 << 10 // bytes; of a longer one only the first line is kept
	maxFirst  = 256      // bytes of the first line
	maxWord   = 128      // bytes
)

// script is what is kept of a script.
type script struct {
	// interpreter is the first line's words without "#!"; nil where there is none.
	interpreter []string
	// words are, of a shell's script, all that could name a program or a file, sorted; "$NAME/bin/tool" stays as it is.
	words []string
	// anything says that the script may run what none of its words tells.
	anything bool
}

// DistilScript takes from a script who runs it, and of a shell's script its words. It is of the form that layer rules ask for.
func DistilScript(_ context.Context, name string, r io.ReaderAt, size int64) ([]byte, error) {
	if strings.Contains(name, "var/lib/dpkg/info/") { // run while packages are installed
		return nil, nil
	}
	text := make([]byte, min(size, maxScript))
	if n, err := r.ReadAt(text, 0); err != nil && (err != io.EOF || n < len(text)) {
		return nil, err
	}
	var s script
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if line, ok := bytes.CutPrefix(first[:min(len(first), maxFirst)], []byte("#!")); ok {
		s.interpreter = strings.Fields(string(line))
	} else {
		rest = text
	}
	if s.interpreter == nil && path.Ext(name) != ".sh" {
		return nil, nil
	}
	if isShellScript(s.interpreter) {
		if s.anything = size > maxScript; !s.anything {
			s.words, s.anything = shellWords(rest)
		}
	}
	return s.facts(), nil
}

// facts writes a script down: the interpreter's words on one line, what is to be known of all, and then the words.
func (s *script) facts() []byte {
	anything := ""
	if s.anything {
		anything = "anything"
	}
	lines := append([]string{strings.Join(s.interpreter, " "), anything}, s.words...)
	return []byte(scriptKind + strings.Join(lines, "\n"))
}

// parseScript reads the facts of a script.
func parseScript(facts []byte) script {
	lines := strings.Split(strings.TrimPrefix(string(facts), scriptKind), "\n")
	s := script{interpreter: strings.Fields(lines[0])}
	if len(lines) > 1 {
		s.anything, s.words = lines[1] != "", lines[2:]
	}
	return s
}

// isShellScript says whether a shell, or a program that reads much the same language, runs scripts with this first line.
func isShellScript(interpreter []string) bool {
	return len(interpreter) == 0 || slices.ContainsFunc(interpreter, func(word string) bool { return isShell(path.Base(word)) })
}

func isShell(base string) bool {
	switch base {
	case "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox", "with-contenv", "execlineb":
		return true
	}
	return false
}

// shellWords gives the words of a shell's script that could name a program or a file, in command position or not:
// which of them are run only a shell can tell. anything says that the script runs what a variable holds that it does not
// set (what it sets is made of its words), or what it puts together.
func shellWords(text []byte) (words []string, anything bool) {
	seen := map[string]bool{}
	var set map[string]bool // nil until it is needed
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		for word := range bytes.FieldsFuncSeq(line, isShellBreak) {
			note(seen, string(word))
		}
		if name := commandVariable(line); name != "" && !anything {
			if set == nil {
				set = assigned(text)
			}
			anything = !set[name]
		}
	}
	anything = anything || seen["eval"]
	return slices.Sorted(maps.Keys(seen)), anything
}

// isShellBreak says whether a character ends a word, or can be taken to: quotes do, since what is quoted may be a command.
func isShellBreak(c rune) bool { return c <= ' ' || strings.ContainsRune("\"'`;&|()<>[]!*?\\,=", c) }

// note keeps a word that could be a name: with a letter in it, and nothing unknown but a variable at its start.
func note(seen map[string]bool, word string) {
	variable := ""
	if rest, ok := strings.CutPrefix(word, "$"); ok {
		name, tail, ok := strings.Cut(rest, "/")
		if name = strings.Trim(name, "{}"); !ok || !isVariable(name) {
			return
		}
		variable, word = "$"+name, "/"+tail
	}
	if word = strings.Trim(word, "{}:"); word == "" || len(word) > maxWord || strings.ContainsAny(word, "${}#~^") ||
		!strings.ContainsFunc(word, isLetter) || word[0] == '-' || word[0] == '%' {
		return
	}
	seen[variable+word] = true
}

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isVariable(s string) bool { return s != "" && !strings.ContainsFunc(s, isNotVariable) }

// commandVariable gives the variable that is a line's command; empty where the command is a word or an argument of the
// script, which is one of the image's own command line.
func commandVariable(line []byte) string {
	for {
		word, rest, more := bytes.Cut(line, []byte(" "))
		switch string(word) {
		case "exec", "if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "nohup", "command", "&&", "||", "|":
			if !more {
				return ""
			}
			line = bytes.TrimSpace(rest)
			continue
		}
		name, ok := bytes.CutPrefix(bytes.Trim(word, `"`), []byte("$"))
		name = bytes.Trim(name, "{}")
		name, _, _ = bytes.Cut(name, []byte("[")) // of an array
		if !ok || !isVariable(string(name)) || name[0] >= '0' && name[0] <= '9' {
			return ""
		}
		return string(name)
	}
}

// assigned gives the variables that a script gives a value: by assignment, in a loop, or by reading.
func assigned(script []byte) map[string]bool {
	set := map[string]bool{}
	for i, c := range script {
		if c != '=' {
			continue
		}
		before := bytes.TrimSuffix(script[:i], []byte("+"))
		start := bytes.LastIndexFunc(before, isNotVariable) + 1
		if start < len(before) && (start == 0 || before[start-1] != '$') {
			set[string(before[start:])] = true
		}
	}
	takes := false
	for word := range bytes.FieldsFuncSeq(script, isShellBreak) {
		switch w := string(word); {
		case w == "for" || w == "select" || w == "read" || w == "mapfile" || w == "readarray":
			takes = true
		case takes && w[0] != '-':
			set[w], takes = true, false
		}
	}
	return set
}

func isNotVariable(c rune) bool { return !isLetter(c) && (c < '0' || c > '9') && c != '_' }
