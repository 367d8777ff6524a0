// Package trust says who vouches for what: it signs, and it verifies signatures, against keys that the user names.
//
// In go keys, signed documents (DSSE envelopes, sigstore bundles, cosign's signatures) and what is attached to an artifact or
// an image; out comes which key signed it. A signature counts only by a key that the user has named: nothing that lies
// beside an image (a key, a certificate, a hint) is ever trusted for being there.
//
// Nothing here asks a network for keys, and nothing decides what an unsigned thing may be used for: that is the caller's.
package trust
