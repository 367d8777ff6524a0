package trust

import (
	"bytes"
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

// ParseStatement reads an in-toto statement, version 1 or 0.1. One that has a field twice is none: of two subjects or two predicate types
// each program goes by another one.
func ParseStatement(raw []byte) (*Statement, error) {
	var s Statement
	err := json.Unmarshal(raw, &s)
	if err == nil {
		err = Once(raw, "_type", "subject", "predicateType", "predicate")
	}
	if err != nil {
		return nil, fmt.Errorf("not a valid in-toto statement: %w", err)
	}
	if s.Type != StatementV1 && s.Type != StatementV01 {
		return nil, fmt.Errorf("not an in-toto statement that is known: its type is %q", s.Type)
	}
	return &s, nil
}

// Once finds one of the fields of a valid JSON object that stands there twice or in other letters, which some readers take for the same.
func Once(object []byte, fields ...string) error {
	d := json.NewDecoder(bytes.NewReader(object))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		for _, field := range fields {
			if strings.EqualFold(key, field) && (key != field || seen[key]) {
				return fmt.Errorf("it has the field %s more than once, or in other letters (%q)", field, key)
			}
		}
		seen[key] = true
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return err
		}
	}
	return nil
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
