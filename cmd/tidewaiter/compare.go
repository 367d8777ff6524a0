package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tidewaiter/advisory"
	"tidewaiter/assess"
	"tidewaiter/match"
	"tidewaiter/report"
	"tidewaiter/vex"
)

// compareOptions are what the user asked of a comparison.
type compareOptions struct {
	scanOptions
	toEnv string
	fail  setbacks
}

func newCompare(s streams) *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "What got better from one image to another, what got worse, and why",
		Long: `Says in one sentence whether B is better than A and by what, then what changed: findings, goals, packages, configuration, licences, files.
Each change of a finding has one cause: the image changed, the advisories changed, or a rule or an exception changed. It is found by
trying: A's packages are held against the advisories of today, then under the rules and exceptions of today, and what is left is the image's doing.
Steps that were proposed for A are held against what came of them.

` + sideHelp + `

With --to-env, what runs in an environment is compared with one image.

Exit codes:
  0  done, whatever was found
  1  the tool or its input failed
  2  --exit-on: it was found
  4  --exit-on: it was not found, but there are new blind spots`,
		Example: `  tidewaiter compare shop:2.0 shop:2.1
  tidewaiter compare shop:2.1 --to-env production
  tidewaiter compare report:monday.json report:friday.json
  tidewaiter compare --exit-on worse env:production oci:build/shop`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.toEnv != "" {
				return exactArgs("IMAGE")(cmd, args)
			}
			return exactArgs("A", "B")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.toEnv != "" {
				args = []string{envScheme + o.toEnv, args[0]}
			}
			return compareCommand(cmd.Context(), s, args[0], args[1], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.outputs.addFlags(cmd, "text", "json", "markdown")
	o.outputs.addAll(f)
	f.StringVar(&o.toEnv, "to-env", "", "compare what runs in the environment (tidewaiter record) with the image")
	f.Var(&o.fail, "exit-on", "exit with 2 when found: a comma-separated list of "+strings.Join(setbackWords, ", "))
	o.addJudging(cmd)
	offer(cmd, "exit-on", setbackWords...)
	return cmd
}

// setbackWords are the words that --exit-on of compare takes.
var setbackWords = []string{"worse", "new", "goal"}

// setbacks is what --exit-on asks for.
type setbacks []string

func (b *setbacks) String() string { return strings.Join(*b, ",") }

func (b *setbacks) Type() string { return "list" }

func (b *setbacks) Set(text string) error {
	for word := range strings.SplitSeq(strings.ToLower(text), ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains(setbackWords, word) {
			return fmt.Errorf("unknown word %q: one of %s", word, strings.Join(setbackWords, ", "))
		}
		*b = append(*b, word)
	}
	return nil
}

// judge gives the exit code that the contract has for a comparison.
func (b setbacks) judge(c *assess.Comparison) error {
	for _, word := range b {
		found := false
		switch word {
		case "worse":
			found = c.Outcome == assess.Worse || c.Outcome == assess.Mixed
		case "new":
			found = slices.ContainsFunc(c.Findings, func(f assess.FindingChange) bool {
				return f.Change == assess.Opened && f.To.Asks()
			}) || slices.ContainsFunc(c.Contraband, func(n assess.ContrabandChange) bool {
				return n.Change == assess.Opened && n.Kind != vex.Hardening
			})
		case "goal":
			found = slices.ContainsFunc(c.Goals, func(g assess.GoalChange) bool { return g.To == assess.Fail })
		}
		if found {
			return verdict{exitNotMet, "--exit-on " + word + ": " + c.Headline}
		}
	}
	if len(b) > 0 && (len(c.BlindSpots.New) > 0 || c.Outcome == assess.Unclear) {
		return verdict{exitUnknown, "nothing of the kind that --exit-on names was found, but not all could be judged: see the blind spots"}
	}
	return nil
}

func compareCommand(ctx context.Context, s streams, from, to string, o compareOptions) error {
	if err := errors.Join(o.outputs.check(), o.checkOrigin()); err != nil {
		return err
	}
	db, err := openAdvisories(o.scanOptions)
	if err != nil {
		return err
	}
	if db != nil {
		defer db.Close()
	}
	c, err := o.compare(ctx, s, from, to, db)
	if err != nil {
		return err
	}
	out := report.NewComparison(report.Tool{Name: "tidewaiter", Version: release}, c)
	if err := o.outputs.write(s, map[string]form{"text": out.Text, "json": out.JSON, "markdown": out.Markdown}); err != nil {
		return err
	}
	return o.fail.judge(c)
}

// compare loads both sides and says what changed from the one to the other.
func (o *compareOptions) compare(ctx context.Context, s streams, from, to string, db *advisory.DB) (*assess.Comparison, error) {
	for _, ref := range []string{to, from} {
		if name, ok := strings.CutPrefix(ref, envScheme); ok && o.env == "" {
			o.env = name
		}
	}
	second, err := loadSide(ctx, s, to, "", db, o.scanOptions)
	if err != nil {
		return nil, err
	}
	if o.env == "" {
		env, err := o.environment(&second.report.Image)
		if err != nil {
			return nil, err
		}
		o.env = env.Name
	}
	first, err := loadSide(ctx, s, from, second.report.Image.Repository, db, o.scanOptions)
	if err != nil {
		return nil, err
	}
	return o.compareSides(ctx, s, first, second, db)
}

