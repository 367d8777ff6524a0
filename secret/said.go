package secret

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tidewaiter/image"
)

// said is a secret that an image's configuration says.
type said struct {
	Found
	in   In
	name string
	step int // index in [image.Image].History; -1: it is in no step
}

// text is one that an image says of itself, and how it is changed.
type text struct {
	in    In
	as    string // what a [Detect] takes it for
	name  string
	step  int
	read  func() string
	write func(change func(string) string)
	found []Found
}

// textsOf gives the texts of an image, in an order that is always the same. An image's own maps and lists are changed in place.
func textsOf(im *image.Image) []text {
	var texts []text
	if p := im.Process; p != nil {
		for i, variable := range p.Env {
			name, _, _ := strings.Cut(variable, "=")
			texts = append(texts, pair(InEnv, name, -1, &p.Env[i]))
		}
		for _, l := range []struct {
			name string
			list []string
		}{{"Entrypoint", p.Entrypoint}, {"Cmd", p.Cmd}, {"Healthcheck", p.Healthcheck}, {"Shell", p.Shell}, {"OnBuild", p.OnBuild}} {
			if len(l.list) > 0 {
				texts = append(texts, commandLine(l.name, l.list))
			}
		}
	}
	texts = append(texts, labels(im.Labels)...)
	texts = append(texts, labels(im.Annotations)...)
	for i := range im.Layers {
		texts = append(texts, labels(im.Layers[i].Annotations)...)
	}
	for i := range im.History {
		h := &im.History[i]
		texts = append(texts, instruction(i, &h.Instruction))
		for j, arg := range h.Args {
			name, _, _ := strings.Cut(arg, "=")
			texts = append(texts, pair(InHistory, name, i, &h.Args[j]))
		}
	}
	for i := range im.Layers {
		texts = append(texts, instruction(-1, &im.Layers[i].Instruction))
	}
	return texts
}

// pair is a NAME=value.
func pair(in In, name string, step int, at *string) text {
	return text{in: in, as: asVariable, name: name, step: step,
		read: func() string { return *at }, write: func(change func(string) string) { *at = change(*at) }}
}

func instruction(step int, at *string) text {
	return text{in: InHistory, as: asInstruction, step: step,
		read: func() string { return *at }, write: func(change func(string) string) { *at = change(*at) }}
}

// commandLine is one that a container starts with, looked at as the instruction that sets it.
func commandLine(name string, words []string) text {
	return text{in: InHistory, as: asInstruction, name: name, step: -1,
		read: func() string {
			quoted, _ := json.Marshal(words) // of strings: it does not fail
			return strings.ToUpper(name) + " " + string(quoted)
		},
		write: func(change func(string) string) {
			for i := range words {
				words[i] = change(words[i])
			}
		}}
}

func labels(all map[string]string) []text {
	var texts []text
	for _, name := range slices.Sorted(maps.Keys(all)) {
		texts = append(texts, text{in: InLabel, as: asLabel, name: name, step: -1,
			read:  func() string { return name + "=" + all[name] },
			write: func(change func(string) string) { all[name] = change(all[name]) }})
	}
	return texts
}

// inVariables finds what was found in an instruction, which says more than one thing, in the variables and labels that it set.
func inVariables(texts []text, found []said) []said {
	inInstruction := map[string]Found{}
	for _, s := range found {
		if s.in == InHistory && s.Raw != "" {
			inInstruction[s.Raw] = s.Found
		}
	}
	var out []said
	for i := range texts {
		t := &texts[i]
		_, value, _ := strings.Cut(t.read(), "=")
		f, ok := inInstruction[value]
		if ok && t.in != InHistory && !slices.ContainsFunc(t.found, func(f Found) bool { return f.Raw == value }) {
			out = append(out, said{f, t.in, t.name, t.step})
		}
	}
	return out
}
