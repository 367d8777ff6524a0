package dockerfile

import (
	"hash/fnv"
	"path"
	"slices"
	"strings"
)

// maxTokens bounds how many words of a step are compared.
const maxTokens = 64

// step is an instruction, or an entry of the history, in a form that can be compared.
type step struct {
	// kind is the instruction's keyword in upper case.
	kind string
	// text is what follows it, with single spaces and without flags.
	text string
	// tokens are the hashes of the words of text that hold no variable, sorted; wild counts the others.
	tokens []uint64
	wild   int
	// dest is where a COPY or ADD puts things; terse says that an entry may tell no more of it: "file:1234.. in /app/".
	dest  string
	terse bool
}

// parseStep reads an entry of the history: "RUN make", "COPY . /app".
func parseStep(s string) step {
	kind, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
	return newStep(strings.ToUpper(kind), rest)
}

func newStep(kind, text string) step {
	words := strings.Fields(text)
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		words = words[1:] // a builder may tell the flags or not
	}
	s := step{kind: kind, text: strings.Join(words, " ")}
	switch kind {
	case "COPY", "ADD":
		if len(words) > 0 {
			s.dest = path.Clean(words[len(words)-1])
			s.terse = slices.Contains(words[:len(words)-1], "in")
		}
	case "CMD", "ENTRYPOINT", "SHELL", "VOLUME":
		// The history has ["node" "app.js"] for ["node", "app.js"], or [node app.js].
		s.text = strings.Join(strings.FieldsFunc(s.text, func(r rune) bool { return strings.ContainsRune(" \"[],", r) }), " ")
	}
	for i, word := range strings.FieldsFunc(s.text, func(r rune) bool { return strings.ContainsRune(" \"'[]{},=", r) }) {
		if i == maxTokens {
			break
		}
		if strings.Contains(word, "$") {
			s.wild++
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(word))
		s.tokens = append(s.tokens, h.Sum64())
	}
	slices.Sort(s.tokens)
	return s
}

// likeness says how well an instruction of a Dockerfile fits an entry of the history: 0 not at all, 1 fully. What is
// less than half alike is not alike.
func likeness(in, entry *step) float64 {
	switch {
	case in.kind != entry.kind:
		return 0
	case in.text == entry.text || runsInShell(in.text, entry.text):
		return 1
	}
	alike := sharedTokens(in, entry)
	if in.dest != "" {
		alike = max(alike, sameDest(in.dest, entry))
	}
	if alike < 0.5 {
		return 0
	}
	return min(alike, 0.99)
}

// runsInShell says whether entry is the command with a shell in front of it: "/bin/bash -o pipefail -c make" for
// "make".
func runsInShell(command, entry string) bool {
	shell, ok := strings.CutSuffix(entry, command)
	if !ok || command == "" || !strings.HasSuffix(shell, " ") {
		return false
	}
	shell = shell[:len(shell)-1]
	last := shell[strings.LastIndexByte(shell, ' ')+1:]
	return last == "-Command" || strings.EqualFold(last, "/c") || strings.HasPrefix(last, "-") && strings.HasSuffix(last, "c")
}

// sharedTokens is the Dice coefficient of the words. One with a variable may stand for any, at three quarters.
func sharedTokens(in, entry *step) float64 {
	words, entryWords := len(in.tokens)+in.wild, len(entry.tokens)+entry.wild
	if words+entryWords == 0 {
		return 0
	}
	common := 0
	for i, j := 0, 0; i < len(in.tokens) && j < len(entry.tokens); {
		switch a, b := in.tokens[i], entry.tokens[j]; {
		case a < b:
			i++
		case a > b:
			j++
		default:
			common++
			i++
			j++
		}
	}
	wild := min(in.wild, entryWords-common)
	return 2 * (float64(common) + 0.75*float64(wild)) / float64(words+entryWords)
}

// sameDest compares where a COPY or ADD puts things: the classic builder and Buildah tell no more than that of it. The
// directory in which a relative one lies is not known.
func sameDest(dest string, entry *step) float64 {
	switch {
	case !entry.terse:
		return 0
	case dest == entry.dest:
		return 0.9
	case strings.Contains(dest, "$"), dest == ".":
		return 0.6
	}
	if dir, ok := strings.CutSuffix(entry.dest, dest); ok && !path.IsAbs(dest) && strings.HasSuffix(dir, "/") {
		return 0.6
	}
	return 0
}
