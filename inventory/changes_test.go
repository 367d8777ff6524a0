package inventory

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/layer"
)

// What a distribution's package brought along is not told again, also where it is not there any more; what else came to
// the same places is.
func TestChangesOfOwned(t *testing.T) {
	recognised := lines("generic")
	plain := recognised.extract
	recognised.extract = func(ctx context.Context, tree *layer.Tree, path string) ([]Package, error) {
		packages, err := plain(ctx, tree, path)
		for i := range packages {
			packages[i].Recognised = true
		}
		return packages, err
	}
	debs := lines("deb")
	plainDebs := debs.extract
	debs.extract = func(ctx context.Context, tree *layer.Tree, path string) ([]Package, error) {
		packages, err := plainDebs(ctx, tree, path)
		for i := range packages {
			packages[i].Files = []OwnedFile{{Path: packages[i].Name + "/generic/db"}, {Path: packages[i].Name + "/pypi/db"}}
		}
		return packages, err
	}
	im, indexes := stack(
		[]layer.File{file("var/deb/db", "usr/lib/redis 1\nusr/lib/node 1\nopt/six 1"), file("usr/lib/redis/generic/db", "redis 7.0"), file("usr/lib/node/generic/db", "node 18"),
			file("opt/six/pypi/db", "six 1.16"), file("opt/venv/pypi/db", "six 1.16")},
		[]layer.File{file("usr/local/generic/db", "tool 1"), file("usr/bin/generic/db", "tool 2")},
		[]layer.File{file("var/deb/db", "usr/lib/redis 2\nopt/six 1"), file("usr/lib/redis/generic/db", "redis 7.2"), deleted("usr/lib/node/generic/db"),
			file("usr/local/generic/db", "tool 3")},
		[]layer.File{deleted("usr/bin/generic/db"), file("usr/lib/redis/generic/db", "")},
	)
	inv, err := Assemble(t.Context(), im, indexes, []Extractor{debs, recognised, lines("pypi")}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range inv.Changes {
		if c.Type == "deb" {
			continue
		}
		sign := "+"
		if c.Removed {
			sign = "-"
		}
		got = append(got, fmt.Sprintf("%d %s%s %s %s owned:%v", c.Layer, sign, c.Name, c.Version, c.Path, c.Owner != ""))
	}
	want := []string{
		"0 +six 1.16 opt/six/pypi/db owned:true", "0 +six 1.16 opt/venv/pypi/db owned:false",
		"1 +tool 1 usr/local/generic/db owned:false", "1 +tool 2 usr/bin/generic/db owned:false",
		"2 -tool 1 usr/local/generic/db owned:false", "2 +tool 3 usr/local/generic/db owned:false",
		"3 -tool 2 usr/bin/generic/db owned:false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
