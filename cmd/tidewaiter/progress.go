package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress draws one line on a terminal while something long goes on, and takes it away at the end.
type progress struct {
	mu    sync.Mutex // protects last and drawn: layers are read by several goroutines
	w     io.Writer  // nil: draw nothing
	label string
	last  time.Time
	drawn bool
}

func newProgress(s streams, quiet bool, label string) *progress {
	p := &progress{label: oneLine(label)}
	if s.errTerminal && !quiet {
		p.w = s.err
	}
	return p
}

// show draws how much of a total is done, in bytes; a total of 0 or less is not known.
func (p *progress) show(done, total int64) {
	const every = 100 * time.Millisecond
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || time.Since(p.last) < every {
		return
	}
	p.last, p.drawn = time.Now(), true
	const mb = 1e6
	if total > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s  %.0f of %.0f MB", p.label, float64(done)/mb, float64(total)/mb)
	} else {
		fmt.Fprintf(p.w, "\r\x1b[K%s  %.0f MB", p.label, float64(done)/mb)
	}
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
