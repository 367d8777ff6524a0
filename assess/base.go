package assess

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// BaseCandidate is an image that the subject might be built on: a newer build of the same tag, or another tag of the same repository; or
// its own base, as far as that is known.
type BaseCandidate struct {
	// Reference is its name with a tag, as it would stand in a FROM: "debian:12.9-slim".
	Reference string
	// Digest is that of its manifest, and Index that of the index that it was chosen from; empty where there is none.
	Digest, Index string
	Platform      string
	// DiffIDs are the digests of its uncompressed layers, the lowest first.
	DiffIDs []string
	// Created is when its config says that it was made; zero where it says nothing.
	Created time.Time
	// Size is that of its stored layers, in bytes; 0 where it is not known.
	Size int64
	// User is what its config runs as; empty means root.
	User string
	OS   inventory.OS
	// Packages are what it has aboard; nil where that was not looked for.
	Packages []inventory.Package
	// Findings are those of its packages, by the same advisories as the subject's.
	Findings []match.Finding
	// Rebuilt are the findings of the packages that the subject's own instructions would install from its distribution's repository: the
	// newest that it has. It is used where the distribution's release is another than the subject's.
	Rebuilt []match.Finding
}

// BaseComparison is what one candidate would be as the base, beside what is the base now.
type BaseComparison struct {
	Reference string    `json:"reference"`
	Digest    string    `json:"digest,omitempty"`
	Created   time.Time `json:"created,omitzero"`
	// Current says that it is the base now.
	Current bool `json:"current,omitempty"`
	// Size is that of the stored layers, in bytes; Packages how many are aboard; absent where that is not known.
	Size     int64 `json:"size,omitempty"`
	Packages int   `json:"packages,omitempty"`
	// Problems counts those of its packages by severity, each once however many packages have it; absent where its packages are not known.
	Problems map[match.Level]int `json:"problems,omitempty"`
	// Gain is how far the score would go.
	Gain float64 `json:"gain,omitempty"`
	// Loses are what the image uses and would miss.
	Loses []string `json:"loses,omitempty"`
}

// isUnder says whether the candidate's layers are the lowest ones of the subject: it is the base, or the base of the base.
func (c *BaseCandidate) isUnder(s *Subject) bool {
	if len(c.DiffIDs) == 0 || len(c.DiffIDs) > len(s.Image.Layers) {
		return false
	}
	for i, id := range c.DiffIDs {
		if s.Image.Layers[i].DiffID != id {
			return false
		}
	}
	return true
}

// isBase says whether the candidate is what the subject was built on.
func (c *BaseCandidate) isBase(s *Subject) bool {
	b := s.Image.Base
	switch {
	case b == nil:
		return false
	case b.Digest != "" && (b.Digest == c.Digest || b.Digest == c.Index):
		return true
	}
	return b.Layers > 0 && len(c.DiffIDs) == b.Layers && c.isUnder(s)
}

// NewerBuild gives the newest build of the tag that the subject's base has, where it is another than the base itself; nil where none is
// known. Of several builds the newest is that which was made last, of those of one time the first; what was made before the base itself is
// not newer. Builds that can be repeated to the byte often say the same time.
func NewerBuild(s *Subject, bases []BaseCandidate) *BaseCandidate {
	if s.Image.Base == nil || s.Image.Base.Reference == "" {
		return nil
	}
	var newest, current *BaseCandidate
	for i := range bases {
		c := &bases[i]
		switch {
		case c.isBase(s):
			current = c
		case !fits(s, c) || !sameImage(c.Reference, s.Image.Base.Reference) || c.isUnder(s):
		case newest == nil || c.Created.After(newest.Created):
			newest = c
		}
	}
	if newest != nil && current != nil && newest.Created.Before(current.Created) {
		return nil
	}
	return newest
}

// fits says whether a candidate is for the subject's platform.
func fits(s *Subject, c *BaseCandidate) bool {
	return c.Platform == "" || s.Image.Platform == "" || c.Platform == s.Image.Platform
}

// BaseTag gives the repository and the tag that a reference names, as people write them: "debian" and "12-slim" for
// docker.io/library/debian:12-slim.
func BaseTag(reference string) (repository, tag string) {
	repository, tag, _ = splitReference(familiarName(reference))
	return repository, cmp.Or(tag, "latest")
}

// sameImage says whether two references name the same tag of the same repository.
func sameImage(a, b string) bool {
	repositoryA, tagA := BaseTag(a)
	repositoryB, tagB := BaseTag(b)
	return repositoryA == repositoryB && tagA == tagB
}

// sameRepository says whether two references name the same repository.
func sameRepository(a, b string) bool {
	repositoryA, _ := BaseTag(a)
	repositoryB, _ := BaseTag(b)
	return repositoryA == repositoryB
}

