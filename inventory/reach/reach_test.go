package reach

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// files builds the file system of one layer. A value is a link's target after "-> ", the JSON of an ELF file's links, a
// script, or after "= " the content of a captured file.
func files(t testing.TB, content map[string]string) (*layer.Tree, []layer.Entry) {
	t.Helper()
	ix := &layer.Index{}
	for _, name := range slices.Sorted(keys(content)) {
		text := content[name]
		f := layer.File{Path: name, Type: layer.Regular, Mode: 0o755, Size: int64(len(text))}
		switch {
		case strings.HasPrefix(text, "-> "):
			f.Type, f.Link = layer.Symlink, text[3:]
		case strings.HasPrefix(text, "= "):
			f.Body = &layer.Body{Content: []byte(text[2:])}
		case strings.HasPrefix(text, "{"):
			if !json.Valid([]byte(text)) {
				t.Fatalf("%s: %s", name, text)
			}
			f.Program, f.Body = true, &layer.Body{Facts: []byte(ELFKind + text + "\n")}
		default:
			facts, err := DistilScript(t.Context(), name, strings.NewReader(text), int64(len(text)))
			if err != nil {
				t.Fatal(err)
			}
			f.Program, f.Body = strings.HasPrefix(text, "#!"), &layer.Body{Facts: facts}
		}
		ix.Files = append(ix.Files, f)
	}
	tree := layer.NewTree()
	written, _ := tree.Apply(0, ix)
	return tree, written
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// small is an image with a C library, a shell and a few programs.
func small() map[string]string {
	return map[string]string{
		"bin":                                  "-> usr/bin",
		"lib":                                  "-> usr/lib",
		"lib64":                                "-> usr/lib64",
		"usr/lib64/ld-linux-x86-64.so.2":       `{"machine":62,"soname":"ld-linux-x86-64.so.2"}`,
		"usr/lib/x86_64-linux-gnu/libc.so.6":   `{"machine":62,"interp":"/lib64/ld-linux-x86-64.so.2","soname":"libc.so.6"}`,
		"usr/lib/i386-linux-gnu/libc.so.6":     `{"machine":3,"soname":"libc.so.6"}`,
		"usr/lib/x86_64-linux-gnu/libssl.so.3": `{"machine":62,"soname":"libssl.so.3","needed":["libcrypto.so.3","libc.so.6"]}`,
		"usr/lib/x86_64-linux-gnu/libcrypto.so.3":       "-> libcrypto.so.3.0",
		"usr/lib/x86_64-linux-gnu/libcrypto.so.3.0":     `{"machine":62,"soname":"libcrypto.so.3","needed":["libc.so.6"],"names":["/usr/lib/x86_64-linux-gnu/ossl-modules"]}`,
		"usr/lib/x86_64-linux-gnu/ossl-modules/fips.so": `{"machine":62,"needed":["libfips.so.1"]}`,
		"usr/lib/x86_64-linux-gnu/libfips.so.1":         `{"machine":62,"soname":"libfips.so.1"}`,
		"usr/lib/x86_64-linux-gnu/libgnutls.so.30":      `{"machine":62,"soname":"libgnutls.so.30"}`,
		"usr/bin/apt":                            `{"machine":62,"interp":"/lib64/ld-linux-x86-64.so.2","needed":["libgnutls.so.30","libc.so.6"]}`,
		"usr/bin/dash":                           `{"machine":62,"interp":"/lib64/ld-linux-x86-64.so.2","needed":["libc.so.6"]}`,
		"usr/bin/sh":                             "-> dash",
		"usr/bin/curl":                           `{"machine":62,"interp":"/lib64/ld-linux-x86-64.so.2","needed":["libssl.so.3","libc.so.6"]}`,
		"usr/bin/python3":                        "-> python3.11",
		"usr/bin/python3.11":                     `{"machine":62,"interp":"/lib64/ld-linux-x86-64.so.2","needed":["libc.so.6"]}`,
		"usr/lib/python3.11/lib-dynload/_ssl.so": `{"machine":62,"needed":["libssl.so.3"]}`,
	}
}

// what is reached, without the leading directories.
func reachedOf(r *Result) string {
	var names []string
	for file := range r.steps {
		names = append(names, file[strings.LastIndexByte(file, '/')+1:])
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestFind(t *testing.T) {
	const libc = " ld-linux-x86-64.so.2 libc.so.6"
	const ssl = " fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libssl.so.3"
	tests := []struct {
		name    string
		command []string
		more    map[string]string
		env     []string
		health  []string
		want    string // or the reason why nothing is known, after "? "
	}{
		{name: "linked", command: []string{"curl", "-s"}, want: "curl" + ssl},
		{name: "linked with little", command: []string{"/bin/dash", "-c", "true"}, want: "dash" + libc},
		{name: "a shell's words", command: []string{"sh", "-c", "exec curl -s https://example.test/"}, want: "curl dash" + ssl},
		{name: "nothing", want: "? the image's config names no entrypoint and no command"},
		{name: "not there", command: []string{"nginx"}, want: "? what the image starts, nginx, is not in it"},
		{name: "no program", command: []string{"/etc/motd"}, more: map[string]string{"etc/motd": "= hello"},
			want: "? what the image starts, /etc/motd, is no program that could be read"},
		{name: "a shell that waits", command: []string{"/bin/sh", "-l"}, want: "? the image starts a shell (sh) that waits to be told what to run"},
		{name: "waiting", command: []string{"sleep", "infinity"}, more: map[string]string{"usr/bin/sleep": `{"machine":62}`},
			want: "? the image starts sleep, and waits for somebody to run something in it"},
		{name: "a script", command: []string{"/entry.sh", "curl"}, more: map[string]string{"entry.sh": "#!/bin/sh\n# apt is not run\nset -e\nexec \"$@\"\n"},
			want: "curl dash entry.sh" + ssl},
		{name: "a script with eval", command: []string{"/entry.sh"}, more: map[string]string{"entry.sh": "#!/bin/sh\neval \"$RUN\"\n"},
			want: "_ssl.so apt curl dash entry.sh fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libgnutls.so.30 libssl.so.3 python3.11"},
		{name: "scripts of a directory", command: []string{"/entry.sh"}, more: map[string]string{
			"entry.sh": "#!/bin/sh\nfor f in /entry.d/*; do . \"$f\"; done\n", "entry.d/10-tls.sh": "#!/bin/sh\ncurl -s x\n"},
			want: "10-tls.sh curl dash entry.sh" + ssl},
		{name: "an interpreter", command: []string{"/app/run.py"}, more: map[string]string{"app/run.py": "#!/usr/bin/env python3\nimport ssl\n", "usr/bin/env": "{}"},
			want: "_ssl.so env fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libssl.so.3 python3.11 run.py"},
		{name: "a library that nothing is linked with", command: []string{"python3", "app.py"}, more: map[string]string{
			"usr/lib/x86_64-linux-gnu/libmagic.so.1": `{"machine":62,"soname":"libmagic.so.1"}`},
			want: "_ssl.so fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libmagic.so.1 libssl.so.3 python3.11"},
		{name: "its own directory first", command: []string{"/opt/tool/bin/tool"}, more: map[string]string{
			"opt/tool/bin/tool":        `{"machine":62,"needed":["libssl.so.3"],"runpath":"$ORIGIN/../lib"}`,
			"opt/tool/lib/libssl.so.3": `{"machine":62,"soname":"libssl.so.3"}`},
			want: "libssl.so.3 tool"},
		{name: "a directory that the environment puts before its own", command: []string{"/opt/tool/bin/tool"}, env: []string{"LD_LIBRARY_PATH=/opt/other"}, more: map[string]string{
			"opt/tool/bin/tool":        `{"machine":62,"needed":["libx.so.1"],"runpath":"$ORIGIN/../lib"}`,
			"opt/tool/lib/libx.so.1":   `{"machine":62,"soname":"libx.so.1"}`,
			"opt/other/libx.so.1":      `{"machine":62,"soname":"libx.so.1","needed":["libx-part.so.1"]}`,
			"opt/other/libx-part.so.1": `{"machine":62,"soname":"libx-part.so.1"}`},
			want: "libx-part.so.1 libx.so.1 libx.so.1 tool"},
		{name: "a library's directories are those of what it loads", command: []string{"tool"}, more: map[string]string{
			"usr/bin/tool":              `{"machine":62,"interp":"/lib64/ld-linux-x86-64.so.2","needed":["libp.so.1"]}`,
			"usr/lib/libp.so.1":         `{"machine":62,"soname":"libp.so.1","needed":["libq.so.1"],"rpath":"/usr/lib/p"}`,
			"usr/lib/libq.so.1":         `{"machine":62,"soname":"libq.so.1","needed":["libgnutls.so.30"]}`,
			"usr/lib/p/libgnutls.so.30": `{"machine":62,"soname":"libgnutls.so.30","needed":["libz.so.1"]}`,
			"usr/lib/libz.so.1":         `{"machine":62,"soname":"libz.so.1"}`},
			want: "ld-linux-x86-64.so.2 libgnutls.so.30 libgnutls.so.30 libp.so.1 libq.so.1 libz.so.1 tool"},
		{name: "a check of its health", command: []string{"dash", "x"}, health: []string{"CMD-SHELL", "curl -f http://localhost/ || exit 1"}, want: "curl dash" + ssl},
		{name: "named in its constants", command: []string{"tool"}, more: map[string]string{
			"usr/bin/tool": `{"machine":62,"names":["/bin/sh","libssl.so","libgnu%s.so.30"]}`},
			want: "dash fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libgnutls.so.30 libssl.so.3 tool"},
		{name: "preloaded", command: []string{"dash", "x.sh"}, env: []string{"PATH=/usr/bin", "LD_PRELOAD=libgnutls.so.30"},
			want: "dash" + " ld-linux-x86-64.so.2 libc.so.6 libgnutls.so.30"},
		{name: "a directory of ld.so.conf", command: []string{"tool"}, more: map[string]string{
			"usr/bin/tool": `{"machine":62,"needed":["libx.so.1"]}`, "etc/ld.so.conf": "= include /etc/ld.so.conf.d/*.conf\n",
			"etc/ld.so.conf.d/x.conf": "= # here\n/opt/x/lib\n", "opt/x/lib/libx.so.1": `{"machine":62,"soname":"libx.so.1"}`},
			want: "libx.so.1 tool"},
		{name: "npm start", command: []string{"npm", "start"}, more: map[string]string{
			"usr/bin/npm": "#!/usr/bin/env node\n", "usr/bin/env": "{}", "usr/bin/node": `{"machine":62}`,
			"package.json": `= {"scripts":{"start":"curl -s x","test":"apt moo"}}`},
			want: "curl env fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libssl.so.3 node npm"},
		{name: "packed", command: []string{"sh", "-c", "tool"}, more: map[string]string{"usr/bin/tool": `{"machine":62,"packed":true}`},
			want: "? /usr/bin/tool is packed, so that what it loads cannot be seen"},
		{name: "more names than are known", command: []string{"sh", "-c", "tool"}, more: map[string]string{"usr/bin/tool": `{"machine":62,"names":["/bin/sh"],"more":true}`},
			want: "? /usr/bin/tool names too many files to know all that it may load"},
		{name: "of another system", command: []string{"tool"}, more: map[string]string{"usr/bin/tool": `{"buildID":"1"}`},
			want: "? what the image starts, tool, is no program that could be read"},
		{name: "an init", command: []string{"/usr/bin/supervisord"}, more: map[string]string{"usr/bin/supervisord": "#!/usr/bin/python3\n"},
			want: "_ssl.so apt curl dash fips.so ld-linux-x86-64.so.2 libc.so.6 libcrypto.so.3.0 libfips.so.1 libgnutls.so.30 libssl.so.3 python3.11 supervisord"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := small()
			for name, text := range tt.more {
				all[name] = text
			}
			tree, programs := files(t, all)
			in := Input{Tree: tree, Process: &image.Process{Cmd: tt.command, Env: tt.env, Healthcheck: tt.health, WorkingDir: "/"}, Programs: programs}
			for name, text := range small() { // all of the image's own are of one package each
				if text[0] == '{' {
					in.Packages = append(in.Packages, Package{Files: []string{name}})
				}
			}
			r := Find(in)
			got := reachedOf(r)
			if r.Unknown != "" {
				got = "? " + r.Unknown
			}
			if got != tt.want {
				t.Errorf("reached\n  %s, not\n  %s", got, tt.want)
			}
		})
	}
}

// A package that the build asked for is reached, and a chain says why.
func TestChain(t *testing.T) {
	tree, programs := files(t, small())
	r := Find(Input{
		Tree: tree, Process: &image.Process{Entrypoint: []string{"curl"}}, Programs: programs,
		Packages: []Package{{Files: []string{"usr/bin/apt"}, Asked: true}},
	})
	want := []string{"/usr/bin/curl (entrypoint)", "/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3.0",
		"/usr/lib/x86_64-linux-gnu/ossl-modules/fips.so (its constants name the directory)", "/usr/lib/x86_64-linux-gnu/libfips.so.1"}
	if diff := cmp.Diff(want, r.Chain("usr/lib/x86_64-linux-gnu/libfips.so.1")); diff != "" {
		t.Error(diff)
	}
	want = []string{"/usr/bin/apt (asked for by name when the image was built)", "/usr/lib/x86_64-linux-gnu/libgnutls.so.30"}
	if diff := cmp.Diff(want, r.Chain("usr/lib/x86_64-linux-gnu/libgnutls.so.30")); diff != "" {
		t.Error(diff)
	}
	if r.Entrypoint != "/usr/bin/curl" || r.Chain("usr/bin/dash") != nil {
		t.Errorf("%q, %v", r.Entrypoint, r.Chain("usr/bin/dash"))
	}
}

func TestNames(t *testing.T) {
	text := "\x00/usr/lib/sasl2\x00/usr/share/doc\x00libnss_%s.so%s\x00tag.sort\x00/bin/sh\x00pam_unix.so\x00rustlibz.so.1more\x00/build/lib/x\x00lib%s.so\x00"
	want := []string{"/bin/sh", "/usr/lib/sasl2", "libnss_%s.so%s", "pam_unix.so", "rustlibz.so.1more"}
	// Wherever a name lies, across the chunks too.
	for _, before := range []int{0, 1, namesChunk - 9, namesChunk - 3, namesChunk + maxName - 2} {
		s := strings.Repeat("\x01", before) + text
		got, all := Names(io.NewSectionReader(strings.NewReader(s), 0, int64(len(s))))
		if diff := cmp.Diff(want, got); diff != "" || !all {
			t.Errorf("after %d bytes: all %v, %s", before, all, diff)
		}
	}
	if got, all := Names(); len(got) > 0 || !all {
		t.Error(got, all)
	}
}

// Of a file that has more names than are kept, or cannot be read to its end, it is not claimed to name nothing else.
func TestNamesCut(t *testing.T) {
	var many, long strings.Builder
	for i := range maxNames + 1 {
		fmt.Fprintf(&many, "lib%d.so\x00", i)
		fmt.Fprintf(&long, "/usr/lib/%0150d\x00", i)
	}
	for name, r := range map[string]*io.SectionReader{
		"too many":  io.NewSectionReader(strings.NewReader(many.String()), 0, int64(many.Len())),
		"too long":  io.NewSectionReader(strings.NewReader(long.String()), 0, int64(long.Len())),
		"too large": io.NewSectionReader(zeros{}, 0, maxNamesRead+1),
		"an error":  io.NewSectionReader(unreadable{}, 0, 10),
		"cut short": io.NewSectionReader(strings.NewReader("libx.so\x00"), 0, 20),
	} {
		if _, all := Names(r); all {
			t.Errorf("%s: that is said to be all", name)
		}
	}
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) {
	return 0, errors.New("no more of this file is read")
}

func TestShellWords(t *testing.T) {
	tests := []struct {
		text, words string
		anything    bool
	}{
		{"curl -s \"https://x\" | tar xz -C /opt\n", "/opt curl https://x tar xz", false},
		{"# eval x\nset -e\nexec \"$@\"\n", "exec set", false},
		{"eval \"$X\"\n", "eval", true},
		{"exec $JAVA_HOME/bin/java -jar \"${APP}/x.jar\"\n", "$APP/x.jar $JAVA_HOME/bin/java exec", false},
		{"if true; then\n  \"$RUNNER\" x\nfi\n", "fi if then true x", true},
		{"cmd=/bin/ls\n$cmd -l\n", "/bin/ls cmd", false},
		{"MY_CMD=/bin/ls\n$CMD -l\n", "/bin/ls MY_CMD", true},
		{"test $CMD=ls\n$CMD -l\n", "ls test", true},
		{"CMD+=ls\nread -r x\nif ${CMD[@]} -l; then $x; fi\n", "CMD+ fi if ls read then x", false},
		{"for f in /docker.d/*; do\n \"$f\"\ndone\n", "/docker.d/ do done f for in", false},
	}
	for _, tt := range tests {
		words, anything := shellWords([]byte(tt.text))
		if got := strings.Join(words, " "); got != tt.words || anything != tt.anything {
			t.Errorf("%q: %q %v", tt.text, got, anything)
		}
	}
}

// Whatever the facts and scripts of an image are, following them ends.
func FuzzFind(f *testing.F) {
	f.Add([]byte("#!/bin/sh\nexec curl $X/y\n"), `{"machine":62,"needed":["a","../b"],"rpath":"$ORIGIN:x","names":["/usr/lib/%s","lib.so","/"]}`, "/bin/x")
	f.Fuzz(func(t *testing.T, text []byte, links, command string) {
		facts, err := DistilScript(t.Context(), "s.sh", bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		ix := &layer.Index{Files: []layer.File{
			{Path: "bin/x", Mode: 0o755, Program: true, Body: &layer.Body{Facts: []byte(ELFKind + links)}},
			{Path: "bin/s", Mode: 0o755, Program: true, Body: &layer.Body{Facts: facts}},
		}}
		tree := layer.NewTree()
		written, _ := tree.Apply(0, ix)
		r := Find(Input{Tree: tree, Process: &image.Process{Cmd: []string{"s", command}}, Programs: written})
		for file := range r.steps {
			r.Chain(file)
		}
	})
}
