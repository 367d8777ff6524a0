package layer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"
)

// numbered is a stream in which each 8 bytes say where they are.
func numbered(n, start int) []byte {
	b := make([]byte, n)
	for i := 0; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], uint64(start+i))
	}
	return b
}

// Streams that are read at once, with the same buffers and one after the other, get what is theirs.
func TestAheadSharesBuffers(t *testing.T) {
	var shared buffers
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for round := range 5 {
				want := numbered(chunkCount*chunkSize+worker*1000+round, worker<<32+round<<28)
				sum := sha256.New()
				stream := readAhead(iotest.HalfReader(bytes.NewReader(want)), nil, &shared)
				stream.hashWith(sum)
				var got []byte
				var err error
				if round%2 == 0 {
					got, err = io.ReadAll(stream)
				} else if _, err = stream.Seek(chunkSize+8, io.SeekCurrent); err == nil {
					got, err = io.ReadAll(stream)
					want, got = want[chunkSize+8:], bytes.Clone(got)
				}
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("worker %d, round %d: not the same bytes (%v)", worker, round, err)
				}
				stream.close()
				if round%2 == 0 && digest(want) != "sha256:"+hex.EncodeToString(sum.Sum(nil)) {
					t.Errorf("worker %d, round %d: not all was hashed", worker, round)
				}
			}
		})
	}
	wg.Wait()
}

// A stream that nobody reads to its end is let go of.
func TestAheadClosedEarly(t *testing.T) {
	var shared buffers
	for _, read := range []int64{0, 1, chunkSize, chunkSize + 1} {
		source := &closable{Reader: zeros{}}
		stream := readAhead(source, nil, &shared)
		stream.hashWith(sha256.New())
		if _, err := io.CopyN(io.Discard, stream, read); err != nil {
			t.Error(err)
		}
		stream.close()
		source.closed = true // the race detector tells of a read from now on
	}
}

func TestAheadErrors(t *testing.T) {
	broken := errors.New("the disk is on fire")
	for name, r := range map[string]io.Reader{
		"at once": iotest.ErrReader(broken),
		"later":   io.MultiReader(bytes.NewReader(make([]byte, chunkSize+10)), iotest.ErrReader(broken)),
	} {
		stream := readAhead(r, nil, &buffers{})
		for range 2 { // it stays
			if err := stream.drain(); !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		stream.close()
	}
	stream := readAhead(panics{}, nil, &buffers{})
	defer stream.close()
	if err := stream.drain(); err == nil || err.Error() != "the decompressor failed: out of luck" {
		t.Error(err)
	}
}

// The bounds are asked at the same places, whatever the sizes in which the bytes come.
func TestAheadChecksEvenly(t *testing.T) {
	stored := gzipOf(numbered(3*chunkSize+5, 0))
	var want []int64
	for i, r := range []io.Reader{bytes.NewReader(stored), iotest.OneByteReader(bytes.NewReader(stored)), iotest.DataErrReader(bytes.NewReader(stored))} {
		var shared buffers
		z := shared.inflater(r)
		stream := readAhead(z, z.Consumed, &shared)
		var got []int64
		stream.check = func(total, consumed int64) error {
			got = append(got, total, consumed)
			return nil
		}
		if err := stream.drain(); err != nil {
			t.Fatal(err)
		}
		stream.close()
		if i == 0 {
			want = got
		}
		diff(t, want, got)
	}
	diff(t, int64(len(stored)), want[len(want)-1])
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("out of luck") }

type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Read(p []byte) (int, error) {
	if c.closed {
		return 0, errors.New("read after it was closed")
	}
	return c.Reader.Read(p)
}
