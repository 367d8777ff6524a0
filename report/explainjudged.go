package report

import (
	"fmt"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// Judged is what the findings of an explanation mean in one environment.
type Judged struct {
	Name            string           `json:"name"`
	Exposure        assess.Exposure  `json:"exposure"`
	Impact          assess.Impact    `json:"impact"`
	Confidentiality assess.Need      `json:"confidentiality,omitempty"`
	Integrity       assess.Need      `json:"integrity,omitempty"`
	Availability    assess.Need      `json:"availability,omitempty"`
	Controls        []assess.Control `json:"controls,omitempty"`
	// Decisions are those on the findings, in their order.
	Decisions []Decided `json:"decisions"`
}

// Decided is the decision on one finding.
type Decided struct {
	ID      string `json:"id"`
	Package string `json:"package"`
	assess.Decision
}

// Judge adds what the findings mean in an environment, where there are any.
func (e *Explanation) Judge(env assess.Environment, o assess.Options) {
	if len(e.Findings) == 0 {
		return
	}
	e.Environment = &Judged{Name: env.Name, Exposure: env.Exposure, Impact: env.Impact, Confidentiality: env.Confidentiality,
		Integrity: env.Integrity, Availability: env.Availability, Controls: env.Controls, Decisions: []Decided{}}
	for i := range e.Findings {
		f := &e.Findings[i]
		e.Environment.Decisions = append(e.Environment.Decisions, Decided{ID: f.ID, Package: f.Package, Decision: assess.Decide(f, env, o)})
	}
}

// decision tells what a finding means in the environment, and how that came about. What asks for nothing has no need of it.
func (x *explaining) decision(i int) {
	env, f := x.e.Environment, &x.e.Findings[i]
	if env == nil || f.Quieted != nil && !x.all {
		return
	}
	d := &env.Decisions[i]
	x.section("In "+Clean(env.Name), "")
	x.priority(d, f.Malicious)
	x.term(d, f)
	x.scores(d)
}

func (x *explaining) priority(d *Decided, malicious bool) {
	word := strings.ToUpper(string(d.Priority))
	if d.Priority == match.Immediate || d.Priority == match.OutOfCycle {
		word = x.red(word)
	} else {
		word = x.bold(word)
	}
	by := "malware is that everywhere"
	switch {
	case d.Row != nil:
		by = rowName(d.Row)
	case !malicious:
		by = "no row of the table has these values"
	}
	x.line("    priority    ", word, "   ", by)
	x.inputs(d.Inputs[:4])
}

// inputs writes decision points, each with its value and where that comes from.
func (x *explaining) inputs(inputs []assess.Input) {
	for _, in := range inputs {
		x.wrapped(fmt.Sprintf("      %-18s%-12s", Clean(in.Name), Clean(in.Value)), Clean(in.Source))
	}
}

func rowName(r *assess.Row) string { return fmt.Sprintf("row %d of %s", r.Number, r.Table) }

// term tells when it is due, or why no day is set; then the decision points that are not among those of the priority.
func (x *explaining) term(d *Decided, f *match.Finding) {
	t := d.Term
	line := t.Note
	if t.Row != nil {
		line = rowName(t.Row) + ": " + t.Row.Outcome
		if t.Note != "" {
			line += "; " + t.Note
		}
	}
	head := "    due         "
	switch {
	case d.Due == "":
		head += x.bold("no day") + "   "
	case f.Overdue:
		head += x.bold(Clean(d.Due)) + "   " + x.red("OVERDUE") + "   "
	default:
		head += x.bold(Clean(d.Due)) + "   "
	}
	x.wrapped(head, Clean(line))
	if d.Due != "" {
		x.inputs([]assess.Input{{Name: "counted from", Value: t.Start, Source: t.Because}})
	}
	if t.Row == nil {
		return
	}
	kev := assess.Input{Name: "in KEV", Value: t.Row.Columns[0].Value}
	if f.KEV != nil && kev.Value == "no" {
		kev.Source = "not before " + f.KEV.Added
	}
	x.inputs([]assess.Input{kev, {Name: "publicly exposed", Value: t.Row.Columns[1].Value, Source: "system exposure " + d.Inputs[1].Value}})
	x.inputs(d.Inputs[4:])
}

// scores shows what the environment makes of the CVSS score.
func (x *explaining) scores(d *Decided) {
	if d.Base == nil {
		return
	}
	head := fmt.Sprintf("    %-12s", cvssName(d.Base.Vector))
	if d.Environmental == nil {
		x.wrapped(head, Clean(fmt.Sprintf("%.1f by %s: environments are scored from version 3 on", d.Base.Score, d.Base.Source)))
		return
	}
	line := fmt.Sprintf("%.1f by %s -> %.1f here", d.Base.Score, d.Base.Source, d.Environmental.Score)
	if len(d.Changes) == 0 {
		line += ": the environment sets no metric"
	}
	x.wrapped(head, Clean(line))
	var needs []string
	for _, c := range d.Changes {
		if !strings.HasPrefix(c.Metric, "M") {
			needs = append(needs, c.Words())
		}
	}
	if len(needs) > 0 {
		x.wrapped("      needed            ", Clean(strings.Join(needs, ", ")))
	}
	for _, c := range d.Changes {
		if strings.HasPrefix(c.Metric, "M") {
			x.wrapped("      ", Clean(c.Words()+"   "+c.Reason))
		}
	}
	if x.all {
		x.wrapped("      ", Clean(d.Environmental.Vector))
	}
}
