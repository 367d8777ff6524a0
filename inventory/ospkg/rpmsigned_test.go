package ospkg

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// regionOf makes entries the part of a header that came with the package: see immutablePart.
func regionOf(entries map[uint32]any) []byte {
	be := binary.BigEndian
	h := headerOf(entries)
	tags, size := be.Uint32(h), be.Uint32(h[4:])
	numbers := func(list ...uint32) (b []byte) {
		for _, n := range list {
			b = be.AppendUint32(b, n)
		}
		return b
	}
	return slices.Concat(numbers(tags+1, size+16, tagHeaderImmutable, typeBinary, size, 16), h[8:],
		numbers(tagHeaderImmutable, typeBinary, -(16*(tags+1)), 16))
}

func TestSignedRecord(t *testing.T) {
	part := regionOf(map[uint32]any{tagName: "curl", tagVersion: "8.1", tagRelease: "1", tagDirNames: []string{"/usr/bin/"},
		tagBaseNames: []string{"curl"}, tagDirIndexes: []uint32{0}, tagFileDigests: []string{"aa"}})
	r, err := signedRecord(part, "db")
	if err != nil {
		t.Fatal(err)
	}
	if want := append([]byte(headerMagic), part...); !bytes.Equal(r.Signed, want) || r.Package.Name != "curl" || len(r.Package.Files) != 1 {
		t.Errorf("%+v", r)
	}
	if r, err := signedRecord(plain("old", 1), "db"); err != nil || r.Signed != nil || r.Package.Name != "old" {
		t.Errorf("a header without a signed part: %+v %v", r, err)
	}
	key := headerOf(map[uint32]any{tagName: "gpg-pubkey", tagDescription: "-----BEGIN"})
	if r, err := signedRecord(key, "db"); err != nil || string(r.Key) != "-----BEGIN" {
		t.Errorf("a key: %+v %v", r, err)
	}
}

func FuzzSignedRecord(f *testing.F) {
	f.Add(regionOf(map[uint32]any{tagName: "a", tagVersion: "1", tagRelease: "1"}))
	f.Add(plain("a", 10))
	f.Fuzz(func(t *testing.T, blob []byte) {
		r, err := signedRecord(blob, "db")
		if err == nil && r.Key == nil && !legal(r.Package.Name) {
			t.Errorf("a package without a name: %+v", r)
		}
		if len(r.Signed) > len(headerMagic)+len(blob) {
			t.Error("more is signed than there is")
		}
	})
}
