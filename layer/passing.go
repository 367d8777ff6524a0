package layer

import (
	"io"
	"iter"
)

// Passing lets a function read as a stream what an [Eye] is shown in pieces, so that it need not be held. The function waits wherever what has
// come so far ends; only one of the two runs at a time. A panic in it comes out of Write or End.
type Passing struct {
	in    []byte
	ended bool
	next  func() (struct{}, bool)
	stop  func()
}

// NewPassing has a function read what is written from now on. After the end its reads fail with [io.ErrUnexpectedEOF].
func NewPassing(read func(r io.Reader)) *Passing {
	p := &Passing{}
	p.next, p.stop = iter.Pull(func(wait func(struct{}) bool) { read(&passingReader{p, wait}) })
	return p
}

// Write shows the next piece, which is lent for the call. Its error is [io.ErrClosedPipe] once the function reads no more.
func (p *Passing) Write(b []byte) (int, error) {
	p.in = b
	_, more := p.next()
	p.in = nil
	if !more {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

// End tells the function that nothing follows, and returns when it has.
func (p *Passing) End() {
	p.ended = true
	p.next()
	p.stop()
}

// passingReader is the function's side.
type passingReader struct {
	*Passing
	wait func(struct{}) bool
}

// Read implements [io.Reader].
func (r *passingReader) Read(b []byte) (int, error) {
	for len(r.in) == 0 {
		if r.ended || !r.wait(struct{}{}) {
			return 0, io.ErrUnexpectedEOF
		}
	}
	n := copy(b, r.in)
	r.in = r.in[n:]
	return n, nil
}
