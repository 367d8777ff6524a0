package integrity

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"time"
)

// release is a Debian archive's signed list of its files (https://wiki.debian.org/DebianRepository/Format).
type release struct {
	by vouched
	// label, suite and codename are what the archive calls itself; date when it was made.
	label, suite, codename string
	date                   time.Time
	// sums are the SHA-256 of the files that it names, in hexadecimal.
	sums map[string]bool
}

// ofUpdates says whether the archive is that of the security updates, which go where the release itself does not.
func (r *release) ofUpdates() bool {
	return strings.Contains(strings.ToLower(r.label+" "+r.suite+" "+r.codename), "security")
}

var errUnnamed = errors.New("no release that is signed with a key at hand names it")

// takeRelease reads a release whose signature is within it, or in a file beside it.
func (m *Metadata) takeRelease(name, signature string) {
	content, err := m.whole(name)
	if err != nil {
		m.leave(name, err)
		return
	}
	var signatures []byte
	if signature == "" {
		content, signatures, err = clearSigned(content)
	} else if signatures, err = m.whole(signature); err == nil {
		signatures, err = dearmor(signatures)
	}
	var by vouched
	if err == nil {
		by, err = m.keys.verify(content, signatures)
	}
	if err != nil {
		m.leave(name, err)
		return
	}
	r := readRelease(content)
	r.by = by
	m.releases = append(m.releases, r)
}

// clearSigned takes text apart that has its signature below it (RFC 9580, section 7): what was signed is the lines between, without
// spaces at their ends and "- " at the front of those that begin with a dash, with CR LF between them. (The library's own reader panics
// on an empty text.)
func clearSigned(content []byte) (signed, signatures []byte, err error) {
	const begin, end = "-----BEGIN PGP SIGNED MESSAGE-----\n", "\n-----BEGIN PGP SIGNATURE-----\n"
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	content, ok := bytes.CutPrefix(content, []byte(begin))
	head, text, headed := bytes.Cut(content, []byte("\n\n"))
	text, signature, ended := bytes.Cut(text, []byte(end))
	if !ok || !headed || !ended {
		return nil, nil, errors.New("it is not signed")
	}
	for line := range bytes.Lines(head) {
		if !bytes.HasPrefix(line, []byte("Hash: ")) { // others are not allowed there, for nothing vouches for them
			return nil, nil, errors.New("it is not signed as it should be")
		}
	}
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimPrefix(bytes.TrimRight(line, " \t"), []byte("- "))
	}
	signatures, err = dearmor(append([]byte(end[1:]), signature...))
	return bytes.Join(lines, []byte("\r\n")), signatures, err
}

// readRelease reads one whose signature holds.
func readRelease(content []byte) release {
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	r := release{label: field(content, "Label"), suite: field(content, "Suite"), codename: field(content, "Codename"), sums: map[string]bool{}}
	r.date, _ = time.Parse("Mon, 02 Jan 2006 15:04:05 MST", field(content, "Date"))
	words := strings.Fields(field(content, "SHA256"))
	for ; len(words) >= 3; words = words[3:] { // digest, size, name
		if len(words[0]) == 2*sha256.Size {
			r.sums[words[0]] = true
		}
	}
	return r
}

// published is one package that a signed list names.
type published struct {
	by vouched
	// control is the paragraph of the list; of is the release that names the list.
	control []byte
	of      *release
	digest  string
}

// publishedDebs gives what the signed lists have of packages, by name.
func (m *Metadata) publishedDebs(ctx context.Context, wanted wants) (map[string][]published, error) {
	found := map[string][]published{}
	err := m.each(ctx, m.packages, func(_ string, f io.Reader) error {
		list, of, err := m.readPackages(f, wanted)
		for _, p := range list {
			name := field(p, "Package")
			found[name] = append(found[name], published{of.by, p, of, field(p, "SHA256")})
		}
		return err
	})
	return found, err
}

// readPackages reads a list, and finds the release that names it. Nothing of it counts before its digest is known.
func (m *Metadata) readPackages(f io.Reader, wanted wants) ([][]byte, *release, error) {
	packed, plain := sha256.New(), sha256.New()
	raw := io.TeeReader(f, packed)
	content, err := unpack(raw)
	if err != nil {
		return nil, nil, err
	}
	var list [][]byte
	for p, err := range paragraphs(io.TeeReader(content, plain)) {
		if err != nil {
			return nil, nil, err
		}
		if wanted[field(p, "Package")] {
			list = append(list, bytes.Clone(p))
		}
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return nil, nil, err
	}
	for i := range m.releases {
		r := &m.releases[i]
		if r.sums[hex.EncodeToString(packed.Sum(nil))] || r.sums[hex.EncodeToString(plain.Sum(nil))] {
			return list, r, nil
		}
	}
	return nil, nil, errUnnamed
}

// controlFields are those that dpkg's database keeps as the package has them. What an archive may set otherwise than the
// package (section, priority) is not among them.
func controlFields() []string {
	return []string{"Source", "Maintainer", "Architecture", "Multi-Arch", "Essential", "Pre-Depends", "Depends", "Provides", "Conflicts", "Breaks", "Replaces"}
}

// differingField gives the first field in which what dpkg's database has is not what was published; empty where none is.
func differingField(installed, published []byte) (name, here, there string) {
	for _, name := range controlFields() {
		a, b := field(installed, name), field(published, name)
		if strings.ReplaceAll(a, " ", "") != strings.ReplaceAll(b, " ", "") {
			return name, cmp.Or(a, "nothing"), cmp.Or(b, "nothing")
		}
	}
	return "", "", ""
}
