package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/advisory"
	"tidewaiter/image/imagetest"
	"tidewaiter/report"
)

const status = `Package: libexpat1
Status: install ok installed
Architecture: amd64
Source: expat
Version: 2.5.0-1+deb12u1

Package: zlib1g
Status: install ok installed
Architecture: amd64
Source: zlib
Version: 1:1.2.13.dfsg-1
`

const osRelease = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n"

// shopImage has a base layer, a layer that upgrades a package, and an npm module under a deleted path.
func shopImage(t *testing.T, platform string) imagetest.Content {
	upgraded := strings.Replace(status, "2.5.0-1+deb12u1", "2.5.0-1+deb12u2", 1)
	return imagetest.Build(t, imagetest.Spec{
		Platform: platform,
		Layers: [][]byte{
			imagetest.Tar(t, imagetest.File{Name: "usr/"}, imagetest.File{Name: "etc/os-release", Content: osRelease},
				imagetest.File{Name: "var/lib/dpkg/status", Content: status},
				imagetest.File{Name: "old/node_modules/left-pad/package.json", Content: `{"name":"left-pad","version":"1.0.0"}`}),
			imagetest.Tar(t, imagetest.File{Name: "var/lib/dpkg/status", Content: upgraded}, imagetest.File{Name: ".wh.old"}),
			imagetest.Tar(t, imagetest.File{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.15","license":"MIT"}`}),
		},
		CreatedBy: []string{"ADD rootfs.tar / # buildkit", "RUN /bin/sh -c apt-get upgrade -y # buildkit", "RUN /bin/sh -c npm ci # buildkit"},
	})
}

// scanned runs a scan that must succeed and gives its JSON.
func scanned(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	s := streams{out: &out, err: &errs, now: time.Now}
	if code := run(t.Context(), append([]string{"scan", "--format", "json"}, args...), s); code != exitDone {
		t.Fatalf("tidewaiter scan %v: exit code %d: %s", args, code, errs.String())
	}
	if errs.Len() > 0 {
		t.Errorf("tidewaiter scan %v says on standard error: %s", args, errs.String())
	}
	return out.Bytes()
}

// withoutReference gives a report in which the reference, which the user chose, and the repository that it names do not show.
func withoutReference(t *testing.T, raw []byte) string {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`"reference": "`+r.Image.Reference+`"`, `"reference": ""`, `    "repository": "`+r.Image.Repository+"\",\n", "").Replace(string(raw))
}

func TestOneImageIsOneReportFromEverySource(t *testing.T) {
	t.Setenv("TIDEWAITER_NO_CACHE", "true") // each source is to be read
	registry := imagetest.Registry(t, imagetest.RegistryOptions{})
	imagetest.DockerConfig(t, "", "", "")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	shop := shopImage(t, "linux/amd64")
	layout := shop.Layout(t, "2.1")
	want := withoutReference(t, scanned(t, "oci:"+layout+":2.1"))
	registry.Push(t, shop, "acme/shop", "2.1")
	daemon := imagetest.Daemon(t, "linux/amd64", map[string]string{"shop:2.1": shop.Docker25Archive(t, "shop:2.1")})
	t.Setenv("DOCKER_HOST", daemon)
	for _, ref := range []string{
		layout,
		"oci-archive:" + shop.OCIArchive(t, "2.1"),
		shop.Docker25Archive(t, "shop:2.1"),
		"registry:" + registry.Host + "/acme/shop:2.1",
		registry.Host + "/acme/shop:2.1",
		"registry:" + registry.Host + "/acme/shop@" + shop.Root.Digest,
		"docker:shop:2.1",
		"shop:2.1",
	} {
		t.Run(ref, func(t *testing.T) {
			if d := cmp.Diff(want, withoutReference(t, scanned(t, ref))); d != "" {
				t.Error(d)
			}
		})
	}
	// A classic docker-archive has no manifest and no stored blobs to name; all else is the same.
	t.Run("docker-archive", func(t *testing.T) {
		var got, full report.Report
		if err := json.Unmarshal(scanned(t, "docker-archive:"+shop.DockerArchive(t, "shop:2.1")), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &full); err != nil {
			t.Fatal(err)
		}
		got.Image.Reference, full.Image.Digest = "", ""
		for i := range full.Image.Layers {
			full.Image.Layers[i].Digest, full.Image.Layers[i].Size = "", 0
		}
		if d := cmp.Diff(full, got); d != "" {
			t.Error(d)
		}
	})
}

func TestEachPackageNamesWhoBroughtIt(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var r report.Report
	if err := json.Unmarshal(scanned(t, "oci:"+shopImage(t, "").Layout(t, "x")), &r); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range r.Packages {
		got[p.Name+" "+p.Version] = p.Instruction
	}
	want := map[string]string{
		"libexpat1 2.5.0-1+deb12u2": "RUN apt-get upgrade -y",
		"zlib1g 1:1.2.13.dfsg-1":    "ADD rootfs.tar /",
		"lodash 4.17.15":            "RUN npm ci",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// fail runs a scan that must fail with one line that says all of words.
func fail(t *testing.T, words []string, args ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), append([]string{"scan"}, args...), streams{out: &out, err: &errs, now: time.Now})
	line := errs.String()
	if code != exitFailed || out.Len() > 0 || strings.Count(line, "\n") != 1 {
		t.Errorf("scan %v: exit code %d, output %q, errors %q", args, code, out.String(), line)
	}
	for _, w := range words {
		if !strings.Contains(line, w) {
			t.Errorf("scan %v: %q does not say %q", args, line, w)
		}
	}
}

func TestWrongInputEndsInOneLine(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	dir := t.TempDir()
	shop := shopImage(t, "linux/amd64")
	both := imagetest.Index(t, shop, shopImage(t, "linux/arm64")).Layout(t, "both")
	archive, err := os.ReadFile(shop.OCIArchive(t, "2.1"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	tampered := shop.Layout(t, "2.1")
	for digest, blob := range shop.Blobs {
		if bytes.HasPrefix(blob, []byte{0x1f, 0x8b}) {
			file := filepath.Join(tampered, "blobs", strings.Replace(digest, ":", "/", 1))
			if err := os.WriteFile(file, append(blob[:len(blob)-1:len(blob)-1], blob[len(blob)-1]^1), 0o644); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	fail(t, []string{"nowhere.tar", "no such file"}, filepath.Join(dir, "nowhere.tar"))
	fail(t, []string{"no such"}, "oci:"+filepath.Join(dir, "nowhere"))
	fail(t, []string{"image.tar"}, write("image.tar", []byte("this is no image")))
	fail(t, []string{"linux/s390x", "linux/amd64, linux/arm64", "--platform"}, "--platform", "linux/s390x", both)
	fail(t, []string{"windows/amd64", "linux/amd64"}, "--platform", "windows/amd64", "oci:"+shop.Layout(t, "x"))
	fail(t, []string{"cut.tar", "truncated"}, write("cut.tar", archive[:len(archive)/2]))
	fail(t, []string{"digest"}, "oci:"+tampered)
	fail(t, []string{"127.0.0.1:1", "refused"}, "registry:127.0.0.1:1/acme/shop:2.1")
	fail(t, []string{"UPPER"}, "registry:UPPER/case:x")
	fail(t, []string{"no.db", "tidewaiter db update"}, "--advisories", filepath.Join(dir, "no.db"), both)
	fail(t, []string{"bad.db"}, "--advisories", write("bad.db", bytes.Repeat([]byte("x"), 100_000)), both)
}

func TestRegistriesThatRefuse(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	registry := imagetest.Registry(t, imagetest.RegistryOptions{Username: "ada", Password: "right", TLS: true})
	pushed := registry.Host + "/acme/shop:2.1"
	imagetest.DockerConfig(t, registry.Host, "ada", "right")
	registry.Push(t, shopImage(t, "linux/amd64"), "acme/shop", "2.1")
	scanned(t, "--ca-cert", registry.CAFile, "registry:"+pushed)
	fail(t, []string{"--ca-cert"}, "registry:"+pushed)
	fail(t, []string{"acme/shop:3"}, "--ca-cert", registry.CAFile, "registry:"+registry.Host+"/acme/shop:3")
	imagetest.DockerConfig(t, registry.Host, "ada", "wrong")
	fail(t, []string{registry.Host, "docker login"}, "--ca-cert", registry.CAFile, "registry:"+pushed)
}

// Exit codes are a contract: what was found, what was not, and what nobody can know are three things.
func TestExitOn(t *testing.T) {
	shop := "oci:" + shopImage(t, "linux/amd64").Layout(t, "2.1")
	rated := func(rating, ecosystem, name, events string) *fstest.MapFile {
		return &fstest.MapFile{Data: zipped(t, "X-1.json", `{"id":"X-1","modified":"2026-11-01T00:00:00Z","aliases":["CVE-2026-1"],"affected":[{"package":{"ecosystem":"`+
			ecosystem+`","name":"`+name+`"},"ranges":[{"type":"ECOSYSTEM","events":[`+events+`]}]}],"database_specific":{"severity":"`+rating+`"}}`)}
	}
	record := func(ecosystem, name, events string) *fstest.MapFile { return rated("HIGH", ecosystem, name, events) }
	hit, miss := `{"introduced":"0"},{"fixed":"4.17.21"}`, `{"introduced":"0"},{"fixed":"4.0.0"}`
	debian := record("Debian:12", "bash", `{"introduced":"0"},{"fixed":"1"}`)
	for _, tc := range []struct {
		name   string
		feeds  fstest.MapFS
		exitOn string
		want   int
	}{
		{"found", fstest.MapFS{"osv/npm/all.zip": record("npm", "lodash", hit), "osv/Debian/all.zip": debian}, "high", exitNotMet},
		{"found is graver than asked for", fstest.MapFS{"osv/npm/all.zip": record("npm", "lodash", hit), "osv/Debian/all.zip": debian}, "low,kev", exitNotMet},
		{"less grave than asked for", fstest.MapFS{"osv/npm/all.zip": record("npm", "lodash", hit), "osv/Debian/all.zip": debian}, "critical", exitDone},
		{"nobody has rated it", fstest.MapFS{"osv/npm/all.zip": rated("", "npm", "lodash", hit), "osv/Debian/all.zip": debian}, "critical", exitUnknown},
		{"not rated, but that was not asked", fstest.MapFS{"osv/npm/all.zip": rated("", "npm", "lodash", hit), "osv/Debian/all.zip": debian}, "kev", exitDone},
		{"not found", fstest.MapFS{"osv/npm/all.zip": record("npm", "lodash", miss), "osv/Debian/all.zip": debian}, "low", exitDone},
		{"not found, but the distribution could not be judged", fstest.MapFS{"osv/npm/all.zip": record("npm", "lodash", miss)}, "low", exitUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "advisories.db")
			now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
			if _, err := advisory.Import(t.Context(), tc.feeds, db, advisory.ImportOptions{Now: now}); err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			s := streams{out: &out, err: &errs, now: func() time.Time { return now }}
			got := run(t.Context(), []string{"scan", "--advisories", db, "--exit-on", tc.exitOn, shop}, s)
			if got != tc.want {
				t.Errorf("exit code %d, want %d\n%s%s", got, tc.want, out.String(), errs.String())
			}
		})
	}
	t.Run("nothing to evaluate", func(t *testing.T) {
		db := filepath.Join(t.TempDir(), "advisories.db")
		now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
		if _, err := advisory.Import(t.Context(), fstest.MapFS{"osv/npm/all.zip": record("npm", "lodash", hit)}, db, advisory.ImportOptions{Now: now}); err != nil {
			t.Fatal(err)
		}
		empty := imagetest.Build(t, imagetest.Spec{Layers: [][]byte{imagetest.Tar(t, imagetest.File{Name: "hello", Content: "world"})}})
		var out, errs bytes.Buffer
		s := streams{out: &out, err: &errs, now: func() time.Time { return now }}
		if got := run(t.Context(), []string{"scan", "--advisories", db, "--exit-on", "low", "oci:" + empty.Layout(t, "x")}, s); got != exitNothing {
			t.Errorf("exit code %d, want %d\n%s", got, exitNothing, errs.String())
		}
	})
}

func zipped(t *testing.T, name, content string) []byte {
	t.Helper()
	return zippedAll(t, map[string]string{name: content})
}

func zippedAll(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
