package inventory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// built gives the inventory of an image of one layer, whose packages are as given.
func built(im *image.Image, files []layer.File, packages []Package) *Inventory {
	tree := layer.NewTree()
	kept, _ := tree.Apply(0, &layer.Index{Files: files})
	return &Inventory{Packages: packages, Reach: newReach(im, tree, kept, packages)}
}

// ofELF is an ELF file with these facts.
func ofELF(path, facts string) layer.File {
	return layer.File{Path: path, Mode: 0o755, Program: true, Body: &layer.Body{Facts: []byte("exe\n" + facts)}}
}

func debian(name string, files ...string) Package {
	p := Package{Type: "deb", Name: name, PURL: "pkg:deb/debian/" + name, Paths: []string{"var/lib/dpkg/status"}}
	for _, f := range files {
		p.Files = append(p.Files, OwnedFile{Path: f})
	}
	return p
}

func TestReachOfPackages(t *testing.T) {
	im := &image.Image{
		Process: &image.Process{Cmd: []string{"/usr/bin/web"}},
		History: []image.History{{Instruction: "RUN apt-get update && apt-get install -y --no-install-recommends tools-all=1.2*"}},
	}
	files := []layer.File{
		{Path: "lib", Type: layer.Symlink, Link: "usr/lib"},
		ofELF("usr/bin/web", `{"machine":62,"needed":["libz.so.1"]}`),
		ofELF("usr/lib/libz.so.1", `{"machine":62,"soname":"libz.so.1"}`),
		ofELF("usr/lib/libunused.so.1", `{"machine":62,"soname":"libunused.so.1"}`),
		ofELF("usr/bin/tool", `{"machine":62}`),
		ofELF("usr/lib/crt1.o", `{"buildID":"1"}`),
		{Path: "usr/bin/script", Mode: 0o755, Program: true, Body: &layer.Body{Facts: []byte("script\n/usr/bin/perl\n")}},
	}
	meta := debian("tools-all")
	meta.Depends = []string{"tool"}
	inv := built(im, files, []Package{
		debian("libunused1", "usr/lib/libunused.so.1"), debian("libz1", "lib/libz.so.1"), debian("scripts", "usr/bin/script"),
		debian("tool", "usr/bin/tool"), meta, debian("libc6-dev", "usr/lib/crt1.o"),
	})
	var got []string
	for i := range inv.Packages {
		p := &inv.Packages[i]
		programs, through := inv.Reach.Package(p)
		got = append(got, p.Name+": "+strings.Join(programs, " ")+" "+through)
	}
	want := []string{
		"libunused1: usr/lib/libunused.so.1 ", "libz1: usr/lib/libz.so.1 usr/lib/libz.so.1", "scripts:  ", "tool: usr/bin/tool usr/bin/tool",
		"tools-all:  ", "libc6-dev:  ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if inv.Reach.Entrypoint() != "/usr/bin/web" || inv.Reach.Unknown() != "" || inv.Reach.result().Chain("usr/lib/libz.so.1") == nil {
		t.Errorf("entrypoint %q, unknown %q", inv.Reach.Entrypoint(), inv.Reach.Unknown())
	}
}

// Whoever has the build install a package by name means to use it, however the name is written.
func TestAskedFor(t *testing.T) {
	files := []layer.File{ofELF("usr/bin/web", `{"machine":62}`), ofELF("usr/bin/tool", `{"machine":62}`)}
	for instruction, want := range map[string]bool{
		"RUN apk add --no-cache 'tool>1.2'":                             true,
		"RUN apt-get install -y tool:amd64=1.2-3":                       true,
		"RUN |1 TOOLS=tool /bin/sh -c apt-get install -y $TOOLS # bk":   true,
		"RUN apk add --virtual .run tool~=1.2 && rm -rf /var/cache/apk": true,
		"RUN tool --version":                                            false,
		"RUN apt-get install -y tools":                                  false,
	} {
		im := &image.Image{Process: &image.Process{Cmd: []string{"/usr/bin/web"}}, History: []image.History{{Instruction: instruction}}}
		inv := built(im, files, []Package{debian("tool", "usr/bin/tool")})
		if _, through := inv.Reach.Package(&inv.Packages[0]); (through != "") != want {
			t.Errorf("%s: reached through %q", instruction, through)
		}
	}
}

// What is not of an image has no reach, and nothing is claimed of it.
func TestNoReach(t *testing.T) {
	var none *Reach
	if programs, through := none.Package(&Package{}); none.Unknown() == "" || programs != nil || through != "" {
		t.Error("something is known of no image")
	}
	inv := built(&image.Image{}, nil, []Package{debian("a", "usr/bin/a")})
	if inv.Reach.Unknown() == "" || inv.Reach.result().Chain("usr/bin/a") != nil {
		t.Error("something is known of an image without a config")
	}
	if c := (&Inventory{}).Contents(&Package{}); c.Files() != 0 {
		t.Error(c)
	}
}

func TestContents(t *testing.T) {
	files := []layer.File{
		{Path: "lib", Type: layer.Symlink, Link: "usr/lib"},
		{Path: "usr/lib/libz.so", Type: layer.Symlink, Link: "libz.so.1"},
		ofELF("usr/lib/libz.so.1", `{"machine":62,"soname":"libz.so.1"}`),
		ofELF("usr/lib/private.so", `{"machine":62}`),
		{Path: "usr/lib/libc.so", Size: 200},
		{Path: "usr/bin/z-config", Program: true},
		{Path: "usr/share/doc/z/example.py", Program: true},
		{Path: "usr/include/c++/12/vector"},
	}
	for _, tt := range []struct {
		files string
		want  Contents
	}{
		{"usr/include/z.h usr/include/c++/12/vector lib/libz.so lib/libc.so usr/lib/libz.a usr/lib/pkgconfig/z.pc usr/share/doc/z/copyright", Contents{1, 6, 0, 0}},
		{"usr/share/doc/z/example.py usr/share/man/man1/z.1.gz", Contents{2, 0, 0, 0}},
		{"usr/lib/libz.so.1 usr/lib/private.so usr/bin/z-config usr/share/z/data usr/lib/python3/z.py usr/lib/not-there.so", Contents{0, 0, 0, 6}},
		{"boot/vmlinuz-6.1 usr/lib/modules/6.1/a.ko.xz usr/lib/modules/6.1/b.ko usr/src/vmlinux.lds.h", Contents{0, 1, 3, 0}},
	} {
		inv := built(&image.Image{}, files, []Package{debian("z", strings.Fields(tt.files)...)})
		if got := inv.Contents(&inv.Packages[0]); got != tt.want {
			t.Errorf("%s: %+v, not %+v", tt.files, got, tt.want)
		}
	}
}
