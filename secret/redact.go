package secret

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidewaiter/image"
)

// Names under which a [Detect] is given texts that are no files of the image.
const (
	asVariable    = "env"     // NAME=value
	asLabel       = "label"   // likewise
	asInstruction = "history" // the text of an instruction, or of a command line
	AsDockerfile  = "Dockerfile"
)

// Redactor takes secrets out of texts at the edge, before anything that shows or keeps them has them. It remembers those it has met, so
// that one is taken out of all texts that are given to it later, and looks the same in all of them: what was equal, or differed, does so
// still. It is for one image, and one goroutine.
type Redactor struct {
	detect Detect
	shown  map[string]string // by secret: what stands for it
	alike  map[string]int    // by what would stand for it
	words  []string          // those that are short
	// anywhere replaces those that are not; nil until it is needed.
	anywhere *strings.Replacer
	taken    []said // out of the image
	omitted  int    // further ones
	raw      map[place][]string
}

// place tells the secrets of a report apart: those that look the same in the same line are one.
type place struct {
	rule     string
	in       In
	path     string
	layer    int
	inside   string
	line     int
	name     string
	redacted string
}

func placeOf(s *Secret) place {
	return place{s.Rule, s.In, s.Path, s.LayerIndex(), s.Inside, s.Line, s.Name, s.Redacted}
}

// remember keeps what a secret of the report really is, for [Redactor.Ask].
func (r *Redactor) remember(s *Secret, raw string) {
	if p := placeOf(s); raw != "" && !slices.Contains(r.raw[p], raw) {
		r.raw[p] = append(r.raw[p], raw)
	}
}

// Ask has each secret that stands asked about, once, and notes the answer. Where several are one in the report, one that is good counts.
func (r *Redactor) Ask(report *Report, ask func(rule, raw string) Check) {
	type question struct{ rule, raw string }
	answers := map[question]Check{}
	for i := range report.Found {
		s := &report.Found[i]
		if s.Quieted != nil {
			continue
		}
		s.Check = Unchecked
		for _, raw := range r.raw[placeOf(s)] {
			q := question{s.Rule, raw}
			if answers[q] == "" {
				answers[q] = ask(s.Rule, raw)
			}
			if order := []Check{Unchecked, Invalid, CheckError, Valid}; slices.Index(order, answers[q]) > slices.Index(order, s.Check) {
				s.Check = answers[q]
			}
		}
	}
}

// NewRedactor makes one that knows no secret yet.
func NewRedactor(detect Detect) *Redactor {
	return &Redactor{detect: detect, shown: map[string]string{}, alike: map[string]int{}, raw: map[place][]string{}}
}

// Image takes the secrets out of what an image says of itself: variables, labels, annotations, command lines, history. [Judge] tells what
// they were.
func (r *Redactor) Image(im *image.Image) {
	texts := textsOf(im)
	for i := range texts {
		t := &texts[i]
		t.found = r.find(t.as, t.read())
		for _, f := range t.found {
			r.take(said{f, t.in, t.name, t.step})
		}
	}
	for _, s := range inVariables(texts, r.taken) {
		r.take(s)
	}
	for i := range texts {
		texts[i].write(func(text string) string { return r.replace(text, texts[i].found) })
	}
}

// maxTaken bounds the secrets of one configuration that are told one by one.
const maxTaken = 5000

func (r *Redactor) take(s said) {
	if len(r.taken) == maxTaken {
		r.omitted++
		return
	}
	r.taken = append(r.taken, s)
}

// Source takes the secrets out of a Dockerfile or another text of the user's. Its lines stay where they are.
func (r *Redactor) Source(name string, text []byte) []byte {
	return []byte(r.replace(string(text), r.find(name, string(text))))
}

// Redact takes out of a file's content the secrets that are found in it; it gives content itself where there are none.
func Redact(detect Detect, path string, content []byte) []byte {
	r := NewRedactor(detect)
	found := r.find(path, string(content))
	if len(found) == 0 {
		return content
	}
	return []byte(r.replace(string(content), found))
}

// find searches a text. Also what is known for an example is hidden: who reads a report cannot tell.
func (r *Redactor) find(as, text string) []Found {
	found := r.detect(as, []byte(text))
	for _, f := range found {
		r.learn(f.Raw, f.Redacted)
	}
	return found
}

// learn remembers a secret, and what is shown in its place. The lines behind one of several lines keep their numbers.
func (r *Redactor) learn(raw, form string) {
	if raw == "" || r.shown[raw] != "" {
		return
	}
	if r.alike[form]++; r.alike[form] > 1 {
		form = fmt.Sprintf("%s(%d)", form, r.alike[form])
	}
	r.shown[raw] = form + strings.Repeat("\n", strings.Count(raw, "\n"))
	r.anywhere = nil
	if len(raw) < ownLength && len(r.words) < maxWords {
		r.words = append(r.words, raw)
	}
}

const (
	// ownLength is the length, in bytes, from which a secret is taken out wherever it stands. A shorter one may well be a part of what is
	// none ("postgres"): outside the text that it was found in, it is taken out as a word alone.
	ownLength = 12
	// maxWords bounds those short ones, for each of which a text is gone through.
	maxWords = 500
)

// replace puts something else in the place of the secrets in a text: of those that are known, and those that were found in it.
func (r *Redactor) replace(text string, own []Found) string {
	if len(r.shown) == 0 {
		return text
	}
	if len(own) > 0 {
		here := map[string]string{}
		for _, f := range own {
			if f.Raw != "" {
				here[f.Raw] = r.shown[f.Raw]
			}
		}
		text = replacer(here).Replace(text)
	}
	if r.anywhere == nil {
		long := map[string]string{}
		for raw, form := range r.shown {
			if len(raw) >= ownLength {
				long[raw] = form
			}
		}
		r.anywhere = replacer(long)
	}
	text = r.anywhere.Replace(text)
	for _, raw := range r.words {
		if strings.Contains(text, raw) {
			text = replaceWord(text, raw, r.shown[raw])
		}
	}
	return text
}

// replacer goes through a text once, however many secrets there are. Of two that begin at the same place, the longer one is taken out.
func replacer(shown map[string]string) *strings.Replacer {
	secrets := slices.SortedFunc(maps.Keys(shown), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, raw := range secrets {
		pairs = append(pairs, raw, shown[raw])
	}
	return strings.NewReplacer(pairs...)
}

// replaceWord replaces what stands by itself.
func replaceWord(text, word, by string) string {
	parts := strings.Split(text, word)
	var out strings.Builder
	for i, part := range parts[:len(parts)-1] {
		out.WriteString(part)
		if next := parts[i+1]; part != "" && isWord(part[len(part)-1]) || next != "" && isWord(next[0]) {
			out.WriteString(word)
		} else {
			out.WriteString(by)
		}
	}
	out.WriteString(parts[len(parts)-1])
	return out.String()
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}
