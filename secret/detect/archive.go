package detect

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"

	"tidewaiter/layer"
	"tidewaiter/secret"
)

// Bounds on the archives that are looked into.
const (
	maxHeld     = 16 << 20  // bytes of one, as it is, that is held; longer ones are read as they pass
	maxMember   = 8 << 20   // bytes of a member
	maxInflated = 128 << 20 // bytes of all members that are texts
	maxPassed   = 1 << 30   // bytes of all members
	maxMembers  = 100_000
)

// archived says whether a file is an archive that is worth looking into: one of the image's own.
func archived(s source, head []byte) bool {
	if s.foreign {
		return false
	}
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte{0x1F, 0x8B}) || strings.HasSuffix(strings.ToLower(s.path), ".tar")
}

// archiveEye holds an archive until it is whole.
type archiveEye struct {
	d       *Detector
	source  source
	buf     []byte
	found   []secret.Found
	left    int
	budget  int64 // bytes that may still be inflated
	around  int
	members int
	partly  string // why not all of it was searched
}

func openArchive(d *Detector, s source, size int64) layer.Eye {
	e := &archiveEye{d: d, source: s, budget: maxInflated, around: maxBudget}
	if size > maxHeld {
		return newPassingArchive(e)
	}
	e.buf = make([]byte, 0, size)
	return e
}

// Write implements [layer.Eye].
func (e *archiveEye) Write(p []byte) (int, error) {
	if len(e.buf)+len(p) > maxHeld {
		return 0, errNoText
	}
	e.buf = append(e.buf, p...)
	return len(p), nil
}

// Close implements [layer.Eye]. An archive that cannot be read is none.
func (e *archiveEye) Close() layer.Answer {
	switch {
	case bytes.HasPrefix(e.buf, []byte("PK")):
		e.zip()
	case bytes.HasPrefix(e.buf, []byte{0x1F, 0x8B}):
		e.gzip(bytes.NewReader(e.buf))
	default:
		e.tar(bytes.NewReader(e.buf))
	}
	e.buf = nil
	return e.answer()
}

func (e *archiveEye) answer() layer.Answer {
	if e.around < 0 {
		e.partly = "too much of it looks as if a secret were near"
	}
	if e.partly == "" {
		return answer(e.found, e.left, "")
	}
	return answer(e.found, e.left, "was searched for secrets only in part: "+e.partly)
}

// gzip reads what was compressed.
func (e *archiveEye) gzip(r io.Reader) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return
	}
	passed := &io.LimitedReader{R: z, N: maxPassed}
	if e.stream(passed); passed.N <= 0 {
		e.partly = fmt.Sprintf("it holds more than %d MiB", maxPassed>>20)
	}
}

func (e *archiveEye) zip() {
	z, err := zip.NewReader(bytes.NewReader(e.buf), int64(len(e.buf)))
	if err != nil {
		return
	}
	for _, f := range z.File {
		if !e.wanted(f.Name, f.UncompressedSize64 > 0) {
			continue
		}
		if r, err := f.Open(); err == nil {
			e.member(f.Name, r)
			_ = r.Close()
		}
	}
}

// stream reads what gzip had in it: a tar, or one text.
func (e *archiveEye) stream(r io.Reader) {
	head := make([]byte, 512)
	n, _ := io.ReadFull(r, head)
	all := io.MultiReader(bytes.NewReader(head[:n]), r)
	if n == len(head) && string(head[257:262]) == "ustar" {
		e.tar(all)
		return
	}
	if !notText(head[:n]) {
		e.member(strings.TrimSuffix(path.Base(e.source.path), ".gz"), all)
	}
}

func (e *archiveEye) tar(r io.Reader) {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err != nil {
			return
		}
		if h.Typeflag == tar.TypeReg && e.wanted(h.Name, h.Size > 0) {
			e.member(h.Name, t)
		}
	}
}

// wanted says whether a member is to be read: no program, and inside the bounds.
func (e *archiveEye) wanted(name string, content bool) bool {
	if e.members++; e.members > maxMembers || e.budget <= 0 {
		e.partly = fmt.Sprintf("it has more than %d members or %d MiB of texts", maxMembers, maxInflated>>20)
		return false
	}
	return content && !strings.HasSuffix(name, ".class")
}

// member searches one member of an archive.
func (e *archiveEye) member(name string, r io.Reader) {
	head := make([]byte, sniff)
	n, err := io.ReadFull(r, head)
	if n == 0 || notText(head[:n]) {
		return
	}
	content := head[:n]
	if err == nil {
		rest, _ := io.ReadAll(io.LimitReader(r, min(maxMember, e.budget)))
		if content = append(content, rest...); len(rest) == maxMember {
			e.partly = fmt.Sprintf("%s in it is longer than %d MiB", name, maxMember>>20)
		}
	}
	e.budget -= int64(len(content))
	s := newSource(strings.TrimPrefix(path.Clean("/"+name), "/"))
	s.foreign, s.testing, s.quiet = s.foreign || e.source.foreign, s.testing || e.source.testing, s.quiet || strings.HasPrefix(name, "META-INF/maven/")
	s.written = s.written || e.source.written
	more, _ := e.d.detect(s, content, 0, &e.around)
	for _, f := range more {
		if f.Inside = name; len(e.found) == maxFound {
			e.left++
			continue
		}
		e.found = append(e.found, f)
	}
}
