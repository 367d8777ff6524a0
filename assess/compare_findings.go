package assess

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidewaiter/advisory"
	"tidewaiter/match"
)

// FindingChange is one finding that is not in the second image what it was in the first.
type FindingChange struct {
	// ID and Aliases are those of today.
	ID      string   `json:"id"`
	Aliases []string `json:"aliases,omitempty"`
	// Type and Name are the package's, of a distribution's the source package's; Place tells copies of one package apart.
	Type  string `json:"type"`
	Name  string `json:"name"`
	Place string `json:"place,omitempty"`
	Title string `json:"title,omitempty"`

	Change ChangeKind `json:"change"`
	Cause  Cause      `json:"cause"`
	// Because says what it was that the cause changed.
	Because string `json:"because"`
	// From and To are what the finding was and is.
	From FindingState `json:"from"`
	To   FindingState `json:"to"`
}

// ChangeKind is what became of a finding.
type ChangeKind string

// The changes. What changed in several respects is called by the first.
const (
	Closed   ChangeKind = "closed"    // it is gone
	Opened   ChangeKind = "new"       // it was not there
	Hushed   ChangeKind = "quieted"   // a rule, a statement or an exception quiets it now
	Unhushed ChangeKind = "unquieted" // nothing quiets it any more
	Sunk     ChangeKind = "lowered"   // a rule puts it further down now
	Raised   ChangeKind = "raised"    // no rule puts it further down any more
	Used     ChangeKind = "exploited" // it is known to be exploited now
	Unused   ChangeKind = "unexploited"
	Graver   ChangeKind = "graver"  // of a higher priority or severity
	Lighter  ChangeKind = "lighter" // of a lower one
	Mended   ChangeKind = "fixable" // a version ends it now
	Unmended ChangeKind = "unfixable"
)

// Standing is how a finding stands.
type Standing string

// The ways to stand.
const (
	Absent  Standing = "absent"
	Stands  Standing = "standing"
	Lowered Standing = "lowered"
	Quiet   Standing = "quieted"
)

// FindingState is what a finding is in one of the two.
type FindingState struct {
	State    Standing       `json:"state"`
	Version  string         `json:"version,omitempty"`
	Severity match.Level    `json:"severity,omitempty"`
	Priority match.Priority `json:"priority,omitempty"`
	// By is the rule, statement or exception that quiets it.
	By        string   `json:"by,omitempty"`
	Exploited bool     `json:"exploited,omitempty"`
	Malicious bool     `json:"malicious,omitempty"`
	Fixed     []string `json:"fixed,omitempty"`
}

// Asks says whether the finding asks for something: it is there, and nothing quiets it.
func (s FindingState) Asks() bool { return s.State == Stands || s.State == Lowered }

// changes are the findings that are not what they were, and how many standing problems both ends have.
func (c *chain) changes(inferred bool) (changes []FindingChange, same int) {
	changes = []FindingChange{}
	last := len(c.stages) - 1
	all := maps.Clone(c.at[0])
	maps.Copy(all, c.at[last])
	both := map[string]bool{}
	for p := range all {
		states := c.states(p)
		if from, to := &states[0], &states[last]; from.Asks() && to.Asks() {
			both[p.id] = true
		}
		if change, ok := c.change(p, states, inferred); ok {
			changes = append(changes, change)
		}
	}
	slices.SortFunc(changes, compareChanges)
	return changes, len(both)
}

// passed counts the problems that stand neither in the one nor in the other, and stood before the image changed.
func (c *chain) passed() int {
	last := len(c.stages) - 1
	ids := map[string]bool{}
	image := slices.IndexFunc(c.stages, func(s Stage) bool { return s.Cause == ByImage })
	if image < 1 {
		return 0
	}
	stands := func(stage int, p problem) bool { return len(c.at[stage][p]) > 0 && standsIn(c.at[stage][p][0]) }
	for p := range c.at[image-1] {
		if stands(image-1, p) && !stands(0, p) {
			ids[p.id] = true
		}
	}
	for _, end := range []int{0, last} {
		for p := range c.at[end] {
			if stands(end, p) {
				delete(ids, p.id)
			}
		}
	}
	return len(ids)
}

