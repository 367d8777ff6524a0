package assess

import (
	"cmp"
	"strconv"
	"strings"

	"tidewaiter/match"
)

// Decision is what a finding means in an environment, with everything that it was made of.
type Decision struct {
	Priority match.Priority `json:"priority"`
	// Inputs are what was looked up in the tables, and where each comes from.
	Inputs []Input `json:"inputs"`
	// Row is the row of the deployer's table that decided; nil for malware, which is immediate everywhere.
	Row *Row `json:"row,omitempty"`
	// Due is the day (YYYY-MM-DD) by which it must be fixed; empty where none is set. Term says how that came about.
	Due  string `json:"due,omitempty"`
	Term Term   `json:"term"`
	// Base is the CVSS score that the severity rests on, Environmental the same with the environment's metrics, of which Changes
	// are those set; nil where nobody scored it.
	Base          *match.CVSS    `json:"base,omitempty"`
	Environmental *match.CVSS    `json:"environmental,omitempty"`
	Changes       []MetricChange `json:"changes,omitempty"`
}

// Input is one decision point: its name and value in the words of the tables, and where the value comes from.
type Input struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// The values of the decision points: https://certcc.github.io/SSVC/reference/decision_points/
const (
	exploitationNone   = "none"
	exploitationPoC    = "public poc"
	exploitationActive = "active"
	impactTotal        = "total"
	impactPartial      = "partial"
)

// likelyExploited is the EPSS score (0 to 1) from which a vulnerability is taken for one that can be exploited in public. Of all CVEs 5% score as
// much, and three quarters of those in CISA's KEV do (FIRST's scores of August 2026): docs/priority.md.
const likelyExploited = 0.1

const (
	vulnrichment = "CISA Vulnrichment"
	cautious     = ": the cautious choice"
)

// judged are the decision points of one finding in one environment.
type judged struct {
	exploitation, exposure, automatable, impact, technical Input
}

// Decide says what a finding means in an environment. Quieted or not makes no difference to it.
func Decide(f *match.Finding, env Environment, o Options) Decision {
	base, scored := f.RestsOn()
	var v vector
	if scored {
		v = parseVector(base.Vector)
	}
	by := " of " + base.Source
	j := judged{exploitation: exploitation(f), exposure: exposure(f, env), automatable: automatable(f, v, by),
		impact: humanImpact(f, env), technical: technicalImpact(f, v, by)}
	d := Decision{Inputs: []Input{j.exploitation, j.exposure, j.automatable, j.impact, j.technical}}
	if f.Malicious { // no flaw that somebody might use: the tables do not speak of it
		d.Priority = match.Immediate
	} else {
		d.Row = j.row(j.exploitation)
		d.Priority = d.Row.priority()
	}
	d.Term = j.term(f, env, o)
	d.Due = d.Term.due
	if scored {
		d.Base = &base
		d.Environmental, d.Changes = environmental(base, env, j.exposure)
	}
	return d
}

func (j *judged) row(exploitation Input) *Row {
	return priorityRow(exploitation.Value, Exposure(j.exposure.Value), j.automatable.Value, Impact(j.impact.Value))
}

// exploitation says how far exploitation is known to have gone.
func exploitation(f *match.Finding) Input {
	switch {
	case f.Malicious:
		return Input{"exploitation", exploitationActive, "the package is itself the attack"}
	case f.KEV != nil:
		return Input{"exploitation", exploitationActive, "CISA KEV, added " + cmp.Or(f.KEV.Added, "on no known day")}
	}
	return exploitationBesidesKEV(f)
}

// exploitationBesidesKEV is what all but CISA's catalog say of it.
func exploitationBesidesKEV(f *match.Finding) Input {
	in := Input{Name: "exploitation", Value: exploitationPoC}
	var cisa match.SSVC
	if f.SSVC != nil {
		cisa = *f.SSVC
	}
	if cisa.Exploitation == "active" {
		return Input{in.Name, exploitationActive, vulnrichment}
	}
	var says []string
	if cisa.Exploitation == "poc" {
		says = append(says, vulnrichment)
	}
	if f.Exploit {
		says = append(says, "an exploit that an advisory refers to")
	}
	if f.EPSS != nil && f.EPSS.Score >= likelyExploited {
		says = append(says, epssAgainst(f.EPSS.Score, " >= "))
	}
	if len(says) > 0 {
		in.Source = strings.Join(says, "; ")
		return in
	}
	in.Value = exploitationNone
	switch {
	case f.Kind == match.KindEndOfLife:
		in.Source = "no flaw is known, but the next will not be mended"
	case cisa.Exploitation != "":
		in.Source = vulnrichment
	case f.EPSS != nil:
		in.Source = "no exploit known; " + epssAgainst(f.EPSS.Score, " < ")
	default:
		in.Source = "no exploit known, and no EPSS score"
	}
	return in
}

