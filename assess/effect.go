package assess

import (
	"math"
	"slices"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
)

// effects works out what plans do to the score, by assessing what would be left.
type effects struct {
	subject *Subject
	env     Environment
	options Options
	// custom are the verdicts of the custom goals: they are taken to stay as they are.
	custom []GoalResult
	// order has the standing findings as [Sort] puts them, by index.
	order []int
	// points are what each finding costs, where it is the first of its problem.
	points []float64
	// had are the ids of the standing findings.
	had   map[string]bool
	score float64

	// problems number the ids, and problemOf has the number of each finding's. What was met in this turn is seen.
	problems  map[string]int
	problemOf []int
	seen      []int
	turn      int

	dropped []bool
	left    []match.Finding // reused from plan to plan
}

func newEffects(s *Subject, env Environment, goals []GoalResult, o Options) *effects {
	n := len(s.Findings)
	e := &effects{subject: s, env: env, options: o, had: map[string]bool{}, points: make([]float64, n), dropped: make([]bool, n),
		problems: map[string]int{}, problemOf: make([]int, n)}
	for _, c := range env.Goals.Custom {
		for _, g := range goals {
			if g.Name == c.Name {
				e.custom = append(e.custom, g)
			}
		}
	}
	e.env.Goals.Custom, e.env.Goals.Score = nil, nil
	for i := range s.Findings {
		if f := &s.Findings[i]; f.Quieted == nil {
			e.problemOf[i] = e.problem(f.ID)
			e.order, e.had[f.ID], e.points[i] = append(e.order, i), true, findingPoints(f, o.Now)
		}
	}
	slices.SortStableFunc(e.order, func(a, b int) int { return compareFindings(&s.Findings[a], &s.Findings[b]) })
	e.score = e.after(&plan{})
	return e
}

// judge fills in what a plan closes and opens, and its gain.
func (e *effects) judge(p *plan) {
	p.describe(e.subject, e.had)
	p.Gain = math.Round(1000*(e.after(p)-e.score)) / 1000
}

// after is the score once a plan is carried out.
func (e *effects) after(p *plan) float64 {
	for _, i := range p.ends {
		e.dropped[i] = true
	}
	defer func() {
		for _, i := range p.ends {
			e.dropped[i] = false
		}
	}()
	goals := slices.Concat(judgeGoals(e.subjectAfter(p), e.env, e.options), e.custom)
	points := e.findingPoints(p)
	for _, g := range goals {
		points += goalPoints(g)
	}
	return scoreOf(points)
}

// findingPoints adds up what the findings cost that would be left, and those that would come. Both are in the order of [Sort], in which
// the first of a problem costs most.
func (e *effects) findingPoints(p *plan) float64 {
	brought := make([]*match.Finding, 0, len(p.brings))
	for i := range p.brings {
		if f := &p.brings[i]; f.Quieted == nil {
			brought = append(brought, f)
		}
	}
	slices.SortStableFunc(brought, compareFindings)
	e.turn++
	points := 0.0
	add := func(problem int, cost float64) {
		if e.seen[problem] == e.turn {
			cost *= repeatFactor
		}
		e.seen[problem] = e.turn
		points += cost
	}
	for _, i := range e.order {
		if e.dropped[i] {
			continue
		}
		f := &e.subject.Findings[i]
		for len(brought) > 0 && compareFindings(brought[0], f) < 0 {
			add(e.problem(brought[0].ID), findingPoints(brought[0], e.options.Now))
			brought = brought[1:]
		}
		add(e.problemOf[i], e.points[i])
	}
	for _, f := range brought {
		add(e.problem(f.ID), findingPoints(f, e.options.Now))
	}
	return points
}

// problem gives the number of an id, the same for each.
func (e *effects) problem(id string) int {
	n, ok := e.problems[id]
	if !ok {
		n = len(e.problems)
		e.problems[id], e.seen = n, append(e.seen, 0)
	}
	return n
}

// subjectAfter is the subject as it would be; it is good until the next call.
func (e *effects) subjectAfter(p *plan) *Subject {
	s := *e.subject
	s.Findings = e.left[:0]
	for i := range e.subject.Findings {
		if !e.dropped[i] {
			s.Findings = append(s.Findings, e.subject.Findings[i])
		}
	}
	s.Findings = append(s.Findings, p.brings...)
	e.left = s.Findings
	switch {
	case p.base != nil:
		p.base.putUnder(&s)
	case len(p.removes) > 0:
		s.Packages = nil
		for _, q := range e.subject.Packages {
			if !slices.Contains(p.removes, q.PURL) {
				s.Packages = append(s.Packages, q)
			}
		}
	}
	if p.user != "" {
		config := *s.Image.Config
		config.User = p.user
		s.Image.Config = &config
	}
	return &s
}

// putUnder makes the candidate the base of a subject.
func (c *BaseCandidate) putUnder(s *Subject) {
	packages := slices.Clone(c.Packages)
	for i := range packages {
		packages[i].Origin = inventory.OfBase
	}
	for _, p := range s.Packages {
		if p.Origin != inventory.OfBase {
			packages = append(packages, p)
		}
	}
	s.Packages = packages
	base := *s.Image.Base
	base.Reference, base.Digest = c.Reference, c.Digest
	s.Image.Base = &base
	if c.OS.ID != "" {
		os := c.OS
		s.Image.OS = &os
		s.BlindSpots = slices.DeleteFunc(slices.Clone(s.BlindSpots), func(b image.BlindSpot) bool { return b.Kind == image.EndOfLife })
	}
}
