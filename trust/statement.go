package trust

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The types of in-toto statements, and of the payload of an envelope that holds one
// (https://github.com/in-toto/attestation/tree/main/spec).
const (
	StatementV1   = "https://in-toto.io/Statement/v1"
	StatementV01  = "https://in-toto.io/Statement/v0.1"
	StatementType = "application/vnd.in-toto+json"
)

// Statement says something, the predicate, about subjects.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Subject is what a statement is about: something with these digests, each under its algorithm.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// ParseStatement reads an in-toto statement, version 1 or 0.1.
func ParseStatement(raw []byte) (*Statement, error) {
	var s Statement
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("not a valid in-toto statement: %w", err)
	}
	if s.Type != StatementV1 && s.Type != StatementV01 {
		return nil, fmt.Errorf("not an in-toto statement that is known: its type is %q", s.Type)
	}
	return &s, nil
}

// IsAbout says whether something with a digest, such as sha256:4f1c..., is one of the subjects. Of a subject with several
// digests, that of the same algorithm decides.
func (s *Statement) IsAbout(digest string) bool {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || hex == "" {
		return false
	}
	for _, subject := range s.Subject {
		if strings.EqualFold(subject.Digest[algorithm], hex) {
			return true
		}
	}
	return false
}
