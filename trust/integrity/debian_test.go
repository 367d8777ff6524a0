package integrity_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"tidewaiter/trust"
	"tidewaiter/trust/integrity"
)

// archive is a Debian archive: a signed release that names a list of packages, and the package.
type archive struct {
	packages, release []byte
	deb               []byte
}

// newArchive publishes curl 8.1-1 with the checksums of a library.
func newArchive(t testing.TB, library string) archive {
	t.Helper()
	control := stream(t, true, &tar.Header{Name: "./md5sums"}, debianSums(library))
	var a archive
	a.deb = []byte("!<arch>\n")
	for _, m := range []struct {
		name    string
		content []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar.gz", control}, {"data.tar.xz", []byte("x")}} {
		a.deb = fmt.Appendf(a.deb, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, 0, 0, 0, 0o100644, len(m.content))
		if a.deb = append(a.deb, m.content...); len(m.content)%2 == 1 {
			a.deb = append(a.deb, '\n')
		}
	}
	a.packages = fmt.Appendf(nil, "Package: aaa\nVersion: 1\nArchitecture: all\n\nPackage: curl\nVersion: 8.1-1\nArchitecture: amd64\n"+
		"Maintainer: Debian Curl <curl@debian.org>\nDepends: libc6 (>= 2.34)\nSHA256: %x\n\n", sha256.Sum256(a.deb))
	a.release = fmt.Appendf(nil, "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: bookworm-security\nDate: Sat, 21 Nov 2026 00:53:02 UTC\n"+
		"SHA256:\n %x %d main/binary-amd64/Packages\n %x 1 main/binary-amd64/Packages.other\n", sha256.Sum256(a.packages), len(a.packages), sha256.Sum256([]byte("x")))
	return a
}

