package report_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/trust"
)

var update = flag.Bool("update", false, "write the golden files again")

// shop is a report that has something of everything.
func shop() *report.Report {
	zero, one := 0, 1
	openssl := inventory.Package{PURL: "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64&distro=debian-12", Type: "deb", Name: "libssl3",
		Version: "3.0.17-1~deb12u2", Ecosystem: "Debian:12", Arch: "amd64", Source: &inventory.Source{Name: "openssl", Version: "3.0.17-1~deb12u2"},
		Layer: &zero, Instruction: "ADD rootfs.tar /", Paths: []string{"var/lib/dpkg/status"}, Extractor: "dpkg"}
	lodash := inventory.Package{PURL: "pkg:npm/lodash@4.17.15", Type: "npm", Name: "lodash", Version: "4.17.15", Ecosystem: "npm",
		Licenses: []string{"MIT"}, Layer: &one, Instruction: "RUN npm ci", Paths: []string{"srv/shop/node_modules/lodash/package.json"}, Extractor: "npm"}
	evil := inventory.Package{PURL: "pkg:npm/event-stream-pro@1.0.0", Type: "npm", Name: "event-stream-pro", Version: "1.0.0", Ecosystem: "npm",
		Layer: &one, Instruction: "RUN npm ci", Paths: []string{"srv/shop/node_modules/event-stream-pro/package.json"}, Extractor: "npm"}
	openssl.Origin, lodash.Origin, evil.Origin = inventory.OfBase, inventory.OfApp, inventory.OfApp
	openssl.Identities = []string{"pkg:npm/semver@7.0.0"}
	semver := inventory.Package{PURL: "pkg:npm/semver@7.0.0", Type: "npm", Name: "semver", Version: "7.0.0", Ecosystem: "npm", Origin: inventory.OfBase,
		Layer: &zero, Instruction: "ADD rootfs.tar /", Paths: []string{"usr/share/nodejs/semver/package.json"}, Extractor: "npm", Owner: openssl.PURL}
	node := inventory.Package{PURL: "pkg:generic/node@18.20.4", Type: "generic", Name: "node", Version: "18.20.4", Origin: inventory.OfApp,
		Layer: &one, Instruction: "RUN npm ci", Paths: []string{"usr/local/bin/node"}, Extractor: "recognised-binary",
		Recognised: true, Evidence: []string{`version string "node v18.20.4"`}}
	inv := &inventory.Inventory{
		OS:       inventory.OS{ID: "debian", VersionID: "12", Name: "Debian GNU/Linux 12 (bookworm)"},
		Base:     &inventory.Base{Reference: "debian:12-slim", Digest: digest('9'), Layers: 1, Evidence: inventory.FromChain, Sure: inventory.Exact},
		Packages: []inventory.Package{openssl, evil, lodash, semver, node},
		BlindSpots: []image.BlindSpot{{Kind: image.UnreadableFile, Where: "opt/data/rpmdb.sqlite", Layer: &one,
			Message: "not a database\x1b[2J"}},
	}
	finding := func(p *inventory.Package, id string, severity match.Level, fixed ...string) match.Finding {
		return match.Finding{ID: id, Package: p.PURL, Severity: severity, Fixed: fixed, Status: "affected", Origin: p.Origin, Layer: p.Layer, Instruction: p.Instruction,
			Paths: p.Paths, Of: p, Evidence: match.Evidence{Advisory: id, Feed: "osv/npm", Range: ">=0", Compared: p.Name + " " + p.Version + " >= 0"}}
	}
	exploited := finding(&openssl, "CVE-2025-9230", match.Medium, "3.0.17-1~deb12u3")
	exploited.KEV = &advisory.KEV{Added: "2026-01-01", Due: "2026-01-22"}
	likely := finding(&lodash, "CVE-2021-23337", match.High, "4.17.21")
	likely.EPSS = &advisory.EPSS{Score: 0.31, Percentile: 0.96, Date: "2026-08-16"}
	malicious := finding(&evil, "MAL-2025-1", match.Critical)
	malicious.Malicious = true
	findings := []match.Finding{exploited, finding(&openssl, "CVE-2026-1111", match.Low, "3.0.17-1~deb12u3"), malicious,
		finding(&lodash, "CVE-2020-8203", match.High, "4.17.19"), likely, finding(&lodash, "CVE-2020-28500", match.Medium, "4.17.21"),
		finding(&lodash, "CVE-2099-1", match.Unknown), finding(&lodash, "CVE-2099-2", match.Unknown), finding(&semver, "CVE-2022-25883", match.High)}
	findings[len(findings)-1].Quieted = &match.Quieted{By: "distribution", Reason: "Debian:12 installed it as libssl3 3.0.17, and does not report this problem there"}
	im := &image.Image{Reference: "shop:2.1", Digest: digest('a'), ID: digest('b'), Process: &image.Process{User: "shop"}, Platform: image.Platform{OS: "linux", Architecture: "amd64"},
		Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		Layers: []image.Layer{
			{Index: 0, Digest: digest('c'), DiffID: digest('d'), Size: 1000, Instruction: "ADD rootfs.tar /"},
			{Index: 1, Digest: digest('e'), DiffID: digest('f'), Size: 2000, Instruction: "RUN npm ci"}}}
	info := &advisory.Info{Revision: digest('0'), Feeds: []advisory.Feed{
		{Name: "osv/npm", Date: "2026-08-22", Records: 26769, Source: "import"}, {Name: "kev", Date: "2026-01-29", Records: 1501, Source: "import"}}}
	layers := []*layer.Index{{DiffID: digest('d')}, {DiffID: digest('f')}}
	r := newReport(report.Tool{Name: "tidewaiter", Version: "devel"}, im, layers, inv, info, findings, nil)
	r.Provenance = provenance()
	r.Attestations = assess.NewAttestations([]trust.Attestation{{Kind: trust.OfStatement, Form: "dsse", PredicateType: r.Provenance.PredicateType, Status: trust.Verified,
		Why: "signed by release", Signer: r.Provenance.SignedBy, Subjects: []string{digest('a')}, Found: trust.Found{How: "referrer", AttachedTo: digest('a'), Blob: digest('1')}}})
	return r
}

