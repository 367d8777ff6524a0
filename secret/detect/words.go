package detect

import (
	"encoding/binary"
	"strings"
)

// words finds words in a text in one pass: those with a capital to the letter, others whatever their case. Most of a text is passed over by one look at a small table for each
// byte: no word begins with the three that stand there. It is what keeps a hundred rules from costing more than reading does.
type words struct {
	filter [1 << 10]uint64 // a bit for each hash of three bytes
	group  [1 << 16]uint16 // by that hash: which of the groups has the words
	groups [][]*word
}

// word is one that makes rules look.
type word struct {
	folded string
	exact  string // as it must stand; empty where its case does not matter
	rules  []int
}

const (
	headLen   = 3
	headMask  = 1<<(8*headLen) - 1
	caseBits  = 0x2020202020202020 // set in all bytes: letters of both cases are then one, and so are a few signs
	filterMix = 0x9E3779B1         // 2^32 over the golden ratio: Knuth's multiplicative hash
)

// newWords makes the finder of the words of all rules.
func newWords(rules []rule) *words {
	w := &words{groups: make([][]*word, 1)}
	for i := range rules {
		for _, text := range rules[i].words {
			w.add(text, i)
		}
	}
	return w
}

// add has a word of at least three bytes make a rule look.
func (w *words) add(text string, rule int) {
	folded, exact := fold(text), ""
	if strings.ToLower(text) != text {
		exact = text
	}
	h := hash(uint32(folded[0]) | uint32(folded[1])<<8 | uint32(folded[2])<<16)
	w.filter[h>>6] |= 1 << (h & 63)
	if w.group[h] == 0 {
		w.group[h] = uint16(len(w.groups))
		w.groups = append(w.groups, nil)
	}
	group := &w.groups[w.group[h]]
	for _, known := range *group {
		if known.folded == folded && known.exact == exact {
			known.rules = append(known.rules, rule)
			return
		}
	}
	*group = append(*group, &word{folded, exact, []int{rule}})
}

// hash gives 16 bits for the three lowest bytes of head.
func hash(head uint32) uint32 { return head << 8 * filterMix >> 16 }

// scan calls found for every rule at every place of one of its words, in their order.
func (w *words) scan(text []byte, found func(rule, at int)) {
	const step = 8 - headLen + 1 // places of which eight bytes have the heads
	i := 0
	for ; i+8 <= len(text); i += step {
		v := binary.LittleEndian.Uint64(text[i:]) | caseBits
		if (w.may(v)|w.may(v>>8)|w.may(v>>16)|w.may(v>>24)|w.may(v>>32)|w.may(v>>40))&1 == 0 {
			continue
		}
		for j := range step {
			if head := v >> (8 * j); w.may(head)&1 != 0 {
				w.check(uint32(head), text, i+j, found)
			}
		}
	}
	for ; i+headLen <= len(text); i++ {
		head := uint32(text[i]) | uint32(text[i+1])<<8 | uint32(text[i+2])<<16
		w.check(head|caseBits&headMask, text, i, found)
	}
}

// may has in its lowest bit whether a word can begin with the three lowest bytes of v.
func (w *words) may(v uint64) uint64 {
	h := hash(uint32(v))
	return w.filter[h>>6] >> (h & 63)
}

// check says whether words stand at a place that the filter lets through.
func (w *words) check(head uint32, text []byte, at int, found func(rule, at int)) {
	for _, word := range w.groups[w.group[hash(head)]] {
		if !foldedPrefix(text[at:], word.folded) || word.exact != "" && string(text[at:at+len(word.exact)]) != word.exact {
			continue
		}
		for _, rule := range word.rules {
			found(rule, at)
		}
	}
}

func foldedPrefix(text []byte, folded string) bool {
	if len(text) < len(folded) {
		return false
	}
	for i := range len(folded) {
		if text[i]|0x20 != folded[i] {
			return false
		}
	}
	return true
}

func fold(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}
