package vex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tidewaiter/image"
)

// Bounds of one document: its bytes, its JSON objects (a small one in a file is a large one in memory), the envelopes
// that one file may hold, and the statements that an image may bring along. Red Hat's largest documents have some 10,000 objects.
const (
	maxDocument  = 64 << 20
	maxObjects   = 400_000
	maxEnvelopes = 1000
	maxWithImage = 10_000 // statements of one image's attestations
	// maxProductsWithImage bounds their products: each may have to be held against each finding.
	maxProductsWithImage = 50_000
)

// errNotVEX says that a document is of no format that is read here.
var errNotVEX = errors.New("no VEX document: neither OpenVEX, CSAF nor CycloneDX, nor an attestation of one")

// Reader reads documents. The zero value believes no signature.
type Reader struct {
	// Verify gives the payload of a DSSE envelope and the name of who signed it, if that is somebody whom the user believes;
	// else the name is empty.
	Verify func(envelope []byte) (payload []byte, signer string)
}

// parse reads a document, which may be in an attestation. It tells the format by the content.
func (r *Reader) parse(raw []byte) ([]Statement, error) {
	if len(raw) > maxDocument {
		return nil, fmt.Errorf("over %d MiB: not read", maxDocument>>20)
	}
	if bytes.Count(raw, []byte("{")) > maxObjects {
		return nil, fmt.Errorf("more than %d JSON objects: not read", maxObjects)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // a byte order mark, as some editors write it
	if bytes.Contains(raw, []byte(`"payload"`)) || bytes.Contains(raw, []byte(`"_type"`)) {
		if statements, err := r.attestations(raw); !errors.Is(err, errNotVEX) {
			return statements, err
		}
	}
	return parsePlain(raw, nil)
}

// parsePlain reads a document of one of the three formats. subjects are those of the attestation that it is in.
func parsePlain(raw []byte, subjects []string) ([]Statement, error) {
	for _, format := range []struct {
		mark  string
		parse func() ([]Statement, error)
	}{
		{"openvex.dev/ns", func() ([]Statement, error) { return parseOpenVEX(raw, subjects) }},
		{`"csaf_version"`, func() ([]Statement, error) { return parseCSAF(raw) }},
		{`"bomFormat"`, func() ([]Statement, error) { return parseCycloneDX(raw) }},
	} {
		if !bytes.Contains(raw, []byte(format.mark)) {
			continue
		}
		if statements, err := format.parse(); !errors.Is(err, errNotVEX) {
			return statements, err
		}
	}
	return nil, errNotVEX
}

// envelope is a DSSE envelope (https://github.com/secure-systems-lab/dsse), a sigstore bundle of one, or a bare in-toto
// statement.
type envelope struct {
	PayloadType string          `json:"payloadType"`
	Payload     []byte          `json:"payload"`
	Bundled     json.RawMessage `json:"dsseEnvelope"`
	Type        string          `json:"_type"`
}

// attestations reads the in-toto statements in a file: one, or one on each line, as cosign writes them.
func (r *Reader) attestations(raw []byte) ([]Statement, error) {
	var all []Statement
	found := false
	d := json.NewDecoder(bytes.NewReader(raw))
	for n := 0; d.More(); n++ {
		if n == maxEnvelopes {
			return nil, fmt.Errorf("more than %d attestations in one file: not read", maxEnvelopes)
		}
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			if !found {
				return nil, errNotVEX // and what is wrong with it, the formats say
			}
			return nil, fmt.Errorf("attestation %d: %w", n+1, err)
		}
		statements, _, err := r.attestation(one)
		if errors.Is(err, errNotVEX) {
			continue // of something else: a file may hold all attestations of an image
		}
		if err != nil {
			return nil, err
		}
		found = true
		all = append(all, statements...)
	}
	if !found {
		return nil, errNotVEX
	}
	return all, nil
}

