// Package provenance says who built an image, on what, from which source and inputs, and how much of that holds.
//
// In go the attestations that were found with an image, verified or not, and the image itself with the bases that are known; out comes one
// [trust.Provenance]: what the most believable SLSA provenance says (versions 0.1, 0.2 and 1, as BuildKit, GitHub Actions, GitLab, Google
// Cloud Build, Tekton Chains and npm write them), each input with how firmly it is tied down, and each claim with what stands behind it.
//
// This package must never believe a document for lying beside an image: only the status of its attestation, and what the image's own
// layers and configuration show, make a claim more than that. It reads no file and asks no network.
package provenance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/inventory"
	"tidewaiter/layer"
	"tidewaiter/trust"
)

// maxRead bounds how many provenances are read.
const maxRead = 32

// Read says what the provenances among an image's attestations tell. Verified ones go first, of equals the one that tells most; one that
// is broken is never gone by, but named. Where another one, that does not speak of another source, tells the steps of the build and the
// first does not, mode and inputs are taken from there, and marked as such. layers are the indexes of the image's layers, known the bases
// that it is compared with.
//
// It is nil where there is no provenance. One that cannot be read is a blind spot.
func Read(list []trust.Attestation, im *image.Image, layers []*layer.Index, known []inventory.KnownBase) (*trust.Provenance, []image.BlindSpot) {
	documents, broken, spots := parseAll(list)
	r := &reader{image: im, layers: layers, known: known, papers: list}
	if len(documents) == 0 {
		if len(broken) == 0 {
			return nil, spots
		}
		return &trust.Provenance{PredicateType: broken[0].PredicateType, Attested: trust.Broken, Signer: broken[0].Signer.Label(),
			SignedBy: broken[0].Signer, Notes: notUsed(broken)}, spots
	}
	first := documents[0]
	build := first
	for _, d := range documents[1:] {
		if d.tellsSteps() && !build.tellsSteps() && sameSource(first.source(), d.source()) {
			build = d
		}
	}
	p := r.provenance(first, build)
	p.Notes = append(p.Notes, notUsed(broken)...)
	for _, d := range documents[1:] {
		if d != build {
			p.Notes = append(p.Notes, d.differences(first)...)
		}
	}
	return p, spots
}

// Unsigned gives statements that lie beside an image as attestations that nobody signed, for who has nobody to trust.
func Unsigned(statements []image.Statement) []trust.Attestation {
	var list []trust.Attestation
	for _, s := range statements {
		list = append(list, trust.Attestation{
			Kind: trust.OfStatement, Form: "in-toto", PredicateType: s.PredicateType, Status: trust.Unsigned,
			Why: "nobody signed it: whoever could write the image could write it, too", Subjects: s.Subjects,
			Statement: &trust.Statement{PredicateType: s.PredicateType, Predicate: s.Predicate}, Found: trust.Found{How: string(image.ByIndex), Blob: s.Digest},
		})
	}
	return list
}

// parseAll reads the provenances in a list, the one to go by first, and gives those that are broken apart.
func parseAll(list []trust.Attestation) (documents []*document, broken []*trust.Attestation, spots []image.BlindSpot) {
	var papers []*trust.Attestation
	for i := range list {
		if inventory.IsProvenance(list[i].PredicateType) {
			papers = append(papers, &list[i])
		}
	}
	// What anybody may attach must not crowd out what is verified.
	slices.SortStableFunc(papers, func(a, b *trust.Attestation) int { return cmp.Compare(rank(a.Status), rank(b.Status)) })
	for _, a := range papers {
		if a.Status == trust.Broken || a.Statement == nil {
			broken = append(broken, a)
			continue
		}
		if len(documents) == maxRead {
			return documents, broken, append(spots, unread(a, image.LimitReached, fmt.Errorf("the image has more than %d provenances: the rest is not read", maxRead)))
		}
		d, err := parse(a)
		if err != nil {
			spots = append(spots, unread(a, image.UnreadablePaper, fmt.Errorf("the provenance is not valid: %w", err)))
			continue
		}
		documents = append(documents, d)
	}
	slices.SortStableFunc(documents, func(a, b *document) int {
		return cmp.Or(cmp.Compare(rank(a.attestation.Status), rank(b.attestation.Status)), cmp.Compare(b.richness(), a.richness()),
			cmp.Compare(a.where(), b.where()))
	})
	return documents, broken, spots
}

