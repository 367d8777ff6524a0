package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewaiter/layer"
)

// limits are the bounds on what an image may cost, which --limit sets by their names.
type limits struct {
	layer layer.Limits
	set   []string // as the user wrote them
}

func newLimits() limits { return limits{layer: layer.DefaultLimits()} }

// bound is one limit by its name: a size, a count or a duration.
type bound struct {
	name string
	set  func(l *layer.Limits, text string) error
}

func bounds() []bound {
	return []bound{
		{"entries", count(func(l *layer.Limits, n int64) { l.Entries = int(n) })},
		{"image-entries", count(func(l *layer.Limits, n int64) { l.ImageEntries = int(n) })},
		{"path", size(func(l *layer.Limits, n int64) { l.Path = int(n) })},
		{"file", size(func(l *layer.Limits, n int64) { l.Capture = n })},
		{"big-file", size(func(l *layer.Limits, n int64) { l.Distil = n })},
		{"file-time", duration(func(l *layer.Limits, d time.Duration) { l.DistilTime = d })},
		{"layer", size(func(l *layer.Limits, n int64) { l.Layer = n })},
		{"layer-kept", size(func(l *layer.Limits, n int64) { l.LayerKept = n })},
		{"image-kept", size(func(l *layer.Limits, n int64) { l.ImageKept = n })},
		{"memory", size(func(l *layer.Limits, n int64) { l.Memory = n })},
		{"ratio", count(func(l *layer.Limits, n int64) { l.Ratio = n })},
		{"window", size(func(l *layer.Limits, n int64) { l.Window = n })},
	}
}

func (l *limits) names() string {
	var names []string
	for _, b := range bounds() {
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
		i := slices.IndexFunc(bounds(), func(b bound) bool { return b.name == name })
		if i < 0 {
			return fmt.Errorf("unknown limit %q: one of %s", name, l.names())
		}
		if err := bounds()[i].set(&l.layer, value); err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
		l.set = append(l.set, part)
	}
	return nil
}

func count(set func(*layer.Limits, int64)) func(*layer.Limits, string) error {
	return func(l *layer.Limits, text string) error {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n <= 0 {
			return fmt.Errorf("not a count above 0: %q", text)
		}
		set(l, n)
		return nil
	}
}

func size(set func(*layer.Limits, int64)) func(*layer.Limits, string) error {
	return func(l *layer.Limits, text string) error {
		n, err := parseSize(text)
		if err != nil {
			return err
		}
		set(l, n)
		return nil
	}
}

func duration(set func(*layer.Limits, time.Duration)) func(*layer.Limits, string) error {
	return func(l *layer.Limits, text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fmt.Errorf("not a duration above 0: %q (write 30s or 2m)", text)
		}
		set(l, d)
		return nil
	}
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
	*b = byteSize(n)
	return err
}
