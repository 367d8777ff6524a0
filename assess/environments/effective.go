package environments

import (
	_ "embed"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewaiter/assess"
)

//go:embed schema.json
var schema []byte

//go:embed example.yaml
var example []byte

// Schema is the JSON schema of the file.
func Schema() []byte { return slices.Clone(schema) }

// Example is a file to begin with: what it says is built in already, and comments say how to change it.
func Example() []byte { return slices.Clone(example) }

// Value is one that holds, and where it is from.
type Value struct {
	// Name is its place in an environment ("goals.data-age.max"), and Value what it is: text, number, true or false, a list or a map of texts.
	Name  string
	Value any
	From  string
}

// Effective gives all values of an environment, in the order of its fields: the goals that are not set among them, as off. A parameter that is
// not used (no grace, no labels) is left out where the file does not name it.
func (s *Settings) Effective(env assess.Environment) []Value {
	e := effective{settings: s, top: "environments." + env.Name + "."}
	v := reflect.ValueOf(env)
	for _, f := range fieldsOf(v.Type()) {
		switch value := v.Field(f.index); f.name {
		case "deadlines":
			if env.Deadlines == nil {
				e.add(f.name, CISA)
			} else {
				e.value(f.name, value)
			}
		case "goals":
			e.goals(value)
		default:
			e.value(f.name, value)
		}
	}
	return e.values
}

type effective struct {
	settings *Settings
	top      string
	values   []Value
}

// add notes a value. It is from where it was set, or what it is in.
func (e *effective) add(name string, value any) {
	from := e.settings.Origins[e.top+name]
	for at := name; from == ""; {
		dot := strings.LastIndexByte(at, '.')
		if dot < 0 {
			from = e.settings.Origins[strings.TrimSuffix(e.top, ".")]
			break
		}
		at = at[:dot]
		from = e.settings.Origins[e.top+at]
	}
	if from == "" {
		from = BuiltIn
	}
	e.values = append(e.values, Value{name, value, from})
}

func (e *effective) value(name string, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			e.value(name+"."+f.name, v.Field(f.index))
		}
	case !v.IsZero() || e.said(name):
		e.add(name, plain(v))
	}
}

// said says whether the file sets a value.
func (e *effective) said(name string) bool {
	_, ok := e.settings.Origins[e.top+name]
	return ok
}

// goals are each on with their parameters, or off.
func (e *effective) goals(goals reflect.Value) {
	for _, f := range fieldsOf(goals.Type()) {
		name, v := "goals."+f.name, goals.Field(f.index)
		switch before := len(e.values); {
		case v.IsZero():
			e.add(name, off)
		case v.Type() == reflect.TypeFor[assess.Hardening]():
			e.checks(name, v.Interface().(assess.Hardening))
		case v.Kind() != reflect.Pointer:
			e.value(name, v)
		default:
			e.value(name, v.Elem())
			if len(e.values) == before {
				e.add(name, on)
			}
		}
	}
}

// plain gives a value as a file has it.
func plain(v reflect.Value) any {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return formatDuration(time.Duration(v.Int()))
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Float64:
		return v.Float()
	case reflect.String:
		return v.String()
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(v.Index(i))
		}
		return list
	case reflect.Map:
		table := map[string]any{}
		for _, k := range v.MapKeys() {
			table[k.String()] = plain(v.MapIndex(k))
		}
		return table
	}
	table := map[string]any{}
	for _, f := range fieldsOf(v.Type()) {
		if x := v.Field(f.index); !x.IsZero() {
			table[f.name] = plain(x)
		}
	}
	return table
}

// Tree puts values into the form of the file.
func Tree(values []Value) map[string]any {
	top := map[string]any{}
	for _, v := range values {
		at, names := top, strings.Split(v.Name, ".")
		for _, name := range names[:len(names)-1] {
			below, ok := at[name].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
		at[names[len(names)-1]] = v.Value
	}
	return top
}

// String is the value in one line.
func (v Value) String() string { return inLine(v.Value) }

func inLine(value any) string {
	switch x := value.(type) {
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []string:
		return strings.Join(x, ", ")
	case []any:
		parts := make([]string, len(x))
		for i, item := range x {
			parts[i] = inLine(item)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		parts := make([]string, 0, len(x))
		for _, k := range slices.Sorted(maps.Keys(x)) {
			parts = append(parts, k+": "+inLine(x[k]))
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(value)
}