// basePlans refresh the base or move it to another tag.
func basePlans(s *Subject, env Environment, o Options) []plan {
	b := s.Image.Base
	if b == nil || b.Layers == 0 || b.Reference == "" {
		return nil
	}
	newer := NewerBuild(s, o.Bases)
	latest := map[string]*BaseCandidate{} // the newest of each tag
	for i := range o.Bases {
		c := &o.Bases[i]
		if !fits(s, c) || c.Packages == nil || c.isBase(s) || !sameRepository(c.Reference, b.Reference) || sameImage(c.Reference, b.Reference) {
			continue
		}
		if had := latest[c.Reference]; had == nil || c.Created.After(had.Created) {
			latest[c.Reference] = c
		}
	}
	var plans []plan
	if newer != nil && newer.Packages != nil {
		plans = append(plans, candidatePlan(s, env, o, newer, RefreshBase))
	}
	for _, name := range slices.Sorted(maps.Keys(latest)) {
		plans = append(plans, candidatePlan(s, env, o, latest[name], MoveBase))
	}
	return plans
}

func candidatePlan(s *Subject, env Environment, o Options, c *BaseCandidate, kind StepKind) plan {
	m := mover{subject: s, to: c, release: s.Image.OS != nil && s.Image.OS.ID == c.OS.ID && s.Image.OS.Ecosystem() == c.OS.Ecosystem()}
	p := plan{base: c, sameRelease: m.release, Step: Step{Kind: kind, Loses: losses(s, c, o), Cost: StepCost{Change: m.change()}}}
	for i := range s.Findings {
		if m.ends(&s.Findings[i]) {
			p.ends = append(p.ends, i)
		}
	}
	p.Cost.Packages = m.moved(p.ends)
	brings := slices.Clone(c.Findings)
	if !m.release {
		brings = append(brings, c.Rebuilt...)
	}
	p.brings = m.take(brings, env, o)
	m.name(&p, o)
	return p
}

// mover compares a subject with what it would be on another base.
type mover struct {
	subject *Subject
	to      *BaseCandidate
	// release says that the distribution's release stays the same, so that the image's own instructions install the same packages, in
	// their newest version.
	release bool
}

// ends says whether a finding ends with the base that it is of. What the image's own instructions install is installed anew.
func (m *mover) ends(f *match.Finding) bool {
	switch {
	case isDistribution(m.subject, f):
		return true
	case f.Malicious:
		return false
	case f.Of.Origin == inventory.OfBase:
		return true
	case !f.Of.OfDistribution() || f.Of.Origin == inventory.OfBoth:
		return false
	case m.release:
		return m.subject.installedHere(f.Of) && pin(f.Of) == "" && fix(*f) != ""
	}
	return m.subject.installedHere(f.Of)
}

// take gives the findings of another base as they would be in the subject: what is said there of the same problem of the same package, that
// something quiets or lowers it, holds for them, too.
func (m *mover) take(brings []match.Finding, env Environment, o Options) []match.Finding {
	type problem struct{ name, id string }
	had, unreached := map[problem]*match.Finding{}, map[string][]match.Lowered{}
	for i := range m.subject.Findings {
		f := &m.subject.Findings[i]
		had[problem{f.Of.Name, f.ID}] = f
		for _, l := range f.Lowered {
			if l.By == notReached {
				unreached[f.Of.Name] = []match.Lowered{l}
			}
		}
	}
	for i := range brings {
		f := &brings[i]
		if same := had[problem{f.Of.Name, f.ID}]; same != nil {
			f.Lowered, f.Quieted = same.Lowered, same.Quieted
		} else if f.Lowered == nil {
			f.Lowered = unreached[f.Of.Name]
		}
		decideOne(f, env, o)
	}
	return brings
}

// notReached is the rule of package match that goes by the image as a whole, which nothing can be said of before it is built.
const notReached = "not-reached"

// moved counts the packages of the base that have another version afterwards, are gone or are new, and the image's own that are upgraded on
// the way.
func (m *mover) moved(ends []int) int {
	before := map[string]string{}
	for i := range m.subject.Packages {
		if p := &m.subject.Packages[i]; p.Origin == inventory.OfBase {
			before[p.Type+" "+p.Name] = p.Version
		}
	}
	own := map[string]bool{}
	for _, i := range ends {
		if p := m.subject.Findings[i].Of; p.OfDistribution() && p.Origin != inventory.OfBase {
			own[p.PURL] = true
		}
	}
	n := len(own)
	for i := range m.to.Packages {
		p := &m.to.Packages[i]
		if v, ok := before[p.Type+" "+p.Name]; !ok || v != p.Version {
			n++
		}
		delete(before, p.Type+" "+p.Name)
	}
	return n + len(before)
}

// change says how far the base moves: by the distribution's release and by the tag's versions, whichever is farther.
func (m *mover) change() string {
	from := m.subject.Image.Base.Reference
	if sameImage(from, m.to.Reference) {
		return Rebuilt
	}
	if os := m.subject.Image.OS; os != nil && (os.ID != m.to.OS.ID || !m.release && os.ID != "alpine") {
		return Major
	}
	_, a := BaseTag(from)
	_, b := BaseTag(m.to.Reference)
	return tagChange(a, b)
}