// attestation reads one attestation, and gives the digests of what it is about too.
func (r *Reader) attestation(raw []byte) (statements []Statement, subjects []string, err error) {
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, nil, errNotVEX
	}
	switch {
	case strings.HasPrefix(e.Type, "https://in-toto.io/Statement/"):
		return inToto(raw)
	case e.Bundled != nil:
		raw, e = e.Bundled, envelope{}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, nil, errNotVEX
		}
	}
	if e.PayloadType != "application/vnd.in-toto+json" {
		return nil, nil, errNotVEX
	}
	signer := ""
	if r.Verify != nil {
		if payload, by := r.Verify(raw); by != "" {
			e.Payload, signer = payload, by // what was verified, and nothing else
		}
	}
	statements, subjects, err = inToto(e.Payload)
	for i := range statements {
		statements[i].Signer, statements[i].Believed = signer, signer != ""
	}
	return statements, subjects, err
}

// inToto reads an in-toto statement (https://github.com/in-toto/attestation/tree/main/spec) whose predicate is a document.
func inToto(raw []byte) (statements []Statement, subjects []string, err error) {
	var s struct {
		PredicateType string `json:"predicateType"`
		Subject       []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(raw, &s); err != nil || s.Predicate == nil {
		return nil, nil, errNotVEX
	}
	for _, subject := range s.Subject {
		if digest := subject.Digest["sha256"]; digest != "" {
			subjects = append(subjects, "sha256:"+strings.ToLower(digest))
		}
	}
	statements, err = parsePredicate(s.Predicate, subjects)
	return statements, subjects, err
}

func parsePredicate(raw []byte, subjects []string) ([]Statement, error) {
	if bytes.Count(raw, []byte("{")) > maxObjects { // those in an envelope's payload were not counted before
		return nil, fmt.Errorf("more than %d JSON objects: not read", maxObjects)
	}
	return parsePlain(raw, subjects)
}

// IsPredicate says whether attestations of a predicate type may hold statements: OpenVEX's with or without version, and
// those of the two formats that hold other things too.
func IsPredicate(predicateType string) bool {
	return strings.HasPrefix(predicateType, "https://openvex.dev/ns") || strings.Contains(predicateType, "csaf") ||
		strings.HasPrefix(predicateType, "https://cyclonedx.org/bom") || predicateType == "https://cyclonedx.org/vex"
}

// Attested reads what an image's own attestations say. Nobody whom the user believes signed them: they are claims. What
// cannot be read is a blind spot.
func Attested(attestations []image.Statement) ([]Statement, []image.BlindSpot) {
	var all []Statement
	var spots []image.BlindSpot
	for _, a := range attestations {
		source := "attestation " + a.Digest
		statements, err := parsePredicate(a.Predicate, a.Subjects)
		if errors.Is(err, errNotVEX) {
			continue
		}
		if err != nil {
			spots = append(spots, unread(source, err))
		}
		for i := range statements {
			statements[i].Source, statements[i].Bulk = source, true
		}
		all = append(all, statements...)
	}
	return bounded(all, spots)
}

// bounded cuts what comes with an image to what an image needs.
func bounded(statements []Statement, spots []image.BlindSpot) ([]Statement, []image.BlindSpot) {
	products := 0
	for i := range statements {
		if products += len(statements[i].Products); i < maxWithImage && products <= maxProductsWithImage {
			continue
		}
		return statements[:i], append(spots, image.BlindSpot{Kind: image.LimitReached, Where: statements[i].Source,
			Message: fmt.Sprintf("the image's attestations make more than %d statements, or on more than %d products: the rest is not read", maxWithImage, maxProductsWithImage)})
	}
	return statements, spots
}

func unread(where string, err error) image.BlindSpot {
	return image.BlindSpot{Kind: image.UnreadablePaper, Where: where, Message: "statements not read: " + oneLine(err.Error())}
}

// oneLine keeps a text that others wrote within a line.
func oneLine(text string) string {
	const most = 1000
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
