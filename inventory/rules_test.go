package inventory

import (
	"context"
	"fmt"
	"io"
	"testing"

	"tidewaiter/layer"
)

// scripted is an extractor made of functions.
type scripted struct {
	name    string
	rules   []Rule
	extract func(ctx context.Context, tree *layer.Tree, path string) ([]Package, error)
}

func (s scripted) Name() string  { return s.name }
func (s scripted) Rules() []Rule { return s.rules }
func (s scripted) Extract(ctx context.Context, tree *layer.Tree, path string) ([]Package, error) {
	return s.extract(ctx, tree, path)
}

func TestRules(t *testing.T) {
	distil := func(context.Context, string, io.ReaderAt, int64) ([]byte, error) { return nil, nil }
	elf := "\x7fELF\x02\x01\x01\x00"
	tests := []struct {
		rule    Rule
		path    string
		head    string
		content bool
		distil  bool
	}{
		{Rule{Name: "package.json"}, "app/package.json", "{", true, false},
		{Rule{Name: "package.json"}, "package.json", "", true, false},
		{Rule{Name: "package.json"}, "app/xpackage.json", "{", false, false},
		{Rule{Suffix: ".jar"}, "app/A.JAR", "PK", true, false},
		{Rule{Suffix: ".jar"}, "app/.jar", "PK", true, false},
		{Rule{Suffix: ".jar"}, "app.jar/x", "PK", false, false},
		{Rule{Suffix: ".deps.json"}, "app/shop.deps.json", "{", true, false},
		{Rule{Suffix: ".deps.json"}, "app/deps.json", "{", false, false},
		{Rule{Suffix: ".dist-info/METADATA"}, "lib/ok-1.0.dist-info/METADATA", "", true, false},
		{Rule{Suffix: "dpkg/status"}, "var/lib/dpkg/status", "", true, false},
		{Rule{Suffix: "dpkg/status"}, "dpkg/status", "", true, false},
		{Rule{Suffix: "dpkg/status"}, "var/lib/xdpkg/status", "", false, false},
		{Rule{Suffix: "-wal"}, "rpmdb.sqlite-wal", "", true, false},
		{Rule{Name: "x", Dir: "node_modules"}, "app/node_modules/a/x", "", true, false},
		{Rule{Name: "x", Dir: "node_modules"}, "node_modules/x", "", true, false},
		{Rule{Name: "x", Dir: "node_modules"}, "app/my_node_modules/x", "", false, false},
		{Rule{Name: "x", Dir: "node_modules"}, "app/node_modules_x/x", "", false, false},
		{Rule{Suffix: ".list", Dir: "dpkg/info"}, "var/lib/dpkg/info/a.list", "", true, false},
		{Rule{Suffix: ".list", Dir: "dpkg/info"}, "var/lib/dpkg/x/info/a.list", "", false, false},
		{Rule{Magic: "C:Q1"}, "any", "C:Q1abc", true, false},
		{Rule{Magic: "C:Q1"}, "any", "C:Q", false, false},
		{Rule{Name: "status", Magic: "Package:"}, "status", "Package: a", true, false},
		{Rule{Name: "status", Magic: "Package:"}, "status", "package", false, false},
		{Rule{Executable: true, Distil: distil}, "bin/x", elf, false, true},
		{Rule{Executable: true, Distil: distil}, "bin/x", "bin/sh -c x\n", false, false},
		{Rule{Executable: true, Distil: distil}, "bin/x", "\xfe\xed\xfa\xcf\x01\x00\x00\x07", false, true},
		{Rule{Executable: true, Distil: distil}, "bin/x", "\xca\xfe\xba\xbe\x00\x00\x00\x02", false, true},
		{Rule{Executable: true, Distil: distil}, "X.class", "\xca\xfe\xba\xbe\x00\x00\x00\x34", false, false},
		{Rule{Executable: true, Distil: distil}, "x.dll", "MZ" + string(make([]byte, 58)) + "\x80\x00\x00\x00", false, true},
		{Rule{Executable: true, Distil: distil}, "mz.txt", "MZ and then some text, which is longer than a header of DOS would be", false, false},
		{Rule{Name: "other"}, "etc/os-release", "ID=debian", true, false},
	}
	for _, tt := range tests {
		rules := NewRules([]Extractor{scripted{name: "x", rules: []Rule{tt.rule}}})
		keep := rules.Want(&layer.File{Path: tt.path}, []byte(tt.head))
		if keep.Content != tt.content || (keep.Distil != nil) != tt.distil {
			t.Errorf("%+v on %q: content %v, distil %v", tt.rule, tt.path, keep.Content, keep.Distil != nil)
		}
	}
}

func TestRulesKeepContentAndTheFirstDistil(t *testing.T) {
	distil := func(s string) func(context.Context, string, io.ReaderAt, int64) ([]byte, error) {
		return func(_ context.Context, path string, _ io.ReaderAt, _ int64) ([]byte, error) {
			return []byte(s + " of " + path), nil
		}
	}
	rules := NewRules([]Extractor{
		scripted{name: "a", rules: []Rule{{Executable: true, Distil: distil("first")}}},
		scripted{name: "b", rules: []Rule{{Name: "tool", Distil: distil("second")}, {Suffix: "bin/tool"}}},
	})
	keep := rules.Want(&layer.File{Path: "bin/tool"}, []byte("\x7fELF\x02\x01\x01\x00"))
	facts, _ := keep.Distil(context.Background(), nil, 0)
	if !keep.Content || string(facts) != "first of bin/tool" {
		t.Errorf("content %v, facts %q", keep.Content, facts)
	}
}

func TestVersionOfRules(t *testing.T) {
	version := func(rules ...Rule) string { return compile([]Extractor{scripted{name: "x", rules: rules}}).Version() }
	distil := func(context.Context, string, io.ReaderAt, int64) ([]byte, error) { return nil, nil }
	seen := map[string]bool{}
	for _, rules := range [][]Rule{
		nil, {{Name: "a"}}, {{Name: "b"}}, {{Suffix: "a"}}, {{Name: "a", Dir: "d"}}, {{Magic: "a"}}, {{Executable: true}},
		{{Name: "a", Distil: distil}}, {{Name: "a"}, {Name: "b"}},
	} {
		v := version(rules...)
		if v != version(rules...) || seen[v] {
			t.Errorf("%+v: version %s is not its own", rules, v)
		}
		seen[v] = true
	}
}

func BenchmarkWant(b *testing.B) {
	var rules []Rule
	for i := range 60 {
		rules = append(rules, Rule{Name: fmt.Sprintf("lock-%d.json", i)}, Rule{Suffix: fmt.Sprintf(".ext%d", i)})
	}
	rules = append(rules, Rule{Suffix: ".json", Dir: "conda-meta"}, Rule{Executable: true})
	m := NewRules([]Extractor{scripted{name: "x", rules: rules}})
	files := []layer.File{
		{Path: "usr/lib/x86_64-linux-gnu/libcrypto.so.3"},
		{Path: "app/node_modules/lodash/fp/_baseConvert.js"},
		{Path: "usr/share/doc/libssl3/changelog.Debian.gz"},
		{Path: "app/node_modules/lodash/package.json"},
	}
	head := make([]byte, layer.HeadSize)
	for i := 0; b.Loop(); i++ {
		m.Want(&files[i%len(files)], head)
	}
}
