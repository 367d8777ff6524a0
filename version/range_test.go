package version

import (
	"errors"
	"strings"
	"testing"
)

func TestRangeContains(t *testing.T) {
	tests := []struct {
		ecosystem, native, text string
		want                    bool
	}{
		{"npm", "^1.2.0", "1.9.9", true},
		{"npm", "^1.2.0", "2.0.0-rc.1", false},
		{"npm", ">=1.2.0", "1.3.0-rc.1", false}, // no bound names a pre-release of 1.3.0
		{"npm", ">=1.3.0-beta", "1.3.0-rc.1", true},
		{"crates.io", "1.2", "1.9.0", true},
		{"crates.io", "1.2", "2.0.0", false},
		{"crates.io", "0.3.1", "0.4.0", false},
		{"crates.io", "=1.2.3", "1.2.4", false},
		{"crates.io", ">=1.2, <1.5", "1.5.0", false},
		{"crates.io", "1.*", "1.7.0", true},
		{"crates.io", "~1.2.3", "1.3.0", false},
		{"crates.io", "^1.0", "1.5.0-alpha", false},
		{"PyPI", ">=1.0,<2", "1.5", true},
		{"PyPI", "<2.0", "2.0rc1", false},
		{"PyPI", "==1.4.*", "1.4.7.post1", true},
		{"PyPI", "~=1.4.2", "1.5", false},
		{"PyPI", ">1.0", "1.0.post1", false},
		{"RubyGems", "~> 5.2.0, >= 5.2.3", "5.2.8.1", true},
		{"RubyGems", "~> 5.2.0, >= 5.2.3", "5.3", false},
		{"Maven", "[1.0,2.0),[3.0,)", "2.5", false},
		{"Maven", "[1.0,2.0),[3.0,)", "3.5", true},
		{"Maven", "1.0", "2.0", true}, // a wish
		{"NuGet", "1.2", "9.0", true},
		{"NuGet", "[1.2,2)", "2.0.0", false},
		{"Packagist", "^1.2 || ~3.1.0", "3.1.9", true},
		{"Packagist", "^1.2 || ~3.1.0", "3.2", false},
		{"Packagist", "<2.0", "2.0.0-beta1", false},
		{"Packagist", "dev-main", "dev-main", true},
		{"Pub", "^1.2.3", "2.0.0", false},
		{"Pub", "^0.1.2", "0.1.9", true},
		{"Pub", "^0.1.2", "0.2.0-dev", false},
		{"Pub", ">=1.0.0 <2.0.0", "2.0.0-dev", false},
		{"Pub", ">=2.0.0-a <2.0.0", "2.0.0-dev", true},
		{"Pub", "any", "0.0.1", true},
		{"Hex", "~> 1.2", "1.9.0", true},
		{"Hex", "~> 1.2.3", "1.3.0", false},
		{"Hex", ">= 1.0.0 and < 1.5.0 or ~> 2.0", "2.4.0", true},
		{"ConanCenter", "^1.2", "1.9", true},
		{"nginx", "0.7.52-0.8.39, 1.5.0+", "1.25.0", true},
		{"nginx", "1.4.1+", "1.5.0", false},
	}
	for _, tt := range tests {
		expectContains(t, tt.ecosystem, tt.native, tt.text, tt.want)
	}
}

func TestVersContains(t *testing.T) {
	tests := []struct {
		vers, text string
		want       bool
	}{
		{"vers:npm/>=1.2.0|<2", "1.3.0-rc.1", true}, // a vers goes by order alone
		{"vers:npm/>=1.2.0|<2", "2.0.0", false},
		{"vers:npm/<2|>=1.2.0", "1.1.0", false}, // out of order
		{"vers:deb/>=1:1.0-1|<1:1.2-1", "1:1.1-3", true},
		{"vers:deb/>=1%3A1.0-1|<1%3A1.2-1", "1:1.1-3", true},
		{"vers:pypi/>1|>2|<3|<4", "1.5", true},
		{"vers:pypi/<1|<2|>=3|>4", "1.5", true},
		{"vers:pypi/<1|<2|>=3|>4", "2.5", false},
		{"vers:pypi/!=2", "1", true},
		{"vers:pypi/!=2", "2.0", false},
		{"vers:maven/1.0|2.0", "2.0", true},
		{"vers:composer/dev-main", "dev-main", true},
		{"vers:golang/*", "anything", true},
		{"vers:all/*", "anything", true},
		{"vers:none/*", "1.0", false},
		{"vers:rpm/<0:1.2-3.el9", "1.2-2.el9", true},
	}
	for _, tt := range tests {
		r, err := ParseVers(tt.vers)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := r.Contains(tt.text)
		if got != tt.want || err != nil && tt.vers != "vers:none/*" {
			t.Errorf("%q contains %q: got %v, %v, want %v", tt.vers, tt.text, got, err, tt.want)
		}
	}
}

