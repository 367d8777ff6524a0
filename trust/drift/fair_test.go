package drift

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewaiter/sbom"
	"tidewaiter/trust"
)

// What tools write differently is not drift, and what only looks alike is.
func TestFairMatching(t *testing.T) {
	files := tree{
		"etc/os-release":                      "ID=alpine\nVERSION_ID=3.18.4\n",
		"lib/apk/db/installed":                "C:Q1abcdefghijklmnopqrstuvwxyz0=\nP:zlib\nV:1.2.13-r1\nA:x86_64\nL:Zlib\no:zlib\n\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\n\n",
		"app/node_modules/a/package.json":     `{"name":"a","version":"1.0.0"}`,
		"app/package-lock.json":               `{"lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"},"node_modules/a":{"version":"1.0.0"},"node_modules/need":{"version":"2.0.0"},"node_modules/dev":{"version":"3.0.0","dev":true}}}`,
		python + "zope.x-1.0rc1.egg-info":     "Metadata-Version: 1.0\nName: zope.x\nVersion: 1.0rc1\n",
		"opt/a.jar":                           jar("org.acme", "a", "1.0", "x"),
		"usr/lib/real.txt":                    "content",
		"lib64":                               "-> usr/lib",
		"var/lib/somewhere/else/unknown.file": "x",
	}
	a := built(t, files)
	const sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // of "content"
	for name, c := range map[string]struct {
		component string // in the place of, or beside, those that are all right
		want      string // "kind name", empty for none
	}{
		"nothing":                          {``, ""},
		"other spelling of a PyPI name":    {component("pypi/Zope_X", "1.0.rc1", ""), ""},
		"version with more zeros":          {component("pypi/zope-x", "1.0.0rc1", ""), ""},
		"other group of a jar":             {component("maven/a/a", "1.0", "opt/a.jar"), ""},
		"other architecture":               {component("apk/alpine/musl", "1.2.4-r2", "") + `,` + strings.Replace(component("apk/alpine/musl", "1.2.4-r2", ""), `1.2.4-r2"}`, `1.2.4-r2?arch=aarch64"}`, 1), "absent musl"},
		"architecture under another name":  {strings.Replace(component("apk/alpine/musl", "1.2.4-r2", ""), `1.2.4-r2"}`, `1.2.4-r2?arch=amd64"}`, 1), ""},
		"development, in a lock file":      {component("npm/dev", "3.0.0", ""), ""},
		"needed by a lock file, gone":      {component("npm/need", "2.0.0", ""), "absent need"},
		"gone from where it was":           {component("npm/dev", "3.0.0", "app/node_modules/dev/package.json"), "absent dev"},
		"a kind that nobody looks for":     {component("wordpress-plugin/x", "1", ""), ""},
		"the same, gone from where it was": {component("wordpress-plugin/x", "1", "var/www/x.php"), "absent x"},
		"the same, still there":            {component("wordpress-plugin/x", "1", "var/lib/somewhere/else/unknown.file"), ""},
		"a key of rpm":                     {component("rpm/centos/gpg-pubkey", "1-2", "lib/apk/db/installed"), ""},
		"a package that is not there":      {component("gem/evil", "1", ""), "absent evil"},
		"not in the database":              {component("apk/alpine/evil", "1", "lib/apk/db/installed"), "absent evil"},
		"not in the jar":                   {component("maven/com.evil/evil", "6", "opt/a.jar"), "absent com.evil:evil"},
		"no version":                       {component("gem/evil", "", ""), ""},
		"a file through a link":            {`{"type":"file","name":"/lib64/real.txt","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`, ""},
		"a file by an unknown digest":      {`{"type":"file","name":"/lib64/real.txt","hashes":[{"alg":"SHA-512","content":"` + strings.Repeat("ab", 64) + `"}]}`, ""},
		"a file that a container mounts":   {`{"type":"file","name":"/etc/hosts","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`, ""},
		"a file that is gone":              {`{"type":"file","name":"/lib64/gone.txt","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`, "absent lib64/gone.txt"},
		"a changed file":                   {`{"type":"file","name":"/usr/lib/real.txt","hashes":[{"alg":"SHA-256","content":"` + strings.Repeat("ab", 32) + `"}]}`, "content usr/lib/real.txt"},
		"a file of two layers": {`{"type":"file","name":"/usr/lib/real.txt","hashes":[{"alg":"SHA-256","content":"` + strings.Repeat("ab", 32) +
			`"}]},{"type":"file","name":"/usr/lib/real.txt","hashes":[{"alg":"SHA-256","content":"` + sum + `"}]}`, ""},
	} {
		list := []string{component("apk/alpine/zlib", "1.2.13-r1", ""), component("apk/alpine/musl", "1.2.4-r2", ""), component("npm/a", "1.0.0", ""),
			component("pypi/zope.x", "1.0rc1", ""), component("maven/org.acme/a", "1.0", "")}
		switch {
		case strings.Contains(c.component, "pypi"):
			list = append(list[:3:3], list[4])
		case strings.Contains(c.component, "maven/a/a"):
			list = list[:4]
		case strings.Contains(c.component, "arch="):
			list = append(list[:1:1], list[2:]...)
		}
		if c.component != "" {
			list = append(list, c.component)
		}
		doc := parsed(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`+strings.Join(list, ",")+`]}`)
		var got []string
		d := Compare(doc, a)
		for _, x := range d.Differences {
			subject := x.Path
			if x.Package != "" {
				_, subject, _ = strings.Cut(x.Why, "lists ")
				subject, _, _ = strings.Cut(subject, " ")
			}
			got = append(got, string(x.Kind)+" "+subject)
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %q, not %q; %q", name, s, c.want, d.Notes)
		}
	}
}

func component(purl, version, path string) string {
	evidence := ""
	if path != "" {
		evidence = `,"evidence":{"occurrences":[{"location":"/` + path + `"}]}`
	}
	return fmt.Sprintf(`{"type":"library","name":%q,"version":%q%s,"purl":"pkg:%s@%s"}`, purl, version, evidence, purl, version)
}

// A document of another release of this program found what that one knew, and one without versions vouches for none.
func TestWhatADocumentDoesNotVouchFor(t *testing.T) {
	a := built(t, shop())
	doc := own(t, a, "spdx", false)
	doc.Inventory.Packages = doc.Inventory.Packages[:6] // one is missing
	for _, release := range []string{"1", "2"} {
		a.Release = release
		if d := Compare(doc, a); len(d.Differences) != 1 {
			t.Errorf("release %s: %+v", release, d)
		}
	}
	doc = own(t, a, "spdx", false)
	doc.Inventory.Packages[0].Version = ""
	d := Compare(doc, a)
	if len(d.Differences) > 0 || d.Uncompared != 1 || CheckOf([]trust.Drift{d}).Verdict != trust.Unknown {
		t.Errorf("%+v", d)
	}
}

// Images of all distributions, and what builders attested of them. (They lie beside the repository.)
func TestRealImages(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the real images are not here")
	}
	for _, name := range []string{"alpine-3.18", "go-app", "rpm-rocky9", "rpm-centos8-modules", "distroless-like-cc"} {
		a := opened(t, "oci:"+filepath.Join(root, "images", "oci", name))
		for _, doc := range []*sbom.Document{own(t, a, "spdx", true), own(t, a, "cyclonedx", true), own(t, a, "spdx", false)} {
			if d := Compare(doc, a); len(d.Differences) > 0 || d.Uncompared > 0 || d.Same == 0 {
				t.Errorf("%s: %+v", name, d)
			}
		}
	}
	for _, name := range []string{"app-provmax-sbomtiny", "app-provmax-v02-sbomsyft", "app-multiplat"} {
		a := opened(t, "oci-archive:"+filepath.Join(root, "attestations", "buildkit", name+".oci.tar"))
		statements, _, err := a.Image.Statements(t.Context(), func(string) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		var list []trust.Attestation
		for _, s := range statements {
			list = append(list, attestation(s.PredicateType, string(s.Predicate), trust.Verified))
		}
		drifts, spots := OfAttestations(list, a)
		if len(drifts) != 1 || len(spots) > 0 || len(drifts[0].Differences) > 0 || CheckOf(drifts).Verdict != trust.Pass {
			t.Errorf("%s: %+v %v", name, drifts, spots)
		}
	}
}

// A document is written by whoever wants to do harm.
func FuzzCompare(f *testing.F) {
	for _, name := range []string{"shop.spdx.json", "shop.cdx.json", "shop.syft.json", "shop.trivy.cdx.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	a := built(f, shop(), tree{"loop": "-> loop", "a": "-> ../../b/a", "opt/.wh.lib": ""})
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := sbom.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		once, err := json.Marshal(Compare(doc, a))
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(Compare(doc, a)); !bytes.Equal(once, again) {
			t.Error("the same input gives two answers")
		}
	})
}
