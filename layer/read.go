package layer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"tidewaiter/image"
)

// Read reads each layer of an image once and gives one [Index] for each place in im.Layers, in order; a
// layer that occurs several times is read once and shares its Index. A layer that the source could not hand
// out, which im.BlindSpots tell of, has an empty Index. A directory (im.Root) gives exactly one Index.
//
// What cannot be read for a reason that the image's maker may have chosen (an unknown encoding, a bound
// that is hit) is a blind spot of the Index. An error means that the bytes are not what they should be: a
// stream that is damaged or cut off, a digest or a diffID that does not match; or that ctx ended.
func Read(ctx context.Context, im *image.Image, rules Rules, o Options) ([]*Index, error) {
	if im.Root != nil {
		ix, err := sessionOf(im, rules, o).readDir(ctx, im.Root)
		if err != nil {
			return nil, err
		}
		return []*Index{ix}, nil
	}
	s := sessionOf(im, rules, o)
	s.shelf = o.shelf(rules)
	found, err := s.readLayers(ctx, im, cmp.Or(max(o.Parallel, 0), runtime.GOMAXPROCS(0)), o.Progress)
	if errors.Is(err, errImageKept) {
		// What is left out must not depend on which layer was quicker, or known: read again, one after the other.
		s = sessionOf(im, rules, o)
		found, err = s.readLayers(ctx, im, 1, o.Progress)
	}
	if err != nil {
		return nil, err
	}
	return assemble(im, found, o.Limits)
}

// readLayers reads the distinct layers, and gives their indexes by [layerKey]. A layer with missed links is
// read a second time.
func (s *session) readLayers(ctx context.Context, im *image.Image, parallel int, tell func(read, total int64)) (map[string]*Index, error) {
	s.alone = parallel == 1
	if err := s.recall(ctx, im.Layers); err != nil {
		return nil, err
	}
	told := newProgress(im.Layers, s.found, tell)
	err := im.ReadLayers(ctx, parallel, func(ctx context.Context, l image.Layer, r io.Reader) error {
		if s.index(l) != nil {
			return image.SkipLayer
		}
		if !s.whole {
			ix, err := s.readByTOC(ctx, im, l)
			if err != nil {
				return err
			}
			if ix != nil {
				told.add(l.Size)
				s.hold(l, ix)
				return image.SkipLayer
			}
		}
		return s.readWhole(ctx, l, &meter{r: r, progress: told}, nil)
	})
	if err == nil && len(s.missed) > 0 {
		err = im.ReadLayers(ctx, parallel, func(ctx context.Context, l image.Layer, r io.Reader) error {
			also := s.missed[layerKey(l)]
			if also == nil {
				return image.SkipLayer
			}
			return s.readWhole(ctx, l, &meter{r: r, progress: &progress{}}, also)
		})
	}
	if s.grown.Load() {
		s.shelf.trim()
	}
	return s.found, err
}

// recall takes from the cache what it has of the layers. Its error is of ctx, or [errImageKept].
func (s *session) recall(ctx context.Context, layers []image.Layer) error {
	known, err := s.shelf.load(ctx, layers)
	if err != nil {
		return err
	}
	for key, ix := range known {
		s.found[key] = ix.Index
		if s.kept.Add(ix.kept) > s.limits.ImageKept {
			return errImageKept
		}
	}
	return nil
}

// readWhole reads the bytes of one layer to their end, which proves them.
func (s *session) readWhole(ctx context.Context, l image.Layer, m *meter, also map[string]string) error {
	ix, err := s.readBlob(ctx, l, m, also)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, m); err != nil {
		return err
	}
	s.hold(l, ix)
	return nil
}

// hold keeps the index of a layer that was read and verified.
func (s *session) hold(l image.Layer, ix *Index) {
	s.mu.Lock()
	s.found[layerKey(l)] = ix
	kept, lasting := s.lasting[layerKey(l)]
	s.mu.Unlock()
	if lasting && s.shelf != nil {
		s.shelf.put(l, stored{Index: ix, kept: kept, digests: s.digests != noAlgorithm})
		s.grown.Store(true)
	}
}

func (s *session) index(l image.Layer) *Index {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[layerKey(l)]
}

// finish ends the reading of a layer: it stands, or is to be read a second time for its missed links.
func (s *session) finish(b *builder, key string) {
	if b.also != nil {
		s.mu.Lock()
		b.ix.Seen = s.seen[key]
		s.mu.Unlock()
	} else if missed := b.missedLinks(); len(missed) > 0 {
		s.kept.Add(-b.kept)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.missed[key], s.seen[key] = missed, b.ix.Seen
		return
	}
	s.stands(b, key)
}

