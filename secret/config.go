package secret

import (
	"cmp"
	"slices"
	"strings"

	"tidewaiter/inventory"
)

// inConfig tells the secrets that the image's configuration says. A variable or label and the instruction that set it are one; and so are
// all instructions that say the same secret, as every RUN does with a build argument.
func (j *judging) inConfig(list []said) []Secret {
	type key struct {
		in        In
		name, raw string
	}
	if j.inv.Base != nil {
		for i, h := range j.im.History {
			if h.Layer >= 0 && h.Layer < j.inv.Base.Layers {
				j.own = i + 1
			}
		}
	}
	at := map[key]int{}
	var out []Secret
	for _, s := range list {
		k := key{s.in, s.name, s.Raw}
		if s.in == InHistory {
			k.name = ""
			if s.step >= 0 && j.sets(s, list) || s.step < 0 && s.name == "" {
				continue // of a variable or label, which is told; or a layer's, which is its step's
			}
		}
		if i, ok := at[k]; ok {
			out[i].also(j.saidAt(s, list))
			continue
		}
		secret := newSecret(s.Found, s.in)
		secret.Place, secret.Name, secret.Line = j.saidAt(s, list), s.name, 0
		secret.Extractable, secret.Extract = true, map[In]string{InEnv: "docker inspect", InLabel: "docker inspect", InHistory: "docker history --no-trunc"}[s.in]
		if s.step < 0 {
			secret.Extract = "docker inspect"
		}
		secret.explain()
		j.redactor.remember(&secret, s.Raw)
		at[k] = len(out)
		out = append(out, secret)
	}
	return out
}

// also notes another place of a secret.
func (s *Secret) also(p inventory.Place) {
	same := func(q inventory.Place) bool {
		return q.Instruction == p.Instruction && q.DockerfileLine == p.DockerfileLine
	}
	if p.Instruction != "" && !same(s.Place) && !slices.ContainsFunc(s.Also, same) {
		s.Also = append(s.Also, p)
	}
}

// sets says whether a step is the one that set a variable or label which says the same secret.
func (j *judging) sets(s said, list []said) bool {
	word := keyword(j.im.History[s.step].Instruction)
	return slices.ContainsFunc(list, func(o said) bool {
		return o.Raw == s.Raw && (o.in == InEnv && word == "ENV" || o.in == InLabel && word == "LABEL" || o.in == InHistory && o.step < 0 && o.name != "" && strings.EqualFold(word, o.name))
	})
}

// saidAt gives the place of the step that said a secret: of a variable, label or command line the last that set it.
func (j *judging) saidAt(s said, list []said) inventory.Place {
	step := s.step
	if step < 0 {
		word := map[In]string{InEnv: "ENV", InLabel: "LABEL"}[s.in]
		for _, o := range list {
			if o.Raw == s.Raw && o.step > step && strings.EqualFold(keyword(j.im.History[o.step].Instruction), cmp.Or(word, s.name)) {
				step = o.step
			}
		}
	}
	if step < 0 {
		return inventory.Place{}
	}
	h := &j.im.History[step]
	p := inventory.Place{Instruction: h.Instruction, DockerfileLine: h.DockerfileLine, Origin: j.originOf(step)}
	if h.Layer >= 0 {
		p.Layer = &h.Layer
	}
	return p
}

// originOf says who wrote a step: what comes before the last layer of the base is the base's.
func (j *judging) originOf(step int) inventory.Origin {
	if j.inv.Base == nil || j.inv.Base.Layers == 0 {
		return ""
	}
	if step < j.own {
		return inventory.OfBase
	}
	return inventory.OfApp
}

func keyword(instruction string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(instruction), " ")
	return strings.ToUpper(word)
}