// compareChanges orders changes by cause, then by what they mean, then those to look at first.
func compareChanges(a, b FindingChange) int {
	causes := []Cause{ByImage, ByAdvisories, ByRules}
	kinds := []ChangeKind{Opened, Unhushed, Raised, Used, Graver, Closed, Hushed, Sunk, Unused, Lighter, Mended, Unmended}
	weight := func(c *FindingChange) *FindingState {
		if c.To.State == Absent {
			return &c.From
		}
		return &c.To
	}
	x, y := weight(&a), weight(&b)
	return cmp.Or(
		cmp.Compare(slices.Index(causes, a.Cause), slices.Index(causes, b.Cause)),
		cmp.Compare(slices.Index(kinds, a.Change), slices.Index(kinds, b.Change)),
		first(x.State != Quiet, y.State != Quiet), first(x.Malicious, y.Malicious), first(x.Exploited, y.Exploited),
		cmp.Compare(Urgency(x.Priority), Urgency(y.Priority)), cmp.Compare(x.Severity.Rank(), y.Severity.Rank()),
		advisory.CompareIDs(a.ID, b.ID), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Place, b.Place),
	)
}

// states are what a problem is at each stage.
func (c *chain) states(p problem) []FindingState {
	out := make([]FindingState, len(c.stages))
	for i := range c.stages {
		out[i] = FindingState{State: Absent}
		list := c.at[i][p]
		if len(list) == 0 {
			continue
		}
		f := list[0] // the worst of them speaks for all
		out[i] = FindingState{State: Stands, Severity: f.Severity, Priority: f.Priority, Exploited: f.KEV != nil, Malicious: f.Malicious, Fixed: f.Fixed}
		if f.Of != nil {
			out[i].Version = f.Of.Version
		}
		switch {
		case f.Quieted != nil:
			out[i].State, out[i].By = Quiet, f.Quieted.By
		case len(f.Lowered) > 0:
			out[i].State, out[i].By = Lowered, f.Lowered[0].By
		}
	}
	return out
}

// change says what became of a problem; false where nothing did.
func (c *chain) change(p problem, states []FindingState, inferred bool) (FindingChange, bool) {
	last := len(states) - 1
	from, to := &states[0], &states[last]
	var kind ChangeKind
	var at int
	stage := func(of func(i int) any) int { return settled(len(states), of) }
	switch {
	case from.State != to.State:
		kind, at = turned(from.State, to.State), stage(func(i int) any { return states[i].State })
	case to.State == Absent:
		return FindingChange{}, false
	case from.Exploited != to.Exploited:
		kind, at = either(to.Exploited, Used, Unused), stage(func(i int) any { return states[i].Exploited })
	case Urgency(from.Priority) != Urgency(to.Priority):
		kind, at = either(Urgency(to.Priority) < Urgency(from.Priority), Graver, Lighter), stage(func(i int) any { return states[i].Priority })
	case from.Severity != to.Severity:
		kind, at = either(to.Severity.Rank() <= from.Severity.Rank(), Graver, Lighter), stage(func(i int) any { return states[i].Severity })
	case len(from.Fixed) > 0 != (len(to.Fixed) > 0):
		kind, at = either(len(to.Fixed) > 0, Mended, Unmended), stage(func(i int) any { return len(states[i].Fixed) > 0 })
	default:
		return FindingChange{}, false
	}
	f := c.latest(p)
	out := FindingChange{ID: p.id, Type: p.purlType, Name: p.name, Place: p.place, Title: f.Title,
		Change: kind, Cause: c.stages[at].Cause, From: *from, To: *to}
	out.Aliases = slices.DeleteFunc(slices.Clone(f.Aliases), func(id string) bool { return id == p.id })
	if out.Cause == ByTime { // no day decides how a finding stands: it is the environment that is another
		out.Cause = ByRules
	}
	if inferred {
		out.Cause = c.infer(p, &out)
	}
	out.Because = c.because(p, &out)
	return out, true
}

func either(yes bool, a, b ChangeKind) ChangeKind {
	if yes {
		return a
	}
	return b
}

// turned names the change from one way to stand to another.
func turned(from, to Standing) ChangeKind {
	switch {
	case to == Absent:
		return Closed
	case from == Absent:
		return Opened
	case to == Quiet:
		return Hushed
	case from == Quiet:
		return Unhushed
	case to == Lowered:
		return Sunk
	}
	return Raised
}

// latest is the finding as the last stage that has it has it.
func (c *chain) latest(p problem) *match.Finding {
	for _, at := range slices.Backward(c.at) {
		if list := at[p]; len(list) > 0 {
			return list[0]
		}
	}
	return &match.Finding{}
}

