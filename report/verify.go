package report

import (
	"bufio"
	"cmp"
	_ "embed"
	"io"
	"strconv"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/trust"
)

// VerificationSchema is the JSON schema of what [VerificationJSON] writes.
//
//go:embed schema-verify.json
var VerificationSchema []byte

// Verification is the report on an image's papers, in the shape of the JSON contract.
type Verification struct {
	SchemaVersion int                `json:"schemaVersion"`
	Tool          Tool               `json:"tool"`
	Image         assess.Image       `json:"image"`
	Verdict       trust.CheckVerdict `json:"verdict"`
	trust.Verification
	BlindSpots []image.BlindSpot `json:"blindSpots"`
}

// NewVerification puts together what was found out about an image's papers.
func NewVerification(tool Tool, im assess.Image, v trust.Verification, spots []image.BlindSpot) *Verification {
	v.Checks = notNil(v.Checks)
	return &Verification{SchemaVersion: SchemaVersion, Tool: tool, Image: im, Verdict: v.Verdict(), Verification: v,
		BlindSpots: notNil(image.SortBlindSpots(spots))}
}

// VerificationJSON writes a verification as the contract says.
func VerificationJSON(w io.Writer, v *Verification) error { return writeJSON(w, v) }

// VerificationText writes a verification for people: what each check came to, and then what stands behind it. In an overview, which asks
// all at once, that is only shown of what is false, and of who signed.
func VerificationText(w io.Writer, v *Verification, overview bool, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	s.line(strings.Join(nonEmpty(s.bold(Clean(v.Image.Reference)), short(cmp.Or(v.Image.Digest, v.Image.ID)), Clean(v.Image.Platform)), "  "))
	s.line("  ", s.checkVerdict(v.Verdict), "  ", verificationSummary(v.Checks))
	s.line()
	s.checks(v.Checks)
	hidden := "" // a check that stands for those of which nothing more is shown
	for _, c := range v.Checks {
		switch {
		case !overview || o.All || c.Verdict == trust.Fail || c.Name == "signatures" && len(v.Attestations) > 0:
			s.behind(c.Name, v, o.All)
		case c.Name != "signatures":
			hidden = cmp.Or(hidden, c.Name)
		}
	}
	if hidden != "" {
		s.line()
		s.wrapped("  ", "what stands behind a check: --all, or its name as a flag, as in --"+hidden)
	}
	blindSpots(s, &Report{Subject: assess.Subject{BlindSpots: v.BlindSpots}}, o.All)
	return b.Flush()
}

// behind writes what stands behind a check.
func (s *screen) behind(check string, v *Verification, all bool) {
	switch {
	case check == "signatures":
		s.attestationsPart(v.Attestations, all)
	case check == "provenance" && v.Provenance != nil:
		s.provenancePart(v.Provenance, all)
	case check == "sbom" && len(v.SBOMs) > 0:
		s.sbomPart(v.SBOMs, all)
	case check == "files" && v.Integrity != nil:
		s.filesPart(v.Integrity, all)
	case check == "declared" && v.Declared != nil:
		s.declaredPart(v.Declared, all)
	case check == "approval" && v.Replay != nil:
		s.replayPart(v.Replay, all)
	}
}

// checks writes a line for each check, and under it what to do where it does not pass.
func (s *screen) checks(checks []trust.Check) {
	const word = len("unknown")
	name := 0
	for _, c := range checks {
		name = max(name, len(c.Name))
	}
	for _, c := range checks {
		label := s.checkVerdict(c.Verdict)
		label += strings.Repeat(" ", word-visible(label))
		s.wrapped("  "+label+"  "+c.Name+strings.Repeat(" ", name-len(c.Name)+2), Clean(c.Reason))
		if c.Step != "" {
			s.wrapped(strings.Repeat(" ", 2+word+2+name+2)+"-> ", Clean(c.Step))
		}
	}
}

// checkVerdict says how a check came out, in words that do not need a colour.
func (s *screen) checkVerdict(v trust.CheckVerdict) string {
	switch v {
	case trust.Pass:
		return "holds"
	case trust.Fail:
		return s.red("false")
	}
	return s.paint(ansiYellow, "unknown")
}

// verificationSummary counts the checks by how they came out, the worst first.
func verificationSummary(checks []trust.Check) string {
	var failed, unknown, passed int
	for _, c := range checks {
		switch c.Verdict {
		case trust.Fail:
			failed++
		case trust.Pass:
			passed++
		default:
			unknown++
		}
	}
	var parts []string
	if failed > 0 {
		parts = append(parts, strconv.Itoa(failed)+" false")
	}
	if unknown > 0 {
		parts = append(parts, strconv.Itoa(unknown)+" unknown")
	}
	switch {
	case passed == 1:
		parts = append(parts, "1 holds")
	case passed > 1:
		parts = append(parts, strconv.Itoa(passed)+" hold")
	}
	if len(parts) == 0 {
		return ""
	}
	return " checks: " + strings.Join(parts, ", ")
}
