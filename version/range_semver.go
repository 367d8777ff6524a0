package version

import "strings"

// partial is a version of which only the first numbers may be given: "1", "1.x", "1.2.3-rc.1".
type partial struct {
	numbers []string // one to three; empty for "*"
	pre     string
}

func readPartial(text string) (partial, bool) {
	text = strings.TrimLeft(text, "v= \t")
	text, build, hasBuild := strings.Cut(text, "+")
	if hasBuild && !dotted(build, isIdentifier) {
		return partial{}, false
	}
	var p partial
	rest := text
	for i := range 3 {
		if i > 0 {
			var more bool
			if rest, more = strings.CutPrefix(rest, "."); !more {
				break
			}
		}
		digits, after := cutDigits(rest)
		if digits == "" {
			return p, readWildcards(rest)
		}
		if compareDigits(digits, maxNodeNumber) > 0 {
			return p, false
		}
		p.numbers, rest = append(p.numbers, digits), after
	}
	if rest == "" {
		return p, true
	}
	p.pre = strings.TrimPrefix(rest, "-")
	return p, len(p.numbers) == 3 && dotted(p.pre, isIdentifier)
}

// readWildcards says whether s is "x", "*" or nothing, and what may stand behind it, "*.*-0".
func readWildcards(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case 'x', 'X', '*':
		case '.':
			if i == 0 {
				return false
			}
		case '-':
			return i > 0 && dotted(s[i+1:], isIdentifier)
		default:
			return i > 0 && dotted(s[i:], isIdentifier)
		}
	}
	return true
}

// low is the first release that p stands for.
func (p partial) low() string {
	numbers := append(append([]string(nil), p.numbers...), "0", "0", "0")[:3]
	text := strings.Join(numbers, ".")
	if p.pre != "" {
		text += "-" + p.pre
	}
	return text
}

// after is the first version, pre-releases too, after those that agree with p in the numbers up to the i-th.
func (p partial) after(i int) string {
	q := partial{numbers: strings.Split(next(strings.Join(p.numbers, "."), i), ".")}
	return q.low() + "-0"
}

func (p partial) full() bool { return len(p.numbers) == 3 }

func semverClause(parts ...string) clause {
	var c clause
	for _, part := range parts {
		op, text := cutOperator(part, ">=", "<=", ">", "<", "=")
		v, _ := splitNumbered(text)
		c = append(c, bound{op: operator(op), text: text, value: v})
	}
	return c
}

// comparatorClause gives the bounds that an operator and a partial version mean: https://docs.npmjs.com/cli/v6/using-npm/semver
func comparatorClause(op string, p partial) clause {
	last := len(p.numbers) - 1
	switch {
	case op == "~>":
		return comparatorClause("~", p)
	case last < 0 && (op == "<" || op == ">"):
		return semverClause("<0.0.0-0")
	case last < 0:
		return clause{}
	case op == "~":
		return semverClause(">="+p.low(), "<"+p.after(min(last, 1)))
	case op == "^":
		return semverClause(">="+p.low(), "<"+p.after(p.caret()))
	case p.full() && op == "":
		return semverClause("=" + p.low())
	case p.full():
		return semverClause(op + p.low())
	case op == ">":
		return semverClause(">=" + strings.TrimSuffix(p.after(last), "-0"))
	case op == "<=":
		return semverClause("<" + p.after(last))
	case op == "<":
		return semverClause("<" + p.low() + "-0")
	case op == ">=":
		return semverClause(">=" + p.low())
	}
	return semverClause(">="+p.low(), "<"+p.after(last))
}

// caret is the place of the first number that is not zero, which a caret keeps.
func (p partial) caret() int {
	for i, n := range p.numbers {
		if strings.Trim(n, "0") != "" {
			return i
		}
	}
	return len(p.numbers) - 1
}

// npmRange reads what node-semver reads loosely.
func npmRange(text string) ([]clause, bool) {
	var clauses []clause
	for part := range strings.SplitSeq(text, "||") {
		c, ok := npmClause(strings.Fields(part))
		if !ok {
			return nil, false
		}
		clauses = append(clauses, c)
	}
	return clauses, true
}

func npmClause(words []string) (clause, bool) {
	if len(words) == 3 && words[1] == "-" {
		return hyphenClause(words[0], words[2])
	}
	all := clause{}
	for i := 0; i < len(words); i++ {
		op, text := cutOperator(words[i], "~>", "~", "^", ">=", "<=", ">", "<", "=")
		for strings.Trim(text, "v=") == "" && i+1 < len(words) && (op != "" || text != "") && len(text) < maxLength {
			i++
			text += words[i]
		}
		if op == "=" {
			op = ""
		}
		if rest, ok := strings.CutPrefix(text, "="); ok && (op == ">" || op == "<") {
			op, text = op+"=", rest
		}
		p, ok := readPartial(text)
		if !ok || text == "" && op != "" && op != "^" {
			return nil, false
		}
		all = append(all, comparatorClause(op, p)...)
	}
	return all, true
}

