package report

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/template"
)

// Template is a Go template (text/template) over the report as JSON has it: {{ .image.reference }} and not the fields of this
// program's own types, so that a template lasts as long as the JSON contract.
type Template struct{ parsed *template.Template }

// maxTemplated bounds what a template writes, in bytes: two lists walked one inside the other would fill a disk.
const maxTemplated = 256 << 20

// NewTemplate parses a template; name is what errors call it.
func NewTemplate(name, text string) (*Template, error) {
	t, err := template.New(name).Funcs(templateFunctions(&Report{})).Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, templateError(err)
	}
	return &Template{t}, nil
}

// Write fills the template in with a report. What is written is what the template says: nothing is escaped by itself.
func (t *Template) Write(w io.Writer, r *Report) error {
	if t == nil {
		return errors.New("no template was given")
	}
	filled, err := t.parsed.Clone()
	if err != nil {
		return err
	}
	if err := filled.Funcs(templateFunctions(r)).Execute(&bounded{w: w, left: maxTemplated}, model(reflect.ValueOf(r))); err != nil {
		return templateError(err)
	}
	return nil
}

// templateError leaves out Go's own prefix: what follows it has the file and the line.
func templateError(err error) error {
	return fmt.Errorf("template %s", strings.TrimPrefix(err.Error(), "template: "))
}

// bounded fails once too much was written.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("it writes more than %d MiB", maxTemplated>>20)
	}
	return b.w.Write(p)
}

// model gives a value as JSON would have it, except that what JSON leaves out is there, and empty: a field that is not there is then a
// mistake in the template, which is told with its line. Of an object that is absent (kev, epss) every field is.
func model(v reflect.Value) any {
	if m, ok := v.Interface().(json.Marshaler); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
		var out any
		if raw, err := m.MarshalJSON(); err != nil || v.IsZero() || json.Unmarshal(raw, &out) != nil {
			return ""
		}
		return out
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		switch {
		case !v.IsNil():
			return model(v.Elem())
		case v.Type().Elem().Kind() == reflect.Struct:
			return map[string]any(nil)
		}
		return ""
	case reflect.Struct:
		fields := map[string]any{}
		modelFields(fields, v)
		return fields
	case reflect.Slice, reflect.Array:
		list := make([]any, 0, v.Len())
		for i := range v.Len() {
			list = append(list, model(v.Index(i)))
		}
		return list
	case reflect.Map:
		if words, ok := v.Interface().(map[string]string); ok {
			return words
		}
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[key.String()] = model(v.MapIndex(key))
		}
		return out
	case reflect.String: // named types print as text, and compare with it
		return v.String()
	}
	return v.Interface()
}

// modelFields adds the fields of a struct by their names in JSON, those of embedded structs among them.
func modelFields(fields map[string]any, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			modelFields(fields, v.Field(i))
		case name != "" && name != "-" && field.IsExported():
			fields[name] = model(v.Field(i))
		}
	}
}

// templateFunctions are what a template can call besides what text/template has itself; docs/reports.md lists them. Those of text take
// the text last, so that they can stand in a pipe.
func templateFunctions(r *Report) template.FuncMap {
	return template.FuncMap{
		"lower": strings.ToLower, "upper": strings.ToUpper, "trim": strings.TrimSpace, "clean": Clean,
		"join":     joined,
		"split":    func(separator, text string) []string { return strings.Split(text, separator) },
		"replace":  func(old, with, text string) string { return strings.ReplaceAll(text, old, with) },
		"truncate": func(n int, text string) string { return cut(text, max(n, 1)) },
		"default":  orElse,
		"json":     asJSON,
		"csv":      csvCell,
		"markdown": mark,
		"sorted":   func(findings []any) []any { return templateSorted(r, findings) },
		"standing": func(findings []any) []any { return having(findings, "quieted", false) },
		"quieted":  func(findings []any) []any { return having(findings, "quieted", true) },
		"where":    templateWhere,
	}
}

// joined writes a list as text.
func joined(separator string, list any) (string, error) {
	v := reflect.ValueOf(list)
	if !v.IsValid() {
		return "", nil
	}
	if v.Kind() != reflect.Slice {
		return "", fmt.Errorf("join: %T is no list", list)
	}
	words := make([]string, 0, v.Len())
	for i := range v.Len() {
		words = append(words, fmt.Sprint(v.Index(i).Interface()))
	}
	return strings.Join(words, separator), nil
}

// orElse gives other where value is empty.
func orElse(other, value any) any {
	if truth, ok := template.IsTrue(value); ok && truth {
		return value
	}
	return other
}

func asJSON(value any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// csvCell writes a value as one cell that is no formula.
func csvCell(value any) (string, error) {
	var b strings.Builder
	c := csv.NewWriter(&b)
	err := c.Write([]string{harmless(Clean(fmt.Sprint(value)))})
	c.Flush()
	return strings.TrimSuffix(b.String(), "\n"), err
}

// templateSorted puts the findings to look at first to the front.
func templateSorted(r *Report, findings []any) []any {
	place := map[[2]string]int{}
	for i, f := range sorted(r.Findings) {
		place[[2]string{f.ID, f.Package}] = i
	}
	at := func(f any) int {
		fields, _ := f.(map[string]any)
		id, _ := fields["id"].(string)
		of, _ := fields["package"].(string)
		return place[[2]string{id, of}]
	}
	out := slices.Clone(findings)
	slices.SortStableFunc(out, func(a, b any) int { return at(a) - at(b) })
	return out
}

// having gives the elements that have a field, or those that do not.
func having(list []any, field string, has bool) []any {
	return slices.DeleteFunc(slices.Clone(list), func(element any) bool {
		fields, _ := element.(map[string]any)
		truth, _ := template.IsTrue(fields[field])
		return truth != has
	})
}

// templateWhere gives the elements of a list whose field has a value.
func templateWhere(field string, value any, list []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(element any) bool {
		fields, _ := element.(map[string]any)
		return !reflect.DeepEqual(fields[field], value)
	})
}
