package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/version"
)

// errOnlyCommits says that an entry names no versions, only commits of a git repository.
var errOnlyCommits = errors.New("only git commits are named")

// verdict is what an entry of a record says of a subject's version.
type verdict struct {
	affected bool
	span     string // ">=1.0.0 <1.2.3"
	compared string
	fixed    []string
	// place is where a version that is not affected lies in the entry's ranges: among several, in the one
	// that it came furthest in.
	place position
}

// judge follows https://ossf.github.io/osv-schema/#evaluation: a version is affected when any range holds it
// or it is listed. The error says why nothing could be said; an entry that does affect the version has none.
//
// What a database keeps in database_specific (GitHub's last_known_affected_version_range) or
// ecosystem_specific (Go's custom_ranges) has no part in this, as the schema says: a rule weighs it afterwards.
func (s *subject) judge(entry *advisory.Affected) (verdict, error) {
	var found verdict
	var failed error
	commits := 0
	for _, r := range entry.Ranges {
		if r.Type == "GIT" {
			commits++
			continue
		}
		v, err := s.judgeRange(r.Events)
		switch {
		case err != nil:
			failed = err
		case v.affected && found.affected:
			found.fixed = append(found.fixed, v.fixed...)
		case v.affected || !found.affected && v.place.beyond(found.place):
			found = v
		}
	}
	switch {
	case found.affected:
		return found, nil
	case s.listed(entry):
		return verdict{affected: true, span: "version listed", compared: fmt.Sprintf("%s %s is one of the versions listed", s.name, s.text)}, nil
	case failed == nil && commits > 0 && commits == len(entry.Ranges) && len(entry.Versions) == 0:
		return verdict{}, errOnlyCommits
	}
	return found, failed
}

// listed says whether the entry lists the version. Where a list is all that there is, other spellings of the
// same version count too; long lists stand beside a range and are only a copy of it.
func (s *subject) listed(entry *advisory.Affected) bool {
	text := strings.TrimPrefix(s.text, "v")
	for _, listed := range entry.Versions {
		if strings.TrimPrefix(listed, "v") == text {
			return true
		}
	}
	ranged := slices.ContainsFunc(entry.Ranges, func(r advisory.Range) bool { return r.Type != "GIT" })
	if ranged && s.base != advisory.CPEEcosystem || s.err != nil { // in NVD's each says what the other does not
		return false
	}
	return slices.ContainsFunc(entry.Versions, func(listed string) bool {
		p := s.against(listed)
		return p.err == nil && p.order == 0
	})
}

// bound is an event of a range with its version read.
type bound struct {
	kind  eventKind
	text  string
	place place
	start bool // introduced "0", which comes before every version; limit "*" comes after every one
}

// place is a version of an advisory, and where the subject's own lies: order is negative when that is older.
type place struct {
	version version.Version
	order   int
	err     error
}

// against gives the place of a version. Records of one package name the same few versions over and over.
func (s *subject) against(text string) place {
	p, ok := s.places[text]
	if !ok {
		p.version, p.err = version.Parse(s.ecosystem, text)
		if p.err == nil {
			p.order, p.err = s.version.Compare(p.version)
		}
		s.places[text] = p
	}
	return p
}

type eventKind int

const (
	introduced eventKind = iota
	fixed
	lastAffected
	limit
)

// position is where a version lies between the events of a range; an event that is nil is not there.
type position struct {
	reached *bound // the last event, in the order of versions, that the version has reached
	fix     *bound // the first that ends the problem and is still ahead
	origin  *bound // the first that introduces it and is still ahead
	limited bool   // the range has limits, and the version lies at or after all of them
}

// beyond says whether a version came further in the range of p than in that of another position.
func (p position) beyond(other position) bool {
	switch {
	case p.reached == nil:
		return other.reached == nil && other.origin == nil
	case other.reached == nil:
		return true
	}
	return other.reached.before(p.reached)
}

// judgeRange finds the last event, in the order of versions, that the version has reached: it is affected when
// that event introduced the problem. This is what walking the sorted events comes to, with no need to sort.
func (s *subject) judgeRange(events []advisory.Event) (verdict, error) {
	if everyVersion(events) {
		return verdict{affected: true, span: "every version", compared: fmt.Sprintf("every version of %s is affected, %s too", s.name, s.text)}, nil
	}
	if s.err != nil {
		return verdict{}, s.err
	}
	at, err := s.locate(events)
	if err != nil {
		return verdict{}, err
	}
	if at.reached == nil || at.reached.kind != introduced || at.limited {
		return verdict{place: at}, nil
	}
	return s.explain(at), nil
}

