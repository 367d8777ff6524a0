package layer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tidewaiter/image"
)

// Cache keeps indexes on disk, so that a layer that was read once is not read again. An index is found by the digest
// of the layer's stored bytes, which was verified when it was kept; by the rules and limits under which it was
// read; and by the program that did so: any other build reads anew.
//
// Several processes may use one directory. A file of it that is damaged is removed, and the layer read again. Whoever
// may write to the directory can make a scan say anything: it is made for its owner alone.
type Cache struct {
	dir     string
	most    int64
	program string

	mu  sync.Mutex
	err error
}

// Versioned are [Rules] whose captures may be kept in a [Cache]. Their version must differ wherever, of the same
// program, they would keep something else of any file.
type Versioned interface {
	Rules
	Version() string
}

// OpenCache uses a directory, which is made when something is first kept, for at most so many bytes.
func OpenCache(dir string, most int64) (*Cache, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("cache %q: not an absolute path", dir)
	}
	program, err := thisProgram()
	if err != nil {
		return nil, fmt.Errorf("cache %s: %w", dir, err)
	}
	return &Cache{dir: dir, most: most, program: program}, nil
}

// thisProgram tells this build of the program from all others: by its version where that stands for its source,
// else by when its file was written.
func thisProgram() (string, error) {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		if v := info.Main.Version; v != "" && v != "(devel)" && !strings.Contains(v, "+dirty") {
			return info.Main.Path + " " + v + " " + info.GoVersion, nil
		}
	}
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(file.Size(), file.ModTime().UnixNano()), nil
}

// Err gives the first reason for which something was not kept; nil when there was none. A scan is as good without.
func (c *Cache) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Cache) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = cmp.Or(c.err, fmt.Errorf("cache %s: %w", c.dir, err))
}

// shelf is the part of a cache where the layers of one reading are kept.
type shelf struct {
	*Cache
	conditions string
	digests    algorithms
	byTOC      bool
	sinks      []Sink
}

// shelf gives that for reading by these rules and options; nil where nothing can be kept.
func (o Options) shelf(rules Rules) *shelf {
	versioned, ok := rules.(Versioned)
	if o.Cache == nil || !ok {
		return nil
	}
	l := o.Limits
	// Of the limits, those that decide what is in an index: indexes that other limits had a part in are not kept.
	l.ImageKept, l.ImageEntries, l.Memory, l.DistilTime = 0, 0, 0, 0
	return &shelf{
		Cache:      o.Cache,
		conditions: fmt.Sprintf("%d\n%s\n%s\n%+v\n%t", codecVersion, o.Cache.program, versioned.Version(), l, o.Redact != nil),
		digests:    o.algorithms(),
		byTOC:      !o.FullRead && o.algorithms() == noAlgorithm && len(o.Sinks) == 0,
		sinks:      o.Sinks,
	}
}

// Ways in which an index can have been made, as file name endings.
const (
	plainIndex   = ".index"
	sha256Index  = ".sha256" // of the digests, those alone
	digestsIndex = ".digests"
	seenBySink   = ".seen" // what one sink said
)

// file gives the path of a layer's index. toc is the digest of the table of contents it was made from, if it was:
// another image may name another table for the same layer.
func (s *shelf) file(l image.Layer, toc, ending string) string {
	return s.path(l.Digest+"\n"+toc, ending)
}

// path gives that of what is kept under a key.
func (s *shelf) path(key, ending string) string {
	sum := sha256.Sum256([]byte(s.conditions + "\n" + key))
	name := hex.EncodeToString(sum[:])
	return filepath.Join(s.dir, name[:2], name[2:]+ending)
}

// files gives all the files that could serve for a layer, the best first.
func (s *shelf) files(l image.Layer) []string {
	var files []string
	for _, ending := range []string{plainIndex, sha256Index, digestsIndex}[s.digests:] {
		files = append(files, s.file(l, "", ending))
	}
	if p, ok := placeTOC(l); ok && s.byTOC {
		files = append(files, s.file(l, p.digest, plainIndex))
	}
	return files
}

