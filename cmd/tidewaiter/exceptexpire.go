package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/vex"
)

func newExceptExpire(s streams) *cobra.Command {
	var dir string
	var ended, remove bool
	cmd := &cobra.Command{
		Use:   "expire CVE|RULE|FILE",
		Short: "End exceptions today, or remove those that have ended",
		Long: `Ends the exceptions for a vulnerability or a rule, or those in a file, today. The files stay, so that it can be seen what was accepted until
when; --remove takes them away. --all-ended stands for every one that has ended already.

Exit codes:
  0  done
  1  the tool or its input failed; there is no such exception`,
		Example: `  tidewaiter except expire CVE-2021-23337
  tidewaiter except expire secret:private-key
  tidewaiter except expire --all-ended --remove`,
		Args: func(cmd *cobra.Command, args []string) error {
			if ended {
				return exactArgs()(cmd, args)
			}
			return exactArgs("CVE|RULE|FILE")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if ended && !remove {
				return fmt.Errorf("--all-ended is for --remove: what has ended cannot be ended again")
			}
			return exceptExpire(s, dir, append(args, "")[0], remove)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&ended, "all-ended", false, "all that have ended already (with --remove)")
	f.BoolVar(&remove, "remove", false, "take them out of their files, and the files away that are empty then")
	addExceptionsFlag(f, &dir)
	return cmd
}

// exceptExpire ends the exceptions that are named, or removes them; without a name it is about those that have ended.
func exceptExpire(s streams, dir, named string, remove bool) error {
	list, err := loadExceptions(dir)
	if err != nil {
		return err
	}
	today := s.now().UTC().Format(time.DateOnly)
	which := map[string][]int{}
	var files []string
	for i := range list {
		e := &list[i]
		lapse, _ := e.Lapsed(vex.Demands{}, s.now())
		meant := e.File == filepath.Clean(named) || slices.ContainsFunc(e.Vulnerabilities, func(id string) bool { return strings.EqualFold(id, named) })
		if named == "" {
			meant = lapse == vex.Expired
		}
		if !meant || !remove && lapse == vex.Expired || slices.Contains(which[e.File], e.Index) {
			continue
		}
		if !slices.Contains(files, e.File) {
			files = append(files, e.File)
		}
		which[e.File] = append(which[e.File], e.Index)
		fmt.Fprintln(s.out, map[bool]string{false: "ended", true: "removed"}[remove]+" "+exceptionLine(e))
	}
	if len(files) == 0 && named != "" {
		return fmt.Errorf("no exception in force is for %s: tidewaiter except list shows them", named)
	}
	for _, file := range files {
		if err := changeExceptions(file, which[file], remove, today, s.now()); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

func changeExceptions(file string, which []int, remove bool, today string, now time.Time) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var changed []byte
	if remove {
		changed, err = vex.RemoveExceptions(raw, which, now)
	} else {
		changed, err = vex.EndExceptions(raw, which, today, now)
	}
	switch {
	case err != nil:
		return err
	case changed == nil:
		return os.Remove(file)
	}
	return writeWhole(file, changed)
}
