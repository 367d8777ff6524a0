package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// minRSA is the fewest bits that an RSA key may have (NIST SP 800-131A: 112 bits of security).
const minRSA = 2048

// maxKeyFile bounds a key's file, in bytes.
const maxKeyFile = 64 << 10

// PublicKey verifies signatures.
type PublicKey struct {
	// Name is what the user calls the key: the file that it was read from, say.
	Name string

	key crypto.PublicKey
	der []byte // SubjectPublicKeyInfo
}

// Keys are those that the user has told us to believe. A signature by any of them counts.
type Keys []*PublicKey

// ReadPublicKey reads a public key in PEM form: "PUBLIC KEY" (as cosign.pub is), or "RSA PUBLIC KEY". It must be the only
// one there, of a kind that is known: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of at least 2048 bits.
func ReadPublicKey(name string, text []byte) (*PublicKey, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	var key any
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		err = errors.New("it is a certificate: name a public key")
	default:
		err = fmt.Errorf("it is %q, not a public key: name the .pub file", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	public, err := newPublicKey(name, key)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	return public, nil
}

// onePEM gives the only PEM block of a text.
func onePEM(text []byte) (*pem.Block, error) {
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("it has more than %d bytes, which no key has", maxKeyFile)
	}
	block, rest := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no key in PEM form is there")
	}
	if block.Type == "EC PARAMETERS" { // openssl writes them before the key, which names its curve itself
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errors.New("no key in PEM form is there")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("more than one key is there: name one file for each")
	}
	return block, nil
}

func newPublicKey(name string, key crypto.PublicKey) (*PublicKey, error) {
	if _, err := hashes(key); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return &PublicKey{Name: name, key: key, der: der}, nil
}

// hashes gives the hashes that a key signs by, as sigstore pairs them
// (https://github.com/sigstore/architecture-docs/blob/main/algorithm-registry.md); the first is the one to sign with.
// Older cosign signs with SHA-256 on any curve. For Ed25519, 0 is to sign the message itself, and SHA-512 is Ed25519ph
// (RFC 8032), which cosign signs images with.
func hashes(key crypto.PublicKey) ([]crypto.Hash, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return []crypto.Hash{0, crypto.SHA512}, nil
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return nil, fmt.Errorf("an RSA key of %d bits is too weak: it takes %d", k.N.BitLen(), minRSA)
		}
		return []crypto.Hash{crypto.SHA256}, nil
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return []crypto.Hash{crypto.SHA256}, nil
		case 384:
			return []crypto.Hash{crypto.SHA384, crypto.SHA256}, nil
		case 521:
			return []crypto.Hash{crypto.SHA512, crypto.SHA256}, nil
		}
		return nil, fmt.Errorf("ECDSA on the curve %s is not known: it takes P-256, P-384 or P-521", k.Curve.Params().Name)
	}
	return nil, fmt.Errorf("keys of the kind %T are not known: it takes ECDSA, Ed25519 or RSA", key)
}

// hash gives the one that the key signs with.
func (k *PublicKey) hash() (crypto.Hash, error) {
	list, err := hashes(k.key)
	if err != nil {
		return 0, err
	}
	return list[0], nil
}

// ErrSignature says that a signature is not the key's for the message.
var ErrSignature = errors.New("the signature does not fit")

// Verify checks a signature of a message: ECDSA in ASN.1 form, Ed25519, or RSA as PKCS #1 v1.5. The error is [ErrSignature].
func (k *PublicKey) Verify(message, signature []byte) error {
	list, err := hashes(k.key)
	if err != nil {
		return err
	}
	for _, h := range list {
		if k.verify(h, digest(h, message), signature) {
			return nil
		}
	}
	return ErrSignature
}

func (k *PublicKey) verify(h crypto.Hash, digest, signature []byte) bool {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.VerifyWithOptions(key, digest, signature, &ed25519.Options{Hash: h}) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, h, digest, signature) == nil
	}
	return false
}

// verifyDigest is [PublicKey.Verify] where only the SHA-256 of the message is known.
func (k *PublicKey) verifyDigest(sum, signature []byte) error {
	if _, ok := k.key.(ed25519.PublicKey); ok || !k.verify(crypto.SHA256, sum, signature) {
		return ErrSignature
	}
	return nil
}

// digest gives what is signed of a message.
func digest(h crypto.Hash, message []byte) []byte {
	if h == 0 {
		return message
	}
	sum := h.New()
	sum.Write(message)
	return sum.Sum(nil)
}

// Hint is the key's mark in a sigstore bundle: the SHA-256 of its SubjectPublicKeyInfo, in base64. It is no proof of anything.
func (k *PublicKey) Hint() string {
	sum := sha256.Sum256(k.der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// fingerprint is the SHA-256 of the key's SubjectPublicKeyInfo.
func (k *PublicKey) fingerprint() string {
	sum := sha256.Sum256(k.der)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// PEM gives the key as a "PUBLIC KEY" block.
func (k *PublicKey) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.der})
}

// Verify gives the key that made a signature of a message; the error is [ErrSignature] where none of them did.
func (keys Keys) Verify(message, signature []byte) (*PublicKey, error) {
	for _, k := range keys {
		if k.Verify(message, signature) == nil {
			return k, nil
		}
	}
	return nil, ErrSignature
}
