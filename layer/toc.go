package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

// The annotations of a layer that has a table of contents (TOC). Both vouch for it with a digest: of the stored TOC in
// zstd:chunked (containers/storage, docs/containers-storage-zstd-chunked.md), of its JSON in eStargz
// (containerd/stargz-snapshotter, docs/estargz.md).
const (
	chunkedDigest   = "io.github.containers.zstd-chunked.manifest-checksum"
	chunkedPosition = "io.github.containers.zstd-chunked.manifest-position"
	stargzDigest    = "containerd.io/snapshot/stargz/toc.digest"
)

// The bounds of a TOC: in bytes as stored and as JSON, of which real ones have 150 to 400 for a file, and in files.
const (
	maxTOCStored = 16 << 20
	maxTOC       = 64 << 20
	maxTOCFiles  = 400_000
)

// tocWindow is the largest zstd window, in bytes, that writers of zstd:chunked are known to use, at their highest level.
const tocWindow = 32 << 20

// errReadWhole says that a TOC is of no use, or not understood: reading the whole layer proves more.
var errReadWhole = errors.New("the layer is to be read whole")

// tocPlace says where a layer's TOC is and what its digest must be.
type tocPlace struct {
	chunked        bool // zstd:chunked; else eStargz
	digest         string
	offset, length int64 // in bytes of the blob; of eStargz, its footer knows
}

// placeTOC reads a layer's annotations; false where they name no TOC that can be read.
func placeTOC(l image.Layer) (tocPlace, bool) {
	if p := (tocPlace{chunked: true, digest: l.Annotations[chunkedDigest]}); strings.HasPrefix(p.digest, "sha256:") {
		fields := strings.Split(l.Annotations[chunkedPosition], ":")
		if len(fields) != 4 || fields[3] != "1" { // the one known kind of TOC
			return p, false
		}
		var err1, err2 error
		p.offset, err1 = strconv.ParseInt(fields[0], 10, 64)
		p.length, err2 = strconv.ParseInt(fields[1], 10, 64)
		return p, err1 == nil && err2 == nil && p.isWithin(l.Size)
	}
	p := tocPlace{digest: l.Annotations[stargzDigest]}
	return p, strings.HasPrefix(p.digest, "sha256:")
}

func (p tocPlace) isWithin(size int64) bool {
	return p.offset > 0 && p.length > 0 && p.length <= maxTOCStored && p.offset <= size-p.length
}

// The end of an eStargz blob: a tar with the TOC in gzip, then an empty gzip member whose extra field says where the TOC is, in sixteen hexadecimal
// digits (docs/estargz.md, "Footer").
const (
	stargzFooter   = 51
	stargzOffsetAt = 16
	stargzMagic    = "STARGZ"
	stargzTOC      = "stargz.index.json"
)

// readFooter completes the place of an eStargz TOC.
func (p *tocPlace) readFooter(footer []byte, size int64) error {
	digits, rest := footer[stargzOffsetAt:stargzOffsetAt+16], footer[stargzOffsetAt+16:]
	offset, err := strconv.ParseInt(string(digits), 16, 64)
	if err != nil || !bytes.HasPrefix(rest, []byte(stargzMagic)) {
		return errReadWhole
	}
	p.offset, p.length = offset, size-stargzFooter-offset
	if !p.isWithin(size) {
		return errReadWhole
	}
	return nil
}

// toc is a table of contents, understood.
type toc struct {
	files  []tocFile
	chunks []tocChunk // of all files
}

// tocFile is an entry of the TOC with the chunks of its content: toc.chunks[first:last], of so many bytes.
type tocFile struct {
	File
	first, last int
	have        int64
}

// tocChunk is a part of a file's content that can be read by itself.
type tocChunk struct {
	offset, stored int64 // in the blob; what follows the chunk's own bytes may be counted, too
	size           int64 // of the content
	sum            [sha256.Size]byte
}

func (c tocChunk) end() int64 { return c.offset + c.stored }

