package report_test

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"tidewaiter/report"
)

// Every field that a report can have stands in the schema, so that none is added without its description.
func TestTheSchemaNamesEveryField(t *testing.T) {
	data, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	named(t, reflect.TypeFor[report.Report](), &root, root.Defs, "report")
}

type schemaNode struct {
	Ref        string                 `json:"$ref"`
	Defs       map[string]*schemaNode `json:"$defs"`
	Properties map[string]*schemaNode `json:"properties"`
	Items      *schemaNode            `json:"items"`
}

// named holds the JSON fields of a type against a node of the schema.
func named(t *testing.T, typ reflect.Type, node *schemaNode, defs map[string]*schemaNode, where string) {
	t.Helper()
	if ref, ok := strings.CutPrefix(node.Ref, "#/$defs/"); ok {
		node = defs[ref]
	}
	switch typ.Kind() {
	case reflect.Pointer:
		named(t, typ.Elem(), node, defs, where)
	case reflect.Slice:
		if node.Items != nil {
			named(t, typ.Elem(), node.Items, defs, where+"[]")
		}
	case reflect.Struct:
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if typ.Field(i).Anonymous && name == "" { // its fields stand beside the others
				named(t, typ.Field(i).Type, node, defs, where)
			}
			if name == "" || name == "-" {
				continue
			}
			if node.Properties[name] == nil {
				t.Errorf("the schema does not name %s.%s", where, name)
				continue
			}
			named(t, typ.Field(i).Type, node.Properties[name], defs, where+"."+name)
		}
	}
}
