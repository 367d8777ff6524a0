package layer

import (
	"encoding/binary"
	"errors"
	"io/fs"

	"github.com/klauspost/compress/zstd"

	"tidewaiter/image"
)

// How an index is stored: three parts, each with its length before it.
//
//   - the table: what is known of the layer, its blind spots, and its files, each path as how many bytes it shares with
//     the path before it and what comes after;
//   - the bodies: content and facts of all files, in order;
//   - the digests of all files that have them.
//
// The table and the bodies are compressed with zstd, which makes them several times smaller.
//
// codecVersion changes whenever this does, or what reading the same layer gives.
const codecVersion = 1

// stored is an index with what else must be known to use it again.
type stored struct {
	*Index
	kept    int64 // bytes, against [Limits.ImageKept]
	digests bool  // regular files have them
}

// The flags of a file. Its type is below them.
const (
	flagProgram = 1 << (3 + iota)
	flagContent
	flagFacts
	flagDigests
	flagMode // its mode is not that of the file before
	typeMask = 1<<3 - 1
)

// maxStoredPath bounds the length of a path or link in bytes; longer ones are not stored.
const maxStoredPath = 64 << 10

// maxTable bounds the table in bytes, before it is compressed. That of a million files has some 40 MB.
const maxTable = 128 << 20

// encode gives the stored form of an index.
func (s stored) encode() ([]byte, error) {
	for i := range s.Files {
		if f := &s.Files[i]; max(len(f.Path), len(f.Link)) > maxStoredPath {
			return nil, errors.New("a path is too long to be stored")
		}
	}
	var e encoder
	if e.index(s); len(e.table) > maxTable {
		return nil, errors.New("the paths of a layer are too long to be stored")
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var out []byte
	for _, part := range [][]byte{z.EncodeAll(e.table, nil), z.EncodeAll(e.bodies, nil), e.sums} {
		out = append(binary.AppendUvarint(out, uint64(len(part))), part...)
	}
	return out, nil
}

type encoder struct{ table, bodies, sums []byte }

func (e *encoder) number(n int64) { e.table = binary.AppendUvarint(e.table, uint64(n)) }
func (e *encoder) text(s string)  { e.number(int64(len(s))); e.table = append(e.table, s...) }
func (e *encoder) body(content []byte) {
	e.number(int64(len(content)))
	e.bodies = append(e.bodies, content...)
}

func (e *encoder) bool(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (e *encoder) index(s stored) {
	e.text(s.DiffID)
	e.bool(s.TOC)
	e.bool(s.digests)
	e.number(s.kept)
	e.number(int64(len(s.BlindSpots)))
	for _, spot := range s.BlindSpots {
		e.text(string(spot.Kind))
		e.text(spot.Where)
		e.text(spot.Message)
	}
	e.number(int64(len(s.Files)))
	var last File
	for i := range s.Files {
		if len(e.table) > maxTable {
			return
		}
		e.file(&s.Files[i], &last)
		last = s.Files[i]
	}
}

func (e *encoder) file(f, last *File) {
	flags := byte(f.Type)
	set := func(flag byte, on bool) {
		if on {
			flags |= flag
		}
	}
	set(flagProgram, f.Program)
	set(flagContent, f.Content() != nil)
	set(flagFacts, f.Facts() != nil)
	set(flagDigests, f.Digests() != nil)
	set(flagMode, f.Mode != last.Mode)
	e.table = append(e.table, flags)
	shared := 0
	for shared < min(len(f.Path), len(last.Path)) && f.Path[shared] == last.Path[shared] {
		shared++
	}
	e.number(int64(shared))
	e.text(f.Path[shared:])
	if flags&flagMode != 0 {
		e.number(int64(f.Mode))
	}
	switch f.Type {
	case Regular:
		e.number(f.Size)
	case Symlink, Hardlink:
		e.text(f.Link)
	}
	if flags&flagContent != 0 {
		e.body(f.Content())
	}
	if flags&flagFacts != 0 {
		e.body(f.Facts())
	}
	if d := f.Digests(); d != nil {
		e.sums = append(append(append(e.sums, d.MD5[:]...), d.SHA1[:]...), d.SHA256[:]...)
	}
}

// errStored says that stored bytes are not an index.
var errStored = errors.New("not a stored index")

// maxStored bounds both the table and the bodies of a stored index in bytes, decompressed.
const maxStored = 1 << 30

// decodeIndex reads the stored form of an index. Files get their digests only where those are asked for.
func decodeIndex(b []byte, digests algorithms) (s stored, err error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxStored))
	if err != nil {
		return s, err
	}
	defer z.Close()
	parts := decoder{table: b}
	var d decoder
	if d.table, err = z.DecodeAll(parts.bytes(), nil); err != nil {
		return s, err
	}
	if d.bodies, err = z.DecodeAll(parts.bytes(), nil); err != nil {
		return s, err
	}
	d.sums = parts.bytes()
	if parts.bad || len(parts.table) > 0 {
		return s, errStored
	}
	s = d.index(digests)
	if d.bad || len(d.table)+len(d.bodies)+len(d.sums) > 0 {
		return stored{}, errStored
	}
	return s, nil
}

