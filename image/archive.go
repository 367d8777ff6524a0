package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A compressed archive may expand to archiveGrace bytes whatever its size, and beyond that to maxExpansion
// times the bytes read so far.
const (
	archiveGrace = 1 << 30
	maxExpansion = 200
)

// magicSize is how many of a file's first bytes tell its compression.
const magicSize = 6

// archive is a source with the files of a tar.
type archive interface {
	source
	find(name string) (tarEntry, error)
}

// openArchive opens an image archive, compressed or not.
func openArchive(ctx context.Context, name string) (archive, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s: not an image archive but a directory: name an image layout oci:%s", name, name)
	case !info.Mode().IsRegular():
		// An archive is read more than once, and a pipe can be read only once.
		return nil, fmt.Errorf("%s: not a regular file: save the image to one first", name)
	case info.Size() < magicSize:
		return nil, notAnImage(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	src, err := newArchive(ctx, f)
	if err != nil {
		f.Close()
		return nil, archiveError(name, err)
	}
	return src, nil
}

func newArchive(ctx context.Context, f *os.File) (archive, error) {
	var magic [magicSize]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil {
		return nil, err
	}
	decompress := decompressor(magic[:])
	if decompress == nil {
		return newTarFile(f)
	}
	f.Close()
	return newTarStream(ctx, f.Name(), func(context.Context) (io.Reader, io.Closer, error) {
		f, err := os.Open(f.Name())
		if err != nil {
			return nil, nil, err
		}
		in := &countingReader{r: f}
		out, err := decompress(bufio.NewReaderSize(in, 256<<10))
		if err != nil {
			f.Close()
			return nil, nil, decompressionError(err)
		}
		return &expansionReader{in: in, out: out}, f, nil
	})
}

// decompressor gives nil where the content is not compressed.
func decompressor(magic []byte) func(r io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// With one decoder nothing runs beside Read, so nothing needs to be closed.
		return func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) }
	case bytes.HasPrefix(magic, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return func(io.Reader) (io.Reader, error) {
			return nil, errXZ
		}
	}
	return nil
}

var (
	errXZ        = errors.New("archives compressed with xz are not read: decompress it first")
	errTruncated = errors.New("the archive is truncated: fetch or save it again")
	errDamaged   = errors.New("the archive is damaged: fetch or save it again")
)

// decompressionError tells a compressed file that is broken from one whose content is no tar: the tar reader
// would take the one for the other.
func decompressionError(err error) error {
	switch {
	case errors.Is(err, errXZ):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errTruncated
	}
	return fmt.Errorf("the archive is damaged (%s): fetch or save it again", oneLine(err))
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// expansionReader stops a decompression that grows out of all proportion.
type expansionReader struct {
	in  *countingReader
	out io.Reader
	n   int64
}

func (e *expansionReader) Read(p []byte) (int, error) {
	n, err := e.out.Read(p)
	e.n += int64(n)
	if e.n > archiveGrace && e.n/maxExpansion > e.in.n {
		return n, fmt.Errorf("it expands to more than %d times its size: decompress it first if that is right", maxExpansion)
	}
	if err != nil && err != io.EOF {
		return n, decompressionError(err)
	}
	return n, err
}

// archiveError says in one line what is wrong with an archive.
func archiveError(name string, err error) error {
	switch {
	case errors.Is(err, errNoTar):
		return notAnImage(name)
	case errors.Is(err, tar.ErrHeader):
		err = errDamaged
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errTruncated
	}
	return fmt.Errorf("%s: %w", name, err)
}

func notAnImage(name string) error {
	return fmt.Errorf("%s: not an image: it is neither an image layout nor an image archive", name)
}

// dockerManifest is one image of a docker-archive's manifest.json (moby, image/spec/v1.2.md, "Combined Image
// JSON + Filesystem Changeset Format").
type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

const dockerManifestName = "manifest.json"

func readDockerManifest(ctx context.Context, src source) ([]dockerManifest, error) {
	raw, err := src.document(ctx, dockerManifestName)
	if err != nil {
		return nil, err
	}
	var list []dockerManifest
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%s is not valid: %w", dockerManifestName, err)
	}
	return list, nil
}

