package version

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vectors opens a file of published ordering vectors, or skips the test where they are not there.
func vectors(t *testing.T, name ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "shared", "conformance", "versions"}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared version vectors are not here: %s", path)
	}
	return path
}

// lines gives the lines of a vector file that are not comments.
func lines(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
			out = append(out, line)
		}
	}
	return out
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// expect compares both ways round.
func expect(t *testing.T, ecosystem, a, b string, want int) {
	t.Helper()
	for range 2 {
		got, err := Compare(ecosystem, a, b)
		if err != nil || sign(got) != want {
			t.Errorf("%s: %q against %q: got %d, %v, want %d", ecosystem, a, b, sign(got), err, want)
		}
		a, b, want = b, a, -want
	}
}

func expectRefused(t *testing.T, ecosystem string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := Parse(ecosystem, text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %q was taken for a version: %v", ecosystem, text, err)
		}
	}
}

func sign(n int) int {
	return max(-1, min(1, n))
}

func wantOf(t *testing.T, op string) int {
	t.Helper()
	want, ok := map[string]int{"<": -1, "=": 0, "==": 0, ">": 1}[op]
	if !ok {
		t.Fatalf("unknown operator %q", op)
	}
	return want
}

// table is one of the tables of test cases that were taken from a project's own tests.
type table struct {
	Test  string `json:"test"`
	Cases []any  `json:"cases"`
}

// rows gives a table's rows. Cells are text, or whatever else JSON has.
func (c table) rows() [][]any {
	var out [][]any
	for _, row := range c.Cases {
		if cells, ok := row.([]any); ok {
			out = append(out, cells)
		} else {
			out = append(out, []any{row})
		}
	}
	return out
}

func texts(row []any) []string {
	var out []string
	for _, cell := range row {
		s, _ := cell.(string)
		out = append(out, s)
	}
	return out
}

// overruled are vectors that the ecosystem's own tool contradicts.
func overruled(ecosystem, a, b string) string {
	switch pair := a + " " + b; {
	case ecosystem == "Packagist" && pair == "1.0.0 1.0":
		return "PHP's version_compare has 1.0.0 newer; Composer makes both 1.0.0.0 before it compares"
	case ecosystem == "Maven" && (pair == "1-1 1-ga-1"):
		return "the POM reference calls them equal, Maven 3.8.7 and 4 do not"
	case ecosystem == "Maven" && (pair == "2-1 2.0.a" || pair == "2-1 2.0.0.a"):
		return "vers-spec has Maven 3.8.6's answer; Maven's own tests and 3.8.7 have 2.0.a older"
	case ecosystem == "Maven" && pair == "2.0.a 2.0.0.a":
		return "vers-spec has Maven 3.8.6's answer; 3.8.7 has them equal"
	}
	return ""
}

func TestSemanticVectors(t *testing.T) {
	files := map[string]string{
		"alpine": "Alpine", "cran": "CRAN", "debian": "Debian", "hackage": "Hackage", "maven": "Maven", "nuget": "NuGet",
		"packagist": "Packagist", "pub": "Pub", "pypi": "PyPI", "redhat": "Red Hat", "rubygems": "RubyGems", "semver": "SEMVER",
	}
	for name, ecosystem := range files {
		t.Run(name, func(t *testing.T) {
			for _, line := range lines(t, vectors(t, "osv-semantic", name+"-versions.txt")) {
				f := strings.Split(line, " ")
				switch {
				case overruled(ecosystem, f[0], f[2]) != "":
				case refusedByTool(ecosystem, f[0]) || refusedByTool(ecosystem, f[2]):
					expectOneRefused(t, ecosystem, f[0], f[2])
				default:
					expect(t, ecosystem, f[0], f[2], wantOf(t, f[1]))
				}
			}
		})
	}
}

