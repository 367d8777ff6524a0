package trust

import (
	"strings"
	"testing"
)

// Of two fields of one name, one program goes by the first and another by the last: what was signed is then not one thing.
func TestStatementSaysEachThingOnce(t *testing.T) {
	const head = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab"}}],"predicateType":"https://a.example/1"`
	for _, tc := range []struct{ text, want string }{
		{head + `,"predicate":{"subject":1,"Subject":2}}`, ""},
		{head + `,"more":[{"subject":[]}],"more":1}`, ""},
		{head + `,"subject":[]}`, "the field subject more than once"},
		{head + `,"Subject":[]}`, `in other letters ("Subject")`},
		{head + `,"ſubject":[]}`, "the field subject"},
		{head + `,"predicateType":"https://b.example/1"}`, "the field predicateType"},
		{head + `,"predicate":{},"PREDICATE":{}}`, "the field predicate"},
		{`{"_Type":"https://in-toto.io/Statement/v1"}`, "the field _type"},
		{head + `} {}`, "not a valid in-toto statement"},
		{`null`, "its type is"},
	} {
		_, err := ParseStatement([]byte(tc.text))
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, not %q", tc.text, err, tc.want)
		}
	}
}
