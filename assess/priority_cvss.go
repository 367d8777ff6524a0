package assess

import (
	"slices"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"tidewaiter/match"
)

// vector is a CVSS vector of any version.
type vector interface {
	Get(metric string) (string, error)
	Set(metric, value string) error
	Vector() string
}

// parseVector reads a vector; nil for one that is not valid.
func parseVector(text string) vector {
	var v vector
	var err error
	switch {
	case strings.HasPrefix(text, "CVSS:4.0/"):
		v, err = gocvss40.ParseVector(text)
	case strings.HasPrefix(text, "CVSS:3.1/"):
		v, err = gocvss31.ParseVector(text)
	case strings.HasPrefix(text, "CVSS:3.0/"):
		v, err = gocvss30.ParseVector(text)
	default:
		v, err = gocvss20.ParseVector(strings.Trim(text, "()"))
	}
	if err != nil {
		return nil
	}
	return v
}

// metric is the value of a metric; empty for one that the version does not have.
func metric(v vector, name string) string {
	value, err := v.Get(name)
	if err != nil {
		return ""
	}
	return value
}

// effective is the value of a base metric as the environment has it: the modified one where that is set.
func effective(v vector, name string) string {
	if m := metric(v, "M"+name); m != "" && m != "X" {
		return m
	}
	return metric(v, name)
}

// attackMetrics are the base metrics that say what an attack takes.
func attackMetrics(v vector) []string {
	switch v.(type) {
	case *gocvss40.CVSS40:
		return []string{"AV", "AC", "AT", "PR", "UI"}
	case *gocvss20.CVSS20:
		return []string{"AV", "AC", "Au"}
	}
	return []string{"AV", "AC", "PR", "UI"}
}

// vulnerableImpact is what an attack does to the confidentiality and the integrity of the component itself.
func vulnerableImpact(v vector) (confidentiality, integrity string) {
	if _, ok := v.(*gocvss40.CVSS40); ok {
		return metric(v, "VC"), metric(v, "VI")
	}
	return metric(v, "C"), metric(v, "I")
}

// environmentalScore is the score with all metrics that the vector has; false for version 2, which nobody scores that way any more.
func environmentalScore(v vector) (float64, bool) {
	switch v := v.(type) {
	case *gocvss40.CVSS40:
		return v.Score(), true
	case *gocvss31.CVSS31:
		return v.EnvironmentalScore(), true
	case *gocvss30.CVSS30:
		return v.EnvironmentalScore(), true
	}
	return 0, false
}

// MetricChange is one metric of CVSS that an environment sets.
type MetricChange struct {
	// Metric is CVSS's abbreviation: "MAV". From is the value that counted before, To the one that counts now.
	Metric string `json:"metric"`
	From   string `json:"from,omitempty"`
	To     string `json:"to"`
	// Reason is what in the environment makes it so.
	Reason string `json:"reason"`
}

// Words are the change as people read it: "attack vector network -> adjacent", "confidentiality high".
func (c MetricChange) Words() string {
	name, values, ok := metricWords(c.Metric)
	if !ok {
		return c.Metric + ": " + c.To
	}
	word := func(value string) string {
		if w := values[value]; w != "" {
			return w
		}
		return value
	}
	if c.From == "" || c.From == "X" {
		return name + " " + word(c.To)
	}
	return name + " " + word(c.From) + " -> " + word(c.To)
}

func metricWords(metric string) (name string, values map[string]string, ok bool) {
	level := map[string]string{"H": "high", "M": "medium", "L": "low", "N": "none"}
	switch metric {
	case "CR":
		return "confidentiality", level, true
	case "IR":
		return "integrity", level, true
	case "AR":
		return "availability", level, true
	case "MAV":
		return "attack vector", map[string]string{"N": "network", "A": "adjacent", "L": "local", "P": "physical"}, true
	case "MAC":
		return "attack complexity", level, true
	case "MPR":
		return "privileges required", level, true
	case "MS":
		return "scope", map[string]string{"U": "unchanged", "C": "changed"}, true
	case "MC", "MVC":
		return "confidentiality impact", level, true
	case "MI", "MVI":
		return "integrity impact", level, true
	case "MA", "MVA":
		return "availability impact", level, true
	case "MSC":
		return "confidentiality impact elsewhere", level, true
	case "MSI":
		return "integrity impact elsewhere", level, true
	case "MSA":
		return "availability impact elsewhere", level, true
	}
	return "", nil, false
}

// gravest has the values of base metrics in the order of gravity, the gravest first.
func gravest(name string) string {
	switch name {
	case "AV":
		return "NALP"
	case "AC":
		return "LMH" // M is version 2's
	case "AT":
		return "NP"
	case "UI":
		return "NPRA" // R is version 3's
	case "PR":
		return "NLH"
	case "Au":
		return "NSM"
	case "S":
		return "CU"
	}
	return "SHLN" // impacts; S is version 4.0's for people's safety
}

// scorer writes the metrics of an environment into a copy of a vector.
type scorer struct {
	v       vector
	changes []MetricChange
}

// limit sets a modified metric unless the value that counts is no graver already.
func (s *scorer) limit(modified, to, reason string) {
	name := modified[1:]
	from := effective(s.v, name)
	order := gravest(name)
	if from == "" || strings.Index(order, from) >= strings.Index(order, to) {
		return
	}
	s.set(modified, from, to, reason)
}

func (s *scorer) set(metric, from, to, reason string) {
	if s.v.Set(metric, to) == nil {
		s.changes = append(s.changes, MetricChange{Metric: metric, From: from, To: to, Reason: reason})
	}
}

// environmental scores a vector as the environment has it, with what that changes; nil where the vector is not valid, or of version 2.
// The base vector stays as it is.
func environmental(base match.CVSS, env Environment, exposure Input) (*match.CVSS, []MetricChange) {
	v := parseVector(base.Vector)
	if v == nil {
		return nil, nil
	}
	if _, ok := environmentalScore(v); !ok {
		return nil, nil
	}
	s := &scorer{v: v, changes: make([]MetricChange, 0, 6)}
	for _, need := range [...]struct {
		metric, reason string
		need           Need
	}{
		{"CR", "how much the environment needs confidentiality", env.Confidentiality},
		{"IR", "how much the environment needs integrity", env.Integrity},
		{"AR", "how much the environment needs availability", env.Availability},
	} {
		if value := needValue(need.need); value != "" {
			s.set(need.metric, metric(v, need.metric), value, need.reason)
		}
	}
	s.expose(Exposure(exposure.Value))
	for _, c := range env.Controls {
		s.control(controls()[c])
	}
	score, _ := environmentalScore(v)
	return &match.CVSS{Vector: v.Vector(), Score: score, Source: base.Source}, slices.Clip(s.changes)
}

func needValue(n Need) string {
	switch n {
	case HighNeed:
		return "H"
	case MediumNeed:
		return "M"
	case LowNeed:
		return "L"
	}
	return ""
}

// expose sets the attack vector by the exposure. CVSS calls adjacent what can be attacked only from within a secure or otherwise limited
// administrative domain, and local what can be attacked only by who is on the machine already.
func (s *scorer) expose(e Exposure) {
	switch e {
	case Controlled:
		s.limit("MAV", "A", "exposure controlled: an attacker must be in the internal network first")
	case Small:
		s.limit("MAV", "L", "exposure small: an attacker must be on the machine first")
	}
}
