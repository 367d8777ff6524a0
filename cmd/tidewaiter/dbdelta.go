package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
)

func newDBDelta(s streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "delta OLD NEW -o FILE",
		Short: "Write what makes the advisory file NEW of the advisory file OLD",
		Long: `Writes what has changed between two advisory files. Whoever has OLD makes NEW of it with tidewaiter db apply; a day's
changes are a small part of the whole.`,
		Example: `  tidewaiter db delta yesterday.db today.db -o today.delta
  tidewaiter db apply today.delta`,
		Args: exactArgs("OLD", "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("where to write the delta is missing: give -o FILE")
			}
			return dbDelta(cmd.Context(), s, args[0], args[1], out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write")
	return cmd
}

func dbDelta(ctx context.Context, s streams, older, newer, out string) error {
	from, err := advisory.Open(older)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := advisory.Open(newer)
	if err != nil {
		return err
	}
	defer to.Close()
	size, err := writeDelta(ctx, from, to, out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %d bytes, %s -> %s\n", out, size, from.Info().Revision, to.Info().Revision)
	return err
}

// writeDelta leaves a whole delta at out, or what was there.
func writeDelta(ctx context.Context, from, to *advisory.DB, out string) (size int64, err error) {
	temp, err := os.CreateTemp(filepath.Dir(out), ".*.delta")
	if err != nil {
		return 0, fmt.Errorf("cannot write the delta: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp.Name())
		}
	}()
	err = advisory.WriteDelta(ctx, from, to, temp)
	stat, statErr := temp.Stat()
	if err = errors.Join(err, statErr, temp.Chmod(0o644), temp.Close()); err != nil {
		return 0, err
	}
	return stat.Size(), os.Rename(temp.Name(), out)
}

func newDBApply(s streams) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "apply DELTA",
		Short: "Bring the advisory file up to date with a delta, without a network",
		Long: `Makes the newer advisory file of the one that is here and a delta that tidewaiter db delta wrote for it. The file is
replaced at once when the new one is whole and has the revision that the delta promises; until then, and if anything fails, the
old one stays.`,
		Args: exactArgs("DELTA"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dbApply(cmd.Context(), s, args[0], file)
		},
	}
	addAdvisoryFlag(cmd.Flags(), &file)
	return cmd
}

func dbApply(ctx context.Context, s streams, delta, file string) error {
	db, err := advisory.Open(file)
	if err != nil {
		return err
	}
	defer db.Close()
	f, err := os.Open(delta)
	if err != nil {
		return fmt.Errorf("no such delta: %s", delta)
	}
	defer f.Close()
	info, err := advisory.ApplyDelta(ctx, db, f, file)
	if err != nil {
		return fmt.Errorf("%s: %w", delta, err)
	}
	return showInfo(s, file, info)
}
