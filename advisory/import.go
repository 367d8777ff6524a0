package advisory

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// ImportOptions say how to import; the zero value will do.
type ImportOptions struct {
	// Now is the time that decides which dates lie in the future; the zero time is the clock's.
	Now time.Time
	// Source is where the feeds came from, a directory or a URL; a feed's source is it and the feed's path.
	Source string
	// Progress, if set, is told how many bytes of the feeds are read, and how many there are. It is called by
	// one goroutine at a time.
	Progress func(done, total int64)
}

// Import makes an advisory file from a directory of feeds, of which any may be absent:
//
//	osv/<Ecosystem>/all.zip                     OSV's export: https://google.github.io/osv.dev/data/#data-dumps
//	osv/<Ecosystem>/changed.zip                 records that stand for those of all.zip; one without a byte is gone
//	secdb/*.json                                security databases of Alpine, Wolfi and Chainguard: https://secdb.alpinelinux.org
//	nvd/*.json, *.json.gz                       answers of NVD's API 2.0, or its files of a year: https://nvd.nist.gov/vuln/data-feeds
//	nvd/*.jsonl.gz                              one CVE of such an answer a line, of which {id, configurations} is enough
//	kev/known_exploited_vulnerabilities.json    CISA's catalog; of several *.json the newest is taken
//	epss/*.csv.gz                               FIRST's scores: https://www.first.org/epss/data_stats
//	cve/*.jsonl.gz                              one CVE a line: {id, modified, cvss: [{source, vector}], ssvc}
//	eol/*.zip                                   products/*.md of https://github.com/endoflife-date/endoflife.date
//	malware/*.csv, *.txt, *.hdb, *.hsb, ...     hashes of malware: MalwareBazaar's exports, ClamAV's, or a hash and a name a line; .gz or .zip, too
//
// The file takes its place at once when it is whole and on disk. If anything fails, or ctx ends, the old one stays as it
// was and nothing is left beside it. A record that cannot be read is skipped and counted; an archive that cannot be read
// fails the import. Memory is bounded, however large the feeds are; what does not fit lies in temporary files beside out.
// The same feeds give the same file.
func Import(ctx context.Context, feeds fs.FS, out string, o ImportOptions) (Info, error) {
	return importFeeds(ctx, feeds, out, o, provenance{source: func(name string) string {
		if o.Source == "" {
			return name
		}
		return strings.TrimSuffix(o.Source, "/") + "/" + name
	}})
}

// provenance says where feeds are from.
type provenance struct {
	source func(name string) string // of the file at a path
	inputs string                   // see contents
}

func importFeeds(ctx context.Context, feeds fs.FS, out string, o ImportOptions, from provenance) (_ Info, err error) {
	files, err := findFeeds(feeds)
	if err != nil {
		return Info{}, err
	}
	b, err := newBuilder(out)
	if err != nil {
		return Info{}, err
	}
	defer func() { err = errors.Join(err, b.discard()) }()
	im := &importer{
		feeds: feeds, files: files, from: from, now: o.Now, progress: o.Progress, ecosystems: map[string]bool{},
		ids: b.sorter(), packages: b.sorter(), cves: b.sorter(), products: b.sorter(), malware: b.sorter(),
	}
	if im.now.IsZero() {
		im.now = time.Now()
	}
	defer func() { err = errors.Join(err, im.close()) }()
	if err := im.read(ctx); err != nil {
		return Info{}, err
	}
	sorters := map[string]*sorter{tableIDs: im.ids, tableCVEs: im.cves, tablePackages: im.packages, tableProducts: im.products, tableMalware: im.malware}
	combine := map[string]func(string, [][]byte) ([]byte, error){
		tableIDs: mergeIDs, tableCVEs: mergeCVEs, tablePackages: recordMerger{newEncoder()}.merge, tableProducts: mergeCycles, tableMalware: mergeMalware,
	}
	names := tableNames()
	if im.malware.bytes > 0 {
		names = append(names, tableMalware)
	}
	for _, name := range names {
		if err := b.writeSorted(ctx, name, sorters[name], combine[name]); err != nil {
			return Info{}, err
		}
	}
	return b.finish(ctx, contents{
		Info:       Info{Feeds: im.sum},
		Ecosystems: slices.Sorted(maps.Keys(im.ecosystems)),
		Inputs:     from.inputs,
	})
}

// importer reads feeds into sorters.
type importer struct {
	feeds    fs.FS
	files    feedFiles
	from     provenance
	now      time.Time
	progress func(done, total int64)

	ids, packages, cves, products, malware *sorter
	sum                                    []Feed

	mu         sync.Mutex // protects all below
	done       int64
	ecosystems map[string]bool
}

func (im *importer) close() error {
	return errors.Join(im.ids.close(), im.packages.close(), im.cves.close(), im.products.close(), im.malware.close())
}

// read reads all feeds, in the order in which Info lists them.
func (im *importer) read(ctx context.Context) error {
	for _, name := range im.files.osv {
		feed := path.Dir(name)
		if err := im.readOSV(ctx, name, feed); err != nil {
			return &feedError{name, err}
		}
	}
	for _, read := range []func(context.Context) error{im.readSecDBs, im.readNVD, im.readKEV, im.readEPSS, im.readCVEs, im.readEOL, im.readMalware} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// feedError says in which file of the feeds reading failed.
type feedError struct {
	file string
	err  error
}

func (e *feedError) Error() string { return e.file + ": " + e.err.Error() }
func (e *feedError) Unwrap() error { return e.err }

// advance counts bytes of feeds.
func (im *importer) advance(n int64) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.done += n
	if im.progress != nil {
		im.progress(min(im.done, im.files.bytes), im.files.bytes)
	}
}

