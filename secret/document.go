package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Variables takes the secrets out of variables, build arguments, labels, by their names. The map is changed in place.
func (r *Redactor) Variables(values map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		values[name] = r.variable(name, values[name])
	}
}

func (r *Redactor) variable(name, value string) string {
	return r.replace(value, r.find(asVariable, name+"="+value))
}

// Document takes the secrets out of a JSON document that tells of a build: build arguments, command lines, variables, and the Dockerfile
// that it may hold, in base64. A document without any is given back as it is, byte for byte.
func (r *Redactor) Document(raw []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var doc any
	if d.Decode(&doc) != nil {
		return raw
	}
	w := &walk{Redactor: r}
	doc = w.value("", doc)
	if !w.changed {
		return raw
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return nil // of what was decoded: it does not fail
	}
	return out
}

// walk goes through a document. Its depth is bounded by the decoder's.
type walk struct {
	*Redactor
	changed bool
}

func (w *walk) value(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = w.value(k, v[k])
		}
	case []any:
		for i := range v {
			v[i] = w.value("", v[i])
		}
	case string:
		s := w.text(name, v)
		w.changed = w.changed || s != v
		return s
	}
	return v
}

func (w *walk) text(name, s string) string {
	if name == "data" {
		if source, err := base64.StdEncoding.DecodeString(s); err == nil {
			return base64.StdEncoding.EncodeToString(w.Source(AsDockerfile, source))
		}
	}
	if kind, variable, ok := strings.Cut(name, ":"); ok && (kind == "build-arg" || kind == "label") {
		return w.variable(variable, s)
	}
	if strings.ContainsAny(s, "= ") {
		return w.replace(s, w.find(asInstruction, s))
	}
	return w.replace(s, nil)
}
