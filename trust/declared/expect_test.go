package declared

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/trust"
)

// tree is a build context with a bit of everything.
func tree(t testing.TB) fstest.MapFS {
	t.Helper()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, name := range []string{"opt/tool", "etc/tool.conf"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 4, Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("tool")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"a.txt": file("a"), "b.txt": file("b"), "dir/c.txt": file("c"), "dir/sub/d.md": file("d"), "dir/sub/e.txt": file("e"), "other/f.txt": file("f"),
		"link": {Data: []byte("dir"), Mode: fs.ModeSymlink | 0o777}, "dir/up": {Data: []byte("../a.txt"), Mode: fs.ModeSymlink | 0o777},
		"node_modules/x/index.js": file("x"), "node_modules/keep/index.js": file("keep"), "tool.tgz": {Data: packed.Bytes(), Mode: 0o644}, "plain.gz": {Data: []byte("\x1f\x8bno archive"), Mode: 0o644},
		".dockerignore": file("node_modules\n!node_modules/keep\n**/*.md\n"),
	}
}

// where writes what a COPY or ADD at the end of a Dockerfile puts where: "place <- source", and "place/*" where not more is known.
func where(t testing.TB, context fs.FS, dockerfile string) []string {
	t.Helper()
	f, err := parse([]byte("FROM scratch AS build\nWORKDIR /src\nCOPY dir/c.txt other/f.txt ./\nRUN cat c.txt > made.txt\nFROM scratch\nWORKDIR /app\n" + dockerfile + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	f.evaluate(&arguments{complete: true}, len(f.stages)-1, func(string) (value, bool) { return value{}, false })
	m := &model{file: f, stages: map[int]*stageFiles{}, root: f.stages[len(f.stages)-1], result: &trust.Declared{}}
	m.tree = m.treeOf(0)
	if context != nil {
		if m.buildContext, err = openContext(context, nil); err != nil {
			t.Fatal(err)
		}
	}
	commands := f.stages[len(f.stages)-1].commands
	e := m.expect(commands[len(commands)-1], view{
		isDir: func(at string) bool { return at == "" || at == "app" || at == "run" }, wrote: func(string) bool { return false },
		real: func(at string) string { return strings.Replace(at, "var/run", "run", 1) },
	})
	lines := []string{}
	for _, at := range slices.Sorted(maps.Keys(e.files)) {
		w := e.files[at]
		line := at
		if w.source != "" {
			line += " <- " + w.source
		} else if w.loose {
			line += " <- ?"
		}
		if w.optional {
			line += " (perhaps)"
		}
		lines = append(lines, line)
	}
	for _, p := range e.loose {
		text := strings.ReplaceAll(p.path, unknown, "*")
		if p.tree {
			text += "/*"
		}
		lines = append(lines, text)
	}
	return lines
}

func TestWhatCopyPutsWhere(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"COPY a.txt /x", []string{"x <- a.txt"}},
		{"COPY a.txt ./", []string{"app/a.txt <- a.txt"}},
		{"COPY a.txt .", []string{"app/a.txt <- a.txt"}},
		{"COPY a.txt sub", []string{"app/sub <- a.txt"}},
		{"COPY a.txt b.txt /var/run/", []string{"run/a.txt <- a.txt", "run/b.txt <- b.txt"}},
		{"COPY a.txt /var/run", []string{"run/a.txt <- a.txt"}},
		{"COPY *.txt /t/", []string{"t/a.txt <- a.txt", "t/b.txt <- b.txt"}},
		{"COPY dir /d", []string{"d/c.txt <- dir/c.txt", "d/sub/e.txt <- dir/sub/e.txt", "d/up <- dir/up"}},
		{"COPY dir/ other /d/", []string{"d/c.txt <- dir/c.txt", "d/f.txt <- other/f.txt", "d/sub/e.txt <- dir/sub/e.txt", "d/up <- dir/up"}},
		{"COPY link /d", []string{"d/c.txt <- dir/c.txt", "d/sub/e.txt <- dir/sub/e.txt", "d/up <- dir/up"}},
		{"COPY dir/up /d", []string{"d <- a.txt"}},
		{"COPY node_modules ./node_modules", []string{"app/node_modules/keep/index.js <- node_modules/keep/index.js"}},
		{"COPY --exclude=*.txt --exclude=sub dir /d", []string{"d/c.txt <- dir/c.txt (perhaps)", "d/sub/e.txt <- dir/sub/e.txt (perhaps)", "d/up <- dir/up"}},
		{"COPY --parents dir/sub/e.txt ./dir/./sub /p/", []string{"p/dir/sub/e.txt <- dir/sub/e.txt", "p/sub/e.txt <- dir/sub/e.txt"}},
		{"ADD tool.tgz /", []string{"etc/tool.conf", "opt/tool"}},
		{"COPY tool.tgz /", []string{"tool.tgz <- tool.tgz"}},
		{"ADD plain.gz /", []string{"plain.gz <- plain.gz"}},
		{"ADD https://x.test/v1/tool?x=1 /bin/", []string{"bin/tool <- ?"}},
		{"ADD https://x.test/r.git#v1 /src", []string{"src/*"}},
		{"COPY <<one <<two /h/\n1\none\n2\ntwo", []string{"h/one", "h/two"}},
		{"COPY nothing.txt /n", []string{"n/*"}},
		{"ARG D\nCOPY a.txt $D", []string{"app/a.txt <- a.txt"}},
		{"COPY --from=build /src/c.txt /c", []string{"c <- dir/c.txt (perhaps)"}},
		{"COPY --from=0 /src /s", []string{"s/c.txt <- dir/c.txt (perhaps)", "s/f.txt <- other/f.txt (perhaps)", "s/made.txt"}},
		{"COPY --from=build /src/made.txt ./", []string{"app/made.txt"}},
		{"COPY --from=nginx:1 /etc/nginx /n", []string{"n/*"}},
	} {
		got := where(t, tree(t), tt.line)
		for i := range got { // that a stage's file may have gone since only matters where something takes files away
			if !strings.Contains(strings.Join(tt.want, " "), "(perhaps)") {
				got[i] = strings.TrimSuffix(got[i], " (perhaps)")
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.line, diff)
		}
	}
}

// Without the context, only names are known.
func TestWhatCopyPutsWhereByName(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"COPY a.txt /x/", []string{"x/*"}},
		{"COPY . .", []string{"app/*"}},
		{"COPY --parents a/./b/*.go /x/", []string{"x/b/*.go/*"}},
		{"ADD rootfs.tar.xz /", []string{"/*"}},
	} {
		if diff := cmp.Diff(tt.want, where(t, nil, tt.line)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.line, diff)
		}
	}
}
