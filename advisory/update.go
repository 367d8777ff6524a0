package advisory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// UpdateOptions say what to fetch and where to put it.
type UpdateOptions struct {
	// From is the URL of a mirror that has the layout of [Import]; empty means where the feeds' publishers keep them. A
	// mirror may list its files in index.txt, one path a line. Without it, what the pages of its directories link to is
	// taken. Without those the names are fixed: osv/<Ecosystem>/all.zip for each line of osv/ecosystems.txt (or those we
	// know), kev/known_exploited_vulnerabilities.json, epss/epss_scores-current.csv.gz, cve/cve.jsonl.gz and
	// eol/products.zip.
	From string
	// Hashes are lists of hashes of malware to fetch besides, each NAME=URL, under whose name it is kept in the folder malware. A list
	// that was named once is kept when it is not named again.
	Hashes []string
	// Mirror is the directory in which fetched feeds are kept, in the same layout. Feeds that someone else put there, under
	// names of their own, are used and not touched.
	Mirror string
	// Out is the advisory file.
	Out string
	// CACerts are PEM files with certificates to be trusted beside the system's.
	CACerts []string
	// Now and Progress are as in [ImportOptions]; Progress tells of fetching first, then of importing.
	Now      time.Time
	Progress func(done, total int64)
	// Wait is how long to wait before the second attempt to fetch a file, and twice that before the third; zero
	// means one second.
	Wait time.Duration
}

// Changes say what an update did; each list is sorted.
type Changes struct {
	Fetched   []string // paths of feeds that were new or had changed
	Unchanged []string // of feeds that had not
	// Missing are the paths of feeds that are not there; what was fetched of them before is still used.
	Missing []string
	Removed []string // of feeds that the mirror no longer lists
	Rebuilt bool     // whether the advisory file was built anew
}

func (c Changes) String() string {
	s := fmt.Sprintf("%d feeds fetched, %d unchanged", len(c.Fetched), len(c.Unchanged))
	if len(c.Removed) > 0 {
		s += ", removed: " + strings.Join(c.Removed, ", ")
	}
	if len(c.Missing) > 0 {
		s += ", not there: " + strings.Join(c.Missing, ", ")
	}
	if !c.Rebuilt {
		s += "; the advisory file is up to date"
	}
	return s
}

// Update fetches the feeds that have changed, and makes an advisory file of all. It asks for each feed with the ETag and
// the date of the copy it has. If nothing has changed the advisory file stays, unless it was not made from these feeds. If a feed
// cannot be fetched, or ctx ends, the advisory file stays as it was; what was fetched is kept for the next time.
func Update(ctx context.Context, o UpdateOptions) (Info, Changes, error) {
	var changes Changes
	if o.Mirror == "" || o.Out == "" {
		return Info{}, changes, errors.New("update: a mirror directory and an advisory file must be named")
	}
	f, err := newFetcher(o)
	if err != nil {
		return Info{}, changes, err
	}
	lists, err := f.hashLists(o.Hashes)
	if err != nil {
		return Info{}, changes, err
	}
	remotes, err := f.remotes(ctx, o.From)
	if err != nil {
		return Info{}, changes, err
	}
	remotes = slices.DeleteFunc(remotes, func(r remote) bool {
		return slices.ContainsFunc(lists, func(l remote) bool { return l.path == r.path })
	})
	if changes, err = f.fetchAll(ctx, append(remotes, lists...)); err != nil {
		return Info{}, changes, err
	}
	info, rebuilt, err := f.rebuild(ctx, o)
	changes.Rebuilt = rebuilt
	return info, changes, err
}

// rebuild imports the mirror directory, unless the advisory file was made from just these feeds.
func (f *fetcher) rebuild(ctx context.Context, o UpdateOptions) (Info, bool, error) {
	feeds := os.DirFS(o.Mirror)
	files, err := findFeeds(feeds)
	if err == nil && files.osv == nil {
		err = errors.New("there is no OSV feed, osv/<Ecosystem>/all.zip")
	}
	if err != nil {
		return Info{}, false, fmt.Errorf("nothing to build from: %w", err)
	}
	inputs, err := f.inputs(feeds, files)
	if err != nil {
		return Info{}, false, err
	}
	if db, err := Open(o.Out); err == nil {
		info, same := db.Info(), db.contents.Inputs == inputs
		if err := db.Close(); err != nil || same {
			return info, false, err
		}
	}
	info, err := importFeeds(ctx, feeds, o.Out, ImportOptions{Now: o.Now, Progress: o.Progress}, provenance{
		source: func(name string) string {
			if u := f.kept(name).URL; u != "" {
				return u
			}
			return filepath.Join(o.Mirror, filepath.FromSlash(name))
		},
		inputs: inputs,
	})
	if bad, ok := errors.AsType[*feedError](err); ok && ctx.Err() == nil {
		// Our copy may have gone bad: the next update must not take it for unchanged.
		err = errors.Join(err, f.forget(bad.file))
	}
	return info, err == nil, err
}

// inputs is a digest of what the mirror directory holds, by what the fetches have left beside the files.
func (f *fetcher) inputs(feeds fs.FS, files feedFiles) (string, error) {
	sum := sha256.New()
	for _, name := range files.all() {
		if k := f.kept(name); k.SHA256 != "" {
			fmt.Fprintf(sum, "%q %q %q\n", name, k.URL, k.SHA256)
			continue
		}
		stat, err := fs.Stat(feeds, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%q %d %d\n", name, stat.Size(), stat.ModTime().UnixNano())
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// fetchAll brings the mirror directory up to date.
func (f *fetcher) fetchAll(ctx context.Context, remotes []remote) (Changes, error) {
	var changes Changes
	if err := f.removeParts(); err != nil {
		return changes, err
	}
	var mu sync.Mutex // protects changes
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, r := range remotes {
		group.Go(func() error {
			changed, err := f.fetch(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, fs.ErrNotExist):
				if !r.guessed {
					changes.Missing = append(changes.Missing, r.path)
				}
				return f.dropOthers(r)
			case err != nil:
				return err
			case changed:
				changes.Fetched = append(changes.Fetched, r.path)
			default:
				changes.Unchanged = append(changes.Unchanged, r.path)
			}
			return nil
		})
	}
	err := group.Wait()
	if err == nil {
		changes.Removed, err = f.removeUnlisted(remotes)
	}
	for _, list := range [][]string{changes.Fetched, changes.Unchanged, changes.Missing, changes.Removed} {
		slices.Sort(list)
	}
	return changes, err
}

// dropOthers removes the copy of a feed that is not there if it came from somewhere else.
func (f *fetcher) dropOthers(r remote) error {
	if k := f.kept(r.path); r.url == nil || k.URL == "" || k.URL == f.shown(r.url) {
		return nil
	}
	return f.remove(r.path)
}

// removeUnlisted removes what was once fetched and is listed no more.
func (f *fetcher) removeUnlisted(remotes []remote) ([]string, error) {
	files, err := listFeeds(os.DirFS(f.dir))
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, name := range files.all() {
		listed := slices.ContainsFunc(remotes, func(r remote) bool { return r.path == name })
		if k := f.kept(name); listed || k.URL == "" || k.Named {
			continue
		}
		if err := f.remove(name); err != nil {
			return removed, err
		}
		removed = append(removed, name)
	}
	return removed, nil
}
