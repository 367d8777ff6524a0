package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/inventory"
	"tidewaiter/layer"
)

// limits are the bounds on what an image may cost, which --limit sets by their names.
type limits struct {
	layer     layer.Limits
	inventory inventory.Limits
	set       []string // as the user wrote them
}

func newLimits() limits {
	return limits{layer: layer.DefaultLimits(), inventory: inventory.DefaultLimits()}
}

// bound is one limit by its name.
type bound struct {
	name, about string
	value       pflag.Value
}

func (l *limits) bounds() []bound {
	in, of := &l.layer, &l.inventory
	return []bound{
		{"entries", "entries of one layer", &count[int]{&in.Entries}},
		{"image-entries", "entries of all layers together", &count[int]{&in.ImageEntries}},
		{"path", "length of a path or of a link's target", (*byteSize)(&in.Path)},
		{"layer", "one layer, decompressed", (*byteSize)(&in.Layer)},
		{"ratio", "how many times larger than its stored bytes a layer may grow", &count[int64]{&in.Ratio}},
		{"ratio-from", "the size, decompressed, from which on ratio holds", (*byteSize)(&in.RatioFrom)},
		{"file", "one file that is kept whole (a package database, a lock file)", (*byteSize)(&in.Capture)},
		{"big-file", "one file that is looked into while it passes (a program, an archive)", (*byteSize)(&in.Distil)},
		{"file-time", "looking into one such file", (*span)(&in.DistilTime)},
		{"sparse", "the sparse files of one layer that are read or hashed, holes included", (*byteSize)(&in.Sparse)},
		{"nesting", "archives within archives", &count[int]{&of.Nesting}},
		{"extract-time", "one extractor's parsing of one file", (*span)(&of.ExtractTime)},
		{"layer-kept", "what is kept of one layer: paths, files, facts", (*byteSize)(&in.LayerKept)},
		{"image-kept", "what is kept of all layers together", (*byteSize)(&in.ImageKept)},
		{"memory", "memory for the files that are looked into; larger ones go to a temporary file", (*byteSize)(&in.Memory)},
		{"window", "memory for the windows of zstd layers", (*byteSize)(&in.Window)},
	}
}

func (l *limits) names() string {
	var names []string
	for _, b := range l.bounds() {
		names = append(names, b.name)
	}
	return strings.Join(names, ", ")
}

func (l *limits) String() string { return strings.Join(l.set, ",") }

func (l *limits) Type() string { return "name=value" }

func (l *limits) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return fmt.Errorf("%q: write it as NAME=VALUE, for example layer=16GiB", part)
		}
		bounds := l.bounds()
		i := slices.IndexFunc(bounds, func(b bound) bool { return b.name == name })
		if i < 0 {
			return fmt.Errorf("unknown limit %q: one of %s", name, l.names())
		}
		if err := bounds[i].value.Set(value); err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
		l.set = append(l.set, part)
	}
	return nil
}

// newLimitsHelp is the help topic that lists the limits.
func newLimitsHelp() *cobra.Command {
	l := newLimits()
	var table strings.Builder
	for _, b := range l.bounds() {
		fmt.Fprintf(&table, "  %-13s  %8s  %s\n", b.name, b.value, b.about)
	}
	return &cobra.Command{
		Use:   "limits",
		Short: "What an image may cost, and how to set it",
		Long: `What an image may cost is bounded, so that none can hang or exhaust a scan. The bounds are wide enough for every honest
image known. One that is hit is a blind spot of the report: the rest is still read.

--limit NAME=VALUE sets one, as in --limit layer=16GiB --limit file-time=2m:

` + table.String(),
	}
}

// count is a limit that counts things.
type count[T int | int64] struct{ n *T }

func (c *count[T]) String() string { return strconv.FormatInt(int64(*c.n), 10) }

func (c *count[T]) Type() string { return "count" }

func (c *count[T]) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n <= 0 {
		return fmt.Errorf("not a count above 0: %q", text)
	}
	*c.n = T(n)
	return nil
}

// span is a limit of time.
type span time.Duration

func (s *span) String() string { return time.Duration(*s).String() }

func (s *span) Type() string { return "duration" }

func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("not a duration above 0: %q (write 30s or 2m)", text)
	}
	*s = span(d)
	return nil
}

// parseSize reads a count of bytes: 4096, 64KiB, 16GiB (powers of 1024), 20MB (powers of 1000).
func parseSize(text string) (int64, error) {
	units := []struct {
		suffix string
		factor int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
		{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1},
	}
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n <= 0 || n > (1<<50)/u.factor {
			break
		}
		return n * u.factor, nil
	}
	return 0, fmt.Errorf("not a size above 0: %q (write 512MiB or 16GiB)", text)
}

// byteSize is a flag's count of bytes.
type byteSize int64

func (b *byteSize) String() string {
	for _, u := range []struct {
		suffix string
		factor byteSize
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if *b >= u.factor && *b%u.factor == 0 {
			return strconv.FormatInt(int64(*b/u.factor), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

func (b *byteSize) Type() string { return "size" }

func (b *byteSize) Set(text string) error {
	n, err := parseSize(text)
	if err != nil {
		return err
	}
	*b = byteSize(n)
	return nil
}