// locate finds where the version lies between events, which may come in any order.
func (s *subject) locate(events []advisory.Event) (position, error) {
	var at position
	limits, before := false, false
	for _, event := range events {
		b, ok, err := s.bound(event)
		if err != nil {
			return position{}, err
		}
		reached := b.reached()
		switch {
		case !ok:
		case b.kind == limit:
			limits = true
			before = before || !reached
		case reached && !b.before(at.reached):
			at.reached = b.kept()
		case reached:
		case b.kind == introduced && (at.origin == nil || b.before(at.origin)):
			at.origin = b.kept()
		case b.kind != introduced && (at.fix == nil || b.before(at.fix)):
			at.fix = b.kept()
		}
	}
	at.limited = limits && !before
	return at, nil
}

func everyVersion(events []advisory.Event) bool {
	return len(events) == 1 && events[0].Introduced == "0"
}

// bound reads an event; ok is false for an event that says nothing.
func (s *subject) bound(event advisory.Event) (b bound, ok bool, err error) {
	switch {
	case event.Introduced == "0":
		return bound{kind: introduced, text: "0", start: true}, true, nil
	case event.Introduced != "":
		b = bound{kind: introduced, text: event.Introduced}
	case event.Fixed != "":
		b = bound{kind: fixed, text: event.Fixed}
	case event.LastAffected != "":
		b = bound{kind: lastAffected, text: event.LastAffected}
	case event.Limit != "":
		b = bound{kind: limit, text: event.Limit}
	default:
		return bound{}, false, nil
	}
	if !b.endless() {
		b.place = s.against(b.text)
	}
	return b, true, b.place.err
}

// kept gives a copy to keep: most events are looked at once.
func (b bound) kept() *bound { return &b }

// endless says that the event comes after every version: a limit with an asterisk in it, or any event that is one.
func (b bound) endless() bool {
	return b.text == "*" || b.kind == limit && strings.Contains(b.text, "*")
}

// reached says whether the subject's version lies at or after the event; for the last affected version, after it.
func (b bound) reached() bool {
	switch {
	case b.start || b.endless():
		return b.start
	case b.kind == lastAffected:
		return b.place.order > 0
	}
	return b.place.order >= 0
}

// before says whether b comes before another bound. Of two at one version the record's order decides.
func (b bound) before(other *bound) bool {
	if other == nil || other.start {
		return false
	}
	if b.start {
		return true
	}
	c, err := b.place.version.Compare(other.place.version)
	return err == nil && c < 0
}

// explain puts into words why a version is affected that has reached an introduction.
func (s *subject) explain(at position) verdict {
	floor, ceiling := at.reached, at.fix
	v := verdict{affected: true}
	var span, compared []string
	if !floor.start {
		span = append(span, strings.Replace(startOf(floor.text), " ", "", 1))
		compared = append(compared, startOf(floor.text))
	}
	switch {
	case ceiling == nil:
	case ceiling.kind == fixed:
		span = append(span, "<"+ceiling.text)
		compared = append(compared, "< "+ceiling.text)
		v.fixed = []string{ceiling.text}
	default:
		span = append(span, "<="+ceiling.text)
		compared = append(compared, "<= "+ceiling.text)
	}
	if len(span) == 0 {
		span, compared = []string{"every version"}, []string{"and every other version"}
	}
	v.span = strings.Join(span, " ")
	v.compared = fmt.Sprintf("%s %s %s (%s order)", s.name, s.text, strings.Join(compared, " and "), s.version.Scheme())
	return v
}

// exculpate puts into words why an entry does not affect the version, by the verdict that judge gave: "openssl 3.0.15-1 >=
// 3.0.14-1, the fix (dpkg order)".
func (s *subject) exculpate(entry *advisory.Affected, v verdict) string {
	at := v.place
	order := " (" + s.version.Scheme() + " order)"
	mine := s.name + " " + s.text
	switch {
	case at.limited:
		return mine + " lies beyond the limit of the range" + order
	case at.reached == nil && at.origin != nil:
		return mine + " " + beforeStart(at.origin.text) + order
	case at.reached != nil && at.reached.kind == fixed && at.reached.text == "0":
		return "no version of " + s.name + " was ever affected"
	case at.reached != nil && at.reached.kind == fixed:
		return mine + " >= " + at.reached.text + ", the fix" + order
	case at.reached != nil:
		return mine + " > " + at.reached.text + ", the last affected" + order
	case len(entry.Versions) > 0:
		return mine + " is none of the " + count(len(entry.Versions), "version", "versions") + " listed"
	}
	return "it names no version of " + s.name
}
