// Package assess turns findings into what to do: which comes first, and which steps close the most.
//
// In go findings; out come an order and [Step] values. The package is pure: no clock, no network, no disk.
// It must never drop a finding, only put it further down.
package assess

import (
	"cmp"
	"slices"

	"tidewaiter/match"
)

// Urgency gives a priority's place, the most urgent first: 0 for immediate. A finding that was not assessed comes after those that were.
func Urgency(p match.Priority) int {
	order := []match.Priority{match.Immediate, match.OutOfCycle, match.Scheduled, match.Defer}
	if i := slices.Index(order, p); i >= 0 {
		return i
	}
	return len(order)
}

// Sort puts the findings to look at first to the front: malicious packages, then what is known to be exploited, then by priority, then
// what no rule lowers, then by severity, then by the likelihood of exploitation, then what can be fixed.
func Sort(findings []match.Finding) {
	slices.SortStableFunc(findings, func(a, b match.Finding) int { return compareFindings(&a, &b) })
}

func compareFindings(a, b *match.Finding) int {
	return cmp.Or(
		first(a.Malicious, b.Malicious),
		first(a.KEV != nil, b.KEV != nil),
		cmp.Compare(Urgency(a.Priority), Urgency(b.Priority)),
		first(a.Lowered == nil, b.Lowered == nil),
		cmp.Compare(a.Severity.Rank(), b.Severity.Rank()),
		-cmp.Compare(likelihood(a), likelihood(b)),
		first(len(a.Fixed) > 0, len(b.Fixed) > 0),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Package, b.Package),
	)
}

func likelihood(f *match.Finding) float64 {
	if f.EPSS == nil {
		return 0
	}
	return f.EPSS.Score
}

// first orders what holds before what does not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
