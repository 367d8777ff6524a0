package assess

import (
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/version"
)

// endpoint is a version that a package can be moved to, with the findings that it ends, as indexes of the subject's.
type endpoint struct {
	to   string
	ends []int
	// variant is empty for the version that ends all vulnerabilities of the package.
	variant string
}

// The variants of endpoints.
const (
	cheapMove   = "cheap"   // ends less, and asks for less
	distantMove = "distant" // ends the end of life too, with a line of releases that is supported
)

// endpoints gives the versions that end findings of a package, the lowest first; each ends more than those before it.
func endpoints(s *Subject, p *inventory.Package, open []int) []endpoint {
	order := match.Order(p)
	var versions []string
	for _, i := range open {
		for _, v := range s.Findings[i].Fixed {
			if isTarget(p, v) && lessThan(order, p.Version, v) {
				versions = append(versions, v)
			}
		}
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	slices.SortStableFunc(versions, func(a, b string) int {
		c, _ := version.Compare(order, a, b) // both have been compared with the package's
		return c
	})
	var out []endpoint
	for _, v := range versions[:min(len(versions), maxEndpoints)] {
		e := endpointAt(s, p, open, v)
		if len(e.ends) > 0 && (len(out) == 0 || len(e.ends) > len(out[len(out)-1].ends)) {
			out = append(out, e)
		}
	}
	return out
}

// isTarget leaves out what comes before a release, unless the package is of that kind itself.
func isTarget(p *inventory.Package, v string) bool {
	return !preRelease.MatchString(v) || preRelease.MatchString(p.Version)
}

func endpointAt(s *Subject, p *inventory.Package, open []int, v string) endpoint {
	order := match.Order(p)
	e := endpoint{to: sameFlavour(p, v)}
	for _, i := range open {
		if endedBy(order, &s.Findings[i], v) {
			e.ends = append(e.ends, i)
		}
	}
	return e
}

// clean moves an endpoint on while its version has known problems that the package has not: from 1.6.0, which ends a finding of axios 0.18.0,
// to 1.12.0, which brings no other.
func clean(s *Subject, p *inventory.Package, open []int, e endpoint) endpoint {
	order := match.Order(p)
	const most = 20
	for range most {
		next := ""
		for _, i := range open {
			for _, v := range s.Findings[i].FixesAfter(e.to) {
				if isTarget(p, v) && lessThan(order, e.to, v) && (next == "" || lessThan(order, next, v)) {
					next = v
				}
			}
			if s.Findings[i].Kind == "" {
				break // the others have the same records
			}
		}
		if next == "" {
			break
		}
		moved := endpointAt(s, p, open, next)
		if len(moved.ends) < len(e.ends) {
			break
		}
		moved.variant = e.variant
		e = moved
	}
	return e
}

// sameFlavour keeps the flavour of a Maven package that is released in several, Guava's -jre and -android: an advisory names any of them.
func sameFlavour(p *inventory.Package, to string) string {
	i, j := strings.LastIndexByte(p.Version, '-'), strings.LastIndexByte(to, '-')
	flavours := []string{"-jre", "-android"}
	if p.Type == "maven" && i > 0 && j > 0 && slices.Contains(flavours, p.Version[i:]) && slices.Contains(flavours, to[j:]) {
		return to[:j] + p.Version[i:]
	}
	return to
}

// maxEndpoints bounds the versions that are tried for one package.
const maxEndpoints = 1000

// endedBy says whether a version ends a finding, by the records that found it, or else by the versions that fix it. Several of those are most
// often of several lines of releases: 2.6.7 and 3.1.1 fix the same in 2.x and in 3.x, and 3.0.0 has it still. Two of one line, with the
// same first two numbers, are records that do not agree: the higher counts.
func endedBy(order string, f *match.Finding, v string) bool {
	if ended, known := f.EndedBy(v); known {
		return ended
	}
	below, above := "", "" // the highest fix up to v, the lowest over it
	for _, fixed := range f.Fixed {
		c, err := version.Compare(order, fixed, v)
		switch {
		case err != nil:
		case c <= 0 && (below == "" || lessThan(order, below, fixed)):
			below = fixed
		case c > 0 && (above == "" || lessThan(order, fixed, above)):
			above = fixed
		}
	}
	if below == "" || above == "" {
		return below != ""
	}
	return sharedNumbers(v, above) < 2 && sharedNumbers(v, below) > sharedNumbers(v, above)
}

func lessThan(order, a, b string) bool {
	c, err := version.Compare(order, a, b)
	return err == nil && c < 0
}

// sharedNumbers counts the first numbers that two versions have in common.
func sharedNumbers(a, b string) int {
	x, y := numbers(a), numbers(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

// worthOffering picks of a package's endpoints the lowest that ends all vulnerabilities, a cheaper one before it that ends at least half as
// many, and one after it that ends the end of life as well. cost says what a move asks for, the least 0.
func worthOffering(s *Subject, points []endpoint, cost func(to string) int) []endpoint {
	if len(points) == 0 {
		return nil
	}
	vulnerabilities := make([]int, len(points))
	full, cheap := 0, -1
	for i, e := range points {
		for _, n := range e.ends {
			if s.Findings[n].Kind != match.KindEndOfLife {
				vulnerabilities[i]++
			}
		}
		if vulnerabilities[i] > vulnerabilities[full] {
			full = i
		}
	}
	for i, e := range points[:full] {
		c := cost(e.to)
		if c < cost(points[full].to) && (cheap < 0 || c <= cost(points[cheap].to)) && 2*vulnerabilities[i] >= vulnerabilities[full] {
			cheap = i
		}
	}
	var out []endpoint
	if cheap >= 0 {
		points[cheap].variant = cheapMove
		out = append(out, points[cheap])
	}
	if vulnerabilities[full] > 0 {
		out = append(out, points[full])
	}
	if last := &points[len(points)-1]; vulnerabilities[full] == 0 || len(last.ends) > len(points[full].ends) {
		last.variant = distantMove
		out = append(out, *last)
	}
	return out
}
