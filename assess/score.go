package assess

import (
	"cmp"
	"math"
	"slices"
	"time"

	"tidewaiter/match"
	"tidewaiter/vex"
)

// Cost is what one finding or one goal takes from the score.
type Cost struct {
	// ID and Package are the finding's; Goal is the goal's name instead.
	ID      string `json:"id,omitempty"`
	Package string `json:"package,omitempty"`
	Goal    string `json:"goal,omitempty"`
	// Where is the place of malware or a secret, which have no package.
	Where string `json:"where,omitempty"`
	// Points add up, over all costs.
	Points float64 `json:"points"`
}

// Points that a finding costs by its priority, before what makes it lighter or heavier. They are ours: each priority weighs about four
// of the one below it.
const (
	immediatePoints  = 40
	outOfCyclePoints = 10
	scheduledPoints  = 2.5
	deferPoints      = 0.5
	maliciousPoints  = 80
	// overdueFactor makes heavier what should have been fixed; loweredFactor and repeatFactor make lighter what a rule holds to be
	// unlikely to matter, and the same problem in packages besides that in which it costs most.
	overdueFactor = 1.5
	loweredFactor = 0.2
	repeatFactor  = 0.1

	failedGoalPoints  = 5
	unknownGoalPoints = 2
)

// scale is the points at which half of the score's logarithm's first step is gone; steepness how fast it falls.
const (
	scale     = 30
	steepness = 1.5
)

// Score turns points into 0 to 100: 100 / (1 + ln(1 + points/30) / 1.5). It falls with every point however many there are, fast at
// first and ever slower, so that a step of a tenth of the points shows as well far down as near the top.
// It is rounded to a billionth, so that the least of tens of thousands of findings still shows.
func Score(costs []Cost) float64 {
	var points float64
	for _, c := range costs {
		points += c.Points
	}
	return scoreOf(points)
}

func scoreOf(points float64) float64 {
	return roundScore(100 / (1 + math.Log1p(roundPoints(points)/scale)/steepness))
}

// roundPoints rounds to a thousandth, of which all points are a multiple: what they add up to is then the same in any order.
func roundPoints(points float64) float64 { return math.Round(points*1e3) / 1e3 }

// roundScore rounds a score, or a difference of two, to a billionth.
func roundScore(score float64) float64 { return math.Round(score*1e9) / 1e9 }

// Grade gives the letter of a score: A from 90, B from 75, C from 60, D from 45, E from 30, F below.
func Grade(score float64) string {
	for _, g := range []struct {
		from  float64
		grade string
	}{{90, "A"}, {75, "B"}, {60, "C"}, {45, "D"}, {30, "E"}} {
		if score >= g.from {
			return g.grade
		}
	}
	return "F"
}

// costs takes the score apart: what each standing finding, malware, secrets, and each goal that is not met cost, the dearest first.
func costs(s *Subject, standing []*match.Finding, goals []GoalResult, now time.Time) []Cost {
	var list []Cost
	dearest := map[string]int{} // by id, the place in the list of the finding that costs most
	for _, f := range standing {
		at := len(list)
		list = append(list, Cost{ID: f.ID, Package: f.Package, Points: findingPoints(f, now)})
		if best, ok := dearest[f.ID]; !ok || list[at].Points > list[best].Points {
			dearest[f.ID] = at
		}
	}
	for i := range list {
		if dearest[list[i].ID] != i {
			list[i].Points *= repeatFactor
		}
		list[i].Points = roundPoints(list[i].Points)
	}
	list = append(list, contrabandCosts(s)...)
	for _, g := range goals {
		if points := goalPoints(g); points > 0 {
			list = append(list, Cost{Goal: g.Name, Points: points})
		}
	}
	slices.SortStableFunc(list, func(a, b Cost) int { return -cmp.Compare(a.Points, b.Points) })
	return list
}

// contrabandCosts are what malware and secrets cost, each place once. What one rule finds in further places costs less, as with findings.
func contrabandCosts(s *Subject) []Cost {
	var list []Cost
	seen := map[string]bool{}
	for _, c := range standingContraband(s, vex.Malware, vex.Secret) {
		cost := Cost{ID: c.id, Where: c.where(), Points: contrabandPoints(&c)}
		if seen[c.id] { // the gravest comes first
			cost.Points *= repeatFactor
		}
		seen[c.id] = true
		cost.Points = roundPoints(cost.Points)
		list = append(list, cost)
	}
	return list
}

func contrabandPoints(c *contraband) float64 {
	switch {
	case c.kind == vex.Malware && c.grave():
		return maliciousPoints
	case c.severity == match.Critical:
		return immediatePoints
	case c.severity == match.High, c.kind == vex.Malware && c.severity.Rank() <= match.Unknown.Rank():
		return outOfCyclePoints
	case c.severity.Rank() <= match.Unknown.Rank():
		return scheduledPoints
	}
	return deferPoints
}

// standingFirst gives the findings that nothing quiets, those to look at first in front.
func standingFirst(findings []match.Finding) []*match.Finding {
	var list []*match.Finding
	for i := range findings {
		if f := &findings[i]; f.Quieted == nil {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, compareFindings)
	return list
}

func goalPoints(g GoalResult) float64 {
	switch {
	case g.Name == "score": // it would count itself
	case g.Name == BindingGoal: // of who may run it where, and of nothing aboard
	case g.Name == ExposureGoal && g.Verdict == Unknown: // of where the image comes from, and of nothing aboard
	case g.Verdict == Fail:
		return failedGoalPoints
	case g.Verdict == Unknown:
		return unknownGoalPoints
	}
	return 0
}

func findingPoints(f *match.Finding, now time.Time) float64 {
	if f.Malicious {
		return maliciousPoints
	}
	points := deferPoints
	switch f.Priority {
	case match.Immediate:
		points = immediatePoints
	case match.OutOfCycle:
		points = outOfCyclePoints
	case match.Scheduled:
		points = scheduledPoints
	}
	if Overdue(f, now) {
		points *= overdueFactor
	}
	if f.Lowered != nil {
		points *= loweredFactor
	}
	return points
}

// Overdue says whether a finding should have been fixed before the day of now.
func Overdue(f *match.Finding, now time.Time) bool {
	return f.Due != "" && f.Due < now.UTC().Format(time.DateOnly)
}
