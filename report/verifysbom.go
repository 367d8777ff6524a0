package report

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"strings"

	"tidewaiter/trust"
)

// shownDrifts is how many differences of one SBOM are shown, unless all is asked for.
const shownDrifts = 8

// sbomPart writes how each SBOM compares with what is aboard: first whether it is about this image at all, then what differs, then
// what was compared.
func (s *screen) sbomPart(list []trust.Drift, all bool) {
	for i := range list {
		d := &list[i]
		s.section("SBOM against content", Clean(sbomLabel(d)))
		if d.OtherImage != "" {
			s.line("    ", s.red("! it says that it is about another image: "+Clean(short(d.OtherImage))))
		}
		shown, more := head(d.Differences, shownDrifts, all)
		for j := range shown {
			s.difference(&shown[j])
		}
		s.more(more, "difference")
		if d.Stage == "" {
			s.wrapped("    ", heldAgainst(d))
		}
		notes, rest := head(d.Notes, 4, all)
		for _, n := range notes {
			s.wrapped("    ", s.paint(ansiFaint, "note: ")+Clean(n))
		}
		s.more(rest, "note")
	}
}

// sbomLabel says which document it was, and who vouches for it.
func sbomLabel(d *trust.Drift) string {
	vouched := "given by you"
	if d.Attested != "" {
		vouched = d.Attested.Words()
		if d.Signer != "" {
			vouched += " (" + d.Signer + ")"
		}
	}
	return strings.Join(nonEmpty(shortInput(d.Where), d.Format, d.Tool, vouched), ", ")
}

// difference writes one in two lines: what differs and where, then which instruction brought it.
func (s *screen) difference(d *trust.Difference) {
	name, at := attestedName(d.Package), ""
	if d.Path != "" {
		at = "/" + Clean(d.Path)
	}
	ofFile := isSum(d.Attested) || isSum(d.Actual)
	subject, rest := strings.TrimSpace(name+" "+Clean(cmp.Or(d.Actual, d.Attested))), "  "+at
	if ofFile {
		subject, rest = at, ""
		if name != "" {
			rest = ", of " + name
		}
	}
	switch d.Kind {
	case trust.OtherContent:
		s.wrapped("    ~ ", s.red(subject)+"  other content"+rest+": attested "+shortSum(d.Attested)+", aboard "+shortSum(d.Actual))
	case trust.OtherVersion:
		s.wrapped("    ^ ", s.red(name)+fmt.Sprintf("  %s attested, %s aboard", Clean(orNone(d.Attested)), Clean(orNone(d.Actual)))+rest)
	case trust.NotAttested:
		s.wrapped("    + ", s.red(subject)+"  aboard, not in the SBOM"+rest)
	case trust.NotPresent:
		s.wrapped("    - ", s.red(subject)+"  in the SBOM, not aboard"+rest)
	}
	if d.Layer != nil {
		where := fmt.Sprintf("layer %d", *d.Layer)
		if d.DockerfileLine > 0 {
			where += fmt.Sprintf("  Dockerfile:%d", d.DockerfileLine)
		}
		s.line("      ", s.paint(ansiFaint, cut(where+"  "+instructionText(d.Instruction), s.width-6)))
	}
}

// attestedName gives a package's name out of its purl, with what tells it from others of its kind; the version, or both of them,
// stand beside it.
func attestedName(purl string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(purl, "pkg:"), "?")
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		name = name[:at]
	}
	kind, name, _ := strings.Cut(name, "/")
	switch kind {
	case "deb", "apk", "rpm":
		name = path.Base(name)
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return Clean(name)
}

// isSum tells a file's digest from a package's version.
func isSum(text string) bool {
	algorithm, _, _ := strings.Cut(text, ":")
	return algorithm == "sha256" || algorithm == "sha1" || algorithm == "md5" || algorithm == "sha512"
}

func orNone(version string) string {
	if version == "" {
		return "(no version)"
	}
	return version
}

// shortSum shortens a digest that a document gives, of any algorithm.
func shortSum(digest string) string { return Clean(short(digest)) }

// heldAgainst says what was found to be as the document says.
func heldAgainst(d *trust.Drift) string {
	text := fmt.Sprintf("aboard as listed: %s of %s", number(d.Same), plural(d.Claimed, "package"))
	if d.Claimed == 0 {
		text = "no package is listed"
	}
	if d.FilesSame > 0 {
		text += fmt.Sprintf(", and the content of %s", plural(d.FilesSame, "file"))
	}
	if d.Uncompared > 0 {
		text += fmt.Sprintf("; not vouched for: %s", plural(d.Uncompared, "package"))
	}
	return text
}
