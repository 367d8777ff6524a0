// Package signature says who signed what: it signs, and it verifies signatures against what the user trusts.
//
// In go keys, certificates, signed documents (DSSE envelopes, sigstore bundles, cosign's and Notation's signatures) and what is attached
// to an artifact or an image; out comes which of the trusted signers signed it. A signature counts only by a key, a certificate authority
// or an identity that the user has named: nothing that lies beside an image (a key, a certificate, a hint) is ever trusted for being there.
//
// Verifying asks no network, and nothing here decides what an unsigned thing may be used for: that is the caller's.
package signature