// newer is the newer of two days, in the form YYYY-MM-DD, unless the first lies in the future.
func (im *importer) newer(day, than string) string {
	if day > than && day <= im.now.UTC().Format(time.DateOnly) {
		return day
	}
	return than
}

func (im *importer) addFeed(f Feed, file string) {
	f.Source = im.from.source(file)
	im.sum = append(im.sum, f)
}

// readOSV reads one archive of records, with as many goroutines as there are processors. What lies beside it of changed records
// stands for those of the archive.
func (im *importer) readOSV(ctx context.Context, name, feed string) error {
	entries, closeAll, err := im.openOSV(name)
	defer closeAll()
	if err != nil {
		return err
	}
	workers := runtime.GOMAXPROCS(0)
	counts := make([]Feed, workers)
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		group.Go(func() error {
			encoder := newEncoder()
			for i := w; i < len(entries); i += workers {
				if err := im.readOSVEntry(ctx, entries[i], feed, encoder, &counts[w]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	sum := Feed{Name: feed}
	for _, c := range counts {
		sum.Records += c.Records
		sum.Skipped += c.Skipped
		sum.Unnamed += c.Unnamed
		sum.Date = max(sum.Date, c.Date)
	}
	im.addFeed(sum, name)
	return nil
}

// openOSV lists the files of records of a feed. What it gives to close it must be called, whatever the error.
func (im *importer) openOSV(name string) (entries []*zip.File, closeAll func(), err error) {
	var open []io.Closer
	closeAll = func() {
		for _, c := range open {
			_ = c.Close() // they were only read
		}
	}
	changed := map[string]bool{}
	for _, archive := range []string{changedPath(name), name} {
		if archive != name && !slices.Contains(im.files.changes, archive) {
			continue
		}
		z, c, err := openZip(im.feeds, archive)
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, c)
		for _, f := range z.File {
			switch {
			case !strings.HasSuffix(f.Name, ".json"):
			case archive != name:
				changed[path.Base(f.Name)] = true
				if f.UncompressedSize64 > 0 { // else the record is gone
					entries = append(entries, f)
				}
			case !changed[path.Base(f.Name)]:
				entries = append(entries, f)
			}
		}
	}
	return entries, closeAll, nil
}

func (im *importer) readOSVEntry(ctx context.Context, f *zip.File, feed string, encoder *encoder, count *Feed) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	im.advance(int64(f.CompressedSize64))
	// An ecosystem where nothing happens has old records and is up to date all the same: the export dates its files.
	count.Date = im.newer(f.Modified.UTC().Format(time.DateOnly), count.Date)
	data, err := readZipEntry(f, maxRecord)
	if err != nil && !errors.Is(err, errTooLarge) {
		return fmt.Errorf("%q: %w", f.Name, err)
	}
	var p *parsed
	if err == nil {
		p, err = parseOSV(data, feed)
	}
	if err != nil {
		count.Skipped++
		return nil
	}
	count.Records++
	count.Unnamed += p.unnamed
	if !p.head.Modified.IsZero() {
		count.Date = im.newer(p.head.Modified.Format(time.DateOnly), count.Date)
	}
	for key, r := range p.byKey {
		if err := im.packages.add(key, encoder.encode([]Record{*r})); err != nil {
			return err
		}
	}
	if err := im.addIDs(p); err != nil {
		return err
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	for _, e := range p.ecosystems {
		if isOwnFeed(feed, e) { // a few records of Go's feed name npm's packages, too: that is not npm's feed
			im.ecosystems[e] = true
		}
	}
	return nil
}

// addIDs adds what a record says of ids.
func (im *importer) addIDs(p *parsed) error {
	for _, e := range p.idEntries() {
		if err := im.ids.add(idKey(e.id), e.encode()); err != nil {
			return err
		}
	}
	return nil
}

// recordMerger makes one list of the records that name a package.
type recordMerger struct{ encoder *encoder }

func (m recordMerger) merge(_ string, payloads [][]byte) ([]byte, error) {
	if len(payloads) == 1 {
		return payloads[0], nil
	}
	var all []Record
	for _, p := range payloads {
		records, err := decodeRecords(string(p))
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
	}
	// Payloads come in one order whatever the order of the feeds, so a stable sort leaves nothing to chance.
	slices.SortStableFunc(all, compareRecords)
	all = slices.CompactFunc(joinSecDB(all), func(a, b Record) bool { return a.ID == b.ID && isSecDB(a.Feed) == isSecDB(b.Feed) })
	return m.encoder.encode(all), nil
}

// compareRecords orders records by id; of several with one id the first is the one to keep: the one modified last, and
// if they are equally new, that from the feed of the package's own ecosystem.
func compareRecords(a, b Record) int {
	if c := strings.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	if c := b.Modified.Compare(a.Modified); c != 0 {
		return c
	}
	own := func(r Record) bool { return len(r.Affected) > 0 && isOwnFeed(r.Feed, r.Affected[0].Ecosystem) }
	if first := own(a); first != own(b) {
		if first {
			return -1
		}
		return 1
	}
	return strings.Compare(a.Feed, b.Feed)
}

// isOwnFeed says whether a feed is the one that holds all records of an ecosystem.
func isOwnFeed(feed, ecosystem string) bool {
	base, _, _ := strings.Cut(ecosystem, ":")
	return strings.EqualFold(feed, "osv/"+base) || strings.EqualFold(feed, secdbFeed+base)
}

func mergeCycles(_ string, payloads [][]byte) ([]byte, error) {
	return payloads[len(payloads)-1], nil
}

func (im *importer) addJSON(to *sorter, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return to.add(key, data)
}
