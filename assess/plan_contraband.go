package assess

import (
	"cmp"
	"fmt"
	"slices"

	"tidewaiter/inventory"
	"tidewaiter/malware"
	"tidewaiter/secret"
	"tidewaiter/vex"
)

// contrabandPlans take malware and secrets out: one step for each kind and instruction that brings some.
func contrabandPlans(s *Subject) []plan {
	type bringer struct {
		kind        vex.Contraband
		layer       int
		instruction string
	}
	groups := map[bringer][]contraband{}
	var order []bringer
	for _, c := range standingContraband(s, vex.Malware, vex.Secret) {
		by := bringer{c.kind, c.LayerIndex(), c.Instruction}
		if groups[by] == nil {
			order = append(order, by)
		}
		groups[by] = append(groups[by], c)
	}
	plans := make([]plan, 0, len(order))
	for _, by := range order {
		plans = append(plans, contrabandPlan(s, groups[by]))
	}
	return plans
}

// contrabandPlan takes out what one instruction brings; the gravest is first among it.
func contrabandPlan(s *Subject, same []contraband) plan {
	c := &same[0]
	var places []string
	for i := range same {
		if at := same[i].where(); !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	what := fmt.Sprintf("%s (%s)", places[0], cmp.Or(c.title, c.id))
	if more := len(places) - 1; more > 0 {
		what = fmt.Sprintf("%s and %d more", places[0], more)
	}
	p := plan{clears: same, Step: Step{Kind: Remove, Where: s.bringing(&c.Place)}}
	if c.kind == vex.Malware {
		p.Title = "remove malware: " + what
		p.Note = "change every secret that was in its reach, wherever the image ran"
	} else {
		p.Title = "replace the secret in " + what
		if len(places) > 1 {
			p.Title = "replace the secrets in " + what
		}
		p.Note = "everyone who has the image has it: replace it where it is used; give it to a build with --mount=type=secret, and to a container when it starts"
	}
	hidden := slices.ContainsFunc(same, func(c contraband) bool { return c.Hidden != nil })
	switch {
	case c.Origin == inventory.OfBase:
		p.Note = "the base image brings it: use another; " + p.Note
	case hidden:
		p.Note = "a later layer hides it, and the image ships it all the same: take it out of the instruction that brings it; " + p.Note
	}
	return p
}

// bringing names the instruction that brings what is at a place.
func (s *Subject) bringing(p *inventory.Place) string {
	switch {
	case p.DockerfileLine > 0:
		return fmt.Sprintf("Dockerfile:%d", p.DockerfileLine)
	case p.Layer != nil:
		return s.layerPlace(&inventory.Package{Layer: p.Layer, Instruction: p.Instruction})
	case p.Path != "":
		return "/" + p.Path
	}
	return cmp.Or(p.Instruction, "the image's configuration")
}

// clear takes contraband out of a subject, whose reports are copied.
func (s *Subject) clear(list []contraband) {
	if len(list) == 0 {
		return
	}
	gone := map[thing]bool{}
	for i := range list {
		gone[list[i].thing()] = true
	}
	drop := func(c contraband) bool { return gone[c.thing()] }
	s.copyContraband()
	if r := s.Malware; r != nil {
		r.Hits = slices.DeleteFunc(r.Hits, func(h malware.Hit) bool { return drop(ofHit(&h)) })
	}
	if r := s.Secrets; r != nil {
		r.Found = slices.DeleteFunc(r.Found, func(f secret.Secret) bool { return drop(ofSecret(&f)) })
	}
}