func TestRangeRefuses(t *testing.T) {
	for _, c := range []struct {
		ecosystem, native string
		want              error
	}{
		{"npm", "latest", ErrInvalidRange}, {"npm", "git+https://example.com/x.git", ErrInvalidRange}, {"crates.io", "", ErrInvalidRange},
		{"PyPI", "1.0", ErrInvalidRange}, {"RubyGems", "", ErrInvalidRange}, {"Maven", "[1.0", ErrInvalidRange}, {"Maven", "[2,3],[1,2]", ErrInvalidRange},
		{"NuGet", "(1.0)", ErrInvalidRange}, {"Pub", "^1.2", ErrInvalidRange}, {"Hex", ">= 1.0.0 and", ErrInvalidRange}, {"Packagist", "^", ErrInvalidRange},
		{"Go", "v1.2.3", ErrNoRanges}, {"Debian:12", ">= 1", ErrNoRanges}, {"Nothing", "1", ErrUnknownEcosystem},
		{"npm", strings.Repeat("1 ", maxNativeLength), ErrInvalidRange}, {"PyPI", strings.Repeat("<1,", maxBounds+1), ErrInvalidRange},
	} {
		if _, err := ParseRange(c.ecosystem, c.native); !errors.Is(err, c.want) {
			t.Errorf("%s %.30q: got %v, want %v", c.ecosystem, c.native, err, c.want)
		}
	}
	for text, want := range map[string]error{
		"npm/>=1": ErrInvalidRange, "vers:npm": ErrInvalidRange, "vers:npm/": ErrInvalidRange, "vers:npm/|": ErrInvalidRange,
		"vers:npm/>=x": ErrInvalidRange, "vers:npm/>=": ErrInvalidRange, "vers:nonsense/>=1": ErrUnknownEcosystem, "vers:nonsense/*": ErrUnknownEcosystem,
		"vers:npm/" + strings.Repeat("1|", maxBounds+1): ErrInvalidRange,
	} {
		if _, err := ParseVers(text); !errors.Is(err, want) {
			t.Errorf("%.30q: got %v, want %v", text, err, want)
		}
	}
	if _, err := (Range{}).Contains("1.0"); err == nil {
		t.Error("the zero range read a version")
	}
}

func FuzzParseVers(f *testing.F) {
	f.Add("vers:npm/>=1.2.0|<2|!=1.3.0", "1.4.0")
	f.Add("vers:deb/<1%3A1.0-1|2", "1:0.9")
	f.Add("vers:datetime/2024-01-01T00:00:00Z", "x")
	f.Fuzz(func(t *testing.T, text, version string) {
		r, err := ParseVers(text)
		if err != nil {
			return
		}
		again, err := ParseVers(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q has the canonical text %q, and that %q, %v", text, r, again, err)
		}
		got, errGot := r.Contains(version)
		want, errWant := again.Contains(version)
		if got != want || (errGot == nil) != (errWant == nil) {
			t.Fatalf("%q contains %q: %v, %v; %q: %v, %v", text, version, got, errGot, again, want, errWant)
		}
	})
}

func FuzzParseRange(f *testing.F) {
	for _, seed := range []string{"^1.2 || ~3 - 4", ">=1,!=1.*,<2.0.post1", "~> 5.2.0, >= 5.2.3", "[1.0,2.0),[3.0,)", "[1.2.*]", "1.*-beta*",
		"^1.2@dev || 2.x-dev - 3", ">= 1.0.0 and < 2.0.0 or ~> 2.1", "any", "~1.2 || *-", "0.7.52-0.8.39, 1.5.0+"} {
		f.Add(seed, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, native, version string) {
		for _, ecosystem := range ecosystems() {
			if r, err := ParseRange(ecosystem, native); err == nil {
				if held, err := r.Contains(version); err != nil && held {
					t.Fatalf("%s %q contains %q and fails: %v", ecosystem, native, version, err)
				}
			}
		}
	})
}

func BenchmarkRange(b *testing.B) {
	for _, c := range [][3]string{{"npm", "^1.2.0 || >=2.3 <3", "2.4.0"}, {"PyPI", ">=1.0,!=1.5.*,<2", "1.7"}, {"Packagist", "^1.2 || ^2.0", "v2.4.1"}} {
		b.Run(c[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := ParseRange(c[0], c[1])
				if err != nil {
					b.Fatal(err)
				}
				if _, err := r.Contains(c[2]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
