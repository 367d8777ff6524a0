package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/secret"
	"tidewaiter/vex"
)

// contraband is one thing aboard that should not be: a file that is malware or looks it, a secret, something about how the image is
// made. It is the one view that all forms have of the three.
type contraband struct {
	kind            vex.Contraband
	id, rule, title string
	severity        match.Level
	inventory.Place
	// where is the path with what leads to the place in it, or the variable, the label, the port.
	where, inside string
	// shown is what may be shown of it: what stands there, shortened or redacted.
	shown     string
	why, mend string
	// facts are what else is known, for who wants all of it.
	facts   []string
	usual   bool
	quieted *match.Quieted
}

// contrabandOf gives all that was found: malware first, then secrets, then hardening, each in its own order.
func contrabandOf(r *Report) []contraband {
	return slices.Concat(malwareOf(r), secretsOf(r), hardeningOf(r))
}

// maliciousPackages gives the packages that are malware, which the forms for people show together with the files that are.
func maliciousPackages(r *Report) []contraband {
	var out []contraband
	for _, f := range match.Standing(r.Findings) {
		if f.Malicious {
			out = append(out, contraband{kind: vex.Malware, id: f.ID, rule: f.ID, title: f.Title, severity: f.Severity, where: f.Of.Name + " " + f.Of.Version, mend: nextStep(f),
				Place: inventory.Place{Layer: f.Layer, Instruction: f.Instruction, Origin: f.Origin}})
		}
	}
	return out
}

func malwareOf(r *Report) []contraband {
	if r.Malware == nil {
		return nil
	}
	var out []contraband
	for _, h := range r.Malware.Hits {
		c := contraband{kind: vex.Malware, id: h.ID, rule: h.Rule, title: h.Title, severity: h.Severity, Place: h.Place, shown: h.Evidence,
			where: placed(h.Path, h.Inside, h.Line), inside: h.Inside, why: h.Why, mend: h.Mend, quieted: h.Quieted, facts: []string{"found by " + h.Engine}}
		if h.Digest != "" {
			c.facts = append(c.facts, h.Digest)
		}
		out = append(out, c)
	}
	return out
}

func secretsOf(r *Report) []contraband {
	if r.Secrets == nil {
		return nil
	}
	var out []contraband
	for _, s := range r.Secrets.Found {
		c := contraband{kind: vex.Secret, id: cmp.Or(s.ID, string(vex.Secret)+":"+s.Rule), rule: s.Rule, title: s.Title, severity: s.Severity, Place: s.Place, shown: s.Redacted,
			where: placed(s.Path, s.Inside, s.Line), inside: s.Inside, why: s.Why, mend: s.Mend, quieted: s.Quieted}
		if s.Path == "" {
			c.where = strings.TrimSpace(strings.Replace(string(s.In), string(secret.InHistory), "build history", 1) + " " + s.Name)
		}
		for i := range s.Also {
			also := contraband{Place: s.Also[i]}
			c.facts = append(c.facts, "also in "+also.briefly())
		}
		if s.Extract != "" {
			c.facts = append(c.facts, "how to get it: "+s.Extract)
		}
		if s.Check != "" {
			c.facts = append(c.facts, "the service says: "+string(s.Check))
		}
		out = append(out, c)
	}
	return out
}

func hardeningOf(r *Report) []contraband {
	if r.Hardening == nil {
		return nil
	}
	var out []contraband
	for _, f := range r.Hardening.Findings {
		out = append(out, contraband{kind: vex.Hardening, id: f.ID, rule: f.Check, title: f.Title, severity: f.Severity, Place: f.Place,
			where: cmp.Or(placed(f.Path, "", 0), f.Subject), why: f.Why, mend: f.Mend, usual: f.Usual && !demanded(r, f.Check), quieted: f.Quieted})
	}
	return out
}

// demanded says whether the environment has made a goal of a check and the image does not meet it: what is usual elsewhere is not so there.
func demanded(r *Report, check string) bool {
	return r.Assessment != nil && slices.ContainsFunc(r.Assessment.Goals, func(g assess.GoalResult) bool {
		return g.Name == string(vex.Hardening)+"/"+check && g.Verdict != assess.Pass
	})
}

// placed names a place in a file; empty for what is in none.
func placed(path, inside string, line int) string {
	if path == "" {
		return ""
	}
	where := "/" + path
	if inside != "" {
		where += "!/" + inside
	}
	if line > 0 {
		where += fmt.Sprintf(":%d", line)
	}
	return where
}

