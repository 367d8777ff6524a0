package lang

import (
	"bytes"
	"encoding/binary"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pclntab makes a table of functions as one release of the linker lays it out.
func pclntab(magic uint32, order binary.AppendByteOrder, width int, names ...string) string {
	text := "\x00" + strings.Join(names, "\x00") + "\x00\x00\x00"
	words := []int{1, 0, 0, 0, 0, 0, 0, 0}
	at := 3
	if magic == 0xfffffffa {
		at = 2
	}
	start := 8 + len(words)*width
	words[at], words[at+1] = start, start+len(text)
	b := append(order.AppendUint32(nil, magic), 0, 0, 1, byte(width))
	for _, w := range words {
		if width == 4 {
			b = order.AppendUint32(b, uint32(w))
		} else {
			b = order.AppendUint64(b, uint64(w))
		}
	}
	return string(b) + text + strings.Repeat("\x00", headerSize)
}

func TestReadFunctions(t *testing.T) {
	names := []string{
		"runtime.goexit", "net/http.(*Server).Serve", "net/http.Header.Get", "net/mail.ParseAddress.func1",
		"gopkg.in/yaml%2ev2.Unmarshal", "vendor/golang.org/x/net/idna.ToASCII", "main.run", "main.(*app).stop-fm",
		"example.org/g.(*List[...]).Push", "example.org/g.Sort[go.shape.struct { a/b.C int }].func2", "example.org/g.F-range1",
		"type:.eq.example.org/x.T", "go:struct { F int }", "memeqbody", "runtime.memmove.abi0",
	}
	present := [][2]string{
		{"net/http", "Server.Serve"}, {"net/http", "Header.Get"}, {"net/mail", "ParseAddress"}, {"gopkg.in/yaml.v2", "Unmarshal"},
		{"gopkg.in/yaml.v2", ""}, {"vendor/golang.org/x/net/idna", "ToASCII"}, {"example.org/app/cmd", "run"},
		{"example.org/app/cmd", "app.stop"}, {"example.org/g", "List.Push"}, {"example.org/g", "Sort"}, {"example.org/g", "F"}, {"runtime", "memmove"},
	}
	absent := [][2]string{
		{"net/http", "Server"}, {"golang.org/x/net/idna", ""}, {"main", "run"}, {"example.org/x", "T"}, {"net/mail", "Header"}, {"example.org", ""},
	}
	info := "path\texample.org/app/cmd\nbuild\tGOOS=linux\nbuild\tGOARCH=s390x\n"
	build, err := debug.ParseBuildInfo(info)
	if err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]string{
		"go1.16":                pclntab(0xfffffffa, binary.LittleEndian, 8, names...),
		"go1.18":                pclntab(0xfffffff0, binary.LittleEndian, 8, names...),
		"go1.20":                pclntab(0xfffffff1, binary.LittleEndian, 8, names...),
		"go1.20 big-endian":     pclntab(0xfffffff1, binary.BigEndian, 8, names...),
		"go1.20 of 32 bits":     pclntab(0xfffffff1, binary.LittleEndian, 4, names...),
		"go1.18 of 32 bits, BE": pclntab(0xfffffff0, binary.BigEndian, 4, names...),
	} {
		files := []string{elfWith(".gopclntab", table, nil), elfWith(".data.rel.ro.gopclntab", table, nil)}
		if table[0] != 0xff { // what no section names is searched for on little-endian machines alone
			files = append(files, "MZ\xf1\xff\xff\xff\x00\x00"+strings.Repeat("x", searchSize-headerSize-20)+table)
		}
		for i, file := range files {
			f := functionsOf(build, goFunctions(strings.NewReader(file), int64(len(file)), info))
			if f == nil {
				t.Errorf("%s, file %d: no functions", name, i)
				continue
			}
			if f.Names() != len(names) || f.GOOS != "linux" || f.GOARCH != "s390x" {
				t.Errorf("%s: %d names for %s/%s", name, f.Names(), f.GOOS, f.GOARCH)
			}
			for _, p := range present {
				if !f.Has(p[0], p[1]) {
					t.Errorf("%s, file %d: %v is not there", name, i, p)
				}
			}
			for _, p := range absent {
				if f.Has(p[0], p[1]) {
					t.Errorf("%s, file %d: %v is there", name, i, p)
				}
			}
		}
	}
}

