package ospkg

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/inventory"
)

// What an installation brings along: the alternative that was chosen, what is recommended, and what installs itself beside.
func TestSetPulls(t *testing.T) {
	pkgs := []inventory.Package{{Name: "git", Depends: []string{"libc6"}}, {Name: "less"}, {Name: "most"}, {Name: "libc6"}, {Name: "git-doc"}}
	setPulls(pkgs, []pulls{
		{choices: []string{"libc6", "less", "pager"}, weak: []string{"patch", "most"}, provides: []string{"git-core", "so:x", "git"}},
		{}, {provides: []string{"pager"}}, {}, {beside: []string{"git", "git"}},
	})
	want := []inventory.Package{
		{Name: "git", Depends: []string{"libc6"}, Choices: []string{"less", "most"}, Recommends: []string{"git-doc"}, Provides: []string{"git-core"}},
		{Name: "less"}, {Name: "most", Provides: []string{"pager"}}, {Name: "libc6"}, {Name: "git-doc"},
	}
	if diff := cmp.Diff(want, pkgs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "perl(C)"}, richNames([]string{"(a if b)", "perl(C)"})); diff != "" {
		t.Error(diff)
	}
}
