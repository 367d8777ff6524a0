package layer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/image"
)

func TestReadDirectory(t *testing.T) {
	top := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	write := func(name, text string) {
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	write("etc/os-release", "ID=x")
	write("etc/.wh.a", "no whiteout here")
	write("proc/1/environ", "secret")
	write("srv/proc/a", "1")
	write("big", strings.Repeat("x", 100))
	for name, to := range map[string]string{"etc/out": outside, "loop": "loop", "etc/link": "os-release"} {
		if err := os.Symlink(to, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	limits := DefaultLimits()
	limits.Capture = 50
	indexes, err := Read(t.Context(), &image.Image{Root: root.FS()}, all, Options{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []string{
		"file big", "dir etc", `file etc/.wh.a "no whiteout here"`, "symlink etc/link -> os-release", `file etc/os-release "ID=x"`,
		"symlink etc/out -> " + outside, "symlink loop -> loop", "dir srv", "dir srv/proc", `file srv/proc/a "1"`,
	}, list(indexes[0].Files))
	diff(t, []string{"limit-reached big: was not read: it is larger than 50 bytes"}, messages(indexes[0].BlindSpots))

	distil := want(func(*File, []byte) Keep { return Keep{Distil: lengths} })
	indexes, err = Read(t.Context(), &image.Image{Root: root.FS()}, distil, Options{Limits: DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "100 x", string(indexes[0].Files[0].Facts()))
}

func TestReadDirectoryWithoutPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may open every file")
	}
	top := t.TempDir()
	for _, name := range []string{"wanted", "other"} {
		if err := os.WriteFile(filepath.Join(top, name), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	rules := want(func(f *File, _ []byte) Keep { return Keep{Content: f.Path == "wanted"} })
	indexes, err := Read(t.Context(), &image.Image{Root: os.DirFS(top)}, rules, Options{Limits: DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	diff(t, []string{
		"unreadable-file wanted: was not read: permission denied",
		"unreadable-file other: 1 files cannot be opened (permission denied); only their names were looked at",
	}, messages(indexes[0].BlindSpots))
}