// standing gives what nothing quiets; what is usual only where it is asked for.
func standing(list []contraband, usual bool) []contraband {
	return slices.DeleteFunc(slices.Clone(list), func(c contraband) bool { return c.quieted != nil || c.usual && !usual })
}

// told gives what a form tells of: all that stands and all that is quieted, but of what is usual in images nothing, unless all is asked for.
func told(r *Report, all bool) []contraband {
	return slices.DeleteFunc(contrabandOf(r), func(c contraband) bool { return c.usual && !all })
}

// leftOut counts what [told] does not tell.
func leftOut(r *Report, all bool) int { return len(contrabandOf(r)) - len(told(r, all)) }

func usualLeftOut(n int) string {
	return plural(n, "finding") + " of hardening that most images have: left out, --all has them"
}

func (c *contraband) grave() bool { return assess.Grave(c.kind, c.severity) }

// from says which layer brought it and by which instruction, and which one hides it.
func (c *contraband) from() string {
	return c.layers("%s in layer %d but still shipped", instructionText(c.Instruction))
}

// briefly is [contraband.from] where there is little room: without the hash that stands for a source's name.
func (c *contraband) briefly() string {
	words := strings.Fields(instructionText(c.Instruction))
	if len(words) == 4 && words[2] == "in" && strings.Contains(words[1], ":") {
		words = append(words[:1], words[3])
	}
	return c.layers("%s in %d", strings.Join(words, " "))
}

func (c *contraband) layers(hidden, instruction string) string {
	line := ""
	if c.Layer != nil {
		line = fmt.Sprintf("layer %d", *c.Layer)
	}
	if c.Hidden != nil {
		line += ", " + fmt.Sprintf(hidden, c.Hidden.How, c.Hidden.Layer)
	}
	if instruction != "" {
		line = strings.TrimPrefix(line+": ", ": ") + instruction
	}
	return line
}

// headline names it in one line.
func (c *contraband) headline() string {
	line := cmp.Or(c.title, c.rule)
	if c.where != "" && !strings.Contains(line, cmp.Or(c.Path, c.where)) {
		line += " in " + c.where
	}
	return Clean(line)
}

// sentence says what it is, what stands there and where it came from.
func (c *contraband) sentence() string {
	line := c.headline()
	if c.shown != "" {
		line += ": " + Clean(c.shown)
	}
	if from := c.from(); from != "" {
		line += " (" + from + ")"
	}
	return line
}

// level is SARIF's and GitHub's word for how grave it is.
func (c *contraband) level() string {
	switch c.severity {
	case match.Critical, match.High:
		return "error"
	case match.Medium, match.Unknown:
		return "warning"
	}
	return "note"
}

// score is the middle of what CVSS calls the severity; ok is false where nobody rated it.
func (c *contraband) score() (points float64, ok bool) {
	points, ok = map[match.Level]float64{match.Critical: 9.5, match.High: 8, match.Medium: 5.5, match.Low: 2, match.Negligible: 0.1}[c.severity]
	return points, ok
}

// line gives the line of the Dockerfile that brought it, from 1; 0 where it is not known.
func (c *contraband) line(r *Report) int {
	return cmp.Or(c.DockerfileLine, lineOfLayer(r, c.Layer))
}

// place is where it lies, without the line, which moves from one build to the next.
func (c *contraband) place() string {
	return cmp.Or(placed(c.Path, c.inside, 0), c.where)
}

// contrabandNames gives each thing a name that stays when the image is built again: of the rule and the place, but not of a layer or a line.
func contrabandNames(list []contraband) []string {
	seen := map[string]int{}
	out := make([]string, len(list))
	for i := range list {
		key := list[i].id + "\x00" + list[i].place()
		if seen[key]++; seen[key] > 1 {
			key += fmt.Sprintf("\x00%d", seen[key])
		}
		sum := sha256.Sum256([]byte(key))
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}

// graveContraband counts the files that are malware, or look it, and the secrets: those that cannot wait.
func graveContraband(r *Report) (files, secrets int) {
	paths := map[string]bool{}
	for _, c := range standing(slices.Concat(malwareOf(r), secretsOf(r)), false) {
		switch {
		case !c.grave():
		case c.kind == vex.Malware:
			paths[fmt.Sprint(c.Path, c.Hidden != nil)] = true
		default:
			secrets++
		}
	}
	return len(paths), secrets
}
