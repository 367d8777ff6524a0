package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"tidewaiter/image"
)

// onlookers are what all of a file passes by: the digester, where digests are asked for, and the eyes of the sinks.
type onlookers struct {
	sums    *digester // nil: no digests are asked for
	sinks   []Sink
	eyes    []eye // on the file that is passing
	buf     []byte
	written int64
	piece   []byte // the last that was written
	pending []pending
}

// eye is that of one sink; done when it wants no more.
type eye struct {
	Eye
	sink  int
	done  bool
	fault error // it panicked
}

// openEye gives the eye of a sink on a file; nil for none.
func openEye(ctx context.Context, s Sink, f *File, head []byte) (e Eye) {
	defer func() {
		if p := recover(); p != nil {
			e = blind{faultOf(p)}
		}
	}()
	return s.Open(ctx, f, head)
}

// blind is the eye of a sink that panicked.
type blind struct{ fault error }

func (b blind) Write([]byte) (int, error) { return 0, b.fault }
func (b blind) Close() Answer             { return func() ([]byte, error) { return nil, b.fault } }

// faultOf makes an error of a panic: the files are hostile, and the searches of them many.
func faultOf(p any) error {
	return UnseenError(fmt.Sprintf("was not searched: the search of such files failed: %v", p))
}

// ask gives the answer about a file.
func (a Answer) ask() (note []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			note, err = nil, faultOf(p)
		}
	}()
	return a()
}

// write shows an eye a piece.
func (e *eye) write(p []byte) {
	defer e.guard()
	_, err := e.Write(p)
	e.done = err != nil
}

// finish closes the eye, and gives its answer; nil for none.
func (e *eye) finish() Answer {
	answer := e.answer()
	if fault := e.fault; fault != nil {
		return func() ([]byte, error) { return nil, fault }
	}
	return answer
}

func (e *eye) answer() Answer {
	defer e.guard()
	return e.Close()
}

// guard makes an error of a panic. It is to be deferred.
func (e *eye) guard() {
	if p := recover(); p != nil {
		e.done, e.fault = true, faultOf(p)
	}
}

// pending is an answer that is not asked for yet.
type pending struct {
	sink, file int // indexes
	digests    *Digests
	answer     Answer
}

// newOnlookers gives those of one layer; nil where there are none.
func newOnlookers(digests algorithms, sinks []Sink) *onlookers {
	if digests == noAlgorithm && len(sinks) == 0 {
		return nil
	}
	return &onlookers{sinks: sinks, sums: newDigester(digests)}
}

// open asks who wants to see a file. It is false where nobody does.
func (o *onlookers) open(ctx context.Context, f *File, head []byte) bool {
	if o == nil {
		return false
	}
	o.eyes, o.written = o.eyes[:0], 0
	if f.Size > 0 {
		for i, s := range o.sinks {
			if e := openEye(ctx, s, f, head); e != nil {
				o.eyes = append(o.eyes, eye{Eye: e, sink: i})
			}
		}
	}
	if o.sums != nil {
		o.sums.reset()
	}
	return o.sums != nil || len(o.eyes) > 0
}

// Write implements [io.Writer]. It shows the next piece of the file.
func (o *onlookers) Write(p []byte) (int, error) {
	o.piece = p
	o.written += int64(len(p))
	if o.sums != nil {
		_, _ = o.sums.Write(p) // a hash never fails
	}
	for i := range o.eyes {
		if e := &o.eyes[i]; !e.done {
			e.write(p)
		}
	}
	return len(p), nil
}

// readRest shows what r has of a file of so many bytes.
func (o *onlookers) readRest(r io.Reader, size int64) error {
	if o.buf == nil {
		o.buf = make([]byte, WholeSize)
	}
	for o.written < size {
		n, err := io.ReadFull(r, o.buf[:min(size-o.written, WholeSize)])
		_, _ = o.Write(o.buf[:n])
		if err != nil {
			return cutOff(err)
		}
	}
	return nil
}

// show has keep read what it wants of a regular file, of which head was read, and shows all of it to those who look on.
func (o *onlookers) show(f *File, wanted Keep, head []byte, r io.Reader, keep func(r io.Reader) error) error {
	all := io.MultiReader(bytes.NewReader(head), r)
	if file, ok := r.(io.ReaderAt); ok { // of a directory: what keep reads of it does not pass by
		all = io.NewSectionReader(file, 0, f.Size)
	}
	switch _, again := r.(io.ReaderAt); {
	case wanted.Distil != nil && !wanted.Content && !again:
		_, _ = o.Write(head)
		if err := keep(io.TeeReader(r, o)); err != nil {
			return err
		}
		all = r
	case wanted.wanted():
		if err := keep(r); err != nil {
			return err
		}
		if content := f.Content(); content != nil {
			_, _ = o.Write(content)
		}
	}
	return o.readRest(all, f.Size)
}

