package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/match"
	"tidewaiter/report"
)

// elements gives what a page is made of, the content of its one script and one style aside.
func elements(t *testing.T, page []byte) []xml.Token {
	t.Helper()
	for _, name := range []string{"script", "style"} {
		start, end := []byte("<"+name+">"), []byte("</"+name+">")
		i, j := bytes.Index(page, start), bytes.Index(page, end)
		if i < 0 || j < i || bytes.Count(page, []byte("<"+name)) != 1 || bytes.Count(page, end) != 1 {
			t.Fatalf("the page has not one %s", name)
		}
		page = slices.Concat(page[:i+len(start)], page[j:])
	}
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.Entity = false, xml.HTMLEntity
	var list []xml.Token
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, xml.CopyToken(token))
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// A page opens without a network, runs its own script alone, and nothing of the image becomes an element of it.
func TestHTMLIsClosedToTheWorld(t *testing.T) {
	page := regexp.MustCompile(`^https://(www\.cve\.org|github\.com/advisories|osv\.dev)/[A-Za-z0-9/?=._-]+$`)
	for name, r := range reports() {
		text := formOf(t, "html", r, report.Options{})
		policy := ""
		for _, token := range elements(t, text) {
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			switch e.Name.Local {
			case "meta":
				if attribute(e, "http-equiv") == "Content-Security-Policy" {
					policy = attribute(e, "content")
				}
			case "link", "img", "iframe", "object", "embed", "base", "form", "audio", "video", "source", "use", "image", "foreignobject":
				t.Errorf("%s: the page has %v", name, e)
			}
			for _, a := range e.Attr {
				switch key := a.Name.Local; {
				case strings.HasPrefix(key, "on"), key == "style", key == "src", key == "srcdoc":
					t.Errorf("%s: %v", name, e)
				case key == "href" && !page.MatchString(a.Value):
					t.Errorf("%s: a link to %q", name, a.Value)
				}
			}
		}
		if !regexp.MustCompile(`^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';`).MatchString(policy) {
			t.Errorf("%s: the policy is %q", name, policy)
		}
		if strings.ContainsAny(string(text), "\x1b\x00\u202e") || bytes.Contains(text, []byte("ZgotmplZ")) {
			t.Errorf("%s: a control character, or what the template could not place", name)
		}
	}
}

