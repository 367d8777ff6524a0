package inventory

import (
	"hash/fnv"
	"slices"
)

// Functions are the functions that the linker left in an executable, by the hashes of their names. A name that is not
// there may seem to be (one in some hundred thousand does), and never the other way round.
type Functions struct {
	hashes []uint32 // sorted
}

// NewFunctions takes hashes that [FunctionHash] made; it keeps and sorts the slice.
func NewFunctions(hashes []uint32) *Functions {
	slices.Sort(hashes)
	return &Functions{slices.Compact(hashes)}
}

// FunctionHash is the hash of a function's name as the linker writes it: "net/http.(*Server).Serve".
func FunctionHash(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum32()
}

// Has says whether a function of that name may be in the executable; false is certain.
func (f *Functions) Has(name string) bool {
	_, found := slices.BinarySearch(f.hashes, FunctionHash(name))
	return found
}

// Len is how many functions there are.
func (f *Functions) Len() int { return len(f.hashes) }
