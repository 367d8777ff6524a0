package integrity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/trust"
	"tidewaiter/trust/integrity"
)

func TestAnHonestImage(t *testing.T) {
	i, spots := verify(t, nil, debian(good), []file{{Name: "etc/curlrc", Content: "insecure\n"}})
	want := []string{"(config) etc/curlrc: configuration, which its user may change: layer 1 put it there"}
	if diff := cmp.Diff(want, changed(i)); diff != "" {
		t.Error(diff)
	}
	if i.Verified != 3 || len(spots) > 0 {
		t.Errorf("verified %d: %v", i.Verified, spots)
	}
	if c := integrity.CheckOf(i); c.Verdict != trust.Pass {
		t.Errorf("%+v", c)
	}
}

// Each row plants one change on top of the honest image, or in its only layer.
func TestPlantedChanges(t *testing.T) {
	const lib = "usr/lib/libcurl.so.4"
	sums := func(content string) file { return file{Name: "var/lib/dpkg/info/curl.md5sums", Content: content} }
	rows := []struct {
		name   string
		layers [][]file
		// changed and broken are parts of the sentences; passes says that it is no alarm.
		changed, broken string
		passes          bool
	}{
		{name: "replaced", layers: [][]file{debian(good), {{Name: lib, Content: evil}}},
			changed: lib + ": not the content that curl 8.1-1 installed: layer 1 put it there"},
		{name: "replaced in the layer that installed it", layers: [][]file{debian(evil)},
			changed: "layer 0 put it there, the one that installed the package"},
		{name: "a link in its place", layers: [][]file{debian(good), {{Name: lib, Link: "/tmp/x.so"}}},
			changed: "a symbolic link to /tmp/x.so stands where curl 8.1-1 installed a file: layer 1"},
		{name: "a directory in its place", layers: [][]file{debian(good), {{Name: "usr/lib/.wh.libcurl.so.4"}}, {{Name: lib + "/x", Content: "x"}}},
			changed: lib + ": a directory stands where a file was installed"},
		{name: "with its checksum", layers: [][]file{debian(good), {{Name: lib, Content: evil}, sums(debianSums(evil))}},
			changed: "not the content that curl 8.1-1 installed: layer 1 put it there",
			broken:  "layer 1 rewrote the checksum of /lib/libcurl.so.4: curl 8.1-1 was installed with md5:"},
		{name: "its checksum gone", layers: [][]file{debian(good), {{Name: lib, Content: evil}, sums(strings.SplitAfterN(debianSums(good), "\n", 2)[1])}},
			changed: lib, broken: "layer 1 took the checksum of /lib/libcurl.so.4 from the database"},
		{name: "the list gone", layers: [][]file{debian(good), {{Name: lib, Content: evil}, {Name: "var/lib/dpkg/info/.wh.curl.md5sums"}}},
			changed: lib},
		{name: "said to be configuration", layers: [][]file{debian(good), {{Name: lib, Content: evil},
			{Name: "var/lib/dpkg/status", Content: strings.Replace(debianStatus("8.1-1"), " /etc", " /lib/libcurl.so.4 "+sum(evil)+"\n /etc", 1)}}},
			changed: lib, broken: "rewrote the checksum"},
		{name: "a file of nobody's given to the package", layers: [][]file{debian(good), {{Name: "usr/bin/evil", Content: "\x7fELF", Mode: 0o755},
			sums(debianSums(good) + sum("\x7fELF") + "  usr/bin/evil\n")}}, broken: "layer 1 added /usr/bin/evil with a checksum to the files of curl 8.1-1"},
		{name: "another version", layers: [][]file{debian(good), {{Name: "var/lib/dpkg/status", Content: debianStatus("8.9-1")}}},
			broken: "layer 1 made curl 8.9-1 of 8.1-1, and changed nothing of the package"},
		{name: "setuid", layers: [][]file{debian(good), {{Name: "usr/bin/curl", Content: "\x7fELF curl", Mode: 0o4755}}},
			changed: "usr/bin/curl: its mode is 4755: it runs with the rights of its owner or group"},
		{name: "writable", layers: [][]file{debian(good), {{Name: lib, Content: good, Mode: 0o666}}},
			changed: lib + ": its mode is 0666: everyone may write to it"},
		{name: "fewer rights", layers: [][]file{debian(good), {{Name: "usr/bin/curl", Content: "\x7fELF curl", Mode: 0o700}}}, passes: true},
		{name: "written again as it was", layers: [][]file{debian(good), debian(good)}, passes: true},
		{name: "removed", layers: [][]file{debian(good), {{Name: "usr/lib/.wh.libcurl.so.4"}}}, passes: true},
		{name: "diverted", layers: [][]file{debian(good), {{Name: lib, Content: evil}, {Name: lib + ".distrib", Content: good},
			{Name: "var/lib/dpkg/diversions", Content: lines("/lib/libcurl.so.4", "/lib/libcurl.so.4.distrib", ":")}}},
			changed: "an administrator's diversion (dpkg-divert) put the file of curl 8.1-1 to /usr/lib/libcurl.so.4.distrib"},
		{name: "diverted in another's name", layers: [][]file{debian(good), {{Name: lib, Content: evil}, {Name: lib + ".distrib", Content: good},
			{Name: "var/lib/dpkg/diversions", Content: lines("/lib/libcurl.so.4", "/lib/libcurl.so.4.distrib", "dash")}}},
			changed: "a diversion (dpkg-divert) in the name of dash"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			i, _ := verify(t, nil, r.layers...)
			if got := strings.Join(changed(i), "\n"); !strings.Contains(got, r.changed) || r.changed == "" && got != "" {
				t.Errorf("changed: %q, want %q", got, r.changed)
			}
			d := i.Databases[0]
			if got := strings.Join(d.Contradictions, "\n"); !strings.Contains(got, r.broken) || (r.broken != "") != (d.Status == trust.Broken) {
				t.Errorf("%s: %q, want %q", d.Status, got, r.broken)
			}
			want := trust.Fail
			if r.passes {
				want = trust.Pass
			}
			if c := integrity.CheckOf(i); c.Verdict != want {
				t.Errorf("%+v", c)
			}
		})
	}
}

