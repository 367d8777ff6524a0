package environments

import (
	"maps"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"

	"tidewaiter/assess"
	"tidewaiter/hardening"
)

// checkNames are what the checks of an image's construction are called.
func checkNames() []string {
	var names []string
	for _, c := range hardening.Checks() {
		names = append(names, c.Name)
	}
	return names
}

// hardening reads the goal of that name: on stands for the usual checks, and a map names some, which are added to those that are demanded
// already, or taken away by off.
func (r *reader) hardening(n *yaml.Node, p place, v reflect.Value) {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		switch n.Value {
		case off, "false":
			v.SetZero()
			r.came(n, p)
		case on, "true":
			if v.Len() == 0 {
				v.Set(reflect.ValueOf(assess.UsualHardening()))
			}
			r.came(n, p)
		default:
			r.mistake(n, p, "%q is neither on nor off: write one of them, or checks under it", cut(n.Value))
		}
		return
	}
	if isNull(n) {
		r.mistake(n, p, "has no value: write on, off, or checks under it")
		return
	}
	entries, ok := r.entries(n, p)
	if !ok {
		return
	}
	demanded := maps.Clone(v.Interface().(assess.Hardening))
	if demanded == nil {
		demanded = assess.Hardening{}
	}
	names := checkNames()
	for _, e := range entries {
		if !slices.Contains(names, e.key.Value) {
			r.unknownKey(e.key, p, names)
			continue
		}
		r.check(e.value, place{p.key(e.key.Value).at, p.field}, demanded, e.key.Value)
	}
	r.came(n, p)
	if len(demanded) == 0 {
		v.SetZero()
		return
	}
	v.Set(reflect.ValueOf(demanded))
}

// check reads one: on, off, or its parameters. Those that the file does not name stay as they are.
func (r *reader) check(n *yaml.Node, p place, demanded assess.Hardening, name string) {
	if n = r.follow(n, p); n == nil {
		return
	}
	switch {
	case isNull(n):
		r.mistake(n, p, "has no value: write on, off, or its parameters under it")
	case n.Kind != yaml.ScalarNode:
		c := demanded[name]
		r.read(n, p, reflect.ValueOf(&c).Elem())
		demanded[name] = c
		r.came(n, p)
	case n.Value == off, n.Value == "false":
		delete(demanded, name)
		r.came(n, p)
	case n.Value == on, n.Value == "true":
		c := demanded[name]
		demanded[name] = c
		r.came(n, p)
	default:
		r.mistake(n, p, "%q is neither on nor off: write one of them, or the check's parameters under it", cut(n.Value))
	}
}

// checks are those that are demanded, each on or with its parameters.
func (e *effective) checks(name string, demanded assess.Hardening) {
	for _, check := range slices.Sorted(maps.Keys(demanded)) {
		at, before := name+"."+check, len(e.values)
		e.value(at, reflect.ValueOf(demanded[check]))
		if len(e.values) == before {
			e.add(at, on)
		}
	}
}