// load gets what is kept of the layers, by [layerKey]. Its error is that of ctx.
func (s *shelf) load(ctx context.Context, layers []image.Layer) (map[string]stored, error) {
	found := make(map[string]stored)
	if s == nil {
		return found, nil
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	seen := make(map[string]bool)
	for _, l := range layers {
		if l.Digest == "" || l.Unreadable || seen[l.Digest] {
			continue
		}
		seen[l.Digest] = true
		g.Go(func() error {
			if ix, ok := s.get(l); ok && s.getSeen(l.Digest, ix.Index) {
				mu.Lock()
				defer mu.Unlock()
				found[layerKey(l)] = ix
			}
			return ctx.Err()
		})
	}
	return found, g.Wait()
}

func (s *shelf) get(l image.Layer) (stored, bool) {
	for _, name := range s.files(l) {
		b := readRegular(name)
		if b == nil {
			continue
		}
		ix, err := unseal(name, b, s.digests)
		if err != nil || s.digests != noAlgorithm && !ix.digests {
			os.Remove(name)
			continue
		}
		touch(name)
		return ix, true
	}
	return stored{}, false
}

// readRegular reads a file; nil where there is none, or something else: reading a pipe or a device would not end.
func readRegular(name string) []byte {
	if file, err := os.Lstat(name); err != nil || !file.Mode().IsRegular() {
		return nil
	}
	b, _ := os.ReadFile(name)
	return b
}

// A cache file starts with a seal: a mark, and a checksum of the file's own name and of all that follows. A file that
// got another one's name is damaged too.
const (
	sealMark = "tidewaiter index\n"
	sealSize = len(sealMark) + 4
)

func checksum(name string, content []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(filepath.Base(name)), table), table, content)
}

// sealed gives the content of the cache file of that name.
func sealed(name string, content []byte) []byte {
	head := binary.BigEndian.AppendUint32([]byte(sealMark), checksum(name, content))
	return append(head, content...)
}

// opened gives what is under the seal of a cache file that is not damaged.
func opened(name string, b []byte) ([]byte, error) {
	if len(b) < sealSize || string(b[:len(sealMark)]) != sealMark || binary.BigEndian.Uint32(b[len(sealMark):]) != checksum(name, b[sealSize:]) {
		return nil, errStored
	}
	return b[sealSize:], nil
}

// unseal reads the index in a cache file.
func unseal(name string, b []byte, digests algorithms) (stored, error) {
	content, err := opened(name, b)
	if err != nil {
		return stored{}, err
	}
	return decodeIndex(content, digests)
}

// put keeps the index of a layer whose stored bytes, or table of contents, were verified.
func (s *shelf) put(l image.Layer, ix stored) {
	if s == nil || l.Digest == "" {
		return
	}
	toc, ending := "", plainIndex
	if ix.digests {
		ending = s.ending()
	}
	if ix.TOC {
		p, _ := placeTOC(l)
		toc = p.digest
	}
	name := s.file(l, toc, ending)
	content, err := ix.encode()
	if err == nil {
		err = write(name, sealed(name, content))
	}
	if err != nil {
		s.failed(err)
		return
	}
	s.putSeen(l.Digest, ix.Index)
	if ix.digests {
		os.Remove(s.file(l, "", plainIndex)) // of no use any more
	}
	if s.digests == allAlgorithms {
		os.Remove(s.file(l, "", sha256Index))
	}
}

// ending is that of the indexes with digests which this reading makes.
func (s *shelf) ending() string {
	if s.digests == onlySHA256 {
		return sha256Index
	}
	return digestsIndex
}

// write makes a file as a whole: other processes see all of it, or nothing.
func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), tempPrefix)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = cmp.Or(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

const (
	tempPrefix = "new-"
	// touchAfter is how exactly a file's time says when it was last used.
	touchAfter = time.Hour
	// staleAfter is the age of a temporary file that nobody is writing any more.
	staleAfter = time.Hour
)

// touch says that an entry was used. Where it cannot, the entry only goes a little earlier.
func touch(name string) {
	if file, err := os.Stat(name); err == nil && time.Since(file.ModTime()) > touchAfter {
		now := time.Now()
		_ = os.Chtimes(name, now, now)
	}
}

// trim removes what was not used for the longest time, until the cache is within its size. Other processes may do
// the same meanwhile: what they remove or have open is no matter.
func (c *Cache) trim() {
	type kept struct {
		path string
		size int64
		used time.Time
	}
	var files []kept
	var total int64
	// What another process has removed meanwhile is passed over.
	_ = filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, _ error) error {
		if entry == nil || !entry.Type().IsRegular() {
			return nil
		}
		info, _ := entry.Info()
		switch name := entry.Name(); {
		case info == nil:
		case strings.HasPrefix(name, tempPrefix):
			if time.Since(info.ModTime()) > staleAfter {
				os.Remove(path)
			}
		case strings.HasSuffix(name, plainIndex), strings.HasSuffix(name, sha256Index), strings.HasSuffix(name, digestsIndex), strings.HasSuffix(name, seenBySink):
			files = append(files, kept{path, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return nil
	})
	slices.SortFunc(files, func(a, b kept) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= c.most {
			return
		}
		if err := os.Remove(f.path); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= f.size
		}
	}
}
