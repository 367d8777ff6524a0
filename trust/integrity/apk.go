package integrity

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what apk's checksums and old signatures are
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"tidewaiter/inventory"
)

// An index and a package of apk-tools 2 are gzip streams one after another (https://wiki.alpinelinux.org/wiki/Apk_spec): a tar
// archive with signatures, then what those are over. Of an index that is the rest; of a package it is its control
// files, and those have the digest of the third stream, the files.

// errMember says that a file does not begin with the streams that it should have.
var errMember = errors.New("not a signed index or package of apk")

// gzipMember reads the gzip stream at the front of b, unpacked at most to maxPart bytes, and gives the bytes after it.
func gzipMember(b []byte) (content, rest []byte, err error) {
	in := bytes.NewReader(b)
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, nil, errMember
	}
	z.Multistream(false)
	if content, err = readAll(z, maxPart); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errMember, err)
	}
	return content, b[len(b)-in.Len():], nil
}

// tarFiles gives the files of a small tar archive. apk cuts the end off those that another follows.
func tarFiles(archive []byte) (map[string][]byte, error) {
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errMember, err)
		}
		if head.Typeflag == tar.TypeReg {
			if files[head.Name], err = readAll(r, maxPart); err != nil {
				return nil, fmt.Errorf("%w: %w", errMember, err)
			}
		}
	}
}

// verifyAPK checks the signatures, by name as apk writes them (.SIGN.RSA.NAME), over what follows them. Which key it was is
// tried, for a name proves nothing.
func (k *keyring) verifyAPK(signed []byte, signatures map[string][]byte) (vouched, error) {
	result, tries := errStranger, 0
	for name, signature := range signatures {
		hash, digest := apkHash(name, signed)
		if hash == 0 {
			continue
		}
		for _, key := range k.rsa {
			if tries++; tries > maxSignatures*maxSignatures {
				return vouched{}, errStranger
			}
			if rsa.VerifyPKCS1v15(key.key, hash, digest, signature) == nil {
				return vouched{key.name, hash == crypto.SHA1}, nil
			}
			if strings.HasSuffix(name, "."+key.name) {
				result = errNoFit
			}
		}
	}
	return vouched{}, result
}

func apkHash(name string, signed []byte) (crypto.Hash, []byte) {
	switch {
	case strings.HasPrefix(name, ".SIGN.RSA256."):
		sum := sha256.Sum256(signed)
		return crypto.SHA256, sum[:]
	case strings.HasPrefix(name, ".SIGN.RSA512."):
		sum := sha512.Sum512(signed)
		return crypto.SHA512, sum[:]
	case strings.HasPrefix(name, ".SIGN.RSA."):
		sum := sha1.Sum(signed) //nolint:gosec // as above
		return crypto.SHA1, sum[:]
	}
	return 0, nil
}

// publishedAPK is one package of a signed index.
type publishedAPK struct {
	by     vouched
	record []byte
	// branch is what the index calls itself (v3.18.4-...), newest when the newest package that it names was built.
	branch string
	newest time.Time
}

// publishedAPKs gives what the signed indexes have of packages, by name.
func (m *Metadata) publishedAPKs(ctx context.Context, wanted wants) (map[string][]publishedAPK, error) {
	found := map[string][]publishedAPK{}
	err := m.each(ctx, m.indexes, func(_ string, f io.Reader) error {
		content, err := readAll(f, maxPart)
		if err != nil {
			return err
		}
		list, err := m.readIndex(content, wanted)
		for _, p := range list {
			name := line(p.record, 'P')
			found[name] = append(found[name], p)
		}
		return err
	})
	return found, err
}