// refusedByTool says which versions of package semantic's vectors the ecosystem's own tool refuses: Gem::Version asks for a dot before
// letters, NuGet for numbers that fit an int, pip takes nothing from before PEP 440, and Composer refuses what PHP's version_compare takes.
func refusedByTool(ecosystem, text string) bool {
	switch ecosystem {
	case "RubyGems":
		return text == "1beta" || text == "1gamma"
	case "PyPI":
		if strings.HasPrefix(text, "-class.") {
			return true
		}
		_, word, _ := strings.Cut(text, "-")
		return len(word) > 4 && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") == "" && !strings.HasPrefix(word, "alpha")
	case "NuGet":
		return strings.HasPrefix(text, "9999999999") // no int
	case "Packagist":
		return strings.Contains(text, "#") || strings.HasPrefix(text, "4.3-2") || strings.HasPrefix(text, "9999999999") || isBranch(text)
	}
	return false
}

func expectOneRefused(t *testing.T, ecosystem, a, b string) {
	t.Helper()
	if _, err := Compare(ecosystem, a, b); !errors.Is(err, ErrInvalid) {
		t.Errorf("%s: %q or %q should be refused: %v", ecosystem, a, b, err)
	}
}

func readable(ecosystem, text string) bool {
	_, err := Parse(ecosystem, text)
	return err == nil
}

func TestPairVectors(t *testing.T) {
	for file, ecosystem := range map[string]string{"gem.tsv": "RubyGems", "maven.tsv": "Maven"} {
		t.Run(ecosystem, func(t *testing.T) {
			for _, line := range lines(t, vectors(t, "vectors", file)) {
				f := strings.Split(line, "\t")
				want, err := strconv.Atoi(strings.Fields(f[2])[0])
				if err != nil {
					t.Fatal(err)
				}
				expect(t, ecosystem, f[0], f[1], want)
			}
		})
	}
}

func TestSortedVectors(t *testing.T) {
	var pypi []string
	readJSON(t, vectors(t, "vectors", "pypi-sorted.json"), &pypi)
	var maven map[string][]string
	readJSON(t, vectors(t, "vectors", "maven-sorted.json"), &maven)
	for _, list := range []struct {
		ecosystem string
		sorted    []string
	}{{"PyPI", pypi}, {"Maven", maven["VERSIONS_QUALIFIER"]}, {"Maven", maven["VERSIONS_NUMBER"]}} {
		for i, a := range list.sorted {
			for _, b := range list.sorted[i+1:] {
				expect(t, list.ecosystem, a, b, -1)
			}
		}
	}
}

func TestNpmVectors(t *testing.T) {
	var file map[string][][]any
	readJSON(t, vectors(t, "vectors", "npm-semver.json"), &file)
	for _, c := range file["comparisons"] {
		expect(t, "npm", c[0].(string), c[1].(string), 1)
	}
	for _, c := range file["equality"] {
		expect(t, "npm", c[0].(string), c[1].(string), 0)
	}
	for _, c := range file["valid-versions"] {
		expect(t, "npm", c[0].(string), c[0].(string), 0)
	}
	for _, c := range file["invalid-versions"] {
		if text, ok := c[0].(string); ok {
			expectRefused(t, "npm", text)
		}
	}
}

