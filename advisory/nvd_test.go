package advisory

import (
	"context"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// nvdPage is an answer of NVD's API with one CVE, in which METRICS and the like may be replaced.
func nvdPage(cves ...string) *fstest.MapFile {
	for i, c := range cves {
		cves[i] = `{"cve":` + c + `}`
	}
	return &fstest.MapFile{Data: []byte(`{"resultsPerPage":1,"format":"NVD_CVE","timestamp":"2026-01-02T03:04:05.678","vulnerabilities":[` +
		strings.Join(cves, ",") + `]}`)}
}

// match is a cpeMatch of a program, with more fields.
func match(criteria, more string) string {
	return `{"vulnerable":true,"criteria":"cpe:2.3:` + criteria + `"` + more + `}`
}

func node(matches ...string) string {
	return `{"operator":"OR","negate":false,"cpeMatch":[` + strings.Join(matches, ",") + `]}`
}

func configuration(operator string, nodes ...string) string {
	return `{"operator":"` + operator + `","nodes":[` + strings.Join(nodes, ",") + `]}`
}

func nvdText(id string, configurations ...string) string {
	return `{"id":"` + id + `","vulnStatus":"Analyzed","configurations":[` + strings.Join(configurations, ",") + `]}`
}

// importNVD imports files of NVD's.
func importNVD(t *testing.T, files fstest.MapFS) (*DB, Info) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "advisories.db")
	info, err := Import(context.Background(), files, out, ImportOptions{Now: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, out), info
}