func epssAgainst(score float64, compared string) string {
	return "EPSS " + strconv.FormatFloat(score, 'f', -1, 64) + compared + strconv.FormatFloat(likelyExploited, 'f', -1, 64)
}

// lowered says which rule lowers a finding; empty where none does. A rule says that the code is not reached, not there, or not wrong. What is
// exploited and malware are lowered by none.
func lowered(f *match.Finding) string {
	if f.KEV != nil || f.Malicious || len(f.Lowered) == 0 {
		return ""
	}
	return "lowered by " + f.Lowered[0].By
}

// exposure is the environment's, but small for what a rule lowers: an attacker has no way to it from outside. Malware needs nobody to reach it.
func exposure(f *match.Finding, env Environment) Input {
	in := Input{Name: "system exposure", Value: string(env.Exposure), Source: "environment " + env.Name}
	by := lowered(f)
	switch {
	case f.Malicious:
		in.Value, in.Source = string(Open), "it reaches out by itself"
	case by != "":
		in.Value, in.Source = string(Small), by
	case in.Value == "":
		in.Value, in.Source = string(Open), "the environment sets none"+cautious
	}
	return in
}

// humanImpact is the environment's, but low for what a rule lowers: nothing there depends on that code.
func humanImpact(f *match.Finding, env Environment) Input {
	in := Input{Name: "human impact", Value: string(env.Impact), Source: "environment " + env.Name}
	by := lowered(f)
	switch {
	case by != "":
		in.Value, in.Source = string(LowImpact), by
	case in.Value == "":
		in.Value, in.Source = string(VeryHighImpact), "the environment sets none"+cautious
	}
	return in
}

// automatable says whether an attack can be made without a person on either side. CISA's word goes first, then the supplier's in a vector of CVSS
// 4.0, then the rule that an attack over the network that needs no luck, no account and no user can: it agrees with CISA on 96% of the
// vulnerabilities that CISA decided on.
func automatable(f *match.Finding, v vector, by string) Input {
	in := Input{Name: "automatable"}
	switch {
	case f.Malicious:
		in.Value, in.Source = "yes", "it runs by itself"
		return in
	case f.Kind == match.KindEndOfLife:
		in.Value, in.Source = "no", "no flaw is known"
		return in
	case f.SSVC != nil && f.SSVC.Automatable != "":
		in.Value, in.Source = f.SSVC.Automatable, vulnrichment
		return in
	case v == nil:
		in.Value, in.Source = "yes", "no CVSS vector says"+cautious
		return in
	}
	for _, c := range f.CVSS {
		if value, ok := supplierSays(c.Vector); ok {
			in.Value, in.Source = value, "CVSS metric AU of "+c.Source
			return in
		}
	}
	var shown []string
	all := true
	for _, name := range attackMetrics(v) {
		value := metric(v, name)
		shown = append(shown, name+":"+value)
		all = all && value == gravest(name)[:1]
	}
	in.Value, in.Source = yesNo(all), "CVSS "+strings.Join(shown, "/")+by
	return in
}

// supplierSays reads CVSS 4.0's supplemental metric AU.
func supplierSays(vector string) (value string, ok bool) {
	switch {
	case !strings.HasPrefix(vector, "CVSS:4"):
	case strings.Contains(vector, "/AU:Y"):
		return "yes", true
	case strings.Contains(vector, "/AU:N"):
		return "no", true
	}
	return "", false
}

// technicalImpact says whether an attacker gains control of all that the component does, or learns all that it knows. After CISA's word that is taken
// for so where confidentiality and integrity are both lost, which agrees with CISA on 94% of the vulnerabilities that CISA decided on.
func technicalImpact(f *match.Finding, v vector, by string) Input {
	in := Input{Name: "technical impact", Value: impactPartial}
	switch {
	case f.Malicious:
		in.Value, in.Source = impactTotal, "the code is the attacker's"
	case f.Kind == match.KindEndOfLife:
		in.Source = "no flaw is known"
	case f.SSVC != nil && f.SSVC.TechnicalImpact != "":
		in.Value, in.Source = f.SSVC.TechnicalImpact, vulnrichment
	case v != nil:
		c, i := vulnerableImpact(v)
		if (c == "H" || c == "C") && (i == "H" || i == "C") { // C is version 2's complete
			in.Value = impactTotal
		}
		in.Source = "CVSS C:" + c + "/I:" + i + by
	case f.Severity.Rank() > match.High.Rank() && f.Severity != match.Unknown:
		in.Source = "severity " + string(f.Severity) + ", and no CVSS vector"
	default:
		in.Value, in.Source = impactTotal, "severity "+string(f.Severity)+", and no CVSS vector"+cautious
	}
	return in
}
