package assess

// patterns are those of which one must fit. Of none, nothing fits.
type patterns []string

func (p patterns) match(text string) bool {
	for _, pattern := range p {
		if wildcard(pattern, text) {
			return true
		}
	}
	return false
}

// wildcard says whether a text fits a pattern, in which * stands for any characters, slashes too. It takes time in proportion to the
// product of their lengths at most.
func wildcard(pattern, text string) bool {
	star, again := -1, 0 // the last star, and where in text what follows it is tried next
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, again = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			again++
			p, t = star+1, again
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