// infer finds the cause of a change where what lies between the two cannot be told. What an advisory says of a problem, whatever the version,
// advisories changed; what is of another version, or only in one of the two, the image; else advisories did, or what quiets and lowers.
func (c *chain) infer(p problem, change *FindingChange) Cause {
	a, b := c.stages[0].Subject, c.stages[len(c.stages)-1].Subject
	same := c.sameVersions(p)
	sameData := a.Data != nil && b.Data != nil && a.Data.Revision == b.Data.Revision
	switch change.Change {
	case Hushed, Unhushed, Sunk, Raised:
		by := cmp.Or(change.To.By, change.From.By)
		at := slices.IndexFunc(match.Rules(), func(r match.Rule) bool { return r.Name == by })
		switch {
		case at < 0 || a.Rules[by] != b.Rules[by]:
			return ByRules
		case match.Rules()[at].Looks || sameData || !same:
			return ByImage
		}
	case Opened:
		if same && !sameData || c.latest(p).Published > newest(a.Data) {
			return ByAdvisories
		}
		return ByImage
	case Closed:
		if sameData || !same {
			return ByImage
		}
	default:
		switch {
		case sameData && same:
			return ByRules
		case sameData:
			return ByImage
		}
	}
	return ByAdvisories
}

// newest is the day of the newest of the feeds.
func newest(d *Data) string {
	day := ""
	if d != nil {
		for _, f := range d.Feeds {
			if strings.HasPrefix(f.Name, advisory.FeedMalware) {
				continue
			}
			day = max(day, f.Date)
		}
	}
	return cmp.Or(day, "9999")
}

// sameVersions says whether both ends have the package in the same versions.
func (c *chain) sameVersions(p problem) bool {
	key := packageName{p.purlType, p.name}
	return maps.Equal(c.versions[0][key], c.versions[len(c.stages)-1][key])
}

// because says what it was that the cause changed.
func (c *chain) because(p problem, change *FindingChange) string {
	switch change.Cause {
	case ByImage:
		return c.moved(p, change)
	case ByAdvisories:
		return published(change, c.latest(p))
	}
	return ruled(change)
}

// moved says what became of the package.
func (c *chain) moved(p problem, change *FindingChange) string {
	key := packageName{p.purlType, p.name}
	a, b := c.versions[0][key], c.versions[len(c.stages)-1][key]
	from, to := cmp.Or(change.From.Version, some(a)), cmp.Or(change.To.Version, some(b))
	switch {
	case len(a) == 0 && len(b) == 0: // the end of a distribution's support is no package's
		return cmp.Or(from, "none") + " -> " + cmp.Or(to, "none")
	case len(b) == 0:
		return from + " is not aboard any more"
	case len(a) == 0:
		return to + " came aboard"
	case from == to && cmp.Or(change.To.By, change.From.By) != "":
		return "what the rule " + cmp.Or(change.To.By, change.From.By) + " looks at is another"
	}
	return from + " -> " + to
}

// some names a few versions.
func some(versions map[string]bool) string {
	const most = 3
	list := slices.Sorted(maps.Keys(versions))
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}

// published says what is known now and was not, or the other way round.
func published(change *FindingChange, f *match.Finding) string {
	switch change.Change {
	case Opened:
		if f.Published != "" {
			return "the advisories know it now, published " + f.Published
		}
		return "the advisories know it now"
	case Closed:
		return "the advisories do not hold this version to be affected any more"
	case Used:
		if f.KEV != nil {
			return "in CISA's KEV since " + f.KEV.Added
		}
	case Graver, Lighter:
		if change.From.Severity != change.To.Severity {
			return fmt.Sprintf("rated %s, not %s", change.To.Severity, change.From.Severity)
		}
		return "what is known of its exploitation changed"
	case Mended:
		return "fixed in " + strings.Join(change.To.Fixed, ", ")
	}
	return "the advisories say something else now"
}

// ruled says which rule, statement or exception made the difference.
func ruled(change *FindingChange) string {
	switch {
	case (change.To.State == Quiet || change.To.State == Lowered) && change.To.By != change.From.By:
		return change.To.By
	case change.From.By != "" && change.From.By != change.To.By:
		return "no more by " + change.From.By
	case change.From.Priority != change.To.Priority:
		return fmt.Sprintf("the environment makes it %s, not %s", change.To.Priority, cmp.Or(change.From.Priority, "unrated"))
	}
	return "rules are not what they were"
}
