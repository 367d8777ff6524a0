package inventory

import (
	"slices"
	"sync"
)

// maxTables is how many executables the functions of one package are looked for in; of more, nothing is known.
const maxTables = 256

// Functions are the functions that the linker left in the executables that prove a package, by the hashes of their
// names. A name that is in none of them may seem to be (one in some ten thousand does), never the other way round.
type Functions struct {
	// GOOS and GOARCH are what the executables were built for; empty where that is not known, or where they differ.
	GOOS, GOARCH string

	tables []func() []uint32 // sorted hashes, one list for each executable
	names  int
}

// NewFunctions takes the functions of one executable: how many names its table has, and what gives their hashes and those
// of their packages, sorted. It is called once, when they are first asked for.
func NewFunctions(goos, goarch string, names int, hashes func() []uint32) *Functions {
	return &Functions{GOOS: goos, GOARCH: goarch, tables: []func() []uint32{sync.OnceValue(hashes)}, names: names}
}

// FunctionHash is the hash (32-bit FNV-1a) of a function, or with an empty symbol that of its package. The package is its
// import path; the symbol is written as OSV's Go records do: "ParseAddress", and "Server.Serve" for a method.
func FunctionHash[T string | []byte](pkg, symbol T) uint32 {
	h := uint32(2166136261)
	add := func(s T) {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * 16777619
		}
	}
	add(pkg)
	if len(symbol) > 0 {
		add(T("."))
		add(symbol)
	}
	return h
}

// Has says whether a function, or with an empty symbol any function of the package, may be in one of the executables; false
// is certain.
func (f *Functions) Has(pkg, symbol string) bool {
	hash := FunctionHash(pkg, symbol)
	return slices.ContainsFunc(f.tables, func(table func() []uint32) bool {
		_, found := slices.BinarySearch(table(), hash)
		return found
	})
}

// Names is how many names the executables' tables have, all told.
func (f *Functions) Names() int { return f.names }

// Executables is how many executables there are.
func (f *Functions) Executables() int { return len(f.tables) }

// and gives the functions of both; of executables of which one is not known, nothing is.
func (f *Functions) and(g *Functions) *Functions {
	if f == nil || g == nil || len(f.tables)+len(g.tables) > maxTables {
		return nil
	}
	both := *f
	both.tables, both.names = append(slices.Clip(f.tables), g.tables...), f.names+g.names
	if f.GOOS != g.GOOS || f.GOARCH != g.GOARCH {
		both.GOOS, both.GOARCH = "", ""
	}
	return &both
}