// stands ends the reading of a layer whose index is complete.
func (s *session) stands(b *builder, key string) {
	b.listOmitted()
	if b.passing {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lasting[key] = b.kept
}

// layerKey is what two places in an image that hold the same layer have in common.
func layerKey(l image.Layer) string {
	switch {
	case l.Digest != "":
		return l.Digest
	case l.DiffID != "":
		return l.DiffID
	}
	return fmt.Sprint(l.Index)
}

// assemble puts the indexes in the order of the layers and holds them against the config's diffIDs.
func assemble(im *image.Image, found map[string]*Index, limits Limits) ([]*Index, error) {
	indexes := make([]*Index, len(im.Layers))
	entries := 0
	for i, l := range im.Layers {
		ix := found[layerKey(l)]
		switch {
		case l.Unreadable:
			ix = &Index{}
		case ix == nil:
			return nil, fmt.Errorf("%s: layer %d: its source did not hand it out", im.Reference, l.Index)
		}
		if ix.DiffID != "" && l.DiffID != "" && ix.DiffID != l.DiffID {
			return nil, fmt.Errorf("%s: layer %d: content does not match the diffID that the config claims (%s, but it is %s): the image is not what its builder made; get it anew", im.Reference, l.Index, l.DiffID, ix.DiffID)
		}
		if entries += len(ix.Files); entries > limits.ImageEntries {
			ix = &Index{DiffID: ix.DiffID, BlindSpots: []image.BlindSpot{{
				Kind:    image.LimitReached,
				Message: fmt.Sprintf("left out: the image's layers up to here have over %d entries", limits.ImageEntries),
			}}}
		}
		indexes[i] = ix
	}
	return indexes, nil
}

// errImageKept ends a parallel pass: the layers together would keep more than [Limits.ImageKept].
var errImageKept = errors.New("more is to be kept of the image than its bound")

// session is what the workers of one pass share.
type session struct {
	reference string // the image's, for errors
	rules     Rules
	limits    Limits
	digests   algorithms
	sinks     []Sink // [Options].Sinks
	redact    func(path string, content []byte) []byte
	whole     bool                // no layer is read by its table of contents
	shelf     *shelf              // nil without a cache
	grown     atomic.Bool         // something was put on the shelf
	alone     bool                // layers are read one after the other
	kept      atomic.Int64        // bytes, of all layers
	windows   *semaphore.Weighted // bytes of zstd windows
	memory    *memory
	buffers   buffers

	mu      sync.Mutex // of what follows, all by layerKey
	found   map[string]*Index
	lasting map[string]int64             // bytes kept of the layers of which another reading would give the same
	missed  map[string]map[string]string // see missedLinks
	seen    map[string]map[string]*Seen  // what the sinks said of the layers that are missed
}

func newSession(im *image.Image, rules Rules, limits Limits) *session {
	return &session{
		reference: im.Reference,
		rules:     rules,
		limits:    limits,
		alone:     true,
		windows:   semaphore.NewWeighted(limits.Window),
		memory:    newMemory(limits.Memory),
		found:     make(map[string]*Index),
		lasting:   make(map[string]int64),
		missed:    make(map[string]map[string]string),
		seen:      make(map[string]map[string]*Seen),
	}
}

// sessionOf is newSession with the other options, without the cache.
func sessionOf(im *image.Image, rules Rules, o Options) *session {
	s := newSession(im, rules, o.Limits)
	s.digests = o.algorithms()
	s.sinks, s.redact = o.Sinks, o.Redact
	// Of whole files, a table of contents has no digest but SHA-256.
	s.whole = o.FullRead || s.digests != noAlgorithm || len(o.Sinks) > 0
	return s
}

// progress adds up what all workers have read of the stored bytes.
type progress struct {
	read  atomic.Int64
	total int64
	tell  func(read, total int64) // may be nil
}

// newProgress counts the layers that are not known yet.
func newProgress(layers []image.Layer, known map[string]*Index, tell func(read, total int64)) *progress {
	p := &progress{tell: tell}
	seen := make(map[string]bool)
	for _, l := range layers {
		key := layerKey(l)
		if l.Unreadable || seen[key] || known[key] != nil {
			continue
		}
		seen[key] = true
		if l.Size < 0 {
			p.total = -1
			break
		}
		p.total += l.Size
	}
	return p
}

// meter counts the stored bytes of one layer that were read.
type meter struct {
	r        io.Reader
	progress *progress
	read     int64
}

// add counts bytes that were read, or need not be read any more.
func (p *progress) add(n int64) {
	if p.tell != nil && n > 0 {
		p.tell(p.read.Add(n), p.total)
	}
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.read += int64(n)
	m.progress.add(int64(n))
	return n, err
}
