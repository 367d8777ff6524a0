package assess_test

import (
	"testing"

	"tidewaiter/assess"
)

// Licences come out of images: none of them makes the judging fail or take long.
func FuzzLicences(f *testing.F) {
	for _, s := range []string{"MIT", "(MIT OR GPL-2.0+) AND X WITH y", "((((", "MIT AND", "LicenseRef-a", "+", ""} {
		f.Add(s, "GPL-* WITH *")
	}
	f.Fuzz(func(t *testing.T, words, pattern string) {
		goals := assess.Goals{Licenses: &assess.Licenses{Allow: []string{pattern, "MIT*"}, Deny: []string{pattern + "*"}, Except: []string{pattern}}}
		r := judged(t, "licenses", goals, shop(licensed(words)), assess.Options{})
		if r.Verdict == "" {
			t.Errorf("%q: no verdict", words)
		}
	})
}
