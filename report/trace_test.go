package report_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what dpkg's database has
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/report"
)

// traced is a trace that has something of everything.
func traced() *report.Trace {
	regular := func(path, content string) layer.File {
		return layer.File{Path: path, Mode: 0o644, Size: int64(len(content)), Program: strings.HasPrefix(content, "\x7fELF"),
			Body: &layer.Body{Digests: &layer.Digests{MD5: md5.Sum([]byte(content)), SHA256: sha256.Sum256([]byte(content))}}} //nolint:gosec // as above
	}
	program := func(path, content string) layer.File {
		f := regular(path, "\x7fELF"+content)
		f.Mode = 0o755
		return f
	}
	owned := func(path, content string) inventory.OwnedFile {
		return inventory.OwnedFile{Path: path, Digest: fmt.Sprintf("md5:%x", md5.Sum([]byte(content))), Config: strings.HasPrefix(path, "etc/")} //nolint:gosec // as above
	}
	indexes := []*layer.Index{
		{Files: []layer.File{program("usr/lib/libc.so.6", "libc"), regular("etc/passwd", "root"), regular("etc/ld.so.conf", "conf"), regular("etc/ld.so.cache", "x")}},
		{Files: []layer.File{program("usr/bin/curl", strings.Repeat("c", 250_000)), regular("etc/ld.so.cache", "new"), regular("etc/ld.so.conf", "changed"), regular("var/lib/apt/lists/a", strings.Repeat("l", 90_000))}},
		{Files: []layer.File{program("usr/local/bin/tool", "tool"), program("usr/lib/libc.so.6", "evil"), {Path: "opt/\x1b[2Jname", Type: layer.Symlink, Link: "x"}}},
		{Files: []layer.File{regular("app/id_rsa", "-----BEGIN"), regular("app/a.js", "1"), regular("app/b.js", "2"), regular("app/c/d.js", "3")}},
		{Files: []layer.File{{Path: "app/id_rsa", Type: layer.Whiteout}, {Path: "var/lib/apt/lists", Type: layer.Whiteout}, regular("app/a.js", "1")}},
	}
	indexes[2].Files[0].Mode |= os.ModeSetuid
	indexes[1].Files[0].Mode |= os.ModeSetuid // of a package, as it installed it
	im := &image.Image{Reference: "shop:2.1", Digest: digest('a'), Platform: image.Platform{OS: "linux", Architecture: "amd64"}}
	for i, text := range []string{"ADD rootfs.tar /", "RUN apt-get update && apt-get install -y curl", "RUN curl -Lo /usr/local/bin/tool https://example.test/tool", "COPY dir:" + strings.Repeat("f", 64) + " in /app", "RUN rm -rf /app/id_rsa /var/lib/apt/lists"} {
		im.Layers = append(im.Layers, image.Layer{Index: i, Instruction: text})
		im.History = append(im.History, image.History{Instruction: text, Layer: i, DockerfileLine: 1 + 2*i})
		if i == 0 {
			im.History = append(im.History, image.History{Instruction: "ENV A=b", Layer: -1}, image.History{Instruction: `CMD ["bash"]`, Layer: -1})
		}
	}
	deb := func(name, version string, files ...inventory.OwnedFile) inventory.Package {
		return inventory.Package{PURL: "pkg:deb/debian/" + name + "@" + version + "?arch=amd64", Type: "deb", Name: name, Version: version,
			Paths: []string{"var/lib/dpkg/status"}, Extractor: "dpkg", Files: files}
	}
	inv := &inventory.Inventory{
		Packages: []inventory.Package{
			deb("curl", "7.88.1-10", owned("usr/bin/curl", "\x7fELF"+strings.Repeat("c", 250_000)), owned("usr/share/doc/curl/NEWS.gz", "gone")),
			deb("libc6", "2.36-9", owned("usr/lib/libc.so.6", "\x7fELFlibc"), owned("etc/ld.so.conf", "conf")),
		},
		Changes: []inventory.Change{
			{Layer: 0, Type: "deb", Name: "libc6", Version: "2.36-8"}, {Layer: 0, Type: "deb", Name: "old", Version: "1"},
			{Layer: 1, Type: "deb", Name: "aaa", Version: "1"}, {Layer: 1, Type: "deb", Name: "curl", Version: "7.88.1-10"},
			{Layer: 1, Type: "deb", Name: "libc6", Version: "2.36-8", Removed: true}, {Layer: 1, Type: "deb", Name: "libc6", Version: "2.36-9"},
			{Layer: 1, Type: "deb", Name: "old", Version: "1", Removed: true},
		},
	}
	inv.SetBase(&inventory.Base{Reference: "debian:12", Layers: 1, Evidence: inventory.FromChain, Sure: inventory.Exact})
	for i := range inv.Changes {
		inv.Changes[i].Path = "var/lib/dpkg/status"
	}
	r := newReport(report.Tool{Name: "tidewaiter", Version: "devel"}, im, indexes, inv, nil, nil, nil)
	return report.NewTrace(r, inventory.NewTrace(im, indexes, inv))
}

func TestTraceJSONKeepsToTheSchema(t *testing.T) {
	empty := &image.Image{Reference: "dir:/srv"}
	none := &inventory.Inventory{}
	for name, tr := range map[string]*report.Trace{
		"full":  traced(),
		"empty": report.NewTrace(newReport(report.Tool{Name: "tidewaiter", Version: "devel"}, empty, nil, none, nil, nil, nil), inventory.NewTrace(empty, nil, none)),
	} {
		var b bytes.Buffer
		if err := report.TraceJSON(&b, tr); err != nil {
			t.Fatal(err)
		}
		if err := validate(b.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var doc struct {
			Findings *[]any
			Files    struct {
				Total, Owned, Generated int
				Modified, Placed, Paths []any
			}
		}
		if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		f := doc.Files
		if doc.Findings != nil || f.Total != len(f.Paths) || f.Total != f.Owned+f.Generated+len(f.Modified)+len(f.Placed) {
			t.Errorf("%s: findings %v, or the counts do not add up: %+v", name, doc.Findings, f)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 14_200_000: "14.2 MB", 5e9: "5.0 GB"} {
		if got := report.Bytes(n); got != want {
			t.Errorf("%d: %s, not %s", n, got, want)
		}
	}
}
