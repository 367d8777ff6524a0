package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/vex"
)

// usualExceptions is where exceptions lie unless told otherwise.
const usualExceptions = ".openvex"

// withoutExceptions is what --exceptions takes for none at all.
const withoutExceptions = "none"

func newExcept(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "except",
		Short: "Exceptions: findings that ask for nothing for a time, with an owner and a reason",
		Long: `An exception is a risk that somebody accepts, or a finding that does not apply, for a time: an OpenVEX file of its own in the
directory ` + usualExceptions + ` of the repository, with an owner, a reason, a scope (image, package or file, environments) and an end. It may be
for a vulnerability, or for what a rule found of malware, secrets or hardening (malware:RULE, secret:RULE, hardening:CHECK). All commands
that judge images go by them. One that has ended, or that fails the demands of the environment (tidewaiter.yaml: exceptions), quiets
nothing any more, and that is reported. Malicious packages are never quieted.`,
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExceptAdd(s), newExceptList(s), newExceptLint(s), newExceptExpire(s), newExceptImport(s))
	return cmd
}

func addExceptionsFlag(f *pflag.FlagSet, dir *string) {
	f.StringVar(dir, "exceptions", "", "the directory of your exceptions (default "+usualExceptions+", where there is one), or "+withoutExceptions)
}

// loadExceptions reads the directory that --exceptions names, else the usual one where it is there.
func loadExceptions(dir string) ([]vex.Exception, error) {
	if dir == withoutExceptions {
		return nil, nil
	}
	list, err := vex.LoadExceptions(exceptionsDir(dir))
	switch {
	case err == nil:
		return list, nil
	case dir == "" && errors.Is(err, fs.ErrNotExist) && !isThere(usualExceptions):
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--exceptions: no such directory: %s", dir)
	}
	return nil, fmt.Errorf("exceptions: %w", err)
}

func exceptionsDir(dir string) string {
	if dir == "" {
		return usualExceptions
	}
	return dir
}

func isThere(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// demands are what an environment demands of exceptions.
func demands(env *assess.Environment) vex.Demands {
	return vex.Demands{Environment: env.Name, Approver: env.Exceptions.Approver, Longest: env.Exceptions.Longest}
}

// tellLapsed says in one line that exceptions hold no more for findings which stand.
func tellLapsed(s streams, unused []match.UnusedStatement) {
	var lapsed []match.UnusedStatement
	for _, u := range unused {
		if u.Stands {
			lapsed = append(lapsed, u)
		}
	}
	switch len(lapsed) {
	case 0:
	case 1:
		u := lapsed[0]
		fmt.Fprintln(s.err, oneLine(fmt.Sprintf("tidewaiter: %s: the exception for %s quiets nothing: %s", u.Source, u.Vulnerability, u.Why)))
	default:
		fmt.Fprintf(s.err, "tidewaiter: %d exceptions quiet nothing any more (%s): tidewaiter except list shows them\n", len(lapsed), match.CountExceptions(nil, lapsed))
	}
}

// exceptionLine tells an exception in one line.
func exceptionLine(e *vex.Exception) string {
	what := "risk accepted"
	if e.Status == vex.NotAffected {
		what = "does not apply (" + strings.ReplaceAll(e.Justification, "_", " ") + ")"
	}
	return oneLine(fmt.Sprintf("%s in %s: %s until %s by %s: %s", e.Vulnerabilities[0], e.Scope(), what, until(e.End), e.Owner, e.Reason))
}

// until is an end in words.
func until(e vex.End) string {
	switch {
	case e.Day != "" && e.Fix:
		return e.Day + " or a fix"
	case e.Fix:
		return "there is a fix"
	}
	return e.Day
}
