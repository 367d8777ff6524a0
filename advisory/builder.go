package advisory

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// builder writes an advisory file in a directory of its own beside the place where it will lie.
type builder struct {
	out     string
	scratch *scratch
	file    *os.File
	w       *bufio.Writer
	at      int64 // bytes written
	zstd    *zstd.Encoder
	digest  hash.Hash
	tables  map[string]*table
	base    *DB // if set, a file most of whose blocks are likely to come again
}

// placeOf is where an advisory file is put: a file is replaced, and not a link to it.
func placeOf(path string) (string, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if stat, err := os.Stat(path); err == nil && !stat.Mode().IsRegular() {
		return "", fmt.Errorf("%s is there and is not a regular file", path)
	}
	return path, nil
}

// newBuilder begins a file. The caller must call discard.
func newBuilder(out string) (_ *builder, err error) {
	if out, err = placeOf(out); err != nil {
		return nil, err
	}
	b := &builder{out: out, digest: sha256.New(), tables: map[string]*table{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.discard())
		}
	}()
	if b.scratch, err = newScratch(out); err != nil {
		return b, err
	}
	if b.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(1)); err != nil {
		return b, err
	}
	if b.file, err = os.OpenFile(filepath.Join(b.scratch.dir, "advisories"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
		return b, err
	}
	b.w = bufio.NewWriterSize(b.file, 1<<20)
	_, err = b.write([]byte(magic + formatVersion + "\n"))
	return b, err
}

func (b *builder) sorter() *sorter { return &sorter{dir: b.scratch.dir, memory: sortMemory} }

func (b *builder) write(data []byte) (span, error) {
	n, err := b.w.Write(data)
	s := span{b.at, int64(n)}
	b.at += s.Length
	return s, err
}

func (b *builder) writeFrame(raw []byte) (span, error) { return b.write(b.zstd.EncodeAll(raw, nil)) }

// putEntry takes the entries of a table, in the order of their keys' hashes and then of their keys.
type putEntry func(hash uint64, key string, value []byte) error

// writeSorted writes what a sorter has gathered, with one value for each key.
func (b *builder) writeSorted(ctx context.Context, name string, s *sorter, combine func(key string, payloads [][]byte) ([]byte, error)) error {
	return b.writeTable(ctx, name, blockBits(s.bytes), func(put putEntry) error {
		return s.groups(func(hash uint64, key string, payloads [][]byte) error {
			value, err := combine(key, payloads)
			if err != nil {
				return err
			}
			return put(hash, key, value)
		})
	})
}

// writeTable writes what each hands over.
func (b *builder) writeTable(ctx context.Context, name string, bits int, each func(putEntry) error) error {
	t := &table{Bits: bits, Blocks: b.at}
	lengths := make([]int64, 0, t.blocks())
	block := blockHead(name, 0)
	next := func() error {
		frame, err := b.writeBlock(name, bits, uint32(len(lengths)), block)
		lengths = append(lengths, frame.Length)
		block = blockHead(name, uint32(len(lengths)))
		return errors.Join(err, ctx.Err())
	}
	var marks filter
	if name == tableMalware {
		marks = newFilter(t.blocks())
	}
	err := each(func(hash uint64, key string, value []byte) error {
		number := blockNumber(hash, bits)
		if int(number) < len(lengths) {
			return fmt.Errorf("advisory file: %q is out of order", key)
		}
		for int(number) > len(lengths) {
			if err := next(); err != nil {
				return err
			}
		}
		if len(block)+len(key)+len(value) > maxFrame { // more cannot be read again
			return fmt.Errorf("advisory file: too much stands under %.100q and the keys beside it", key)
		}
		block = appendEntry(block, key, value)
		if marks != nil {
			marks.add(hash, bits)
		}
		return nil
	})
	for err == nil && len(lengths) < cap(lengths) {
		err = next()
	}
	if err != nil {
		return err
	}
	b.tables[name] = t
	if err := b.appendPages(name, t, lengths); err != nil || marks == nil {
		return err
	}
	return b.writeFilter(name, marks)
}

// writeBlock writes a block, as it stands in the file that this one is made from if it is there: compressing is what costs.
func (b *builder) writeBlock(name string, bits int, number uint32, block []byte) (span, error) {
	b.digest.Write(block)
	if b.base != nil && b.base.contents.Tables[name] != nil && b.base.contents.Tables[name].Bits == bits {
		if packed, raw, err := b.base.packedBlock(name, number); err == nil && raw == string(block) {
			return b.write(packed)
		}
	}
	return b.writeFrame(block)
}

// finish writes the contents, and puts the file in the place of the old one.
func (b *builder) finish(ctx context.Context, c contents) (Info, error) {
	promised := c.Revision
	if err := b.revise(&c); err != nil {
		return Info{}, err
	}
	if promised != "" && c.Revision != promised {
		return Info{}, fmt.Errorf("advisory file: what was made has revision %s, and not %s as promised", c.Revision, promised)
	}
	c.Tables = b.tables
	text, err := json.Marshal(c)
	if err != nil {
		return Info{}, err
	}
	at, err := b.writeFrame(text)
	if err != nil {
		return Info{}, err
	}
	trailer := binary.BigEndian.AppendUint64(nil, uint64(at.At))
	trailer = binary.BigEndian.AppendUint64(trailer, uint64(at.Length))
	if _, err := b.write(trailer); err != nil {
		return Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	return c.Info, b.replace()
}

// revise sets the revision: the digest of all blocks before compression, and of what else is answered from.
func (b *builder) revise(c *contents) error {
	answers := contents{Ecosystems: c.Ecosystems}
	for _, f := range c.Feeds {
		f.Source = "" // where it came from does not change what it says
		answers.Feeds = append(answers.Feeds, f)
	}
	if err := json.NewEncoder(b.digest).Encode(answers); err != nil {
		return err
	}
	c.Revision = "sha256:" + hex.EncodeToString(b.digest.Sum(nil)[:16])
	return nil
}

func (b *builder) replace() error {
	name := b.file.Name()
	if err := errors.Join(b.w.Flush(), b.file.Sync(), b.closeFile()); err != nil {
		return fmt.Errorf("advisory file: %w", err)
	}
	if err := os.Rename(name, b.out); err != nil {
		return fmt.Errorf("advisory file: %w", err)
	}
	// The file is whole and in its place; where a directory cannot be synced, only a power failure can tell.
	if dir, err := os.Open(filepath.Dir(b.out)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

func (b *builder) closeFile() error {
	err := b.file.Close()
	b.file = nil
	return err
}

// discard removes all that is not in its place yet.
func (b *builder) discard() error {
	var err error
	if b.file != nil {
		err = b.closeFile()
	}
	if b.scratch != nil {
		err = errors.Join(err, b.scratch.remove())
		b.scratch = nil
	}
	return err
}
