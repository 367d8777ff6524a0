package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"tidewaiter/report"
)

// The exit codes are a contract with scripts.
const (
	exitDone    = 0 // done; a gate, if one was asked for, is passed
	exitFailed  = 1 // the tool or its input failed, usage included
	exitNotMet  = 2 // a gate was not met
	exitNothing = 3 // there was nothing to evaluate
	exitUnknown = 4 // the verdict is unknown: blind spots
)

const exitCodeHelp = `Exit codes:
  0  done; nothing of what --exit-on names was found
  1  the tool or its input failed
  2  --exit-on: it was found
  3  --exit-on: there was nothing to evaluate
  4  --exit-on: nothing was found, but not all could be judged (blind spots, severities that nobody has rated)`

// envPrefix begins the names of the variables that set flags.
const envPrefix = "TIDEWAITER_"

// verdict ends the program with a code of the contract; its message, if any, is one line for people.
type verdict struct {
	code    int
	message string
}

func (v verdict) Error() string { return v.message }

// streams are the program's surroundings, so that tests can give others.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// width is the columns of the terminal that out is; 0 when it is none.
	width int
	// errTerminal says that err is a terminal, where progress may be drawn.
	errTerminal bool
	now         func() time.Time
}

func std() streams {
	s := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: now}
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.width = w
	}
	s.errTerminal = term.IsTerminal(int(os.Stderr.Fd()))
	return s
}

// now is the time that data's age is measured by: SOURCE_DATE_EPOCH where it is set, so that a run can be repeated to
// the byte (https://reproducible-builds.org/specs/source-date-epoch/).
func now() time.Time {
	if s := os.Getenv("SOURCE_DATE_EPOCH"); s != "" {
		if sec, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(sec, 0).UTC()
		}
	}
	return time.Now().UTC()
}

// run executes one command line and returns the exit code. A failure of the tool is never exitNotMet, not even a crash, for which Go's own
// code is the same.
func run(ctx context.Context, args []string, s streams) (code int) {
	defer func() {
		if crash := recover(); crash != nil {
			fmt.Fprintf(s.err, "tidewaiter: crashed, which is a mistake of the program: please report these lines: %v\n%s", crash, debug.Stack())
			code = exitFailed
		}
	}()
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var v verdict
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		fmt.Fprintln(s.err, "tidewaiter: interrupted")
		return exitFailed
	case errors.As(err, &v):
		if v.message != "" {
			fmt.Fprintln(s.err, "tidewaiter: "+v.message)
		}
		return v.code
	}
	fmt.Fprintln(s.err, "tidewaiter: "+oneLine(err.Error()))
	return exitFailed
}

// oneLine keeps what an error quotes (a registry's answer, a name out of an image) from drawing on the terminal.
func oneLine(text string) string { return report.Clean(strings.Join(strings.Fields(text), " ")) }

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidewaiter",
		Short: "What is aboard a container image, what is wrong with it, and what to do next",
		Long: `Tidewaiter looks into a container image and says what is aboard, who brought it, what is known to
be wrong with it, and what to do next. What could not be read or judged is always said.

IMAGE is name:tag or name@sha256:..., a path (an OCI layout, an archive, a root file system), or has a scheme:
registry:NAME  docker:NAME  oci:DIR[:tag]  oci-archive:FILE  docker-archive:FILE  dir:DIR
All commands but trace and base also take sbom:FILE, an SPDX, CycloneDX or Syft document. gate and compare take report:FILE (of
scan --format json) and env:NAME (what was recorded to run in an environment) too.

Every flag can be set in the environment: --plain-http is TIDEWAITER_PLAIN_HTTP.`,
		Example: `  tidewaiter demo
  tidewaiter db update
  tidewaiter scan debian:12`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return configure(cmd.Flags())
		},
		Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())
	})
	addGroup(root, "Look at an image:", newScan(s), newExplain(s), newTrace(s), newSBOM(s), newCompare(s))
	addGroup(root, "Believe its papers:", newVerify(s), newAttest(s))
	addGroup(root, "Decide whether it may run:", newGate(s), newPolicy(s), newConfig(s))
	addGroup(root, "Make it better:", newAdvise(s), newExcept(s), newRecord(s))
	addGroup(root, "Look after the data:", newDB(s), newBase(s), newKey(s))
	root.AddCommand(newDemo(s), newVersion(s), newLimitsHelp(), newRulesHelp(), newVEXHelp())
	return root
}

// addGroup adds commands that stand together in the help.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

// onlyCommands refuses a word that is no command: a mistake to name, not a reason to print the help.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if !cmd.HasParent() {
		hint = "; to scan an image: tidewaiter scan " + args[0]
	}
	return fmt.Errorf("unknown command %q: %s --help lists them%s", args[0], cmd.CommandPath(), hint)
}

// exactArgs is cobra.ExactArgs with an error that says what is expected.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing: %s", names[len(args)], cmd.UseLine())
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many: %s", args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// fromEnvironment gives the flags that the command line does not set their value from the environment.
func fromEnvironment(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, set := os.LookupEnv(name)
		if err != nil || f.Changed || !set || value == "" {
			return
		}
		if e := flags.Set(f.Name, value); e != nil {
			err = fmt.Errorf("environment variable %s: %w", name, e)
		}
		comesFrom(f, "environment variable "+name)
	})
	return err
}
