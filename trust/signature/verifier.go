package signature

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tidewaiter/image"
	"tidewaiter/trust"
	"tidewaiter/vex"
)

// VerifierOptions say what a [Verifier] goes by besides its rules.
type VerifierOptions struct {
	// TrustedRoots are the files of sigstore's trusted roots (JSON, several may follow each other in one file) in place of that of
	// sigstore's public service, which is built in.
	TrustedRoots []string
	// ReadFile reads the files that are named here and in the rules; [os.ReadFile] where it is nil.
	ReadFile func(name string) ([]byte, error)
	// Now is the time at which certificates must be valid where nothing proves when they signed.
	Now time.Time
}

// Verifier tells who signed the papers of an image, and whether it is somebody who may. It asks no network, and may be used by several at once.
type Verifier struct {
	signers []*signer
	roots   []*sigstoreRoot
	now     time.Time
}

// NewVerifier makes a verifier of rules; without any, whoever signs is a stranger. The error says which rule or file is wrong.
func NewVerifier(rules []trust.Rule, o VerifierOptions) (*Verifier, error) {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	v := &Verifier{now: o.Now}
	for _, r := range rules {
		s, err := newSigner(r, o.ReadFile)
		if err != nil {
			return nil, fmt.Errorf("trust in %s: %w", cmp.Or(r.Name, r.Key, r.Identity, "a signer"), err)
		}
		v.signers = append(v.signers, s)
	}
	var err error
	v.roots, err = readRoots(o)
	return v, err
}

// Attestations reads everything that is tied to an image, or to the index that it was chosen from, and says of each paper whether it can
// be believed: sorted by what it is, then by where it was found. Papers of the index's other images are left out. What is there and cannot be
// read is broken, or, where not even that can be said, a blind spot; the only error is that of ctx.
func (v *Verifier) Attestations(ctx context.Context, im *image.Image) ([]trust.Attestation, []image.BlindSpot, error) {
	attached, spots, err := im.Attached(ctx, image.Everywhere)
	if err != nil {
		return nil, nil, err
	}
	about, listed := vex.ImageOf(im), im.IndexEntries()
	var list []judged
	for _, a := range attached {
		papers, more := readPapers(ctx, a, maxPapers-len(list))
		spots = append(spots, more...)
		for _, p := range papers {
			if !p.isOfSibling(im, listed) {
				list = append(list, judged{paper: p, Attestation: v.judge(p, im, &about)})
			}
		}
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	all := []trust.Attestation{}
	for _, j := range once(v.vouch(list, im, listed, &about)) {
		all = append(all, j.Attestation)
	}
	slices.SortStableFunc(all, compare)
	return all, image.SortBlindSpots(spots), nil
}

// Judge says whether one document can be believed of an image: a bundle, an envelope or a statement out of a file, say. Where found names
// no media type, the content tells what it is.
func (v *Verifier) Judge(im *image.Image, raw []byte, found trust.Found) trust.Attestation {
	about := vex.ImageOf(im)
	return v.judge(readPaper(raw, found, nil), im, &about)
}

func compare(a, b trust.Attestation) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(a.Form, b.Form),
		cmp.Compare(a.Found.AttachedTo, b.Found.AttachedTo), cmp.Compare(a.Found.Manifest, b.Found.Manifest), cmp.Compare(a.Found.Blob, b.Found.Blob))
}

func rank(a trust.Attestation) int {
	return slices.Index([]trust.Kind{trust.OfSignature, trust.OfStatement, trust.OfDocument}, a.Kind)
}

// judge says how a paper stands: first whether it is about the image, since another's papers vouch for nothing, whoever signed them.
func (v *Verifier) judge(p *paper, im *image.Image, about *vex.Image) trust.Attestation {
	a := trust.Attestation{
		Kind: p.kind, Form: p.form, PredicateType: p.predicateType, Subjects: p.subjects, Found: p.found, Statement: p.statement, Document: p.document,
	}
	if p.fault != nil {
		a.Status, a.Why = trust.Broken, "it cannot be read: "+oneLine(p.fault)
		return a
	}
	out := v.signedBy(p, about)
	a.Status, a.Why, a.Signer = out.status, out.why, out.signer
	switch which, ok := p.isAbout(im); {
	case !ok && p.kind == trust.OfDocument && len(p.subjects) == 0:
		a.Why += "; and it does not name the image itself"
	case !ok:
		a.Status, a.Why = trust.Broken, p.aboutAnother(out)
	case p.isReply(im):
		a.Why += "; it is about a paper of the image, " + which
	case which == im.Index && which != im.Digest:
		a.Why += "; it is about the index that this image was chosen from"
	}
	return a
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// outcome is what was found out about who signed a paper.
type outcome struct {
	status trust.Status
	why    string
	signer *trust.Signer
}
