package integrity_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what apk signs and keeps
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"tidewaiter/trust"
	"tidewaiter/trust/integrity"
)

// apkSigner signs as abuild-sign does.
type apkSigner struct {
	name string
	key  *rsa.PrivateKey
}

func newAPKSigner(t testing.TB, name string) apkSigner {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return apkSigner{name, key}
}

func (s apkSigner) public() []byte {
	der, _ := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// sign gives the stream that stands before what is signed.
func (s apkSigner) sign(t testing.TB, content []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(content)
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return stream(t, false, &tar.Header{Name: ".SIGN.RSA256." + s.name}, string(signature))
}

// stream is a gzip stream with one file in a tar archive, which another one follows where it is not the last.
func stream(t testing.TB, last bool, h *tar.Header, content string) []byte {
	t.Helper()
	var plain, packed bytes.Buffer
	w := tar.NewWriter(&plain)
	if h.Name == "APKINDEX" {
		w.WriteHeader(&tar.Header{Name: "DESCRIPTION", Size: 7, Mode: 0o644, Typeflag: tar.TypeReg})
		w.Write([]byte("v3.20.3"))
	}
	h.Size, h.Mode, h.Typeflag = int64(len(content)), 0o644, tar.TypeReg
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(content))
	if w.Flush(); last {
		w.Close()
	}
	z := gzip.NewWriter(&packed)
	z.Write(plain.Bytes())
	z.Close()
	return packed.Bytes()
}

func sha1Of(b []byte) []byte { s := sha1.Sum(b); return s[:] } //nolint:gosec // as above

// apkPackage is a package with one file; the checksum is its identity.
func apkPackage(t testing.TB, s apkSigner, content string) (pkg []byte, checksum string) {
	data := stream(t, true, &tar.Header{Name: "usr/bin/curl", Format: tar.FormatPAX,
		PAXRecords: map[string]string{"APK-TOOLS.checksum.SHA1": hex.EncodeToString(sha1Of([]byte(content)))}}, content)
	sum := sha256.Sum256(data)
	control := stream(t, false, &tar.Header{Name: ".PKGINFO"}, "pkgname = curl\npkgver = 8.1-r0\ndatahash = "+hex.EncodeToString(sum[:])+"\n")
	return bytes.Join([][]byte{s.sign(t, control), control, data}, nil), "Q1" + base64.StdEncoding.EncodeToString(sha1Of(control))
}

func apkRecord(checksum, version, depends string) string {
	return "C:" + checksum + "\nP:curl\nV:" + version + "\nA:x86_64\no:curl\nt:1767323045\nc:abc\nD:" + depends + "\n"
}

// alpine is a layer whose database has the checksum of one content, and another may be there.
func alpine(record, recorded, content string) []file {
	return []file{
		{Name: "etc/os-release", Content: "ID=alpine\nVERSION_ID=3.20.1\n"},
		{Name: "usr/bin/curl", Content: content, Mode: 0o755},
		{Name: "lib/apk/db/installed", Content: record + "F:usr/bin\nR:curl\na:0:0:755\nZ:Q1" + base64.StdEncoding.EncodeToString(sha1Of([]byte(recorded))) + "\n\n"},
	}
}

func apkIndex(t testing.TB, s apkSigner, record string) []byte {
	content := stream(t, true, &tar.Header{Name: "APKINDEX"}, record+"\nP:other\nV:1-r0\nA:x86_64\nt:1799999999\n\n")
	return append(s.sign(t, content), content...)
}

func TestSignedAPK(t *testing.T) {
	alpineKey, other := newAPKSigner(t, "alpine.rsa.pub"), newAPKSigner(t, "other.rsa.pub")
	pkg, checksum := apkPackage(t, alpineKey, good)
	strange, _ := apkPackage(t, other, good)
	record := apkRecord(checksum, "8.1-r0", "so:libc.musl-x86_64.so.1")
	index := apkIndex(t, alpineKey, record)
	cut := append([]byte{}, index...)
	cut[len(cut)-30] ^= 1
	honest := alpine(record, good, good)
	rows := []struct {
		name    string
		files   map[string][]byte
		image   []file
		status  trust.Status
		says    string
		changed bool
		spots   int
	}{
		{"only the index", map[string][]byte{"APKINDEX.tar.gz": index}, honest, trust.Unsigned, "signed lists have all of its packages, but not the checksums", false, 0},
		{"index and package", map[string][]byte{"APKINDEX.tar.gz": index, "curl-8.1-r0.apk": pkg}, honest, trust.Verified, "signatures vouch for all", false, 0},
		{"only the package, which is signed itself", map[string][]byte{"curl-8.1-r0.apk": pkg}, honest, trust.Verified, "", false, 0},
		{"a package that a stranger signed, which the index names", map[string][]byte{"APKINDEX.tar.gz": index, "curl-8.1-r0.apk": strange}, honest, trust.Verified, "", false, 0},
		{"a package that only a stranger signed", map[string][]byte{"curl-8.1-r0.apk": strange}, honest, trust.Unsigned, "no signed index at hand names it", false, 0},
		{"an index that a stranger signed", map[string][]byte{"APKINDEX.tar.gz": apkIndex(t, other, record)}, honest, trust.Unsigned, "no signed index", false, 1},
		{"a broken index", map[string][]byte{"APKINDEX.tar.gz": cut}, honest, trust.Unsigned, "no signed index", false, 1},
		{"a broken package", map[string][]byte{"APKINDEX.tar.gz": index, "curl-8.1-r0.apk": pkg[:len(pkg)-20]}, honest, trust.Unsigned, "signed lists have", false, 1},
		{"the checksum of a file forged", map[string][]byte{"APKINDEX.tar.gz": index, "curl-8.1-r0.apk": pkg}, alpine(record, evil, evil), trust.Broken,
			"curl 8.1-r0: /usr/bin/curl was signed with sha1:", true, 0},
		{"the checksum of the package forged", map[string][]byte{"APKINDEX.tar.gz": index}, alpine(apkRecord("Q1AAAA", "8.1-r0", "so:libc.musl-x86_64.so.1"), good, good), trust.Broken,
			"curl 8.1-r0: the database says Q1AAAA for its checksum, and the signed index says Q1", false, 0},
		{"a version that never was", map[string][]byte{"APKINDEX.tar.gz": index}, alpine(apkRecord(checksum, "8.9-r0", ""), good, good), trust.Broken,
			"curl 8.9-r0 was never published: the signed lists, which are newer than the image, have 8.1-r0", false, 0},
		{"an older version", map[string][]byte{"APKINDEX.tar.gz": index}, alpine(apkRecord(checksum, "7.9-r0", ""), good, good), trust.Unsigned,
			"the signed index at hand has 8.1-r0 instead", false, 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			i, spots := verify(t, open(t, r.files, map[string][]byte{"alpine.rsa.pub": alpineKey.public()}), r.image)
			if d := i.Databases[0]; d.Status != r.status || !strings.Contains(d.Why, r.says) || !d.Asked {
				t.Errorf("%+v", d)
			}
			if len(spots) != r.spots || (len(i.Changed) > 0) != r.changed {
				t.Errorf("%v %v", spots, changed(i))
			}
			if c := integrity.CheckOf(i); (c.Verdict == trust.Pass) != (r.status == trust.Verified) {
				t.Errorf("%+v", c)
			}
		})
	}
}
