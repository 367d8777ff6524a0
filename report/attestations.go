package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/trust"
)

// AttestationsSchema is the JSON schema of what [AttestationsJSON] writes.
//
//go:embed schema-attestations.json
var AttestationsSchema []byte

// Attestations are all papers that are tied to an image, in the shape of schema-attestations.json.
type Attestations struct {
	SchemaVersion int          `json:"schemaVersion"`
	Tool          Tool         `json:"tool"`
	Image         assess.Image `json:"image"`
	// Index is the digest of the index that the image was chosen from; empty where there was none.
	Index        string              `json:"index,omitempty"`
	Attestations []trust.Attestation `json:"attestations"`
	BlindSpots   []image.BlindSpot   `json:"blindSpots"`
}

// NewAttestations puts the list together.
func NewAttestations(tool Tool, im assess.Image, index string, list []trust.Attestation, spots []image.BlindSpot) *Attestations {
	return &Attestations{SchemaVersion: SchemaVersion, Tool: tool, Image: im, Index: index,
		Attestations: notNil(list), BlindSpots: notNil(image.SortBlindSpots(spots))}
}

// AttestationsJSON writes the list as the contract says.
func AttestationsJSON(w io.Writer, a *Attestations) error { return writeJSON(w, a) }

// AttestationsText writes the list for people: of each paper what it is, whether it can be believed and why, what it is about and where
// it was found.
func AttestationsText(w io.Writer, a *Attestations, o TextOptions) error {
	b := bufio.NewWriter(w)
	s := newScreen(b, o)
	s.line(strings.Join(nonEmpty(s.bold(Clean(a.Image.Reference)), short(a.Image.Digest), Clean(a.Image.Platform)), "  "))
	s.fact("papers", attestationCounts(a.Attestations))
	for i := range a.Attestations {
		p := &a.Attestations[i]
		s.line()
		s.paper(p)
		s.wrapped("      ", strings.Join(nonEmpty(a.about(p), a.found(p)), "; "))
	}
	blindSpots(s, &Report{Subject: assess.Subject{BlindSpots: a.BlindSpots}}, true)
	return b.Flush()
}

// shownPapers is how many papers the screen of a verification shows, unless all is asked for.
const shownPapers = 10

// attestationsPart writes what is tied to an image as part of a verification: what cannot be believed comes first.
func (s *screen) attestationsPart(list []trust.Attestation, all bool) {
	s.section("Attestations", attestationCounts(list))
	ranks := paperStatuses()
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b trust.Attestation) int {
		return slices.Index(ranks, a.Status) - slices.Index(ranks, b.Status)
	})
	shown, more := head(sorted, shownPapers, all)
	for i := range shown {
		s.paper(&shown[i])
	}
	s.more(more, "paper")
}

// paperStatuses are the statuses, the worst first.
func paperStatuses() []trust.Status {
	return []trust.Status{trust.Broken, trust.Stranger, trust.Unsigned, trust.Verified}
}

// paper writes what a paper is and how it stands, and the reason under it.
func (s *screen) paper(a *trust.Attestation) {
	status := a.Status.Words()
	switch a.Status {
	case trust.Broken:
		status = s.red(status)
	case trust.Stranger, trust.Unsigned:
		status = s.paint(ansiYellow, status)
	}
	by := ""
	if a.Signer != nil {
		by = "  by " + Clean(a.Signer.Label())
	}
	s.wrapped("    ", s.bold(paperName(a))+"  "+status+by)
	s.wrapped("      ", Clean(a.Why))
}

// attestationCounts says how many papers there are of each status.
func attestationCounts(list []trust.Attestation) string {
	if len(list) == 0 {
		return "none: nothing is attached to the image"
	}
	count := map[trust.Status]int{}
	for _, a := range list {
		count[a.Status]++
	}
	var parts []string
	for _, status := range slices.Backward(paperStatuses()) {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status.Words()))
		}
	}
	return strings.Join(parts, ", ")
}

// predicateNames are what the types of predicates are called, by the beginning of their URI
// (https://github.com/in-toto/attestation/tree/main/spec/predicates, and what cosign, Docker and OpenVEX write).
var predicateNames = [][2]string{
	{"https://slsa.dev/provenance/", "SLSA provenance"},
	{"https://slsa.dev/verification_summary/", "SLSA verification summary"},
	{"https://spdx.dev/Document", "SPDX SBOM"},
	{"https://cyclonedx.org/bom", "CycloneDX SBOM"},
	{"https://openvex.dev/ns", "OpenVEX statements"},
	{"https://in-toto.io/attestation/vulns", "vulnerability scan"},
	{"https://cosign.sigstore.dev/attestation/vuln/", "vulnerability scan"},
	{"https://in-toto.io/attestation/test-result/", "test result"},
	{"https://in-toto.io/attestation/link/", "in-toto link"},
	{"https://in-toto.io/attestation/release", "release"},
	{"https://in-toto.io/attestation/svr/", "verification result"},
	{"https://in-toto.io/attestation/scai", "SCAI report"},
	{"https://scout.docker.com/sbom/", "Docker Scout SBOM"},
	{"https://scout.docker.com/vulnerabilities/", "Docker Scout scan"},
	{"https://scout.docker.com/provenance/", "Docker Scout provenance"},
	{trust.BindingV1, "binding to environments"},
}

// documentNames are what bare documents are called.
var documentNames = map[string]string{"spdx": "SPDX SBOM", "cyclonedx": "CycloneDX SBOM", "openvex": "OpenVEX statements", "syft": "Syft SBOM"}

// paperName says what a paper is, in words where there are some for it.
func paperName(a *trust.Attestation) string {
	switch {
	case a.Kind == trust.OfSignature:
		return "signature"
	case a.Kind == trust.OfDocument:
		if name := documentNames[a.Form]; name != "" {
			return name + ", bare"
		}
		return "document"
	case a.PredicateType == "":
		return "a paper that cannot be read"
	}
	for _, known := range predicateNames {
		if rest, ok := strings.CutPrefix(a.PredicateType, known[0]); ok {
			return strings.TrimSpace(known[1] + " " + Clean(strings.Trim(rest, "/")))
		}
	}
	return Clean(a.PredicateType)
}

// about says what a paper says that it is about.
func (a *Attestations) about(p *trust.Attestation) string {
	var words []string
	for _, digest := range p.Subjects {
		words = append(words, a.name(digest))
	}
	if len(words) == 0 {
		return ""
	}
	shown, more := head(slices.Compact(words), 4, false)
	text := "about " + strings.Join(shown, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// name says what a digest is of.
func (a *Attestations) name(digest string) string {
	switch digest {
	case a.Image.Digest:
		return "this image"
	case a.Index:
		return "the index"
	}
	return Clean(short(digest))
}

// found says where a paper was, and how it is written.
func (a *Attestations) found(p *trust.Attestation) string {
	to := a.name(p.Found.AttachedTo)
	var how string
	switch image.How(p.Found.How) {
	case image.ByIndex:
		how = "found beside " + to + " in the index"
	case image.ByReferrer:
		how = "found as a referrer of " + to
	case image.ByReferrersTag:
		how = "found as a referrer of " + to + " under the fallback tag"
	case image.ByCosignTag:
		how = "found under the tag " + Clean(path.Ext(p.Found.Tag)) + " of " + to
	case image.ByLayout:
		how = "found in the layout, saved with " + to
	default:
		how = Clean(p.Found.How)
	}
	return fmt.Sprintf("%s (%s)", how, strings.Join(nonEmpty(Clean(p.Form), short(p.Found.Blob)), " "))
}