var errTOCDigest = errors.New("its table of contents does not match the digest in the manifest: get the image anew, or push it again")

// openTOC makes a TOC of its stored bytes.
func openTOC(p tocPlace, stored []byte) (*toc, error) {
	open := openStargz
	if p.chunked {
		open = openChunked
	}
	t, err := open(p, stored)
	if err == nil && !t.place(p.offset) {
		err = errReadWhole
	}
	return t, err
}

func openChunked(p tocPlace, stored []byte) (*toc, error) {
	if sum := sha256.Sum256(stored); p.digest != "sha256:"+hex.EncodeToString(sum[:]) {
		return nil, errTOCDigest
	}
	z, err := zstd.NewReader(bytes.NewReader(stored), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(tocWindow), zstd.WithDecoderMaxMemory(maxTOC))
	if err != nil {
		return nil, errReadWhole
	}
	defer z.Close()
	return parseTOC(io.LimitReader(z, maxTOC))
}

// openStargz reads the tar that the TOC of eStargz is in. Who reads the whole layer sees it as its last file.
func openStargz(p tocPlace, stored []byte) (*toc, error) {
	z, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return nil, errReadWhole
	}
	archive := tar.NewReader(z)
	h, err := archive.Next()
	if err != nil || h.Size > maxTOC {
		return nil, errReadWhole
	}
	f, ok := fileOf(h) // its name is checked as no digest vouches for it
	if !ok || f.Type != Regular || f.Path != stargzTOC {
		return nil, errReadWhole
	}
	sum := sha256.New()
	body := io.TeeReader(archive, sum)
	t, err := parseTOC(body)
	if _, bad := io.Copy(io.Discard, body); bad != nil {
		return nil, errReadWhole
	}
	if p.digest != "sha256:"+hex.EncodeToString(sum.Sum(nil)) {
		return nil, errTOCDigest
	}
	t.files = append(t.files, tocFile{File: f})
	return t, err
}

// tocEntry is an entry of either kind of TOC; those of chunks follow that of their file.
type tocEntry struct {
	Type        string `json:"type"`
	Name        string `json:"name"`
	LinkName    string `json:"linkName"`
	Mode        int64  `json:"mode"`
	Size        int64  `json:"size"`
	Digest      string `json:"digest"`
	Offset      int64  `json:"offset"`
	InnerOffset int64  `json:"innerOffset"`
	ChunkSize   int64  `json:"chunkSize"` // 0: up to the file's end
	ChunkOffset int64  `json:"chunkOffset"`
	ChunkDigest string `json:"chunkDigest"`
}

// parseTOC reads the JSON of a TOC entry by entry, as it may be large.
func parseTOC(r io.Reader) (*toc, error) {
	t := &toc{}
	d := json.NewDecoder(r)
	seen := false
	err := eachKey(d, func(key string) error {
		if key != "entries" {
			var skipped json.RawMessage
			return d.Decode(&skipped)
		}
		if seen {
			return errReadWhole
		}
		seen = true
		return eachElement(d, func() error {
			var e tocEntry
			if err := d.Decode(&e); err != nil {
				return err
			}
			if len(t.files) >= maxTOCFiles {
				return errReadWhole
			}
			return t.add(&e)
		})
	})
	if err != nil || !seen || !t.isComplete() {
		err = errReadWhole // also for what is no JSON
	}
	return t, err
}

// eachKey calls fn for each key of the object that comes next, to read its value.
func eachKey(d *json.Decoder, fn func(key string) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := fn(fmt.Sprint(key)); err != nil {
			return err
		}
	}
	return expect(d, '}')
}