// name fills in what the plan is called, where it is made and how.
func (m *mover) name(p *plan, o Options) {
	s, to := m.subject, m.to
	repository, tag := BaseTag(s.Image.Base.Reference)
	_, toTag := BaseTag(to.Reference)
	p.Title = fmt.Sprintf("move the base %s:%s -> %s", repository, tag, toTag)
	if p.Kind == RefreshBase {
		p.Title = fmt.Sprintf("refresh the base %s:%s, rebuild only", repository, tag)
	}
	line := s.Image.Base.DockerfileLine
	from, fromLine := o.Dockerfile.Base(line)
	line = cmp.Or(line, fromLine)
	p.Where = "FROM " + cmp.Or(from, repository+":"+tag)
	if line > 0 {
		p.Where = fmt.Sprintf("%s:%d", o.Dockerfile.nameOr("Dockerfile"), line)
	}
	edit, err := o.Dockerfile.SetBase(line, repository+":"+toTag, cmp.Or(to.Index, to.Digest))
	p.Edit, p.Command = edit, s.build()
	if given := (*buildArgError)(nil); errors.As(err, &given) {
		p.Command = strings.TrimSuffix(p.Command, ".") + given.flag() + " ."
	} else if err != nil && p.Kind == MoveBase && o.Dockerfile != nil {
		p.Note = err.Error()
	}
	if !m.release && !slices.ContainsFunc(to.Packages, func(q inventory.Package) bool { return q.Type == s.packageType() }) {
		p.Note = "another distribution: the instructions that install packages have to be written anew"
	}
}

// packageType is the purl type of the subject's distribution's packages; empty where it has none.
func (s *Subject) packageType() string {
	for i := range s.Packages {
		if s.Packages[i].OfDistribution() {
			return s.Packages[i].Type
		}
	}
	return ""
}

// pickBases leaves, of the plans that change the base, those that a colleague would speak of: for each distance of change the one that gains
// most, and only where it gains more than what costs less.
func pickBases(plans []plan) []plan {
	var bases []*plan
	for i := range plans {
		if plans[i].base != nil {
			bases = append(bases, &plans[i])
		}
	}
	slices.SortStableFunc(bases, func(a, b *plan) int {
		return cmp.Or(cmp.Compare(a.effort(), b.effort()), -cmp.Compare(a.Gain, b.Gain), cmp.Compare(a.base.Size, b.base.Size),
			cmp.Compare(a.Title, b.Title))
	})
	best, effort := math.Inf(-1), 0.0
	kept := map[*plan]bool{}
	for _, p := range bases {
		if p.Gain > best && (p.effort() != effort || len(kept) == 0) {
			kept[p], best, effort = true, p.Gain, p.effort()
		}
	}
	var out []plan
	for i := range plans {
		if plans[i].base == nil || kept[&plans[i]] {
			out = append(out, plans[i])
		}
	}
	return out
}

// losses are what the image uses of its base and would miss on another one: packages that files of its own, or what it starts, need.
func losses(s *Subject, to *BaseCandidate, o Options) []string {
	has := map[string]bool{}
	for i := range to.Packages {
		has[to.Packages[i].Name] = true
	}
	var lost []string
	for i := range s.Packages {
		p := &s.Packages[i]
		if by := o.Needs[p.PURL]; p.Origin == inventory.OfBase && len(by) > 0 && !has[p.Name] {
			line := fmt.Sprintf("%s: %s needs it", p.Name, by[0])
			if len(by) > 1 {
				line = fmt.Sprintf("%s: %s and %d more need it", p.Name, by[0], len(by)-1)
			}
			lost = append(lost, line)
		}
	}
	slices.Sort(lost)
	return slices.Compact(lost)
}

// compareBases lays the candidates beside what is the base now.
func compareBases(s *Subject, plans []plan, o Options) []BaseComparison {
	var list []BaseComparison
	for i := range o.Bases {
		c := &o.Bases[i]
		if !fits(s, c) {
			continue
		}
		b := BaseComparison{Reference: c.Reference, Digest: c.Digest, Created: c.Created, Size: c.Size, Packages: len(c.Packages), Current: c.isBase(s)}
		if c.Packages != nil {
			b.Problems = problems(c.Findings)
		}
		known := b.Current
		for _, p := range plans {
			if p.base == c {
				b.Gain, b.Loses, known = p.Gain, p.Loses, true
			}
		}
		if known {
			list = append(list, b)
		}
	}
	slices.SortStableFunc(list, func(a, b BaseComparison) int {
		return cmp.Or(first(a.Current, b.Current), -cmp.Compare(a.Gain, b.Gain), cmp.Compare(a.Reference, b.Reference), cmp.Compare(a.Digest, b.Digest))
	})
	return list
}

// problems counts the standing problems by severity, each once.
func problems(findings []match.Finding) map[match.Level]int {
	count, seen := map[match.Level]int{}, map[string]bool{}
	for _, f := range findings {
		if f.Quieted == nil && !seen[f.ID] {
			seen[f.ID] = true
			count[f.Severity]++
		}
	}
	return count
}
