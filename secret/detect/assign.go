package detect

import (
	"bytes"
	"strings"

	"tidewaiter/match"
)

// assignRules are for a value that a name gives away: a password, a token or a key in a configuration or a program.
func assignRules() []rule {
	return []rule{
		{id: "assigned-secret", title: "secret in a configuration or program", severity: match.Medium, weak: true, at: assigned,
			words: []string{"pass", "pwd", "secret", "token", "key", "cred", "auth"}},
	}
}

const (
	maxName  = 80  // bytes
	maxValue = 512 // bytes
	maxGap   = 64  // bytes between a name and its value
)

// assigned looks at the name in which a word stands, and at what is assigned to it.
func assigned(p *passage, at int) []hit {
	if p.quiet || at < p.named {
		return nil
	}
	start, end := at, at
	for start > 0 && at-start < maxName && isName(p.data[start-1]) {
		start--
	}
	for end < len(p.data) && end-at < maxName && isName(p.data[end]) {
		end++
	}
	p.named = end
	n := newName(string(p.data[start:end]))
	if n.sense == nothing {
		return nil
	}
	aside := p.kind == prose || p.inComment(start)
	if aside && (n.sense == maybe || start > 0 && (p.data[start-1] == '?' || p.data[start-1] == '&')) {
		return nil // of an address that readers are shown
	}
	v, ok := p.valueAfter(start, end)
	if !ok || !n.fits(p, v) {
		return nil
	}
	h := hit{start: v.start, end: v.end, raw: v.text, title: n.title()}
	if n.sense == password || p.kind == code {
		return []hit{h}
	}
	if random(v.text, 20) {
		h.severity = match.High
	}
	return []hit{h}
}

// value is what is assigned to a name.
type value struct {
	text       string
	start, end int
	quoted     bool
}

// valueAfter reads what is assigned to the name in a range: after "=", ":", ":=", "=>", a comma of a call, a tag's end, or the value that
// follows where the name is itself that of a pair.
func (p *passage) valueAfter(start, end int) (value, bool) {
	i, limit := end, min(len(p.data), end+maxGap)
	quoted := i < limit && isQuote(p.data[i])
	i = p.skip(i, limit, "\\\"'`]) \t?!")
	if i >= limit {
		return value{}, false
	}
	switch c := p.data[i]; {
	case c == '=' || c == ':':
		if bytes.HasPrefix(p.data[i:], []byte("==")) || bytes.HasPrefix(p.data[i:], []byte("::")) && !definition(p.data[i:limit]) || bytes.HasPrefix(p.data[i:], []byte(":-")) {
			return value{}, false
		}
		i = p.skip(i, limit, "=:>~")
		i = p.afterType(i, limit, c)
	case c == ',' && quoted && !p.first(start):
		return p.pairedValue(i+1, end)
	case c == ',' && quoted:
		if v, ok := p.pairedValue(i+1, end); ok {
			return v, true
		}
		i = p.skip(i+1, limit, " \t\r\n")
	case c == '>' && start > 0 && p.data[start-1] == '<':
		i = p.skip(i+1, limit, " \t\r\n")
	case c == '\n' || c == '\r' || c == '}':
		return p.pairedValue(i, end)
	case p.kind == shell && start >= 2 && p.data[start-1] == '-' || p.kind == config && p.words && i > end:
	default:
		if v, ok := p.pairedValue(i, end); ok {
			return v, true
		}
		return p.typedValue(i, limit)
	}
	return p.readValue(i, c0(p.data, start))
}

// definition says whether a text begins with "::=" or its like with more colons, and no scope as C++ has them.
func definition(text []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(text, ":"), []byte("=")) }

// first says whether a quoted text that begins at a place is the first of a list, as the name in setenv("NAME", "value") is.
func (p *passage) first(at int) bool {
	for at--; at > 0 && (isQuote(p.data[at]) || strings.IndexByte(" \t\\b", p.data[at]) >= 0); at-- {
	}
	return at >= 0 && strings.IndexByte("([{", p.data[at]) >= 0
}

// c0 gives the byte before a place.
func c0(data []byte, at int) byte {
	if at == 0 {
		return '\n'
	}
	return data[at-1]
}

// skip gives the first place that has none of some bytes.
func (p *passage) skip(i, limit int, set string) int {
	for i < limit && strings.IndexByte(set, p.data[i]) >= 0 {
		i++
	}
	return i
}

