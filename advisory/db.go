package advisory

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxFrame bounds what one frame of an advisory file may decompress to.
const maxFrame = 1 << 30

// DB is an open advisory file. Its methods may be called by several goroutines at once.
type DB struct {
	path     string
	file     *os.File
	size     int64
	zstd     *zstd.Decoder // holds nothing but memory, and may be in use when the file is closed
	contents contents
	covered  map[string]bool
}

// missingError says that there is no advisory file; it is an [fs.ErrNotExist].
type missingError struct{ path string }

func (e missingError) Error() string {
	return "no advisory file " + e.path + ": make one with tidewaiter db update or tidewaiter db import DIR"
}

func (missingError) Is(target error) bool { return target == fs.ErrNotExist }

// Open opens an advisory file that [Import] or [Update] made. It reads a few kilobytes and locks nothing. Where no
// file is, the error is an [fs.ErrNotExist].
func Open(path string) (*DB, error) {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missingError{path}
	case err != nil:
		return nil, fmt.Errorf("advisory file: %w", err)
	}
	db := &DB{path: path, file: file}
	if err := db.open(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return db, nil
}

func (db *DB) open() error {
	stat, err := db.file.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("advisory file: %w", err)
	case !stat.Mode().IsRegular():
		return fmt.Errorf("%s is not an advisory file: not a regular file", db.path)
	}
	db.size = stat.Size()
	if err := db.checkHeader(); err != nil {
		return err
	}
	// Nothing of it is started until something is to be decompressed.
	if db.zstd, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxFrame), zstd.WithDecoderConcurrency(0)); err != nil {
		return err
	}
	return db.readContents()
}

func (db *DB) checkHeader() error {
	header := make([]byte, headerSize)
	if _, err := db.file.ReadAt(header, 0); err != nil && err != io.EOF {
		return fmt.Errorf("advisory file: %w", err)
	}
	version, ok := strings.CutPrefix(string(header), magic)
	switch version = strings.TrimRight(version, "\n\x00"); {
	case !ok:
		return fmt.Errorf("%s is not an advisory file", db.path)
	case version != formatVersion:
		return fmt.Errorf("advisory file %s has format %q, this program reads format %q: %s", db.path, version, formatVersion, makeAnew)
	}
	return nil
}

func (db *DB) readContents() error {
	var trailer [trailerSize]byte
	if _, err := db.file.ReadAt(trailer[:], max(db.size-trailerSize, 0)); err != nil {
		return db.damaged(err)
	}
	at := span{int64(binary.BigEndian.Uint64(trailer[:8])), int64(binary.BigEndian.Uint64(trailer[8:]))}
	if at.At+at.Length != db.size-trailerSize {
		return fmt.Errorf("advisory file %s is cut short or damaged: %s", db.path, makeAnew)
	}
	text, err := db.frame(at)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), &db.contents); err != nil {
		return db.damaged(err)
	}
	for _, name := range db.contents.tableNames() {
		t := db.contents.Tables[name]
		if t == nil {
			return db.damaged(errEncoding)
		}
		if err := db.openTable(t); err != nil {
			return err
		}
	}
	db.covered = make(map[string]bool, 2*len(db.contents.Ecosystems))
	for _, e := range db.contents.Ecosystems {
		e = strings.ToLower(e)
		db.covered[e] = true
		for i, c := range e {
			if c == ':' {
				db.covered[e[:i]] = true
			}
		}
	}
	return nil
}

// Records gives the records that name a package, sorted by id, withdrawn ones too; none is no error. The ecosystem may
// have a suffix, which says nothing here: the records of all releases come, and Affected.Ecosystem tells them apart.
func (db *DB) Records(ecosystem, name string) ([]Record, error) {
	text, found, err := db.find(tablePackages, Key(ecosystem, name))
	if err != nil || !found {
		return nil, err
	}
	records, err := decodeRecords(text)
	if err != nil {
		return nil, db.damaged(err)
	}
	return records, nil
}

// CVE gives what is known of a CVE besides records; the zero value when nothing is.
func (db *DB) CVE(id string) (CVE, error) {
	text, found, err := db.find(tableCVEs, strings.ToUpper(id))
	if err != nil || !found {
		return CVE{}, err
	}
	c, err := decodeCVE(text)
	if err != nil {
		return CVE{}, db.damaged(err)
	}
	if c.EPSS != nil {
		c.EPSS.Date = db.contents.dateOf("epss")
	}
	return c, nil
}

// Cycles gives the release cycles of a product, by its id at https://endoflife.date ("debian", "nodejs"), in the
// feed's order (the newest first); none when the product is not known.
func (db *DB) Cycles(product string) ([]Cycle, error) {
	var list []Cycle
	return list, db.findJSON(tableProducts, product, &list)
}

// Covers says whether the feed of an ecosystem is in the file: of that release if there is a suffix ("Debian:12"), of
// any release if not. A release may be given in part: "Red Hat:enterprise_linux:9" for the repositories that Red Hat's
// own feed tells apart, "Red Hat:enterprise_linux:9::appstream" and its kin.
func (db *DB) Covers(ecosystem string) bool { return db.covered[strings.ToLower(ecosystem)] }

// Info says what the file holds.
func (db *DB) Info() Info { return db.contents.Info }

// Digest is the SHA-256 of the whole file, sha256:HEX. Two files may give the same answers ([Info].Revision) and differ in their bytes.
func (db *DB) Digest() (string, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(db.file, 0, db.size)); err != nil {
		return "", fmt.Errorf("advisory file: %w", err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// Close closes the file; reads after it fail.
func (db *DB) Close() error { return db.file.Close() }

func (db *DB) findJSON(table, key string, to any) error {
	text, found, err := db.find(table, key)
	if err != nil || !found {
		return err
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return db.damaged(err)
	}
	return nil
}

// frame reads and decompresses a frame; its checksum is checked.
func (db *DB) frame(s span) (string, error) {
	_, raw, err := db.packedFrame(s)
	return raw, err
}

func (db *DB) packedFrame(s span) (packed []byte, raw string, err error) {
	if s.At < 0 || s.Length <= 0 || s.At > db.size || s.Length > db.size-s.At {
		return nil, "", db.damaged(errEncoding)
	}
	packed = make([]byte, s.Length)
	if _, err := db.file.ReadAt(packed, s.At); err != nil {
		return nil, "", db.damaged(err)
	}
	b, err := db.zstd.DecodeAll(packed, nil)
	if err != nil {
		return nil, "", db.damaged(err)
	}
	return packed, string(b), nil
}

const makeAnew = "make it anew with tidewaiter db update or tidewaiter db import DIR"

// damaged says of what was read from the file that it is not what was written.
func (db *DB) damaged(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return err
	}
	return fmt.Errorf("advisory file %s is damaged: %w; %s", db.path, err, makeAnew)
}
