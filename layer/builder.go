package layer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unsafe"

	"tidewaiter/image"
)

// builder makes the [Index] of one layer, entry by entry, within the bounds.
type builder struct {
	*session
	ix       *Index
	kept     int64  // bytes, as counted by charge
	previous string // path of the entry before
	// also has, in a second reading, the files that are wanted for the name of a hard link to them.
	also    map[string]string
	omitted int // blind spots over maxSpots
	head    [HeadSize]byte
	text    arena
	// onlookers are nil where nobody wants to see the files.
	onlookers *onlookers
	sparse    bool  // the file that is being read has holes
	holey     int64 // bytes of such files that were read
	passing   bool  // the index is not what another reading of the same layer would give: of time, the disk or other layers
}

// maxSpots bounds the blind spots of one layer: after so many, a report only counts them.
const maxSpots = 1000

func (b *builder) spot(kind image.BlindSpotKind, where, message string) {
	if len(b.ix.BlindSpots) == maxSpots {
		b.omitted++
		return
	}
	b.ix.BlindSpots = append(b.ix.BlindSpots, image.BlindSpot{Kind: kind, Where: where, Message: message})
}

func (s *session) builder() *builder {
	return &builder{session: s, ix: &Index{}, onlookers: newOnlookers(s.digests, s.sinks)}
}

// listOmitted says how many blind spots are not listed.
func (b *builder) listOmitted() {
	if b.omitted > 0 {
		b.ix.BlindSpots = append(b.ix.BlindSpots, image.BlindSpot{
			Kind:    image.LimitReached,
			Message: fmt.Sprintf("%d more blind spots in this layer are not listed", b.omitted),
		})
	}
}

// charge counts bytes that are to be kept. Its error is a [limitError], or [errImageKept] where other
// layers are being read at the same time.
func (b *builder) charge(n int64) error {
	if b.kept+n > b.limits.LayerKept {
		return limitf("more than %s of the layer would be kept", size(b.limits.LayerKept))
	}
	if b.session.kept.Add(n) > b.limits.ImageKept {
		b.session.kept.Add(-n)
		b.passing = true
		if !b.alone {
			return errImageKept
		}
		return limitf("more than %s of the image would be kept", size(b.limits.ImageKept))
	}
	b.kept += n
	return nil
}

// chargeFile is charge for the content or facts of one file: where they do not fit, they are left out and
// the file becomes a blind spot.
func (b *builder) chargeFile(f *File, n int64) (fits bool, err error) {
	err = b.charge(n)
	var limit limitError
	if errors.As(err, &limit) {
		b.spot(image.LimitReached, f.Path, "was not read: "+limit.Error())
		return false, nil
	}
	return err == nil, err
}

// directoryCost is about how many bytes one directory takes in a [Tree]. Paths and links can name many
// directories that have no entry, so a small layer could otherwise make a huge tree.
const directoryCost = 100

// add appends an entry; nil when a bound left it out.
func (b *builder) add(f File) (*File, error) {
	if int64(max(len(f.Path), len(f.Link))) > b.limits.Path {
		b.spot(image.LimitReached, f.Path[:min(len(f.Path), 200)], fmt.Sprintf("was left out: its path or link is over %d bytes", b.limits.Path))
		return nil, nil
	}
	common := 0
	for common < min(len(f.Path), len(b.previous)) && f.Path[common] == b.previous[common] {
		common++
	}
	directories := strings.Count(f.Path[common:], "/") + strings.Count(f.Link, "/")
	b.previous = f.Path
	cost := int(unsafe.Sizeof(f)) + len(f.Path) + len(f.Link) + directories*directoryCost
	if err := b.charge(int64(cost)); err != nil {
		return nil, err
	}
	f.Path, f.Link = b.text.keep(f.Path), b.text.keep(f.Link)
	b.ix.Files = append(b.ix.Files, f)
	return &b.ix.Files[len(b.ix.Files)-1], nil
}

