package layer

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"tidewaiter/image"
)

// Sink looks at the content of files as it passes, whatever [Rules] keep of it. Its methods are called from several
// goroutines at once.
type Sink interface {
	// Name tells the sinks of one pass apart: [Index.Seen] has what each said.
	Name() string
	// Version must differ wherever the sink would say something else of the same files: of another engine, or other rules.
	// What it said is kept in a [Cache] under it. An empty version: it is not kept.
	Version() string
	// Open is given the entry of a regular file and its first bytes (up to [HeadSize], lent for the call), and gives what is to
	// look at the rest; nil where the sink wants none of it. What the eye still holds when ctx ends is to be let go.
	Open(ctx context.Context, f *File, head []byte) Eye
}

// Eye looks at one file. It is written to by one goroutine: all of the file from its start, and nothing else. A file of up to
// [WholeSize] comes in one piece wherever that can be had cheaply. What it is given is lent for the call. An error means that it
// wants no more, and is for itself to remember.
type Eye interface {
	io.Writer
	// Close tells that the whole file has passed, or that no more of it comes: then no answer is asked for. The answer is asked for at
	// the end of the layer, so that an engine can go on while other files pass; nil: there is nothing to say.
	Close() Answer
}

// Answer gives what a sink has to say of a file, in a form of its own; nil for nothing. An [UnseenError] says that it could not look
// at this file, or not at all of it; any other error, that it failed altogether. It is called once, by another goroutine than the eye's.
type Answer func() (note []byte, err error)

// UnseenError says why a sink did not look at one file, in a way that would be so again: it becomes a blind spot.
type UnseenError string

func (e UnseenError) Error() string { return string(e) }

// WholeSize is the size, in bytes, up to which an [Eye] sees a file in one piece.
const WholeSize = 1 << 20

// Seen is what one sink said of a layer.
type Seen struct {
	// Notes are in the order of the layer's files.
	Notes []Note
	// BlindSpots have no Layer set.
	BlindSpots []image.BlindSpot
	// Failed counts the files that were not looked at because the sink failed; Failure says how the first time.
	Failed  int
	Failure string
}

// Unsearched tells what a sink did not look at in the layers of an image: one blind spot for each file that it says so of, and one
// for those with which it failed, which are counted. sought is what was looked for: "secrets".
func Unsearched(indexes []*Index, sink, sought string) (spots []image.BlindSpot, failed int) {
	layers, failure := 0, ""
	for i, ix := range indexes {
		seen := ix.Seen[sink]
		if seen == nil {
			continue
		}
		for _, s := range seen.BlindSpots {
			s.Layer = &i
			spots = append(spots, s)
		}
		if seen.Failed > 0 {
			failed, layers, failure = failed+seen.Failed, layers+1, cmp.Or(failure, seen.Failure)
		}
	}
	counted := func(n int, noun string) string {
		if n == 1 {
			return "1 " + noun
		}
		return fmt.Sprintf("%d %ss", n, noun)
	}
	if failed > 0 {
		spots = append(spots, image.BlindSpot{Kind: image.Unsearched, Where: sink, By: sink,
			Message: fmt.Sprintf("not searched for %s: %s of %s: %s", sought, counted(failed, "file"), counted(layers, "layer"), failure)})
	}
	return spots, failed
}

// Note is what a sink said of one file.
type Note struct {
	// File is its index in [Index.Files].
	File int
	Data []byte
	// Digests are those of its content; nil of a file over [WholeSize].
	Digests *Digests
}
