package signature

import (
	"fmt"

	"tidewaiter/trust"
)

// VerifyStatement gives the statement in an envelope that one of the keys signed, and that key. What the statement is
// about is for the caller to check ([trust.Statement.IsAbout]), and so is its predicate type.
func (keys Keys) VerifyStatement(e *Envelope) (*trust.Statement, *PublicKey, error) {
	if e.PayloadType != trust.StatementType {
		return nil, nil, fmt.Errorf("the envelope holds no in-toto statement but %q", e.PayloadType)
	}
	payload, by, err := keys.VerifyEnvelope(e)
	if err != nil {
		return nil, nil, err
	}
	s, err := trust.ParseStatement(payload)
	if err != nil {
		return nil, nil, err
	}
	return s, by, nil
}
