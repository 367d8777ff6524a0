package environments

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"tidewaiter/assess"
	"tidewaiter/assess/nearest"
)

const (
	// mostMistakes are told; whoever has more mends these first.
	mostMistakes = 10
	// mostValues bounds how many values a file may have, each one counted wherever an alias repeats it.
	mostValues = 20_000
	// mostEnvironments bounds how many environments a file may have.
	mostEnvironments = 200
)

// reader goes over the nodes of one file.
type reader struct {
	file     string
	settings *Settings
	mistakes Mistakes
	values   int
	// inFile are the environments that the file describes, by name, and done those of them that were read.
	inFile map[string]entry
	done   map[string]assess.Environment
}

// place is where a value stands: at as the user sees it ("environments.production.goals.custom[0].name"), and field as [leafOf] knows it
// ("goals.custom.name"). Both are empty at the top.
type place struct{ at, field string }

func (p place) key(name string) place {
	return place{strings.TrimPrefix(p.at+"."+name, "."), strings.TrimPrefix(p.field+"."+name, ".")}
}

func (p place) item(i int) place { return place{p.at + "[" + strconv.Itoa(i) + "]", p.field} }

// Parse reads the content of a file, which messages call by its name. Its error is [Mistakes].
func Parse(file string, data []byte) (*Settings, error) {
	r := &reader{file: file, settings: Defaults(), inFile: map[string]entry{}, done: map[string]assess.Environment{}}
	r.settings.File = file
	if top := r.document(data); top != nil {
		r.top(top)
	}
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
		if more := len(r.mistakes) - mostMistakes; more > 0 {
			r.mistakes = append(r.mistakes[:mostMistakes], Mistake{File: file, Message: fmt.Sprintf("and %d more mistakes", more)})
		}
		return nil, r.mistakes
	}
	return r.settings, nil
}

// document parses the YAML and gives its top; nil where there is nothing.
func (r *reader) document(data []byte) *yaml.Node {
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		r.mistakes = append(r.mistakes, Mistake{File: r.file, Message: "is no text in UTF-8"})
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		r.mistakes = append(r.mistakes, r.syntax(err, data))
		return nil
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		r.mistake(&second, place{}, "a second document begins: one file describes everything")
		return nil
	}
	return doc.Content[0]
}

// syntax puts what the parser says into a mistake. A tab is the usual cause, and the parser does not name it.
func (r *reader) syntax(err error, data []byte) Mistake {
	for i, line := range strings.Split(string(data), "\n") {
		if indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]; strings.Contains(indent, "\t") {
			return Mistake{r.file, i + 1, "a tab is in front of the line: YAML is indented with spaces"}
		}
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	m := Mistake{File: r.file, Message: message}
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				m.Line, m.Message = n, text
			}
		}
	}
	m.Message = "is no YAML: " + m.Message
	return m
}

func (r *reader) mistake(n *yaml.Node, p place, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	if p.at != "" {
		message = p.at + ": " + message
	}
	r.mistakes = append(r.mistakes, Mistake{r.file, n.Line, message})
}

// came notes where a value is from; what is in a list is from where the list is.
func (r *reader) came(n *yaml.Node, p place) {
	if strings.Contains(p.at, "[") {
		return
	}
	r.settings.Origins[p.at] = fmt.Sprintf("%s:%d", r.file, n.Line)
}

// follow gives the node that an alias stands for. It is nil, with a mistake, where a file has too many values: aliases of aliases can make any
// number of them, without end where one stands for what it is in.
func (r *reader) follow(n *yaml.Node, p place) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch r.values++; {
	case r.values == mostValues:
		r.mistake(n, p, "the file has more than %d values, with those that aliases repeat", mostValues)
		return nil
	case r.values > mostValues:
		return nil
	}
	return n
}

// entry is one key of a map and its value.
type entry struct {
	key   *yaml.Node
	value *yaml.Node
}

// entries gives the keys and values of a map; false, with a mistake, for what is none. No value at all is an empty map: it is what is left
// when all under a key is commented out.
func (r *reader) entries(n *yaml.Node, p place) ([]entry, bool) {
	if n = r.follow(n, p); n == nil {
		return nil, false
	}
	if isNull(n) {
		return nil, true
	}
	if n.Kind != yaml.MappingNode {
		r.mistake(n, p, "is %s where a map belongs: write KEY: VALUE lines under it", kindOf(n))
		return nil, false
	}
	var list []entry
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || isNull(key):
			r.mistake(key, p, "a key is %s: keys are words", kindOf(key))
		case key.Value == "<<" && key.Tag == "!!merge":
			r.mistake(key, p, "<< merges nothing here: an environment starts from another with like: NAME")
		case lines[key.Value] > 0:
			r.mistake(key, p.key(key.Value), "is set a second time; the first is in line %d", lines[key.Value])
		default:
			lines[key.Value] = key.Line
			list = append(list, entry{key, n.Content[i+1]})
		}
	}
	return list, true
}

