package main

import (
	"bytes"
	"strings"
	"testing"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
)

// A gate that an image picks for itself by a label is none.
func TestAnImageDoesNotChooseItsOwnGate(t *testing.T) {
	settings, err := environments.Parse("tidewaiter.yaml", []byte(`environments: {lax: {like: development, labels: {net: internal}}, named: {images: [shop]}}`))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"net": "internal"}
	for _, tc := range []struct {
		name      string
		image     assess.Image
		deaf      bool
		env, want string
		told      bool
	}{
		{"a scan goes by labels", assess.Image{Reference: "x", Labels: labels}, false, "", "lax", false},
		{"a gate does not", assess.Image{Reference: "x", Labels: labels}, true, "", "production", true},
		{"but by what the image is called", assess.Image{Reference: "shop", Labels: labels}, true, "", "named", false},
		{"and by what was asked for", assess.Image{Reference: "x", Labels: labels}, true, "lax", "lax", false},
	} {
		o := environmentOptions{config: configFile{loaded: settings}, env: tc.env, deafToLabels: tc.deaf}
		var told bytes.Buffer
		o.tellLabelled(streams{err: &told}, &tc.image)
		got, err := o.environment(&tc.image)
		if err != nil || got.Name != tc.want || strings.Contains(told.String(), "--env lax") != tc.told {
			t.Errorf("%s: %s, %v, %q", tc.name, got.Name, err, told.String())
		}
	}
}
