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
	"iter"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A delta makes the newer of two advisory files of the older one. It is a line of text (what it is, the revision it is for, the
// revision it makes) and a zstd stream: the contents of the newer file as JSON, and for each table of it, in the order of
// tableNames, what happens to the entries of the older file, in the order of their keys' hashes.
//
//	delta   = line, zstd(string, table...)
//	table   = operation..., deltaEnd
//	string  = length, bytes
//
// All numbers are varints.
const (
	deltaMagic = "tidewaiter delta "

	deltaEnd     = iota - 1
	deltaKeep    // number of entries that stay as they are
	deltaDrop    // number of entries that go
	deltaInsert  // key, value: an entry that was not there
	deltaReplace // value, of the next entry
	deltaPatch   // count, ids of records that go; records that come, as encode.go writes them: of the next entry, a package's
)

const maxDeltaContents = 64 << 20

// WriteDelta writes what makes newer of older; see [ApplyDelta]. It is about as large as what has changed.
func WriteDelta(ctx context.Context, older, newer *DB, w io.Writer) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderCRC(true), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s%s %s %s\n", deltaMagic, formatVersion, older.Info().Revision, newer.Info().Revision); err != nil {
		return errors.Join(err, z.Close())
	}
	d := deltaWriter{w: bufio.NewWriterSize(z, 1<<16), encoder: newEncoder()}
	err = d.write(ctx, older, newer)
	return errors.Join(err, d.w.Flush(), z.Close())
}

type deltaWriter struct {
	w       *bufio.Writer // keeps its first error until it is flushed
	encoder *encoder
	kept    uint64 // entries that stay, not written yet
	dropped uint64
}

func (d *deltaWriter) uint(n uint64) {
	_, _ = d.w.Write(binary.AppendUvarint(nil, n))
}

func (d *deltaWriter) string(s string) {
	d.uint(uint64(len(s)))
	_, _ = d.w.WriteString(s)
}

func (d *deltaWriter) write(ctx context.Context, older, newer *DB) error {
	text, err := json.Marshal(newer.contents)
	if err != nil {
		return err
	}
	d.string(string(text))
	for _, name := range newer.contents.tableNames() {
		if err := d.table(ctx, name, older, newer); err != nil {
			return err
		}
		d.settle()
		d.uint(deltaEnd)
	}
	return nil
}

// table goes through a table of both files at once.
func (d *deltaWriter) table(ctx context.Context, name string, older, newer *DB) error {
	left, right := newCursor(older, name), newCursor(newer, name)
	defer left.stop()
	defer right.stop()
	for left.more || right.more {
		if err := cmp.Or(left.err, right.err, ctx.Err()); err != nil {
			return err
		}
		c := left.compare(right)
		switch {
		case c < 0:
			d.drop()
		case c > 0:
			d.settle()
			d.uint(deltaInsert)
			d.string(right.key)
			d.string(right.value)
		case left.value == right.value:
			d.keep()
		default:
			d.settle()
			d.change(name, left.value, right.value)
		}
		if c <= 0 {
			left.next()
		}
		if c >= 0 {
			right.next()
		}
	}
	return cmp.Or(left.err, right.err)
}

func (d *deltaWriter) keep() {
	if d.dropped > 0 {
		d.settle()
	}
	d.kept++
}

func (d *deltaWriter) drop() {
	if d.kept > 0 {
		d.settle()
	}
	d.dropped++
}

// settle writes what was counted.
func (d *deltaWriter) settle() {
	if d.kept > 0 {
		d.uint(deltaKeep)
		d.uint(d.kept)
	}
	if d.dropped > 0 {
		d.uint(deltaDrop)
		d.uint(d.dropped)
	}
	d.kept, d.dropped = 0, 0
}

// change writes how a value becomes another: of the records of a package, of which a kernel has thousands, only those that have
// changed, provided that this gives the very same bytes.
func (d *deltaWriter) change(table, from, to string) {
	if table == tablePackages {
		gone, come, err := d.difference(from, to)
		if err == nil {
			if patched, err := patch(d.encoder, from, gone, string(come)); err == nil && string(patched) == to {
				d.uint(deltaPatch)
				d.uint(uint64(len(gone)))
				for _, id := range gone {
					d.string(id)
				}
				d.string(string(come))
				return
			}
		}
	}
	d.uint(deltaReplace)
	d.string(to)
}

// difference gives the ids of the records that go, and the encoding of those that come or have changed.
func (d *deltaWriter) difference(from, to string) (gone []string, come []byte, err error) {
	before, err1 := decodeRecords(from)
	after, err2 := decodeRecords(to)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, nil, err
	}
	had := make(map[string][]byte, len(before))
	for i := range before {
		had[before[i].ID] = d.encoder.encode(before[i : i+1])
	}
	changed := slices.DeleteFunc(after, func(r Record) bool {
		same := bytes.Equal(had[r.ID], d.encoder.encode([]Record{r}))
		delete(had, r.ID)
		return same
	})
	for i := range before {
		if _, still := had[before[i].ID]; still {
			gone = append(gone, before[i].ID)
		}
	}
	return gone, d.encoder.encode(changed), nil
}

// patch undoes difference.
func patch(e *encoder, from string, gone []string, come string) ([]byte, error) {
	records, err1 := decodeRecords(from)
	changed, err2 := decodeRecords(come)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(gone)+len(changed))
	for _, id := range gone {
		out[id] = true
	}
	for i := range changed {
		out[changed[i].ID] = true
	}
	records = slices.DeleteFunc(records, func(r Record) bool { return out[r.ID] })
	records = append(records, changed...)
	slices.SortStableFunc(records, func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
	return e.encode(records), nil
}

// cursor goes through a table.
type cursor struct {
	entry
	hash uint64
	more bool  // whether there is an entry
	err  error // what ended it, if it was not the end
	pull func() (entry, error, bool)
	stop func()
}

func newCursor(db *DB, table string) *cursor {
	c := &cursor{}
	c.pull, c.stop = iter.Pull2(db.entries(table))
	c.next()
	return c
}

func (c *cursor) next() {
	c.entry, c.err, c.more = c.pull()
	c.hash = hashKey(c.key)
}

// compare says which of two cursors is behind; one that is at its end is ahead of all.
func (c *cursor) compare(other *cursor) int {
	if !c.more || !other.more {
		return cmp.Compare(btoi(!c.more), btoi(!other.more))
	}
	return cmp.Or(cmp.Compare(c.hash, other.hash), strings.Compare(c.key, other.key))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