// The elements are closed in the order in which they were opened, and what refers to another finds it.
func TestHTMLIsWellFormed(t *testing.T) {
	void := []string{"meta", "input", "br"}
	for name, r := range reports() {
		var open []string
		ids := map[string]bool{}
		for _, token := range elements(t, formOf(t, "html", r, report.Options{})) {
			switch e := token.(type) {
			case xml.StartElement:
				if !slices.Contains(void, e.Name.Local) {
					open = append(open, e.Name.Local)
				}
				if id := attribute(e, "id"); id != "" {
					if ids[id] {
						t.Errorf("%s: two elements are called %s", name, id)
					}
					ids[id] = true
				}
				if (e.Name.Local == "input" || e.Name.Local == "select") && attribute(e, "aria-label") == "" {
					t.Errorf("%s: %v has no label", name, e)
				}
			case xml.EndElement:
				// RawToken closes by itself what is written <path/>.
				if len(open) == 0 || open[len(open)-1] != e.Name.Local {
					t.Fatalf("%s: %s closes %v", name, e.Name.Local, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: left open: %v", name, open)
		}
	}
}

// shown is the text of a page.
func shown(t *testing.T, page []byte) string {
	t.Helper()
	var b strings.Builder
	for _, token := range elements(t, page) {
		if text, ok := token.(xml.CharData); ok {
			b.WriteString(string(text) + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestHTMLHidesNothing(t *testing.T) {
	r := gated()
	r.Findings[3].Lowered = []match.Lowered{{By: "a-rule", Reason: "nobody calls it"}}
	r.Assessment.Steps = []assess.Step{{Title: "remove event-stream-pro", Closes: []string{"MAL-2025-1"}, Gain: 10,
		Edit: &assess.Edit{File: "package.json", Line: 3, Old: "event-stream-pro", New: ""}, Command: "npm uninstall event-stream-pro"}}
	text := shown(t, formOf(t, "html", r, report.Options{}))
	for _, want := range []string{
		"41.5", "the goal is 85", "1 of 3 goals met", "fail malicious 1 malicious package remove event-stream-pro", "the catalog is 7 months old", "the user is node",
		"remove event-stream-pro closes 1, score +10.0", "package.json:3 - event-stream-pro", "npm uninstall event-stream-pro", "malware",
		"CVE-2025-9230", "overdue, exploited", "libssl3 3.0.17-1~deb12u2 >= 0", "CVE-2022-25883", "distribution: Debian:12 installed it", "(until 2027-01-01)",
		"lowered by a-rule: nobody calls it", `not a database\x1b[2J (layer 1, RUN npm ci)`, "osv/npm of 2026-08-22",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Where nothing could be judged, no page and no comment reads as if nothing were wrong.
func TestNothingJudgedIsNotClean(t *testing.T) {
	spots := []image.BlindSpot{{Kind: image.NoFeed, Message: "no advisory file"}}
	inv := &inventory.Inventory{Packages: []inventory.Package{{PURL: "pkg:npm/a@1", Type: "npm", Name: "a", Version: "1", Extractor: "npm"}}}
	r := newReport(report.Tool{}, &image.Image{Reference: "x"}, nil, inv, nil, nil, spots)
	if text := shown(t, formOf(t, "html", r, report.Options{})); !strings.Contains(text, "nothing was matched") || !strings.Contains(text, "no advisory file") {
		t.Error(text)
	}
	if text := string(formOf(t, "markdown", r, report.Options{})); !strings.Contains(text, "nothing was matched") || !strings.Contains(text, "no advisory file") {
		t.Error(text)
	}
	if doc := formOf(t, "cyclonedx", r, report.Options{}); bytes.Contains(doc, []byte(`"vulnerabilities"`)) {
		t.Error("the document has a list of vulnerabilities")
	}
}

// A page of many findings is not larger than what a browser opens at once.
func TestHTMLOfManyFindings(t *testing.T) {
	if n := len(formOf(t, "html", large(5000), report.Options{})); n > 8<<20 {
		t.Errorf("%d bytes", n)
	}
}

func TestMarkdownGolden(t *testing.T) {
	r := gated()
	r.Assessment.Tally = assess.Tally{ToAct: 2, Scheduled: 1, Deferred: 5, Quieted: 1, Overdue: 1}
	r.Assessment.Steps = []assess.Step{
		{Title: "remove event-stream-pro", Where: "/srv/shop/package.json:12", Closes: []string{"MAL-2025-1"}, Gain: 21.7},
		{Title: "upgrade openssl", Where: "Dockerfile:1: FROM debian:12-slim", Closes: []string{"CVE-2025-9230", "CVE-2026-1111"}, Exploited: 1, Gain: 9.4},
	}
	got := formOf(t, "markdown", r, report.Options{})
	golden(t, "shop.md", got)
}

// visibleLines are those that stand outside of what is folded.
func visibleLines(comment string) []string {
	var lines []string
	depth := 0
	for line := range strings.Lines(comment) {
		depth += strings.Count(line, "<details>")
		if text := strings.TrimSpace(line); depth == 0 && text != "" && !strings.HasPrefix(text, "<!--") {
			lines = append(lines, text)
		}
		depth -= strings.Count(line, "</details>")
	}
	return lines
}

func TestMarkdownIsAShortComment(t *testing.T) {
	all := reports()
	all["5000"] = large(5000)
	quiet := large(5000)
	for i := range quiet.Findings {
		quiet.Findings[i].Quieted = &match.Quieted{By: "a-rule", Reason: strings.Repeat("long ", 100)}
		quiet.BlindSpots = append(quiet.BlindSpots, image.BlindSpot{Message: strings.Repeat("dark", 1000)})
	}
	all["5000 quieted"] = quiet
	for name, r := range all {
		doc := string(formOf(t, "markdown", r, report.Options{}))
		if lines := visibleLines(doc); len(lines) > 5 {
			t.Errorf("%s: %d lines: %q", name, len(lines), lines)
		}
		if n := utf8.RuneCountInString(doc); n > 65536 {
			t.Errorf("%s: %d characters", name, n)
		}
		if !strings.HasPrefix(doc, "<!-- tidewaiter: ") || strings.Count(doc, "<details>") != strings.Count(doc, "</details>") {
			t.Errorf("%s: %s", name, doc[:min(len(doc), 300)])
		}
	}
	if doc := string(formOf(t, "markdown", quiet, report.Options{})); !strings.Contains(doc, "Quieted: 5,009") || !strings.Contains(doc, "rows more, for which there is no room here") {
		t.Error("what is left out is not told")
	}
}

// Whoever posts the comment finds the last one by its first line.
func TestMarkdownIsFoundAgain(t *testing.T) {
	first := func(reference string) string {
		r := gated()
		r.Image.Reference = reference
		line, _, _ := strings.Cut(string(formOf(t, "markdown", r, report.Options{})), "\n")
		return line
	}
	if a, b := first("ghcr.io:443/acme/shop:2.1"), first("ghcr.io:443/acme/shop:2.2@"+digest('a')); a != b || a != "<!-- tidewaiter: ghcr.io:443/acme/shop production -->" {
		t.Errorf("%s, %s", a, b)
	}
}

// Whatever stands in an image, a comment calls nobody, links nowhere, and its tables keep their columns.
func TestMarkdownObeysNothingFromTheImage(t *testing.T) {
	r := hostile()
	for i := range r.Findings {
		r.Findings[i].Of.Name, r.Findings[i].Of.Version = "``` \\| \\\\| ``", "@1"
	}
	r.Assessment.Steps = []assess.Step{{Title: "@everyone <b> | `x", Where: "](http://evil.test) | `", Closes: []string{"x"}}}
	for i := range r.Findings {
		r.Findings[i].Severity, r.Findings[i].Priority = "@evil|", "<script>"
	}
	doc := string(formOf(t, "markdown", r, report.Options{}))
	code := regexp.MustCompile("`[^`]*`")
	columns := 0
	for line := range strings.Lines(doc) {
		line = strings.TrimSuffix(line, "\n")
		outside := code.ReplaceAllString(line, "")
		if !strings.HasPrefix(line, "<!--") && (strings.ContainsAny(outside, "@[]`\\\x1b\u202e") || strings.Contains(outside, "evil") || strings.Contains(outside, "script")) {
			t.Errorf("it stands as markup: %q", line)
		}
		if strings.HasPrefix(line, "<!--") && strings.Count(line, ">") != 1 {
			t.Errorf("the first line is %q", line)
		}
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(regexp.MustCompile(`(^|[^\\])\|`).ReplaceAllString(line, "$1\x00"), "\x00")
		if columns != 0 && n != columns {
			t.Errorf("%d columns, not %d: %q", n, columns, line)
		}
		columns = n
	}
}
