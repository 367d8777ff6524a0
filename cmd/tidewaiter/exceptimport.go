package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/vex"
)

func newExceptImport(s streams) *cobra.Command {
	var o exceptionFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Write exceptions for what another scanner was told to ignore",
		Long: `Reads .trivyignore, .trivyignore.yaml, .grype.yaml or osv-scanner.toml, and writes an exception for each entry that one can express.
The others are told, each with the reason. --until is for entries that have no end of their own, --reason for those that give none.

Exit codes:
  0  done, entries that cannot be expressed told on standard error
  1  the tool or its input failed; an entry has no end, and nothing was written`,
		Example: `  tidewaiter except import .trivyignore --owner shop@acme.example --until 2027-01-31 --image ghcr.io/acme/shop`,
		Args:    exactArgs("FILE"),
		RunE:    func(_ *cobra.Command, args []string) error { return exceptImport(s, args[0], &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "the reason for entries that give none (default: that the file gives none)")
	o.addScope(cmd)
	return cmd
}

func exceptImport(s streams, file string, o *exceptionFlags) error {
	common, err := o.exception(s.now())
	if err != nil {
		return err
	}
	entries, err := readIgnores(file)
	if err != nil {
		return err
	}
	list, left, err := o.imported(entries, common, filepath.Base(file), s.now())
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	there, err := o.there()
	if err != nil {
		return err
	}
	written := 0
	for i := range list {
		e := &list[i]
		err := o.write(e, there)
		var taken *takenError
		if errors.As(err, &taken) {
			fmt.Fprintln(s.err, "tidewaiter: "+oneLine(err.Error()))
			continue
		}
		if err != nil {
			return err
		}
		written++
		there = append(there, *e)
		fmt.Fprintln(s.out, oneLine(e.File)+"\n  "+exceptionLine(e))
	}
	for _, line := range left {
		fmt.Fprintln(s.err, oneLine("tidewaiter: "+file+": "+line))
	}
	fmt.Fprintf(s.out, "exceptions written: %d; there already: %d; entries that are none: %d\n", written, len(list)-written, len(left))
	return nil
}

func readIgnores(file string) ([]vex.Ignored, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 2 << 20 // bytes, more than the parser takes
	raw, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, err
	}
	entries, err := vex.ParseIgnores(filepath.Base(file), raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return entries, nil
}

// imported makes exceptions of entries, and says which of them are none.
func (o *exceptionFlags) imported(entries []vex.Ignored, common vex.Exception, name string, now time.Time) (list []vex.Exception, left []string, err error) {
	endless := 0
	for _, entry := range entries {
		if entry.Why != "" {
			left = append(left, entry.Entry+": "+entry.Why)
			continue
		}
		for _, e := range entry.Exceptions {
			id, err := problemID(e.Vulnerabilities[0])
			if err != nil {
				left = append(left, entry.Entry+": "+err.Error())
				continue
			}
			e.Vulnerabilities[0] = id
			e.Owner, e.Approver, e.Image, e.Environments, e.Time = common.Owner, common.Approver, common.Image, common.Environments, common.Time
			e.Reason = cmp.Or(e.Reason, o.reason, "no reason is given in "+name)
			switch today := now.UTC().Format(time.DateOnly); {
			case e.End.Day != "" && e.End.Day <= today:
				left = append(left, entry.Entry+": expired on "+e.End.Day)
				continue
			case e.End == vex.End{} && common.End == vex.End{}:
				endless++
				continue
			case e.End == vex.End{}:
				e.End = common.End
			}
			list = append(list, e)
		}
	}
	if endless > 0 {
		return nil, nil, fmt.Errorf("%d of its entries have no end: give them one with --until", endless)
	}
	return list, left, nil
}
