package assess

import (
	"cmp"
	"fmt"
	"strings"

	"tidewaiter/hardening"
	"tidewaiter/vex"
)

// Hardening are the checks of an image's construction that it must pass, by name ([hardening.Checks]).
type Hardening map[string]HardeningCheck

// HardeningCheck has the parameters of one check.
type HardeningCheck struct {
	// Allow are patterns of the paths that may be so or, where a check is about none, of the variables, ports, users and labels.
	Allow []string `json:"allow,omitempty"`
}

// UsualHardening gives the checks that an image passes which is built with care, and no more: what most images do is not among them.
func UsualHardening() Hardening {
	h := Hardening{}
	for _, c := range hardening.Checks() {
		if !c.Usual {
			h[c.Name] = HardeningCheck{}
		}
	}
	return h
}

// hardening judges the checks that are demanded, each as a goal of its own, called "hardening/" and the check.
func (j *judging) hardening() []GoalResult {
	var results []GoalResult
	for _, c := range hardening.Checks() {
		if demanded, ok := j.env.Goals.Hardening[c.Name]; ok {
			g := &goal{name: "hardening/" + c.Name, sight: ofConfig}
			if c.Files {
				g.sight, g.of = ofContent, []vex.Contraband{vex.Hardening}
			}
			results = append(results, j.result(g, j.hardened(&c, patterns(demanded.Allow))))
		}
	}
	return results
}

// hardened judges one check. What is quieted or allowed does not count, nor what is usual where the check is about what is not.
func (j *judging) hardened(c *hardening.Check, allowed patterns) outcome {
	r := j.subject.Hardening
	if r == nil {
		return cannotTell("the image's construction was not checked", "scan the image itself, with misconfig among --scanners", "not checked")
	}
	var list []offender
	var first *hardening.Finding
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Check != c.Name || f.Quieted != nil || f.Usual && !c.Usual {
			continue
		}
		at := f.Subject
		if f.Path != "" {
			at = strings.TrimSpace("/" + f.Path + " " + f.Subject)
		}
		if allowed.match(f.Subject) && f.Subject != "" || allowed.match("/"+f.Path) && f.Path != "" {
			continue
		}
		first = cmp.Or(first, f)
		list = append(list, offender{key: cmp.Or(at, c.Name), shown: at})
	}
	if len(list) > 0 {
		return outcome{Fail, list, func(counting []offender) (reason, step string) {
			if step = first.Mend; len(counting) > 1 {
				step += fmt.Sprintf("; tidewaiter explain IMAGE hardening:%s has all %d", c.Name, len(counting))
			}
			return c.Title, step
		}}
	}
	for _, u := range r.Unchecked {
		if u.Check == c.Name {
			return cannotTell("could not be checked: "+u.Reason, "scan the image itself, with its Dockerfile (--dockerfile)", "not checked")
		}
	}
	return met("nothing found")
}
