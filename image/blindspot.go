package image

import (
	"cmp"
	"slices"
)

// BlindSpot is anything of an image that could not be read or judged. A blind spot is never an empty
// result: whoever meets one says so, and the report shows it.
type BlindSpot struct {
	Kind BlindSpotKind `json:"kind"`
	// Where is a path in the image, a package's ecosystem, or a feed: what the message speaks of.
	Where string `json:"where,omitempty"`
	// Layer is the index of the layer that brought what could not be read; nil when no one layer did.
	Layer *int `json:"layer,omitempty"`
	// Packages is how many packages were not judged for this reason; 0 where no package is known to be concerned.
	Packages int `json:"packages,omitempty"`
	// By is who did not look, where several look: the name of a layer.Sink; empty where that is all of them.
	By string `json:"by,omitempty"`
	// Message says in one line what could not be known, and why.
	Message string `json:"message"`
}

// BlindSpotKind says which kind of thing could not be read or judged.
type BlindSpotKind string

// The kinds of blind spots.
const (
	UnreadableFile  BlindSpotKind = "unreadable-file"  // a database or package file that does not parse
	NoDatabase      BlindSpotKind = "no-database"      // a distribution without a package database that is read here
	UnreadableLayer BlindSpotKind = "unreadable-layer" // encrypted, foreign, or of an unknown encoding
	LimitReached    BlindSpotKind = "limit-reached"    // a bound on entries, bytes, depth or time was hit
	NoFeed          BlindSpotKind = "no-feed"          // packages that no advisory feed speaks of
	StaleFeed       BlindSpotKind = "stale-feed"       // advisory data older than the set age
	EndOfLife       BlindSpotKind = "end-of-life"      // a distribution that nobody reports problems for any more
	OtherImage      BlindSpotKind = "other-image"      // an index has further images for the same platform
	UnknownBase     BlindSpotKind = "unknown-base"     // nothing tells which layers are the base image's
	Unjudged        BlindSpotKind = "unjudged"         // a version or a range that cannot be compared
	Unsearched      BlindSpotKind = "unsearched"       // a file that was not searched for malware or secrets, or an engine that did not answer
	UnreadablePaper BlindSpotKind = "unreadable-paper" // an attestation or a VEX document that does not parse: what is said, not what is aboard
)

// SortBlindSpots puts spots in the order in which reports show them and drops repetitions.
func SortBlindSpots(spots []BlindSpot) []BlindSpot {
	layer := func(s BlindSpot) int {
		if s.Layer == nil {
			return -1
		}
		return *s.Layer
	}
	compare := func(a, b BlindSpot) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Where, b.Where),
			cmp.Compare(layer(a), layer(b)), cmp.Compare(a.By, b.By), cmp.Compare(a.Message, b.Message))
	}
	slices.SortFunc(spots, compare)
	return slices.CompactFunc(spots, func(a, b BlindSpot) bool { return compare(a, b) == 0 })
}