// body asks the rules about a regular file and keeps of it what they want. Its errors are those of reading r.
func (b *builder) body(ctx context.Context, f *File, r io.Reader) error {
	head := b.head[:min(f.Size, HeadSize)]
	if _, err := io.ReadFull(r, head); err != nil {
		return cutOff(err)
	}
	keep := b.want(f, head)
	if b.sparse && (b.onlookers != nil || keep.wanted()) && !b.expand(f, keep) {
		return nil
	}
	read := b.keep
	if b.onlookers.open(ctx, f, head) {
		read = b.look
	}
	if err := read(ctx, f, keep, head, r); err != nil {
		return err
	}
	if content := f.Content(); content != nil && b.redact != nil {
		f.Body.Content = b.redact(f.Path, content)
	}
	return nil
}

// expand counts a file with holes against its bound: a tar of a few bytes can hold terabytes of zeros.
func (b *builder) expand(f *File, keep Keep) bool {
	if f.Size > b.limits.Sparse-b.holey {
		kind, what := image.LimitReached, "read"
		if !keep.wanted() && b.digests != allAlgorithms { // only a search would have looked at it
			kind, what = image.Unsearched, "searched"
		}
		b.spot(kind, f.Path, fmt.Sprintf("was not %s: the sparse files of the layer are larger than %s", what, size(b.limits.Sparse)))
		return false
	}
	b.holey += f.Size
	return true
}

// keep keeps of a regular file what the rules want.
func (b *builder) keep(ctx context.Context, f *File, keep Keep, head []byte, r io.Reader) error {
	if keep.Content {
		return b.capture(ctx, f, keep, head, r)
	}
	if keep.Distil == nil {
		return nil
	}
	if f.Size > b.limits.Distil {
		b.spot(image.LimitReached, f.Path, fmt.Sprintf("was not read: it is larger than %s", size(b.limits.Distil)))
		return nil
	}
	return b.distil(ctx, f, keep, head, r)
}

// capture keeps a file's content, and takes facts from it too where the rules want both.
func (b *builder) capture(ctx context.Context, f *File, keep Keep, head []byte, r io.Reader) error {
	if f.Size > b.limits.Capture {
		b.spot(image.LimitReached, f.Path, fmt.Sprintf("was not read: it is larger than %s", size(b.limits.Capture)))
		return nil
	}
	if fits, err := b.chargeFile(f, f.Size); !fits {
		return err
	}
	content := make([]byte, f.Size)
	n := copy(content, head)
	if _, err := io.ReadFull(r, content[n:]); err != nil {
		return cutOff(err)
	}
	f.body().Content = content
	if keep.Distil == nil {
		return nil
	}
	return b.facts(ctx, f, keep, bytes.NewReader(content))
}

// want asks the rules about a file, and notes what its head says of it. It asks also about the hard link for whose sake it is read again.
func (b *builder) want(f *File, head []byte) Keep {
	f.Program = startsProgram(head)
	keep := b.rules.Want(f, head)
	if link, ok := b.also[f.Path]; ok && !keep.wanted() {
		as := *f
		as.Path = link
		keep = b.rules.Want(&as, head)
	}
	return keep
}

func (k Keep) wanted() bool { return k.Content || k.Distil != nil }

// missedLinks finds the hard links that the rules want by their own name, while the file that they link to
// has a name that the rules did not want: a pnpm store, where the content comes first, looks like this. It
// gives the link for the path of each such file.
func (b *builder) missedLinks() map[string]string {
	linked := make(map[string]*File)
	for _, f := range b.ix.Files {
		if f.Type == Hardlink {
			linked[f.Link] = nil
		}
	}
	if len(linked) == 0 {
		return nil
	}
	for i, f := range b.ix.Files {
		if _, ok := linked[f.Path]; ok {
			linked[f.Path] = &b.ix.Files[i]
		}
	}
	missed := make(map[string]string)
	for _, f := range b.ix.Files {
		target := linked[f.Link]
		if f.Type != Hardlink || target == nil || target.Type != Regular || target.Size == 0 {
			continue
		}
		as := *target
		as.Path = f.Path
		if b.rules.Want(&as, nil).wanted() && !b.rules.Want(target, nil).wanted() {
			missed[f.Link] = f.Path
		}
	}
	return missed
}
