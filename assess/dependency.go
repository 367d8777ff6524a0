package assess

import (
	"cmp"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// dependencyPlans gives the steps that end findings of packages of languages: the direct dependency that brings the vulnerable
// package, in its manifest. open are the findings that a newer version ends, as indexes of the subject's; what no plan ends is upgraded
// by itself.
func dependencyPlans(s *Subject, open []int, o Options) []plan {
	d := newDependencies(s, o.Manifests)
	bundles := map[string]*bundle{}
	for _, same := range groups(s, open, func(f *match.Finding) string { return f.Package }) {
		for _, m := range d.moves(s, same) {
			m.bundle(bundles)
		}
	}
	var plans []plan
	for _, key := range sortedDirs(bundles) {
		for _, b := range bundles[key].split() {
			b.sort()
			plans = append(plans, plan{Step: b.step(s), ends: b.ends()})
		}
	}
	return append(plans, d.removals(s)...)
}

// move is one way to end findings of a package: a newer version of it.
type move struct {
	pkg    *inventory.Package
	copies []*installed
	endpoint
	// declared are what manifests say of the package.
	declared []need
	// held are the requirements of other packages that do not take the version.
	held []need
	// others says that the projects have other versions of it too.
	others bool
}

// moves gives those worth offering for a package, by its open findings. There is none for one that a distribution installed, or whose place
// is not known.
func (d *dependencies) moves(s *Subject, open []int) []*move {
	p := s.Findings[open[0]].Of
	copies := d.copies[p]
	if len(copies) == 0 || p.Owner != "" {
		return nil
	}
	points := worthOffering(s, endpoints(s, p, open), func(to string) int {
		switch m := d.move(p, copies, endpoint{to: to}); {
		case len(m.held) > 0:
			return 3
		case !m.direct():
			return 0
		case changeBetween(p.Version, to) == Major:
			return 2
		}
		return 1
	})
	var out []*move
	for _, e := range points {
		e = clean(s, p, open, e)
		if n := len(out); n > 0 && out[n-1].to == e.to {
			out = out[:n-1] // the cheaper one has come as far
		}
		out = append(out, d.move(p, copies, e))
	}
	return out
}

func (d *dependencies) move(p *inventory.Package, copies []*installed, e endpoint) *move {
	m := &move{pkg: p, copies: copies, endpoint: e, others: d.others[p.Type+" "+p.Name] > 1}
	for _, c := range copies {
		if c.tool != nil {
			if c.tool != c {
				m.held = append(m.held, need{from: c.tool, within: true})
			}
			continue
		}
		for i := range c.by {
			switch n := &c.by[i]; {
			case n.manifest != nil:
				m.declared = append(m.declared, *n)
			case !n.from.application && !d.allows(n, p, e.to):
				m.held = append(m.held, *n)
			}
		}
	}
	return m
}

// direct says whether a project asks for the package itself.
func (m *move) direct() bool { return slices.ContainsFunc(m.copies, (*installed).direct) }

// within says whether a copy is part of what another package is built of.
func (m *move) within() bool {
	return slices.ContainsFunc(m.held, func(n need) bool { return n.within })
}

// holders are the direct dependencies that have to move, or to be overruled, before the package can.
func (m *move) holders() []*installed {
	var out []*installed
	add := func(c *installed) {
		if !slices.ContainsFunc(out, func(o *installed) bool { return o.pkg == c.pkg }) {
			out = append(out, c)
		}
	}
	for _, n := range m.held {
		if n.from.direct() {
			add(n.from)
			continue
		}
		for _, c := range n.from.chains() {
			add(c[0])
		}
	}
	slices.SortStableFunc(out, func(a, b *installed) int { return cmp.Compare(a.pkg.PURL, b.pkg.PURL) })
	return out
}

// chain is the shortest that brings the package; nil where a project asks for it itself.
func (m *move) chain() lineage {
	var best lineage
	for _, c := range m.copies {
		if c.direct() {
			continue
		}
		for _, found := range c.chains() {
			if best == nil || len(found) < len(best) {
				best = found
			}
		}
	}
	return best
}

// bundle is what one change moves.
type bundle struct {
	// own is the direct dependency's own move; nil where only what it brings has to move.
	own *move
	// holders are the direct dependencies that hold others back, by package.
	holders []*installed
	held    []*move
	// free are moves that everything allows: only the lock file, or nothing at all, stands in the way.
	free []*move
}

// bundle puts a move together with those that the same change makes.
func (m *move) bundle(bundles map[string]*bundle) {
	holders := m.holders()
	var purls []string
	for _, c := range holders {
		purls = append(purls, c.pkg.PURL)
	}
	var key string
	switch {
	case m.both(holders):
		key = "direct\x00" + m.pkg.PURL + "\x00" + m.variant
	case len(m.held) > 0:
		key = "direct\x00" + strings.Join(purls, "\x01") + "\x00" + m.variant
	case m.direct():
		key = "direct\x00" + m.pkg.PURL + "\x00" + m.variant
	case m.refreshable():
		key = "free\x00" + m.pkg.Type + "\x00" + m.copies[0].lock + "\x00" + m.copies[0].project
	default:
		key = "free\x00" + m.pkg.PURL + "\x00" + m.variant
	}
	b := bundles[key]
	if b == nil {
		b = &bundle{}
		bundles[key] = b
	}
	switch {
	case m.both(holders):
		b.own = m
	case len(m.held) > 0:
		b.holders, b.held = holders, append(b.held, m)
	case m.direct():
		b.own = m
	default:
		// A tool takes the highest version that is allowed, so that of two moves of one package the farther one counts.
		b.free = slices.DeleteFunc(b.free, func(other *move) bool { return other.pkg == m.pkg })
		b.free = append(b.free, m)
	}
}

// both says whether the project asks for the package itself and others hold it back, so that both have to change. With pip there is one copy
// for all: one that holds it back has to move, and brings it along.
func (m *move) both(holders []*installed) bool {
	return len(m.held) > 0 && len(m.declared) > 0 && (m.pkg.Type == "npm" || len(holders) != 1)
}

// refreshable says whether a tool that keeps a lock file resolved the package: the file is all that has to be written again.
func (m *move) refreshable() bool {
	return m.pkg.Type == "npm" || refreshCommand(m, m.pkg.Name) != ""
}

// split parts a direct dependency's own move from what it brings where nothing makes sure that both move: what ends is then known of the first
// alone.
func (b *bundle) split() []*bundle {
	if b.own == nil || len(b.held) == 0 || b.movesTogether() {
		return []*bundle{b}
	}
	if _, whole := b.edits(); whole {
		return []*bundle{b}
	}
	return []*bundle{{own: b.own}, {holders: b.holders, held: b.held}}
}

func (b *bundle) moves() []*move {
	all := slices.Concat(b.held, b.free)
	if b.own != nil {
		all = append([]*move{b.own}, all...)
	}
	return all
}

// sort puts what ends most to the front.
func (b *bundle) sort() {
	order := func(a, b *move) int {
		return cmp.Or(-cmp.Compare(len(a.ends), len(b.ends)), cmp.Compare(a.pkg.PURL, b.pkg.PURL))
	}
	slices.SortFunc(b.held, order)
	slices.SortFunc(b.free, order)
}

func (b *bundle) ends() []int {
	var out []int
	for _, m := range b.moves() {
		out = append(out, m.ends...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cost is the farthest of the moves, and how many packages move at least.
func (b *bundle) cost() StepCost {
	far := []string{Patch, Minor, Major}
	cost := StepCost{Change: Patch}
	seen := map[*inventory.Package]bool{}
	for _, m := range b.moves() {
		seen[m.pkg] = true
		if change := m.change(); slices.Index(far, change) > slices.Index(far, cost.Change) {
			cost.Change = change
		}
	}
	for _, c := range b.holders {
		seen[c.pkg] = true
	}
	cost.Packages = len(seen)
	return cost
}

// change says how far the move is. The modules of the Go project stay at version 0 and break nothing on purpose.
func (m *move) change() string {
	change := changeBetween(m.pkg.Version, m.to)
	if change == Major && strings.HasPrefix(m.pkg.Name, "golang.org/x/") {
		return Minor
	}
	return change
}
