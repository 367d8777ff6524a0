package environments

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewaiter/assess"
	"tidewaiter/assess/nearest"
	"tidewaiter/match"
)

// CISA names the timelines that deadlines are unless an environment has its own.
const CISA = "cisa-bod-26-04"

// field is one of a struct, as the file names it.
type field struct {
	name     string
	index    int
	required bool
}

// fieldsOf gives the fields of a struct that a file may set, in their order.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" || t == reflect.TypeFor[assess.Environment]() && name == "name" { // that one is the key
			continue
		}
		list = append(list, field{name, i, !strings.Contains(options, "omit")})
	}
	return list
}

func namesOf(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// leaf is how a single value is read.
type leaf struct {
	// what says what belongs there.
	what string
	// words are all that there are; nil where they are not so few.
	words []string
	set   func(v reflect.Value, text string) error
}

// leafOf gives how values of a type are read, or of a field that allows less than its type; false for lists, maps and structs.
func leafOf(t reflect.Type, field string) (leaf, bool) {
	if words := wordsOf(t, field); words != nil {
		return leaf{"one of " + strings.Join(words, ", "), words, setWord(words)}, true
	}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return leaf{"a time like 7d or 36h", nil, setDuration}, true
	case reflect.TypeFor[bool]():
		return leaf{"true or false", nil, setBool}, true
	case reflect.TypeFor[float64]():
		return leaf{"a number from 0 to 100", nil, setScore}, true
	}
	if t.Kind() != reflect.String {
		return leaf{}, false
	}
	what, check := textOf(field)
	return leaf{what, nil, func(v reflect.Value, text string) error {
		if err := check(text); err != nil {
			return err
		}
		v.SetString(text)
		return nil
	}}, true
}

// wordsOf gives the words that a type or a field is limited to; nil where it is not.
func wordsOf(t reflect.Type, field string) []string {
	switch t {
	case reflect.TypeFor[assess.Exposure]():
		return texts(assess.Exposures())
	case reflect.TypeFor[assess.Impact]():
		return texts(assess.Impacts())
	case reflect.TypeFor[assess.Need]():
		return texts(assess.Needs())
	case reflect.TypeFor[assess.Control]():
		var names []string
		for _, c := range assess.Controls() {
			names = append(names, string(c.Name))
		}
		return names
	case reflect.TypeFor[assess.UnknownMeans]():
		return []string{string(assess.UnknownFails), string(assess.UnknownPasses)}
	case reflect.TypeFor[match.Priority]():
		return texts([]match.Priority{match.Immediate, match.OutOfCycle, match.Scheduled, match.Defer})
	case reflect.TypeFor[match.Level]():
		return texts([]match.Level{match.Critical, match.High, match.Medium, match.Low, match.Negligible})
	case reflect.TypeFor[match.Effect]():
		return texts([]match.Effect{match.Off, match.Lower, match.Quiet})
	}
	switch field {
	case "goals.licenses.origin":
		return []string{"base", "app"}
	case "goals.provenance.mode":
		return []string{"max"}
	case "goals.provenance.inputs":
		return []string{"pinned"}
	case "goals.licenses.unknown", "goals.provenance.unverified":
		return texts([]assess.Verdict{assess.Pass, assess.Fail, assess.Unknown})
	}
	return nil
}