// decoder reads what an encoder wrote. Once bad, it gives zeros.
type decoder struct {
	table, bodies, sums []byte
	bad                 bool
	text                arena
}

func (d *decoder) number() int64 {
	n, size := binary.Uvarint(d.table)
	if size <= 0 || int64(n) < 0 {
		d.bad, d.table = true, nil
		return 0
	}
	d.table = d.table[size:]
	return int64(n)
}

func (d *decoder) bool() bool {
	n := d.number()
	d.bad = d.bad || n > 1
	return n == 1
}

// cut gives the first n bytes of b, and shortens it.
func (d *decoder) cut(b *[]byte, n int64) []byte {
	if n > int64(len(*b)) {
		d.bad, d.table = true, nil
		return nil
	}
	taken := (*b)[:n:n]
	*b = (*b)[n:]
	return taken
}

func (d *decoder) bytes() []byte { return d.cut(&d.table, d.number()) }

// string gives a text that is a part of shared and what the table has next.
func (d *decoder) string(shared string) string {
	rest := d.bytes()
	if len(shared)+len(rest) > maxStoredPath {
		d.bad, d.table = true, nil
		return ""
	}
	return d.text.join(shared, rest)
}

func (d *decoder) index(digests algorithms) stored {
	s := stored{Index: &Index{DiffID: d.string(""), TOC: d.bool()}, digests: d.bool(), kept: d.number()}
	for range d.count(3) {
		s.BlindSpots = append(s.BlindSpots, image.BlindSpot{Kind: image.BlindSpotKind(d.string("")), Where: d.string(""), Message: d.string("")})
	}
	if n := d.count(3); n > 0 {
		s.Files = make([]File, n)
	}
	var last File
	for i := range s.Files {
		if d.bad {
			break
		}
		d.file(&s.Files[i], &last, digests)
		last = s.Files[i]
	}
	s.digests = s.digests && digests != noAlgorithm
	return s
}

// count reads how many things follow, of which each takes at least so many bytes.
func (d *decoder) count(least int64) int64 {
	n := d.number()
	if n > int64(len(d.table))/least {
		d.bad, d.table = true, nil
		return 0
	}
	return n
}

func (d *decoder) file(f, last *File, digests algorithms) {
	flags := d.cut(&d.table, 1)
	if d.bad {
		return
	}
	has := func(flag byte) bool { return flags[0]&flag != 0 }
	f.Type, f.Program = Type(flags[0]&typeMask), has(flagProgram)
	shared := d.number()
	if shared > int64(len(last.Path)) || f.Type > Opaque {
		d.bad = true
		return
	}
	f.Path = d.string(last.Path[:shared])
	f.Mode = last.Mode
	if has(flagMode) {
		f.Mode = fs.FileMode(d.number())
	}
	switch f.Type {
	case Regular:
		f.Size = d.number()
	case Symlink, Hardlink:
		f.Link = d.string("")
	}
	if has(flagContent) {
		f.body().Content = d.body()
	}
	if has(flagFacts) {
		f.body().Facts = d.body()
	}
	if has(flagDigests) {
		d.digests(f, digests)
	}
}

// body gives content or facts: never nil, which would say that there are none.
func (d *decoder) body() []byte {
	if b := d.cut(&d.bodies, d.number()); b != nil {
		return b
	}
	return []byte{}
}

// digests reads those of a file, and gives them to it where they are wanted.
func (d *decoder) digests(f *File, wanted algorithms) {
	var sums Digests
	n := copy(sums.MD5[:], d.cut(&d.sums, int64(len(sums.MD5))))
	n += copy(sums.SHA1[:], d.cut(&d.sums, int64(len(sums.SHA1))))
	n += copy(sums.SHA256[:], d.cut(&d.sums, int64(len(sums.SHA256))))
	switch {
	case wanted == noAlgorithm || n == 0:
	case wanted == onlySHA256:
		f.body().Digests = &Digests{SHA256: sums.SHA256}
	default:
		f.body().Digests = &sums
	}
}
