package report_test

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"tidewaiter/report"
)

// Every field that a comparison can have stands in its schema.
func TestTheSchemaOfComparisonsNamesEveryField(t *testing.T) {
	data, err := os.ReadFile("schema-compare.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schemaNode
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	named(t, reflect.TypeFor[report.Comparison](), &root, root.Defs, "comparison")
}
