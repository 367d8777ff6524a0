package environments_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/hardening"
	"tidewaiter/match"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(environments.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate holds YAML against the schema.
func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	value, err = jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestTheSchemaRefusesWhatTheReaderRefuses(t *testing.T) {
	schema := compiled(t)
	for _, tc := range mistakes() {
		if !tc.beyond && validate(t, schema, []byte(tc.text)) == nil {
			t.Errorf("the schema takes\n%s", tc.text)
		}
	}
}

// examples are the files that are shown to users: the one to begin with, and those of the documentation.
func examples(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"example.yaml": environments.Example()}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "environments.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		all["docs/environments.md, example "+string(rune('1'+i))] = []byte(text)
	}
	if len(all) < 2 {
		t.Error("docs/environments.md has no example")
	}
	return all
}

func TestExamplesHaveNoMistake(t *testing.T) {
	schema := compiled(t)
	for name, text := range examples(t) {
		if _, err := environments.Parse(name, text); err != nil {
			t.Error(err)
		}
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheFileToBeginWithChangesNothing(t *testing.T) {
	s := parse(t, string(environments.Example()))
	if d := cmp.Diff(assess.BuiltIn(), s.Environments); d != "" || s.Default != "production" {
		t.Error(s.Default, d)
	}
	uncommented := strings.NewReplacer("      # non-root", "      non-root", "      # base:", "      base:", "      # licenses", "      licenses", "      # fixable", "      fixable",
		"    # controls", "    controls", "    # images", "    images", "    # labels", "    labels", "    # exceptions", "    exceptions",
		"  # intranet:", "  intranet:", "  #   like", "    like", "  #   images", "    images", "# bindings", "bindings", "#   - images", "  - images",
		"#     exposure", "    exposure", "#     reason", "    reason", "# exceptions:", "exceptions:", "# rules", "rules").Replace(string(environments.Example()))
	if strings.Count(uncommented, "\n") != strings.Count(string(environments.Example()), "\n") {
		t.Fatal("lines are lost")
	}
	if got := parse(t, uncommented); len(got.Bindings) != 1 || len(got.Environments) != 4 || len(got.Rules) != 1 {
		t.Errorf("what stands in comments is no example: %+v", got)
	}
}

func TestEffectiveValuesFollowTheSchema(t *testing.T) {
	schema := compiled(t)
	for name, text := range examples(t) {
		s := parse(t, string(text))
		all := map[string]any{}
		for _, env := range s.Environments {
			all[env.Name] = environments.Tree(s.Effective(env))
		}
		raw, err := json.Marshal(map[string]any{"environments": all})
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// schemaNode is a part of the schema.
type schemaNode struct {
	Ref                  string                 `json:"$ref"`
	Defs                 map[string]*schemaNode `json:"$defs"`
	Description          string                 `json:"description"`
	Properties           map[string]*schemaNode `json:"properties"`
	Items                *schemaNode            `json:"items"`
	OneOf                []*schemaNode          `json:"oneOf"`
	Enum                 []any                  `json:"enum"`
	PropertyNames        *schemaNode            `json:"propertyNames"`
	AdditionalProperties json.RawMessage        `json:"additionalProperties"`
}

// schemaWalk holds Go types against the schema: the same names, and the same words.
type schemaWalk struct {
	t    *testing.T
	defs map[string]*schemaNode
}

// forms are a node, what it refers to, and what it is one of.
func (w *schemaWalk) forms(n *schemaNode) []*schemaNode {
	list := []*schemaNode{n}
	if ref, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		list = append(list, w.forms(w.defs[ref])...)
	}
	for _, o := range n.OneOf {
		list = append(list, w.forms(o)...)
	}
	return list
}

func (w *schemaWalk) hold(typ reflect.Type, n *schemaNode, where string, besides ...string) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	forms := w.forms(n)
	words := w.words(typ)
	if typ.Kind() == reflect.Map {
		words = w.words(typ.Key())
		if typ == reflect.TypeFor[assess.Deadlines]() {
			words = []string{"immediate", "out-of-cycle", "scheduled"}
		}
		if typ == reflect.TypeFor[assess.Hardening]() {
			for _, c := range hardening.Checks() {
				words = append(words, c.Name)
			}
		}
	}
	if words != nil {
		w.sameWords(words, forms, where)
	}
	switch {
	case typ.Kind() == reflect.Slice:
		i := slices.IndexFunc(forms, func(f *schemaNode) bool { return f.Items != nil })
		if i < 0 {
			w.t.Errorf("the schema has no list at %s", where)
			return
		}
		w.hold(typ.Elem(), forms[i].Items, where+"[]")
	case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[assess.Plain]():
		w.structure(typ, forms, where, besides)
	}
}

func (w *schemaWalk) structure(typ reflect.Type, forms []*schemaNode, where string, besides []string) {
	i := slices.IndexFunc(forms, func(f *schemaNode) bool { return f.Properties != nil })
	if i < 0 {
		w.t.Errorf("the schema has no properties at %s", where)
		return
	}
	if string(forms[i].AdditionalProperties) != "false" {
		w.t.Errorf("the schema takes any key at %s", where)
	}
	names := slices.Clone(besides)
	for j := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(j).Tag.Get("json"), ",")
		if name == "-" || typ == reflect.TypeFor[assess.Environment]() && name == "name" {
			continue
		}
		names = append(names, name)
		if p := forms[i].Properties[name]; p == nil {
			w.t.Errorf("the schema does not name %s.%s", where, name)
		} else {
			w.hold(typ.Field(j).Type, p, where+"."+name)
		}
	}
	for name, p := range forms[i].Properties {
		if !slices.Contains(names, name) {
			w.t.Errorf("the schema names %s.%s, which there is not", where, name)
		}
		if !slices.ContainsFunc(w.forms(p), func(f *schemaNode) bool { return f.Description != "" }) && p.Ref == "" {
			w.t.Errorf("the schema does not describe %s.%s", where, name)
		}
	}
}

