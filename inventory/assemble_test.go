package inventory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// lines is an extractor for files named db: each line is "name version" of a package. A line "panic", "fail"
// or "hang" does that. A file db-wal belongs to its db and adds lines to it.
func lines(purlType string) scripted {
	wal := func(path string) string { return strings.TrimSuffix(path, "-wal") }
	return scripted{
		name: "lines-" + purlType,
		rules: []Rule{
			{Suffix: purlType + "/db"}, {Suffix: purlType + "/db-wal", PartOf: wal},
		},
		extract: func(_ context.Context, tree *layer.Tree, path string) ([]Package, error) {
			e, _ := tree.Lookup(path)
			text := string(e.File.Content())
			if w, ok := tree.Lookup(path + "-wal"); ok {
				text += string(w.File.Content())
			}
			var pkgs []Package
			for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
				switch name, version, _ := strings.Cut(line, " "); name {
				case "panic":
					panic("oh no")
				case "fail":
					return pkgs, errors.New("one line\nand another")
				case "hang":
					time.Sleep(time.Hour) //nolint:forbidigo // of the test's own clock
				case "":
				default:
					p := Package{Type: purlType, Name: name, Version: version, Paths: []string{path}}
					if !p.OfDistribution() {
						p.PURL = "pkg:" + purlType + "/" + name + "@" + version
					}
					pkgs = append(pkgs, p)
				}
			}
			return pkgs, nil
		},
	}
}

// stack gives an image of layers, and their indexes.
func stack(layers ...[]layer.File) (*image.Image, []*layer.Index) {
	im := &image.Image{}
	var indexes []*layer.Index
	for i, files := range layers {
		im.Layers = append(im.Layers, image.Layer{Index: i, Instruction: fmt.Sprintf("RUN %d", i)})
		indexes = append(indexes, &layer.Index{Files: files})
	}
	return im, indexes
}

