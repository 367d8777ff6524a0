package assess

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"tidewaiter/inventory"
	"tidewaiter/match"
)

// problem is the identity of a finding whatever the version of its package, and whatever the problem was called.
type problem struct {
	id, purlType, name, place string
}

func compareProblems(a, b problem) int {
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.purlType, b.purlType), cmp.Compare(a.name, b.name), cmp.Compare(a.place, b.place))
}

// chain is the way of every finding through the stages.
type chain struct {
	stages []Stage
	// at has, by stage, the findings of each problem, the worst first.
	at []map[problem][]*match.Finding
	// versions has, by stage, the versions of each package.
	versions []map[packageName]map[string]bool
}

func newChain(stages []Stage) *chain {
	c := &chain{stages: stages}
	now := currentNames(stages)
	copies := placedCopies(stages[0].Subject, stages[len(stages)-1].Subject)
	for _, s := range stages {
		at := map[problem][]*match.Finding{}
		for i := range s.Subject.Findings {
			f := &s.Subject.Findings[i]
			for _, p := range problemsOf(f, now, copies) {
				at[p] = append(at[p], f)
			}
		}
		for _, list := range at {
			slices.SortStableFunc(list, func(a, b *match.Finding) int { return cmp.Or(first(standsIn(a), standsIn(b)), compareFindings(a, b)) })
		}
		c.at = append(c.at, at)
		versions := map[packageName]map[string]bool{}
		for i := range s.Subject.Packages {
			p := &s.Subject.Packages[i]
			key := nameOf(p)
			if versions[key] == nil {
				versions[key] = map[string]bool{}
			}
			versions[key][p.Version] = true
		}
		c.versions = append(c.versions, versions)
	}
	return c
}

// answered gives the stages with the answers of rules that could not look into the image: they are taken to have said what they say of the
// last image or, where that cannot be looked into either, of the first. So no rule changes anything by not having been asked.
func answered(stages []Stage) []Stage {
	out := make([]Stage, len(stages))
	for i, s := range stages {
		out[i] = s
		out[i].Subject = s.Subject.copied()
	}
	c := newChain(out)
	last := len(out) - 1
	for i := range out {
		for _, p := range slices.SortedFunc(maps.Keys(c.at[i]), compareProblems) { // one finding may be of several: the last decides
			for _, f := range c.at[i][p] {
				for _, rule := range f.Unasked {
					for _, end := range []int{last, 0} {
						if other := c.asked(end, p, f, rule); end != i && other != nil {
							answer(f, rule, other)
							break
						}
					}
				}
			}
		}
	}
	return out
}

// asked gives the finding of a stage that tells what a rule says of another stage's: that of the same package, if there is one. It is nil where the
// rule was not asked there.
func (c *chain) asked(stage int, p problem, f *match.Finding, rule string) *match.Finding {
	list := c.at[stage][p]
	if len(list) == 0 || slices.Contains(list[0].Unasked, rule) || c.stages[stage].Subject.Rules[rule] == match.Off {
		return nil
	}
	at := slices.IndexFunc(list, func(other *match.Finding) bool { return f.Of != nil && other.Of != nil && other.Of.Name == f.Of.Name })
	return list[max(at, 0)]
}

// answer has a rule say of a finding what it says of another.
func answer(f *match.Finding, rule string, other *match.Finding) {
	if f.KEV != nil || f.Malicious {
		return
	}
	by := func(l match.Lowered) bool { return l.By == rule }
	f.Lowered = slices.DeleteFunc(slices.Clone(f.Lowered), by)
	if at := slices.IndexFunc(other.Lowered, by); at >= 0 {
		f.Lowered = append(f.Lowered, other.Lowered[at])
	}
	if f.Quieted != nil && f.Quieted.By == rule {
		f.Quieted = nil
	}
	if f.Quieted == nil && other.Quieted != nil && other.Quieted.By == rule {
		f.Quieted = other.Quieted
	}
}

// problemOf is the identity of a finding under one of its names. Binary packages of a distribution change their names with their versions
// (libperl5.36), and it is their source that has the problem.
func problemOf(f *match.Finding, id string) problem {
	if f.Of == nil {
		return problem{id: id}
	}
	key := nameOf(f.Of)
	return problem{id: id, purlType: key.purlType, name: key.name}
}

func nameOf(p *inventory.Package) packageName {
	if p.OfDistribution() && p.Source != nil && p.Source.Name != "" {
		return packageName{p.Type, p.Source.Name}
	}
	return packageName{p.Type, p.Name}
}

// problemsOf gives the identities of a finding: one, or one for each copy of its package.
func problemsOf(f *match.Finding, now map[problem]string, copies map[packageName]bool) []problem {
	p := problemOf(f, f.ID)
	if name := now[p]; name != "" {
		p.id = name
	}
	if !copies[packageName{p.purlType, p.name}] || len(f.Paths) == 0 {
		return []problem{p}
	}
	const most = 1000 // copies of one version
	var out []problem
	had := map[string]bool{}
	for _, at := range firstOf(f.Paths, most) {
		if p.place = placeOf(at, f.Of.Version); !had[p.place] {
			had[p.place] = true
			out = append(out, p)
		}
	}
	return out
}

// placeOf is a path without the version that is in it.
func placeOf(at, version string) string {
	if !strings.Contains(version, ".") { // it might be any number in the path
		return at
	}
	return strings.ReplaceAll(at, version, "*")
}

// placedCopies finds the packages of languages of which one of the two images has several copies, and of which a copy lies where the other has
// one as well. Their findings are told apart by place.
func placedCopies(from, to *Subject) map[packageName]bool {
	places := func(s *Subject) map[packageName][]string {
		out := map[packageName][]string{}
		for i := range s.Packages {
			p := &s.Packages[i]
			if p.OfDistribution() {
				continue
			}
			key := nameOf(p)
			for _, at := range p.Paths {
				out[key] = append(out[key], placeOf(at, p.Version))
			}
		}
		return out
	}
	a, b := places(from), places(to)
	copies := map[packageName]bool{}
	for key, list := range a {
		several := len(list) > 1 || len(b[key]) > 1
		if !several || len(b[key]) == 0 {
			continue
		}
		had := map[string]bool{}
		for _, at := range list {
			had[at] = true
		}
		copies[key] = slices.ContainsFunc(b[key], func(at string) bool { return had[at] })
	}
	return copies
}

// currentNames finds the problems that changed their names: an advisory that got its CVE later. Two names are of one problem where a finding
// of the one has the other as alias, and no stage has a finding of each in the same package. The name that counts is that of the last stage.
func currentNames(stages []Stage) map[problem]string {
	in := map[problem]int{} // the stages that have a finding of the name, as bits
	for i, s := range stages {
		for j := range s.Subject.Findings {
			f := &s.Subject.Findings[j]
			in[problemOf(f, f.ID)] |= 1 << i
		}
	}
	now := map[problem]string{}
	for _, s := range slices.Backward(stages) {
		for j := range s.Subject.Findings {
			f := &s.Subject.Findings[j]
			own := problemOf(f, f.ID)
			for _, alias := range f.Aliases {
				other := problemOf(f, alias)
				if in[other] == 0 || in[own]&in[other] != 0 || now[own] != "" || now[other] != "" {
					continue
				}
				if in[own] > in[other] { // the higher bit is the later stage
					now[other] = own.id
				} else {
					now[own] = other.id
				}
				in[own] |= in[other]
				in[other] = in[own]
			}
		}
	}
	return now
}
