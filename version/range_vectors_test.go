package version

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func expectContains(t *testing.T, ecosystem, native, text string, want bool) {
	t.Helper()
	r, err := ParseRange(ecosystem, native)
	if err != nil {
		t.Error(err)
		return
	}
	if got, err := r.Contains(text); err != nil || got != want {
		t.Errorf("%s: %q contains %q: got %v, %v, want %v", ecosystem, native, text, got, err, want)
	}
}

func expectRangeRefused(t *testing.T, ecosystem, native string) {
	t.Helper()
	if _, err := ParseRange(ecosystem, native); !errors.Is(err, ErrInvalidRange) {
		t.Errorf("%s: %q was taken for a range: %v", ecosystem, native, err)
	}
}

// asksForPreReleases says whether a row of node-semver's tables is about its includePrerelease option, which is not offered here.
func asksForPreReleases(row []any) bool {
	options, _ := row[len(row)-1].(map[string]any)
	return options["includePrerelease"] != nil
}

// looseOnly is a range of which node-semver drops the part that is none, in its loose mode. Nothing is dropped in silence here.
const looseOnly = "== 1.0.0 || foo"

// The tables of node-semver that are left out say how versions are raised and cut short, and whether ranges meet.
func TestNpmRangeVectors(t *testing.T) {
	var file map[string][][]any
	readJSON(t, vectors(t, "vectors", "npm-semver.json"), &file)
	for name, want := range map[string]bool{"range-include": true, "range-exclude": false, "version-gt-range": false, "version-lt-range": false} {
		for _, row := range file[name] {
			c := texts(row)
			if asksForPreReleases(row) {
				continue
			}
			if c[0] == looseOnly {
				expectRangeRefused(t, "npm", c[0])
				continue
			}
			if _, ok := row[1].(string); !ok || !readable("npm", c[1]) {
				continue // a value that is no version is in no range
			}
			expectContains(t, "npm", c[0], c[1], want)
		}
	}
	for _, row := range file["range-parse"] {
		c := texts(row)
		loose := len(row) == 3 && (row[2] == true || hasOption(row[2], "loose"))
		switch {
		case asksForPreReleases(row), row[1] == nil && !loose: // what node-semver reads in its loose mode alone is read here
		case c[0] == looseOnly:
			expectRangeRefused(t, "npm", c[0])
		case row[1] == nil:
			expectRangeRefused(t, "npm", c[0])
		default:
			expectSame(t, "npm", c[0], c[1])
		}
	}
}

func hasOption(options any, name string) bool {
	m, _ := options.(map[string]any)
	return m[name] == true
}

// expectSame checks that two native ranges hold the same versions.
func expectSame(t *testing.T, ecosystem, a, b string) {
	t.Helper()
	v, errA := ParseRange(ecosystem, a)
	w, errB := ParseRange(ecosystem, b)
	if errA != nil || errB != nil {
		t.Errorf("%s: %q and %q: %v, %v", ecosystem, a, b, errA, errB)
		return
	}
	for _, text := range probes(v, w) {
		got, errA := v.Contains(text)
		want, errB := w.Contains(text)
		if !readable(ecosystem, text) {
			continue
		}
		if got != want || errA != nil || errB != nil {
			t.Errorf("%s: %q contains %q: got %v, %v; %q: %v, %v", ecosystem, a, text, got, errA, b, want, errB)
		}
	}
}

func TestGemRequirementVectors(t *testing.T) {
	for _, line := range lines(t, vectors(t, "vectors", "gem-requirement.tsv")) {
		f := strings.Split(line, "\t")
		f = append([]string{f[0]}, f[len(f)-2:]...)
		for requirement := range strings.SplitSeq(strings.TrimSuffix(f[1], ";"), ";") {
			expectContains(t, "RubyGems", requirement, f[0], f[2] == "true")
		}
	}
}

func TestMavenRangeVectors(t *testing.T) {
	for _, line := range lines(t, vectors(t, "vectors", "maven-range.tsv")) {
		f := strings.Split(line, "\t")
		expectContains(t, "Maven", f[1], f[0], f[2] == "true")
	}
}

