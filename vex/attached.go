package vex

import (
	"context"
	"errors"
	"slices"
	"strings"

	"tidewaiter/image"
)

// The media types of signed attestations: cosign's, and sigstore bundles.
const (
	dsseType     = "application/vnd.dsse.envelope.v1+json"
	bundlePrefix = "application/vnd.dev.sigstore.bundle"
)

// Attached reads the signed attestations that are attached to an image: its referrers, and cosign's. One that nobody whom
// the user believes signed is a claim; one that is about another image is left out. What cannot be read is a blind spot;
// the only error is that of ctx.
func (r *Reader) Attached(ctx context.Context, im *image.Image) ([]Statement, []image.BlindSpot, error) {
	artifacts, spots, err := im.Attached(ctx, image.Everywhere)
	if err != nil {
		return nil, nil, err
	}
	var all []Statement
	for _, a := range artifacts {
		for _, b := range a.Blobs[:min(len(a.Blobs), maxEnvelopes)] {
			if !mayHold(a, b) {
				continue
			}
			raw, err := a.Document(ctx, b)
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			if err == nil {
				var statements []Statement
				statements, err = r.attachedBlob(im, b.Digest, raw)
				all = append(all, statements...)
			}
			if err != nil {
				spots = append(spots, unread("attestation "+b.Digest, err))
			}
		}
	}
	all, spots = bounded(all, spots)
	return all, spots, nil
}

// mayHold says whether a blob may be an attestation with statements: where its predicate type is said beside it, by that.
func mayHold(a *image.Artifact, b image.Blob) bool {
	if b.MediaType != dsseType && !strings.HasPrefix(b.MediaType, bundlePrefix) {
		return false
	}
	for _, said := range []string{b.Annotations["predicateType"], a.Annotations["dev.sigstore.bundle.predicateType"]} {
		if said != "" && !IsPredicate(said) {
			return false
		}
	}
	return true
}

func (r *Reader) attachedBlob(im *image.Image, digest string, raw []byte) ([]Statement, error) {
	statements, subjects, err := r.attestation(raw)
	if errors.Is(err, errNotVEX) {
		return nil, nil
	}
	about := func(subject string) bool { return subject == im.Digest || subject == im.Index }
	if err != nil || !slices.ContainsFunc(subjects, about) {
		return nil, err
	}
	for i := range statements {
		statements[i].Source, statements[i].Bulk = "attestation "+digest, true
	}
	return statements, nil
}