func inRelease(t testing.TB, s signer, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, s.entity.PrivateKey, &packet.Config{Time: day})
	if err != nil {
		t.Fatal(err)
	}
	w.Write(content)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t testing.TB, kind string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "gz":
		w := gzip.NewWriter(&b)
		w.Write(content)
		err = w.Close()
	case "lz4":
		w := lz4.NewWriter(&b)
		w.Write(content)
		err = w.Close()
	case "xz":
		var w *xz.Writer
		if w, err = xz.NewWriter(&b); err == nil {
			w.Write(content)
			err = w.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSignedDebian(t *testing.T) {
	s, other := newSigner(t, "debian"), newSigner(t, "other")
	a := newArchive(t, good)
	in := inRelease(t, s, a.release)
	lists := map[string][]byte{"x_InRelease": in, "x_Packages": a.packages}
	whole := map[string][]byte{"x_InRelease": in, "x_Packages": a.packages, "pool/curl_8.1-1_amd64.deb": a.deb}
	with := func(files map[string][]byte, name string, content []byte) map[string][]byte {
		more := map[string][]byte{name: content}
		for n, c := range files {
			if n != name {
				more[n] = c
			}
		}
		return more
	}
	forged := debian(evil)
	forged[8].Content = debianSums(evil)
	status := func(old, now string) []file {
		files := debian(good)
		files[6].Content = strings.Replace(files[6].Content, old, now, 1)
		return files
	}
	rows := []struct {
		name    string
		files   map[string][]byte
		image   []file
		status  trust.Status
		says    string
		changed bool
		spots   int
	}{
		{"lists and package", whole, debian(good), trust.Verified, "signatures vouch for all of its 1 package", false, 0},
		{"only the lists", lists, debian(good), trust.Unsigned, "signed lists have all of its packages, but not the checksums", false, 0},
		{"packed by gzip", with(with(lists, "x_Packages.gz", packed(t, "gz", a.packages)), "x_Packages", nil), debian(good), trust.Unsigned, "signed lists have", false, 1},
		{"packed by lz4, as apt does", map[string][]byte{"x_InRelease": in, "x_Packages.lz4": packed(t, "lz4", a.packages)}, debian(good), trust.Unsigned, "signed lists have", false, 0},
		{"packed by xz", map[string][]byte{"x_InRelease": in, "x_Packages.xz": packed(t, "xz", a.packages)}, debian(good), trust.Unsigned, "signed lists have", false, 0},
		{"a signature beside the release", map[string][]byte{"Release": a.release, "Release.gpg": s.sign(t, a.release), "Packages": a.packages}, debian(good), trust.Unsigned, "signed lists have", false, 0},
		{"a release that a stranger signed", with(whole, "x_InRelease", inRelease(t, other, a.release)), debian(good), trust.Unsigned, "nothing signed names it", false, 1},
		{"an edited release", with(whole, "x_InRelease", bytes.Replace(in, []byte("Origin: Debian"), []byte("Origin: Debial"), 1)), debian(good), trust.Unsigned, "nothing signed names it", false, 1},
		{"an edited list", with(whole, "x_Packages", bytes.Replace(a.packages, []byte("2.34"), []byte("2.35"), 1)), debian(good), trust.Unsigned, "no signed list at hand names it", false, 1},
		{"an edited package", with(whole, "pool/curl_8.1-1_amd64.deb", append(a.deb[:len(a.deb):len(a.deb)], 'x')), debian(good), trust.Unsigned, "signed lists have", false, 0},
		{"library and checksum forged in the only layer", whole, forged, trust.Broken, "curl 8.1-1: /lib/libcurl.so.4 was signed with md5:", true, 0},
		{"a field of the database edited", lists, status("2.34", "2.00"), trust.Broken, "the database says libc6 (>= 2.00) of its Depends, and was signed with libc6 (>= 2.34)", false, 0},
		{"a version that never was", lists, status("8.1-1", "8.9-1"), trust.Broken, "curl 8.9-1 was never published: the signed lists, which are newer than the image, have 8.1-1", false, 0},
		{"an older version", lists, status("8.1-1", "7.9-1"), trust.Unsigned, "curl 7.9-1 (the signed lists at hand have 8.1-1 instead)", false, 0},
		{"another vendor's package of the name", lists, status("Package: curl", "Package: curl9"), trust.Unsigned, "no signed list at hand names it", false, 1},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			i, spots := verify(t, open(t, r.files, map[string][]byte{"debian.asc": s.public(t)}), r.image)
			if d := i.Databases[0]; d.Status != r.status || !strings.Contains(d.Why, r.says) {
				t.Errorf("%+v", d)
			}
			if len(spots) != r.spots || (len(i.Changed) > 0) != r.changed {
				t.Errorf("%v %v", spots, changed(i))
			}
		})
	}
}

// A version is not called forged where the lists are older than the image, or are not those of the security updates.
func TestVersionsThatTheListsMayNotKnow(t *testing.T) {
	s := newSigner(t, "debian")
	for name, edit := range map[string][2]string{
		"older lists":         {"21 Nov 2026", "01 Jan 2026"},
		"no security updates": {"Debian-Security\nSuite: stable-security\nCodename: bookworm-security", "Debian\nSuite: stable\nCodename: bookworm"},
		"another release":     {"bookworm-security", "trixie-security"},
	} {
		a := newArchive(t, good)
		in := inRelease(t, s, []byte(strings.Replace(string(a.release), edit[0], edit[1], 1)))
		files := debian(good)
		files[6].Content = debianStatus("8.9-1")
		i, _ := verify(t, open(t, map[string][]byte{"InRelease": in, "Packages": a.packages}, map[string][]byte{"k": s.public(t)}), files)
		if d := i.Databases[0]; d.Status != trust.Unsigned || !strings.Contains(d.Why, "have 8.1-1 instead") {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		dir  string
		keys []string
		want string
	}{
		{dir, nil, "without a key nothing in it can be believed"},
		{"", []string{filepath.Join(dir, "none")}, "no such file"},
		{"", []string{junk}, "neither an OpenPGP public key nor an RSA one in PEM"},
	} {
		if _, err := integrity.Open(r.dir, r.keys); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%v, want %q", err, r.want)
		}
	}
}
