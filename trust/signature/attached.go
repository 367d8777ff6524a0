package signature

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// maxPapers bounds the papers of one image.
const maxPapers = 512

// readPapers reads the papers of one artifact, at most so many. A blob that is no paper, such as the key to a layer's files, is left out.
func readPapers(ctx context.Context, a *image.Artifact, most int) (papers []*paper, spots []image.BlindSpot) {
	for _, b := range a.Blobs {
		if !isPaper(a, b) {
			continue
		}
		if len(papers) >= most {
			return papers, append(spots, image.BlindSpot{Kind: image.LimitReached, Where: "attestation " + a.Digest,
				Message: fmt.Sprintf("the image has more than %d papers: the rest is not read", maxPapers)})
		}
		found := trust.Found{How: string(a.Attached.How), Tag: a.Attached.Tag, AttachedTo: a.Attached.To, Manifest: a.Digest, Blob: b.Digest, MediaType: b.MediaType}
		raw, err := a.Document(ctx, b)
		if ctx.Err() != nil {
			return nil, nil
		}
		typed := found
		if !isPaperType(b.MediaType) {
			typed.MediaType = a.Type // as oras attaches files
		}
		p := readPaper(raw, typed, b.Annotations)
		if err != nil {
			p = unread(p, err, b.Annotations, a.Annotations)
		}
		p.found = found
		if p.kind == trust.OfDocument && a.Subject != "" {
			p.subjects = []string{a.Subject}
		}
		papers = append(papers, p)
	}
	return papers, spots
}

// unread makes a paper one that is listed and cannot be read; what the annotations, its own or its manifest's, say that it is shows what is
// missing.
func unread(p *paper, err error, annotations ...map[string]string) *paper {
	p.fault, p.document = err, nil
	for _, list := range annotations {
		for _, key := range predicateKeys() {
			p.predicateType = cmp.Or(p.predicateType, list[key])
		}
	}
	if p.predicateType == signedPredicate {
		p.kind, p.predicateType = trust.OfSignature, ""
	}
	return p
}

// isPaper says whether a blob is a document that says something of an image, by its media type or that of its artifact.
func isPaper(a *image.Artifact, b image.Blob) bool {
	return isPaperType(b.MediaType) || isPaperType(a.Type)
}

func isPaperType(mediaType string) bool {
	named := func(word string) bool { return strings.Contains(mediaType, word) }
	return mediaType == simpleSigningType || IsBundleType(mediaType) || isNotation(mediaType) || slices.ContainsFunc(paperWords(), named)
}

// paperWords stand in the media types of papers.
func paperWords() []string {
	return []string{"dsse", "in-toto", spdxForm, cycloneDXForm, openVEXForm, syftForm, "cncf.notary.signature", "docker.attestation"}
}

// predicateKeys are the annotations by which tools say what a statement says; nobody vouches for them.
func predicateKeys() []string {
	return []string{"in-toto.io/predicate-type", "predicateType", bundlePredicateKey}
}
