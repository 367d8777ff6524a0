package integrity

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// keyOf gives a keyring with one key, and what that signed.
func keyOf(f *testing.F, content []byte) (*keyring, []byte) {
	e, err := openpgp.NewEntity("a", "", "", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := openpgp.DetachSign(&b, e, bytes.NewReader(content), nil); err != nil {
		f.Fatal(err)
	}
	return &keyring{pgp: openpgp.EntityList{e}}, b.Bytes()
}

// Whatever a signature is, it vouches for no other text.
func FuzzSignature(f *testing.F) {
	ring, signature := keyOf(f, []byte("text"))
	f.Add(signature)
	f.Add([]byte("\xc2\x2b\x03\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x08\x00\x00\x00\x08\xff"))
	f.Fuzz(func(t *testing.T, signature []byte) {
		if _, err := ring.verify([]byte("another text"), signature); err == nil {
			t.Error("a signature that nobody made fits")
		}
	})
}

func FuzzKeyring(f *testing.F) {
	f.Add([]byte(armorStart + "\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----\n"))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(_ *testing.T, content []byte) { _ = (&keyring{}).add("key", content) })
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSuite: stable\nSHA256:\n 00 1 Packages\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"))
	f.Fuzz(func(_ *testing.T, content []byte) {
		if signed, signatures, err := clearSigned(content); err == nil {
			_, _ = (&keyring{}).verify(signed, signatures)
		}
		readRelease(content)
	})
}

func FuzzParagraphs(f *testing.F) {
	f.Add([]byte("Package: a\nDepends: b,\n c\n\nP:x\nV:1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		n := 0
		for p, err := range paragraphs(bytes.NewReader(content)) {
			if err != nil {
				return
			}
			n += len(p)
			differingField(p, p)
			differingLine(p, nil)
		}
		if n > len(content) {
			t.Errorf("%d bytes out of %d", n, len(content))
		}
	})
}

func FuzzPackages(f *testing.F) {
	f.Add([]byte("!<arch>\ncontrol.tar.gz  0           0     0     100644  4         `\nabcd"))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	_ = w.WriteHeader(&tar.Header{Name: "APKINDEX", Size: 4})
	_, _ = io.WriteString(w, "P:a\n")
	w.Close()
	z.Close()
	f.Add(bytes.Repeat(b.Bytes(), 3))
	f.Fuzz(func(_ *testing.T, content []byte) {
		m := &Metadata{keys: &keyring{}}
		_, _, _ = debChecksums(bytes.NewReader(content))
		_, _ = m.readIndex(content, wants{"a": true})
		_, _ = m.keys.readAPKPackage(content)
		_, _, _ = m.readPackages(bytes.NewReader(content), wants{"a": true})
		md5sums(content)
	})
}
