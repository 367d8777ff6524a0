package match

import (
	"slices"
	"strings"
	"testing"

	"tidewaiter/advisory"
	"tidewaiter/inventory"
)

// linked makes a table of functions of an executable for linux/amd64; "a/b.T.M" is T.M of a/b.
func linked(names ...string) *inventory.Functions {
	return inventory.NewFunctions("linux", "amd64", len(names), func() []uint32 {
		var hashes []uint32
		for _, name := range names {
			slash := strings.LastIndex(name, "/") + 1
			pkg, symbol, _ := strings.Cut(name[slash:], ".")
			hashes = append(hashes, inventory.FunctionHash(name[:slash]+pkg, symbol), inventory.FunctionHash(name[:slash]+pkg, ""))
		}
		slices.Sort(hashes)
		return hashes
	})
}

// imports makes the ecosystem_specific of an entry as the Go team's records have it.
func imports(items ...map[string]any) advisory.Affected {
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = item
	}
	return advisory.Affected{Specific: map[string]any{"imports": list}}
}

func imported(path string, symbols ...string) map[string]any {
	list := make([]any, len(symbols))
	for i, s := range symbols {
		list[i] = s
	}
	return map[string]any{"path": path, "symbols": list}
}

func on(goos string, item map[string]any) map[string]any {
	item["goos"] = []any{goos}
	return item
}

func goRecord(id string, entries ...advisory.Affected) hit {
	if len(entries) == 0 {
		entries = []advisory.Affected{{}}
	}
	return hit{record: &advisory.Record{ID: id, Affected: entries}, entry: &entries[0]}
}

func TestGoSymbols(t *testing.T) {
	tool := linked("net/mail.ParseAddress", "a/b.T.M", "main/cmd.init")
	for _, c := range []struct {
		name      string
		functions []*inventory.Functions // of the packages of one purl
		hits      []hit
		want      string
	}{
		{"absent", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("net/mail", "ReadMessage", "Header.Date")))},
			"none of ReadMessage, Header.Date of net/mail is in the function table of /usr/bin/tool (3 functions)"},
		{"present", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("net/mail", "ReadMessage", "ParseAddress")))}, ""},
		{"a method", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("a/b", "T.M")))}, ""},
		{"an initialiser", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("main/cmd", "init#1")))}, ""},
		{"present in the second package", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("x", "F"), imported("a/b", "T.M")))}, ""},
		{"many absent", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("x", "A", "B", "C", "D"), imported("y")))},
			"none of A, B, C and others of x is in the function table of /usr/bin/tool (3 functions)"},
		{"a whole package, present", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("a/b")))}, ""},
		{"a whole package, absent", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("a")))},
			"no function of a is in the function table of /usr/bin/tool (3 functions)"},
		{"no table", []*inventory.Functions{nil}, []hit{goRecord("GO-2024-1", imports(imported("x", "F")))}, ""},
		{"one of two packages has no table", []*inventory.Functions{tool, nil}, []hit{goRecord("GO-2024-1", imports(imported("x", "F")))}, ""},
		{"present in the other", []*inventory.Functions{tool, linked("x.F")}, []hit{goRecord("GO-2024-1", imports(imported("x", "F")))}, ""},
		{"a copy without imports", []*inventory.Functions{tool}, []hit{goRecord("GHSA-1"), goRecord("GO-2024-1", imports(imported("x", "F")))},
			"none of F of x is in the function table of /usr/bin/tool (3 functions)"},
		{"only copies", []*inventory.Functions{tool}, []hit{goRecord("GHSA-1")}, ""},
		{"the Go team does not know", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("x", "F"))), goRecord("GO-2024-2")}, ""},
		{"one entry names nothing", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("x", "F")), advisory.Affected{})}, ""},
		{"another record's is there", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(imported("x", "F"))), goRecord("GO-2024-2", imports(imported("a/b", "T.M")))}, ""},
		{"another platform", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(on("windows", imported("a/b", "T.M"))))},
			"only windows is affected, and /usr/bin/tool is built for linux/amd64"},
		{"this platform", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(on("linux", imported("a/b", "T.M"))))}, ""},
		{"strange imports", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", advisory.Affected{Specific: map[string]any{"imports": []any{1, "x"}}})}, ""},
		{"imports without a path", []*inventory.Functions{tool}, []hit{goRecord("GO-2024-1", imports(map[string]any{"symbols": 7}))}, ""},
	} {
		f := Finding{hits: c.hits}
		for _, functions := range c.functions {
			f.same = append(f.same, &inventory.Package{Type: "golang", Name: "m", Paths: []string{"usr/bin/tool"}, Functions: functions})
		}
		f.Of = f.same[0]
		if got := goSymbols.holds(&f, &ruleContext{}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestGoNotImportable(t *testing.T) {
	named := imports(imported("x", "F"))
	for _, c := range []struct {
		name, module, program string
		hits                  []hit
		want                  bool
	}{
		{"excluded", "github.com/a/b", "example.org/app", []hit{goRecord("GO-2022-1"), goRecord("GHSA-1")}, true},
		{"the last year", "github.com/a/b", "", []hit{goRecord("GO-2023-1")}, true},
		{"nobody looked at it", "github.com/a/b", "", []hit{goRecord("GO-2024-1")}, false},
		{"nor at the second", "github.com/a/b", "", []hit{goRecord("GO-2022-1"), goRecord("GO-2024-1")}, false},
		{"packages named", "github.com/a/b", "", []hit{goRecord("GO-2022-1", named)}, false},
		{"not the Go team's", "github.com/a/b", "", []hit{goRecord("GHSA-1")}, false},
		{"the program itself", "github.com/a/b", "github.com/a/b", []hit{goRecord("GO-2022-1")}, false},
		{"a part of the program", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/v3", []hit{goRecord("GO-2022-1")}, false},
		{"the standard library", "stdlib", "", []hit{goRecord("GO-2022-1")}, false},
		{"the toolchain", "toolchain", "", []hit{goRecord("GO-2022-1")}, false},
	} {
		f := Finding{hits: c.hits, Of: &inventory.Package{Type: "golang", Name: c.module}}
		m := &matcher{projects: map[string]bool{}}
		if c.program != "" {
			m.projects[goProject(c.program)] = true
		}
		if got := goNotImportable.holds(&f, &ruleContext{matcher: m}); (got != "") != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