// compareSides says what changed from the one side to the other, in the environment that o names.
func (o *scanOptions) compareSides(ctx context.Context, s streams, first, second *side, db *advisory.DB) (*assess.Comparison, error) {
	env, err := o.environment(nil)
	if err != nil {
		return nil, err
	}
	d := assess.Differing{Environment: env, Options: assess.Options{Now: s.now(), Bindings: o.settings().Bindings}}
	if recorded := second.report.Deployment; recorded != nil {
		d.Options.Since = recorded.SinceMap()
	} else {
		_, d.Options.Since = o.running(env.Name, second.report.Image.Repository)
	}
	if d.Stages, d.Inferred, err = o.stages(ctx, s, first, second, db); err != nil {
		return nil, err
	}
	if a := first.report.Assessment; a != nil {
		d.Predicted = a.Steps
	}
	if first.files != nil && second.files != nil {
		d.Files = assess.CompareFiles(first.files, second.files)
	}
	d.Deployed = [2]*assess.Deployment{first.report.Deployment, second.report.Deployment}
	return assess.Compare(d), nil
}

// stages are the way from the one side to the other. What was stored is taken through the advisories and the rules of the other, as far as these are at
// hand; where they are not, the second value says why.
func (o *scanOptions) stages(ctx context.Context, s streams, first, second *side, db *advisory.DB) ([]assess.Stage, string, error) {
	direct := []assess.Stage{first.stage(""), second.stage(assess.ByImage)}
	a, b := first.report, second.report
	switch {
	case !first.stored && !second.stored, a.Data == nil, b.Data == nil:
		return direct, "", nil
	case db == nil:
		return direct, "there is no advisory file to judge the first by once more", nil
	case first.stored && b.Data.Revision == db.Info().Revision:
		steps, err := o.counterfactual(ctx, s, first, second, db)
		if err != nil {
			return nil, "", err
		}
		return slices.Concat(direct[:1], steps, direct[1:]), "", nil
	case second.stored && a.Data.Revision == db.Info().Revision:
		steps, err := o.counterfactual(ctx, s, second, first, db)
		if err != nil {
			return nil, "", err
		}
		// The same way from the other end: what the image changed comes first.
		ruled, known := steps[1], steps[0]
		ruled.Cause, known.Cause = assess.ByImage, assess.ByRules
		direct[1].Cause = assess.ByAdvisories
		return []assess.Stage{direct[0], ruled, known, direct[1]}, "", nil
	}
	return direct, "both were judged by advisories that are not at hand", nil
}

// stage is a side as it was read or stored.
func (d *side) stage(cause assess.Cause) assess.Stage {
	s := assess.Stage{Cause: cause, Subject: &d.report.Subject}
	if d.stored {
		s.Assessment = d.report.Assessment
	}
	return s
}

// counterfactual judges what was stored by the advisories of the other side, and then by its rules, statements and exceptions as well.
func (o *scanOptions) counterfactual(ctx context.Context, s streams, stored, other *side, db *advisory.DB) ([]assess.Stage, error) {
	a, b := stored.report, other.report
	plain := *o
	plain.onlyBase, plain.ignoreBase, plain.baseline = false, false, nil
	plain.rules = rules(maps.Clone(a.Rules))
	known, err := plain.judge(recalled(a), db, s.now())
	if err != nil {
		return nil, err
	}
	keepExceptions(known.Findings, a.Findings, func(f *match.Finding) string { return f.Package })
	var ruled *report.Report
	if other.stored {
		plain.rules = rules(maps.Clone(b.Rules))
		if ruled, err = plain.judge(recalled(a), db, s.now()); err == nil {
			keepExceptions(ruled.Findings, b.Findings, func(f *match.Finding) string { return f.Of.Type + " " + f.Of.Name })
		}
	} else {
		judging := *o
		judging.baseline = nil
		ruled, err = rematch(ctx, a, db, s.now(), judging)
	}
	if err != nil {
		return nil, err
	}
	for _, r := range []*report.Report{known, ruled} {
		r.Image = a.Image
		if !looked(a) {
			unasked(r.Findings, r.Rules)
		}
	}
	return []assess.Stage{{Cause: assess.ByAdvisories, Subject: &known.Subject}, {Cause: assess.ByRules, Subject: &ruled.Subject}}, nil
}

// keepExceptions quiets what the statements and exceptions of a stored report quieted in it, in packages that are called the same.
func keepExceptions(findings, stored []match.Finding, called func(f *match.Finding) string) {
	type problem struct{ of, id string }
	quieted := map[problem]*match.Quieted{}
	for i := range stored {
		f := &stored[i]
		if f.Quieted == nil || slices.ContainsFunc(match.Rules(), func(r match.Rule) bool { return r.Name == f.Quieted.By }) {
			continue
		}
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			quieted[problem{called(f), id}] = f.Quieted
		}
	}
	for i := range findings {
		f := &findings[i]
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			if q := quieted[problem{called(f), id}]; q != nil && f.Quieted == nil && !f.Malicious {
				f.Quieted = q
			}
		}
	}
}