// Where the table cannot be read whole, nothing is known of any function.
func TestUnreadableFunctions(t *testing.T) {
	good := pclntab(0xfffffff1, binary.LittleEndian, 8, "runtime.goexit", "main.main")
	patch := func(at int, with ...byte) string {
		b := []byte(good)
		copy(b[at:], with)
		return string(b)
	}
	for name, table := range map[string]string{
		"go1.2":               patch(0, 0xfb),
		"another magic":       patch(0, 0xf2),
		"quantum":             patch(6, 3),
		"width":               patch(7, 16),
		"no functions":        patch(8, 0),
		"names before header": patch(8+3*8, 1),
		"names after the end": patch(8+4*8, 0xff, 0xff),
		"huge offset":         patch(8+3*8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"names cut off":       patch(8+4*8, byte(8+8*8+10)),
		"no runtime":          pclntab(0xfffffff1, binary.LittleEndian, 8, "a1b2.c3", "main.main"),
		"a name too long":     pclntab(0xfffffff1, binary.LittleEndian, 8, "runtime.goexit", "main."+strings.Repeat("x", maxFunctionName)),
	} {
		for _, file := range []string{elfWith(".gopclntab", table, nil), "MZ" + table} {
			if got := goFunctions(strings.NewReader(file), int64(len(file)), "go\tgo1.22\n"); got != nil {
				t.Errorf("%s: %x", name, got)
			}
		}
	}
	// One executable may hold another one as data: whose table is whose only section headers tell.
	for _, file := range []string{"MZ" + good + good, "MZ" + good + strings.Repeat("x", 2*searchSize) + good} {
		if got := goFunctions(strings.NewReader(file), int64(len(file)), "go\tgo1.22\n"); got != nil {
			t.Errorf("two tables: %x", got)
		}
	}
	if functionsOf(&debug.BuildInfo{}, nil) != nil {
		t.Error("functions out of nothing")
	}
}

func TestAppendSymbol(t *testing.T) {
	for name, want := range map[string]string{
		"F": "F", "F.func1": "F", "F.func1.2": "F", "F.gowrap3": "F", "F.deferwrap1": "F", "F-range1": "F", "init.0": "init", "init.0.func1": "init",
		"glob..func1": "glob", "T.M": "T.M", "(*T).M": "T.M", "(*T).M-fm": "T.M", "(*T).M.func1": "T.M", "T.M.func2.1": "T.M",
		"main·dwrap·1": "main", "F.abi0": "F", "F.abiinternal": "F", "T.func": "T.func", "T.abi": "T.abi", "Outer.F.func1": "Outer.F", "": "", "(*": "",
	} {
		if got := string(appendSymbol(nil, []byte(name))); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// What becomes of a module's functions is known by the names that the linker gave them, which are those of the module
// that another one took the place of.
func TestFunctionsOfPackages(t *testing.T) {
	text := "go\tgo1.22.3\npath\tcommand-line-arguments\nmod\texample.org/app\t(devel)\t\n" +
		"dep\texample.org/a\tv1.0.0\n=>\texample.org/fork\tv1.1.0\th1:y\n" +
		"dep\texample.org/b\tv2.0.0\n=>\texample.org/b\tv2.0.1\th1:y\n"
	pkgs, err := goPackages(text, []byte{1, 5})
	if err != nil {
		t.Fatal(err)
	}
	known, main := map[string]bool{}, map[string]bool{}
	for _, p := range pkgs {
		known[p.Name], main[p.Name] = p.Functions != nil, p.Main
	}
	want := map[string]bool{"stdlib": true, "example.org/app": false, "example.org/fork": false, "example.org/b": true}
	if d := cmp.Diff(want, known); d != "" {
		t.Errorf("functions known (-want +got):\n%s", d)
	}
	want = map[string]bool{"stdlib": false, "example.org/app": true, "example.org/fork": false, "example.org/b": false}
	if d := cmp.Diff(want, main); d != "" {
		t.Errorf("main (-want +got):\n%s", d)
	}
}

// ownExecutable reads the test's own executable, which a Go linker made.
func ownExecutable(tb testing.TB) []byte {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Skip(err)
	}
	content, err := os.ReadFile(exe)
	if err != nil {
		tb.Skip(err)
	}
	return content
}

func TestOwnFunctions(t *testing.T) {
	content := ownExecutable(t)
	f := functionsOf(&debug.BuildInfo{}, goFunctions(bytes.NewReader(content), int64(len(content)), "go\tgo1\n"))
	if f == nil {
		t.Fatal("no functions")
	}
	for _, p := range [][2]string{
		{"tidewaiter/inventory/lang", "executableFacts.readRust"},
		{"tidewaiter/inventory", "Functions.Names"}, // small enough to be inlined, here
		{"strings", "CutPrefix"},
	} {
		if !f.Has(p[0], p[1]) {
			t.Errorf("%v is not there", p)
		}
	}
	if f.Has("net/mail", "ParseAddress") || f.Has("no/such/package", "") {
		t.Error("a function is there that nothing uses")
	}
}

func BenchmarkGoFunctions(b *testing.B) {
	content := ownExecutable(b)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	var facts []byte
	for b.Loop() {
		facts = goFunctions(bytes.NewReader(content), int64(len(content)), "go\tgo1\n")
	}
	f := functionsOf(&debug.BuildInfo{}, facts)
	b.ReportMetric(float64(f.Names()), "names")
	b.ReportMetric(float64(len(facts)), "facts-bytes")
}

func FuzzGoFunctions(f *testing.F) {
	table := pclntab(0xfffffff1, binary.LittleEndian, 8, "runtime.goexit", "a/b%2e.(*T[x]).M.func1")
	f.Add([]byte(elfWith(".gopclntab", table, nil)))
	f.Add([]byte("MZ" + table))
	f.Add([]byte(pclntab(0xfffffffa, binary.BigEndian, 4, "runtime.goexit", "main.main")))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := &budgetReader{r: bytes.NewReader(content), left: 4 << 20}
		facts := goFunctions(r, int64(len(content)), "path\tx\n")
		if fn := functionsOf(&debug.BuildInfo{}, facts); fn != nil && !fn.Has("runtime", "goexit") {
			t.Errorf("a table of %d names without the runtime", fn.Names())
		}
		if fn := functionsOf(&debug.BuildInfo{}, content); fn != nil {
			fn.Has("a", "b") // whatever was stored, it decodes
		}
	})
}
