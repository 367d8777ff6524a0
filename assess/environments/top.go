package environments

import (
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"tidewaiter/assess"
	"tidewaiter/assess/nearest"
)

// setting is a key at the top of a file that stands for a flag of the command line.
type setting struct {
	name string
	// list says that there may be several, and duration that it is a time.
	list, duration bool
	// path says that it names a file or directory: relative ones begin at the directory of the file.
	path bool
}

// withoutExceptions is what --exceptions takes for none at all.
const withoutExceptions = "none"

// flagSettings are those that there are.
func flagSettings() []setting {
	return []setting{
		{name: "advisories", path: true},
		{name: "bases", path: true},
		{name: "clamd"}, // an address: the path of a socket is from the root on
		{name: "deployments", path: true},
		{name: "exceptions", path: true},
		{name: "max-data-age", duration: true},
		{name: "trusted-root", list: true, path: true},
		{name: "vex", list: true, path: true},
		{name: "vex-key", list: true, path: true},
		{name: "yara", list: true, path: true},
	}
}

// FlagNames are the flags of the command line that a file may set, sorted.
func FlagNames() []string {
	var names []string
	for _, s := range flagSettings() {
		names = append(names, s.name)
	}
	return names
}

// topKeys are all keys at the top of a file.
func topKeys() []string {
	return append([]string{"version", "default", "environments", "bindings", "trust", "rules"}, FlagNames()...)
}

// top reads the whole file.
func (r *reader) top(n *yaml.Node) {
	entries, ok := r.entries(n, place{})
	if !ok {
		return
	}
	at := map[string]*yaml.Node{}
	for _, e := range entries {
		if !slices.Contains(topKeys(), e.key.Value) {
			r.unknownKey(e.key, place{}, topKeys())
			continue
		}
		at[e.key.Value] = e.value
	}
	r.version(at["version"])
	if n := at["environments"]; n != nil {
		r.environments(n)
	}
	r.defaultName(at["default"])
	if n := at["rules"]; n != nil {
		r.read(n, place{}.key("rules"), reflect.ValueOf(&r.settings.Rules).Elem())
	}
	if n := at["bindings"]; n != nil {
		r.bindings(n)
	}
	if n := at["trust"]; n != nil {
		r.trust(n)
	}
	for _, s := range flagSettings() {
		if n := at[s.name]; n != nil {
			r.flag(n, s)
		}
	}
}

func (r *reader) version(n *yaml.Node) {
	if n == nil {
		return
	}
	p := place{}.key("version")
	text, ok := r.scalar(n, p, "1")
	if ok && text != "1" {
		r.mistake(n, p, "%q is none that this program knows: write 1, or use a newer program", cut(text))
	}
}

