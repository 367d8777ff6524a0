package version

import "strings"

// gemRange reads RubyGems' requirements, with commas between: https://guides.rubygems.org/patterns/#declaring-dependencies
func gemRange(text string) ([]clause, bool) {
	all := clause{}
	for part := range strings.SplitSeq(text, ",") {
		op, rest := cutOperator(strings.TrimSpace(part), "~>", "!=", ">=", "<=", ">", "<", "=")
		value, ok := parseGem(rest)
		if !ok || rest == "" || len(rest) > maxLength {
			return nil, false
		}
		b := bound{op: operator(op), text: rest, value: value}
		switch op {
		case "":
			b.op = equal
		case "~>":
			b.op = greaterEqual
			all = append(all, bound{op: less, text: rest, test: belowBump(rest)})
		}
		all = append(all, b)
	}
	return []clause{all}, true
}

// belowBump says of a version whether its release is older than the version after the one before the last number of text:
// 2.0.a is not in "~> 1.0", though it is older than 2.
func belowBump(text string) func(ordered) bool {
	numbers, _ := cutRelease(text)
	bump := newGemVersion(next(numbers, max(0, strings.Count(numbers, ".")-1)))
	return func(v ordered) bool {
		c, err := gemVersion{numbers: v.(gemVersion).numbers}.compare(bump)
		return err == nil && c < 0
	}
}

// conanRange reads Conan's ranges: https://docs.conan.io/2/tutorial/versioning/version_ranges.html
func conanRange(text string) ([]clause, bool) {
	text, _, _ = strings.Cut(text, ",") // "include_prerelease" asks for what is here anyway
	var clauses []clause
	for part := range strings.SplitSeq(text, "||") {
		all := clause{}
		for _, word := range strings.Fields(part) {
			op, rest := cutOperator(word, ">=", "<=", ">", "<", "=", "~", "^")
			c, ok := conanClause(op, strings.TrimSuffix(rest, "-"))
			if !ok {
				return nil, false
			}
			all = append(all, c...)
		}
		clauses = append(clauses, all)
	}
	return clauses, text != ""
}

func conanClause(op, text string) (clause, bool) {
	if text == "*" {
		op, text = ">=", "0.0.0"
	}
	high := ""
	numbers, _ := cutRelease(text)
	switch op {
	case "~":
		op, high = ">=", next(numbers, min(1, strings.Count(numbers, ".")))+"-"
	case "^":
		op, high = ">=", next(numbers, partial{numbers: strings.Split(numbers, ".")}.caret())+"-"
	case "":
		op = "="
	}
	b, ok := newBound(parseConan, operator(op), text)
	if high == "" {
		return clause{b}, ok
	}
	below, highOK := newBound(parseConan, less, high)
	return clause{b, below}, ok && highOK && numbers != ""
}

// opensslRange reads the lists of OpenSSL's advisories, "1.0.1b, 3.0.0".
func opensslRange(text string) ([]clause, bool) {
	var clauses []clause
	for part := range strings.SplitSeq(text, ",") {
		b, ok := newBound(parseOpenSSL, equal, strings.TrimSpace(part))
		if !ok {
			return nil, false
		}
		clauses = append(clauses, clause{b})
	}
	return clauses, true
}

// nginxRange reads the lists of nginx's advisories: "0.7.52-0.8.39, 1.5.0+, 1.4.1+". A plus reaches to the end of a stable
// branch, whose second number is even, and on from a mainline version. See https://nginx.org/en/security_advisories.html
func nginxRange(text string) ([]clause, bool) {
	var clauses []clause
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		low, high, isPair := strings.Cut(part, "-")
		from, open := strings.CutSuffix(low, "+")
		v, ok := splitNumbered(from)
		w, highOK := splitNumbered(high)
		if !ok || isPair && (!highOK || open) || strings.Count(v.numbers, ".") != 2 {
			return nil, false
		}
		switch {
		case isPair:
			clauses = append(clauses, clause{{op: greaterEqual, text: from, value: v}, {op: lessEqual, text: high, value: w}})
		case open && strings.IndexByte("02468", from[strings.LastIndexByte(from, '.')-1]) >= 0:
			clauses = append(clauses, semverClause(">="+from, "<"+next(v.numbers, 1)))
		case open:
			clauses = append(clauses, semverClause(">="+from))
		default:
			clauses = append(clauses, clause{{op: equal, text: from, value: v}})
		}
	}
	return clauses, true
}