// hyphenClause is "1.2 - 2.3": up to every version that the second one stands for.
func hyphenClause(from, to string) (clause, bool) {
	low, lowOK := readPartial(from)
	high, highOK := readPartial(to)
	if !lowOK || !highOK {
		return nil, false
	}
	all := clause{}
	if len(low.numbers) > 0 {
		all = append(all, semverClause(">="+low.low())...)
	}
	if len(high.numbers) > 0 {
		all = append(all, comparatorClause("<=", high)...)
	}
	return all, true
}

// admitsNamedPreReleases keeps pre-releases out, but for those of a release that a bound names a pre-release of.
func admitsNamedPreReleases(c clause, version ordered) bool {
	v := version.(numbered)
	if v.pre == "" {
		return true
	}
	for _, b := range c {
		if w := b.value.(numbered); w.pre != "" && compareNumbers(v.numbers, w.numbers) == 0 {
			return true
		}
	}
	return false
}

// cargoRange reads Cargo's requirements: https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html
func cargoRange(text string) ([]clause, bool) {
	all := clause{}
	for part := range strings.SplitSeq(text, ",") {
		op, rest := cutOperator(strings.TrimSpace(part), "~", "^", ">=", "<=", ">", "<", "=")
		p, ok := readPartial(rest)
		if !ok || rest == "" {
			return nil, false
		}
		wildcard := strings.ContainsAny(rest, "*xX") && p.pre == "" && !p.full()
		if op == "" && !wildcard {
			op = "^"
		}
		if op == "=" {
			op = ""
		}
		all = append(all, comparatorClause(op, p)...)
	}
	return []clause{all}, true
}

// pubRange reads Dart's constraints: https://dart.dev/tools/pub/dependencies#version-constraints
func pubRange(text string) ([]clause, bool) {
	all := clause{}
	if text == "any" {
		return []clause{all}, true
	}
	for rest := text; rest != ""; {
		var op string
		op, rest = cutOperator(rest, "^", ">=", "<=", ">", "<")
		end := strings.IndexAny(rest+" ", " \t\n<>^")
		word := rest[:end]
		rest = strings.TrimSpace(rest[end:])
		v, ok := splitNumbered(word)
		if !ok || strings.Count(v.numbers, ".") != 2 {
			return nil, false
		}
		switch op {
		case "^":
			place := 0
			if major, _, _ := strings.Cut(v.numbers, "."); strings.Trim(major, "0") == "" {
				place = 1
			}
			high := partial{numbers: strings.Split(v.numbers, ".")}.after(place)
			all = append(all, bound{op: greaterEqual, text: word, value: v})
			all = append(all, semverClause("<"+high)...)
		case "":
			all = append(all, bound{op: equal, text: word, value: v})
		default:
			all = append(all, bound{op: operator(op), text: word, value: v})
		}
	}
	return []clause{all}, text != ""
}

// admitsNoPreReleaseOfMax keeps 2.0.0-dev out of <2.0.0, unless the lower bound is a pre-release of 2.0.0 too.
func admitsNoPreReleaseOfMax(c clause, version ordered) bool {
	v := version.(numbered)
	if v.pre == "" {
		return true
	}
	for _, b := range c {
		w := b.value.(numbered)
		same := compareNumbers(v.numbers, w.numbers) == 0
		if (b.op == greater || b.op == greaterEqual) && same && w.pre != "" {
			return true
		}
	}
	for _, b := range c {
		if w := b.value.(numbered); b.op == less && w.pre == "" && compareNumbers(v.numbers, w.numbers) == 0 {
			return false
		}
	}
	return true
}

// hexRange reads Elixir's requirements: https://hexdocs.pm/elixir/Version.html#module-requirements
func hexRange(text string) ([]clause, bool) {
	var clauses []clause
	all := clause{}
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		op, word := cutOperator(words[i], "~>", ">=", "<=", "!=", "==", ">", "<")
		if word == "" && i+1 < len(words) {
			i++
			word = words[i]
		}
		c, ok := hexClause(op, word)
		if !ok {
			return nil, false
		}
		all = append(all, c...)
		if i++; i == len(words) {
			break
		}
		if words[i] == "or" {
			clauses, all = append(clauses, all), clause{}
		}
		if words[i] != "or" && words[i] != "and" || i+1 == len(words) {
			return nil, false
		}
	}
	return append(clauses, all), len(words) > 0
}

func hexClause(op, text string) (clause, bool) {
	v, ok := splitNumbered(text)
	v.build = ""
	dots := strings.Count(v.numbers, ".")
	if !ok || strings.HasPrefix(text, "v") || dots != 2 && (op != "~>" || dots != 1) {
		return nil, false
	}
	b := bound{op: operator(op), text: text, value: v}
	switch op {
	case "~>":
		b.op = greaterEqual
		high := partial{numbers: strings.Split(v.numbers, ".")}.after(dots - 1)
		w, _ := splitNumbered(high)
		return clause{b, bound{op: less, text: high, value: w}}, true
	case "", "==":
		b.op = equal
	}
	return clause{b}, true
}