func unread(a *trust.Attestation, kind image.BlindSpotKind, err error) image.BlindSpot {
	return image.BlindSpot{Kind: kind, Where: "attestation " + cmp.Or(a.Found.Blob, a.Found.Manifest), Message: oneLine(err.Error(), maxWhy)}
}

// rank puts the most believable status first.
func rank(s trust.Status) int {
	return slices.Index([]trust.Status{trust.Verified, trust.Stranger, trust.Unsigned, trust.Broken}, s)
}

// notUsed names the provenances that are broken.
func notUsed(broken []*trust.Attestation) []string {
	var notes []string
	for _, a := range broken {
		notes = append(notes, oneLine(fmt.Sprintf("the provenance %s is broken and was not gone by: %s", shortDigest(cmp.Or(a.Found.Blob, a.Found.Manifest)), a.Why), maxWhy))
	}
	slices.Sort(notes)
	return slices.Compact(notes)
}

// differences says in what a provenance that is not gone by contradicts the one that is.
func (d *document) differences(used *document) []string {
	var notes []string
	say := func(what, here, there string) {
		if here != "" && there != "" && here != there {
			notes = append(notes, oneLine(fmt.Sprintf("another provenance (%s) names another %s: %s", d.attestation.Status.Words(), what, here), maxWhy))
		}
	}
	say("builder", d.builder(), used.builder())
	if !sameSource(d.source(), used.source()) {
		say("source", d.source().String(), used.source().String())
	}
	return notes
}

// provenance puts together what one document says of the build as a whole, and one, mostly the same, of its steps.
func (r *reader) provenance(d, build *document) *trust.Provenance {
	a := d.attestation
	p := &trust.Provenance{
		PredicateType: a.PredicateType, BuildType: oneLine(d.buildType(), maxName), Attested: a.Status, Signer: a.Signer.Label(), SignedBy: a.Signer,
		Builder: oneLine(withoutUser(d.builder()), maxName), Platform: oneLine(d.builderPlatform(), maxName), Invocation: oneLine(withoutUser(d.invocation()), maxName),
		Started: d.started(), Finished: d.finished(), Mode: build.mode(),
	}
	if s := d.source(); s.uri != "" {
		p.Source = &trust.BuildSource{URI: s.uri, Commit: s.commit, Ref: s.ref, Entry: s.entry}
	}
	if build != d {
		p.InputsAttested = build.attestation.Status
	}
	r.bases = build.steps.Bases(r.image, r.layers, r.known)
	var notes []string
	p.Inputs, notes = r.inputs(build)
	p.Notes = append(p.Notes, notes...)
	p.Claims = r.claims(p, d, build)
	return p
}

// reader holds documents against an image.
type reader struct {
	image  *image.Image
	layers []*layer.Index
	known  []inventory.KnownBase
	papers []trust.Attestation
	// bases are the images that the document names as the base, compared with the image.
	bases []inventory.Base
}

// Bounds on what is shown of a document.
const (
	maxName = 1 << 10 // bytes
	maxWhy  = 1 << 9
)

// oneLine keeps a text to one line of n bytes at most.
func oneLine(text string, n int) string {
	if len(text) > n {
		text = strings.ToValidUTF8(text[:n], "") + "..."
	}
	return strings.Join(strings.Fields(text), " ")
}

// shortDigest gives a digest as people compare it.
func shortDigest(digest string) string {
	const shown = len("sha256:") + 12
	return digest[:min(len(digest), shown)]
}
