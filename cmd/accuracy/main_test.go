package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Held against what people judged of packages of real images (anchore/vulnerability-match-labels, CC0). What is missed lies
// in the data: the feeds have of some CVEs only a record whose range is narrower than the one that the people had before
// them, or say that the very version is fixed.
func TestAccuracy(t *testing.T) {
	if testing.Short() {
		t.Skip("importing the shared feeds takes long")
	}
	shared := filepath.Join("..", "..", "..", "shared")
	labels := filepath.Join(shared, "conformance", "match-labels")
	if _, err := os.Stat(filepath.Join(labels, "expected.tsv")); err != nil {
		t.Skip("the shared match labels are not here")
	}
	feeds := t.TempDir() // of the feeds only those that labels are about
	osv, err := filepath.Abs(filepath.Join(shared, "feeds", "osv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(feeds, "osv"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, ecosystem := range []string{"AlmaLinux", "Alpine", "Debian", "Go", "PyPI", "RubyGems", "npm"} {
		if err := os.Symlink(filepath.Join(osv, ecosystem), filepath.Join(feeds, "osv", ecosystem)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	ours, err := hold(labels, feeds)
	if err != nil {
		t.Fatal(err)
	}
	ours.print(&out, "tidewaiter", true)
	t.Log("\n" + out.String())
	if r, p := ours.all.recall(), ours.all.precision(); r < 0.96 || p < 0.99 {
		t.Errorf("recall %.3f, precision %.3f", r, p)
	}
}

// Names and versions are compared as the labels and the tools write them, each in its own way.
func TestClaimsAreComparedInOneSpelling(t *testing.T) {
	if a, b := newClaim("Foo_Bar", "1:2.3", "DEBIAN-CVE-2020-1"), newClaim("foo-bar", "2.3", "CVE-2020-1"); a != b {
		t.Errorf("%v is not %v", a, b)
	}
}

func TestTally(t *testing.T) {
	labels := []label{
		{"1", "npm", newClaim("a", "1", "CVE-1"), true},
		{"1", "npm", newClaim("b", "1", "CVE-2"), true},
		{"1", "npm", newClaim("c", "1", "CVE-3"), false},
		{"2", "deb", newClaim("d", "1", "CVE-4"), false},
	}
	s, err := held(labels, func(document string) ([]claim, error) {
		return map[string][]claim{"1": {newClaim("a", "1", "CVE-1"), newClaim("c", "1", "CVE-3"), newClaim("x", "1", "CVE-9")}}[document], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.all != (tally{found: 1, missed: 1, wrong: 1, quiet: 1}) || s.all.recall() != 0.5 || s.all.precision() != 0.5 {
		t.Errorf("%+v", s.all)
	}
	if got := strings.Join(s.differences, "; "); got != "missed  npm b 1 CVE-2; wrong   npm c 1 CVE-3" {
		t.Error(got)
	}
}