// unknownKey names the key that was most likely meant.
func (r *reader) unknownKey(key *yaml.Node, p place, known []string) {
	if near := nearest.Word(strings.ToLower(key.Value), known); near != "" {
		r.mistake(key, p, "there is no %q: did you mean %q?", cut(key.Value), near)
		return
	}
	r.mistake(key, p, "there is no %q: there are %s", cut(key.Value), strings.Join(known, ", "))
}

// read puts a node into a value of Go. Structs and what pointers point to keep what the file does not name; lists and other values are replaced.
func (r *reader) read(n *yaml.Node, p place, v reflect.Value) {
	n = r.follow(n, p)
	if n == nil {
		return
	}
	if l, ok := leafOf(v.Type(), p.field); ok {
		if text, ok := r.scalar(n, p, l.what); ok {
			if err := l.set(v, text); err != nil {
				r.mistake(n, p, "%v", err)
				return
			}
			r.came(n, p)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.structure(n, p, v)
	case reflect.Slice:
		r.list(n, p, v)
	case reflect.Map:
		r.table(n, p, v)
	default: // a type that the tables forgot: a mistake of ours, which the tests of the schema find
		panic("no way to read " + v.Type().String() + " at " + p.field)
	}
}

// scalar gives the text of a single value; what says what belongs there.
func (r *reader) scalar(n *yaml.Node, p place, what string) (string, bool) {
	switch {
	case isNull(n):
		r.mistake(n, p, "has no value: %s belongs there, or leave the key out", what)
	case n.Kind != yaml.ScalarNode:
		r.mistake(n, p, "is %s where %s belongs", kindOf(n), what)
	case strings.ContainsFunc(n.Value, isControl):
		r.mistake(n, p, "has a control character in it")
	default:
		return n.Value, true
	}
	return "", false
}

// structure reads a map into a struct, whose fields are named by their JSON tags. A field without omitempty must be there in the end.
func (r *reader) structure(n *yaml.Node, p place, v reflect.Value) {
	entries, ok := r.entries(n, p)
	if !ok {
		return
	}
	fields := fieldsOf(v.Type())
	before := len(r.mistakes)
	for _, e := range entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == e.key.Value })
		if i < 0 {
			r.unknownKey(e.key, p, namesOf(fields))
			continue
		}
		at, into := p.key(fields[i].name), v.Field(fields[i].index)
		if v.Type() == reflect.TypeFor[assess.Goals]() {
			r.goal(e.value, at, into)
		} else {
			r.read(e.value, at, into)
		}
	}
	for _, f := range fields {
		if f.required && v.Field(f.index).IsZero() && len(r.mistakes) == before {
			r.mistake(n, p, "%s is missing", f.name)
		}
	}
}

func (r *reader) list(n *yaml.Node, p place, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		hint := "write one - VALUE line for each"
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			hint = fmt.Sprintf("write [%s]", cut(n.Value))
		}
		r.mistake(n, p, "is %s where a list belongs: %s", kindOf(n), hint)
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(n.Content))
	for i, item := range n.Content {
		element := reflect.New(v.Type().Elem()).Elem()
		r.read(item, p.item(i), element)
		out = reflect.Append(out, element)
		if r.values > mostValues {
			return
		}
	}
	v.Set(out)
	r.came(n, p)
}

// table reads a map whose keys are the user's, or words of a list.
func (r *reader) table(n *yaml.Node, p place, v reflect.Value) {
	entries, ok := r.entries(n, p)
	if !ok {
		return
	}
	if len(entries) == 0 {
		r.mistake(n, p, "has nothing in it: leave the key out, or write KEY: VALUE lines under it")
		return
	}
	out := reflect.MakeMap(v.Type())
	keys := keyWords(v.Type(), p.field)
	for _, e := range entries {
		if keys != nil && !slices.Contains(keys, e.key.Value) {
			r.unknownKey(e.key, p, keys)
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		r.read(e.value, place{p.key(e.key.Value).at, p.field}, element)
		out.SetMapIndex(reflect.ValueOf(e.key.Value).Convert(v.Type().Key()), element)
	}
	v.Set(out)
	r.came(n, p)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func isControl(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f }

// kindOf says what a node is, in words.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case isNull(n):
		return "empty"
	case n.Tag == "!!int", n.Tag == "!!float":
		return "a number"
	}
	return "a single value"
}

// cut keeps a message in a line.
func cut(text string) string {
	const most = 60 // characters
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "..."
	}
	return text
}
