package version

import "strings"

// composerRange reads Composer's constraints: https://getcomposer.org/doc/articles/versions.md#writing-version-constraints.
// It asks for no least stability, which is a setting of the project.
func composerRange(text string) ([]clause, bool) {
	var clauses []clause
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "||", "|"), "|") {
		c, ok := composerClause(part)
		if !ok {
			return nil, false
		}
		clauses = append(clauses, c)
	}
	return clauses, true
}

func composerClause(text string) (clause, bool) {
	text = strings.TrimSpace(text)
	if from, to, ok := strings.Cut(text, " - "); ok {
		return composerHyphen(strings.TrimSpace(from), strings.TrimSpace(to))
	}
	if i := strings.Index(text, " as "); i >= 0 {
		text = text[:i]
	}
	words, ok := composerWords(text)
	all := clause{}
	for _, word := range words {
		c, good := composerConstraint(word)
		ok = ok && good
		all = append(all, c...)
	}
	return all, ok
}

// composerWords splits at commas and spaces, and puts an operator and the version after it together.
func composerWords(text string) (words []string, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 {
			return nil, false
		}
		for i, f := range fields {
			if i > 0 && strings.Trim(fields[i-1], "<>=!") == "" {
				words[len(words)-1] += f
			} else {
				words = append(words, f)
			}
		}
	}
	return words, true
}

func composerConstraint(text string) (clause, bool) {
	flagless := trimStabilityFlag(text)
	if flagless == "" {
		return clause{}, text != ""
	}
	flag := lowerASCII(strings.TrimPrefix(text[len(flagless):], "@"))
	text = flagless
	if strings.Trim(text, "xX*.v") == "" && strings.ContainsAny(text, "xX*") {
		return clause{}, true
	}
	op, rest := cutOperator(text, "~", "^", "<>", "!=", ">=", "<=", "==", ">", "<", "=")
	switch {
	case op == "~" || op == "^":
		return composerTilde(op, rest)
	case op == "" && isComposerWildcard(rest):
		return composerWildcard(rest)
	}
	normal, ok := normalizeComposer(rest)
	if !ok {
		b := bound{op: equal, text: rest}
		return clause{b}, (op == "" || op == "=" || op == "==") && (strings.HasPrefix(rest, "dev-") || strings.HasSuffix(rest, "-dev") && !strings.ContainsAny(rest, "<>=^~*"))
	}
	switch op {
	case "", "==":
		op = "="
	case "<>":
		op = "!="
	}
	switch stable := !strings.Contains(normal, "-"); {
	case stable && op != "=" && flag != "" && flag != "stable":
		normal += "-" + flag
	case stable && (op == "<" || op == ">="):
		normal += "-dev" // "<2.0" leaves its pre-releases out, ">=2.0" takes them in
	}
	return composerBounds(op + normal)
}

func composerBounds(parts ...string) (clause, bool) {
	all := clause{}
	for _, part := range parts {
		op, text := cutOperator(part, ">=", "<=", "!=", ">", "<", "=")
		v, ok := readSemantic(text, "Packagist")
		if !ok {
			return nil, false
		}
		all = append(all, bound{op: operator(op), text: text, value: v})
	}
	return all, true
}

// composerTilde is "~1.2", up to the next of the number before the last, or "^1.2", up to the next of the first number that is not zero.
func composerTilde(op, text string) (clause, bool) {
	low, ok := normalizeComposer(text)
	ok = ok && strings.Count(text, ".x") < 2
	numbers, rest := cutRelease(strings.TrimPrefix(text, "v"))
	if !ok || numbers == "" || strings.Count(numbers, ".") > 3 {
		return nil, false
	}
	if text, _, _ = strings.Cut(rest, "+"); text == "" || text == "." {
		low += "-dev"
	}
	place := max(0, strings.Count(numbers, ".")-1)
	if strings.HasPrefix(rest, ".x") {
		place++
	}
	if op == "^" {
		place = min(2, partial{numbers: strings.Split(numbers, ".")}.caret())
	}
	return composerBounds(">="+low, "<"+padNumbers(next(numbers, place))+"-dev")
}

// isComposerWildcard says whether text is "1.2.*".
func isComposerWildcard(text string) bool {
	numbers, rest := cutRelease(strings.TrimPrefix(text, "v"))
	return numbers != "" && strings.Count(numbers, ".") < 3 && rest != "" && strings.Trim(rest, ".xX*") == "" && strings.ContainsAny(rest, "xX*")
}

func composerWildcard(text string) (clause, bool) {
	numbers, _ := cutRelease(strings.TrimPrefix(text, "v"))
	place := strings.Count(numbers, ".")
	return composerBounds(">="+padNumbers(numbers)+"-dev", "<"+padNumbers(next(numbers, place))+"-dev")
}

// composerHyphen is "1.0 - 2.0": up to every version that the second one stands for.
func composerHyphen(from, to string) (clause, bool) {
	low, lowOK := normalizeComposer(from)
	high, highOK := normalizeComposer(to)
	if !lowOK || !highOK || strings.Count(from, ".x") > 1 || strings.Count(to, ".x") > 1 || strings.ContainsAny(from+to, "*") {
		return nil, false
	}
	if !strings.Contains(low, "-") {
		low += "-dev"
	}
	numbers, rest := cutRelease(strings.TrimPrefix(to, "v"))
	rest, _, _ = strings.Cut(rest, "+")
	if count := strings.Count(numbers, "."); count < 2 && rest == "" {
		return composerBounds(">="+low, "<"+padNumbers(next(numbers, count))+"-dev")
	}
	return composerBounds(">="+low, "<="+high)
}
