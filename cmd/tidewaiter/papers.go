package main

import (
	"context"
	"slices"
	"time"

	"tidewaiter/assess"
	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/trust/approval"
	"tidewaiter/trust/provenance"
)

// papers are what is attached to an image, with who signed it; nil where nobody is trusted, so that none was looked for.
type papers struct {
	list  []trust.Attestation
	spots []image.BlindSpot
}

// trusted are the rules of who may sign what; none where the command does not look at papers.
func (o *scanOptions) trusted() ([]trust.Rule, error) {
	if o.trust == nil {
		return nil, nil
	}
	return o.trust.rules(o.settings())
}

// readPapers looks for what is attached to an image, wherever it lies, if somebody is trusted to sign: only that decides anything.
func (o *scanOptions) readPapers(ctx context.Context, im *image.Image, now time.Time) (*papers, error) {
	rules, err := o.trusted()
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	verifier, err := o.trust.verifier(o.settings(), now)
	if err != nil {
		return nil, err
	}
	list, spots, err := verifier.Attestations(ctx, im)
	if err != nil {
		return nil, err
	}
	list = o.retold.papers(list)
	o.redactPapers(list)
	return &papers{list, spots}, nil
}

// exposures are the words for how far an image may be exposed.
func exposures() []string {
	var words []string
	for _, e := range assess.Exposures() {
		words = append(words, string(e))
	}
	return words
}

// placeless leaves out by which way papers were found: it says nothing of what they say, and the same image gives the same report wherever
// it was copied to.
func placeless(list []trust.Attestation) []trust.Attestation {
	out := slices.Clone(list)
	for i := range out {
		f := &out[i].Found
		f.How, f.Tag, f.Manifest = "", "", ""
	}
	return out
}

// addPapers puts into a subject what its papers say. Where nobody is trusted, the provenance that lies beside the image is a claim.
func (a *aboard) addPapers(subject *assess.Subject) {
	if a.earlier != nil {
		subject.Bindings, subject.Provenance = a.earlier.Bindings, a.earlier.Provenance
		return
	}
	list := provenance.Unsigned(a.built)
	if p := a.papers; p != nil {
		list = p.list
		subject.Attestations, subject.Bindings = assess.NewAttestations(placeless(p.list)), approval.Bindings(p.list, exposures())
		subject.BlindSpots = append(subject.BlindSpots, p.spots...)
	}
	said, unread := provenance.Read(list, a.image, a.layers, a.known)
	subject.Provenance, subject.BlindSpots = said, image.SortBlindSpots(append(subject.BlindSpots, unread...))
}
