package integrity

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"

	"tidewaiter/image"
)

// Metadata is what a user has of a distribution, and the keys of those whom he believes: signed lists of packages, and packages.
type Metadata struct {
	dir  fs.FS // nil where there are only keys
	name string
	keys *keyring
	// releases are Debian's whose signature holds.
	releases []release
	// packages, indexes, debs and apks are files of the directory, by what they are.
	packages, indexes, debs, apks []string
	// unused says of what could not be used why.
	unused []image.BlindSpot
}

// Bounds of what is read of a distribution's directory.
const (
	maxListed   = 200_000  // files
	maxRelease  = 64 << 20 // bytes
	maxUnpacked = 4 << 30  // bytes of one file
	maxPart     = 64 << 20 // bytes of what is kept of a package: its control files
)

// Open reads the keys (OpenPGP public keys; for apk, RSA keys in PEM) and finds in dir, at any depth, what is signed with them:
// InRelease, or Release with Release.gpg, and the Packages files that those name (also packed, and as apt keeps them in
// /var/lib/apt/lists); APKINDEX.tar.gz; and packages themselves (*.deb, *.apk). An empty dir means that there are only keys.
//
// What no key vouches for is left aside, and is a blind spot of [Check]. The error is that of a key or directory that cannot be read.
func Open(dir string, keys []string) (*Metadata, error) {
	ring, err := readKeyFiles(keys)
	if err != nil {
		return nil, err
	}
	m := &Metadata{name: dir, keys: ring}
	if dir == "" {
		return m, nil
	}
	if ring.empty() {
		return nil, fmt.Errorf("%s: without a key nothing in it can be believed: name the distribution's with --distribution-key", dir)
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("signed metadata of the distribution: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("signed metadata of the distribution: %s is not a directory", dir)
	}
	return m, m.list(os.DirFS(dir))
}

// list finds what the directory has, and reads the releases.
func (m *Metadata) list(dir fs.FS) error {
	m.dir = dir
	count := 0
	err := fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name != ".": // a directory of another user's, such as apt's partial
			m.leave(name, err)
			return fs.SkipDir
		case err != nil:
			return err
		case e.IsDir():
			return nil
		}
		if count++; count > maxListed {
			return fmt.Errorf("more than %d files", maxListed)
		}
		m.take(name)
		return nil
	})
	if err != nil {
		return fmt.Errorf("signed metadata of the distribution: %s: %w", m.name, err)
	}
	return nil
}

// take sorts one file in by its name.
func (m *Metadata) take(name string) {
	base := path.Base(name)
	switch plain := strings.TrimSuffix(base, path.Ext(base)); {
	case strings.HasSuffix(base, "InRelease"):
		m.takeRelease(name, "")
	case strings.HasSuffix(base, "Release.gpg"):
		m.takeRelease(strings.TrimSuffix(name, ".gpg"), name)
	case strings.HasSuffix(base, "Packages"), strings.HasSuffix(plain, "Packages"):
		m.packages = append(m.packages, name)
	case strings.HasPrefix(base, "APKINDEX") && strings.HasSuffix(base, ".tar.gz"):
		m.indexes = append(m.indexes, name)
	case strings.HasSuffix(base, ".deb"):
		m.debs = append(m.debs, name)
	case strings.HasSuffix(base, ".apk"):
		m.apks = append(m.apks, name)
	}
}

// leave notes that a file is not used, and why.
func (m *Metadata) leave(name string, why error) {
	m.unused = append(m.unused, image.BlindSpot{Kind: image.UnreadablePaper, Where: path.Join(m.name, name),
		Message: "left aside: " + strings.Join(strings.Fields(why.Error()), " ")})
}

// whole reads a small file.
func (m *Metadata) whole(name string) ([]byte, error) {
	f, err := m.dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, maxRelease)
}

// readAll reads to the end, and fails where that is further than most bytes.
func readAll(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("more than %d MiB", most>>20)
	}
	return b, err
}

// unpack gives the content of a file that may be packed, by how it starts. It fails after maxUnpacked bytes.
func unpack(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, _ := in.Peek(6)
	out, err := io.Reader(in), error(nil)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		out, err = gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		out, err = xz.ReaderConfig{DictCap: 64 << 20, SingleStream: false}.NewReader(in)
	case bytes.HasPrefix(head, []byte{0x04, 0x22, 0x4d, 0x18}):
		out = lz4.NewReader(in)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		out, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	case bytes.HasPrefix(head, []byte("BZh")):
		out = bzip2.NewReader(in)
	}
	if err != nil {
		return nil, err
	}
	return &bounded{out, maxUnpacked}, nil
}

// bounded fails where there is more than n bytes, unlike [io.LimitedReader].
type bounded struct {
	r io.Reader
	n int64
}

var errBound = errors.New("it is larger unpacked than any such file is")

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n -= int64(n); b.n < 0 {
		return 0, errBound
	}
	return n, err
}

// wants are the names of the packages of an image that are looked for.
type wants map[string]bool

// each opens files one after another; what fails with one is noted, and the rest is read all the same.
func (m *Metadata) each(ctx context.Context, files []string, read func(name string, f io.Reader) error) error {
	for _, name := range slices.Sorted(slices.Values(files)) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f, err := m.dir.Open(name)
		if err == nil {
			err = read(name, f)
			f.Close()
		}
		if err != nil {
			m.leave(name, err)
		}
	}
	return ctx.Err()
}
