package signature

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tidewaiter/image"
	"tidewaiter/trust"
)

// The forms of papers.
const (
	inTotoForm    = "in-toto"
	envelopeForm  = "dsse"
	bundleForm    = "sigstore-bundle"
	simpleForm    = "simple-signing"
	notationForm  = "notation"
	spdxForm      = "spdx"
	cycloneDXForm = "cyclonedx"
	openVEXForm   = "openvex"
	syftForm      = "syft"
)

// envelopeType is the media type of DSSE envelopes, as cosign writes them under the tag .att.
const envelopeType = "application/vnd.dsse.envelope.v1+json"

// paper is a document that was found with an image: read, and not yet believed.
type paper struct {
	kind          trust.Kind
	form          string
	predicateType string
	subjects      []string
	statement     *trust.Statement
	document      []byte
	found         trust.Found
	// fault is set where it cannot be read.
	fault error

	// marks are its signatures; nobody signed it where there are none. They are over the message, or, where that is nil, over something
	// with the digest (SHA-256).
	marks   []mark
	message []byte
	digest  []byte
	// payload is what an envelope holds.
	payload []byte
	// certificates are those that came with the signature, that of the signer first; none for a plain key.
	certificates []*x509.Certificate
	// proof holds what a transparency log and timestamp authorities say; nil where there is nothing.
	proof *proof
	// notation is set for signatures of that kind, which say for themselves whether they fit.
	notation *notationSignature
}

// mark is one signature.
type mark struct {
	signature []byte
	// hint says which key it is by, and proves nothing.
	hint string
}

// isOfSibling says whether a paper that is attached to the index is about other images of that index alone: those for other platforms.
func (p *paper) isOfSibling(im *image.Image, listed []string) bool {
	_, about := p.isAbout(im)
	other := func(digest string) bool { return !slices.Contains(listed, digest) }
	return !about && p.found.AttachedTo == im.Index && len(p.subjects) > 0 && !slices.ContainsFunc(p.subjects, other)
}

// isAbout gives the digest of what the paper is about: of the image, of its index, or, for a reply, of the paper to which it is attached.
// It is false where the paper is about something else.
func (p *paper) isAbout(im *image.Image) (string, bool) {
	wanted := []string{im.Digest, im.Index}
	if p.isReply(im) {
		wanted = []string{p.found.AttachedTo}
	}
	for _, digest := range wanted {
		if digest != "" && slices.Contains(p.subjects, digest) {
			return digest, true
		}
	}
	return "", false
}

// readPaper reads a document as what its media type, or else its content, says that it is.
func readPaper(raw []byte, found trust.Found, annotations map[string]string) *paper {
	p := &paper{kind: trust.OfStatement, form: formOf(found.MediaType, raw), found: found}
	switch p.form {
	case simpleForm:
		p.fault = p.readSimple(raw, annotations)
	case bundleForm:
		p.fault = p.readBundle(raw)
	case envelopeForm:
		p.fault = p.readEnvelope(raw, annotations)
	case notationForm:
		p.fault = p.readNotation(raw)
	case inTotoForm:
		p.fault = p.readStatement(raw)
	default:
		p.kind, p.document = trust.OfDocument, raw
	}
	return p
}

// formOf tells the form of a document: by its media type, and where that leaves it open by its content, since tools call envelopes and
// statements alike.
func formOf(mediaType string, raw []byte) string {
	switch {
	case mediaType == simpleSigningType:
		return simpleForm
	case IsBundleType(mediaType):
		return bundleForm
	case isNotation(mediaType):
		return notationForm
	}
	for _, form := range []string{spdxForm, cycloneDXForm, openVEXForm, syftForm} {
		if strings.Contains(mediaType, form) {
			return form
		}
	}
	var top struct {
		MediaType   string          `json:"mediaType"`
		PayloadType string          `json:"payloadType"`
		Critical    json.RawMessage `json:"critical"`
		SPDX        string          `json:"spdxVersion"`
		BOM         string          `json:"bomFormat"`
		Context     json.RawMessage `json:"@context"`
	}
	_ = json.Unmarshal(raw, &top) // what cannot be read so far shows when it is read in its form
	switch {
	case IsBundleType(top.MediaType):
		return bundleForm
	case top.PayloadType != "" || mediaType == envelopeType:
		return envelopeForm
	case top.Critical != nil:
		return simpleForm
	case top.SPDX != "":
		return spdxForm
	case top.BOM != "":
		return cycloneDXForm
	case strings.Contains(string(top.Context), "openvex"):
		return openVEXForm
	}
	return inTotoForm
}

func (p *paper) readSimple(raw []byte, annotations map[string]string) error {
	p.kind = trust.OfSignature
	manifest, err := parseSimply(raw)
	if err != nil {
		return err
	}
	p.subjects, p.message = []string{manifest}, raw
	if text := annotations[simpleSignatureKey]; text != "" {
		sig, err := decodeBase64(text)
		if err != nil {
			return fmt.Errorf("its signature is not valid base64: %w", err)
		}
		p.marks = []mark{{signature: sig}}
	}
	return p.readProofAnnotations(annotations)
}