// The tables of NuGet's that are left out are about how ranges are written, and which of several versions is best.
func TestNuGetRangeVectors(t *testing.T) {
	var tables []table
	readJSON(t, vectors(t, "vectors", "nuget.json"), &tables)
	for _, table := range tables {
		for _, row := range table.rows() {
			c := texts(row)
			switch table.Test {
			case "ParseVersionRangeSatisfies", "ParseVersionRangeDoesNotSatisfy":
				expectContains(t, "NuGet", c[0], c[1], table.Test == "ParseVersionRangeSatisfies")
			case "VersionRange_PrettyPrintTests", "VersionRange_IncludePrerelease", "ParsedVersionRangeHasOriginalString",
				"ParseVersionRangeToStringShortHand", "ParseVersionParsesTokensVersionsCorrectly", "FloatingRange_Parse_Valid":
				if _, err := ParseRange("NuGet", c[0]); err != nil {
					t.Errorf("%s: %v", table.Test, err)
				}
			case "FloatRange_ParsesCorrectMinVersion":
				expectContains(t, "NuGet", c[0], c[1], true)
				expectContains(t, "NuGet", "(,"+c[1]+")", c[1], false)
			case "VersionRange_MissingVersionComponents_DefaultToZero":
				expectSameEnds(t, c[0], c[1])
			case "Parse_Illogical_VersionRange_Throws", "ParseVersionRangeWithBadVersionThrows", "FloatingRange_Parse_Invalid":
				expectRangeRefused(t, "NuGet", c[0])
			}
		}
	}
}

func expectSameEnds(t *testing.T, a, b string) {
	t.Helper()
	v, errA := ParseRange("NuGet", a)
	w, errB := ParseRange("NuGet", b)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for i := range v.clauses[0] {
		if c, err := v.clauses[0][i].value.compare(w.clauses[0][i].value); c != 0 || err != nil {
			t.Errorf("%q and %q differ: %v", a, b, err)
		}
	}
}

// The tables of Composer's that are left out are about sets: whether one constraint holds another.
func TestComposerConstraintVectors(t *testing.T) {
	for provider, want := range map[string]bool{"satisfiesProviderPositive": true, "satisfiesProviderNegative": false} {
		for _, row := range composerVectors(t, "SemverTest.php", provider) {
			c := texts(row)
			expectContains(t, "Packagist", c[1], c[0], want)
		}
	}
	for _, row := range composerVectors(t, "SemverTest.php", "satisfiedByProvider") {
		for _, text := range texts(row[1].([]any)) {
			expectContains(t, "Packagist", row[0].(string), text, slices.Contains(texts(row[2].([]any)), text))
		}
	}
	for _, row := range composerVectors(t, "VersionParserTest.php", "failingConstraints") {
		expectRangeRefused(t, "Packagist", texts(row)[0])
	}
	for _, provider := range []string{"multiConstraintProvider", "multiConstraintProvider2", "constraintProvider"} {
		for _, row := range composerVectors(t, "VersionParserTest.php", provider) {
			if _, err := ParseRange("Packagist", texts(row)[0]); err != nil {
				t.Error(err)
			}
		}
	}
	for _, row := range composerVectors(t, "ConstraintTest.php", "successfulVersionMatches") {
		if c := texts(row); c[2] == "==" && !isBranch(c[3]) {
			expectContains(t, "Packagist", c[0]+c[1], c[3], true)
		}
	}
	for _, row := range composerVectors(t, "ConstraintTest.php", "failingVersionMatches") {
		if c := texts(row); c[2] == "==" && !isBranch(c[3]) {
			expectContains(t, "Packagist", c[0]+c[1], c[3], false)
		}
	}
}

// TestPEP440SpecifierVectors leaves out the rows that set packaging's own options for pre-releases, which are not offered here, and
// the tables about how specifiers are written, joined and held against each other. The files of vectors of packaging's markers, tags,
// requirements and utils say nothing of the order of versions.
func TestPEP440SpecifierVectors(t *testing.T) {
	var tables []table
	readJSON(t, vectors(t, "vectors", "pypi-specifiers-params.json"), &tables)
	// specifier, version, expected; then the columns that must be null.
	columns := map[string][]int{
		"test_boundary_closure_short_release": {0, 1, 2}, "test_comparison_ignores_local": {1, 0, 2},
		"test_arbitrary_equality": {1, 0, 2}, "test_arbitrary_equality_normalization": {0, 1, 2},
		"test_contains_arbitrary_equality_normalization": {0, 1, 2}, "test_contains_arbitrary_equality_contains": {1, 0, 2},
		"test_specifiers_prereleases": {0, 1, 4, 2, 3}, "test_contains_exclusionary_bridges": {0, 2, 3, 1},
		"test_contains_post_release_boundary_intersection": {0, 1, 2}, "test_specifier_contains_installed_prereleases": {0, 1, 5, 2, 3},
		"test_invalid_version": {0, 1, 2},
	}
	for _, table := range tables {
		if table.Test == "test_specifiers_invalid" {
			for _, row := range table.rows() {
				expectRangeRefused(t, "PyPI", texts(row)[0])
			}
		}
		at, ok := columns[table.Test]
		for _, row := range table.rows() {
			if !ok || len(row) <= slices.Max(at) || slices.ContainsFunc(at[3:], func(i int) bool { return row[i] != nil }) {
				continue
			}
			specifier, text, want := row[at[0]].(string), row[at[1]].(string), row[at[2]].(bool)
			r, err := ParseRange("PyPI", specifier)
			if err != nil {
				t.Error(err)
				continue
			}
			// What is no version is in no range, and here an error says so.
			if got, err := r.Contains(text); got != want || err != nil && readable("PyPI", text) {
				t.Errorf("%s: %q contains %q: got %v, %v, want %v", table.Test, specifier, text, got, err, want)
			}
		}
	}
}

