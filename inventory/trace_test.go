package inventory

import (
	"crypto/md5"  //nolint:gosec // what the databases have
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// regular makes an entry as reading with digests makes it.
func regular(path, content string, mode ...fs.FileMode) layer.File {
	f := layer.File{Path: path, Size: int64(len(content)), Mode: 0o644, Body: &layer.Body{Content: []byte(content), Digests: &layer.Digests{
		MD5: md5.Sum([]byte(content)), SHA1: sha1.Sum([]byte(content)), SHA256: sha256.Sum256([]byte(content)), //nolint:gosec // as above
	}}}
	f.Program = strings.HasPrefix(content, "\x7fELF") || strings.HasPrefix(content, "#!")
	for _, m := range mode {
		f.Mode = m
	}
	return f
}

func program(path, content string) layer.File { return regular(path, "\x7fELF"+content, 0o755) }

func link(path, to string) layer.File {
	return layer.File{Path: path, Type: layer.Symlink, Link: to, Mode: 0o777}
}

func deleted(path string) layer.File { return layer.File{Path: path, Type: layer.Whiteout} }

func md5of(content string) string    { return fmt.Sprintf("md5:%x", md5.Sum([]byte(content))) }   //nolint:gosec // as above
func sha1of(content string) string   { return fmt.Sprintf("sha1:%x", sha1.Sum([]byte(content))) } //nolint:gosec // as above
func sha256of(content string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))) }

// traced gives "class layer owner rule" of every file, by path.
func traced(t *testing.T, inv *Inventory, layers ...[]layer.File) (*Trace, map[string]string) {
	t.Helper()
	im, indexes := stack(layers...)
	trace := NewTrace(im, indexes, inv)
	got := map[string]string{}
	for i := range trace.Files {
		f := &trace.Files[i]
		line := fmt.Sprintf("%s %d", f.Class, f.Layer)
		if f.Owner >= 0 {
			line += " " + inv.Packages[f.Owner].Name
		}
		if f.Rule != "" {
			line += " (" + f.Rule + ")"
		}
		if f.Config {
			line += " config"
		}
		if _, twice := got[f.Path]; twice {
			t.Errorf("%s is accounted for twice", f.Path)
		}
		got[f.Path] = line
	}
	sum := trace.Count(Owned) + trace.Count(Modified) + trace.Count(Placed) + trace.Count(Generated)
	if sum != len(trace.Files) {
		t.Errorf("the classes have %d files together, not %d", sum, len(trace.Files))
	}
	return trace, got
}

func deb(name string, files ...OwnedFile) Package {
	return Package{Type: "deb", Name: name, Version: "1", PURL: "pkg:deb/debian/" + name + "@1", Paths: []string{"var/lib/dpkg/status"}, Files: files}
}

