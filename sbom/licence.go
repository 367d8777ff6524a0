package sbom

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
)

// licences knows the licences of one document: which words are SPDX expressions, and which need a reference.
type licences struct {
	known map[string]licence
	// words are what stands behind each LicenseRef- that was given out, by its identifier.
	words map[string]string
}

// licence is what one entry of a package's licences is.
type licence struct {
	// expression is the normal form of an SPDX expression, or a LicenseRef- where the words are none.
	expression string
	kind       licenceKind
}

type licenceKind int

const (
	licenceID         licenceKind = iota // one identifier of the SPDX list
	licenceExpression                    // a valid expression of several
	licenceWords                         // neither
)

// longestExpression bounds what is parsed as an expression, in bytes.
const longestExpression = 4096

func newLicences() *licences { return &licences{map[string]licence{}, map[string]string{}} }

// read says what the words of one licence are.
func (l *licences) read(words string) licence {
	if found, ok := l.known[words]; ok {
		return found
	}
	found := licence{kind: licenceWords}
	if valid := normalExpression(words); valid != "" {
		found = licence{expression: valid, kind: licenceExpression}
		if listed, id := spdxexp.ActiveLicense(valid); listed && inSchema(id) {
			found = licence{expression: id, kind: licenceID}
		}
		for _, ref := range references(valid) {
			l.words[ref] = ref
		}
	} else {
		found.expression = reference(words)
		l.words[found.expression] = words
	}
	l.known[words] = found
	return found
}

// normalExpression gives the normal form of an SPDX expression, and nothing for words that are none. A licence of another
// document ("DocumentRef-") cannot be looked up from here, and is none either.
func normalExpression(words string) (normal string) {
	if len(words) > longestExpression || strings.Contains(words, "DocumentRef-") {
		return ""
	}
	defer func() {
		if recover() != nil { // the parser panics on some words that are no expression
			normal = ""
		}
	}()
	valid, _ := spdxexp.ValidateAndNormalizeLicensesWithOptions([]string{words}, spdxexp.ValidateLicensesOptions{})
	if len(valid) == 1 {
		return valid[0]
	}
	return ""
}

// inSchema leaves out the two identifiers that the list of go-spdx has and the one that CycloneDX's schemas refer to has not.
func inSchema(id string) bool {
	return id != "Brian-Gladman-3-Clause-no-conversion" && id != "MVT-1.1"
}

// references gives the LicenseRef- of an expression.
func references(expression string) []string {
	if !strings.Contains(expression, "LicenseRef-") {
		return nil
	}
	words := strings.FieldsFunc(expression, func(r rune) bool { return r == ' ' || r == '(' || r == ')' })
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, "LicenseRef-") })
}

// reference makes an identifier for words: SPDX 2.3, clause 10.1, allows letters, digits, "." and "-" in one. Words that
// do not survive that as they are get a part of their digest, so that no two are taken for one.
func reference(words string) string {
	const longest = 48
	plain := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-') {
			return r
		}
		return '-'
	}, words)
	if plain != words || len(plain) > longest {
		plain = fmt.Sprintf("%s-%x", strings.Trim(plain[:min(len(plain), longest)], "-"), sha256.Sum256([]byte(words)))[:min(len(plain), longest)+9]
	}
	return "LicenseRef-" + strings.TrimLeft(plain, "-")
}

// all gives one expression for licences that all hold.
func (l *licences) all(entries []string) string {
	parts := make([]string, 0, len(entries))
	for _, words := range entries {
		e := l.read(words)
		if e.kind == licenceExpression && len(entries) > 1 && strings.Contains(e.expression, " ") {
			e.expression = "(" + e.expression + ")"
		}
		parts = append(parts, e.expression)
	}
	return strings.Join(parts, " AND ")
}

// sorted gives the identifiers of all references that were given out.
func (l *licences) sorted() []string { return slices.Sorted(maps.Keys(l.words)) }

// apart takes an expression apart where all of its parts hold; a LicenseRef- becomes the words that stand behind it.
func apart(expression string, words map[string]string) []string {
	switch {
	case expression == "" || expression == "NOASSERTION" || expression == "NONE":
		return nil
	case len(expression) > longestExpression:
		return []string{expression}
	}
	var parts []string
	depth, from := 0, 0
	end := func(part string) {
		part = unwrap(strings.TrimSpace(part))
		if w, ok := words[part]; ok && w != "" {
			part = w
		}
		if part != "" && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	for i := range len(expression) {
		switch expression[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth != 0 {
				continue
			}
			switch rest := expression[i:]; {
			case strings.HasPrefix(rest, " OR ") || strings.HasPrefix(rest, " or "):
				return []string{expression} // "a OR b AND c" has no parts that all hold
			case strings.HasPrefix(rest, " AND ") || strings.HasPrefix(rest, " and "):
				end(expression[from:i])
				from = i + len(" AND ")
			}
		}
	}
	end(expression[min(from, len(expression)):])
	return parts
}

// unwrap takes one pair of brackets off that goes around the whole.
func unwrap(s string) string {
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, ")") {
		return s
	}
	depth := 0
	for i := range len(s) - 1 {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return s
		}
	}
	return s[1 : len(s)-1]
}
