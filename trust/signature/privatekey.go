package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// The PEM types of keys that cosign keeps under a password: PKCS #8 in a NaCl secret box whose key scrypt makes. The older
// one is cosign's own name for the same.
const (
	encryptedType    = "ENCRYPTED SIGSTORE PRIVATE KEY"
	oldEncryptedType = "ENCRYPTED COSIGN PRIVATE KEY"
)

// PrivateKey signs. Its secret may be here, or with a program that signs for us ([OpenPlugin]).
type PrivateKey struct {
	// sign signs a message, and what is to be signed of it by the hash that the key signs with.
	sign   func(message, digest []byte, h crypto.Hash) ([]byte, error)
	public *PublicKey
}

// ReadPrivateKey reads a private key in PEM form: PKCS #8, SEC 1, PKCS #1, or as cosign keeps it under a password, which
// is then asked for. The kinds of keys are those of [ReadPublicKey].
func ReadPrivateKey(name string, text []byte, password func() ([]byte, error)) (*PrivateKey, error) {
	k, err := readPrivateKey(name, text, password)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	return k, nil
}

func readPrivateKey(name string, text []byte, password func() ([]byte, error)) (*PrivateKey, error) {
	block, err := onePEM(text)
	if err != nil {
		return nil, err
	}
	der, kind := block.Bytes, block.Type
	if kind == encryptedType || kind == oldEncryptedType {
		secret, err := password()
		if err != nil {
			return nil, err
		}
		if der, err = encrypted.Decrypt(der, secret); err != nil {
			return nil, errors.New("the password is wrong, or the key is damaged")
		}
		kind = "PRIVATE KEY"
	}
	var key any
	switch kind {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "ENCRYPTED PRIVATE KEY":
		err = errors.New("PKCS #8 under a password is not read: make a key with tidewaiter key generate, or bring it over with cosign import-key-pair")
	case "PUBLIC KEY":
		err = errors.New("it is a public key: signing takes the private one")
	default:
		err = fmt.Errorf("it is %q, not a private key", kind)
	}
	if err != nil {
		return nil, err
	}
	return newPrivateKey(name, key)
}

func newPrivateKey(name string, key any) (*PrivateKey, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("keys of the kind %T do not sign", key)
	}
	public, err := newPublicKey(name, signer.Public())
	if err != nil {
		return nil, err
	}
	return &PrivateKey{func(_, digest []byte, h crypto.Hash) ([]byte, error) { return signHere(signer, digest, h) }, public}, nil
}

// signHere signs with a key whose secret is here. ECDSA takes its nonce from the key and the digest (RFC 6979).
func signHere(signer crypto.Signer, digest []byte, h crypto.Hash) ([]byte, error) {
	switch key := signer.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(key, digest), nil
	case *ecdsa.PrivateKey:
		return key.Sign(nil, digest, h) // without a source of randomness it is deterministic
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, key, h, digest)
	}
	return nil, fmt.Errorf("keys of the kind %T do not sign", signer)
}

// Public gives the key that verifies what this one signs.
func (k *PrivateKey) Public() *PublicKey { return k.public }

// Sign signs a message, in the form that [PublicKey.Verify] takes. Where the secret is here, the same key and message give the same
// signature.
func (k *PrivateKey) Sign(message []byte) ([]byte, error) {
	h, err := k.public.hash()
	if err != nil {
		return nil, err
	}
	return k.sign(message, digest(h, message), h)
}

// Generate makes a key pair (ECDSA on P-256), both in PEM form: the private key under a password, as cosign keeps it.
func Generate(password []byte) (private, public []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	box, err := encrypted.Encrypt(der, password)
	if err != nil {
		return nil, nil, err
	}
	k, err := newPublicKey("", &key.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: encryptedType, Bytes: box}), k.PEM(), nil
}
