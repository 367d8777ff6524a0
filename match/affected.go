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
}

// judge follows https://ossf.github.io/osv-schema/#evaluation: a version is affected when any range holds it
// or it is listed. The error says why nothing could be said; an entry that does affect the version has none.
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
		if err != nil {
			failed = err
		}
		if v.affected && found.affected {
			found.fixed = append(found.fixed, v.fixed...)
		} else if v.affected {
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
	return verdict{}, failed
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
	if ranged || s.err != nil {
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

// judgeRange finds the last event, in the order of versions, that the version has reached: it is affected when
// that event introduced the problem. This is what walking the sorted events comes to, with no need to sort.
func (s *subject) judgeRange(events []advisory.Event) (verdict, error) {
	if everyVersion(events) {
		return verdict{affected: true, span: "every version", compared: fmt.Sprintf("every version of %s is affected, %s too", s.name, s.text)}, nil
	}
	if s.err != nil {
		return verdict{}, s.err
	}
	var floor, ceiling *bound
	limited, before := false, false
	for _, event := range events {
		b, ok, err := s.bound(event)
		if err != nil {
			return verdict{}, err
		}
		if !ok {
			continue
		}
		reached := b.reached()
		switch {
		case b.kind == limit:
			limited = true
			before = before || !reached
		case reached && !b.before(floor):
			floor = &b
		case !reached && b.kind != introduced && (ceiling == nil || b.before(ceiling)):
			ceiling = &b
		}
	}
	if floor == nil || floor.kind != introduced || limited && !before {
		return verdict{}, nil
	}
	return s.explain(floor, ceiling), nil
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
	if b.text != "*" {
		b.place = s.against(b.text)
	}
	return b, true, b.place.err
}

// reached says whether the subject's version lies at or after the event; for the last affected version, after it.
func (b bound) reached() bool {
	switch {
	case b.start || b.text == "*":
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

// explain puts into words why a version between two events is affected; ceiling is nil where nothing ends it.
func (s *subject) explain(floor, ceiling *bound) verdict {
	v := verdict{affected: true}
	var span, compared []string
	if !floor.start {
		span = append(span, ">="+floor.text)
		compared = append(compared, ">= "+floor.text)
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
