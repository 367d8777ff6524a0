package integrity_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"tidewaiter/trust"
	"tidewaiter/trust/integrity"
)

// signer is the key of a distribution.
type signer struct{ entity *openpgp.Entity }

func newSigner(t testing.TB, name string) signer {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", name+"@example.test", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: day})
	if err != nil {
		t.Fatal(err)
	}
	return signer{e}
}

func day() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func (s signer) sign(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := openpgp.DetachSign(&b, s.entity, bytes.NewReader(content), &packet.Config{Time: day}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// public is the key, armored.
func (s signer) public(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = s.entity.Serialize(w)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.Bytes()
}

// entry is one of an rpm header: text, texts, numbers or bytes.
type entry struct {
	tag   uint32
	value any
}

// rpmHeader writes a header; with region, its entries are the part that came with the package.
func rpmHeader(region bool, entries ...entry) []byte {
	var index, data []byte
	be := binary.BigEndian
	put := func(tag, kind, count uint32, value []byte) {
		for kind == 4 && len(data)%4 != 0 {
			data = append(data, 0)
		}
		for _, n := range []uint32{tag, kind, uint32(len(data)), count} {
			index = be.AppendUint32(index, n)
		}
		data = append(data, value...)
	}
	for _, e := range entries {
		switch v := e.value.(type) {
		case string:
			put(e.tag, 6, 1, append([]byte(v), 0))
		case []string:
			put(e.tag, 8, uint32(len(v)), []byte(strings.Join(v, "\x00")+"\x00"))
		case []byte:
			put(e.tag, 7, uint32(len(v)), v)
		case []uint32:
			var b []byte
			for _, n := range v {
				b = be.AppendUint32(b, n)
			}
			put(e.tag, 4, uint32(len(v)), b)
		}
	}
	if region {
		var first, trailer []byte
		size := uint32(len(index) + 16)
		for _, n := range []uint32{63, 7, uint32(len(data)), 16} {
			first = be.AppendUint32(first, n)
		}
		for _, n := range []uint32{63, 7, -size, 16} {
			trailer = be.AppendUint32(trailer, n)
		}
		index, data = slices.Concat(first, index), append(data, trailer...)
	}
	head := be.AppendUint32(be.AppendUint32(nil, uint32(len(index)/16)), uint32(len(data)))
	return slices.Concat(head, index, data)
}

// joined puts what rpm notes at the installation after the part that came with the package.
func joined(part []byte, entries ...entry) []byte {
	be := binary.BigEndian
	more := rpmHeader(false, entries...)
	tags, size := be.Uint32(part), be.Uint32(part[4:])
	moreTags, moreSize := be.Uint32(more), be.Uint32(more[4:])
	index := bytes.Clone(more[8 : 8+16*moreTags])
	for i := 0; i < len(index); i += 16 {
		be.PutUint32(index[i+8:], be.Uint32(index[i+8:])+size)
	}
	head := be.AppendUint32(be.AppendUint32(nil, tags+moreTags), size+moreSize)
	return slices.Concat(head, part[8:8+16*tags], index, part[8+16*tags:], more[8+16*moreTags:])
}

// ndb writes a database of SUSE's kind with one page of slots.
func ndb(blobs ...[]byte) string {
	le := binary.LittleEndian
	db := make([]byte, 4096)
	copy(db, "RpmP")
	le.PutUint32(db[12:], 1)
	for i := 2; i < len(db[:4096])/16; i++ {
		copy(db[16*i:], "Slot")
		if n := i - 2; n < len(blobs) {
			le.PutUint32(db[16*i+4:], uint32(n+1))
			le.PutUint32(db[16*i+8:], uint32(len(db)/16))
			head := le.AppendUint32([]byte("BlbS"), uint32(n+1))
			head = le.AppendUint32(le.AppendUint32(head, 0), uint32(len(blobs[n])))
			db = slices.Concat(db, head, blobs[n], make([]byte, 15-(len(blobs[n])+15)%16))
		}
	}
	return string(db)
}

// curl is the part of a package that its vendor signs.
func curl(library string) []byte {
	digest := sha256.Sum256([]byte(library))
	return rpmHeader(true, entry{1000, "curl"}, entry{1001, "8.1"}, entry{1002, "1.el9"}, entry{1022, "x86_64"}, entry{1030, []uint32{0o100755}},
		entry{1035, []string{hex.EncodeToString(digest[:])}}, entry{1116, []uint32{0}}, entry{1117, []string{"libcurl.so.4"}}, entry{1118, []string{"/usr/lib64/"}},
		entry{5011, []uint32{8}})
}

func signed(t *testing.T, s signer, part []byte) []byte {
	return joined(part, entry{268, s.sign(t, append([]byte("\x8e\xad\xe8\x01\x00\x00\x00\x00"), part...))}, entry{1008, []uint32{1}})
}

func redhat(library string, mode int64, records ...[]byte) []file {
	return []file{
		{Name: "etc/os-release", Content: "ID=rhel\nVERSION_ID=9.4\n"},
		{Name: "usr/lib64/libcurl.so.4", Content: library, Mode: mode},
		{Name: "usr/lib/sysimage/rpm/Packages.db", Content: ndb(records...)},
	}
}

func TestSignaturesOfRPM(t *testing.T) {
	vendor, other := newSigner(t, "vendor"), newSigner(t, "other")
	keys := func(s ...signer) *integrity.Metadata {
		files := map[string][]byte{}
		for i, k := range s {
			files[string(rune('a'+i))] = k.public(t)
		}
		return open(t, nil, files)
	}
	digest := sha256.Sum256([]byte(evil))
	forgedLater := joined(signed(t, vendor, curl(good)), entry{1035, []string{hex.EncodeToString(digest[:])}})
	pubkey := rpmHeader(true, entry{1000, "gpg-pubkey"}, entry{1001, "1"}, entry{1002, "1"}, entry{1005, string(vendor.public(t))})
	rows := []struct {
		name   string
		keys   *integrity.Metadata
		image  []file
		status trust.Status
		says   string
		// changed says that the library is found to be another.
		changed bool
	}{
		{"honest", keys(vendor), redhat(good, 0o755, signed(t, vendor, curl(good))), trust.Verified, "signatures vouch for all of its 1 package", false},
		{"one of several keys", keys(other, vendor), redhat(good, 0o755, signed(t, vendor, curl(good))), trust.Verified, "", false},
		{"no key", nil, redhat(good, 0o755, signed(t, vendor, curl(good))), trust.Unsigned, "all of it is signed, but the keys are not at hand", false},
		{"another key", keys(other), redhat(good, 0o755, signed(t, vendor, curl(good))), trust.Unsigned, "curl 8.1-1.el9 (signed by a key that is not at hand)", false},
		{"no signature", keys(vendor), redhat(good, 0o755, joined(curl(good))), trust.Unsigned, "curl 8.1-1.el9 (its record has no signature)", false},
		{"the image's own key", nil, redhat(good, 0o755, signed(t, vendor, curl(good)), pubkey), trust.Stranger, "the only keys for that are the image's own", false},
		{"the record edited", keys(vendor), redhat(evil, 0o755, bytes.ReplaceAll(signed(t, vendor, curl(good)), sumOf(good), sumOf(evil))), trust.Broken,
			"curl 8.1-1.el9: the vendor's signature does not fit its record", false},
		{"a second list of checksums after the signed one", keys(vendor), redhat(evil, 0o755, forgedLater), trust.Broken,
			"/usr/lib64/libcurl.so.4 was signed with sha256:", true},
		{"said to be left to another package", keys(vendor), redhat(evil, 0o755, joined(signed(t, vendor, curl(good)), entry{1029, []uint32{1}})), trust.Verified, "", true},
		{"another name after the signed one", keys(vendor), redhat(good, 0o755, joined(signed(t, vendor, curl(good)), entry{1001, "9.9"})), trust.Broken,
			"curl 9.9-1.el9: the signed part of its record names another package", false},
		{"setuid in the layer that installed it", keys(vendor), redhat(good, 0o4755, signed(t, vendor, curl(good))), trust.Verified, "", true},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			i, spots := verify(t, r.keys, r.image)
			d := i.Databases[0]
			if d.Status != r.status || !strings.Contains(d.Why, r.says) || len(spots) > 0 {
				t.Errorf("%+v %v", d, spots)
			}
			if (len(i.Changed) > 0) != r.changed {
				t.Errorf("%v", changed(i))
			}
		})
	}
}

func sumOf(content string) []byte {
	s := sha256.Sum256([]byte(content))
	return []byte(hex.EncodeToString(s[:]))
}

// The database of a CentOS 8, whose own keys are in it: signatures of version 3, which only rpm still makes.
func TestSignaturesOfARealDatabase(t *testing.T) {
	dir, err := filepath.Abs("../../../shared/images/oci/rpm-centos8-modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no test images: ", err)
	}
	i, _ := verifyLayout(t, nil, dir)
	d := i.Databases[0]
	if d.Status != trust.Stranger || d.Packages != 517 || !strings.HasPrefix(d.Signer, "CentOS (CentOS Official Signing Key)") {
		t.Errorf("%+v", d)
	}
}
