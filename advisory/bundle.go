package advisory

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// How an advisory file is shared: as an OCI artifact whose blobs are known by their media types. Blobs of other types
// may be beside it, and a reader leaves alone what it does not know.
const (
	// BundleType is the artifact's type.
	BundleType = "application/vnd.tidewaiter.advisories.v1"
	// FileType is the media type of the advisory file, in the format that this program reads.
	FileType = "application/vnd.tidewaiter.advisories.file.v" + formatVersion
	// DeltaType is the media type of a delta, which makes the advisory file of an older one.
	DeltaType = "application/vnd.tidewaiter.advisories.delta.v" + formatVersion
	// BaseKey is the annotation with the revision of the file that a delta is for, on the delta.
	BaseKey = "vnd.tidewaiter.advisories.base"
	// RevisionKey is the annotation with the revision of the advisory file, on the manifest.
	RevisionKey = "vnd.tidewaiter.advisories.revision"
	// FeedsKey is the annotation with the dates of the feeds, on the manifest: a JSON object, date by feed.
	FeedsKey = "vnd.tidewaiter.advisories.feeds"
	// CreatedKey is the annotation with the date of the newest feed, on the manifest. The same file gives the same
	// artifact, whenever it is made.
	CreatedKey = "org.opencontainers.image.created"

	titleKey = "org.opencontainers.image.title"
)

// Annotations are those of an artifact with the file that the information is of.
func (i Info) Annotations() (map[string]string, error) {
	dates := make(map[string]string, len(i.Feeds))
	for _, f := range i.Feeds {
		dates[f.Name] = f.Date
	}
	raw, err := json.Marshal(dates)
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{RevisionKey: i.Revision, FeedsKey: string(raw)}
	if newest := i.Newest(); newest != "" {
		annotations[CreatedKey] = newest + "T00:00:00Z"
	}
	return annotations, nil
}

// FileAnnotations are those of the advisory file in an artifact: the name that general tools give the file.
func FileAnnotations() map[string]string { return map[string]string{titleKey: "advisories.db"} }

// DeltaAnnotations are those of a delta in an artifact, for the file that has the revision base.
func DeltaAnnotations(base string) map[string]string {
	_, hex, _ := strings.Cut(base, ":")
	return map[string]string{BaseKey: base, titleKey: "advisories-from-" + hex + ".delta"}
}

// Newest is the date of the newest feed, YYYY-MM-DD; empty where no feed has one.
func (i Info) Newest() string {
	newest := ""
	for _, f := range i.Feeds {
		newest = max(newest, f.Date)
	}
	return newest
}

// ErrOlder says that an advisory file's newest feed is older than that of the file which it was to replace.
var ErrOlder = errors.New("it is older than the advisory file that is here")

// InstallOptions say what to put in the place of an advisory file.
type InstallOptions struct {
	// Revision is the one that the new file must have.
	Revision string
	// AllowOlder lets a file be replaced by an older one.
	AllowOlder bool
}

// Install puts a whole advisory file, as r gives it, in the place of the one at path. It is written beside it first, opened, and
// then takes its place at once: if r or anything else fails, or ctx ends, the old file stays as it was and nothing is left
// beside it.
func Install(ctx context.Context, path string, r io.Reader, o InstallOptions) (Info, error) {
	return install(path, o, func(temp string) error { return save(ctx, temp, r) })
}

// InstallDelta is [Install] for a delta that [WriteDelta] wrote for the file at path. No byte of it is looked at before r has
// come to its end.
func InstallDelta(ctx context.Context, path string, r io.Reader, o InstallOptions) (Info, error) {
	return install(path, o, func(temp string) error {
		name := temp + ".delta"
		if err := save(ctx, name, r); err != nil {
			return err
		}
		older, err := Open(path)
		if err != nil {
			return err
		}
		defer older.Close()
		delta, err := os.Open(name)
		if err != nil {
			return err
		}
		defer delta.Close()
		_, err = ApplyDelta(ctx, older, delta, temp)
		return err
	})
}

// save writes a new file.
func save(ctx context.Context, name string, r io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("advisory file: %w", err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, err = io.Copy(w, contextReader{ctx, r})
	return errors.Join(err, w.Flush(), f.Sync(), f.Close())
}

// install lets write make an advisory file, and puts it in its place if it is what it should be.
func install(path string, o InstallOptions, write func(temp string) error) (info Info, err error) {
	if path, err = placeOf(path); err != nil {
		return Info{}, err
	}
	s, err := newScratch(path)
	if err != nil {
		return Info{}, err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	temp := filepath.Join(s.dir, "advisories")
	if err := write(temp); err != nil {
		return Info{}, err
	}
	if info, err = check(temp, path); err != nil {
		return Info{}, err
	}
	if info.Revision != o.Revision {
		return Info{}, fmt.Errorf("the advisory file has the revision %s, not %s", info.Revision, o.Revision)
	}
	if err := notOlder(path, info, o); err != nil {
		return Info{}, err
	}
	if err := os.Rename(temp, path); err != nil {
		return Info{}, fmt.Errorf("advisory file: %w", err)
	}
	return info, nil
}

// check opens a file that is to become the advisory file at path.
func check(temp, path string) (Info, error) {
	file, err := os.Open(temp)
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	db := &DB{path: filepath.Base(path) + ".new", file: file} // what the reader of an error can make sense of
	err = db.open()
	return db.Info(), err
}

// notOlder compares with the file that is there, if it can be read.
func notOlder(path string, now Info, o InstallOptions) error {
	if was := Installed(path).Newest(); !o.AllowOlder && now.Newest() < was {
		return fmt.Errorf("%w: its newest feed is of %s, that of the file here of %s", ErrOlder, now.Newest(), was)
	}
	return nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Installed says what the advisory file at path holds; nothing, where there is none that can be read.
func Installed(path string) Info {
	db, err := Open(path)
	if err != nil {
		return Info{}
	}
	defer db.Close()
	return db.Info()
}
