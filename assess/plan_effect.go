package assess

import (
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
	// standing are the indexes of the standing findings; points are what each finding costs where no other has the same problem.
	standing []int
	points   []float64
	// had are the ids of the standing findings.
	had map[string]bool
	// score is that of today, of which goals take goalPoints, and malware and secrets contraband.
	score, goalPoints, contraband float64
	// inTheWay has, by goal, the findings that keep it from being met: as long as one is left, its verdict stays.
	inTheWay [][]int

	// problems number the ids, and problemOf has the number of each finding's.
	problems  map[string]int
	problemOf []int
	// dearest is what the finding of a problem costs that costs most, as far as was added up in this turn.
	dearest []dearest
	turn    int

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
			e.standing, e.had[f.ID], e.points[i] = append(e.standing, i), true, findingPoints(f, o.Now)
		}
	}
	e.contraband = sumOf(contrabandCosts(s))
	e.judgeNow()
	e.score = e.after(&plan{})
	return e
}

// judgeNow notes how the goals come out as it is, and because of which findings.
func (e *effects) judgeNow() {
	indexes := make(map[*match.Finding]int, len(e.standing))
	for _, i := range e.standing {
		indexes[&e.subject.Findings[i]] = i
	}
	j := newJudging(e.subject, e.env, e.options)
	for _, g := range goals() {
		if !g.set(&e.env.Goals) {
			continue
		}
		var list []int
		for _, o := range g.judge(j).offenders {
			if o.finding != nil {
				list = append(list, indexes[o.finding])
			}
		}
		if len(list) > 0 {
			e.inTheWay = append(e.inTheWay, list)
		}
	}
	e.goalPoints = sumOfGoals(slices.Concat(j.all(), e.custom))
}

// judge fills in what a plan closes and opens, and its gain.
func (e *effects) judge(p *plan) {
	p.describe(e.subject, e.had)
	p.Gain = roundScore(e.after(p) - e.score)
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
	points := e.goalPoints + e.contraband
	if !e.keepsVerdicts(p) {
		after := e.subjectAfter(p)
		points = sumOfGoals(slices.Concat(judgeGoals(after, e.env, e.options), e.custom)) + sumOf(contrabandCosts(after))
	}
	return scoreOf(points + e.findingPoints(p))
}

func sumOf(costs []Cost) float64 {
	sum := 0.0
	for _, c := range costs {
		sum += c.Points
	}
	return sum
}

// keepsVerdicts says whether the goals surely come out as they do now, so that thousands of small plans need not each be held against all
// findings: the plan does nothing but end findings, and of each goal's one is left.
func (e *effects) keepsVerdicts(p *plan) bool {
	if len(p.brings) > 0 || p.base != nil || p.supported || len(p.removes) > 0 || !p.ofFindings() {
		return false
	}
	return !slices.ContainsFunc(e.inTheWay, func(list []int) bool {
		return !slices.ContainsFunc(list, func(i int) bool { return !e.dropped[i] })
	})
}

func sumOfGoals(goals []GoalResult) float64 {
	sum := 0.0
	for _, g := range goals {
		sum += goalPoints(g)
	}
	return sum
}

// dearest is the most that a finding of one problem costs, of those added up in a turn.
type dearest struct {
	turn   int
	points float64
}

// findingPoints adds up what the findings cost that would be left, and those that would come: see [costs].
func (e *effects) findingPoints(p *plan) float64 {
	e.turn++
	sum := 0.0
	add := func(problem int, points float64) {
		most := &e.dearest[problem]
		if most.turn != e.turn {
			*most = dearest{turn: e.turn}
		}
		sum += repeatFactor * points
		if more := points - most.points; more > 0 {
			sum += (1 - repeatFactor) * more
			most.points = points
		}
	}
	for _, i := range e.standing {
		if !e.dropped[i] {
			add(e.problemOf[i], e.points[i])
		}
	}
	for i := range p.brings {
		if f := &p.brings[i]; f.Quieted == nil {
			add(e.problem(f.ID), findingPoints(f, e.options.Now))
		}
	}
	return sum
}

// problem gives the number of an id, the same for each.
func (e *effects) problem(id string) int {
	n, ok := e.problems[id]
	if !ok {
		n = len(e.problems)
		e.problems[id], e.dearest = n, append(e.dearest, dearest{})
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
	case p.supported:
		s.BlindSpots = withoutEndOfLife(s.BlindSpots)
	case len(p.removes) > 0:
		s.Packages = nil
		gone := lookup(p.removes)
		for _, q := range e.subject.Packages {
			if !gone[q.PURL] {
				s.Packages = append(s.Packages, q)
			}
		}
	}
	s.clear(p.clears)
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
		s.BlindSpots = withoutEndOfLife(s.BlindSpots)
	}
}

func withoutEndOfLife(spots []image.BlindSpot) []image.BlindSpot {
	return slices.DeleteFunc(slices.Clone(spots), func(b image.BlindSpot) bool { return b.Kind == image.EndOfLife })
}
