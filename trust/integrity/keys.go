package integrity

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// maxKeyFile bounds a file of keys, in bytes. Debian's keyring has about 100 kB.
const maxKeyFile = 16 << 20

// keyring holds the public keys of distributions: OpenPGP for rpm and Debian, plain RSA for apk.
type keyring struct {
	pgp openpgp.EntityList
	rsa []rsaKey
}

type rsaKey struct {
	name string
	key  *rsa.PublicKey
}

func (k *keyring) empty() bool { return len(k.pgp)+len(k.rsa) == 0 }

// readKeyFiles reads the files that a user names.
func readKeyFiles(files []string) (*keyring, error) {
	k := &keyring{}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("distribution key: %w", err)
		}
		if info.Size() > maxKeyFile {
			return nil, fmt.Errorf("distribution key %s: larger than %d MiB, which no keyring is", file, maxKeyFile>>20)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("distribution key: %w", err)
		}
		if err := k.add(filepath.Base(file), content); err != nil {
			return nil, fmt.Errorf("distribution key %s: %w", file, err)
		}
	}
	return k, nil
}

const armorStart = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

// add reads one file: OpenPGP keys, armored (one block after another) or not, or an RSA key in PEM.
func (k *keyring) add(name string, content []byte) error {
	if block, _ := pem.Decode(content); block != nil && block.Type != "PGP PUBLIC KEY BLOCK" {
		return k.addRSA(name, block)
	}
	_, rest, armored := bytes.Cut(content, []byte(armorStart))
	if !armored {
		return k.addPGP(openpgp.ReadKeyRing(bytes.NewReader(content)))
	}
	for armored {
		var one []byte
		one, rest, armored = bytes.Cut(rest, []byte(armorStart))
		block, err := armor.Decode(strings.NewReader(armorStart + string(one)))
		if err != nil {
			return fmt.Errorf("an OpenPGP key that cannot be read: %w", err)
		}
		if err := k.addPGP(openpgp.ReadKeyRing(block.Body)); err != nil {
			return err
		}
	}
	return nil
}

func (k *keyring) addPGP(list openpgp.EntityList, err error) error {
	if err == nil && len(list) == 0 {
		err = errors.New("it holds no key")
	}
	if err != nil {
		return fmt.Errorf("neither an OpenPGP public key nor an RSA one in PEM: %w", err)
	}
	k.pgp = append(k.pgp, list...)
	return nil
}

func (k *keyring) addRSA(name string, block *pem.Block) error {
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PublicKey(block.Bytes); err != nil {
			return fmt.Errorf("not a public key: %w", err)
		}
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("a public key of a kind that no package manager signs with: %T", key)
	}
	k.rsa = append(k.rsa, rsaKey{name, public})
	return nil
}

// entityName is what the owner of an OpenPGP key calls himself, or the key's fingerprint.
func entityName(e *openpgp.Entity) string {
	if id := e.PrimaryIdentity(); id != nil && id.Name != "" {
		return id.Name
	}
	return fmt.Sprintf("key %X", e.PrimaryKey.Fingerprint)
}

// names joins the names of signers, each once, sorted.
func names(signers map[string]bool) string {
	list := make([]string, 0, len(signers))
	for s := range signers {
		list = append(list, s)
	}
	slices.Sort(list)
	const most = 3
	if more := len(list) - most; more > 0 {
		list = append(list[:most:most], fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, ", ")
}
