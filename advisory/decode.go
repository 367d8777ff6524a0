package advisory

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"
)

// errEncoding says that bytes are not what encode.go or block.go wrote.
var errEncoding = errors.New("not in the encoding of advisories")

// reader takes numbers and strings off the front of some bytes. After the first failure all that it gives is
// zero, and err says so.
type reader struct {
	rest string
	err  error
}

func (r *reader) fail() {
	r.rest, r.err = "", errEncoding
}

func (r *reader) uint() uint64 {
	var n uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		c := r.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.fail()
	return 0
}

// count reads the length of a list whose elements take size bytes or more, so that a wrong length cannot
// make us allocate much more than was read.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	n := r.count(1)
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// list reads what appendList wrote.
func (r *reader) list() []string {
	var list []string
	if n := r.count(1); n > 0 {
		list = make([]string, n)
	}
	for i := range list {
		list[i] = r.string()
	}
	return list
}

// decoder reads what an encoder wrote. All strings that it gives are parts of the one string it reads.
type decoder struct {
	reader
	strings  []string
	lists    [][]string
	specific map[string]map[string]any

	affecteds slab[Affected]
	ranges    slab[Range]
	events    slab[Event]
}

// slab hands out slices of a few elements, of which a kernel's records need a hundred thousand: to allocate each alone takes
// longer than to decode it.
type slab[T any] struct {
	rest []T
	size int // of what was allocated last
}

func (s *slab[T]) take(n int) []T {
	if len(s.rest) < n {
		s.size = max(n, min(2*s.size, 1024))
		s.rest = make([]T, s.size)
	}
	taken := s.rest[:n:n]
	s.rest = s.rest[n:]
	return taken
}

func decodeRecords(text string) ([]Record, error) {
	d := decoder{reader: reader{rest: text}}
	d.strings = make([]string, d.count(1))
	for i := range d.strings {
		d.strings[i] = d.reader.string()
	}
	records := make([]Record, d.count(15))
	for i := range records {
		d.record(&records[i])
	}
	if d.err == nil && d.rest != "" {
		d.fail()
	}
	if d.err != nil {
		return nil, d.err
	}
	return records, nil
}

func (d *decoder) record(r *Record) {
	r.ID = d.string()
	r.Aliases = d.list()
	r.Related = d.list()
	r.Upstream = d.list()
	r.Summary = d.string()
	r.Published = d.time()
	r.Modified = d.time()
	r.Withdrawn = d.time()
	r.Severity = d.severity()
	r.Rating = d.string()
	r.Disputed = d.uint() != 0
	if n := d.count(2); n > 0 {
		r.References = make([]Reference, n)
	}
	for i := range r.References {
		r.References[i] = Reference{Type: d.string(), URL: d.string()}
	}
	r.Affected = d.affecteds.take(d.count(9))
	for i := range r.Affected {
		d.affected(&r.Affected[i])
	}
	r.Feed = d.string()
}

func (d *decoder) affected(a *Affected) {
	a.Ecosystem = d.string()
	if n := d.count(3); n > 0 {
		a.Ranges = d.ranges.take(n)
	}
	for i := range a.Ranges {
		r := &a.Ranges[i]
		r.Type = d.string()
		r.Repo = d.string()
		r.Events = d.events.take(d.count(2))
		for k := range r.Events {
			r.Events[k] = d.event()
		}
	}
	a.Versions = d.list()
	a.Severity = d.severity()
	a.Urgency = d.string()
	a.Informational = d.string()
	a.Remark = d.string()
	a.LastKnown = d.string()
	a.Specific = d.object()
}

func (d *decoder) event() Event {
	kind, version := d.uint(), d.string()
	switch kind {
	case eventIntroduced:
		return Event{Introduced: version}
	case eventFixed:
		return Event{Fixed: version}
	case eventLastAffected:
		return Event{LastAffected: version}
	case eventLimit:
		return Event{Limit: version}
	}
	d.fail()
	return Event{}
}

func (d *decoder) severity() []Severity {
	n := d.count(2)
	if n == 0 {
		return nil
	}
	list := make([]Severity, n)
	for i := range list {
		list[i] = Severity{Type: d.string(), Score: d.string()}
	}
	return list
}

// object reads ecosystem_specific; records of one package often have the same one.
func (d *decoder) object() map[string]any {
	text := d.string()
	if text == "" {
		return nil
	}
	m, known := d.specific[text]
	if known {
		return m
	}
	if json.Unmarshal([]byte(text), &m) != nil {
		d.fail()
		return nil
	}
	if d.specific == nil {
		d.specific = map[string]map[string]any{}
	}
	d.specific[text] = m
	return m
}

func (d *decoder) string() string {
	n := d.uint()
	if n >= uint64(len(d.strings)) {
		d.fail()
		return ""
	}
	return d.strings[n]
}

func (d *decoder) list() []string {
	n := d.uint()
	switch {
	case n < uint64(len(d.lists)):
		return d.lists[n]
	case n > uint64(len(d.lists)):
		d.fail()
		return nil
	}
	var list []string
	if count := d.count(1); count > 0 {
		list = make([]string, count)
	}
	for i := range list {
		list[i] = d.string()
	}
	d.lists = append(d.lists, list)
	return list
}

func (d *decoder) time() time.Time {
	n := d.uint()
	if n == 0 {
		return time.Time{}
	}
	micro := int64(n >> 1)
	if n&1 != 0 {
		micro = ^micro
	}
	return time.UnixMicro(micro).UTC()
}
