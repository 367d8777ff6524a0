package drift

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewaiter/sbom"
	"tidewaiter/trust"
)

func diff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func document(t testing.TB, name string) *sbom.Document {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(raw))
}

func parsed(t testing.TB, text string) *sbom.Document {
	t.Helper()
	doc, err := sbom.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// own gives what this program writes of an image, read again.
func own(t testing.TB, a Aboard, format string, files bool) *sbom.Document {
	t.Helper()
	d := sbom.New(sbom.Tool{Name: "tidewaiter", Version: "1"}, a.Image, nil, a.Inventory)
	if files {
		d.Files = sbom.FilesOf(a.Trace, a.Inventory.Packages)
	}
	var b bytes.Buffer
	if err := sbom.Write(&b, d, format); err != nil {
		t.Fatal(err)
	}
	return parsed(t, b.String())
}

// documents are those of all makers on the image of [shop].
func documents(t *testing.T) map[string]*sbom.Document {
	t.Helper()
	a := built(t, shop())
	return map[string]*sbom.Document{
		"syft, SPDX": document(t, "shop.spdx.json"), "syft, CycloneDX": document(t, "shop.cdx.json"), "syft, its own": document(t, "shop.syft.json"),
		"trivy": document(t, "shop.trivy.cdx.json"), "own SPDX": own(t, a, "spdx", false), "own CycloneDX": own(t, a, "cyclonedx", false),
		"own SPDX with files": own(t, a, "spdx", true), "own CycloneDX with files": own(t, a, "cyclonedx", true),
	}
}

func TestHonestDocumentsHaveNoDrift(t *testing.T) {
	a := built(t, shop())
	for name, doc := range documents(t) {
		d := Compare(doc, a)
		if len(d.Differences) > 0 || d.Same != 7 || d.Claimed != 7 || d.Uncompared > 0 || d.OtherImage != "" {
			t.Errorf("%s: %+v", name, d)
		}
		files := map[string]int{"syft, SPDX": 11, "syft, CycloneDX": 11, "syft, its own": 11, "own SPDX with files": 12, "own CycloneDX with files": 12}
		if d.FilesSame != files[name] {
			t.Errorf("%s: %d files are as attested, not %d", name, d.FilesSame, files[name])
		}
		diff(t, trust.Pass, CheckOf([]trust.Drift{d}).Verdict)
	}
}

// Each change is one that somebody makes after the SBOM was made. What is to be found is "kind subject path", of the second layer.
func TestPlantedChangesAreCaught(t *testing.T) {
	lodash, rack := "app/node_modules/lodash/package.json", gems+"specifications/rack-2.0.1.gemspec"
	meta := python + "Flask_Thing-1.0.dist-info/METADATA"
	status := shop()[dpkg]
	upgraded := wheel("Flask_Thing", "2.0", "x = 2\n")
	upgraded[python+".wh.Flask_Thing-1.0.dist-info"] = ""
	for name, c := range map[string]struct {
		layer tree
		want  string
	}{
		"deb added":      {tree{dpkg: status + stanza("evil", "6.6")}, "undeclared pkg:deb/debian/evil@6.6 " + dpkg},
		"deb removed":    {tree{dpkg: stanza("base-files", "12.4")}, "absent pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1 " + dpkg},
		"deb upgraded":   {tree{dpkg: strings.Replace(status, "12.4", "12.9", 1)}, "version pkg:deb/debian/base-files@12.9 " + dpkg},
		"npm added":      {tree{"app/node_modules/evil/package.json": `{"name":"evil","version":"6.6.6"}`}, "undeclared pkg:npm/evil@6.6.6 app/node_modules/evil/package.json"},
		"npm removed":    {tree{"app/node_modules/.wh.lodash": ""}, "absent pkg:npm/lodash@4.17.4 " + lodash},
		"npm upgraded":   {tree{lodash: `{"name":"lodash","version":"4.17.21"}`}, "version pkg:npm/lodash@4.17.21 " + lodash},
		"pypi added":     {wheel("evil", "6.6", "x"), "undeclared pkg:pypi/evil@6.6 " + python + "evil-6.6.dist-info/METADATA"},
		"pypi removed":   {tree{python + ".wh.Flask_Thing-1.0.dist-info": "", python + ".wh.Flask_Thing": ""}, "absent pkg:pypi/flask-thing@1.0 " + meta},
		"pypi upgraded":  {upgraded, "version pkg:pypi/flask-thing@2.0 " + strings.Replace(meta, "1.0", "2.0", 1)},
		"maven added":    {tree{"opt/lib/evil.jar": jar("com.evil", "evil", "6.6", "x")}, "undeclared pkg:maven/com.evil/evil@6.6 opt/lib/evil.jar"},
		"maven removed":  {tree{"opt/lib/.wh.commons-io.jar": ""}, "absent pkg:maven/commons-io/commons-io@2.6 opt/lib/commons-io.jar"},
		"maven upgraded": {tree{"opt/lib/commons-io.jar": jar("commons-io", "commons-io", "2.11", "x")}, "version pkg:maven/commons-io/commons-io@2.11 opt/lib/commons-io.jar"},
		"gem added":      {tree{gems + "specifications/evil-6.6.gemspec": gemspec("evil", "6.6")}, "undeclared pkg:gem/evil@6.6 " + gems + "specifications/evil-6.6.gemspec"},
		"gem removed":    {tree{gems + "specifications/.wh.rack-2.0.1.gemspec": ""}, "absent pkg:gem/rack@2.0.1 " + rack},
		"gem upgraded": {tree{gems + "specifications/.wh.rack-2.0.1.gemspec": "", gems + "specifications/rack-3.0.gemspec": gemspec("rack", "3.0")},
			"version pkg:gem/rack@3.0 " + gems + "specifications/rack-3.0.gemspec"},
	} {
		a := built(t, shop(), c.layer)
		for maker, doc := range documents(t) {
			found := map[string]bool{}
			for _, d := range Compare(doc, a).Differences {
				if d.Package == "" || d.Attested != "" && strings.Contains(d.Attested, "sha") || strings.HasPrefix(d.Actual, "sha") {
					continue // the files of what was planted: TestFilesOfADifferentPackage
				}
				purl, _, _ := strings.Cut(strings.ReplaceAll(d.Package, "%3A", ":"), "?")
				at := d.Path
				if maker == "trivy" {
					purl = strings.Replace(purl, "@1.2.13.dfsg", "@1:1.2.13.dfsg", 1) // the epoch is a qualifier
				}
				if d.Kind == trust.NotPresent && strings.Contains(c.want, "deb/") {
					at = dpkg // Syft names more files than the database, and some makers none
				}
				found[string(d.Kind)+" "+purl+" "+at] = true
				if d.Kind != trust.NotPresent && (d.Layer == nil || *d.Layer != 1 || d.Instruction != "RUN step 1" || d.Why == "") {
					t.Errorf("%s, %s: nothing tells who did it: %+v", name, maker, d)
				}
			}
			if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, []string{c.want}) {
				t.Errorf("%s, %s: %q, not %q", name, maker, got, c.want)
			}
		}
	}
}