// newReport is a scan's report, assessed for no environment in particular.
func newReport(tool report.Tool, im *image.Image, layers []*layer.Index, inv *inventory.Inventory, info *advisory.Info,
	findings []match.Finding, spots []image.BlindSpot) *report.Report {
	subject := assess.NewSubject(im, layers, inv, info, findings, spots)
	if info == nil {
		return report.New(tool, subject, nil)
	}
	now := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	return report.New(tool, subject, assess.Assess(subject, assess.BuiltIn()[0], assess.Options{Now: now}))
}

// platforms are two reports of one index: on arm64 openssl is newer, lodash is missing, and one CVE is gone.
func platforms() *report.Platforms {
	amd, arm := shop(), shop()
	arm.Image.Platform, arm.Image.Digest = "linux/arm64", digest('7')
	arm.Packages[0].Version = "3.0.17-1~deb12u3"
	arm.Packages = slices.DeleteFunc(arm.Packages, func(p inventory.Package) bool { return p.Name == "lodash" })
	arm.Findings = slices.DeleteFunc(arm.Findings, func(f match.Finding) bool { return f.Of.Name == "lodash" || f.ID == "CVE-2025-9230" })
	return report.NewPlatforms("shop:2.1", []*report.Report{amd, arm})
}

func TestPlatformsKeepToTheSchema(t *testing.T) {
	var b bytes.Buffer
	if err := platforms().JSON(&b); err != nil {
		t.Fatal(err)
	}
	if err := validateAs(b.Bytes(), "https://tidewaiter.dev/schema/platforms-1.json"); err != nil {
		t.Error(err)
	}
}

// Of one index's images, what is the same everywhere is no difference.
func TestPlatformsOfOneImageDoNotDiffer(t *testing.T) {
	p := report.NewPlatforms("shop:2.1", []*report.Report{shop()})
	if d := p.Differences; len(d.Packages)+len(d.Findings) > 0 {
		t.Error(d)
	}
	var b bytes.Buffer
	if err := p.Text(&b, report.TextOptions{}); err != nil || !strings.Contains(b.String(), "No differences") {
		t.Error(err, b.String())
	}
}

func digest(c byte) string { return "sha256:" + strings.Repeat(string(c), 64) }

// golden holds what was written against the file of that name, which -update writes anew.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: go test ./report -update writes it again\n%s", name, d)
	}
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer) error{
		"shop.txt":      func(b *bytes.Buffer) error { return report.Text(b, shop(), report.TextOptions{}) },
		"shop-all.txt":  func(b *bytes.Buffer) error { return report.Text(b, shop(), report.TextOptions{Width: 72, All: true}) },
		"shop.json":     func(b *bytes.Buffer) error { return report.JSON(b, shop()) },
		"platforms.txt": func(b *bytes.Buffer) error { return platforms().Text(b, report.TextOptions{}) },
		"trace.txt":     func(b *bytes.Buffer) error { return report.TraceText(b, traced(), report.TraceOptions{}) },
		"trace-all.txt": func(b *bytes.Buffer) error {
			return report.TraceText(b, traced(), report.TraceOptions{TextOptions: report.TextOptions{All: true, Width: 72}, Files: true})
		},
		"trace.json": func(b *bytes.Buffer) error { return report.TraceJSON(b, traced()) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			golden(t, name, got.Bytes())
		})
	}
}