func (m *Metadata) readIndex(content []byte, wanted wants) ([]publishedAPK, error) {
	first, signed, err := gzipMember(content)
	if err != nil {
		return nil, err
	}
	signatures, err := tarFiles(first)
	if err != nil {
		return nil, err
	}
	by, err := m.keys.verifyAPK(signed, signatures)
	if err != nil {
		return nil, err
	}
	second, _, err := gzipMember(signed)
	if err != nil {
		return nil, err
	}
	files, err := tarFiles(second)
	if err != nil {
		return nil, err
	}
	var list []publishedAPK
	var newest int64
	for p, err := range paragraphs(bytes.NewReader(files["APKINDEX"])) {
		if err != nil {
			return nil, err
		}
		built, _ := strconv.ParseInt(line(p, 't'), 10, 64)
		newest = max(newest, built)
		if wanted[line(p, 'P')] {
			list = append(list, publishedAPK{by: by, record: bytes.Clone(p), branch: strings.TrimSpace(string(files["DESCRIPTION"]))})
		}
	}
	for i := range list {
		list[i].newest = time.Unix(newest, 0).UTC()
	}
	return list, nil
}

// line gives a line of an apk record, which begins with a letter and a colon.
func line(record []byte, letter byte) string {
	for len(record) > 0 {
		if l := cutLine(&record); len(l) > 1 && l[0] == letter && l[1] == ':' {
			return strings.TrimSpace(string(l[2:]))
		}
	}
	return ""
}

// differingLine gives the first line in which an installed package is not what was published.
func differingLine(installed, published []byte) (name, here, there string) {
	for _, f := range [...]struct {
		letter byte
		name   string
	}{{'C', "checksum"}, {'A', "architecture"}, {'o', "origin"}, {'t', "build time"}, {'c', "commit"}, {'D', "dependencies"}, {'p', "provided names"}} {
		if a, b := line(installed, f.letter), line(published, f.letter); a != b {
			return f.name, cmp.Or(a, "nothing"), cmp.Or(b, "nothing")
		}
	}
	return "", "", ""
}

// apkPackage is a package file: the identity that indexes and databases have of it, and its files with their checksums.
type apkPackage struct {
	// checksum is that of the control files, as databases write it.
	checksum string
	// by is who signed the package itself; nobody where no key at hand did.
	by    vouched
	files []inventory.OwnedFile
}

// readAPKPackage reads a package. That its parts belong together is checked; who vouches for the first of them is not.
func (k *keyring) readAPKPackage(content []byte) (*apkPackage, error) {
	first, control, err := gzipMember(content)
	if err != nil {
		return nil, err
	}
	signatures, err := tarFiles(first)
	if err != nil {
		return nil, err
	}
	info, data, err := gzipMember(control)
	if err != nil {
		return nil, err
	}
	control = control[:len(control)-len(data)]
	files, err := tarFiles(info)
	if err != nil {
		return nil, err
	}
	sum, sha := sha256.Sum256(data), sha1.Sum(control) //nolint:gosec // as above
	if want := pkgInfo(files[".PKGINFO"], "datahash"); want != hex.EncodeToString(sum[:]) {
		return nil, errors.New("a broken package of apk: its files are not those that its control file names")
	}
	p := &apkPackage{checksum: "Q1" + base64.StdEncoding.EncodeToString(sha[:])}
	p.by, _ = k.verifyAPK(control, signatures)
	p.files, err = apkFiles(data)
	return p, err
}

// pkgInfo gives a field of .PKGINFO, "name = value".
func pkgInfo(content []byte, name string) string {
	for l := range strings.Lines(string(content)) {
		if key, value, ok := strings.Cut(l, "="); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// apkFiles lists the files of a package with the checksums that apk writes to the database: those of the extended headers.
func apkFiles(data []byte) ([]inventory.OwnedFile, error) {
	content, err := unpack(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var files []inventory.OwnedFile
	for r := tar.NewReader(content); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		sum := strings.ToLower(head.PAXRecords["APK-TOOLS.checksum.SHA1"])
		if sum != "" && head.Typeflag != tar.TypeDir {
			files = append(files, inventory.OwnedFile{Path: strings.TrimPrefix(head.Name, "/"), Digest: "sha1:" + sum})
		}
	}
}
