package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"tidewaiter/image"
)

// readDir makes an index of a directory tree. Only regular files are opened, and no symbolic link is
// followed; names that are whiteouts in a layer mean nothing here.
func (s *session) readDir(ctx context.Context, root fs.FS) (*Index, error) {
	d := &directory{builder: s.builder(), root: root}
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return d.visit(ctx, path, entry, err)
	})
	var limit limitError
	if errors.As(err, &limit) {
		d.spot(image.LimitReached, "", "only a part of the directory was read: "+limit.Error())
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.reference, err)
	}
	if d.closed > 0 {
		d.spot(image.UnreadableFile, d.firstClosed, fmt.Sprintf("%d files cannot be opened (%v); only their names were looked at", d.closed, d.why))
	}
	d.listOmitted()
	return d.ix, d.hear(ctx)
}

type directory struct {
	*builder
	root fs.FS

	closed      int // files that could not be opened, and that the rules do not want by their names
	firstClosed string
	why         error
}

// visit adds one file. It returns the errors that end the walk.
func (d *directory) visit(ctx context.Context, path string, entry fs.DirEntry, err error) error {
	switch {
	case path == "." && err != nil:
		return err
	case path == ".":
		return nil
	case err != nil:
		d.spot(image.UnreadableFile, path, "was not read: "+reason(err).Error())
		return nil
	case path == "proc" || path == "sys":
		return fs.SkipDir // a running system's, which hold no files
	case len(d.ix.Files) == d.limits.Entries:
		return limitf("it has over %d entries", d.limits.Entries)
	}
	f, err := d.fileOf(path, entry)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since its directory was listed
	} else if err != nil {
		d.spot(image.UnreadableFile, path, "was not read: "+reason(err).Error())
		return nil
	}
	added, err := d.add(f)
	if err != nil || added == nil || added.Type != Regular {
		return err
	}
	return d.open(ctx, added)
}

func (d *directory) fileOf(path string, entry fs.DirEntry) (File, error) {
	info, err := entry.Info()
	if err != nil {
		return File{}, err
	}
	f := File{Path: path, Type: Special, Mode: info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)}
	switch info.Mode().Type() {
	case 0:
		f.Type, f.Size = Regular, info.Size()
	case fs.ModeDir:
		f.Type = Directory
	case fs.ModeSymlink:
		f.Type = Symlink
		f.Link, err = fs.ReadLink(d.root, path)
	}
	return f, err
}

// open shows a regular file to the rules. It returns the errors that end the walk.
func (d *directory) open(ctx context.Context, f *File) error {
	file, err := d.root.Open(f.Path)
	if err != nil {
		d.unopened(f, reason(err))
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil // replaced by something else since its directory was listed
	}
	err = d.body(ctx, f, file)
	var limit limitError
	if err == nil || ctx.Err() != nil || errors.As(err, &limit) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it became shorter while it was read")
	}
	d.spot(image.UnreadableFile, f.Path, "was not read: "+reason(err).Error())
	return nil
}

// unopened reports a file that cannot be opened: by its name if the rules want it by name, else only in a
// count, as a user who is not root meets many such files that matter to nobody.
func (d *directory) unopened(f *File, why error) {
	if d.rules.Want(f, nil).wanted() {
		d.spot(image.UnreadableFile, f.Path, "was not read: "+why.Error())
		return
	}
	if d.closed == 0 {
		d.firstClosed, d.why = f.Path, why
	}
	d.closed++
}

// reason takes the path out of an error: a blind spot names it already.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