func TestNuGetVectors(t *testing.T) {
	var tables []table
	readJSON(t, vectors(t, "vectors", "nuget.json"), &tables)
	wants := map[string]int{
		"SemVerLessThanAndGreaterThanOperatorsWorks": -1, "SemVerEqualsOperatorWorks": 0, "SemVerSortVersion": -1,
		"SemVerSortRelease": -1, "SemVerSortReleaseNumeric": -1, "SemVerSortReleaseAlpha": -1, "SemVerSortNumericAlpha": -1,
		"SemVerSortReleaseLabelCount": -1, "SemVerSortIgnoreReleaseCasing": 0, "VersionComparisonDefaultEqual": 0,
		"VersionComparisonDefaultEqualWithNuGetVersion": 0, "VersionComparisonDefaultLess": -1,
	}
	// The tables of what SemanticVersion refuses are left out: it is stricter than NuGetVersion, which packages have.
	unequal := []string{"VersionComparisonDefaultNotEqual", "VersionComparisonDefaultNotEqualWithNuGetVersion"}
	valid := []string{"TryParseHandlesValidVersionPatterns", "StringConstructorParsesValuesCorrectly", "SemVerVersionMetadataValidChars",
		"SemVerVersionReleaseLabelValidZeros", "SemVerVersionValidReleaseLabels", "ParseReadsLegacyStyleVersionNumbers",
		"ParseReadsSemverAndHybridSemverVersionNumbers", "ParseIgnoresLeadingAndTrailingWhitespace", "ParseSemanticVersionStrict"}
	for _, table := range tables {
		for _, row := range table.rows() {
			c := texts(row)
			if want, ok := wants[table.Test]; ok {
				expect(t, "NuGet", c[0], c[1], want)
			}
			if slices.Contains(unequal, table.Test) && c[0] != "1.0.0-BETA+AA" { // builds do not count, say NuGet's other tables
				if got, err := Compare("NuGet", c[0], c[1]); got == 0 || err != nil {
					t.Errorf("%q and %q: got %d, %v, want a difference", c[0], c[1], got, err)
				}
			}
			if slices.Contains(valid, table.Test) {
				expect(t, "NuGet", c[0], c[0], 0)
			}
			if table.Test == "ParseThrowsIfStringIsNotAValidSemVer" || table.Test == "SemVerVersionNegativeNumbers" {
				expectRefused(t, "NuGet", c[0])
			}
		}
	}
}

// composerVectors has a table under the name of each test file and of each provider of it; rows may have names.
func composerVectors(t *testing.T, file, provider string) [][]any {
	t.Helper()
	var all map[string]json.RawMessage
	readJSON(t, vectors(t, "vectors", "packagist.json"), &all)
	var providers map[string]json.RawMessage
	if err := json.Unmarshal(all[file], &providers); err != nil {
		t.Fatal(err)
	}
	var rows [][]any
	var named map[string][]any
	if err := json.Unmarshal(providers[provider], &rows); err == nil {
		return rows
	}
	if err := json.Unmarshal(providers[provider], &named); err != nil || len(named) == 0 {
		t.Fatalf("%s %s: %v", file, provider, err)
	}
	for _, row := range named {
		rows = append(rows, row)
	}
	return rows
}

// isBranch says whether text is the name of a branch. Composer's Comparator hands those to PHP's version_compare, but its
// Constraint, by which it resolves and audits, takes them for equal to themselves alone: they have no order.
func isBranch(text string) bool {
	normal := lowerASCII(text)
	return strings.HasPrefix(normal, "dev-") || slices.Contains([]string{"master", "trunk", "default"}, normal)
}

func TestComposerOrderVectors(t *testing.T) {
	operators := map[string]string{"greaterThanProvider": ">", "greaterThanOrEqualToProvider": ">=", "lessThanProvider": "<",
		"lessThanOrEqualToProvider": "<=", "equalToProvider": "==", "notEqualToProvider": "!=", "compareProvider": ""}
	for provider, op := range operators {
		for _, row := range composerVectors(t, "ComparatorTest.php", provider) {
			c := texts(row)
			a, op, b, holds := c[0], op, c[len(c)-2], row[len(row)-1].(bool)
			if op == "" {
				op = c[1]
			}
			if isBranch(a) || isBranch(b) {
				if _, err := Compare("Packagist", a, b); !errors.Is(err, ErrInvalid) {
					t.Errorf("%s %s: a branch was ordered: %v", a, b, err)
				}
				continue
			}
			got, err := Compare("Packagist", a, b)
			says := map[string]bool{">": got > 0, ">=": got >= 0, "<": got < 0, "<=": got <= 0, "==": got == 0, "=": got == 0, "!=": got != 0, "<>": got != 0}
			if err != nil || says[op] != holds {
				t.Errorf("%s %s %s: got %d, %v, want %v", a, op, b, got, err, holds)
			}
		}
	}
}

