package advisory

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// OSV publishes beside the archive of an ecosystem each record alone, <ID>.json, and modified_id.csv: a line for each record,
// its modification time and its id, the newest first (https://google.github.io/osv.dev/data/). Where few records have changed
// since our copy of the archive was made, they are fetched alone and kept in changed.zip beside the copy. An empty file in it is
// a record that is gone. A record that goes without a trace is found to be so when the whole archive is fetched again.
const (
	changedName = "changed.zip"
	listName    = "modified_id.csv"

	// minArchive is the size of an archive that is fetched whole whatever has changed.
	minArchive = 256 << 10
	// maxChanged is how many records may have changed before the whole archive is the cheaper thing to fetch.
	maxChanged = 1000
	// maxIncrements is how long a copy of an archive lives on increments.
	maxIncrements = 7 * 24 * time.Hour
	// listOverlap is how long before the archive's own date a record may have changed that is not in it.
	listOverlap = 24 * time.Hour
)

// errWhole says that the whole archive must be fetched.
var errWhole = errors.New("too much has changed")

// increments says what changed.zip holds.
type increments struct {
	kept
	// Base is the SHA-256 of the archive that the changes are to, ArchiveETag and ArchiveModified are those of the archive that
	// they lead to.
	Base            string `json:"base"`
	ArchiveETag     string `json:"archiveETag,omitempty"`
	ArchiveModified string `json:"archiveModified,omitempty"`
	// Modified is the modification time of each changed record, by id, as the list gives it.
	Modified map[string]string `json:"modified"`
}

func changedPath(archive string) string { return path.Join(path.Dir(archive), changedName) }

// increments reads what was fetched of changes to a copy of an archive; nothing where they are to another one.
func (f *fetcher) increments(archive string, base kept) increments {
	var i increments
	name := changedPath(archive)
	data, err := os.ReadFile(f.file(name) + keptSuffix)
	stat, statErr := os.Stat(f.file(name))
	if err != nil || statErr != nil || json.Unmarshal(data, &i) != nil || stat.Size() != i.Size || i.Base != base.SHA256 {
		return increments{Base: base.SHA256}
	}
	return i
}

// fetchChanged fetches the records that have changed since the copy of an archive was made, and says whether there are any. The
// answer is that to the request for the archive, whose body is left alone. It fails with errWhole, or any other error, where
// this is no way to come by the changes.
func (f *fetcher) fetchChanged(ctx context.Context, r remote, had kept, answer *http.Response) (changed bool, err error) {
	if answer.ContentLength >= 0 && answer.ContentLength < minArchive {
		return false, errWhole
	}
	made, err := http.ParseTime(had.LastModified)
	if err != nil || had.SHA256 == "" || f.now().Sub(made) > maxIncrements {
		return false, errWhole
	}
	now := f.increments(r.path, had)
	listed, err := f.list(ctx, r.url.JoinPath("..", listName), made.Add(-listOverlap))
	if err != nil {
		return false, err
	}
	var ids []string
	for id, modified := range listed {
		if now.Modified[id] != modified {
			ids = append(ids, id)
		}
	}
	now.ArchiveETag, now.ArchiveModified = answer.Header.Get("ETag"), answer.Header.Get("Last-Modified")
	switch {
	case len(ids) == 0 && now.SHA256 == "":
		return false, errWhole // what has changed is not a record
	case len(ids) == 0:
		return false, f.rememberIncrements(r.path, now)
	}
	slices.Sort(ids)
	records, err := f.records(ctx, r, ids)
	if err != nil {
		return false, err
	}
	if now.Modified == nil {
		now.Modified = map[string]string{}
	}
	for _, id := range ids {
		now.Modified[id] = listed[id]
	}
	return true, f.storeChanged(r.path, now, records)
}

var recordID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9:._+-]{0,99}$`)

// list reads the front of modified_id.csv: the records modified since.
func (f *fetcher) list(ctx context.Context, at *url.URL, since time.Time) (map[string]string, error) {
	listed := map[string]string{}
	err := f.get(ctx, at, kept{}, func(answer *http.Response) error {
		clear(listed)
		lines := bufio.NewScanner(io.LimitReader(answer.Body, maxList))
		for lines.Scan() {
			text, id, ok := strings.Cut(lines.Text(), ",")
			modified, err := time.Parse(time.RFC3339Nano, text)
			if !ok || err != nil || !recordID.MatchString(id) {
				return fmt.Errorf("%w, or %q is no line of such a list", errWhole, lines.Text())
			}
			if modified.Before(since) {
				return nil
			}
			if listed[id] = text; len(listed) > maxChanged {
				return errWhole
			}
		}
		return lines.Err()
	})
	return listed, err
}

// records fetches records; what is not there has no bytes.
func (f *fetcher) records(ctx context.Context, r remote, ids []string) (map[string][]byte, error) {
	records := make(map[string][]byte, len(ids))
	var mu sync.Mutex // protects records
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, id := range ids {
		group.Go(func() error {
			var data []byte
			err := f.get(ctx, r.url.JoinPath("..", id+".json"), kept{}, func(answer *http.Response) (err error) {
				if data, err = readAtMost(answer.Body, maxRecord); err == nil && !json.Valid(data) {
					err = errors.New("not JSON")
				}
				return err
			})
			if errors.Is(err, fs.ErrNotExist) {
				data, err = nil, nil
			}
			mu.Lock()
			defer mu.Unlock()
			records[id+".json"] = data
			return err
		})
	}
	return records, group.Wait()
}

// storeChanged writes changed.zip: what it held, except what came anew, and that.
func (f *fetcher) storeChanged(archive string, i increments, records map[string][]byte) error {
	body, w := io.Pipe()
	go func() { w.CloseWithError(f.writeChanged(w, archive, i, records)) }()
	err := f.store(changedPath(archive), body, &i.kept)
	_ = body.Close() // ends the writer, if it has not
	if err != nil {
		return err
	}
	return f.rememberIncrements(archive, i)
}

func (f *fetcher) writeChanged(to io.Writer, archive string, i increments, records map[string][]byte) error {
	w := zip.NewWriter(to)
	if i.SHA256 != "" {
		old, err := zip.OpenReader(f.file(changedPath(archive)))
		if err != nil {
			return err
		}
		defer old.Close()
		for _, e := range old.File {
			if _, again := records[e.Name]; again {
				continue
			}
			if err := w.Copy(e); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(records)) {
		modified, _ := time.Parse(time.RFC3339Nano, i.Modified[strings.TrimSuffix(id, ".json")])
		e, err := w.CreateHeader(&zip.FileHeader{Name: id, Method: zip.Deflate, Modified: modified.UTC()})
		if err != nil {
			return err
		}
		if _, err := e.Write(records[id]); err != nil {
			return err
		}
	}
	return w.Close()
}

func (f *fetcher) rememberIncrements(archive string, i increments) error {
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	return os.WriteFile(f.file(changedPath(archive))+keptSuffix, data, 0o644)
}

// dropIncrements removes what was fetched of changes to an archive of which there is a new copy now, unless it is a file that
// the mirror itself has.
func (f *fetcher) dropIncrements(archive string) error {
	name := changedPath(archive)
	if k := f.kept(name); k.SHA256 == "" || k.URL != "" {
		return nil
	}
	return f.remove(name)
}
