package inventory

import (
	"iter"

	"tidewaiter/layer"
)

// SignedExtractor is an [Extractor] whose databases keep the signatures that came with their packages: rpm's.
type SignedExtractor interface {
	Extractor
	// Records gives what the database at path has of each package, in the order of the database. The error of a record says
	// why it cannot be read; the others are given all the same.
	Records(tree *layer.Tree, path string) iter.Seq2[SignedRecord, error]
}

// SignedRecord is what a database has of one package, with the signatures over it. Nothing of it was verified.
type SignedRecord struct {
	// Package is what the signed part alone says: name, version, architecture and files.
	Package Package
	// Signed is what the signatures are over; nil where the record has no part that could be signed.
	Signed []byte
	// Signatures are OpenPGP packets (RFC 9580, section 5.2), each a signature over Signed.
	Signatures [][]byte
	// Key is a public key (OpenPGP, armored) that the database keeps among its packages; all the rest is then empty.
	Key []byte
}
