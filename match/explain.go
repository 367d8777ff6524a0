package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewaiter/advisory"
	"tidewaiter/image"
	"tidewaiter/inventory"
)

// Catalogue is [Advisories] that can be asked for a problem by any of its names; [advisory.DB] is one.
type Catalogue interface {
	Advisories
	// Problem gives all that is known under an id, in whatever case it is written.
	Problem(id string) (advisory.Problem, error)
	// Info says of when the feeds are.
	Info() advisory.Info
}

// Answer is what can be said of one problem and one image.
type Answer string

// The answers.
const (
	IsAffected  Answer = "affected"
	IsQuieted   Answer = "quieted" // it is aboard, and something says that it asks for nothing
	NotAffected Answer = "not-affected"
	CannotSay   Answer = "unknown" // a blind spot stands in the way
)

// Explanation says why an image is affected by a problem, or why it is not.
type Explanation struct {
	// ID is the CVE where there is one, else the id that was asked for; Aliases are its other names.
	ID      string   `json:"id"`
	Aliases []string `json:"aliases,omitempty"`
	// MendedBy are the errata and distributions' advisories that mend it, and maybe others with it.
	MendedBy []string `json:"mendedBy,omitempty"`
	// Mends are the CVEs of an erratum that was asked for, and that speaks of several problems.
	Mends  []string `json:"mends,omitempty"`
	Title  string   `json:"title,omitempty"`
	Answer Answer   `json:"answer"`
	// Because is the answer in one sentence.
	Because string `json:"because"`
	// Findings are those of the problem, those that nothing quiets first.
	Findings []Finding `json:"findings"`
	// Considered are the packages aboard that records of the problem name, and that it does not affect.
	Considered []Considered `json:"considered"`
	// Absent are the packages that records of the problem name, and that are not aboard.
	Absent []advisory.PackageName `json:"absent"`
	// BlindSpots are those that stand in the way of an answer.
	BlindSpots []image.BlindSpot `json:"blindSpots"`
}

// Considered is a package aboard that may be concerned, under the name and version that were compared: of a distribution's
// binary packages, their source package's.
type Considered struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Ecosystem string `json:"ecosystem,omitempty"`
	// Packages are the purls of the packages aboard that have this name and version.
	Packages []string `json:"packages"`
	Rulings  []Ruling `json:"rulings"`

	// Of is the first of the packages.
	Of *inventory.Package `json:"-"`
}

// Ruling is what one record says of a package that it names.
type Ruling struct {
	// Advisory is the record, Feed the feed that it came from; both are empty where it is the lack of a feed that decides.
	Advisory string  `json:"advisory,omitempty"`
	Feed     string  `json:"feed,omitempty"`
	Outcome  Outcome `json:"outcome"`
	// Reason says why, as a person would read it: "openssl 3.0.15-1 >= 3.0.14-1, the fix (dpkg order)".
	Reason string `json:"reason"`
}

// Outcome is how a record's ruling on a package came out.
type Outcome string

// The outcomes.
const (
	Affects      Outcome = "affects"       // this version is affected; there is a finding
	Spares       Outcome = "not-affected"  // it judges the package, and this version is not affected
	OtherRelease Outcome = "other-release" // it speaks of other releases of the distribution only
	OtherBuild   Outcome = "other-build"   // it speaks of builds for another module or stream
	Withdrawn    Outcome = "withdrawn"     // its publisher took it back
	Harmless     Outcome = "harmless"      // an update that mends no vulnerability
	Unjudgeable  Outcome = "unjudged"      // its versions, or this one, cannot be compared
	Unfed        Outcome = "no-feed"       // no feed speaks of the package
	Unnamed      Outcome = "unnamed"       // the package's own feed does not name it; another distribution's does, by that name
)

// Explain says why a problem affects what is aboard, or why it does not. It judges nothing anew: findings and spots are what a
// scan of the inventory gave, rules and statements applied, and what did not match is held against the records by the same
// code. The error is that of the advisories.
func Explain(inv *inventory.Inventory, cat Catalogue, findings []Finding, spots []image.BlindSpot, id string) (*Explanation, error) {
	problem, err := cat.Problem(id)
	if err != nil {
		return nil, fmt.Errorf("what is known of %s: %w", id, err)
	}
	e := &explainer{
		Explanation: Explanation{ID: id, Mends: problem.Mends},
		matcher:     newMatcher(inv, cat), cat: cat, problem: problem, records: map[string]bool{}, wanted: map[string]bool{},
	}
	for _, id := range problem.IDs {
		e.records[id] = true
	}
	for _, p := range problem.Packages {
		e.wanted[advisory.Key(p.Ecosystem, p.Name)] = true
	}
	e.name(findings)
	if err := e.consider(inv); err != nil {
		return nil, err
	}
	if err := e.answer(inv, spots); err != nil {
		return nil, err
	}
	return &e.Explanation, nil
}

