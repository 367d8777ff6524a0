package integrity

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // what old distributions signed with
	"crypto/rsa"
	_ "crypto/sha1" // of signatures of old distributions
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

var (
	errStranger = errors.New("signed by a key that is not at hand")
	errUseless  = errors.New("signed in a way that proves nothing")
	errNoFit    = errors.New("the signature does not fit")
)

// maxSignatures bounds how many signatures over one thing are tried. Debian signs a release with three keys.
const maxSignatures = 16

// vouched is who signed something.
type vouched struct {
	by string
	// weak says that the signature is over a SHA-1 digest: nobody has yet forged a second text to one, but it is not far.
	weak bool
}

// verify finds, among signatures (OpenPGP packets, one or several), one by a key of the ring. Where none is, the error is
// errNoFit where a key of the ring is named and the signature is not its over these bytes; else errStranger or errUseless.
//
// A key counts as it was when it signed: distributions' keys expire, and what they signed before is still theirs.
func (k *keyring) verify(signed, signatures []byte) (vouched, error) {
	result := errStranger
	packets := packet.NewOpaqueReader(bytes.NewReader(signatures))
	for range maxSignatures {
		p, err := packets.Next()
		if err != nil {
			break
		}
		if p.Tag != 2 { // signature packets
			continue
		}
		v, err := k.verifyPacket(signed, p)
		if err == nil {
			return v, nil
		}
		if errors.Is(result, errStranger) || errors.Is(err, errNoFit) {
			result = err
		}
	}
	return vouched{}, result
}

func (k *keyring) verifyPacket(signed []byte, p *packet.OpaquePacket) (vouched, error) {
	if len(p.Contents) > 0 && p.Contents[0] == 3 {
		return k.verifyOld(signed, p.Contents)
	}
	parsed, err := p.Parse()
	sig, ok := parsed.(*packet.Signature)
	if err != nil || !ok || sig.IssuerKeyId == nil {
		return vouched{}, fmt.Errorf("%w: the signature cannot be read", errUseless)
	}
	if !isStrongEnough(sig.Hash) {
		return vouched{}, fmt.Errorf("%w: it is over a digest (%v) that can be forged", errUseless, sig.Hash)
	}
	result := errStranger
	for _, key := range k.signers(*sig.IssuerKeyId, sig.CreationTime) {
		h, err := sig.PrepareVerify()
		if err != nil {
			return vouched{}, errUseless
		}
		h.Write(signed)
		if isDocument(sig.SigType) && key.PublicKey.VerifySignature(h, sig) == nil {
			return vouched{entityName(key.Entity), sig.Hash == crypto.SHA1}, nil
		}
		result = errNoFit
	}
	return vouched{}, result
}

// isDocument is true for signatures over a document, of bytes or of text, and not over a key.
func isDocument(t packet.SignatureType) bool {
	return t == packet.SigTypeBinary || t == packet.SigTypeText
}

func isStrongEnough(h crypto.Hash) bool {
	return h == crypto.SHA1 || h == crypto.SHA224 || h == crypto.SHA256 || h == crypto.SHA384 || h == crypto.SHA512
}

// signers are the keys with an id that could sign at a time.
func (k *keyring) signers(id uint64, at time.Time) []openpgp.Key {
	var fit []openpgp.Key
	for _, key := range k.pgp.KeysById(id) {
		self := key.SelfSignature
		switch {
		case self == nil, self.FlagsValid && !self.FlagSign: // for other uses
		case key.PublicKey.KeyExpired(self, at), key.Entity.Revoked(at), key.Revoked(at):
		default:
			fit = append(fit, key)
		}
	}
	return fit
}

// verifyOld checks a signature of version 3 (RFC 4880, section 5.2.2), which most rpm packages have and the library does not
// read: version, 5, type, time (4 bytes), id of the key (8), algorithms of key and digest, the digest's first 2 bytes, numbers.
// It is over the document, the type and the time.
func (k *keyring) verifyOld(signed, s []byte) (vouched, error) {
	const head = 19
	hashes := map[byte]crypto.Hash{2: crypto.SHA1, 8: crypto.SHA256, 9: crypto.SHA384, 10: crypto.SHA512, 11: crypto.SHA224}
	if len(s) < head || s[1] != 5 {
		return vouched{}, fmt.Errorf("%w: the signature cannot be read", errUseless)
	}
	hash, ok := hashes[s[16]]
	if !ok || !isDocument(packet.SignatureType(s[2])) {
		return vouched{}, fmt.Errorf("%w: it is over a digest that can be forged, or over no document", errUseless)
	}
	h := hash.New()
	h.Write(signed)
	h.Write(s[2:7])
	digest, numbers := h.Sum(nil), readNumbers(s[head:])
	result := errStranger
	for _, key := range k.signers(binary.BigEndian.Uint64(s[7:]), time.Unix(int64(binary.BigEndian.Uint32(s[3:])), 0)) {
		if fits(key.PublicKey.PublicKey, hash, digest, numbers) {
			return vouched{entityName(key.Entity), hash == crypto.SHA1}, nil
		}
		result = errNoFit
	}
	return vouched{}, result
}

// readNumbers reads OpenPGP's multiprecision integers: the count of bits in 2 bytes, then the number.
func readNumbers(b []byte) []*big.Int {
	var list []*big.Int
	for len(b) > 2 && len(list) < 2 {
		n := (int(binary.BigEndian.Uint16(b)) + 7) / 8
		if n > len(b)-2 {
			break
		}
		list = append(list, new(big.Int).SetBytes(b[2:2+n]))
		b = b[2+n:]
	}
	return list
}

func fits(public any, hash crypto.Hash, digest []byte, numbers []*big.Int) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if len(numbers) < 1 || len(numbers[0].Bytes()) > key.Size() {
			return false
		}
		return rsa.VerifyPKCS1v15(key, hash, digest, numbers[0].FillBytes(make([]byte, key.Size()))) == nil
	case *dsa.PublicKey:
		if len(numbers) < 2 || key.Q == nil {
			return false
		}
		return dsa.Verify(key, digest[:min(len(digest), (key.Q.BitLen()+7)/8)], numbers[0], numbers[1])
	}
	return false
}

// dearmor gives the packets of signatures, which may be armored.
func dearmor(signatures []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(signatures), []byte("-----BEGIN PGP")) {
		return signatures, nil
	}
	block, err := armor.Decode(bytes.NewReader(signatures))
	if err != nil {
		return nil, fmt.Errorf("a signature that cannot be read: %w", err)
	}
	return readAll(block.Body, maxRelease)
}