func TestNVDConfigurations(t *testing.T) {
	const rest = ":*:*:*:*:*:*:*:*"
	windows, linux := match("o:microsoft:windows:-:*:*:*:*:*:*:*", ""), match("o:linux:linux_kernel:-:*:*:*:*:*:*:*", "")
	board := match("h:acme:board:-:*:*:*:*:*:*:*", "")
	program := match("a:acme:tool"+rest, `,"versionEndExcluding":"2.0"`)
	below2 := []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: "2.0"}}}}
	span := func(events ...Event) []Range {
		return []Range{{Type: "ECOSYSTEM", Events: events}}
	}
	for name, c := range map[string]struct {
		configurations []string
		ranges         []Range
		versions       []string
	}{
		"range":                 {[]string{configuration("", node(program))}, below2, nil},
		"the same twice":        {[]string{configuration("", node(program, program)), configuration("", node(program))}, below2, nil},
		"included start":        {[]string{configuration("", node(match("a:acme:tool"+rest, `,"versionStartIncluding":"1.0","versionEndIncluding":"1.9"`)))}, span(Event{Introduced: "1.0"}, Event{LastAffected: "1.9"}), nil},
		"excluded start":        {[]string{configuration("", node(match("a:acme:tool"+rest, `,"versionStartExcluding":"1.0"`)))}, span(Event{Introduced: ">1.0"}), nil},
		"first of a line":       {[]string{configuration("", node(match("a:acme:tool"+rest, `,"versionStartIncluding":"8.1.x","versionEndExcluding":"8.1.9"`)))}, span(Event{Introduced: "8.1"}, Event{Fixed: "8.1.9"}), nil},
		"every version":         {[]string{configuration("", node(match("a:acme:tool"+rest, "")))}, span(Event{Introduced: "0"}), nil},
		"listed":                {[]string{configuration("", node(match("a:acme:tool:1.0:rc1:*:*:*:*:*:*", ""), match("a:acme:tool:1.1:-:*:*:*:*:*:*", "")))}, nil, []string{"1.0:rc1", "1.1"}},
		"no version":            {[]string{configuration("", node(match("a:acme:tool:-:*:*:*:*:*:*:*", "")))}, nil, nil},
		"for WordPress":         {[]string{configuration("", node(match("a:acme:tool:*:*:*:*:*:wordpress:*:*", "")))}, nil, nil},
		"for itself":            {[]string{configuration("", node(match("a:acme:tool:*:*:*:*:*:tool:*:*", `,"versionEndExcluding":"2.0"`)))}, below2, nil},
		"on Windows":            {[]string{configuration("AND", node(program), node(windows))}, nil, nil},
		"on Windows or Linux":   {[]string{configuration("AND", node(program), node(windows, linux))}, below2, nil},
		"on a board":            {[]string{configuration("AND", node(program), node(board))}, nil, nil},
		"with another":          {[]string{configuration("AND", node(program), node(strings.Replace(match("a:acme:other"+rest, ""), "true", "false", 1)))}, below2, nil},
		"on Windows, in a node": {[]string{configuration("", strings.Replace(node(program, windows), "OR", "AND", 1))}, nil, nil},
		"nodes apart":           {[]string{configuration("", node(program), node(windows))}, below2, nil},
		"not vulnerable":        {[]string{configuration("", node(strings.Replace(program, "true", "false", 1)))}, nil, nil},
		"negated":               {[]string{configuration("", strings.Replace(node(program), `"negate":false`, `"negate":true`, 1))}, nil, nil},
		"an operating system":   {[]string{configuration("", node(match("o:acme:tool"+rest, "")))}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			db, _ := importNVD(t, fstest.MapFS{"nvd/page.json": nvdPage(nvdText("CVE-2026-0001", c.configurations...))})
			records, err := db.Records("CPE", "acme:tool")
			if err != nil {
				t.Fatal(err)
			}
			var want []Record
			if c.ranges != nil || c.versions != nil {
				want = []Record{{ID: "CVE-2026-0001", Feed: "nvd", Affected: []Affected{{Ecosystem: "CPE", Ranges: c.ranges, Versions: c.versions}}}}
			}
			if diff := cmp.Diff(want, records); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNVDRecord(t *testing.T) {
	program := configuration("", node(match(`a:acme:tool\\/kit:*:*:*:*:*:*:*:*`, `,"versionEndExcluding":"2.0"`)))
	db, info := importNVD(t, fstest.MapFS{
		"nvd/nvdcve-2.0-2026.json": nvdPage(
			`{"id":"CVE-2026-0001","sourceIdentifier":"psirt@acme.example","published":"2026-01-01T10:15:11.747","lastModified":"2026-01-03T18:00:24.900",
			"vulnStatus":"Modified","cveTags":[{"sourceIdentifier":"psirt@acme.example","tags":["disputed"]}],
			"descriptions":[{"lang":"es","value":"Mal."},{"lang":"en","value":"It breaks. Often."}],
			"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}},
			{"source":"psirt@acme.example","cvssData":{"vectorString":"CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}]},
			"configurations":[`+program+`]}`,
			strings.Replace(nvdText("CVE-2026-0002", program), "Analyzed", "Rejected", 1),
			`{"id":"CVE-2026-0003","descriptions":"no list"}`,
			`{"id":"GHSA-1"}`,
			`{"id":"CVE-2026-0004","published":"yesterday"}`,
		),
		"nvd/slim.jsonl.gz": {Data: gzipped(t, nvdText("CVE-2026-0005", program)+"\nnot JSON\n"), ModTime: time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC)},
	})
	if diff := cmp.Diff([]Feed{{Name: "nvd", Date: "2026-01-04", Records: 3, Skipped: 4, Source: "nvd"}}, info.Feeds); diff != "" {
		t.Error(diff)
	}
	records, err := db.Records("CPE", "acme:tool/kit")
	if err != nil {
		t.Fatal(err)
	}
	affected := []Affected{{Ecosystem: "CPE", Ranges: []Range{{Type: "ECOSYSTEM", Events: []Event{{Introduced: "0"}, {Fixed: "2.0"}}}}}}
	want := []Record{
		{
			ID: "CVE-2026-0001", Summary: "It breaks.", Disputed: true, Feed: "nvd", Affected: affected,
			Published: time.Date(2026, 1, 1, 10, 15, 11, 747e6, time.UTC), Modified: time.Date(2026, 1, 3, 18, 0, 24, 9e8, time.UTC),
		},
		{ID: "CVE-2026-0005", Feed: "nvd", Affected: affected},
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Error(diff)
	}
	known, err := db.CVE("CVE-2026-0001")
	if diff := cmp.Diff(CVE{Disputed: true, CVSS: []CVSS{
		{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Source: "nvd"}, {Vector: "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Source: "cna"},
	}}, known); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if !db.Covers("CPE") {
		t.Error("the file does not cover what the feed covers")
	}
}

func TestNVDBroken(t *testing.T) {
	for name, file := range map[string]string{
		"no page": `[]`, "no list": `{"timestamp":"2026-01-02T03:04:05.678"}`, "a list of another kind": `{"vulnerabilities":{}}`,
		"cut in the list": `{"vulnerabilities":[{"cve":{"id":"CVE-2026-0001"}},`, "cut after it": `{"vulnerabilities":[]`, "no JSON": `{"vulnerabilities":[}]}`,
	} {
		_, err := Import(context.Background(), fstest.MapFS{"nvd/page.json": {Data: []byte(file)}}, filepath.Join(t.TempDir(), "a.db"), ImportOptions{})
		if err == nil || !strings.HasPrefix(err.Error(), "nvd/page.json: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNVDShared reads real files: a page of the API, and configurations alone.
func TestNVDShared(t *testing.T) {
	feeds := sharedFeeds(t)
	files := fstest.MapFS{}
	names, err := fs.Glob(feeds, "nvd/*")
	if err != nil || names == nil {
		t.Skip("no feed of NVD's there")
	}
	for _, name := range names {
		data, err := fs.ReadFile(feeds, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	db, info := importNVD(t, files)
	if f := info.Feeds[0]; f.Records < 32_000 || f.Skipped > 0 {
		t.Errorf("%d records, %d skipped", f.Records, f.Skipped)
	}
	for name, least := range map[string]int{"nodejs:node.js": 60, "openssl:openssl": 55, "erlang:erlang/otp": 40, "oracle:mysql": 300} {
		records, err := db.Records(CPEEcosystem, name)
		if err != nil || len(records) < least {
			t.Errorf("%s: %d records, %v", name, len(records), err)
		}
	}
}

func FuzzNVD(f *testing.F) {
	f.Add([]byte(nvdText("CVE-2026-0001", configuration("AND", node(match(`a:acme:tool\\/kit:1:rc1:*:*:*:*:*:*`, "")), node(match("o:linux:linux_kernel:-:*:*:*:*:*:*:*", ""))))))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c nvdCVE
		if json.Unmarshal(data, &c) != nil {
			return
		}
		p, err := c.parse()
		if err != nil {
			return
		}
		for key, r := range p.byKey {
			if len(r.Affected) != 1 || len(r.Affected[0].Ranges)+len(r.Affected[0].Versions) == 0 {
				t.Errorf("%s: an entry that says nothing: %+v", key, r.Affected)
			}
		}
	})
}
