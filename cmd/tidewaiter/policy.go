package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidewaiter/assess"
	"tidewaiter/assess/environments"
	"tidewaiter/report"
)

func newPolicy(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Try the goals of environments before they are enforced",
		Args:  onlyCommands,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyTest(s))
	return cmd
}

// policyOptions are what the user asked of a test.
type policyOptions struct {
	config       configFile
	environments []string
	against      string
	expect       string
	outputs      outputs
}

func newPolicyTest(s streams) *cobra.Command {
	var o policyOptions
	cmd := &cobra.Command{
		Use:   "test REPORT...",
		Short: "Hold stored reports against the goals, to see what a change of them would do",
		Long: `Judges the findings of stored reports (scan --format json) by the goals of each environment, and shows what comes out otherwise than the
report says, or than the configuration that --against names. No image is read, and nothing is matched anew. REPORT may be a directory.

--expect says which verdict is right: pass, fail or unknown for all, or a file with a line for each: REPORT ENVIRONMENT VERDICT.

Exit codes:
  0  done; every verdict is as expected
  1  the tool or its input failed
  2  a verdict is not as expected
  3  there was no report to judge`,
		Example: `  tidewaiter policy test reports/
  tidewaiter policy test --env production --against old.yaml reports/*.json
  tidewaiter policy test --expect verdicts.txt reports/`,
		RunE: func(_ *cobra.Command, args []string) error { return policyTest(s, args, o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	addConfigFlag(f, &o.config)
	f.StringSliceVar(&o.environments, "env", nil, "an environment to judge for; may repeat (default: all)")
	f.StringVar(&o.against, "against", "", "another configuration: show what comes out otherwise than by it")
	f.StringVar(&o.expect, "expect", "", "the verdict that is right: pass, fail, unknown, or a file with lines of REPORT ENVIRONMENT VERDICT")
	o.outputs.addFlags(cmd, "text", "json")
	return cmd
}

func policyTest(s streams, args []string, o policyOptions) error {
	if err := o.outputs.check(); err != nil {
		return err
	}
	if len(args) == 0 {
		return errors.New("REPORT is missing: see tidewaiter policy test --help")
	}
	right, err := readExpectations(o.expect)
	if err != nil {
		return err
	}
	now := o.config.settings()
	var before *environments.Settings
	if o.against != "" {
		other := configFile{file: o.against}
		if err := other.load(); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--against: no such file: %s", o.against)
		} else if err != nil {
			return fmt.Errorf("--against: %w", err)
		}
		before = other.settings()
	}
	names := o.environments
	if len(names) == 0 {
		names = now.Names()
	}
	files, err := reportFiles(args)
	if err != nil {
		return err
	}
	var trials []report.Trial
	for _, file := range files {
		r, err := readDocument(s, file, report.Read)
		if err != nil {
			return err
		}
		for _, name := range names {
			t, err := try(r, file, name, now, before, s.now())
			if err != nil {
				return err
			}
			t.Expected = right.of(file, name)
			trials = append(trials, t)
		}
	}
	err = o.outputs.write(s, map[string]form{
		"text": func(w io.Writer, to report.TextOptions) error { return report.TrialsText(w, trials, to) },
		"json": func(w io.Writer, _ report.TextOptions) error { return report.TrialsJSON(w, trials) },
	})
	if err != nil {
		return err
	}
	return right.judge(trials)
}

// reportFiles gives the files that arguments mean: of a directory those that end in .json, sorted.
func reportFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		arg = strings.TrimPrefix(arg, reportScheme)
		info, err := os.Stat(arg)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no such file: %s", arg)
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".json") && !e.IsDir() {
				files = append(files, filepath.Join(arg, e.Name()))
			}
		}
	}
	return files, nil
}

// try judges a report for an environment. What it is compared with is the other configuration, or else what the report itself says.
func try(r *report.Report, file, name string, settings, before *environments.Settings, now time.Time) (report.Trial, error) {
	env, err := environmentNamed(settings, name)
	if err != nil {
		return report.Trial{}, err
	}
	t := report.Trial{Report: file, Image: r.Image.Reference, Environment: name}
	t.Goals, t.Verdict = judgeStored(r, env, settings, now)
	if before != nil {
		if old, ok := before.Environment(name); ok {
			t.Before, t.Was = judgeStored(r, old, before, now)
		}
	} else if a := r.Assessment; a != nil && a.Environment == name {
		t.Before, t.Was = a.Goals, a.Verdict
	}
	t.Compare()
	return t, nil
}

// judgeStored judges a report's findings, which stay as they are.
func judgeStored(r *report.Report, env assess.Environment, settings *environments.Settings, now time.Time) ([]assess.GoalResult, assess.Verdict) {
	subject := r.Subject
	subject.Findings = slices.Clone(r.Findings)
	return assess.Judge(&subject, env, assess.Options{Now: now, Bindings: settings.Bindings})
}

// expectations are the verdicts that are right.
type expectations struct {
	all   assess.Verdict
	lines []expectation
}

type expectation struct {
	report, environment string
	verdict             assess.Verdict
	used                bool
}

// readExpectations reads --expect: a verdict, or the name of a file with a line for each.
func readExpectations(text string) (*expectations, error) {
	if v := assess.Verdict(text); text == "" || isVerdict(v) {
		return &expectations{all: v}, nil
	}
	f, err := os.Open(text)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("--expect %s: neither pass, fail nor unknown, nor a file", text)
	}
	if err != nil {
		return nil, fmt.Errorf("--expect: %w", err)
	}
	defer f.Close()
	var out expectations
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) != 3 || !isVerdict(assess.Verdict(words[2])):
			return nil, fmt.Errorf("--expect: %s:%d: write REPORT ENVIRONMENT VERDICT, where the verdict is pass, fail or unknown", text, n)
		default:
			out.lines = append(out.lines, expectation{report: words[0], environment: words[1], verdict: assess.Verdict(words[2])})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--expect: %s: %w", text, err)
	}
	return &out, nil
}

func isVerdict(v assess.Verdict) bool {
	return v == assess.Pass || v == assess.Fail || v == assess.Unknown
}

// of gives the verdict that is right for a report; empty where any is. A line names the report's path, or the end of it.
func (e *expectations) of(file, environment string) assess.Verdict {
	for i := range e.lines {
		l, named := &e.lines[i], filepath.ToSlash(file)
		if l.environment == environment && (named == l.report || strings.HasSuffix(named, "/"+l.report)) {
			l.used = true
			return l.verdict
		}
	}
	return e.all
}

// judge gives the exit code that the contract has for the trials. A line that nothing was tried for is a mistake in it.
func (e *expectations) judge(trials []report.Trial) error {
	if len(trials) == 0 {
		return verdict{exitNothing, "there was no report to judge"}
	}
	wrong := 0
	for _, t := range trials {
		if t.Expected != "" && t.Expected != t.Verdict {
			wrong++
		}
	}
	for _, l := range e.lines {
		if !l.used {
			return fmt.Errorf("--expect: no report was judged for the line %s %s %s", l.report, l.environment, l.verdict)
		}
	}
	switch wrong {
	case 0:
		return nil
	case 1:
		return verdict{exitNotMet, "1 verdict is not as expected"}
	}
	return verdict{exitNotMet, fmt.Sprintf("%d verdicts are not as expected", wrong)}
}
