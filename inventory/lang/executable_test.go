package lang

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// elfWith makes a small ELF file for 64-bit little-endian machines, with one section and one group of notes.
func elfWith(section, content string, notes []byte) string {
	names := "\x00.shstrtab\x00" + section + "\x00"
	const programs, header = 64, 56
	notesAt := programs + header
	contentAt := notesAt + len(notes)
	namesAt := contentAt + len(content)
	sectionsAt := namesAt + len(names)
	le := binary.LittleEndian
	h := make([]byte, 64)
	copy(h, "\x7fELF\x02\x01\x01")
	le.PutUint16(h[16:], 2)
	le.PutUint64(h[32:], programs)
	le.PutUint64(h[40:], uint64(sectionsAt))
	for i, v := range []uint16{64, header, 1, 64, 3, 1} {
		le.PutUint16(h[52+2*i:], v)
	}
	p := make([]byte, header)
	le.PutUint32(p, elfNote)
	le.PutUint64(p[8:], uint64(notesAt))
	le.PutUint64(p[32:], uint64(len(notes)))
	sections := make([]byte, 3*64)
	put := func(i, name, off, size int) {
		s := sections[64*i:]
		le.PutUint32(s, uint32(name))
		le.PutUint32(s[4:], 1)
		le.PutUint64(s[24:], uint64(off))
		le.PutUint64(s[32:], uint64(size))
	}
	put(1, 1, namesAt, len(names))
	put(2, 11, contentAt, len(content))
	return string(h) + string(p) + string(notes) + content + names + string(sections)
}

func note(name string, kind uint32, desc string) []byte {
	pad := func(s string) string { return s + strings.Repeat("\x00", (4-len(s)%4)%4) }
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(name)+1))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(desc)))
	b = binary.LittleEndian.AppendUint32(b, kind)
	return append(b, pad(name+"\x00")+pad(desc)...)
}

func deflated(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func distilled(t *testing.T, content string) executableFacts {
	t.Helper()
	b, err := distilExecutable(context.Background(), "bin/tool", strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	var f executableFacts
	if len(b) > 0 {
		b, _, _ = bytes.Cut(bytes.TrimPrefix(b, []byte(executableKind)), []byte("\n"))
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestRustExecutable(t *testing.T) {
	audit := `{"packages":[
		{"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1]},
		{"name":"serde","version":"1.0.1","source":"crates.io"},
		{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"},
		{"name":"own","version":"2.0.0","source":"registry","kind":"runtime"}],"format":1}`
	pkgs, err := extract(t, "executable", map[string]string{"usr/bin/app": elfWith(".dep-v0", deflated(t, audit), nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cargo|app|0.1.0|||usr/bin/app",
		"cargo|own|2.0.0|||usr/bin/app",
		"cargo|serde|1.0.1|crates.io||usr/bin/app",
	}
	if d := cmp.Diff(want, lines(pkgs)); d != "" {
		t.Errorf("packages (-want +got):\n%s", d)
	}
	for _, bad := range []string{"not compressed", deflated(t, "{"), deflated(t, strings.Repeat(" ", maxAuditData+1))} {
		if _, err := extract(t, "executable", map[string]string{"usr/bin/app": elfWith(".dep-v0", bad, nil)}); err == nil {
			t.Errorf("no error for a list of crates of %d bytes that is not one", len(bad))
		}
	}
}

func TestExecutableNotes(t *testing.T) {
	notes := append(note("GNU", 3, "\x01\x02\xff"), note("FDO", 0xcafe1a7e, `{"type":"deb","name":"x"}`)...)
	f := distilled(t, elfWith(".x", "", notes))
	if f.BuildID != "0102ff" || string(f.Package) != `{"type":"deb","name":"x"}` {
		t.Errorf("got build ID %q, package %s", f.BuildID, f.Package)
	}
	if b, err := distilExecutable(context.Background(), "bin/tool", strings.NewReader(elfWith(".x", "", nil)), 400); b != nil || err != nil {
		t.Errorf("an executable with nothing to say gave %q, %v", b, err)
	}
}

// TestOwnExecutable reads the test's own executable, which a Go linker made.
func TestOwnExecutable(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	content, err := os.ReadFile(exe)
	if err != nil {
		t.Skip(err)
	}
	pkgs, err := goPackages(distilled(t, string(content)).Go, nil)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, p := range pkgs {
		versions[p.Name] = p.Version
	}
	if got, want := versions["stdlib"], goVersion(runtime.Version()); got != want {
		t.Errorf("standard library %q, want %q", got, want)
	}
	if _, ok := versions["tidewaiter"]; !ok {
		t.Errorf("the main module is not among %v", versions)
	}
}

func TestGoPackages(t *testing.T) {
	text := "go\tgo1.22.3 X:boringcrypto\npath\texample.org/app/cmd\nmod\texample.org/app\t(devel)\t\n" +
		"dep\tgithub.com/BurntSushi/toml\tv1.0.0\th1:x\n" +
		"dep\texample.org/a\tv1.0.0\n=>\texample.org/fork\tv1.1.0\th1:y\n" +
		"dep\texample.org/b\tv2.0.0\n=>\t./local\t\t\n" +
		"dep\texample.org/c\tv3.0.0\n=>\t./local\t(devel)\t\n"
	pkgs, err := goPackages(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pkgs {
		got = append(got, p.Name+" "+p.Version+" "+p.PURL)
	}
	want := []string{
		"stdlib 1.22.3 pkg:golang/stdlib@1.22.3",
		"example.org/app (devel) pkg:golang/example.org/app@%28devel%29",
		"github.com/BurntSushi/toml v1.0.0 pkg:golang/github.com/burntsushi/toml@v1.0.0",
		"example.org/fork v1.1.0 pkg:golang/example.org/fork@v1.1.0",
		"example.org/b v2.0.0 pkg:golang/example.org/b@v2.0.0",
		"example.org/c v3.0.0 pkg:golang/example.org/c@v3.0.0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("packages (-want +got):\n%s", d)
	}
}

func FuzzDistilExecutable(f *testing.F) {
	f.Add([]byte(elfWith(".dep-v0", deflated(f, `{"packages":[{"name":"a","version":"1","source":"crates.io"}]}`), note("GNU", 3, "id"))))
	f.Add([]byte("MZ" + strings.Repeat("\x00", 100)))
	f.Add([]byte("\xcf\xfa\xed\xfe" + strings.Repeat("\x01", 100)))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) < 4 {
			return
		}
		if _, err := distilExecutable(context.Background(), "bin/tool", bytes.NewReader(content), int64(len(content))); err != nil {
			t.Error(err)
		}
	})
}