// eachElement calls fn for each element of the array that comes next, to read it.
func eachElement(d *json.Decoder, fn func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := fn(); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

func expect(d *json.Decoder, want json.Delim) error {
	if got, err := d.Token(); err != nil || got != want {
		return errReadWhole
	}
	return nil
}

// add takes in an entry. One that may mean something else in the tar is errReadWhole.
func (t *toc) add(e *tocEntry) error {
	if e.Type == "chunk" {
		return t.addChunk(e)
	}
	typeflag, ok := tarType(e.Type)
	// JSON has no bytes that are not UTF-8: what stands for them could be anything.
	lossy := strings.ContainsRune(e.Name+e.LinkName, utf8.RuneError)
	if !ok || lossy || e.Size < 0 || e.InnerOffset != 0 || !t.isComplete() {
		return errReadWhole
	}
	h := &tar.Header{Typeflag: typeflag, Name: e.Name, Linkname: e.LinkName, Mode: e.Mode}
	if typeflag == tar.TypeReg {
		h.Size = e.Size
	}
	f, ok := fileOf(h)
	if !ok {
		return nil
	}
	t.files = append(t.files, tocFile{File: f, first: len(t.chunks), last: len(t.chunks)})
	if f.Type == Regular && f.Size > 0 {
		return t.addChunk(e)
	}
	return nil
}

func tarType(name string) (flag byte, ok bool) {
	switch name {
	case "reg":
		return tar.TypeReg, true
	case "dir":
		return tar.TypeDir, true
	case "symlink":
		return tar.TypeSymlink, true
	case "hardlink":
		return tar.TypeLink, true
	case "char", "block", "fifo":
		return tar.TypeFifo, true // special, all of them
	}
	return 0, false
}

// addChunk adds to the content of the last file.
func (t *toc) addChunk(e *tocEntry) error {
	if len(t.files) == 0 || e.InnerOffset != 0 {
		return errReadWhole
	}
	f := &t.files[len(t.files)-1]
	left := f.Size - f.have
	c := tocChunk{offset: e.Offset, size: e.ChunkSize}
	if c.size == 0 {
		c.size = left
	}
	digest := e.ChunkDigest
	if digest == "" && c.size == f.Size {
		digest = e.Digest
	}
	sum, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil || copy(c.sum[:], sum) != sha256.Size || e.ChunkOffset != f.have || c.size <= 0 || c.size > left {
		return errReadWhole
	}
	t.chunks = append(t.chunks, c)
	f.last = len(t.chunks)
	f.have += c.size
	return nil
}

// isComplete says whether the last file has all its chunks.
func (t *toc) isComplete() bool {
	if len(t.files) == 0 {
		return true
	}
	f := &t.files[len(t.files)-1]
	return f.Type != Regular || f.have == f.Size
}

// place finds how far the chunks reach in the blob: to the next one, or to the end of all content.
func (t *toc) place(end int64) bool {
	offsets := make([]int64, 0, len(t.chunks)+1)
	for _, c := range t.chunks {
		offsets = append(offsets, c.offset)
	}
	offsets = append(offsets, end)
	slices.Sort(offsets)
	if offsets[0] <= 0 || offsets[len(offsets)-1] != end {
		return false
	}
	for i := range t.chunks {
		c := &t.chunks[i]
		at, _ := slices.BinarySearch(offsets, c.offset+1)
		if at == len(offsets) {
			return false
		}
		c.stored = offsets[at] - c.offset
	}
	return true
}

// readTOC gets a layer's TOC.
func readTOC(ctx context.Context, im *image.Image, l image.Layer, p tocPlace) (*toc, error) {
	if !p.chunked {
		if l.Size <= stargzFooter {
			return nil, errReadWhole
		}
		footer, err := readRange(ctx, im, l, l.Size-stargzFooter, stargzFooter)
		if err != nil {
			return nil, err
		}
		if err := p.readFooter(footer, l.Size); err != nil {
			return nil, err
		}
	}
	stored, err := readRange(ctx, im, l, p.offset, p.length)
	if err != nil {
		return nil, err
	}
	return openTOC(p, stored)
}

func readRange(ctx context.Context, im *image.Image, l image.Layer, offset, length int64) ([]byte, error) {
	r, err := im.ReadRange(ctx, l, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
