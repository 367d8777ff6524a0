package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
)

// The page about goals names each of them, and its examples are right.
func TestTheDocumentationOfGoals(t *testing.T) {
	text, err := os.ReadFile("../../docs/goals.md")
	if err != nil {
		t.Fatal(err)
	}
	for f := range reflect.TypeFor[assess.Goals]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !strings.Contains(string(text), "\n| `"+name+"` |") {
			t.Errorf("docs/goals.md does not name the goal %s", name)
		}
		if f.Type.Kind() != reflect.Pointer {
			continue
		}
		for p := range f.Type.Elem().Fields() {
			if parameter, _, _ := strings.Cut(p.Tag.Get("json"), ","); !strings.Contains(string(text), "`"+parameter+"`") {
				t.Errorf("docs/goals.md does not name %s of the goal %s", parameter, name)
			}
		}
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(examples) < 3 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, example := range examples {
		if _, err := environments.Parse("docs/goals.md", example[1]); err != nil {
			t.Errorf("%s\n%v", example[1], err)
		}
	}
}