// The instruction and its layer are named, and both digests.
func TestWhatReplacedAFile(t *testing.T) {
	i, _ := verify(t, nil, debian(good), []file{{Name: "usr/lib/libcurl.so.4", Content: evil}})
	one := 1
	want := []trust.ChangedFile{{Path: "usr/lib/libcurl.so.4", Package: "pkg:deb/debian/curl@8.1-1?arch=amd64&distro=debian-12",
		Recorded: "md5:" + sum(good), Actual: "md5:" + sum(evil), Layer: &one, Instruction: "RUN step 1",
		Why: "not the content that curl 8.1-1 installed: layer 1 put it there"}}
	if diff := cmp.Diff(want, i.Changed); diff != "" {
		t.Error(diff)
	}
}

func TestAStrippedDatabaseIsSaidToBe(t *testing.T) {
	files := debian(good)
	i, spots := verify(t, nil, files[:7]) // no lists at all
	if c := integrity.CheckOf(i); c.Verdict != trust.Unknown || len(spots) != 1 || !strings.Contains(spots[0].Message, "lists of files of 1 package") {
		t.Errorf("%+v %v", c, spots)
	}
	i, _ = verify(t, nil, files, []file{{Name: "var/lib/dpkg/info/.wh.curl.md5sums"}, {Name: "var/lib/dpkg/info/.wh.curl.list"}})
	if want := "layer 1 took the checksums of 1 package from var/lib/dpkg/status"; i.Verified != 4 || len(i.Notes) != 1 || !strings.HasPrefix(i.Notes[0], want) {
		t.Errorf("%d %v", i.Verified, i.Notes)
	}
}

// wheel is a layer with one Python project.
func wheel(code string) []file {
	const dir = "usr/lib/python3.11/site-packages/"
	return []file{
		{Name: dir + "shop/__init__.py", Content: code},
		{Name: dir + "shop-1.0.dist-info/METADATA", Content: "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n\n"},
		{Name: dir + "shop-1.0.dist-info/RECORD", Content: wheelRecord(code)},
	}
}

func wheelRecord(code string) string {
	sum := sha256.Sum256([]byte(code))
	return "shop/__init__.py,sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]) + ",9\nshop-1.0.dist-info/METADATA,,\nshop-1.0.dist-info/RECORD,,\n"
}

func TestWheels(t *testing.T) {
	const dir = "usr/lib/python3.11/site-packages/"
	code, record := dir+"shop/__init__.py", dir+"shop-1.0.dist-info/RECORD"
	rows := map[string]struct {
		layer           []file
		changed, broken bool
	}{
		"honest":          {},
		"replaced":        {[]file{{Name: code, Content: "import os"}}, true, false},
		"with its RECORD": {[]file{{Name: code, Content: "import os"}, {Name: record, Content: wheelRecord("import os")}}, true, true},
		"RECORD removed":  {[]file{{Name: code, Content: "import os"}, {Name: dir + "shop-1.0.dist-info/.wh.RECORD"}}, true, false},
	}
	for name, r := range rows {
		i, _ := verify(t, nil, wheel("import re"), r.layer)
		if len(i.Changed) > 0 != r.changed || (i.Databases[0].Status == trust.Broken) != r.broken || i.Databases[0].Manager != "pip" {
			t.Errorf("%s: %v %+v", name, changed(i), i.Databases)
		}
	}
	i, _ := verify(t, nil, wheel("import re")[:2])
	if want := []string{"1 package of Python without a RECORD (eggs, or it was taken away): their files cannot be verified"}; cmp.Diff(want, i.Notes) != "" {
		t.Errorf("%q", i.Notes)
	}
}

// Packages without checksums are held against the layer that installed them, and that is said.
func TestPackagesWithoutChecksums(t *testing.T) {
	npm := []file{
		{Name: "app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.21"}`},
		{Name: "app/node_modules/lodash/lodash.js", Content: "good"},
	}
	gem := []file{
		{Name: "usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.4.gemspec", Content: "Gem::Specification.new do |s|\n s.name = \"rack\".freeze\n s.version = \"2.2.4\"\nend\n"},
		{Name: "usr/lib/ruby/gems/3.1.0/gems/rack-2.2.4/lib/rack.rb", Content: "good"},
	}
	for kind, files := range map[string][]file{"npm": npm, "gem": gem} {
		i, _ := verify(t, nil, files)
		if len(i.Changed) > 0 || i.Unverified == 0 || len(i.Notes) != 1 || !strings.Contains(i.Notes[0], "of "+kind+" packages: these have no checksums aboard") {
			t.Errorf("%s: %v %v", kind, changed(i), i.Notes)
		}
		if c := integrity.CheckOf(i); c.Verdict != trust.Unknown {
			t.Errorf("%s: %+v", kind, c)
		}
		i, _ = verify(t, nil, files, []file{{Name: files[1].Name, Content: "evil"}})
		if len(i.Changed) != 1 || i.Changed[0].Path != files[1].Name || *i.Changed[0].Layer != 1 {
			t.Errorf("%s: %v", kind, changed(i))
		}
	}
}
