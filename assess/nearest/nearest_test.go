package nearest_test

import (
	"testing"

	"tidewaiter/assess/nearest"
)

func TestWord(t *testing.T) {
	for _, tc := range []struct {
		typed string
		words []string
		want  string
	}{
		{"opne", []string{"small", "controlled", "open"}, "open"},
		{"of", []string{"lower", "off", "quiet"}, "off"},
		{"prodution", []string{"production", "staging"}, "production"},
		{"exploted", []string{"malicious", "exploited"}, "exploited"}, //nolint:misspell // meant
		{"prod", []string{"production", "staging"}, ""},
		{"x", []string{"open"}, ""},
		{"", []string{"open"}, ""},
		{"open", nil, ""},
	} {
		if got := nearest.Word(tc.typed, tc.words); got != tc.want {
			t.Errorf("%q of %v: %q, want %q", tc.typed, tc.words, got, tc.want)
		}
	}
}