// afterType passes over the type that some languages have between a name and its value: password: str = "...".
func (p *passage) afterType(i, limit int, sign byte) int {
	j := p.skip(i, limit, " \t")
	if p.kind != code || sign != ':' {
		return j
	}
	k := j
	for k < limit && (isAlnum(p.data[k]) || strings.IndexByte("[]<>?|. ", p.data[k]) >= 0) {
		k++
	}
	if k > j && k < limit && p.data[k] == '=' && !bytes.HasPrefix(p.data[k:], []byte("=>")) {
		return p.skip(k+1, limit, " \t")
	}
	return j
}

// typedValue reads a value after a type: var password string = "...".
func (p *passage) typedValue(i, limit int) (value, bool) {
	if p.kind != code && p.kind != prose {
		return value{}, false
	}
	for i < limit && (isAlnum(p.data[i]) || p.data[i] == ' ' || p.data[i] == '.') {
		i++
	}
	if i+1 >= limit || p.data[i] != '=' || p.data[i+1] == '=' || p.data[i+1] == '>' {
		return value{}, false
	}
	return p.readValue(p.skip(i+1, limit, " \t"), 0)
}

// pairedValue reads the value of a pair of which the name is the first half: {"name": "PASSWORD", "value": "..."}, and its like in YAML and XML.
func (p *passage) pairedValue(i, end int) (value, bool) {
	limit := min(len(p.data), end+maxGap)
	gap := p.data[i:limit]
	at := bytes.Index(bytes.ToLower(gap), []byte("value"))
	if at < 0 || bytes.ContainsAny(gap[:at], "=[(") {
		return value{}, false
	}
	j := i + at + len("value")
	k := p.skip(j, limit, "\"' \t:=>")
	if k == j || !bytes.ContainsAny(p.data[j:k], ":=>") {
		return value{}, false
	}
	if k > 0 && isQuote(p.data[k-1]) {
		k--
	}
	return p.readValue(k, 0)
}

// readValue reads a value from its first byte, quoted or not; before is what stands before the name.
func (p *passage) readValue(i int, before byte) (value, bool) {
	limit := min(len(p.data), i+maxValue)
	escaped := i < limit && p.data[i] == '\\'
	if escaped {
		i++
	}
	for i < limit && (p.data[i] == 'b' || p.data[i] == 'r' || p.data[i] == 'u' || p.data[i] == '@') && i+1 < limit && isQuote(p.data[i+1]) {
		i++ // b"...", as Python has it
	}
	if i < limit && isQuote(p.data[i]) {
		quote := p.data[i]
		if i+2 < limit && p.data[i+1] == quote && p.data[i+2] == quote {
			i += 2
		}
		i++
		for j := i; j < limit && p.data[j] != '\n'; j++ {
			if p.data[j] == quote && (escaped || p.data[j-1] != '\\') {
				end := j
				if escaped {
					end--
				}
				return value{string(p.data[i:max(i, end)]), i, max(i, end), true}, true
			}
		}
		return value{}, false
	}
	if p.kind == code {
		return value{}, false
	}
	return p.bareValue(i, limit, before)
}

// bareValue reads one without quotes: to the end of the line in files of settings, to the next space in others.
func (p *passage) bareValue(i, limit int, before byte) (value, bool) {
	stop := "\r\n\t \"'`<>,;)}]|"
	if p.lines && !isQuote(before) && before != '{' {
		stop = "\r\n\t <>"
	}
	if p.kind == shell {
		stop = "\r\n\t \"'`;|&<>)\\"
	}
	j := i
	for j < limit && strings.IndexByte(stop, p.data[j]) < 0 {
		if p.data[j] == '&' && j > i && isAlnum(p.data[j-1]) && bytes.IndexByte(p.data[j:min(limit, j+30)], '=') > 0 {
			break // of a query
		}
		j++
	}
	if j == limit && j < len(p.data) || j == i {
		return value{}, false
	}
	if p.lines && p.data[min(j, len(p.data)-1)] == ' ' && bytes.ContainsAny(rest(p.data[j:limit]), "abcdefghijklmnopqrstuvwxyz") && !comment(rest(p.data[j:limit])) {
		return value{}, false // a sentence
	}
	if j < len(p.data) && p.data[j] == '(' {
		return value{}, false
	}
	return value{string(p.data[i:j]), i, j, false}, true
}

func rest(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return line
}

func comment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return bytes.HasPrefix(line, []byte("#")) || bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte(";"))
}

func isName(c byte) bool { return isAlnum(c) || c == '_' || c == '-' || c == '.' }

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
