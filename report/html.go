package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/match"
)

//go:embed html.tmpl
var htmlTemplate string

// HTML writes the report as one page that needs nothing else: it opens from a disk and without a network. Its charts are SVG, its
// script only filters the table.
func HTML(w io.Writer, r *Report) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"clean": Clean, "short": short, "plural": plural, "number": number, "change": change, "closes": closes, "gain": gain,
		"why":  func(f match.Finding) string { return strings.Join(reasons(f), ", ") },
		"spot": func(b image.BlindSpot) string { return spot(b, r.Image.Layers) },
	}).Parse(htmlTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, newPage(r))
}

// page is what the template shows.
type page struct {
	*Report
	Findings         []match.Finding // that stand, the first to look at in front
	Quieted          []match.Finding
	Priorities       []bar
	Sources, Brought []bar
	Gauge            gauge
	Met              int
	Aboard, Unknown  string
}

// bar is one bar of a chart: Part is its share of the longest, in percent.
type bar struct {
	Name, Note string
	Value      float64
	Part       float64
	Class      string
}

func newPage(r *Report) *page {
	p := &page{Report: r, Findings: sorted(match.Standing(r.Findings)), Aboard: aboard(r)}
	for _, f := range sorted(r.Findings) {
		if f.Quieted != nil {
			p.Quieted = append(p.Quieted, f)
		}
	}
	if len(r.BlindSpots) > 0 {
		p.Unknown = unknown(r)
	}
	p.Priorities = priorityBars(p.Findings)
	if a := r.Assessment; a != nil {
		p.Gauge = newGauge(a.Score, a.Goal)
		p.Sources, p.Brought = costBars(r)
		for _, g := range a.Goals {
			if g.Verdict == assess.Pass {
				p.Met++
			}
		}
	}
	return p
}

// priorityBars counts standing problems by priority; of one in several packages the most urgent counts.
func priorityBars(findings []match.Finding) []bar {
	seen := map[string]bool{}
	count := map[match.Priority]float64{}
	for _, f := range findings {
		if !seen[f.ID] {
			seen[f.ID] = true
			count[f.Priority]++
		}
	}
	var bars []bar
	for _, p := range []match.Priority{match.Immediate, match.OutOfCycle, match.Scheduled, match.Defer} {
		bars = append(bars, bar{Name: string(p), Note: number(int(count[p])), Value: count[p], Class: string(p)})
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
			byPackage[f.Of.Name+" "+f.Of.Version] += c.Points
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
	slices.SortFunc(bars, func(a, b bar) int {
		if a.Value != b.Value {
			if a.Value > b.Value {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
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