func TestComposerNormalisationVectors(t *testing.T) {
	for _, row := range composerVectors(t, "VersionParserTest.php", "successfulNormalizedVersions") {
		c := texts(row)
		got, ok := normalizeComposer(c[0])
		if isBranch(c[0]) || isBranch(strings.TrimSpace(strings.Split(c[0], " ")[0])) || strings.HasPrefix(c[1], "dev-") {
			c[1] = ""
		}
		if got != c[1] || ok != (c[1] != "") {
			t.Errorf("%q: got %q, %v, want %q", c[0], got, ok, c[1])
		}
	}
	for _, provider := range []string{"failingNormalizedVersions", "failingNormalizedVersionsWithBadAliasee"} {
		for _, row := range composerVectors(t, "VersionParserTest.php", provider) {
			expectRefused(t, "Packagist", texts(row)[0])
		}
	}
	for _, row := range composerVectors(t, "VersionParserTest.php", "isValidVersions") {
		if text := row[0].(string); readable("Packagist", text) != (row[1].(bool) && !isBranch(text)) {
			t.Errorf("%q: want %v", text, row[1])
		}
	}
	for _, row := range composerVectors(t, "SemverTest.php", "sortProvider") {
		var sorted []string
		for _, text := range texts(row[1].([]any)) {
			if !isBranch(text) {
				sorted = append(sorted, text)
			}
		}
		for i := range len(sorted) - 1 {
			if c, err := Compare("Packagist", sorted[i], sorted[i+1]); c > 0 || err != nil {
				t.Errorf("%q comes after %q: %v", sorted[i], sorted[i+1], err)
			}
		}
	}
}

// versTest is a test of the suite of https://github.com/package-url/vers-spec.
type versTest struct {
	Type    string          `json:"test_type"`
	Input   json.RawMessage `json:"input"`
	Want    any             `json:"expected_output"`
	Failure bool            `json:"expected_failure"`
}

func versTests(t *testing.T, pattern string) []versTest {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectors(t, "vers-spec", "tests"), pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vers tests like %s: %v", pattern, err)
	}
	var all []versTest
	for _, file := range files {
		var suite struct{ Tests []versTest }
		readJSON(t, file, &suite)
		all = append(all, suite.Tests...)
	}
	return all
}

func TestVersOrderVectors(t *testing.T) {
	for _, c := range append(versTests(t, "*_version_cmp_test.json"), versTests(t, "lexicographic-test.json")...) {
		var input struct {
			Scheme   string `json:"input_scheme"`
			Versions []string
		}
		if err := json.Unmarshal(c.Input, &input); err != nil {
			t.Fatal(err)
		}
		ecosystem := versEcosystem(input.Scheme)
		if c.Type == "equality" {
			got, err := Compare(ecosystem, input.Versions[0], input.Versions[1])
			if err != nil || (got == 0) != c.Want.(bool) {
				t.Errorf("%s %v: got %d, %v, want equal: %v", ecosystem, input.Versions, got, err, c.Want)
			}
			continue
		}
		sorted := texts(c.Want.([]any))
		for i := range len(sorted) - 1 {
			a, b := sorted[i], sorted[i+1]
			switch {
			case a == b: // two of OpenSSL's comparisons are of a version with itself
				expect(t, ecosystem, a, b, 0)
			case overruled(ecosystem, a, b) == "":
				expect(t, ecosystem, a, b, -1)
			}
		}
	}
}

func TestPEP440Vectors(t *testing.T) {
	var tables []table
	readJSON(t, vectors(t, "vectors", "pypi-version-params.json"), &tables)
	for _, table := range tables {
		for _, row := range table.rows() {
			c := texts(row)
			switch {
			case table.Test == "test_invalid_versions":
				expectRefused(t, "PyPI", c[0])
			case table.Test == "test_normalized_versions" || table.Test == "test_version_str_repr":
				expect(t, "PyPI", c[0], c[1], 0)
			case strings.HasPrefix(table.Test, "test_version_is_prerelease"):
				if v, ok := readPEP440(c[0]); !ok || v.isPre() != row[1].(bool) {
					t.Errorf("%q: pre-release %v, %v", c[0], v.isPre(), ok)
				}
			}
		}
	}
}
