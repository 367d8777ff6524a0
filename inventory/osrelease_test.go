package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/layer"
)

// file gives a captured regular file.
func file(path, content string) layer.File {
	return layer.File{Path: path, Size: int64(len(content)), Body: &layer.Body{Content: []byte(content)}}
}

func TestReadOS(t *testing.T) {
	tests := []struct {
		name  string
		files []layer.File
		want  OS
	}{
		{"os-release", []layer.File{file("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\nID=debian\n# a comment\nVERSION_CODENAME=bookworm\nbroken\n")},
			OS{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)", Codename: "bookworm"}},
		{"behind a link", []layer.File{{Path: "etc/os-release", Type: layer.Symlink, Link: "../usr/lib/os-release"}, file("usr/lib/os-release", "ID=rocky\nVERSION_ID=\"9.3\"\nID_LIKE=\"rhel centos fedora\"\nCPE_NAME=\"cpe:/o:rocky:rocky:9::baseos\"\n")},
			OS{ID: "rocky", VersionID: "9.3", CPE: "cpe:/o:rocky:rocky:9::baseos"}},
		{"one without an id, then the other", []layer.File{file("etc/os-release", "NAME=x\n"), file("usr/lib/os-release", "ID=wolfi\n")},
			OS{ID: "wolfi"}},
		{"hostile", []layer.File{file("etc/os-release", "ID=$(touch /tmp/x)\nVERSION_ID=\"\n`id`\n=\n")}, OS{}},
		{"escapes and control characters", []layer.File{file("etc/os-release", "ID=x\nPRETTY_NAME=\"a \\\"b\\\" \x1b[31mred\"\n")},
			OS{ID: "x", Name: `a "b" [31mred`}},
		{"CentOS 5", []layer.File{file("etc/redhat-release", "CentOS release 5.11 (Final)\n")}, OS{ID: "centos", VersionID: "5", Name: "CentOS release 5.11 (Final)"}},
		{"RHEL 6", []layer.File{file("etc/redhat-release", "Red Hat Enterprise Linux Server release 6.9 (Santiago)\n")},
			OS{ID: "rhel", VersionID: "6", Name: "Red Hat Enterprise Linux Server release 6.9 (Santiago)"}},
		{"old Alpine", []layer.File{file("etc/alpine-release", "3.1.4\n")}, OS{ID: "alpine", VersionID: "3.1.4", Name: "Alpine Linux 3.1.4"}},
		{"old Debian", []layer.File{file("etc/debian_version", "6.0.10\n")}, OS{ID: "debian", VersionID: "6", Name: "Debian GNU/Linux 6.0.10"}},
		{"Debian testing", []layer.File{file("etc/debian_version", "forky/sid\n")}, OS{ID: "debian", Codename: "forky", Name: "Debian GNU/Linux forky/sid"}},
		{"nothing", nil, OS{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := layer.NewTree()
			tree.Apply(0, &layer.Index{Files: tt.files})
			if diff := cmp.Diff(tt.want, readOS(tree, "")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzOSRelease(f *testing.F) {
	f.Add([]byte("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian \\' 12'\n"))
	f.Add([]byte("ID=\nID=\"\n='\n\\"))
	f.Fuzz(func(t *testing.T, b []byte) {
		os := parseOSRelease(b)
		for _, s := range []string{os.ID, os.VersionID, os.Name, os.Codename, os.CPE} {
			if len(s) > 256 || s != clean(s) {
				t.Errorf("not clean: %q", s)
			}
		}
		os.Ecosystem()
		parseRedHatRelease(firstLine(b))
	})
}
