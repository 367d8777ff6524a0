package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func noPassword() ([]byte, error) { return nil, errors.New("no password was to be asked for") }

func newKey(t *testing.T, name string) *PrivateKey {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return must(ReadPrivateKey(name, pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))), noPassword))
}

func TestEveryKindOfKeySignsAndVerifies(t *testing.T) {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p521 := must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rsa2048 := must(rsa.GenerateKey(rand.Reader, 2048))
	pkcs8 := func(k any) []byte { return must(x509.MarshalPKCS8PrivateKey(k)) }
	parameters := "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	for name, text := range map[string][]byte{
		"P-256":                pemOf("PRIVATE KEY", pkcs8(p256)),
		"P-256 as openssl":     append([]byte(parameters), pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256)))...),
		"P-256 under password": pemOf("ENCRYPTED SIGSTORE PRIVATE KEY", must(encrypted.Encrypt(pkcs8(p256), []byte("open")))),
		"P-256 of old cosign":  pemOf("ENCRYPTED COSIGN PRIVATE KEY", must(encrypted.Encrypt(pkcs8(p256), []byte("open")))),
		"P-384":                pemOf("PRIVATE KEY", pkcs8(p384)),
		"P-521":                pemOf("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p521))),
		"Ed25519":              pemOf("PRIVATE KEY", pkcs8(ed)),
		"RSA":                  pemOf("PRIVATE KEY", pkcs8(rsa2048)),
		"RSA PKCS #1":          pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsa2048)),
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ReadPrivateKey("a.key", text, func() ([]byte, error) { return []byte("open"), nil })
			if err != nil {
				t.Fatal(err)
			}
			message := []byte("sealed")
			signature := must(k.Sign(message))
			if again := must(k.Sign(message)); !bytes.Equal(signature, again) {
				t.Error("the same key and message gave another signature")
			}
			public, err := ReadPublicKey("a.pub", k.Public().PEM())
			if err != nil {
				t.Fatal(err)
			}
			if err := public.Verify(message, signature); err != nil {
				t.Error(err)
			}
			for what, bad := range map[string][]byte{
				"changed": append(bytes.Clone(signature[:len(signature)-1]), signature[len(signature)-1]^1), "cut": signature[:len(signature)/2], "empty": nil,
			} {
				if public.Verify(message, bad) == nil {
					t.Errorf("a signature that was %s passed", what)
				}
			}
			if public.Verify([]byte("unsealed"), signature) == nil {
				t.Error("a signature of another message passed")
			}
		})
	}
}

// What other tools sign with, though this package does not.
func TestVerifyTakesWhatCosignSigns(t *testing.T) {
	message := []byte("sealed")
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	sum := sha256.Sum256(message)
	k := must(newPublicKey("p384", &p384.PublicKey))
	if err := k.Verify(message, must(ecdsa.SignASN1(rand.Reader, p384, sum[:]))); err != nil {
		t.Error("P-384 with SHA-256:", err)
	}
	public, ed, _ := ed25519.GenerateKey(rand.Reader)
	long := sha512.Sum512(message)
	k = must(newPublicKey("ed", public))
	if err := k.Verify(message, must(ed.Sign(nil, long[:], &ed25519.Options{Hash: crypto.SHA512}))); err != nil {
		t.Error("Ed25519ph:", err)
	}
}

func TestKeysThatAreNotTaken(t *testing.T) {
	good := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	weak := must(rsa.GenerateKey(rand.Reader, 1024)) //nolint:gosec // it is to be refused
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	goodPEM := pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&good.PublicKey)))
	for _, tc := range []struct {
		name string
		text []byte
		want string
	}{
		{"nothing", nil, "no key in PEM form"},
		{"text", []byte("ssh-ed25519 AAAA"), "no key in PEM form"},
		{"two keys", append(bytes.Clone(goodPEM), goodPEM...), "more than one key"},
		{"far too much", bytes.Repeat([]byte(" "), maxKeyFile+1), "no key has"},
		{"damaged", pemOf("PUBLIC KEY", []byte("damaged")), "asn1"},
		{"a certificate", pemOf("CERTIFICATE", []byte("x")), "it is a certificate"},
		{"a private key", pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(good))), "not a public key"},
		{"weak RSA", pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&weak.PublicKey))), "1024 bits is too weak"},
		{"P-224", pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&p224.PublicKey))), "P-224 is not known"},
	} {
		_, err := ReadPublicKey("x.pub", tc.text)
		if err == nil || !strings.HasPrefix(err.Error(), "key x.pub: ") || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
	private, _, err := Generate([]byte("right"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		text []byte
		want string
	}{
		{"the wrong password", private, "password is wrong"},
		{"a public key", goodPEM, "it is a public key"},
		{"PKCS #8 under a password", pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "tidewaiter key generate"},
		{"something else", pemOf("CERTIFICATE REQUEST", []byte("x")), "not a private key"},
		{"a damaged box", pemOf("ENCRYPTED SIGSTORE PRIVATE KEY", []byte(`{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":8,"p":1}}}`)), "password is wrong"},
		{"weak RSA", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak)), "too weak"},
	} {
		_, err := ReadPrivateKey("x.key", tc.text, func() ([]byte, error) { return []byte("wrong"), nil })
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestGenerate(t *testing.T) {
	private, public, err := Generate([]byte("open"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := ReadPrivateKey("new.key", private, func() ([]byte, error) { return []byte("open"), nil })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.Public().PEM(), public) {
		t.Error("the two keys are no pair")
	}
}

func FuzzReadPublicKey(f *testing.F) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	f.Add(must(newPublicKey("", ed.Public())).PEM())
	f.Add([]byte("-----BEGIN RSA PUBLIC KEY-----\n-----END RSA PUBLIC KEY-----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ReadPublicKey("x", text); err == nil {
			_ = k.Verify(text, text) // must not panic
		}
	})
}
