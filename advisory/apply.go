package advisory

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// DeltaRevisions reads the first line of a delta: the revision of the advisory file that it is for, and of the one it makes.
func DeltaRevisions(delta *bufio.Reader) (from, to string, err error) {
	line, err := delta.ReadString('\n')
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), deltaMagic)
	words := strings.Split(rest, " ")
	switch {
	case err != nil || !ok:
		return "", "", errors.New("not a delta of advisory files")
	case words[0] != formatVersion || len(words) != 3:
		return "", "", fmt.Errorf("a delta of format %q, this program reads format %q", words[0], formatVersion)
	}
	return words[1], words[2], nil
}

// ApplyDelta makes of an advisory file and a delta that [WriteDelta] wrote for it the newer file, as [Import] does: it takes its
// place at once when it is whole, and if anything fails what was there stays. The new file has the revision that the delta
// promises, and the very bytes of the one that the delta was made from where both were made by the same version of this program.
func ApplyDelta(ctx context.Context, older *DB, delta io.Reader, out string) (_ Info, err error) {
	line := bufio.NewReader(delta)
	from, to, err := DeltaRevisions(line)
	if err != nil {
		return Info{}, err
	}
	if has := older.Info().Revision; from != has {
		return Info{}, fmt.Errorf("the delta is for revision %s, and %s has %s: take the delta for that, or the whole file", from, older.path, has)
	}
	z, err := zstd.NewReader(line, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return Info{}, err
	}
	defer z.Close()
	b, err := newBuilder(out)
	if err != nil {
		return Info{}, err
	}
	defer func() { err = errors.Join(err, b.discard()) }()
	b.base = older
	r := newDeltaReader(z)
	c, err := r.contents(to)
	if err != nil {
		return Info{}, err
	}
	for _, name := range c.tableNames() {
		bits := c.Tables[name].Bits
		if err := b.writeTable(ctx, name, bits, func(put putEntry) error { return r.table(name, older, put) }); err != nil {
			return Info{}, err
		}
	}
	if _, err := r.r.ReadByte(); err != io.EOF {
		return Info{}, errDelta
	}
	return b.finish(ctx, c)
}

// errDelta says that a delta is not what WriteDelta wrote.
var errDelta = errors.New("the delta is damaged: fetch it anew")

type deltaReader struct {
	r       *bufio.Reader
	encoder *encoder
}

func newDeltaReader(r io.Reader) *deltaReader {
	return &deltaReader{r: bufio.NewReaderSize(r, 1<<16), encoder: newEncoder()}
}

func (d *deltaReader) uint() (uint64, error) {
	n, err := binary.ReadUvarint(d.r)
	if err != nil {
		return 0, fmt.Errorf("%w (%w)", errDelta, err)
	}
	return n, nil
}

// string reads as much as there is, so that a wrong length does not make us allocate it.
func (d *deltaReader) string(most int64) (string, error) {
	n, err := d.uint()
	if err != nil {
		return "", err
	}
	if n > uint64(most) {
		return "", errDelta
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, d.r, int64(n)); err != nil {
		return "", fmt.Errorf("%w (%w)", errDelta, err)
	}
	return b.String(), nil
}

func (d *deltaReader) contents(revision string) (contents, error) {
	var c contents
	text, err := d.string(maxDeltaContents)
	if err != nil {
		return c, err
	}
	if json.Unmarshal([]byte(text), &c) != nil || c.Revision != revision {
		return c, errDelta
	}
	for _, name := range c.tableNames() {
		if t := c.Tables[name]; t == nil || t.Bits < 0 || t.Bits > maxBits {
			return c, errDelta
		}
	}
	return c, nil
}

// table puts the entries of the new table.
func (d *deltaReader) table(name string, older *DB, put putEntry) error {
	old := newCursor(older, name)
	defer old.stop()
	for {
		operation, err := d.uint()
		if err != nil {
			return err
		}
		switch operation {
		case deltaEnd:
			if old.more {
				return old.missing()
			}
			return nil
		case deltaKeep:
			err = d.each(old, func() error { return put(old.hash, old.key, []byte(old.value)) })
		case deltaDrop:
			err = d.each(old, func() error { return nil })
		case deltaInsert:
			err = d.insert(put)
		case deltaReplace, deltaPatch:
			err = d.change(operation, old, put)
		default:
			err = errDelta
		}
		if err != nil {
			return err
		}
	}
}

// each does something with so many entries as comes next.
func (d *deltaReader) each(old *cursor, do func() error) error {
	n, err := d.uint()
	for ; err == nil && n > 0; n-- {
		if !old.more || old.err != nil {
			return old.missing()
		}
		err = do()
		old.next()
	}
	return err
}

func (d *deltaReader) insert(put putEntry) error {
	key, err := d.string(maxFrame)
	if err != nil {
		return err
	}
	value, err := d.string(maxFrame)
	if err != nil {
		return err
	}
	return put(hashKey(key), key, []byte(value))
}

func (d *deltaReader) change(operation uint64, old *cursor, put putEntry) error {
	if !old.more || old.err != nil {
		return old.missing()
	}
	var gone []string
	if operation == deltaPatch {
		var err error
		if gone, err = d.ids(len(old.value)); err != nil {
			return err
		}
	}
	text, err := d.string(maxFrame)
	if err != nil {
		return err
	}
	value := []byte(text)
	if operation == deltaPatch {
		if value, err = patch(d.encoder, old.value, gone, text); err != nil {
			return errDelta
		}
	}
	if err := put(old.hash, old.key, value); err != nil {
		return err
	}
	old.next()
	return nil
}

// ids reads those of records that go from a value of so many bytes, each of which took one byte of it or more.
func (d *deltaReader) ids(bytes int) ([]string, error) {
	n, err := d.uint()
	if err == nil && n > uint64(bytes) {
		err = errDelta
	}
	var list []string
	for ; err == nil && n > 0; n-- {
		var id string
		if id, err = d.string(int64(bytes)); err == nil {
			list, bytes = append(list, id), bytes-len(id)
		}
	}
	return list, err
}

// missing says why a cursor has not what the delta expects.
func (c *cursor) missing() error {
	return cmp.Or(c.err, errDelta)
}