// A library is swapped, and its name and version stay. It is found where the document has digests of it, and else a note says so.
func TestSwappedFilesAreCaught(t *testing.T) {
	evil := jar("commons-io", "commons-io", "2.6", "evil")
	for name, c := range map[string]struct {
		layer  tree
		owner  string
		unseen string // by which makers
	}{
		"library of a deb": {tree{libz: "\x7fELF evil"}, "zlib1g", "trivy"},
		"jar":              {tree{"opt/lib/commons-io.jar": evil}, "commons-io", ""},
		"source of npm":    {tree{"app/node_modules/lodash/index.js": "evil"}, "lodash", "trivy syft"},
		"source of a gem":  {tree{gems + "gems/rack-2.0.1/lib/rack.rb": "evil"}, "rack", "trivy syft"},
		"module of python": {tree{python + "Flask_Thing/__init__.py": "evil"}, "flask-thing", "trivy syft"},
	} {
		a := built(t, shop(), c.layer)
		for maker, doc := range documents(t) {
			d := Compare(doc, a)
			who, _, _ := strings.Cut(maker, ",")
			if strings.Contains(c.unseen, who) || strings.HasPrefix(maker, "own") && !strings.Contains(maker, "files") {
				if len(d.Differences) > 0 || !strings.Contains(strings.Join(d.Notes, "\n"), "verify --files") {
					t.Errorf("%s, %s: %+v", name, maker, d)
				}
				continue
			}
			if len(d.Differences) != 1 {
				t.Errorf("%s, %s: %+v", name, maker, d.Differences)
				continue
			}
			got := d.Differences[0]
			at := slices.Collect(maps.Keys(c.layer))[0]
			if got.Kind != trust.OtherContent || got.Path != at || !strings.Contains(got.Package, "/"+c.owner+"@") || *got.Layer != 1 || got.Attested == got.Actual {
				t.Errorf("%s, %s: %+v", name, maker, got)
			}
		}
	}
}

