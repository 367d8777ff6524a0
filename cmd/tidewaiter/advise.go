package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/inventory"
	"tidewaiter/report"
)

// adviseOptions are what the user asked of advice.
type adviseOptions struct {
	scanOptions
	offline, patch bool
	step           int
}

func newAdvise(s streams) *cobra.Command {
	var o adviseOptions
	cmd := &cobra.Command{
		Use:   "advise IMAGE",
		Short: "The next steps for an image, with their effect and their cost",
		Long: `Says what to change so that IMAGE gets better, the change to make first in front: what it closes, how far the score goes, what it costs,
which line to change and how, and what would be missed.

The base image is compared with newer builds of its tag and with other tags of its repository: those of its registry, or, with
--offline or where the registry cannot be reached, those that tidewaiter base add made known. Nothing is written without --patch, which
makes the change of one step in the Dockerfile and touches one instruction.

Exit codes:
  0  done
  1  the tool or its input failed; --patch: there is no such change to make`,
		Example: `  tidewaiter advise shop:2.1
  tidewaiter advise --source . --env production shop:2.1
  tidewaiter advise --dockerfile Dockerfile --patch shop:2.1
  tidewaiter advise --offline --step 2 oci:build/shop`,
		Args: exactArgs("IMAGE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return adviseCommand(cmd.Context(), s, args[0], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json")
	o.outputs.addAll(f)
	o.addSource(f)
	f.BoolVar(&o.patch, "patch", false, "make the change of the first step that has one for the Dockerfile, or of --step")
	f.IntVar(&o.step, "step", 0, "show only the step of this number, and with --patch make its change")
	f.BoolVar(&o.offline, "offline", false, "ask no registry about other base images")
	o.addJudging(cmd)
	return cmd
}

func adviseCommand(ctx context.Context, s streams, ref string, o adviseOptions) error {
	if err := o.outputs.check(); err != nil {
		return err
	}
	if o.step < 0 {
		return fmt.Errorf("--step %d: steps are counted from 1", o.step)
	}
	if err := o.findDockerfile(); err != nil {
		return err
	}
	db, err := openAdvisories(o.scanOptions)
	if err != nil {
		return err
	}
	if db == nil {
		return errors.New("there is no advisory file, and without it no advice: make one with tidewaiter db update")
	}
	defer db.Close()
	r, err := o.advise(ctx, s, ref, db)
	if err != nil {
		return err
	}
	if o.step > len(r.Assessment.Steps) {
		return fmt.Errorf("there is no step %d: there are %d", o.step, len(r.Assessment.Steps))
	}
	if o.patch {
		return o.makeChange(s, r)
	}
	return o.outputs.write(s, map[string]form{
		"text": func(w io.Writer, t report.TextOptions) error { return report.Advice(w, r, o.step, t) },
		"json": func(w io.Writer, _ report.TextOptions) error { return report.JSON(w, r) },
	})
}

// advise scans an image, and asks the base's registry what it might be built on.
func (o *adviseOptions) advise(ctx context.Context, s streams, ref string, db *advisory.DB) (*report.Report, error) {
	if _, ok := sbomFile(ref); ok {
		return scan(ctx, s, ref, db, o.scanOptions)
	}
	return o.readAndJudge(ctx, s, ref, db, false, func(a *aboard) error {
		if a.unfit != nil {
			fmt.Fprintln(s.err, "tidewaiter: "+oneLine(a.unfit.Error()))
			o.dockerfile = ""
		}
		return o.askRegistry(ctx, s, a)
	})
}

// askRegistry adds what the base's registry has to the bases that are known. Where it cannot be asked, those known must do.
func (o *adviseOptions) askRegistry(ctx context.Context, s streams, a *aboard) error {
	if o.offline || a.image.Root != nil {
		return nil
	}
	found, err := o.registryBases(ctx, s, a)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		fmt.Fprintln(s.err, "tidewaiter: "+oneLine(fmt.Sprintf("newer base images are looked for only among those of tidewaiter base list: %v", err)))
		return nil
	}
	known := a.known
	a.known = addKnown(known, found)
	if err := o.findBase(a, a.provenance); err != nil {
		return err
	}
	// What is known now may show that another document is right about the base, which gives it another name: they are of one repository.
	if b := a.inventory.Base; b != nil && b.Reference != "" {
		repository, _ := assess.BaseTag(b.Reference)
		for i := range found {
			_, tag := assess.BaseTag(found[i].Reference)
			found[i].Reference = repository + ":" + tag
		}
		a.known = addKnown(known, found)
	}
	return nil
}

// addKnown adds bases to those that are known: what is aboard takes the place of what is known without it.
func addKnown(known, found []inventory.KnownBase) []inventory.KnownBase {
	known = slices.Clone(known)
	for _, k := range found {
		known = slices.DeleteFunc(known, func(old inventory.KnownBase) bool { return old.IsSame(&k) && old.Packages == nil })
		if !slices.ContainsFunc(known, func(old inventory.KnownBase) bool { return old.IsSame(&k) }) {
			known = append(known, k)
		}
	}
	return known
}

// makeChange makes the edit of a step in its file.
func (o *adviseOptions) makeChange(s streams, r *report.Report) error {
	step, err := o.pickEdit(r.Assessment.Steps)
	if err != nil {
		return err
	}
	file := step.Edit.File
	if !filepath.IsAbs(file) && o.sources.dir != "" {
		if _, err := os.Stat(file); err != nil {
			file = filepath.Join(o.sources.dir, file)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("--patch: %w", err)
	}
	changed, err := step.Edit.Apply(raw)
	if err != nil {
		return fmt.Errorf("--patch: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("--patch: %w", err)
	}
	if err := os.WriteFile(file, changed, info.Mode().Perm()); err != nil {
		return fmt.Errorf("--patch: %w", err)
	}
	return report.Change(s.out, step, file)
}

// pickEdit gives the step whose edit is to be made.
func (o *adviseOptions) pickEdit(steps []assess.Step) (*assess.Step, error) {
	if o.step > 0 {
		st := &steps[o.step-1]
		switch {
		case st.Edit == nil && st.Command != "":
			return nil, fmt.Errorf("step %d, %s, changes no line: run %s", o.step, st.Title, st.Command)
		case st.Edit == nil || st.Edit.Line == 0:
			return nil, fmt.Errorf("step %d, %s, has no change that can be made for you", o.step, st.Title)
		}
		return st, nil
	}
	for i := range steps {
		if st := &steps[i]; st.Edit != nil && st.Edit.File == o.dockerfile {
			return st, nil
		}
	}
	if o.dockerfile == "" {
		return nil, errors.New("no Dockerfile is known: name it with --dockerfile, or its directory with --source")
	}
	return nil, fmt.Errorf("no step changes %s: tidewaiter advise without --patch lists what there is to do", o.dockerfile)
}