func TestPlantedInDebian(t *testing.T) {
	inv := &Inventory{Packages: []Package{
		deb("bash", OwnedFile{Path: "bin/sh", Digest: md5of("bash's sh")}),
		deb("dash", OwnedFile{Path: "bin/sh"}),
		deb("libc6", OwnedFile{Path: "lib/libc.so.6", Digest: md5of("\x7fELFlibc")}, OwnedFile{Path: "etc/ld.so.conf", Digest: md5of("conf"), Config: true},
			OwnedFile{Path: "usr/share/doc/libc6/NEWS.gz", Digest: md5of("news")}, OwnedFile{Path: "usr/bin/ldd", Digest: md5of("#!ldd")},
			OwnedFile{Path: "usr/bin/iconv", Digest: md5of("\x7fELFiconv")}, OwnedFile{Path: "usr/share/doc/gone", Digest: md5of("x")}),
		deb("python3", OwnedFile{Path: "usr/lib/python3/os.py", Digest: md5of("os")}),
		{Type: "deb", Name: "links", Paths: []string{"var/lib/dpkg/status"}, Layer: new(int), Files: []OwnedFile{{Path: "usr/bin/link"}, {Path: "usr/bin/kept"}}},
		deb("vim", OwnedFile{Path: "usr/bin/vim.basic", Digest: md5of("\x7fELFvim")}),
		{Type: "golang", Name: "example.com/tool", PURL: "pkg:golang/example.com/tool@v1", Paths: []string{"usr/bin/tool"}, Extractor: "go-binary"},
		{Type: "golang", Name: "stdlib", PURL: "pkg:golang/stdlib@1.22", Paths: []string{"usr/bin/tool"}, Extractor: "go-binary"},
		{Type: "generic", Name: "busybox", Version: "1.36", PURL: "pkg:generic/busybox@1.36", Paths: []string{"usr/local/bin/bb"}, Recognised: true},
	}}
	trace, got := traced(t, inv,
		[]layer.File{
			link("lib", "usr/lib"), link("bin", "usr/bin"),
			regular("var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.distrib\ndash\n"),
			link("usr/bin/sh", "dash"), regular("usr/bin/sh.distrib", "bash's sh"),
			program("usr/lib/libc.so.6", "libc"), regular("etc/ld.so.conf", "conf"), regular("usr/share/doc/libc6/NEWS.gz", "news"),
			regular("usr/bin/ldd", "#!ldd", 0o755), program("usr/bin/iconv", "iconv"),
			regular("usr/lib/python3/os.py", "os"), regular("usr/lib/python3/__pycache__/os.cpython-311.pyc", "compiled"),
			program("usr/bin/vim.basic", "vim"), link("usr/bin/vi", "/etc/alternatives/vi"), link("etc/alternatives/vi", "/usr/bin/vim.basic"),
			regular("var/lib/dpkg/info/libc6:amd64.postinst", "#!sh", 0o755), regular("etc/ld.so.cache", "cache"),
			program("usr/bin/tool", "go"), link("usr/bin/link", "su"), link("usr/bin/kept", "su"), regular("usr/bin/su", "\x7fELFsu", 0o755),
		},
		[]layer.File{
			program("usr/lib/libc.so.6", "evil libc"),                      // a modified libc
			program("usr/local/bin/curled", "downloaded"),                  // a binary nobody owns
			program("usr/local/bin/bb", "busybox"),                         // one that is recognised
			regular("app/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----"),   // deleted later
			regular("etc/ld.so.conf", "changed"),                           // a changed conffile
			regular("usr/lib/python3/__pycache__/x.cpython-311.pyc", "no"), // without its source
			regular("usr/bin/su", "\x7fELFsu", 0o755|fs.ModeSetuid),
			link("usr/bin/ldd", "/usr/local/bin/curled"),                              // its type changed
			regular("var/lib/dpkg/info/evil.postinst", "#!sh", 0o755),                 // of no installed package
			program("var/cache/apt/pkgcache.bin", "hides"),                            // a program in a cache
			regular("etc/ld.so.cache", "cache"), link("etc/alternatives/x", "/tmp/x"), // the link leads nowhere
			deleted("usr/share/doc/gone"), regular("tmp/x/y", "z"), program("usr/bin/link", "no link"), link("usr/bin/kept", "su"),
		},
		[]layer.File{deleted("app/id_rsa"), deleted("usr/share/doc/libc6/NEWS.gz"), regular("tmp/x/y", "z"), program("usr/bin/iconv", "iconv")},
	)
	want := map[string]string{
		"usr/bin/link": "modified 1 links", "usr/bin/kept": "owned 0 links",
		"bin": "generated 0 (merged-usr)", "lib": "generated 0 (merged-usr)", "var/lib/dpkg/diversions": "generated 0 (dpkg-state)",
		"usr/bin/sh": "owned 0 dash", "usr/bin/sh.distrib": "owned 0 bash",
		"usr/lib/libc.so.6": "modified 1 libc6", "etc/ld.so.conf": "modified 1 libc6 config", "usr/bin/ldd": "modified 1 libc6",
		"usr/bin/iconv":         "owned 0 libc6", // written again as it was
		"usr/lib/python3/os.py": "owned 0 python3", "usr/lib/python3/__pycache__/os.cpython-311.pyc": "generated 0 python3 (python-bytecode)",
		"usr/lib/python3/__pycache__/x.cpython-311.pyc": "placed 1",
		"usr/bin/vim.basic":                             "owned 0 vim", "usr/bin/vi": "owned 0 vim", "etc/alternatives/vi": "owned 0 vim", "etc/alternatives/x": "placed 1",
		"var/lib/dpkg/info/libc6:amd64.postinst": "generated 0 libc6 (dpkg-scripts)", "var/lib/dpkg/info/evil.postinst": "placed 1",
		"etc/ld.so.cache": "generated 0 (ld.so.cache)", "usr/bin/tool": "placed 0",
		"usr/bin/su": "placed 1", "usr/local/bin/curled": "placed 1", "usr/local/bin/bb": "placed 1", "var/cache/apt/pkgcache.bin": "placed 1", "tmp/x/y": "placed 1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	var programs, missing []string
	for _, i := range trace.Steps[1].Programs {
		programs = append(programs, trace.Files[i].Path)
	}
	if d := cmp.Diff([]string{"usr/bin/su", "usr/lib/python3/__pycache__/x.cpython-311.pyc", "usr/local/bin/bb", "usr/local/bin/curled",
		"var/cache/apt/pkgcache.bin", "var/lib/dpkg/info/evil.postinst"}, programs); d != "" {
		t.Errorf("programs: %s", d)
	}
	for _, m := range trace.Missing {
		missing = append(missing, fmt.Sprintf("%s %d", m.Path, m.Layer))
	}
	if d := cmp.Diff([]string{"usr/share/doc/gone -1", "usr/share/doc/libc6/NEWS.gz 2"}, missing); d != "" {
		t.Errorf("missing: %s", d)
	}
	libc := trace.Files[slicesIndex(trace, "usr/lib/libc.so.6")]
	if libc.Recorded != md5of("\x7fELFlibc") || libc.Actual() != md5of("\x7fELFevil libc") {
		t.Errorf("libc: recorded %s, actual %s", libc.Recorded, libc.Actual())
	}
	if bb := trace.Files[slicesIndex(trace, "usr/local/bin/bb")]; bb.Known < 0 || inv.Packages[bb.Known].Name != "busybox" {
		t.Errorf("busybox is not known: %d", bb.Known)
	}
	if d := cmp.Diff([]string{"app/id_rsa 2 deleted true", "tmp/x/y 2 rewritten false"}, hiddenOf(&trace.Steps[1])); d != "" {
		t.Errorf("hidden of layer 1: %s", d)
	}
}

func slicesIndex(t *Trace, path string) int {
	for i := range t.Files {
		if t.Files[i].Path == path {
			return i
		}
	}
	return 0
}

func hiddenOf(s *Step) []string {
	var lines []string
	for i := range s.Hidden {
		h := &s.Hidden[i]
		lines = append(lines, fmt.Sprintf("%s %d %s %v", h.Path, h.By, h.How, h.Secret()))
	}
	return lines
}

func TestPlantedInAlpineAndRPM(t *testing.T) {
	inv := &Inventory{Packages: []Package{
		{Type: "apk", Name: "busybox", Paths: []string{"lib/apk/db/installed"}, Files: []OwnedFile{{Path: "bin/busybox", Digest: sha1of("\x7fELFbb")},
			{Path: "bin/sh", Digest: sha1of("/bin/busybox")}, {Path: "etc/securetty", Digest: sha1of("tty")}}},
		{Type: "apk", Name: "musl", Paths: []string{"lib/apk/db/installed"}, Files: []OwnedFile{{Path: "lib/ld-musl.so.1", Digest: sha1of("\x7fELFmusl")},
			{Path: "lib/libc.so", Digest: sha1of("ld-musl.so.1")}}},
		{Type: "rpm", Name: "glibc", Paths: []string{"srv/root/var/lib/rpm/rpmdb.sqlite"}, Files: []OwnedFile{{Path: "usr/lib64/libc.so.6", Digest: sha256of("\x7fELFglibc")},
			{Path: "etc/nsswitch.conf", Digest: sha256of("ns"), Config: true}, {Path: "var/log/lastlog", Optional: true}, {Path: "usr/share/x", Digest: "sha512:00"}}},
	}}
	_, got := traced(t, inv,
		[]layer.File{
			program("bin/busybox", "bb"), link("bin/sh", "/bin/busybox"), link("bin/ls", "/bin/busybox"), regular("etc/securetty", "tty"),
			program("lib/ld-musl.so.1", "musl"), link("lib/libc.so", "ld-musl.so.1"), regular("lib/apk/db/scripts.tar", "tar"),
			program("srv/root/usr/lib64/libc.so.6", "glibc"), regular("srv/root/etc/nsswitch.conf", "ns"), regular("srv/root/usr/share/x", "x"),
		},
		[]layer.File{program("lib/ld-musl.so.1", "evil"), link("bin/sh", "/tmp/evil"), regular("etc/securetty", "more"), program("srv/root/usr/lib64/libc.so.6", "evil"),
			regular("srv/root/etc/nsswitch.conf", "changed")},
	)
	want := map[string]string{
		"bin/busybox": "owned 0 busybox", "bin/sh": "modified 1 busybox", "bin/ls": "generated 0 busybox (busybox-applets)", "etc/securetty": "modified 1 busybox config",
		"lib/ld-musl.so.1": "modified 1 musl", "lib/libc.so": "owned 0 musl", "lib/apk/db/scripts.tar": "generated 0 (apk-state)",
		"srv/root/usr/lib64/libc.so.6": "modified 1 glibc", "srv/root/etc/nsswitch.conf": "modified 1 glibc config", "srv/root/usr/share/x": "owned 0 glibc",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPlantedInLanguages(t *testing.T) {
	site := "usr/lib/python3.11/site-packages/"
	inv := &Inventory{Packages: []Package{
		{Type: "npm", Name: "left", Paths: []string{"app/node_modules/left/package.json"}},
		{Type: "npm", Name: "inner", Paths: []string{"app/node_modules/left/node_modules/inner/package.json"}},
		{Type: "npm", Name: "app", Paths: []string{"app/package.json"}, Project: true},
		{Type: "npm", Name: "locked", Paths: []string{"app/package-lock.json"}, Locked: true},
		{Type: "pypi", Name: "flask", Paths: []string{site + "flask.dist-info/METADATA"}, Files: []OwnedFile{{Path: site + "flask/app.py", Digest: sha256of("app")},
			{Path: site + "flask/cli.py", Digest: sha256of("cli")}, {Path: "usr/bin/flask", Digest: sha256of("#!flask")}, {Path: site + "flask.dist-info/METADATA", Digest: sha256of("meta")}}},
		{Type: "gem", Name: "rake", Paths: []string{"gems/specifications/rake-13.gemspec"}},
		{Type: "composer", Name: "monolog/monolog", Paths: []string{"php/vendor/composer/installed.json"}},
		{Type: "maven", Name: "org.example:lib", Paths: []string{"opt/lib-1.jar"}, Extractor: "java-archive"},
		{Type: "maven", Name: "org.example:inner", Paths: []string{"opt/app.jar!/inner-1.jar"}, Extractor: "java-archive"},
	}}
	trace, got := traced(t, inv,
		[]layer.File{
			regular("app/package.json", "{}"), regular("app/index.js", "1"),
			regular("app/node_modules/left/package.json", "{}"), regular("app/node_modules/left/a.js", "a"), regular("app/node_modules/left/b.js", "b"),
			regular("app/node_modules/left/node_modules/inner/package.json", "{}"), regular("app/node_modules/left/node_modules/inner/x.js", "x"),
			regular("app/node_modules/left/node_modules/stray/x.js", "x"), link("app/node_modules/.bin/left", "../left/a.js"), regular("app/node_modules/.package-lock.json", "{}"),
			regular(site+"flask/app.py", "app"), regular(site+"flask/cli.py", "cli"), regular("usr/bin/flask", "#!flask", 0o755), regular(site+"flask.dist-info/METADATA", "meta"),
			regular("gems/specifications/rake-13.gemspec", "s"), regular("gems/gems/rake-13/lib/rake.rb", "r"), regular("gems/extensions/x86/3.1/rake-13/rake.so", "so"),
			regular("php/vendor/composer/installed.json", "{}"), regular("php/vendor/monolog/monolog/src/L.php", "<?"), regular("php/vendor/autoload.php", "<?"),
			regular("opt/lib-1.jar", "PK"), regular("opt/app.jar", "PK"),
		},
		[]layer.File{
			regular("app/node_modules/left/a.js", "evil"), program("app/node_modules/left/build/evil.node", "x"),
			regular("app/node_modules/left/b.js", "b", 0o600), regular("app/node_modules/left/node_modules/inner/package.json", "{}"), // chown
			regular(site+"flask/app.py", "replaced"),
		},
	)
	want := map[string]string{
		"app/package.json": "placed 0", "app/index.js": "placed 0", "app/node_modules/left/package.json": "owned 0 left",
		"app/node_modules/left/a.js": "modified 1 left", "app/node_modules/left/b.js": "owned 1 left", "app/node_modules/left/build/evil.node": "placed 1",
		"app/node_modules/left/node_modules/inner/package.json": "owned 0 inner", "app/node_modules/left/node_modules/inner/x.js": "owned 0 inner",
		"app/node_modules/left/node_modules/stray/x.js": "placed 0", "app/node_modules/.bin/left": "owned 0 left", "app/node_modules/.package-lock.json": "generated 0 (npm-lock)",
		site + "flask/app.py": "modified 1 flask", site + "flask/cli.py": "owned 0 flask", "usr/bin/flask": "owned 0 flask", site + "flask.dist-info/METADATA": "owned 0 flask",
		"gems/specifications/rake-13.gemspec": "owned 0 rake", "gems/gems/rake-13/lib/rake.rb": "owned 0 rake", "gems/extensions/x86/3.1/rake-13/rake.so": "owned 0 rake",
		"php/vendor/composer/installed.json": "placed 0", "php/vendor/monolog/monolog/src/L.php": "owned 0 monolog/monolog", "php/vendor/autoload.php": "generated 0 (composer-autoload)",
		"opt/lib-1.jar": "owned 0 org.example:lib", "opt/app.jar": "placed 0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if f := trace.Files[slicesIndex(trace, "app/node_modules/left/a.js")]; f.Recorded != sha256of("a") {
		t.Errorf("recorded of a.js: %s", f.Recorded)
	}
}

// A program that says what it was built from was still not installed by anybody, unless it lies in a package's directory.
// What dpkg installed, dpkg answers for, and bytecode may be missing.
func TestWhoAnswersForWhat(t *testing.T) {
	inv := &Inventory{Packages: []Package{
		{Type: "golang", Name: "example.com/tool", Paths: []string{"usr/local/bin/tool"}, Extractor: "go-binary"},
		{Type: "golang", Name: "example.com/build", Paths: []string{"app/node_modules/build/bin/build"}, Extractor: "go-binary"},
		{Type: "npm", Name: "build", Paths: []string{"app/node_modules/build/package.json"}},
		deb("python3-six", OwnedFile{Path: "usr/lib/python3/six.py", Digest: md5of("six")}),
		{Type: "pypi", Name: "six", Owner: "pkg:deb/debian/python3-six@1", Paths: []string{"usr/lib/python3/six.egg-info/PKG-INFO"},
			Files: []OwnedFile{{Path: "usr/lib/python3/scripts/six", Digest: sha256of("moved by Debian")}}},
		{Type: "pypi", Name: "wheel", Paths: []string{"opt/wheel.dist-info/METADATA"},
			Files: []OwnedFile{{Path: "opt/wheel.py", Digest: sha256of("w")}, {Path: "opt/__pycache__/wheel.cpython-311.pyc"}, {Path: "opt/gone.py"}}},
		{Type: "deb", Name: "unlisted", Paths: []string{"srv/var/lib/dpkg/status"}, Files: []OwnedFile{{Path: "etc/x", Config: true}}},
	}}
	setuid := program("usr/local/bin/tool", "go")
	setuid.Mode |= fs.ModeSetuid
	trace, got := traced(t, inv, []layer.File{
		setuid, regular("app/node_modules/build/package.json", "{}"), program("app/node_modules/build/bin/build", "go"),
		regular("usr/lib/python3/six.py", "six"), regular("usr/lib/python3/six.egg-info/added", "x"), regular("opt/wheel.py", "w"),
		regular("usr/local/lib/script.py", "#!python", 0o755), regular("etc/ca-certificates.conf.dpkg-old", "old"),
	})
	want := map[string]string{
		"usr/local/bin/tool": "placed 0", "app/node_modules/build/package.json": "owned 0 build", "app/node_modules/build/bin/build": "owned 0 build",
		"usr/lib/python3/six.py": "owned 0 python3-six", "usr/lib/python3/six.egg-info/added": "placed 0", "opt/wheel.py": "owned 0 wheel",
		"usr/local/lib/script.py": "placed 0", "etc/ca-certificates.conf.dpkg-old": "generated 0 (ca-certificates)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if f := trace.Files[slicesIndex(trace, "usr/local/bin/tool")]; f.Known != 0 {
		t.Errorf("the tool is known as %d", f.Known)
	}
	var programs []string
	for _, i := range trace.Steps[0].Programs {
		programs = append(programs, trace.Files[i].Path)
	}
	if d := cmp.Diff([]string{"usr/local/bin/tool", "usr/local/lib/script.py"}, programs); d != "" {
		t.Errorf("programs: %s", d)
	}
	if d := cmp.Diff([]Missing{{Path: "opt/gone.py", Owner: 5, Layer: -1}, {Path: "srv/etc/x", Owner: 6, Layer: -1}}, trace.Missing); d != "" {
		t.Errorf("missing: %s", d)
	}
	if len(trace.BlindSpots) != 1 || trace.BlindSpots[0].Where != "srv/var/lib/dpkg/status" {
		t.Errorf("blind spots: %v", trace.BlindSpots)
	}
}

// What the counts of a layer say, with hard links, whiteouts and a path that comes twice.
func TestStepsCount(t *testing.T) {
	im, indexes := stack(
		[]layer.File{regular("a", "1"), regular("b", "22"), regular("d/x", "333"), {Path: "e", Type: layer.Hardlink, Link: "b"}},
		[]layer.File{regular("a", "4444"), deleted("b"), {Path: "d", Type: layer.Opaque}, regular("d/y", "55555"), regular("n", "one"), regular("n", "twice")},
	)
	im.History = []image.History{{Instruction: "FROM", Layer: 0}, {Instruction: "ENV A=b", Layer: -1}, {Instruction: "RUN x", Layer: 1, DockerfileLine: 7}}
	trace := NewTrace(im, indexes, &Inventory{})
	if len(trace.Steps) != 3 || trace.Steps[1].Layer != -1 || trace.Steps[1].Instruction != "ENV A=b" {
		t.Fatalf("steps: %+v", trace.Steps)
	}
	s := trace.Steps[2]
	if d := cmp.Diff([]Count{{4, 17}, {2, 10}, {1, 4}, {2, 5}}, []Count{s.Carried, s.Added, s.Changed, s.Removed}); d != "" {
		t.Error(d)
	}
	// b can still be seen as e.
	if d := cmp.Diff([]string{"d/x 1 deleted false", "a 1 replaced false"}, hiddenOf(&trace.Steps[0])); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"n 1 replaced false"}, hiddenOf(&s)); d != "" {
		t.Error(d)
	}
}

func TestPackagesOfSteps(t *testing.T) {
	db := func(text string) layer.File { return regular("var/deb/db", text) }
	im, indexes := stack(
		[]layer.File{db("a 1\nb 1\nc 1"), regular("x/npm/db", "m 1")},
		[]layer.File{db("a 2\nb 1\nd 1")},
		[]layer.File{deleted("x/npm/db"), regular("y/npm/db", "m 1")},
		[]layer.File{deleted("y/npm/db"), regular("z/npm/db", "m 2")},
		[]layer.File{deleted("var/deb/db")},
	)
	inv, err := Assemble(t.Context(), im, indexes, []Extractor{lines("deb"), lines("npm")}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range NewTrace(im, indexes, inv).Steps {
		line := ""
		for _, c := range s.Packages {
			line += fmt.Sprintf("%s %s>%s ", c.Name, c.From, c.To)
		}
		got = append(got, strings.TrimSpace(line))
	}
	want := []string{"a >1 b >1 c >1 m >1", "a 1>2 c 1> d >1", "", "m 1>2", "a 2> b 1> d 1>"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRulesAreNarrow(t *testing.T) {
	inv := &Inventory{}
	var files []layer.File
	for _, g := range generatedTable() {
		at := []string{}
		at = append(at, g.exact...)
		for _, d := range g.below {
			at = append(at, d+"/evil")
		}
		for _, d := range g.anywhere {
			at = append(at, "srv/"+d+"/evil")
		}
		for _, p := range at {
			files = append(files, program(p, p))
		}
	}
	_, got := traced(t, inv, files)
	for path, class := range got {
		if class != "placed 0" {
			t.Errorf("a program at %s is %s", path, class)
		}
	}
}

func BenchmarkNewTrace(b *testing.B) {
	var layers [][]layer.File
	p := deb("big")
	for l := range 20 {
		var files []layer.File
		for i := range 9000 {
			path := fmt.Sprintf("usr/share/d%d/%d/file-%d", l, i/100, i)
			files = append(files, regular(path, "x"))
			if i%2 == 0 {
				p.Files = append(p.Files, OwnedFile{Path: path, Digest: md5of("x")})
			}
		}
		layers = append(layers, files)
	}
	im, indexes := stack(layers...)
	inv := &Inventory{Packages: []Package{p}}
	b.ReportAllocs()
	for b.Loop() {
		NewTrace(im, indexes, inv)
	}
}
