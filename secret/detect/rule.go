package detect

import (
	"cmp"
	"slices"

	"tidewaiter/match"
)

// rule finds one sort of secret. It looks only where one of its words stands.
type rule struct {
	id, title string
	severity  match.Level
	// words are of at least three bytes; their case does not matter.
	words []string
	// at looks at the place of a word. Where it is nil, in looks at the window around one: so many bytes before and after.
	at            func(p *passage, at int) []hit
	in            func(p *passage, from, to int) []hit
	before, after int
	// weak gives way to any other rule that found the same.
	weak bool
}

// hit is where a rule found something: a half-open range of a passage.
type hit struct {
	start, end int
	// raw is the secret; it may be the decoded form of what stands there.
	raw string
	// title and severity stand for the rule's, where they are not empty; shown, for the redacted form.
	title    string
	severity match.Level
	shown    string
	// known says what it is known for, where it is no secret.
	known string
	// sure says that the form alone proves it: neither its surroundings nor its looks count.
	sure bool

	rule *rule
}

// passage is a text, or a window of a long one.
type passage struct {
	source
	data []byte
	// named is the end of the last name that was looked at: no name is looked at twice.
	named int
	// token is the end of the last token that was found: none begins in it.
	token int
	// budget is how many bytes may still be looked at around words, in the whole file: what repeats a word for ever is made to waste time.
	budget *int
}

// maxAround is the budget of a small file, in bytes, and maxBudget that of the longest.
const (
	maxAround = 2 << 20
	maxBudget = 64 << 20
)

// budgetOf gives the budget of a file of a size.
func budgetOf(size int64) int { return int(min(maxAround+2*size, maxBudget)) }

// maxWindow is the size, in bytes, up to which windows that meet become one.
const maxWindow = 32 << 10

// window is a range of a passage that a rule is to look at.
type window struct{ from, to int }

// search finds what the rules find in a passage, sorted by place.
func (d *Detector) search(p *passage) []hit {
	var hits []hit
	windows := map[int][]window{}
	d.words.scan(p.data, func(i, at int) {
		r := &d.rules[i]
		if r.at != nil {
			hits = keep(hits, r, r.at(p, at))
			return
		}
		w := window{max(0, at-r.before), min(len(p.data), at+r.after)}
		if ws := windows[i]; len(ws) > 0 && ws[len(ws)-1].to >= w.from && w.to-ws[len(ws)-1].from <= maxWindow {
			ws[len(ws)-1].to = w.to
		} else {
			windows[i] = append(ws, w)
		}
	})
	for i := range d.rules {
		for _, w := range windows[i] {
			if *p.budget -= w.to - w.from; *p.budget < 0 {
				break
			}
			hits = keep(hits, &d.rules[i], d.rules[i].in(p, w.from, w.to))
		}
	}
	if r := d.wholeFile(p); r != nil {
		hits = append(hits, r...)
	}
	return settle(p, hits)
}

func keep(hits []hit, r *rule, more []hit) []hit {
	for _, h := range more {
		h.rule = r
		hits = append(hits, h)
	}
	return hits
}

// settle sorts hits, leaves out those that are no secrets, and has one stand where several tell of the same.
func settle(p *passage, hits []hit) []hit {
	likely := hits[:0]
	for _, h := range hits {
		if h.plausible(p) {
			likely = append(likely, h)
		}
	}
	hits = likely
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(weight(a), weight(b)))
	})
	kept := hits[:0]
	for _, h := range hits {
		last := len(kept) - 1
		switch {
		case last < 0 || h.start >= kept[last].end:
			kept = append(kept, h)
		case kept[last].rule.weak && !h.rule.weak:
			kept[last] = h
		}
	}
	return kept
}

func weight(h hit) int {
	if h.rule.weak {
		return 1
	}
	return 0
}
