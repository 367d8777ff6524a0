package declared

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/ulikunitz/xz"

	"tidewaiter/layer"
)

// Bounds on a build context. It is the user's own, but may be a checkout of anything.
const (
	maxContext  = 1_000_000 // entries
	maxArchive  = 1 << 30   // bytes, unpacked
	maxPatterns = 10_000
)

// buildContext is the directory that copied files came from, without what .dockerignore leaves out.
type buildContext struct {
	root fs.FS
	// entries are sorted by path; the root itself is not among them.
	entries []contextEntry
	byPath  map[string]int
}

// contextEntry is a file, directory or link of the context.
type contextEntry struct {
	path string
	mode fs.FileMode
	size int64
	link string
}

// openContext lists the context. ignore is what the .dockerignore file says; nil for the one in the context, if there is one.
func openContext(root fs.FS, ignore []byte) (*buildContext, error) {
	if ignore == nil {
		var err error
		if ignore, err = fs.ReadFile(root, ".dockerignore"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the build context: %w", err)
		}
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(ignore))
	if err != nil || len(patterns) > maxPatterns {
		return nil, fmt.Errorf("the build context's .dockerignore cannot be read (%d patterns): %w", len(patterns), err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, fmt.Errorf("the build context's .dockerignore: %w", err)
	}
	b := &buildContext{root: root, byPath: map[string]int{}}
	if err := fs.WalkDir(root, ".", func(at string, d fs.DirEntry, err error) error { return b.visit(matcher, at, d, err) }); err != nil {
		return nil, fmt.Errorf("the build context: %w", err)
	}
	slices.SortFunc(b.entries, func(x, y contextEntry) int { return strings.Compare(x.path, y.path) })
	for i := range b.entries {
		b.byPath[b.entries[i].path] = i
	}
	return b, nil
}

func (b *buildContext) visit(ignored *patternmatcher.PatternMatcher, at string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case at == ".":
		return nil
	case len(b.entries) == maxContext:
		return fmt.Errorf("it has more than %d files", maxContext)
	}
	if out, err := ignored.MatchesOrParentMatches(at); err != nil {
		return err
	} else if out {
		if d.IsDir() && !ignored.Exclusions() {
			return fs.SkipDir
		}
		if !d.IsDir() {
			return nil
		}
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	e := contextEntry{path: at, mode: info.Mode(), size: info.Size()}
	if e.mode&fs.ModeSymlink != 0 {
		if e.link, err = fs.ReadLink(b.root, at); err != nil {
			return err
		}
	}
	b.entries = append(b.entries, e)
	return nil
}

// below gives the entries below a directory; "." is the root.
func (b *buildContext) below(dir string) []contextEntry {
	if dir == "." {
		return b.entries
	}
	prefix := dir + "/"
	first, _ := slices.BinarySearchFunc(b.entries, prefix, func(e contextEntry, p string) int { return strings.Compare(e.path, p) })
	last := first
	for last < len(b.entries) && strings.HasPrefix(b.entries[last].path, prefix) {
		last++
	}
	return b.entries[first:last]
}

// entry gives the entry at a path, through links where it is one.
func (b *buildContext) entry(at string) (contextEntry, bool) {
	if at == "." {
		return contextEntry{path: ".", mode: fs.ModeDir}, true
	}
	for range 10 {
		i, ok := b.byPath[at]
		if !ok {
			return contextEntry{}, false
		}
		e := b.entries[i]
		if e.mode&fs.ModeSymlink == 0 {
			return e, true
		}
		if strings.HasPrefix(e.link, "/") {
			at = path.Clean(e.link[1:])
		} else {
			at = path.Join(path.Dir(at), e.link)
		}
	}
	return contextEntry{}, false
}

// find gives the entries that a source of COPY means, by their paths.
func (b *buildContext) find(source string) []string {
	at := strings.TrimPrefix(path.Clean("/"+source), "/")
	if at == "" {
		return []string{"."}
	}
	if !strings.ContainsAny(at, "*?[\\") {
		if _, ok := b.entry(at); ok {
			return []string{at}
		}
		return nil
	}
	var found []string
	for _, e := range b.entries {
		if ok, err := path.Match(at, e.path); err == nil && ok {
			found = append(found, e.path)
		}
	}
	return found
}

// digest is the SHA-256 of a file of the context.
func (b *buildContext) digest(at string) (string, error) {
	f, err := b.root.Open(at)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// archive gives what a file holds if it is a tar archive that ADD unpacks, plain or compressed. told is false for one that is damaged or
// larger than is read.
func (b *buildContext) archive(at string) (files map[string]*want, isArchive, told bool) {
	f, err := b.root.Open(at)
	if err != nil {
		return nil, false, true
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 64<<10)
	head, _ := r.Peek(512)
	var plain io.Reader = r
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		plain, err = gzip.NewReader(r)
	case bytes.HasPrefix(head, []byte("BZh")):
		plain = bzip2.NewReader(r)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderConcurrency(1)); err == nil {
			defer z.Close()
			plain = z
		}
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		plain, err = xz.NewReader(r)
	case len(head) < 512 || !bytes.HasPrefix(head[257:], []byte("ustar")):
		return nil, false, true
	}
	if err != nil {
		return nil, false, true
	}
	files, err = untar(io.LimitReader(plain, maxArchive))
	if err != nil && len(files) == 0 {
		return nil, false, true // it is compressed, and no archive: it is copied as it is
	}
	return files, true, err == nil
}

// untar lists an archive.
func untar(r io.Reader) (map[string]*want, error) {
	files := map[string]*want{}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return files, err
		}
		if len(files) == maxContext {
			return files, errors.New("the archive has too many entries")
		}
		at := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		switch h.Typeflag {
		case tar.TypeReg:
			sum := sha256.New()
			n, err := io.Copy(sum, t)
			if err != nil {
				return files, err
			}
			files[at] = &want{size: n, sum: hex.EncodeToString(sum.Sum(nil)), mode: h.FileInfo().Mode()}
		case tar.TypeSymlink:
			files[at] = &want{kind: layer.Symlink, link: h.Linkname}
		case tar.TypeLink:
			if to := files[strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")]; to != nil {
				files[at] = to
			} else {
				files[at] = &want{loose: true}
			}
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			files[at] = &want{loose: true}
		}
	}
}
