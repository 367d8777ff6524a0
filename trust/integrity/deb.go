package integrity

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
)

// debChecksums reads a Debian package (deb(5)): an ar archive of debian-binary, control.tar and data.tar. It gives the digest
// of the whole, and the checksums of the package's files, as dpkg keeps them after installing it: nil where the package has none.
func debChecksums(r io.Reader) (digest string, sums []byte, err error) {
	h := sha256.New()
	in := io.TeeReader(r, h)
	control, err := arMember(in, "control.tar")
	if err == nil {
		sums, err = tarFile(bytes.NewReader(control), "md5sums")
	}
	if err != nil {
		return "", nil, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return "", nil, err
	}
	return hex.EncodeToString(h.Sum(nil)), sums, nil
}

// arMember gives a member of an ar archive, by how its name begins. A header has 60 bytes: name (16), times and owners, the
// size (10, from byte 48), and two bytes that close it.
func arMember(r io.Reader, name string) ([]byte, error) {
	errBroken := errors.New("not a Debian package")
	magic := make([]byte, 8)
	if _, err := io.ReadFull(r, magic); err != nil || string(magic) != "!<arch>\n" {
		return nil, errBroken
	}
	for range 16 {
		head := make([]byte, 60)
		if _, err := io.ReadFull(r, head); err != nil || string(head[58:]) != "`\n" {
			return nil, errBroken
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil || size < 0 {
			return nil, errBroken
		}
		if strings.HasPrefix(string(head), name) {
			if size > maxPart {
				return nil, errBroken
			}
			member := make([]byte, size)
			_, err := io.ReadFull(r, member)
			return member, err
		}
		if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
			return nil, errBroken
		}
	}
	return nil, errBroken
}

// tarFile gives a file at the top of a packed tar archive; nil where there is none.
func tarFile(r io.Reader, name string) ([]byte, error) {
	content, err := unpack(r)
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(&bounded{content, maxPart}); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if path.Clean(head.Name) == name {
			return readAll(archive, maxPart)
		}
	}
}