// whole gives the file that passed, where it came in one piece.
func (o *onlookers) whole(f *File) []byte {
	if int64(len(o.piece)) != f.Size || f.Size > WholeSize {
		return nil
	}
	return o.piece
}

// look shows a file, of which head was read, to those who look on while it is kept.
func (b *builder) look(ctx context.Context, f *File, wanted Keep, head []byte, r io.Reader) error {
	if err := b.lookOn(ctx, f, wanted, head, r); err != nil {
		for i := range b.onlookers.eyes {
			b.onlookers.eyes[i].finish() // of what was cut off nobody asks for an answer
		}
		return err
	}
	return b.closeEyes(f)
}

// lookOn is look as long as the file passes.
func (b *builder) lookOn(ctx context.Context, f *File, wanted Keep, head []byte, r io.Reader) error {
	o := b.onlookers
	cost := int64(0)
	if o.sums != nil {
		cost = digestsCost
	}
	if err := b.charge(cost); err != nil {
		return err
	}
	if err := o.show(f, wanted, head, r, func(r io.Reader) error { return b.keep(ctx, f, wanted, head, r) }); err != nil {
		return err
	}
	if o.sums != nil {
		f.body().Digests = o.sums.digests()
	}
	return nil
}

// closeEyes ends a file. What has something to say of it is asked at the end of the layer.
func (b *builder) closeEyes(f *File) error {
	o := b.onlookers
	digests := f.Digests()
	var err error
	for i := range o.eyes {
		answer := o.eyes[i].finish() // each, whatever became of those before it
		if answer == nil || err != nil {
			continue
		}
		if content := o.whole(f); content != nil && (digests == nil || !digests.HasMD5()) {
			digests = digestsOf(content)
		}
		if err = b.charge(int64(unsafe.Sizeof(pending{})) + digestsCost); err == nil {
			o.pending = append(o.pending, pending{o.eyes[i].sink, len(b.ix.Files) - 1, digests, answer})
		}
	}
	return err
}

// hear waits for the answers of the sinks, and keeps them with the index. Its error is that of ctx, or [errImageKept].
func (b *builder) hear(ctx context.Context) error {
	o := b.onlookers
	if o == nil || len(o.sinks) == 0 {
		return nil
	}
	b.ix.Seen = make(map[string]*Seen, len(o.sinks))
	for _, s := range o.sinks {
		b.ix.Seen[s.Name()] = &Seen{}
	}
	for _, p := range o.pending {
		note, err := p.answer.ask()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, f := o.sinks[p.sink].Name(), &b.ix.Files[p.file]
		if fits, err := b.chargeFile(f, int64(len(note))); err != nil {
			return err
		} else if !fits {
			continue
		}
		b.ix.Seen[name].add(name, f, Note{p.file, note, p.digests}, err)
	}
	o.pending = nil
	return nil
}

// add keeps one answer.
func (s *Seen) add(sink string, f *File, n Note, err error) {
	var unseen UnseenError
	if n.Data != nil && (err == nil || errors.As(err, &unseen)) {
		s.Notes = append(s.Notes, n)
		n.mark(f)
	}
	switch {
	case errors.As(err, &unseen) && len(s.BlindSpots) < maxSpots:
		s.BlindSpots = append(s.BlindSpots, image.BlindSpot{Kind: image.Unsearched, Where: f.Path, By: sink, Message: string(unseen)})
	case errors.As(err, &unseen):
		s.BlindSpots[maxSpots-1] = image.BlindSpot{Kind: image.Unsearched, By: sink, Message: fmt.Sprintf("%s did not look at more than %d files of the layer", sink, maxSpots-1)}
	case err != nil:
		if s.Failed++; s.Failure == "" {
			s.Failure = err.Error()
		}
	}
}

// mark gives a file the digests that were taken for a note on it.
func (n *Note) mark(f *File) {
	if d := f.Digests(); n.Digests != nil && (d == nil || !d.HasMD5()) {
		f.body().Digests = n.Digests
	}
}
