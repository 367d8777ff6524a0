package signature

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// maxSignatures bounds the signatures of one envelope that are looked at: each costs a verification for every key.
const maxSignatures = 16

// Envelope is a signed payload (https://github.com/secure-systems-lab/dsse/blob/master/envelope.md). Its fields are as
// they stand in JSON, the payload and the signatures in base64.
type Envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     string              `json:"payload"`
	Signatures  []EnvelopeSignature `json:"signatures"`
}

// EnvelopeSignature is one signature of an envelope.
type EnvelopeSignature struct {
	// KeyID is a hint that nobody has signed; it is written nowhere and never looked at, since tools do not agree on how it is made.
	KeyID string `json:"keyid,omitempty"`
	Sig   string `json:"sig"`
}

// ParseEnvelope reads an envelope. Nothing is verified.
func ParseEnvelope(raw []byte) (*Envelope, error) {
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("not a valid DSSE envelope: %w", err)
	}
	if e.PayloadType == "" || e.Signatures == nil {
		return nil, errors.New("not a DSSE envelope: it has no payload type or no signatures")
	}
	return &e, nil
}

// encoding is what is signed: the payload together with its type
// (https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, "PAE").
func encoding(payloadType string, payload []byte) []byte {
	b := []byte("DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " ")
	return append(b, payload...)
}

// SignEnvelope signs a payload.
func (k *PrivateKey) SignEnvelope(payloadType string, payload []byte) (*Envelope, error) {
	signature, err := k.Sign(encoding(payloadType, payload))
	if err != nil {
		return nil, err
	}
	return &Envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(payload),
		Signatures:  []EnvelopeSignature{{Sig: base64.StdEncoding.EncodeToString(signature)}},
	}, nil
}

// VerifyEnvelope gives the payload of an envelope that one of the keys signed, and that key. The error is [ErrSignature]
// where none of them did.
func (keys Keys) VerifyEnvelope(e *Envelope) (payload []byte, by *PublicKey, err error) {
	if payload, err = decodeBase64(e.Payload); err != nil {
		return nil, nil, fmt.Errorf("the payload of the envelope is not valid: %w", err)
	}
	message := encoding(e.PayloadType, payload)
	for _, s := range e.Signatures[:min(len(e.Signatures), maxSignatures)] {
		signature, err := decodeBase64(s.Sig)
		if err != nil {
			continue
		}
		if by, err = keys.Verify(message, signature); err == nil {
			return payload, by, nil
		}
	}
	return nil, nil, ErrSignature
}

// decodeBase64 takes the standard alphabet and the one for URLs, as DSSE asks of readers.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		if b, urlErr := base64.URLEncoding.DecodeString(s); urlErr == nil {
			return b, nil
		}
	}
	return b, err
}