func (r *reader) defaultName(n *yaml.Node) {
	if n == nil {
		return
	}
	p := place{}.key("default")
	text, ok := r.scalar(n, p, "the name of an environment")
	if !ok {
		return
	}
	names := r.settings.Names()
	for name := range r.inFile { // also one with mistakes is there
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Contains(names, text) {
		r.mistake(n, p, "%v", noneOf(text, slices.Compact(names)))
		return
	}
	r.settings.Default = text
	r.came(n, p)
}

func (r *reader) bindings(n *yaml.Node) {
	p := place{}.key("bindings")
	before := len(r.mistakes)
	r.read(n, p, reflect.ValueOf(&r.settings.Bindings).Elem())
	for i, b := range r.settings.Bindings {
		if len(b.Images) == 0 && len(b.Labels) == 0 && len(r.mistakes) == before {
			r.mistake(n, p.item(i), "names no image: write images or labels")
		}
	}
}

// trust reads who may sign what.
func (r *reader) trust(n *yaml.Node) {
	p := place{}.key("trust")
	before := len(r.mistakes)
	r.read(n, p, reflect.ValueOf(&r.settings.Trust).Elem())
	if len(r.mistakes) > before {
		return
	}
	for i := range r.settings.Trust {
		rule := &r.settings.Trust[i]
		if err := rule.Check(); err != nil {
			r.mistake(n, p.item(i), "%v", err)
		}
		rule.Key, rule.Authority = r.besideFile(rule.Key), r.besideFile(rule.Authority)
	}
}

// besideFile gives a path as it is from the working directory: relative ones begin at the directory of the file.
func (r *reader) besideFile(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}

// flag reads a setting that stands for a flag.
func (r *reader) flag(n *yaml.Node, s setting) {
	p := place{}.key(s.name)
	var values []string
	switch {
	case s.list:
		r.read(n, p, reflect.ValueOf(&values).Elem())
	case s.duration:
		var d time.Duration
		r.read(n, p, reflect.ValueOf(&d).Elem())
		values = []string{formatDuration(d)}
	default:
		var text string
		r.read(n, p, reflect.ValueOf(&text).Elem())
		values = []string{text}
	}
	for i, v := range values {
		if s.path && v != withoutExceptions {
			values[i] = r.besideFile(v)
		}
	}
	r.settings.Flags[s.name] = values
}

// environments reads the environments. One that is called like a built-in one starts from it, one with like from the other, and else from production:
// what a file forgets to say is then demanded.
func (r *reader) environments(n *yaml.Node) {
	p := place{}.key("environments")
	entries, ok := r.entries(n, p)
	if !ok {
		return
	}
	if len(entries) > mostEnvironments {
		r.mistake(n, p, "there are more than %d", mostEnvironments)
		return
	}
	for _, e := range entries {
		if err := checkName(e.key.Value); err != nil {
			r.mistake(e.key, p, "%v", err)
			continue
		}
		r.inFile[e.key.Value] = e
	}
	list := assess.BuiltIn()
	for i := range list {
		list[i] = r.environment(list[i].Name, nil)
	}
	for _, name := range slices.Sorted(maps.Keys(r.inFile)) {
		if _, isBuiltIn := builtIn(name); !isBuiltIn {
			list = append(list, r.environment(name, nil))
		}
	}
	r.settings.Environments = list
}

func builtIn(name string) (assess.Environment, bool) {
	list := assess.BuiltIn()
	i := slices.IndexFunc(list, func(e assess.Environment) bool { return e.Name == name })
	if i < 0 {
		return assess.Environment{}, false
	}
	return list[i], true
}

// environment reads one environment, and before it that from which it starts. after are those that start from it.
func (r *reader) environment(name string, after []string) assess.Environment {
	env, ok := r.done[name]
	if ok {
		return env
	}
	e, described := r.inFile[name]
	if !described {
		env, _ := builtIn(name)
		return env
	}
	p := place{"environments." + name, ""}
	entries, ok := r.entries(e.value, p)
	like := slices.IndexFunc(entries, func(e entry) bool { return e.key.Value == "like" })
	if like >= 0 {
		env = r.startLike(entries[like].value, name, after)
	} else {
		env = r.start(e, name)
	}
	if ok {
		r.fill(entries, p, &env)
	}
	r.done[name] = env
	return env
}

// start gives the environment that one without like starts from.
func (r *reader) start(e entry, name string) assess.Environment {
	if env, ok := builtIn(name); ok {
		return env
	}
	var names []string
	for _, b := range assess.BuiltIn() {
		names = append(names, b.Name)
	}
	if near := nearest.Word(strings.ToLower(name), names); near != "" {
		r.mistake(e.key, place{at: "environments"}, "is %q meant to be %s? If it is another environment, say like: %s in it", name, near, near)
	}
	env := assess.BuiltIn()[0]
	return r.inherit(env, name)
}

// startLike gives the environment that another one starts from: all of it but the images that are meant for that.
func (r *reader) startLike(n *yaml.Node, name string, after []string) assess.Environment {
	p := place{at: "environments." + name + ".like"}
	fallback := assess.BuiltIn()[0]
	fallback.Name = name
	if n = r.follow(n, p); n == nil {
		return fallback
	}
	other, ok := r.scalar(n, p, "the name of an environment")
	if !ok {
		return fallback
	}
	names := r.settings.Names() // the built-in ones, yet
	for known := range r.inFile {
		names = append(names, known)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(known string) bool { return known == name })
	switch {
	case other == name:
		r.mistake(n, p, "an environment cannot start from itself; one that is called like a built-in one starts from that without like")
	case !slices.Contains(names, other):
		r.mistake(n, p, "%v", noneOf(other, names))
	case slices.Contains(after, other):
		r.mistake(n, p, "%s itself starts from %s: like must come to an end", other, name)
	default:
		env := r.environment(other, append(slices.Clone(after), name))
		return r.inherit(env, name)
	}
	return fallback
}

// inherit makes the environment that starts from another one, and notes where the values are from.
func (r *reader) inherit(from assess.Environment, name string) assess.Environment {
	origins := r.settings.Origins
	prefix, own := "environments."+from.Name, "environments."+name
	if _, known := origins[prefix]; !known {
		origins[own] = BuiltIn + " (" + from.Name + ")"
	}
	for at, origin := range maps.Clone(origins) {
		rest, ok := strings.CutPrefix(at, prefix)
		if ok && (rest == "" || rest[0] == '.') && !strings.HasPrefix(rest, ".images") && !strings.HasPrefix(rest, ".labels") {
			origins[own+rest] = origin
		}
	}
	env := clone(from)
	env.Name, env.Images, env.Labels = name, nil, nil
	return env
}

// clone copies what reading an environment may write into: the goals.
func clone(env assess.Environment) assess.Environment {
	goals := reflect.ValueOf(&env.Goals).Elem()
	for i := range goals.NumField() {
		if f := goals.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			copied := reflect.New(f.Type().Elem())
			copied.Elem().Set(f.Elem())
			f.Set(copied)
		}
	}
	return env
}

// fill reads the values of an environment over those that it starts with.
func (r *reader) fill(entries []entry, p place, env *assess.Environment) {
	fields := fieldsOf(reflect.TypeFor[assess.Environment]())
	v := reflect.ValueOf(env).Elem()
	for _, e := range entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == e.key.Value })
		switch {
		case e.key.Value == "like":
		case i < 0:
			r.unknownKey(e.key, p, append([]string{"like"}, namesOf(fields)...))
		case e.key.Value == "deadlines":
			r.deadlines(e.value, p.key("deadlines"), &env.Deadlines)
		default:
			r.read(e.value, p.key(e.key.Value), v.Field(fields[i].index))
		}
	}
}

// deadlines reads CISA's name or a table of the environment's own.
func (r *reader) deadlines(n *yaml.Node, p place, d *assess.Deadlines) {
	if n = r.follow(n, p); n == nil {
		return
	}
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.read(n, p, reflect.ValueOf(d).Elem())
		return
	}
	if n.Value != CISA {
		r.mistake(n, p, "%q is not %s: write that, or a map like immediate: 3d", cut(n.Value), CISA)
		return
	}
	*d = nil
	r.came(n, p)
}
