package version

import "strings"

// pep440Range reads version specifiers: https://packaging.python.org/specifications/version-specifiers/. Of one version alone
// it is not asked whether pre-releases are wanted; tools ask that only where there is a choice.
func pep440Range(text string) ([]clause, bool) {
	all := clause{}
	if strings.Trim(text, " ,") == "" {
		return []clause{all}, !strings.Contains(text, ",")
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ","), ",") {
		op, rest := cutOperator(strings.TrimSpace(part), "===", "~=", "==", "!=", ">=", "<=", ">", "<")
		b, ok := specifier(op, rest)
		if !ok {
			return nil, false
		}
		all = append(all, b)
	}
	return []clause{all}, true
}

func specifier(op, text string) (bound, bool) {
	if op == "===" {
		return bound{op: equal, text: text, fold: true}, text != "" && !strings.ContainsAny(text, " ;)")
	}
	prefix, wildcard := strings.CutSuffix(text, ".*")
	w, ok := readPEP440(prefix)
	if !ok || op == "" || strings.ContainsAny(prefix, " \t") {
		return bound{}, false
	}
	if wildcard && (op != "==" && op != "!=" || w.isPre() || w.post || w.local != "") {
		return bound{}, false
	}
	if w.local != "" && op != "==" && op != "!=" || op == "~=" && !strings.Contains(w.release, ".") {
		return bound{}, false
	}
	test := func(v pep440Version) bool { return w.matches(op, wildcard, v) }
	return bound{op: operator(op), text: text, value: w, test: func(v ordered) bool { return test(v.(pep440Version)) }}, true
}

// matches says whether "OP w" admits v.
func (w pep440Version) matches(op string, wildcard bool, v pep440Version) bool {
	public := v.comparePublic(w)
	switch op {
	case "==", "!=":
		same := public == 0 && (w.local == "" || compareLocal(v.local, w.local) == 0)
		if wildcard {
			same = w.isPrefixOf(v, strings.Count(w.release, ".")+1)
		}
		return same == (op == "==")
	case "~=":
		return public >= 0 && w.isPrefixOf(v, strings.Count(w.release, "."))
	case ">=":
		return public >= 0
	case "<=":
		return public <= 0
	case "<":
		return public < 0 && (w.isPre() || !w.hasPre(v))
	}
	// Later post-releases and local versions of w count as w itself.
	return public > 0 && (w.post || !v.post || !w.sameBase(v))
}

// isPrefixOf says whether the first n numbers of the release are those of v.
func (w pep440Version) isPrefixOf(v pep440Version, n int) bool {
	a, b := w.release, v.release
	for range n {
		var m, k string
		m, a, _ = strings.Cut(a, ".")
		k, b, _ = strings.Cut(b, ".")
		if compareDigits(m, k) != 0 {
			return false
		}
	}
	return compareDigits(w.epoch, v.epoch) == 0
}

// hasPre says whether v is a pre-release of w, which is none itself.
func (w pep440Version) hasPre(v pep440Version) bool {
	if w.post {
		return v.dev && v.post && w.sameBase(v) && compareDigits(w.postN, v.postN) == 0
	}
	return v.isPre() && w.sameRelease(v)
}

func (w pep440Version) sameRelease(v pep440Version) bool {
	return compareDigits(w.epoch, v.epoch) == 0 && compareNumbers(w.release, v.release) == 0
}

// sameBase says whether v is w with a post-release: equal in release and pre-release.
func (w pep440Version) sameBase(v pep440Version) bool {
	return w.sameRelease(v) && w.pre == v.pre && compareDigits(w.preN, v.preN) == 0 && !w.dev
}
