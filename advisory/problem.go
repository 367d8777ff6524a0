package advisory

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, under all its names, and whom it may concern.
type Problem struct {
	// IDs are the names of the problem and of every record of it, sorted: the CVE, its aliases, the distributions' entries for
	// it, and the errata that mend it, which may mend others too. Empty when nothing is known of it.
	IDs []string `json:"ids,omitempty"`
	// Packages are those that any of the records names, sorted; none where they name only repositories.
	Packages []PackageName `json:"packages,omitempty"`
	// Mends are the CVEs of an erratum that speaks of several problems, each one of its own.
	Mends []string `json:"mends,omitempty"`
}

// PackageName is the name of a package in an ecosystem, without its release.
type PackageName struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
}

// maxProblem bounds how many ids one problem may have. The largest known (flaws of the kernel and of OpenSSL) have a few hundred.
const maxProblem = 10_000

// Problem gives all that is known under an id, in whatever case it is written, withdrawn records too. What it finds is what
// [Names] ties together, in however many steps.
func (db *DB) Problem(id string) (Problem, error) {
	var p Problem
	first, err := db.idEntry(id)
	if err != nil || first == nil {
		return p, err
	}
	p.Mends = first.mends
	seen := map[string]bool{}
	packages := map[string]PackageName{}
	names, errata := []string{first.id}, []string(nil)
	visit := func(id string) (*idEntry, error) {
		if seen[id] {
			return nil, nil
		}
		seen[id] = true
		if len(seen) > maxProblem {
			return nil, fmt.Errorf("advisory file %s: %s has more than %d names", db.path, first.id, maxProblem)
		}
		e, err := db.idEntry(id)
		if err != nil || e == nil {
			return nil, err
		}
		for _, n := range e.packages {
			key := Key(n.Ecosystem, n.Name)
			packages[key] = PackageName{n.Ecosystem, max(n.Name, packages[key].Name)} // of several spellings always the same
		}
		return e, nil
	}
	for len(names) > 0 {
		e, err := visit(names[len(names)-1])
		names = names[:len(names)-1]
		if err != nil {
			return Problem{}, err
		}
		if e != nil {
			names, errata = append(names, e.names...), append(errata, e.errata...)
		}
	}
	for _, id := range errata { // their other names are not this problem's
		if _, err := visit(id); err != nil {
			return Problem{}, err
		}
	}
	p.IDs = slices.SortedFunc(maps.Keys(seen), CompareIDs)
	p.Packages = slices.SortedFunc(maps.Values(packages), comparePackageNames)
	return p, nil
}

func comparePackageNames(a, b PackageName) int {
	if c := strings.Compare(a.Ecosystem, b.Ecosystem); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// idEntry is what the table of ids says of one of them.
type idEntry struct {
	id       string   // as the feeds write it
	names    []string // of the same problem
	errata   []string // that speak of it and of others
	mends    []string // if it is such an erratum: the CVEs it speaks of
	packages []PackageName
}

func idKey(id string) string { return strings.ToUpper(id) }

func (db *DB) idEntry(id string) (*idEntry, error) {
	key := idKey(id)
	text, found, err := db.find(tableIDs, key)
	if err != nil || !found {
		return nil, err
	}
	e, err := decodeIDEntry(key, text)
	if err != nil {
		return nil, db.damaged(err)
	}
	return e, nil
}

// idEntries gives what a record says of ids: of its own and, for the way back, of those it names.
func (p *parsed) idEntries() []idEntry {
	head := p.head
	for _, e := range p.ecosystems {
		head.Affected = append(head.Affected, Affected{Ecosystem: e})
	}
	own := idEntry{id: head.ID, packages: p.packages}
	var all []idEntry
	sets := Names(&head)
	for _, set := range sets {
		for _, id := range set {
			switch {
			case id == "" || id == head.ID: // an empty alias must not tie strangers together
			case len(sets) == 1:
				own.names = append(own.names, id)
				all = append(all, idEntry{id: id, names: []string{head.ID}})
			default:
				own.mends = append(own.mends, id)
				all = append(all, idEntry{id: id, errata: []string{head.ID}})
			}
		}
	}
	own.sort()
	return append(all, own)
}

func (e *idEntry) sort() {
	for _, list := range []*[]string{&e.names, &e.errata, &e.mends} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	slices.SortFunc(e.packages, comparePackageNames)
	e.packages = slices.Compact(e.packages)
}

// encode gives the entry's value: id (empty where it is its key), names, errata, mends as lists, and for each ecosystem its
// name and a list of packages. Numbers are varints, strings have their length before them, as in [encoder].
func (e *idEntry) encode() []byte {
	id := e.id
	if id == idKey(id) {
		id = ""
	}
	b := appendString(nil, id)
	for _, list := range [][]string{e.names, e.errata, e.mends} {
		b = appendList(b, list)
	}
	for rest := e.packages; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(p PackageName) bool { return p.Ecosystem != rest[0].Ecosystem })
		if n < 0 {
			n = len(rest)
		}
		b = appendString(b, rest[0].Ecosystem)
		b = binary.AppendUvarint(b, uint64(n))
		for _, p := range rest[:n] {
			b = appendString(b, p.Name)
		}
		rest = rest[n:]
	}
	return b
}

func decodeIDEntry(key, text string) (*idEntry, error) {
	r := reader{rest: text}
	e := &idEntry{id: r.string()}
	if e.id == "" {
		e.id = key
	}
	e.names, e.errata, e.mends = r.list(), r.list(), r.list()
	for r.rest != "" {
		ecosystem := r.string()
		for _, name := range r.list() {
			e.packages = append(e.packages, PackageName{ecosystem, name})
		}
	}
	return e, r.err
}

// mergeIDs makes one entry of all that records say of an id.
func mergeIDs(key string, payloads [][]byte) ([]byte, error) {
	if len(payloads) == 1 {
		return payloads[0], nil
	}
	var all idEntry
	for _, p := range payloads {
		e, err := decodeIDEntry(key, string(p))
		if err != nil {
			return nil, err
		}
		// Payloads come sorted: of several spellings one is taken, the same one every time.
		if all.id == "" || all.id == key {
			all.id = e.id
		}
		all.names, all.errata = append(all.names, e.names...), append(all.errata, e.errata...)
		all.mends, all.packages = append(all.mends, e.mends...), append(all.packages, e.packages...)
	}
	all.sort()
	return all.encode(), nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendList(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}
