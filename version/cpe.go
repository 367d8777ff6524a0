package version

import (
	"cmp"
	"regexp"
	"strings"
)

// cpeScheme is the order of the programs that CPE names. Java has its own, as "CPE:java".
func cpeScheme(product string) scheme {
	if product == "java" {
		return scheme{"java", parseJava}
	}
	return scheme{"cpe", parseCPE}
}

// cpeVersion is a version as the CPE dictionary writes those of all sorts of programs, of which each has an order of its own. What
// they have in common is ordered here: numbers, then words that mark what comes before a release or after it. Colons, hyphens and
// underscores divide it as dots do: 9.3p1 is 9.3:p1, and 1.0:rc1 is 1.0rc1.
//
// Ranges have two things more. A > in front means right after the version, for a range that leaves out where it starts; 10.* or
// 10.x is after all of 10.1, 10.2 and so on, where a range ends.
type cpeVersion struct {
	numbers string // "1.0.2"; a number that is not there is 0
	words   []cpeWord
	after   bool
}

// cpeWord is a word with the numbers that follow it: rc.1 of 1.0rc1.
type cpeWord struct {
	rank    int // negative before the release, positive after it
	word    string
	numbers string
}

// maxCPEWords bounds the work that a hostile version can ask for.
const maxCPEWords = 16

func parseCPE(text string) (ordered, bool) {
	text, after := strings.CutPrefix(lowerASCII(text), ">")
	text = strings.TrimPrefix(text, "v")
	v := cpeVersion{after: after}
	ok := !isCommit(text)
	text, all := cutWildcard(text)
	v.numbers, text = cutCPENumbers(text)
	if ok = ok && startsWithDigit(v.numbers) && (!all || text == ""); all {
		v.numbers += "." + strings.Repeat("9", maxLength)
	}
	for text != "" && ok {
		var w cpeWord
		w, text = cutCPEWord(text)
		v.words = append(v.words, w)
		ok = w.word != "" && len(v.words) <= maxCPEWords
	}
	return v, ok
}

// cutWildcard cuts what stands for any number at the end: 10.* or 10.x.
func cutWildcard(s string) (rest string, found bool) {
	rest = strings.TrimSuffix(strings.TrimSuffix(s, ".x"), ".*")
	return rest, rest != s
}

// isCommit says whether a text is the hash of a git commit, which NVD's data sometimes has in the place of a version.
func isCommit(text string) bool {
	return len(text) >= 40 && strings.Trim(text, "0123456789abcdef") == ""
}

// cutCPENumbers cuts numbers with anything between them that divides, and gives them with dots: 7.1.0.62 of 7.1.0-62. Two
// divisions in a row, or one at the end of the text, divide nothing and are left.
func cutCPENumbers(s string) (numbers, rest string) {
	numbers, s = cutDigits(s)
	for len(s) > 1 && divides(s[0]) && startsWithDigit(s[1:]) {
		var next string
		next, s = cutDigits(s[1:])
		numbers += "." + next
	}
	return numbers, s
}

func divides(c byte) bool { return strings.IndexByte(".:_-+~", c) >= 0 }

// cutCPEWord cuts a word, what divides it from what is around it, and its numbers. A plus at the end of all is a word too: what was
// built from the sources after a release.
func cutCPEWord(s string) (w cpeWord, rest string) {
	if s == "+" {
		return cpeWord{rank: 1, word: s}, ""
	}
	if divides(s[0]) {
		s = s[1:]
	}
	w.word, s = cutLetters(s)
	if len(s) > 1 && divides(s[0]) && startsWithDigit(s[1:]) {
		s = s[1:]
	}
	w.numbers, s = cutCPENumbers(s)
	w.rank, w.word = cpeRank(w.word, w.numbers != "")
	return w, s
}

// cpeRank says whether a word marks something before a release or after it, and gives the one spelling of those that mean
// the same. A lone letter is a fix, OpenSSL's 1.0.2a; with a number behind it, a and b are Python's alpha and
// beta, and m is a milestone.
func cpeRank(word string, numbered bool) (rank int, spelling string) {
	switch {
	case word == "dev", word == "nightly", word == "snapshot", word == "canary":
		return -5, "dev"
	case word == "alpha", word == "a" && numbered:
		return -4, "alpha"
	case word == "beta", word == "b" && numbered:
		return -3, "beta"
	case word == "pre", word == "preview", word == "m" && numbered, word == "milestone":
		return -2, "pre"
	case word == "rc", word == "cr":
		return -1, "rc"
	case word == "p", word == "pl", word == "patch":
		return 1, "p"
	case word == "u", word == "update":
		return 1, "u"
	}
	return 1, word
}

func (v cpeVersion) compare(other ordered) (int, error) {
	w := other.(cpeVersion)
	c := compareNumbers(v.numbers, w.numbers)
	for i := 0; c == 0 && i < max(len(v.words), len(w.words)); i++ {
		a, b := v.word(i), w.word(i)
		c = cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.word, b.word), compareNumbers(a.numbers, b.numbers))
	}
	return cmp.Or(c, compareBool(v.after, w.after)), nil
}

// word gives the word at a place; the release itself where there is none.
func (v cpeVersion) word(i int) cpeWord {
	if i >= len(v.words) {
		return cpeWord{}
	}
	return v.words[i]
}

// javaUpdate is how Java's updates were written before Java 9: 1.8.0_372 and 8u372, in CPE 1.8.0:update_372 and 8:update372.
var javaUpdate = regexp.MustCompile(`^(\d+(?:\.\d+)*)(?:_|u|:?_?update_?)(\d+)$`)

// parseJava reads versions of Java, where updates are numbers: 8:update372 is 8.0.372, as Java 9 would have written it
// (https://openjdk.org/jeps/322). What follows a hyphen or a plus is the build. Java 8 is 1.8, too, but not here: ranges are
// written for either, and those for the one speak of the other where they seem to.
func parseJava(text string) (ordered, bool) {
	text, after := strings.CutPrefix(lowerASCII(text), ">")
	text, _, _ = strings.Cut(text, "+")
	text, _, _ = strings.Cut(text, "-")
	if m := javaUpdate.FindStringSubmatch(text); m != nil {
		text = m[1] + "." + m[2]
		if !strings.Contains(m[1], ".") {
			text = m[1] + ".0." + m[2]
		}
	}
	return cpeVersion{numbers: text, after: after}, dotted(text, isDigits)
}