// summary gives "name version layer" for each package, and the blind spots' messages.
func summary(t *testing.T, im *image.Image, indexes []*layer.Index, extractors ...Extractor) ([]string, []string) {
	t.Helper()
	inv, err := Assemble(t.Context(), im, indexes, extractors, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var pkgs, spots []string
	for _, p := range inv.Packages {
		l := -1
		if p.Layer != nil {
			l = *p.Layer
		}
		pkgs = append(pkgs, fmt.Sprintf("%s %s %d", p.Name, p.Version, l))
	}
	for _, s := range inv.BlindSpots {
		spots = append(spots, s.Where+": "+s.Message)
	}
	return pkgs, spots
}

func TestAttribution(t *testing.T) {
	whiteout := func(path string) layer.File { return layer.File{Path: path, Type: layer.Whiteout} }
	tests := []struct {
		name   string
		layers [][]layer.File
		want   []string
	}{
		{"a database written again moves only what changed", [][]layer.File{
			{file("deb/db", "bash 1\nopenssl 1\n")}, {file("x", "")}, {file("deb/db", "bash 1\nopenssl 2\ncurl 1\n")},
		}, []string{"bash 1 0", "curl 1 2", "openssl 2 2"}},
		{"a run that was broken starts again", [][]layer.File{
			{file("deb/db", "bash 1\ncurl 1\n")}, {file("deb/db", "bash 1\n")}, {file("deb/db", "bash 1\ncurl 1\n")},
		}, []string{"bash 1 0", "curl 1 2"}},
		{"a deleted database", [][]layer.File{
			{file("npm/db", "bash 1\n")}, {whiteout("npm/db")},
		}, nil},
		{"deleted and written again", [][]layer.File{
			{file("deb/db", "bash 1\n")}, {whiteout("deb/db")}, {file("deb/db", "bash 1\n")},
		}, []string{"bash 1 2"}},
		{"two places, one package of the lower layer", [][]layer.File{
			{file("z/npm/db", "left 1\n")}, {file("a/npm/db", "left 1\n")},
		}, []string{"left 1 0"}},
		{"a companion brings packages", [][]layer.File{
			{file("deb/db", "bash 1\n")}, {file("deb/db-wal", "curl 1\n")}, {file("deb/db", "bash 1\nzlib 1\n")},
		}, []string{"bash 1 0", "curl 1 1", "zlib 1 2"}},
		{"a companion goes", [][]layer.File{
			{file("deb/db", "bash 1\n"), file("deb/db-wal", "curl 1\n")}, {whiteout("deb/db-wal")},
		}, []string{"bash 1 0"}},
		{"a companion without its database", [][]layer.File{{file("deb/db-wal", "curl 1\n")}}, nil},
		{"replaced by a link", [][]layer.File{
			{file("npm/db", "bash 1\n")}, {{Path: "npm/db", Type: layer.Symlink, Link: "../x"}},
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im, indexes := stack(tt.layers...)
			got, _ := summary(t, im, indexes, lines("deb"), lines("npm"))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	im, indexes := stack([]layer.File{file("z/npm/db", "left 1\n"), file("etc/os-release", "ID=debian\nVERSION_ID=12\n"), file("deb/db", "bash 1\n")},
		[]layer.File{file("a/npm/db", "left 1\n")})
	inv, err := Assemble(t.Context(), im, indexes, []Extractor{lines("deb"), lines("npm")}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	zero, one := 0, 1
	want := []Package{
		{PURL: "pkg:deb/debian/bash@1?distro=debian-12", Type: "deb", Name: "bash", Version: "1", Ecosystem: "Debian:12",
			Layer: &zero, Instruction: "RUN 0", Paths: []string{"deb/db"}, Extractor: "lines-deb"},
		{PURL: "pkg:npm/left@1", Type: "npm", Name: "left", Version: "1",
			Layer: &zero, LastLayer: &one, Instruction: "RUN 0", Paths: []string{"z/npm/db", "a/npm/db"}, Extractor: "lines-npm"},
	}
	if diff := cmp.Diff(want, inv.Packages); diff != "" {
		t.Error(diff)
	}
}

func TestDirectoryHasNoLayers(t *testing.T) {
	_, indexes := stack([]layer.File{file("deb/db", "bash 1\nfail\n")})
	indexes[0].BlindSpots = []image.BlindSpot{{Kind: image.LimitReached, Where: "big"}}
	inv, err := Assemble(t.Context(), &image.Image{}, indexes, []Extractor{lines("deb")}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if inv.Packages[0].Layer != nil || len(inv.BlindSpots) != 2 {
		t.Errorf("%+v", inv)
	}
	for _, s := range inv.BlindSpots {
		if s.Layer != nil {
			t.Errorf("a layer: %+v", s)
		}
	}
}

func TestBlindSpots(t *testing.T) {
	im, indexes := stack(
		[]layer.File{file("1/npm/db", "a 1\nfail\n"), file("2/npm/db", "panic\n"), file("3/npm/db", "fail\n"), file("deb/db", "x 1\ny 1\n")},
		[]layer.File{file("3/npm/db", "c 1\n"), {Path: "deb/db", Type: layer.Whiteout}})
	indexes[1].BlindSpots = []image.BlindSpot{{Kind: image.LimitReached, Where: "big", Message: "too big"}}
	pkgs, spots := summary(t, im, indexes, lines("npm"), lines("deb"))
	if diff := cmp.Diff([]string{"a 1 0", "c 1 1"}, pkgs); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"big: too big",
		"1/npm/db: lines-npm: one line; and another",
		"2/npm/db: lines-npm: the extractor failed on this content: oh no",
		"deb/db: lines-deb: the database, which named 2 packages, was deleted: which of them are still aboard is not known",
	}
	if diff := cmp.Diff(want, spots); diff != "" {
		t.Error(diff)
	}
}

// A distribution whose database nobody here can read is not one without packages.
func TestDistributionWithoutADatabase(t *testing.T) {
	arch := file("etc/os-release", "ID=arch\nPRETTY_NAME=\"Arch Linux\"\n")
	im, indexes := stack([]layer.File{arch, file("npm/db", "a 1\n")})
	_, spots := summary(t, im, indexes, lines("npm"), lines("deb"))
	want := []string{"arch: the image is Arch Linux, but holds no package database of it that can be read: what the distribution brought is not known"}
	if diff := cmp.Diff(want, spots); diff != "" {
		t.Error(diff)
	}
	im, indexes = stack([]layer.File{arch, file("deb/db", "a 1\n")})
	if _, spots := summary(t, im, indexes, lines("deb")); spots != nil {
		t.Errorf("blind spots where there is a database: %q", spots)
	}
}

func TestExtractorThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := []layer.File{file("deb/db", "bash 1\n")}
		for i := range 20 {
			files = append(files, file(fmt.Sprintf("%02d/npm/db", i), "hang\n"))
		}
		im, indexes := stack(files, []layer.File{file("more/deb/db", "curl 1\n")})
		start := time.Now()
		pkgs, spots := summary(t, im, indexes, lines("npm"), lines("deb"))
		if diff := cmp.Diff([]string{"bash 1 0", "curl 1 1"}, pkgs); diff != "" {
			t.Error(diff)
		}
		if len(spots) != 20 || time.Since(start) > 2*patience*DefaultLimits().ExtractTime {
			t.Errorf("%d blind spots after %v", len(spots), time.Since(start))
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // of the test's own clock: what was left running ends
	})
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	im, indexes := stack([]layer.File{file("deb/db", "bash 1\n")})
	if _, err := Assemble(ctx, im, indexes, []Extractor{lines("deb")}, DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Layers that are repeated, one after another or in turn, are parsed again only when something changed.
func TestRepeatedLayers(t *testing.T) {
	calls := 0
	counting := lines("deb")
	extract := counting.extract
	counting.extract = func(ctx context.Context, tree *layer.Tree, path string) ([]Package, error) {
		calls++
		return extract(ctx, tree, path)
	}
	im, indexes := stack([]layer.File{file("deb/db", "bash 1\n")}, []layer.File{file("other", "")})
	for i := 2; i < 20_000; i++ {
		im.Layers = append(im.Layers, image.Layer{Index: i})
		indexes = append(indexes, indexes[i%2])
	}
	pkgs, _ := summary(t, im, indexes, counting)
	if diff := cmp.Diff([]string{"bash 1 0"}, pkgs); diff != "" || calls != 1 {
		t.Errorf("%d calls %s", calls, diff)
	}
}

func TestChrootHasItsOwnDistribution(t *testing.T) {
	dpkg := scripted{name: "dpkg", rules: []Rule{{Suffix: "dpkg/status"}},
		extract: func(_ context.Context, _ *layer.Tree, path string) ([]Package, error) {
			return []Package{{Type: "deb", Name: "bash", Version: "1"}}, nil
		}}
	im, indexes := stack([]layer.File{
		file("etc/os-release", "ID=debian\nVERSION_ID=12\n"), file("var/lib/dpkg/status", ""),
		file("opt/root/etc/os-release", "ID=ubuntu\nVERSION_ID=22.04\n"), file("opt/root/var/lib/dpkg/status", ""),
	})
	inv, err := Assemble(t.Context(), im, indexes, []Extractor{dpkg}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range inv.Packages {
		got = append(got, p.Ecosystem+" "+p.Paths[0])
	}
	want := []string{"Ubuntu:22.04:LTS opt/root/var/lib/dpkg/status", "Debian:12 var/lib/dpkg/status"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLocks(t *testing.T) {
	pkg := func(path, version string, locked bool) Package {
		return Package{Type: "npm", Name: "left", Version: version, Paths: []string{path}, Locked: locked}
	}
	app := Package{Type: "npm", Name: "app", Version: "1", Paths: []string{"app/package.json"}, Project: true}
	tests := []struct {
		name  string
		found []Package
		want  []Package
	}{
		{"installed elsewhere",
			[]Package{pkg("src/package-lock.json", "1", true), pkg("app/node_modules/left/package.json", "1", false)},
			[]Package{{Type: "npm", Name: "left", Version: "1", Paths: []string{"app/node_modules/left/package.json"}, LockFiles: []string{"src/package-lock.json"}}}},
		{"left out of the installed tree beside it",
			[]Package{pkg("app/package-lock.json", "2", true), pkg("app/node_modules/left/package.json", "1", false)},
			[]Package{pkg("app/node_modules/left/package.json", "1", false)}},
		{"another installed tree",
			[]Package{pkg("app/package-lock.json", "2", true), pkg("app2/node_modules/left/package.json", "1", false)},
			[]Package{pkg("app2/node_modules/left/package.json", "1", false), pkg("app/package-lock.json", "2", true)}},
		{"at the root",
			[]Package{pkg("package-lock.json", "2", true), pkg("node_modules/left/package.json", "1", false)},
			[]Package{pkg("node_modules/left/package.json", "1", false)}},
		{"beside the application's own manifest",
			[]Package{pkg("app/package-lock.json", "2", true), app},
			[]Package{app, pkg("app/package-lock.json", "2", true)}},
		{"alone", []Package{pkg("package-lock.json", "2", true)}, []Package{pkg("package-lock.json", "2", true)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := settleLocks(tt.found)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOwners(t *testing.T) {
	tree := layer.NewTree()
	tree.Apply(0, &layer.Index{Files: []layer.File{
		{Path: "lib", Type: layer.Symlink, Link: "usr/lib"}, file("usr/lib/node/a/package.json", "{}"), file("app/b/package.json", "{}"),
		file("usr/share/java/x.jar", ""),
	}})
	found := []Package{
		{Type: "deb", PURL: "pkg:deb/debian/node-a@1", Paths: []string{"var/lib/dpkg/status"},
			Files: []OwnedFile{{Path: "lib/node/a/package.json"}, {Path: "usr/share/java/x.jar"}}},
		{Type: "npm", Name: "a", Paths: []string{"usr/lib/node/a/package.json"}},
		{Type: "npm", Name: "b", Paths: []string{"app/b/package.json"}},
		{Type: "maven", Name: "y", Paths: []string{"usr/share/java/x.jar!/y.jar"}},
	}
	setOwners(tree, found)
	var got []string
	for _, p := range found {
		got = append(got, p.Owner)
	}
	want := []string{"", "pkg:deb/debian/node-a@1", "", "pkg:deb/debian/node-a@1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBlindSpotsAreCountedWhereTheyAreTooMany(t *testing.T) {
	var many []image.BlindSpot
	for i := range 6000 {
		many = append(many, image.BlindSpot{Kind: image.UnreadableFile, Where: fmt.Sprintf("%04d", i), Message: "x"})
	}
	got := bounded(many)
	if len(got) != 5001 || got[0].Message != "1000 more blind spots are not listed" {
		t.Errorf("%d, the first %+v", len(got), got[0])
	}
}
