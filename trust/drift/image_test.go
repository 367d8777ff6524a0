package drift

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/md5" //nolint:gosec // what dpkg has
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/inventory/extractors"
	"tidewaiter/layer"
	"tidewaiter/sbom"
)

// tree is what one layer writes: content by path. A path whose last element begins with ".wh." deletes.
type tree map[string]string

const (
	dpkg   = "var/lib/dpkg/status"
	libz   = "usr/lib/x86_64-linux-gnu/libz.so.1"
	python = "usr/local/lib/python3.11/site-packages/"
	gems   = "usr/local/lib/ruby/gems/3.1.0/"
)

// shop is an image with a package of each of five ecosystems. testdata has what Syft says of it.
func shop() tree {
	t := tree{
		"etc/os-release":                            "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_CODENAME=bookworm\n",
		dpkg:                                        stanza("base-files", "12.4") + stanza("zlib1g", "1:1.2.13.dfsg-1"),
		libz:                                        "\x7fELF the library",
		"var/lib/dpkg/info/zlib1g.list":             "/.\n/usr\n/usr/lib\n/" + libz + "\n",
		"var/lib/dpkg/info/zlib1g.md5sums":          fmt.Sprintf("%x  %s\n", md5.Sum([]byte("\x7fELF the library")), libz),
		"var/lib/dpkg/info/base-files.list":         "/.\n/etc\n",
		"app/node_modules/lodash/package.json":      `{"name":"lodash","version":"4.17.4","license":"MIT"}`,
		"app/node_modules/lodash/index.js":          "module.exports = 1\n",
		"app/node_modules/@acme/util/package.json":  `{"name":"@acme/util","version":"1.2.3"}`,
		"opt/lib/commons-io.jar":                    jar("commons-io", "commons-io", "2.6", "code"),
		gems + "specifications/rack-2.0.1.gemspec":  gemspec("rack", "2.0.1"),
		gems + "gems/rack-2.0.1/lib/rack.rb":        "module Rack; end\n",
		"usr/local/share/doc/nobody's/file of ours": "text\n",
	}
	maps.Copy(t, wheel("Flask_Thing", "1.0", "x = 1\n"))
	return t
}

func stanza(name, version string) string {
	return "Package: " + name + "\nStatus: install ok installed\nPriority: optional\nSection: libs\nMaintainer: X <x@example.test>\n" +
		"Architecture: amd64\nVersion: " + version + "\nDescription: a test\n\n"
}

func wheel(name, version, code string) tree {
	sum := sha256.Sum256([]byte(code))
	info := python + name + "-" + version + ".dist-info/"
	return tree{
		info + "METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n",
		info + "RECORD": fmt.Sprintf("%s/__init__.py,sha256=%s,%d\n%s-%s.dist-info/METADATA,,\n%[1]s-%[5]s.dist-info/RECORD,,\n", name,
			base64.RawURLEncoding.EncodeToString(sum[:]), len(code), name, version),
		python + name + "/__init__.py": code,
	}
}

func gemspec(name, version string) string {
	return "# -*- encoding: utf-8 -*-\nGem::Specification.new do |s|\n  s.name = \"" + name + "\".freeze\n  s.version = \"" + version +
		"\"\n  s.licenses = [\"MIT\".freeze]\nend\n"
}

func jar(group, artifact, version, code string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range [][2]string{
		{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n"},
		{"META-INF/maven/" + group + "/" + artifact + "/pom.properties", "groupId=" + group + "\nartifactId=" + artifact + "\nversion=" + version + "\n"},
		{"A.class", "\xca\xfe\xba\xbe" + code},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f[0], Method: zip.Store})
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			panic(err)
		}
	}
	z.Close()
	return b.String()
}

// built is an image as it was read, of these layers.
func built(t testing.TB, layers ...tree) Aboard {
	t.Helper()
	root := t.TempDir()
	writeLayout(t, root, layers)
	return opened(t, "oci:"+root)
}

func opened(t testing.TB, ref string) Aboard {
	t.Helper()
	im, err := image.Open(t.Context(), ref, image.Options{Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	limits := inventory.DefaultLimits()
	all := append(extractors.Default(limits), sbom.Claims())
	indexes, err := layer.Read(t.Context(), im, inventory.NewRules(all), layer.Options{Limits: layer.DefaultLimits(), Digests: true})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Assemble(t.Context(), im, indexes, all, limits)
	if err != nil {
		t.Fatal(err)
	}
	return Aboard{Image: im, Inventory: inv, Trace: inventory.NewTrace(im, indexes, inv), Release: "1"}
}

// writeLayout writes an image as an OCI layout.
func writeLayout(t testing.TB, root string, layers []tree) {
	t.Helper()
	write := func(name string, b []byte) {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int    `json:"size"`
	}
	put := func(mediaType string, b []byte) descriptor {
		sum := sha256.Sum256(b)
		d := descriptor{"application/vnd.oci.image." + mediaType, "sha256:" + hex.EncodeToString(sum[:]), len(b)}
		write(path.Join("blobs/sha256", hex.EncodeToString(sum[:])), b)
		return d
	}
	encoded := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var blobs []descriptor
	var diffIDs []string
	var history []map[string]string
	for i, l := range layers {
		d := put("layer.v1.tar", tarOf(t, l))
		blobs, diffIDs = append(blobs, d), append(diffIDs, d.Digest)
		history = append(history, map[string]string{"created": "2026-01-01T00:00:00Z", "created_by": fmt.Sprintf("RUN step %d", i)})
	}
	config := put("config.v1+json", encoded(map[string]any{
		"os": "linux", "architecture": "amd64", "history": history, "rootfs": map[string]any{"type": "layers", "diff_ids": diffIDs},
	}))
	manifest := put("manifest.v1+json", encoded(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": blobs,
	}))
	write("index.json", encoded(map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifest}}))
	write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
}

func tarOf(t testing.TB, files tree) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(files[name])), Mode: 0o644}
		if to, ok := strings.CutPrefix(files[name], "-> "); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, to, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(files[name])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
