// Package trust says which of an image's papers can be believed.
//
// It holds the words: what an attestation is and how its signature came out, who may sign what, what a provenance says, and how an SBOM,
// the package databases and the Dockerfile compare with what is really aboard. Its inner rooms do the work, each one question: signature
// (who signed this?), provenance (who built it, from what?), drift (is the SBOM true?), integrity (are the packages' files what they were?),
// declared (does the image hold only what its Dockerfile says?), approval (what was decided, and from which inputs?).
//
// In go an opened image, what is attached to it, and the inventory; out come values, which rooms below can use without bringing in a
// library for signatures. Nothing here trusts what lies beside an image for lying there, and nothing asks a network by itself.
package trust
