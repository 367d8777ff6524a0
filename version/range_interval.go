package version

import "strings"

// interval reads "[1.0,2.0)", "(,1.0]" or "[1.0]" with a parser for its ends.
func interval(text string, parse func(string) (ordered, bool)) (clause, bool) {
	text = strings.TrimSpace(text)
	if len(text) < 3 {
		return nil, false
	}
	open, closing := text[0], text[len(text)-1]
	if open != '[' && open != '(' || closing != ']' && closing != ')' {
		return nil, false
	}
	low, high, isPair := strings.Cut(text[1:len(text)-1], ",")
	low, high = strings.TrimSpace(low), strings.TrimSpace(high)
	if !isPair {
		b, ok := newBound(parse, equal, low)
		return clause{b}, ok && open == '[' && closing == ']'
	}
	all := clause{}
	for _, end := range []struct {
		text string
		op   operator
		side byte
	}{{low, greaterEqual, open}, {high, lessEqual, closing}} {
		if end.text == "" {
			continue
		}
		if end.side == '(' || end.side == ')' {
			end.op = end.op[:1]
		}
		b, ok := newBound(parse, end.op, end.text)
		if !ok {
			return nil, false
		}
		all = append(all, b)
	}
	return all, true
}

// isLogical says whether an interval's ends are in order, and one that holds a single version has it.
func (c clause) isLogical() bool {
	if len(c) < 2 {
		return true
	}
	order, err := c[0].value.compare(c[1].value)
	return err == nil && (order < 0 || order == 0 && c[0].op == greaterEqual && c[1].op == lessEqual)
}

// liesBefore says whether an interval ends where the next one begins, or earlier. After one without an end comes any.
func (c clause) liesBefore(next clause) bool {
	if len(c) == 0 {
		return true
	}
	switch end := c[len(c)-1]; {
	case !end.isUpper() && end.op != equal:
		return true
	case len(next) == 0 || next[0].isUpper():
		return false
	default:
		order, err := next[0].value.compare(end.value)
		return err == nil && order >= 0
	}
}

// mavenRange reads Maven's version ranges, intervals with commas between: https://maven.apache.org/pom.html#dependency-version-requirement-specification.
// A bare version is only a wish, which any version may replace. "[1.2.*]" is all that begins with 1.2.
func mavenRange(text string) ([]clause, bool) {
	if !strings.ContainsAny(text, "[](),") {
		_, ok := parseMaven(text)
		return []clause{{}}, ok
	}
	var clauses []clause
	for rest := text; rest != ""; {
		end := strings.IndexAny(rest, "])")
		if end < 0 {
			return nil, false
		}
		c, ok := mavenInterval(rest[:end+1])
		if !ok || len(clauses) > 0 && !clauses[len(clauses)-1].liesBefore(c) {
			return nil, false
		}
		clauses = append(clauses, c)
		rest = strings.TrimSpace(rest[end+1:])
		if after, more := strings.CutPrefix(rest, ","); more {
			rest = strings.TrimSpace(after)
			if rest == "" {
				return nil, false
			}
		} else if rest != "" {
			return nil, false
		}
	}
	return clauses, true
}

func mavenInterval(text string) (clause, bool) {
	if prefix, ok := strings.CutSuffix(text, ".*]"); ok && strings.HasPrefix(prefix, "[") && dotted(prefix[1:], isDigits) {
		w := readMaven(prefix[1:])
		n := strings.Count(prefix, ".") + 1
		return clause{{op: equal, text: text, value: w, test: func(v ordered) bool {
			return compareMavenLists(v.(mavenVersion).leading(n), w.leading(n)) == 0
		}}}, true
	}
	c, ok := interval(text, parseMaven)
	return c, ok && c.isLogical()
}

// leading gives the first n numbers of a version.
func (v mavenVersion) leading(n int) []mavenItem {
	i := 0
	for i < len(v.items) && i < n && v.items[i].kind == mavenNumber {
		i++
	}
	return v.items[:i]
}

// nugetRange reads NuGet's ranges: https://learn.microsoft.com/nuget/concepts/package-versioning#version-ranges. A bare version
// is a least version, and so is one that floats ("1.*"): which one is taken of those above is a matter of what there is.
func nugetRange(text string) ([]clause, bool) {
	if strings.ContainsAny(text, "[](),") {
		c, ok := interval(text, parseFloating)
		return []clause{c}, ok && c.isLogical() && (strings.Contains(text, ",") || text[0] == '[')
	}
	b, ok := newBound(parseFloating, greaterEqual, text)
	return []clause{{b}}, ok
}

// parseFloating reads a version of which the end may be a star: the least version that it stands for.
func parseFloating(text string) (ordered, bool) {
	stars := strings.Count(text, "*")
	switch {
	case stars == 0:
		return parseNuGet(text)
	case stars > 2 || strings.Contains(text, "+") || text[len(text)-1] != '*':
		return nil, false
	}
	main, pre, hasPre := strings.Cut(text, "-")
	if rest, ok := strings.CutSuffix(main, "*"); ok && (rest == "" || rest[len(rest)-1] == '.') {
		main = rest + "0"
	}
	if hasPre {
		if rest, ok := strings.CutSuffix(pre, "*"); ok {
			pre = rest
			if rest == "" || strings.HasSuffix(rest, ".") {
				pre += "0"
			}
		}
		main += "-" + pre
	}
	return parseNuGet(main)
}
