package environments

import (
	"reflect"
	"time"

	"gopkg.in/yaml.v3"

	"tidewaiter/assess"
	"tidewaiter/match"
)

// The words that switch goals.
const (
	on  = "on"
	off = "off"
)

// usual are the parameters that goals have unless the file says otherwise. Of those that are missing none is usual: they cannot be
// switched on without parameters.
func usual() assess.Goals {
	return assess.Goals{
		Malicious: &assess.Plain{}, Exploited: &assess.Exploited{}, Priority: &assess.AtPriority{Priority: match.Immediate},
		Overdue:   &assess.AtPriority{Priority: match.OutOfCycle},
		Fixable:   &assess.Fixable{Grace: map[match.Level]time.Duration{match.Critical: 30 * day, match.High: 90 * day}},
		EndOfLife: &assess.EndOfLife{Severity: match.High}, Base: &assess.BaseGoal{UpToDate: true}, NonRoot: &assess.Plain{},
		Executables: &assess.Executables{}, Secrets: &assess.SecretsGoal{Severity: match.Medium}, DataAge: &assess.DataAge{Max: 7 * day}, Provenance: &assess.ProvenanceGoal{},
	}
}

// goal reads one goal: on, off, or its parameters. Those that the file does not name stay as they are, or are the usual ones.
func (r *reader) goal(n *yaml.Node, p place, v reflect.Value) {
	n = r.follow(n, p)
	if n == nil {
		return
	}
	if v.Type() == reflect.TypeFor[assess.Hardening]() {
		r.hardening(n, p, v)
		return
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.parameters(n, p, v)
		return
	}
	switch n.Value {
	case off, "false":
		v.SetZero()
		r.came(n, p)
	case on, "true":
		r.switchOn(n, p, v)
	default:
		r.mistake(n, p, "%q is neither on nor off: write one of them, or the goal's parameters under it", cut(n.Value))
	}
}

func (r *reader) switchOn(n *yaml.Node, p place, v reflect.Value) {
	if !v.IsZero() { // it is set already, with parameters perhaps
		r.came(n, p)
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(r.usualOf(p))
	}
	if v.IsZero() {
		r.mistake(n, p, "on is not enough: %s", needed(v.Type()))
		return
	}
	r.came(n, p)
}

// parameters reads the parameters of a goal; of custom goals and attestations the list.
func (r *reader) parameters(n *yaml.Node, p place, v reflect.Value) {
	if v.Kind() != reflect.Pointer {
		r.read(n, p, v)
		r.unique(n, p, v)
		return
	}
	if isNull(n) {
		r.mistake(n, p, "has no value: write on, off, or its parameters under it")
		return
	}
	if v.Type() == reflect.TypeFor[*assess.Plain]() {
		r.mistake(n, p, "has no parameters: write on or off")
		return
	}
	if v.IsNil() {
		v.Set(r.usualOf(p))
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	r.came(n, p)
	r.read(n, p, v.Elem())
	if l, ok := v.Interface().(*assess.Licenses); ok && len(l.Allow)+len(l.Deny) == 0 && n.Kind == yaml.MappingNode {
		r.mistake(n, p, "%s", needed(v.Type()))
	}
}

// unique sees to it that no two custom goals have one name.
func (r *reader) unique(n *yaml.Node, p place, v reflect.Value) {
	custom, ok := v.Interface().([]assess.Custom)
	if !ok || n.Kind != yaml.SequenceNode {
		return
	}
	seen := map[string]bool{}
	for i, c := range custom {
		if c.Name != "" && seen[c.Name] {
			r.mistake(n.Content[i], p.item(i), "there is a goal %q before this one already", c.Name)
		}
		seen[c.Name] = true
	}
}

// usualOf gives the usual parameters of a goal; nil where there are none.
func (r *reader) usualOf(p place) reflect.Value {
	goals := usual()
	v := reflect.ValueOf(&goals).Elem()
	for _, f := range fieldsOf(v.Type()) {
		if "goals."+f.name == p.field {
			return v.Field(f.index)
		}
	}
	return reflect.Value{}
}

// needed says what a goal cannot do without.
func needed(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[*assess.Licenses]():
		return "it needs allow or deny"
	case reflect.TypeFor[*assess.HighProfile]():
		return "it needs ids"
	case reflect.TypeFor[*assess.MinimumScore]():
		return "it needs min"
	}
	return "it needs a list"
}
