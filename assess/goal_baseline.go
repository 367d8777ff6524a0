package assess

import (
	"fmt"

	"tidewaiter/image"
	"tidewaiter/match"
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

// regression holds an image against the baseline by what is to be done, whatever goals are set: it must bring no problem to act on that the
// baseline has not, and have no more that must be dealt with, be it on schedule. Both are judged by the same data, so that what only became
// known counts for both.
func (j *judging) regression() outcome {
	if j.subject.Data == nil {
		return unmatched()
	}
	had, have := asking(j.baseline.Subject.Findings), asking(j.subject.Findings)
	var acute, others []offender
	for _, f := range j.standing {
		_, asks := have[f.ID]
		_, known := had[f.ID]
		at := offender{key: f.ID + " " + packageKey(f.Of), shown: f.ID + " in " + f.Of.Name, finding: f}
		switch {
		case ToAct(f) && !had[f.ID]:
			acute = append(acute, at)
		case asks && !known:
			others = append(others, at)
		}
	}
	acute = append(acute, j.broughtAboard()...)
	switch more := len(have) - len(had); {
	case len(acute) > 0:
		return outcome{Fail, acute, func(brought []offender) (reason, step string) {
			step = "take it out of the instruction that brings it"
			if f := brought[0].finding; f != nil {
				step = remedy(f)
			}
			return "brings what must be acted on and is not so in the baseline", step
		}}
	case more > 0:
		return outcome{Fail, others, func(brought []offender) (reason, step string) {
			return fmt.Sprintf("%s to deal with than in the baseline", count(more, "more problem")), remedy(brought[0].finding)
		}}
	}
	return met(fmt.Sprintf("no worse than the baseline: %s to deal with, where that has %d", count(len(have), "problem"), len(had)))
}

// broughtAboard are the malware and the secrets to act on that the baseline has not, as far as it was searched for them.
func (j *judging) broughtAboard() []offender {
	had := map[string]bool{}
	kinds := j.baseline.Subject.searched()
	for _, c := range standingContraband(j.baseline.Subject, kinds...) {
		had[c.key()] = true
	}
	var list []offender
	for _, c := range standingContraband(j.subject, kinds...) {
		if c.grave() && !had[c.key()] {
			list = append(list, offender{key: c.key(), id: c.id, shown: shownContraband(&c)})
		}
	}
	return list
}

// asking are the problems that are scheduled or more urgent, and of each whether it is to be acted on.
func asking(findings []match.Finding) map[string]bool {
	urgent := map[string]bool{}
	for i := range findings {
		f := &findings[i]
		if f.Quieted == nil && (ToAct(f) || f.Priority == match.Scheduled) {
			urgent[f.ID] = urgent[f.ID] || ToAct(f)
		}
	}
	return urgent
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
