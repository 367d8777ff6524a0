package advisory

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// What of a feed may be how large; anything larger is an error or, in a list of records, a skipped record.
const (
	maxRecord  = 64 << 20
	maxLine    = 4 << 20
	maxCatalog = 256 << 20
	maxProduct = 4 << 20
)

// feedFiles are the files of a directory of feeds, each list sorted. The layout is that of OSV's export, with a
// folder for each other kind beside it.
type feedFiles struct {
	osv                  []string // osv/<Ecosystem>/all.zip
	changes              []string // osv/<Ecosystem>/changed.zip: records of all.zip that were fetched anew
	secdb                []string // secdb/*.json
	nvd                  []string // nvd/*.jsonl.gz, *.json or *.json.gz
	kev, epss, cves, eol []string
	malware              []string // malware/*: see isHashList
	bytes                int64
}

const layout = "osv/<Ecosystem>/all.zip, secdb/*.json, nvd/*.json, kev/known_exploited_vulnerabilities.json, epss/*.csv.gz, cve/*.jsonl.gz, eol/*.zip or malware/*.csv"

// isFeedPath says whether a file at this path, relative to the directory of feeds, is one that Import reads.
func isFeedPath(name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	dir, base := path.Split(name)
	switch dir {
	case "secdb/":
		return strings.HasSuffix(base, ".json")
	case "nvd/":
		return strings.HasSuffix(base, ".json") || strings.HasSuffix(base, ".json.gz") || strings.HasSuffix(base, ".jsonl.gz")
	case "kev/":
		return strings.HasSuffix(base, ".json") && !strings.HasSuffix(base, "_schema.json")
	case "epss/":
		return strings.HasSuffix(base, ".csv") || strings.HasSuffix(base, ".csv.gz")
	case "cve/":
		return strings.HasSuffix(base, ".jsonl.gz")
	case "eol/":
		return strings.HasSuffix(base, ".zip")
	case "malware/":
		return isHashList(base)
	}
	return strings.HasPrefix(dir, "osv/") && strings.Count(dir, "/") == 2 && (base == "all.zip" || base == changedName)
}

// isHashList says whether a file has the name of a list of hashes of malware.
func isHashList(base string) bool {
	base = strings.TrimSuffix(base, ".gz")
	switch path.Ext(base) {
	case ".zip", ".txt", ".csv", ".hdb", ".hsb", ".hdu", ".hsu", ".md5", ".sha1", ".sha256":
		return !strings.HasPrefix(base, ".")
	}
	return false
}

// isArchive says whether a path is that of an ecosystem's archive of records.
func isArchive(name string) bool {
	return strings.HasPrefix(name, "osv/") && path.Base(name) == "all.zip"
}

// findFeeds lists the feeds of a directory; that there is none is an error.
func findFeeds(feeds fs.FS) (feedFiles, error) {
	found, err := listFeeds(feeds)
	if err == nil && found.all() == nil {
		err = errors.New("no feeds there: expected any of " + layout)
	}
	return found, err
}

// listFeeds lists the feeds of a directory; files of other kinds are left alone.
func listFeeds(feeds fs.FS) (feedFiles, error) {
	var found feedFiles
	for pattern, list := range map[string]*[]string{
		"osv/*/all.zip": &found.osv, "osv/*/" + changedName: &found.changes, "secdb/*": &found.secdb, "nvd/*": &found.nvd, "kev/*": &found.kev, "epss/*": &found.epss, "cve/*": &found.cves, "eol/*": &found.eol, "malware/*": &found.malware,
	} {
		names, err := fs.Glob(feeds, pattern)
		if err != nil {
			return found, err
		}
		*list = slices.DeleteFunc(names, func(name string) bool { return !isFeedPath(name) })
	}
	for _, name := range found.all() {
		stat, err := fs.Stat(feeds, name)
		if err != nil {
			return found, err
		}
		found.bytes += stat.Size()
	}
	return found, nil
}

func (f feedFiles) all() []string {
	return slices.Concat(f.osv, f.changes, f.secdb, f.nvd, f.kev, f.epss, f.cves, f.eol, f.malware)
}

// openZip opens a zip archive of a file system. The caller closes the closer.
func openZip(feeds fs.FS, name string) (*zip.Reader, io.Closer, error) {
	f, err := feeds.Open(name)
	if err != nil {
		return nil, nil, err
	}
	r, err := newZip(f)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return r, f, nil
}

func newZip(f fs.File) (*zip.Reader, error) {
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	at, ok := f.(io.ReaderAt)
	size := stat.Size()
	if !ok {
		data, err := readAtMost(f, maxCatalog)
		if err != nil {
			return nil, err
		}
		at, size = bytes.NewReader(data), int64(len(data))
	}
	return zip.NewReader(at, size)
}

// errTooLarge says that something is larger than we are willing to read.
var errTooLarge = errors.New("too large")

// readAtMost reads all, but fails with errTooLarge when there is more than most bytes.
func readAtMost(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, errTooLarge
	}
	return data, err
}

func readZipEntry(f *zip.File, most int64) ([]byte, error) {
	if f.UncompressedSize64 > uint64(most) {
		return nil, errTooLarge
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	b.Grow(int(min(f.UncompressedSize64, 1<<20)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(r, most+1))
	if err == nil && n > most {
		return nil, errTooLarge
	}
	return b.Bytes(), err
}

// text is a file that may be gzip-compressed, and what counts how much of it was read.
type text struct {
	io.Reader
	file fs.File
	gzip *gzip.Reader
}

// openText opens a file to be read from front to back; advance is told of the bytes that were read.
func openText(feeds fs.FS, name string, advance func(int64)) (*text, error) {
	f, err := feeds.Open(name)
	if err != nil {
		return nil, err
	}
	t := &text{file: f, Reader: counting{f, advance}}
	if !strings.HasSuffix(name, ".gz") {
		return t, nil
	}
	if t.gzip, err = gzip.NewReader(t.Reader); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	t.Reader = t.gzip
	return t, nil
}

func (t *text) Close() error { return t.file.Close() }

type counting struct {
	io.Reader
	advance func(int64)
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.advance(int64(n))
	return n, err
}
