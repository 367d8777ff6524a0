package assess

import (
	"fmt"

	"tidewaiter/image"
)

// Baseline is what an image is compared with: what runs already, judged by the data, the rules and the environment of today. A goal that
// is not met fails only for what the baseline has not got, so that a new advisory never stops what already runs. The same
// problem in the same package is no worse for another version of that package.
type Baseline struct {
	// Name is what the baseline is called: its reference.
	Name       string
	Subject    *Subject
	Assessment *Assessment
}

// excuse takes out of an outcome what the baseline has as well.
func (b *Baseline) excuse(name string, o outcome) outcome {
	if o.verdict == Pass {
		return o
	}
	had := map[string]bool{}
	for _, g := range b.Assessment.Goals {
		if g.Name == name {
			for _, key := range g.Offenders {
				had[key] = true
			}
		}
	}
	var counting, known []offender
	for _, at := range o.offenders {
		if had[at.key] {
			known = append(known, at)
		} else {
			counting = append(counting, at)
		}
	}
	switch describe := o.describe; {
	case len(counting) == 0:
		return outcome{Pass, known, func([]offender) (reason, step string) { return excused(o.verdict, known), "" }}
	case len(known) > 0:
		return outcome{o.verdict, counting, func([]offender) (reason, step string) {
			reason, step = describe(counting)
			return fmt.Sprintf("%s (besides %d that the baseline has too)", reason, len(known)), step
		}}
	}
	return o
}

// excused says why a goal that is not met is held to be.
func excused(verdict Verdict, known []offender) string {
	if verdict == Unknown {
		return "no less is known than of the baseline"
	}
	return fmt.Sprintf("no worse than the baseline: %d known", len(known))
}

// unshared are the blind spots that the baseline has not, or has for fewer packages.
func (b *Baseline) unshared(hidden []*image.BlindSpot) []*image.BlindSpot {
	had := map[string]int{}
	for i := range b.Subject.BlindSpots {
		spot := &b.Subject.BlindSpots[i]
		had[blindKey(spot)] = max(had[blindKey(spot)], spot.Packages)
	}
	var list []*image.BlindSpot
	for _, spot := range hidden {
		if packages, ok := had[blindKey(spot)]; !ok || spot.Packages > packages {
			list = append(list, spot)
		}
	}
	return list
}
