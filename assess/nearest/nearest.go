// Package nearest finds the word that a mistyped one was most likely meant to be, so that an error can name it.
//
// In go words, out comes a word. It knows nothing of what they mean.
package nearest

// longest bounds what may be a mistyped word, in bytes.
const longest = 100

// Word gives the word that the fewest slips of the keyboard set apart from the one typed, the first of several; empty where none comes near.
func Word(typed string, words []string) string {
	if len(typed) > longest {
		return ""
	}
	// One slip in a short word, less than half of a middling one and a third of a long one.
	best, least := "", max(2, min(len(typed)/3+2, (len(typed)+1)/2))
	for _, w := range words {
		if d := distance(typed, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts the letters to insert, leave out, exchange, or swap with their neighbour to make one word of another (Levenshtein's
// distance with Damerau's swaps, in the form called optimal string alignment).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