// The files of a package that differs are told with it, and what nobody owns is told by itself.
func TestFilesOfADifferentPackage(t *testing.T) {
	a := built(t, shop(), tree{"app/node_modules/.wh.lodash": "", "usr/local/bin/evil": "#!/bin/sh\n", "app/node_modules/evil/package.json": `{"name":"evil","version":"1.0.0"}`,
		"app/node_modules/evil/index.js": "1"})
	var got []string
	d := Compare(own(t, built(t, shop()), "spdx", true), a)
	for _, x := range d.Differences {
		got = append(got, string(x.Kind)+" "+x.Path)
	}
	diff(t, []string{"undeclared app/node_modules/evil/package.json", "undeclared usr/local/bin/evil", "absent app/node_modules/lodash/package.json"}, got)
}

func TestDocumentOfAnotherImage(t *testing.T) {
	a := built(t, shop(), tree{"x": "y"})
	d := Compare(document(t, "shop.spdx.json"), a)
	diff(t, 0, len(d.Differences))
	diff(t, document(t, "shop.spdx.json").Image.Digest, d.OtherImage)
	diff(t, trust.Unknown, CheckOf([]trust.Drift{d}).Verdict)
}

// A maker who lists no gem may not look for gems. That is no difference, and still nobody vouches for them; of a maker who is known to
// look for them it is one.
func TestKindsThatADocumentLeavesOut(t *testing.T) {
	text := `{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"tools":{"components":[{"type":"application","name":"TOOL"}]}},"components":[
		{"type":"library","name":"base-files","version":"12.4","purl":"pkg:deb/debian/base-files@12.4"},
		{"type":"library","name":"zlib1g","version":"1:1.2.13.dfsg-1","purl":"pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1"}]}`
	a := built(t, shop())
	d := Compare(parsed(t, text), a)
	diff(t, 0, len(d.Differences))
	diff(t, 5, d.Uncompared)
	diff(t, trust.Unknown, CheckOf([]trust.Drift{d}).Verdict)
	if notes := strings.Join(d.Notes, "\n"); !strings.Contains(notes, "rack 2.0.1") || !strings.Contains(notes, "lists nothing of the kind (gem)") {
		t.Error(notes)
	}
	for _, maker := range []string{"syft", "trivy", "tidewaiter"} {
		if d := Compare(parsed(t, strings.Replace(text, "TOOL", maker, 1)), a); len(d.Differences) != 5 {
			t.Errorf("%s: %+v", maker, d.Differences)
		}
	}
	// One that lists one of a kind is to list all.
	one := strings.Replace(text, `"components":[`+"\n", `"components":[{"type":"library","name":"lodash","version":"4.17.4","purl":"pkg:npm/lodash@4.17.4"},`, 1)
	d = Compare(parsed(t, one), a)
	if len(d.Differences) != 1 || d.Differences[0].Package != "pkg:npm/%40acme/util@1.2.3" {
		t.Errorf("%+v", d.Differences)
	}
}

// A tool that was given a project, or a directory, and read its lock file has not looked at the packages of other projects aboard.
func TestDocumentOfOneProject(t *testing.T) {
	image := tree{
		"app/package-lock.json":               `{"lockfileVersion":3,"packages":{"":{"name":"app"},"node_modules/a":{"version":"1.0.0"}}}`,
		"app/node_modules/a/package.json":     `{"name":"a","version":"1.0.0"}`,
		"opt/cli/node_modules/b/package.json": `{"name":"b","version":"2.0.0"}`,
	}
	planted := tree{"app/node_modules/evil/package.json": `{"name":"evil","version":"6.6.6"}`}
	project := `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[` + component("npm/a", "1.0.0", "") + `]}`
	directory := `{"artifacts":[{"id":"a","name":"a","version":"1.0.0","purl":"pkg:npm/a@1.0.0","locations":[{"path":"/app/package-lock.json"}]}],
		"source":{"type":"directory","name":"sbom"},"descriptor":{"name":"syft"},"schema":{"version":"16.0.0"}}`
	for name, c := range map[string]struct {
		document             string
		differ, uncompared   int
		differPlanted, apart int
	}{
		"project":   {project, 0, 1, 1, 1},
		"directory": {directory, 0, 1, 0, 2},
	} {
		honest, changed := Compare(parsed(t, c.document), built(t, image)), Compare(parsed(t, c.document), built(t, image, planted))
		diff(t, []int{c.differ, c.uncompared, c.differPlanted, c.apart}, []int{len(honest.Differences), honest.Uncompared, len(changed.Differences), changed.Uncompared})
		if t.Failed() {
			t.Log(name, honest, changed)
		}
		for _, d := range []trust.Drift{honest, changed} { // nobody is told that all is well
			if CheckOf([]trust.Drift{d}).Verdict == trust.Pass {
				t.Errorf("%s: %+v", name, d)
			}
		}
	}
}
