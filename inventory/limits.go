package inventory

import "time"

// Limits bound what extractors may do with the files of one image. A limit that is hit becomes a blind spot of the file.
type Limits struct {
	// ExtractTime is what an extractor may take for one captured file; the slowest real one takes under a second.
	ExtractTime time.Duration
	// Nesting is how deep archives may lie in archives, the outermost counted, to be looked into.
	Nesting int
}

// DefaultLimits are wide enough for every honest image known. An ear with wars with jars has three levels.
func DefaultLimits() Limits { return Limits{ExtractTime: 30 * time.Second, Nesting: 8} }
