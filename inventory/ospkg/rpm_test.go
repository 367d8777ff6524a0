package ospkg

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"tidewaiter/inventory"
)

// headerOf writes a header as rpm keeps it: strings, arrays of strings, and arrays of 32 bit numbers by tag.
func headerOf(entries map[uint32]any) []byte {
	var index, data bytes.Buffer
	tags := make([]uint32, 0, len(entries))
	for tag := range entries {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	for _, tag := range tags {
		var kind, count uint32
		for data.Len()%4 != 0 {
			data.WriteByte(0)
		}
		offset := uint32(data.Len())
		switch v := entries[tag].(type) {
		case string:
			kind, count = typeString, 1
			data.WriteString(v + "\x00")
		case []string:
			kind, count = typeStringArray, uint32(len(v))
			data.WriteString(strings.Join(v, "\x00") + "\x00")
		case []uint32:
			kind, count = typeInt32, uint32(len(v))
			binary.Write(&data, binary.BigEndian, v)
		}
		binary.Write(&index, binary.BigEndian, []uint32{tag, kind, offset, count})
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(len(entries)))
	head = binary.BigEndian.AppendUint32(head, uint32(data.Len()))
	return slices.Concat(head, index.Bytes(), data.Bytes())
}

// plain gives the header of a package with a name and a padding that makes it as long as wanted.
func plain(name string, padding int) []byte {
	return headerOf(map[uint32]any{tagName: name, tagVersion: "1", tagRelease: "1", 9999: strings.Repeat("x", padding)})
}

func TestParseHeader(t *testing.T) {
	h, err := parseHeader(headerOf(map[uint32]any{
		tagName: "openssl-libs", tagVersion: "3.0.7", tagRelease: "27.el9", tagEpoch: []uint32{1}, tagArch: "x86_64",
		tagLicense: "ASL 2.0", tagSourceRPM: "openssl-3.0.7-27.el9.src.rpm", tagModularity: "m:1:2:c",
		tagDirNames: []string{"/etc/pki/", "/usr/lib64/"}, tagBaseNames: []string{"openssl.cnf", "libssl.so.3", "engines"},
		tagDirIndexes: []uint32{0, 1, 1}, tagFileFlags: []uint32{1, 0, 0}, tagFileDigests: []string{"aa", "bb", ""}, tagDigestAlgo: []uint32{8},
		tagFileModes: []uint32{0o100644, 0o100755, 0o040755},
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := inventory.Package{
		Type: "rpm", Name: "openssl-libs", Version: "1:3.0.7-27.el9", Arch: "x86_64", Licenses: []string{"ASL 2.0"},
		Source: &inventory.Source{Name: "openssl", Version: "1:3.0.7-27.el9"}, Modularity: "m:1:2:c", Paths: []string{"db"},
		Files: []inventory.OwnedFile{{Path: "etc/pki/openssl.cnf", Digest: "sha256:aa", Mode: 0o644, Config: true}, {Path: "usr/lib64/libssl.so.3", Digest: "sha256:bb", Mode: 0o755}},
	}
	if diff := cmp.Diff(want, h.pkg("db")); diff != "" {
		t.Error(diff)
	}
}

// A few directories must not be blown up into endless paths.
func TestParseHeaderBoundsNames(t *testing.T) {
	n := 10_000
	h, err := parseHeader(headerOf(map[uint32]any{
		tagName: "x", tagVersion: "1", tagRelease: "1",
		tagDirNames: []string{strings.Repeat("d", 1<<20)}, tagBaseNames: make([]string, n), tagDirIndexes: make([]uint32, n),
	}))
	if err != nil || h.files != nil {
		t.Errorf("%v, %d files", err, len(h.files))
	}
}

// sqliteDB writes a database as rpm does, with the rows of first in the file and those of second only in
// the write-ahead log.
func sqliteDB(t *testing.T, pageSize int, first, second [][]byte) (file, wal []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rpmdb.sqlite")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(q string, args ...any) {
		if _, err := db.Exec(q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	exec(fmt.Sprintf("PRAGMA page_size=%d", pageSize))
	exec("PRAGMA journal_mode=WAL")
	exec("PRAGMA wal_autocheckpoint=0")
	exec("CREATE TABLE Name (key TEXT, hnum INTEGER)")
	exec("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
	for _, b := range first {
		exec("INSERT INTO Packages (blob) VALUES (?)", b)
	}
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
	for _, b := range second {
		exec("INSERT INTO Packages (blob) VALUES (?)", b)
	}
	if file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if wal, err = os.ReadFile(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	return file, wal
}

func TestSQLite(t *testing.T) {
	for _, pageSize := range []int{512, 4096, 65536} {
		t.Run(fmt.Sprint(pageSize), func(t *testing.T) {
			var want []string
			var first, second [][]byte
			for i := range 300 {
				name := fmt.Sprintf("p%d", i)
				first = append(first, plain(name, i*i%9000)) // around every bound of what fits into a page
				want = append(want, name+" 1-1")
			}
			second = append(second, plain("late", 70_000))
			file, wal := sqliteDB(t, pageSize, first, second)
			got, err := parseRPM(t.Context(), file, nil, "db")
			if diff := cmp.Diff(want, names(got)); diff != "" || err != nil {
				t.Errorf("without the log: %v %s", err, diff)
			}
			got, err = parseRPM(t.Context(), file, wal, "db")
			if diff := cmp.Diff(append(want, "late 1-1"), names(got)); diff != "" || err != nil {
				t.Errorf("with the log: %v %s", err, diff)
			}
			wal[len(wal)-1] ^= 1 // the last transaction is damaged, and so not committed
			got, err = parseRPM(t.Context(), file, wal, "db")
			if diff := cmp.Diff(want, names(got)); diff != "" || err != nil {
				t.Errorf("with a damaged log: %v %s", err, diff)
			}
		})
	}
}

// A database may be in its log alone.
func TestSQLiteInLogOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"PRAGMA journal_mode=WAL", "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("INSERT INTO Packages (blob) VALUES (?)", plain("only", 10)); err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseRPM(t.Context(), nil, wal, "db")
	if diff := cmp.Diff([]string{"only 1-1"}, names(got)); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// ndbDB writes an ndb file with one page of slots.
func ndbDB(blobs ...[]byte) []byte {
	le := binary.LittleEndian
	file := make([]byte, ndbPageSize)
	copy(file, ndbMagic)
	le.PutUint32(file[12:], 1)
	for i := 2; i < ndbPageSize/ndbSlotSize; i++ {
		slot := file[i*ndbSlotSize:]
		copy(slot, ndbSlotMagic)
		if n := i - 2; n < len(blobs) {
			le.PutUint32(slot[4:], uint32(n+1))
			le.PutUint32(slot[8:], uint32(len(file)/ndbSlotSize))
			head := le.AppendUint32([]byte(ndbBlobMagic), uint32(n+1))
			head = le.AppendUint32(le.AppendUint32(head, 0), uint32(len(blobs[n])))
			file = slices.Concat(file, head, blobs[n], make([]byte, 15-(len(blobs[n])+15)%16))
		}
	}
	return file
}

func TestNDB(t *testing.T) {
	file := ndbDB(plain("a", 10), plain("b", 5000), []byte("broken"), plain("c", 0))
	got, err := parseRPM(t.Context(), file, nil, "db")
	if diff := cmp.Diff([]string{"a 1-1", "b 1-1", "c 1-1"}, names(got)); diff != "" {
		t.Error(diff)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "1 of 4 records could not be read, the first at record 3: ") {
		t.Errorf("%v", err)
	}
}

// bdbDB writes a Berkeley DB hash file: one hash page, each value on its overflow pages.
func bdbDB(order binary.ByteOrder, values ...[]byte) []byte {
	const size = 512
	file := make([]byte, 2*size)
	order.PutUint32(file[12:], bdbHashMagic)
	order.PutUint32(file[20:], size)
	file[25] = 8
	page := file[size:]
	page[25] = bdbHash
	order.PutUint16(page[20:], uint16(2*len(values)))
	for i, v := range values {
		at := size - (i+1)*bdbOffPageSize
		order.PutUint16(page[bdbPageHeader+4*i+2:], uint16(at))
		page[at] = bdbOffPage
		order.PutUint32(page[at+4:], uint32(len(file)/size))
		order.PutUint32(page[at+8:], uint32(len(v)))
		for len(v) > 0 {
			n := min(len(v), size-bdbPageHeader)
			next := make([]byte, size)
			next[25] = bdbOverflow
			order.PutUint16(next[22:], uint16(n))
			copy(next[bdbPageHeader:], v[:n])
			v = v[n:]
			if file = append(file, next...); len(v) > 0 {
				order.PutUint32(file[len(file)-size+16:], uint32(len(file)/size))
			}
			page = file[size:]
		}
	}
	order.PutUint32(file[32:], uint32(len(file)/size-1))
	return file
}

func TestBerkeleyDB(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		file := bdbDB(order, plain("a", 10), plain("gpg-pubkey", 10), plain("b", 5000))
		got, err := parseRPM(t.Context(), file, nil, "db")
		if diff := cmp.Diff([]string{"a 1-1", "b 1-1"}, names(got)); diff != "" || err != nil {
			t.Errorf("%v: %v %s", order, err, diff)
		}
	}
}

// What a hostile Berkeley DB file can say: an entry outside its page, and a chain that never ends.
func TestBerkeleyDBHostile(t *testing.T) {
	le := binary.LittleEndian
	outside := bdbDB(le, plain("a", 10))
	le.PutUint16(outside[512+bdbPageHeader+2:], 60_000)
	endless := bdbDB(le, []byte(strings.Repeat("x", 5000)))
	le.PutUint32(endless[2*512+16:], 2)
	for name, file := range map[string][]byte{"outside": outside, "endless": endless} {
		if got, err := parseRPM(t.Context(), file, nil, "db"); err == nil {
			t.Errorf("%s: %v", name, names(got))
		}
	}
}

func FuzzRPM(f *testing.F) {
	le := binary.LittleEndian
	f.Add(bdbDB(le, plain("a", 10), plain("b", 600)), []byte(nil))
	f.Add(ndbDB(plain("a", 10)), []byte(nil))
	f.Add([]byte(sqliteMagic), []byte{0x37, 0x7f, 6, 0x82})
	f.Fuzz(func(t *testing.T, file, wal []byte) {
		pkgs, _ := parseRPM(t.Context(), file, wal, "db")
		for _, p := range pkgs {
			if !legal(p.Name) {
				t.Errorf("%+v", p)
			}
		}
	})
}