// sameWords looks for the words among the values, or the names of properties, that the schema allows.
func (w *schemaWalk) sameWords(words []string, forms []*schemaNode, where string) {
	for _, f := range forms {
		if f.PropertyNames != nil {
			forms = append(forms, w.forms(f.PropertyNames)...)
		}
	}
	for _, f := range forms {
		var has []string
		for _, e := range f.Enum {
			text, _ := e.(string)
			has = append(has, text)
		}
		if slices.Equal(has, words) {
			return
		}
	}
	w.t.Errorf("the schema has not the words of %s: %v", where, words)
}

// words are those that a type has; nil where it takes any.
func (w *schemaWalk) words(typ reflect.Type) []string {
	texts := func(list ...string) []string { return list }
	switch typ {
	case reflect.TypeFor[assess.Exposure]():
		return texts("small", "controlled", "open")
	case reflect.TypeFor[assess.Impact]():
		return texts("low", "medium", "high", "very high")
	case reflect.TypeFor[assess.Need]():
		return texts("low", "medium", "high")
	case reflect.TypeFor[assess.Control]():
		var names []string
		for _, c := range assess.Controls() {
			names = append(names, string(c.Name))
		}
		return names
	case reflect.TypeFor[assess.UnknownMeans]():
		return texts("fail", "pass")
	case reflect.TypeFor[match.Priority]():
		return texts("immediate", "out-of-cycle", "scheduled", "defer")
	case reflect.TypeFor[match.Level]():
		return texts("critical", "high", "medium", "low", "negligible")
	}
	return nil
}

func TestTheSchemaNamesEveryField(t *testing.T) {
	var root schemaNode
	if err := json.Unmarshal(environments.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	w := &schemaWalk{t, root.Defs}
	w.hold(reflect.TypeFor[assess.Environment](), root.Defs["environment"], "environments.NAME", "like")
	w.hold(reflect.TypeFor[[]assess.Binding](), root.Properties["bindings"], "bindings")
	var rules []string
	for _, r := range match.Rules() {
		rules = append(rules, r.Name)
	}
	w.sameWords(rules, []*schemaNode{root.Properties["rules"]}, "rules")
	for _, name := range environments.FlagNames() {
		if root.Properties[name] == nil {
			t.Errorf("the schema does not name %s", name)
		}
	}
	_, err := environments.Parse("t", []byte("x: y"))
	for name := range root.Properties { // the message lists all keys that the reader knows
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the schema names %s, which there is not", name)
		}
	}
}

func TestDurationsOfTheSchema(t *testing.T) {
	schema := compiled(t)
	for text, want := range map[string]time.Duration{"0d": 0, "7d": 7 * day, "36h": 36 * time.Hour, "36500d": 36500 * day, "36501d": -1, "1w": -1, "d": -1, "7": -1, "1.5d": -1, "+7d": -1, " 7d": -1} { //nolint:gocritic // the space is the mistake
		file := []byte("environments: {production: {exceptions: {longest: '" + text + "'}}}")
		s, err := environments.Parse("t", file)
		if want < 0 {
			if err == nil {
				t.Errorf("%q is taken", text)
			}
			continue
		}
		if err != nil || environment(t, s, "production").Exceptions.Longest != want {
			t.Errorf("%q: %v", text, err)
		}
		if err := validate(t, schema, file); err != nil {
			t.Error(err)
		}
	}
}