// openDockerArchive opens an image in the form of docker save. tag picks one of several.
func openDockerArchive(ctx context.Context, src archive, where, tag string, want Platform) (*Image, error) {
	list, err := readDockerManifest(ctx, src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, missingManifest(err))
	}
	m, err := chooseTagged(list, where, tag)
	if err != nil {
		return nil, err
	}
	if len(m.Layers) > maxLayers {
		return nil, fmt.Errorf("%s: it lists %d layers; images of more than %d are not read", where, len(m.Layers), maxLayers)
	}
	raw, err := src.document(ctx, m.Config)
	if err != nil {
		return nil, fmt.Errorf("%s: config: %w", where, err)
	}
	c, err := parseConfig(raw, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	im := &Image{ID: digestOf(raw), source: src}
	if named := nameDigest(m.Config); named != "" && named != im.ID {
		return nil, fmt.Errorf("%s: config %s: content does not match its digest%s", where, named, getAnew)
	}
	if want != (Platform{}) && c.platform.fit(want) == 0 {
		return nil, &platformError{where: where, want: want, has: []string{cmp.Or(c.platform.String(), "an image that does not say its platform")}}
	}
	for i, name := range m.Layers {
		e, err := src.find(name)
		if err != nil {
			return nil, fmt.Errorf("%s: layer %d: %w", where, i, err)
		}
		im.Layers = append(im.Layers, Layer{Size: e.size, blob: name})
	}
	// The layers get no digests: only some writers name a layer's file by one, and the same image is the same
	// whoever saved it. That the content is right is seen by its diffID.
	c.describe(im)
	return im, nil
}

// missingManifest explains an archive without the file that says what is in it.
func missingManifest(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("not an image: the archive holds neither an image layout nor a manifest.json (a truncated archive can look so, too)")
	}
	return err
}

// nameDigest gives the digest that a file's name claims: blobs/sha256/HEX, HEX.json or sha256:HEX.
func nameDigest(name string) string {
	base := path.Base(name)
	base, _, _ = strings.Cut(base, ".")
	base = strings.TrimPrefix(base, "sha256:")
	if d := "sha256:" + base; validDigest(d) {
		return d
	}
	return ""
}

// chooseTagged picks an image of a docker-archive.
func chooseTagged(list []dockerManifest, where, tag string) (dockerManifest, error) {
	var tags, meant []string
	picked := map[string]dockerManifest{} // by config
	for _, m := range list {
		for _, t := range m.RepoTags {
			if tag != "" && sameTag(t, tag) {
				picked[m.Config] = m
				meant = append(meant, shorten(t))
			}
			tags = append(tags, shorten(t))
		}
	}
	switch {
	case len(picked) == 1:
		return picked[slices.Collect(maps.Keys(picked))[0]], nil
	case len(picked) > 1:
		return dockerManifest{}, severalMeant(tag, where, meant)
	case len(list) == 0:
		return dockerManifest{}, fmt.Errorf("%s holds no image", where)
	case tag != "":
		return dockerManifest{}, fmt.Errorf("no image %q in %s: it has %s", tag, where, listed(tags))
	case len(list) > 1:
		return dockerManifest{}, fmt.Errorf("%s holds %d images: choose one by writing its tag after the file's name and a colon: %s", where, len(list), listed(tags))
	}
	return list[0], nil
}

func severalMeant(tag, where string, meant []string) error {
	return fmt.Errorf("several images in %s are meant by %q: write one of %s", where, tag, listed(meant))
}

// sameTag says whether a name kept in an archive is the one asked for: in full, without what Docker Hub's names
// may leave out, or the tag alone.
func sameTag(kept, asked string) bool {
	short := func(name string) string {
		return strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
	}
	return short(kept) == short(asked) || strings.HasSuffix(kept, ":"+asked) || short(kept) == short(asked)+":latest"
}

// listed joins names for an error.
func listed(names []string) string {
	const most = 10
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	switch {
	case len(names) == 0:
		return "no tags"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and more"
	}
	return strings.Join(names, ", ")
}
