package inventory

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tidewaiter/image"
	"tidewaiter/layer"
)

// patience is how many files an extractor may run over its deadline before it is not called any more.
const patience = 3

var (
	errDeadline = errors.New("took too long")
	errPatience = errors.New("not parsed: the extractor ran over its deadline on other files of the image")
)

// run gives files to extractors, several at once, and fills in what they find. Whatever hostile content makes
// an extractor do becomes an error of that file; the error of run is that of ctx.
func (a *assembler) run(ctx context.Context, index int, calls []call, found []*database) error {
	tree := a.tree
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range calls {
		work.Go(func() error {
			if a.overruns[c.extractor].Load() >= patience {
				found[i].err = errPatience
				return nil
			}
			found[i].packages, found[i].err = a.guard(ctx, func(ctx context.Context) ([]Package, error) {
				return a.extractors[c.extractor].Extract(ctx, tree, c.path)
			})
			if errors.Is(found[i].err, errDeadline) {
				a.overruns[c.extractor].Add(1)
			}
			return ctx.Err()
		})
	}
	err := work.Wait()
	if slices.ContainsFunc(found, func(d *database) bool { return errors.Is(d.err, errDeadline) }) {
		a.renewTree(index)
	}
	return err
}

// complete lets an extractor finish what it found. The error is that of ctx.
func (a *assembler) complete(ctx context.Context, extractor int, pkgs []Package) ([]Package, error) {
	f, ok := a.extractors[extractor].(Finisher)
	if !ok || len(pkgs) == 0 {
		return pkgs, ctx.Err()
	}
	tree, copied := a.tree, slices.Clone(pkgs)
	completed, err := a.guard(ctx, func(ctx context.Context) ([]Package, error) {
		return copied, f.Finish(ctx, tree, copied)
	})
	if errors.Is(err, errDeadline) {
		a.renewTree(len(a.indexes) - 1)
	}
	if err != nil {
		a.unreadable(call{extractor, pkgs[0].Paths[0]}, *pkgs[0].Layer, err)
	}
	if completed == nil {
		completed = pkgs
	}
	return completed, ctx.Err()
}

// guard runs f with a deadline and turns a panic into an error. An f that does not heed its deadline is left
// running: what it was given must not be used any more.
func (a *assembler) guard(ctx context.Context, f func(ctx context.Context) ([]Package, error)) ([]Package, error) {
	ctx, cancel := context.WithTimeout(ctx, a.limits.ExtractTime)
	defer cancel()
	type result struct {
		pkgs []Package
		err  error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("the extractor failed on this content: %v", p)}
			}
			done <- r
		}()
		r.pkgs, r.err = f(ctx)
	}()
	select {
	case r := <-done:
		if errors.Is(r.err, context.DeadlineExceeded) {
			r.err = a.late()
		}
		return r.pkgs, r.err
	case <-ctx.Done():
		return nil, a.late()
	}
}

// late says that an extractor did not keep its deadline.
func (a *assembler) late() error { return fmt.Errorf("%w: over %v", errDeadline, a.limits.ExtractTime) }

// renewTree leaves the tree to extractors that did not return and may still be reading it, and makes another
// one like it.
func (a *assembler) renewTree(index int) {
	a.tree = layer.NewTree()
	for i, ix := range a.indexes[:index+1] {
		a.tree.Apply(i, ix)
	}
}

// unreadable records that a database that still stands could not be read whole.
func (a *assembler) unreadable(c call, index int, err error) {
	a.spots = append(a.spots, image.BlindSpot{
		Kind: image.UnreadableFile, Where: c.path, Layer: &index,
		Message: a.extractors[c.extractor].Name() + ": " + oneLine(err),
	})
}

// oneLine makes an error that may quote an image's content fit for one line of a report.
func oneLine(err error) string {
	const most = 300
	s := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }), "; ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