// keyWords gives the words that the keys of a map are limited to; nil where they are the user's.
func keyWords(t reflect.Type, field string) []string {
	switch {
	case field == "rules":
		var names []string
		for _, r := range match.Rules() {
			names = append(names, r.Name)
		}
		return names
	case t == reflect.TypeFor[assess.Deadlines](): // what is deferred waits for the next upgrade, always
		return texts([]match.Priority{match.Immediate, match.OutOfCycle, match.Scheduled})
	}
	return wordsOf(t.Key(), field)
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

func setWord(words []string) func(reflect.Value, string) error {
	return func(v reflect.Value, text string) error {
		if !slices.Contains(words, text) {
			return noneOf(text, words)
		}
		v.SetString(text)
		return nil
	}
}

// noneOf says that a word is none of those that there are, and which was most likely meant.
func noneOf(text string, words []string) error {
	hint := ""
	if near := nearest.Word(strings.ToLower(text), words); near != "" {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return fmt.Errorf("%q is none of %s%s", cut(text), strings.Join(words, ", "), hint)
}

func setBool(v reflect.Value, text string) error {
	if text != "true" && text != "false" {
		return fmt.Errorf("%q is neither true nor false", cut(text))
	}
	v.SetBool(text == "true")
	return nil
}

func setScore(v reflect.Value, text string) error {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return fmt.Errorf("%q is no number from 0 to 100", cut(text))
	}
	v.SetFloat(f)
	return nil
}

func setDuration(v reflect.Value, text string) error {
	d, err := parseDuration(text)
	if err != nil {
		return err
	}
	v.SetInt(int64(d))
	return nil
}

const day = 24 * time.Hour

// parseDuration reads days or hours: 7d, 36h.
func parseDuration(text string) (time.Duration, error) {
	const most = 36500 * day
	unit, digits := day, strings.TrimSuffix(text, "d")
	if hours, ok := strings.CutSuffix(text, "h"); ok {
		unit, digits = time.Hour, hours
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || digits == text || time.Duration(n) > most/unit {
		return 0, fmt.Errorf("%q is no time: write days or hours, as 7d or 36h", cut(text))
	}
	return time.Duration(n) * unit, nil
}

// formatDuration writes what parseDuration reads.
func formatDuration(d time.Duration) string {
	if d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
}

// textOf says what texts a field takes, and checks one.
func textOf(field string) (what string, check func(text string) error) {
	switch field {
	case "images", "bindings.images", "trust.images", "goals.base.approved":
		return "a pattern of images like ghcr.io/acme/*", checkImagePattern
	case "goals.provenance.builders", "goals.provenance.sources":
		return "a pattern like https://github.com/acme/*", notEmpty
	case "goals.hardening.allow":
		return "a pattern of paths or names like /usr/bin/su", notEmpty
	case "goals.executables.allow":
		return "a pattern of paths like /opt/tools/*", checkPath
	case "goals.licenses.allow", "goals.licenses.deny":
		return "an SPDX licence identifier", checkLicense
	case "goals.licenses.except":
		return "a package URL like pkg:npm/left-pad", checkPURL
	case "goals.custom.expression":
		return "a condition in CEL", checkExpression
	case "goals.custom.name":
		return "a name", checkGoalName
	case "labels", "bindings.labels": // of any value, where it is empty
		return "a label's value", func(string) error { return nil }
	}
	return "a text", notEmpty
}

func notEmpty(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("is empty")
	}
	return nil
}

func checkExpression(text string) error {
	const most = 160 // characters of CEL's own words
	if err := assess.CheckExpression(text); err != nil {
		message := []rune(strings.Join(strings.Fields(err.Error()), " "))
		return errors.New(string(message[:min(len(message), most)]))
	}
	return nil
}

// checkImagePattern finds what is written as patterns are elsewhere: they have * and ? alone.
func checkImagePattern(text string) error {
	scheme, _, hasScheme := strings.Cut(text, "://")
	switch {
	case text == "":
		return errors.New("is empty: * means every image")
	case strings.ContainsAny(text, " \t\n"):
		return fmt.Errorf("%q has a space in it: write one pattern per line", cut(text))
	case strings.ContainsAny(text, "[]{}()\\,|^$"):
		return fmt.Errorf("%q is no pattern: only * (any text) and ? (one character) stand for something else", cut(text))
	case hasScheme:
		return fmt.Errorf("%q begins with a scheme: leave %s:// out", cut(text), scheme)
	case strings.HasPrefix(text, "/") || strings.HasSuffix(text, "/"):
		return fmt.Errorf("%q begins or ends with a slash: write a repository as ghcr.io/acme/shop, and all below as ghcr.io/acme/*", cut(text))
	}
	return nil
}

func checkPath(text string) error {
	if !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "*") {
		return fmt.Errorf("%q is no path of the image: it begins with / or *", cut(text))
	}
	return nil
}

func checkPURL(text string) error {
	if !strings.HasPrefix(text, "pkg:") || !strings.Contains(text, "/") {
		return fmt.Errorf("%q is no package URL: write pkg:TYPE/NAME, as in pkg:npm/left-pad", cut(text))
	}
	return nil
}

// checkLicense knows the identifiers that SPDX lists; with a star in it, and as LicenseRef-, it may be any.
func checkLicense(text string) error {
	id, _, _ := strings.Cut(text, " WITH ")
	switch {
	case notEmpty(text) != nil:
		return errors.New("is empty")
	case strings.Contains(text, "*"), strings.HasPrefix(text, "LicenseRef-"), strings.HasPrefix(text, "DocumentRef-"):
		return nil
	case strings.Contains(id, " "):
		return fmt.Errorf("%q is more than one licence: write one per line", cut(text))
	}
	if !assess.IsLicense(id) {
		return fmt.Errorf("%q is no SPDX licence identifier%s", cut(text), likeLicense(id))
	}
	return nil
}

// likeLicense names an identifier that is like one that is none.
func likeLicense(id string) string {
	if len(id) > 60 {
		return ""
	}
	usual := []string{"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
		"GPL-3.0-or-later", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0-or-later",
		"SSPL-1.0", "BUSL-1.1", "Unlicense", "CC0-1.0", "EPL-2.0"}
	if near := nearest.Word(id, usual); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ": https://spdx.org/licenses lists them"
}

// name is what environments and custom goals may be called: they stand in file names, flags and messages.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func checkName(text string) error {
	if !name.MatchString(text) {
		return fmt.Errorf("%q is no name: letters, digits, hyphens and underscores, 63 at most, a letter or digit first", cut(text))
	}
	return nil
}

func checkGoalName(text string) error {
	taken := namesOf(fieldsOf(reflect.TypeFor[assess.Goals]()))
	if text == assess.ExposureGoal || text == assess.BindingGoal || slices.Contains(taken, text) {
		return fmt.Errorf("%q is a goal that there is already: choose another name", text)
	}
	return checkName(text)
}