// explainer puts an explanation together.
type explainer struct {
	Explanation
	*matcher
	cat     Catalogue
	problem advisory.Problem
	records map[string]bool // ids of the problem's records, errata included
	wanted  map[string]bool // keys of the packages that they name
	aboard  map[string]bool // keys of those that are aboard
}

// name takes the problem's findings out of all, and gives the problem its names. An erratum is a name only where it was
// asked for: it may mend other problems too.
func (e *explainer) name(findings []Finding) {
	own := e.own()
	for _, f := range findings {
		if slices.ContainsFunc(names(&f), func(id string) bool { return own[strings.ToUpper(id)] }) {
			e.Findings = append(e.Findings, f)
		}
		if strings.EqualFold(f.ID, e.ID) { // an end of life is in no feed by its name
			e.ID = f.ID
		}
	}
	slices.SortStableFunc(e.Findings, func(a, b Finding) int { return compareBools(a.Quieted != nil, b.Quieted != nil) })
	all := slices.Clone(e.problem.IDs)
	if len(e.Findings) > 0 {
		e.Title = e.Findings[0].Title
	}
	if len(e.problem.Mends) == 0 { // of the problems that an erratum mends none gives it a name
		if len(e.Findings) > 0 {
			all = append(names(&e.Findings[0]), all...)
		}
		if i := slices.IndexFunc(all, isCVE); i >= 0 && !isCVE(e.ID) {
			e.ID = all[i]
		}
	}
	slices.SortFunc(all, advisory.CompareIDs)
	for _, id := range slices.Compact(all) {
		switch {
		case id == e.ID:
		case mendsSeveral(id):
			e.MendedBy = append(e.MendedBy, id)
		default:
			e.Aliases = append(e.Aliases, id)
		}
	}
}

// own gives the names of the problem, in upper case, and spells the one that was asked for as its publisher does.
func (e *explainer) own() map[string]bool {
	own := map[string]bool{strings.ToUpper(e.ID): true}
	for _, id := range e.problem.IDs {
		if strings.EqualFold(id, e.ID) {
			e.ID = id
		} else if !mendsSeveral(id) {
			own[strings.ToUpper(id)] = true
		}
	}
	return own
}

func isCVE(id string) bool { return strings.HasPrefix(id, "CVE-") }

// mendsSeveral says whether an id is that of an advisory that may mend several problems at once.
func mendsSeveral(id string) bool {
	return advisory.IsErratum(id) || hasPrefix(id, "DSA-", "DLA-", "USN-", "LSN-")
}