func (p *paper) readEnvelope(raw []byte, annotations map[string]string) error {
	e, err := ParseEnvelope(raw)
	if err != nil {
		return err
	}
	if err := p.readEnveloped(e); err != nil {
		return err
	}
	return p.readProofAnnotations(annotations)
}

func (p *paper) readBundle(raw []byte) error {
	b, err := readBundle(raw)
	if err != nil {
		return err
	}
	hint := ""
	if b.VerificationMaterial.PublicKey != nil {
		hint = b.VerificationMaterial.PublicKey.Hint
	}
	if b.DSSEEnvelope != nil {
		err = p.readEnveloped(b.DSSEEnvelope)
	} else {
		err = p.readMessageSignature(b.MessageSignature)
	}
	if err != nil {
		return err
	}
	for i := range p.marks {
		if p.marks[i].hint == "" {
			p.marks[i].hint = hint
		}
	}
	if b.VerificationMaterial.PublicKey != nil {
		p.readKeyProof(raw)
		return nil
	}
	return p.readProof(raw)
}

// readMessageSignature takes a signature of the image's manifest itself.
func (p *paper) readMessageSignature(m *messageSignature) error {
	p.kind = trust.OfSignature
	if m.MessageDigest.Algorithm != "SHA2_256" || len(m.MessageDigest.Digest) != sha256.Size {
		return fmt.Errorf("what was signed has a digest of the kind %q: only SHA2_256 is read", m.MessageDigest.Algorithm)
	}
	p.digest = m.MessageDigest.Digest
	p.subjects = []string{"sha256:" + hex.EncodeToString(p.digest)}
	p.marks = []mark{{signature: m.Signature}}
	return nil
}

func (p *paper) readEnveloped(e *Envelope) error {
	payload, err := decodeBase64(e.Payload)
	if err != nil {
		return fmt.Errorf("the payload of the envelope is not valid: %w", err)
	}
	if e.PayloadType != trust.StatementType {
		return fmt.Errorf("the envelope holds no in-toto statement but %q", e.PayloadType)
	}
	p.payload, p.message = payload, encoding(e.PayloadType, payload)
	for _, s := range e.Signatures[:min(len(e.Signatures), maxSignatures)] {
		if sig, err := decodeBase64(s.Sig); err == nil && len(sig) > 0 {
			p.marks = append(p.marks, mark{sig, s.KeyID})
		}
	}
	if len(p.marks) == 0 && len(e.Signatures) > 0 {
		return errors.New("none of its signatures is valid base64")
	}
	return p.readStatement(payload)
}

func (p *paper) readStatement(raw []byte) error {
	s, err := trust.ParseStatement(raw)
	if err != nil {
		return err
	}
	p.statement = s
	if s.PredicateType == signedPredicate {
		p.kind = trust.OfSignature
	} else {
		p.predicateType = s.PredicateType
	}
	p.subjects = subjects(s)
	return nil
}

// subjects are the digests that a statement is about, sorted. Those by weak hashes, which may be another thing's too, are left out.
func subjects(s *trust.Statement) []string {
	var list []string
	for _, subject := range s.Subject {
		for _, algorithm := range []string{"sha256", "sha384", "sha512"} {
			if text := subject.Digest[algorithm]; text != "" {
				list = append(list, algorithm+":"+strings.ToLower(text))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// aboutAnother says what a paper of another image is.
func (p *paper) aboutAnother(out outcome) string {
	if len(p.subjects) == 0 {
		return "it names no image that it is about"
	}
	who := ""
	switch out.status {
	case trust.Verified:
		who = out.signer.Label() + " signed it, but "
	case trust.Unsigned:
		who = "nobody signed it, and "
	}
	more := ""
	if len(p.subjects) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(p.subjects)-1)
	}
	return fmt.Sprintf("%sit is about another image, %s%s: it was copied from there", who, p.subjects[0], more)
}

// parseCertificates reads certificates one after another, at most as many as a chain may have.
func parseCertificates(ders [][]byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for _, der := range ders[:min(len(ders), maxChain)] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("a certificate that came with it cannot be read: %w", err)
		}
		list = append(list, c)
	}
	return list, nil
}

// maxChain bounds the certificates of a chain.
const maxChain = 10

// hintedKey gives the fingerprint of the key that a hint names, which tools write in base64, with or without padding, or in hex; empty where it
// names none.
func hintedKey(hint string) string {
	hint = strings.TrimPrefix(strings.TrimPrefix(hint, "SHA256:"), "sha256:")
	raw, err := hex.DecodeString(hint)
	if err != nil {
		raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(hint, "="))
	}
	if err != nil || len(raw) != sha256.Size {
		return ""
	}
	return "sha256:" + hex.EncodeToString(raw)
}
