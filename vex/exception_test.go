package vex

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var october = time.Date(2026, 10, 1, 9, 30, 0, 0, time.UTC)

// accepted is a risk that is accepted, everything said that can be.
func accepted() Exception {
	return Exception{
		Vulnerabilities: []string{"CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"}, Image: "ghcr.io/acme/*:2.*", Product: Product{{Names: []string{"pkg:npm/%40acme/lodash@4.17.4"}}},
		Environments: []string{"production", "staging"}, Status: Affected, Owner: "Shop <shop@acme.example>", Approver: "Ann", Reason: "templates come from <us> alone",
		End: End{Day: "2027-01-31", Fix: true}, Time: october,
	}
}

// holdToSchema holds a document against OpenVEX's own schema.
func holdToSchema(t *testing.T, raw []byte) {
	t.Helper()
	schema, err := os.ReadFile("testdata/openvex-0.2.0.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openvex.json", parsed); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("openvex.json").Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, raw)
	}
}

// What is written is a document of OpenVEX, and reads as the same exception, whatever it says.
func TestExceptionsAreWrittenAsOpenVEX(t *testing.T) {
	for name, change := range map[string]func(*Exception){
		"all":             func(*Exception) {},
		"until a day":     func(e *Exception) { e.End.Fix = false },
		"until a fix":     func(e *Exception) { e.End.Day = "" },
		"everywhere":      func(e *Exception) { e.Environments = nil },
		"of one name":     func(e *Exception) { e.Image = "shop" },
		"of one digest":   func(e *Exception) { e.Image = "sha256:" + digestA },
		"name and digest": func(e *Exception) { e.Image = "ghcr.io/acme/shop@sha256:" + digestA },
		"of any registry": func(e *Exception) { e.Image = "*/shop" },
		"any image":       func(e *Exception) { e.Image = "" },
		"any package":     func(e *Exception) { e.Product = nil },
		"everything":      func(e *Exception) { e.Image, e.Product = "", nil },
		"a Docker image":  func(e *Exception) { e.Image = "docker.io/library/debian:12" },
		"a port":          func(e *Exception) { e.Image = "localhost:5000/shop:1" },
		"does not apply":  func(e *Exception) { e.Status, e.Justification = NotAffected, codeNotExecuted },
		"nobody approved": func(e *Exception) { e.Approver = "" },
		"a package inside": func(e *Exception) {
			e.Image, e.Product = "", append(Product{{Names: []string{"pkg:npm/shop"}}}, e.Product...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := accepted()
			change(&e)
			raw, err := e.Write(1)
			if err != nil {
				t.Fatal(err)
			}
			holdToSchema(t, raw)
			got, err := ParseExceptions(raw, "f.json")
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			e.File = "f.json"
			if d := cmp.Diff(e, got[0], cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheFormOfAnException(t *testing.T) {
	e := accepted()
	raw, err := e.Write(1)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "urn:uuid:ID",
  "author": "Shop <shop@acme.example>",
  "role": "owner of the exception",
  "timestamp": "2026-10-01T09:30:00Z",
  "version": 1,
  "tooling": "tidewaiter except",
  "statements": [
    {
      "vulnerability": {
        "name": "CVE-2021-23337",
        "aliases": [
          "GHSA-35jh-r3h4-6jhm"
        ]
      },
      "products": [
        {
          "@id": "pkg:oci/%2A?repository_url=ghcr.io%2Facme%2F%2A&tag=2.%2A",
          "subcomponents": [
            {
              "@id": "pkg:npm/%40acme/lodash@4.17.4"
            }
          ]
        }
      ],
      "status": "affected",
      "status_notes": "exception; until: 2027-01-31 or fix; environments: production, staging; approver: Ann",
      "action_statement": "risk accepted: templates come from <us> alone"
    }
  ]
}
`
	got := strings.Replace(string(raw), strings.TrimPrefix(e.id(), "urn:uuid:"), "ID", 1)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if name := e.FileName(); name != "CVE-2021-23337_lodash-4.17.4_ghcr.io-acme---2_production-staging.openvex.json" {
		t.Error(name)
	}
}

// What is not understood never holds, and says why.
func TestExceptionsThatAreWrong(t *testing.T) {
	const statement = `{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "AUTHOR", "timestamp": "2026-10-01T09:30:00Z", "version": 1, "statements": [
		{"vulnerability": {"name": "CVE-2024-1"}, PRODUCTS "status": "affected", "status_notes": "NOTES", "action_statement": "risk accepted: REASON"}]}`
	const products = `"products": [{"@id": "pkg:npm/a"}],`
	for _, c := range []struct{ author, products, notes, reason, want string }{
		{"Ann", products, "exception; until: 2027-01-31", "so", ""},
		{"Ann", products, " exception ;until:2027-01-31,fix ; environments: a", "so", ""},
		{"", products, "exception; until: 2027-01-31", "so", "it has no owner"},
		{"Ann", products, "exception; until: 2027-01-31", " ", "it gives no reason"},
		{"Ann", products, "exception", "so", "it has no end"},
		{"Ann", products, "exception; until: 2027-02-31", "so", `"2027-02-31" is no end: write a day as 2027-01-31, or fix (until there is one), or both as "2027-01-31 or fix"`},
		{"Ann", products, "exception; end: 2027-01-31", "so", `its status_notes have "end": only until, environments, approver and subject are known`},
		{"Ann", products, "exception; until: 2027-01-31; environments:", "so", `its status_notes have "environments:", which says nothing`},
		{"Ann", products, "seen by Ann", "so", `it is no exception: its status_notes do not begin with "exception;"; --vex believes it as it is`},
		{"Ann", "", "exception; until: 2027-01-31", "so", "it names no product"},
	} {
		raw := strings.NewReplacer("AUTHOR", c.author, "PRODUCTS", c.products, "NOTES", c.notes, "REASON", c.reason).Replace(statement)
		got, err := ParseExceptions([]byte(raw), "f.json")
		if err != nil || len(got) != 1 || got[0].Wrong != c.want {
			t.Errorf("%s: %+v, %v", c.notes, got, err)
			continue
		}
		if lapse, _ := got[0].Lapsed(Demands{}, october); (lapse == Incomplete) != (c.want != "") {
			t.Errorf("%s: %q", c.notes, lapse)
		}
	}
}

// A document is changed in one place, and keeps all else that OpenVEX knows.
func TestEndAndRemove(t *testing.T) {
	raw, err := os.ReadFile("testdata/two-exceptions.json")
	if err != nil {
		t.Fatal(err)
	}
	holdToSchema(t, raw)
	ended, err := EndExceptions(raw, []int{1}, "2026-11-02", october)
	if err != nil {
		t.Fatal(err)
	}
	holdToSchema(t, ended)
	want := strings.NewReplacer(`"version": 3,`, `"last_updated": "2026-10-01T09:30:00Z",
  "version": 4,`, "until: 2027-06-30 or fix", "until: 2026-11-02 or fix").Replace(string(raw))
	if d := cmp.Diff(want, string(ended)); d != "" {
		t.Error(d)
	}
	rest, err := RemoveExceptions(raw, []int{0}, october)
	if err != nil {
		t.Fatal(err)
	}
	holdToSchema(t, rest)
	if left, _ := ParseExceptions(rest, ""); len(left) != 2 || left[0].Vulnerabilities[0] != "CVE-2024-2" {
		t.Errorf("%+v", left)
	}
	if none, err := RemoveExceptions(raw, []int{0, 1}, october); none != nil || err != nil {
		t.Errorf("%s, %v", none, err)
	}
}

func TestImagePatterns(t *testing.T) {
	shop := Image{Repository: "ghcr.io/acme/shop", Name: "shop", Tag: "2.1", Digests: []string{"sha256:" + digestA}}
	debian := Image{Repository: "docker.io/library/debian", Name: "debian", Tag: "12"}
	file := Image{Name: "shop", Tag: "2.1"}
	for pattern, want := range map[string][3]bool{
		"": {true, true, true}, "*": {true, true, true}, "shop": {true, false, true}, "SHOP": {true, false, true}, "sh?p": {true, false, true}, "shop:2.*": {true, false, true}, "shop:3.*": {},
		"ghcr.io/acme/shop": {true, false, false}, "ghcr.io/*": {true, false, false}, "ghcr.io/acme/*:2.1": {true, false, false}, "*/shop": {true, false, false}, "*/acme/*": {true, false, false},
		"debian": {false, true, false}, "library/debian": {false, true, false}, "docker.io/debian:12": {false, true, false}, "index.docker.io/library/*": {false, true, false},
		"sha256:" + digestA: {true, false, false}, "shop@sha256:" + digestA: {true, false, false}, "debian@sha256:" + digestA: {}, "*:latest": {}, "acme/shop": {}, "hop": {}, "shop/": {},
	} {
		if got := [3]bool{shop.Like(pattern), debian.Like(pattern), file.Like(pattern)}; got != want {
			t.Errorf("%q: %v, want %v", pattern, got, want)
		}
	}
}

func TestWhatAnExceptionCovers(t *testing.T) {
	of := func(image, pkg string, environments ...string) *Exception {
		e := &Exception{Vulnerabilities: []string{"CVE-2024-1"}, Image: image, Environments: environments}
		if pkg != "" {
			e.Product = Product{{Names: []string{pkg}}}
		}
		return e
	}
	for _, c := range []struct {
		wide, narrow *Exception
		want         bool
	}{
		{of("", ""), of("shop", "pkg:npm/a@1", "production"), true},
		{of("shop", ""), of("", ""), false},
		{of("ghcr.io/acme/*", "pkg:npm/a"), of("ghcr.io/acme/shop", "pkg:npm/a@1"), true},
		{of("ghcr.io/acme/shop", ""), of("ghcr.io/acme/*", ""), false},
		{of("shop", ""), of("ghcr.io/acme/shop:1", ""), true},
		{of("", "pkg:npm/a@1"), of("", "pkg:npm/a"), false},
		{of("", "pkg:npm/a"), of("", "pkg:npm/b"), false},
		{of("", "", "production"), of("", ""), false},
		{of("", "", "production", "staging"), of("", "", "staging"), true},
	} {
		if got := c.wide.Covers(c.narrow); got != c.want {
			t.Errorf("%s covers %s: %v", c.wide.Scope(), c.narrow.Scope(), got)
		}
	}
}

// A directory may hold other things; what is broken is an error, since somebody relies on it.
func TestLoadExceptions(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := accepted()
	raw, err := e.Write(1)
	if err != nil {
		t.Fatal(err)
	}
	write("b.json", string(raw))
	write("a.json", string(raw))
	write("package.json", `{"name": "shop"}`)
	write("README.md", "{")
	list, err := LoadExceptions(dir)
	if err != nil || len(list) != 2 || list[0].File != filepath.Join(dir, "a.json") {
		t.Fatal(list, err)
	}
	write("c.json", string(raw[:len(raw)/2]))
	if _, err := LoadExceptions(dir); err == nil || !strings.Contains(err.Error(), "c.json: OpenVEX: unexpected end") {
		t.Error(err)
	}
	write("c.json", strings.Repeat(" ", maxExceptionFile+1))
	if _, err := LoadExceptions(dir); err == nil || !strings.Contains(err.Error(), "over 1 MiB") {
		t.Error(err)
	}
}

// Whatever a file says, it is read or refused, and what can be written again means the same.
func FuzzExceptions(f *testing.F) {
	e := accepted()
	raw, _ := e.Write(1)
	f.Add(raw)
	f.Add([]byte(openVEXDocument))
	f.Add([]byte(openVEXOld))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := ParseExceptions(raw, "f.json")
		if err != nil {
			return
		}
		for i := range list {
			again, err := list[i].Write(1)
			if err != nil {
				continue
			}
			if !json.Valid(again) {
				t.Fatalf("%s", again)
			}
			if got, err := ParseExceptions(again, "f.json"); err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
		}
	})
}