// consider holds the packages that the problem names, and that have no finding of it, against its records.
func (e *explainer) consider(inv *inventory.Inventory) error {
	e.aboard = map[string]bool{}
	affected := map[string]bool{}
	for _, f := range e.Findings {
		affected[f.Package] = true
	}
	at := map[string]int{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Unpublished {
			continue
		}
		if affected[p.PURL] {
			for _, s := range subjects(p) {
				e.aboard[advisory.Key(s.base, s.name)] = true
			}
			continue
		}
		considered, err := e.ruled(p)
		if err != nil {
			return err
		}
		for _, c := range considered {
			key := strings.Join([]string{c.Ecosystem, c.Name, c.Version}, "\x00")
			if n, ok := at[key]; ok {
				e.Considered[n].Packages = append(e.Considered[n].Packages, p.PURL)
				continue
			}
			at[key] = len(e.Considered)
			e.Considered = append(e.Considered, c)
		}
	}
	e.dropSilent()
	slices.SortStableFunc(e.Considered, func(a, b Considered) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	for _, p := range e.problem.Packages {
		if !e.aboard[advisory.Key(p.Ecosystem, p.Name)] {
			e.Absent = append(e.Absent, p)
		}
	}
	return e.title()
}

// title takes the problem's title from a record of a package that is not aboard, where those aboard give none.
func (e *explainer) title() error {
	const most = 8 // packages to look into: one title is as good as another
	for _, p := range e.Absent[:min(most, len(e.Absent))] {
		if e.Title != "" {
			return nil
		}
		records, err := e.adv.Records(p.Ecosystem, p.Name)
		if err != nil {
			return fmt.Errorf("advisories for %s %s: %w", p.Ecosystem, p.Name, err)
		}
		for i := range records {
			if r := &records[i]; e.records[r.ID] && !mendsSeveral(r.ID) {
				e.Title = cmp.Or(e.Title, r.Summary)
			}
		}
	}
	return nil
}

// dropSilent leaves out what its own ecosystem does not name where that names another package for the problem: distributions
// cut up the same sources in different ways, and one package's name is there another's.
func (e *explainer) dropSilent() {
	spoken := map[string]bool{}
	for _, c := range e.Considered {
		spoken[c.Ecosystem] = spoken[c.Ecosystem] || c.Rulings[0].Outcome != Unnamed
	}
	for _, f := range e.Findings {
		spoken[f.Of.Ecosystem] = true
	}
	e.Considered = slices.DeleteFunc(e.Considered, func(c Considered) bool {
		return c.Rulings[0].Outcome == Unnamed && spoken[c.Ecosystem]
	})
}

// ruled holds a package against the problem's records, under each of its names. That no record names it under one is told once, and only
// where none does under another.
func (e *explainer) ruled(p *inventory.Package) ([]Considered, error) {
	var spoken, silent []Considered
	for _, s := range subjects(p) {
		rulings, err := e.rulings(s)
		if err != nil {
			return nil, err
		}
		c := Considered{Name: s.name, Version: s.text, Ecosystem: s.ecosystem, Packages: []string{p.PURL}, Rulings: rulings, Of: p}
		switch {
		case rulings == nil:
		case rulings[0].Advisory == "":
			silent = append(silent, c)
		default:
			spoken = append(spoken, c)
		}
	}
	if spoken == nil {
		return silent[:min(1, len(silent))], nil
	}
	return spoken, nil
}

// rulings gives what the problem's records say of a subject; nil where none names it.
func (e *explainer) rulings(s *subject) ([]Ruling, error) {
	key := advisory.Key(s.base, s.name)
	switch {
	case s.base == "" || !e.covers(s.ecosystem):
		return e.silent(s, Unfed, "no advisory feed for "+origin(s.pkg)+" says whether it is affected"), nil
	case !e.wanted[key] && advisory.IsDistribution(s.base):
		return e.silent(s, Unnamed, "no record of "+s.base+"'s own names it"), nil
	case !e.wanted[key]:
		return nil, nil
	}
	e.aboard[key] = true
	records, err := e.adv.Records(s.base, s.name)
	if err != nil {
		return nil, fmt.Errorf("advisories for %s %s: %w", s.ecosystem, s.name, err)
	}
	var rulings []Ruling
	for i := range records {
		if r := &records[i]; e.records[r.ID] {
			rulings = append(rulings, s.ruling(r))
			if !mendsSeveral(r.ID) {
				e.Title = cmp.Or(e.Title, r.Summary)
			}
		}
	}
	return rulings, nil
}

// silent speaks of a package of which no record does, where the problem's records name one of that name elsewhere: of
// a distribution's package, in another distribution.
func (e *explainer) silent(s *subject, outcome Outcome, reason string) []Ruling {
	same := func(p advisory.PackageName) bool {
		last := p.Name[strings.LastIndexAny(p.Name, "/:")+1:]
		return (strings.EqualFold(p.Name, s.name) || strings.EqualFold(last, s.name)) &&
			(outcome == Unfed || advisory.IsDistribution(p.Ecosystem))
	}
	if s.name == "" || s.pkg.Owner != "" || !slices.ContainsFunc(e.problem.Packages, same) {
		return nil
	}
	return []Ruling{{Outcome: outcome, Reason: reason}}
}

// ruling holds one record against the subject, as hold does, and says how that came out.
func (s *subject) ruling(r *advisory.Record) Ruling {
	out := Ruling{Advisory: r.ID, Feed: r.Feed}
	switch reason := setAside(r); {
	case reason != "" && !r.Withdrawn.IsZero():
		out.Outcome, out.Reason = Withdrawn, reason+" on "+r.Withdrawn.Format(time.DateOnly)
		return out
	case reason != "":
		out.Outcome, out.Reason = Harmless, reason
		return out
	}
	entries := s.entries(r)
	if len(entries) == 0 {
		out.Outcome, out.Reason = s.elsewhere(r)
		return out
	}
	var nearest verdict
	for _, entry := range entries {
		v, err := s.judge(entry)
		switch {
		case err != nil && out.Outcome == "":
			out.Outcome, out.Reason = Unjudgeable, err.Error()
		case err != nil || out.Outcome == Affects:
		case v.affected:
			out.Outcome, out.Reason = Affects, v.compared
		case out.Outcome != Spares || v.place.beyond(nearest.place):
			nearest = v
			out.Outcome, out.Reason = Spares, s.exculpate(entry, v)
		}
	}
	return out
}

// elsewhere says of what a record speaks that names the package, but none of its kind.
func (s *subject) elsewhere(r *advisory.Record) (Outcome, string) {
	var others []string
	for i := range r.Affected {
		entry := &r.Affected[i]
		if s.fits(entry.Ecosystem) {
			return OtherBuild, "speaks of builds of another module or stream, not of " + s.text
		}
		if !slices.Contains(others, entry.Ecosystem) {
			others = append(others, entry.Ecosystem)
		}
	}
	return OtherRelease, fmt.Sprintf("speaks of %s, not of %s", listed(others, 3), s.ecosystem)
}

// listed writes the first few of a list.
func listed(list []string, most int) string {
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}
