package inventory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"tidewaiter/layer"
)

// NewRules compiles the rules of all extractors, and those for the files that name the distribution, into
// one matcher. Each path costs a few map lookups, however many rules there are.
func NewRules(extractors []Extractor) layer.Rules {
	return compile(extractors)
}

// matcher finds the rules that select a file. It does not change once it is compiled.
type matcher struct {
	rules []boundRule
	// Each rule is found in one place: by base name (also the last element of a suffix with a slash), by
	// the lower-case end of a suffix from its last dot on, by the first byte of its magic, or in a list.
	byName     map[string][]int
	byEnd      map[string][]int
	byMagic    [256][]int
	executable []int
	loose      []int
}

// boundRule is a rule with the extractor it belongs to.
type boundRule struct {
	Rule
	extractor int    // the place in the list given to compile; -1 for the rules of this package
	dir       string // Dir between slashes
}

func compile(extractors []Extractor) *matcher {
	m := &matcher{byName: map[string][]int{}, byEnd: map[string][]int{}}
	for _, r := range slices.Concat(releaseRules(), builderRules()) {
		m.add(boundRule{Rule: r, extractor: -1})
	}
	for i, e := range extractors {
		for _, r := range e.Rules() {
			m.add(boundRule{Rule: r, extractor: i})
		}
	}
	for _, r := range reachRules() { // an archive behind a script is the archive's extractor's
		m.add(boundRule{Rule: r, extractor: -1})
	}
	return m
}

func (m *matcher) add(r boundRule) {
	n := len(m.rules)
	r.dir = "/" + r.Dir + "/"
	m.rules = append(m.rules, r)
	slash, dot := strings.LastIndexByte(r.Suffix, '/'), strings.LastIndexByte(r.Suffix, '.')
	switch {
	case r.Name != "":
		m.byName[r.Name] = append(m.byName[r.Name], n)
	case slash >= 0:
		m.byName[r.Suffix[slash+1:]] = append(m.byName[r.Suffix[slash+1:]], n)
	case dot >= 0:
		end := strings.ToLower(r.Suffix[dot:])
		m.byEnd[end] = append(m.byEnd[end], n)
	case r.Suffix != "":
		m.loose = append(m.loose, n)
	case r.Magic != "":
		m.byMagic[r.Magic[0]] = append(m.byMagic[r.Magic[0]], n)
	case r.Executable:
		m.executable = append(m.executable, n)
	}
}

// Version implements [layer.Versioned]. It stands for the conditions of all rules, which decide what is captured, and for
// their settings; what their code does with a file is the same in one build of the program.
func (m *matcher) Version() string {
	sum := sha256.New()
	for _, r := range m.rules {
		fmt.Fprintf(sum, "%d %q %q %q %q %t %t %q\n", r.extractor, r.Name, r.Suffix, r.Dir, r.Magic, r.Executable, r.Distil != nil, r.Setting)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Want implements [layer.Rules].
func (m *matcher) Want(f *layer.File, head []byte) layer.Keep {
	var keep layer.Keep
	first := len(m.rules)
	m.match(f.Path, head, true, func(n int) {
		switch r := &m.rules[n]; {
		case r.Distil == nil:
			keep.Content = true
		case n < first:
			path, distil := f.Path, r.Distil
			first, keep.Distil = n, func(ctx context.Context, file io.ReaderAt, size int64) ([]byte, error) {
				return distil(ctx, path, file, size)
			}
		}
	})
	return keep
}

// match calls found with the number of each rule that selects the file, in no order. Where the head of the
// file is not known any more, conditions on it are taken to hold.
func (m *matcher) match(path string, head []byte, headKnown bool, found func(n int)) {
	base := path[strings.LastIndexByte(path, '/')+1:]
	check := func(candidates []int) {
		for _, n := range candidates {
			if r := &m.rules[n]; r.holds(path, base) && (!headKnown || r.holdsHead(head)) {
				found(n)
			}
		}
	}
	check(m.byName[base])
	if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
		check(m.byEnd[lower(base[dot:])])
	}
	check(m.loose)
	switch {
	case !headKnown:
		for _, candidates := range m.byMagic {
			check(candidates)
		}
		check(m.executable)
	case len(head) > 0:
		check(m.byMagic[head[0]])
		if len(m.executable) > 0 && layer.IsExecutable(head) {
			check(m.executable)
		}
	}
}

// holds says whether the conditions on the path hold.
func (r *boundRule) holds(path, base string) bool {
	if r.Name != "" && r.Name != base {
		return false
	}
	if !hasSuffix(path, r.Suffix) {
		return false
	}
	parents := path[:len(path)-len(base)] // ends in a slash, unless empty
	return r.Dir == "" || strings.HasPrefix(parents, r.dir[1:]) || strings.Contains(parents, r.dir)
}

// holdsHead says whether the conditions on how the content starts hold.
func (r *boundRule) holdsHead(head []byte) bool {
	if len(r.Magic) > len(head) || string(head[:len(r.Magic)]) != r.Magic {
		return false
	}
	return !r.Executable || layer.IsExecutable(head)
}

func hasSuffix(path, suffix string) bool {
	if len(suffix) > len(path) {
		return false
	}
	before, end := path[:len(path)-len(suffix)], path[len(path)-len(suffix):]
	switch {
	case suffix == "":
		return true
	case suffix[0] == '.':
		return strings.EqualFold(end, suffix)
	case strings.Contains(suffix, "/"):
		return end == suffix && (before == "" || strings.HasSuffix(before, "/"))
	}
	return end == suffix
}

// lower is strings.ToLower without its cost for the many names that have no capitals.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// extractorsOf gives the extractors to call for a captured file, and the path to call each with.
func (m *matcher) extractorsOf(e layer.Entry) []call {
	var calls []call
	f := e.File
	content := f.Content()
	head := content[:min(len(content), layer.HeadSize)]
	m.match(e.Path, head, content != nil, func(n int) {
		r := &m.rules[n]
		captured := r.Distil == nil && content != nil || r.Distil != nil && f.Facts() != nil
		if r.CaptureOnly || r.extractor < 0 || !captured {
			return
		}
		c := call{extractor: r.extractor, path: e.Path}
		if r.PartOf != nil {
			c.path = r.PartOf(e.Path)
		}
		calls = append(calls, c)
	})
	slices.SortFunc(calls, call.compare)
	return slices.Compact(calls)
}
