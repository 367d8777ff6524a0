package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// bar is one bar of a chart: Part is its share of the longest, in percent.
type bar struct {
	Name, Note string
	Value      float64
	Part       float64
	Class      string
}

// priorityBars counts standing problems by priority; of one in several packages the most urgent counts.
func priorityBars(findings []match.Finding) []bar {
	urgency := map[string]int{}
	for i := range findings {
		f := &findings[i]
		u := min(assess.Urgency(f.Priority), assess.Urgency(match.Defer))
		if f.Malicious {
			u = assess.Urgency(match.Immediate)
		}
		if had, ok := urgency[f.ID]; !ok || u < had {
			urgency[f.ID] = u
		}
	}
	var bars []bar
	for _, p := range []match.Priority{match.Immediate, match.OutOfCycle, match.Scheduled, match.Defer} {
		bars = append(bars, bar{Name: string(p), Class: string(p)})
	}
	for _, u := range urgency {
		bars[u].Value++
	}
	for i := range bars {
		bars[i].Note = number(int(bars[i].Value))
	}
	return scaled(bars)
}

// shownBars is how many bars a chart has at most: the rest is put together in one.
const shownBars = 8

// costBars says which packages and which layers take most from the score.
func costBars(r *Report) (packages, layers []bar) {
	of := map[string]*match.Finding{}
	for i := range r.Findings {
		of[r.Findings[i].Package] = &r.Findings[i]
	}
	byPackage, byLayer := map[string]float64{}, map[string]float64{}
	for _, c := range r.Assessment.Costs {
		f := of[c.Package]
		switch {
		case c.Goal != "":
			byPackage["goal "+c.Goal] += c.Points
			byLayer["goals"] += c.Points
		case f != nil:
			name := f.Of.Name[strings.LastIndexByte(f.Of.Name, ':')+1:] // Maven's groups are long
			byPackage[name+" "+f.Of.Version] += c.Points
			byLayer[layerName(f)] += c.Points
		}
	}
	return largest(byPackage), largest(byLayer)
}

func layerName(f *match.Finding) string {
	if f.Layer == nil {
		return "no layer is known"
	}
	return strings.TrimSpace(fmt.Sprintf("layer %d  %s", *f.Layer, f.Instruction))
}

func largest(points map[string]float64) []bar {
	var bars []bar
	for name, value := range points {
		bars = append(bars, bar{Name: name, Value: value})
	}
	slices.SortFunc(bars, func(a, b bar) int { return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Name, b.Name)) })
	if len(bars) > shownBars {
		rest := bar{Name: fmt.Sprintf("%d others", len(bars)-shownBars+1)}
		for _, b := range bars[shownBars-1:] {
			rest.Value += b.Value
		}
		bars = append(bars[:shownBars-1], rest)
	}
	for i := range bars {
		bars[i].Note = fmt.Sprintf("%.1f", bars[i].Value)
	}
	return scaled(bars)
}

func scaled(bars []bar) []bar {
	longest := 0.0
	for _, b := range bars {
		longest = max(longest, b.Value)
	}
	for i := range bars {
		if longest > 0 {
			bars[i].Part = math.Round(1000*bars[i].Value/longest) / 10
		}
	}
	return bars
}

// gauge is a half circle of radius 80 about (100, 100) that is filled as far as the score goes.
type gauge struct {
	// Filled and Length are the lengths of the filled arc and of the whole one.
	Filled, Length float64
	// X1 to Y2 are the mark of the goal.
	X1, Y1, X2, Y2 float64
	Goal           bool
}

func newGauge(score, goal float64) gauge {
	const radius = 80
	g := gauge{Length: round(math.Pi * radius), Goal: goal > 0}
	g.Filled = round(g.Length * score / 100)
	angle := math.Pi * (1 - goal/100)
	g.X1, g.Y1 = round(100+68*math.Cos(angle)), round(100-68*math.Sin(angle))
	g.X2, g.Y2 = round(100+92*math.Cos(angle)), round(100-92*math.Sin(angle))
	return g
}

func round(x float64) float64 { return math.Round(10*x) / 10 }
