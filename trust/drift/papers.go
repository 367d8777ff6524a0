package drift

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"tidewaiter/image"
	"tidewaiter/sbom"
	"tidewaiter/trust"
)

// maxDocuments bounds how many SBOMs of one image are compared.
const maxDocuments = 32

// IsSBOM says whether an attestation is an SBOM: a statement of a predicate type of SPDX, CycloneDX or Syft, with or without a
// version behind it, or such a document as it is.
func IsSBOM(a *trust.Attestation) bool {
	if a.Kind == trust.OfDocument {
		form := strings.ToLower(a.Form)
		return strings.Contains(form, "spdx") || strings.Contains(form, "cyclonedx") || strings.Contains(form, "syft")
	}
	for _, uri := range []string{"https://spdx.dev/Document", "https://cyclonedx.org/bom", "https://cyclonedx.org/schema", "https://syft.dev/bom"} {
		if rest, ok := strings.CutPrefix(a.PredicateType, uri); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// OfAttestations compares each SBOM among an image's attestations. One that cannot be read is a blind spot. What the status of an
// attestation is matters for what a comparison is worth, and not for whether it is made.
func OfAttestations(list []trust.Attestation, aboard Aboard) ([]trust.Drift, []image.BlindSpot) {
	found, spots := readAll(list)
	var all []trust.Drift
	for _, f := range found {
		d := trust.Drift{Differences: []trust.Difference{}}
		if stage := f.stage(found); stage != "" {
			d.Format, d.Tool, d.Stage, d.Claimed = f.doc.Format, toolOf(f.doc), stage, len(f.doc.Inventory.Packages)
			d.Notes = []string{"it is about stage " + stage + " of the build, and not about the image: not compared"}
		} else {
			d = Compare(f.doc, aboard)
		}
		d.Where, d.Attested, d.Signer = whereOf(f.paper), f.paper.Status, f.paper.Signer.Label()
		all = append(all, d)
	}
	return all, spots
}

// attested is an SBOM with what it was read from.
type attested struct {
	paper *trust.Attestation
	doc   *sbom.Document
}

func readAll(list []trust.Attestation) (found []attested, spots []image.BlindSpot) {
	for i := range list {
		a := &list[i]
		if !IsSBOM(a) {
			continue
		}
		if len(found)+len(spots) == maxDocuments {
			return found, append(spots, image.BlindSpot{Kind: image.LimitReached, Message: fmt.Sprintf("more than %d SBOMs: the rest is not compared", maxDocuments)})
		}
		doc, err := readAttested(a)
		if err != nil {
			spots = append(spots, image.BlindSpot{Kind: image.UnreadablePaper, Where: "attestation " + a.Found.Blob, Message: "SBOM: " + err.Error()})
			continue
		}
		found = append(found, attested{a, doc})
	}
	return found, spots
}

// core is what BuildKit calls the SBOM of the image; those of stages and of the context are called sbom-STAGE, as far as the
// generator keeps to that: https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
const core = "sbom"

// stage gives the stage of the build that an SBOM is about, where it is one of those that BuildKit makes beside that of the image.
func (a attested) stage(all []attested) string {
	name := a.doc.Image.Reference
	if a.paper.Found.How != "index" || name == core {
		return ""
	}
	if stage, ok := strings.CutPrefix(name, core+"-"); ok {
		return stage
	}
	for _, other := range all {
		if other.paper.Found.How == "index" && other.paper.Found.Manifest == a.paper.Found.Manifest && other.doc.Image.Reference == core {
			return name
		}
	}
	return ""
}

func readAttested(a *trust.Attestation) (*sbom.Document, error) {
	switch {
	case a.Statement != nil:
		var text string // as cosign writes documents that are no JSON
		if json.Unmarshal(a.Statement.Predicate, &text) == nil {
			return sbom.Read(strings.NewReader(text))
		}
		return sbom.Read(bytes.NewReader(a.Statement.Predicate))
	case a.Document != nil:
		return sbom.Read(bytes.NewReader(a.Document))
	}
	return nil, fmt.Errorf("there is nothing to read: %s", a.Why)
}

func whereOf(a *trust.Attestation) string {
	if a.Found.Blob != "" {
		return a.Found.Blob
	}
	return a.Found.Manifest
}

func toolOf(doc *sbom.Document) string {
	return strings.TrimSpace(doc.Tool.Name + " " + doc.Tool.Version)
}