func TestJSONKeepsToTheSchema(t *testing.T) {
	empty := newReport(report.Tool{Name: "tidewaiter", Version: "devel"}, &image.Image{Reference: "dir:/srv"}, nil, &inventory.Inventory{}, nil, nil, nil)
	for name, r := range map[string]*report.Report{"full": shop(), "empty": empty} {
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if err := validate(b.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if validate([]byte(`{"schemaVersion": 1}`)) == nil {
		t.Error("the schema accepts a report without an image")
	}
}

func validate(doc []byte) error {
	return validateAs(doc, "https://tidewaiter.dev/schema/report-1.json")
}

func validateAs(doc []byte, id string) error {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, raw := range [][]byte{report.Schema, report.PlatformsSchema, report.ExplainSchema, report.ApprovalSchema,
		report.VerificationSchema, report.AttestationsSchema} {
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		if err := c.AddResource(schema.(map[string]any)["$id"].(string), schema); err != nil {
			return err
		}
	}
	s, err := c.Compile(id)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// An image's words reach a terminal; what the terminal would obey must not.
func TestTextObeysNothingFromTheImage(t *testing.T) {
	r := shop()
	r.Packages[0].Name = "x\x1b]0;owned\x07\u202e\u200b"
	r.Findings[0].Of = &r.Packages[0]
	r.Image.OS.Name = "a\rb\nc"
	var b bytes.Buffer
	if err := report.Text(&b, r, report.TextOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexAny(b.String(), "\x1b\x07\r\u202e\u200b"); i >= 0 {
		t.Errorf("a control character stands in the report: %q", b.String()[i:])
	}
}

// Unknown is not clean: a report never reads as if there were nothing wrong when nothing could be judged.
func TestNoDataIsNotNoFindings(t *testing.T) {
	spots := []image.BlindSpot{{Kind: image.NoFeed, Message: "no advisory file"}}
	inv := &inventory.Inventory{Packages: []inventory.Package{{PURL: "pkg:npm/a@1", Type: "npm", Name: "a", Version: "1", Extractor: "npm"}}}
	r := newReport(report.Tool{}, &image.Image{Reference: "x"}, nil, inv, nil, nil, spots)
	var b bytes.Buffer
	if err := report.Text(&b, r, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "found    unknown") || !strings.Contains(b.String(), "1 blind spot") {
		t.Errorf("the report does not say that nothing was judged:\n%s", b.String())
	}
}

// What is exploited is among the steps that are shown, however many they are; what is merely immediate up to the fifth.
func TestNothingExploitedIsHiddenAmongTheSteps(t *testing.T) {
	r := shop()
	r.Assessment.Steps = nil
	for i := range 9 {
		r.Assessment.Steps = append(r.Assessment.Steps, assess.Step{Title: fmt.Sprintf("step %d", i+1), Closes: []string{fmt.Sprintf("CVE-%d", i+1)}, Gain: 0.04})
	}
	for _, tt := range []struct {
		exploited, immediate string
		shown                int
	}{{"", "", 3}, {"CVE-7", "", 7}, {"", "CVE-5", 5}, {"", "CVE-7", 3}} {
		r.Findings = nil
		for _, id := range []string{tt.exploited, tt.immediate} {
			if id != "" {
				r.Findings = append(r.Findings, match.Finding{ID: id, Of: &inventory.Package{}, Priority: match.Immediate})
			}
		}
		if tt.exploited != "" {
			r.Findings[0].KEV = &advisory.KEV{}
		}
		var b bytes.Buffer
		if err := report.Text(&b, r, report.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "+0.04"); n != tt.shown {
			t.Errorf("%+v: %d steps are shown\n%s", tt, n, b.String())
		}
	}
}

// An edit shows what differs: lines alone, and of long lines the part.
func TestAdviceShowsWhatDiffers(t *testing.T) {
	r := shop()
	filler := strings.Repeat(`"x":"1",`, 40)
	r.Assessment.Steps = []assess.Step{
		{Title: "one", Edit: &assess.Edit{File: "package.json", Old: "{\n  \"a\": \"1\",\n  \"b\": \"1\"", New: "{\n  \"o\": {},\n  \"a\": \"1\",\n  \"b\": \"2\""}},
		{Title: "two", Edit: &assess.Edit{File: "package.json", Old: "{" + filler + `"b":"^1.8.0",` + filler, New: "{" + filler + `"b":"^1.8.8",` + filler}},
	}
	var b bytes.Buffer
	if err := report.Advice(&b, r, 0, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"change  +   \"o\": {},\n             -   \"b\": \"1\"\n             +   \"b\": \"2\"\n", `"b":"^1.8.0",`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if n := len([]rune(line)); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestAnOrdinaryReportFitsOneScreen(t *testing.T) {
	var b bytes.Buffer
	if err := report.Text(&b, shop(), report.TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	if len(lines) > 28 { // three of them are of the malware, one of who built the image
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		if n := len([]rune(l)); n > 80 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
}