func TestVersParseVectors(t *testing.T) {
	for _, c := range append(versTests(t, "vers_canonical_parse_test.json"), versTests(t, "pypi_range_validate_test.json")...) {
		var text string
		if err := json.Unmarshal(c.Input, &text); err != nil {
			t.Fatal(err)
		}
		r, err := ParseVers(text)
		canonical := err == nil && r.String() == text
		switch want := c.Want.(type) {
		case string:
			if err != nil || r.String() != want {
				t.Errorf("%q: got %q, %v, want %q", text, r, err, want)
			}
		default:
			if canonical == c.Failure {
				t.Errorf("%q: canonical is %v: %q, %v", text, canonical, r, err)
			}
		}
	}
}

func TestVersContainmentVectors(t *testing.T) {
	for _, c := range versTests(t, "*_range_containment_test.json") {
		var input struct{ Vers, Version string }
		if err := json.Unmarshal(c.Input, &input); err != nil {
			t.Fatal(err)
		}
		r, err := ParseVers(input.Vers)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := r.Contains(input.Version); err != nil || got != c.Want {
			t.Errorf("%q contains %q: got %v, %v, want %v", input.Vers, input.Version, got, err, c.Want)
		}
	}
}

// TestFromNativeVectors holds native ranges against the vers that they should be, at each version that either names and those beside it.
func TestFromNativeVectors(t *testing.T) {
	wrong := map[string]string{
		">= 2.2.x": "node-semver reads it as >=2.2.0 without an end", ">= 1.x": "node-semver reads it as >=1.0.0 without an end",
		"<= 1.0": "node-semver reads it as <1.1.0-0", "<=2.1 >=1.1": "node-semver reads it as <2.2.0-0 >=1.1.0",
		"2.1 || 2.6":                      "node-semver reads each as a wildcard",
		"1.1.2 1.2.2":                     "node-semver asks for both at once, which nothing meets",
		">=5.0.3 >=4.2.1":                 "node-semver asks for both at once",
		">= 0.2.0 <= 0.9.6 || ~0.8.0-pre": "the vers has the bounds of the second part in the first",
	}
	for _, c := range versTests(t, "*_range_from_native*_test.json") {
		var input struct {
			Native string `json:"native_range"`
			Scheme string
		}
		if err := json.Unmarshal(c.Input, &input); err != nil {
			t.Fatal(err)
		}
		if input.Native == "" {
			continue // the vers expected of it, "vers:conan/", is none
		}
		native, err := ParseRange(versEcosystem(input.Scheme), input.Native)
		vers, versErr := ParseVers(c.Want.(string))
		if err != nil || versErr != nil {
			t.Errorf("%s %q: %v, %v", input.Scheme, input.Native, err, versErr)
			continue
		}
		if wrong[input.Native] != "" {
			continue
		}
		for _, text := range probes(native, vers) {
			got, err := native.Contains(text)
			want, wantErr := vers.Contains(text)
			if got != want || err != nil || wantErr != nil {
				t.Errorf("%s %q contains %q: got %v, %v; %q: %v, %v", input.Scheme, input.Native, text, got, err, vers, want, wantErr)
			}
		}
	}
}

func probes(ranges ...Range) []string {
	out := []string{"0.0.1", "1.0.0", "99.0.0"}
	for _, r := range ranges {
		for _, c := range r.clauses {
			for _, b := range c {
				numbers, rest := cutRelease(b.text)
				if strings.Count(numbers, ".") == 2 {
					out = append(out, numbers, next(numbers, 2), next(numbers, 1)+".0", next(numbers, 0)+".0.0")
				}
				if rest != "-0" && rest != "-" && b.text != "" {
					out = append(out, b.text)
				}
			}
		}
	}
	return out
}
