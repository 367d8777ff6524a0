package advisory

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
)

const (
	// sortMemory is how many bytes a sorter holds before it writes them to a temporary file.
	sortMemory = 32 << 20
	// itemBytes is what a sorter needs for a pair beside its bytes.
	itemBytes = 32
)

// sorter brings together what different feeds say of one key, however much it is: it sorts in memory, writes
// sorted runs to temporary files when memory is full, and merges them at the end. The order is that of the
// keys' hashes, and depends on nothing else.
type sorter struct {
	dir    string // of the temporary files
	memory int

	mu    sync.Mutex // protects all below
	arena []byte
	items []item
	runs  []*os.File
	bytes int64 // in all
}

// item is a key and its payload, as parts of a sorter's arena.
type item struct {
	hash            uint64
	at, key, length int
}

// pair is a key and what one source says of it.
type pair struct {
	hash         uint64
	key, payload []byte
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.hash, b.hash), bytes.Compare(a.key, b.key), bytes.Compare(a.payload, b.payload))
}

// hashKey spreads keys evenly over blocks.
func hashKey(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:])
}

// add takes a copy of payload. Several goroutines may add.
func (s *sorter) add(key string, payload []byte) error {
	hash := hashKey(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.arena) > 0 && len(s.arena)+len(key)+len(payload)+itemBytes*len(s.items) > s.memory {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.items = append(s.items, item{hash: hash, at: len(s.arena), key: len(key), length: len(key) + len(payload)})
	s.arena = append(append(s.arena, key...), payload...)
	s.bytes += int64(len(key) + len(payload))
	return nil
}

func (s *sorter) pair(i item) pair {
	b := s.arena[i.at : i.at+i.length]
	return pair{hash: i.hash, key: b[:i.key], payload: b[i.key:]}
}

func (s *sorter) sort() {
	slices.SortFunc(s.items, func(a, b item) int { return comparePairs(s.pair(a), s.pair(b)) })
}

func (s *sorter) spill() error {
	s.sort()
	file, err := os.CreateTemp(s.dir, "run")
	if err != nil {
		return err
	}
	s.runs = append(s.runs, file)
	w := s2.NewWriter(file, s2.WriterBlockSize(256<<10), s2.WriterConcurrency(1))
	var head []byte
	for _, i := range s.items {
		p := s.pair(i)
		head = binary.BigEndian.AppendUint64(head[:0], p.hash)
		head = binary.AppendUvarint(head, uint64(len(p.key)))
		head = binary.AppendUvarint(head, uint64(len(p.payload)))
		for _, b := range [][]byte{head, p.key, p.payload} {
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
	s.arena, s.items = s.arena[:0], s.items[:0]
	if err := w.Close(); err != nil {
		return err
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}

func (s *sorter) close() error {
	var errs []error
	for _, f := range s.runs {
		errs = append(errs, f.Close(), os.Remove(f.Name()))
	}
	s.runs = nil
	return errors.Join(errs...)
}

// groups calls yield for each key with all its payloads, in order. What it passes is valid until yield returns.
func (s *sorter) groups(yield func(hash uint64, key string, payloads [][]byte) error) error {
	var group []pair
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		payloads := make([][]byte, len(group))
		for i, p := range group {
			payloads[i] = p.payload
		}
		err := yield(group[0].hash, string(group[0].key), payloads)
		group = group[:0]
		return err
	}
	err := s.merge(func(p pair) error {
		if len(group) > 0 && !bytes.Equal(group[0].key, p.key) {
			if err := flush(); err != nil {
				return err
			}
		}
		group = append(group, p)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func (s *sorter) merge(yield func(pair) error) error {
	s.sort()
	sources := merging{}
	rest := s.items
	sources.add(&source{next: func() (pair, error) {
		if len(rest) == 0 {
			return pair{}, io.EOF
		}
		p := s.pair(rest[0])
		rest = rest[1:]
		return p, nil
	}})
	for _, f := range s.runs {
		r := bufio.NewReader(s2.NewReader(f, s2.ReaderMaxBlockSize(256<<10)))
		sources.add(&source{next: func() (pair, error) { return readPair(r) }})
	}
	for len(sources) > 0 {
		first := sources[0]
		if first.err != nil {
			return fmt.Errorf("temporary file: %w", first.err)
		}
		p := first.head
		if first.advance() {
			heap.Fix(&sources, 0)
		} else {
			heap.Pop(&sources)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

// readPair reads what spill wrote; io.EOF only stands for the end between two pairs.
func readPair(r *bufio.Reader) (pair, error) {
	var hash [8]byte
	if _, err := io.ReadFull(r, hash[:]); err != nil {
		return pair{}, err
	}
	key, err := binary.ReadUvarint(r)
	payload, err2 := binary.ReadUvarint(r)
	if err != nil || err2 != nil {
		return pair{}, io.ErrUnexpectedEOF
	}
	b := make([]byte, key+payload)
	if _, err := io.ReadFull(r, b); err != nil {
		return pair{}, io.ErrUnexpectedEOF
	}
	return pair{hash: binary.BigEndian.Uint64(hash[:]), key: b[:key:key], payload: b[key:]}, nil
}

// source is a sorted run in a merge.
type source struct {
	next func() (pair, error)
	head pair
	err  error // valid if the run could not be read; the merge ends with it
}

// advance reads the next pair and says whether the source still has something to say.
func (s *source) advance() bool {
	s.head, s.err = s.next()
	return !errors.Is(s.err, io.EOF)
}

// merging is a heap of sources, the one with the lowest pair first; one that failed comes before all.
type merging []*source

func (m *merging) add(s *source) {
	if s.advance() {
		heap.Push(m, s)
	}
}

func (m merging) Len() int { return len(m) }
func (m merging) Less(i, j int) bool {
	if m[i].err != nil || m[j].err != nil {
		return m[i].err != nil
	}
	return comparePairs(m[i].head, m[j].head) < 0
}
func (m merging) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merging) Push(x any)   { *m = append(*m, x.(*source)) }
func (m *merging) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
