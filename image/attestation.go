package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Bounds on the attestations that are looked at for one image.
const (
	maxAttestations = 16
	maxStatements   = 64
)

// The annotations by which BuildKit marks an index's entry as the attestations of another one
// (https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md).
const (
	referenceType   = "vnd.docker.reference.type"
	referenceDigest = "vnd.docker.reference.digest"
	attestationType = "attestation-manifest"

	statementMediaType = "application/vnd.in-toto+json"
	predicateTypeKey   = "in-toto.io/predicate-type"
)

// Statement is an in-toto statement about an image (https://github.com/in-toto/attestation/tree/main/spec). Nobody has
// signed it: whoever could write the image could write it, too.
type Statement struct {
	PredicateType string
	Predicate     json.RawMessage
	// Subjects are the digests that the statement is about; the image's own is among them.
	Subjects []string
	// Digest is that of the statement's blob.
	Digest string
}

// Statements reads those of the image's attestations whose predicate type is wanted, out of the attestation manifests
// that BuildKit puts into the index beside an image ([Beside]). A statement that is not about this image is left out. What cannot
// be read is a blind spot; the only error is that of ctx.
func (im *Image) Statements(ctx context.Context, want func(predicateType string) bool) ([]Statement, []BlindSpot, error) {
	artifacts, spots, err := im.Attached(ctx, Beside)
	if err != nil {
		return nil, nil, err
	}
	var found []Statement
	for _, a := range artifacts {
		statements, err := a.statements(ctx, im.Digest, want)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		found = append(found, statements...)
		lacking := im.store.partial && errors.Is(err, fs.ErrNotExist) // as in an archive of one platform
		if err != nil && !lacking {
			spots = append(spots, attestationSpot(UnreadablePaper, a.Digest, err))
		}
	}
	return found, spots, nil
}

func attestationSpot(kind BlindSpotKind, digest string, err error) BlindSpot {
	return BlindSpot{Kind: kind, Where: "attestation " + digest, Message: oneLine(err)}
}

// noteAttestations keeps what an index says of attestations, for when they are asked for.
func (o *ociStore) noteAttestations(entries []descriptor) {
	for _, d := range entries {
		subject := d.Annotations[referenceDigest]
		if d.Annotations[referenceType] != attestationType || !validDigest(subject) {
			continue
		}
		if o.attestations == nil {
			o.attestations = map[string][]descriptor{}
		}
		noted := o.attestations[subject]
		same := func(e descriptor) bool { return e.Digest == d.Digest }
		if len(noted) <= maxAttestations && !slices.ContainsFunc(noted, same) { // one over the bound shows that it was hit
			o.attestations[subject] = append(noted, d)
		}
	}
}

// beside gives the attestation manifests that an index lists for an image.
func (o *ociStore) beside(digest string) (ties []tie, spots []BlindSpot) {
	for i, d := range o.attestations[digest] {
		if i == maxAttestations {
			err := fmt.Errorf("the image has more than %d attestation manifests: the rest is not read", maxAttestations)
			return ties, []BlindSpot{attestationSpot(LimitReached, digest, err)}
		}
		ties = append(ties, tie{d, Attachment{How: ByIndex, To: digest}})
	}
	return ties, nil
}

// statements reads the wanted statements of one attestation manifest. What was read before an error is given with it.
func (a *Artifact) statements(ctx context.Context, subject string, want func(predicateType string) bool) ([]Statement, error) {
	if a.Subject != "" && a.Subject != subject {
		return nil, fmt.Errorf("its subject is %q, another image than the index says", a.Subject)
	}
	var found []Statement
	for _, b := range a.Blobs {
		if b.MediaType != statementMediaType || !want(b.Annotations[predicateTypeKey]) {
			continue
		}
		if len(found) == maxStatements {
			return found, fmt.Errorf("it holds more than %d statements: the rest is not read", maxStatements)
		}
		raw, err := a.Document(ctx, b)
		if err != nil {
			return found, err
		}
		s, err := parseStatement(raw)
		if err != nil {
			return found, fmt.Errorf("statement %s: %w", b.Digest, err)
		}
		if s.Digest = b.Digest; s.isAbout(subject) && want(s.PredicateType) {
			found = append(found, s)
		}
	}
	return found, nil
}

// parseStatement reads an in-toto statement, version 0.1 or 1.
func parseStatement(raw []byte) (Statement, error) {
	var s struct {
		Type          string `json:"_type"`
		PredicateType string `json:"predicateType"`
		Subject       []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return Statement{}, fmt.Errorf("not valid: %w", err)
	}
	if !strings.HasPrefix(s.Type, "https://in-toto.io/Statement/") {
		return Statement{}, fmt.Errorf("not an in-toto statement: its type is %q", shorten(s.Type))
	}
	statement := Statement{PredicateType: s.PredicateType, Predicate: s.Predicate}
	for _, subject := range s.Subject {
		for algorithm, hex := range subject.Digest {
			if d := algorithm + ":" + hex; validDigest(d) {
				statement.Subjects = append(statement.Subjects, d)
			}
		}
	}
	slices.Sort(statement.Subjects) // a map has no order
	return statement, nil
}

func (s *Statement) isAbout(digest string) bool { return slices.Contains(s.Subjects, digest) }

// mergeAnnotations gives those of all; where two say the same key, the later one counts.
func mergeAnnotations(all ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, annotations := range all {
		maps.Copy(merged, annotations)
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}
