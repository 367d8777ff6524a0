package report

import (
	"io"
	"time"
)

// Options are what the forms need besides the report.
type Options struct {
	TextOptions
	// Dockerfile is the path in the repository of the Dockerfile that instructions name lines of; empty means "Dockerfile".
	Dockerfile string
	// Now is the time of the scan, for the forms that must have one: gitlab, openvex, vulns.
	Now time.Time
	// Template is what the form "template" fills in.
	Template *Template
}

// Form is one way to write a report.
type Form struct {
	// Name is what users call it; About says in a few words what it is and who reads it.
	Name, About string
	Write       func(w io.Writer, r *Report, o Options) error
}

// Forms are all ways to write a report, that for people first.
func Forms() []Form {
	return []Form{
		{"text", "for people", func(w io.Writer, r *Report, o Options) error { return Text(w, r, o.TextOptions) }},
		{"json", "everything that is known, by the published schema", plain(JSON)},
		{"sarif", "SARIF 2.1.0, for code scanning", SARIF},
		{"gitlab", "GitLab's container scanning report", GitLab},
		{"junit", "JUnit's XML: a test for each goal and package", plain(JUnit)},
		{"github", "annotations of a GitHub Actions workflow", GitHub},
		{"markdown", "a comment on a pull request: five lines, and the rest folded", plain(Markdown)},
		{"html", "one page with charts, which opens without a network", plain(HTML)},
		{"cyclonedx", "CycloneDX 1.6 with vulnerabilities and their analysis", plain(CycloneDX)},
		{"openvex", "OpenVEX: what is affected, and what is not and why", OpenVEX},
		{"vulns", "in-toto's vulns predicate, to be attested", Vulns},
		{"csv", "a row for each finding, for spreadsheets", plain(CSV)},
		{"template", "what --template makes of it", func(w io.Writer, r *Report, o Options) error { return o.Template.Write(w, r) }},
	}
}

// plain makes a form of what needs no options.
func plain(write func(w io.Writer, r *Report) error) func(io.Writer, *Report, Options) error {
	return func(w io.Writer, r *Report, _ Options) error { return write(w, r) }
}
