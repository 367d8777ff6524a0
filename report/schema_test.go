package report_test

import (
	"encoding/json"
	"maps"
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

// The same holds for the schemas of the papers, which refer to that of the report for what both have.
func TestTheSchemasOfPapersNameEveryField(t *testing.T) {
	var shared, approval schemaNode
	for schema, node := range map[*[]byte]*schemaNode{&report.Schema: &shared, &report.ApprovalSchema: &approval} {
		if err := json.Unmarshal(*schema, node); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		schema []byte
		typ    reflect.Type
	}{
		"verification": {report.VerificationSchema, reflect.TypeFor[report.Verification]()},
		"attestations": {report.AttestationsSchema, reflect.TypeFor[report.Attestations]()},
		"approval":     {report.ApprovalSchema, reflect.TypeFor[report.Approval]()},
	} {
		var root schemaNode
		if err := json.Unmarshal(c.schema, &root); err != nil {
			t.Fatal(name, err)
		}
		defs := maps.Clone(shared.Defs)
		maps.Copy(defs, approval.Defs)
		maps.Copy(defs, root.Defs)
		defs[""] = &shared
		named(t, c.typ, &root, defs, name)
	}
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
	_, ref, _ := strings.Cut(node.Ref, "#/")
	if name, ok := strings.CutPrefix(ref, "$defs/"); ok {
		node = defs[name]
	} else if name, ok := strings.CutPrefix(ref, "properties/"); ok { // a property of the report's
		node = defs[""].Properties[name]
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
